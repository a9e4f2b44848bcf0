/* SPDX-License-Identifier: MIT
 *
 * json_text: what is accepted, what is refused and where, and that text comes through unchanged.
 *
 * Every input is copied into a heap block of exactly its size, so that ASan sees a read of one byte too many.
 * The conformance files are read from $WALKV_SHARED/data/json/test_parsing (default: ../shared beside the
 * source root) and skipped with a message where they are absent.
 */
#include "../../common/json_text.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef WALKV_SOURCE_DIR
#define WALKV_SOURCE_DIR "."
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal)                                                                                        \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }
#define SPAN(literal) ((struct span)TEXT(literal))

void json_text_suite(void);

static void expect(bool holds, const char *row, const char *condition, unsigned line)
{
    char text[256] = "";
    if (!holds)
        snprintf(text, sizeof(text), "[%.100s] %.140s", row, condition);
    CU_assertImplementation(holds, line, text, __FILE__, "", CU_FALSE);
}

/* An assertion that names the row of the table. */
#define EXPECT(row, condition) expect((condition), (row), #condition, __LINE__)

/* A copy in a heap block of exactly that size; the caller frees `at`. */
static struct span boxed(struct span text)
{
    char *copy = malloc(text.bytes);
    if (!copy && text.bytes > 0)
        abort();
    if (text.bytes > 0)
        memcpy(copy, text.at, text.bytes);
    return (struct span){copy, text.bytes};
}

static void unbox(struct span box)
{
    free((void *)box.at);
}

