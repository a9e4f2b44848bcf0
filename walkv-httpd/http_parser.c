/* SPDX-License-Identifier: MIT
 *
 * The head of a request: one state machine over bytes, driven by a table of character classes, that
 * validates, finds the limits and notes offsets in a single pass. Because every decision depends on the bytes
 * before it and on nothing else, it is the same for every way in which the input was cut.
 *
 * Where RFC 9112 lets a recipient repair something (bare LF, white space before a colon, folded lines,
 * repeated equal lengths, leading empty lines), this one refuses; it must never guess. Stricter than the
 * grammar, on purpose: a Host is a DNS name or an address (no percent escapes or sub-delims), and a port has
 * digits. Limits: HTTP_REQUEST_LINE_BYTES, HTTP_HEADER_SECTION_BYTES, HTTP_HEADERS_MAX.
 */
#include "http_internal.h"

#include <assert.h>

static_assert(2 + HTTP_REQUEST_LINE_BYTES + HTTP_HEADER_SECTION_BYTES <= UINT16_MAX, "offsets are 16 bits");

#define VERSION_BYTES 10 /* "HTTP/1.1" CR LF */
#define FALLTHROUGH   __attribute__((fallthrough))

/* The first byte from `i` on that cannot be in a field value, or `stop`. Eight at a time while none of them
 * is a control character: the two tests are those for "a byte below 0x20" and "a byte equal to 0x7f" of a
 * word. */
static size_t skip_value(const char *at, size_t i, size_t stop)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;

    while (stop - i >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at + i, sizeof word);
        uint64_t control = (word - 0x20 * ones) & ~word;
        uint64_t del = word ^ (0x7f * ones);
        if ((control | ((del - ones) & ~del)) & high)
            break;
        i += sizeof word;
    }
    while (i < stop && is(at[i], CLASS_VALUE))
        i++;
    return i;
}

/* ---- errors ---- */

/* The order matters: up to STATE_VERSION it is the request line. */
enum state {
    STATE_START,    /* the first byte, or one empty line before it */
    STATE_START_LF, /* of that empty line */
    STATE_BEGIN,    /* the first byte */
    STATE_METHOD,
    STATE_TARGET,
    STATE_ESCAPE, /* the two digits behind '%' in the target */
    STATE_VERSION,
    STATE_LINE, /* the first byte of a line of the header section */
    STATE_NAME,
    STATE_SPACE, /* white space before a value */
    STATE_VALUE,
    STATE_VALUE_LF,
    STATE_END_LF, /* of the empty line behind the fields */
    STATE_END,
    STATE_FAILED,
};

static const char bare_cr[] = "A CR must be followed by LF";

enum http_parse http_parser_fail(struct http_parser *p, int status, const char *error)
{
    p->state = STATE_FAILED;
    p->status = status;
    p->error = error;
    return HTTP_ERROR;
}

/* 400 because of the byte `c`: one of the sentences about control characters, else `error`. */
static enum http_parse fail_byte(struct http_parser *p, char c, const char *error)
{
    uint8_t byte = (uint8_t)c;

    if (c == '\n')
        return http_parser_fail(p, 400, "A line must end in CR LF, not in a bare LF");
    if (c == '\0')
        return http_parser_fail(p, 400, "NUL is not allowed in a request head");
    if ((byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f)
        return http_parser_fail(p, 400, "Control characters are not allowed in a request head");
    return http_parser_fail(p, 400, error);
}

/* ---- the request line ---- */

#define X(name) {sizeof #name - 1, #name},
static const struct {
    uint8_t bytes;
    char name[8];
} methods[] = {HTTP_METHODS(X)};
#undef X

enum http_method http_parser_method(const struct http_parser *p)
{
    return (enum http_method)p->method;
}

const char *http_method_name(enum http_method method)
{
    return methods[method].name;
}

/* RFC 9112 section 3.2.2: notes host and path of "http://host/path?query". A missing path stays 0. */
static enum http_parse absolute_form(struct http_parser *p, struct span target)
{
    size_t begin = 0;

