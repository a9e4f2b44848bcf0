/* SPDX-License-Identifier: MIT
 * The grace and the room of the view; the rule [view-grace] is in view.h. */
#include "view_internal.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    HOLDS_PER_GRACE = 8, /* how finely the grace is divided */
    PAGES_PER_OP = 8,    /* a path of two trees, copied and split */
};

int view_first_hold(struct view_owner *v)
{
    v->attached_ns = clock_monotonic_ns();
    v->waited = false;
    v->free_counted_ns = 0;
    v->free_pages = 0;
    v->hold_count = 0;
    int rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, &v->holds[0].txn);
    if (rc)
        return view_errno(rc);
    v->holds[0].opened_ns = v->attached_ns;
    v->hold_count = 1;
    return 0;
}

int view_rotate_holds(struct view_owner *v, uint64_t now)
{
    MDB_txn *spare = NULL;
    if (v->building)
        return 0;
    while (v->hold_count >= 2 && now - v->holds[1].opened_ns >= v->grace_ns) {
        if (spare)
            mdb_txn_abort(spare);
        spare = v->holds[0].txn;
        mdb_txn_reset(spare);
        v->hold_count--;
        memmove(v->holds, v->holds + 1, v->hold_count * sizeof *v->holds);
    }
    int rc = 0;
    bool due = now - v->holds[v->hold_count - 1].opened_ns >= v->grace_ns / HOLDS_PER_GRACE;
    if (due && v->hold_count < HOLDS_MAX) {
        rc = spare ? mdb_txn_renew(spare) : mdb_txn_begin(v->env, NULL, MDB_RDONLY, &spare);
        if (!rc) {
            v->holds[v->hold_count++] = (struct hold){spare, now};
            spare = NULL;
        }
    }
    if (spare)
        mdb_txn_abort(spare);
    return view_errno(rc);
}

int view_reserve(struct view_owner *v, int fd, uint64_t bytes)
{
    if (bytes > v->map_bytes)
        bytes = v->map_bytes;
    if (bytes <= v->reserved_bytes)
        return 0;
    int rc = disk_fallocate(v->disk, fd, v->reserved_bytes, bytes - v->reserved_bytes);
    if (rc == -ENOSPC && (v->building || v->build_fd >= 0) && disk_unlink(v->disk, v->path) == 0)
        rc = disk_fallocate(v->disk, fd, v->reserved_bytes, bytes - v->reserved_bytes);
    if (rc && rc != -EOPNOTSUPP) /* a file system that cannot reserve has to be trusted */
        return rc;
    v->reserved_bytes = bytes;
    return 0;
}

/* Counts the pages that a transaction may reuse now: those freed before the oldest held transaction, or
 * before the last one. */
