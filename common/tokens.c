/* SPDX-License-Identifier: MIT
 * Reading the file of access tokens, and what a token reaches; see tokens.h. */
#include "tokens.h"

#include "bytes.h"
#include "name.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(TOKEN_HASH_BYTES == SHA256_DIGEST_SIZE, "SHA-256");

struct tokens {
    struct token *all;
    size_t count;
    size_t room;
    struct token_pattern *patterns; /* of all of them, in order */
    size_t pattern_count;
    size_t pattern_room;
    char *text; /* the file; patterns are decoded in place and point into it */
};

/* The line that is being read. */
struct line {
    const char *file;
    unsigned number;
    char *error;
    size_t error_size;
};

static int __attribute__((format(printf, 2, 3))) bad(const struct line *l, const char *format, ...)
{
    int used = snprintf(l->error, l->error_size, "%s: line %u: ", l->file, l->number);
    va_list arguments;
    va_start(arguments, format);
    if (used >= 0 && (size_t)used < l->error_size)
        vsnprintf(l->error + used, l->error_size - (size_t)used, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

const char *token_scope_text(enum token_scope scope)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        TOKEN_SCOPES(X)
#undef X
    };
    return scope < TOKEN_SCOPE_LIMIT ? texts[scope] : "unknown";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_word(struct span word, const char *text)
{
    return word.bytes == strlen(text) && memcmp(word.at, text, word.bytes) == 0;
}

/* Takes the next word off the front of `*rest`; empty when there is none. */
static struct span take_word(struct span *rest)
{
    while (rest->bytes && (*rest->at == ' ' || *rest->at == '\t'))
        rest->at++, rest->bytes--;
    struct span word = {rest->at, 0};
    while (word.bytes < rest->bytes && word.at[word.bytes] != ' ' && word.at[word.bytes] != '\t')
        word.bytes++;
    rest->at += word.bytes;
    rest->bytes -= word.bytes;
    return word;
}

static int take_name(const struct line *l, const struct tokens *t, struct span word, struct token *token)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    bool good = word.bytes <= TOKEN_NAME_MAX;
    for (size_t i = 0; i < word.bytes && good; i++)
        good = strchr(allowed, word.at[i]) != NULL;
    if (!good)
        return bad(l, "a name is 1 to %u of A-Z a-z 0-9 . _ -", TOKEN_NAME_MAX);
    memcpy(token->name, word.at, word.bytes);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->all[i].name, token->name) == 0)
            return bad(l, "the name %s stands in line %u already", token->name, t->all[i].line);
    }
    return 0;
}

static int take_scope(const struct line *l, struct span word, struct token *token)
{
    for (unsigned scope = 0; scope < TOKEN_SCOPE_LIMIT; scope++) {
        if (is_word(word, token_scope_text((enum token_scope)scope))) {
            token->scope = (enum token_scope)scope;
            return 0;
        }
    }
    return bad(l, "the second word is the scope: read, write or admin");
}

