/* SPDX-License-Identifier: MIT
 * Start and recovery; see recovery.h. The order of the functions is the order of the steps. */
#include "recovery.h"

#include "checkpoint.h"
#include "clock.h"
#include "log.h"
#include "notify.h"
#include "replay.h"
#include "uuid.h"
#include "wal_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct run {
    struct recovery *recovery;
    struct disk *disk;
    const struct walkvd_config *config;
    const char *data_dir;
    bool brand_new;
    struct wal_log log;
    int snapshot_error; /* errno with which a snapshot could not be read; 0: none */

    /* Replay. */
    struct replay_start start;
    uint64_t began_ns;
    uint64_t told_ns;
};

static uint64_t ms_since(uint64_t began_ns)
{
    return (clock_monotonic_ns() - began_ns) / NS_PER_MS;
}

/* Says why walkvd must not start; the first reason stands. Returns `status`, which the caller returns in
 * turn. */
static int refuse(struct run *run, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(struct run *run, int status, const char *format, ...)
{
    struct refusal *refusal = &run->recovery->refusal;
    if (refusal->status)
        return refusal->status;
    refusal->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->sentence, sizeof refusal->sentence, format, args);
    va_end(args);
    return status;
}

/* The same for what is wrong with the data, with the place and the LSNs. */
static int refuse_data(struct run *run, const struct wal_finding *f)
{
    char range[80] = "";
    if (f->last_lsn)
        snprintf(range, sizeof range, " (LSN %" PRIu64 " to %" PRIu64 ")", f->first_lsn, f->last_lsn);
    else if (f->first_lsn)
        snprintf(range, sizeof range, " (from LSN %" PRIu64 " on)", f->first_lsn);
    run->recovery->refusal.finding = *f;
    int status = f->verdict == WAL_NEWER ? EX_CONFIG : f->verdict == WAL_FAILED ? EX_IOERR : EX_DATAERR;
    return refuse(run, status, "%s: %s/%s at offset %" PRIu64 ": %s%s", wal_verdict_text(f->verdict),
                  run->data_dir, f->file, f->offset, f->sentence, range);
}

/* The same for a file other than a segment, as a whole. */
static int refuse_file(struct run *run, enum wal_verdict verdict, const char *file, uint64_t first_lsn,
                       uint64_t last_lsn, const char *sentence)
{
    struct wal_finding f = {.verdict = verdict, .first_lsn = first_lsn, .last_lsn = last_lsn};
    snprintf(f.file, sizeof f.file, "%s", file);
    snprintf(f.sentence, sizeof f.sentence, "%s", sentence);
    return refuse_data(run, &f);
}

static int status_of(int error)
{
    if (error == ENOMEM)
        return EX_OSERR;
    return error == EACCES || error == EPERM || error == ENOENT || error == ENOTDIR || error == EROFS ||
                   error == ENAMETOOLONG
               ? EX_CONFIG
               : EX_IOERR;
}

/* Makes a name in the directory above `path` durable. */
static int sync_parent(struct disk *disk, const char *path)
{
    char parent[4096];
    if ((size_t)snprintf(parent, sizeof parent, "%s/..", path) >= sizeof parent)
        return -ENAMETOOLONG;
    return disk_sync_dir(disk, parent);
}

/* 1. The data directory is ours alone. */
static int lock_data_dir(struct run *run)
{
    int rc = disk_mkdir(run->disk, run->data_dir, 0700);
    if (!rc)
        rc = sync_parent(run->disk, run->data_dir);
    if (rc && rc != -EEXIST)
        return refuse(run, status_of(-rc), "data directory %s cannot be made: %s", run->data_dir,
                      strerror(-rc));
    char path[4096];
    int fd = (size_t)snprintf(path, sizeof path, "%s/lock", run->data_dir) < sizeof path
                 ? disk_open(run->disk, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600)
                 : -ENAMETOOLONG;
    if (fd < 0)
        return refuse(run, status_of(-fd), "data directory %s cannot be used: %s: %s", run->data_dir, path,
                      strerror(-fd));
    run->recovery->lock_fd = fd;
    rc = disk_lock(run->disk, fd);
    if (rc == -EBUSY)
        return refuse(run, EX_UNAVAILABLE, "another walkvd is running on data directory %s", run->data_dir);
    if (rc)
        return refuse(run, EX_IOERR, "%s cannot be locked: %s", path, strerror(-rc));
    return 0;
}

