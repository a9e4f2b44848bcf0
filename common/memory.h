/* SPDX-License-Identifier: MIT
 *
 * Memory that has to be there. When it is not, the environment is wrong and not we: fatal() with EX_OSERR,
 * never a panic, so that no caller looks at what it gets. What can answer instead of ending the process (a
 * peer's buffers, the list of a directory) does not come here: it asks buffer_reserve() or the allocator
 * itself.
 */
#ifndef WALKV_COMMON_MEMORY_H
#define WALKV_COMMON_MEMORY_H

#include <stddef.h>

/* Zeroed memory for `count` things of `size` bytes. `what` they are is for the sentence: "the log". free()
 * it. */
void *memory_new(size_t count, size_t size, const char *what) __attribute__((malloc, returns_nonnull));

/* A copy of a text; a text that is made of others. free() it. */
char *memory_text(const char *text) __attribute__((malloc, returns_nonnull));
char *memory_printf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Returns what a library allocated, unless it is NULL because there was no memory for it. */
void *memory_check(void *allocated, const char *what) __attribute__((returns_nonnull));

#endif
