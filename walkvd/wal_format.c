/* SPDX-License-Identifier: MIT
 * Encoder and decoder of the log's blocks, side by side; the picture is in wal_format.h. */
#include "wal_format.h"

#include "bytes.h"
#include "log.h"

#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define SEGMENT_MAGIC "WALKVWAL"
#define BATCH_MAGIC   0x42564b57u
#define LZ4_RATIO_MAX                                                                                        \
    UINT64_C(255) /* a byte of LZ4 stands for at most so many: no memory for a size that lies */

_Static_assert(64 + 8 == WAL_BATCH_HEADER_BYTES, "the header checksum ends the batch header");
_Static_assert(WAL_BATCH_HEADER_BYTES < WAL_BLOCK_MIN, "a batch header lies in one block");

static bool block_bytes_valid(uint32_t bytes)
{
    return bytes >= WAL_BLOCK_MIN && bytes <= WAL_BLOCK_MAX && (bytes & (bytes - 1)) == 0;
}

void wal_segment_header_encode(char *out, struct wal_segment_header *h)
{
    must(block_bytes_valid(h->block_bytes));
    memset(out, 0, h->block_bytes);
    memcpy(out, SEGMENT_MAGIC, 8);
    put_u32(out + 8, h->version);
    put_u32(out + 12, h->block_bytes);
    memcpy(out + 16, h->uuid, UUID_BYTES);
    put_u64(out + 32, h->salt);
    put_u64(out + 40, h->first_lsn);
    put_u64(out + 48, h->segment_bytes);
    put_u64(out + 56, h->previous.first_lsn);
    put_u64(out + 64, h->previous.last_lsn);
    put_u64(out + 72, h->previous.checksum);
    put_u64(out + 80, h->created_ns);
    h->checksum = XXH3_64bits(out, h->block_bytes - 8);
    put_u64(out + h->block_bytes - 8, h->checksum);
}

enum wal_header_verdict wal_segment_header_decode(struct span block, struct wal_segment_header *h)
{
    struct reader r = reader_of(block.at, block.bytes);
    struct span magic = read_span(&r, 8);
    h->version = read_u32(&r);
    h->block_bytes = read_u32(&r);
    read_bytes(&r, h->uuid, UUID_BYTES);
    h->salt = read_u64(&r);
    h->first_lsn = read_u64(&r);
    h->segment_bytes = read_u64(&r);
    h->previous.first_lsn = read_u64(&r);
    h->previous.last_lsn = read_u64(&r);
    h->previous.checksum = read_u64(&r);
    h->created_ns = read_u64(&r);
    if (r.bad || memcmp(magic.at, SEGMENT_MAGIC, 8) != 0 || !block_bytes_valid(h->block_bytes) ||
        block.bytes < h->block_bytes)
        return WAL_HEADER_DAMAGED;
    h->checksum = get_u64(block.at + h->block_bytes - 8);
    if (h->checksum != XXH3_64bits(block.at, h->block_bytes - 8))
        return WAL_HEADER_DAMAGED;
    if (h->version > WAL_VERSION)
        return WAL_HEADER_NEWER;
    bool continues = h->first_lsn >= 1 && h->previous.last_lsn == h->first_lsn - 1 &&
                     h->previous.first_lsn <= h->previous.last_lsn;
    return continues && h->version >= 1 && h->segment_bytes >= 2 * h->block_bytes ? WAL_HEADER_VALID
                                                                                  : WAL_HEADER_DAMAGED;
}

uint64_t wal_batch_bytes(uint32_t payload_bytes, uint32_t block_bytes)
{
    uint64_t bytes = (uint64_t)WAL_BATCH_HEADER_BYTES + payload_bytes;
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
}

