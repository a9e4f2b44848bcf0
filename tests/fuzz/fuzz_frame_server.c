/* SPDX-License-Identifier: MIT
 *
 * What walkvd reads from its peers: a stream of frames that arrives in parts (fuzz.h has the input), hello
 * and write, and the record that a write becomes.
 *
 * The frames are the same however the stream was cut, a bad one ends the connection for good, and whatever a
 * decoder takes is, encoded again, byte for byte what came. The bodies are tried as records as well: bytes
 * that no peer sends, but a forged log may have.
 */
#include "fuzz.h"

#include "frame.h"
#include "name.h"
#include "peer.h"
#include "record.h"

#include <stdlib.h>

enum { HELLO, WRITE, REFUSED_WRITE, REFUSED_RECORD, THREE_FRAMES, BAD, RECORD /* and its operation */ };

const char *const fuzz_goals[] = {
    [HELLO] = "a hello",
    [WRITE] = "a write",
    [REFUSED_WRITE] = "a refused write",
    [REFUSED_RECORD] = "a refused record",
    [THREE_FRAMES] = "three frames",
    [BAD] = "a bad frame",
#define X(name, number, text) [RECORD + (number)] = "a record: " text,
    OP_TABLE(X)
#undef X
        NULL,
};

static bool is_again(const struct frame *frame, const struct buffer *again)
{
    struct frame other;
    return frame_decode(buffer_span(again), &other) == (long)again->bytes && other.type == frame->type &&
           other.id == frame->id && fuzz_same(other.body, frame->body);
}

static void check_hello(const struct frame *frame)
{
    struct hello hello;
    struct buffer again = {0};
    if (!frame_decode_hello(frame->body, &hello))
        return;
    frame_encode_hello(&again, frame->id, &hello);
    must(is_again(frame, &again));
    buffer_free(&again);
    fuzz_reached(HELLO);
}

static void check_write(const struct frame *frame)
{
    struct write_request w;
    struct buffer again = {0};
    if (!frame_decode_write(frame->body, &w)) {
        fuzz_reached(REFUSED_WRITE);
        return;
    }
    must(name_valid(w.name) && w.op > OP_NOOP && w.op < OP_LIMIT && w.condition < CONDITION_LIMIT);
    must((w.value.bytes > 0) == (w.op == OP_SET || w.op == OP_ENQUEUE));
    frame_encode_write(&again, frame->id, &w);
    must(is_again(frame, &again));

    struct record back, record = {.op = w.op, .name = w.name, .value = w.value, .sequence = w.version};
    again.bytes = 0;
    record_encode(&again, &record);
    struct span bytes = buffer_span(&again);
    must(record_decode(&bytes, &back) && bytes.bytes == 0 && back.op == w.op &&
         fuzz_same(back.name, w.name) && fuzz_same(back.value, w.value) && back.queue_id == 0 &&
         back.sequence == w.version);
    buffer_free(&again);
    fuzz_reached(WRITE);
    fuzz_reached(RECORD + w.op);
}

static void check_records(struct span body)
{
    char *box = fuzz_boxed(body.at, body.bytes);
    struct span rest = {box, body.bytes};
    struct record record;
    const char *at = rest.at;
    while (record_decode(&rest, &record)) {
        struct buffer again = {0};
        must(record.op < OP_LIMIT && (record.op == OP_NOOP || name_valid(record.name)));
        record_encode(&again, &record);
        must(fuzz_same(buffer_span(&again), (struct span){at, (size_t)(rest.at - at)}));
        buffer_free(&again);
        at = rest.at;
        fuzz_reached(RECORD + record.op);
    }
    must(rest.at == at && (size_t)(at - box) + rest.bytes == body.bytes);
    if (rest.bytes)
        fuzz_reached(REFUSED_RECORD);
    free(box);
}

/* Each part as it would arrive; returns how many bytes whole frames took. */
static size_t serve(struct fuzz_stream *s, size_t *frames)
{
    struct peer p = {.reading = true};
    struct span part;
    struct frame frame;
    size_t done = 0;
    int more = 0;
    while (more >= 0 && (part = fuzz_stream_next(s)).bytes > 0) {
        fuzz_fenced_append(&p.in, part);
        while ((more = peer_next(&p, &frame)) > 0) {
            must(fuzz_same(frame.body,
                           (struct span){s->bytes.data + done + FRAME_HEADER_BYTES, frame.body.bytes}));
            done += FRAME_HEADER_BYTES + frame.body.bytes;
            ++*frames;
            if (frame.type == FRAME_HELLO)
                check_hello(&frame);
            else if (frame.type == FRAME_WRITE)
                check_write(&frame);
            check_records(frame.body);
        }
        must(p.broken == (more < 0) && p.consumed <= p.in.bytes);
        if (more == 0)
            peer_finish(&p, SIZE_MAX);
    }
    if (more < 0) {
        must(peer_next(&p, &frame) < 0);
        fuzz_reached(BAD);
    } else {
        fuzz_check_waiting(buffer_span(&p.in));
    }
    fuzz_fenced_free(&p.in);
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_stream s;
    size_t frames = 0, whole_frames = 0;
    fuzz_frames(&s, data, size);
    size_t done = serve(&s, &frames);
    s.at = 0;
    s.sizes.bytes = 0;
    must(serve(&s, &whole_frames) == done && frames == whole_frames);
    if (frames >= 3)
        fuzz_reached(THREE_FRAMES);
    buffer_free(&s.bytes);
    return 0;
}
