/* SPDX-License-Identifier: MIT
 * The writer's end of the read view; the rule [view-grace] is in view.h. */
#include "view.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HOLDS_MAX = 32,      /* read transactions kept open for the grace */
    HOLDS_PER_GRACE = 8, /* how finely the grace is divided */
    READERS_MAX = HOLDS_MAX + 8,
    PAGES_PER_OP = 8, /* a path of two trees, copied and split */
    PAGES_PER_TXN = 64,
    RESERVE_STEP = 4 * 1024 * 1024,
    SLACK_MIN = 16 * 1024 * 1024,
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

    MDB_env *env; /* NULL while detached */
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

    int build_fd;
};

int view_errno(int mdb)
{
    if (mdb == MDB_MAP_FULL || mdb == MDB_TXN_FULL)
        return -ENOSPC;
    if (mdb == MDB_NOTFOUND)
        return -ENOENT;
    return mdb > 0 ? -mdb : mdb < 0 ? -EBADMSG : 0;
}

int view_boot_id(struct disk *disk, uint8_t out[UUID_BYTES])
{
    char text[64] = {0};
    int fd = disk_open(disk, "/proc/sys/kernel/random/boot_id", O_RDONLY, 0);
    if (fd < 0)
        return fd;
    ssize_t n = disk_read(disk, fd, text, sizeof text - 1, 0);
    disk_close(disk, fd);
    if (n < 36)
        return n < 0 ? (int)n : -EINVAL;
    unsigned byte = 0;
    for (const char *at = text; *at && byte < UUID_BYTES; at += 2) {
        if (*at == '-')
            at++;
        unsigned value;
        if (sscanf(at, "%2x", &value) != 1)
            return -EINVAL;
        out[byte++] = (uint8_t)value;
    }
    return byte == UUID_BYTES ? 0 : -EINVAL;
}

/* Opens a file of ours that lies where other users may write: never through a link, never somebody else's. */
static int open_own(struct disk *disk, const char *path, mode_t mode)
{
    int fd = disk_open(disk, path, O_RDWR | O_CREAT | O_NOFOLLOW, mode);
    if (fd == -EACCES || fd == -ELOOP)
        return -EPERM;
    if (fd < 0)
        return fd;
    struct disk_stat st;
    int rc = disk_stat(disk, fd, &st);
    if (!rc)
        rc = st.regular && st.owner == geteuid() ? disk_chmod(disk, fd, mode) : -EPERM;
    if (!rc)
        return fd;
    disk_close(disk, fd);
    return rc;
}

static int map_generation(struct view_owner *v)
{
    int fd = open_own(v->disk, v->gen_path, 0640);
    if (fd < 0)
        return fd;
    int rc = disk_ftruncate(v->disk, fd, VIEW_GEN_BYTES);
    if (!rc)
        rc = disk_fallocate(v->disk, fd, 0, VIEW_GEN_BYTES);
    if (rc == -EOPNOTSUPP)
        rc = 0;
    if (!rc) {
        void *page;
        rc = disk_map(v->disk, fd, VIEW_GEN_BYTES, &page);
        if (!rc)
            v->gen_page = page;
    }
    if (!rc && memcmp(v->gen_page, VIEW_GEN_MAGIC, 8) != 0) {
        memset(v->gen_page, 0, VIEW_GEN_BYTES);
        memcpy(v->gen_page, VIEW_GEN_MAGIC, 8);
    }
    if (!rc)
        put_u64(v->gen_page + VIEW_GEN_GRACE_AT, v->grace_ns);
    disk_close(v->disk, fd);
    return rc;
}

static _Atomic uint64_t *generation_word(const struct view_owner *v)
{
    return (_Atomic uint64_t *)(void *)(v->gen_page + 8);
}

uint64_t view_serving_generation(const struct view_owner *v)
{
    return atomic_load(generation_word(v));
}

bool view_mark_recovery(struct view_owner *v, bool under_way)
{
    bool before = get_u32(v->gen_page + VIEW_GEN_RECOVERY_AT) != 0;
    put_u32(v->gen_page + VIEW_GEN_RECOVERY_AT, under_way);
    return before;
}

int view_open(struct view_owner **out, struct disk *disk, const struct view_options *options)
{
    struct view_owner *v = memory_new(1, sizeof *v, "the view");
    v->disk = disk;
    v->path = memory_text(options->path);
    v->build_path = memory_printf("%s.new", options->path);
    v->lock_path = memory_printf("%s-lock", options->path); /* LMDB's name for it */
    v->gen_path = memory_printf("%s.gen", options->path);
    v->size_bytes = options->size_bytes;
    uint64_t slack = options->size_bytes / 8 > SLACK_MIN ? options->size_bytes / 8 : SLACK_MIN;
    v->map_bytes = (options->size_bytes + slack + 65535) / 65536 * 65536;
    v->grace_ns = options->grace_ns;
    v->build_fd = -1;

    int rc = 0;
    v->lock_fd = open_own(disk, v->lock_path, 0600);
    if (v->lock_fd < 0)
        rc = v->lock_fd;
    else
        rc = disk_lock(disk, v->lock_fd);
    if (!rc)
        rc = map_generation(v);
    if (rc)
        view_close(&v);
    *out = v;
    return rc;
}

