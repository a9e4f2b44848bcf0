/* SPDX-License-Identifier: MIT
 * walkvd's event loop; see server.h. */
#include "server.h"

#include "batch.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "peer.h"
#include "sessions.h"
#include "socket_listener.h"
#include "status.h"
#include "uuid.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    TURN_ITEMS_MAX = 1024,            /* of one batch */
    TURN_BYTES_MAX = 8 * 1024 * 1024, /* of one batch, but for a single larger request */
    PEER_ITEMS_MAX = 256,             /* of one peer in one turn, so that none starves the others */
    REPLY_BYTES = 4096,               /* room for any reply, but for the value in it */
    IDLE_MS = 20,                     /* without writes, before the witness */
    HOUSEKEEPING_MS = 200,
};

/* What is owed to a peer, in the order in which it asked. */
struct reply {
    struct peer *peer;
    uint32_t id;
    struct batch_item *item; /* NULL: the status */
};

struct server {
    struct recovery *recovery;
    const struct walkvd_config *config;
    struct event_base *base;
    struct event *accepting;
    struct event *idle;
    struct event *housekeeping;
    struct event *terminate[2];
    struct event *child;
    struct event *alarm;
    int listen_fd;

    struct peer *peers;
    uint64_t peer_count;
    uint64_t worker_count;
    struct sessions sessions;
    uint64_t upkept_ns; /* when sessions and idempotency keys were last looked through */

    struct batch batch;
    struct batch_item *items;
    size_t item_count;
    size_t item_bytes;
    struct reply *replies;
    size_t reply_count;

    struct checkpoint checkpoint;
    uint64_t started_ns;
    uint64_t measured_ns; /* when the directories were last looked at for a status */
    bool stopping;
    bool more;      /* frames are left in buffers: the next turn must not wait */
    bool witnessed; /* the last batch has a witness behind it */
    uint64_t last_batch_ns;
    int exit_status;
};

static void stop(struct server *s, int status)
{
    s->stopping = true;
    if (!s->exit_status)
        s->exit_status = status;
}

static size_t in_limit(const struct server *s)
{
    return s->config->connection_bytes_in_flight + FRAME_HEADER_BYTES + 4096;
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

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    /* The turn that follows looks at everything. */
    (void)fd;
    (void)what;
    (void)arg;
}

static void drop_peer(struct server *s, struct peer *p)
{
    if (p->previous)
        p->previous->next = p->next;
    else
        s->peers = p->next;
    if (p->next)
        p->next->previous = p->previous;
    s->peer_count--;
    s->worker_count -= p->greeted && p->role == FRAME_ROLE_WORKER;
    if (p->session)
        sessions_leave(&s->sessions, p, clock_boottime_ns());
    peer_free(&p);
}

static void fill_status(struct server *s, struct status *out)
{
    const struct recovery *r = s->recovery;
    const struct view_state *v = &r->store.published;
    const struct checkpoint *c = &s->checkpoint;
    struct view_use use;
    view_use(r->view, &use);
    /* Looking at the directories for every question would let whoever asks often keep the one thread busy. */
    uint64_t now = clock_monotonic_ns();
    if (now - s->measured_ns >= HOUSEKEEPING_MS * NS_PER_MS) {
        s->measured_ns = now;
        checkpoint_measure(&s->checkpoint);
    }
    *out = (struct status){
        .pid = (uint64_t)getpid(),
        .uptime_ms = (now - s->started_ns) / NS_PER_MS,
        .generation = v->generation,
        .applied_lsn = v->applied_lsn,
        .durable_lsn = wal_durable_lsn(r->wal),
        .checkpoint_lsn = r->control.snapshot_lsn,
        .checkpoint_age_ms = c->finished_ns ? (clock_realtime_ns() - c->finished_ns) / NS_PER_MS : 0,
        .checkpoint_running = c->pid != 0,
        .checkpoint_failures = c->failures,
        .keys = v->keys,
        .key_bytes = v->key_bytes,
        .queues = v->queues,
        .items = v->items,
        .item_bytes = v->item_bytes,
        .idempotency_entries = v->requests,
        .idempotency_evicted = v->requests_evicted,
        .wal_segments = c->wal_segments,
        .wal_bytes = c->wal_bytes,
        .wal_since_checkpoint_bytes = c->wal_since_bytes,
        .wal_since_checkpoint_ops = s->batch.operations - c->ops_at_last,
        .snapshots = c->snapshots,
        .snapshot_bytes = c->snapshot_bytes,
        .view_size_bytes = use.size_bytes,
        .view_used_bytes = use.used_bytes,
        .view_reserved_bytes = use.reserved_bytes,
        .workers = s->worker_count,
        .batches = s->batch.batches,
        .operations = s->batch.operations,
        .syncs = wal_sync_count(r->wal),
        .recovery_ms = r->took_ms,
        .recovery_replayed_ops = r->replayed_ops,
        .recovery_torn_bytes = r->torn_bytes,
    };
    snprintf(out->version, sizeof out->version, "%s", WALKV_VERSION);
    uuid_format(out->store_id, r->control.uuid);
    snprintf(out->wal_sync, sizeof out->wal_sync, "%s", s->config->wal_sync ? "async" : "sync");
    snprintf(out->start_kind, sizeof out->start_kind, "%s", r->start_kind);
    snprintf(out->storage, sizeof out->storage, "%s", s->batch.refusing ? s->batch.refusing : "ok");
}

