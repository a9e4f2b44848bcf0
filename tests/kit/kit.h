/* SPDX-License-Identifier: MIT
 *
 * What the tests of the storage core share: an assertion that says which row or mutation it was, a small
 * random generator whose sequence is the same in every run, and temporary directories.
 */
#ifndef WALKV_TESTS_KIT_KIT_H
#define WALKV_TESTS_KIT_KIT_H

#include "span.h"

#include <CUnit/CUnit.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SPAN(text)   ((struct span){text, sizeof(text) - 1})

/* Returns whether it holds, so that a loop over thousands of mutations can end at the first failure. */
#define CHECK(condition, ...) kit_check((condition), __FILE__, __LINE__, #condition, __VA_ARGS__)

bool kit_check(bool holds, const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* xorshift; `*state` is never 0. */
uint64_t kit_random(uint64_t *state);
/* 0 to limit - 1 */
unsigned kit_below(uint64_t *state, unsigned limit);

/* False under sanitizers: of bytes that are only data under one checksum, one bit each is enough there. */
#if defined(__SANITIZE_ADDRESS__)
#define KIT_FAST false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KIT_FAST false
#endif
#endif
#ifndef KIT_FAST
#define KIT_FAST true
#endif

#define KIT_PATH_BYTES 64

/* A new directory in memory (/dev/shm), with `wal` and `snapshots` in it, and its removal. */
void kit_temp_dir(char path[KIT_PATH_BYTES]);
void kit_remove_dir(const char *path);

/* A copy in a heap block of exactly that size, in which ASan sees every overrun; free() it. */
char *kit_boxed(const void *bytes, size_t count);

#endif
