/* SPDX-License-Identifier: MIT
 * Keys and values (API section 2): reads from the view, writes through walkvd. */
#include "auth.h"
#include "etag.h"
#include "json_text.h"
#include "name.h"
#include "response.h"
#include "router.h"
#include "write_api.h"

#include <errno.h>
#include <string.h>

struct get {
    struct conn *conn;
    const struct http_request *conditional; /* NULL: it has no If-None-Match */
    size_t out_before;
};

/* Builds the whole response while the value lies in the view, so that it is copied once. */
static int read_key(const struct view *view, void *arg)
{
    struct get *g = arg;
    struct conn *c = g->conn;
    c->out.bytes = g->out_before;
    MDB_val key = {c->request.name_bytes, c->request.name}, value;
    int rc = mdb_get(view->txn, view->kv, &key, &value);
    if (rc)
        return rc == MDB_NOTFOUND ? -ENOENT : -EIO;
    if (value.mv_size < VIEW_KV_HEADER_BYTES)
        return -EIO;
    struct response r = {.status = 200, .etag = get_u64(value.mv_data)};
    char tag[ETAG_VERSION_BYTES];
    if (g->conditional && etag_none_match(g->conditional, etag_of_version(tag, r.etag))) {
        r.status = 304;
        r.no_body = true;
        response_head(c, &r);
        return 0;
    }
    static const char open[] = "{\"success\":true,\"key\":", middle[] = ",\"value\":";
    char escaped[JSON_ESCAPED_MAX(NAME_BYTES_MAX)];
    size_t escaped_bytes = json_text_escape(escaped, conn_name(c));
    size_t text_bytes = value.mv_size - VIEW_KV_HEADER_BYTES;
    r.body_bytes = sizeof open - 1 + escaped_bytes + sizeof middle - 1 + text_bytes + 1;
    response_head(c, &r);
    if (c->request.head_only)
        return 0;
    char *at = buffer_extend(&c->out, r.body_bytes);
    at = mempcpy(at, open, sizeof open - 1);
    at = mempcpy(at, escaped, escaped_bytes);
    at = mempcpy(at, middle, sizeof middle - 1);
    at = mempcpy(at, (char *)value.mv_data + VIEW_KV_HEADER_BYTES, text_bytes);
    *at = '}';
    return 0;
}

ROUTE_HANDLER(kv_get)
{
    (void)body;
    struct span none;
    bool conditional = http_request_header(req, "If-None-Match", &none) > 0;
    struct get g = {c, conditional ? req : NULL, c->out.bytes};
    int rc = view_read(c->worker->view, read_key, &g);
    if (rc) {
        c->out.bytes = g.out_before;
        if (rc == -ENOENT)
            response_failure(c, FAILURE_NOT_FOUND, NULL);
        else
            read_failed(c, rc);
    }
}

/* The preconditions of a write. False when they were refused. */
static bool take_condition(struct conn *c, const struct http_request *req, enum condition *condition,
                           uint64_t *version)
{
    struct span match = {0}, none = {0};
    unsigned matches = http_request_header(req, "If-Match", &match);
    unsigned nones = http_request_header(req, "If-None-Match", &none);
    *condition = CONDITION_NONE;
    *version = 0;
    const char *wrong = NULL;
    if (matches > 1 || nones > 1 || (matches && nones))
        wrong = "A write takes one If-Match or one If-None-Match";
    else if (nones && !etag_is_any(none))
        wrong = "If-None-Match of a write must be *";
    else if (nones)
        *condition = CONDITION_ABSENT;
    else if (matches && etag_is_any(match))
        *condition = CONDITION_EXISTS;
    else if (matches && etag_parse(match, version))
        *condition = CONDITION_VERSION;
    else if (matches)
        wrong = "If-Match must be * or one version as in ETag, such as 17 in quotes";
    if (wrong)
        response_failure(c, FAILURE_INVALID_PARAMETER, wrong);
    return !wrong;
}

ROUTE_HANDLER(kv_set)
{
    enum condition condition;
    uint64_t version;
    if (!write_take_value(c, body, NULL) || !take_condition(c, req, &condition, &version))
        return;
    if (c->request.method == HTTP_PATCH) {
        if (condition == CONDITION_ABSENT) {
            response_failure(c, FAILURE_INVALID_PARAMETER,
                             "PATCH needs a key that exists, If-None-Match: * one that does not");
            return;
        }
        condition = condition == CONDITION_VERSION ? CONDITION_UPDATE_VERSION : CONDITION_UPDATE;
    }
    write_submit(c, OP_SET, condition, version);
}

ROUTE_HANDLER(kv_set_named_in_body)
{
    struct span key = {0};
    enum condition condition;
    uint64_t version;
    if (!write_take_value(c, body, &key))
        return;
    char decoded[6 * NAME_BYTES_MAX + 2];
    ssize_t bytes =
        key.at && *key.at == '"' && key.bytes <= sizeof decoded ? json_text_unescape(decoded, key) : -1;
    if (bytes < 0 || !name_valid((struct span){decoded, (size_t)bytes})) {
        response_failure(c, FAILURE_INVALID_KEY,
                         key.at ? NULL : "The body must have a member key, a text of 1 to 500 bytes");
        return;
    }
    memcpy(c->request.name, decoded, (size_t)bytes);
    c->request.name_bytes = (size_t)bytes;
    if (auth_check_name(c) && take_condition(c, req, &condition, &version))
        write_submit(c, OP_SET, condition, version);
}

ROUTE_HANDLER(kv_delete)
{
    (void)body;
    enum condition condition;
    uint64_t version;
    if (take_condition(c, req, &condition, &version))
        write_submit(c, OP_DELETE, condition, version);
}
