/* SPDX-License-Identifier: MIT
 * A new view: built under a private name, with the pages of a snapshot or empty, and put in the place of the
 * old one when it is served. Until then the old one stays for its readers, and for a start that comes after
 * one that was refused. */
#include "view_internal.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

/* The state that the pages of a snapshot hold, in whatever layout. */
static int read_state(struct view_owner *v, struct view_state *state)
{
    MDB_txn *txn;
    MDB_dbi meta;
    MDB_val key = {sizeof VIEW_STATE_KEY - 1, VIEW_STATE_KEY}, value;
    int rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return view_errno(rc);
    rc = mdb_dbi_open(txn, "meta", 0, &meta);
    if (!rc)
        rc = mdb_get(txn, meta, &key, &value);
    if (!rc && !view_state_decode((struct span){value.mv_data, value.mv_size}, state))
        rc = EBADMSG;
    mdb_txn_abort(txn);
    return view_errno(rc);
}

int view_build_begin(struct view_owner *v, int *fd)
{
    view_detach(v);
    disk_unlink(v->disk, v->build_path);
    if (v->build_fd >= 0)
        disk_close(v->disk, v->build_fd);
    v->build_fd = disk_open(v->disk, v->build_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0640);
    if (v->build_fd < 0)
        return v->build_fd;
    int rc = disk_chmod(v->disk, v->build_fd, 0640);
    if (rc)
        return rc;
    v->reserved_bytes = 0;
    *fd = v->build_fd;
    return view_build_reserve(v, RESERVE_STEP);
}

int view_build_reserve(struct view_owner *v, uint64_t bytes)
{
    if (bytes > v->map_bytes)
        return -ENOSPC;
    return view_reserve(v, v->build_fd, bytes);
}

int view_build_finish(struct view_owner *v, const uint8_t *uuid, struct view_state *state)
{
    /* LMDB takes a file of zeros for damage and an empty one for new, so leave it empty or full of pages. */
    char first[16];
    ssize_t n = disk_read(v->disk, v->build_fd, first, sizeof first, 0);
    if (n < 0)
        return (int)n;
    static const char zeros[sizeof first];
    bool pages = n == sizeof first && memcmp(first, zeros, sizeof first) != 0;
    if (!pages) {
        int rc = disk_ftruncate(v->disk, v->build_fd, 0);
        if (rc)
            return rc;
    }
    int rc = view_open_env(v, v->build_path, MDB_NOLOCK);
    if (rc)
        return rc;
    if (!pages) {
        /* Truncating gave the memory back. */
        v->reserved_bytes = 0;
        rc = view_reserve(v, v->build_fd, RESERVE_STEP);
        *state = (struct view_state){.next_queue_id = 1};
    } else {
        rc = read_state(v, state);
    }
    if (!rc) {
        if (state->layout < VIEW_LAYOUT)
            state->changes_after = state->applied_lsn;
        state->layout = VIEW_LAYOUT; /* what it has more than older ones is made below, empty */
        state->ready = false;
        state->map_bytes = v->map_bytes;
        memcpy(state->uuid, uuid, UUID_BYTES);
        rc = view_boot_id(v->disk, state->boot_id);
        uint64_t serving = view_serving_generation(v);
        state->generation = serving ? serving + 1 : clock_realtime_ns();
        if (state->generation == 0)
            state->generation = 1;
    }
    if (!rc) {
        MDB_envinfo info;
        mdb_env_info(v->env, &info);
        uint64_t bytes = (info.me_last_pgno + 1 + PAGES_PER_TXN) * v->page_bytes;
        rc = view_reserve(v, v->build_fd, bytes + RESERVE_STEP);
        /* A store that has filled the memory that is there must be able to start in no more. */
        if (rc == -ENOSPC)
            rc = view_reserve(v, v->build_fd, bytes);
        if (rc == -ENOSPC && view_count_free_pages(v) >= PAGES_PER_TXN)
            rc = 0;
    }
    if (!rc)
        rc = view_open_databases(v, state, NULL);
    disk_close(v->disk, v->build_fd);
    v->build_fd = -1;
    if (rc) {
        view_detach(v);
        return rc;
    }
    v->building = true;
    v->waited = true;
    v->hold_count = 0;
    v->free_pages = v->free_counted_ns = 0;
    return 0;
}

/* Puts the new view in the place of the old one. */
static int end_building(struct view_owner *v)
{
    struct view_state state;
    view_detach(v);
    int rc = disk_rename(v->disk, v->build_path, v->path);
    if (!rc)
        rc = view_open_env(v, v->path, 0);
    if (!rc)
        rc = view_open_databases(v, NULL, &state);
    if (!rc)
        rc = view_first_hold(v);
    v->waited = true; /* no reader has ever seen this view */
    if (rc)
        view_detach(v);
    return rc;
}

int view_serve(struct view_owner *v, const struct view_state *state)
{
    int rc = v->building ? end_building(v) : 0;
    if (rc)
        return rc;
    memcpy(v->gen_page + 16, state->uuid, UUID_BYTES);
    atomic_store(view_generation_word(v), state->generation);
    return 0;
}