/* Decodes `%XX` in place, which never makes a text longer. */
static bool decode(struct span *name)
{
    char *to = (char *)name->at;
    const char *end = name->at + name->bytes;
    for (const char *from = name->at; from < end; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = end - from > 2 ? hex_digit(from[1]) : -1, low = end - from > 2 ? hex_digit(from[2]) : -1;
        if (high < 0 || low < 0)
            return false;
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    name->bytes = (size_t)(to - name->at);
    return true;
}

static int take_pattern(const struct line *l, struct tokens *t, struct span word, struct token *token)
{
    const char *equals = memchr(word.at, '=', word.bytes);
    struct span kind = {word.at, equals ? (size_t)(equals - word.at) : word.bytes};
    struct token_pattern pattern = {.about = is_word(kind, "keys") ? TOKEN_KEY : TOKEN_QUEUE};
    if (!equals || (!is_word(kind, "keys") && !is_word(kind, "queues")))
        return bad(l, "between scope and hash stand words such as keys=user:* and queues=jobs-*");
    if (token->pattern_count == TOKEN_PATTERNS_MAX)
        return bad(l, "a token has at most %u patterns", TOKEN_PATTERNS_MAX);
    pattern.name = (struct span){equals + 1, word.bytes - kind.bytes - 1};
    const char *star = pattern.name.bytes ? memchr(pattern.name.at, '*', pattern.name.bytes) : NULL;
    pattern.is_prefix = star && star == pattern.name.at + pattern.name.bytes - 1;
    if (star && !pattern.is_prefix)
        return bad(l, "a * stands at the end of a pattern only; one that is meant is written %%2A");
    pattern.name.bytes -= pattern.is_prefix;
    if (!decode(&pattern.name))
        return bad(l, "behind %% stand two hex digits; a %% that is meant is written %%25");
    if (!pattern.name.bytes && !pattern.is_prefix)
        return bad(l, "a pattern is not empty; all names are *");
    if (pattern.name.bytes && !name_valid(pattern.name))
        return bad(l, "a pattern is at most %u bytes of UTF-8 without NUL", NAME_BYTES_MAX);
    if (t->pattern_count == t->pattern_room) {
        size_t room = t->pattern_room ? 2 * t->pattern_room : 16;
        struct token_pattern *more = reallocarray(t->patterns, room, sizeof *more);
        if (!more)
            return -ENOMEM;
        t->patterns = more;
        t->pattern_room = room;
    }
    t->patterns[t->pattern_count++] = pattern;
    token->pattern_count++;
    return 0;
}

static int take_hash(const struct line *l, const struct tokens *t, struct span word, struct token *token)
{
    bool good = word.bytes == 2 * TOKEN_HASH_BYTES;
    for (size_t i = 0; i < TOKEN_HASH_BYTES && good; i++) {
        int high = hex_digit(word.at[2 * i]), low = hex_digit(word.at[2 * i + 1]);
        good = high >= 0 && low >= 0;
        token->hash[i] = (uint8_t)(good ? high << 4 | low : 0);
    }
    if (!good)
        return bad(l,
                   "the last word is the SHA-256 of the token, 64 hex digits (walkvctl token new writes it)");
    const struct token *same = tokens_find(t, token->hash);
    return same ? bad(l, "the same token stands in line %u already", same->line) : 0;
}

static int take_line(const struct line *l, struct tokens *t, struct span text)
{
    struct token token = {.line = l->number};
    for (size_t i = 0; i < text.bytes; i++) {
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f)
            return bad(l, "a control character");
    }
    struct span name = take_word(&text);
    if (!name.bytes || *name.at == '#')
        return 0;
    if (t->count == TOKENS_MAX)
        return bad(l, "a file has at most %u tokens", TOKENS_MAX);
    int rc = take_name(l, t, name, &token);
    if (!rc)
        rc = take_scope(l, take_word(&text), &token);
    struct span word = take_word(&text), next = take_word(&text);
    for (; !rc && next.bytes; word = next, next = take_word(&text))
        rc = take_pattern(l, t, word, &token);
    if (!rc)
        rc = take_hash(l, t, word, &token);
    if (rc)
        return rc;
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 16;
        struct token *more = reallocarray(t->all, room, sizeof *more);
        if (!more)
            return -ENOMEM;
        t->all = more;
        t->room = room;
    }
    t->all[t->count++] = token;
    return 0;
}

static int take_lines(const char *file, struct span rest, struct tokens *t, char *error, size_t error_size)
{
    int rc = 0;
    struct line l = {.file = file, .error = error, .error_size = error_size};
    while (!rc && rest.bytes) {
        const char *end = memchr(rest.at, '\n', rest.bytes);
        struct span text = {rest.at, end ? (size_t)(end - rest.at) : rest.bytes};
        l.number++;
        rc = take_line(&l, t, text);
        size_t taken = text.bytes + (end != NULL);
        rest.at += taken;
        rest.bytes -= taken;
    }
    /* Only now do the patterns stay where they are. */
    struct token_pattern *patterns = t->patterns;
    for (size_t i = 0; i < t->count; i++) {
        t->all[i].patterns = patterns;
        patterns += t->all[i].pattern_count;
    }
    return rc;
}

int tokens_parse(const char *file, struct span text, struct tokens **out, char *error, size_t error_size)
{
    struct tokens *t = calloc(1, sizeof *t);
    int rc = -ENOMEM;
    if (t)
        t->text = malloc(text.bytes + 1);
    if (t && t->text) {
        if (text.bytes)
            memcpy(t->text, text.at, text.bytes);
        rc = take_lines(file, (struct span){t->text, text.bytes}, t, error, error_size);
    }
    if (rc == -ENOMEM)
        snprintf(error, error_size, "%s: no memory for the access tokens", file);
    if (rc)
        tokens_free(&t);
    else
        *out = t;
    return rc;
}

