/* SPDX-License-Identifier: MIT
 *
 * A seeded life of a store: batches of every kind of write, some of which are sent again by clients and by
 * workers, rotations, checkpoints, idle moments, clean stops, kills, warm and cold starts. It keeps what was
 * acknowledged and what is in flight, so that whoever looks at the disk at any moment knows what a start must
 * find there.
 */
#ifndef WALKV_TESTS_CRASH_WORKLOAD_H
#define WALKV_TESTS_CRASH_WORKLOAD_H

#include "life.h"
#include "model.h"

enum {
    WORKLOAD_BATCHES = 4096,
    WORKLOAD_ITEMS = 6,
    WORKLOAD_SESSIONS = 2,
    WORKLOAD_SENT = 4,
    WORKLOAD_WAYS = 3
};

/* A worker: what it may send again. */
struct workload_session {
    uint64_t id;
    uint64_t confirmed;
    struct model_request sent[WORKLOAD_SENT]; /* the oldest first */
    unsigned sent_count;
};

struct workload {
    struct life *life;
    uint64_t random;
    unsigned steps; /* to do */

    struct model model;
    uint32_t next_serial;
    struct workload_session sessions[WORKLOAD_SESSIONS];
    unsigned session_count; /* so far */
    uint64_t departed;      /* a session that will not come back; 0: none */
    struct model_acknowledged known;
    uint64_t digests[WORKLOAD_BATCHES + 1]; /* of the content after each batch */
    uint64_t batch_lsns[WORKLOAD_BATCHES + 1];
    uint64_t durable_lsn;         /* the highest that the log was seen to say */
    unsigned acknowledged;        /* batches */
    unsigned attempted;           /* that, or one more: the one in flight */
    uint64_t ways[WORKLOAD_WAYS]; /* digests of the batch in flight if the disk is full */
    unsigned checkpoints;
    unsigned rotations;
    unsigned starts;
    char wrong[256]; /* an answer that was not the right one; empty: none */
};

struct workload *workload_new(struct life *, uint64_t seed, unsigned steps);
void workload_free(struct workload **);

/* Runs it from the first start to the last stop, or to the first thing that ends walkvd. Returns 0 or that
 * exit status; `wrong` must be empty. */
int workload_run(struct workload *);

/* Its steps, for a script of one's own. As workload_run(). */
int workload_start(struct workload *, bool cold);
int workload_batch(struct workload *);

/* True when a store with this digest may be found now: every acknowledged batch is in it, and the batch in
 * flight as a whole or not at all. In async mode what was not synced may be missing, from the end. */
bool workload_allows(struct workload *, uint64_t digest);

#endif
