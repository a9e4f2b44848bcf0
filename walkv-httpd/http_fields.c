/* SPDX-License-Identifier: MIT
 *
 * The fields that framing and routing depend on: Host, Connection, Content-Length, Transfer-Encoding, Expect.
 * Each is judged as soon as its line is complete; all other fields are nothing to the parser.
 *
 * These decide where a request ends, so a value that two programs might read in two ways must never pass: no
 * lists where one number is meant, no repetition, no repair.
 */
#include "http_internal.h"

#include <arpa/inet.h>

bool http_host_valid(struct span s, size_t *name_bytes)
{
    size_t i = 0;

    if (s.bytes > 0 && s.at[0] == '[') {
        const char *end = memchr(s.at, ']', s.bytes);
        char text[INET6_ADDRSTRLEN];
        struct in6_addr address;
        size_t bytes = end ? (size_t)(end - s.at) - 1 : sizeof text;
        if (bytes >= sizeof text)
            return false;
        memcpy(text, s.at + 1, bytes);
        text[bytes] = '\0';
        if (inet_pton(AF_INET6, text, &address) != 1)
            return false;
        i = bytes + 2;
    } else {
        while (i < s.bytes && is(s.at[i], CLASS_HOST))
            i++;
        if (i == 0)
            return false;
    }
    *name_bytes = i;
    if (i == s.bytes)
        return true;
    if (s.at[i] != ':' || s.bytes - i < 2 || s.bytes - i > 6)
        return false;
    uint64_t port;
    return span_decimal((struct span){s.at + i + 1, s.bytes - i - 1}, &port) && port <= UINT16_MAX;
}

/* Takes one element, trimmed and perhaps empty, off a comma-separated list (RFC 9110 section 5.6.1). */
static bool list_next(struct span *list, struct span *element)
{
    if (!list->at)
        return false;
    const char *comma = memchr(list->at, ',', list->bytes);
    *element = span_trim(span_take(list, ','));
    if (!comma)
        list->at = NULL; /* but "a," has an empty element at its end */
    return true;
}

static size_t token_bytes(struct span s)
{
    size_t i = 0;

    while (i < s.bytes && is(s.at[i], CLASS_TOKEN))
        i++;
    return i;
}

/* RFC 9110 section 7.2, RFC 9112 section 3.2. */
static enum http_parse take_host(struct http_parser *p, struct span value)
{
    uint16_t value_at = p->fields[p->header_count - 1].value_at;
    size_t name_bytes;

    if (!http_host_valid(value, &name_bytes))
        return http_parser_fail(p, 400, "Host must be a name or an address, with or without a port");
    if (p->host_at && (p->host_bytes != value.bytes ||
                       !equal_any_case(value.at - value_at + p->host_at, value.at, value.bytes)))
        return http_parser_fail(p, 400, "Host and the host in the request target differ");
    p->host_at = value_at;
    p->host_bytes = (uint16_t)value.bytes;
    p->host_name_bytes = (uint16_t)name_bytes;
    return HTTP_MORE;
}

/* RFC 9110 section 7.6.1: a list of tokens, which may have empty elements. */
static enum http_parse take_connection(struct http_parser *p, struct span value)
{
    struct span option;

    while (list_next(&value, &option)) {
        if (token_bytes(option) != option.bytes)
            return http_parser_fail(p, 400, "Connection must be a list of tokens");
        p->close |= span_is_text_any_case(option, "close");
    }
    return HTTP_MORE;
}

/* RFC 9112 section 6.2, but neither lists nor repetitions of the same number, nor leading zeros. */
static enum http_parse take_content_length(struct http_parser *p, struct span value)
{
    uint64_t length = 0;
    size_t i = 0;

    if (p->chunked)
        return http_parser_fail(p, 400, "Content-Length and Transfer-Encoding exclude each other");
    for (; i < value.bytes && DIGIT(value.at[i]); i++)
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value.at[i] - '0'), &length))
            return http_parser_fail(p, 400, "Content-Length does not fit into 64 bits");
    if (i == 0 || i < value.bytes || (i > 1 && value.at[0] == '0'))
        return http_parser_fail(p, 400, "Content-Length must be a decimal number without leading zeros");
    p->content_length = length;
    return HTTP_MORE;
}

/* RFC 9112 sections 6.1 and 6.3: `chunked` and nothing else; 501 for a list whose codings we merely do not
 * know, 400 for one from which the end of the body could not be told. */
static enum http_parse take_transfer_encoding(struct http_parser *p, struct span value)
{
    struct span coding;
    bool others = false;

    if (p->version_minor == 0)
        return http_parser_fail(p, 400, "Transfer-Encoding does not exist in HTTP/1.0");
    if (http_field_seen(p, FIELD_CONTENT_LENGTH))
        return http_parser_fail(p, 400, "Content-Length and Transfer-Encoding exclude each other");
    while (list_next(&value, &coding)) {
        size_t bytes = token_bytes(coding);
        bool chunked = span_is_text_any_case((struct span){coding.at, bytes}, "chunked");
        if (bytes == 0 || p->chunked || (chunked && bytes < coding.bytes))
            return http_parser_fail(p, 400,
                                    "Transfer-Encoding must have chunked once, last and without parameters");
        p->chunked = chunked;
        others |= !chunked;
    }
    return others ? http_parser_fail(p, 501, "Transfer-Encoding must be chunked and nothing else")
                  : HTTP_MORE;
}

/* RFC 9110 section 10.1.1; a repetition is a list of two, which is not the expectation that we know. */
static enum http_parse take_expect(struct http_parser *p, struct span value)
{
    if (p->version_minor == 0)
        return HTTP_MORE;
    if (p->expect_continue || !span_is_text_any_case(value, "100-continue"))
        return http_parser_fail(p, 417, "Expect must be 100-continue");
    p->expect_continue = true;
    return HTTP_MORE;
}

#define X(id, name, take, repeatable) {sizeof name - 1, name, take, repeatable ? NULL : name " is repeated"},
static const struct {
    size_t bytes;
    const char *name;
    enum http_parse (*take)(struct http_parser *, struct span value);
    const char *repeated; /* the error, or NULL where it is allowed */
} framing_fields[] = {HTTP_FRAMING_FIELDS(X)};
#undef X

enum http_parse http_field_take(struct http_parser *p, const char *buffer)
{
    const struct http_parser_field *field = &p->fields[p->header_count++];

    for (int f = 0; f < FIELD_COUNT; f++) {
        if (framing_fields[f].bytes != field->name_bytes ||
            !equal_any_case(buffer + field->name_at, framing_fields[f].name, field->name_bytes))
            continue;
        if (http_field_seen(p, (enum http_framing_field)f) && framing_fields[f].repeated)
            return http_parser_fail(p, 400, framing_fields[f].repeated);
        p->seen |= (uint8_t)(1u << f);
        return framing_fields[f].take(p, (struct span){buffer + field->value_at, field->value_bytes});
    }
    return HTTP_MORE;
}