/* Reads all of it. Returns 0 or a negative errno with the reason in `*why`. */
static int read_file(int fd, char **text, size_t *bytes, const char **why)
{
    struct stat st;
    *why = NULL;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode)) {
        *why = "it is no regular file";
        return -EINVAL;
    }
    if (st.st_mode & (S_IRWXO | S_IWGRP)) {
        *why = "others than its owner can write it, or others than its group can read it: chmod 640";
        return -EACCES;
    }
    *why = "it is too large";
    if (st.st_size > (off_t)TOKENS_FILE_BYTES_MAX)
        return -EFBIG;
    *why = NULL;
    /* One byte more, to see that it has not grown. */
    size_t room = (size_t)st.st_size + 1, used = 0;
    *text = malloc(room);
    if (!*text)
        return -ENOMEM;
    while (used < room) {
        ssize_t n = read(fd, *text + used, room - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    if (used == room) {
        *why = "it is being written";
        return -EAGAIN;
    }
    *bytes = used;
    return 0;
}

int tokens_load(const char *path, struct tokens **out, char *error, size_t error_size)
{
    char *text = NULL;
    size_t bytes = 0;
    const char *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc = fd < 0 ? -errno : read_file(fd, &text, &bytes, &why);
    if (fd >= 0)
        close(fd);
    if (rc)
        snprintf(error, error_size, "%s: %s", path, why ? why : strerror(-rc));
    else
        rc = tokens_parse(path, (struct span){text, bytes}, out, error, error_size);
    free(text);
    return rc;
}

void tokens_free(struct tokens **tokens)
{
    struct tokens *t = *tokens;
    *tokens = NULL;
    if (!t)
        return;
    free(t->all);
    free(t->patterns);
    free(t->text);
    free(t);
}

size_t tokens_count(const struct tokens *t)
{
    return t->count;
}

const struct token *tokens_at(const struct tokens *t, size_t index)
{
    return &t->all[index];
}

void token_hash(struct span text, uint8_t hash[TOKEN_HASH_BYTES])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, text.bytes, (const uint8_t *)text.at);
    sha256_digest(&context, TOKEN_HASH_BYTES, hash);
}

const struct token *tokens_find(const struct tokens *t, const uint8_t hash[TOKEN_HASH_BYTES])
{
    const struct token *found = NULL;
    /* One word sorts out the others in a nanosecond each. That it is equal tells nobody anything who has not
     * tried 2^64 tokens: what is compared are hashes, which cannot be approached. */
    uint64_t word = get_u64(hash);
    for (size_t i = 0; i < t->count; i++) {
        if (get_u64(t->all[i].hash) == word && memeql_sec(t->all[i].hash, hash, TOKEN_HASH_BYTES))
            found = &t->all[i];
    }
    return found;
}

bool token_text_valid(struct span text)
{
    if (!text.bytes || text.bytes > TOKEN_TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                    c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
        if (!good)
            return false;
    }
    return true;
}

static int compare(struct span a, struct span b)
{
    size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = bytes ? memcmp(a.at, b.at, bytes) : 0;
    return order ? order : a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

static bool pattern_matches(const struct token_pattern *p, struct span name)
{
    if (p->is_prefix && name.bytes > p->name.bytes)
        name.bytes = p->name.bytes;
    return compare(p->name, name) == 0;
}

bool token_reaches_any(const struct token *t, enum token_about about)
{
    for (unsigned i = 0; i < t->pattern_count; i++) {
        if (t->patterns[i].about == about || about == TOKEN_DATA)
            return true;
    }
    return t->pattern_count == 0;
}

bool token_reaches(const struct token *t, enum token_about about, struct span name)
{
    for (unsigned i = 0; i < t->pattern_count; i++) {
        if (t->patterns[i].about == about && pattern_matches(&t->patterns[i], name))
            return true;
    }
    return t->pattern_count == 0;
}

bool token_next_name(const struct token *t, enum token_about about, struct span from, struct span *next)
{
    bool found = false;
    *next = from;
    if (token_reaches(t, about, from))
        return true;
    for (unsigned i = 0; i < t->pattern_count; i++) {
        const struct token_pattern *p = &t->patterns[i];
        if (p->about != about || compare(p->name, from) < 0)
            continue;
        if (!found || compare(p->name, *next) < 0)
            *next = p->name;
        found = true;
    }
    return found;
}
