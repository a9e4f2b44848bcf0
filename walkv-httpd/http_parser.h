/* SPDX-License-Identifier: MIT
 *
 * Reads HTTP/1.0 and HTTP/1.1 requests (RFC 9112, RFC 9110) out of a contiguous input buffer of the
 * connection.
 *
 * Why our own: a worker stands behind proxies, and two programs that frame the same bytes differently are
 * request smuggling. So nothing here is lenient: whatever is ambiguous is an error, after which the
 * connection answers, closes, and never looks for another request in the same stream. It allocates nothing,
 * reads each byte once however the input is cut, and decides at the first byte that is wrong. It never looks
 * past `bytes`, never writes into a head, and knows nothing of routes or sockets.
 */
#ifndef WALKV_HTTPD_HTTP_PARSER_H
#define WALKV_HTTPD_HTTP_PARSER_H

#include "span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_LINE_BYTES    (8 * 1024)  /* with its CRLF; beyond: 414 */
#define HTTP_HEADER_SECTION_BYTES  (16 * 1024) /* all fields and the empty line after them; beyond: 431 */
#define HTTP_HEADERS_MAX           64          /* beyond: 431 */
#define HTTP_CHUNK_DIGITS_MAX      16          /* of one chunk size; beyond: 400 */
#define HTTP_CHUNK_EXTENSION_BYTES 256         /* of all chunk extensions of one body; beyond: 400 */

/* Every method that is understood; another well-formed one is 501. Names are case-sensitive. */
#define HTTP_METHODS(X)                                                                                      \
    X(GET)                                                                                                   \
    X(HEAD)                                                                                                  \
    X(POST)                                                                                                  \
    X(PUT)                                                                                                   \
    X(PATCH)                                                                                                 \
    X(DELETE)                                                                                                \
    X(OPTIONS)

enum http_method {
#define X(name) HTTP_##name,
    HTTP_METHODS(X)
#undef X
        HTTP_METHOD_COUNT
};

enum http_parse {
    HTTP_MORE,  /* all bytes were good so far, more are needed */
    HTTP_DONE,  /* complete */
    HTTP_ERROR, /* answer with `status` and `error`, then close; nothing behind this is a request */
};

struct http_header {
    struct span name;  /* as sent, never empty */
    struct span value; /* without the white space around it; may be empty */
};

/* One request head. All spans point into the buffer of the call that gave HTTP_DONE (or to constants), so it
 * may be shared by all connections of a worker as long as each fills it before use. */
struct http_request {
    size_t head_bytes; /* from the start of the buffer to the first byte of the body */
    enum http_method method;
    uint8_t version_minor; /* 0 or 1 */
    bool has_content_length;
    bool chunked;
    bool keep_alive;      /* the client allows another request after this one; never in HTTP/1.0 */
    bool expect_continue; /* the client waits for 100 before it sends the body; false without a body */
    uint64_t content_length;
    struct span target; /* as sent */
    struct span path;   /* raw, begins with '/', percent escapes are well-formed; "*" for OPTIONS * */
    struct span query;  /* raw, behind the first '?'; empty when there is none */
    struct span host;   /* name[:port] from Host or the absolute-form (they agree); empty only in HTTP/1.0 */
    struct span host_name; /* the same without the port, "[...]" around an IPv6 address kept */
    unsigned header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* One head on its way in; one per connection, about 600 bytes. Only `status` and `error` are for others to
 * read. Keeps offsets, no pointers, so the buffer may move between calls. */
struct http_parser {
    int status;        /* after HTTP_ERROR: 400, 414, 417, 431, 501 or 505 */
    const char *error; /* after HTTP_ERROR: one sentence for the client, a constant */

