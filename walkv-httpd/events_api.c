/* SPDX-License-Identifier: MIT
 *
 * GET /api/events (API section 4): what changes, as server-sent events (the HTML standard, section 9.2), from
 * the view's database `changes`. The id of an event is its LSN, so that a client which comes back with
 * Last-Event-ID goes on behind it, through whatever worker. When that is no longer, or not, in the history,
 * it gets `reset`, and has to read everything anew.
 *
 * A client that does not take its events is left alone until it does, or until its connection is closed for
 * that: it never holds up anybody, and nothing is kept for it, since it goes on from where it stood.
 */
#include "auth.h"
#include "change.h"
#include "clock.h"
#include "json_text.h"
#include "memory.h"
#include "name.h"
#include "parameters.h"
#include "response.h"
#include "router.h"
#include "watchers.h"
#include "write_api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 64 * 1024, /* of events, made at once */
    PIECE_CHANGES = 1024,    /* looked at for them: well within the least view_grace */
};

static const char FIELDS[] = "X-Accel-Buffering: no\r\n"; /* for nginx; the others follow the content type */

/* What one look at the history finds. */
struct look {
    struct conn *conn;
    struct watcher *watcher;
    const struct token *token; /* NULL: everything may be told */
    struct buffer *out;
    size_t before;  /* of `out` */
    uint64_t after; /* where the watcher stands behind it */
    unsigned changes;
    bool reset; /* it cannot go on from where it stood */
    bool more;
};

static bool is_queue(enum op op)
{
    return op != OP_SET && op != OP_DELETE;
}

static bool is_wanted(const struct look *l, const struct change *c)
{
    const struct watcher *w = l->watcher;
    bool queue = is_queue(c->op);
    if (w->by_prefix || w->by_queue) {
        if (queue && !(w->by_queue && span_equal(c->name, (struct span){w->queue, w->queue_bytes})))
            return false;
        if (!queue && !(w->by_prefix && c->name.bytes >= w->prefix_bytes &&
                        memcmp(c->name.at, w->prefix, w->prefix_bytes) == 0))
            return false;
    }
    return !l->token || token_reaches(l->token, queue ? TOKEN_QUEUE : TOKEN_KEY, c->name);
}

static void append_event(struct buffer *out, const struct change *c)
{
    const char *name = c->op == OP_FORGET ? op_text(OP_CLEAR) : op_text(c->op);
    bool queue = is_queue(c->op);
    buffer_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: {\"%s\":", c->lsn, name, queue ? "queue" : "key");
    response_append_string(out, c->name); /* in which a line never ends */
    if (queue)
        buffer_printf(out, ",\"size\":%" PRIu64, c->size);
    if (c->created)
        buffer_append_text(out, ",\"created\":true");
    if (c->op == OP_FORGET)
        buffer_append_text(out, ",\"forgotten\":true");
    buffer_append_text(out, "}\n\n");
}

static bool is_full(const struct look *l)
{
    return l->out->bytes >= PIECE_BYTES || l->changes >= PIECE_CHANGES;
}

/* Takes the changes of a row that are behind the watcher, as many as there is room for. */
static int take_row(struct look *l, MDB_val key, MDB_val value)
{
    struct span row = {value.mv_data, value.mv_size};
    struct change change;
    int rc = 0;
    if (key.mv_size != 8)
        return -EIO;
    while (!is_full(l) && (rc = change_decode(&row, get_u64_be(key.mv_data), &change)) == 1) {
        if (change.lsn <= l->after)
            continue;
        if (is_wanted(l, &change))
            append_event(l->out, &change);
        l->after = change.lsn;
        l->changes++;
    }
    return rc < 0 ? -EIO : 0;
}

/* The first row that may have changes behind `after`: the last one that begins up to there, or the first. */
static int find_row(MDB_cursor *cursor, uint64_t after, MDB_val *key, MDB_val *value)
{
    char from[8];
    put_u64_be(from, after + 1);
    *key = (MDB_val){sizeof from, from};
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (rc == 0 && key->mv_size == sizeof from && memcmp(key->mv_data, from, sizeof from) == 0)
        return 0;
    int before = mdb_cursor_get(cursor, key, value, rc ? MDB_LAST : MDB_PREV);
    return before && !rc ? mdb_cursor_get(cursor, key, value, MDB_FIRST) : before;
}

