/* SPDX-License-Identifier: MIT
 *
 * Origins of web pages (RFC 6454 section 6.2): "https://app.example.org" or "http://localhost:8080", as
 * browsers send them in the header Origin, and lists of them in the setting cors_allowed_origins. Compared
 * byte for byte: a browser writes an origin in one way only, and whoever writes it otherwise is none.
 */
#ifndef WALKV_HTTPD_ORIGIN_H
#define WALKV_HTTPD_ORIGIN_H

#include "span.h"

#include <stdbool.h>

/* True for scheme://host[:port] as a browser writes it: http or https, lower case, no path, and no port that
 * is the scheme's own. "null" and "*" are no origins. */
bool origin_valid(struct span origin);

/* Finds an origin in a list of valid ones separated by commas and blanks. Returns its place in the list, or
 * NULL. */
const char *origin_find(const char *list, struct span origin);

/* True when a page of this origin came from the host of the request: the same host and port in "host[:port]",
 * in any case. The scheme is not compared, since a proxy may have taken the encryption off. */
bool origin_is_host(struct span origin, struct span host);

#endif