static void see_file(const char *name, void *arg)
{
    bool *found = arg;
    size_t bytes = strlen(name);
    bool tmp = bytes > 4 && strcmp(name + bytes - 4, ".tmp") == 0;
    *found = *found || (name[0] != '.' && !tmp);
}

/* Whether `name` in the data directory holds files. A directory that is not there holds none. */
static int holds_files(struct run *run, const char *name, bool *found)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", run->data_dir, name) >= sizeof path)
        return -ENAMETOOLONG;
    int rc = disk_list(run->disk, path, see_file, found);
    return rc == -ENOENT ? 0 : rc;
}

static int make_dir(struct run *run, const char *name)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", run->data_dir, name) >= sizeof path)
        return -ENAMETOOLONG;
    int rc = disk_mkdir(run->disk, path, 0700);
    return rc == -EEXIST ? 0 : rc;
}

/* Both directories are durable before the control file says that there is a store. */
static int create_store(struct run *run)
{
    int rc = make_dir(run, "wal");
    if (!rc)
        rc = make_dir(run, "snapshots");
    if (!rc)
        rc = disk_sync_dir(run->disk, run->data_dir);
    struct control *control = &run->recovery->control;
    *control = (struct control){0};
    if (!rc)
        rc = uuid_random(control->uuid);
    if (!rc)
        rc = control_write(run->disk, run->data_dir, control);
    if (rc)
        return refuse(run, status_of(-rc), "a new store in %s cannot be made: %s", run->data_dir,
                      strerror(-rc));
    char text[UUID_TEXT_BYTES];
    uuid_format(text, control->uuid);
    log_info("new store %s in %s", text, run->data_dir);
    run->brand_new = true;
    return 0;
}

/* 2. Whose store it is, and what was durable when the control file was written. */
static int read_control(struct run *run)
{
    struct control *control = &run->recovery->control;
    int error, rc = 0;
    bool data = false;
    char text[UUID_TEXT_BYTES];
    switch (control_read(run->disk, run->data_dir, control, &error)) {
    case CONTROL_VALID:
        uuid_format(text, control->uuid);
        log_info("store %s in %s, %s at LSN %" PRIu64, text, run->data_dir,
                 control->clean ? "stopped cleanly" : "not stopped cleanly, known durable",
                 control->last_lsn);
        break;
    case CONTROL_ABSENT:
        rc = holds_files(run, "wal", &data);
        if (!rc)
            rc = holds_files(run, "snapshots", &data);
        if (rc)
            return refuse(run, status_of(-rc), "data directory %s cannot be read: %s", run->data_dir,
                          strerror(-rc));
        if (data)
            return refuse_file(run, WAL_MISSING, CONTROL_NAME, 0, 0,
                               "the control file is missing, but there is data: this store is damaged");
        return create_store(run);
    case CONTROL_DAMAGED:
        return refuse_file(run, WAL_CORRUPT, CONTROL_NAME, 0, 0, "the control file is damaged");
    case CONTROL_NEWER:
        return refuse_file(run, WAL_NEWER, CONTROL_NAME, 0, 0, "was written by a newer walkv");
    case CONTROL_UNREADABLE:
        return refuse(run, status_of(error), "%s/control cannot be read: %s", run->data_dir, strerror(error));
    }
    return 0;
}

/* Which segments there are. */
static int list_log(struct run *run)
{
    const struct control *control = &run->recovery->control;
    int rc = wal_log_list(run->disk, run->data_dir, &run->log);
    if (rc == -ENOENT)
        return refuse_file(run, WAL_MISSING, "wal", 0, 0, "the directory of the log is missing");
    if (rc)
        return refuse(run, status_of(-rc), "%s/wal cannot be read: %s", run->data_dir, strerror(-rc));
    if (run->log.strangers)
        log_warning("%zu files in %s/wal are not walkv's and are left alone", run->log.strangers,
                    run->data_dir);
    wal_log_trim(&run->log, control->older_snapshot_lsn);
    if (control->segment_lsn && !run->log.count)
        return refuse_file(run, WAL_MISSING, "wal", control->segment_lsn, control->last_lsn,
                           "the log is missing");
    if (run->log.count && run->log.first_lsns[0] > control->older_snapshot_lsn + 1)
        log_error("the log of LSN %" PRIu64 " to %" PRIu64
                  " is missing; this start needs it only if the newest snapshot is damaged",
                  control->older_snapshot_lsn + 1, run->log.first_lsns[0] - 1);
    return 0;
}

