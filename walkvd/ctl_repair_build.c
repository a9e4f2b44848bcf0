/* SPDX-License-Identifier: MIT
 *
 * walkvctl repair: builds the state that was planned and makes a new store of it, in NEW_DIR.partial, which
 * gets its name when everything in it is durable. Whatever ends it before, there is no NEW_DIR; what it
 * leaves behind has no control file, so that nothing takes it for a store, and the next run replaces it.
 *
 * The new store is another one than the old: it has a UUID of its own, so that no file of the old one can
 * ever be mixed in; and it counts on far behind every LSN and item id that the old one can have given out, so
 * that a version, a Walkv-Lsn or an item id that a client has seen never comes again with another meaning.
 */
#include "ctl_repair.h"
#include "log.h"
#include "memory.h"
#include "replay.h"
#include "snapshot.h"
#include "uuid.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* How far LSNs jump at least; the jump ends at a multiple of it. It is more than the records that one segment
 * can hold, however well they are compressed (1 GiB at 1:255 and 32 bytes each: 8.6e9): with the newest
 * segment gone, nobody knows how far it went. Numbers up to 2^53, which every JSON parser knows exactly, have
 * room for 900,000 repairs. */
#define LSN_STEP UINT64_C(10000000000)

enum { VIEW_BYTES_MIN = 64 * 1024 * 1024 };

struct build {
    const struct repair_plan *plan;
    const char *into;
    char *partial;
    int lock_fd;
    bool owned; /* the partial directory is ours to remove */
    struct view_owner *view;
    struct store store;
    struct ctl_progress progress;
    uint64_t end_lsn; /* of what was applied */
    uint64_t end_checksum;
    bool unfit; /* a batch did not fit the state it continues */
};

static char *path_of(const struct build *b, const char *name)
{
    return memory_printf("%s/%s", b->partial, name);
}

/* Signals that end the process wait until the partial directory is removed; see repair_build(). */
static int interrupted(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP)
               ? -EINTR
               : 0;
}

/* --- the partial directory --- */

static const char *const view_files[] = {"view", "view-lock", "view.gen", "view.new"};

static void remove_view(const struct build *b)
{
    for (size_t i = 0; i < sizeof view_files / sizeof *view_files; i++) {
        char *path = path_of(b, view_files[i]);
        disk_unlink(b->plan->disk, path);
        free(path);
    }
}

static void remove_snapshot(const char *name, void *arg)
{
    const struct build *b = arg;
    uint64_t lsn;
    char path[4096];
    if (snapshot_name_parse(name, &lsn) && snapshot_path(path, sizeof path, b->partial, lsn))
        disk_unlink(b->plan->disk, path);
}

/* Removes what a repair makes, and nothing else, from the control file on. */
static void remove_contents(struct build *b)
{
    struct disk *disk = b->plan->disk;
    static const char *const files[] = {CONTROL_NAME, CONTROL_NAME ".tmp"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = path_of(b, files[i]);
        disk_unlink(disk, path);
        free(path);
    }
    remove_view(b);
    char *wal = path_of(b, "wal"), *snapshots = path_of(b, "snapshots");
    disk_list(disk, snapshots, remove_snapshot, b);
    rmdir(snapshots);
    rmdir(wal);
    free(wal);
    free(snapshots);
}

static void remove_partial(struct build *b)
{
    remove_contents(b);
    char *lock = path_of(b, "lock");
    disk_unlink(b->plan->disk, lock);
    free(lock);
    rmdir(b->partial);
}

static int cannot_make(const char *path, int rc)
{
    fprintf(stderr, "walkvctl: %s cannot be made: %s\n", path, strerror(-rc));
    return repair_status_of(rc, EX_CANTCREAT);
}

struct strangers {
    bool any_name; /* none of a repair's names is expected either */
    char name[NAME_BYTES_MAX];
};

