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

enum {
    HELLO,
    HELLO_OF_SESSION,
    HELLO_OF_ANOTHER,
    WRITE,
    WRITE_IN_SESSION,
    WRITE_WITH_KEY,
    REFUSED_WRITE,
    REFUSED_RECORD,
    RECORD_OF_SESSION,
    RECORD_WITH_KEY,
    WATCH,
    THREE_FRAMES,
    BAD,
    RECORD /* and its operation */
};

const char *const fuzz_goals[] = {
    [HELLO] = "a hello",
    [HELLO_OF_SESSION] = "a hello that resumes a session",
    [HELLO_OF_ANOTHER] = "a hello of another protocol",
    [WRITE] = "a write",
    [WRITE_IN_SESSION] = "a write in a session",
    [WRITE_WITH_KEY] = "a write with an idempotency key",
    [REFUSED_WRITE] = "a refused write",
    [REFUSED_RECORD] = "a refused record",
    [RECORD_OF_SESSION] = "a record of a write in a session",
    [RECORD_WITH_KEY] = "a record of a write with an idempotency key",
    [WATCH] = "a watch",
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
    if (hello.protocol != FRAME_PROTOCOL) { /* and nothing behind that number is looked at */
        must(hello.role == 0 && hello.session == 0 && hello.sent_sequence == 0);
        fuzz_reached(HELLO_OF_ANOTHER);
        return;
    }
    must(hello.session <= UINT32_MAX && (hello.session || !hello.sent_sequence));
    frame_encode_hello(&again, frame->id, &hello);
    must(is_again(frame, &again));
    buffer_free(&again);
    fuzz_reached(hello.sent_sequence ? HELLO_OF_SESSION : HELLO);
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->session == b->session && a->sequence == b->sequence && a->confirmed == b->confirmed &&
           fuzz_same(a->key, b->key) && memcmp(a->fingerprint, b->fingerprint, FINGERPRINT_BYTES) == 0;
}

/* The record that a write becomes, with the answer that it gets. */
static void check_record_of(const struct write_request *w)
{
    struct record back, record = {.op = w->op, .name = w->name, .value = w->value, .sequence = w->version};
    struct buffer out = {0};
    record.identity = w->identity;
    if (w->identity.sequence)
        record.identity.session = 7; /* the connection's */
    if (!identity_is_none(&record.identity)) {
        record.result = (enum result)(w->version % RESULT_LIMIT);
        record.version = w->version;
        record.size = w->version + 1;
    }
    record_encode(&out, &record);
    must(out.bytes == record_bytes(w->name.bytes, w->value.bytes, &record.identity));
    struct span bytes = buffer_span(&out);
    must(record_decode(&bytes, &back) && bytes.bytes == 0 && back.op == w->op &&
         fuzz_same(back.name, w->name) && fuzz_same(back.value, w->value) && back.queue_id == 0 &&
         back.sequence == w->version);
    must(same_identity(&back.identity, &record.identity) && back.result == record.result &&
         back.version == record.version && back.size == record.size);
    buffer_free(&out);
}

static void check_write(const struct frame *frame)
{
    struct write_request w;
    struct buffer again = {0};
    if (!frame_decode_write(frame->body, &w)) {
        fuzz_reached(REFUSED_WRITE);
        return;
    }
    const struct identity *i = &w.identity;
    must(name_valid(w.name) && op_is_write(w.op) && w.condition < CONDITION_LIMIT);
    must((w.value.bytes > 0) == (w.op == OP_SET || w.op == OP_ENQUEUE));
    must(i->session == 0 && (i->key.bytes == 0 || idempotency_key_valid(i->key)));
    must(i->confirmed == 0 || i->confirmed < i->sequence);
    frame_encode_write(&again, frame->id, &w);
    must(is_again(frame, &again));
    frame_set_confirmed(again.data, i->confirmed);
    must(is_again(frame, &again));
    buffer_free(&again);
    check_record_of(&w);
    fuzz_reached(i->key.bytes ? WRITE_WITH_KEY : i->sequence ? WRITE_IN_SESSION : WRITE);
    fuzz_reached(RECORD + w.op);
}

static void check_watch(const struct frame *frame)
{
    uint64_t lsn;
    struct buffer again = {0};
    if (!frame_decode_lsn(frame->body, &lsn))
        return;
    frame_encode_lsn(&again, FRAME_WATCH, frame->id, lsn);
    must(is_again(frame, &again));
    buffer_free(&again);
    fuzz_reached(WATCH);
}

static void check_record(const struct record *r)
{
    bool named = r->op != OP_NOOP && r->op != OP_EXPIRE && r->op != OP_DEPART;
    const struct identity *i = &r->identity;
    must(r->op < OP_LIMIT && (named ? name_valid(r->name) : r->name.bytes + r->value.bytes == 0));
    must(named || identity_is_none(i));
    must(r->op != OP_REFUSE || (i->key.bytes && r->queue_id >= OP_SET && r->queue_id <= OP_FORGET));
    must(i->key.bytes == 0 || idempotency_key_valid(i->key));
    must(r->result < RESULT_LIMIT);
    if (!identity_is_none(i))
        fuzz_reached(i->key.bytes ? RECORD_WITH_KEY : RECORD_OF_SESSION);
    fuzz_reached(RECORD + r->op);
}

static void check_records(struct span body)
{
    char *box = fuzz_boxed(body.at, body.bytes);
    struct span rest = {box, body.bytes};
    struct record record;
    const char *at = rest.at;
    while (record_decode(&rest, &record)) {
        struct buffer again = {0};
        check_record(&record);
        record_encode(&again, &record);
        must(fuzz_same(buffer_span(&again), (struct span){at, (size_t)(rest.at - at)}));
        buffer_free(&again);
        at = rest.at;
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
        while ((more = peer_next(&p, SIZE_MAX, &frame)) > 0) {
            must(fuzz_same(frame.body,
                           (struct span){s->bytes.data + done + FRAME_HEADER_BYTES, frame.body.bytes}));
            done += FRAME_HEADER_BYTES + frame.body.bytes;
            ++*frames;
            if (frame.type == FRAME_HELLO)
                check_hello(&frame);
            else if (frame.type == FRAME_WRITE)
                check_write(&frame);
            else if (frame.type == FRAME_WATCH)
                check_watch(&frame);
            check_records(frame.body);
        }
        must(p.broken == (more < 0) && p.consumed <= p.in.bytes);
        if (more == 0)
            peer_finish(&p, SIZE_MAX);
    }
    if (more < 0) {
        must(peer_next(&p, SIZE_MAX, &frame) < 0);
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
