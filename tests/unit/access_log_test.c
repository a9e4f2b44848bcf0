/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/access_log and request_id: the form of a line and of an id. How lines get out is
 * tested with the daemons in tests/system/access_log_test.py. */
#include "../../walkv-httpd/access_log.h"
#include "../../walkv-httpd/request_id.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

void access_log_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CHECK_ROW(name, condition)                                                                           \
    do {                                                                                                     \
        bool holds = (condition);                                                                            \
        if (!holds)                                                                                          \
            fprintf(stderr, "\n  row \"%s\", line %d: %s\n", (name), __LINE__, #condition);                  \
        CU_ASSERT(holds);                                                                                    \
    } while (0)

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

static const char *format(const struct access_entry *entry)
{
    static char line[ACCESS_LINE_MAX + 1];
    size_t bytes = access_log_format(line, "2026-11-25T22:11:42.123Z", entry);
    CU_ASSERT(bytes <= ACCESS_LINE_MAX && line[bytes - 1] == '\n');
    line[bytes] = '\0';
    return line;
}

static void test_line(void)
{
    struct access_entry entry = {
        .id = span("3f9a0c12b4d5-7"),
        .client = {.kind = ADDRESS_IPV4, .bytes = {192, 0, 2, 7}},
        .method = "GET",
        .path = span("/api/kv/a?x=1"),
        .status = 200,
        .bytes = 312,
        .duration_ns = 57999,
    };
    CU_ASSERT_STRING_EQUAL(
        format(&entry),
        "{\"time\":\"2026-11-25T22:11:42.123Z\",\"id\":\"3f9a0c12b4d5-7\",\"client\":\"192.0.2.7\",\"token\":"
        "\"\","
        "\"method\":\"GET\",\"path\":\"/api/kv/a?x=1\",\"status\":200,\"bytes\":312,\"duration_us\":57}\n");
    entry = (struct access_entry){.id = span("x"), .method = "", .token = span("a\"b"), .aborted = true};
    CU_ASSERT_STRING_EQUAL(format(&entry),
                           "{\"time\":\"2026-11-25T22:11:42.123Z\",\"id\":\"x\",\"client\":\"\",\"token\":"
                           "\"a\\\"b\",\"method\":\"\","
                           "\"path\":\"\",\"status\":0,\"bytes\":0,\"duration_us\":0,\"aborted\":true}\n");
}

static void test_escapes(void)
{
    static const struct {
        const char *path, *wanted;
    } rows[] = {
        {"/a\"b\\c", "\"path\":\"/a\\\"b\\\\c\","},
        {"/\n\r\t\x1b\x7f", "\"path\":\"/%0A%0D%09%1B%7F\","},
        {"/\xc3\xa9", "\"path\":\"/%C3%A9\","},
        {"/ ", "\"path\":\"/%20\","},
        {"/\xc3\xa9\xff\xc3", "\"path\":\"/%C3%A9%FF%C3\","},
        {"/%41%0a", "\"path\":\"/%41%0a\","},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct access_entry entry = {.id = span("x"), .method = "GET", .path = span(rows[i].path)};
        CHECK_ROW(rows[i].wanted, strstr(format(&entry), rows[i].wanted));
    }
}

/* However long and full of what must be escaped: a line is whole, within its limit, and cut between escapes.
 */
static void test_longest(void)
{
    static const struct {
        const char *text, *escaped;
    } units[] = {{"a", "a"}, {"\"", "\\\""}, {"\x01", "%01"}, {"\xff", "%FF"}};
    for (size_t u = 0; u < COUNT(units); u++) {
        for (unsigned before = 0; before < 8; before++) {
            char path[8192], id[REQUEST_ID_BYTES_MAX];
            size_t bytes = before;
            memset(path, 'p', before);
            memset(id, 'i', sizeof id);
            while (bytes < sizeof path)
                path[bytes++] = *units[u].text;
            struct access_entry entry = {.id = {id, sizeof id},
                                         .client = {.kind = ADDRESS_IPV6},
                                         .token = {path, bytes},
                                         .method = "OPTIONS",
                                         .path = {path, bytes},
                                         .status = 599,
                                         .bytes = UINT64_MAX,
                                         .duration_ns = UINT64_MAX,
                                         .aborted = true};
            memset(entry.client.bytes, 0xff, 16);
            const char *line = format(&entry), *cut = strstr(line, "...\",\"status\":");
            CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
            size_t one = strlen(units[u].escaped);
            CHECK_ROW(units[u].escaped, memcmp(cut - one, units[u].escaped, one) == 0);
        }
    }
}

static void test_ids(void)
{
    char longest[REQUEST_ID_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    CU_ASSERT_TRUE(request_id_valid((struct span){longest, REQUEST_ID_BYTES_MAX}));
    CU_ASSERT_FALSE(request_id_valid((struct span){longest, REQUEST_ID_BYTES_MAX + 1}));
    CU_ASSERT_FALSE(request_id_valid((struct span){longest, 0}));
    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        bool wanted = c > 0x20 && c < 0x7f && c != '"' && c != '\\';
        CU_ASSERT_EQUAL(request_id_valid((struct span){text, 3}), wanted);
    }
    char prefix[REQUEST_ID_PREFIX];
    struct request_id id;
    request_id_prefix(prefix, 0xfedcba9876543210);
    request_id_make(&id, prefix, 0);
    CU_ASSERT_EQUAL(id.bytes, 14);
    CU_ASSERT_EQUAL(memcmp(id.text, "0123456789ab-0", 14), 0);
    request_id_make(&id, prefix, UINT64_MAX);
    CU_ASSERT_EQUAL(id.bytes, 33);
    CU_ASSERT_EQUAL(memcmp(id.text, "0123456789ab-18446744073709551615", 33), 0);
    CU_ASSERT_TRUE(request_id_valid(request_id_span(&id)));
    request_id_take(&id, (struct span){longest, REQUEST_ID_BYTES_MAX});
    CU_ASSERT_EQUAL(request_id_span(&id).bytes, REQUEST_ID_BYTES_MAX);
}

void access_log_suite(void)
{
    CU_pSuite suite = CU_add_suite("access_log", NULL, NULL);
    CU_add_test(suite, "a line", test_line);
    CU_add_test(suite, "escapes", test_escapes);
    CU_add_test(suite, "the longest lines", test_longest);
    CU_add_test(suite, "request ids", test_ids);
}
