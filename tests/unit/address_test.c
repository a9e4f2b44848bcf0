/* SPDX-License-Identifier: MIT
 * Tests of walkv-httpd/address: addresses, lists of prefixes, and whom X-Forwarded-For names. */
#include "../../walkv-httpd/address.h"

#include <arpa/inet.h>
#include <CUnit/CUnit.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void address_suite(void);

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

static void test_parse_and_format(void)
{
    static const struct {
        const char *text, *wanted; /* NULL: none */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::1", "::1"},
        {"0.0.0.0", "0.0.0.0"},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.2.1:80", NULL},
        {"[::1]", NULL},
        {"fe80::1%eth0", NULL},
        {"", NULL},
        {"unknown", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1111:2222:3333:4444:5555:6666:255.255.255.2555555555", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address a;
        char text[ADDRESS_TEXT_BYTES];
        bool found = address_parse(&a, span(rows[i].text));
        CHECK_ROW(rows[i].text, found == (rows[i].wanted != NULL));
        if (found && rows[i].wanted) {
            CHECK_ROW(rows[i].text, address_format(text, &a) == strlen(rows[i].wanted));
            CHECK_ROW(rows[i].text, strcmp(text, rows[i].wanted) == 0);
        }
    }
    CU_ASSERT_FALSE(address_parse(&(struct address){0}, (struct span){"1.2.3.4\0", 8}));
}

static void test_sockets(void)
{
    struct sockaddr_storage s = {.ss_family = AF_INET};
    char text[ADDRESS_TEXT_BYTES];
    ((struct sockaddr_in *)&s)->sin_addr.s_addr = htonl(0x7f000001);
    struct address a = address_of_socket(&s);
    address_format(text, &a);
    CU_ASSERT_STRING_EQUAL(text, "127.0.0.1");
    s = (struct sockaddr_storage){.ss_family = AF_INET6};
    inet_pton(AF_INET6, "::ffff:10.0.0.1", &((struct sockaddr_in6 *)&s)->sin6_addr);
    a = address_of_socket(&s);
    address_format(text, &a);
    CU_ASSERT_STRING_EQUAL(text, "10.0.0.1");
    s = (struct sockaddr_storage){.ss_family = AF_UNIX};
    a = address_of_socket(&s);
    address_format(text, &a);
    CU_ASSERT_STRING_EQUAL(text, "unix:");
    s.ss_family = AF_UNSPEC;
    a = address_of_socket(&s);
    CU_ASSERT_EQUAL(address_format(text, &a), 0);
}

static void test_lists(void)
{
    static const struct {
        const char *list, *in, *out; /* `in` belongs to it, `out` does not; NULL list member: refused */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"10.0.0.0/9", "10.127.255.255", "10.128.0.0"},
        {"10.0.0.4/31", "10.0.0.5", "10.0.0.6"},
        {"10.0.0.4/32", "10.0.0.4", "10.0.0.5"},
        {"0.0.0.0/0", "255.1.2.3", "::1"},
        {"::/0", "ffff::1", "1.2.3.4"},
        {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
        {"::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"},
        {" 1.1.1.1 , 2.2.2.2,3.3.3.0/24 ", "2.2.2.2", "3.3.4.0"},
        {"unix:,1.1.1.1", "1.1.1.1", "1.1.1.2"},
        {"", NULL, "1.1.1.1"},
        {"  ", NULL, "::1"},
    };
    static const char *const bad[] = {
        "1.1.1.1,",   ",1.1.1.1",   "1.1.1.1 2.2.2.2", "1.1.1.1/33",        "1.1.1.1/",     "1.1.1.1/x",
        "10.0.0.1/8", "::1/127",    "::1/129",         "1.1.1.1/032",       "1.1.1.1/-1",   "host",
        "unix",       "unix:/path", "1.1.1.1;::",      "::ffff:1.1.1.1/95", "1.1.1.1/0000",
    };
    struct address_list list;
    struct address a;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_ROW(rows[i].list, address_list_parse(&list, rows[i].list) == NULL);
        if (rows[i].in)
            CHECK_ROW(rows[i].list, address_parse(&a, span(rows[i].in)) && address_list_has(&list, &a));
        CHECK_ROW(rows[i].list, address_parse(&a, span(rows[i].out)) && !address_list_has(&list, &a));
        bool unix_peers = strstr(rows[i].list, "unix:");
        CHECK_ROW(rows[i].list,
                  address_list_has(&list, &(struct address){.kind = ADDRESS_UNIX}) == unix_peers);
        CHECK_ROW(rows[i].list, !address_list_has(&list, &(struct address){.kind = ADDRESS_NONE}));
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_ROW(bad[i], address_list_parse(&list, bad[i]) != NULL);
}

static void test_forwarded(void)
{
    static const struct {
        const char *peer, *field, *wanted;
        bool ends;
    } rows[] = {
        {"10.0.0.1", "192.0.2.9", "192.0.2.9", true},
        {"192.0.2.1", "192.0.2.9", "192.0.2.1", true}, /* whoever is not believed cannot name anybody */
        {"10.0.0.1", "192.0.2.8, 192.0.2.9", "192.0.2.9", true},
        {"10.0.0.1", "192.0.2.8, 10.0.0.2", "192.0.2.8", true},
        {"10.0.0.1", "192.0.2.8,10.0.0.3 ,\t10.0.0.2", "192.0.2.8", true},
        {"10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3", false},
        {"10.0.0.1", "", "10.0.0.1", false},
        {"10.0.0.1", "192.0.2.9:4711", "192.0.2.9", true},
        {"10.0.0.1", "2001:db8::9", "2001:db8::9", true},
        {"10.0.0.1", "[2001:db8::9]", "2001:db8::9", true},
        {"10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9", true},
        {"10.0.0.1", "unknown", "10.0.0.1", true},
        {"10.0.0.1", "192.0.2.8, unknown, 10.0.0.2", "10.0.0.2", true},
        {"10.0.0.1", "192.0.2.8,", "10.0.0.1", true},
        {"10.0.0.1", ",192.0.2.8", "192.0.2.8", true},
        {"10.0.0.1", "\"192.0.2.8\"", "10.0.0.1", true},
        {"10.0.0.1", "192.0.2.8:", "10.0.0.1", true},
        {"10.0.0.1", "192.0.2.8:x", "10.0.0.1", true},
        {"10.0.0.1", "[192.0.2.8]", "10.0.0.1", true},
        {"10.0.0.1", "[::9]x", "10.0.0.1", true},
        {"10.0.0.1", "[::9", "10.0.0.1", true},
    };
    struct address_list trusted;
    CU_ASSERT_PTR_NULL_FATAL(address_list_parse(&trusted, "10.0.0.0/8"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address a;
        char text[ADDRESS_TEXT_BYTES];
        unsigned left = ADDRESS_FORWARDED_MAX;
        address_parse(&a, span(rows[i].peer));
        CHECK_ROW(rows[i].field, address_forwarded(&a, &trusted, span(rows[i].field), &left) == rows[i].ends);
        address_format(text, &a);
        CHECK_ROW(rows[i].field, strcmp(text, rows[i].wanted) == 0);
    }
}

/* However many proxies are named, and in however many lines. */
static void test_forwarded_has_an_end(void)
{
    struct address_list trusted;
    CU_ASSERT_PTR_NULL_FATAL(address_list_parse(&trusted, "10.0.0.0/8"));
    for (unsigned count = ADDRESS_FORWARDED_MAX - 1; count <= ADDRESS_FORWARDED_MAX + 1; count++) {
        for (unsigned lines = 1; lines <= 2; lines++) {
            char field[1024] = "192.0.2.8", text[ADDRESS_TEXT_BYTES];
            struct address a;
            unsigned left = ADDRESS_FORWARDED_MAX;
            address_parse(&a, span("10.0.0.1"));
            if (lines == 2)
                CU_ASSERT_FALSE(address_forwarded(&a, &trusted, span("10.1.0.1,10.1.0.2"), &left));
            for (unsigned i = lines == 2 ? 2 : 0; i < count; i++)
                snprintf(field + strlen(field), sizeof field - strlen(field), ",10.0.1.%u", i);
            CU_ASSERT_TRUE(address_forwarded(&a, &trusted, span(field), &left));
            address_format(text, &a);
            CU_ASSERT_EQUAL(strcmp(text, "192.0.2.8") == 0, count < ADDRESS_FORWARDED_MAX);
        }
    }
}

void address_suite(void)
{
    CU_pSuite suite = CU_add_suite("address", NULL, NULL);
    CU_add_test(suite, "text to address and back", test_parse_and_format);
    CU_add_test(suite, "addresses of sockets", test_sockets);
    CU_add_test(suite, "lists of prefixes", test_lists);
    CU_add_test(suite, "X-Forwarded-For", test_forwarded);
    CU_add_test(suite, "a long X-Forwarded-For", test_forwarded_has_an_end);
}