    if (target.bytes >= 7 && equal_any_case(target.at, "http://", 7))
        begin = 7;
    else if (target.bytes >= 8 && equal_any_case(target.at, "https://", 8))
        begin = 8;
    else
        return http_parser_fail(p, 400, "The request target must begin with '/', http:// or https://");

    size_t end = begin, name_bytes;
    while (end < target.bytes && target.at[end] != '/' && target.at[end] != '?')
        end++;
    if (!http_host_valid((struct span){target.at + begin, end - begin}, &name_bytes))
        return http_parser_fail(p, 400, "The request target has no valid host");
    p->host_at = (uint16_t)(p->target_at + begin);
    p->host_bytes = (uint16_t)(end - begin);
    p->host_name_bytes = (uint16_t)name_bytes;
    if (end < target.bytes && target.at[end] == '/')
        p->path_at = (uint16_t)(p->target_at + end);
    return HTTP_MORE;
}

/* What can only be judged when the whole line is there. The version comes first, so that the preface of
 * HTTP/2, which is "PRI * HTTP/2.0", gives 505; the method second, so that CONNECT with its authority-form
 * gives 501. */
static enum http_parse request_line(struct http_parser *p, const char *buffer)
{
    struct span method = {buffer + p->method_at, (size_t)(p->target_at - p->method_at) - 1};
    struct span target = {buffer + p->target_at, (size_t)(p->target_end - p->target_at)};
    uint8_t m = 0;

    if (p->version_major != 1 || p->version_minor > 1)
        return http_parser_fail(p, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here");
    while (m < HTTP_METHOD_COUNT &&
           (methods[m].bytes != method.bytes || memcmp(methods[m].name, method.at, method.bytes) != 0))
        m++;
    if (m == HTTP_METHOD_COUNT)
        return http_parser_fail(p, 501, "The method is not known");
    p->method = m;
    if (target.at[0] != '/' && !(target.at[0] == '*' && target.bytes == 1))
        return absolute_form(p, target);
    if (target.at[0] == '*' && m != HTTP_OPTIONS)
        return http_parser_fail(p, 400, "The request target * is for OPTIONS alone");
    p->path_at = p->target_at;
    return HTTP_MORE;
}

/* ---- the machine ---- */

void http_parser_start(struct http_parser *p)
{
    memset(p, 0, offsetof(struct http_parser, fields));
    p->state = STATE_START;
    p->limit = 2 + HTTP_REQUEST_LINE_BYTES;
}

/* The part that begins at `i` must end within `bytes_max`; returns up to where it may be scanned now. */
static size_t set_limit(struct http_parser *p, size_t i, size_t bytes_max, size_t bytes)
{
    p->limit = (uint16_t)(i + bytes_max);
    return bytes < p->limit ? bytes : p->limit;
}

static enum http_parse out_of_bytes(struct http_parser *p, size_t i)
{
    p->scanned = (uint16_t)i;
    if (i < p->limit)
        return HTTP_MORE;
    if (p->state <= STATE_VERSION)
        return http_parser_fail(p, 414, "The request line is longer than 8 KiB");
    return http_parser_fail(p, 431, "The header section is longer than 16 KiB");
}

static enum http_parse first_byte(struct http_parser *p, char c)
{
    if (is(c, CLASS_TOKEN))
        return HTTP_MORE;
    if (c == 0x16) /* a TLS handshake record, RFC 8446 section 5.1; no method begins with it */
        return http_parser_fail(p, 400, "This looks like TLS, but this port speaks plain HTTP");
    return fail_byte(p, c, "A request must begin with a method");
}

/* Takes "HTTP/x.y" CR LF as far as it is there; p->position bytes of it have been taken before. */
static enum http_parse version_bytes(struct http_parser *p, const char *at, size_t *i, size_t stop)
{
    static const char wanted[VERSION_BYTES + 1] = "HTTP/#.#\r\n";

