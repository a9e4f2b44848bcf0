/* SPDX-License-Identifier: MIT
 * What web pages may do; see cors.h. */
#include "cors.h"

#include "log.h"
#include "origin.h"

#include <stdio.h>
#include <string.h>

#define REQUEST_FIELDS                                                                                       \
    "Content-Type, If-Match, If-None-Match, Idempotency-Key, Authorization, X-Request-Id, Last-Event-ID"
#define RESPONSE_FIELDS "ETag, Walkv-Lsn, Idempotency-Replayed, X-Request-Id, Retry-After"
#define MAX_AGE_S       "600"

static bool enabled(const struct conn *c)
{
    return *c->worker->config->cors_allowed_origins;
}

void cors_take(struct conn *c, const struct http_request *req)
{
    struct span origin;
    if (!enabled(c) || http_request_header(req, "Origin", &origin) != 1)
        return;
    const char *found = origin_find(c->worker->config->cors_allowed_origins, origin);
    if (found) /* not the client's bytes, which will move, but the same in the settings, which will not */
        c->request.origin = (struct span){found, origin.bytes};
}

bool cors_allows(const struct conn *c, const struct http_request *req)
{
    struct span value;
    if (req->method == HTTP_GET || req->method == HTTP_HEAD || req->method == HTTP_OPTIONS ||
        c->request.origin.bytes)
        return true;
    unsigned count = http_request_header(req, "Sec-Fetch-Site", &value);
    if (count)
        return count == 1 && (span_is_text(value, "same-origin") || span_is_text(value, "none"));
    count = http_request_header(req, "Origin", &value);
    return !count || (count == 1 && origin_is_host(value, req->host));
}

char *cors_put(char *at, const struct conn *c, bool encoding)
{
    if (c->request.origin.bytes) {
        at = stpcpy(at, "Access-Control-Allow-Origin: ");
        at = mempcpy(at, c->request.origin.at, c->request.origin.bytes);
        at = stpcpy(at, "\r\nAccess-Control-Expose-Headers: " RESPONSE_FIELDS "\r\n");
    }
    if (enabled(c)) /* for every request: a cache must not show an answer without the field to that origin */
        return stpcpy(at, encoding ? "Vary: Accept-Encoding, Origin\r\n" : "Vary: Origin\r\n");
    return encoding ? stpcpy(at, "Vary: Accept-Encoding\r\n") : at;
}

void cors_preflight(char fields[CORS_PREFLIGHT_BYTES], const struct conn *c, const struct http_request *req,
                    const char *methods)
{
    struct span method;
    fields[0] = '\0';
    if (!c->request.origin.bytes || http_request_header(req, "Access-Control-Request-Method", &method) != 1)
        return;
    int bytes = snprintf(fields, CORS_PREFLIGHT_BYTES,
                         "Access-Control-Allow-Methods: %s\r\nAccess-Control-Allow-Headers: " REQUEST_FIELDS
                         "\r\nAccess-Control-Max-Age: " MAX_AGE_S "\r\n",
                         methods);
    must(bytes > 0 && bytes < CORS_PREFLIGHT_BYTES);
}
