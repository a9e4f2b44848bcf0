/* SPDX-License-Identifier: MIT
 * Encoder and decoder of a record; the picture is in record.h. */
#include "record.h"

#include "bytes.h"
#include "log.h"
#include "name.h"

void record_encode(struct buffer *out, const struct record *r)
{
    const struct identity *i = &r->identity;
    uint64_t bytes = record_bytes(r->name.bytes, r->value.bytes, i);
    must(bytes <= UINT32_MAX && r->name.bytes <= UINT16_MAX);
    char *at = buffer_extend(out, RECORD_FIXED_BYTES);
    put_u32(at, (uint32_t)bytes);
    at[4] = (char)r->op;
    at[5] = 0;
    put_u16(at + 6, (uint16_t)r->name.bytes);
    put_u32(at + 8, (uint32_t)r->value.bytes);
    put_u32(at + 12, (uint32_t)(bytes - RECORD_FIXED_BYTES - r->name.bytes - r->value.bytes));
    put_u64(at + 16, r->queue_id);
    put_u64(at + 24, r->sequence);
    buffer_append(out, r->name.at, r->name.bytes);
    buffer_append(out, r->value.at, r->value.bytes);
    if (identity_is_none(i))
        return;
    at = buffer_extend(out, RECORD_IDENTITY_BYTES);
    put_u64(at, i->session);
    put_u64(at + 8, i->sequence);
    put_u64(at + 16, i->confirmed);
    put_u16(at + 24, (uint16_t)r->result);
    put_u16(at + 26, (uint16_t)i->key.bytes);
    put_u32(at + 28, 0);
    put_u64(at + 32, r->version);
    put_u64(at + 40, r->size);
    memcpy(at + 48, i->fingerprint, FINGERPRINT_BYTES);
    buffer_append(out, i->key.at, i->key.bytes);
}

static bool decode_identity(struct span bytes, struct record *out)
{
    struct reader r = reader_of(bytes.at, bytes.bytes);
    struct identity *i = &out->identity;
    i->session = read_u64(&r);
    i->sequence = read_u64(&r);
    i->confirmed = read_u64(&r);
    unsigned result = read_u16(&r);
    size_t key_bytes = read_u16(&r);
    uint32_t zero = read_u32(&r);
    out->version = read_u64(&r);
    out->size = read_u64(&r);
    read_bytes(&r, i->fingerprint, FINGERPRINT_BYTES);
    i->key = read_span(&r, key_bytes);
    out->result = (enum result)result;
    return reader_finished(&r) && zero == 0 && result < RESULT_LIMIT && !identity_is_none(i) &&
           (key_bytes == 0 || idempotency_key_valid(i->key));
}

/* Whether it has what its kind of record has. */
static bool is_complete(const struct record *r)
{
    switch (r->op) {
    case OP_NOOP:
    case OP_EXPIRE:
    case OP_DEPART:
        return r->name.bytes == 0 && r->value.bytes == 0 && identity_is_none(&r->identity);
    case OP_REFUSE:
        return name_valid(r->name) && r->value.bytes == 0 && r->identity.key.bytes > 0 &&
               r->queue_id < OP_LIMIT && op_is_write((unsigned)r->queue_id);
    default:
        return name_valid(r->name);
    }
}

bool record_decode(struct span *bytes, struct record *out)
{
    struct reader r = reader_of(bytes->at, bytes->bytes);
    *out = (struct record){0};
    size_t whole = read_u32(&r);
    struct span kind = read_span(&r, 2);
    size_t name_bytes = read_u16(&r), value_bytes = read_u32(&r), extension_bytes = read_u32(&r);
    out->queue_id = read_u64(&r);
    out->sequence = read_u64(&r);
    out->name = read_span(&r, name_bytes);
    out->value = read_span(&r, value_bytes);
    struct span extension = read_span(&r, extension_bytes);
    if (r.bad || (size_t)(r.at - bytes->at) != whole || kind.at[1] != 0 ||
        (unsigned char)kind.at[0] >= OP_LIMIT)
        return false;
    out->op = (enum op)(unsigned char)kind.at[0];
    if ((extension.bytes && !decode_identity(extension, out)) || !is_complete(out))
        return false;
    bytes->at += whole;
    bytes->bytes -= whole;
    return true;
}
