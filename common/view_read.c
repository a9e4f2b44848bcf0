/* SPDX-License-Identifier: MIT
 *
 * The reader's end of the view; the rule [view-grace] is in view_read.h.
 *
 * It maps the environment read-only and without LMDB's locking, so that a reader that dies leaves nothing
 * behind and a hostile one can touch nothing. It must never use what it copied before step 3 has passed.
 */
#include "view_read.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RENEWALS_MAX = 1000, RETRIES_MAX = 100 };

struct view_reader {
    char *path;
    uint8_t uuid[UUID_BYTES];
    bool any_store;
    uint64_t asked_grace_ns;
    uint64_t grace_ns;
    uint64_t generation;
    const char *gen_page;
    struct view view; /* view.env is NULL while detached */
};

struct view_reader *view_reader_new(const char *path, const uint8_t *uuid, uint64_t grace_ns)
{
    struct view_reader *r = memory_new(1, sizeof *r, "a reader of the view");
    r->path = memory_text(path);
    r->asked_grace_ns = grace_ns;
    r->any_store = !uuid;
    if (uuid)
        memcpy(r->uuid, uuid, UUID_BYTES);
    return r;
}

static void detach(struct view_reader *r)
{
    if (r->view.txn)
        mdb_txn_abort(r->view.txn);
    if (r->view.env)
        mdb_env_close(r->view.env);
    if (r->gen_page)
        munmap((void *)r->gen_page, VIEW_GEN_BYTES);
    r->view = (struct view){0};
    r->gen_page = NULL;
    r->generation = 0;
}

void view_reader_free(struct view_reader **r)
{
    if (!*r)
        return;
    detach(*r);
    free((*r)->path);
    free(*r);
    *r = NULL;
}

static uint64_t serving_generation(const struct view_reader *r)
{
    return atomic_load_explicit((const _Atomic uint64_t *)(const void *)(r->gen_page + 8),
                                memory_order_acquire);
}

static int map_generation(struct view_reader *r)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s.gen", r->path) >= sizeof path)
        return -ENAMETOOLONG;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    struct stat st;
    int rc = -EAGAIN;
    if (fstat(fd, &st) == 0 && st.st_size >= VIEW_GEN_BYTES) {
        const char *page = mmap(NULL, VIEW_GEN_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED) {
            rc = -errno;
        } else if (memcmp(page, VIEW_GEN_MAGIC, 8) != 0) {
            munmap((void *)page, VIEW_GEN_BYTES);
        } else {
            r->gen_page = page;
            r->grace_ns = r->asked_grace_ns ? r->asked_grace_ns : get_u64(page + VIEW_GEN_GRACE_AT);
            rc = 0;
        }
    }
    close(fd);
    return rc;
}

/* LMDB's own errors have no errno; for a reader they all mean that no usable view is there now. */
static int reader_errno(int mdb)
{
    return mdb > 0 && mdb != ENOENT ? -mdb : -EAGAIN;
}

/* Step 1 of [view-grace]: from here view.txn sees the newest commit, whole. */
static int renew(struct view_reader *r)
{
    for (int i = 0; i < RENEWALS_MAX; i++) {
        int rc = mdb_txn_renew(r->view.txn);
        if (rc)
            return reader_errno(rc);
        MDB_envinfo info;
        mdb_env_info(r->view.env, &info);
        if (info.me_last_txnid == mdb_txn_id(r->view.txn))
            return 0;
        mdb_txn_reset(r->view.txn);
    }
    return -ETIMEDOUT;
}

int view_read_state(const struct view *view, void *arg)
{
    MDB_val key = {sizeof VIEW_STATE_KEY - 1, VIEW_STATE_KEY}, value;
    int rc = mdb_get(view->txn, view->meta, &key, &value);
    if (rc)
        return reader_errno(rc);
    struct view_state *state = arg;
    bool known = view_state_decode((struct span){value.mv_data, value.mv_size}, state);
    return known && state->layout == VIEW_LAYOUT ? 0 : -EAGAIN;
}

/* Handles live only if the transaction that opened them is committed, so they get one of their own. */
static int open_databases(struct view_reader *r)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(r->view.env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return reader_errno(rc);
#define X(name)                                                                                              \
    if (!rc)                                                                                                 \
        rc = mdb_dbi_open(txn, #name, 0, &r->view.name);
    VIEW_DATABASES(X)
#undef X
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    return rc ? reader_errno(rc) : 0;
}

/* Maps what is at the path now. On success a reset transaction is there to renew. */
static int attach(struct view_reader *r)
{
    int rc = map_generation(r);
    if (rc)
        goto fail;
    /* Opening an environment read-only never creates it, but an empty file would confuse LMDB. */
    struct stat st;
    if (stat(r->path, &st) || !S_ISREG(st.st_mode) || st.st_size == 0) {
        rc = -EAGAIN;
        goto fail;
    }
    rc = mdb_env_create(&r->view.env);
    if (rc) {
        rc = reader_errno(rc);
        goto fail;
    }
    must(mdb_env_set_maxdbs(r->view.env, 16) == 0);
    rc = mdb_env_open(r->view.env, r->path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
    if (rc) {
        rc = reader_errno(rc);
        goto fail;
    }
    uint64_t start = clock_monotonic_ns();
    rc = open_databases(r);
    if (rc)
        goto fail;
    rc = mdb_txn_begin(r->view.env, NULL, MDB_RDONLY, &r->view.txn);
    if (rc) {
        rc = reader_errno(rc);
        goto fail;
    }
    mdb_txn_reset(r->view.txn);
    rc = renew(r);
    if (rc)
        goto fail;
    struct view_state state;
    rc = view_read_state(&r->view, &state);
    mdb_txn_reset(r->view.txn);
    if (rc)
        goto fail;
    rc = -EAGAIN;
    if (clock_monotonic_ns() - start >= r->grace_ns)
        goto fail;
    if (!state.ready || state.generation != serving_generation(r))
        goto fail;
    if (!r->any_store && memcmp(state.uuid, r->uuid, UUID_BYTES) != 0)
        goto fail;
    r->generation = state.generation;
    return 0;
fail:
    detach(r);
    return rc;
}

int view_read(struct view_reader *r, view_read_fn *read, void *arg)
{
    for (int i = 0; i < RETRIES_MAX; i++) {
        if (!r->view.env) {
            int rc = attach(r);
            if (rc)
                return rc;
        }
        uint64_t start = clock_monotonic_ns();
        int rc = renew(r);
        if (rc) {
            detach(r);
            return rc;
        }
        rc = read(&r->view, arg);
        mdb_txn_reset(r->view.txn);
        /* Step 3 of [view-grace]. */
        if (serving_generation(r) != r->generation) {
            detach(r);
            continue;
        }
        if (clock_monotonic_ns() - start < r->grace_ns)
            return rc;
    }
    return -ETIMEDOUT;
}

uint64_t view_reader_generation(const struct view_reader *r)
{
    return r->generation;
}

int view_reader_hold(struct view_reader *r, struct view *view)
{
    if (!r->view.env) {
        int rc = attach(r);
        if (rc)
            return rc;
    }
    int rc = renew(r);
    if (rc)
        return rc;
    *view = r->view;
    return 0;
}

void view_reader_release(struct view_reader *r)
{
    mdb_txn_reset(r->view.txn);
}
