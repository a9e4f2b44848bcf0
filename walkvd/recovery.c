/* SPDX-License-Identifier: MIT
 * Start and recovery; see recovery.h. The order of the functions is the order of the steps. */
#include "recovery.h"

#include "checkpoint.h"
#include "clock.h"
#include "log.h"
#include "snapshot.h"
#include "uuid.h"
#include "wal_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

struct run {
    struct recovery *recovery;
    struct disk *disk;
    const struct walkvd_config *config;
    const char *data_dir;
    bool brand_new;
    struct wal_log log;

    /* Replay. */
    bool matched; /* the batch at the starting LSN is the one that the view or snapshot knows */
    uint64_t start_lsn;
    uint64_t start_checksum;
    uint64_t began_ns;
    uint64_t told_ns;
};

static uint64_t ms_since(uint64_t began_ns)
{
    return (clock_monotonic_ns() - began_ns) / NS_PER_MS;
}

static void path_in(const struct run *run, char *out, size_t room, const char *name)
{
    if ((size_t)snprintf(out, room, "%s/%s", run->data_dir, name) >= room)
        fatal(EX_CONFIG, "data_dir: %s is too long", run->data_dir);
}

static int status_of(int error)
{
    return error == EACCES || error == EPERM || error == ENOENT || error == ENOTDIR || error == EROFS
               ? EX_CONFIG
               : EX_IOERR;
}

/* 1. The data directory is ours alone. */
static void lock_data_dir(struct run *run)
{
    int rc = run->disk->calls->mkdir(run->disk, run->data_dir, 0700);
    if (rc && rc != -EEXIST)
        fatal(status_of(-rc), "data directory %s cannot be made: %s", run->data_dir, strerror(-rc));
    char path[4096];
    path_in(run, path, sizeof path, "lock");
    int fd = run->disk->calls->open(run->disk, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0)
        fatal(status_of(-fd), "data directory %s cannot be used: %s: %s", run->data_dir, path, strerror(-fd));
    if (disk_lock(fd))
        fatal(EX_UNAVAILABLE, "another walkvd is running on data directory %s", run->data_dir);
    run->recovery->lock_fd = fd;
}

static bool holds_files(struct run *run, const char *name)
{
    char path[4096];
    path_in(run, path, sizeof path, name);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    struct dirent *entry;
    bool found = false;
    while ((entry = readdir(dir))) {
        size_t bytes = strlen(entry->d_name);
        bool tmp = bytes > 4 && strcmp(entry->d_name + bytes - 4, ".tmp") == 0;
        found = found || (entry->d_name[0] != '.' && !tmp);
    }
    closedir(dir);
    return found;
}

