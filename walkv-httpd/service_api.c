/* SPDX-License-Identifier: MIT
 * The service itself (API section 4): alive, ready, status. */
#include "clock.h"
#include "log.h"
#include "response.h"
#include "router.h"
#include "uuid.h"
#include "walkvd_client.h"
#include "write_api.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
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

static void append_ready(struct conn *c, bool answers)
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

ROUTE_HANDLER(service_ready)
{
    (void)req;
    (void)body;
    if (walkvd_client_connected(c->worker->client))
        walkvd_client_ask_status(c->worker->client, c);
    else
        append_ready(c, false);
}

/* What the view alone knows, while walkvd is away. */
static void status_from_view(json_t *root, const struct view_state *s)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, s->uuid);
    json_object_set_new(root, "store_id", json_string(uuid));
#define NUMBER(name, value) json_object_set_new(root, name, json_integer((json_int_t)(value)))
    NUMBER("generation", s->generation);
    NUMBER("applied_lsn", s->applied_lsn);
    NUMBER("keys", s->keys);
    NUMBER("key_bytes", s->key_bytes);
    NUMBER("queues", s->queues);
    NUMBER("items", s->items);
    NUMBER("item_bytes", s->item_bytes);
}

static void status_from_walkvd(json_t *root, const struct status *s)
{
#define X(name) json_object_set_new(root, #name, json_string(s->name));
    STATUS_TEXTS(X)
#undef X
#define X(name) NUMBER(#name, s->name);
    STATUS_NUMBERS(X)
#undef X
}

static void append_status(struct conn *c, const struct status *status)
{
    const struct worker *w = c->worker;
    struct view_state state;
    int rc = view_read(w->view, view_read_state, &state);
    json_t *root = json_object(), *worker = json_object();
    must(root && worker);
    json_object_set_new(root, "success", json_true());
    json_object_set_new(root, "walkvd", json_string(status ? "running" : "unreachable"));
    json_object_set_new(root, "view", json_string(rc ? "not attached" : "attached"));
    if (status)
        status_from_walkvd(root, status);
    else if (!rc)
        status_from_view(root, &state);
    json_object_set_new(worker, "id", json_integer(w->number));
    json_object_set_new(worker, "pid", json_integer(getpid()));
    json_object_set_new(worker, "version", json_string(WALKV_VERSION));
    json_object_set_new(worker, "uptime_ms",
                        json_integer((json_int_t)((clock_monotonic_ns() - w->started_ns) / NS_PER_MS)));
    json_object_set_new(worker, "connections", json_integer((json_int_t)w->conn_count));
    json_object_set_new(worker, "requests", json_integer((json_int_t)w->requests));
    json_object_set_new(root, "worker", worker);
    char *text = json_dumps(root, JSON_COMPACT);
    must(text);
    answer_text(c, text);
    free(text);
    json_decref(root);
}

void service_status_done(struct conn *c, const struct status *status)
{
    if (c->route->handler == service_ready)
        append_ready(c, status != NULL);
    else
        append_status(c, status);
    conn_finish(c);
}

ROUTE_HANDLER(service_status)
{
    (void)req;
    (void)body;
    walkvd_client_ask_status(c->worker->client, c);
}
