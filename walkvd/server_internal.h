/* SPDX-License-Identifier: MIT
 *
 * What the server is made of, for its two files: server.c turns the loop, server_frames.c talks to the peers.
 */
#ifndef WALKV_WALKVD_SERVER_INTERNAL_H
#define WALKV_WALKVD_SERVER_INTERNAL_H

#include "batch.h"
#include "peer.h"
#include "server.h"
#include "sessions.h"
#include "status.h"
#include "token_table.h"
#include "wal_scrub.h"

#define STATUS_EVERY_NS (5 * NS_PER_S)

enum { HOUSEKEEPING_MS = 200, TURN_ITEMS_MAX = 1024 /* of one batch */ };

/* What is owed to a peer, in the order in which it asked. */
struct reply {
    struct peer *peer;
    uint32_t id;
    enum frame_type asked;   /* WRITE, STATUS, CHECKPOINT or WATCH */
    struct batch_item *item; /* of a WRITE */
    uint64_t watch_lsn;      /* of a WATCH */
    /* Of the peer, before its frame was taken. */
    size_t consumed;
    uint64_t last_sequence;
    uint64_t confirmed;
};

struct server {
    struct recovery *recovery;
    const struct walkvd_config *config;
    struct event_base *base;
    struct event *accepting;
    struct event *idle;
    struct event *housekeeping;
    struct event *terminate[2];
    struct event *reload;
    struct event *child;
    struct event *alarm;
    int listen_fd;

    struct token_table *tokens;

    struct peer *peers;
    uint64_t peer_count;
    uint64_t worker_count;
    uint64_t watcher_count;
    struct sessions sessions;
    uint64_t told_status_ns, told_status_lsn;
    uint64_t upkept_ns; /* when sessions and idempotency keys were last looked through */
    bool upkeep_left;   /* more than one batch could do */

    struct batch batch;
    struct batch_item *items;
    size_t item_count;
    size_t item_bytes;
    struct reply *replies;
    size_t reply_count;

    struct checkpoint checkpoint;
    struct wal_scrub *scrub; /* while it is under way */
    uint64_t damaged_lsn; /* a start that needs the log up to this would be refused; 0: none that is known */
    uint64_t started_ns;
    uint64_t measured_ns; /* when the directories were last looked at for a status */
    bool stopping;
    bool more; /* frames are left in buffers: the next turn must not wait */
    uint64_t last_batch_ns;
    int exit_status;
};

/* How much of one peer may be in flight, in each direction. */
static inline size_t in_limit(const struct server *s)
{
    return s->config->connection_bytes_in_flight + FRAME_HEADER_BYTES + 4096;
}

/* Takes the frames that have arrived and go into this turn: writes into s->items, what is owed into
 * s->replies. */
void server_collect(struct server *);

/* Gives the frames of s->items from `taken` on back to their peers, for the next turn: the batch was full. */
void server_give_back(struct server *, size_t taken);

/* Tells those that wait for it what has been published; one glance when nobody does. */
void server_tell_watchers(struct server *);

/* Appends to each peer's output what it is owed, in the order in which it asked. */
void server_reply(struct server *);

/* The answer to a peer that waits for a checkpoint. */
void server_reply_checkpoint(struct peer *, enum result, uint64_t lsn, const char *sentence);

/* Sends the answers and lets go of peers that are done. */
void server_finish_peers(struct server *);
void server_drop_peer(struct server *, struct peer *);

#endif
