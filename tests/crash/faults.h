/* SPDX-License-Identifier: MIT
 *
 * Every call fails: a workload is run again and again, and in run k its k-th file call fails, once or from
 * then on, in one of many ways, until a run has no k-th call. After each run every acknowledged write must be
 * found, whatever a power cut takes, and the way walkvd ended must be a clear one.
 */
#ifndef WALKV_TESTS_CRASH_FAULTS_H
#define WALKV_TESTS_CRASH_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct faults_options {
    uint64_t seed;
    unsigned steps;  /* of the workload */
    unsigned sample; /* every so many-th call; 1: every one */
    bool async;
    unsigned jobs, job; /* this process takes every jobs-th call, beginning with job */
};

struct faults_result {
    uint64_t calls; /* of a run in which nothing fails */
    uint64_t injected;
    uint64_t survived; /* went on in spite of it */
    uint64_t recoveries;
    uint64_t failures;
};

void faults_run(const struct faults_options *, struct faults_result *, int out_fd,
                void (*progress)(const struct faults_result *, void *arg), void *arg);

#endif
