/* SPDX-License-Identifier: MIT
 * Encoder and decoder of a record; the picture is in record.h. */
#include "record.h"

#include "bytes.h"
#include "log.h"
#include "name.h"

void record_encode(struct buffer *out, const struct record *r)
{
    uint64_t bytes = RECORD_FIXED_BYTES + r->name.bytes + r->value.bytes;
    must(bytes <= UINT32_MAX && r->name.bytes <= UINT16_MAX);
    char *at = buffer_extend(out, RECORD_FIXED_BYTES);
    put_u32(at, (uint32_t)bytes);
    at[4] = (char)r->op;
    at[5] = 0;
    put_u16(at + 6, (uint16_t)r->name.bytes);
    put_u32(at + 8, (uint32_t)r->value.bytes);
    put_u32(at + 12, 0);
    put_u64(at + 16, r->queue_id);
    put_u64(at + 24, r->sequence);
    buffer_append(out, r->name.at, r->name.bytes);
    buffer_append(out, r->value.at, r->value.bytes);
}

bool record_decode(struct span *bytes, struct record *out)
{
    struct reader r = reader_of(bytes->at, bytes->bytes);
    size_t whole = read_u32(&r);
    struct span kind = read_span(&r, 2);
    size_t name_bytes = read_u16(&r), value_bytes = read_u32(&r), extension_bytes = read_u32(&r);
    out->queue_id = read_u64(&r);
    out->sequence = read_u64(&r);
    out->name = read_span(&r, name_bytes);
    out->value = read_span(&r, value_bytes);
    if (r.bad || (size_t)(r.at - bytes->at) != whole || extension_bytes != 0 || kind.at[1] != 0 ||
        (unsigned char)kind.at[0] >= OP_LIMIT)
        return false;
    out->op = (enum op)(unsigned char)kind.at[0];
    if (out->op == OP_NOOP ? whole != RECORD_FIXED_BYTES : !name_valid(out->name))
        return false;
    bytes->at += whole;
    bytes->bytes -= whole;
    return true;
}
