/* SPDX-License-Identifier: MIT
 *
 * Access tokens: which bearer may do what, as auth_tokens_file says. Both daemons read the same file: a
 * worker answers 401 and 403 by it, and walkvd decides every write by its own copy, so that a worker which is
 * confused or taken over cannot give a client more than the client has.
 *
 * The file has one token a line, words separated by blanks or tabs:
 *
 *     NAME SCOPE [keys=PATTERN | queues=PATTERN]... SHA-256
 *
 *     NAME     1 to 64 of A-Z a-z 0-9 . _ - ; for people, and unique
 *     SCOPE    read; write, which includes read; admin, which includes both
 *     PATTERN  a name, or with * at its end a prefix
 *     SHA-256  of the token's text, in 64 hex digits
 *
 * In a pattern %XX is the byte of that number, as in a URL: blanks, % and a * that is meant are written %20,
 * %25 and %2A.
 *
 * Without patterns a token reaches everything. With patterns it reaches the keys and queues that they name
 * and nothing else: one with keys= alone reaches no queue. Empty lines are left out, and so are those whose
 * first character is #. The tokens themselves stand in no file, no log and no message.
 *
 * Changing it: a line that was good stays good with the same meaning; what is new is a new word before the
 * hash.
 *
 * Limits: TOKENS_MAX lines, TOKEN_PATTERNS_MAX patterns in each, TOKENS_FILE_BYTES_MAX in all.
 */
#ifndef WALKV_COMMON_TOKENS_H
#define WALKV_COMMON_TOKENS_H

#include "bounds.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_TEXT_MAX        128 /* bytes of a token as it is sent */
#define TOKEN_HASH_BYTES      32
#define TOKEN_NAME_MAX        64
#define TOKEN_PATTERNS_MAX    16
#define TOKENS_MAX            1000 /* each request is compared with all of them */
#define TOKENS_FILE_BYTES_MAX (4u * 1024 * 1024)
#define TOKENS_ERROR_MAX      512 /* a good size for an error buffer */

/* In this order each includes those before it. */
#define TOKEN_SCOPES(X)                                                                                      \
    X(TOKEN_READ, "read")                                                                                    \
    X(TOKEN_WRITE, "write")                                                                                  \
    X(TOKEN_ADMIN, "admin")

enum token_scope {
#define X(name, text) name,
    TOKEN_SCOPES(X)
#undef X
        TOKEN_SCOPE_LIMIT,
};

/* What a request is about. */
enum token_about {
    TOKEN_STORE, /* all of it: only a token without patterns reaches it */
    TOKEN_KEY,
    TOKEN_QUEUE,
    TOKEN_DATA, /* keys or queues, whichever it reaches; no pattern says this */
};

struct token_pattern {
    enum token_about about; /* TOKEN_KEY or TOKEN_QUEUE */
    bool is_prefix;
    struct span name; /* decoded */
};

struct token {
    char name[TOKEN_NAME_MAX + 1];
    enum token_scope scope;
    unsigned line;          /* of the file, from 1 */
    unsigned pattern_count; /* 0: everything */
    struct token_pattern *patterns;
    uint8_t hash[TOKEN_HASH_BYTES];
};

struct tokens;

/* Reads the file at `path`, which must be a regular file that others than its owner and its group cannot
 * read, and that nobody but its owner can write. Returns 0 with `*out` set, or a negative errno with a
 * sentence in `error` that names file and line; `*out` is untouched then. */
int tokens_load(const char *path, struct tokens **out, char *error, size_t error_size);

/* The same for text that has been read already; `file` is its name in errors. */
int tokens_parse(const char *file, struct span text, struct tokens **out, char *error, size_t error_size);

/* Frees them and clears the pointer, which may be NULL. */
void tokens_free(struct tokens **);

size_t tokens_count(const struct tokens *);
const struct token *tokens_at(const struct tokens *, size_t index);

/* The hash of a token's text, as it stands in the file. */
void token_hash(struct span text, uint8_t hash[TOKEN_HASH_BYTES]);

/* The token with this hash, or NULL. Compares with all of them, in a time that does not tell how near it was.
 */
const struct token *tokens_find(const struct tokens *, const uint8_t hash[TOKEN_HASH_BYTES]);

/* Whether these bytes may be a token: 1 to TOKEN_TEXT_MAX of those that RFC 6750 section 2.1 allows. */
bool token_text_valid(struct span text);

/* Whether the token has a pattern for such names at all, or none and so all. */
bool token_reaches_any(const struct token *, enum token_about);

/* Whether it reaches this name; of TOKEN_STORE, whose name is not looked at, whether it reaches everything.
 */
bool token_reaches(const struct token *, enum token_about, struct span name);

/* For walks in byte order: the first name at or behind `from` that the token may reach, which is `from`
 * itself when it reaches it. False when there is none. `*next` points into `from` or into the token. */
bool token_next_name(const struct token *, enum token_about, struct span from, struct span *next);

/* "read" and so on. */
const char *token_scope_text(enum token_scope);

#endif
