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
        struct span element = span_trim(span_take(&field, ',')), rest = element;
        struct span coding = span_trim(span_take(&rest, ';'));
        bool wanted = coding.bytes == element.bytes || weighs(span_trim(rest));
        if (span_is_text_any_case(coding, "gzip") || span_is_text_any_case(coding, "x-gzip")) {
            a->gzip_wanted = a->gzip_named ? a->gzip_wanted && wanted : wanted;
            a->gzip_named = true;
        } else if (span_is_text(coding, "*")) {
            a->rest_wanted = wanted;
        }
    }
}