static void close_env(struct view_owner *v)
{
    if (!v->env)
        return;
    view_abort(v);
    view_unhold(v);
    for (unsigned i = 0; i < v->hold_count; i++)
        mdb_txn_abort(v->holds[i].txn);
    v->hold_count = 0;
    mdb_env_close(v->env);
    v->env = NULL;
}

void view_detach(struct view_owner *v)
{
    close_env(v);
}

void view_close(struct view_owner **view)
{
    struct view_owner *v = *view;
    if (!v)
        return;
    close_env(v);
    if (v->build_fd >= 0)
        disk_close(v->disk, v->build_fd);
    if (v->gen_page)
        munmap(v->gen_page, VIEW_GEN_BYTES);
    if (v->lock_fd >= 0)
        disk_close(v->disk, v->lock_fd);
    free(v->path);
    free(v->build_path);
    free(v->lock_path);
    free(v->gen_path);
    free(v);
    *view = NULL;
}

static int open_env(struct view_owner *v, const char *path, unsigned extra_flags)
{
    int rc = mdb_env_create(&v->env);
    if (rc)
        return view_errno(rc);
    must(mdb_env_set_maxdbs(v->env, 16) == 0);
    must(mdb_env_set_maxreaders(v->env, READERS_MAX) == 0);
    must(mdb_env_set_mapsize(v->env, v->map_bytes) == 0);
    rc = mdb_env_open(v->env, path,
                      MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP | MDB_NOTLS | MDB_NORDAHEAD | extra_flags,
                      0600);
    if (rc) {
        mdb_env_close(v->env);
        v->env = NULL;
        return view_errno(rc);
    }
    MDB_stat stat;
    mdb_env_stat(v->env, &stat);
    v->page_bytes = stat.ms_psize;
    return 0;
}

/* Opens the databases, making them in a new view, and reads or writes the state. */
static int open_databases(struct view_owner *v, const struct view_state *make, struct view_state *found)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(v->env, NULL, make ? 0 : MDB_RDONLY, &txn);
    if (rc)
        return view_errno(rc);
    unsigned flags = make ? MDB_CREATE : 0;
#define X(name)                                                                                              \
    if (!rc)                                                                                                 \
        rc = mdb_dbi_open(txn, #name, flags, &v->handles.name);
    VIEW_DATABASES(X)
#undef X
    MDB_val key = {sizeof VIEW_STATE_KEY - 1, VIEW_STATE_KEY}, value;
    if (!rc && make) {
        char bytes[VIEW_STATE_BYTES];
        view_state_encode(bytes, make);
        value = (MDB_val){sizeof bytes, bytes};
        rc = mdb_put(txn, v->handles.meta, &key, &value, 0);
    } else if (!rc) {
        rc = mdb_get(txn, v->handles.meta, &key, &value);
        if (!rc && (!view_state_decode((struct span){value.mv_data, value.mv_size}, found) ||
                    found->layout != VIEW_LAYOUT))
            rc = EBADMSG;
    }
    if (rc) {
        mdb_txn_abort(txn);
        return view_errno(rc);
    }
    return view_errno(mdb_txn_commit(txn));
}

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

/* The first of the transactions that stand for the grace. */
static int first_hold(struct view_owner *v)
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

int view_attach(struct view_owner *v, const uint8_t *uuid, struct view_state *state, const char **why)
{
    uint8_t boot[UUID_BYTES];
    struct disk_stat st;
    *why = "there is no view";
    int rc = disk_stat_path(v->disk, v->path, &st);
    if (rc)
        return rc;
    *why = "the view is not a file of ours";
    if (!st.regular || st.owner != geteuid())
        return -EPERM;
    *why = "the view has another size than view_size asks for";
    if (st.bytes != v->map_bytes)
        return -EINVAL;
    *why = "the view cannot be opened";
    rc = open_env(v, v->path, 0);
    if (rc)
        return rc;
    rc = open_databases(v, NULL, state);
    *why = "the view is not whole";
    if (!rc && (!state->ready || state->map_bytes != v->map_bytes))
        rc = -EINVAL;
    if (!rc && memcmp(state->uuid, uuid, UUID_BYTES) != 0) {
        *why = "the view belongs to another store";
        rc = -EINVAL;
    }
    if (!rc && (view_boot_id(v->disk, boot) || memcmp(state->boot_id, boot, UUID_BYTES) != 0)) {
        *why = "the view is from another boot";
        rc = -EINVAL;
    }
    if (!rc && state->generation != view_serving_generation(v)) {
        *why = "the view was never served";
        rc = -EINVAL;
    }
    if (!rc)
        rc = first_hold(v);
    if (rc) {
        close_env(v);
        return rc;
    }
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    v->reserved_bytes = (info.me_last_pgno + 1) * v->page_bytes;
    *why = "";
    return 0;
}

