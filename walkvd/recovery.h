/* SPDX-License-Identifier: MIT
 *
 * Start and recovery, in this order: lock the data directory, control file, view (warm) or snapshot (cold),
 * replay, new segment. Each step logs one line with what it found and how long it took.
 *
 * Fatal: anything that casts doubt on acknowledged data ends here with EX_DATAERR (65), before anything in
 * the data directory was changed; another walkvd on the same data or view with EX_UNAVAILABLE (69); a newer
 * format with EX_CONFIG (78); a failing disk with EX_IOERR (74). Being killed in it at any point is harmless.
 */
#ifndef WALKV_WALKVD_RECOVERY_H
#define WALKV_WALKVD_RECOVERY_H

#include "control.h"
#include "disk.h"
#include "store.h"
#include "wal.h"
#include "walkvd_settings.h"

struct recovery {
    int lock_fd; /* holds the data directory; close it last */
    struct control control;
    struct view_owner *view;
    struct store store;
    struct wal *wal;

    const char *start_kind; /* "warm", "cold", "new" */
    uint64_t took_ms;
    uint64_t replayed_ops;
    uint64_t torn_bytes;
};

/* Fills `recovery`, or ends the process. `disk` is borrowed. */
void recovery_run(struct recovery *, struct disk *disk, const struct walkvd_config *);

/* Releases what recovery_run() took, in reverse order. */
void recovery_close(struct recovery *);

#endif