    uint8_t state;
    uint8_t position; /* within the HTTP version, or hex digits still missing of a percent escape */
    uint8_t method;   /* enum http_method */
    uint8_t version_major;
    uint8_t version_minor;
    uint8_t seen; /* bit per framing field */
    bool chunked;
    bool close;
    bool expect_continue;
    uint8_t header_count;
    uint16_t scanned; /* everything before it is done with */
    uint16_t limit;   /* the current part must end at or before it */
    uint16_t method_at;
    uint16_t target_at;
    uint16_t target_end;
    uint16_t path_at; /* 0: the target has none, see http_parser.c */
    uint16_t query_at;
    uint16_t host_at;
    uint16_t host_bytes;
    uint16_t host_name_bytes;
    uint64_t content_length;
    struct http_parser_field {
        uint16_t name_at;
        uint16_t name_bytes;
        uint16_t value_at;
        uint16_t value_bytes;
    } fields[HTTP_HEADERS_MAX];
};

/* Makes ready for the first or the next request of a connection. */
void http_parser_start(struct http_parser *);

/* Parses the head of one request (RFC 9112 sections 2 to 6) that begins at `buffer`. Each call gives the same
 * bytes as the one before and those that came since; the buffer may have moved. On HTTP_DONE `*req` is filled
 * and what lies behind `req->head_bytes` is body or the next request. Called once more after HTTP_DONE it
 * fills `*req` anew, which is the way to keep it when the buffer moves. HTTP_ERROR is final. */
enum http_parse http_parser_head(struct http_parser *, const char *buffer, size_t bytes,
                                 struct http_request *req);

/* The method of the request that is on its way in, also after HTTP_ERROR; GET while it is not known. */
enum http_method http_parser_method(const struct http_parser *);

/* "GET" and so on. */
const char *http_method_name(enum http_method);

/* A body follows the head. */
static inline bool http_request_has_body(const struct http_request *req)
{
    return req->chunked || (req->has_content_length && req->content_length > 0);
}

/* Looks a field up by its name in any case. Returns how many there are and, if any, the value of the first;
 * a caller that takes only one must refuse a count above 1. */
unsigned http_request_header(const struct http_request *, const char *name, struct span *value);

/* The same for a field that may come in several lines: the value of the next one from `*at` on, which is 0 at
 * first. False when there is none left. */
bool http_request_next(const struct http_request *, const char *name, unsigned *at, struct span *value);

/* The body of one request, of known length or chunked. Only `status` and `error` are for others to read. */
struct http_body {
    int status; /* after HTTP_ERROR: 400 or 413 */
    const char *error;

    uint8_t state;
    uint8_t digits;           /* of the chunk size */
    uint16_t extension_bytes; /* of all chunks so far */
    uint64_t left;            /* of the body or of the chunk */
    uint64_t total;           /* decoded and announced so far */
    uint64_t limit;
};

/* Makes ready for the body of `req`. HTTP_DONE: there is none. HTTP_MORE: feed http_body_decode().
 * HTTP_ERROR: its Content-Length is above `limit_bytes` (413). */
enum http_parse http_body_start(struct http_body *, const struct http_request *req, uint64_t limit_bytes);

/* Decodes the next `bytes` raw bytes of the body (RFC 9112 sections 6.2 and 7.1) in place: afterwards the
 * first
 * `*decoded` bytes of `buffer` are content, bytes up to `*consumed` are used up, and the rest is untouched.
 * HTTP_MORE: all were consumed. HTTP_DONE: the body ends at `*consumed`. HTTP_ERROR: the counts are 0, and it
 * is final; 413 is given at the chunk size that goes over the limit, before its data. */
enum http_parse http_body_decode(struct http_body *, char *buffer, size_t bytes, size_t *consumed,
                                 size_t *decoded);

/* The value of a hex digit, or -1. */
static inline int http_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes the percent escapes of `raw` exactly once (RFC 3986 section 2.1); '+' stays. `out` needs room for
 * raw.bytes and may be raw.at itself. The result may hold any byte, NUL too. Returns 0, or -EINVAL for a bad
 * escape. */
int http_percent_decode(char *out, struct span raw, size_t *bytes);

/* Takes the next parameter off the front of `*query`: names and values are raw, split at '&' and the first
 * '=' (WHATWG URL, application/x-www-form-urlencoded); empty parts are skipped, without '=' the value is
 * empty. False when there is none left. To find unknown parameters: go through all and use
 * http_query_name_is(). */
bool http_query_next(struct span *query, struct span *name, struct span *value);

/* True when a raw name, decoded, is `name`. */
bool http_query_name_is(struct span raw, const char *name);

/* Finds the one parameter `name` and decodes its value; here, and only here, '+' is a space, because that is
 * how browsers write one (URLSearchParams). Returns 1 and the value, 0 when it is absent, -EEXIST when it is
 * repeated, -ENOSPC when it has more than `room` bytes, -EINVAL for a bad escape. */
int http_query_get(struct span query, const char *name, char *out, size_t room, size_t *bytes);

#endif
