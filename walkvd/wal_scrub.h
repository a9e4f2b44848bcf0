/* SPDX-License-Identifier: MIT
 *
 * What a warm start has not read of the log, because the view has it, is read afterwards by a thread of its
 * own: bytes that rot there would be found by nobody before the start that needs them. It only reads, and
 * changes nothing; what follows is for the server to decide.
 */
#ifndef WALKV_WALKVD_WAL_SCRUB_H
#define WALKV_WALKVD_WAL_SCRUB_H

#include "wal_log.h"

struct wal_scrub;

/* Begins to read the log behind `from_lsn`, but for the segment that is being written to. NULL when there can
 * be no thread: nothing is read then. `disk` and `data_dir` are borrowed. */
struct wal_scrub *wal_scrub_start(struct disk *, const char *data_dir, const uint8_t *uuid,
                                  uint64_t from_lsn);

/* True when it has ended; `finding` says what it found. A file that a checkpoint deleted meanwhile is no
 * finding. */
bool wal_scrub_done(struct wal_scrub *, struct wal_finding *finding);

/* Ends it, wherever it is. NULL may be. */
void wal_scrub_free(struct wal_scrub **);

#endif