static void create_store(struct run *run)
{
    static const char *const dirs[] = {"wal", "snapshots"};
    int rc = 0;
    for (unsigned i = 0; i < 2 && !rc; i++) {
        char path[4096];
        path_in(run, path, sizeof path, dirs[i]);
        rc = run->disk->calls->mkdir(run->disk, path, 0700);
        if (rc == -EEXIST)
            rc = 0;
    }
    struct control *control = &run->recovery->control;
    *control = (struct control){0};
    if (!rc && getrandom(control->uuid, UUID_BYTES, 0) != UUID_BYTES)
        rc = -errno;
    control->uuid[6] = (uint8_t)((control->uuid[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    control->uuid[8] = (uint8_t)((control->uuid[8] & 0x3f) | 0x80);
    if (!rc)
        rc = control_write(run->disk, run->data_dir, control);
    if (rc)
        fatal(status_of(-rc), "a new store in %s cannot be made: %s", run->data_dir, strerror(-rc));
    char text[UUID_TEXT_BYTES];
    uuid_format(text, control->uuid);
    log_info("new store %s in %s", text, run->data_dir);
    run->brand_new = true;
}

/* 2. Whose store it is, and what was durable when the control file was written. */
static void read_control(struct run *run)
{
    struct control *control = &run->recovery->control;
    int error;
    char text[UUID_TEXT_BYTES];
    switch (control_read(run->disk, run->data_dir, control, &error)) {
    case CONTROL_VALID:
        uuid_format(text, control->uuid);
        log_info("store %s in %s, %s at LSN %" PRIu64, text, run->data_dir,
                 control->clean ? "stopped cleanly" : "not stopped cleanly, known durable",
                 control->last_lsn);
        break;
    case CONTROL_ABSENT:
        if (holds_files(run, "wal") || holds_files(run, "snapshots"))
            fatal(EX_DATAERR, "%s/control is missing, but there is data: this store is damaged",
                  run->data_dir);
        create_store(run);
        break;
    case CONTROL_DAMAGED:
        fatal(EX_DATAERR, "%s/control is damaged at offset 0", run->data_dir);
    case CONTROL_NEWER:
        fatal(EX_CONFIG, "%s/control was written by a newer walkv; this one reads format version %u",
              run->data_dir, CONTROL_VERSION);
    case CONTROL_UNREADABLE:
        fatal(status_of(error), "%s/control cannot be read: %s", run->data_dir, strerror(error));
    }
    int rc = wal_log_list(run->data_dir, &run->log);
    if (rc)
        fatal(rc == -ENOENT ? EX_DATAERR : status_of(-rc), "%s/wal cannot be read: %s", run->data_dir,
              strerror(-rc));
    if (run->log.strangers)
        log_warning("%zu files in %s/wal are not walkv's and are left alone", run->log.strangers,
                    run->data_dir);
    if (control->segment_lsn && !run->log.count)
        fatal(EX_DATAERR, "the log is missing: %s/wal is empty, but LSN %" PRIu64 " was durable",
              run->data_dir, control->last_lsn);
}

static void open_view(struct run *run)
{
    struct view_options options = {run->config->view_path, run->config->view_size,
                                   run->config->view_grace_ns};
    int rc = view_open(&run->recovery->view, run->disk, &options);
    if (rc == -EBUSY)
        fatal(EX_UNAVAILABLE, "another walkvd is running on view %s", options.path);
    if (rc == -EPERM)
        fatal(EX_CONFIG, "view %s cannot be used: something of another user is in the way", options.path);
    if (rc)
        fatal(rc == -ENOENT || rc == -EACCES ? EX_CONFIG : EX_OSERR, "view %s cannot be made: %s",
              options.path, strerror(-rc));
}

/* What is accepted now may be in memory only: it must be on disk before any reader sees it. */
static void sync_log_end(struct run *run)
{
    if (!run->log.count)
        return;
    char path[4096];
    if (!wal_log_path(path, sizeof path, run->data_dir, run->log.first_lsns[run->log.count - 1]))
        fatal(EX_CONFIG, "data_dir is too long");
    int fd = run->disk->calls->open(run->disk, path, O_RDONLY | O_NOFOLLOW, 0);
    int rc = fd < 0 ? fd : run->disk->calls->fdatasync(run->disk, fd);
    if (rc)
        fatal(EX_IOERR, "%s cannot be synced: %s", path, strerror(-rc));
    run->disk->calls->close(run->disk, fd);
}

struct load {
    struct run *run;
    int fd;
    uint64_t total_bytes;
};

static int take_pages(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    struct load *load = arg;
    struct run *run = load->run;
    if (!data) {
        load->total_bytes = bytes;
        run->began_ns = run->told_ns = clock_monotonic_ns();
        return view_build_reserve(run->recovery->view, bytes);
    }
    if (clock_monotonic_ns() - run->told_ns > NS_PER_S) {
        run->told_ns = clock_monotonic_ns();
        log_info("loading snapshot: %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 " MiB per second", offset >> 20,
                 load->total_bytes >> 20, (offset >> 20) * 1000 / ms_since(run->began_ns));
    }
    return disk_write(run->disk, load->fd, data, bytes, offset);
}

/* Loads one snapshot into a new view. True when it is valid; what is wrong with it is logged. */
static bool load_snapshot(struct run *run, uint64_t lsn, struct view_state *state)
{
    struct recovery *r = run->recovery;
    char path[4096];
    if (!snapshot_path(path, sizeof path, run->data_dir, lsn))
        return false;
    uint64_t began = clock_monotonic_ns();
    struct load load = {.run = run};
    int rc = view_build_begin(r->view, &load.fd);
    if (rc)
        fatal(EX_OSERR, "a view cannot be built at %s: %s", run->config->view_path, strerror(-rc));
    struct snapshot_header header;
    struct snapshot_finding finding;
    int verdict = snapshot_read(run->disk, path, r->control.uuid, take_pages, &load, &header, &finding);
    if (verdict < 0)
        fatal(EX_OSERR, "the snapshot does not fit into the view: %s (view_size, or the size of /dev/shm)",
              strerror(finding.error));
    if (verdict == SNAPSHOT_NEWER)
        fatal(EX_CONFIG, "%s %s", path, finding.sentence);
    if (verdict == SNAPSHOT_UNREADABLE)
        log_error("%s %s", path, finding.sentence);
    else if (verdict != SNAPSHOT_VALID)
        log_error("%s is not usable: %s at offset %" PRIu64, path, finding.sentence, finding.offset);
    else if (header.lsn != lsn)
        log_error("%s is not usable: it is the snapshot of LSN %" PRIu64 ", under a wrong name", path,
                  header.lsn);
    else if ((rc = view_build_finish(r->view, r->control.uuid, state)) != 0)
        fatal(EX_OSERR, "the view cannot be built at %s: %s", run->config->view_path, strerror(-rc));
    else if (state->applied_lsn != header.lsn || state->applied_checksum != header.batch_checksum)
        log_error("%s is not usable: its pages are of LSN %" PRIu64, path, state->applied_lsn);
    else {
        log_info("loaded state from ROM: snapshot of LSN %" PRIu64 ", %" PRIu64 " keys, %" PRIu64
                 " queues, %" PRIu64 " items in %" PRIu64 " ms",
                 header.lsn, header.keys, header.queues, header.items, ms_since(began));
        return true;
    }
    return false;
}

/* 3b. Cold: the newest snapshot that is valid, or an empty view. */
static void load_cold(struct run *run, struct view_state *state)
{
    struct recovery *r = run->recovery;
    struct snapshot_list list;
    int rc = snapshot_list(run->data_dir, &list);
    if (rc)
        fatal(rc == -ENOENT ? EX_DATAERR : status_of(-rc), "%s/snapshots cannot be read: %s", run->data_dir,
              strerror(-rc));
    bool loaded = false;
    uint64_t newest = list.count ? list.lsns[list.count - 1] : 0;
    if (r->control.snapshot_lsn > newest)
        log_error("snapshot of LSN %" PRIu64 " is missing", r->control.snapshot_lsn);
    for (size_t i = list.count; i-- > 0 && !loaded;)
        loaded = load_snapshot(run, list.lsns[i], state);
    snapshot_list_free(&list);
    if (!loaded) {
        int fd;
        rc = view_build_begin(r->view, &fd);
        if (!rc)
            rc = view_build_finish(r->view, r->control.uuid, state);
        if (rc)
            fatal(EX_OSERR, "a view cannot be built at %s: %s", run->config->view_path, strerror(-rc));
    }
    r->start_kind = run->brand_new ? "new" : "cold";
}

/* 4. Replay: what lies in the log behind the state. */
static int replay_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    (void)segment;
    struct run *run = arg;
    struct store *store = &run->recovery->store;
    const struct wal_batch_header *h = &batch->header;
    uint64_t last_lsn = wal_batch_last_lsn(h);
    if (last_lsn <= run->start_lsn) {
        if (last_lsn == run->start_lsn)
            run->matched = h->checksum == run->start_checksum;
        return 0;
    }
    if (!run->matched || h->first_lsn <= run->start_lsn)
        return -ESTALE;
    struct span payload = batch->payload;
    struct record record;
    bool has_records = false;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!record_decode(&payload, &record))
            return -EBADMSG;
        has_records = has_records || record.op != OP_NOOP;
    }
    if (!has_records)
        return 0;
    if (view_make_room(store->view, h->count, h->raw_bytes, h->raw_bytes / 4096 + h->count, false))
        return -ENOSPC;
    int rc = store_begin(store);
    payload = batch->payload;
    for (uint32_t i = 0; i < h->count && !rc; i++) {
        must(record_decode(&payload, &record));
        rc = store_apply(store, &record, h->first_lsn + i);
    }
    if (rc) {
        store_abort(store);
        return rc;
    }
    run->recovery->replayed_ops += h->count;
    uint64_t now = clock_monotonic_ns();
    if (now - run->told_ns > NS_PER_S) {
        run->told_ns = now;
        log_info("WAL recovery: LSN %" PRIu64 ", %" PRIu64 " operations, %" PRIu64 " per second", last_lsn,
                 run->recovery->replayed_ops,
                 run->recovery->replayed_ops * 1000 /
                     (ms_since(run->began_ns) ? ms_since(run->began_ns) : 1));
    }
    return store_commit(store, last_lsn, h->checksum, h->time_ns);
}

