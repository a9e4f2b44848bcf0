/* SPDX-License-Identifier: MIT
 *
 * One life of walkvd inside a test: what main() and server.c do between start and end, without sockets and
 * signals, on a disk in memory. It decides nothing of its own: where walkvd stops, it stops, with walkvd's
 * exit status.
 */
#ifndef WALKV_TESTS_CRASH_LIFE_H
#define WALKV_TESTS_CRASH_LIFE_H

#include "batch.h"
#include "checkpoint.h"
#include "memory_disk.h"
#include "recovery.h"

#define LIFE_KEYS     8   /* idempotency keys that are kept */
#define LIFE_CHANGES  200 /* LSNs whose changes are kept */
#define LIFE_DATA_DIR MEMORY_ROOT "/data"

struct life {
    struct memory_disk *disk; /* borrowed */
    char view_path[64];
    struct walkvd_config config;
    struct recovery recovery;
    struct batch batch;
    struct checkpoint checkpoint;
    bool running;
    int status; /* with which it ended */
};

/* `number` tells apart the views of lives that run at the same time. */
void life_init(struct life *, struct memory_disk *, unsigned number, bool async);

/* Each returns 0, or the exit status with which walkvd ended; then `running` is false. */
int life_start(struct life *, bool cold);
int life_batch(struct life *, struct batch_item *items, size_t count);
int life_idle(struct life *);
int life_checkpoint(struct life *); /* a checkpoint that fails and leaves walkvd running is 0 */
int life_stop(struct life *);

/* SIGKILL: everything is let go of as it is. The view stays. */
void life_kill(struct life *);
/* The view is gone, as after a power cut. */
void life_lose_view(const struct life *);

#endif
