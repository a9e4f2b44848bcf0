/* SPDX-License-Identifier: MIT
 *
 * What the files of the view share: view.c (the files, attaching, transactions), view_build.c (a new view,
 * under a private name until it is served) and view_room.c (the grace, and room). Nobody else includes this.
 */
#ifndef WALKV_WALKVD_VIEW_INTERNAL_H
#define WALKV_WALKVD_VIEW_INTERNAL_H

#include "view.h"

#include <stdatomic.h>

enum {
    HOLDS_MAX = 32,                 /* read transactions kept open for the grace */
    PAGES_PER_TXN = 64,             /* before it does anything */
    RESERVE_STEP = 4 * 1024 * 1024, /* of memory */
};

struct hold {
    MDB_txn *txn;
    uint64_t opened_ns;
};

/* Room that a transaction may use: pages, of them in runs, and of them taken from `free_pages`. */
struct promise {
    uint64_t pages, run_pages, free_pages;
};

struct view_owner {
    struct disk *disk;
    char *path;
    char *build_path;
    char *lock_path;
    char *gen_path;
    uint64_t size_bytes;
    uint64_t map_bytes;
    uint64_t grace_ns;

    int lock_fd;
    char *gen_page;

    MDB_env *env;  /* NULL while detached */
    bool building; /* it is a new view under its private name: nobody else sees it, no grace and no locks */
    struct view_handles handles;
    uint64_t page_bytes;
    uint64_t attached_ns;
    bool waited;             /* a grace has passed since then */
    struct promise base;     /* to the transaction that comes or is open, before it began */
    struct promise promised; /* and what it asked for since */
    uint64_t reserved_bytes;
    MDB_txn *txn;

    struct hold holds[HOLDS_MAX]; /* oldest first */
    unsigned hold_count;
    MDB_txn *snapshot_hold;

    uint64_t free_pages; /* reusable, as last counted, less what was promised since */
    uint64_t free_counted_ns;

    int build_fd; /* -1, but while the pages of a snapshot are written */
};

/* Opens the view at `path`; `extra_flags` are LMDB's. Returns 0 or a negative errno, then detached. */
int view_open_env(struct view_owner *, const char *path, unsigned extra_flags);
/* Opens the databases and reads the state into `found`; with `make` makes them and writes that. */
int view_open_databases(struct view_owner *, const struct view_state *make, struct view_state *found);

_Atomic uint64_t *view_generation_word(const struct view_owner *);

/* Begins the row of the transactions that stand for the grace. */
int view_first_hold(struct view_owner *);
/* Moves it on, at walkvd's end of [view-grace]. */
int view_rotate_holds(struct view_owner *, uint64_t now_ns);
/* Has memory for a file of `bytes` behind `fd`, which is that of the view. Where there is too little for a
 * new view beside the old one, the old one goes. Returns 0 or a negative errno. */
int view_reserve(struct view_owner *, int fd, uint64_t bytes);
/* The pages that a transaction may reuse now. */
uint64_t view_count_free_pages(struct view_owner *);

#endif