static void refuse(struct run *run, const struct wal_finding *f)
{
    /* This start ends in good order: the view is as trustworthy as before. */
    view_mark_recovery(run->recovery->view, false);
    char range[80] = "";
    if (f->last_lsn)
        snprintf(range, sizeof range, " (LSN %" PRIu64 " to %" PRIu64 ")", f->first_lsn, f->last_lsn);
    else if (f->first_lsn)
        snprintf(range, sizeof range, " (from LSN %" PRIu64 " on)", f->first_lsn);
    int status = f->verdict == WAL_NEWER ? EX_CONFIG : f->verdict == WAL_FAILED ? EX_IOERR : EX_DATAERR;
    if (f->verdict == WAL_FAILED && f->error == EBADMSG) {
        status = EX_DATAERR;
        fatal(status, "%s/%s at offset %" PRIu64 ": the log does not fit the state it continues",
              run->data_dir, f->file, f->offset);
    }
    if (f->verdict == WAL_FAILED && f->error == ENOSPC)
        fatal(EX_OSERR, "the view is full: raise view_size, or the size of the file system of %s",
              run->config->view_path);
    fatal(status, "%s: %s/%s at offset %" PRIu64 ": %s%s", wal_verdict_text(f->verdict), run->data_dir,
          f->file, f->offset, f->sentence, range);
}

