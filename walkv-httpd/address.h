/* SPDX-License-Identifier: MIT
 *
 * Addresses of clients: what the kernel says, what a proxy says in PROXY protocol or X-Forwarded-For, and
 * which proxies are believed. An IPv4 address inside IPv6 (::ffff:192.0.2.1) is the IPv4 address everywhere
 * here.
 */
#ifndef WALKV_HTTPD_ADDRESS_H
#define WALKV_HTTPD_ADDRESS_H

#include "span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_UNIX_TEXT     "unix:" /* whoever connects to a Unix socket; before a path: that socket */
#define ADDRESS_FORWARDED_MAX 32      /* entries of X-Forwarded-For that are looked at, in all its lines */
#define ADDRESS_TEXT_BYTES    46      /* of address_format(), NUL included */
#define ADDRESS_PREFIXES_MAX  128     /* in trusted_proxies */

enum address_kind { ADDRESS_NONE, ADDRESS_UNIX, ADDRESS_IPV4, ADDRESS_IPV6 };

struct address {
    uint8_t kind;      /* enum address_kind */
    uint8_t bytes[16]; /* in network order; IPv4 has four */
};

/* The proxies that are believed. */
struct address_list {
    bool unix_peers;
    unsigned count;
    struct address_prefix {
        struct address address;
        uint8_t bits;
    } prefixes[ADDRESS_PREFIXES_MAX];
};

/* Of a socket address: of a Unix socket, or of an address family that is not known, without bytes. */
struct address address_of_socket(const struct sockaddr_storage *);

/* An address of 4 or 16 bytes in network order. */
struct address address_of_bytes(const void *bytes, size_t count);

/* Reads an address without a port and without brackets. False when it is none. */
bool address_parse(struct address *, struct span text);

/* Writes it as text: "unix:" for a Unix socket, "" for none. Returns the bytes written, without the NUL. */
size_t address_format(char text[ADDRESS_TEXT_BYTES], const struct address *);

/* Reads a list such as "10.0.0.0/8, 192.0.2.7, 2001:db8::/32, unix:" (separated by commas; may be empty).
 * Returns NULL, or what is wrong with it. */
const char *address_list_parse(struct address_list *, const char *text);

bool address_list_has(const struct address_list *, const struct address *);

/* Who sent a request: walks X-Forwarded-For from its right end, where each proxy adds the address of its own
 * peer, as long as the one that says so is believed. `so_far` is the peer at first; call it with the last of
 * several such fields first, and with the same `*left`, ADDRESS_FORWARDED_MAX at first. Returns true when it
 * stands at somebody who is not believed, or at an entry that is no address, or when nothing is left. */
bool address_forwarded(struct address *so_far, const struct address_list *trusted, struct span field,
                       unsigned *left);

#endif
