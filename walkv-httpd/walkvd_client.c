/* SPDX-License-Identifier: MIT
 * The worker's connection to walkvd; see walkvd_client.h. */
#include "walkvd_client.h"

#include "clock.h"
#include "http_conn.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    RECONNECT_MS = 20,
    WAITING_BYTES_MAX = 64 * 1024 * 1024,
    KEEP_BYTES = 1024 * 1024
};
#define STATUS_TIMEOUT_NS NS_PER_S

/* A request that has not been answered yet, in the order of sending. */
struct pending {
    struct pending *next;
    struct conn *conn; /* NULL: nobody waits any more */
    struct buffer frame;
    uint32_t id;
    uint64_t sequence; /* in the session; 0: a question for the status */
    uint64_t value_bytes;
    uint64_t deadline_ns;
    uint64_t stream_at; /* where its frame begins in what goes to this connection; valid when `queued` */
    uint64_t sent_ns;   /* CLOCK_BOOTTIME when it was first queued */
    bool queued;        /* stands in `out`, so some of it may have been sent */
    bool sent;          /* some of it may have been sent to a connection before this one */
    bool answered;      /* with outcome_unknown, because its time was over */
    bool too_large;     /* for this walkvd */
    status_taker *take_status; /* of a question for the status; NULL: it is a write */
};

struct walkvd_client {
    struct worker *worker;
    int fd; /* -1: not connected */
    bool greeted;
    bool told_protocol;
    bool stalled; /* something sent was not answered in time: send no more until it is */
    struct event *readable;
    struct event *writable;
    struct event *retry;
    struct buffer in;
    struct buffer out;
    size_t out_sent;    /* of `out`, from its front */
    uint64_t out_begin; /* stream position of out.data[0] */
    uint64_t out_end;
    struct pending *first, *last;
    uint32_t next_id;
    uint64_t session;        /* chosen at random, below 2^32 */
    uint64_t last_sequence;  /* of the writes that were submitted */
    uint64_t told_confirmed; /* what this connection was told last */
    size_t waiting_bytes;    /* of writes that have not been answered */
    uint64_t max_value_bytes;
    uint8_t uuid[UUID_BYTES];
    bool uuid_known;
    char *view_path;
};

bool walkvd_client_connected(const struct walkvd_client *c)
{
    return c->fd >= 0;
}

uint64_t walkvd_client_max_value_bytes(const struct walkvd_client *c)
{
    return c->max_value_bytes;
}

/* Gives whoever waits its answer: a question for the status `status`, which may be NULL, a write `result`. */
static void answer(struct pending *p, const struct status *status, const struct write_result *result)
{
    struct conn *conn = p->conn;
    if (!conn)
        return;
    p->conn = NULL;
    conn->pending = NULL;
    if (p->take_status)
        p->take_status(conn, status);
    else
        conn_write_done(conn, result);
    conn_resume(conn);
}

static struct pending *pop(struct walkvd_client *c)
{
    struct pending *p = c->first;
    c->first = p->next;
    if (!c->first)
        c->last = NULL;
    return p;
}

static void pending_free(struct walkvd_client *c, struct pending *p)
{
    if (!p->take_status)
        c->waiting_bytes -= p->frame.bytes;
    buffer_free(&p->frame);
    free(p);
}

/* If there is no memory for the timer, the next tick tries again. */
static void schedule_retry(struct walkvd_client *c)
{
    struct timeval t = {0, RECONNECT_MS * 1000};
    event_add(c->retry, &t);
}

/* Takes what `is_done` says out of the row and answers it with `result`. */
static void answer_all(struct walkvd_client *c, bool (*is_done)(const struct pending *), enum result result)
{
    const struct write_result r = {.result = result};
    struct pending *all = c->first, *done = NULL, **done_end = &done;
    c->first = c->last = NULL;
    for (struct pending *p = all, *next; p; p = next) {
        next = p->next;
        p->next = NULL;
        if (is_done(p)) {
            *done_end = p;
            done_end = &p->next;
            continue;
        }
        if (c->last)
            c->last->next = p;
        else
            c->first = p;
        c->last = p;
    }
    /* Not before the row is whole again: an answer may bring the next request. */
    for (struct pending *p = done, *next; p; p = next) {
        next = p->next;
        answer(p, NULL, &r);
        pending_free(c, p);
    }
}