static void note_stranger(const char *name, void *arg)
{
    struct strangers *s = arg;
    static const char *const ours[] = {"lock",       "view",        "view-lock", "view.gen", "view.new",
                                       CONTROL_NAME, "control.tmp", "wal",       "snapshots"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours && !s->any_name; i++) {
        if (strcmp(name, ours[i]) == 0)
            return;
    }
    snprintf(s->name, sizeof s->name, "%s", name);
}

/* Whether what is at the place of the partial directory can only be what a repair has left there: it never
 * has a log. */
static int check_leftover(const struct build *b)
{
    struct stat st;
    if (lstat(b->partial, &st) || !S_ISDIR(st.st_mode))
        return cannot_make(b->partial, -EEXIST);
    struct strangers in_it = {0}, in_log = {.any_name = true};
    char *wal = path_of(b, "wal");
    int rc = disk_list(b->plan->disk, b->partial, note_stranger, &in_it);
    if (!rc)
        rc = disk_list(b->plan->disk, wal, note_stranger, &in_log);
    free(wal);
    if (rc && rc != -ENOENT)
        return cannot_make(b->partial, rc);
    const char *stranger = *in_it.name ? in_it.name : in_log.name;
    if (!*stranger)
        return 0;
    fprintf(stderr, "walkvctl: %s is in the way: it holds %s, which no repair has made\n", b->partial,
            stranger);
    return EX_CANTCREAT;
}

