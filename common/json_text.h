/* SPDX-License-Identifier: MIT
 *
 * json_text: a strict RFC 8259 scanner for JSON that is kept as the text it came as.
 *
 * Why: a value is stored as the client wrote it, minified, so big integers, number spellings and the order of
 * members come back exactly; a parser that builds a tree would lose them. The worker finds "value" and "key"
 * in a request body with it, the import command walks a mapped document of any size.
 *
 * Never: allocates, recurses, converts a number, reads past a span, or trusts a byte of the text.
 *
 * Decisions where the RFC leaves room: text is valid UTF-8 without a byte order mark; an escaped lone
 * surrogate is accepted and kept; numbers have no limits; of members with the same name the last counts.
 * Limits: nesting (JSON_DEPTH_LIMIT). A scalar has depth 0, `[]` has 1, `[[]]` has 2; wherever `max_depth`
 * appears it is at most JSON_DEPTH_LIMIT and counts from the outermost value of the text that is passed.
 */
#ifndef WALKV_COMMON_JSON_TEXT_H
#define WALKV_COMMON_JSON_TEXT_H

#include "span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JSON_DEPTH_LIMIT 1024

enum json_code {
    JSON_SYNTAX = 1, /* not JSON */
    JSON_TOO_DEEP,   /* nested deeper than max_depth; the rest was not looked at */
    JSON_NOT_OBJECT, /* an object was asked for, and this is another kind of value */
    JSON_NOT_ARRAY,  /* an array was asked for, and this is another kind of value */
};

/* Why and where a text was refused. `offset` is the first byte that cannot belong to a valid text (of a
 * malformed UTF-8 sequence its first byte, of too deep nesting the bracket, of the wrong kind the value's
 * first byte), or the text's length when it ends too early. `line` and `column` are those of `offset`, see
 * json_text_locate(). `reason` is a constant phrase without a full stop. */
struct json_error {
    enum json_code code;
    const char *reason;
    size_t offset;
    uint32_t line;
    uint32_t column;
};

/* True when the whole of `text` is one JSON value with nothing but whitespace around it. Otherwise false and
 * *error (which may be NULL) is filled; it is not touched on success. */
bool json_text_check(struct span text, unsigned max_depth, struct json_error *error);

/* Writes `valid_text`, which has passed a check, without its insignificant whitespace and otherwise
 * unchanged, and returns the bytes written. `out` has room for valid_text.bytes and is either valid_text.at
 * or elsewhere. */
size_t json_text_minify(char *out, struct span valid_text);

/* Checks that `text` is a whole JSON document and an object, and finds `count` members of it in one pass:
 * values[i] is the raw text (no whitespace around it) of the last top-level member whose unescaped name is
 * names[i] (UTF-8 bytes), or {NULL, 0}. On failure: false, all values {NULL, 0}, *error (may be NULL) filled.
 * Text that is not JSON is JSON_SYNTAX before it is JSON_NOT_OBJECT. The object itself counts as one level of
 * max_depth. */
bool json_text_members(struct span text, unsigned max_depth, const struct span *names, struct span *values,
                       size_t count, struct json_error *error);

/* A walk over the members of one object or the elements of one array; it owns nothing and may be dropped at
 * any time. `offset` (how many bytes of text lie behind it) and, after -1, `error` are to be read. */
struct json_members {
    size_t offset;
    struct json_error error;
    struct span text;
    unsigned max_depth;
    char opener; /* '{' or '[': what json_..._begin() asked for */
    char state;
};

/* Starts a walk over `text`, a whole document or the span of a value. Looks at nothing yet. */
void json_members_begin(struct json_members *it, struct span text, unsigned max_depth);

/* 1: *name is the next member's name as a string token with its quotes, not unescaped, and *value the text of
 * its value, both fully checked; what comes after is not. 0: the object has ended and nothing but whitespace
 * follows, so all of the text is valid. -1: it->error says why. After 0 or -1 the same again. */
int json_members_next(struct json_members *it, struct span *name, struct span *value);

/* The same for the elements of an array. */
void json_elements_begin(struct json_members *it, struct span text, unsigned max_depth);
int json_elements_next(struct json_members *it, struct span *value);

/* True when `string_token` (a checked string with its quotes), unescaped, is exactly the bytes of `utf8`. */
bool json_text_equals(struct span string_token, struct span utf8);

/* Writes the string that `string_token` (a checked string with its quotes) stands for as UTF-8 and returns
 * its bytes; it may contain NUL. -1 when it is not a string or has an escaped lone surrogate, which UTF-8
 * cannot say; `out` is then partly written. `out` has room for string_token.bytes and is string_token.at or
 * elsewhere. */
ssize_t json_text_unescape(char *out, struct span string_token);

/* The most that json_text_escape() writes for `bytes` bytes. */
#define JSON_ESCAPED_MAX(bytes) (6 * (bytes) + 2)

/* Writes valid `utf8` as a JSON string with quotes and returns the bytes written: quote, backslash and
 * control characters are escaped (\b \t \n \f \r, else \u00xx), all else is verbatim. `out` does not overlap
 * `utf8`. */
size_t json_text_escape(char *out, struct span utf8);

/* The place of byte `offset` (0 to text.bytes) for a person: `line` from 1, ended by each LF; `column` from
 * 1, in characters (Unicode code points) of that line. Both stop at UINT32_MAX. Reads all bytes before it. */
void json_text_locate(struct span text, size_t offset, uint32_t *line, uint32_t *column);

/* True when the bytes are well-formed UTF-8 as the Unicode Standard, table 3-7, has it: nothing overlong, no
 * surrogates, nothing above U+10FFFF. A byte order mark and NUL are characters like others here. */
bool utf8_valid(struct span text);

#endif
