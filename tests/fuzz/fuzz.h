/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share. A target is LLVMFuzzerTestOneInput(), which takes an input apart, gives it to
 * a decoder of the product and holds what comes back to that decoder's promises with must(), which aborts.
 *
 * Inputs are lists of pieces with FUZZ_NEXT between them, not lengths and offsets, so that a byte that the
 * fuzzer inserts into one piece leaves the others alone. What is forged around the pieces (checksums,
 * lengths) is chosen by flags at the front of the input.
 */
#ifndef WALKV_TESTS_FUZZ_FUZZ_H
#define WALKV_TESTS_FUZZ_FUZZ_H

#include "buffer.h"
#include "log.h"
#include "span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FUZZ_NEXT "|nxt"
#define FUZZ_UUID "walkv-fuzz-store" /* 16 bytes: the store that a target reads as its own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the inputs of a corpus, taken together, must reach, so that a format that has moved on makes the
 * corpus fail and not pass unread. Each target lists its goals, NULL at the end, and says when it was there;
 * at exit those that were not are told on standard error, "never reached: ...", if WALKV_FUZZ_GOALS is set.
 * To libFuzzer a goal is as good as new code, so it keeps an input that reaches one. */
#define FUZZ_GOALS_MAX 32
extern const char *const fuzz_goals[];
void fuzz_reached(unsigned goal);

/* Takes what stands before the next `separator` off the front of `rest`, and the separator with it. */
struct span fuzz_cut(struct span *rest, const char *separator);

/* A copy in a heap block of exactly that size, in which ASan sees every overrun; free() it. */
char *fuzz_boxed(const void *bytes, size_t count);

static inline bool fuzz_same(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* A stream of bytes that arrives in parts of chosen sizes; when those are used up, the rest comes at once. */
struct fuzz_stream {
    struct buffer bytes;
    struct span sizes; /* each byte is the size of a part less one */
    size_t parts;
    size_t at;
};

/* The next part; empty at the end of the stream. */
struct span fuzz_stream_next(struct fuzz_stream *);

/* Takes an input of the two socket targets apart: a byte of flags, sizes, and frames with FUZZ_NEXT between
 * them. */
enum { FUZZ_FRAMES_SEAL = 1 }; /* each frame gets the magic, the length that it has, and the zero */
void fuzz_frames(struct fuzz_stream *, const uint8_t *data, size_t size);

/* What is left of a stream that has ended, without being a bad frame, is the front of one that may come. */
void fuzz_check_waiting(struct span rest);

/* Appends to `in` and makes the bytes behind it, which it has room for, untouchable until the next call. */
void fuzz_fenced_append(struct buffer *in, struct span part);
void fuzz_fenced_free(struct buffer *in);

#endif
