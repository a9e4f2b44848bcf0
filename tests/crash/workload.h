/* SPDX-License-Identifier: MIT
 *
 * A seeded life of a store: batches of every kind of write, rotations, checkpoints, idle moments, clean
 * stops, kills, warm and cold starts. It keeps what was acknowledged and what is in flight, so that whoever
 * looks at the disk at any moment knows what a start must find there.
 */
#ifndef WALKV_TESTS_CRASH_WORKLOAD_H
#define WALKV_TESTS_CRASH_WORKLOAD_H

#include "life.h"
#include "model.h"

enum { WORKLOAD_BATCHES = 4096, WORKLOAD_SERIALS = 32768, WORKLOAD_ITEMS = 6 };

struct workload {
    struct life *life;
    uint64_t random;
    unsigned steps; /* to do */

    struct model model;
    uint32_t next_serial;
    uint64_t lsns[WORKLOAD_SERIALS];        /* with which each value was acknowledged; 0: not */
    uint64_t digests[WORKLOAD_BATCHES + 1]; /* of the content after each batch */
    uint64_t batch_lsns[WORKLOAD_BATCHES + 1];
    uint64_t durable_lsn;  /* the highest that the log was seen to say */
    unsigned acknowledged; /* batches */
    unsigned attempted;    /* that, or one more: the one in flight */
    uint64_t without_adds; /* the digest of the batch in flight if a full disk refused what adds data */
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
