/* SPDX-License-Identifier: MIT
 *
 * Builds responses at the end of a connection's output: status line, the header fields that every response
 * has, and bodies of failures from one table. Nothing here sends.
 */
#ifndef WALKV_HTTPD_RESPONSE_H
#define WALKV_HTTPD_RESPONSE_H

#include "http_conn.h"

#include <stdint.h>

/*    name                  status  word                        sentence */
#define FAILURES(X)                                                                                          \
    X(BAD_REQUEST, 400, "bad_request", "The request is not valid HTTP")                                      \
    X(INVALID_JSON, 400, "invalid_json", "The body is not valid JSON")                                       \
    X(INVALID_KEY, 400, "invalid_key", "A key or queue name is 1 to 500 bytes of UTF-8 without NUL")         \
    X(VALUE_REQUIRED, 400, "value_required", "Value is required")                                            \
    X(INVALID_PARAMETER, 400, "invalid_parameter", "A parameter is not valid")                               \
    X(UNAUTHORIZED, 401, "unauthorized", "This needs an access token: Authorization: Bearer TOKEN")          \
    X(FORBIDDEN, 403, "forbidden", "This access token does not allow this")                                  \
    X(CROSS_SITE, 403, "cross_site", "Pages of other sites may not write here; see cors_allowed_origins")    \
    X(NOT_FOUND, 404, "not_found", "Key not found")                                                          \
    X(QUEUE_EMPTY, 404, "queue_empty", "Queue is empty or does not exist")                                   \
    X(QUEUE_NOT_FOUND, 404, "queue_not_found", "Queue does not exist")                                       \
    X(NO_ROUTE, 404, "no_route", "There is nothing at this path")                                            \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", "This path does not have this method")                  \
    X(REQUEST_TIMEOUT, 408, "request_timeout", "The request came too slowly")                                \
    X(PRECONDITION_FAILED, 412, "precondition_failed", "The key has another version")                        \
    X(TOO_LARGE, 413, "too_large", "The body or the value is too large")                                     \
    X(URI_TOO_LONG, 414, "uri_too_long", "The request line is longer than 8 KiB")                            \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type",                                                 \
      "The body must be sent as Content-Type: application/json")                                             \
    X(EXPECTATION_FAILED, 417, "expectation_failed", "Only Expect: 100-continue is supported")               \
    X(WRONG_HOST, 421, "wrong_host", "This server does not answer for this host name; see allowed_hosts")    \
    X(IDEMPOTENCY_MISMATCH, 422, "idempotency_mismatch",                                                     \
      "This Idempotency-Key was used for another request: another method, path or body")                     \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", "The header fields are too large")                        \
    X(INTERNAL, 500, "internal", "This is a bug in walkv; the log has more")                                 \
    X(NOT_IMPLEMENTED, 501, "not_implemented", "This is not implemented")                                    \
    X(UNAVAILABLE, 503, "unavailable", "The store cannot be reached; try again")                             \
    X(OUTCOME_UNKNOWN, 503, "outcome_unknown",                                                               \
      "The write was sent, but its answer was lost: it may or may not have been done")                       \
    X(VERSION_NOT_SUPPORTED, 505, "version_not_supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here")     \
    X(STORAGE_FULL, 507, "storage_full", "The store is full; deletes and dequeues still work")

enum failure {
#define X(name, status, word, sentence) FAILURE_##name,
    FAILURES(X)
#undef X
        FAILURE_COUNT
};

struct response {
    unsigned status;
    size_t body_bytes;
    uint64_t etag;      /* 0: none */
    const char *tag;    /* NULL: none; the ETag of what may be kept and asked for again, with its quotes */
    bool immutable;     /* and need not be asked for again */
    uint64_t lsn;       /* 0: none */
    const char *type;   /* NULL: JSON */
    const char *allow;  /* NULL: none */
    const char *fields; /* more header fields, each with its CRLF; NULL: none */
    unsigned retry_after_s; /* 0: none */
    bool authenticate;      /* asks for an access token */
    bool replayed;          /* of an earlier request with the same Idempotency-Key */
    bool chunked;           /* instead of body_bytes; close-delimited in HTTP/1.0 */
    bool gzip;              /* the body is compressed */
    bool may_gzip;          /* it would be, had the client asked for it or were it larger */
    bool no_body;           /* 204, 304: no Content-Type and no Content-Length */
};

/* Appends the head. The caller appends the body, exactly body_bytes of it, unless conn->head_only. */
void response_head(struct conn *, const struct response *);

/* Appends head and body. */
void response_body(struct conn *, const struct response *, struct span body);

/* Appends head and body of what has the entity tag response->tag, or 304 when If-None-Match names that. */
void response_document(struct conn *, const struct http_request *, const struct response *, struct span body);

/* Appends a whole failure. `sentence` may be NULL: the one of the table. */
void response_failure(struct conn *, enum failure, const char *sentence);

/* The same with a response whose status is set from the table, and with `extra` members (`,"limit":1048576`,
 * or ""). */
void response_failure_with(struct conn *, enum failure, const char *sentence, struct response *,
                           const char *extra);

/* Appends a text as a JSON string, with its quotes. */
void response_append_string(struct buffer *, struct span utf8);

/* The failure of a status that the parser gave. */
enum failure failure_of_status(int status);

#endif
