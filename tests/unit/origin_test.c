/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/origin: what is an origin, lists of them, and whether one is the host of a request;
 * and of the fields that the pages of the web UI will have. */
#include "../../walkv-httpd/cors.h"
#include "../../walkv-httpd/origin.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

void origin_suite(void);

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

static void test_valid(void)
{
    static const struct {
        const char *text;
        bool wanted;
    } rows[] = {
        {"https://app.example.org", true},
        {"http://localhost", true},
        {"http://localhost:8080", true},
        {"http://127.0.0.1:1", true},
        {"https://[::1]:65535", true},
        {"https://[2001:db8::7]", true},
        {"https://xn--bcher-kva.example", true},
        {"https://example.org:80", true},
        {"", false},
        {"*", false},
        {"null", false},
        {"https://", false},
        {"https://:80", false},
        {"https://*.example.org", false},
        {"https://Example.org", false},
        {"HTTPS://example.org", false},
        {"https://example.org/", false},
        {"https://example.org/path", false},
        {"https://user@example.org", false},
        {"https://example.org?x", false},
        {"https://example.org:443", false},
        {"http://example.org:80", false},
        {"https://example.org:", false},
        {"https://example.org:0", false},
        {"https://example.org:080", false},
        {"https://example.org:65536", false},
        {"https://example.org:123456", false},
        {"https://example.org:8o", false},
        {"https://[::1", false},
        {"https://[]", false},
        {"https://[::1]x", false},
        {"https://[::1]:", false},
        {"https://::1", false},
        {"ftp://example.org", false},
        {"example.org", false},
        {"https://exa mple.org", false},
        {"https://example.org,https://b", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_ROW(rows[i].text, origin_valid(span(rows[i].text)) == rows[i].wanted);
    CU_ASSERT_FALSE(origin_valid((struct span){"https://a\0b", 11}));
}

static void test_find(void)
{
    static const char list[] = "https://a.example, http://localhost:8080 ,https://bb.example";
    static const struct {
        const char *text;
        int at; /* -1: not found */
    } rows[] = {
        {"https://a.example", 0},
        {"http://localhost:8080", 19},
        {"https://bb.example", 42},
        {"https://b.example", -1},
        {"https://a.exampl", -1},
        {"https://a.example:8080", -1},
        {"http://a.example", -1},
        {"https://A.example", -1},
        {"", -1},
        {"https://a.example,", -1},
        {"null", -1},
        {"http://localhost", -1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *found = origin_find(list, span(rows[i].text));
        CHECK_ROW(rows[i].text, rows[i].at < 0 ? !found : found == list + rows[i].at);
    }
    CU_ASSERT_PTR_NULL(origin_find("", span("https://a.example")));
    CU_ASSERT_PTR_NULL(origin_find("", span("")));
}

static void test_is_host(void)
{
    static const struct {
        const char *origin, *host;
        bool wanted;
    } rows[] = {
        {"http://127.0.0.1:4000", "127.0.0.1:4000", true},
        {"https://db.example.org", "db.example.org", true},
        {"https://db.example.org", "DB.Example.org", true},
        {"https://db.example.org", "db.example.org:443", true},
        {"http://db.example.org", "db.example.org:80", true},
        {"http://[::1]:4000", "[::1]:4000", true},
        {"http://[::1]", "[::1]:80", true},
        {"https://db.example.org", "db.example.org:80", false},
        {"http://db.example.org", "db.example.org:443", false},
        {"http://db.example.org", "db.example.org:8080", false},
        {"http://127.0.0.1:4000", "127.0.0.1:4001", false},
        {"http://127.0.0.1:4000", "127.0.0.1", false},
        {"http://127.0.0.1", "127.0.0.1:4000", false},
        {"https://db.example.org.evil.example", "db.example.org", false},
        {"https://evil.example", "db.example.org", false},
        {"https://b.example.org", "db.example.org", false},
        {"null", "null", false},
        {"", "", false},
        {"https://db.example.org/", "db.example.org", false},
        {"db.example.org", "db.example.org", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_ROW(rows[i].origin, origin_is_host(span(rows[i].origin), span(rows[i].host)) == rows[i].wanted);
}

static void test_fields_of_the_ui(void)
{
    const char *const fields = CORS_UI_FIELDS;
    for (const char *at = fields, *end; *at; at = end + 2) { /* whole lines, none of them broken */
        end = strstr(at, "\r\n");
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        const char *colon = strstr(at, ": ");
        CU_ASSERT(colon && colon < end);
    }
    static const char *const there[] = {"Content-Security-Policy: default-src 'none'; script-src 'self'; ",
                                        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"};
    for (size_t i = 0; i < COUNT(there); i++)
        CHECK_ROW(there[i], strstr(fields, there[i]));
    static const char *const not_there[] = {"unsafe", "*", "http:", "data:"};
    for (size_t i = 0; i < COUNT(not_there); i++)
        CHECK_ROW(not_there[i], !strstr(fields, not_there[i]));
}

void origin_suite(void)
{
    CU_pSuite suite = CU_add_suite("origin", NULL, NULL);
    CU_add_test(suite, "what is an origin", test_valid);
    CU_add_test(suite, "lists", test_find);
    CU_add_test(suite, "the same as the host", test_is_host);
    CU_add_test(suite, "the fields of the web UI", test_fields_of_the_ui);
}
