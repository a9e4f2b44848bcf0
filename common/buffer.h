/* SPDX-License-Identifier: MIT
 *
 * A growing byte buffer. `data` may move when it grows; `bytes` of it are used.
 * Growing fails only when memory is exhausted, which buffer_reserve() reports and buffer_append() ends in
 * fatal().
 */
#ifndef WALKV_COMMON_BUFFER_H
#define WALKV_COMMON_BUFFER_H

#include "span.h"

#include <stddef.h>

struct buffer {
    char *data;
    size_t bytes;
    size_t room;
};

/* Makes room for `more` bytes behind what is used. Returns 0 or -ENOMEM. */
int buffer_reserve(struct buffer *, size_t more);

/* Appends; out of memory is fatal. */
void buffer_append(struct buffer *, const void *bytes, size_t count);
void buffer_append_text(struct buffer *, const char *text);
void buffer_printf(struct buffer *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `count` bytes, not initialised, and returns where they begin; out of memory is fatal. */
char *buffer_extend(struct buffer *, size_t count);

/* Removes `count` bytes from the front. */
void buffer_consume(struct buffer *, size_t count);

static inline struct span buffer_span(const struct buffer *b)
{
    return (struct span){b->data, b->bytes};
}

/* Frees what it holds; the struct is empty and usable afterwards. */
void buffer_free(struct buffer *);

#endif