static bool was_given_up(const struct pending *p)
{
    return p->answered;
}

static bool was_sent(const struct pending *p)
{
    return p->sent;
}

static bool was_sent_and_is_too_large(const struct pending *p)
{
    return p->sent && p->too_large;
}

static bool is_too_large(const struct pending *p)
{
    return p->too_large;
}

/* What waits was taken by the limit of the walkvd before this one, or of this worker alone. This one would
 * end the connection over what is larger than its own. */
static void refuse_too_large(struct walkvd_client *c)
{
    for (struct pending *p = c->first; p; p = p->next)
        p->too_large = p->value_bytes > c->max_value_bytes;
    answer_all(c, was_sent_and_is_too_large, RESULT_OUTCOME_UNKNOWN);
    answer_all(c, is_too_large, RESULT_INVALID);
}

/* The connection is over. Everything that is not answered waits for the next one. */
static void disconnect(struct walkvd_client *c)
{
    if (c->fd < 0)
        return;
    event_del(c->readable);
    event_del(c->writable);
    close(c->fd);
    c->fd = -1;
    c->greeted = c->stalled = false;
    buffer_free(&c->in);
    buffer_free(&c->out);
    for (struct pending *p = c->first; p; p = p->next) {
        p->sent = p->sent || (p->queued && p->stream_at < c->out_begin + c->out_sent);
        p->queued = false;
    }
    c->out_sent = c->out_begin = c->out_end = 0;
    c->told_confirmed = 0;
    watchers_disconnected(c->worker);
    schedule_retry(c);
    answer_all(c, was_given_up, RESULT_OUTCOME_UNKNOWN);
}

static void take_greeting(struct walkvd_client *c, struct span body)
{
    struct greeting g;
    if (!frame_decode_greeting(body, &g) || g.protocol != FRAME_PROTOCOL) {
        if (!c->told_protocol)
            log_error(
                "walkvd speaks another protocol than this worker (%u): install the same version of both",
                FRAME_PROTOCOL);
        c->told_protocol = true;
        disconnect(c);
        return;
    }
    c->told_protocol = false;
    c->greeted = true;
    c->max_value_bytes = g.max_value_bytes;
    /* What went to another store, or in a session that is forgotten, may or may not have been done. */
    bool other_store = c->uuid_known && memcmp(c->uuid, g.uuid, UUID_BYTES) != 0;
    if (other_store || !g.session_in_force)
        answer_all(c, was_sent, RESULT_OUTCOME_UNKNOWN);
    refuse_too_large(c);
    /* The view of this store, wherever it is now. */
    bool same_path = c->view_path && strlen(c->view_path) == g.view_path.bytes &&
                     memcmp(c->view_path, g.view_path.at, g.view_path.bytes) == 0;
    if (!c->uuid_known || !same_path || memcmp(c->uuid, g.uuid, UUID_BYTES) != 0) {
        free(c->view_path);
        c->view_path = memory_printf("%.*s", (int)g.view_path.bytes, g.view_path.at);
        view_reader_free(&c->worker->view);
        c->worker->view = view_reader_new(c->view_path, g.uuid, 0);
        memcpy(c->uuid, g.uuid, UUID_BYTES);
        c->uuid_known = true;
    }
    log_debug("connected to walkvd %.*s", (int)g.version.bytes, g.version.at);
    walkvd_client_flush(c);
    watchers_connected(c->worker, other_store);
}

