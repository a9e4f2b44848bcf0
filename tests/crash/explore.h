/* SPDX-License-Identifier: MIT
 *
 * The crash states of a workload: at every change of the disk, the disks that a power cut in this moment
 * could leave, each recovered by the real recovery and compared with what was acknowledged. Some of these
 * recoveries are themselves cut at every change, and some of the recoveries after that once more.
 */
#ifndef WALKV_TESTS_CRASH_EXPLORE_H
#define WALKV_TESTS_CRASH_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

enum { EXPLORE_DEPTHS = 3 };

struct explore_options {
    uint64_t seed;
    uint64_t states; /* about how many to build */
    unsigned steps;  /* of the workload */
    bool async;
    unsigned jobs, job; /* this process takes every jobs-th change, beginning with job */
    uint64_t only;      /* just this change, from 1; 0: all */
};

struct explore_result {
    uint64_t changes;                /* of the workload, those of other jobs too */
    uint64_t states[EXPLORE_DEPTHS]; /* distinct disks recovered, by the number of recoveries cut before */
    uint64_t repeated;               /* that were the same as one before */
    uint64_t failures;
    unsigned batches, checkpoints, rotations, starts;
};

/* Counts the changes of the workload, without looking at any state. */
uint64_t explore_count_changes(const struct explore_options *);

/* Failures are told on `out_fd`, at most a few. `progress` is called now and then. */
void explore_run(const struct explore_options *, struct explore_result *, int out_fd,
                 void (*progress)(const struct explore_result *, void *arg), void *arg);

#endif