/* Returns whether the peer's session is in force. */
static bool join_session(struct server *s, struct peer *p, const struct hello *hello)
{
    struct ucred who;
    socklen_t bytes = sizeof who;
    if (!hello->session || getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes))
        return false;
    struct peer *stale;
    p->session = session_id((uint32_t)who.pid, hello->session);
    p->sent_sequence = hello->sent_sequence;
    bool in_force = sessions_join(&s->sessions, p->session, hello, p, clock_boottime_ns(), &stale);
    if (stale)
        stale->broken = true;
    return in_force;
}

static void greet(struct server *s, struct peer *p, const struct frame *frame)
{
    struct hello hello;
    if (p->greeted || frame->type != FRAME_HELLO || !frame_decode_hello(frame->body, &hello)) {
        p->broken = true;
        return;
    }
    if (!peer_reserve(p, REPLY_BYTES))
        return;
    bool same = hello.protocol == FRAME_PROTOCOL;
    struct greeting greeting = {
        .protocol = FRAME_PROTOCOL,
        .wal_sync_async = s->config->wal_sync == WAL_SYNC_MODE_ASYNC,
        .generation = s->recovery->store.published.generation,
        .view_grace_ns = s->config->view_grace_ns,
        .max_value_bytes = s->config->max_value_size,
        .session_in_force = same && join_session(s, p, &hello),
        .view_path = {s->config->view_path, strlen(s->config->view_path)},
        .version = {WALKV_VERSION, strlen(WALKV_VERSION)},
    };
    memcpy(greeting.uuid, s->recovery->control.uuid, UUID_BYTES);
    frame_encode_greeting(&p->out, frame->id, &greeting);
    /* Another protocol gets the greeting, which says which one is spoken here, and then the end. */
    p->closing = !same;
    p->greeted = true;
    p->role = hello.role;
    s->worker_count += p->role == FRAME_ROLE_WORKER;
}

static void reply_checkpoint(struct peer *p, enum result result, uint64_t lsn, const char *sentence)
{
    struct checkpoint_reply reply = {result, lsn, {sentence, strlen(sentence)}};
    if (peer_reserve(p, REPLY_BYTES))
        frame_encode_checkpoint_reply(&p->out, p->checkpoint_id, &reply);
    p->waits_for_checkpoint = false;
}

/* Starts the checkpoint that a peer asked for, or answers at once. */
static void begin_checkpoint(struct server *s, struct peer *p)
{
    p->wants_checkpoint = false;
    if (s->recovery->store.published.applied_lsn == s->recovery->control.snapshot_lsn) {
        reply_checkpoint(p, RESULT_OK, s->recovery->control.snapshot_lsn, "");
        return;
    }
    int rc = s->checkpoint.pid ? 0 : checkpoint_start(&s->checkpoint, s->batch.operations);
    if (rc)
        reply_checkpoint(p, RESULT_UNAVAILABLE, 0, strerror(-rc));
    else
        p->waits_for_checkpoint = true;
}

/* It begins after the batch, so that it holds what the peer wrote before it asked. */
static void take_checkpoint(struct peer *p, const struct frame *frame)
{
    p->checkpoint_id = frame->id;
    p->wants_checkpoint = true;
}

