/* SPDX-License-Identifier: MIT
 * Keys and values (API section 2): reads from the view, writes through walkvd. */
#include "auth.h"
#include "json_text.h"
#include "log.h"
#include "name.h"
#include "response.h"
#include "router.h"
#include "write_api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Reads a strong entity tag of ours, "<version>", off the front. False when it is none. */
static bool take_tag(struct span *text, uint64_t *version)
{
    size_t i = 1;
    *version = 0;
    if (text->bytes < 3 || text->at[0] != '"')
        return false;
    for (; i < text->bytes && text->at[i] >= '0' && text->at[i] <= '9'; i++) {
        if (__builtin_mul_overflow(*version, 10, version) ||
            __builtin_add_overflow(*version, (uint64_t)(text->at[i] - '0'), version))
            return false;
    }
    if (i == 1 || i == text->bytes || text->at[i] != '"')
        return false;
    text->at += i + 1;
    text->bytes -= i + 1;
    return true;
}

static bool is_star(struct span value)
{
    return value.bytes == 1 && *value.at == '*';
}

/* If-None-Match of a GET: a list of tags, compared weakly (RFC 9110 section 13.1.2). */
static bool none_match(struct span list, uint64_t version)
{
    if (is_star(list))
        return true;
    while (list.bytes) {
        uint64_t tag;
        if (*list.at == ' ' || *list.at == '\t' || *list.at == ',') {
            list.at++, list.bytes--;
            continue;
        }
        if (list.bytes > 2 && list.at[0] == 'W' && list.at[1] == '/')
            list.at += 2, list.bytes -= 2;
        struct span before = list;
        if (take_tag(&list, &tag)) {
            if (tag == version)
                return true;
            continue;
        }
        /* Somebody else's tag: step over it. */
        const char *comma = memchr(before.at, ',', before.bytes);
        if (!comma)
            return false;
        list = (struct span){comma, before.bytes - (size_t)(comma - before.at)};
    }
    return false;
}

/* One well-formed tag that is none of ours: weak, or not a number (RFC 9110 section 8.8.3). */
static bool is_foreign_tag(struct span tag)
{
    if (tag.bytes > 2 && tag.at[0] == 'W' && tag.at[1] == '/')
        tag.at += 2, tag.bytes -= 2;
    return tag.bytes >= 2 && tag.at[0] == '"' && tag.at[tag.bytes - 1] == '"' &&
           !memchr(tag.at + 1, '"', tag.bytes - 2);
}

struct get {
    struct conn *conn;
    struct span if_none_match;
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
    if (g->if_none_match.at && none_match(g->if_none_match, r.etag)) {
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
    struct get g = {.conn = c, .out_before = c->out.bytes};
    if (http_request_header(req, "If-None-Match", &g.if_none_match) == 0)
        g.if_none_match = (struct span){0};
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
    else if (nones && !is_star(none))
        wrong = "If-None-Match of a write must be *";
    else if (nones)
        *condition = CONDITION_ABSENT;
    else if (matches && is_star(match))
        *condition = CONDITION_EXISTS;
    else if (matches && take_tag(&match, version) && !match.bytes)
        *condition = CONDITION_VERSION;
    else if (matches && is_foreign_tag(match))
        *condition = CONDITION_VERSION, *version = 0; /* of no key, so it cannot match */
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