/* Replays from `state` on. False when the state and the log do not know each other (only for a warm start).
 */
static bool replay(struct run *run, const struct view_state *state, uint64_t durable_lsn,
                   struct wal_log_end *end, struct wal_finding *finding)
{
    struct recovery *r = run->recovery;
    store_init(&r->store, r->view, state);
    run->start_lsn = state->applied_lsn;
    run->start_checksum = state->applied_checksum;
    run->matched = state->applied_lsn == 0;
    run->began_ns = run->told_ns = clock_monotonic_ns();
    r->replayed_ops = 0;
    if (run->log.count && state->applied_lsn + 1 < run->log.first_lsns[0]) {
        /* The log begins after what the state knows. */
        *finding = (struct wal_finding){.verdict = WAL_MISSING,
                                        .first_lsn = state->applied_lsn + 1,
                                        .last_lsn = run->log.first_lsns[0] - 1};
        snprintf(finding->file, sizeof finding->file, "wal");
        snprintf(finding->sentence, sizeof finding->sentence,
                 "the newest usable state ends at LSN %" PRIu64 ", and the log begins only at LSN %" PRIu64,
                 state->applied_lsn, run->log.first_lsns[0]);
        return true;
    }
    const struct wal_visitor visitor = {.batch = replay_batch, .arg = run};
    /* From the batch of the starting LSN on, to compare it. */
    uint64_t from = state->applied_lsn ? state->applied_lsn - 1 : 0;
    wal_log_read(run->disk, run->data_dir, &run->log, r->control.uuid, from, durable_lsn,
                 r->control.segment_lsn, &visitor, end, finding);
    if (finding->verdict == WAL_FAILED && finding->error == ESTALE)
        return false;
    return run->matched || (finding->verdict != WAL_CLEAN && finding->verdict != WAL_TORN);
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
static void begin_segment(struct run *run, const struct wal_log_end *end, uint64_t torn_bytes)
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
        fatal(status_of(-rc), "a new log segment in %s cannot be made: %s", run->data_dir, strerror(-rc));
    if (!end->link.first_lsn)
        return;
    char path[4096];
    must(wal_log_path(path, sizeof path, run->data_dir, end->link.first_lsn));
    int fd = run->disk->calls->open(run->disk, path, O_WRONLY | O_NOFOLLOW, 0);
    if (fd >= 0) {
        rc = run->disk->calls->ftruncate(run->disk, fd, end->offset);
        if (!rc && torn_bytes)
            rc = run->disk->calls->fdatasync(run->disk, fd);
        run->disk->calls->close(run->disk, fd);
    }
    if (torn_bytes)
        log_warning("torn tail: %" PRIu64 " bytes of an unacknowledged batch cut from %s at offset %" PRIu64,
                    torn_bytes, path, end->offset);
}

