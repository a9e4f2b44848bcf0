/* SPDX-License-Identifier: MIT
 *
 * A run of bytes that belongs to somebody else: it owns nothing, is never freed and is not terminated by NUL.
 * It lives as long as the buffer it points into stays where it is.
 */
#ifndef WALKV_COMMON_SPAN_H
#define WALKV_COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t bytes;
};

static inline bool span_is_text(struct span s, const char *text)
{
    return s.bytes == strlen(text) && memcmp(s.at, text, s.bytes) == 0;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && (!a.bytes || memcmp(a.at, b.at, a.bytes) == 0);
}

/* The same as span_is_text() for ASCII in any case. */
static inline bool span_is_text_any_case(struct span s, const char *text)
{
    return s.bytes == strlen(text) && strncasecmp(s.at, text, s.bytes) == 0;
}

/* Without blanks and tabs at its ends. */
static inline struct span span_trim(struct span s)
{
    while (s.bytes && (*s.at == ' ' || *s.at == '\t'))
        s.at++, s.bytes--;
    while (s.bytes && (s.at[s.bytes - 1] == ' ' || s.at[s.bytes - 1] == '\t'))
        s.bytes--;
    return s;
}

/* A number of 1 to 19 decimal digits and nothing else. */
static inline bool span_decimal(struct span s, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < s.bytes && i < 19; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(s.at[i] - '0');
    }
    return s.bytes >= 1 && s.bytes <= 19;
}

/* Takes what stands before the first `separator`, or everything, off the front of `*rest`, and the separator,
 * too. */
static inline struct span span_take(struct span *rest, char separator)
{
    const char *end = rest->bytes ? memchr(rest->at, separator, rest->bytes) : NULL;
    struct span part = {rest->at, end ? (size_t)(end - rest->at) : rest->bytes};
    size_t used = part.bytes + (end != NULL);
    if (used)
        *rest = (struct span){rest->at + used, rest->bytes - used};
    return part;
}

#endif