static bool same(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* json_text_check() on an exact copy. */
static bool check(struct span text, unsigned max_depth, struct json_error *error)
{
    struct span box = boxed(text);
    bool valid = json_text_check(box, max_depth, error);
    unbox(box);
    return valid;
}

/* Walks all members; 0 or -1 as json_members_next() says. */
static int walk_members(struct span text, unsigned max_depth, struct json_members *it, size_t *count)
{
    struct span name, value;
    int more;
    *count = 0;
    json_members_begin(it, text, max_depth);
    while ((more = json_members_next(it, &name, &value)) > 0)
        ++*count;
    return more;
}

/* One of everything that the grammar has, several levels deep, with white space in every place. */
static const char complex_document[] =
    " \t\r\n{ \"value\" : [ 1 , -0 , 0.5 , 10.25e+3 , -7E-2 , 123456789012345678901234567890 , 1e400 ] ,\n"
    "\"text\":\"plain ascii that is longer than eight bytes, \\\"quoted\\\" \\\\ \\/ \\b\\f\\n\\r\\t "
    "\\u00e9 \\uD834\\uDD1E \\ud800 \",\n"
    "\"utf8\" : \"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E mixed \xED\x9F\xBF \x7F end\" , \"\" : \"\",\r\n"
    "\t\"literals\":[true,false , null,[ ],{ },[[[]]],[{\"a\":{\"b\":[{}]}}]],\n"
    "\"val\\u0075e\" : {\"deep\" : [[[[ {\"x\" : [ 1, 2, {\"y\" : null} ]} ]]]]} }\n ";

/* ---- What is accepted and what is refused ---- */

static void test_accepts(void)
{
    static const struct {
        const char *name;
        struct span input;
    } rows[] = {
        {"null", TEXT("null")},
        {"true", TEXT("true")},
        {"false in space", TEXT(" \n\t\r false \n\t\r ")},
        {"zero", TEXT("0")},
        {"minus zero", TEXT("-0")},
        {"zero exponent", TEXT("0e0")},
        {"fraction", TEXT("-0.00100")},
        {"huge exponent", TEXT("-1E+99999999999999999999")},
        {"huge integer", TEXT("123456789012345678901234567890123456789012345678901234567890")},
        {"empty string", TEXT("\"\"")},
        {"all escapes", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\"")},
        {"escaped NUL", TEXT("\"\\u0000\"")},
        {"lone high surrogate", TEXT("\"\\uD800\"")},
        {"lone low surrogate", TEXT("\"\\udfff x\"")},
        {"surrogates the wrong way round", TEXT("\"\\udc00\\ud800\"")},
        {"DEL", TEXT("\"\x7F\"")},
        {"line separator", TEXT("\"\xE2\x80\xA8\"")},
        {"byte order mark in a string", TEXT("\"\xEF\xBB\xBF\"")},
        {"noncharacter", TEXT("\"\xF4\x8F\xBF\xBF\"")},
        {"empty array", TEXT("[]")},
        {"empty object", TEXT("{ }")},
        {"same name twice", TEXT("{\"a\":1,\"a\":2}")},
        {"nested", TEXT("[[],{},[{\"a\":[]}]]")},
        {"complex", TEXT(complex_document)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_error error = {.line = 77};
        EXPECT(rows[i].name, check(rows[i].input, 10, &error));
        EXPECT(rows[i].name, error.line == 77 && !error.reason);
        EXPECT(rows[i].name, check(rows[i].input, 10, NULL));
    }
}

static void test_refuses(void)
{
    static const struct {
        const char *name;
        struct span input;
        size_t offset;
        const char *reason; /* a part of it */
    } rows[] = {
        {"nothing", TEXT(""), 0, "too early"},
        {"only space", TEXT(" \n "), 3, "too early"},
        {"byte order mark", TEXT("\xEF\xBB\xBF{}"), 0, "byte order mark"},
        {"two values", TEXT("1 2"), 2, "nothing after"},
        {"NUL behind", TEXT("1\0"), 1, "nothing after"},
        {"form feed", TEXT("\f1"), 0, "expected a value"},
        {"vertical tab", TEXT("[1,\v2]"), 3, "expected a value"},
        {"no-break space", TEXT("\xC2\xA0[]"), 0, "expected a value"},
        {"comment", TEXT("[1/**/]"), 2, "comma or ]"},
        {"plus", TEXT("+1"), 0, "expected a value"},
        {"minus", TEXT("-"), 1, "too early"},
        {"minus letter", TEXT("-x"), 1, "a digit"},
        {"leading zero", TEXT("012"), 1, "leading zeros"},
        {"minus leading zero", TEXT("-01"), 2, "leading zeros"},
        {"point first", TEXT(".5"), 0, "expected a value"},
        {"point last", TEXT("[1.]"), 3, "a digit"},
        {"exponent without digits", TEXT("[1e+]"), 4, "a digit"},
        {"fractional exponent", TEXT("1e1.5"), 3, "nothing after"},
        {"hexadecimal", TEXT("0x10"), 1, "nothing after"},
        {"NaN", TEXT("NaN"), 0, "expected a value"},
        {"Infinity", TEXT("-Infinity"), 1, "a digit"},
        {"True", TEXT("True"), 0, "expected a value"},
        {"misspelt", TEXT("trux"), 3, "true, false or null"},
        {"cut literal", TEXT("nul"), 3, "too early"},
        {"long literal", TEXT("nulll"), 4, "nothing after"},
        {"NUL in a literal", TEXT("tru\0"), 3, "true, false or null"},
        {"single quotes", TEXT("['a']"), 1, "expected a value"},
        {"raw newline", TEXT("\"a\nb\""), 2, "control character"},
        {"raw NUL", TEXT("\"\0\""), 1, "control character"},
        {"raw 0x1f behind eight", TEXT("\"12345678\x1F\""), 9, "control character"},
        {"open string", TEXT("\"abc"), 4, "too early"},
        {"escaped quote at the end", TEXT("\"abc\\\""), 6, "too early"},
        {"backslash at the end", TEXT("\"abc\\"), 5, "too early"},
        {"unknown escape", TEXT("\"\\x\""), 2, "unknown escape"},
        {"capital U", TEXT("\"\\U0041\""), 2, "unknown escape"},
        {"escaped NUL byte", TEXT("\"\\\0\""), 2, "unknown escape"},
        {"escaped euro sign", TEXT("\"\\\xE2\x82\xAC\""), 2, "unknown escape"},
        {"three digits", TEXT("\"\\u123\""), 6, "hexadecimal"},
        {"digit g", TEXT("\"\\u12g4\""), 5, "hexadecimal"},
        {"digit G", TEXT("\"\\u12G4\""), 5, "hexadecimal"},
        {"digit @", TEXT("\"\\u12@4\""), 5, "hexadecimal"},
        {"digit `", TEXT("\"\\u12`4\""), 5, "hexadecimal"},
        {"digit :", TEXT("\"\\u12:4\""), 5, "hexadecimal"},
        {"digit /", TEXT("\"\\u12/4\""), 5, "hexadecimal"},
        {"cut digits", TEXT("\"\\u12"), 5, "too early"},
        {"continuation byte", TEXT("\"\x80\""), 1, "UTF-8"},
        {"overlong slash", TEXT("\"a\xC0\xAF\""), 2, "UTF-8"},
        {"overlong NUL", TEXT("\"\xE0\x80\x80\""), 1, "UTF-8"},
        {"overlong euro sign", TEXT("\"\xF0\x82\x82\xAC\""), 1, "UTF-8"},
        {"raw surrogate", TEXT("\"\xED\xA0\x80\""), 1, "UTF-8"},
        {"above U+10FFFF", TEXT("\"\xF4\x90\x80\x80\""), 1, "UTF-8"},
        {"cut sequence before the quote", TEXT("\"\xE2\x82\""), 1, "UTF-8"},
        {"cut sequence at the end", TEXT("\"\xF0\x9D\x84"), 1, "UTF-8"},
        {"Latin-1", TEXT("[\"caf\xE9\"]"), 5, "UTF-8"},
        {"UTF-16", TEXT("[\0\"\0\"\0]\0"), 1, "expected a value"},
        {"open array", TEXT("["), 1, "too early"},
        {"no commas", TEXT("[1 2]"), 3, "comma or ]"},
        {"comma first", TEXT("[,1]"), 1, "expected a value"},
        {"comma last", TEXT("[1,]"), 3, "expected a value"},
        {"comma last in an object", TEXT("{\"a\":1,}"), 7, "member name"},
        {"comma first in an object", TEXT("{,}"), 1, "member name"},
        {"wrong bracket", TEXT("[1}"), 2, "comma or ]"},
        {"wrong brace", TEXT("{\"a\":[]]"), 7, "comma or }"},
        {"bracket too many", TEXT("[]]"), 2, "nothing after"},
        {"close first", TEXT("]"), 0, "expected a value"},
        {"bare name", TEXT("{a:1}"), 1, "member name"},
        {"name a number", TEXT("{1:1}"), 1, "member name"},
        {"no colon", TEXT("{\"a\" 1}"), 5, "colon"},
        {"no value", TEXT("{\"a\":}"), 5, "expected a value"},
        {"name alone", TEXT("{\"a\"}"), 4, "colon"},
        {"colon in an array", TEXT("[\"a\":1]"), 4, "comma or ]"},
        {"bad name", TEXT("{\"a\\q\":1}"), 4, "unknown escape"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_error error = {0};
        EXPECT(rows[i].name, !check(rows[i].input, 10, &error));
        EXPECT(rows[i].name, error.code == JSON_SYNTAX);
        EXPECT(rows[i].name, error.offset == rows[i].offset);
        EXPECT(rows[i].name, error.reason && strstr(error.reason, rows[i].reason));
        EXPECT(rows[i].name, error.line >= 1 && error.column >= 1);
        EXPECT(rows[i].name, !check(rows[i].input, 10, NULL));
    }
}

static void test_line_and_column(void)
{
    static const struct {
        const char *name;
        struct span input;
        uint32_t line, column;
    } rows[] = {
        {"first byte", TEXT("?"), 1, 1},
        {"empty", TEXT(""), 1, 1},
        {"same line", TEXT("[1, ?]"), 1, 5},
        {"behind LF", TEXT("[1,\n?]"), 2, 1},
        {"behind CR LF", TEXT("[1,\r\n  ?]"), 2, 3},
        {"CR alone ends no line", TEXT("[1,\r?]"), 1, 5},
        {"empty lines", TEXT("\n\n\n [?"), 4, 3},
        {"characters, not bytes", TEXT("{\n\"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\": ?}"), 2, 8},
        {"malformed behind characters", TEXT("\"\xC3\xA9\xC3\""), 1, 3},
        {"the end", TEXT("[\n1"), 2, 2},
        {"the end behind LF", TEXT("[\n1\n"), 3, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_error error = {0};
        EXPECT(rows[i].name, !check(rows[i].input, 10, &error));
        EXPECT(rows[i].name, error.line == rows[i].line);
        EXPECT(rows[i].name, error.column == rows[i].column);
    }
}

static void test_depth_limit_is_exact(void)
{
    static const unsigned limits[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 512, 513, 1023, JSON_DEPTH_LIMIT};
    static const struct {
        const char *name;
        const char *open[2], *close[2]; /* for even and odd levels */
    } kinds[] = {
        {"arrays", {"[", "["}, {"]", "]"}},
        {"objects", {"{\"a\":", "{\"b\":"}, {"}", "}"}},
        {"mixed", {"[0,", "{\"a\":"}, {" ] ", ",\"b\":0 }"}},
        {"mixed the other way", {"{\"a\":0,\"b\": ", "[ "}, {"}", ", 0 ] "}},
    };
    static char text[32 * JSON_DEPTH_LIMIT];
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < COUNT(limits); i++)
            for (unsigned over = 0; over < 2; over++) {
                unsigned depth = limits[i] + over;
                char *to = text, *last_open = text, *last_close;
                char name[64];
                snprintf(name, sizeof(name), "%u %s, limit %u", depth, kinds[k].name, limits[i]);
                for (unsigned level = 0; level < depth; level++) {
                    last_open = to;
                    to = stpcpy(to, kinds[k].open[level % 2]);
                }
                *to++ = '0';
                last_close = to;
                for (unsigned level = depth; level-- > 0;)
                    to = stpcpy(to, kinds[k].close[level % 2]);
                struct span input = {text, (size_t)(to - text)};
                struct json_error error = {0};
                EXPECT(name, check(input, limits[i], &error) == !over);
                if (over) {
                    EXPECT(name, error.code == JSON_TOO_DEEP);
                    EXPECT(name, error.offset == (size_t)(last_open - text));
                    EXPECT(name, strstr(error.reason, "too deep") != NULL);
                    continue;
                }
                /* Each closing bracket in turn is made the wrong one: found there, and at no other place. */
                for (char *at = last_close; at < to; at++) {
                    char right = *at;
                    if (right != ']' && right != '}')
                        continue;
                    *at = right == ']' ? '}' : ']';
                    EXPECT(name, !check(input, limits[i], &error));
                    EXPECT(name, error.code == JSON_SYNTAX && error.offset == (size_t)(at - text));
                    *at = right;
                    at += depth > 200 ? 97 : 0;
                }
            }
    struct span none[1];
    struct json_error error;
    EXPECT("members", json_text_members(SPAN("{\"a\":[]}"), 2, NULL, none, 0, NULL));
    EXPECT("members", !json_text_members(SPAN("{\"a\":[]}"), 1, NULL, none, 0, &error));
    EXPECT("members", error.code == JSON_TOO_DEEP && error.offset == 5);
    EXPECT("members", !json_text_members(SPAN("{\"a\":1}"), 0, NULL, none, 0, &error));
    EXPECT("members", error.code == JSON_TOO_DEEP && error.offset == 0);
}

/* The eight bytes at a time of a string: something at every place of a word and around its border. */
static void test_strings_at_every_offset(void)
{
    static const struct {
        const char *name;
        struct span odd;
        bool valid;
    } rows[] = {
        {"control", TEXT("\x1F"), false},
        {"NUL", TEXT("\0"), false},
        {"bad UTF-8", TEXT("\xFF"), false},
        {"continuation", TEXT("\x80"), false},
        {"bad escape", TEXT("\\z"), false},
        {"quote", TEXT("\\\""), true},
        {"backslash", TEXT("\\\\"), true},
        {"two bytes", TEXT("\xC3\xBF"), true},
        {"four bytes", TEXT("\xF0\x9F\x98\x80"), true},
        {"space", TEXT(" "), true},
        {"exclamation mark", TEXT("!"), true},
        {"number sign", TEXT("#"), true},
        {"[ and ]", TEXT("[]"), true},
        {"DEL", TEXT("\x7F"), true},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t before = 0; before < 20; before++)
            for (size_t after = 0; after < 20; after++) {
                char text[64];
                size_t bytes = 0;
                text[bytes++] = '"';
                memset(text + bytes, 'a', before);
                bytes += before;
                memcpy(text + bytes, rows[i].odd.at, rows[i].odd.bytes);
                bytes += rows[i].odd.bytes;
                memset(text + bytes, '~', after);
                bytes += after;
                text[bytes++] = '"';
                struct json_error error = {0};
                EXPECT(rows[i].name, check((struct span){text, bytes}, 0, &error) == rows[i].valid);
                if (!rows[i].valid)
                    EXPECT(rows[i].name, error.offset == 1 + before + (rows[i].odd.at[0] == '\\'));
                EXPECT(rows[i].name, !check((struct span){text, bytes - 1}, 0, &error));
            }
}

/* ---- Damage ---- */

static void test_every_prefix_is_refused(void)
{
    struct span whole = SPAN(complex_document);
    EXPECT("whole", check(whole, 10, NULL));
    size_t last_brace = (size_t)(strrchr(complex_document, '}') - complex_document);
    for (size_t bytes = 0; bytes <= last_brace; bytes++) {
        struct json_error error = {0};
        char name[32];
        snprintf(name, sizeof(name), "%zu bytes", bytes);
        /* Every prefix of a valid text can be completed, so it fails at its end and no earlier, or at the
         * beginning of the character that was cut. */
        size_t end = bytes;
        if ((complex_document[bytes] & 0xC0) == 0x80)
            while ((complex_document[end] & 0xC0) == 0x80)
                end--;
        EXPECT(name, !check((struct span){whole.at, bytes}, 10, &error));
        EXPECT(name, error.code == JSON_SYNTAX && error.offset == end);
        EXPECT(name, end < bytes || strstr(error.reason, "too early"));
    }
}

/* All that must hold for any bytes at all. */
static void expect_consistent(const char *name, struct span input)
{
    static const struct span names[] = {TEXT("value"), TEXT("")};
    struct span values[2], box = boxed(input);
    struct json_error error = {0}, members_error = {0};
    struct json_members it;
    size_t count;
    bool valid = json_text_check(box, 512, &error);
    bool members = json_text_members(box, 512, names, values, 2, &members_error);
    int walked = walk_members(box, 512, &it, &count);
    if (valid) {
        char *small = malloc(box.bytes);
        struct span minified = {small, json_text_minify(small, box)};
        EXPECT(name, minified.bytes <= box.bytes && json_text_check(minified, 512, NULL));
        free(small);
    }
    EXPECT(name, members == (walked == 0));
    if (members) {
        EXPECT(name, valid && it.offset == box.bytes);
        for (size_t i = 0; i < 2; i++)
            EXPECT(name, !values[i].at || json_text_check(values[i], 512, NULL));
    } else if (valid) {
        EXPECT(name, members_error.code == JSON_NOT_OBJECT);
    } else {
        EXPECT(name, members_error.code == error.code && members_error.offset == error.offset);
        EXPECT(name, members_error.reason == error.reason);
        EXPECT(name, members_error.line == error.line && members_error.column == error.column);
        EXPECT(name, error.offset <= box.bytes);
        EXPECT(name, !values[0].at && !values[1].at);
    }
    if (!valid && error.code == JSON_SYNTAX) {
        /* What lies before the offset could have become valid. */
        struct json_error before = {0};
        bool complete = check((struct span){box.at, error.offset}, 512, &before);
        EXPECT(name, complete || before.offset == error.offset);
    }
    unbox(box);
}

static void test_every_byte_changed(void)
{
    char text[sizeof(complex_document)];
    memcpy(text, complex_document, sizeof(text));
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        char right = text[at];
        for (unsigned flip = 0; flip < 256; flip++) {
            char name[48];
            snprintf(name, sizeof(name), "byte %zu xor %u", at, flip);
            text[at] = (char)(right ^ (char)flip);
            expect_consistent(name, (struct span){text, sizeof(text) - 1});
        }
        text[at] = right;
    }
}

static void test_every_byte_dropped_or_doubled(void)
{
    for (size_t at = 0; at < sizeof(complex_document) - 1; at++)
        for (size_t copies = 0; copies < 3; copies++) {
            char text[sizeof(complex_document) + 2];
            size_t bytes = at;
            char name[48];
            snprintf(name, sizeof(name), "byte %zu %zu times", at, copies);
            memcpy(text, complex_document, at);
            memset(text + bytes, complex_document[at], copies);
            bytes += copies;
            memcpy(text + bytes, complex_document + at + 1, sizeof(complex_document) - 2 - at);
            bytes += sizeof(complex_document) - 2 - at;
            expect_consistent(name, (struct span){text, bytes});
        }
}

/* ---- Minify ---- */

/* A second opinion, as plain as can be. */
static size_t slow_minify(char *out, struct span text)
{
    bool in_string = false;
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        char byte = text.at[i];
        if (!in_string && (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'))
            continue;
        out[bytes++] = byte;
        if (byte == '"')
            in_string = !in_string;
        else if (byte == '\\')
            out[bytes++] = text.at[++i];
    }
    return bytes;
}

static void expect_minified(const char *name, struct span valid, const struct span *wanted)
{
    struct span box = boxed(valid);
    char *slow = malloc(box.bytes), *fast = malloc(box.bytes);
    struct span oracle = {slow, slow_minify(slow, box)};
    struct span minified = {fast, json_text_minify(fast, box)};
    EXPECT(name, same(minified, oracle));
    EXPECT(name, !wanted || same(minified, *wanted));
    struct span exact = boxed(minified);
    EXPECT(name, json_text_check(exact, JSON_DEPTH_LIMIT, NULL));
    EXPECT(name,
           json_text_minify(fast, exact) == exact.bytes && same((struct span){fast, exact.bytes}, exact));
    EXPECT(name, json_text_minify((char *)exact.at, exact) == exact.bytes && same(exact, oracle));
    EXPECT(name, json_text_minify((char *)box.at, box) == oracle.bytes);
    EXPECT(name, same((struct span){box.at, oracle.bytes}, oracle));
    unbox(exact);
    unbox(box);
    free(slow);
    free(fast);
}

static void test_minify(void)
{
    static const struct {
        const char *name;
        struct span input, wanted;
    } rows[] = {
        {"nothing to do", TEXT("{\"a\":[1,2]}"), TEXT("{\"a\":[1,2]}")},
        {"around", TEXT(" \t\r\n1.0\n"), TEXT("1.0")},
        {"between", TEXT("{ \"a\" : [ 1 ,\t2 ] , \"b\"\n:\r\nnull }"), TEXT("{\"a\":[1,2],\"b\":null}")},
        {"inside strings stays", TEXT(" \" a  b \" "), TEXT("\" a  b \"")},
        {"quotes in strings", TEXT("[ \"\\\" \" , \"\\\\\" , \" \\\\\\\" \" ]"),
         TEXT("[\"\\\" \",\"\\\\\",\" \\\\\\\" \"]")},
        {"spellings stay", TEXT("[1.0, 1E5, -0, 1e400, \"\\u0041\\/\"]"),
         TEXT("[1.0,1E5,-0,1e400,\"\\u0041\\/\"]")},
        {"non-ASCII", TEXT("[ \"\xC3\xA9 \xE2\x82\xAC\" ]"), TEXT("[\"\xC3\xA9 \xE2\x82\xAC\"]")},
        {"long string", TEXT("[ \"0123456789 0123456789 \\\\\\\" 0123456789\" ]"),
         TEXT("[\"0123456789 0123456789 \\\\\\\" 0123456789\"]")},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_minified(rows[i].name, rows[i].input, &rows[i].wanted);
    expect_minified("complex", SPAN(complex_document), NULL);
}

/* ---- Members ---- */

static void test_members(void)
{
    static const struct {
        const char *name;
        struct span input, wanted;
        struct span value; /* {NULL, 0}: absent */
    } rows[] = {
        {"only one", TEXT("{\"value\":1}"), TEXT("value"), TEXT("1")},
        {"space around", TEXT(" { \"value\" : [ 1 ] } "), TEXT("value"), TEXT("[ 1 ]")},
        {"null is a value", TEXT("{\"value\":null}"), TEXT("value"), TEXT("null")},
        {"absent", TEXT("{\"valu\":1,\"values\":2,\"Value\":3}"), TEXT("value"), {NULL, 0}},
        {"empty object", TEXT("{}"), TEXT("value"), {NULL, 0}},
        {"not deeper ones", TEXT("{\"a\":{\"value\":1},\"b\":[{\"value\":2}]}"), TEXT("value"), {NULL, 0}},
        {"not a string that looks so",
         TEXT("{\"a\":\"value\",\"b\":\"\\\"value\\\":1\"}"),
         TEXT("value"),
         {NULL, 0}},
        {"last wins", TEXT("{\"value\":1,\"a\":0,\"value\":{\"x\":2}}"), TEXT("value"), TEXT("{\"x\":2}")},
        {"last wins, escaped", TEXT("{\"value\":1,\"val\\u0075e\":2}"), TEXT("value"), TEXT("2")},
        {"last wins, plain", TEXT("{\"val\\u0075e\":2,\"value\":1}"), TEXT("value"), TEXT("1")},
        {"all escaped", TEXT("{\"\\u0076\\u0061\\u006C\\u0075\\u0065\":3}"), TEXT("value"), TEXT("3")},
        {"escaped too long", TEXT("{\"value\\u0000\":3}"), TEXT("value"), {NULL, 0}},
        {"empty name", TEXT("{\"\":4,\"a\":5}"), TEXT(""), TEXT("4")},
        {"name with NUL", TEXT("{\"a\":1,\"a\\u0000b\":5}"), TEXT("a\0b"), TEXT("5")},
        {"name with quote", TEXT("{\"a\\\"b\":6}"), TEXT("a\"b"), TEXT("6")},
        {"name with slash", TEXT("{\"a\\/b\":6}"), TEXT("a/b"), TEXT("6")},
        {"name with a pair", TEXT("{\"\\uD83D\\uDE00\":7}"), TEXT("\xF0\x9F\x98\x80"), TEXT("7")},
        {"name verbatim", TEXT("{\"\xF0\x9F\x98\x80\":7}"), TEXT("\xF0\x9F\x98\x80"), TEXT("7")},
        {"half of a pair", TEXT("{\"\\uD83D\":7}"), TEXT("\xED\xA0\xBD"), {NULL, 0}},
        {"escaped backslash", TEXT("{\"a\\\\u0062\":8}"), TEXT("ab"), {NULL, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span box = boxed(rows[i].input), name = boxed(rows[i].wanted), value = SPAN("untouched");
        EXPECT(rows[i].name, json_text_members(box, 10, &name, &value, 1, NULL));
        EXPECT(rows[i].name, same(value, rows[i].value) && !value.at == !rows[i].value.at);
        unbox(box);
        unbox(name);
    }

    static const struct span names[] = {TEXT("key"), TEXT("value"), TEXT("ttl"), TEXT("key")};
    struct span values[4];
    EXPECT("several",
           json_text_members(SPAN("{\"value\":[2],\"x\":0,\"key\":\"k\"}"), 10, names, values, 4, NULL));
    EXPECT("several", same(values[0], SPAN("\"k\"")) && same(values[1], SPAN("[2]")));
    EXPECT("several", !values[2].at && same(values[3], SPAN("\"k\"")));
}

static void test_members_refuses(void)
{
    static const struct {
        const char *name;
        struct span input;
        enum json_code code;
        size_t offset;
    } rows[] = {
        {"array", TEXT(" [1,2] "), JSON_NOT_OBJECT, 1},
        {"string", TEXT("\"{}\""), JSON_NOT_OBJECT, 0},
        {"number", TEXT("-1"), JSON_NOT_OBJECT, 0},
        {"null", TEXT("null"), JSON_NOT_OBJECT, 0},
        {"broken array", TEXT("[1,2"), JSON_SYNTAX, 4},
        {"broken literal", TEXT("nil"), JSON_SYNTAX, 1},
        {"deep array", TEXT("[[[[[[]]]]]]"), JSON_TOO_DEEP, 4},
        {"empty", TEXT(""), JSON_SYNTAX, 0},
        {"byte order mark", TEXT("\xEF\xBB\xBF{}"), JSON_SYNTAX, 0},
        {"broken behind the value", TEXT("{\"value\":1,\"b\":tru}"), JSON_SYNTAX, 18},
        {"open", TEXT("{\"value\":1"), JSON_SYNTAX, 10},
        {"text behind", TEXT("{\"value\":1}}"), JSON_SYNTAX, 11},
        {"deep", TEXT("{\"value\":[[[[]]]]}"), JSON_TOO_DEEP, 12},
    };
    static const struct span names[] = {TEXT("value"), TEXT("other")};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span box = boxed(rows[i].input), values[2] = {TEXT("untouched"), TEXT("untouched")};
        struct json_error error = {0};
        EXPECT(rows[i].name, !json_text_members(box, 4, names, values, 2, &error));
        EXPECT(rows[i].name, error.code == rows[i].code && error.reason);
        EXPECT(rows[i].name, error.offset == rows[i].offset && error.line == 1 && error.column >= 1);
        EXPECT(rows[i].name, !values[0].at && !values[1].at && !values[0].bytes && !values[1].bytes);
        EXPECT(rows[i].name, !json_text_members(box, 4, names, values, 2, NULL));
        unbox(box);
    }
}

static void test_walk_members(void)
{
    static const struct {
        struct span name, value;
        size_t offset;
    } wanted[] = {
        {TEXT("\"a\""), TEXT("1"), 8},
        {TEXT("\"\\u0062\""), TEXT("[ {} , \"}\" ]"), 35},
        {TEXT("\"a\""), TEXT("{\"a\":null}"), 50},
    };
    struct span box = boxed(SPAN(" {\"a\" :1 , \"\\u0062\": [ {} , \"}\" ]\n,\"a\":{\"a\":null}} \n"));
    struct span name = SPAN("none"), value = SPAN("none");
    struct json_members it;
    json_members_begin(&it, box, 3);
    EXPECT("begin", it.offset == 0);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        EXPECT(wanted[i].name.at, json_members_next(&it, &name, &value) == 1);
        EXPECT(wanted[i].name.at, same(name, wanted[i].name) && same(value, wanted[i].value));
        EXPECT(wanted[i].name.at, value.at + value.bytes == box.at + it.offset);
    }
    EXPECT("end", json_members_next(&it, &name, &value) == 0 && it.offset == box.bytes);
    EXPECT("end", json_members_next(&it, &name, &value) == 0 && it.offset == box.bytes);
    EXPECT("end", same(value, wanted[2].value));

    struct span inner = value;
    json_members_begin(&it, inner, 1);
    EXPECT("inner", json_members_next(&it, &name, &value) == 1 && same(value, SPAN("null")));
    EXPECT("inner", json_members_next(&it, &name, &value) == 0 && it.offset == inner.bytes);
    unbox(box);

    /* Members before the damage are handed out, and the error stays. */
    box = boxed(SPAN("{\"a\":1,\n\"b\":[1,x]}"));
    json_members_begin(&it, box, 3);
    EXPECT("damage", json_members_next(&it, &name, &value) == 1);
    for (int again = 0; again < 2; again++) {
        EXPECT("damage", json_members_next(&it, &name, &value) == -1);
        EXPECT("damage", it.error.code == JSON_SYNTAX && it.error.offset == 15 && it.offset == 15);
        EXPECT("damage", it.error.line == 2 && it.error.column == 8);
    }
    json_elements_begin(&it, box, 3);
    EXPECT("not an array", json_elements_next(&it, &value) == -1 && it.error.code == JSON_NOT_ARRAY);
    unbox(box);
}

static void test_walk_elements(void)
{
    static const struct span wanted[] = {TEXT("1"), TEXT("\"a,b]\""), TEXT("[ ]"), TEXT("{\"a\":[2]}"),
                                         TEXT("null")};
    struct span box = boxed(SPAN("[1, \"a,b]\" ,[ ] , {\"a\":[2]},null ]"));
    struct span value = SPAN("none"), name;
    struct json_members it;
    json_elements_begin(&it, box, 3);
    size_t offset = 0;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        EXPECT(wanted[i].at, json_elements_next(&it, &value) == 1 && same(value, wanted[i]));
        EXPECT(wanted[i].at, it.offset > offset);
        offset = it.offset;
    }
    EXPECT("end", json_elements_next(&it, &value) == 0 && it.offset == box.bytes);
    json_members_begin(&it, box, 3);
    EXPECT("not an object", json_members_next(&it, &name, &value) == -1 && it.error.code == JSON_NOT_OBJECT);
    EXPECT("not an object", it.error.offset == 0);
    json_elements_begin(&it, box, 2);
    for (size_t i = 0; i < 3; i++)
        EXPECT("too deep", json_elements_next(&it, &value) == 1);
    EXPECT("too deep", json_elements_next(&it, &value) == -1 && it.error.code == JSON_TOO_DEEP);
    unbox(box);

    static const struct {
        struct span input;
        int first; /* what the first call says */
    } rows[] = {
        {TEXT("[]"), 0}, {TEXT(" [ \n] "), 0}, {TEXT("[] ]"), -1},    {TEXT("[,]"), -1},
        {TEXT("["), -1}, {TEXT(""), -1},       {TEXT("nothing"), -1}, {TEXT("[1"), 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        box = boxed(rows[i].input);
        json_elements_begin(&it, box, 3);
        EXPECT(rows[i].input.at, json_elements_next(&it, &value) == rows[i].first);
        EXPECT(rows[i].input.at, rows[i].first < 1 || json_elements_next(&it, &value) == -1);
        unbox(box);
    }
}

/* ---- Strings ---- */

static void test_unescape(void)
{
    static const struct {
        const char *name;
        struct span token, wanted;
    } rows[] = {
        {"empty", TEXT("\"\""), TEXT("")},
        {"plain", TEXT("\"abc\""), TEXT("abc")},
        {"short escapes", TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t")},
        {"NUL", TEXT("\"a\\u0000b\""), TEXT("a\0b")},
        {"one byte", TEXT("\"\\u007f\""), TEXT("\x7F")},
        {"two bytes", TEXT("\"\\u0080\\u07FF\""), TEXT("\xC2\x80\xDF\xBF")},
        {"three bytes", TEXT("\"\\u0800\\uFFFF\""), TEXT("\xE0\xA0\x80\xEF\xBF\xBF")},
        {"around the surrogates", TEXT("\"\\uD7FF\\uE000\""), TEXT("\xED\x9F\xBF\xEE\x80\x80")},
        {"lowest pair", TEXT("\"\\uD800\\uDC00\""), TEXT("\xF0\x90\x80\x80")},
        {"highest pair", TEXT("\"\\udbff\\udfff\""), TEXT("\xF4\x8F\xBF\xBF")},
        {"pair in text", TEXT("\"a\\uD834\\uDD1Eb\\u0041\""),
         TEXT("a\xF0\x9D\x84\x9E"
              "bA")},
        {"verbatim UTF-8", TEXT("\"\xE2\x82\xAC\""), TEXT("\xE2\x82\xAC")},
        {"backslash then u", TEXT("\"\\\\u0041\""), TEXT("\\u0041")},
        {"lone high", TEXT("\"a\\uD800\""), {NULL, 0}},
        {"lone high in text", TEXT("\"\\uD800abcdefgh\""), {NULL, 0}},
        {"lone low", TEXT("\"\\uDC00\""), {NULL, 0}},
        {"wrong way round", TEXT("\"\\uDC00\\uD800\""), {NULL, 0}},
        {"high twice", TEXT("\"\\uD800\\uD800\\uDC00\""), {NULL, 0}},
        {"high and high", TEXT("\"\\uD800\\uD800\""), {NULL, 0}},
        {"high and above low", TEXT("\"\\uD800\\uE000\""), {NULL, 0}},
        {"high then letter", TEXT("\"\\uD800\\u0041\""), {NULL, 0}},
        {"high then short escape", TEXT("\"\\uD800\\n\""), {NULL, 0}},
        {"not a string", TEXT("1234"), {NULL, 0}},
        {"nothing", TEXT(""), {NULL, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span box = boxed(rows[i].token);
        char *out = malloc(box.bytes);
        ssize_t bytes = json_text_unescape(out, box);
        EXPECT(rows[i].name, (bytes < 0) == !rows[i].wanted.at);
        if (bytes >= 0) {
            EXPECT(rows[i].name, same((struct span){out, (size_t)bytes}, rows[i].wanted));
            EXPECT(rows[i].name, json_text_equals(box, rows[i].wanted));
            EXPECT(rows[i].name, !json_text_equals(box, (struct span){"\1\1", 2}));
            EXPECT(rows[i].name, json_text_unescape((char *)box.at, box) == bytes);
            EXPECT(rows[i].name, same((struct span){box.at, (size_t)bytes}, rows[i].wanted));
        }
        unbox(box);
        free(out);
    }
}

static void test_escape(void)
{
    static const struct {
        const char *name;
        struct span input, wanted;
    } rows[] = {
        {"empty", TEXT(""), TEXT("\"\"")},
        {"plain", TEXT("abc/def ghi"), TEXT("\"abc/def ghi\"")},
        {"short escapes", TEXT("\"\\\b\t\n\f\r"), TEXT("\"\\\"\\\\\\b\\t\\n\\f\\r\"")},
        {"others", TEXT("\0\1\v\x1F"), TEXT("\"\\u0000\\u0001\\u000b\\u001f\"")},
        {"verbatim", TEXT("\x7F\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E"),
         TEXT("\"\x7F\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\"")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span box = boxed(rows[i].input);
        char *out = malloc(JSON_ESCAPED_MAX(box.bytes));
        struct span escaped = {out, json_text_escape(out, box)};
        EXPECT(rows[i].name, same(escaped, rows[i].wanted));
        unbox(box);
        free(out);
    }
    char zeros[100] = {0}, out[JSON_ESCAPED_MAX(sizeof(zeros))];
    EXPECT("longest", json_text_escape(out, (struct span){zeros, sizeof(zeros)}) == sizeof(out));
}

/* An encoder of the test's own. */
static size_t encode(char out[4], uint32_t point)
{
    if (point < 0x80)
        return out[0] = (char)point, 1;
    if (point < 0x800)
        return out[0] = (char)(0xC0 | point >> 6), out[1] = (char)(0x80 | (point & 63)), 2;
    if (point < 0x10000)
        return out[0] = (char)(0xE0 | point >> 12), out[1] = (char)(0x80 | (point >> 6 & 63)),
               out[2] = (char)(0x80 | (point & 63)), 3;
    return out[0] = (char)(0xF0 | point >> 18), out[1] = (char)(0x80 | (point >> 12 & 63)),
           out[2] = (char)(0x80 | (point >> 6 & 63)), out[3] = (char)(0x80 | (point & 63)), 4;
}

/* All of the basic plane and a sample of the rest: \u escapes, and a round trip through escape. */
static void test_every_code_point(void)
{
    static char all[4 * 0x10000 + 0x20000], escaped[JSON_ESCAPED_MAX(sizeof(all))], back[sizeof(escaped)];
    size_t all_bytes = 0;
    for (uint32_t point = 0; point <= 0x10FFFF; point += point < 0x10000 ? 1 : 61) {
        char wanted[4], token[20], got[20], name[16];
        size_t wanted_bytes = encode(wanted, point);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        snprintf(name, sizeof(name), "U+%04X", point);
        if (point < 0x10000)
            snprintf(token, sizeof(token), "\"\\u%04X\"", point);
        else
            snprintf(token, sizeof(token), "\"\\u%04x\\u%04x\"", 0xD800 + ((point - 0x10000) >> 10),
                     0xDC00 + (point & 0x3FF));
        struct span utf8 = {wanted, wanted_bytes}, text = {token, strlen(token)};
        ssize_t bytes = json_text_unescape(got, text);
        EXPECT(name, json_text_check(text, 0, NULL) && utf8_valid(utf8) == !surrogate);
        EXPECT(name, surrogate ? bytes == -1 : bytes >= 0 && same((struct span){got, (size_t)bytes}, utf8));
        EXPECT(name, json_text_equals(text, utf8) == !surrogate);
        if (!surrogate) {
            memcpy(all + all_bytes, wanted, wanted_bytes);
            all_bytes += wanted_bytes;
        }
    }
    struct span text = {escaped, json_text_escape(escaped, (struct span){all, all_bytes})};
    EXPECT("all", check(text, 0, NULL));
    ssize_t bytes = json_text_unescape(back, text);
    EXPECT("all", bytes == (ssize_t)all_bytes && memcmp(back, all, all_bytes) == 0);
    EXPECT("all", json_text_equals(text, (struct span){all, all_bytes}));
}

/* Every sequence of up to four bytes from those at the borders of table 3-7, held to an encoder. */
static void test_utf8(void)
{
    static const unsigned char edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                          0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                          0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    size_t tuples = COUNT(edges) * COUNT(edges) * COUNT(edges) * COUNT(edges), disagreements = 0;
    char *text = malloc(4);
    for (size_t tuple = 0; tuple < tuples; tuple++) {
        size_t rest = tuple;
        for (size_t i = 0; i < 4; i++, rest /= COUNT(edges))
            text[i] = (char)edges[rest % COUNT(edges)];
        bool wanted = true;
        for (size_t at = 0; at < 4 && wanted;) {
            /* Some length of 1 to 4 must decode to a scalar value that encodes to the same bytes. */
            size_t length = 1;
            for (; length <= 4 - at; length++) {
                unsigned char lead = (unsigned char)text[at];
                uint32_t point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
                char again[4];
                for (size_t i = 1; i < length; i++)
                    point = point << 6 | ((unsigned char)text[at + i] & 63);
                bool scalar = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
                if (scalar && encode(again, point) == length && memcmp(again, text + at, length) == 0)
                    break;
            }
            wanted = length <= 4 - at;
            at += length;
        }
        disagreements += utf8_valid((struct span){text, 4}) != wanted;
    }
    free(text);
    CU_ASSERT_EQUAL(disagreements, 0);

    static const struct {
        const char *name;
        struct span input;
        bool valid;
    } rows[] = {
        {"empty", TEXT(""), true},
        {"absent", {NULL, 0}, true},
        {"ASCII", TEXT("hello, \"world\"\\ \n\0 and more"), true},
        {"byte order mark", TEXT("\xEF\xBB\xBF"), true},
        {"cut after eight", TEXT("12345678\xC3"), false},
        {"cut three", TEXT("\xE2\x82"), false},
        {"cut four", TEXT("\xF0\x9D\x84"), false},
        {"five bytes", TEXT("\xF8\x88\x80\x80\x80"), false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span box = rows[i].input.at ? boxed(rows[i].input) : rows[i].input;
        EXPECT(rows[i].name, utf8_valid(box) == rows[i].valid);
        unbox(box);
    }
}

/* A span of nothing, with and without an address. */
static void test_absent_text(void)
{
    struct span nothing = {NULL, 0}, name, value;
    struct json_error error;
    struct json_members it;
    char out[2];
    CU_ASSERT_FALSE(json_text_check(nothing, 1, &error));
    CU_ASSERT_EQUAL(error.offset, 0);
    CU_ASSERT_FALSE(json_text_members(nothing, 1, NULL, NULL, 0, &error));
    json_members_begin(&it, nothing, 1);
    CU_ASSERT_EQUAL(json_members_next(&it, &name, &value), -1);
    CU_ASSERT_EQUAL(json_text_minify(out, nothing), 0);
    CU_ASSERT_EQUAL(json_text_escape(out, nothing), 2);
    CU_ASSERT_EQUAL(json_text_unescape(out, nothing), -1);
    CU_ASSERT_FALSE(json_text_equals(nothing, nothing));
    CU_ASSERT_TRUE(json_text_equals(SPAN("\"\""), nothing));
}

/* What has not passed a check, by a mistake of the caller, is not read past its end and stands for nothing.
 */
static void test_unchecked_text(void)
{
    static const struct {
        struct span text, minified;
    } open_strings[] = {
        {TEXT("\""), TEXT("\"")},
        {TEXT(" \"ab c"), TEXT("\"ab c")},
        {TEXT("[ \"0123456789 "), TEXT("[\"0123456789 ")},
        {TEXT("\"a\\"), TEXT("\"a\\")},
        {TEXT("\"a\\\""), TEXT("\"a\\\"")},
        {TEXT("\"a \xC3\xA9"), TEXT("\"a \xC3\xA9")},
        {TEXT("\"a \xC3"), TEXT("\"a \xC3")},
    };
    static const struct span tokens[] = {
        TEXT("\"\\\""),      TEXT("\"\\u\""),       TEXT("\"\\u12\""),        TEXT("\"\\u12g4\""),
        TEXT("\"\\u123\""),  TEXT("\"\\x0041\""),   TEXT("\"\\uD800\\u12\""), TEXT("\"\\uD800\\udcg0\""),
        TEXT("\"ab\\u00\""), TEXT("\"\\uD800\\\""),
    };
    char out[64];
    for (size_t i = 0; i < COUNT(open_strings); i++) {
        struct span box = boxed(open_strings[i].text);
        struct span minified = {out, json_text_minify(out, box)};
        EXPECT(open_strings[i].text.at, same(minified, open_strings[i].minified));
        unbox(box);
    }
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct span box = boxed(tokens[i]);
        EXPECT(tokens[i].at, json_text_unescape(out, box) == -1);
        EXPECT(tokens[i].at, !json_text_equals(box, SPAN("ab")));
        unbox(box);
    }
}

/* ---- Conformance ---- */

static struct span file_read(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return (struct span){NULL, 0};
    static char text[1 << 20];
    size_t bytes = fread(text, 1, sizeof(text), file);
    fclose(file);
    return boxed((struct span){text, bytes});
}

static void test_conformance(void)
{
    const char *shared = getenv("WALKV_SHARED");
    char folder[2048];
    snprintf(folder, sizeof(folder), "%s/data/json/test_parsing",
             shared ? shared : WALKV_SOURCE_DIR "/../shared");
    DIR *directory = opendir(folder);
    if (!directory) {
        printf("skipped: no conformance files in %s\n", folder);
        return;
    }
    size_t accepted = 0, refused = 0, either = 0;
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (name[0] == '.' || name[1] != '_')
            continue;
        struct span box = file_read(folder, name);
        bool valid = json_text_check(box, 512, NULL);
        if (name[0] == 'y') {
            accepted++;
            EXPECT(name, valid);
        } else if (name[0] == 'n') {
            refused++;
            EXPECT(name, !valid);
        } else {
            /* Ours: all but what is not UTF-8 without a byte order mark. */
            either++;
            bool mark = box.bytes >= 3 && memcmp(box.at, "\xEF\xBB\xBF", 3) == 0;
            EXPECT(name, valid == (utf8_valid(box) && !mark && !memchr(box.at, 0, box.bytes)));
        }
        expect_consistent(name, box);
        if (valid)
            expect_minified(name, box, NULL);
        unbox(box);
    }
    closedir(directory);
    EXPECT("y_ files", accepted >= 95);
    EXPECT("n_ files", refused >= 188);
    EXPECT("i_ files", either >= 35);
}

void json_text_suite(void)
{
    CU_pSuite suite = CU_add_suite("json_text", NULL, NULL);
    CU_add_test(suite, "accepts", test_accepts);
    CU_add_test(suite, "refuses", test_refuses);
    CU_add_test(suite, "line and column", test_line_and_column);
    CU_add_test(suite, "depth limit is exact", test_depth_limit_is_exact);
    CU_add_test(suite, "strings at every offset", test_strings_at_every_offset);
    CU_add_test(suite, "every prefix is refused", test_every_prefix_is_refused);
    CU_add_test(suite, "every byte changed", test_every_byte_changed);
    CU_add_test(suite, "every byte dropped or doubled", test_every_byte_dropped_or_doubled);
    CU_add_test(suite, "minify", test_minify);
    CU_add_test(suite, "members", test_members);
    CU_add_test(suite, "members refuses", test_members_refuses);
    CU_add_test(suite, "walk members", test_walk_members);
    CU_add_test(suite, "walk elements", test_walk_elements);
    CU_add_test(suite, "unescape", test_unescape);
    CU_add_test(suite, "escape", test_escape);
    CU_add_test(suite, "every code point", test_every_code_point);
    CU_add_test(suite, "UTF-8", test_utf8);
    CU_add_test(suite, "absent text", test_absent_text);
    CU_add_test(suite, "unchecked text", test_unchecked_text);
    CU_add_test(suite, "conformance", test_conformance);
}
