/* SPDX-License-Identifier: MIT
 *
 * What stands in a request target once the head is accepted: percent escapes and the parameters of the query.
 *
 * Everything is decoded exactly once and by whoever needs it, never in place in the head and never
 * normalised. A repeated parameter is an error, since proxies, filters and servers disagree on which one
 * counts.
 */
#include "http_parser.h"

#include <errno.h>

/* Takes one decoded byte off the front of `*raw`, which must not be empty. Returns it, or -EINVAL. */
static int next_byte(struct span *raw, bool plus_is_space)
{
    char c = raw->at[0];
    size_t bytes = 1;
    int byte = c == '+' && plus_is_space ? ' ' : (uint8_t)c;

    if (c == '%') {
        int high = raw->bytes < 3 ? -1 : http_hex_digit(raw->at[1]);
        int low = raw->bytes < 3 ? -1 : http_hex_digit(raw->at[2]);
        if (high < 0 || low < 0)
            return -EINVAL;
        byte = high << 4 | low;
        bytes = 3;
    }
    raw->at += bytes;
    raw->bytes -= bytes;
    return byte;
}

static int decode(char *out, size_t room, struct span raw, bool plus_is_space, size_t *bytes)
{
    size_t used = 0;

    while (raw.bytes > 0) {
        int byte = next_byte(&raw, plus_is_space);
        if (byte < 0)
            return byte;
        if (used == room)
            return -ENOSPC;
        out[used++] = (char)byte;
    }
    *bytes = used;
    return 0;
}

int http_percent_decode(char *out, struct span raw, size_t *bytes)
{
    return decode(out, raw.bytes, raw, false, bytes);
}

bool http_query_next(struct span *query, struct span *name, struct span *value)
{
    while (query->bytes > 0) {
        struct span part = span_take(query, '&');
        if (part.bytes == 0)
            continue;
        *name = span_take(&part, '=');
        *value = part;
        return true;
    }
    return false;
}

bool http_query_name_is(struct span raw, const char *name)
{
    while (raw.bytes > 0 && *name)
        if (next_byte(&raw, true) != (uint8_t)*name++)
            return false;
    return raw.bytes == 0 && !*name;
}

int http_query_get(struct span query, const char *name, char *out, size_t room, size_t *bytes)
{
    struct span raw_name, raw_value, found = {"", 0};
    int count = 0;

    while (http_query_next(&query, &raw_name, &raw_value)) {
        if (!http_query_name_is(raw_name, name))
            continue;
        if (count++)
            return -EEXIST;
        found = raw_value;
    }
    if (count == 0)
        return 0;
    int error = decode(out, room, found, true, bytes);
    return error ? error : 1;
}