/* Takes one frame; false when the connection has to end. */
static bool take_frame(struct walkvd_client *c, const struct frame *frame)
{
    if (!c->greeted) {
        if (frame->type != FRAME_GREETING)
            return false;
        take_greeting(c, frame->body);
        return true;
    }
    struct write_result result;
    struct status status;
    struct pending *p = c->first;
    uint64_t lsn;
    if (frame->type == FRAME_CHANGED && frame_decode_lsn(frame->body, &lsn)) {
        watchers_published(c->worker, lsn);
        return true;
    }
    if (!p || !p->queued || p->id != frame->id)
        return false;
    if (p->take_status ? frame->type != FRAME_STATUS_REPLY || !status_decode(frame->body, &status)
                       : frame->type != FRAME_RESULT || !frame_decode_result(frame->body, &result))
        return false;
    pop(c);
    c->stalled = false;
    answer(p, &status, &result);
    pending_free(c, p);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct walkvd_client *c = arg;
    if (buffer_reserve(&c->in, READ_BYTES)) {
        disconnect(c);
        return;
    }
    ssize_t n = recv(fd, c->in.data + c->in.bytes, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        disconnect(c);
        return;
    }
    c->in.bytes += (size_t)n;
    size_t used = 0;
    while (c->fd >= 0) {
        struct frame frame;
        long bytes = frame_decode((struct span){c->in.data + used, c->in.bytes - used}, &frame);
        if (bytes == 0)
            break;
        if (bytes < 0 || !take_frame(c, &frame)) {
            log_error("walkvd sent something that this worker does not understand; reconnecting");
            disconnect(c);
            return;
        }
        used += (size_t)bytes;
    }
    if (c->fd >= 0)
        buffer_consume(&c->in, used);
    if (!c->in.bytes && c->in.room > KEEP_BYTES)
        buffer_free(&c->in);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    walkvd_client_flush(arg);
}

static void try_connect(struct walkvd_client *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = c->worker->config->socket_path;
    if (c->fd >= 0 || strlen(path) >= sizeof address.sun_path)
        return;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) {
        if (fd >= 0)
            close(fd);
        schedule_retry(c);
        return;
    }
    c->fd = fd;
    /* Or what the kernel allows. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){FRAME_SOCKET_BYTES}, sizeof(int));
    c->greeted = false;
    c->out_sent = c->out_begin = c->out_end = 0;
    event_assign(c->readable, c->worker->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(c->writable, c->worker->base, fd, EV_WRITE, on_writable, c);
    if (event_add(c->readable, NULL)) {
        disconnect(c);
        return;
    }
    struct hello hello = {
        .protocol = FRAME_PROTOCOL,
        .role = FRAME_ROLE_WORKER,
        .session = c->session,
        .pid = (uint64_t)getpid(),
    };
    for (const struct pending *p = c->first; p; p = p->next) {
        if (!p->sent || !p->sequence)
            continue;
        if (!hello.oldest_sent_ns)
            hello.oldest_sent_ns = p->sent_ns;
        hello.sent_sequence = p->sequence;
    }
    frame_encode_hello(&c->out, 0, &hello);
    c->out_end = c->out.bytes;
    walkvd_client_flush(c);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    try_connect(arg);
}

/* Of the writes that are in the row: what stood before was answered or given up, and is never asked for
 * again. */
static uint64_t first_sequence(const struct walkvd_client *c)
{
    const struct pending *p = c->first;
    while (!p->sequence)
        p = p->next;
    return p->sequence;
}

/* What was sent makes room, but not before it is half of all: what is left has to be moved. */
static void drop_sent(struct walkvd_client *c)
{
    if (c->out_sent < c->out.bytes - c->out_sent)
        return;
    buffer_consume(&c->out, c->out_sent);
    c->out_begin += c->out_sent;
    c->out_sent = 0;
}

void walkvd_client_flush(struct walkvd_client *c)
{
    if (c->fd < 0)
        return;
    if (c->greeted && !c->stalled) {
        for (struct pending *p = c->first; p; p = p->next) {
            if (p->queued)
                continue;
            p->queued = true;
            p->stream_at = c->out_end;
            if (!p->sent_ns)
                p->sent_ns = clock_boottime_ns();
            if (p->sequence) {
                uint64_t confirmed = first_sequence(c) - 1;
                frame_set_confirmed(p->frame.data, confirmed == c->told_confirmed ? 0 : confirmed);
                c->told_confirmed = confirmed;
            }
            buffer_append(&c->out, p->frame.data, p->frame.bytes);
            c->out_end += p->frame.bytes; /* the frame is kept: it may have to go to another connection */
        }
    }
    while (c->out_sent < c->out.bytes) {
        ssize_t n =
            send(c->fd, c->out.data + c->out_sent, c->out.bytes - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if ((errno != EAGAIN && errno != EWOULDBLOCK) || event_add(c->writable, NULL))
                disconnect(c);
            else
                drop_sent(c);
            return;
        }
        c->out_sent += (size_t)n;
    }
    drop_sent(c);
    if (c->out.room > KEEP_BYTES)
        buffer_free(&c->out);
}

