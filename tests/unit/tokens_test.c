/* SPDX-License-Identifier: MIT
 *
 * Tests of common/tokens: every kind of line that is good and what it means, every kind that is not and what
 * is said about it, what a token reaches, the walk over what it reaches, and the file as the file system has
 * it.
 */
#include "tokens.h"

#include "buffer.h"
#include "kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void tokens_suite(void);

#define HASH  "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define X16   "xxxxxxxxxxxxxxxx"
#define X64   X16 X16 X16 X16

static int parse(const char *text, size_t bytes, struct tokens **t, char error[TOKENS_ERROR_MAX])
{
    char *box = kit_boxed(text, bytes);
    int rc = tokens_parse("file", (struct span){box, bytes}, t, error, TOKENS_ERROR_MAX);

    free(box); /* nothing points into it any more */
    return rc;
}

/* The one token of a line that is good. */
static const struct token *only(struct tokens **t, const char *line)
{
    char error[TOKENS_ERROR_MAX] = "";

    if (!CHECK(parse(line, strlen(line), t, error) == 0 && tokens_count(*t) == 1, "%s: %s", line, error))
        exit(1);
    return tokens_at(*t, 0);
}

static void test_good_lines(void)
{
    static const struct {
        const char *text;
        size_t count;
        unsigned last_line; /* of the last token */
    } rows[] = {
        {"", 0, 0},
        {"\n", 0, 0},
        {"# nothing\n\n  # indented\n\t\n", 0, 0},
        {"a read " HASH, 1, 1},
        {"a read " HASH "\n", 1, 1},
        {"  a\t write \t " HASH " \t\n", 1, 1},
        {"#x\n\na read " HASH "\n#\nb admin " OTHER "\n", 2, 5},
        {"A-z_0.9 read keys=* queues=* " HASH, 1, 1},
        {X64 " read keys=a keys=b* queues=c " HASH, 1, 1},
        {"# wkv_ \xc3\xa4\na read " HASH, 1, 2},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tokens *t = NULL;
        char error[TOKENS_ERROR_MAX] = "";

        if (!CHECK(parse(rows[i].text, strlen(rows[i].text), &t, error) == 0, "%s: %s", rows[i].text, error))
            continue;
        CHECK(tokens_count(t) == rows[i].count, "%s", rows[i].text);
        if (rows[i].count)
            CHECK(tokens_at(t, rows[i].count - 1)->line == rows[i].last_line, "%s", rows[i].text);
        tokens_free(&t);
        CU_ASSERT_PTR_NULL(t);
    }
}

static void test_meaning(void)
{
    struct tokens *t;
    const struct token *a = only(&t, "name write keys=us%65r:* queues=j%2A queues=%20%25* " HASH);
    uint8_t hash[TOKEN_HASH_BYTES];

    CU_ASSERT_STRING_EQUAL(a->name, "name");
    CU_ASSERT_EQUAL(a->scope, TOKEN_WRITE);
    CU_ASSERT_EQUAL(a->pattern_count, 3);
    CU_ASSERT(a->patterns[0].about == TOKEN_KEY && a->patterns[0].is_prefix);
    CU_ASSERT(span_equal(a->patterns[0].name, SPAN("user:")));
    CU_ASSERT(a->patterns[1].about == TOKEN_QUEUE && !a->patterns[1].is_prefix);
    CU_ASSERT(span_equal(a->patterns[1].name, SPAN("j*")));
    CU_ASSERT(a->patterns[2].is_prefix && span_equal(a->patterns[2].name, SPAN(" %")));
    for (size_t i = 0; i < sizeof(hash); i++)
        hash[i] = (uint8_t)(0x01 + 0x22 * (i % 8));
    CU_ASSERT_EQUAL(memcmp(a->hash, hash, sizeof(hash)), 0);
    CU_ASSERT_PTR_EQUAL(tokens_find(t, hash), a);
    for (size_t i = 0; i < sizeof(hash); i++) { /* another in one bit is another */
        hash[i] ^= 1;
        CU_ASSERT_PTR_NULL(tokens_find(t, hash));
        hash[i] ^= 1;
    }
    tokens_free(&t);
    CU_ASSERT(TOKEN_READ < TOKEN_WRITE && TOKEN_WRITE < TOKEN_ADMIN);
    CU_ASSERT_STRING_EQUAL(token_scope_text(TOKEN_ADMIN), "admin");
    CU_ASSERT_STRING_EQUAL(token_scope_text(TOKEN_SCOPE_LIMIT), "unknown");
}

