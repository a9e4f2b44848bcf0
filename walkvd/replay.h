/* SPDX-License-Identifier: MIT
 *
 * From files to a state: loads a snapshot into a new view, and applies to it what the log holds behind it.
 * Recovery and walkvctl repair stand on this, so that what is repaired is what recovery would have made of
 * it.
 *
 * It never decides what to load or where the log ends, and it does not log: the caller knows why it asks.
 */
#ifndef WALKV_WALKVD_REPLAY_H
#define WALKV_WALKVD_REPLAY_H

#include "snapshot.h"
#include "store.h"
#include "wal_segment.h"

/* Takes how far the loading of a snapshot has come. Returns 0, or a negative errno that ends it. */
typedef int replay_told(uint64_t done_bytes, uint64_t total_bytes, void *arg);

/* Builds the view from the snapshot at `path`, which must be that of `lsn` in the store `uuid`; the view will
 * be one of the store `view_uuid`. Returns 0 with `finding` saying whether the snapshot is valid, and then
 * the view is attached and `state` is its state; or a negative errno when the view cannot be built. */
int replay_load(struct view_owner *, struct disk *, const char *path, uint64_t lsn, const uint8_t *uuid,
                const uint8_t *view_uuid, replay_told *told, void *arg, struct view_state *state,
                struct snapshot_header *header, struct snapshot_finding *finding);

/* The same from no snapshot: an empty view. */
int replay_load_nothing(struct view_owner *, const uint8_t *view_uuid, struct view_state *state);

/* The state that a replay begins with: its last LSN and the checksum of that batch. */
struct replay_start {
    uint64_t lsn;
    uint64_t checksum;
    bool matched; /* the log knows that batch, too; at LSN 0 there is none to know */
};

static inline struct replay_start replay_start_of(const struct view_state *state)
{
    return (struct replay_start){state->applied_lsn, state->applied_checksum, state->applied_lsn == 0};
}

/* Whether the batch has to be applied: 1, or 0 when the state has it already, or -ESTALE when the state is of
 * another log. Batches are asked about in their order. */
int replay_follows(struct replay_start *, const struct wal_segment *, const struct wal_batch *);

/* Applies a batch and publishes it. Returns 1, or 0 when it changes nothing, or -ENOSPC when the view is
 * full, or -EBADMSG when the batch does not fit the state; then nothing of it was done. */
int replay_apply(struct store *, const struct wal_batch *);

#endif
