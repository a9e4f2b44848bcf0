/* SPDX-License-Identifier: MIT
 * Encoder and decoder of a snapshot's parts, side by side; the picture is in snapshot_format.h. */
#include "snapshot_format.h"

#include "bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define HEADER_MAGIC "WALKVSNP"
#define BLOCK_MAGIC  0x53564b57u
#define FOOTER_MAGIC "WKVSNEND"

void snapshot_header_encode(char out[SNAPSHOT_HEADER_BYTES], struct snapshot_header *h)
{
    memset(out, 0, SNAPSHOT_HEADER_BYTES);
    memcpy(out, HEADER_MAGIC, 8);
    put_u32(out + 8, SNAPSHOT_VERSION);
    put_u32(out + 12, h->page_bytes);
    memcpy(out + 16, h->uuid, UUID_BYTES);
    const uint64_t numbers[] = {h->lsn,  h->batch_checksum, h->started_ns, h->pages,
                                h->keys, h->queues,         h->items,      h->random};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_u64(out + 32 + 8 * i, numbers[i]);
    h->checksum = XXH3_64bits(out, SNAPSHOT_HEADER_BYTES - 8);
    put_u64(out + SNAPSHOT_HEADER_BYTES - 8, h->checksum);
}

enum snapshot_verdict snapshot_header_decode(const char in[SNAPSHOT_HEADER_BYTES], struct snapshot_header *h)
{
    h->checksum = get_u64(in + SNAPSHOT_HEADER_BYTES - 8);
    if (memcmp(in, HEADER_MAGIC, 8) != 0 || h->checksum != XXH3_64bits(in, SNAPSHOT_HEADER_BYTES - 8))
        return SNAPSHOT_DAMAGED;
    h->version = get_u32(in + 8);
    if (h->version != SNAPSHOT_VERSION)
        return SNAPSHOT_NEWER;
    h->page_bytes = get_u32(in + 12);
    memcpy(h->uuid, in + 16, UUID_BYTES);
    uint64_t *const numbers[] = {&h->lsn,  &h->batch_checksum, &h->started_ns, &h->pages,
                                 &h->keys, &h->queues,         &h->items,      &h->random};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = get_u64(in + 32 + 8 * i);
    return h->page_bytes >= 512 && h->page_bytes <= 65536 && h->pages <= UINT64_MAX / h->page_bytes
               ? SNAPSHOT_VALID
               : SNAPSHOT_DAMAGED;
}

void snapshot_block_encode(char out[SNAPSHOT_BLOCK_HEADER_BYTES], const struct snapshot_block *b,
                           uint64_t seed)
{
    put_u32(out, BLOCK_MAGIC);
    put_u32(out + 4, b->stored_bytes);
    put_u32(out + 8, b->raw_bytes);
    put_u32(out + 12, b->compressed);
    put_u64(out + 16, b->number);
    put_u64(out + 24, b->data_checksum);
    put_u64(out + 32, XXH3_64bits_withSeed(out, 32, seed));
}

bool snapshot_block_decode(const char in[SNAPSHOT_BLOCK_HEADER_BYTES], struct snapshot_block *b,
                           uint64_t seed)
{
    b->stored_bytes = get_u32(in + 4);
    b->raw_bytes = get_u32(in + 8);
    b->compressed = get_u32(in + 12) == 1;
    b->number = get_u64(in + 16);
    b->data_checksum = get_u64(in + 24);
    return get_u32(in) == BLOCK_MAGIC && get_u64(in + 32) == XXH3_64bits_withSeed(in, 32, seed) &&
           get_u32(in + 12) <= 1 && b->raw_bytes >= 1 && b->raw_bytes <= SNAPSHOT_BLOCK_BYTES &&
           b->stored_bytes >= 1 && b->stored_bytes <= b->raw_bytes &&
           (b->compressed || b->stored_bytes == b->raw_bytes);
}

void snapshot_footer_encode(char out[SNAPSHOT_FOOTER_BYTES], const struct snapshot_footer *f, uint64_t seed)
{
    memset(out, 0, SNAPSHOT_FOOTER_BYTES);
    memcpy(out, FOOTER_MAGIC, 8);
    put_u64(out + 8, f->blocks);
    put_u64(out + 16, f->raw_bytes);
    put_u64(out + 24, f->lsn);
    put_u64(out + 32, f->total_checksum);
    put_u64(out + 56, XXH3_64bits_withSeed(out, 56, seed));
}

bool snapshot_footer_decode(const char in[SNAPSHOT_FOOTER_BYTES], struct snapshot_footer *f, uint64_t seed)
{
    f->blocks = get_u64(in + 8);
    f->raw_bytes = get_u64(in + 16);
    f->lsn = get_u64(in + 24);
    f->total_checksum = get_u64(in + 32);
    return memcmp(in, FOOTER_MAGIC, 8) == 0 && get_u64(in + 56) == XXH3_64bits_withSeed(in, 56, seed);
}

void snapshot_name(char out[SNAPSHOT_NAME_BYTES + 1], uint64_t lsn)
{
    snprintf(out, SNAPSHOT_NAME_BYTES + 1, "%016" PRIx64 ".snap", lsn);
}

bool snapshot_name_parse(const char *name, uint64_t *lsn)
{
    if (strlen(name) != SNAPSHOT_NAME_BYTES || strspn(name, "0123456789abcdef") != 16 ||
        strcmp(name + 16, ".snap") != 0)
        return false;
    *lsn = strtoull(name, NULL, 16);
    return true;
}
