/* SPDX-License-Identifier: MIT
 *
 * What was already answered: the outcomes of writes that have an identity (identity.h), kept in the view's
 * database `requests` with the state that they made, so that a repeat gets the first answer and is not done
 * again. Layout in view_layout.h.
 *
 * Everything that changes here follows from records: a write's own, which keeps its outcome and lets go of
 * what its session has confirmed; expire, by age or number; depart, for a session. Replay does the same.
 */
#ifndef WALKV_WALKVD_REQUESTS_H
#define WALKV_WALKVD_REQUESTS_H

#include "frame.h"
#include "record.h"
#include "store.h"

/* All of these within a transaction, but for the last. */

/* Looks for the outcome of an earlier request with this identity: the same place in its session, if
 * `was_sent` says that it may have been sent before, or its key, unless that is older than `window_ns` at
 * `now_ns`. Returns 1 with `result` filled, the value dequeued then appended to `values` and result->value
 * left empty; 0 when there is none; or a negative errno. The key of another request is RESULT_MISMATCH. */
int requests_find(struct store *, const struct identity *, bool was_sent, uint64_t now_ns, uint64_t window_ns,
                  struct write_result *result, struct buffer *values);

/* Keeps the outcome of a record that is being applied. `dequeued` is the value that it took, outside of the
 * view. Returns 0 or a negative errno. */
int requests_keep(struct store *, const struct record *, uint64_t lsn, uint64_t time_ns,
                  struct span dequeued);

/* Applies expire and depart. */
int requests_expire(struct store *, const struct record *);
int requests_depart(struct store *, const struct record *);

/* How much is kept, and for how long. */
struct requests_limits {
    uint64_t window_ns;
    uint64_t entries_max;
};

/* Whether an expire record is due, without a look at the view: it may be wrong for a moment after a start. */
bool requests_due(const struct store *, const struct requests_limits *, uint64_t now_ns);

/* What view_make_room() has to be told of: keeping the outcome of a write with this identity, but for a value
 * that it dequeued; and letting go of `count` outcomes of keys. An entry that may be anywhere in its tree is
 * an operation; those beside each other are bytes, in pages that are half full. */
static inline void requests_keep_room(const struct identity *i, uint64_t *ops, uint64_t *bytes)
{
    enum { ENTRY_BYTES = 2 * (VIEW_OUTCOME_BYTES + 32) };
    *ops += i->key.bytes != 0;
    *bytes += (i->session ? ENTRY_BYTES : 0) + (i->key.bytes ? ENTRY_BYTES + 4 * i->key.bytes : 0);
}

static inline void requests_expire_room(uint64_t count, uint64_t *ops, uint64_t *bytes)
{
    *ops += count;
    *bytes += count * 1024;
}

/* The most outcomes that a batch with `keys` records of keys lets go of: more than it brings. */
static inline unsigned requests_expire_most(unsigned keys)
{
    return 64 + keys;
}

/* How often the value that a dequeue takes is kept. */
static inline unsigned requests_copies(const struct identity *i)
{
    return (i->session != 0) + (i->key.bytes != 0);
}

/* Makes the expire record for at most `most` outcomes, the oldest. Returns 1, 0 when none has to go, or a
 * negative errno. */
int requests_make_expire(struct store *, const struct requests_limits *, uint64_t now_ns, unsigned most,
                         struct record *);

/* Whether anything of this session is kept: 1, 0 or a negative errno. */
int requests_has_session(struct store *, uint64_t session);

/* Outside of a transaction: hands over each session of which something is kept. Returns 0 or a negative
 * errno. */
int requests_sessions(struct store *, void (*visit)(uint64_t session, void *arg), void *arg);

#endif
