/* SPDX-License-Identifier: MIT
 *
 * json_text: the scanner behind json_text.h, one cursor that only moves forward.
 *
 * Each scan_...() takes the cursor over one thing of the grammar, or leaves it on the first byte that does
 * not fit and records why. The kind of each open container is one bit, so depth costs 128 bytes of stack and
 * no recursion. Line and column are worked out only when there is an error to report.
 *
 * Never: moves the cursor past its end, so every byte is read through peek() or counted first.
 */
#include "json_text.h"

#include "log.h"

#include <endian.h>
#include <string.h>

struct scanner {
    const char *begin;
    const char *at;
    const char *end;
    enum json_code code;
    const char *reason;
};

enum walk_state { WALK_BEGIN, WALK_INSIDE, WALK_ENDED, WALK_FAILED };

static struct scanner scanner_at(struct span text, size_t offset)
{
    const char *begin = text.bytes > 0 ? text.at : "";
    return (struct scanner){.begin = begin, .at = begin + offset, .end = begin + text.bytes};
}

static size_t bytes_left(const struct scanner *s)
{
    return (size_t)(s->end - s->at);
}

/* The byte under the cursor, or -1 at the end. */
static int peek(const struct scanner *s)
{
    return s->at < s->end ? (unsigned char)*s->at : -1;
}

static bool refuse(struct scanner *s, enum json_code code, const char *reason)
{
    s->code = code;
    s->reason = reason;
    return false;
}

static bool refuse_syntax(struct scanner *s, const char *reason)
{
    return refuse(s, JSON_SYNTAX, s->at < s->end ? reason : "the text ends too early");
}

static void report(const struct scanner *s, struct json_error *error)
{
    if (!error)
        return;
    struct span text = {s->begin, (size_t)(s->end - s->begin)};
    *error = (struct json_error){.code = s->code, .reason = s->reason, .offset = (size_t)(s->at - s->begin)};
    json_text_locate(text, error->offset, &error->line, &error->column);
}

static bool is_space(int byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static int hex_value(int byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* ---- Bytes and characters ---- */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The lowest set bit is in the first of eight bytes (lowest first) that is not plain: a control character, a
 * quote, a backslash, or not ASCII. Bits above it mean nothing: a subtraction may borrow from there on. */
static uint64_t not_plain(uint64_t word)
{
    uint64_t control = word - EACH_BYTE(0x20);
    uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return (control | quote | backslash | word) & EACH_BYTE(0x80);
}

/* How many bytes from `at` on are plain (see above). */
static inline size_t plain_bytes(const char *at, size_t bytes)
{
    size_t done = 0;
    for (; bytes - done >= sizeof(uint64_t); done += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at + done, sizeof(word));
        uint64_t found = not_plain(le64toh(word));
        if (found)
            return done + (size_t)__builtin_ctzll(found) / 8;
    }
    for (; done < bytes; done++) {
        unsigned char byte = (unsigned char)at[done];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x80)
            break;
    }
    return done;
}

