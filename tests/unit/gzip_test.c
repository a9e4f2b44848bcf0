/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/gzip: what goes in comes out at once and whole; who asks for it. */
#include "../../walkv-httpd/gzip.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void gzip_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CHECK_ROW(name, condition)                                                                           \
    do {                                                                                                     \
        bool holds = (condition);                                                                            \
        if (!holds)                                                                                          \
            fprintf(stderr, "\n  row \"%s\", line %d: %s\n", (name), __LINE__, #condition);                  \
        CU_ASSERT(holds);                                                                                    \
    } while (0)

static void test_accept(void)
{
    static const struct {
        const char *first, *second; /* fields; NULL: none */
        bool wanted;
    } rows[] = {
        {NULL, NULL, false},
        {"", NULL, false},
        {"gzip", NULL, true},
        {"GZIP", NULL, true},
        {"x-gzip", NULL, true},
        {"gzip, deflate, br", NULL, true},
        {"deflate , gzip ;q=0.5", NULL, true},
        {"br;q=1.0, gzip;q=0.001", NULL, true},
        {"gzip;q=1", NULL, true},
        {"gzip;q=1.", NULL, true},
        {"gzip;q=1.000", NULL, true},
        {"gzip ; Q=0.9", NULL, true},
        {"*", NULL, true},
        {"*;q=0.1", NULL, true},
        {"deflate", "gzip", true},
        {"gzip;q=0", NULL, false},
        {"gzip;q=0.", NULL, false},
        {"gzip;q=0.000", NULL, false},
        {"gzip;q=0, *", NULL, false},
        {"*", "gzip;q=0", false},
        {"*;q=0", NULL, false},
        {"gzip, gzip;q=0", NULL, false},
        {"identity", NULL, false},
        {"deflate, br", NULL, false},
        {"gzipp", NULL, false},
        {"gzi", NULL, false},
        {"gzip;q=1.1", NULL, false},
        {"gzip;q=1.001", NULL, false},
        {"gzip;q=2", NULL, false},
        {"gzip;q=0.1234", NULL, false},
        {"gzip;q=-1", NULL, false},
        {"gzip;q=", NULL, false},
        {"gzip;", NULL, false},
        {"gzip;q", NULL, false},
        {"gzip;x=1", NULL, false},
        {"gzip;q=1;q=0", NULL, false},
        {",,,", NULL, false},
        {";,;gzip", NULL, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gzip_accept accept = {0};
        const char *fields[] = {rows[i].first, rows[i].second};
        for (unsigned f = 0; f < 2 && fields[f]; f++) {
            size_t bytes = strlen(fields[f]);
            char *copy = malloc(bytes + 1); /* less the NUL, so that a look behind it is seen */
            memcpy(copy + 1, fields[f], bytes);
            gzip_accept_take(&accept, (struct span){copy + 1, bytes});
            free(copy);
        }
        CHECK_ROW(rows[i].first ? rows[i].first : "(none)", gzip_accepted(&accept) == rows[i].wanted);
    }
}

/* Unpacks what has come so far; the number of bytes of it. */
static size_t unpack(const struct buffer *packed, char *out, size_t room, bool *ended)
{
    z_stream z = {.next_in = (Bytef *)packed->data,
                  .avail_in = (uInt)packed->bytes,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)room};
    CU_ASSERT_EQUAL_FATAL(inflateInit2(&z, 15 + 16), Z_OK);
    int rc = inflate(&z, Z_SYNC_FLUSH);
    CU_ASSERT(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR);
    *ended = rc == Z_STREAM_END;
    inflateEnd(&z);
    return z.total_out;
}

static void test_pieces(void)
{
    enum { ROOM = 1 << 19 };
    static const size_t pieces[] = {1, 0, 5, 70000, 65536, 3, 200000, 16384};
    char *in = malloc(ROOM), *out = malloc(ROOM);
    unsigned state = 1;
    for (size_t i = 0; i < ROOM; i++) /* half of it noise, so that it does not only shrink */
        in[i] = (char)(i % 100000 < 50000 ? (state = state * 1103515245 + 12345) >> 16 : 'x');
    struct gzip *g = gzip_new();
    struct buffer packed = {0};
    size_t at = 0;
    bool ended;
    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        bool last = i + 1 == COUNT(pieces);
        gzip_write(g, &packed, (struct span){in + at, pieces[i]}, last);
        at += pieces[i];
        CU_ASSERT_EQUAL(unpack(&packed, out, ROOM, &ended), at); /* at once */
        CU_ASSERT_EQUAL(memcmp(in, out, at), 0);
        CU_ASSERT_EQUAL(ended, last);
    }
    gzip_free(&g);
    CU_ASSERT_PTR_NULL(g);
    gzip_free(&g);
    buffer_free(&packed);

    g = gzip_new(); /* nothing at all is a whole file, too */
    gzip_write(g, &packed, (struct span){0}, true);
    CU_ASSERT_EQUAL(unpack(&packed, out, ROOM, &ended), 0);
    CU_ASSERT_TRUE(ended);
    gzip_free(&g);
    buffer_free(&packed);
    free(in);
    free(out);
}

void gzip_suite(void)
{
    CU_pSuite suite = CU_add_suite("gzip", NULL, NULL);
    CU_add_test(suite, "Accept-Encoding", test_accept);
    CU_add_test(suite, "pieces", test_pieces);
}