static int open_view(struct run *run)
{
    struct view_options options = {run->config->view_path, run->config->view_size,
                                   run->config->view_grace_ns};
    int rc = view_open(&run->recovery->view, run->disk, &options);
    if (rc == -EBUSY)
        return refuse(run, EX_UNAVAILABLE, "another walkvd is running on view %s", options.path);
    if (rc == -EPERM)
        return refuse(run, EX_CONFIG, "view %s cannot be used: something of another user is in the way",
                      options.path);
    if (rc)
        return refuse(run, rc == -ENOENT || rc == -EACCES ? EX_CONFIG : EX_OSERR,
                      "view %s cannot be made: %s", options.path, strerror(-rc));
    return 0;
}

/* What is accepted now may be in memory only: it must be on disk before any reader sees it. */
static int sync_log_end(struct run *run)
{
    if (!run->log.count)
        return 0;
    char path[4096];
    int fd = wal_log_path(path, sizeof path, run->data_dir, run->log.first_lsns[run->log.count - 1])
                 ? disk_open(run->disk, path, O_RDONLY | O_NOFOLLOW, 0)
                 : -ENAMETOOLONG;
    int rc = fd < 0 ? fd : disk_fdatasync(run->disk, fd);
    if (fd >= 0)
        disk_close(run->disk, fd);
    return rc ? refuse(run, EX_IOERR, "%s cannot be synced: %s", path, strerror(-rc)) : 0;
}

static int say_loading(uint64_t done_bytes, uint64_t total_bytes, void *arg)
{
    struct run *run = arg;
    notify_progress("Loading the snapshot: %" PRIu64 " of %" PRIu64 " MiB", done_bytes >> 20,
                    total_bytes >> 20);
    if (clock_monotonic_ns() - run->told_ns > NS_PER_S) {
        run->told_ns = clock_monotonic_ns();
        log_info("loading snapshot: %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 " MiB per second",
                 done_bytes >> 20, total_bytes >> 20, (done_bytes >> 20) * 1000 / ms_since(run->began_ns));
    }
    return 0;
}

/* Loads one snapshot into a new view. `*loaded` says whether it is valid; what is wrong with it is logged.
 * Returns 0, or the status with which walkvd must end. */
static int load_snapshot(struct run *run, uint64_t lsn, struct view_state *state, bool *loaded)
{
    struct recovery *r = run->recovery;
    char path[4096];
    if (!snapshot_path(path, sizeof path, run->data_dir, lsn))
        return refuse(run, EX_CONFIG, "data_dir: %s is too long", run->data_dir);
    run->began_ns = run->told_ns = clock_monotonic_ns();
    struct snapshot_header header;
    struct snapshot_finding finding;
    int rc = replay_load(r->view, run->disk, path, lsn, r->control.uuid, r->control.uuid, say_loading, run,
                         state, &header, &finding);
    if (rc)
        return refuse(run, EX_OSERR, "the snapshot does not fit into view %s: %s (view_size, or room there)",
                      run->config->view_path, strerror(-rc));
    switch (finding.verdict) {
    case SNAPSHOT_VALID:
        log_info("loaded state from ROM: snapshot of LSN %" PRIu64 ", %" PRIu64 " keys, %" PRIu64
                 " queues, %" PRIu64 " items in %" PRIu64 " ms",
                 header.lsn, header.keys, header.queues, header.items, ms_since(run->began_ns));
        *loaded = true;
        break;
    case SNAPSHOT_NEWER:
        return refuse(run, EX_CONFIG, "%s %s", path, finding.sentence);
    case SNAPSHOT_UNREADABLE:
        log_error("%s %s", path, finding.sentence);
        run->snapshot_error = finding.error;
        break;
    default:
        log_error("%s is not usable: %s at offset %" PRIu64, path, finding.sentence, finding.offset);
    }
    return 0;
}

