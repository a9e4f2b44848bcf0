/* SPDX-License-Identifier: MIT
 *
 * The layout of the read view: one LMDB environment in one shared-memory object, with these databases.
 * Integers are little-endian but for keys, where they are big-endian so that byte order is number order.
 *
 *     meta    "state"                        -> struct view_state, encoded (VIEW_STATE_BYTES)
 *     kv      key                            -> 8 version | 2 flags (0) | JSON text
 *     queues  name                           -> 8 id | 8 next sequence | 8 count | 8 bytes
 *     items   8 queue id (BE) 8 sequence (BE)-> 2 flags (0) | JSON text
 *     trash   8 queue id (BE)                -> nothing: items of this id belong to no queue any more and are
 *                                               removed a few at a time, so that clearing a queue costs the
 *                                               same at any length; nothing visible depends on it
 *     requests                                    what was answered to writes that may be repeated:
 *             's' 8 session (BE) 8 sequence (BE) -> outcome, for the worker
 *             'o' 8 LSN (BE)                     -> outcome, by age, for the client's idempotency key
 *             'k' idempotency key                -> 8 LSN of its outcome
 *     changes 8 LSN (BE)                     -> what changed at that LSN and some behind it (change.h)
 *
 *     outcome  0 2 result  2 2 key bytes  4 4 0  8 8 LSN  16 8 version  24 8 size  32 8 ns since 1970
 *             40 16 fingerprint of the request  56 idempotency key, value that was dequeued
 *
 * Beside the view stands the generation page, `<view path>.gen`, mapped read-only by every reader:
 *
 *     0 8 magic "WKVGEN01"    8 8 serving generation, one atomic word    16 16 store UUID
 *     32 4 a recovery is under way    40 8 view_grace in ns
 *
 * The view is volatile: it is rebuilt from snapshot and log whenever it is in doubt. Snapshots carry it page
 * by page, so a change of layout must bump VIEW_LAYOUT and teach view_build_finish() to convert what it
 * finds. Layout 2 had no `changes`, layout 1 no `requests` either; the state has zeros where it counts them,
 * and where an older walkv did not know of `applied_at`.
 */
#ifndef WALKV_COMMON_VIEW_LAYOUT_H
#define WALKV_COMMON_VIEW_LAYOUT_H

#include "bounds.h"
#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define VIEW_LAYOUT            3u
#define VIEW_STATE_KEY         "state"
#define VIEW_STATE_BYTES       160
#define VIEW_GEN_MAGIC         "WKVGEN01"
#define VIEW_GEN_BYTES         4096
#define VIEW_GEN_RECOVERY_AT   32
#define VIEW_GEN_GRACE_AT      40
#define VIEW_KV_HEADER_BYTES   10
#define VIEW_QUEUE_BYTES       32
#define VIEW_ITEM_KEY_BYTES    16
#define VIEW_ITEM_HEADER_BYTES 2
#define VIEW_OUTCOME_BYTES     56

#define VIEW_DATABASES(X)                                                                                    \
    X(meta)                                                                                                  \
    X(kv)                                                                                                    \
    X(queues)                                                                                                \
    X(items)                                                                                                 \
    X(trash)                                                                                                 \
    X(requests)                                                                                              \
    X(changes)

struct view_state {
    uint32_t layout;
    bool ready; /* complete; a reader must not use a view that is not */
    uint8_t uuid[UUID_BYTES];
    uint8_t boot_id[UUID_BYTES]; /* of the boot that made it: a view on disk does not outlive its boot */
    uint64_t generation;
    uint64_t map_bytes;
    uint64_t applied_lsn;      /* last LSN of the last published batch */
    uint64_t applied_checksum; /* header checksum of that batch in the log; 0 before the first */
    uint64_t applied_time_ns;  /* wall clock of that batch */
    uint64_t keys;
    uint64_t key_bytes; /* of keys and their values */
    uint64_t queues;
    uint64_t items;
    uint64_t item_bytes;
    uint64_t next_queue_id;
    uint64_t requests;         /* idempotency keys whose outcomes are kept */
    uint64_t requests_evicted; /* so far, before their time: there were too many */
    uint64_t changes_after;    /* `changes` has all changes of the LSNs behind this one */
    uint64_t applied_at; /* where the last published batch stands in its segment of the log; 0: not told */
};

static inline void view_state_encode(char out[VIEW_STATE_BYTES], const struct view_state *s)
{
    memset(out, 0, VIEW_STATE_BYTES);
    put_u32(out, s->layout);
    put_u32(out + 4, s->ready);
    memcpy(out + 8, s->uuid, UUID_BYTES);
    memcpy(out + 24, s->boot_id, UUID_BYTES);
    const uint64_t numbers[] = {s->generation,       s->map_bytes,       s->applied_lsn,
                                s->applied_checksum, s->applied_time_ns, s->keys,
                                s->key_bytes,        s->queues,          s->items,
                                s->item_bytes,       s->next_queue_id,   s->requests,
                                s->requests_evicted, s->changes_after,   s->applied_at};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_u64(out + 40 + 8 * i, numbers[i]);
}

/* False when these bytes are no state of a layout that this program knows; older ones are for
 * view_build_finish() to convert, and nobody else should use them. */
static inline bool view_state_decode(struct span bytes, struct view_state *s)
{
    struct reader r = reader_of(bytes.at, bytes.bytes);
    s->layout = read_u32(&r);
    s->ready = read_u32(&r) == 1;
    read_bytes(&r, s->uuid, UUID_BYTES);
    read_bytes(&r, s->boot_id, UUID_BYTES);
    uint64_t *const numbers[] = {&s->generation,       &s->map_bytes,       &s->applied_lsn,
                                 &s->applied_checksum, &s->applied_time_ns, &s->keys,
                                 &s->key_bytes,        &s->queues,          &s->items,
                                 &s->item_bytes,       &s->next_queue_id,   &s->requests,
                                 &s->requests_evicted, &s->changes_after,   &s->applied_at};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = read_u64(&r);
    return !r.bad && bytes.bytes == VIEW_STATE_BYTES && s->layout >= 1 && s->layout <= VIEW_LAYOUT;
}

struct view_queue {
    uint64_t id;
    uint64_t next_sequence;
    uint64_t count;
    uint64_t bytes;
};

static inline void view_queue_encode(char out[VIEW_QUEUE_BYTES], const struct view_queue *q)
{
    put_u64(out, q->id);
    put_u64(out + 8, q->next_sequence);
    put_u64(out + 16, q->count);
    put_u64(out + 24, q->bytes);
}

static inline bool view_queue_decode(struct span bytes, struct view_queue *q)
{
    struct reader r = reader_of(bytes.at, bytes.bytes);
    q->id = read_u64(&r);
    q->next_sequence = read_u64(&r);
    q->count = read_u64(&r);
    q->bytes = read_u64(&r);
    return reader_finished(&r);
}

static inline void view_item_key(char out[VIEW_ITEM_KEY_BYTES], uint64_t queue_id, uint64_t sequence)
{
    put_u64_be(out, queue_id);
    put_u64_be(out + 8, sequence);
}

#endif
