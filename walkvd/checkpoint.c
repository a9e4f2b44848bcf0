/* SPDX-License-Identifier: MIT
 * Checkpoints; see checkpoint.h. */
#include "checkpoint.h"

#include "clock.h"
#include "log.h"
#include "snapshot.h"
#include "wal_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RETRY_NS      (10 * NS_PER_S)
#define RETRY_FULL_NS NS_PER_S

extern char **environ;

/* walkv-snapshot stands beside walkvd, or where a package puts what nobody starts by hand. */
static int program_path(char *out, size_t room)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return -errno;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return -ENOENT;
    *slash = '\0';
    if ((size_t)snprintf(out, room, "%s/walkv-snapshot", self) >= room)
        return -ENAMETOOLONG;
    if (access(out, X_OK) && (size_t)snprintf(out, room, "%s/walkv-snapshot", WALKV_LIBEXEC_DIR) >= room)
        return -ENAMETOOLONG;
    return 0;
}

static int spawn(struct checkpoint *c)
{
    char program[PATH_MAX];
    int rc = program_path(program, sizeof program);
    if (rc)
        return rc;
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC))
        return -errno;
    char *const argv[] = {program, (char *)c->view_path, c->tmp_path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    rc = -posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = -posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid;
    if (!rc)
        rc = -posix_spawn(&pid, program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(pipe_fds[1]);
    if (rc) {
        close(pipe_fds[0]);
        return rc;
    }
    c->pid = pid;
    c->pipe_fd = pipe_fds[0];
    return 0;
}

int checkpoint_start(struct checkpoint *c, uint64_t operations)
{
    if (c->pid)
        return -EALREADY;
    if ((size_t)snprintf(c->tmp_path, sizeof c->tmp_path, "%s/snapshots/%d.tmp", c->data_dir,
                         (int)getpid()) >= sizeof c->tmp_path)
        return -ENAMETOOLONG;
    disk_unlink(c->disk, c->tmp_path);
    int rc = view_hold(c->store->view);
    if (!rc) {
        rc = spawn(c);
        if (rc)
            view_unhold(c->store->view);
    }
    if (rc) {
        c->failures++;
        c->retry_ns = clock_monotonic_ns() + RETRY_NS;
        return rc;
    }
    c->started_ns = clock_monotonic_ns();
    c->started_ops = operations;
    log_info("checkpoint: started at LSN %" PRIu64, c->store->published.applied_lsn);
    return 0;
}

bool checkpoint_may_start(const struct checkpoint *c)
{
    return !c->pid && (!c->retry_ns || clock_monotonic_ns() >= c->retry_ns);
}

bool checkpoint_due(struct checkpoint *c, uint64_t operations)
{
    if (!checkpoint_may_start(c))
        return false;
    if (c->store->published.applied_lsn <= c->control->snapshot_lsn)
        return false;
    return (c->interval_ops && operations - c->ops_at_last >= c->interval_ops) ||
           (c->interval_bytes && c->wal_since_bytes >= c->interval_bytes) || wal_is_full(c->wal);
}

/* About what a snapshot of the live data takes at most, while an older one is still there. */
static uint64_t snapshot_bytes_expected(const struct view_state *s)
{
    uint64_t live = s->key_bytes + s->item_bytes + 64 * (s->keys + s->items);
    return live + live / 4 + 1024 * 1024;
}

void checkpoint_measure(struct checkpoint *c)
{
    wal_keep_free(c->wal, snapshot_bytes_expected(&c->store->published));
    struct wal_log log;
    if (wal_log_list(c->disk, c->data_dir, &log))
        return;
    c->wal_segments = log.count;
    c->wal_bytes = c->wal_since_bytes = 0;
    for (size_t i = 0; i < log.count; i++) {
        char path[4096];
        struct disk_stat st;
        if (!wal_log_path(path, sizeof path, c->data_dir, log.first_lsns[i]) ||
            disk_stat_path(c->disk, path, &st))
            continue;
        c->wal_bytes += st.bytes;
        bool behind = i + 1 < log.count && log.first_lsns[i + 1] <= c->control->snapshot_lsn + 1;
        if (!behind && i + 1 < log.count) /* the current one is still filling */
            c->wal_since_bytes += st.bytes;
    }
    wal_log_free(&log);
    struct snapshot_list list;
    if (snapshot_list(c->disk, c->data_dir, &list))
        return;
    c->snapshots = list.count;
    char path[4096];
    struct disk_stat st;
    if (list.count && snapshot_path(path, sizeof path, c->data_dir, list.lsns[list.count - 1]) &&
        disk_stat_path(c->disk, path, &st) == 0) {
        c->snapshot_bytes = st.bytes;
        c->finished_ns = st.modified_ns;
    }
    snapshot_list_free(&list);
}

/* Deletes the snapshots that the control file does not know, but none that is newer, and the segments that
 * end below the log's floor, oldest first. Failing to delete is not a failure. `remove` is disk_unlink where
 * the room is needed at once. */
static void delete_unneeded(struct disk *disk, const char *data_dir, const struct control *control,
                            int (*remove)(struct disk *, const char *path))
{
    char path[4096];
    struct snapshot_list list;
    unsigned removed_snapshots = 0, removed_segments = 0;
    if (snapshot_list(disk, data_dir, &list) == 0) {
        for (size_t i = 0; i < list.count && list.lsns[i] < control->snapshot_lsn; i++) {
            if (list.lsns[i] != control->older_snapshot_lsn &&
                snapshot_path(path, sizeof path, data_dir, list.lsns[i]))
                removed_snapshots += remove(disk, path) == 0;
        }
        snapshot_list_free(&list);
    }
    struct wal_log log;
    if (wal_log_list(disk, data_dir, &log) == 0) {
        for (size_t i = 0; i + 1 < log.count && log.first_lsns[i + 1] <= control->older_snapshot_lsn; i++) {
            if (wal_log_path(path, sizeof path, data_dir, log.first_lsns[i]))
                removed_segments += remove(disk, path) == 0;
        }
        wal_log_free(&log);
    }
    if (removed_snapshots || removed_segments)
        log_debug("checkpoint: deleted %u snapshots and %u log segments", removed_snapshots,
                  removed_segments);
}

int checkpoint_finish(struct checkpoint *c, uint64_t lsn)
{
    char path[4096], dir[4096];
    if (!snapshot_path(path, sizeof path, c->data_dir, lsn) ||
        (size_t)snprintf(dir, sizeof dir, "%s/snapshots", c->data_dir) >= sizeof dir)
        return -ENAMETOOLONG;
    if (lsn < c->control->snapshot_lsn) /* of a state that an older snapshot was loaded for */
        return -ESTALE;
    /* A snapshot must never be ahead of the durable log (in async mode it can be ahead of the last sync). */
    if (lsn > wal_durable_lsn(c->wal)) {
        int rc = wal_witness(c->wal);
        if (rc)
            return rc;
        if (lsn > wal_durable_lsn(c->wal))
            return -EAGAIN;
    }
    int rc = disk_rename(c->disk, c->tmp_path, path);
    if (!rc)
        rc = disk_sync_dir(c->disk, dir);
    if (rc)
        return rc;
    if (lsn != c->control->snapshot_lsn) {
        c->control->older_snapshot_lsn = wal_is_full(c->wal) ? lsn : c->control->snapshot_lsn;
        c->control->snapshot_lsn = lsn;
    }
    c->control->last_lsn = wal_durable_lsn(c->wal);
    rc = control_write(c->disk, c->data_dir, c->control);
    if (rc)
        return rc;
    delete_unneeded(c->disk, c->data_dir, c->control, wal_is_full(c->wal) ? disk_unlink : disk_unlink_later);
    return 0;
}

uint64_t checkpoint_written_bytes(const struct checkpoint *c)
{
    struct disk_stat st;
    return c->pid && disk_stat_path(c->disk, c->tmp_path, &st) == 0 ? st.bytes : 0;
}

enum checkpoint_outcome checkpoint_poll(struct checkpoint *c, char *sentence, size_t room)
{
    int status;
    if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return CHECKPOINT_RUNNING;
    c->pid = 0;
    view_unhold(c->store->view);
    char text[64] = {0};
    ssize_t n = read(c->pipe_fd, text, sizeof text - 1);
    close(c->pipe_fd);
    uint64_t lsn, bytes;
    int rc = 0;
    if (!WIFEXITED(status))
        snprintf(sentence, room, "walkv-snapshot was killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(sentence, room, "walkv-snapshot exited with status %d", WEXITSTATUS(status));
    else if (n <= 0 || sscanf(text, "%" SCNu64 " %" SCNu64, &lsn, &bytes) != 2)
        snprintf(sentence, room, "walkv-snapshot did not say what it wrote");
    else if ((rc = checkpoint_finish(c, lsn)) != 0)
        snprintf(sentence, room, "the snapshot could not be put in place: %s", strerror(-rc));
    else {
        c->ops_at_last = c->started_ops;
        c->retry_ns = 0;
        checkpoint_measure(c);
        log_info("checkpoint: done, LSN %" PRIu64 ", %" PRIu64 " bytes in %" PRIu64 " ms", lsn, bytes,
                 (clock_monotonic_ns() - c->started_ns) / NS_PER_MS);
        return CHECKPOINT_DONE;
    }
    if (rc == -EIO)
        return CHECKPOINT_FATAL;
    disk_unlink(c->disk, c->tmp_path);
    c->failures++;
    c->retry_ns = clock_monotonic_ns() + (wal_is_full(c->wal) ? RETRY_FULL_NS : RETRY_NS);
    log_warning("checkpoint: failed, will be tried again: %s", sentence);
    return CHECKPOINT_FAILED;
}

void checkpoint_cancel(struct checkpoint *c)
{
    if (!c->pid)
        return;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    c->pid = 0;
    close(c->pipe_fd);
    view_unhold(c->store->view);
    disk_unlink(c->disk, c->tmp_path);
}

struct sweep {
    struct disk *disk;
    const char *dir;
};

static void sweep_name(const char *name, void *arg)
{
    const struct sweep *sweep = arg;
    char path[4096];
    size_t bytes = strlen(name);
    if (bytes > 4 && strcmp(name + bytes - 4, ".tmp") == 0 &&
        (size_t)snprintf(path, sizeof path, "%s/%s", sweep->dir, name) < sizeof path)
        disk_unlink(sweep->disk, path);
}

void checkpoint_sweep(struct disk *disk, const char *data_dir, const struct control *control)
{
    char path[4096];
    struct sweep sweep = {disk, path};
    if ((size_t)snprintf(path, sizeof path, "%s/snapshots", data_dir) >= sizeof path)
        return;
    disk_list(disk, path, sweep_name, &sweep);
    delete_unneeded(disk, data_dir, control, disk_unlink);
}
