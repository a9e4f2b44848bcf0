/* SPDX-License-Identifier: MIT
 * Building responses; see response.h. */
#include "response.h"

#include "cors.h"
#include "etag.h"
#include "json_text.h"
#include "log.h"
#include "request_info.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *word;
    const char *sentence;
} failures[] = {
#define X(name, number, code, text) [FAILURE_##name] = {number, code, text},
    FAILURES(X)
#undef X
};

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "200 OK";
    case 201:
        return "201 Created";
    case 204:
        return "204 No Content";
    case 304:
        return "304 Not Modified";
    case 400:
        return "400 Bad Request";
    case 401:
        return "401 Unauthorized";
    case 403:
        return "403 Forbidden";
    case 404:
        return "404 Not Found";
    case 405:
        return "405 Method Not Allowed";
    case 408:
        return "408 Request Timeout";
    case 412:
        return "412 Precondition Failed";
    case 413:
        return "413 Content Too Large";
    case 414:
        return "414 URI Too Long";
    case 415:
        return "415 Unsupported Media Type";
    case 417:
        return "417 Expectation Failed";
    case 421:
        return "421 Misdirected Request";
    case 422:
        return "422 Unprocessable Content";
    case 431:
        return "431 Request Header Fields Too Large";
    case 500:
        return "500 Internal Server Error";
    case 501:
        return "501 Not Implemented";
    case 503:
        return "503 Service Unavailable";
    case 505:
        return "505 HTTP Version Not Supported";
    case 507:
        return "507 Insufficient Storage";
    }
    panic("no reason for status %u", status);
}

static char *put(char *at, const char *text)
{
    return stpcpy(at, text);
}

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10));
    while (count)
        *at++ = digits[--count];
    return at;
}

static char *put_field(char *at, const char *name, uint64_t value)
{
    at = put_number(put(at, name), value);
    return put(at, "\r\n");
}

void response_head(struct conn *c, const struct response *r)
{
    enum { FIXED_BYTES_MAX = 800 };
    size_t start = c->out.bytes;
    struct span id = request_info_id(c);
    /* No more than is needed: below 1 KiB, malloc has the buffer of the request before at hand. */
    size_t room = FIXED_BYTES_MAX + id.bytes + (c->request.origin.bytes ? CORS_FIELDS_BYTES : 0) +
                  (r->fields ? strlen(r->fields) : 0);
    char *first = buffer_extend(&c->out, room), *at = first;
    c->request.info.response_at = c->out_before + start;
    c->request.info.status = r->status;
    if (c->worker->draining)
        c->request.keep_alive = false;
    at = put(at, "HTTP/1.1 ");
    at = put(at, reason(r->status));
    at = put(at, "\r\n");
    if (!r->no_body) {
        at = put(put(put(at, "Content-Type: "), r->type ? r->type : "application/json"), "\r\n");
        if (r->chunked && c->request.version_minor >= 1)
            at = put(at, "Transfer-Encoding: chunked\r\n");
        else if (!r->chunked)
            at = put_field(at, "Content-Length: ", r->body_bytes);
        else
            c->request.keep_alive =
                false; /* HTTP/1.0 has no chunks: the end of the connection is the end of the body */
    }
    at = put(at, r->immutable ? "Cache-Control: public, max-age=31536000, immutable\r\n"
                 : r->tag     ? "Cache-Control: no-cache\r\n"
                              : "Cache-Control: no-store\r\n");
    at = put(at, "X-Content-Type-Options: nosniff\r\nX-Request-Id: ");
    at = put(mempcpy(at, id.at, id.bytes), "\r\n");
    if (r->gzip)
        at = put(at, "Content-Encoding: gzip\r\n");
    at = cors_put(at, c, r->may_gzip);
    if (r->etag) {
        at = put_number(put(at, "ETag: \""), r->etag);
        at = put(at, "\"\r\n");
    }
    if (r->tag)
        at = put(put(put(at, "ETag: "), r->tag), "\r\n");
    if (r->lsn)
        at = put_field(at, "Walkv-Lsn: ", r->lsn);
    if (r->replayed)
        at = put(at, "Idempotency-Replayed: true\r\n");
    if (r->authenticate)
        at = put(at, "WWW-Authenticate: Bearer\r\n");
    if (r->allow) {
        at = put(at, "Allow: ");
        at = put(at, r->allow);
        at = put(at, "\r\n");
    }
    if (r->retry_after_s)
        at = put_field(at, "Retry-After: ", r->retry_after_s);
    if (r->fields)
        at = put(at, r->fields);
    if (!c->request.keep_alive)
        at = put(at, "Connection: close\r\n");
    at = put(at, "\r\n");
    must((size_t)(at - first) < room);
    c->out.bytes = start + (size_t)(at - first);
}

void response_body(struct conn *c, const struct response *r, struct span body)
{
    struct response whole = *r;
    whole.body_bytes = body.bytes;
    response_head(c, &whole);
    if (!c->request.head_only)
        buffer_append(&c->out, body.at, body.bytes);
}

void response_document(struct conn *c, const struct http_request *req, const struct response *r,
                       struct span body)
{
    if (etag_none_match(req, (struct span){r->tag, strlen(r->tag)})) {
        struct response same = *r;
        same.status = 304;
        same.no_body = true;
        same.gzip = false;
        response_head(c, &same);
    } else {
        response_body(c, r, body);
    }
}

void response_failure_with(struct conn *c, enum failure failure, const char *sentence, struct response *r,
                           const char *extra)
{
    if (!sentence)
        sentence = failures[failure].sentence;
    r->status = failures[failure].status;
    if (r->status == 503 || r->status == 507)
        r->retry_after_s = 1;
    r->authenticate = r->status == 401;
    char text[1792], escaped[JSON_ESCAPED_MAX(200)];
    size_t bytes = json_text_escape(escaped, (struct span){sentence, strnlen(sentence, 200)});
    char id[REQUEST_ID_BYTES_MAX + 32] = "";
    if (r->status >= 500) {
        struct span name = request_info_id(c);
        snprintf(id, sizeof id, ",\"request_id\":\"%.*s\"", (int)name.bytes, name.at);
        if (r->status == 500)
            log_error("request %.*s: answered 500: %s", (int)name.bytes, name.at, sentence);
    }
    int n = snprintf(text, sizeof text, "{\"success\":false,\"error\":%.*s,\"code\":\"%s\"%s%s}", (int)bytes,
                     escaped, failures[failure].word, extra, id);
    must(n > 0 && (size_t)n < sizeof text);
    response_body(c, r, (struct span){text, (size_t)n});
}

void response_failure(struct conn *c, enum failure failure, const char *sentence)
{
    struct response r = {0};
    response_failure_with(c, failure, sentence, &r, "");
}

void response_append_string(struct buffer *out, struct span utf8)
{
    char *at = buffer_extend(out, JSON_ESCAPED_MAX(utf8.bytes));
    out->bytes -= JSON_ESCAPED_MAX(utf8.bytes) - json_text_escape(at, utf8);
}

enum failure failure_of_status(int status)
{
    /* 400 and 404 have several; the parser means the first. */
    for (unsigned i = 0; i < FAILURE_COUNT; i++) {
        if (failures[i].status == (unsigned)status)
            return (enum failure)i;
    }
    return FAILURE_BAD_REQUEST;
}
