/* SPDX-License-Identifier: MIT
 *
 * What web pages may do (the Fetch standard, section 3.2). A browser sends a page's requests anywhere, with
 * the network rights of whoever sits at it; here stands which of them are answered, and whose pages may read
 * the answers. Pages of the server's own origin may do everything. Pages of others may do nothing, unless the
 * setting cors_allowed_origins names their origin: never "*", and never with credentials of the browser
 * (cookies, its own passwords), so what a page may do it must have got from its user.
 *
 *   reading   is kept from other origins by the browser, since no response says Access-Control-Allow-Origin
 *   writing   is refused here with 403 cross_site: Sec-Fetch-Site says where a request comes from, and a page
 *             cannot forge it; a browser that does not send that sends Origin, which must be the Host then
 *
 * Preflights are answered before anything else but the host is looked at: they carry no access token.
 */
#ifndef WALKV_HTTPD_CORS_H
#define WALKV_HTTPD_CORS_H

#include "http_conn.h"

/* The header fields that a page of the web UI has on top of those of every response: it takes everything from
 * this server, nothing inline, and is in nobody's frame. For `fields` of struct response. */
#define CORS_UI_FIELDS                                                                                       \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "     \
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "        \
    "frame-ancestors 'none'\r\n"                                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                            \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"

/* The most that cors_put() writes for an origin that is allowed (for others it is 48 bytes), and the room
 * that cors_preflight() needs. */
#define CORS_FIELDS_BYTES    (SETTINGS_TEXT_MAX + 256)
#define CORS_PREFLIGHT_BYTES 384

/* Takes the origin of a request, if it is one of those that are allowed. */
void cors_take(struct conn *, const struct http_request *);

/* True unless the request is a write on behalf of a page that may not write. */
bool cors_allows(const struct conn *, const struct http_request *);

/* Writes the fields of every response that allow its origin to read it, and Vary; `encoding` when that has to
 * name Accept-Encoding, too. Returns the end. */
char *cors_put(char *at, const struct conn *, bool encoding);

/* Writes the fields that answer a preflight for a path with these methods, with a NUL; "" when the request is
 * none or its origin is not allowed. */
void cors_preflight(char fields[CORS_PREFLIGHT_BYTES], const struct conn *, const struct http_request *,
                    const char *methods);

#endif