/* Takes a write into the batch. False when it is none that this peer may send. */
static bool take_write(struct server *s, struct peer *p, const struct frame *frame)
{
    struct batch_item *item = &s->items[s->item_count];
    struct identity *i = &item->request.identity;
    if (!frame_decode_write(frame->body, &item->request) || item->request.value.bytes > s->config->max_value_size)
        return false;
    item->was_sent = false;
    if (i->sequence) {
        if (!p->session || i->sequence <= p->last_sequence)
            return false;
        i->session = p->session;
        p->last_sequence = i->sequence;
        item->was_sent = i->sequence <= p->sent_sequence;
    }
    s->item_bytes += frame->body.bytes;
    s->replies[s->reply_count++] = (struct reply){p, frame->id, item};
    s->item_count++;
    return true;
}

/* Takes the frames of one peer that go into this turn. Returns false when the batch is full. */
static bool collect_peer(struct server *s, struct peer *p)
{
    struct frame frame;
    for (unsigned taken = 0; !p->broken && !p->closing; taken++) {
        if (s->reply_count == TURN_ITEMS_MAX || s->item_bytes >= TURN_BYTES_MAX || taken == PEER_ITEMS_MAX) {
            s->more = true;
            return taken == PEER_ITEMS_MAX;
        }
        if (p->out.bytes - p->sent > in_limit(s))
            return true; /* it does not read its answers */
        if (peer_next(p, &frame) != 1)
            return true;
        if (!p->greeted) {
            greet(s, p, &frame);
            continue;
        }
        switch (frame.type) {
        case FRAME_WRITE:
            if (!take_write(s, p, &frame))
                p->broken = true;
            break;
        case FRAME_STATUS:
            if (frame.body.bytes) {
                p->broken = true;
                break;
            }
            s->replies[s->reply_count++] = (struct reply){p, frame.id, NULL};
            break;
        case FRAME_CHECKPOINT:
            if (frame.body.bytes)
                p->broken = true;
            else
                take_checkpoint(p, &frame);
            break;
        default:
            p->broken = true;
        }
    }
    return true;
}

static void collect(struct server *s)
{
    s->item_count = s->item_bytes = s->reply_count = 0;
    s->more = false;
    struct peer *last = NULL;
    for (struct peer *p = s->peers; p; p = p->next) {
        if (p->in.bytes && !collect_peer(s, p))
            break;
        last = p;
    }
    /* Who was reached last begins the next turn, so that a full batch starves nobody. */
    if (s->more && last && last->next) {
        struct peer *head = last->next, *tail = head;
        while (tail->next)
            tail = tail->next;
        last->next = NULL;
        head->previous = NULL;
        tail->next = s->peers;
        s->peers->previous = tail;
        s->peers = head;
    }
}

static void run_batch(struct server *s, size_t count)
{
    uint64_t operations = s->batch.operations;
    int rc = batch_run(&s->batch, s->items, count);
    if (!rc && s->batch.operations == operations)
        return; /* nothing was written */
    s->last_batch_ns = clock_monotonic_ns();
    s->witnessed = false;
    if (rc) {
        int wal_error = wal_failure(s->recovery->wal);
        log_error(wal_error
                      ? "the log cannot be written: %s; stopping, nothing of this batch was acknowledged"
                      : "the view cannot be written: %s; stopping, nothing of this batch was acknowledged",
                  strerror(wal_error ? wal_error : -rc));
        stop(s, wal_error ? EX_IOERR : EX_OSERR);
    }
}

static void reply_status(struct server *s, struct peer *p, uint32_t id)
{
    struct status status;
    struct buffer body = {0};
    if (buffer_reserve(&body, REPLY_BYTES)) {
        p->broken = true;
        return;
    }
    fill_status(s, &status);
    status_encode(&body, &status);
    frame_begin(&p->out, FRAME_STATUS_REPLY, id, body.bytes);
    buffer_append(&p->out, body.data, body.bytes);
    buffer_free(&body);
}

/* Appends to each peer's output what it is owed, in the order in which it asked. */
static void reply_all(struct server *s)
{
    for (size_t i = 0; i < s->reply_count; i++) {
        const struct reply *r = &s->replies[i];
        size_t value_bytes = r->item ? r->item->result.value.bytes : 0;
        if (r->peer->broken || !peer_reserve(r->peer, REPLY_BYTES + value_bytes))
            continue;
        if (r->item)
            frame_encode_result(&r->peer->out, r->id, &r->item->result);
        else
            reply_status(s, r->peer, r->id);
    }
}