void wal_batch_encode(struct buffer *out, struct wal_batch_header *h, struct span payload, uint64_t salt,
                      uint32_t block_bytes)
{
    must(h->count >= 1 && payload.bytes <= WAL_PAYLOAD_MAX);
    size_t start = out->bytes;
    buffer_extend(out, WAL_BATCH_HEADER_BYTES);
    h->raw_bytes = (uint32_t)payload.bytes;
    h->payload_bytes = h->raw_bytes;
    if (payload.bytes >= WAL_COMPRESS_MIN) {
        int room = LZ4_compressBound((int)payload.bytes);
        char *at = buffer_extend(out, (size_t)room);
        int bytes = LZ4_compress_default(payload.at, at, (int)payload.bytes, room);
        out->bytes = start + WAL_BATCH_HEADER_BYTES;
        if (bytes > 0 && (size_t)bytes < payload.bytes - payload.bytes / 8) {
            h->flags |= WAL_FLAG_LZ4;
            h->payload_bytes = (uint32_t)bytes;
            out->bytes += (size_t)bytes;
        }
    }
    if (!(h->flags & WAL_FLAG_LZ4))
        buffer_append(out, payload.at, payload.bytes);
    uint64_t whole = wal_batch_bytes(h->payload_bytes, block_bytes);
    size_t pad = whole - (out->bytes - start);
    memset(buffer_extend(out, pad), 0, pad);

    char *at = out->data + start;
    h->payload_checksum = XXH3_64bits(at + WAL_BATCH_HEADER_BYTES, whole - WAL_BATCH_HEADER_BYTES);
    put_u32(at, BATCH_MAGIC);
    put_u32(at + 4, h->flags);
    put_u64(at + 8, h->first_lsn);
    put_u32(at + 16, h->count);
    put_u32(at + 20, h->payload_bytes);
    put_u32(at + 24, h->raw_bytes);
    put_u32(at + 28, 0);
    put_u64(at + 32, h->durable_lsn);
    put_u64(at + 40, h->time_ns);
    put_u64(at + 48, h->chain);
    put_u64(at + 56, h->payload_checksum);
    h->checksum = XXH3_64bits_withSeed(at, 64, salt);
    put_u64(at + 64, h->checksum);
}

bool wal_batch_header_decode(struct span bytes, uint64_t salt, uint32_t block_bytes,
                             struct wal_batch_header *h)
{
    if (bytes.bytes < WAL_BATCH_HEADER_BYTES || get_u32(bytes.at) != BATCH_MAGIC)
        return false;
    const char *at = bytes.at;
    h->flags = get_u32(at + 4);
    h->first_lsn = get_u64(at + 8);
    h->count = get_u32(at + 16);
    h->payload_bytes = get_u32(at + 20);
    h->raw_bytes = get_u32(at + 24);
    h->durable_lsn = get_u64(at + 32);
    h->time_ns = get_u64(at + 40);
    h->chain = get_u64(at + 48);
    h->payload_checksum = get_u64(at + 56);
    h->checksum = get_u64(at + 64);
    return h->checksum == XXH3_64bits_withSeed(at, 64, salt) && get_u32(at + 28) == 0 && h->count >= 1 &&
           h->first_lsn >= 1 && h->first_lsn + h->count > h->first_lsn && h->payload_bytes <= h->raw_bytes &&
           h->raw_bytes <= WAL_PAYLOAD_MAX && !(h->flags & ~(uint32_t)(WAL_FLAG_LZ4 | WAL_FLAG_SEAL)) &&
           wal_batch_bytes(h->payload_bytes, block_bytes) <= bytes.bytes;
}

bool wal_batch_intact(struct span bytes, const struct wal_batch_header *h, uint32_t block_bytes)
{
    uint64_t whole = wal_batch_bytes(h->payload_bytes, block_bytes);
    return whole <= bytes.bytes && XXH3_64bits(bytes.at + WAL_BATCH_HEADER_BYTES,
                                               whole - WAL_BATCH_HEADER_BYTES) == h->payload_checksum;
}

bool wal_batch_payload(struct span bytes, const struct wal_batch_header *h, uint32_t block_bytes,
                       struct buffer *scratch, struct span *payload)
{
    if (!wal_batch_intact(bytes, h, block_bytes))
        return false;
    const char *stored = bytes.at + WAL_BATCH_HEADER_BYTES;
    if (!(h->flags & WAL_FLAG_LZ4)) {
        *payload = (struct span){stored, h->payload_bytes};
        return h->payload_bytes == h->raw_bytes;
    }
    if (h->raw_bytes > LZ4_RATIO_MAX * h->payload_bytes)
        return false;
    scratch->bytes = 0;
    char *raw = buffer_extend(scratch, h->raw_bytes);
    int n = LZ4_decompress_safe(stored, raw, (int)h->payload_bytes, (int)h->raw_bytes);
    *payload = (struct span){raw, h->raw_bytes};
    return n >= 0 && (uint32_t)n == h->raw_bytes;
}

void wal_name(char out[WAL_NAME_BYTES + 1], uint64_t first_lsn)
{
    snprintf(out, WAL_NAME_BYTES + 1, "%016" PRIx64 ".wal", first_lsn);
}

bool wal_name_parse(const char *name, uint64_t *first_lsn)
{
    if (strlen(name) != WAL_NAME_BYTES || strspn(name, "0123456789abcdef") != 16 ||
        strcmp(name + 16, ".wal") != 0)
        return false;
    *first_lsn = strtoull(name, NULL, 16);
    return *first_lsn > 0;
}
