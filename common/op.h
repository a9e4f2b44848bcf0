/* SPDX-License-Identifier: MIT
 *
 * The operations of the store and the results they can have: each one table, from which the numbers on the
 * socket and in the log, the names in `walkvctl dump` and the names in errors all come.
 *
 * Changing them: numbers are in log files and on the socket. Add at the end, never renumber, never reuse.
 */
#ifndef WALKV_COMMON_OP_H
#define WALKV_COMMON_OP_H

#include <stdbool.h>
#include <stdint.h>

/*      name      number  text */
#define OP_TABLE(X)                                                                                          \
    X(OP_NOOP, 0, "noop")       /* fills one LSN: opens a segment, witnesses the batch before it, seals */   \
    X(OP_SET, 1, "set")         /* key, value */                                                             \
    X(OP_DELETE, 2, "delete")   /* key */                                                                    \
    X(OP_ENQUEUE, 3, "enqueue") /* queue, value */                                                           \
    X(OP_DEQUEUE, 4, "dequeue") /* queue */                                                                  \
    X(OP_CLEAR, 5, "clear")     /* queue: all items gone, the name stays */                                  \
    X(OP_FORGET, 6, "forget")   /* queue: all items gone, and the name */                                    \
    X(OP_REFUSE, 7, "refuse")   /* nothing is done; the answer is kept under its idempotency key */          \
    X(OP_EXPIRE, 8, "expire")   /* answers that are old enough are kept no longer */                         \
    X(OP_DEPART, 9, "depart")   /* a session that will not come back: its answers are kept no longer */

enum op {
#define X(name, number, text) name = number,
    OP_TABLE(X)
#undef X
        OP_LIMIT,
};

/* Whether it is one that a peer may ask for; the others are the log's own. */
static inline bool op_is_write(unsigned op)
{
    return op >= OP_SET && op <= OP_FORGET;
}

#define RESULT_TABLE(X)                                                                                      \
    X(RESULT_OK, 0, "ok")                                                                                    \
    X(RESULT_CREATED, 1, "created")                         /* done, and the key did not exist before */     \
    X(RESULT_NOT_FOUND, 2, "not_found")                     /* no such key */                                \
    X(RESULT_QUEUE_EMPTY, 3, "queue_empty")                 /* nothing to dequeue, or no such queue */       \
    X(RESULT_QUEUE_NOT_FOUND, 4, "queue_not_found")         /* nothing to clear or forget */                 \
    X(RESULT_PRECONDITION_FAILED, 5, "precondition_failed") /* `version` is the current one, 0 for none */   \
    X(RESULT_STORAGE_FULL, 6, "storage_full")               /* disk or view full; nothing was done */        \
    X(RESULT_UNAVAILABLE, 7, "unavailable")                 /* walkvd is stopping; nothing was done */       \
    X(RESULT_OUTCOME_UNKNOWN, 8, "outcome_unknown") /* the sync failed: it may or may not be there */        \
    X(RESULT_INVALID, 9, "invalid")                 /* a request that no worker should have sent */          \
    X(RESULT_MISMATCH, 10, "mismatch")   /* its idempotency key belongs to another request; nothing was done \
                                          */                                                                 \
    X(RESULT_FORBIDDEN, 11, "forbidden") /* its token does not allow it; nothing was done */

enum result {
#define X(name, number, text) name = number,
    RESULT_TABLE(X)
#undef X
        RESULT_LIMIT,
};

/* The text of an operation or a result; "unknown" for any other number. */
const char *op_text(unsigned op);
const char *result_text(unsigned result);

#endif
