/* SPDX-License-Identifier: MIT
 *
 * gzip of responses (RFC 1952, with zlib), piece by piece: whatever goes in comes out at once, so that a
 * stream never stalls inside the compressor. And whether a client asks for it (RFC 9110 section 12.5.3).
 *
 * Limits: one compressor takes about 256 KiB; the caller bounds how many there are.
 */
#ifndef WALKV_HTTPD_GZIP_H
#define WALKV_HTTPD_GZIP_H

#include "buffer.h"

#include <stdbool.h>

struct gzip;

/* NULL when there is no memory for it. */
struct gzip *gzip_new(void);

/* Appends to `out` what `in` becomes, flushed; with `last` also the end, after which only gzip_free() is
 * left. Out of memory for `out` is fatal, as everywhere. */
void gzip_write(struct gzip *, struct buffer *out, struct span in, bool last);

void gzip_free(struct gzip **);

/* What the fields Accept-Encoding of a request say, each taken in turn; all zero at first. */
struct gzip_accept {
    bool gzip_named, gzip_wanted;
    bool rest_wanted; /* "*" */
};

void gzip_accept_take(struct gzip_accept *, struct span field);

/* True when gzip was asked for: by name or by "*", with a weight above 0. */
static inline bool gzip_accepted(const struct gzip_accept *a)
{
    return a->gzip_named ? a->gzip_wanted : a->rest_wanted;
}

#endif
