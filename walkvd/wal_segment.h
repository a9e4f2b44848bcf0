/* SPDX-License-Identifier: MIT
 *
 * Reads one segment of the log, around the page cache, from front to back, and judges where it ends.
 * It only reads. What an end means (torn tail or damage) is decided with wal_log.h, which knows the
 * neighbours.
 */
#ifndef WALKV_WALKVD_WAL_SEGMENT_H
#define WALKV_WALKVD_WAL_SEGMENT_H

#include "disk.h"
#include "wal_format.h"

struct wal_segment {
    struct disk *disk;
    struct wal_segment_header header;
    uint64_t file_bytes;

    /* Where reading stands: the next batch would begin here, with this LSN, on this chain. */
    uint64_t offset;
    uint64_t next_lsn;
    uint64_t chain;
    bool sealed;        /* the last batch was a seal; there is no next */
    uint64_t known_lsn; /* batches up to it are checked, but not unpacked: they get no payload */

    /* The file, as far as it was needed. */
    int fd;
    bool direct;
    char *image;
    uint64_t loaded;
    struct buffer scratch;
};

/* A batch that wal_segment_next() found; `payload` is uncompressed and valid until the next call. */
struct wal_batch {
    struct wal_batch_header header;
    uint64_t offset;
    struct span payload;
};

/* Opens `path` and reads its header. Returns 0, or a negative errno if the file cannot be read; `*verdict`
 * says whether the header is good. Only after 0 and WAL_HEADER_VALID may batches be read; close in any case.
 */
int wal_segment_open(struct wal_segment *, struct disk *, const char *path, enum wal_header_verdict *verdict);
void wal_segment_close(struct wal_segment *);

/* Reads the next batch. Returns 1 with `batch` filled, 0 at the first bytes that are not the next valid batch
 * (or behind a seal), or a negative errno. */
int wal_segment_next(struct wal_segment *, struct wal_batch *batch);

/* Before the first batch was read: goes to the batch that begins at the offset `at`, if it is the one with
 * this last LSN and header checksum, and says itself that all before it was durable. That is so when every
 * batch was synced; in async mode a sync that failed may have lost what stands before a batch that is whole.
 * What stands before it is not read. Returns 1, or 0 when another batch or none is there or it does not say
 * so, and reading stands where it stood, or a negative errno. */
int wal_segment_seek(struct wal_segment *, uint64_t at, uint64_t last_lsn, uint64_t checksum);

/* As wal_segment_next(), whatever came before: when the next batch is damaged, goes on to the next header
 * that is good.
 * `*whole` is false when of that batch only the header is; then it has no payload. For telling what lies
 * behind damage. What is replayed must continue what came before it, and the caller has to see to that. */
int wal_segment_salvage(struct wal_segment *, struct wal_batch *batch, bool *whole);

struct wal_tail {
    uint64_t torn_bytes; /* from the end of the last valid batch to the last byte that is not zero */
    bool witnessed;      /* a batch header further on says that the missing batch had been synced */
    struct wal_batch_header witness;
    uint64_t witness_offset;
};

/* After wal_segment_next() returned 0: looks through the rest of the segment. Returns 0 or a negative errno.
 */
int wal_segment_tail(struct wal_segment *, struct wal_tail *);

#endif
