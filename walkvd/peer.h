/* SPDX-License-Identifier: MIT
 *
 * One connection to walkvd's socket: bytes in, frames, bytes out. A peer is never trusted; a bad frame ends
 * its connection and nothing else. Reading stops while it has too much in flight.
 */
#ifndef WALKV_WALKVD_PEER_H
#define WALKV_WALKVD_PEER_H

#include "buffer.h"
#include "frame.h"

#include <event2/event.h>
#include <stdbool.h>

struct server;

struct peer {
    struct server *server;
    struct peer *next, *previous;
    int fd;
    struct event *readable;
    struct event *writable;
    struct buffer in;
    size_t consumed; /* of `in`, by frames of the turn that is going on */
    struct buffer out;
    size_t sent; /* of `out` */
    bool greeted;
    bool broken;  /* to be closed at the end of the turn */
    bool closing; /* to be closed when `out` is sent */
    bool reading;
    uint32_t role;
    bool is_operator;       /* needs no access token */
    uint64_t session;       /* 0: none */
    uint64_t sent_sequence; /* of its session: up to this it may send again what was done before */
    uint64_t last_sequence; /* that came on this connection */
    uint64_t confirmed;     /* the highest that came with them */
    bool waits_for_checkpoint;
    bool wants_checkpoint; /* one that begins after the one that is running */
    uint32_t checkpoint_id;
    bool watches; /* to be told when more than watch_lsn has been published */
    uint32_t watch_id;
    uint64_t watch_lsn;
};

/* Takes over `fd`. NULL, with `fd` closed, when there is no memory for another peer. */
struct peer *peer_new(struct server *, struct event_base *, int fd, event_callback_fn on_readable,
                      event_callback_fn on_writable);
void peer_free(struct peer **);

/* Reads what has arrived, up to `limit` bytes in `in`. Sets `broken` at the end or on an error. */
void peer_read(struct peer *, size_t limit);

/* Looks at the next frame. Returns 1, 0 when none is whole, or -1 (and sets `broken`) when it is bad or does
 * not fit in `limit` bytes. The frame's body stays valid until peer_finish(). */
int peer_next(struct peer *, size_t limit, struct frame *);

/* Makes room for an answer of `bytes`. False when there is no memory for it: the peer is broken then, since
 * it cannot be told. */
bool peer_reserve(struct peer *, size_t bytes);

/* Drops what peer_next() handed out, sends what it can, and starts or stops reading by what is in flight. */
void peer_finish(struct peer *, size_t limit);

#endif