int view_build_begin(struct view_owner *v, int *fd)
{
    close_env(v);
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

static int reserve(struct view_owner *v, int fd, uint64_t bytes)
{
    if (bytes > v->map_bytes)
        bytes = v->map_bytes;
    if (bytes <= v->reserved_bytes)
        return 0;
    int rc = disk_fallocate(v->disk, fd, v->reserved_bytes, bytes - v->reserved_bytes);
    if (rc && rc != -EOPNOTSUPP) /* a file system that cannot reserve has to be trusted */
        return rc;
    v->reserved_bytes = bytes;
    return 0;
}

int view_build_reserve(struct view_owner *v, uint64_t bytes)
{
    if (bytes > v->map_bytes)
        return -ENOSPC;
    return reserve(v, v->build_fd, bytes);
}

static uint64_t count_free_pages(struct view_owner *);

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
    int rc = open_env(v, v->build_path, MDB_NOLOCK);
    if (rc)
        return rc;
    if (!pages) {
        /* Truncating gave the memory back. */
        v->reserved_bytes = 0;
        rc = reserve(v, v->build_fd, RESERVE_STEP);
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
        rc = reserve(v, v->build_fd, bytes + RESERVE_STEP);
        /* A store that has filled the memory that is there must be able to start in no more. */
        if (rc == -ENOSPC)
            rc = reserve(v, v->build_fd, bytes);
        if (rc == -ENOSPC && count_free_pages(v) >= PAGES_PER_TXN)
            rc = 0;
    }
    if (!rc)
        rc = open_databases(v, state, NULL);
    mdb_env_close(v->env);
    v->env = NULL;
    disk_close(v->disk, v->build_fd);
    v->build_fd = -1;
    if (!rc)
        rc = disk_rename(v->disk, v->build_path, v->path);
    if (!rc)
        rc = open_env(v, v->path, 0);
    struct view_state written;
    if (!rc)
        rc = open_databases(v, NULL, &written);
    if (!rc)
        rc = first_hold(v);
    v->waited = true; /* no reader has ever seen this view */
    if (rc)
        close_env(v);
    return rc;
}

void view_serve(struct view_owner *v, const struct view_state *state)
{
    memcpy(v->gen_page + 16, state->uuid, UUID_BYTES);
    atomic_store(generation_word(v), state->generation);
}

/* Moves the row of held transactions on, at walkvd's end of [view-grace]. */
static int rotate_holds(struct view_owner *v, uint64_t now)
{
    MDB_txn *spare = NULL;
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

/* Counts the pages that a transaction may reuse now: those freed before the oldest held transaction, or
 * before the last one. */
static uint64_t count_free_pages(struct view_owner *v)
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
        int rc = reserve(v, fd, (want + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP);
        if (rc == -ENOSPC && !adds) /* the last pages are less than a step */
            rc = reserve(v, fd, want);
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
    if (v->free_pages + p.free_pages < want && now - v->free_counted_ns >= v->grace_ns / HOLDS_PER_GRACE) {
        rotate_holds(v, now);
        v->free_pages = count_free_pages(v);
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
    while ((rc = view_make_room(v, ops, bytes, run_pages, false)) == -ENOSPC &&
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

int view_begin(struct view_owner *v, MDB_txn **txn)
{
    uint64_t now = clock_monotonic_ns();
    if (!v->waited) {
        uint64_t until = v->attached_ns + v->grace_ns;
        struct timespec t = {(time_t)(until / NS_PER_S), (long)(until % NS_PER_S)};
        while (now < until) {
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
            now = clock_monotonic_ns();
        }
        v->waited = true;
    }
    /* One that begins once more has what it had at first. */
    v->free_pages += v->promised.free_pages - v->base.free_pages;
    v->promised = v->base;
    int rc = rotate_holds(v, now);
    if (!rc)
        rc = view_errno(mdb_txn_begin(v->env, NULL, 0, &v->txn));
    *txn = v->txn;
    return rc;
}

int view_commit(struct view_owner *v)
{
    MDB_txn *txn = v->txn;
    v->txn = NULL;
    return view_errno(mdb_txn_commit(txn));
}

void view_abort(struct view_owner *v)
{
    if (v->txn)
        mdb_txn_abort(v->txn);
    v->txn = NULL;
}

int view_begin_read(struct view_owner *v, MDB_txn **txn)
{
    return view_errno(mdb_txn_begin(v->env, NULL, MDB_RDONLY, txn));
}

const struct view_handles *view_handles(const struct view_owner *v)
{
    return &v->handles;
}

int view_hold(struct view_owner *v)
{
    must(!v->snapshot_hold);
    return view_errno(mdb_txn_begin(v->env, NULL, MDB_RDONLY, &v->snapshot_hold));
}

void view_unhold(struct view_owner *v)
{
    if (v->snapshot_hold)
        mdb_txn_abort(v->snapshot_hold);
    v->snapshot_hold = NULL;
}

void view_use(struct view_owner *v, struct view_use *use)
{
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    use->size_bytes = v->size_bytes;
    use->used_bytes = (info.me_last_pgno + 1) * v->page_bytes;
    use->reserved_bytes = v->reserved_bytes;
}
