/* SPDX-License-Identifier: MIT
 *
 * Lists: all keys, all queues, the items of a queue. What is bounded by a limit is one consistent moment;
 * what is not is streamed, each piece a short read of its own that goes on behind the last name, so nothing
 * is shown twice.
 */
#include "auth.h"
#include "compression.h"
#include "memory.h"
#include "parameters.h"
#include "response.h"
#include "router.h"
#include "write_api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 64 * 1024,
    PIECE_ENTRIES = 1000,
    KEYS_LIMIT_MAX = 10000,
    ITEMS_LIMIT_MAX = 1000,
    ITEMS_LIMIT = 100,
    PAGE_BYTES = 4 * 1024 * 1024
};

/* A walk over the names of kv or queues, in the stream's terms. */
struct walk {
    struct conn *conn;
    MDB_dbi (*database)(const struct view *);
    void (*append)(const struct stream *, struct buffer *, struct span name, struct span value);
    const struct stream *from; /* where it stands */
    struct stream to;          /* where it is after this piece */
    uint64_t entries_max;
    size_t bytes_max;
    const struct token *token; /* NULL: everything may be shown */
    size_t out_before;
    bool more;
};

static bool begins_with(MDB_val key, const struct stream *s)
{
    return key.mv_size >= s->prefix_bytes && memcmp(key.mv_data, s->prefix, s->prefix_bytes) == 0;
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order ? order : a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

/* Leaves the cursor at the first name from `key` on that may be shown. */
static int leap(const struct walk *w, MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
    struct span next;
    int rc = 0;
    while (rc == 0 && w->token) {
        struct span name = {key->mv_data, key->mv_size};
        if (!token_next_name(w->token, w->conn->request.route->about, name, &next))
            return MDB_NOTFOUND;
        if (next.at == name.at)
            break;
        *key = (MDB_val){next.bytes, (void *)next.at};
        rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    }
    return rc;
}

static int walk_piece(const struct view *view, void *arg)
{
    struct walk *w = arg;
    struct buffer *out = &w->conn->worker->scratch;
    out->bytes = w->out_before;
    w->to = *w->from;
    w->more = false;
    MDB_cursor *cursor;
    if (mdb_cursor_open(view->txn, w->database(view), &cursor))
        return -ENOMEM;
    /* Begin behind `after` or at the prefix, whichever is further. */
    const struct stream *s = w->from;
    bool behind = s->after_bytes && compare_names(s->after, s->after_bytes, s->prefix, s->prefix_bytes) >= 0;
    MDB_val key = {behind ? s->after_bytes : s->prefix_bytes, (void *)(behind ? s->after : s->prefix)}, value;
    int rc = mdb_cursor_get(cursor, &key, &value, key.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && behind && key.mv_size == s->after_bytes &&
        memcmp(key.mv_data, s->after, s->after_bytes) == 0)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    if (rc == 0)
        rc = leap(w, cursor, &key, &value);
    for (uint64_t i = 0; rc == 0 && begins_with(key, s); i++) {
        if (i == w->entries_max || out->bytes - w->out_before >= w->bytes_max ||
            key.mv_size > NAME_BYTES_MAX) {
            w->more = true;
            break;
        }
        if (!w->to.first)
            buffer_append_text(out, ",");
        w->to.first = false;
        w->append(&w->to, out, (struct span){key.mv_data, key.mv_size},
                  (struct span){value.mv_data, value.mv_size});
        memcpy(w->to.after, key.mv_data, key.mv_size);
        w->to.after_bytes = (uint16_t)key.mv_size;
        w->to.count++;
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (rc == 0)
            rc = leap(w, cursor, &key, &value);
    }
    mdb_cursor_close(cursor);
    return rc && rc != MDB_NOTFOUND ? -EIO : 0;
}

static int walk(struct walk *w)
{
    int rc = auth_token(w->conn, &w->token);
    if (rc)
        return rc;
    w->out_before = w->conn->worker->scratch.bytes;
    return view_read(w->conn->worker->view, walk_piece, w);
}

static MDB_dbi kv_database(const struct view *view)
{
    return view->kv;
}

static MDB_dbi queue_database(const struct view *view)
{
    return view->queues;
}

static void append_key(const struct stream *s, struct buffer *out, struct span name, struct span value)
{
    response_append_string(out, name);
    if (s->keys_only || value.bytes < VIEW_KV_HEADER_BYTES)
        return;
    buffer_append_text(out, ":");
    buffer_append(out, value.at + VIEW_KV_HEADER_BYTES, value.bytes - VIEW_KV_HEADER_BYTES);
}

static void append_queue(const struct stream *s, struct buffer *out, struct span name, struct span value)
{
    response_append_string(out, name);
    struct view_queue queue;
    if (s->phase == 2 && view_queue_decode(value, &queue))
        buffer_printf(out, ":%" PRIu64, queue.count);
}

static const char *keys_open(const struct stream *s)
{
    return s->keys_only ? "{\"success\":true,\"keys\":[" : "{\"success\":true,\"data\":{";
}

/* GET /api/kv, everything. */
static int next_keys(struct conn *c)
{
    struct stream *s = c->stream;
    struct buffer *out = &c->worker->scratch;
    if (s->phase == 0) {
        buffer_append_text(out, keys_open(s));
        s->phase = 1;
    }
    struct walk w = {c, kv_database, append_key, s, .entries_max = PIECE_ENTRIES, .bytes_max = PIECE_BYTES};
    int rc = walk(&w);
    if (rc)
        return rc;
    *s = w.to;
    if (w.more)
        return 1;
    buffer_append_text(out, s->keys_only ? "]}" : "}}");
    return 0;
}

/* GET /api/queue: names, their count, and, if asked for, sizes in a second walk. */
static int next_queues(struct conn *c)
{
    struct stream *s = c->stream;
    struct buffer *out = &c->worker->scratch;
    if (s->phase == 0) {
        buffer_append_text(out, "{\"success\":true,\"queues\":[");
        s->phase = 1;
    }
    struct walk w = {
        c, queue_database, append_queue, s, .entries_max = PIECE_ENTRIES, .bytes_max = PIECE_BYTES};
    int rc = walk(&w);
    if (rc)
        return rc;
    *s = w.to;
    if (w.more)
        return 1;
    if (s->phase == 1) {
        buffer_printf(out, "],\"count\":%" PRIu64, s->count);
        if (s->sizes) {
            buffer_append_text(out, ",\"sizes\":{");
            s->phase = 2;
            s->first = true;
            s->after_bytes = 0;
            return 1;
        }
        buffer_append_text(out, "}");
        return 0;
    }
    buffer_append_text(out, "}}");
    return 0;
}

static struct stream *new_stream(void)
{
    struct stream *s = memory_new(1, sizeof *s, "a stream");
    s->first = true;
    return s;
}

static int nothing_more(struct conn *c)
{
    (void)c;
    return 0;
}

/* Answers with the list in worker->scratch. */
static void answer_list(struct conn *c, const struct http_request *req)
{
    struct buffer *list = &c->worker->scratch;
    struct response r = {.status = 200, .may_gzip = c->worker->config->compression};
    if (list->bytes >= COMPRESSION_LEAST_BYTES && compression_wanted(c, req)) {
        c->stream = new_stream();
        if (compression_begin(c)) {
            stream_hold(c->stream, list, true);
            r.chunked = r.gzip = true;
            response_head(c, &r);
            conn_stream(c, nothing_more);
            return;
        }
        conn_stream_free(c);
    }
    response_body(c, &r, buffer_span(list));
}

/* Makes the first piece of conn->stream and compresses from there, unless the list ends in it and is short.
 * False when that was the answer. */
static bool begin_compressed(struct conn *c, struct response *r, int (*next)(struct conn *))
{
    struct buffer *first = &c->worker->scratch;
    first->bytes = 0;
    int more = next(c);
    if (more < 0) {
        conn_stream_free(c);
        read_failed(c, more);
        return false;
    }
    if (more || first->bytes >= COMPRESSION_LEAST_BYTES)
        r->gzip = compression_begin(c);
    stream_hold(c->stream, first, more == 0);
    return true;
}

/* Answers with a stream; if its first piece fails, with a failure. */
static void begin_stream(struct conn *c, const struct http_request *req, struct stream *s,
                         int (*next)(struct conn *))
{
    struct view_state state;
    int rc = view_read(c->worker->view, view_read_state, &state);
    if (rc) {
        free(s);
        read_failed(c, rc);
        return;
    }
    struct response r = {.status = 200, .chunked = true, .may_gzip = c->worker->config->compression};
    c->stream = s;
    if (compression_wanted(c, req) && !begin_compressed(c, &r, next))
        return;
    response_head(c, &r);
    conn_stream(c, next);
}

/* Which keys, into the stream. False when that was refused. */
static bool take_names(struct conn *c, const struct http_request *req, struct stream *s)
{
    int only = 0;
    if (parameter_text(c, req, "prefix", s->prefix, &s->prefix_bytes) < 0 ||
        parameter_text(c, req, "after", s->after, &s->after_bytes) < 0 ||
        (only = parameter_word(c, req, "keys", "only")) < 0)
        return false;
    s->keys_only = only;
    return true;
}

ROUTE_HANDLER(kv_list)
{
    (void)body;
    struct stream *s = new_stream();
    uint64_t limit;
    int limited = take_names(c, req, s) ? parameter_number(c, req, "limit", 1, KEYS_LIMIT_MAX, &limit) : -1;
    if (limited < 0) {
        free(s);
        return;
    }
    if (!limited) {
        begin_stream(c, req, s, next_keys);
        return;
    }
    struct buffer *out = &c->worker->scratch;
    out->bytes = 0;
    buffer_append_text(out, keys_open(s));
    struct walk w = {c, kv_database, append_key, s, .entries_max = limit, .bytes_max = PAGE_BYTES};
    int rc = walk(&w);
    free(s);
    if (rc) {
        read_failed(c, rc);
        return;
    }
    buffer_append_text(out, w.to.keys_only ? "]" : "}");
    if (w.more) {
        buffer_append_text(out, ",\"next\":");
        response_append_string(out, (struct span){w.to.after, w.to.after_bytes});
    }
    buffer_append_text(out, "}");
    answer_list(c, req);
}

ROUTE_HANDLER(queue_list)
{
    (void)body;
    bool sizes;
    if (parameter_flag(c, req, "sizes", &sizes) < 0)
        return;
    struct stream *s = new_stream();
    s->sizes = sizes;
    begin_stream(c, req, s, next_queues);
}

/* GET /api/queue/:q/items */
struct items {
    struct conn *conn;
    uint64_t after;
    uint64_t limit;
};

static int read_items(const struct view *view, void *arg)
{
    const struct items *it = arg;
    struct conn *c = it->conn;
    struct buffer *out = &c->worker->scratch;
    out->bytes = 0;
    MDB_val name = {c->request.name_bytes, c->request.name}, value;
    struct view_queue queue;
    int rc = mdb_get(view->txn, view->queues, &name, &value);
    if (rc)
        return rc == MDB_NOTFOUND ? -ENOENT : -EIO;
    if (!view_queue_decode((struct span){value.mv_data, value.mv_size}, &queue))
        return -EIO;
    buffer_append_text(out, "{\"success\":true,\"queue\":");
    response_append_string(out, conn_name(c));
    buffer_append_text(out, ",\"items\":[");
    char first[VIEW_ITEM_KEY_BYTES];
    view_item_key(first, queue.id, it->after == UINT64_MAX ? it->after : it->after + 1);
    MDB_cursor *cursor;
    if (mdb_cursor_open(view->txn, view->items, &cursor))
        return -ENOMEM;
    MDB_val key = {sizeof first, first};
    uint64_t id = 0, count = 0;
    bool more = false;
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); rc == 0;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (memcmp(key.mv_data, first, 8) != 0 || value.mv_size < VIEW_ITEM_HEADER_BYTES)
            break;
        if (count == it->limit || out->bytes >= PAGE_BYTES) {
            more = true;
            break;
        }
        id = get_u64_be((char *)key.mv_data + 8);
        buffer_printf(out, "%s{\"id\":%" PRIu64 ",\"value\":", count ? "," : "", id);
        buffer_append(out, (char *)value.mv_data + VIEW_ITEM_HEADER_BYTES,
                      value.mv_size - VIEW_ITEM_HEADER_BYTES);
        buffer_append_text(out, "}");
        count++;
    }
    mdb_cursor_close(cursor);
    if (rc && rc != MDB_NOTFOUND)
        return -EIO;
    buffer_append_text(out, "]");
    if (more)
        buffer_printf(out, ",\"next\":%" PRIu64, id);
    buffer_append_text(out, "}");
    return 0;
}

ROUTE_HANDLER(queue_items)
{
    (void)body;
    struct items it = {.conn = c, .limit = ITEMS_LIMIT};
    if (parameter_number(c, req, "after", 0, INT64_MAX, &it.after) < 0 ||
        parameter_number(c, req, "limit", 1, ITEMS_LIMIT_MAX, &it.limit) < 0)
        return;
    int rc = view_read(c->worker->view, read_items, &it);
    if (rc == -ENOENT)
        response_failure(c, FAILURE_QUEUE_NOT_FOUND, NULL);
    else if (rc)
        read_failed(c, rc);
    else
        answer_list(c, req);
}
