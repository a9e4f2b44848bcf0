/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/proxy_protocol: headers, every way to cut them and every bit of them the other way
 * round, in heap blocks of exactly the bytes that are there, so that a sanitizer sees a look behind them. */
#include "../../walkv-httpd/proxy_protocol.h"

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void proxy_protocol_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CHECK_ROW(name, condition)                                                                           \
    do {                                                                                                     \
        bool holds = (condition);                                                                            \
        if (!holds)                                                                                          \
            fprintf(stderr, "\n  row \"%s\", line %d: %s\n", (name), __LINE__, #condition);                  \
        CU_ASSERT(holds);                                                                                    \
    } while (0)

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4      "\xc0\0\2\1\xc6\x33\x64\7\xdc\4\1\xbb"
#define IPV6      "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\x9" IPV4 "\0\0\0\7\xdc\4\1\xbb"

struct row {
    const char *name, *bytes;
    size_t count;
    const char *wanted; /* the client, "" for the proxy itself, NULL for an error */
};
#define ROW(name, text, wanted)                                                                              \
    {                                                                                                        \
        name, text, sizeof(text) - 1, wanted                                                                 \
    }

static const struct row rows[] = {
    ROW("v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "192.0.2.1"),
    ROW("v1 TCP6", "PROXY TCP6 2001:db8::9 2001:db8::1 1 65535\r\n", "2001:db8::9"),
    ROW("v1 the longest TCP6",
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
        "65535\r\n",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ROW("v1 UNKNOWN", "PROXY UNKNOWN\r\n", ""),
    ROW("v1 UNKNOWN with a tail", "PROXY UNKNOWN ff:: \x01 what ever\r\n", ""),
    ROW("v2 LOCAL", SIGNATURE "\x20\0\0\0", ""),
    ROW("v2 LOCAL with bytes", SIGNATURE "\x20\x11\0\3abc", ""),
    ROW("v2 unspecified", SIGNATURE "\x21\0\0\2ab", ""),
    ROW("v2 TCP4", SIGNATURE "\x21\x11\0\x0c" IPV4, "192.0.2.1"),
    ROW("v2 TCP4 with a TLV", SIGNATURE "\x21\x11\0\x11" IPV4 "\4\0\2xy", "192.0.2.1"),
    ROW("v2 TCP6", SIGNATURE "\x21\x21\0\x24" IPV6, "2001:db8::9"),
    ROW("v1 lower case", "proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n", NULL),
    ROW("v1 UDP4", "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n", NULL),
    ROW("v1 LF alone", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n", NULL),
    ROW("v1 CR alone", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\rG", NULL),
    ROW("v1 two spaces", "PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n", NULL),
    ROW("v1 a space at the end", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n", NULL),
    ROW("v1 one port", "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n", NULL),
    ROW("v1 three ports", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n", NULL),
    ROW("v1 a large port", "PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n", NULL),
    ROW("v1 a port with a zero", "PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n", NULL),
    ROW("v1 a port with a sign", "PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n", NULL),
    ROW("v1 a bad address", "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n", NULL),
    ROW("v1 IPv6 in TCP4", "PROXY TCP4 ::1 ::1 1 2\r\n", NULL),
    ROW("v1 IPv4 in TCP6", "PROXY TCP6 192.0.2.1 ::1 1 2\r\n", NULL),
    ROW("v1 nothing", "PROXY \r\n", NULL),
    ROW("v1 UNKNOWNS", "PROXY UNKNOWNS\r\n", NULL),
    ROW("v1 LF within", "PROXY UNKNOWN \n\r\n", NULL),
    ROW("v1 too long",
        "PROXY UNKNOWN "
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123\r\n",
        NULL),
    ROW("v2 version 1", SIGNATURE "\x11\x11\0\x0c" IPV4, NULL),
    ROW("v2 version 3", SIGNATURE "\x31\x11\0\x0c" IPV4, NULL),
    ROW("v2 command 2", SIGNATURE "\x22\x11\0\x0c" IPV4, NULL),
    ROW("v2 UDP4", SIGNATURE "\x21\x12\0\x0c" IPV4, NULL),
    ROW("v2 family 4", SIGNATURE "\x21\x41\0\x0c" IPV4, NULL),
    ROW("v2 too short", SIGNATURE "\x21\x11\0\x0b" IPV4, NULL),
    ROW("v2 too short for TCP6", SIGNATURE "\x21\x21\0\x0c" IPV4, NULL),
    ROW("v2 too long", SIGNATURE "\x21\x11\x10\0" IPV4, NULL),
    ROW("a request", "GET / HTTP/1.1\r\n\r\n", NULL),
    ROW("TLS", "\x16\3\1\2\0\1\0", NULL),
};

/* One call with a block of its own. */
static enum proxy_parse parse(const char *bytes, size_t count, size_t *used, struct address *client)
{
    char *copy = malloc(count ? count : 1);
    memcpy(copy, bytes, count);
    *used = SIZE_MAX;
    enum proxy_parse rc = proxy_protocol_parse(copy, count, used, client);
    free(copy);
    return rc;
}

/* As a connection does it: one byte more in each call. Every answer before the last must be "more". */
static enum proxy_parse parse_bytewise(const char *bytes, size_t count, size_t *used, struct address *client)
{
    for (size_t n = 0; n < count; n++) {
        enum proxy_parse rc = parse(bytes, n, used, client);
        if (rc != PROXY_MORE)
            return rc;
    }
    return parse(bytes, count, used, client);
}

static void test_rows(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        size_t used;
        struct address client;
        char text[ADDRESS_TEXT_BYTES], more[512];
        enum proxy_parse wanted = r->wanted ? PROXY_DONE : PROXY_ERROR;
        CHECK_ROW(r->name, parse(r->bytes, r->count, &used, &client) == wanted);
        if (r->wanted) {
            CHECK_ROW(r->name, used == r->count);
            address_format(text, &client);
            CHECK_ROW(r->name, strcmp(text, r->wanted) == 0);
        }
        /* With a request behind it, and byte by byte. */
        memcpy(more, r->bytes, r->count);
        memcpy(more + r->count, "GET / HTTP", 10);
        CHECK_ROW(r->name, parse(more, r->count + 10, &used, &client) == wanted);
        CHECK_ROW(r->name, !r->wanted || used == r->count);
        CHECK_ROW(r->name, parse_bytewise(r->bytes, r->count, &used, &client) == wanted);
        CHECK_ROW(r->name, !r->wanted || used == r->count);
    }
}

static void test_limits(void)
{
    char bytes[PROXY_V2_BYTES_MAX + 1] = SIGNATURE "\x21\x11";
    size_t used;
    struct address client;
    bytes[14] = (PROXY_V2_BYTES_MAX - 16) >> 8;
    bytes[15] = (char)((PROXY_V2_BYTES_MAX - 16) & 0xff);
    CU_ASSERT_EQUAL(parse(bytes, PROXY_V2_BYTES_MAX - 1, &used, &client), PROXY_MORE);
    CU_ASSERT_EQUAL(parse(bytes, PROXY_V2_BYTES_MAX, &used, &client), PROXY_DONE);
    CU_ASSERT_EQUAL(used, PROXY_V2_BYTES_MAX);
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "PROXY UNKNOWN ", 14);
    CU_ASSERT_EQUAL(parse(bytes, 106, &used, &client), PROXY_MORE);
    CU_ASSERT_EQUAL(parse(bytes, 107, &used, &client), PROXY_ERROR); /* refused before it grows further */
    memcpy(bytes + 105, "\r\n", 2);
    CU_ASSERT_EQUAL(parse(bytes, 107, &used, &client), PROXY_DONE);
}

/* Every bit of every good header the other way round: what comes of it is the same however it is cut, ends
 * within the header or asks for more, and a header of version 2 whose fixed part is damaged is never taken
 * for another client. */
static void test_every_bit(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        for (size_t bit = 0; r->wanted && bit < 8 * r->count; bit++) {
            char bytes[512];
            size_t used, used_bytewise;
            struct address client = {0}, client_bytewise = {0};
            memcpy(bytes, r->bytes, r->count);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            enum proxy_parse rc = parse(bytes, r->count, &used, &client);
            CHECK_ROW(r->name, parse_bytewise(bytes, r->count, &used_bytewise, &client_bytewise) == rc);
            if (rc == PROXY_DONE) {
                CHECK_ROW(r->name, used == used_bytewise && used <= r->count && bit / 8 >= 6);
                CHECK_ROW(r->name, memcmp(&client, &client_bytewise, sizeof client) == 0);
            }
            if (bit / 8 < 6 || (r->bytes[0] == '\r' && bit / 8 < 12))
                CHECK_ROW(r->name, rc == PROXY_ERROR);
        }
    }
}

void proxy_protocol_suite(void)
{
    CU_pSuite suite = CU_add_suite("proxy_protocol", NULL, NULL);
    CU_add_test(suite, "headers, whole and in pieces", test_rows);
    CU_add_test(suite, "limits", test_limits);
    CU_add_test(suite, "every bit", test_every_bit);
}
