/* SPDX-License-Identifier: MIT
 *
 * The writer's end of the read view: walkvd's LMDB environment in shared memory, its grace, its room, its
 * generation. The layout is in view_layout.h, the reader's end in view_read.h.
 *
 * [view-grace] walkvd's end of the rule: a page that a commit frees is not reused before view_grace has
 * passed. It keeps read transactions of its own open in rotation; one may be closed only when the next newer
 * one was opened at least a grace ago. A reader that began between the two needs the older one that long, and
 * no longer. LMDB looks at them through its reader table, so this environment is open with LMDB's locking on
 * (a lock file of mode 0600 that no reader touches). With MDB_WRITEMAP a page is overwritten as soon as it is
 * taken, so the rule holds from view_begin() on, not from the commit; after attaching to a view that another
 * walkvd left, view_begin() waits until a grace has passed.
 *
 * Limits: room is checked by view_make_room() before a transaction, in pages of address space and, through
 * fallocate, of memory, so that a full view or a full /dev/shm is -ENOSPC and never a SIGBUS.
 */
#ifndef WALKV_WALKVD_VIEW_H
#define WALKV_WALKVD_VIEW_H

#include "disk.h"
#include "view_layout.h"

#include <lmdb.h>

struct view_owner;

/* The errno, negative, of what LMDB returned; -EBADMSG for its own words for damage. */
int view_errno(int mdb);

static inline MDB_val view_val(struct span s)
{
    return (MDB_val){s.bytes, (void *)s.at};
}

struct view_options {
    const char *path;
    uint64_t size_bytes;
    uint64_t grace_ns;
};

struct view_handles {
#define X(name) MDB_dbi name;
    VIEW_DATABASES(X)
#undef X
};

/* Takes the view's lock and its generation page. Returns 0, -EBUSY when another walkvd has it, -EPERM when
 * something of another user is in the way, or another negative errno. */
int view_open(struct view_owner **, struct disk *, const struct view_options *);
/* Closes everything but leaves the view in place for readers and for the next warm start. */
void view_close(struct view_owner **);

/* What the view that is there says of itself. Returns 0 when it belongs to this store and this boot, else a
 * negative errno with `*why` saying what is in doubt. The view is attached and can be written on 0. One of
 * another boot or size is removed. */
int view_attach(struct view_owner *, const uint8_t *uuid, struct view_state *, const char **why);
/* Lets go of what view_attach() attached, without harming it. */
void view_detach(struct view_owner *);

/* Begins a new view under a private name; `*fd` takes the pages of a snapshot, or stays empty. */
int view_build_begin(struct view_owner *, int *fd);
/* Reserves memory for a file of `bytes` in the view that is being built. */
int view_build_reserve(struct view_owner *, uint64_t bytes);
/* Gives it `state`'s identity (UUID, boot, generation, not ready), and opens it for writing. Reads `state`
 * from the pages, if there were any. Until it is served it has its private name, and pages are used again
 * without a grace; the old view stays, for its readers and for the next start, unless its memory is needed.
 */
int view_build_finish(struct view_owner *, const uint8_t *uuid, struct view_state *state);
/* From now on readers use this view; a new one takes the place of the old one, which its readers keep for as
 * long as they need. Returns 0 or a negative errno. */
int view_serve(struct view_owner *, const struct view_state *);
uint64_t view_serving_generation(const struct view_owner *);

/* A mark in the generation page that a recovery is under way. True when one already was: then the one before
 * died in it, and the view should not be trusted. */
bool view_mark_recovery(struct view_owner *, bool under_way);

/* Makes sure that a transaction of `ops` operations with `bytes` of names and values, `run_pages` of them in
 * values larger than a page, has room. Returns 0 or -ENOSPC. */
int view_make_room(struct view_owner *, uint64_t ops, uint64_t bytes, uint64_t run_pages, bool adds);

/* The same for a batch that was done once already, in the same view: replay is faster than the writes were,
 * so where room is short this waits for the pages that the batches before it have freed. */
int view_wait_for_room(struct view_owner *, uint64_t ops, uint64_t bytes, uint64_t run_pages);

/* Within the transaction that this room was made for: `run_pages` more. 0 or -ENOSPC, which leaves it as it
 * was. */
int view_more_room(struct view_owner *, uint64_t run_pages);

/* As in the options. */
uint64_t view_size_bytes(const struct view_owner *);

/* The pages that a value of `bytes` takes in a run of its own: 0 when it lies in a page with others. */
uint64_t view_value_pages(const struct view_owner *, uint64_t bytes);

/* One write transaction. begin returns 0 or a negative errno; commit publishes. */
int view_begin(struct view_owner *, MDB_txn **);
int view_commit(struct view_owner *);
void view_abort(struct view_owner *);

/* A transaction that only reads the newest published state; the caller aborts it. Returns 0 or a negative
 * errno. */
int view_begin_read(struct view_owner *, MDB_txn **);

const struct view_handles *view_handles(const struct view_owner *);

/* Keeps every page of the newest published state from being reused, for the snapshot program. */
int view_hold(struct view_owner *);
void view_unhold(struct view_owner *);

struct view_use {
    uint64_t size_bytes;
    uint64_t used_bytes; /* free pages not counted out */
    uint64_t reserved_bytes;
};
void view_use(struct view_owner *, struct view_use *);

/* The identity of this boot. */
int view_boot_id(struct disk *, uint8_t out[UUID_BYTES]);

#endif
