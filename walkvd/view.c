/* SPDX-License-Identifier: MIT
 * The writer's end of the read view; the rule [view-grace] is in view.h. */
#include "view_internal.h"

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

enum { READERS_MAX = HOLDS_MAX + 8, SLACK_MIN = 16 * 1024 * 1024 };

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

_Atomic uint64_t *view_generation_word(const struct view_owner *v)
{
    return (_Atomic uint64_t *)(void *)(v->gen_page + 8);
}

uint64_t view_serving_generation(const struct view_owner *v)
{
    return atomic_load(view_generation_word(v));
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
        disk_unlink(v->disk, v->build_path); /* of one that was killed */
    if (!rc)
        rc = map_generation(v);
    if (rc)
        view_close(&v);
    *out = v;
    return rc;
}

void view_detach(struct view_owner *v)
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
    v->building = false;
}

void view_close(struct view_owner **view)
{
    struct view_owner *v = *view;
    if (!v)
        return;
    if (v->building || v->build_fd >= 0)
        disk_unlink(v->disk, v->build_path);
    view_detach(v);
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

int view_open_env(struct view_owner *v, const char *path, unsigned extra_flags)
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

int view_open_databases(struct view_owner *v, const struct view_state *make, struct view_state *found)
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
    if (st.bytes != v->map_bytes) {
        disk_unlink(v->disk, v->path);
        return -EINVAL;
    }
    *why = "the view cannot be opened";
    rc = view_open_env(v, v->path, 0);
    if (rc)
        return rc;
    rc = view_open_databases(v, NULL, state);
    *why = "the view is not whole";
    if (!rc && (!state->ready || state->map_bytes != v->map_bytes))
        rc = -EINVAL;
    if (!rc && memcmp(state->uuid, uuid, UUID_BYTES) != 0) {
        *why = "the view belongs to another store";
        rc = -EINVAL;
    }
    if (!rc && (view_boot_id(v->disk, boot) || memcmp(state->boot_id, boot, UUID_BYTES) != 0)) {
        *why = "the view is from another boot";
        disk_unlink(v->disk, v->path); /* on a disk, its pages may be of any time: nobody is to read them */
        rc = -EINVAL;
    }
    if (!rc && state->generation != view_serving_generation(v)) {
        *why = "the view was never served";
        rc = -EINVAL;
    }
    if (!rc)
        rc = view_first_hold(v);
    if (rc) {
        view_detach(v);
        return rc;
    }
    MDB_envinfo info;
    mdb_env_info(v->env, &info);
    v->reserved_bytes = (info.me_last_pgno + 1) * v->page_bytes;
    *why = "";
    return 0;
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
    int rc = view_rotate_holds(v, now);
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
