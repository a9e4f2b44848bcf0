/* SPDX-License-Identifier: MIT
 * Encoder and decoder of the socket protocol, side by side; the picture is in frame.h. */
#include "frame.h"

#include "bytes.h"
#include "log.h"
#include "name.h"
#include "tokens.h"

#include <errno.h>

enum { HELLO_BYTES = 40, GREETING_FIXED_BYTES = 56, WRITE_FIXED_BYTES = 40, RESULT_FIXED_BYTES = 32 };

long frame_decode(struct span bytes, struct frame *frame)
{
    if (bytes.bytes >= 4 && get_u32(bytes.at) != FRAME_MAGIC)
        return -EPROTO;
    if (bytes.bytes < FRAME_HEADER_BYTES)
        return 0;
    uint32_t body = get_u32(bytes.at + 4);
    if (body > FRAME_BODY_MAX || get_u16(bytes.at + 10) != 0)
        return -EPROTO;
    if (bytes.bytes - FRAME_HEADER_BYTES < body)
        return 0;
    frame->type = get_u16(bytes.at + 8);
    frame->id = get_u32(bytes.at + 12);
    frame->body = (struct span){bytes.at + FRAME_HEADER_BYTES, body};
    return (long)(FRAME_HEADER_BYTES + body);
}

void frame_begin(struct buffer *out, enum frame_type type, uint32_t id, size_t body_bytes)
{
    must(body_bytes <= FRAME_BODY_MAX);
    char *at = buffer_extend(out, FRAME_HEADER_BYTES);
    put_u32(at, FRAME_MAGIC);
    put_u32(at + 4, (uint32_t)body_bytes);
    put_u16(at + 8, (uint16_t)type);
    put_u16(at + 10, 0);
    put_u32(at + 12, id);
}

void frame_encode_empty(struct buffer *out, enum frame_type type, uint32_t id)
{
    frame_begin(out, type, id, 0);
}

void frame_encode_hello(struct buffer *out, uint32_t id, const struct hello *h)
{
    frame_begin(out, FRAME_HELLO, id, HELLO_BYTES);
    char *at = buffer_extend(out, HELLO_BYTES);
    put_u32(at, h->protocol);
    put_u32(at + 4, h->role);
    put_u64(at + 8, h->session);
    put_u64(at + 16, h->pid);
    put_u64(at + 24, h->sent_sequence);
    put_u64(at + 32, h->oldest_sent_ns);
}

bool frame_decode_hello(struct span body, struct hello *h)
{
    struct reader r = reader_of(body.at, body.bytes);
    *h = (struct hello){.protocol = read_u32(&r)};
    if (h->protocol != FRAME_PROTOCOL)
        return !r.bad;
    h->role = read_u32(&r);
    h->session = read_u64(&r);
    h->pid = read_u64(&r);
    h->sent_sequence = read_u64(&r);
    h->oldest_sent_ns = read_u64(&r);
    return reader_finished(&r) && (h->role == FRAME_ROLE_WORKER || h->role == FRAME_ROLE_CONTROL) &&
           h->session <= UINT32_MAX && (h->session || !h->sent_sequence);
}

static void append_text(struct buffer *out, struct span text)
{
    must(text.bytes <= UINT16_MAX);
    put_u16(buffer_extend(out, 2), (uint16_t)text.bytes);
    buffer_append(out, text.at, text.bytes);
}

static struct span read_text(struct reader *r)
{
    size_t bytes = read_u16(r);
    return read_span(r, bytes);
}

void frame_encode_greeting(struct buffer *out, uint32_t id, const struct greeting *g)
{
    frame_begin(out, FRAME_GREETING, id,
                GREETING_FIXED_BYTES + 2 + g->view_path.bytes + 2 + g->version.bytes);
    char *at = buffer_extend(out, GREETING_FIXED_BYTES);
    put_u32(at, g->protocol);
    put_u32(at + 4, g->wal_sync_async);
    memcpy(at + 8, g->uuid, UUID_BYTES);
    put_u64(at + 24, g->generation);
    put_u64(at + 32, g->view_grace_ns);
    put_u64(at + 40, g->max_value_bytes);
    put_u32(at + 48, g->session_in_force);
    put_u32(at + 52, 0);
    append_text(out, g->view_path);
    append_text(out, g->version);
}

bool frame_decode_greeting(struct span body, struct greeting *g)
{
    struct reader r = reader_of(body.at, body.bytes);
    *g = (struct greeting){.protocol = read_u32(&r)};
    if (g->protocol != FRAME_PROTOCOL)
        return !r.bad;
    g->wal_sync_async = read_u32(&r);
    read_bytes(&r, g->uuid, UUID_BYTES);
    g->generation = read_u64(&r);
    g->view_grace_ns = read_u64(&r);
    g->max_value_bytes = read_u64(&r);
    uint32_t in_force = read_u32(&r), zero = read_u32(&r);
    g->session_in_force = in_force == 1;
    g->view_path = read_text(&r);
    g->version = read_text(&r);
    return reader_finished(&r) && in_force <= 1 && zero == 0;
}