static void test_bad_lines(void)
{
    static const struct {
        struct span line;
        const char *says;
    } rows[] = {
        {SPAN("a"), "scope"},
        {SPAN("a " HASH), "scope"},
        {SPAN("a Read " HASH), "scope"},
        {SPAN("a read"), "SHA-256"},
        {SPAN("a read,write " HASH), "scope"},
        {SPAN("a read keys=x"), "SHA-256"},
        {SPAN("a read keys=x " HASH "0"), "SHA-256"},
        {SPAN("a read 123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), "SHA-256"},
        {SPAN("a read g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), "SHA-256"},
        {SPAN("a read wkv_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "SHA-256"},
        {SPAN("a read " HASH " more"), "between scope and hash"},
        {SPAN("a read " HASH " " OTHER), "between scope and hash"},
        {SPAN("a read " HASH " # a remark"), "between scope and hash"},
        {SPAN("a/b read " HASH), "a name is"},
        {SPAN("\xc3\xa4 read " HASH), "a name is"},
        {SPAN(X64 "x read " HASH), "a name is"},
        {SPAN("a read key=x " HASH), "between scope and hash"},
        {SPAN("a read KEYS=x " HASH), "between scope and hash"},
        {SPAN("a read keys " HASH), "between scope and hash"},
        {SPAN("a read =x " HASH), "between scope and hash"},
        {SPAN("a read user:* " HASH), "between scope and hash"},
        {SPAN("a read keys= " HASH), "not empty"},
        {SPAN("a read keys=a*b " HASH), "at the end"},
        {SPAN("a read keys=*a " HASH), "at the end"},
        {SPAN("a read keys=a** " HASH), "at the end"},
        {SPAN("a read keys=% " HASH), "two hex digits"},
        {SPAN("a read keys=%4 " HASH), "two hex digits"},
        {SPAN("a read keys=%4g " HASH), "two hex digits"},
        {SPAN("a read keys=%g4 " HASH), "two hex digits"},
        {SPAN("a read keys=%* " HASH), "two hex digits"},
        {SPAN("a read keys=%00 " HASH), "UTF-8"},
        {SPAN("a read keys=%ff " HASH), "UTF-8"},
        {SPAN("a read keys=\xff* " HASH), "UTF-8"},
        {SPAN("a read keys=" X64 X64 X64 X64 X64 X64 X64
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx* " HASH),
         "500 bytes"},
        {SPAN("a read keys=1 keys=2 keys=3 keys=4 keys=5 keys=6 keys=7 keys=8 queues=9 queues=a queues=b "
              "queues=c "
              "queues=d queues=e queues=f queues=g queues=h " HASH),
         "at most 16"},
        {SPAN("a read " HASH "\r"), "control"},
        {SPAN("a read\0 " HASH), "control"},
        {SPAN("#\x7f"), "control"},
        {SPAN("\xef\xbb\xbf# a byte order mark"), "a name is"},
        {SPAN("b read " HASH), "the same token stands in line 1"},
        {SPAN("b read 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"), "line 1"},
        {SPAN("first read " OTHER), "the name first stands in line 1"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        static const char first[] = "first admin " HASH "\n\n", last[] = "\nlast read 2" X16;
        struct buffer text = {0};
        struct tokens *t = NULL;
        char error[TOKENS_ERROR_MAX] = "";
        bool repeats = i + 3 >= COUNT(rows);

        /* The others are wrong by themselves, not because of the hash of the first line. */
        buffer_append(&text, first, sizeof(first) - 1);
        if (!repeats)
            text.data[12] = '9';
        buffer_append(&text, rows[i].line.at, rows[i].line.bytes);
        buffer_append(&text, last, sizeof(last) - 1);
        int rc = parse(text.data, text.bytes, &t, error);
        CHECK(rc == -EINVAL && !t, "%s", rows[i].line.at);
        CHECK(strncmp(error, "file: line 3: ", 14) == 0 && strstr(error, rows[i].says), "%s: %s",
              rows[i].line.at, error);
        CHECK(!strstr(error, "wkv_"), "%s", error);
        buffer_free(&text);
    }
}

static void test_limits(void)
{
    struct buffer text = {0};
    struct tokens *t = NULL;
    char error[TOKENS_ERROR_MAX] = "";

    for (unsigned i = 0; i < TOKENS_MAX; i++)
        buffer_printf(&text, "t%u read keys=k%u* queues=q%u %064x\n", i, i, i, i);
    CU_ASSERT_EQUAL_FATAL(parse(text.data, text.bytes, &t, error), 0);
    for (unsigned i = 0; i < TOKENS_MAX; i++) {
        char name[16];
        const struct token *a = tokens_at(t, i);

        CHECK(a->hash[31] == i % 256 && a->hash[30] == i / 256 && tokens_find(t, a->hash) == a, "%u", i);
        snprintf(name, sizeof(name), "k%u", i);
        CHECK(token_reaches(a, TOKEN_KEY, (struct span){name, strlen(name)}), "%u", i);
        CHECK(!token_reaches(a, TOKEN_KEY, (struct span){name, strlen(name) - 1}), "%u", i);
    }
    tokens_free(&t);
    buffer_printf(&text, "one-more read %064x\n", TOKENS_MAX);
    CU_ASSERT_EQUAL(parse(text.data, text.bytes, &t, error), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, "file: line 1001: a file has at most 1000 tokens");
    buffer_free(&text);
}

static void test_reach(void)
{
    static const struct {
        const char *line, *what; /* k: key, q: queue, then the name */
        bool wanted;
    } rows[] = {
        {"a read " HASH, "kanything", true},
        {"a read " HASH, "qanything", true},
        {"a read keys=user:* " HASH, "kuser:", true},
        {"a read keys=user:* " HASH, "kuser:1", true},
        {"a read keys=user:* " HASH, "kuser", false},
        {"a read keys=user:* " HASH, "kuse", false},
        {"a read keys=user:* " HASH, "kUser:1", false},
        {"a read keys=user:* " HASH, "kxuser:1", false},
        {"a read keys=user:* " HASH, "quser:1", false},
        {"a read keys=user " HASH, "kuser", true},
        {"a read keys=user " HASH, "kuser:1", false},
        {"a read keys=* " HASH, "kx", true},
        {"a read keys=* " HASH, "qx", false},
        {"a read queues=* " HASH, "qx", true},
        {"a read queues=* " HASH, "kx", false},
        {"a read queues=jobs-* queues=mail keys=x " HASH, "qjobs-1", true},
        {"a read queues=jobs-* queues=mail keys=x " HASH, "qmail", true},
        {"a read queues=jobs-* queues=mail keys=x " HASH, "qmails", false},
        {"a read queues=jobs-* queues=mail keys=x " HASH, "kx", true},
        {"a read queues=jobs-* queues=mail keys=x " HASH, "kmail", false},
        {"a read keys=a%2A " HASH, "ka*", true},
        {"a read keys=a%2A " HASH, "kab", false},
        {"a read keys=%C3%A4* " HASH, "k\xc3\xa4x", true},
        {"a read keys=\xc3\xa4* " HASH, "k\xc3\xa4", true},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tokens *t;
        const struct token *a = only(&t, rows[i].line);
        enum token_about about = *rows[i].what == 'k' ? TOKEN_KEY : TOKEN_QUEUE;
        size_t bytes = strlen(rows[i].what + 1);
        char *box = kit_boxed(rows[i].what + 1, bytes);
        struct span name = {box, bytes}, next;

        CHECK(token_reaches(a, about, name) == rows[i].wanted, "%s: %s", rows[i].line, rows[i].what);
        CHECK(!rows[i].wanted || token_reaches_any(a, about), "%s: %s", rows[i].line, rows[i].what);
        CHECK(token_reaches(a, TOKEN_STORE, name) == !strchr(rows[i].line, '='), "%s", rows[i].line);
        CHECK((token_next_name(a, about, name, &next) && span_equal(next, name)) == rows[i].wanted, "%s: %s",
              rows[i].line, rows[i].what);
        free(box);
        tokens_free(&t);
    }
}

/* A walk with token_next_name() finds the same names, in the same order, as looking at each of them. */
static void test_walk(void)
{
    static const char *const names[] = {"a", "aa", "ab", "b", "ba", "bab", "bb", "c", "ca", "d", "da", "db"};
    static const char *const patterns[] = {"a",  "a*", "ab*", "b",  "b*", "ba*",
                                           "bb", "c*", "da",  "d*", "*",  "e*"};
    uint64_t random = 5;

    for (int round = 0; round < 5000; round++) {
        struct buffer line = {0};
        struct tokens *t;

        buffer_append_text(&line, "a read");
        for (unsigned n = kit_below(&random, 4); n > 0; n--)
            buffer_printf(&line, " %s=%s", kit_below(&random, 3) ? "keys" : "queues",
                          patterns[kit_below(&random, COUNT(patterns))]);
        buffer_append(&line, " " HASH, sizeof(" " HASH));
        const struct token *a = only(&t, line.data);
        struct span next = {"", 0};
        size_t at = 0;
        unsigned leaps = 0;
        for (size_t i = 0; i < COUNT(names); i++) {
            struct span name = {names[i], strlen(names[i])};
            bool wanted = token_reaches(a, TOKEN_KEY, name), found = false;

            if (i == at && !token_next_name(a, TOKEN_KEY, name, &next)) {
                at = COUNT(names);
            } else if (i == at) {
                found = span_equal(next, name);
                leaps += !found;
                at += found;
                while (!found && at < COUNT(names) && (strncmp(names[at], next.at, next.bytes) < 0))
                    at++;
                CHECK(found || at > i, "%s: %s", line.data, names[i]);
            }
            CHECK(found == wanted, "%s: %s", line.data, names[i]);
        }
        CHECK(leaps <= 4, "%s", line.data);
        tokens_free(&t);
        buffer_free(&line);
    }
}

/* Published: FIPS 180-2, appendix B. */
static void test_hash(void)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t hash[TOKEN_HASH_BYTES];

    token_hash(SPAN("abc"), hash);
    CU_ASSERT_EQUAL(memcmp(hash, abc, sizeof(abc)), 0);
}

static void test_file(void)
{
    char dir[KIT_PATH_BYTES], path[KIT_PATH_BYTES + 16], error[TOKENS_ERROR_MAX];
    static const struct {
        mode_t mode;
        int rc;
    } modes[] = {{0400, 0},       {0600, 0},       {0640, 0},       {0440, 0},       {0644, -EACCES},
                 {0604, -EACCES}, {0660, -EACCES}, {0602, -EACCES}, {0601, -EACCES}, {0620, -EACCES}};
    struct tokens *t = NULL;

    kit_temp_dir(dir);
    snprintf(path, sizeof(path), "%s/tokens", dir);
    CU_ASSERT_EQUAL(tokens_load(path, &t, error, sizeof(error)), -ENOENT);
    CU_ASSERT(strstr(error, path) && strstr(error, "No such file"));
    CU_ASSERT_EQUAL(tokens_load(dir, &t, error, sizeof(error)), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "no regular file"));
    FILE *file = fopen(path, "w");
    fputs("# two\na read " HASH "\nb write " OTHER, file);
    fclose(file);
    for (size_t i = 0; i < COUNT(modes); i++) {
        chmod(path, modes[i].mode);
        int rc = tokens_load(path, &t, error, sizeof(error));
        CHECK(rc == modes[i].rc, "%o: %s", modes[i].mode, error);
        CHECK(rc || tokens_count(t) == 2, "%o", modes[i].mode);
        CHECK(!rc || strstr(error, "chmod 640"), "%o: %s", modes[i].mode, error);
        tokens_free(&t);
    }
    chmod(path, 0600);
    CU_ASSERT_EQUAL(truncate(path, TOKENS_FILE_BYTES_MAX + 1), 0);
    CU_ASSERT_EQUAL(tokens_load(path, &t, error, sizeof(error)), -EFBIG);
    unlink(path);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0); /* is not waited for */
    CU_ASSERT_EQUAL(tokens_load(path, &t, error, sizeof(error)), -EINVAL);
    CU_ASSERT_PTR_NULL(t);
    kit_remove_dir(dir);
}

static void test_random_bytes(void)
{
    static const char *const parts[] = {"a",  "read", "write", "keys=", "queues=", "*", "%",    "%41", " ",
                                        "\t", "\n",   "#",     HASH,    OTHER,     "=", "\xc3", "\xa4"};
    uint64_t random = 17;

    for (int i = 0; i < 20000; i++) {
        struct buffer text = {0};
        struct tokens *t = NULL;
        char error[TOKENS_ERROR_MAX];

        for (unsigned n = kit_below(&random, 12); n > 0; n--)
            buffer_append_text(&text, parts[kit_below(&random, COUNT(parts))]);
        if (parse(text.bytes ? text.data : "", text.bytes, &t, error) == 0)
            for (size_t j = 0; j < tokens_count(t); j++)
                token_reaches(tokens_at(t, j), TOKEN_KEY, SPAN("a"));
        tokens_free(&t);
        buffer_free(&text);
    }
}

void tokens_suite(void)
{
    CU_pSuite suite = CU_add_suite("tokens", NULL, NULL);

    CU_add_test(suite, "lines that are good", test_good_lines);
    CU_add_test(suite, "what a line means", test_meaning);
    CU_add_test(suite, "every line that is not good", test_bad_lines);
    CU_add_test(suite, "limits", test_limits);
    CU_add_test(suite, "what a token reaches", test_reach);
    CU_add_test(suite, "walks", test_walk);
    CU_add_test(suite, "hash", test_hash);
    CU_add_test(suite, "the file", test_file);
    CU_add_test(suite, "random bytes", test_random_bytes);
}
