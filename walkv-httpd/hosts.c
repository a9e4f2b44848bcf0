/* SPDX-License-Identifier: MIT
 * Which Host a request may name; see hosts.h. */
#include "hosts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool same(struct span a, const char *b, size_t bytes)
{
    return a.bytes == bytes && strncasecmp(a.at, b, bytes) == 0;
}

static bool is_loopback(struct span name)
{
    char text[64];
    struct in_addr address;
    if (same(name, "localhost", 9) || same(name, "127.0.0.1", 9) || same(name, "[::1]", 5))
        return true;
    if (name.bytes >= sizeof text)
        return false;
    memcpy(text, name.at, name.bytes);
    text[name.bytes] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool hosts_allow(const struct worker *w, struct span name)
{
    if (!name.bytes)
        return true;
    const char *at = w->config->allowed_hosts;
    if (!at || !*at)
        return !w->local || is_loopback(name);
    while (*at) {
        at += strspn(at, ", ");
        size_t bytes = strcspn(at, ", ");
        if (bytes && same(name, at, bytes))
            return true;
        at += bytes;
    }
    return false;
}
