/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/etag: which tags are well-formed, which versions they stand for, and what
 * If-None-Match names. */
#include "../../walkv-httpd/etag.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

void etag_suite(void);

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

static void test_parse(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t version;
    } rows[] = {
        {"\"17\"", true, 17},
        {"\"1\"", true, 1},
        {"\"18446744073709551615\"", true, UINT64_MAX},
        {"\"18446744073709551616\"", true, 0},
        {"\"99999999999999999999999\"", true, 0},
        {"\"0\"", true, 0},
        {"\"017\"", true, 0},
        {"\"+17\"", true, 0},
        {"\"1 7\"", false, 0},
        {"W/\"17\"", true, 0},
        {"w/\"17\"", false, 0},
        {"W/17", false, 0},
        {"W/", false, 0},
        {"W", false, 0},
        {"\"\"", true, 0},
        {"\"a,b\"", true, 0},
        {"\"\xc3\xa9\"", true, 0},
        {"\"\x7f\"", false, 0},
        {"\"17", false, 0},
        {"17\"", false, 0},
        {"\"", false, 0},
        {"17", false, 0},
        {"", false, 0},
        {"\"1\"7\"", false, 0},
        {"\"1\",\"2\"", false, 0},
        {"\"17\" ", false, 0},
        {"*", false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t version = 42;
        CHECK_ROW(rows[i].text, etag_parse(span(rows[i].text), &version) == rows[i].good);
        CHECK_ROW(rows[i].text, version == rows[i].version);
    }
}

static void test_version_and_back(void)
{
    static const uint64_t versions[] = {1, 9, 10, 1234567890, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(versions); i++) {
        char text[ETAG_VERSION_BYTES];
        uint64_t version;
        struct span tag = etag_of_version(text, versions[i]);
        CU_ASSERT(tag.bytes == strlen(text) && tag.bytes < ETAG_VERSION_BYTES);
        CU_ASSERT(etag_parse(tag, &version) && version == versions[i]);
    }
}

/* Of the tag "17". */
static void test_none_match(void)
{
    static const struct {
        const char *lines[4];
        bool wanted;
    } rows[] = {
        {{NULL}, false},
        {{"\"17\""}, true},
        {{"W/\"17\""}, true},
        {{"*"}, true},
        {{"\"1\", \"17\""}, true},
        {{"\"1\",W/\"17\",\"2\""}, true},
        {{", ,\"1\"\t,\t\"17\" ,"}, true},
        {{"\"1\"", "\"17\""}, true},
        {{"\"17\"", "\"1\""}, true},
        {{"\"1\"", "", "\"2\", \"17\""}, true},
        {{"\"1\"", "*"}, true},
        {{"17", "\"17\""}, true},
        {{"\"a,b\", \"17\""}, true},
        {{"\"1\""}, false},
        {{"17"}, false},
        {{""}, false},
        {{","}, false},
        {{"\"17"}, false},
        {{"\"1, \"17\""}, false},
        {{"\"a,17,b\""}, false},
        {{"\"17\"x"}, false},
        {{"\"1\"\"17\""}, false},
        {{"\"1\" \"17\""}, false},
        {{"W/ \"17\""}, false},
        {{"\"017\""}, false},
        {{"**"}, false},
        {{"\"1\", *"}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct http_request req; /* as large as its limits */
        req.headers[0] = (struct http_header){span("If-Match"), span("\"17\"")};
        req.header_count = 1;
        for (size_t line = 0; line < COUNT(rows[i].lines) && rows[i].lines[line]; line++)
            req.headers[req.header_count++] =
                (struct http_header){span("if-NONE-match"), span(rows[i].lines[line])};
        CHECK_ROW(rows[i].lines[0] ? rows[i].lines[0] : "no line",
                  etag_none_match(&req, span("\"17\"")) == rows[i].wanted);
    }
}

void etag_suite(void)
{
    CU_pSuite suite = CU_add_suite("etag", NULL, NULL);
    CU_add_test(suite, "one tag", test_parse);
    CU_add_test(suite, "a version and back", test_version_and_back);
    CU_add_test(suite, "If-None-Match", test_none_match);
}