uint64_t view_count_free_pages(struct view_owner *v)
{
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    uint64_t oldest = v->hold_count ? mdb_txn_id(v->holds[0].txn) : info.me_last_txnid;
    if (v->snapshot_hold && mdb_txn_id(v->snapshot_hold) < oldest)
        oldest = mdb_txn_id(v->snapshot_hold);
    MDB_txn *txn;
    if (mdb_txn_begin(v->env, NULL, MDB_RDONLY, &txn))
        return 0;
    uint64_t pages = 0;
    MDB_cursor *cursor;
    if (mdb_cursor_open(txn, 0, &cursor) == 0) { /* database 0 is LMDB's list of free pages */
        MDB_val key, value;
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            size_t id, count;
            memcpy(&id, key.mv_data, sizeof id);
            if (id >= oldest)
                break;
            memcpy(&count, value.mv_data, sizeof count);
            pages += count;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return pages;
}

/* What does not add data may go on behind view_size and to the end of memory. As far as it did, so many free
 * pages are left to it by what adds data, or that would fill this room as well, one full view after another.
 */
static uint64_t kept_pages(struct view_owner *v, uint64_t last)
{
    uint64_t used = last * v->page_bytes;
    uint64_t behind = used > v->size_bytes ? used - v->size_bytes : 0;
    uint64_t missing = used + RESERVE_STEP > v->reserved_bytes ? used + RESERVE_STEP - v->reserved_bytes : 0;
    return (behind > missing ? behind : missing) / v->page_bytes;
}

/* Counting takes time, and finds no more before the grace has moved on; a new view has none. */
static bool may_count(const struct view_owner *v, uint64_t now_ns)
{
    return v->building || now_ns - v->free_counted_ns >= v->grace_ns / HOLDS_PER_GRACE;
}

/* Room for `more` pages than the transaction has been promised, `more_run_pages` of them in runs. A refusal
 * changes nothing. */
static int make_room(struct view_owner *v, uint64_t more, uint64_t more_run_pages, bool adds)
{
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    uint64_t last = info.me_last_pgno + 1;
    struct promise p = {v->promised.pages + more, v->promised.run_pages + more_run_pages,
                        v->promised.free_pages};
    uint64_t need = p.pages;
    uint64_t tail = (adds ? v->size_bytes : v->map_bytes) / v->page_bytes;
    if (last + need <= tail) {
        /* What adds data leaves a step of the memory that is there to what does not. */
        uint64_t want = (last + need) * v->page_bytes + (adds ? RESERVE_STEP : 0);
        if (want <= v->reserved_bytes) {
            v->promised = p;
            return 0;
        }
        int fd;
        must(mdb_env_get_fd(v->env, &fd) == 0);
        int rc = view_reserve(v, fd, (want + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP);
        if (rc == -ENOSPC && !adds) /* the last pages are less than a step */
            rc = view_reserve(v, fd, want);
        if (rc == 0) {
            v->promised = p;
            return 0;
        }
    }
    /* At the end of the map or of memory: what was freed a grace ago can be used again. */
    uint64_t now = clock_monotonic_ns();
    uint64_t want = 2 * need + PAGES_PER_TXN;
    if (adds)
        want += kept_pages(v, last);
    if (v->free_pages + p.free_pages < want && may_count(v, now)) {
        view_rotate_holds(v, now);
        v->free_pages = view_count_free_pages(v);
        v->free_counted_ns = now;
        /* What was promised before is counted in, as free, or as used by the open transaction. */
        uint64_t taken = v->promised.pages < v->free_pages ? v->promised.pages : v->free_pages;
        v->free_pages -= taken;
        p.free_pages = v->promised.free_pages = taken;
        v->base.free_pages = v->base.pages < taken ? v->base.pages : taken;
    }
    if (v->free_pages + p.free_pages < want || (last + p.run_pages) * v->page_bytes > v->reserved_bytes)
        return -ENOSPC;
    v->free_pages = v->free_pages + p.free_pages - need;
    p.free_pages = need;
    v->promised = p;
    return 0;
}

static uint64_t pages_for(const struct view_owner *v, uint64_t ops, uint64_t bytes, uint64_t run_pages)
{
    return PAGES_PER_TXN + ops * PAGES_PER_OP + bytes / v->page_bytes + run_pages;
}

int view_make_room(struct view_owner *v, uint64_t ops, uint64_t bytes, uint64_t run_pages, bool adds)
{
    v->promised = (struct promise){0};
    int rc = make_room(v, pages_for(v, ops, bytes, run_pages), run_pages, adds);
    v->base = v->promised;
    return rc;
}

int view_wait_for_room(struct view_owner *v, uint64_t ops, uint64_t bytes, uint64_t run_pages)
{
    uint64_t nap_ns = v->grace_ns / HOLDS_PER_GRACE;
    uint64_t deadline_ns = clock_monotonic_ns() + 4 * v->grace_ns;
    int rc;
    while ((rc = view_make_room(v, ops, bytes, run_pages, false)) == -ENOSPC && !v->building &&
           clock_monotonic_ns() < deadline_ns)
        nanosleep(&(struct timespec){(time_t)(nap_ns / NS_PER_S), (long)(nap_ns % NS_PER_S)}, NULL);
    return rc;
}

int view_more_room(struct view_owner *v, uint64_t run_pages)
{
    return run_pages ? make_room(v, run_pages, run_pages, false) : 0;
}

uint64_t view_size_bytes(const struct view_owner *v)
{
    return v->size_bytes;
}

uint64_t view_value_pages(const struct view_owner *v, uint64_t bytes)
{
    return bytes > v->page_bytes / 4 ? bytes / v->page_bytes + 1 : 0;
}

void view_use(struct view_owner *v, struct view_use *use)
{
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    use->size_bytes = v->size_bytes;
    use->used_bytes = (info.me_last_pgno + 1) * v->page_bytes;
    use->reserved_bytes = v->reserved_bytes;
}
