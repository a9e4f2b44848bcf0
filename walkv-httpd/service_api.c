/* SPDX-License-Identifier: MIT
 * The service itself (API section 4): alive, ready, status. */
#include "clock.h"
#include "response.h"
#include "router.h"
#include "uuid.h"
#include "walkvd_client.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static void answer_text(struct conn *c, const char *text)
{
    response_body(c, &(struct response){.status = 200}, (struct span){text, strlen(text)});
}

ROUTE_HANDLER(service_live)
{
    (void)req;
    (void)body;
    answer_text(c, "{\"success\":true,\"status\":\"alive\"}");
}

static void answer_ready(struct conn *c, bool answers)
{
    struct view_state state;
    int rc = view_read(c->worker->view, view_read_state, &state);
    if (c->worker->draining)
        response_failure(c, FAILURE_UNAVAILABLE, "This worker is stopping");
    else if (!answers)
        response_failure(c, FAILURE_UNAVAILABLE,
                         rc ? "walkvd does not answer, and there is no view to read from"
                            : "walkvd does not answer; reads are served from the last published state");
    else if (rc)
        response_failure(c, FAILURE_UNAVAILABLE, "The view is not attached");
    else
        answer_text(c, "{\"success\":true,\"status\":\"ready\"}");
}

static void take_ready(struct conn *c, const struct status *status)
{
    answer_ready(c, status != NULL);
    conn_finish(c);
}

ROUTE_HANDLER(service_ready)
{
    (void)req;
    (void)body;
    if (walkvd_client_connected(c->worker->client))
        walkvd_client_ask_status(c->worker->client, c, take_ready);
    else
        answer_ready(c, false);
}

/* An object of the answer, and whether there was no memory for a part of it. */
struct object {
    json_t *json;
    bool failed;
};

static struct object new_object(void)
{
    json_t *json = json_object();
    return (struct object){json, !json};
}

/* Takes over `value`. */
static void put(struct object *o, const char *name, json_t *value)
{
    if (json_object_set_new(o->json, name, value))
        o->failed = true;
}

static void put_text(struct object *o, const char *name, const char *text)
{
    put(o, name, json_string(text));
}

static void put_number(struct object *o, const char *name, uint64_t number)
{
    put(o, name, json_integer((json_int_t)number));
}

/* Not json_dumps(): jansson 2.14 forgets that a name did not fit into memory, and goes on behind it. */
static int append_json(const char *text, size_t bytes, void *out)
{
    buffer_append(out, text, bytes);
    return 0;
}

/* What the view alone knows, while walkvd is away. */
static void status_from_view(struct object *root, const struct view_state *s)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, s->uuid);
    put_text(root, "store_id", uuid);
    put_number(root, "generation", s->generation);
    put_number(root, "applied_lsn", s->applied_lsn);
    put_number(root, "keys", s->keys);
    put_number(root, "key_bytes", s->key_bytes);
    put_number(root, "queues", s->queues);
    put_number(root, "items", s->items);
    put_number(root, "item_bytes", s->item_bytes);
}

static void status_from_walkvd(struct object *root, const struct status *s)
{
#define X(name) put_text(root, #name, s->name);
    STATUS_TEXTS(X)
#undef X
#define X(name) put_number(root, #name, s->name);
    STATUS_NUMBERS(X)
#undef X
}

static void answer_status(struct conn *c, const struct status *status)
{
    const struct worker *w = c->worker;
    struct view_state state;
    int rc = view_read(w->view, view_read_state, &state);
    struct object root = new_object(), worker = new_object();
    put(&root, "success", json_true());
    put_text(&root, "walkvd", status ? "running" : "unreachable");
    put_text(&root, "view", rc ? "not attached" : "attached");
    if (status)
        status_from_walkvd(&root, status);
    else if (!rc)
        status_from_view(&root, &state);
    put_number(&worker, "id", w->number);
    put_number(&worker, "pid", (uint64_t)getpid());
    put_text(&worker, "version", WALKV_VERSION);
    put_number(&worker, "uptime_ms", (clock_monotonic_ns() - w->started_ns) / NS_PER_MS);
    put_number(&worker, "connections", w->conn_count);
    put_number(&worker, "requests", w->requests);
    put(&root, "worker", worker.json);
    struct buffer *text = &c->worker->scratch;
    text->bytes = 0;
    if (root.failed || worker.failed || json_dump_callback(root.json, append_json, text, JSON_COMPACT))
        response_failure(c, FAILURE_INTERNAL, "There is no memory for the status");
    else
        response_body(c, &(struct response){.status = 200}, buffer_span(text));
    json_decref(root.json);
}

static void take_status(struct conn *c, const struct status *status)
{
    answer_status(c, status);
    conn_finish(c);
}

ROUTE_HANDLER(service_status)
{
    (void)req;
    (void)body;
    walkvd_client_ask_status(c->worker->client, c, take_status);
}
