/* SPDX-License-Identifier: MIT
 * What the writers of seeds share; see fuzz_seeds.c. */
#ifndef WALKV_TESTS_FUZZ_FUZZ_SEEDS_H
#define WALKV_TESTS_FUZZ_FUZZ_SEEDS_H

#include "fuzz.h"

#define TEXT(literal) ((struct span){literal, sizeof(literal) - 1})

/* Writes a seed and empties the buffer. */
void seed_save(const char *target, struct buffer *seed);
/* A seed of one byte, such as flags, and a text. */
void seed_save_text(const char *target, uint8_t first, struct span text);
/* Ends a piece. */
void seed_next(struct buffer *seed);

/* In fuzz_seeds_streams.c: the socket, HTTP, JSON, the settings. */
void seed_streams(void);

#endif
