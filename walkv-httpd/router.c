/* SPDX-License-Identifier: MIT
 * The table of routes; see router.h. */
#include "router.h"

#include "auth.h"
#include "cors.h"
#include "hosts.h"
#include "log.h"
#include "name.h"
#include "response.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct route routes[] = {
    {"/api/kv/:", HTTP_GET, kv_get, BODY_ANY, {0}, NEEDS_READ, TOKEN_KEY},
    {"/api/kv/:", HTTP_POST, kv_set, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_KEY},
    {"/api/kv/:", HTTP_PUT, kv_set, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_KEY},
    {"/api/kv/:", HTTP_PATCH, kv_set, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_KEY},
    {"/api/kv/:", HTTP_DELETE, kv_delete, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_KEY},
    {"/api/kv", HTTP_GET, kv_list, BODY_ANY, {"prefix", "after", "limit", "keys"}, NEEDS_READ, TOKEN_KEY},
    {"/api/kv", HTTP_POST, kv_set_named_in_body, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_KEY},
    {"/api/queue", HTTP_GET, queue_list, BODY_ANY, {"sizes"}, NEEDS_READ, TOKEN_QUEUE},
    {"/api/queue/:/enqueue", HTTP_POST, queue_enqueue, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_QUEUE},
    {"/api/queue/:/dequeue", HTTP_POST, queue_dequeue, BODY_JSON, {0}, NEEDS_WRITE, TOKEN_QUEUE},
    {"/api/queue/:/peek", HTTP_GET, queue_peek, BODY_ANY, {0}, NEEDS_READ, TOKEN_QUEUE},
    {"/api/queue/:/size", HTTP_GET, queue_size, BODY_ANY, {0}, NEEDS_READ, TOKEN_QUEUE},
    {"/api/queue/:/items", HTTP_GET, queue_items, BODY_ANY, {"after", "limit"}, NEEDS_READ, TOKEN_QUEUE},
    {"/api/queue/:", HTTP_DELETE, queue_delete, BODY_JSON, {"forget"}, NEEDS_WRITE, TOKEN_QUEUE},
    {"/api/status", HTTP_GET, service_status, BODY_ANY, {0}, NEEDS_READ, TOKEN_STORE},
    {"/api/events", HTTP_GET, events_watch, BODY_ANY, {"prefix", "queue"}, NEEDS_READ, TOKEN_DATA},
    {"/livez", HTTP_GET, service_live, BODY_ANY, {0}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/readyz", HTTP_GET, service_ready, BODY_ANY, {0}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/healthz", HTTP_GET, service_ready, BODY_ANY, {0}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/openapi.json", HTTP_GET, document_openapi, BODY_ANY, {0}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/", HTTP_GET, ui_page, BODY_ANY, {ROUTE_ANY}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/index.html", HTTP_GET, ui_page, BODY_ANY, {ROUTE_ANY}, NEEDS_NO_TOKEN, TOKEN_STORE},
    {"/assets/:", HTTP_GET, ui_asset, BODY_ANY, {0}, NEEDS_NO_TOKEN, TOKEN_STORE},
};

enum { ROUTES = sizeof routes / sizeof *routes, BODY_ALLOWANCE = 65536 };

/* Compares a raw path with a pattern; `name` becomes what stands at ':'. */
static bool matches(const char *pattern, struct span path, struct span *name)
{
    const char *at = path.at, *end = path.at + path.bytes;
    for (; *pattern; pattern++) {
        if (*pattern == ':') {
            const char *slash = memchr(at, '/', (size_t)(end - at));
            *name = (struct span){at, (size_t)((slash ? slash : end) - at)};
            at += name->bytes;
        } else if (at == end || *at++ != *pattern) {
            return false;
        }
    }
    return at == end;
}

static enum http_method effective(enum http_method method)
{
    return method == HTTP_HEAD ? HTTP_GET : method;
}

/* "GET, HEAD, OPTIONS" of all routes that have this pattern's shape. */
static void list_methods(char *out, size_t room, struct span path)
{
    struct span name;
    out[0] = '\0';
    for (unsigned i = 0; i < ROUTES; i++) {
        if (!matches(routes[i].pattern, path, &name))
            continue;
        size_t used = strlen(out);
        snprintf(out + used, room - used, "%s, %s", http_method_name(routes[i].method),
                 routes[i].method == HTTP_GET ? "HEAD, " : "");
        used = strlen(out);
        while (used && (out[used - 1] == ' ' || out[used - 1] == ','))
            out[--used] = '\0';
        snprintf(out + used, room - used, ", ");
    }
    strncat(out, "OPTIONS", room - strlen(out) - 1);
}

static bool refuse(struct conn *c, enum failure failure, const char *sentence)
{
    response_failure(c, failure, sentence);
    return false;
}

