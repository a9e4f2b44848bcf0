/* SPDX-License-Identifier: MIT
 *
 * The format of a snapshot (the ROM), `snapshots/<LSN, 16 hex digits>.snap`: the pages of the read view as
 * they were at one LSN, in compressed blocks, each with its checksum. Little-endian:
 *
 * Header, 512 bytes:
 *
 *     offset width
 *      0     8    magic "WALKVSNP"
 *      8     4    format version (SNAPSHOT_VERSION)
 *     12     4    page bytes
 *     16    16    store UUID
 *     32     8    LSN: everything up to it is in here, nothing after it
 *     40     8    header checksum of the batch that ends at this LSN (0 before the first)
 *     48     8    started, ns since 1970
 *     56     8    pages
 *     64     8    keys          72 8 queues          80 8 items
 *     88     8    random
 *     96          zeros
 *    504     8    XXH3-64 of bytes 0 to 503, seed 0 (this place is the same in every version)
 *
 * Blocks, one after another, together all pages from 0 on:
 *
 *      0     4    magic 0x53564b57 ("WKVS")
 *      4     4    stored bytes
 *      8     4    raw bytes: SNAPSHOT_BLOCK_BYTES, less in the last
 *     12     4    1: the data is LZ4, 0: it is as it was
 *     16     8    number of the block, from 0
 *     24     8    XXH3-64 of the stored data, seed 0
 *     32     8    XXH3-64 of bytes 0 to 31, seed: header checksum
 *     40          data
 *
 * Footer, 64 bytes, with which the file ends:
 *
 *      0     8    magic "WKVSNEND"
 *      8     8    blocks
 *     16     8    raw bytes
 *     24     8    LSN
 *     32     8    XXH3-64 of all block headers in a row, seed: header checksum
 *     40          zeros
 *     56     8    XXH3-64 of bytes 0 to 55, seed: header checksum
 *
 * A snapshot is valid when all of that holds and the file ends with the footer. Pages are copied as they lie
 * (not compacted: that would hide which LSN the copy is of), with free pages zeroed, which LZ4 makes vanish.
 * Changing it: bump SNAPSHOT_VERSION, keep reading the version before, extend snapshot_test.c.
 */
#ifndef WALKV_WALKVD_SNAPSHOT_FORMAT_H
#define WALKV_WALKVD_SNAPSHOT_FORMAT_H

#include "bounds.h"

#include <stdbool.h>
#include <stdint.h>

#define SNAPSHOT_VERSION            1u
#define SNAPSHOT_HEADER_BYTES       512u
#define SNAPSHOT_BLOCK_HEADER_BYTES 40u
#define SNAPSHOT_FOOTER_BYTES       64u
#define SNAPSHOT_BLOCK_BYTES        (1024u * 1024)
#define SNAPSHOT_NAME_BYTES         21 /* sixteen digits and ".snap" */

struct snapshot_header {
    uint32_t version;
    uint32_t page_bytes;
    uint8_t uuid[UUID_BYTES];
    uint64_t lsn;
    uint64_t batch_checksum;
    uint64_t started_ns;
    uint64_t pages;
    uint64_t keys;
    uint64_t queues;
    uint64_t items;
    uint64_t random;
    uint64_t checksum;
};

struct snapshot_block {
    uint32_t stored_bytes;
    uint32_t raw_bytes;
    bool compressed;
    uint64_t number;
    uint64_t data_checksum;
};

struct snapshot_footer {
    uint64_t blocks;
    uint64_t raw_bytes;
    uint64_t lsn;
    uint64_t total_checksum;
};

enum snapshot_verdict {
    SNAPSHOT_VALID,
    SNAPSHOT_DAMAGED,
    SNAPSHOT_FOREIGN,
    SNAPSHOT_NEWER,
    SNAPSHOT_UNREADABLE, /* the disk failed */
};

void snapshot_header_encode(char out[SNAPSHOT_HEADER_BYTES], struct snapshot_header *);
enum snapshot_verdict snapshot_header_decode(const char in[SNAPSHOT_HEADER_BYTES], struct snapshot_header *);
void snapshot_block_encode(char out[SNAPSHOT_BLOCK_HEADER_BYTES], const struct snapshot_block *,
                           uint64_t seed);
bool snapshot_block_decode(const char in[SNAPSHOT_BLOCK_HEADER_BYTES], struct snapshot_block *,
                           uint64_t seed);
void snapshot_footer_encode(char out[SNAPSHOT_FOOTER_BYTES], const struct snapshot_footer *, uint64_t seed);
bool snapshot_footer_decode(const char in[SNAPSHOT_FOOTER_BYTES], struct snapshot_footer *, uint64_t seed);

void snapshot_name(char out[SNAPSHOT_NAME_BYTES + 1], uint64_t lsn);
bool snapshot_name_parse(const char *name, uint64_t *lsn);

#endif
