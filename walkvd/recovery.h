/* SPDX-License-Identifier: MIT
 *
 * Start and recovery, in this order: lock the data directory, control file, view (warm) or snapshot (cold),
 * replay, new segment. Each step logs one line with what it found and how long it took.
 *
 * Anything that casts doubt on acknowledged data is refused with EX_DATAERR (65), before anything in the data
 * directory was changed; another walkvd on the same data or view with EX_UNAVAILABLE (69); a newer format
 * with EX_CONFIG (78); a failing disk with EX_IOERR (74); a view that has no room, or no memory, with
 * EX_OSERR (71). Being killed in it at any point is harmless.
 */
#ifndef WALKV_WALKVD_RECOVERY_H
#define WALKV_WALKVD_RECOVERY_H

#include "control.h"
#include "disk.h"
#include "store.h"
#include "wal.h"
#include "wal_log.h"
#include "walkvd_settings.h"

/* Why walkvd must not start. */
struct refusal {
    int status;                 /* of sysexits.h */
    struct wal_finding finding; /* where, when it is about the data: file, offset, LSNs */
    char sentence[1024];
};

struct recovery {
    struct disk *disk;
    int lock_fd; /* holds the data directory; close it last */
    struct control control;
    struct view_owner *view;
    struct store store;
    struct wal *wal;

    const char *start_kind; /* "warm", "cold", "new" */
    bool warm;
    uint64_t took_ms;
    uint64_t replayed_ops;
    uint64_t torn_bytes;

    struct refusal refusal;
};

/* Fills `recovery`. Returns 0, or an exit status with `refusal` filled in. `disk` is borrowed. Close it after
 * either. */
int recovery_run(struct recovery *, struct disk *disk, const struct walkvd_config *);

/* Releases what recovery_run() took, in reverse order. */
void recovery_close(struct recovery *);

#endif