    for (; *i < stop && p->position < VERSION_BYTES; (*i)++, p->position++) {
        char c = at[*i];
        bool number = wanted[p->position] == '#';
        if (number && DIGIT(c))
            *(p->position == 5 ? &p->version_major : &p->version_minor) = (uint8_t)(c - '0');
        else if (number || c != wanted[p->position])
            return fail_byte(p, c, "The request line must be: method, space, target, space, HTTP/1.1");
    }
    return HTTP_MORE;
}

static enum http_parse line_byte(struct http_parser *p, char c)
{
    if (is_space(c))
        return http_parser_fail(p, 400,
                                "A header line must not begin with white space (folded lines are obsolete)");
    if (!is(c, CLASS_TOKEN))
        return fail_byte(p, c, "A header field must begin with a name, which is a token");
    if (p->header_count == HTTP_HEADERS_MAX)
        return http_parser_fail(p, 431, "There are more than 64 header fields");
    return HTTP_MORE;
}

/* Each state takes what it can between `i` and `stop`; one that needs more leaves `i` at `stop`. */
static enum http_parse scan(struct http_parser *p, const char *at, size_t bytes)
{
    size_t i = p->scanned;
    size_t stop = bytes < p->limit ? bytes : p->limit;
    enum http_parse result = HTTP_MORE;
    struct http_parser_field *field;

