/* SPDX-License-Identifier: MIT
 *
 * Damage: a small store at rest is damaged in one place after another, and each time started by the real
 * recovery. The answer must be exactly right: everything is there, or walkvd refuses with the right verdict,
 * exit status, file, offset and range of LSNs. What is right is worked out here from a map of the files,
 * which was made while they were whole.
 */
#ifndef WALKV_TESTS_CRASH_DAMAGE_H
#define WALKV_TESTS_CRASH_DAMAGE_H

#include <stdint.h>

struct damage_options {
    uint64_t seed;
    unsigned sample;    /* every so many-th bit and length; 1: every one */
    unsigned jobs, job; /* this process takes every jobs-th mutation, beginning with job */
};

struct damage_result {
    uint64_t mutations;
    uint64_t bits; /* of them, single flipped bits */
    uint64_t refused;
    uint64_t whole;
    uint64_t files;
    uint64_t failures;
};

void damage_run(const struct damage_options *, struct damage_result *, int out_fd,
                void (*progress)(const struct damage_result *, void *arg), void *arg);

#endif