/* 3b. Cold: the newest snapshot that is valid, or an empty view. */
static int load_cold(struct run *run, struct view_state *state)
{
    struct recovery *r = run->recovery;
    struct snapshot_list list;
    int rc = snapshot_list(run->disk, run->data_dir, &list);
    if (rc == -ENOENT)
        return refuse_file(run, WAL_MISSING, "snapshots", 0, 0, "the directory of the snapshots is missing");
    if (rc)
        return refuse(run, status_of(-rc), "%s/snapshots cannot be read: %s", run->data_dir, strerror(-rc));
    bool loaded = false;
    uint64_t newest = list.count ? list.lsns[list.count - 1] : 0;
    if (r->control.snapshot_lsn > newest)
        log_error("snapshot of LSN %" PRIu64 " is missing", r->control.snapshot_lsn);
    int status = 0;
    for (size_t i = list.count; i-- > 0 && !loaded && !status;)
        status = load_snapshot(run, list.lsns[i], state, &loaded);
    snapshot_list_free(&list);
    if (!status && !loaded) {
        rc = replay_load_nothing(r->view, r->control.uuid, state);
        if (rc)
            status = refuse(run, EX_OSERR, "a view cannot be built at %s: %s", run->config->view_path,
                            strerror(-rc));
    }
    r->start_kind = run->brand_new ? "new" : "cold";
    return status;
}

/* 4. Replay: what lies in the log behind the state. */
static int replay_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct run *run = arg;
    int rc = replay_follows(&run->start, segment, batch);
    if (rc == 1)
        rc = replay_apply(&run->recovery->store, batch);
    if (rc <= 0)
        return rc;
    run->recovery->replayed_ops += batch->header.count;
    notify_progress("Replaying the log: LSN %" PRIu64 ", %" PRIu64 " operations",
                    wal_batch_last_lsn(&batch->header), run->recovery->replayed_ops);
    uint64_t now = clock_monotonic_ns();
    if (now - run->told_ns > NS_PER_S) {
        run->told_ns = now;
        log_info("WAL recovery: LSN %" PRIu64 ", %" PRIu64 " operations, %" PRIu64 " per second",
                 wal_batch_last_lsn(&batch->header), run->recovery->replayed_ops,
                 run->recovery->replayed_ops * 1000 /
                     (ms_since(run->began_ns) ? ms_since(run->began_ns) : 1));
    }
    return 0;
}

/* Replays from `state` on. Its last batch is looked for at `known_at` in its segment, or, when that is 0, by
 * reading the segment from the front. `*known` is false when the state and the log do not know each other.
 * Returns 0, or the status with which walkvd must end. */
static int replay(struct run *run, const struct view_state *state, uint64_t known_at, uint64_t durable_lsn,
                  struct wal_log_end *end, bool *known)
{
    struct recovery *r = run->recovery;
    store_free(&r->store); /* of an attempt before */
    store_init(&r->store, r->view, state, run->config->change_history);
    run->start = replay_start_of(state);
    run->began_ns = run->told_ns = clock_monotonic_ns();
    r->replayed_ops = 0;
    *end =
        (struct wal_log_end){.link = {.last_lsn = state->applied_lsn, .checksum = state->applied_checksum}};
    *known = true;
    struct wal_finding finding = {.verdict = WAL_CLEAN};
    /* As walkvctl repair leaves it: a snapshot of all that is known, and a log that will begin behind it. */
    uint64_t log_begins = run->log.count ? run->log.first_lsns[0] : r->control.last_lsn + 1;
    if (state->applied_lsn + 1 < log_begins) {
        if (run->snapshot_error)
            return refuse(run, EX_IOERR,
                          "a snapshot in %s cannot be read: %s, and the log begins only at LSN %" PRIu64,
                          run->data_dir, strerror(run->snapshot_error), log_begins);
        wal_log_read(run->disk, run->data_dir, &run->log, r->control.uuid, UINT64_MAX - 1, 0, 0, NULL, end,
                     &finding);
        if (finding.verdict == WAL_FOREIGN || finding.verdict == WAL_NEWER)
            return refuse_data(run, &finding); /* that is why nothing fits */
        snprintf(finding.sentence, sizeof finding.sentence,
                 "the newest usable state ends at LSN %" PRIu64 ", and the log begins only at LSN %" PRIu64,
                 state->applied_lsn, log_begins);
        return refuse_file(run, WAL_MISSING, "wal", state->applied_lsn + 1, log_begins - 1, finding.sentence);
    }
    if (!run->log.count)
        return 0;
    /* From the batch of the starting LSN on, to compare it. */
    const struct wal_visitor visitor = {
        .batch = replay_batch,
        .arg = run,
        .known_lsn = state->applied_lsn,
        .known_checksum = state->applied_checksum,
        .known_at = known_at,
    };
    uint64_t from = state->applied_lsn ? state->applied_lsn - 1 : 0;
    wal_log_read(run->disk, run->data_dir, &run->log, r->control.uuid, from, durable_lsn,
                 r->control.segment_lsn, &visitor, end, &finding);
    if (finding.verdict == WAL_CLEAN || finding.verdict == WAL_TORN) {
        r->torn_bytes = finding.torn_bytes;
        *known = run->start.matched;
        return 0;
    }
    if (finding.verdict == WAL_FAILED && finding.error == ESTALE) {
        *known = false;
        return 0;
    }
    if (finding.verdict == WAL_FAILED && finding.error == ENOSPC)
        return refuse(run, EX_OSERR,
                      "the view is full: raise view_size, or the size of the file system of %s",
                      run->config->view_path);
    if (finding.verdict == WAL_FAILED && finding.error == ENOMEM)
        return refuse(run, EX_OSERR, "out of memory for the recovery of the log");
    if (finding.verdict == WAL_FAILED && finding.error == EBADMSG) {
        finding.verdict = WAL_CORRUPT;
        snprintf(finding.sentence, sizeof finding.sentence, "the log does not fit the state it continues");
    }
    return refuse_data(run, &finding);
}

