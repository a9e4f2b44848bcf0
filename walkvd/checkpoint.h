/* SPDX-License-Identifier: MIT
 *
 * Checkpoints: when one is due, the process that writes the snapshot, and what may be deleted afterwards.
 *
 * Nothing is deleted before the new snapshot is complete, verified, named, and the name durable. Two
 * snapshots are kept and the log back to the older one, so that one damaged snapshot costs nothing.
 */
#ifndef WALKV_WALKVD_CHECKPOINT_H
#define WALKV_WALKVD_CHECKPOINT_H

#include "control.h"
#include "disk.h"
#include "store.h"
#include "wal.h"

#include <stdbool.h>

struct checkpoint {
    struct disk *disk;
    const char *data_dir;
    const char *view_path;
    struct control *control;
    struct store *store;
    struct wal *wal;
    uint64_t interval_ops;   /* 0: not by operations */
    uint64_t interval_bytes; /* 0: not by bytes */

    int pid; /* of the running walkv-snapshot; 0: none */
    int pipe_fd;
    char tmp_path[4096];
    uint64_t started_ns;
    uint64_t started_ops;

    uint64_t ops_at_last; /* operations counted when the last one began */
    uint64_t retry_ns;    /* after a failure, not before this time */
    uint64_t failures;
    uint64_t finished_ns; /* realtime of the newest snapshot; 0: none */
    uint64_t snapshot_bytes;
    uint64_t snapshots;
    uint64_t wal_bytes; /* on disk, of all segments */
    uint64_t wal_segments;
    uint64_t wal_since_bytes; /* of segments behind the newest snapshot */
};

/* Starts the snapshot process. Returns 0, -EALREADY, or another negative errno. */
int checkpoint_start(struct checkpoint *, uint64_t operations);

/* True when none is running, and not right after one that failed. */
bool checkpoint_may_start(const struct checkpoint *);

/* True when enough has happened since the last one. */
bool checkpoint_due(struct checkpoint *, uint64_t operations);

enum checkpoint_outcome {
    CHECKPOINT_RUNNING,
    CHECKPOINT_DONE,
    CHECKPOINT_FAILED, /* will be tried again */
    CHECKPOINT_FATAL,  /* walkvd must stop with EX_IOERR, see checkpoint_finish() */
};

/* Looks whether the process has ended; if so, does what follows. `sentence` says why it failed. Returns
 * CHECKPOINT_RUNNING while it has not, also when none runs. */
enum checkpoint_outcome checkpoint_poll(struct checkpoint *, char *sentence, size_t room);

/* Of the snapshot that is being written; 0 when none is. */
uint64_t checkpoint_written_bytes(const struct checkpoint *);

/* Puts the verified snapshot of `lsn`, which lies at `tmp_path`, in place: name, control file, then what is
 * no longer needed is deleted. Returns 0 or a negative errno; after -EIO the names on disk are in doubt, and
 * walkvd must stop before it deletes anything. */
int checkpoint_finish(struct checkpoint *, uint64_t lsn);

/* Ends the process, for a stop; what it has written is removed. */
void checkpoint_cancel(struct checkpoint *);

/* Counts what is on disk. Call it now and then. */
void checkpoint_measure(struct checkpoint *);

/* Removes what a crash left behind: snapshots that were never finished, and files that the last checkpoint
 * had made unneeded. */
void checkpoint_sweep(struct disk *, const char *data_dir, const struct control *);

#endif
