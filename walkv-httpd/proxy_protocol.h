/* SPDX-License-Identifier: MIT
 *
 * PROXY protocol, versions 1 and 2 (HAProxy, doc/proxy-protocol.txt): what a proxy that passes connections on
 * as they are sends ahead of the first byte of its client, to say who that is.
 *
 *   version 1   "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", at most 107 bytes; or TCP6; or UNKNOWN and
 *               anything up to the line's end, for a connection of the proxy's own
 *   version 2   12 bytes  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *                1 byte   0x20 LOCAL (a connection of the proxy's own) or 0x21 PROXY
 *                1 byte   family and transport: 0x00 unspecified, 0x11 TCP4, 0x21 TCP6, 0x31 Unix stream
 *                2 bytes  big-endian, how many more: addresses (12, 36, 216 bytes), ports in them, then TLVs,
 *                         which are stepped over
 *
 * Whether a connection begins with it is a setting and never guessed: otherwise any client could say that it
 * is somebody else. Stricter than the text on purpose: of version 1 every byte is checked, and datagrams,
 * which cannot come here, are refused. It looks at a header as a whole, keeps nothing, and never past
 * `bytes`.
 */
#ifndef WALKV_HTTPD_PROXY_PROTOCOL_H
#define WALKV_HTTPD_PROXY_PROTOCOL_H

#include "address.h"

#define PROXY_V1_BYTES_MAX 107
#define PROXY_V2_BYTES_MAX 4096 /* of a header, TLVs included; beyond: refused */

enum proxy_parse {
    PROXY_MORE,  /* good so far */
    PROXY_DONE,  /* `header_bytes` are set, and `client` */
    PROXY_ERROR, /* it is none */
};

/* Reads the header that `buffer` begins with; the same bytes and more in each call. `client` is ADDRESS_NONE
 * when the header says that the connection is the proxy's own, or from where it is not IP. */
enum proxy_parse proxy_protocol_parse(const char *buffer, size_t bytes, size_t *header_bytes,
                                      struct address *client);

#endif