static void say_recovered(struct run *run, const struct wal_log_end *end)
{
    const struct view_state *s = &run->recovery->store.published;
    log_info("WAL recovery complete: %" PRIu64 " operations replayed from %" PRIu64 " segments in %" PRIu64
             " ms; LSN %" PRIu64 ", %" PRIu64 " keys, %" PRIu64 " queues, %" PRIu64 " items",
             run->recovery->replayed_ops, end->segments_read, ms_since(run->began_ns), end->link.last_lsn,
             s->keys, s->queues, s->items);
}

/* 5. A new segment behind the end; then, and only then, the old end may be tidied up. */
static int begin_segment(struct run *run, const struct wal_log_end *end)
{
    struct recovery *r = run->recovery;
    struct wal_options options = {
        .segment_bytes = run->config->wal_segment_size,
        .block_bytes = (uint32_t)run->config->wal_block_size,
        .async = run->config->wal_sync == WAL_SYNC_MODE_ASYNC,
        .sync_interval_ns = run->config->wal_sync_interval_ns,
    };
    int rc = wal_open(&r->wal, run->disk, run->data_dir, &r->control, &options, &end->link);
    if (rc)
        return refuse(run, status_of(-rc), "a new log segment in %s cannot be made: %s", run->data_dir,
                      strerror(-rc));
    if (!end->link.first_lsn)
        return 0;
    char path[4096];
    must(wal_log_path(path, sizeof path, run->data_dir, end->link.first_lsn));
    int fd = disk_open(run->disk, path, O_WRONLY | O_NOFOLLOW, 0);
    if (fd >= 0) {
        rc = disk_ftruncate(run->disk, fd, end->offset);
        if (!rc && r->torn_bytes)
            rc = disk_fdatasync(run->disk, fd);
        disk_close(run->disk, fd);
    }
    if (r->torn_bytes)
        log_warning("torn tail: %" PRIu64 " bytes of an unacknowledged batch cut from %s at offset %" PRIu64,
                    r->torn_bytes, path, end->offset);
    return 0;
}

/* The view has what the log has not, and the control file does not know of. In async mode that is what a sync
 * that failed has cost; going on without it is for the operator to decide. */
static void explain_lost_async(struct recovery *r)
{
    size_t used = strlen(r->refusal.sentence);
    snprintf(r->refusal.sentence + used, sizeof r->refusal.sentence - used,
             "; with wal_sync = async a failed sync can have lost it: --cold-start goes on without it");
}

/* 3a. Warm: the view that is there, if nothing about it is in doubt. `*warm` says whether it was; else `*why`
 * says what the doubt is. Returns 0, or the status with which walkvd must end. */
