/* SPDX-License-Identifier: MIT
 * walkvd's event loop; see server.h. */
#include "server_internal.h"

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "socket_listener.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { IDLE_MS = 20 }; /* without writes, before the witness */

static void stop(struct server *s, int status)
{
    s->stopping = true;
    if (!s->exit_status)
        s->exit_status = status;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct peer *p = arg;
    peer_read(p, in_limit(p->server));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* the turn that follows sends */
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct server *s = arg;
    int peer_fd;
    while ((peer_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (s->peer_count >= s->config->max_connections) {
            log_warning("a connection was refused: max_connections is %" PRIu64, s->config->max_connections);
            close(peer_fd);
            continue;
        }
        struct peer *p = peer_new(s, s->base, peer_fd, on_readable, on_writable);
        if (!p) {
            log_warning("a connection was refused: out of memory");
            continue;
        }
        p->next = s->peers;
        if (p->next)
            p->next->previous = p;
        s->peers = p;
        s->peer_count++;
    }
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    (void)what;
    struct server *s = arg;
    log_info("stopping: received %s", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    stop(s, 0);
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct server *s = arg;
    notify_reloading();
    token_table_reload(s->tokens);
    notify_ready();
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    /* The turn that follows looks at everything. */
    (void)fd;
    (void)what;
    (void)arg;
}

/* Returns whether anything was written. */
static bool run_batch(struct server *s, size_t count)
{
    uint64_t operations = s->batch.operations;
    int rc = batch_run(&s->batch, s->items, count);
    if (!rc && s->batch.operations == operations)
        return false;
    s->last_batch_ns = clock_monotonic_ns();
    if (rc) {
        int wal_error = wal_failure(s->recovery->wal);
        log_error(wal_error
                      ? "the log cannot be written: %s; stopping, nothing of this batch was acknowledged"
                      : "the view cannot be written: %s; stopping, nothing of this batch was acknowledged",
                  strerror(wal_error ? wal_error : -rc));
        stop(s, wal_error ? EX_IOERR : EX_OSERR);
    }
    return true;
}

/* Starts a checkpoint of a state that stands behind `lsn`. After a start from an older snapshot, or with
 * nothing written since, the state does not yet. Returns 0 or a negative errno. */
static int start_checkpoint_behind(struct server *s, uint64_t lsn)
{
    int rc = s->recovery->store.published.applied_lsn < lsn ? batch_mark(&s->batch) : 0;
    if (rc && rc != -ENOSPC) {
        log_error("the store cannot be written: %s; stopping", strerror(-rc));
        stop(s, wal_failure(s->recovery->wal) ? EX_IOERR : EX_OSERR);
    }
    return rc ? rc : checkpoint_start(&s->checkpoint, s->batch.operations);
}

/* Starts the checkpoint that a peer asked for, or answers at once. */
static void begin_checkpoint(struct server *s, struct peer *p)
{
    p->wants_checkpoint = false;
    if (s->recovery->store.published.applied_lsn == s->recovery->control.snapshot_lsn) {
        server_reply_checkpoint(p, RESULT_OK, s->recovery->control.snapshot_lsn, "");
        return;
    }
    int rc = s->checkpoint.pid ? 0 : start_checkpoint_behind(s, s->recovery->control.snapshot_lsn);
    if (rc)
        server_reply_checkpoint(p, RESULT_UNAVAILABLE, 0, strerror(-rc));
    else
        p->waits_for_checkpoint = true;
}

static void look_after_checkpoint(struct server *s)
{
    char sentence[256] = "";
    enum checkpoint_outcome outcome = checkpoint_poll(&s->checkpoint, sentence, sizeof sentence);
    if (outcome == CHECKPOINT_FATAL) {
        log_error("checkpoint: %s; stopping", sentence);
        stop(s, EX_IOERR);
    }
    if (outcome != CHECKPOINT_RUNNING) {
        for (struct peer *p = s->peers; p; p = p->next) {
            if (p->waits_for_checkpoint)
                server_reply_checkpoint(p, outcome == CHECKPOINT_DONE ? RESULT_OK : RESULT_UNAVAILABLE,
                                        s->recovery->control.snapshot_lsn, sentence);
        }
    }
    /* One that is running began before these were asked for. */
    if (!s->stopping && !s->checkpoint.pid) {
        for (struct peer *p = s->peers; p; p = p->next) {
            if (p->wants_checkpoint)
                begin_checkpoint(s, p);
        }
    }
    if (!s->stopping && checkpoint_due(&s->checkpoint, s->batch.operations)) {
        int rc = checkpoint_start(&s->checkpoint, s->batch.operations);
        if (rc)
            log_warning("checkpoint: cannot be started, will be tried again: %s", strerror(-rc));
    }
}

/* What is done when no request waits: the witness, the next segment, the items of cleared queues. */
static bool idle_work(struct server *s)
{
    bool more = wal_prepare(s->recovery->wal);
    uint64_t quiet_ms = (clock_monotonic_ns() - s->last_batch_ns) / NS_PER_MS;
    int rc = 0;
    if (quiet_ms >= IDLE_MS)
        rc = wal_witness(s->recovery->wal);
    if (!rc && s->recovery->store.trash) {
        rc = batch_collect(&s->batch);
        more = more || s->recovery->store.trash;
    }
    if (rc) {
        log_error("the store cannot be written: %s; stopping", strerror(-rc));
        stop(s, wal_failure(s->recovery->wal) ? EX_IOERR : EX_OSERR);
    }
    return more;
}

/* Takes what the scrub has found. Damage in front of what a warm start has read costs nothing as long as the
 * view is there: what it has is written down before it is needed. */
static void take_scrub(struct server *s)
{
    struct wal_finding f;
    if (!s->scrub || !wal_scrub_done(s->scrub, &f))
        return;
    wal_scrub_free(&s->scrub);
    if (f.verdict == WAL_CLEAN) {
        log_debug("the log behind the newest snapshot is whole");
    } else if (f.verdict == WAL_FAILED && f.error != EIO) { /* that says nothing of the log */
        log_warning("%s/%s %s: it is not known whether the log behind the newest snapshot is whole",
                    s->config->data_dir, f.file, f.sentence);
    } else {
        log_error("%s: %s/%s at offset %" PRIu64
                  ": %s; nothing is lost, the view has it all: a checkpoint begins that stands behind it",
                  wal_verdict_text(f.verdict), s->config->data_dir, f.file, f.offset, f.sentence);
        s->damaged_lsn = wal_next_lsn(s->recovery->wal) - 1;
    }
}

static void look_after_scrub(struct server *s)
{
    take_scrub(s);
    if (!s->damaged_lsn || s->checkpoint.pid || s->stopping)
        return;
    if (s->recovery->control.snapshot_lsn >= s->damaged_lsn) {
        log_info("no start needs the damaged part of the log any more");
        s->damaged_lsn = 0;
    } else if (checkpoint_may_start(&s->checkpoint)) {
        start_checkpoint_behind(s, s->damaged_lsn); /* or the next time */
    }
}

/* Lets go of what is kept for repeats, when there is something that is old enough and no batch has done it.
 */
static void look_after_requests(struct server *s)
{
    uint64_t now = clock_boottime_ns();
    if (now - s->upkept_ns < HOUSEKEEPING_MS * NS_PER_MS && !s->upkeep_left)
        return;
    s->upkept_ns = now;
    size_t departed = sessions_departed(&s->sessions, now);
    s->upkeep_left = false;
    if (!departed && !requests_due(&s->recovery->store, &s->batch.limits, clock_realtime_ns()))
        return;
    s->batch.departed = s->sessions.departed;
    s->batch.departed_count = departed;
    bool written = run_batch(s, 0);
    sessions_forget_departed(&s->sessions, departed - s->batch.departed_count);
    s->batch.departed_count = 0;
    bool more = departed == SESSIONS_DEPARTED_MAX ||
                requests_due(&s->recovery->store, &s->batch.limits, clock_realtime_ns());
    s->upkeep_left = written && more; /* without room it is tried again only now and then */
}

static void turn(struct server *s)
{
    server_collect(s);
    uint64_t segment = wal_segment_first_lsn(s->recovery->wal);
    if (s->item_count)
        run_batch(s, s->item_count);
    if (s->item_count && s->batch.taken < s->item_count)
        server_give_back(s, s->batch.taken);
    server_reply(s);
    server_tell_watchers(s);
    server_finish_peers(s);
    if (s->item_count) {
        /* Keeps pace with what the log uses: a little of the next segment per batch. */
        wal_prepare(s->recovery->wal);
        if (segment != wal_segment_first_lsn(s->recovery->wal))
            checkpoint_measure(&s->checkpoint);
    }
    look_after_checkpoint(s);
    look_after_scrub(s);
    if (!s->stopping)
        look_after_requests(s);
    server_finish_peers(s);
    if (wal_failure(s->recovery->wal) && !s->stopping) {
        log_error("the log cannot be synced: %s; stopping", strerror(wal_failure(s->recovery->wal)));
        stop(s, EX_IOERR);
    }
}

static void add_session(uint64_t id, void *arg)
{
    sessions_add(arg, id, clock_boottime_ns());
}

/* Those of the run before are away, and may come back. */
static void find_sessions(struct server *s)
{
    int rc = requests_sessions(&s->recovery->store, add_session, &s->sessions);
    if (rc)
        fatal(EX_OSERR, "the view cannot be read: %s", strerror(-rc));
}

static void set_timer(struct event *event, unsigned ms)
{
    struct timeval t = {ms / 1000, (ms % 1000) * 1000};
    if (event_add(event, &t))
        fatal(EX_OSERR, "a timer cannot be set: %s", strerror(errno));
}

/* For `systemctl status`, now and then. */
static void tell_status(struct server *s, uint64_t now_ns)
{
    const struct view_state *state = &s->recovery->store.published;
    if (s->told_status_ns &&
        (now_ns - s->told_status_ns < STATUS_EVERY_NS || state->applied_lsn == s->told_status_lsn))
        return;
    s->told_status_ns = now_ns;
    s->told_status_lsn = state->applied_lsn;
    notify_status("Serving: LSN %" PRIu64 ", %" PRIu64 " keys, %" PRIu64 " queues, %" PRIu64 " items",
                  state->applied_lsn, state->keys, state->queues, state->items);
}

static void loop(struct server *s)
{
    while (!s->stopping) {
        bool idle = !s->more && s->item_count == 0;
        bool more_idle_work = idle && (idle_work(s) || s->upkeep_left);
        if (s->stopping)
            break;
        if (wal_needs_witness(s->recovery->wal) || more_idle_work)
            set_timer(s->idle, more_idle_work ? 1 : IDLE_MS);
        event_base_loop(s->base, EVLOOP_ONCE | (s->more ? EVLOOP_NONBLOCK : 0));
        turn(s);
        uint64_t now_ns = clock_monotonic_ns();
        notify_alive(now_ns);
        tell_status(s, now_ns);
    }
}

static void stop_cleanly(struct server *s)
{
    struct recovery *r = s->recovery;
    checkpoint_cancel(&s->checkpoint);
    event_del(s->accepting);
    unlink(s->config->socket_path);
    if (s->exit_status)
        return;
    take_scrub(s);
    /* A long log would make the next cold start slow, and a damaged one impossible. */
    checkpoint_measure(&s->checkpoint);
    bool is_long =
        s->config->checkpoint_wal_size && s->checkpoint.wal_since_bytes >= s->config->checkpoint_wal_size / 2;
    if ((is_long || s->damaged_lsn) && start_checkpoint_behind(s, s->damaged_lsn) == 0) {
        char sentence[256] = "";
        enum checkpoint_outcome outcome;
        uint64_t before = 0;
        while ((outcome = checkpoint_poll(&s->checkpoint, sentence, sizeof sentence)) == CHECKPOINT_RUNNING) {
            uint64_t bytes = checkpoint_written_bytes(&s->checkpoint);
            if (bytes > before) /* one that does not get on is not waited for without end */
                notify_progress("Stopping: writing a snapshot, %" PRIu64 " MiB", bytes >> 20);
            before = bytes;
            usleep(5000);
        }
        if (outcome == CHECKPOINT_FATAL) {
            log_error("checkpoint: %s", sentence);
            s->exit_status = EX_IOERR;
            return;
        }
    }
    if (s->exit_status)
        return;
    if (r->control.snapshot_lsn < s->damaged_lsn) {
        log_error("the log is damaged, and no checkpoint could be made that stands behind it: only the view "
                  "%s has all "
                  "data; start again without --cold-start and without removing it",
                  s->config->view_path);
        s->exit_status = EX_DATAERR;
    }
    int rc = wal_stop(r->wal);
    if (rc) {
        log_error("the log cannot be closed cleanly: %s", strerror(-rc));
        s->exit_status = EX_IOERR;
        return;
    }
    log_info("stopped cleanly at LSN %" PRIu64, r->control.last_lsn);
}

static struct event *add_event(struct server *s, int fd, short what, event_callback_fn callback)
{
    struct event *e = memory_check(event_new(s->base, fd, what, callback, s), "an event");
    if (what & (EV_READ | EV_SIGNAL) && event_add(e, NULL))
        fatal(EX_OSERR, "an event cannot be waited for: %s", strerror(errno));
    return e;
}

int server_run(struct recovery *r, struct disk *disk, const struct walkvd_config *config,
               struct token_table *tokens)
{
    struct server *s = memory_new(1, sizeof *s, "the server");
    s->recovery = r;
    s->config = config;
    s->tokens = tokens;
    s->started_ns = s->last_batch_ns = clock_monotonic_ns();
    s->items = memory_new(TURN_ITEMS_MAX, sizeof *s->items, "a batch");
    s->replies = memory_new(TURN_ITEMS_MAX, sizeof *s->replies, "the replies to a batch");
    const struct requests_limits limits = {config->idempotency_window_ns, config->idempotency_max_entries};
    batch_init(&s->batch, &r->store, r->wal, &limits);
    find_sessions(s);
    s->checkpoint = (struct checkpoint){
        .disk = disk,
        .data_dir = config->data_dir,
        .view_path = config->view_path,
        .control = &r->control,
        .store = &r->store,
        .wal = r->wal,
        .interval_ops = config->checkpoint_interval,
        .interval_bytes = config->checkpoint_wal_size,
    };
    checkpoint_measure(&s->checkpoint);

    signal(SIGPIPE, SIG_IGN);
    s->base = event_base_new();
    if (!s->base)
        fatal(EX_OSERR, "no event loop: %s", strerror(errno));
    s->listen_fd = socket_listener_open(config->socket_path);
    s->accepting = add_event(s, s->listen_fd, EV_READ | EV_PERSIST, on_accept);
    s->idle = add_event(s, -1, 0, on_wake);
    s->housekeeping = add_event(s, -1, EV_PERSIST, on_wake);
    set_timer(s->housekeeping, HOUSEKEEPING_MS);
    s->terminate[0] = add_event(s, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal);
    s->terminate[1] = add_event(s, SIGINT, EV_SIGNAL | EV_PERSIST, on_signal);
    s->reload = add_event(s, SIGHUP, EV_SIGNAL | EV_PERSIST, on_reload);
    sigset_t hang_up; /* blocked by main() */
    sigemptyset(&hang_up);
    sigaddset(&hang_up, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &hang_up, NULL);
    s->child = add_event(s, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_wake);
    if (wal_alarm_fd(r->wal) >= 0)
        s->alarm = add_event(s, wal_alarm_fd(r->wal), EV_READ, on_wake);

    log_info("ready: %s start in %" PRIu64 " ms, LSN %" PRIu64 ", listening at %s", r->start_kind, r->took_ms,
             r->store.published.applied_lsn, config->socket_path);
    notify_ready();
    if (r->warm)
        s->scrub = wal_scrub_start(disk, config->data_dir, r->control.uuid, r->control.snapshot_lsn);
    loop(s);
    notify_stopping();
    stop_cleanly(s);
    wal_scrub_free(&s->scrub);

    int status = s->exit_status;
    while (s->peers)
        server_drop_peer(s, s->peers);
    struct event *const events[] = {s->accepting,    s->idle,   s->housekeeping, s->terminate[0],
                                    s->terminate[1], s->reload, s->child,        s->alarm};
    for (unsigned i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i])
            event_free(events[i]);
    }
    event_base_free(s->base);
    close(s->listen_fd);
    batch_free(&s->batch);
    sessions_free(&s->sessions);
    free(s->items);
    free(s->replies);
    free(s);
    return status;
}