void frame_encode_write(struct buffer *out, uint32_t id, const struct write_request *w)
{
    const struct identity *i = &w->identity;
    size_t key_bytes = i->key.bytes ? FINGERPRINT_BYTES + i->key.bytes : 0;
    frame_begin(out, FRAME_WRITE, id,
                WRITE_FIXED_BYTES + w->name.bytes + w->value.bytes + key_bytes + w->token.bytes);
    char *at = buffer_extend(out, WRITE_FIXED_BYTES);
    memset(at, 0, WRITE_FIXED_BYTES);
    at[0] = (char)w->op;
    at[1] = (char)w->condition;
    put_u16(at + 2, (uint16_t)w->name.bytes);
    put_u32(at + 4, (uint32_t)w->value.bytes);
    put_u32(at + 8, (uint32_t)i->key.bytes);
    put_u32(at + 12, (uint32_t)w->token.bytes);
    put_u64(at + 16, w->version);
    put_u64(at + 24, i->sequence);
    put_u64(at + 32, i->confirmed);
    buffer_append(out, w->name.at, w->name.bytes);
    buffer_append(out, w->value.at, w->value.bytes);
    if (i->key.bytes) {
        buffer_append(out, i->fingerprint, FINGERPRINT_BYTES);
        buffer_append(out, i->key.at, i->key.bytes);
    }
    buffer_append(out, w->token.at, w->token.bytes);
}

void frame_set_confirmed(char *frame, uint64_t sequence)
{
    put_u64(frame + FRAME_HEADER_BYTES + 32, sequence);
}

bool frame_decode_write(struct span body, struct write_request *w)
{
    struct reader r = reader_of(body.at, body.bytes);
    struct span fixed = read_span(&r, WRITE_FIXED_BYTES);
    if (r.bad)
        return false;
    unsigned op = (unsigned char)fixed.at[0], condition = (unsigned char)fixed.at[1];
    size_t name_bytes = get_u16(fixed.at + 2), value_bytes = get_u32(fixed.at + 4);
    size_t key_bytes = get_u32(fixed.at + 8), token_bytes = get_u32(fixed.at + 12);
    if (!op_is_write(op) || condition >= CONDITION_LIMIT)
        return false;
    w->op = (enum op)op;
    w->condition = (enum condition)condition;
    w->version = get_u64(fixed.at + 16);
    w->identity = (struct identity){.sequence = get_u64(fixed.at + 24), .confirmed = get_u64(fixed.at + 32)};
    w->name = read_span(&r, name_bytes);
    w->value = read_span(&r, value_bytes);
    if (key_bytes) {
        read_bytes(&r, w->identity.fingerprint, FINGERPRINT_BYTES);
        w->identity.key = read_span(&r, key_bytes);
        if (!idempotency_key_valid(w->identity.key))
            return false;
    }
    w->token = read_span(&r, token_bytes);
    if (token_bytes && !token_text_valid(w->token))
        return false;
    bool in_order = w->identity.confirmed < w->identity.sequence || w->identity.confirmed == 0;
    bool takes_value = op == OP_SET || op == OP_ENQUEUE;
    bool takes_condition = op == OP_SET || op == OP_DELETE;
    return reader_finished(&r) && in_order && name_valid(w->name) && (w->value.bytes > 0) == takes_value &&
           (condition == CONDITION_NONE || takes_condition);
}

void frame_encode_result(struct buffer *out, uint32_t id, const struct write_result *w)
{
    frame_begin(out, FRAME_RESULT, id, RESULT_FIXED_BYTES + w->value.bytes);
    char *at = buffer_extend(out, RESULT_FIXED_BYTES);
    put_u16(at, (uint16_t)w->result);
    put_u16(at + 2, w->replayed);
    put_u32(at + 4, (uint32_t)w->value.bytes);
    put_u64(at + 8, w->lsn);
    put_u64(at + 16, w->version);
    put_u64(at + 24, w->size);
    buffer_append(out, w->value.at, w->value.bytes);
}

bool frame_decode_result(struct span body, struct write_result *w)
{
    struct reader r = reader_of(body.at, body.bytes);
    unsigned result = read_u16(&r);
    unsigned replayed = read_u16(&r);
    size_t value_bytes = read_u32(&r);
    w->lsn = read_u64(&r);
    w->version = read_u64(&r);
    w->size = read_u64(&r);
    w->value = read_span(&r, value_bytes);
    w->result = (enum result)result;
    w->replayed = replayed == 1;
    return reader_finished(&r) && replayed <= 1 && result < RESULT_LIMIT;
}

void frame_encode_checkpoint_reply(struct buffer *out, uint32_t id, const struct checkpoint_reply *c)
{
    frame_begin(out, FRAME_CHECKPOINT_REPLY, id, 10 + 2 + c->sentence.bytes);
    char *at = buffer_extend(out, 10);
    put_u16(at, (uint16_t)c->result);
    put_u64(at + 2, c->lsn);
    append_text(out, c->sentence);
}

bool frame_decode_checkpoint_reply(struct span body, struct checkpoint_reply *c)
{
    struct reader r = reader_of(body.at, body.bytes);
    unsigned result = read_u16(&r);
    c->result = (enum result)result;
    c->lsn = read_u64(&r);
    c->sentence = read_text(&r);
    return reader_finished(&r) && result < RESULT_LIMIT;
}

void frame_encode_lsn(struct buffer *out, enum frame_type type, uint32_t id, uint64_t lsn)
{
    frame_begin(out, type, id, sizeof lsn);
    put_u64(buffer_extend(out, sizeof lsn), lsn);
}

bool frame_decode_lsn(struct span body, uint64_t *lsn)
{
    struct reader r = reader_of(body.at, body.bytes);
    *lsn = read_u64(&r);
    return reader_finished(&r);
}
