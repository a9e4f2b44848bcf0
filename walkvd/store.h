/* SPDX-License-Identifier: MIT
 *
 * The state of the store inside the view: looks it up for evaluation and applies records to it. The same
 * store_apply() serves new batches and replay, so what is replayed is what was done.
 *
 * It never decides whether an operation may happen (evaluate.h does) and never touches the log. A record that
 * does not fit the state means that log and state disagree: -EBADMSG, which is never ignored.
 */
#ifndef WALKV_WALKVD_STORE_H
#define WALKV_WALKVD_STORE_H

#include "changes.h"
#include "record.h"
#include "view.h"

struct store {
    struct view_owner *view;
    MDB_txn *txn;
    struct view_state state;     /* as the open transaction sees it */
    struct view_state published; /* as readers see it */
    bool trash;                  /* there may be items of cleared queues to remove */
    uint64_t oldest_request_ns;  /* of the oldest outcome of a key, or of one that has gone since; 0: look */
    uint64_t oldest_before_ns;   /* the same before the open transaction */
    struct buffer dequeued;
    struct changes changes;
    bool created;        /* by the record that is being applied: its key or queue */
    uint64_t queue_size; /* after that record */
};

/* `state` is that of the attached view. What changes is kept for `change_history` LSNs; 0: not at all. */
void store_init(struct store *, struct view_owner *, const struct view_state *state, uint64_t change_history);
void store_free(struct store *);

/* One transaction. Each returns 0 or a negative errno (-ENOSPC: the view is full, and only abort may follow).
 */
int store_begin(struct store *);
int store_apply(struct store *, const struct record *, uint64_t lsn, uint64_t time_ns);
/* Publishes: `lsn` is the last LSN of the batch, `checksum` identifies the batch in the log, and it stands at
 * the offset `at` of its segment (0: nobody knows). */
int store_commit(struct store *, uint64_t lsn, uint64_t checksum, uint64_t at, uint64_t time_ns);
void store_abort(struct store *);

/* Marks the view complete and serves it to readers. In a transaction of its own. */
int store_ready(struct store *);

/* Within a transaction, for walkvctl repair: every queue goes on with item ids that are higher by `skip`. */
int store_skip_items(struct store *, uint64_t skip);

/* Within a transaction: removes up to `limit` items of cleared queues. */
int store_collect(struct store *, unsigned limit);

/* Look-ups within a transaction. Return 0, -ENOENT or another negative errno. Spans are valid until the next
 * store_apply(). */
int store_find_key(struct store *, struct span key, uint64_t *version);
int store_find_queue(struct store *, struct span name, struct view_queue *);
int store_find_head(struct store *, const struct view_queue *, uint64_t *sequence, struct span *value);

#endif
