/* SPDX-License-Identifier: MIT
 *
 * The writing end of the log: append a batch, sync, rotate to the next segment, keep one prepared ahead.
 *
 * A sync that failed is final: nothing is written to that file again, every later call returns -EIO, and the
 * daemon has to stop (DESIGN section 5). A full disk shows when the next segment is prepared, as -ENOSPC of
 * wal_make_room(), never in the middle of a batch.
 * Owner: walkvd's only thread; in async mode wal_syncer.c syncs the same descriptor from a second one.
 */
#ifndef WALKV_WALKVD_WAL_H
#define WALKV_WALKVD_WAL_H

#include "control.h"
#include "disk.h"
#include "wal_format.h"

struct wal;

struct wal_options {
    uint64_t segment_bytes;
    uint32_t block_bytes;
    bool async;
    uint64_t sync_interval_ns;
};

/* Begins a new segment behind `link` and makes it durable, control file included, before it returns.
 * `control` is borrowed for the life of the log; its segment_lsn and last_lsn are kept by the log. Returns 0
 * or a negative errno. */
int wal_open(struct wal **, struct disk *, const char *data_dir, struct control *control,
             const struct wal_options *, const struct wal_link *link);

/* Closes without a seal; the log is as after a kill. */
void wal_close(struct wal **);

/* Makes sure that a batch of `payload_bytes` can be appended to the current segment, rotating if it must:
 * LSNs that wal_next_lsn() gives afterwards are those that the batch will get. `adds` says whether it adds
 * data: what adds may not use the last quarter of the log's room, which is kept for deletes. Returns 0,
 * -ENOSPC, or another negative errno, after which the log has failed. */
int wal_make_room(struct wal *, uint64_t payload_bytes, bool adds);

/* Appends `count` records, for which wal_make_room() has made room, as one batch with the LSNs from
 * wal_next_lsn() on. `*checksum` identifies the batch in the log from now on, `*at` is where it begins in its
 * segment. Nothing is acknowledged by this. Returns 0 or a negative errno, after which the log has failed. */
int wal_append(struct wal *, struct span payload, uint32_t count, uint64_t time_ns, uint64_t *checksum,
               uint64_t *at);

/* Makes everything appended durable, or, in async mode, leaves that to the background. Returns 0 or a
 * negative errno, after which the log has failed. */
int wal_sync(struct wal *);

/* Whether the last batch has none behind it. */
bool wal_needs_witness(const struct wal *);

/* Appends a witness, a batch of one no-op, if the last batch has none behind it, and syncs both. There is
 * always room for it. Returns 0 or a negative errno, after which the log has failed. */
int wal_witness(struct wal *);

/* Ends the log on purpose: seal, sync, control file clean. Returns 0 or a negative errno. */
int wal_stop(struct wal *);

/* Sets how much of the disk what adds data must leave free: the room that the next snapshot needs. */
void wal_keep_free(struct wal *, uint64_t bytes);

/* Goes on preparing the next segment, a little at a time; call it when there is a moment. Returns true while
 * there is more to do. */
bool wal_prepare(struct wal *);

uint64_t wal_next_lsn(const struct wal *);
uint64_t wal_durable_lsn(const struct wal *);
/* Errno of the failure that stopped the log, or 0. */
int wal_failure(const struct wal *);
/* True while the next segment cannot be prepared because the disk is full, but for what is kept free. */
bool wal_is_full(const struct wal *);
/* File descriptor that becomes readable when the background sync has failed; -1 in sync mode. */
int wal_alarm_fd(const struct wal *);
uint64_t wal_sync_count(const struct wal *);
uint64_t wal_segment_first_lsn(const struct wal *);

#endif