static int look_at_changes(const struct view *view, void *arg)
{
    struct look *l = arg;
    struct view_state state;
    MDB_cursor *cursor;
    MDB_val key, value;
    l->after = l->watcher->after;
    l->out->bytes = l->before;
    l->changes = 0;
    l->reset = l->more = false;
    int rc = view_read_state(view, &state);
    if (rc)
        return rc;
    if (l->after < state.changes_after || l->after > state.applied_lsn) {
        l->reset = true;
        l->after = state.applied_lsn;
        return 0;
    }
    if (l->after == state.applied_lsn)
        return 0;
    if (mdb_cursor_open(view->txn, view->changes, &cursor))
        return -ENOMEM;
    rc = find_row(cursor, l->after, &key, &value);
    while (!rc && !l->more) {
        rc = take_row(l, key, value);
        l->more = !rc && is_full(l);
        if (!rc && !l->more)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (rc && rc != MDB_NOTFOUND)
        return -EIO;
    if (!l->more)
        l->after = state.applied_lsn;
    return 0;
}

/* The next piece of the stream. */
static int next_events(struct conn *c)
{
    struct watcher *w = c->watcher;
    struct look l = {.conn = c, .watcher = w, .out = &c->worker->scratch};
    uint64_t now = clock_monotonic_ns();
    if (c->worker->draining || auth_token(c, &l.token))
        return STREAM_END; /* which its client takes for a reason to connect again */
    if (!w->sent_ns)       /* the first piece, so that head and body have begun everywhere on the way */
        buffer_printf(l.out, "retry: 1000\nid: %" PRIu64 "\n\n", w->after);
    l.before = l.out->bytes;
    int rc = view_read(c->worker->view, look_at_changes, &l);
    if (rc && rc != -EAGAIN && rc != -ETIMEDOUT)
        return rc;
    c->made_bytes +=
        (size_t)l.changes * (PIECE_BYTES / PIECE_CHANGES); /* also where nothing of it is to be told */
    w->behind = rc != 0;
    c->worker->watchers.no_view |= rc == -EAGAIN;
    if (rc) { /* no view now, or held up for too long: see watchers_tick() */
        l.out->bytes = l.before;
    } else {
        w->after = l.after;
        if (l.reset)
            buffer_printf(l.out, "id: %" PRIu64 "\nevent: reset\ndata: {\"lsn\":%" PRIu64 "}\n\n", w->after,
                          w->after);
    }
    /* Where it stands, so that a client to whom nothing of all that mattered need not begin anew later. */
    if (!l.out->bytes && now - w->sent_ns >= WATCHER_SILENCE_NS)
        buffer_printf(l.out, ": still here\nid: %" PRIu64 "\n\n", w->after);
    if (l.out->bytes)
        w->sent_ns = now;
    return !rc && l.more ? STREAM_MORE : STREAM_WAIT;
}

static bool refuse(struct conn *c, enum failure failure, const char *sentence)
{
    response_failure(c, failure, sentence);
    return false;
}

/* Where it goes on, if the client says so. Returns 1, 0 when it does not, -1 when it was refused. */
static int take_last_event_id(struct conn *c, const struct http_request *req, uint64_t *lsn)
{
    struct span field = {0};
    unsigned count = http_request_header(req, "Last-Event-ID", &field);
    if (!count || (count == 1 && !field.bytes)) /* as browsers send it before the first event */
        return 0;
    if (count == 1 && span_decimal(field, lsn))
        return 1;
    refuse(c, FAILURE_INVALID_PARAMETER, "Last-Event-ID must be the id of an event: a number");
    return -1;
}

/* Takes everything that the request says. False when it was refused. */
static bool take_request(struct conn *c, const struct http_request *req, struct watcher *w)
{
    const struct token *token;
    int by_prefix = parameter_text(c, req, "prefix", w->prefix, &w->prefix_bytes);
    int by_queue = by_prefix < 0 ? -1 : parameter_text(c, req, "queue", w->queue, &w->queue_bytes);
    if (by_queue < 0)
        return false;
    w->by_prefix = by_prefix;
    w->by_queue = by_queue;
    struct span queue = {w->queue, w->queue_bytes};
    if (w->by_queue && !name_valid(queue))
        return refuse(c, FAILURE_INVALID_KEY, NULL);
    if (!auth_token(c, &token) && token && w->by_queue && !token_reaches(token, TOKEN_QUEUE, queue))
        return refuse(c, FAILURE_FORBIDDEN, "This access token does not reach this queue");
    int resumes = take_last_event_id(c, req, &w->after);
    if (resumes < 0)
        return false;
    struct view_state state;
    int rc = view_read(c->worker->view, view_read_state, &state);
    if (rc) {
        read_failed(c, rc);
        return false;
    }
    if (!resumes)
        w->after = state.applied_lsn;
    return true;
}

ROUTE_HANDLER(events_watch)
{
    (void)body;
    if (!watchers_have_room(c->worker)) {
        response_failure(c, FAILURE_UNAVAILABLE, "Too many clients watch events; see max_connections");
        return;
    }
    struct watcher *w = memory_new(1, sizeof *w, "a watcher of events");
    if (!take_request(c, req, w)) {
        free(w);
        return;
    }
    /* Behind it comes nothing that could be told from what a client sends while it watches. */
    c->request.keep_alive = false;
    response_head(
        c, &(struct response){.status = 200, .type = "text/event-stream", .fields = FIELDS, .chunked = true});
    if (c->request.head_only) {
        free(w);
        return;
    }
    conn_keep_head(c);
    c->stream = memory_new(1, sizeof *c->stream, "a stream");
    c->watcher = w;
    w->conn = c;
    conn_stream(c, next_events);
    watchers_add(c->worker, w);
}
