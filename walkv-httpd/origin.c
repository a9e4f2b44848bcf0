/* SPDX-License-Identifier: MIT
 * Origins of web pages; see origin.h. */
#include "origin.h"

#include <string.h>
#include <strings.h>

/* The parts of an origin; `port` with its colon, or empty. False when it is none. */
static bool split(struct span origin, struct span *scheme, struct span *host, struct span *port)
{
    const char *end = origin.at + origin.bytes;
    for (unsigned i = 0; i < 2; i++) {
        const char *start = i ? "https://" : "http://";
        size_t bytes = strlen(start);
        if (origin.bytes <= bytes || memcmp(origin.at, start, bytes) != 0)
            continue;
        *scheme = (struct span){origin.at, bytes - 3};
        const char *at = origin.at + bytes,
                   *bracket = *at == '[' ? memchr(at, ']', (size_t)(end - at)) : NULL;
        const char *colon = memchr(bracket ? bracket : at, ':', (size_t)(end - (bracket ? bracket : at)));
        *host = (struct span){at, (size_t)((colon ? colon : end) - at)};
        *port = (struct span){colon ? colon : end, colon ? (size_t)(end - colon) : 0};
        return host->bytes > 0;
    }
    return false;
}

/* ":443" of https and ":80" of http are never written. */
static bool is_default_port(struct span scheme, struct span port)
{
    return span_is_text(port, scheme.bytes == 5 ? ":443" : ":80");
}

static bool only(struct span span, const char *characters)
{
    for (size_t i = 0; i < span.bytes; i++) {
        if (!span.at[i] || !strchr(characters, span.at[i]))
            return false;
    }
    return span.bytes > 0;
}

bool origin_valid(struct span origin)
{
    struct span scheme, host, port;
    if (!split(origin, &scheme, &host, &port))
        return false;
    if (*host.at == '[') {
        struct span inside = {host.at + 1, host.bytes - 2};
        if (host.bytes < 4 || host.at[host.bytes - 1] != ']' || !only(inside, "0123456789abcdef:."))
            return false;
    } else if (!only(host, "abcdefghijklmnopqrstuvwxyz0123456789-._")) {
        return false;
    }
    if (!port.bytes)
        return true;
    uint64_t number;
    return port.bytes <= 6 && span_decimal((struct span){port.at + 1, port.bytes - 1}, &number) &&
           port.at[1] != '0' && number <= 65535 && !is_default_port(scheme, port);
}

const char *origin_find(const char *list, struct span origin)
{
    for (const char *at = list; *at;) {
        at += strspn(at, ", ");
        size_t bytes = strcspn(at, ", ");
        if (bytes && bytes == origin.bytes && memcmp(at, origin.at, bytes) == 0)
            return at;
        at += bytes;
    }
    return NULL;
}

bool origin_is_host(struct span origin, struct span host)
{
    struct span scheme, name, port;
    if (!split(origin, &scheme, &name, &port))
        return false;
    size_t whole = name.bytes + port.bytes;
    if (host.bytes > whole && !port.bytes) { /* a Host may spell out the port that an origin never has */
        struct span rest = {host.at + whole, host.bytes - whole};
        if (is_default_port(scheme, rest))
            host.bytes = whole;
    }
    return host.bytes == whole && strncasecmp(host.at, name.at, whole) == 0;
}