static struct pending *add(struct walkvd_client *c, struct conn *conn, uint64_t timeout_ns)
{
    struct pending *p = memory_new(1, sizeof *p, "a request to walkvd");
    p->conn = conn;
    p->id = c->next_id++;
    p->deadline_ns = clock_monotonic_ns() + timeout_ns;
    conn->pending = p;
    if (c->last)
        c->last->next = p;
    else
        c->first = p;
    c->last = p;
    return p;
}

bool walkvd_client_submit(struct walkvd_client *c, struct conn *conn, const struct write_request *request)
{
    if (c->waiting_bytes >= WAITING_BYTES_MAX)
        return false;
    struct pending *p = add(c, conn, c->worker->config->write_timeout_ns);
    struct write_request placed = *request;
    p->sequence = placed.identity.sequence = ++c->last_sequence;
    p->value_bytes = request->value.bytes;
    frame_encode_write(&p->frame, p->id, &placed);
    c->waiting_bytes += p->frame.bytes;
    return true;
}

void walkvd_client_ask_status(struct walkvd_client *c, struct conn *conn, status_taker *take)
{
    struct pending *p = add(c, conn, STATUS_TIMEOUT_NS);
    p->take_status = take;
    frame_encode_empty(&p->frame, FRAME_STATUS, p->id);
}

bool walkvd_client_watch(struct walkvd_client *c, uint64_t lsn)
{
    if (!walkvd_client_connected(c) || !c->greeted)
        return false;
    size_t before = c->out.bytes;
    frame_encode_lsn(&c->out, FRAME_WATCH, 0, lsn);
    c->out_end += c->out.bytes - before;
    return true;
}

void walkvd_client_forget(struct conn *conn)
{
    struct pending *p = conn->pending;
    if (p)
        p->conn = NULL;
    conn->pending = NULL;
}

void walkvd_client_tick(struct walkvd_client *c, uint64_t now_ns)
{
    const struct write_result unavailable = {.result = RESULT_UNAVAILABLE},
                              unknown = {.result = RESULT_OUTCOME_UNKNOWN};
    struct pending **at = &c->first, *previous = NULL;
    if (c->fd < 0 && !event_pending(c->retry, EV_TIMEOUT, NULL))
        schedule_retry(c);
    while (*at) {
        struct pending *p = *at;
        if (now_ns < p->deadline_ns) {
            previous = p;
            at = &p->next;
            continue;
        }
        if (p->queued) {
            /* Its answer may still come, and must find its place in the row. */
            c->stalled = p->answered = true;
            answer(p, NULL, &unknown);
            previous = p;
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (c->last == p)
            c->last = previous;
        answer(p, NULL, p->sent ? &unknown : &unavailable);
        pending_free(c, p);
    }
}

struct walkvd_client *walkvd_client_new(struct worker *worker)
{
    struct walkvd_client *c = memory_new(1, sizeof *c, "the connection to walkvd");
    c->worker = worker;
    c->fd = -1;
    while (!c->session) {
        uint32_t chosen;
        if (getrandom(&chosen, sizeof chosen, 0) != sizeof chosen)
            fatal(EX_OSERR, "getrandom: %s", strerror(errno));
        c->session = chosen;
    }
    c->readable = memory_check(event_new(worker->base, -1, 0, on_readable, c), "an event");
    c->writable = memory_check(event_new(worker->base, -1, 0, on_writable, c), "an event");
    c->retry = memory_check(event_new(worker->base, -1, 0, on_retry, c), "an event");
    try_connect(c);
    return c;
}

void walkvd_client_free(struct walkvd_client **client)
{
    struct walkvd_client *c = *client;
    if (c->fd >= 0)
        close(c->fd);
    while (c->first)
        pending_free(c, pop(c));
    event_free(c->readable);
    event_free(c->writable);
    event_free(c->retry);
    buffer_free(&c->in);
    buffer_free(&c->out);
    free(c->view_path);
    free(c);
    *client = NULL;
}
