/* SPDX-License-Identifier: MIT
 *
 * The sessions of workers (frame.h, [session]) as the server sees them: which connection each has, and which
 * have been away for so long that what is kept for them may go. What was done in them is in the view
 * (requests.h); this is only about who may still ask.
 *
 * A session belongs to a process: the number that the worker chose is joined with the process id that the
 * kernel tells, so that no worker can take another's. (Of a process in another PID namespace it tells 0:
 * those are one to us.) One that is away is kept for SESSION_AWAY_NS. So a session that is not known here,
 * and whose oldest unanswered write was sent later than that ago, cannot have been dropped since: none of
 * those writes was done.
 */
#ifndef WALKV_WALKVD_SESSIONS_H
#define WALKV_WALKVD_SESSIONS_H

#include "clock.h"
#include "frame.h"

#include <stddef.h>

#define SESSION_AWAY_NS         (60 * NS_PER_S)
#define SESSION_UNCONFIRMED_MAX (1 << 20) /* of one session: what is kept for it takes room in the view */
#define SESSIONS_PER_PROCESS    1024 /* a worker has one; no process may fill this with those that it left */

#define SESSIONS_DEPARTED_MAX 64

struct peer;

struct session {
    struct session *next;
    uint64_t id;
    struct peer *peer;      /* NULL: away */
    uint64_t away_since_ns; /* CLOCK_BOOTTIME */
    uint64_t complete_ns; /* CLOCK_BOOTTIME; of what was first sent before, something may have been dropped */
};

struct sessions {
    struct session *first;
    uint64_t departed[SESSIONS_DEPARTED_MAX]; /* what sessions_departed() gave last */
};

/* The id of a session: not 0. */
static inline uint64_t session_id(uint64_t pid, uint64_t chosen)
{
    return pid << 32 | chosen;
}

/* Adds one that is away since `now_ns` and of which nothing has been dropped, unless it is there. */
void sessions_add(struct sessions *, uint64_t id, uint64_t now_ns);

/* A worker has come with `id`, on `peer`. Returns 1 when the session is in force, 0 when it is not, and
 * -EMFILE when its process has too many. `*stale` is the peer that had it until now, or NULL: the process has
 * given up that connection. */
int sessions_join(struct sessions *, uint64_t id, const struct hello *, struct peer *peer, uint64_t now_ns,
                  struct peer **stale);

/* The connection of this peer is over. */
void sessions_leave(struct sessions *, const struct peer *, uint64_t now_ns);

/* The ids of those that have been away for too long, valid until the next call. Returns their count, at most
 * SESSIONS_DEPARTED_MAX. */
size_t sessions_departed(struct sessions *, uint64_t now_ns);

/* Forgets what sessions_departed() gave last. */
void sessions_forget_departed(struct sessions *, size_t count);

void sessions_free(struct sessions *);

#endif
