/* SPDX-License-Identifier: MIT
 *
 * What a worker and walkvctl read from walkvd: a stream of frames that arrives in parts (fuzz.h has the
 * input), with greeting, result, status and checkpoint reply.
 *
 * The frames are the same however the stream was cut, and whatever a decoder takes is, encoded again, byte
 * for byte what came. walkvd is trusted, but a socket of that name may be somebody else's.
 */
#include "fuzz.h"

#include "frame.h"
#include "status.h"

#include <errno.h>

enum {
    GREETING,
    GREETING_IN_FORCE,
    GREETING_OF_ANOTHER,
    STATUS,
    CHECKPOINT_REPLY,
    CHANGED,
    REPLAYED,
    REFUSED,
    THREE_FRAMES,
    BAD,
    RESULT /* and its number */
};

const char *const fuzz_goals[] = {
    [GREETING] = "a greeting",
    [GREETING_IN_FORCE] = "a greeting that says that the session is in force",
    [GREETING_OF_ANOTHER] = "a greeting of another protocol",
    [STATUS] = "a status",
    [CHECKPOINT_REPLY] = "a checkpoint reply",
    [CHANGED] = "word of a change",
    [REPLAYED] = "a result of an earlier request",
    [REFUSED] = "a refused body",
    [THREE_FRAMES] = "three frames",
    [BAD] = "a bad frame",
#define X(name, number, text) [RESULT + (number)] = "a result: " text,
    RESULT_TABLE(X)
#undef X
        NULL,
};

static void check_again(const struct frame *frame, struct buffer *again)
{
    struct frame other;
    must(frame_decode(buffer_span(again), &other) == (long)again->bytes && other.type == frame->type &&
         other.id == frame->id && fuzz_same(other.body, frame->body));
    buffer_free(again);
}

static bool check_greeting(const struct frame *frame)
{
    struct greeting greeting;
    struct buffer again = {0};
    if (!frame_decode_greeting(frame->body, &greeting))
        return false;
    if (greeting.protocol != FRAME_PROTOCOL) { /* and nothing behind that number is looked at */
        must(!greeting.session_in_force && greeting.view_path.bytes == 0 && greeting.version.bytes == 0);
        fuzz_reached(GREETING_OF_ANOTHER);
        return true;
    }
    frame_encode_greeting(&again, frame->id, &greeting);
    check_again(frame, &again);
    fuzz_reached(greeting.session_in_force ? GREETING_IN_FORCE : GREETING);
    return true;
}

static bool check_result(const struct frame *frame)
{
    struct write_result result;
    struct buffer again = {0};
    if (!frame_decode_result(frame->body, &result))
        return false;
    must(result.result < RESULT_LIMIT);
    frame_encode_result(&again, frame->id, &result);
    check_again(frame, &again);
    fuzz_reached(RESULT + result.result);
    if (result.replayed)
        fuzz_reached(REPLAYED);
    return true;
}

static bool check_checkpoint_reply(const struct frame *frame)
{
    struct checkpoint_reply reply;
    struct buffer again = {0};
    if (!frame_decode_checkpoint_reply(frame->body, &reply))
        return false;
    must(reply.result < RESULT_LIMIT);
    frame_encode_checkpoint_reply(&again, frame->id, &reply);
    check_again(frame, &again);
    fuzz_reached(CHECKPOINT_REPLY);
    return true;
}

static bool check_changed(const struct frame *frame)
{
    uint64_t lsn;
    struct buffer again = {0};
    if (!frame_decode_lsn(frame->body, &lsn))
        return false;
    frame_encode_lsn(&again, FRAME_CHANGED, frame->id, lsn);
    check_again(frame, &again);
    fuzz_reached(CHANGED);
    return true;
}

static bool check_status(const struct frame *frame)
{
    struct status status;
    struct buffer body = {0};
    if (!status_decode(frame->body, &status))
        return false;
    size_t text_bytes = 0;
#define X(name) text_bytes += 2 + strnlen(status.name, STATUS_TEXT_BYTES);
    STATUS_TEXTS(X)
#undef X
#define X(name) must(strnlen(status.name, STATUS_TEXT_BYTES) < STATUS_TEXT_BYTES);
    STATUS_TEXTS(X)
#undef X
#define X(name) text_bytes += sizeof status.name;
    STATUS_NUMBERS(X)
#undef X
    status_encode(&body, &status);
    must(body.bytes == text_bytes);
    if (text_bytes == frame->body.bytes) /* shorter when a text had a NUL in it, behind which nobody looks */
        must(fuzz_same(buffer_span(&body), frame->body));
    buffer_free(&body);
    fuzz_reached(STATUS);
    return true;
}

/* False when its body was refused. */
static bool check_body(const struct frame *frame)
{
    switch (frame->type) {
    case FRAME_GREETING:
        return check_greeting(frame);
    case FRAME_RESULT:
        return check_result(frame);
    case FRAME_STATUS_REPLY:
        return check_status(frame);
    case FRAME_CHECKPOINT_REPLY:
        return check_checkpoint_reply(frame);
    case FRAME_CHANGED:
        return check_changed(frame);
    default:
        return true;
    }
}

/* Each part as it would arrive; returns how many bytes whole frames took. */
static size_t receive(struct fuzz_stream *s, size_t *frames)
{
    struct buffer in = {0};
    struct span part;
    struct frame frame;
    size_t done = 0;
    long bytes = 0;
    while (bytes >= 0 && (part = fuzz_stream_next(s)).bytes > 0) {
        fuzz_fenced_append(&in, part);
        while ((bytes = frame_decode(buffer_span(&in), &frame)) > 0) {
            must(bytes == (long)(FRAME_HEADER_BYTES + frame.body.bytes) && (size_t)bytes <= in.bytes);
            must(memcmp(in.data, s->bytes.data + done, (size_t)bytes) == 0);
            done += (size_t)bytes;
            ++*frames;
            if (!check_body(&frame))
                fuzz_reached(REFUSED);
            buffer_consume(&in, (size_t)bytes);
        }
        must(bytes == 0 || bytes == -EPROTO);
    }
    if (bytes < 0)
        fuzz_reached(BAD);
    else
        fuzz_check_waiting(buffer_span(&in));
    fuzz_fenced_free(&in);
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_stream s;
    size_t frames = 0, whole_frames = 0;
    fuzz_frames(&s, data, size);
    size_t done = receive(&s, &frames);
    s.at = 0;
    s.sizes.bytes = 0;
    must(receive(&s, &whole_frames) == done && frames == whole_frames);
    if (frames >= 3)
        fuzz_reached(THREE_FRAMES);
    buffer_free(&s.bytes);
    return 0;
}
