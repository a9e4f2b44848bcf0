/* SPDX-License-Identifier: MIT
 * Queues (API section 3): peek and size from the view, the rest through walkvd. Lists are in list_api.c. */
#include "json_text.h"
#include "parameters.h"
#include "response.h"
#include "router.h"
#include "write_api.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int find_queue(const struct view *view, const struct conn *c, struct view_queue *queue)
{
    MDB_val name = {c->request.name_bytes, (void *)c->request.name}, value;
    int rc = mdb_get(view->txn, view->queues, &name, &value);
    if (rc)
        return rc == MDB_NOTFOUND ? -ENOENT : -EIO;
    return view_queue_decode((struct span){value.mv_data, value.mv_size}, queue) ? 0 : -EIO;
}

static void begin_body(struct conn *c)
{
    struct buffer *out = &c->worker->scratch;
    out->bytes = 0;
    buffer_append_text(out, "{\"success\":true,\"queue\":");
    response_append_string(out, conn_name(c));
}

static void answer(struct conn *c, int rc)
{
    if (rc == -ENOENT)
        response_failure(c, FAILURE_QUEUE_EMPTY, NULL);
    else if (rc)
        read_failed(c, rc);
    else
        response_body(c, &(struct response){.status = 200}, buffer_span(&c->worker->scratch));
}

static int read_peek(const struct view *view, void *arg)
{
    struct conn *c = arg;
    struct view_queue queue;
    int rc = find_queue(view, c, &queue);
    if (rc)
        return rc;
    char first[VIEW_ITEM_KEY_BYTES];
    view_item_key(first, queue.id, 0);
    MDB_cursor *cursor;
    if (mdb_cursor_open(view->txn, view->items, &cursor))
        return -ENOMEM;
    MDB_val key = {sizeof first, first}, value;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (rc == 0 && memcmp(key.mv_data, first, 8) == 0 && value.mv_size >= VIEW_ITEM_HEADER_BYTES) {
        begin_body(c);
        buffer_append_text(&c->worker->scratch, ",\"value\":");
        buffer_append(&c->worker->scratch, (char *)value.mv_data + VIEW_ITEM_HEADER_BYTES,
                      value.mv_size - VIEW_ITEM_HEADER_BYTES);
        buffer_append_text(&c->worker->scratch, "}");
    } else {
        rc = rc && rc != MDB_NOTFOUND ? -EIO : -ENOENT;
    }
    mdb_cursor_close(cursor);
    return rc;
}

ROUTE_HANDLER(queue_peek)
{
    (void)req;
    (void)body;
    answer(c, view_read(c->worker->view, read_peek, c));
}

static int read_size(const struct view *view, void *arg)
{
    struct conn *c = arg;
    struct view_queue queue;
    int rc = find_queue(view, c, &queue);
    if (rc == -ENOENT)
        queue.count = 0;
    else if (rc)
        return rc;
    begin_body(c);
    buffer_printf(&c->worker->scratch, ",\"size\":%" PRIu64 "}", queue.count);
    return 0;
}

ROUTE_HANDLER(queue_size)
{
    (void)req;
    (void)body;
    answer(c, view_read(c->worker->view, read_size, c));
}

ROUTE_HANDLER(queue_enqueue)
{
    (void)req;
    if (write_take_value(c, body, NULL))
        write_submit(c, OP_ENQUEUE, CONDITION_NONE, 0);
}

ROUTE_HANDLER(queue_dequeue)
{
    (void)req;
    struct json_error error;
    if (body.bytes && !json_text_check(body, VALUE_DEPTH_MAX + 1, &error))
        response_failure(c, FAILURE_INVALID_JSON, NULL);
    else
        write_submit(c, OP_DEQUEUE, CONDITION_NONE, 0);
}

ROUTE_HANDLER(queue_delete)
{
    (void)body;
    bool forget;
    if (parameter_flag(c, req, "forget", &forget) >= 0)
        write_submit(c, forget ? OP_FORGET : OP_CLEAR, CONDITION_NONE, 0);
}
