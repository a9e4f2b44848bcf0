/* SPDX-License-Identifier: MIT
 *
 * What the files of the request parser share, and nobody else may include: classes of characters, as one
 * table computed by the compiler from the grammar, and the seam between the machine (http_parser.c) and the
 * meaning of fields (http_fields.c).
 */
#ifndef WALKV_HTTPD_HTTP_INTERNAL_H
#define WALKV_HTTPD_HTTP_INTERNAL_H

#include "http_parser.h"

enum char_class {
    CLASS_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
    CLASS_TARGET = 2, /* visible ASCII but for '#', and for '%' and '?', which the machine looks at */
    CLASS_VALUE = 4,  /* field-content with HTAB and SP, RFC 9110 section 5.5; obs-text included */
    CLASS_HOST = 8,   /* unreserved, RFC 3986 section 2.3 */
    CLASS_HEX = 16,
};

#define DIGIT(c)      ((c) >= '0' && (c) <= '9')
#define ALPHA(c)      (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z')
#define HEX(c)        (DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'f'))
#define UNRESERVED(c) (ALPHA(c) || DIGIT(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define TCHAR(c)                                                                                             \
    (UNRESERVED(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' || (c) == '\'' ||   \
     (c) == '*' || (c) == '+' || (c) == '^' || (c) == '`' || (c) == '|')
#define TARGET(c) ((c) > 0x20 && (c) < 0x7f && (c) != '#' && (c) != '%' && (c) != '?')
#define VALUE(c)  ((c) == '\t' || ((c) >= 0x20 && (c) != 0x7f))

#define CLASS(c)                                                                                             \
    ((TCHAR(c) ? CLASS_TOKEN : 0) | (TARGET(c) ? CLASS_TARGET : 0) | (VALUE(c) ? CLASS_VALUE : 0) |          \
     (UNRESERVED(c) ? CLASS_HOST : 0) | (HEX(c) ? CLASS_HEX : 0))
#define CLASS4(c)  CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)
#define CLASS64(c) CLASS16(c), CLASS16((c) + 16), CLASS16((c) + 32), CLASS16((c) + 48)

static const uint8_t classes[256] = {CLASS64(0), CLASS64(64), CLASS64(128), CLASS64(192)};

static inline bool is(char c, enum char_class class)
{
    return classes[(uint8_t)c] & class;
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool equal_any_case(const char *a, const char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

/* The fields that framing and routing depend on: id, name, function in http_fields.c, may it be repeated. */
#define HTTP_FRAMING_FIELDS(X)                                                                               \
    X(HOST, "Host", take_host, false)                                                                        \
    X(CONNECTION, "Connection", take_connection, true)                                                       \
    X(CONTENT_LENGTH, "Content-Length", take_content_length, false)                                          \
    X(TRANSFER_ENCODING, "Transfer-Encoding", take_transfer_encoding, false)                                 \
    X(EXPECT, "Expect", take_expect, true)

enum http_framing_field {
#define X(id, name, take, repeatable) FIELD_##id,
    HTTP_FRAMING_FIELDS(X)
#undef X
        FIELD_COUNT
};

static inline bool http_field_seen(const struct http_parser *p, enum http_framing_field field)
{
    return p->seen & 1u << field;
}

/* Ends the parse with an error; returns HTTP_ERROR. */
enum http_parse http_parser_fail(struct http_parser *, int status, const char *error);

/* Counts the field whose line is complete and acts on it if it is one of the above. */
enum http_parse http_field_take(struct http_parser *, const char *buffer);

/* True for name[:port] or [IPv6][:port] (RFC 3986 section 3.2.2, without userinfo, IPvFuture, zone, escapes
 * and sub-delims; port 0 to 65535); `*name_bytes` is the length of the first part. */
bool http_host_valid(struct span, size_t *name_bytes);

#endif