static int try_warm(struct run *run, bool died_before, struct wal_log_end *end, bool *warm, const char **why)
{
    struct recovery *r = run->recovery;
    struct view_state state;
    int rc = view_attach(r->view, r->control.uuid, &state, why);
    *warm = rc == 0;
    if (rc == -ENOMEM)
        return refuse(run, EX_OSERR, "out of memory for the view %s", run->config->view_path);
    if (rc)
        return 0;
    if (run->config->cold_start)
        *why = "asked for with --cold-start";
    else if (died_before)
        *why = "the start before this one died in recovery";
    else if (!run->log.count)
        *why = "the view is of a log that is not there";
    if (!**why) {
        log_info("warm start: view of LSN %" PRIu64 " attached, %" PRIu64 " keys, %" PRIu64
                 " queues; starting WAL recovery",
                 state.applied_lsn, state.keys, state.queues);
        r->start_kind = "warm";
        /* What was published was durable. */
        uint64_t durable = r->control.last_lsn > state.applied_lsn ? r->control.last_lsn : state.applied_lsn;
        int status = replay(run, &state, state.applied_at, durable, end, warm);
        if (status == EX_DATAERR && r->refusal.finding.first_lsn > r->control.last_lsn &&
            run->config->wal_sync == WAL_SYNC_MODE_ASYNC)
            explain_lost_async(r);
        if (status || *warm)
            return status;
        *why = "the view does not belong to this log";
    }
    *warm = false;
    view_detach(r->view);
    return 0;
}

static int start_cold(struct run *run, struct wal_log_end *end)
{
    struct recovery *r = run->recovery;
    struct view_state state;
    int status = load_cold(run, &state);
    if (status)
        return status;
    log_info("starting WAL recovery behind LSN %" PRIu64, state.applied_lsn);
    uint64_t durable = r->control.last_lsn > state.applied_lsn ? r->control.last_lsn : state.applied_lsn;
    bool known;
    status = replay(run, &state, 0, durable, end, &known); /* there is time to look at what stands before */
    if (!status && !known)
        status = refuse(run, EX_DATAERR,
                        "the snapshot of LSN %" PRIu64 " and the log in %s/wal do not belong together",
                        state.applied_lsn, run->data_dir);
    return status;
}

/* Steps 3 to 5, between the two marks in the generation page. */
static int recover(struct run *run)
{
    struct recovery *r = run->recovery;
    bool died_before = view_mark_recovery(r->view, true), warm = false;
    const char *why = "";
    struct wal_log_end end;
    int status = try_warm(run, died_before, &end, &warm, &why);
    if (!status && !warm) {
        if (!run->brand_new)
            log_info("cold start: %s", why);
        status = start_cold(run, &end);
    }
    if (!status) {
        say_recovered(run, &end);
        status = begin_segment(run, &end);
    }
    if (!status) {
        r->warm = warm;
        checkpoint_sweep(run->disk, run->data_dir, &r->control);
        int rc = warm ? 0 : store_ready(&r->store);
        if (rc)
            status = refuse(run, EX_OSERR, "the view cannot be published: %s", strerror(-rc));
    }
    /* Refused or not, this ends in good order: the view is as trustworthy as before. */
    view_mark_recovery(r->view, false);
    return status;
}

int recovery_run(struct recovery *r, struct disk *disk, const struct walkvd_config *config)
{
    *r = (struct recovery){.disk = disk, .lock_fd = -1};
    struct run run = {.recovery = r, .disk = disk, .config = config, .data_dir = config->data_dir};
    uint64_t began = clock_monotonic_ns();
    int status = lock_data_dir(&run);
    if (!status)
        status = read_control(&run);
    if (!status)
        status = list_log(&run);
    if (!status)
        status = open_view(&run);
    if (!status)
        status = sync_log_end(&run);
    if (!status)
        status = recover(&run);
    r->took_ms = ms_since(began);
    wal_log_free(&run.log);
    return status;
}

void recovery_close(struct recovery *r)
{
    wal_close(&r->wal);
    store_free(&r->store);
    view_close(&r->view);
    if (r->lock_fd >= 0)
        disk_close(r->disk, r->lock_fd);
    r->lock_fd = -1;
}