/* The length of the well-formed UTF-8 sequence at `at`, 1 to 4, or 0. `bytes` is at least 1. */
static inline size_t utf8_sequence(const char *at, size_t bytes)
{
    const unsigned char *byte = (const unsigned char *)at;
    if (byte[0] < 0x80)
        return 1;
    if (byte[0] < 0xC2 || byte[0] > 0xF4)
        return 0;
    size_t length = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    if (bytes < length)
        return 0;
    unsigned char lowest = byte[0] == 0xE0 ? 0xA0 : byte[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char highest = byte[0] == 0xED ? 0x9F : byte[0] == 0xF4 ? 0x8F : 0xBF;
    if (byte[1] < lowest || byte[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((byte[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool utf8_valid(struct span text)
{
    struct scanner s = scanner_at(text, 0);
    while (s.at < s.end) {
        s.at += plain_bytes(s.at, bytes_left(&s));
        if (s.at == s.end)
            break;
        size_t length = utf8_sequence(s.at, bytes_left(&s));
        if (length == 0)
            return false;
        s.at += length;
    }
    return true;
}

void json_text_locate(struct span text, size_t offset, uint32_t *line, uint32_t *column)
{
    must(offset <= text.bytes);
    struct scanner s = scanner_at(text, 0);
    const char *target = s.begin + offset;
    const char *newline;
    size_t lines = 1;
    while ((newline = memchr(s.at, '\n', (size_t)(target - s.at)))) {
        lines++;
        s.at = newline + 1;
    }
    size_t characters = 1;
    for (; s.at < target; s.at++)
        characters += ((unsigned char)*s.at & 0xC0) != 0x80;
    *line = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
    *column = characters < UINT32_MAX ? (uint32_t)characters : UINT32_MAX;
}

/* ---- The grammar ---- */

static void skip_space(struct scanner *s)
{
    while (is_space(peek(s)))
        s->at++;
}

/* From the backslash. Two escaped surrogates need not make a pair here. */
static bool scan_escape(struct scanner *s)
{
    s->at++;
    int letter = peek(s);
    if (letter < 0 || !memchr("\"\\/bfnrtu", letter, 9))
        return refuse_syntax(s, "unknown escape in a string");
    s->at++;
    for (int digits = letter == 'u' ? 4 : 0; digits > 0; digits--, s->at++)
        if (hex_value(peek(s)) < 0)
            return refuse_syntax(s, "expected four hexadecimal digits after \\u");
    return true;
}

/* From the opening quote. */
static bool scan_string(struct scanner *s)
{
    s->at++;
    for (;;) {
        s->at += plain_bytes(s->at, bytes_left(s));
        int byte = peek(s);
        if (byte == '"') {
            s->at++;
            return true;
        }
        if (byte == '\\') {
            if (!scan_escape(s))
                return false;
            continue;
        }
        if (byte < 0x20)
            return refuse_syntax(s, "control character in a string");
        while (peek(s) >= 0x80) {
            size_t length = utf8_sequence(s->at, bytes_left(s));
            if (length == 0)
                return refuse_syntax(s, "a string is not valid UTF-8");
            s->at += length;
        }
    }
}

static bool scan_digits(struct scanner *s)
{
    if (!is_digit(peek(s)))
        return refuse_syntax(s, "expected a digit");
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool scan_number(struct scanner *s)
{
    if (peek(s) == '-')
        s->at++;
    bool zero = peek(s) == '0';
    if (zero)
        s->at++;
    if (zero && is_digit(peek(s)))
        return refuse_syntax(s, "a number has no leading zeros");
    if (!zero && !scan_digits(s))
        return false;
    if (peek(s) == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_literal(struct scanner *s, const char *word)
{
    for (; *word; word++, s->at++)
        if (peek(s) != *word)
            return refuse_syntax(s, "expected true, false or null");
    return true;
}

static bool scan_scalar(struct scanner *s)
{
    int byte = peek(s);
    if (byte == '"')
        return scan_string(s);
    if (byte == '-' || is_digit(byte))
        return scan_number(s);
    if (byte == 't')
        return scan_literal(s, "true");
    if (byte == 'f')
        return scan_literal(s, "false");
    if (byte == 'n')
        return scan_literal(s, "null");
    return refuse_syntax(s, "expected a value");
}

/* Inside a container, after its opening bracket (`first`) or a value: 1 with the cursor on the next value,
 * over the comma and, in an object, the name and colon; 0 with the cursor behind the closing bracket; -1
 * refused. */
static int scan_next(struct scanner *s, bool object, bool first, struct span *name)
{
    skip_space(s);
    if (peek(s) == (object ? '}' : ']')) {
        s->at++;
        return 0;
    }
    if (!first) {
        if (peek(s) != ',') {
            refuse_syntax(s, object ? "expected a comma or }" : "expected a comma or ]");
            return -1;
        }
        s->at++;
        skip_space(s);
    }
    if (!object)
        return 1;
    const char *token = s->at;
    if (peek(s) != '"') {
        refuse_syntax(s, "expected a member name in double quotes");
        return -1;
    }
    if (!scan_string(s))
        return -1;
    *name = (struct span){token, (size_t)(s->at - token)};
    skip_space(s);
    if (peek(s) != ':') {
        refuse_syntax(s, "expected a colon after the member name");
        return -1;
    }
    s->at++;
    skip_space(s);
    return 1;
}

/* One value from its first byte to its last. */
static bool scan_value(struct scanner *s, unsigned max_depth)
{
    uint64_t objects[JSON_DEPTH_LIMIT / 64]; /* bit d: the container open at depth d is an object */
    unsigned depth = 0;
    struct span name;
    do {
        int opener = peek(s);
        bool first = opener == '{' || opener == '[';
        if (first) {
            if (depth == max_depth)
                return refuse(s, JSON_TOO_DEEP, "nested too deeply");
            uint64_t bit = UINT64_C(1) << (depth % 64);
            if (opener == '{')
                objects[depth / 64] |= bit;
            else
                objects[depth / 64] &= ~bit;
            depth++;
            s->at++;
        } else if (!scan_scalar(s)) {
            return false;
        }
        int more = 0;
        while (depth > 0 && more == 0) {
            bool object = objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1;
            more = scan_next(s, object, first, &name);
            if (more < 0)
                return false;
            if (more == 0)
                depth--;
            first = false;
        }
    } while (depth > 0);
    return true;
}

static bool scan_end(struct scanner *s)
{
    skip_space(s);
    return s->at == s->end || refuse_syntax(s, "expected nothing after the value");
}

static bool scan_begin(struct scanner *s)
{
    if (bytes_left(s) >= 3 && memcmp(s->at, "\xEF\xBB\xBF", 3) == 0)
        return refuse_syntax(s, "the text begins with a byte order mark");
    skip_space(s);
    return true;
}

static bool scan_document(struct scanner *s, unsigned max_depth)
{
    return scan_begin(s) && scan_value(s, max_depth) && scan_end(s);
}

bool json_text_check(struct span text, unsigned max_depth, struct json_error *error)
{
    must(max_depth <= JSON_DEPTH_LIMIT);
    struct scanner s = scanner_at(text, 0);
    if (scan_document(&s, max_depth))
        return true;
    report(&s, error);
    return false;
}

/* ---- Members and elements ---- */

static bool walk_enter(struct scanner *s, const struct json_members *it)
{
    if (!scan_begin(s))
        return false;
    int byte = peek(s);
    if (byte < 0 || !memchr("{[\"-0123456789tfn", byte, 17))
        return refuse_syntax(s, "expected a value");
    if (byte != it->opener)
        return it->opener == '{' ? refuse(s, JSON_NOT_OBJECT, "not an object")
                                 : refuse(s, JSON_NOT_ARRAY, "not an array");
    if (it->max_depth == 0)
        return refuse(s, JSON_TOO_DEEP, "nested too deeply");
    s->at++;
    return true;
}

static int walk_step(struct scanner *s, const struct json_members *it, struct span *name, struct span *value)
{
    bool first = it->state == WALK_BEGIN;
    if (first && !walk_enter(s, it))
        return -1;
    int more = scan_next(s, it->opener == '{', first, name);
    if (more < 0)
        return -1;
    if (more == 0)
        return scan_end(s) ? 0 : -1;
    const char *start = s->at;
    if (!scan_value(s, it->max_depth - 1))
        return -1;
    *value = (struct span){start, (size_t)(s->at - start)};
    return 1;
}

static int walk_next(struct json_members *it, struct span *name, struct span *value)
{
    if (it->state == WALK_ENDED || it->state == WALK_FAILED)
        return it->state == WALK_ENDED ? 0 : -1;
    struct scanner s = scanner_at(it->text, it->offset);
    int more = walk_step(&s, it, name, value);
    it->offset = (size_t)(s.at - s.begin);
    it->state = more > 0 ? WALK_INSIDE : more == 0 ? WALK_ENDED : WALK_FAILED;
    if (more < 0)
        report(&s, &it->error);
    return more;
}

static void walk_begin(struct json_members *it, struct span text, unsigned max_depth, char opener)
{
    must(max_depth <= JSON_DEPTH_LIMIT);
    *it = (struct json_members){.text = text, .max_depth = max_depth, .opener = opener, .state = WALK_BEGIN};
}

void json_members_begin(struct json_members *it, struct span text, unsigned max_depth)
{
    walk_begin(it, text, max_depth, '{');
}

int json_members_next(struct json_members *it, struct span *name, struct span *value)
{
    must(it->opener == '{');
    return walk_next(it, name, value);
}

void json_elements_begin(struct json_members *it, struct span text, unsigned max_depth)
{
    walk_begin(it, text, max_depth, '[');
}

int json_elements_next(struct json_members *it, struct span *value)
{
    must(it->opener == '[');
    struct span no_name;
    return walk_next(it, &no_name, value);
}

bool json_text_members(struct span text, unsigned max_depth, const struct span *names, struct span *values,
                       size_t count, struct json_error *error)
{
    struct json_members it;
    struct span name, value;
    int more;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct span){NULL, 0};
    json_members_begin(&it, text, max_depth);
    while ((more = json_members_next(&it, &name, &value)) > 0)
        for (size_t i = 0; i < count; i++)
            if (json_text_equals(name, names[i]))
                values[i] = value;
    if (more == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct span){NULL, 0};
    bool other_kind = it.error.code == JSON_NOT_OBJECT;
    if ((!other_kind || json_text_check(text, max_depth, error)) && error)
        *error = it.error;
    return false;
}

/* ---- From text to text ---- */

/* The end of a checked string that begins at `at`. */
static const char *string_end(const char *at, const char *end)
{
    at++;
    while (at < end) {
        at += plain_bytes(at, (size_t)(end - at));
        if (at < end && *at == '"')
            return at + 1;
        if (at < end && *at == '\\')
            at++;
        if (at < end)
            at++;
        while (at < end && (unsigned char)*at >= 0x80)
            at++;
    }
    return end;
}

size_t json_text_minify(char *out, struct span valid_text)
{
    struct scanner s = scanner_at(valid_text, 0);
    char *to = out;
    while (s.at < s.end) {
        skip_space(&s);
        const char *kept = s.at;
        while (s.at < s.end && !is_space(*s.at))
            s.at = *s.at == '"' ? string_end(s.at, s.end) : s.at + 1;
        size_t bytes = (size_t)(s.at - kept);
        if (to != kept)
            memmove(to, kept, bytes);
        to += bytes;
    }
    return (size_t)(to - out);
}

/* The four digits after \u at `at`, or -1 when there is no such escape. */
static int32_t code_unit(const char *at, size_t bytes)
{
    if (bytes < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t utf8_encode(char out[4], int32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    int32_t lead = length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0;
    out[0] = (char)(lead | point);
    return length;
}

/* Decodes the escape (or pair of them) at `at` into `out`, *written bytes. Returns the bytes that it took
 * from the text, or 0 when it stands for no character. */
static size_t decode_escape(const char *at, size_t bytes, char out[4], size_t *written)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (bytes < 2)
        return 0;
    const char *letter = memchr(letters, at[1], sizeof(letters) - 1);
    if (letter) {
        out[0] = meanings[letter - letters];
        *written = 1;
        return 2;
    }
    int32_t point = code_unit(at, bytes);
    size_t taken = 6;
    if (point >= 0xD800 && point < 0xDC00) {
        int32_t low = code_unit(at + 6, bytes - 6);
        if (low < 0xDC00 || low > 0xDFFF)
            return 0;
        point = 0x10000 + (point - 0xD800) * 0x400 + (low - 0xDC00);
        taken = 12;
    } else if (point < 0 || (point >= 0xDC00 && point <= 0xDFFF)) {
        return 0;
    }
    *written = utf8_encode(out, point);
    return taken;
}

bool json_text_equals(struct span string_token, struct span utf8)
{
    size_t matched = 0;
    if (string_token.bytes < 2)
        return false;
    const char *end = string_token.at + string_token.bytes - 1;
    for (const char *at = string_token.at + 1; at < end;) {
        char piece[4] = {*at};
        size_t piece_bytes = 1, taken = 1;
        if (*at == '\\')
            taken = decode_escape(at, (size_t)(end - at), piece, &piece_bytes);
        if (taken == 0 || piece_bytes > utf8.bytes - matched ||
            memcmp(piece, utf8.at + matched, piece_bytes) != 0)
            return false;
        matched += piece_bytes;
        at += taken;
    }
    return matched == utf8.bytes;
}

ssize_t json_text_unescape(char *out, struct span string_token)
{
    if (string_token.bytes < 2 || *string_token.at != '"')
        return -1;
    const char *end = string_token.at + string_token.bytes - 1;
    char *to = out;
    for (const char *at = string_token.at + 1; at < end;) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t verbatim = (size_t)((escape ? escape : end) - at);
        memmove(to, at, verbatim);
        to += verbatim;
        at += verbatim;
        if (escape) {
            char piece[4];
            size_t piece_bytes;
            size_t taken = decode_escape(at, (size_t)(end - at), piece, &piece_bytes);
            if (taken == 0)
                return -1;
            memcpy(to, piece, piece_bytes);
            to += piece_bytes;
            at += taken;
        }
    }
    return to - out;
}

size_t json_text_escape(char *out, struct span utf8)
{
    static const char digits[] = "0123456789abcdef", letters[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
    struct scanner s = scanner_at(utf8, 0);
    char *to = out;
    *to++ = '"';
    while (s.at < s.end) {
        size_t plain = plain_bytes(s.at, bytes_left(&s));
        memcpy(to, s.at, plain);
        to += plain;
        s.at += plain;
        int byte = peek(&s);
        if (byte < 0)
            break;
        s.at++;
        const char *meaning = memchr(meanings, byte, sizeof(meanings) - 1);
        if (byte >= 0x80) {
            *to++ = (char)byte;
        } else if (meaning) {
            *to++ = '\\';
            *to++ = letters[meaning - meanings];
        } else {
            memcpy(to, "\\u00", 4);
            to[4] = digits[byte >> 4];
            to[5] = digits[byte & 15];
            to += 6;
        }
    }
    *to++ = '"';
    return (size_t)(to - out);
}
