/* SPDX-License-Identifier: MIT
 * What the fuzz targets share; see fuzz.h. */
#include "fuzz.h"

#include "bytes.h"
#include "frame.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer looks at this section after each input, and clears it. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t reached_now[FUZZ_GOALS_MAX];
static bool reached[FUZZ_GOALS_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void tell_goals(void)
{
    for (unsigned goal = 0; fuzz_goals[goal]; goal++) {
        if (!reached[goal])
            fprintf(stderr, "never reached: %s\n", fuzz_goals[goal]);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return getenv("WALKV_FUZZ_GOALS") ? atexit(tell_goals) : 0;
}

void fuzz_reached(unsigned goal)
{
    must(goal < FUZZ_GOALS_MAX);
    reached[goal] = reached_now[goal] = true;
}

struct span fuzz_cut(struct span *rest, const char *separator)
{
    size_t bytes = strlen(separator);
    const char *found = rest->bytes ? memmem(rest->at, rest->bytes, separator, bytes) : NULL;
    struct span piece = {rest->at, found ? (size_t)(found - rest->at) : rest->bytes};
    size_t taken = found ? piece.bytes + bytes : piece.bytes;
    rest->at += taken;
    rest->bytes -= taken;
    return piece;
}

char *fuzz_boxed(const void *bytes, size_t count)
{
    char *box = malloc(count);
    must(box || !count);
    if (count)
        memcpy(box, bytes, count);
    return box;
}

struct span fuzz_stream_next(struct fuzz_stream *s)
{
    size_t left = s->bytes.bytes - s->at, bytes = left;
    if (s->parts < s->sizes.bytes)
        bytes = (size_t)(unsigned char)s->sizes.at[s->parts++] + 1;
    if (left == 0)
        return (struct span){"", 0};
    if (bytes > left)
        bytes = left;
    s->at += bytes;
    return (struct span){s->bytes.data + s->at - bytes, bytes};
}

void fuzz_frames(struct fuzz_stream *s, const uint8_t *data, size_t size)
{
    struct span rest = {(const char *)data, size};
    *s = (struct fuzz_stream){0};
    bool seal = size && data[0] & FUZZ_FRAMES_SEAL;
    if (size)
        rest = (struct span){rest.at + 1, rest.bytes - 1};
    s->sizes = fuzz_cut(&rest, FUZZ_NEXT);
    while (rest.bytes) {
        struct span piece = fuzz_cut(&rest, FUZZ_NEXT);
        size_t begin = s->bytes.bytes;
        buffer_append(&s->bytes, piece.at, piece.bytes);
        if (!seal || piece.bytes < FRAME_HEADER_BYTES)
            continue;
        char *header = s->bytes.data + begin;
        put_u32(header, FRAME_MAGIC);
        put_u32(header + 4, (uint32_t)(piece.bytes - FRAME_HEADER_BYTES));
        put_u16(header + 10, 0);
    }
}

void fuzz_check_waiting(struct span rest)
{
    must(rest.bytes < 4 || get_u32(rest.at) == FRAME_MAGIC);
    must(rest.bytes < FRAME_HEADER_BYTES || get_u32(rest.at + 4) <= FRAME_BODY_MAX);
    must(rest.bytes < FRAME_HEADER_BYTES || get_u32(rest.at + 4) > rest.bytes - FRAME_HEADER_BYTES);
}

void fuzz_fenced_append(struct buffer *in, struct span part)
{
    ASAN_UNPOISON_MEMORY_REGION(in->data, in->room);
    buffer_append(in, part.at, part.bytes);
    ASAN_POISON_MEMORY_REGION(in->data + in->bytes, in->room - in->bytes);
}

void fuzz_fenced_free(struct buffer *in)
{
    ASAN_UNPOISON_MEMORY_REGION(in->data, in->room);
    buffer_free(in);
}
