/* SPDX-License-Identifier: MIT
 * The connections of a worker in order of use; see http_conn.h. */
#include "conn_internal.h"

void conn_list_add(struct worker *w, struct conn *c)
{
    c->previous = NULL;
    c->next = w->conns;
    if (c->next)
        c->next->previous = c;
    else
        w->last_conn = c;
    w->conns = c;
}

void conn_list_remove(struct worker *w, struct conn *c)
{
    if (c->previous)
        c->previous->next = c->next;
    else
        w->conns = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        w->last_conn = c->previous;
}

void conn_list_use(struct conn *c)
{
    if (c->worker->conns == c)
        return;
    conn_list_remove(c->worker, c);
    conn_list_add(c->worker, c);
}

bool conn_idle(const struct conn *c)
{
    return (c->state == CONN_HEAD || c->state == CONN_PROXY) && c->in.bytes == c->request_at &&
           c->out.bytes == c->sent;
}

/* Whoever holds connections open with half a head must not keep others out. */
static bool without_request(const struct conn *c)
{
    return (c->state == CONN_HEAD || c->state == CONN_PROXY) && c->out.bytes == c->sent;
}

bool conn_close_oldest_idle(struct worker *w)
{
    struct conn *oldest = w->last_conn;
    while (oldest && !conn_idle(oldest) && !oldest->lingering)
        oldest = oldest->previous;
    if (!oldest)
        for (oldest = w->last_conn; oldest && !without_request(oldest);)
            oldest = oldest->previous;
    if (oldest)
        conn_close(oldest);
    return oldest;
}
