/* SPDX-License-Identifier: MIT
 * The connections of a worker in order of use; see http_conn.h. */
#include "conn_internal.h"

#include "clock.h"
#include "log.h"

#define SLOW_LINE_BYTES (16 * 1024) /* a second; that much is read on a slow line, too */

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
    if (w->tick_next == c)
        w->tick_next = c->next;
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

/* How many bytes more the client would have read on a slow line since it stalled; below 0 when it read more
 * than that. So whoever has just begun, and whoever reads slowly, stands before whoever does not read. */
static int64_t behind(const struct conn *c, uint64_t now)
{
    uint64_t expected = (now - c->stalled_ns) / NS_PER_MS * SLOW_LINE_BYTES / 1000;
    return (int64_t)(expected - (c->out_before + c->sent - c->stalled_at));
}

bool conn_hold(struct conn *c, size_t bytes)
{
    struct worker *w = c->worker;
    bool there = true;
    w->held_bytes = w->held_bytes - c->held_bytes + bytes;
    c->held_bytes = bytes;
    if (w->held_bytes <= CONN_HELD_BYTES_MAX)
        return true;
    uint64_t now = clock_monotonic_ns();
    if (log_due(&w->told.held_ns, now))
        log_warning("more than %d MiB are kept for clients that do not read; closing those who are behind",
                    CONN_HELD_BYTES_MAX >> 20);
    while (w->held_bytes > CONN_HELD_BYTES_MAX) {
        struct conn *last = NULL;
        for (struct conn *each = w->conns; each; each = each->next) {
            if (each->held_bytes && (!last || behind(each, now) > behind(last, now)))
                last = each;
        }
        there = there && last != c;
        conn_close(last);
    }
    return there;
}
