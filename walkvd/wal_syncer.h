/* SPDX-License-Identifier: MIT
 *
 * The background sync of the async mode: one thread that syncs what was posted, at most once per interval.
 * A failed sync is final here too: it is remembered, the alarm descriptor becomes readable, and the thread
 * ends.
 */
#ifndef WALKV_WALKVD_WAL_SYNCER_H
#define WALKV_WALKVD_WAL_SYNCER_H

#include "disk.h"

#include <stdint.h>

struct wal_syncer;

struct wal_syncer *wal_syncer_new(struct disk *, uint64_t interval_ns);
/* Ends the thread; what was posted and not synced yet stays so. */
void wal_syncer_free(struct wal_syncer **);

/* Everything up to `lsn` has been written to `fd`, which must stay open until wal_syncer_drain(). */
void wal_syncer_post(struct wal_syncer *, int fd, uint64_t lsn);
/* Forgets what is posted and waits until no sync is running, so that the caller may sync or close. */
void wal_syncer_drain(struct wal_syncer *);

uint64_t wal_syncer_durable_lsn(struct wal_syncer *);
int wal_syncer_failure(struct wal_syncer *); /* positive errno, or 0 */
int wal_syncer_alarm_fd(const struct wal_syncer *);

#endif
