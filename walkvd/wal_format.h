/* SPDX-License-Identifier: MIT
 *
 * The format of the write-ahead log (WAL). A log is a row of segments, `wal/<first LSN, 16 hex digits>.wal`;
 * a segment is a header block and then batches, each beginning on a block boundary, up to the first bytes
 * that are no batch. A block is `block_bytes` (512 to 4096): the unit that no later write touches again, so
 * that a write that is torn can never harm what was synced before it. Integers are little-endian.
 *
 * Segment header, one block:
 *
 *     offset width
 *      0     8    magic "WALKVWAL"
 *      8     4    format version (WAL_VERSION)
 *     12     4    block bytes
 *     16    16    store UUID
 *     32     8    salt, random per segment
 *     40     8    first LSN, as in the name
 *     48     8    segment bytes, as preallocated
 *     56     8    link: first LSN (the name) of the segment before; 0: this is the first of the store
 *     64     8    link: its last LSN, which is the one before this segment's first
 *     72     8    link: header checksum of its last batch
 *     80     8    created, ns since 1970
 *     88          zeros
 *     end-8  8    XXH3-64 of the block before this field, seed 0 (this place is the same in every version)
 *
 * Batch: header, payload, zeros up to the block boundary:
 *
 *      0     4    magic 0x42564b57 ("WKVB")
 *      4     4    flags: 1 payload is LZ4, 2 seal (the segment ends here on purpose)
 *      8     8    first LSN
 *     16     4    count of records, at least 1
 *     20     4    payload bytes as stored
 *     24     4    payload bytes uncompressed
 *     28     4    0
 *     32     8    durable LSN: everything up to it was known to be synced when this was written
 *     40     8    wall clock, ns since 1970
 *     48     8    chain: header checksum of the batch before; of the first batch, that of the segment
 *     56     8    XXH3-64 of the payload and the zeros behind it, seed 0
 *     64     8    XXH3-64 of bytes 0 to 63, seed: salt of the segment
 *     72          payload: records (record.h)
 *
 * A batch is valid when all of these hold: (1) magic, (2) header checksum under this segment's salt, (3) its
 * end lies within the segment, (4) chain and first LSN continue the batch before it, (5) payload checksum,
 * (6) the payload is `count` records and nothing else. (1) to (3) alone make it a witness: proof that
 * somebody wrote this header here, and so that everything up to its durable LSN had been synced.
 *
 * Every batch takes at least one LSN, even one that only opens a segment, seals it or witnesses (one no-op):
 * so names of segments are unique, and "durable LSN >= g" speaks about any batch that may be missing at g.
 *
 * Changing it: bump WAL_VERSION, keep reading the version before, extend wal_format_test.c.
 */
#ifndef WALKV_WALKVD_WAL_FORMAT_H
#define WALKV_WALKVD_WAL_FORMAT_H

#include "bounds.h"
#include "buffer.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define WAL_VERSION            2u /* 1: records without extensions, read as they are */
#define WAL_BLOCK_MIN          512u
#define WAL_BLOCK_MAX          4096u
#define WAL_BATCH_HEADER_BYTES 72u
#define WAL_NAME_BYTES         20 /* sixteen digits and ".wal" */
#define WAL_COMPRESS_MIN       4096u
#define WAL_PAYLOAD_MAX        (256u * 1024 * 1024)

enum wal_flag { WAL_FLAG_LZ4 = 1, WAL_FLAG_SEAL = 2 };

struct wal_link {
    uint64_t first_lsn; /* of the segment; 0: none */
    uint64_t last_lsn;
    uint64_t checksum;
};

struct wal_segment_header {
    uint32_t version;
    uint32_t block_bytes;
    uint8_t uuid[UUID_BYTES];
    uint64_t salt;
    uint64_t first_lsn;
    uint64_t segment_bytes;
    struct wal_link previous;
    uint64_t created_ns;
    uint64_t checksum;
};

struct wal_batch_header {
    uint32_t flags;
    uint64_t first_lsn;
    uint32_t count;
    uint32_t payload_bytes;
    uint32_t raw_bytes;
    uint64_t durable_lsn;
    uint64_t time_ns;
    uint64_t chain;
    uint64_t payload_checksum;
    uint64_t checksum;
};

enum wal_header_verdict { WAL_HEADER_VALID, WAL_HEADER_DAMAGED, WAL_HEADER_NEWER };

/* Writes one block of header->block_bytes to `out` and sets header->checksum. */
void wal_segment_header_encode(char *out, struct wal_segment_header *header);
/* `block` is the start of the file, at least WAL_BLOCK_MIN bytes of it. */
enum wal_header_verdict wal_segment_header_decode(struct span block, struct wal_segment_header *);

/* Appends a batch, padded to `block_bytes`, compressing where it pays. Fills header->payload_bytes,
 * raw_bytes, payload_checksum, checksum and the LZ4 flag; everything else is the caller's. */
void wal_batch_encode(struct buffer *out, struct wal_batch_header *header, struct span payload, uint64_t salt,
                      uint32_t block_bytes);

/* Conditions (1) to (3): true when a batch header of this segment stands at the front of `bytes`, which go on
 * to the end of the segment. */
bool wal_batch_header_decode(struct span bytes, uint64_t salt, uint32_t block_bytes,
                             struct wal_batch_header *);

/* The bytes that a batch takes, padding included. */
uint64_t wal_batch_bytes(uint32_t payload_bytes, uint32_t block_bytes);

/* The checksum of condition (5) alone: its bytes are those that were written. */
bool wal_batch_intact(struct span bytes, const struct wal_batch_header *, uint32_t block_bytes);

/* Condition (5); on success `payload` is the uncompressed payload, in `bytes` or in `scratch`. */
bool wal_batch_payload(struct span bytes, const struct wal_batch_header *, uint32_t block_bytes,
                       struct buffer *scratch, struct span *payload);

static inline uint64_t wal_batch_last_lsn(const struct wal_batch_header *h)
{
    return h->first_lsn + h->count - 1;
}

/* "00000000000000a1.wal" from and to a number. */
void wal_name(char out[WAL_NAME_BYTES + 1], uint64_t first_lsn);
bool wal_name_parse(const char *name, uint64_t *first_lsn);

#endif