static bool check_parameters(struct conn *c, const struct http_request *req)
{
    struct span rest = req->query, name, value;
    unsigned seen = 0;
    const char *first = c->request.route->parameters[0];
    if (first && strcmp(first, ROUTE_ANY) == 0)
        return true;
    while (http_query_next(&rest, &name, &value)) {
        unsigned i = 0;
        while (i < ROUTE_PARAMETERS_MAX && c->request.route->parameters[i] &&
               !http_query_name_is(name, c->request.route->parameters[i]))
            i++;
        char sentence[160];
        int shown = (int)(name.bytes < 60 ? name.bytes : 60);
        if (i == ROUTE_PARAMETERS_MAX || !c->request.route->parameters[i]) {
            snprintf(sentence, sizeof sentence, "There is no parameter %.*s here", shown, name.at);
            return refuse(c, FAILURE_INVALID_PARAMETER, sentence);
        }
        if (seen & (1u << i)) {
            snprintf(sentence, sizeof sentence, "The parameter %.*s is given twice", shown, name.at);
            return refuse(c, FAILURE_INVALID_PARAMETER, sentence);
        }
        seen |= 1u << i;
    }
    return true;
}

/* application/json, with no charset or UTF-8. */
static bool is_json_type(struct span type)
{
    static const char json[] = "application/json";
    size_t bytes = sizeof json - 1;
    if (type.bytes < bytes || strncasecmp(type.at, json, bytes) != 0)
        return false;
    struct span rest = span_trim((struct span){type.at + bytes, type.bytes - bytes});
    if (!rest.bytes)
        return true;
    if (*rest.at != ';')
        return false;
    for (size_t i = 0; i + 8 <= rest.bytes; i++) {
        if (strncasecmp(rest.at + i, "charset=", 8) == 0) {
            struct span set = {rest.at + i + 8, rest.bytes - i - 8};
            bool quoted = set.bytes && *set.at == '"';
            return set.bytes >= 5u + 2u * quoted && strncasecmp(set.at + quoted, "utf-8", 5) == 0;
        }
    }
    return true;
}

static bool check_body(struct conn *c, const struct http_request *req)
{
    if (!http_request_has_body(req)) /* where one is needed, the handler says what is missing */
        return true;
    struct span type;
    if (c->request.route->body == BODY_JSON &&
        (http_request_header(req, "Content-Type", &type) != 1 || !is_json_type(type)))
        return refuse(c, FAILURE_UNSUPPORTED_MEDIA_TYPE, NULL);
    uint64_t limit = c->worker->config->max_value_size + BODY_ALLOWANCE;
    if (http_body_start(&c->body, req, limit) == HTTP_ERROR) {
        struct response r = {0};
        char extra[48];
        snprintf(extra, sizeof extra, ",\"limit\":%" PRIu64, c->worker->config->max_value_size);
        response_failure_with(c, FAILURE_TOO_LARGE, NULL, &r, extra);
        return false;
    }
    return true;
}

bool router_find(struct conn *c, const struct http_request *req)
{
    if (!hosts_allow(c->worker, req->host_name))
        return refuse(c, FAILURE_WRONG_HOST, NULL);
    if (!cors_allows(c, req))
        return refuse(c, FAILURE_CROSS_SITE, NULL);
    struct span raw = {0};
    bool path_found = false;
    for (unsigned i = 0; i < ROUTES && !c->request.route; i++) {
        struct span name = {0};
        if (!matches(routes[i].pattern, req->path, &name))
            continue;
        path_found = true;
        raw = name;
        if (routes[i].method == effective(req->method))
            c->request.route = &routes[i];
    }
    char allow[128];
    if (req->method == HTTP_OPTIONS && (path_found || (req->path.bytes == 1 && *req->path.at == '*'))) {
        if (path_found)
            list_methods(allow, sizeof allow, req->path);
        else
            snprintf(allow, sizeof allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        char preflight[CORS_PREFLIGHT_BYTES];
        cors_preflight(preflight, c, req, allow);
        struct response r = {.status = 204, .allow = allow, .fields = preflight, .no_body = true};
        response_head(c, &r);
        return false;
    }
    if (!path_found)
        return refuse(c, FAILURE_NO_ROUTE, NULL);
    /* The name, percent-decoded exactly once, in place. */
    if (raw.at) {
        bool is_file = c->request.route && c->request.route->about == TOKEN_STORE; /* no key and no queue */
        char decoded[HTTP_REQUEST_LINE_BYTES];
        size_t bytes;
        must(raw.bytes <= sizeof decoded);
        if (http_percent_decode(decoded, raw, &bytes) || !name_valid((struct span){decoded, bytes}))
            return refuse(c, is_file ? FAILURE_NO_ROUTE : FAILURE_INVALID_KEY, NULL);
        memcpy(c->request.name, decoded, bytes);
        c->request.name_bytes = bytes;
    }
    if (!c->request.route) {
        list_methods(allow, sizeof allow, req->path);
        struct response r = {.allow = allow};
        response_failure_with(c, FAILURE_METHOD_NOT_ALLOWED, NULL, &r, "");
        return false;
    }
    return auth_check(c, req) && check_parameters(c, req) && check_body(c, req);
}