/* Sends the answers and lets go of peers that are done. */
static void finish_peers(struct server *s)
{
    for (struct peer *p = s->peers, *next; p; p = next) {
        next = p->next;
        peer_finish(p, in_limit(s));
        if (p->broken)
            drop_peer(s, p);
    }
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
                reply_checkpoint(p, outcome == CHECKPOINT_DONE ? RESULT_OK : RESULT_UNAVAILABLE,
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
    if (!s->witnessed && quiet_ms >= IDLE_MS) {
        rc = wal_witness(s->recovery->wal);
        s->witnessed = true;
    }
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

/* Lets go of what is kept for repeats, when there is something that is old enough and no batch has done it. */
static void look_after_requests(struct server *s)
{
    uint64_t now = clock_boottime_ns();
    if (now - s->upkept_ns < HOUSEKEEPING_MS * NS_PER_MS)
        return;
    s->upkept_ns = now;
    size_t departed = sessions_departed(&s->sessions, now);
    if (!departed && !requests_due(&s->recovery->store, &s->batch.limits, clock_realtime_ns()))
        return;
    s->batch.departed = s->sessions.departed;
    s->batch.departed_count = departed;
    run_batch(s, 0);
    if (!s->batch.departed_count)
        sessions_forget_departed(&s->sessions, departed);
    s->batch.departed_count = 0;
}

static void turn(struct server *s)
{
    collect(s);
    uint64_t segment = wal_segment_first_lsn(s->recovery->wal);
    if (s->item_count)
        run_batch(s, s->item_count);
    reply_all(s);
    finish_peers(s);
    if (s->item_count) {
        /* Keeps pace with what the log uses: a little of the next segment per batch. */
        wal_prepare(s->recovery->wal);
        if (segment != wal_segment_first_lsn(s->recovery->wal))
            checkpoint_measure(&s->checkpoint);
    }
    look_after_checkpoint(s);
    if (!s->stopping)
        look_after_requests(s);
    finish_peers(s);
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

static void loop(struct server *s)
{
    while (!s->stopping) {
        bool idle = !s->more && s->item_count == 0;
        bool more_idle_work = idle && idle_work(s);
        if (s->stopping)
            break;
        if (!s->witnessed || more_idle_work)
            set_timer(s->idle, more_idle_work ? 1 : IDLE_MS);
        event_base_loop(s->base, EVLOOP_ONCE | (s->more ? EVLOOP_NONBLOCK : 0));
        turn(s);
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
    /* A long log would make the next cold start slow. */
    checkpoint_measure(&s->checkpoint);
    if (s->config->checkpoint_wal_size &&
        s->checkpoint.wal_since_bytes >= s->config->checkpoint_wal_size / 2 &&
        checkpoint_start(&s->checkpoint, s->batch.operations) == 0) {
        char sentence[256] = "";
        enum checkpoint_outcome outcome;
        while ((outcome = checkpoint_poll(&s->checkpoint, sentence, sizeof sentence)) == CHECKPOINT_RUNNING)
            usleep(5000);
        if (outcome == CHECKPOINT_FATAL) {
            log_error("checkpoint: %s", sentence);
            s->exit_status = EX_IOERR;
            return;
        }
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

int server_run(struct recovery *r, struct disk *disk, const struct walkvd_config *config)
{
    struct server *s = memory_new(1, sizeof *s, "the server");
    s->recovery = r;
    s->config = config;
    s->started_ns = s->last_batch_ns = clock_monotonic_ns();
    s->witnessed = true;
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
    s->child = add_event(s, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_wake);
    if (wal_alarm_fd(r->wal) >= 0)
        s->alarm = add_event(s, wal_alarm_fd(r->wal), EV_READ, on_wake);

    log_info("ready: %s start in %" PRIu64 " ms, LSN %" PRIu64 ", listening at %s", r->start_kind, r->took_ms,
             r->store.published.applied_lsn, config->socket_path);
    sd_notify(0, "READY=1");
    loop(s);
    sd_notify(0, "STOPPING=1");
    stop_cleanly(s);

    int status = s->exit_status;
    while (s->peers)
        drop_peer(s, s->peers);
    struct event *const events[] = {s->accepting,    s->idle,  s->housekeeping, s->terminate[0],
                                    s->terminate[1], s->child, s->alarm};
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
