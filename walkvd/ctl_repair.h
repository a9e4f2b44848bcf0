/* SPDX-License-Identifier: MIT
 *
 * walkvctl repair, in its parts: the plan (what is wrong, and what can be rebuilt with certainty), the losses
 * (what the operations did that would be lost), and the building of the new store. ctl_repair.c puts them
 * together and talks.
 *
 * A state can be rebuilt with certainty when it is a valid snapshot, or nothing before LSN 1, and then every
 * batch of the log in its order without a gap. Nothing is ever skipped: what lies behind the first gap is
 * lost, for it may depend on what was in the gap, and half of a batch, or a queue out of order, is what walkv
 * never shows anybody.
 */
#ifndef WALKV_WALKVD_CTL_REPAIR_H
#define WALKV_WALKVD_CTL_REPAIR_H

#include "control.h"
#include "ctl.h"
#include "disk.h"
#include "op.h"
#include "wal_salvage.h"

#include <errno.h>
#include <sysexits.h>

/* Where a rebuilding can begin, and how far the log leads from there. */
struct repair_state {
    uint64_t lsn; /* of a snapshot; 0: of nothing */
    uint64_t checksum;
    uint64_t name;  /* of the snapshot's file */
    uint64_t bytes; /* of its pages */

    uint64_t end_lsn;
    uint64_t end_checksum;
    uint64_t replay_bytes;    /* of the records in between */
    uint64_t batch_pages_max; /* what one batch of them may take in a view */
    bool contradicted;        /* the log knows another batch at that LSN */
};

struct repair_plan {
    const struct ctl *ctl;
    struct disk *disk;
    const char *data_dir;

    struct control control;
    enum control_verdict control_verdict;
    uint8_t uuid[UUID_BYTES];
    char uuid_from[64]; /* the file that the UUID was taken from */

    struct wal_log log;
    struct buffer findings; /* struct wal_finding, in the order of the files */
    struct buffer states;   /* struct repair_state, in the order of LSNs */

    uint64_t needed_from;            /* the segments before this one are left from a checkpoint */
    bool starts;                     /* walkvd starts from the files as they are */
    const struct repair_state *best; /* NULL: nothing can be rebuilt */
    uint64_t known_lsn;              /* the last LSN that somebody may have been told about */
    uint64_t highest_lsn;            /* the last LSN that anything names */
    bool end_known;                  /* nothing durable can have been behind known_lsn */
};

/* Reads everything. Returns 0 or an exit status, having said why. Free it after either. */
int repair_plan_make(struct repair_plan *, const struct ctl *, struct disk *, const char *data_dir);
void repair_plan_free(struct repair_plan *);

static inline size_t repair_finding_count(const struct repair_plan *p)
{
    return p->findings.bytes / sizeof(struct wal_finding);
}

static inline const struct wal_finding *repair_finding(const struct repair_plan *p, size_t i)
{
    return (const struct wal_finding *)(const void *)p->findings.data + i;
}

/* The exit status for a negative errno: of memory or room that has run out, else `other`. */
static inline int repair_status_of(int rc, int other)
{
    return rc == -ENOMEM ? EX_OSERR : rc == -ENOSPC || rc == -EDQUOT ? EX_CANTCREAT : other;
}

/* Hands every whole batch of the log to the visitor, as the plan knows the log. Returns 0 or an exit status,
 * having said why. */
int repair_read_log(const struct repair_plan *, const struct wal_salvage_visitor *, struct wal_salvage_end *);

/* Whether the plan loses anything that somebody may have been told about. */
static inline bool repair_loses(const struct repair_plan *p)
{
    return p->best && (p->known_lsn > p->best->end_lsn || !p->end_known);
}

/* What lost operations did to one key or queue. */
struct repair_name {
    bool queue;
    uint64_t operations;
    uint64_t last_lsn;
    enum op last_op;
    size_t bytes;
    char name[];
};

struct repair_losses {
    void *names;         /* a tree (tsearch) of struct repair_name */
    uint64_t read_lsns;  /* that are lost and can be read */
    uint64_t operations; /* of these, those that did something: */
    uint64_t key_operations, queue_operations;
    uint64_t keys, queues;
    uint64_t removals; /* of items: dequeue, clear, forget */
};

/* Reads what can be read behind plan->best. Returns 0 or an exit status, having said why. */
int repair_losses_read(struct repair_losses *, const struct repair_plan *);
void repair_losses_free(struct repair_losses *);
/* Hands over the names, keys first, in byte order. */
void repair_losses_names(const struct repair_losses *, void (*visit)(const struct repair_name *, void *),
                         void *arg);

/* What was built. */
struct repair_result {
    uint8_t uuid[UUID_BYTES];
    uint64_t lsn;
    uint64_t keys, queues, items;
};

/* Builds plan->best as a new store in `into`, which must not exist, through `into`.partial. Returns 0 or an
 * exit status, having said why; then `into` is not there. */
int repair_build(const struct repair_plan *, const char *into, struct repair_result *);

#endif