void recovery_run(struct recovery *r, struct disk *disk, const struct walkvd_config *config)
{
    *r = (struct recovery){.lock_fd = -1};
    struct run run = {.recovery = r, .disk = disk, .config = config, .data_dir = config->data_dir};
    uint64_t began = clock_monotonic_ns();
    lock_data_dir(&run);
    read_control(&run);
    open_view(&run);
    sync_log_end(&run);

    /* 3a. Warm: the view that is there, if nothing about it is in doubt. */
    bool died_before = view_mark_recovery(r->view, true);
    struct view_state state;
    const char *why;
    bool warm = view_attach(r->view, r->control.uuid, &state, &why) == 0;
    uint64_t durable = r->control.last_lsn;
    if (warm && state.applied_lsn > durable)
        durable = state.applied_lsn; /* it was published, so it was durable */
    if (warm && config->cold_start)
        why = "asked for with --cold-start";
    else if (warm && died_before)
        why = "the start before this one died in recovery";
    if (warm && *why) {
        warm = false;
        view_detach(r->view);
    }

    struct wal_log_end end;
    struct wal_finding finding;
    if (warm) {
        log_info("warm start: view of LSN %" PRIu64 " attached, %" PRIu64 " keys, %" PRIu64
                 " queues; starting WAL recovery",
                 state.applied_lsn, state.keys, state.queues);
        r->start_kind = "warm";
        if (!replay(&run, &state, durable, &end, &finding)) {
            why = "the view does not belong to this log";
            warm = false;
            durable = r->control.last_lsn;
            view_detach(r->view);
        }
    }
    if (!warm) {
        if (!run.brand_new)
            log_info("cold start: %s", why);
        load_cold(&run, &state);
        log_info("starting WAL recovery behind LSN %" PRIu64, state.applied_lsn);
        if (!replay(&run, &state, durable > state.applied_lsn ? durable : state.applied_lsn, &end, &finding))
            fatal(EX_DATAERR, "the snapshot of LSN %" PRIu64 " and the log in %s/wal do not belong together",
                  state.applied_lsn, run.data_dir);
    }
    if (finding.verdict != WAL_CLEAN && finding.verdict != WAL_TORN)
        refuse(&run, &finding);
    say_recovered(&run, &end);
    r->torn_bytes = finding.torn_bytes;
    begin_segment(&run, &end, finding.torn_bytes);
    checkpoint_sweep(disk, run.data_dir);
    if (!warm) {
        int rc = store_ready(&r->store);
        if (rc)
            fatal(EX_OSERR, "the view cannot be published: %s", strerror(-rc));
    }
    view_mark_recovery(r->view, false);
    r->took_ms = ms_since(began);
    wal_log_free(&run.log);
}

void recovery_close(struct recovery *r)
{
    wal_close(&r->wal);
    view_close(&r->view);
    if (r->lock_fd >= 0)
        close(r->lock_fd);
}
