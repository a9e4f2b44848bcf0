/* SPDX-License-Identifier: MIT
 *
 * Those who watch: the clients of /api/events, and when each is served. walkvd is asked to say once when more
 * has been published (frame.h, WATCH); then, in a round, every watcher goes on reading from the view, and
 * walkvd is asked again after a pause that keeps this within a part of the worker's time, however many watch
 * and however much is written. A round lets other connections in between. With no watcher, walkvd is not
 * asked.
 */
#ifndef WALKV_HTTPD_WATCHERS_H
#define WALKV_HTTPD_WATCHERS_H

#include "bounds.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;
struct worker;

struct watcher {
    struct conn *conn;
    struct watcher *next, *previous;
    uint64_t after;   /* up to this LSN everything has been told */
    uint64_t sent_ns; /* when it was last told anything */
    bool behind;      /* the view could not be read when it was to be told more */
    bool by_prefix;   /* only keys that begin with `prefix`, and what by_queue lets through */
    bool by_queue;    /* only this queue, and what by_prefix lets through */
    uint16_t prefix_bytes;
    uint16_t queue_bytes;
    char prefix[NAME_BYTES_MAX];
    char queue[NAME_BYTES_MAX];
};

/* A member of struct worker. */
struct watchers {
    struct watcher *first;
    struct watcher *next; /* in the round, in which any may end; NULL between rounds */
    uint64_t round_ns;    /* that this round has taken up to now */
    uint64_t count;
    uint64_t told; /* LSN that all of them have been offered; 0: nobody knows */
    bool asked;    /* walkvd will say when there is more */
    bool no_view;  /* one has found out in this tick, so the others need not */
    struct event *pause;
};

#define WATCHER_SILENCE_NS (15 * NS_PER_S) /* after that it is told that it is still connected */

void watchers_init(struct worker *);
void watchers_free(struct worker *);

/* Whether another one may come: half of max_connections is for others. */
bool watchers_have_room(const struct worker *);

/* `watcher` belongs to its connection, which takes it out again. */
void watchers_add(struct worker *, struct watcher *);
void watchers_remove(struct worker *, struct watcher *);

/* Begins a round: lets all of them go on, read what is new, or see that it is time to end. */
void watchers_wake(struct worker *);

/* From walkvd_client: more has been published; the connection is there, and leads to another store than the
 * one before; it is gone. */
void watchers_published(struct worker *, uint64_t lsn);
void watchers_connected(struct worker *, bool other_store);
void watchers_disconnected(struct worker *);

/* Wakes those that are behind or have been silent for long; call it a few times a second. */
void watchers_tick(struct worker *, uint64_t now_ns);

#endif