/* Makes the partial directory, or takes over one that a repair has left behind. */
static int make_partial(struct build *b)
{
    struct disk *disk = b->plan->disk;
    int rc = disk_mkdir(disk, b->partial, 0700);
    if (rc && rc != -EEXIST)
        return cannot_make(b->partial, rc);
    int status = rc ? check_leftover(b) : 0;
    if (status)
        return status;
    char *path = path_of(b, "lock");
    b->lock_fd = disk_open(disk, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    free(path);
    rc = b->lock_fd < 0 ? b->lock_fd : disk_lock(disk, b->lock_fd);
    if (rc == -EBUSY) {
        fprintf(stderr, "walkvctl: another repair is writing to %s\n", b->partial);
        return EX_UNAVAILABLE;
    }
    if (rc)
        return cannot_make(b->partial, rc);
    b->owned = true;
    remove_contents(b);
    static const char *const directories[] = {"wal", "snapshots"};
    for (size_t i = 0; i < 2 && !rc; i++) {
        path = path_of(b, directories[i]);
        rc = disk_mkdir(disk, path, 0700);
        free(path);
    }
    return rc ? cannot_make(b->partial, rc) : 0;
}

/* --- the state --- */

static int load_failed(const struct build *b, int rc)
{
    if (rc == -EINTR) {
        fprintf(stderr, "walkvctl: interrupted; %s is removed\n", b->partial);
        return EX_TEMPFAIL;
    }
    fprintf(stderr, "walkvctl: the state cannot be built in %s: %s\n", b->partial, strerror(-rc));
    return repair_status_of(rc, EX_IOERR);
}

static int tell_loaded(uint64_t done_bytes, uint64_t total_bytes, void *arg)
{
    struct build *b = arg;
    ctl_progress(&b->progress, done_bytes >> 20, total_bytes >> 20, "MiB");
    return interrupted();
}

static int load(struct build *b, const uint8_t *uuid, struct view_state *state)
{
    const struct repair_plan *plan = b->plan;
    const struct repair_state *from = plan->best;
    ctl_progress_begin(&b->progress, plan->ctl, "loading the snapshot");
    if (!from->lsn) {
        int rc = replay_load_nothing(b->view, uuid, state);
        return rc ? load_failed(b, rc) : 0;
    }
    char path[4096];
    must(snapshot_path(path, sizeof path, plan->data_dir, from->name));
    struct snapshot_header header;
    struct snapshot_finding finding;
    int rc = replay_load(b->view, plan->disk, path, from->lsn, plan->uuid, uuid, tell_loaded, b, state,
                         &header, &finding);
    ctl_progress_end(&b->progress);
    if (rc)
        return load_failed(b, rc);
    if (finding.verdict == SNAPSHOT_VALID)
        return 0;
    fprintf(stderr, "walkvctl: %s is not usable: %s\n", path, finding.sentence);
    return finding.verdict == SNAPSHOT_UNREADABLE ? repair_status_of(-finding.error, EX_IOERR) : EX_DATAERR;
}

static int replay_batch(const struct wal_segment *segment, const struct wal_batch *batch,
                        const struct wal_link *before, void *arg)
{
    (void)segment;
    struct build *b = arg;
    if (before->last_lsn != b->end_lsn || before->checksum != b->end_checksum)
        return 0;
    int rc = replay_apply(&b->store, batch);
    b->unfit = rc == -EBADMSG;
    if (rc < 0)
        return rc;
    b->end_lsn = wal_batch_last_lsn(&batch->header);
    b->end_checksum = batch->header.checksum;
    ctl_progress(&b->progress, b->end_lsn, b->plan->best->end_lsn, "LSN");
    return interrupted();
}

static int replay(struct build *b)
{
    const struct repair_plan *plan = b->plan;
    const struct repair_state *from = plan->best;
    const struct wal_salvage_visitor visitor = {.batch = replay_batch, .arg = b};
    struct wal_salvage_end end;
    b->end_lsn = from->lsn;
    b->end_checksum = from->checksum;
    ctl_progress_begin(&b->progress, plan->ctl, "replaying the log");
    enum wal_verdict verdict = wal_salvage(plan->disk, plan->data_dir, &plan->log, plan->uuid,
                                           plan->known_lsn, plan->control.segment_lsn, &visitor, &end);
    ctl_progress_end(&b->progress);
    if (b->unfit)
        fprintf(stderr,
                "walkvctl: the batch behind LSN %" PRIu64 " at offset %" PRIu64
                " of %s does not fit the state that it continues. This is a bug of walkv\nor a forged file; "
                "nothing was made.\n",
                b->end_lsn, end.failure.offset, end.failure.file);
    if (b->unfit)
        return EX_DATAERR;
    if (verdict == WAL_FAILED)
        return load_failed(b, -end.failure.error);
    if (b->end_lsn == from->end_lsn)
        return 0;
    fprintf(stderr, "walkvctl: %s has changed meanwhile\n", plan->data_dir);
    return EX_DATAERR;
}

/* Moves the state on, so that nothing that was given out can be given out again, and finishes the view. */
static int count_on(struct build *b, struct repair_result *result)
{
    struct store *s = &b->store;
    result->lsn = (b->plan->highest_lsn / LSN_STEP + 2) * LSN_STEP;
    /* There is no batch with this LSN; the first segment's link proves by this number that it belongs here.
     */
    uint64_t checksum;
    must(getrandom(&checksum, sizeof checksum, 0) == sizeof checksum);
    /* The pages of the queues are copied, each once. */
    struct view_use use;
    view_use(b->view, &use);
    uint64_t queue_bytes = 2 * s->published.queues * (NAME_BYTES_MAX + 64);
    int rc =
        view_make_room(b->view, 0, queue_bytes < use.used_bytes ? queue_bytes : use.used_bytes, 0, false);
    if (!rc)
        rc = store_begin(s);
    if (rc)
        return load_failed(b, rc);
    rc = store_skip_items(s, result->lsn - b->end_lsn);
    if (rc)
        store_abort(s);
    else
        rc = store_commit(s, result->lsn, checksum, 0, s->published.applied_time_ns);
    if (!rc)
        rc = store_ready(s);
    result->keys = s->published.keys;
    result->queues = s->published.queues;
    result->items = s->published.items;
    return rc ? load_failed(b, rc) : 0;
}

static int build_state(struct build *b, struct repair_result *result)
{
    const struct repair_state *from = b->plan->best;
    char *path = path_of(b, "view");
    /* Sparse: what is used of it is taken from the disk as it is needed. Small records in half empty pages,
     * or values just too long for one, are at worst four times as large there. */
    struct view_options options = {
        .path = path,
        .size_bytes =
            VIEW_BYTES_MIN + 2 * (from->bytes + 4 * from->replay_bytes + 64 * 4096 * from->batch_pages_max),
    };
    int rc = view_open(&b->view, b->plan->disk, &options);
    free(path);
    if (rc)
        return load_failed(b, rc);
    struct view_state state;
    int status = load(b, result->uuid, &state);
    if (!status) {
        store_init(&b->store, b->view, &state, 0);
        status = replay(b);
    }
    if (!status)
        status = count_on(b, result);
    store_free(&b->store);
    view_close(&b->view);
    return status;
}

/* --- the store --- */

static int write_snapshot(struct build *b, const struct repair_result *result)
{
    char *view = path_of(b, "view"), path[4096], sentence[256];
    if (!b->plan->ctl->quiet)
        fputs("writing the new snapshot and reading it back\n", stderr);
    must(snapshot_path(path, sizeof path, b->partial, result->lsn));
    struct view_reader *reader = view_reader_new(view, result->uuid, UINT64_MAX);
    struct snapshot_header header = {0};
    uint64_t bytes;
    int rc = snapshot_make(b->plan->disk, reader, path, &header, &bytes, sentence, sizeof sentence);
    view_reader_free(&reader);
    free(view);
    if (rc) {
        fprintf(stderr, "walkvctl: %s: %s\n", path, sentence);
        return repair_status_of(rc, EX_IOERR);
    }
    must(header.lsn == result->lsn && header.keys == result->keys && header.items == result->items);
    return 0;
}

static int sync_all(struct build *b)
{
    static const char *const directories[] = {"wal", "snapshots", "."};
    int rc = 0;
    for (size_t i = 0; i < 3 && !rc; i++) {
        char *path = path_of(b, directories[i]);
        rc = disk_sync_dir(b->plan->disk, path);
        free(path);
    }
    return rc;
}

/* The control file says that this is a store, so it comes last; then the name, with everything behind it
 * durable. */
static int finish(struct build *b, const struct repair_result *result)
{
    struct disk *disk = b->plan->disk;
    struct control control = {.clean = true,
                              .last_lsn = result->lsn,
                              .snapshot_lsn = result->lsn,
                              .older_snapshot_lsn = result->lsn};
    memcpy(control.uuid, result->uuid, UUID_BYTES);
    char *parent = memory_printf("%s/..", b->into);
    int rc = sync_all(b);
    if (!rc)
        rc = control_write(disk, b->partial, &control);
    if (!rc)
        rc = disk_rename(disk, b->partial, b->into);
    if (!rc && (rc = disk_sync_dir(disk, parent)) != 0)
        disk_rename(disk, b->into, b->partial);
    free(parent);
    return rc ? cannot_make(b->into, rc) : 0;
}

int repair_build(const struct repair_plan *plan, const char *into, struct repair_result *result)
{
    struct build b = {.plan = plan, .into = into, .lock_fd = -1};
    b.partial = memory_printf("%s.partial", into);
    *result = (struct repair_result){0};
    if (plan->highest_lsn > UINT64_MAX / 2) {
        fprintf(stderr, "walkvctl: LSN %" PRIu64 " of a file in %s is no number to count on from\n",
                plan->highest_lsn, plan->data_dir);
        free(b.partial);
        return EX_DATAERR;
    }
    must(uuid_random(result->uuid) == 0);

    sigset_t deadly, before;
    sigemptyset(&deadly);
    sigaddset(&deadly, SIGINT);
    sigaddset(&deadly, SIGTERM);
    sigaddset(&deadly, SIGHUP);
    sigprocmask(SIG_BLOCK, &deadly, &before);
    int status = make_partial(&b);
    if (!status)
        status = build_state(&b, result);
    if (!status)
        status = write_snapshot(&b, result);
    if (!status) {
        remove_view(&b);
        status = finish(&b, result);
    }
    if (status && b.owned)
        remove_partial(&b);
    if (b.lock_fd >= 0)
        disk_close(plan->disk, b.lock_fd);
    free(b.partial);
    sigprocmask(SIG_SETMASK, &before, NULL); /* where a signal that came meanwhile ends the process */
    return status;
}