    while (result == HTTP_MORE) {
        if (i >= stop)
            return out_of_bytes(p, i);
        switch ((enum state)p->state) {
        case STATE_START:
            i += at[i] == '\r';
            p->state = i > 0 ? STATE_START_LF : STATE_BEGIN;
            break;
        case STATE_START_LF:
            if (at[i++] != '\n')
                return http_parser_fail(p, 400, bare_cr);
            p->state = STATE_BEGIN;
            break;
        case STATE_BEGIN:
            stop = set_limit(p, i, HTTP_REQUEST_LINE_BYTES, bytes);
            p->method_at = (uint16_t)i;
            p->state = STATE_METHOD;
            result = first_byte(p, at[i]);
            break;
        case STATE_METHOD:
            while (i < stop && is(at[i], CLASS_TOKEN))
                i++;
            if (i == stop)
                break;
            if (at[i] != ' ')
                return fail_byte(p, at[i], "A method must be a token, with one space behind it");
            p->target_at = (uint16_t)++i;
            p->state = STATE_TARGET;
            FALLTHROUGH;
        case STATE_TARGET:
            while (i < stop && is(at[i], CLASS_TARGET))
                i++;
            if (i == stop)
                break;
            if (at[i] == '%') {
                p->position = 2;
                p->state = STATE_ESCAPE;
            } else if (at[i] == '?') {
                p->query_at = p->query_at ? p->query_at : (uint16_t)(i + 1);
            } else if (at[i] == ' ' && i > p->target_at) {
                p->target_end = (uint16_t)i;
                p->position = 0;
                p->state = STATE_VERSION;
            } else {
                return fail_byte(p, at[i], "The request target must be visible ASCII without '#'");
            }
            i++;
            break;
        case STATE_ESCAPE:
            if (!is(at[i], CLASS_HEX))
                return fail_byte(p, at[i], "In the request target, two hex digits must follow '%'");
            i++;
            p->state = --p->position ? STATE_ESCAPE : STATE_TARGET;
            break;
        case STATE_VERSION:
            result = version_bytes(p, at, &i, stop);
            if (result == HTTP_MORE && p->position == VERSION_BYTES) {
                stop = set_limit(p, i, HTTP_HEADER_SECTION_BYTES, bytes);
                p->state = STATE_LINE;
                result = request_line(p, at);
            }
            break;
        case STATE_LINE:
            if (at[i] == '\r') {
                i++;
                p->state = STATE_END_LF;
                break;
            }
            result = line_byte(p, at[i]);
            if (result == HTTP_ERROR)
                break;
            p->fields[p->header_count].name_at = (uint16_t)i;
            p->state = STATE_NAME;
            FALLTHROUGH;
        case STATE_NAME:
            while (i < stop && is(at[i], CLASS_TOKEN))
                i++;
            if (i == stop)
                break;
            if (at[i] != ':')
                return fail_byte(p, at[i], "A header name must be a token, with a colon right behind it");
            field = &p->fields[p->header_count];
            field->name_bytes = (uint16_t)(i++ - field->name_at);
            p->state = STATE_SPACE;
            FALLTHROUGH;
        case STATE_SPACE:
            while (i < stop && is_space(at[i]))
                i++;
            if (i == stop)
                break;
            p->fields[p->header_count].value_at = (uint16_t)i;
            p->state = STATE_VALUE;
            FALLTHROUGH;
        case STATE_VALUE:
            i = skip_value(at, i, stop);
            if (i == stop)
                break;
            if (at[i] != '\r')
                return fail_byte(p, at[i], bare_cr);
            field = &p->fields[p->header_count];
            field->value_bytes = (uint16_t)(i++ - field->value_at);
            while (field->value_bytes && is_space(at[field->value_at + field->value_bytes - 1]))
                field->value_bytes--;
            p->state = STATE_VALUE_LF;
            if (i == stop)
                break;
            FALLTHROUGH;
        case STATE_VALUE_LF:
            if (at[i++] != '\n')
                return http_parser_fail(p, 400, bare_cr);
            p->state = STATE_LINE;
            result = http_field_take(p, at);
            break;
        case STATE_END_LF:
            if (at[i++] != '\n')
                return http_parser_fail(p, 400, bare_cr);
            if (p->version_minor == 1 && !http_field_seen(p, FIELD_HOST))
                return http_parser_fail(p, 400, "HTTP/1.1 requires a Host field");
            p->scanned = (uint16_t)i;
            p->state = STATE_END;
            return HTTP_DONE;
        case STATE_END:
        case STATE_FAILED:
            return HTTP_ERROR; /* not reached: http_parser_head() has seen to them */
        }
    }
    return result;
}

/* Turns offsets into spans. */
static void fill(const struct http_parser *p, const char *buffer, struct http_request *req)
{
    size_t path_end = p->query_at ? (size_t)p->query_at - 1 : p->target_end;

    req->head_bytes = p->scanned;
    req->method = (enum http_method)p->method;
    req->version_minor = p->version_minor;
    req->has_content_length = http_field_seen(p, FIELD_CONTENT_LENGTH);
    req->content_length = p->content_length;
    req->chunked = p->chunked;
    req->keep_alive = p->version_minor == 1 && !p->close;
    req->expect_continue = p->expect_continue && (p->chunked || p->content_length > 0);
    req->target = (struct span){buffer + p->target_at, (size_t)(p->target_end - p->target_at)};
    if (p->path_at)
        req->path = (struct span){buffer + p->path_at, path_end - p->path_at};
    else /* RFC 9112 section 3.2.4 */
        req->path = (struct span){p->method == HTTP_OPTIONS && !p->query_at ? "*" : "/", 1};
    req->query = p->query_at ? (struct span){buffer + p->query_at, (size_t)(p->target_end - p->query_at)}
                             : (struct span){"", 0};
    req->host = p->host_at ? (struct span){buffer + p->host_at, p->host_bytes} : (struct span){"", 0};
    req->host_name = (struct span){req->host.at, p->host_name_bytes};
    req->header_count = p->header_count;
    for (unsigned h = 0; h < p->header_count; h++) {
        const struct http_parser_field *field = &p->fields[h];
        req->headers[h].name = (struct span){buffer + field->name_at, field->name_bytes};
        req->headers[h].value = (struct span){buffer + field->value_at, field->value_bytes};
    }
}

enum http_parse http_parser_head(struct http_parser *p, const char *buffer, size_t bytes,
                                 struct http_request *req)
{
    if (p->state == STATE_FAILED)
        return HTTP_ERROR;
    if (p->state != STATE_END) {
        enum http_parse result = scan(p, buffer, bytes);
        if (result != HTTP_DONE)
            return result;
    }
    fill(p, buffer, req);
    return HTTP_DONE;
}

unsigned http_request_header(const struct http_request *req, const char *name, struct span *value)
{
    unsigned count = 0;
    struct span other;

    for (unsigned at = 0; http_request_next(req, name, &at, count ? &other : value);)
        count++;
    return count;
}

bool http_request_next(const struct http_request *req, const char *name, unsigned *at, struct span *value)
{
    while (*at < req->header_count) {
        const struct http_header *header = &req->headers[(*at)++];
        if (!span_is_text_any_case(header->name, name))
            continue;
        *value = header->value;
        return true;
    }
    return false;
}
