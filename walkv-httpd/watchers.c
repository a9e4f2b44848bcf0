/* SPDX-License-Identifier: MIT
 * Those who watch; see watchers.h. */
#include "watchers.h"

#include "clock.h"
#include "http_conn.h"
#include "memory.h"
#include "walkvd_client.h"

enum {
    PAUSE_MS = 20,    /* at least, between two rounds: many changes are told at once */
    PAUSE_FACTOR = 4, /* of the time that a round took */
    TURN_NS = 2000000 /* of a round, before others have theirs */
};

static void ask(struct worker *w)
{
    struct watchers *all = &w->watchers;
    if (!all->count || all->asked)
        return;
    all->asked = walkvd_client_watch(w->client, all->told);
}

/* False when the time cannot be waited for. */
static bool pause_for(struct watchers *all, uint64_t us)
{
    struct timeval time = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
    return event_add(all->pause, &time) == 0;
}

/* Goes on with the round until it is over or others have to have their turn. */
static void go_on(struct worker *w)
{
    struct watchers *all = &w->watchers;
    uint64_t began_ns = clock_monotonic_ns(), turn_ns = 0;
    while (all->next) {
        struct watcher *one = all->next;
        all->next = one->next;
        conn_stream_wake(one->conn); /* which may end it, and others that do not read */
        turn_ns = clock_monotonic_ns() - began_ns;
        if (turn_ns >= TURN_NS && all->next && pause_for(all, 0)) {
            all->round_ns += turn_ns;
            return;
        }
    }
    uint64_t pause_us = PAUSE_FACTOR * (all->round_ns + turn_ns) / 1000;
    if (!pause_for(all, pause_us < PAUSE_MS * 1000 ? PAUSE_MS * 1000 : pause_us))
        ask(w);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct worker *w = arg;
    if (w->watchers.next)
        go_on(w);
    else
        ask(w);
}

void watchers_init(struct worker *w)
{
    w->watchers.pause = memory_check(event_new(w->base, -1, 0, on_pause_over, w), "an event");
}

void watchers_free(struct worker *w)
{
    event_free(w->watchers.pause);
}

bool watchers_have_room(const struct worker *w)
{
    return w->watchers.count < (w->config->max_connections + 1) / 2;
}

void watchers_add(struct worker *w, struct watcher *watcher)
{
    struct watchers *all = &w->watchers;
    watcher->previous = NULL;
    watcher->next = all->first;
    if (watcher->next)
        watcher->next->previous = watcher;
    all->first = watcher;
    if (!all->count++ && !event_pending(all->pause, EV_TIMEOUT, NULL)) {
        all->told = 0; /* and not watcher->after, which its client may have made up */
        ask(w);
    }
}

void watchers_remove(struct worker *w, struct watcher *watcher)
{
    struct watchers *all = &w->watchers;
    if (watcher->previous)
        watcher->previous->next = watcher->next;
    else
        all->first = watcher->next;
    if (watcher->next)
        watcher->next->previous = watcher->previous;
    if (all->next == watcher)
        all->next = watcher->next;
    all->count--;
}

void watchers_wake(struct worker *w)
{
    struct watchers *all = &w->watchers;
    all->next = all->first;
    all->round_ns = 0;
    go_on(w);
}

void watchers_published(struct worker *w, uint64_t lsn)
{
    w->watchers.asked = false;
    w->watchers.told = lsn;
    watchers_wake(w);
}

void watchers_connected(struct worker *w, bool other_store)
{
    for (struct watcher *one = w->watchers.first; one && other_store; one = one->next)
        one->after = INT64_MAX; /* its LSNs say nothing here; none is as high as that, and it is an id */
    w->watchers.told = 0;
    watchers_wake(w); /* the view may be another one */
}

void watchers_disconnected(struct worker *w)
{
    w->watchers.asked = false;
}

void watchers_tick(struct worker *w, uint64_t now)
{
    struct watchers *all = &w->watchers;
    if (all->next)
        return; /* a round goes on, which comes to all of them */
    all->no_view = false;
    for (struct watcher *one = all->first; one; one = all->next) {
        all->next = one->next;
        if ((one->behind && !all->no_view) || now - one->sent_ns >= WATCHER_SILENCE_NS)
            conn_stream_wake(one->conn);
    }
}
