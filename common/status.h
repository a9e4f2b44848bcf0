/* SPDX-License-Identifier: MIT
 *
 * What walkvd knows of itself, as it travels in STATUS_REPLY and appears in /api/status and `walkvctl
 * status`. One table gives the struct, its encoding and its names. Numbers are u64 LE, texts are 2-byte
 * length + bytes.
 */
#ifndef WALKV_COMMON_STATUS_H
#define WALKV_COMMON_STATUS_H

#include "buffer.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define STATUS_NUMBERS(X)                                                                                    \
    X(pid)                                                                                                   \
    X(uptime_ms)                                                                                             \
    X(generation)                                                                                            \
    X(applied_lsn)                                                                                           \
    X(durable_lsn)                                                                                           \
    X(checkpoint_lsn)      /* of the newest snapshot; 0: none yet */                                         \
    X(checkpoint_age_ms)   /* since it was finished; 0 with none */                                          \
    X(checkpoint_running)  /* 0 or 1 */                                                                      \
    X(checkpoint_failures) /* since the start */                                                             \
    X(keys)                                                                                                  \
    X(key_bytes) /* keys and their values */                                                                 \
    X(queues)                                                                                                \
    X(items)                                                                                                 \
    X(item_bytes)                                                                                            \
    X(idempotency_entries)                                                                                   \
    X(idempotency_evicted) /* before their time, by idempotency_max_entries */                               \
    X(wal_segments)                                                                                          \
    X(wal_bytes) /* on disk, preallocated room included */                                                   \
    X(wal_since_checkpoint_bytes)                                                                            \
    X(wal_since_checkpoint_ops)                                                                              \
    X(snapshots)                                                                                             \
    X(snapshot_bytes) /* of the newest */                                                                    \
    X(view_size_bytes)                                                                                       \
    X(view_used_bytes)                                                                                       \
    X(view_reserved_bytes)                                                                                   \
    X(workers) /* connected now */                                                                           \
    X(batches) /* since the start */                                                                         \
    X(operations)                                                                                            \
    X(syncs)                                                                                                 \
    X(recovery_ms)                                                                                           \
    X(recovery_replayed_ops)                                                                                 \
    X(recovery_torn_bytes)

#define STATUS_TEXTS(X)                                                                                      \
    X(version)                                                                                               \
    X(store_id)   /* UUID in its usual spelling */                                                           \
    X(wal_sync)   /* sync | async */                                                                         \
    X(start_kind) /* warm | cold | new */                                                                    \
    X(storage)    /* ok | disk_full | view_full */

#define STATUS_TEXT_BYTES 64

struct status {
#define X(name) uint64_t name;
    STATUS_NUMBERS(X)
#undef X
#define X(name) char name[STATUS_TEXT_BYTES];
    STATUS_TEXTS(X)
#undef X
};

void status_encode(struct buffer *, const struct status *);
/* False when the bytes are not exactly one status. */
bool status_decode(struct span body, struct status *);

#endif
