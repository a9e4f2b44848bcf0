/* SPDX-License-Identifier: MIT
 * gzip of responses; see gzip.h. */
#include "gzip.h"

#include "log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* Level 1: a list is not compressed for an archive, and others wait for the loop meanwhile. */
enum { LEVEL = 1, WINDOW_BITS = 15 + 16 /* a gzip header */, MEMORY_LEVEL = 8, ROOM_BYTES = 16 * 1024 };

struct gzip {
    z_stream z;
};

struct gzip *gzip_new(void)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (g && deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return NULL;
    }
    return g;
}

void gzip_write(struct gzip *g, struct buffer *out, struct span in, bool last)
{
    must(in.bytes <= UINT32_MAX);
    g->z.next_in = (Bytef *)in.at; /* zlib does not write there */
    g->z.avail_in = (uInt)in.bytes;
    int rc;
    do {
        char *at = buffer_extend(out, ROOM_BYTES);
        g->z.next_out = (Bytef *)at;
        g->z.avail_out = ROOM_BYTES;
        rc = deflate(&g->z, last ? Z_FINISH : Z_SYNC_FLUSH);
        out->bytes -= g->z.avail_out;
        must(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR); /* the last: there was nothing to do */
    } while (last ? rc != Z_STREAM_END : g->z.avail_out == 0);
    must(g->z.avail_in == 0);
}

void gzip_free(struct gzip **g)
{
    if (!*g)
        return;
    deflateEnd(&(*g)->z);
    free(*g);
    *g = NULL;
}

static struct span trim(struct span s)
{
    while (s.bytes && (*s.at == ' ' || *s.at == '\t'))
        s.at++, s.bytes--;
    while (s.bytes && (s.at[s.bytes - 1] == ' ' || s.at[s.bytes - 1] == '\t'))
        s.bytes--;
    return s;
}

/* Takes what stands before the first `separator` off the front. */
static struct span take_part(struct span *rest, char separator)
{
    const char *end = memchr(rest->at, separator, rest->bytes);
    struct span part = {rest->at, end ? (size_t)(end - rest->at) : rest->bytes};
    size_t used = part.bytes + (end != NULL);
    *rest = (struct span){rest->at + used, rest->bytes - used};
    return trim(part);
}

static bool is(struct span s, const char *text)
{
    return s.bytes == strlen(text) && strncasecmp(s.at, text, s.bytes) == 0;
}

/* A weight, "q=0.5", above 0; what is no weight counts as 0, so that in doubt nothing is compressed. */
static bool weighs(struct span weight)
{
    bool above = false;
    if (weight.bytes < 3 || weight.bytes > 7 || strncasecmp(weight.at, "q=", 2) != 0)
        return false;
    for (size_t i = 2; i < weight.bytes; i++) {
        char c = weight.at[i];
        char most = i == 2 ? '1' : weight.at[2] == '1' ? '0' : '9';
        if (i == 3 ? c != '.' : c < '0' || c > most)
            return false;
        above |= i != 3 && c > '0';
    }
    return above;
}

void gzip_accept_take(struct gzip_accept *a, struct span field)
{
    while (field.bytes) {
        struct span element = take_part(&field, ','), rest = element, coding = take_part(&rest, ';');
        bool wanted = coding.bytes == element.bytes || weighs(trim(rest));
        if (is(coding, "gzip") || is(coding, "x-gzip")) {
            a->gzip_wanted = a->gzip_named ? a->gzip_wanted && wanted : wanted;
            a->gzip_named = true;
        } else if (is(coding, "*")) {
            a->rest_wanted = wanted;
        }
    }
}
