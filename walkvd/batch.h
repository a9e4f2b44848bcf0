/* SPDX-License-Identifier: MIT
 *
 * The batch: the heart of walkvd. All requests that have arrived are decided, logged with one sync, published
 * and answered together:
 *
 *     evaluate + record + apply   inside one view transaction that nobody sees
 *     append, sync                one batch in the log, one fdatasync
 *     publish                     commit the transaction
 *     reply                       the caller sends what stands in each item
 *
 * Nothing may be answered before its batch is durable, and nothing durable may be left unpublished. After a
 * failed append or sync every item says RESULT_OUTCOME_UNKNOWN and the daemon must stop. This is the only
 * place where "append and sync" happens.
 */
#ifndef WALKV_WALKVD_BATCH_H
#define WALKV_WALKVD_BATCH_H

#include "evaluate.h"
#include "requests.h"
#include "wal.h"

struct batch_item {
    struct write_request request; /* in; its spans stay valid until the run is over */
    bool was_sent;                /* in; its sequence may have been sent before */
    enum result refusal;        /* in: RESULT_OK, or RESULT_FORBIDDEN when it is not to be done, unless it was
                                   done when it was sent before; the run may refuse it for want of room */
    struct write_result result; /* out; result.value is valid until the next run */
    size_t value_at;            /* of a dequeued value, in batch.values */
    size_t value_bytes;
};

struct batch {
    struct store *store;
    struct wal *wal;
    struct requests_limits limits;
    const uint64_t *departed; /* sessions that will not come back, for the next run */
    size_t departed_count;    /* after it: of how many at the end it has not let go yet */
    size_t depart_most;       /* in this run: sessions and outcomes of keys to let go of */
    unsigned expire_most;
    size_t taken;     /* items of the last run that have their results */
    unsigned keys;    /* of the run: records with one */
    uint64_t time_ns; /* of the run */
    struct buffer records;
    struct buffer values;
    const char *refusing; /* what is full: "disk_full", "view_full", or NULL */
    uint64_t told_ns;     /* when the log was told about it */
    uint64_t batches;
    uint64_t operations;
};

/* `limits`: what is kept for repeats of idempotent requests. */
void batch_init(struct batch *, struct store *, struct wal *, const struct requests_limits *limits);
void batch_free(struct batch *);

/* Runs the first `batch.taken` of the items, which is all of them unless they dequeue very much, as one
 * batch, and with them what is due of the outcomes that are kept; `count` may be 0. Returns 0 with every
 * result filled in, or a negative errno when walkvd must stop: the results are filled in then too. */
int batch_run(struct batch *, struct batch_item *items, size_t count);

/* A batch of one no-op that is published, so that a snapshot can stand behind all that is in the log. Returns
 * 0, -ENOSPC when there is no room and nothing was done, or another negative errno as above. */
int batch_mark(struct batch *);

/* A batch of nothing that goes on removing the items of cleared queues. Returns 0 or a negative errno as
 * above. */
int batch_collect(struct batch *);

#endif
