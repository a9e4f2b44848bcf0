/* SPDX-License-Identifier: MIT
 * One HTTP connection; see http_conn.h. */
#include "conn_internal.h"

#include "clock.h"
#include "cors.h"
#include "log.h"
#include "proxy_protocol.h"
#include "request_info.h"
#include "response.h"
#include "router.h"
#include "walkvd_client.h"
#include "write_api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    SPARE_BYTES = 4096,          /* enough for most requests */
    OUT_HIGH_BYTES = 256 * 1024, /* answers that are not read yet, before no more requests are taken */
    OUT_KEEP_BYTES = 16 * 1024,  /* of an empty buffer, while the next request is coming in */
    LINGER_BYTES = 64 * 1024 * 1024,
};
#define LINGER_NS        (10 * NS_PER_S)   /* for what a client still sends when it has its last answer */
#define LINGER_PAUSE_NS  (2 * NS_PER_S)    /* without a byte of it */
#define FIRST_REQUEST_NS (500 * NS_PER_MS) /* for whoever has connected when the worker stops */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* Makes ready for the first or the next request. The one place in which what is known of a request ends. */
static void next_request(struct conn *c)
{
    http_parser_start(&c->parser);
    memset(&c->request, 0, offsetof(struct conn_request, name));
}

void conn_open(struct worker *w, int fd, struct address peer)
{
    if (w->conn_count >= w->config->max_connections && !conn_close_oldest_idle(w)) {
        close(fd);
        return;
    }
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        log_warning("a connection was refused: out of memory");
        close(fd);
        return;
    }
    c->worker = w;
    c->fd = fd;
    c->peer = peer;
    c->state = w->config->proxy_protocol ? CONN_PROXY : CONN_HEAD;
    c->readable = event_new(w->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(w->base, fd, EV_WRITE, on_writable, c);
    next_request(c);
    c->phase_ns = clock_monotonic_ns();
    c->deadline_ns = c->phase_ns + w->config->header_timeout_ns;
    conn_list_add(w, c);
    w->conn_count++;
    if (!c->readable || !c->writable || event_add(c->readable, NULL)) {
        log_warning("a connection was refused: out of memory");
        conn_close(c);
        return;
    }
    c->reading = true;
}

void conn_close(struct conn *c)
{
    struct worker *w = c->worker;
    if (c->state == CONN_BODY || c->state == CONN_WAIT || c->state == CONN_STREAM)
        request_info_end(c, true);
    walkvd_client_forget(c);
    conn_list_remove(w, c);
    w->conn_count--;
    w->held_bytes -= c->held_bytes;
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    close(c->fd);
    buffer_free(&c->in);
    buffer_free(&c->out);
    conn_stream_free(c);
    free(c);
}

/* May close the connection. */
static void set_reading(struct conn *c, bool on)
{
    if (on == c->reading)
        return;
    c->reading = on;
    if (!on)
        event_del(c->readable);
    else if (event_add(c->readable, NULL))
        conn_close(c);
}

/* Nothing of this connection is a request any more: once everything has been sent, it ends. */
static void be_last(struct conn *c)
{
    c->state = CONN_LINGER;
    c->deadline_ns = 0;
}

/* Answers what cannot be answered otherwise, and takes nothing from this connection any more. */
static void fail(struct conn *c, enum failure failure, const char *sentence, const char *extra)
{
    struct response r = {0};
    c->request.keep_alive = false;
    c->request.head_only = http_parser_method(&c->parser) == HTTP_HEAD;
    response_failure_with(c, failure, sentence, &r, extra);
    request_info_end(c, false);
    be_last(c);
}

/* The current request has been answered: on to the next one, or to the end. */
void conn_finish(struct conn *c)
{
    c->worker->requests++;
    request_info_end(c, false);
    if (!c->request.keep_alive) {
        be_last(c);
        return;
    }
    c->state = CONN_HEAD;
    c->request_at = c->raw_at;
    next_request(c);
    uint64_t now = clock_monotonic_ns();
    bool more = c->in.bytes > c->request_at;
    c->phase_ns = now;
    c->deadline_ns =
        now + (more ? c->worker->config->header_timeout_ns : c->worker->config->keepalive_timeout_ns);
}

static void call_handler(struct conn *c, const struct http_request *req)
{
    struct span body = {c->in.data + c->body_at, c->body_bytes};
    c->deadline_ns = 0;
    c->state = CONN_WAIT;
    if (write_take_key(c, req, body))
        c->request.route->handler(c, req, body);
    if (c->state == CONN_WAIT && !c->pending)
        conn_finish(c);
}

/* Takes as much of the body as is there. */
static void read_body(struct conn *c)
{
    size_t consumed, decoded;
    char *raw = c->in.data + c->raw_at;
    enum http_parse rc = http_body_decode(&c->body, raw, c->in.bytes - c->raw_at, &consumed, &decoded);
    if (rc == HTTP_ERROR) {
        char extra[48] = "";
        if (c->body.status == 413)
            snprintf(extra, sizeof extra, ",\"limit\":%" PRIu64, c->worker->config->max_value_size);
        fail(c, failure_of_status(c->body.status), c->body.error, extra);
        return;
    }
    char *end = c->in.data + c->body_at + c->body_bytes;
    if (end != raw && decoded)
        memmove(end, raw, decoded);
    c->body_bytes += decoded;
    c->raw_at += consumed;
    if (rc == HTTP_MORE) {
        /* Chunk framing must not pile up behind the content. */
        c->raw_at = c->body_at + c->body_bytes;
        c->in.bytes = c->raw_at;
        return;
    }
    struct http_request *req = &c->worker->request;
    http_parser_head(&c->parser, c->in.data + c->request_at, c->body_at - c->request_at, req);
    call_handler(c, req);
}

static void take_head(struct conn *c, const struct http_request *req)
{
    bool has_body = http_request_has_body(req);
    c->request.method = req->method;
    c->request.version_minor = req->version_minor;
    /* A body that is refused is not read, so what follows it cannot be told from it: the answer says so. */
    c->request.keep_alive = req->keep_alive && !has_body;
    c->request.head_only = req->method == HTTP_HEAD;
    request_info_take(c, req);
    cors_take(c, req);
    c->body_at = c->raw_at = c->request_at + req->head_bytes;
    c->body_bytes = 0;
    if (!router_find(c, req)) {
        conn_finish(c);
        return;
    }
    c->request.keep_alive = req->keep_alive;
    if (!has_body) {
        call_handler(c, req);
        return;
    }
    c->state = CONN_BODY;
    c->phase_ns = clock_monotonic_ns();
    c->deadline_ns = c->phase_ns + c->worker->config->body_timeout_grace_ns;
    if (req->expect_continue && c->in.bytes == c->raw_at)
        buffer_append_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    if (c->in.bytes > c->raw_at)
        read_body(c);
}

static void read_head(struct conn *c)
{
    struct http_request *req = &c->worker->request;
    switch (http_parser_head(&c->parser, c->in.data + c->request_at, c->in.bytes - c->request_at, req)) {
    case HTTP_MORE:
        break;
    case HTTP_DONE:
        take_head(c, req);
        break;
    case HTTP_ERROR:
        fail(c, failure_of_status(c->parser.status), c->parser.error, "");
        break;
    }
}

/* Reads the PROXY header of the connection. */
static void read_proxy_header(struct conn *c)
{
    size_t bytes;
    struct address client;
    enum proxy_parse rc = proxy_protocol_parse(c->in.data, c->in.bytes, &bytes, &client);
    if (rc == PROXY_MORE)
        return;
    uint64_t now = clock_monotonic_ns();
    if (rc == PROXY_ERROR) {
        if (log_due(&c->worker->told.no_proxy_ns, now))
            log_warning("a connection was closed: it does not begin with PROXY protocol; see proxy_protocol");
        c->reset = true;
        return;
    }
    if (client.kind != ADDRESS_NONE)
        c->peer = client;
    c->request_at = c->raw_at = bytes;
    c->state = CONN_HEAD;
    c->phase_ns = now;
}

/* An idle connection holds no buffer. The worker keeps some for whichever are read from next: to have a page
 * from malloc and to give it back would be a tenth of a small request. */
static void give_back_input(struct conn *c)
{
    struct worker *w = c->worker;
    if (w->spare_count < WORKER_SPARES && c->in.room == SPARE_BYTES) {
        w->spares[w->spare_count++] = c->in;
        c->in = (struct buffer){0};
    }
    buffer_free(&c->in);
}

static void take_input(struct conn *c)
{
    struct worker *w = c->worker;
    if (!c->in.data && w->spare_count)
        c->in = w->spares[--w->spare_count];
}

/* Goes on with what is in the buffers, as far as it can. */
static void process(struct conn *c)
{
    bool progress = true;
    while (progress && !c->reset) {
        size_t at = c->request_at, raw = c->raw_at;
        enum conn_state state = c->state;
        if (c->out.bytes - c->sent > OUT_HIGH_BYTES && state != CONN_STREAM)
            break;
        if (state == CONN_HEAD && c->in.bytes > c->request_at)
            read_head(c);
        else if (state == CONN_BODY && c->in.bytes > c->raw_at)
            read_body(c);
        else if (state == CONN_STREAM)
            conn_stream_run(c);
        else if (state == CONN_PROXY)
            read_proxy_header(c);
        progress = c->state != state || c->request_at != at || (c->state == CONN_HEAD && c->raw_at != raw);
    }
    /* Give back what the requests that are done took; an idle connection holds no buffer. */
    if (c->state == CONN_HEAD && c->request_at) {
        buffer_consume(&c->in, c->request_at);
        c->request_at = 0;
        c->raw_at = 0;
    }
    if (c->state == CONN_HEAD && !c->in.bytes)
        give_back_input(c);
}

/* Waits until the socket takes more. That it took all so far does not mean that it will. False when the
 * connection has been closed instead. */
static bool stall(struct conn *c)
{
    uint64_t now = clock_monotonic_ns();
    if (!c->stalled_ns) {
        c->stalled_ns = now;
        c->stalled_at = c->out_before + c->sent;
    }
    c->stall_deadline_ns = now + c->worker->config->write_stall_timeout_ns;
    return conn_hold(c, c->out.bytes + (c->stream ? c->stream->held.bytes : 0));
}

/* It does. Meanwhile nothing was read from the client, so that the time did not count. */
static void stall_over(struct conn *c)
{
    uint64_t from = c->stalled_ns > c->phase_ns ? c->stalled_ns : c->phase_ns;
    uint64_t lost_ns = clock_monotonic_ns() - from;
    c->stalled_ns = 0;
    conn_hold(c, 0);
    c->phase_ns += lost_ns;
    if (c->deadline_ns)
        c->deadline_ns += lost_ns;
}

/* All was sent: tells the client that nothing follows, and waits for it to end, too, because closing while
 * something is still coming in would reset the connection, and with it the answer on its way. */
static void linger(struct conn *c)
{
    shutdown(c->fd, SHUT_WR);
    c->lingering = true;
    c->phase_ns = clock_monotonic_ns();
    c->deadline_ns = c->phase_ns + LINGER_PAUSE_NS;
    buffer_free(&c->in);
    buffer_free(&c->out);
    c->sent = c->request_at = c->raw_at = 0;
}

/* There is more to do when all is sent, without anything that has to come first. */
static bool conn_goes_on(const struct conn *c)
{
    return c->state == CONN_STREAM ? !c->stream->waits : c->state == CONN_HEAD && c->in.bytes > c->request_at;
}

/* Sends what is there, then sees what comes next. May close the connection. */
static void flush(struct conn *c)
{
    size_t sent_now = 0;
    c->made_bytes = 0;
    for (;;) {
        while (c->sent < c->out.bytes) {
            ssize_t n =
                send(c->fd, c->out.data + c->sent, c->out.bytes - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && event_add(c->writable, NULL) == 0) {
                if (stall(c))
                    set_reading(c, c->state == CONN_LINGER && !c->ended);
                return;
            }
            if (n < 0) {
                conn_close(c);
                return;
            }
            c->sent += (size_t)n;
            sent_now += (size_t)n;
        }
        c->out_before += c->out.bytes;
        c->sent = c->out.bytes = 0;
        if (c->stalled_ns)
            stall_over(c);
        if ((sent_now > CONN_TURN_BYTES || c->made_bytes >= CONN_TURN_BYTES) &&
            !c->reset) { /* there are others */
            if (event_add(c->writable, NULL)) {
                conn_close(c);
                return;
            }
            if (stall(c))              /* the turn may never come */
                set_reading(c, false); /* its end would come before the requests that are here */
            return;
        }
        if (c->reset) {
            conn_close(c);
            return;
        }
        if (!conn_goes_on(c))
            break;
        size_t before = c->in.bytes;
        process(c);
        if (c->out.bytes == 0 && c->in.bytes == before && c->made_bytes < CONN_TURN_BYTES && !c->reset)
            break;
    }
    bool waits = c->state == CONN_STREAM && c->stream->waits;
    if (waits || (c->state == CONN_HEAD && !c->in.bytes) || c->out.room > OUT_KEEP_BYTES)
        buffer_free(&c->out);
    if (c->state == CONN_LINGER && c->ended) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_LINGER && !c->lingering)
        linger(c);
    /* In CONN_WAIT only what comes meanwhile ends the reading: mostly nothing does, and a change costs a
     * system call. */
    set_reading(c, waits || c->state == CONN_PROXY || c->state == CONN_HEAD || c->state == CONN_BODY ||
                       c->state == CONN_LINGER || (c->state == CONN_WAIT && c->reading));
}

void conn_resume(struct conn *c)
{
    process(c);
    flush(c);
}

/* Reads what comes behind the last request and drops it. A client that watches events and ends its side is
 * gone. */
static void drop(struct conn *c)
{
    char waste[READ_BYTES];
    ssize_t n = recv(c->fd, waste, sizeof waste, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        conn_close(c);
        return;
    }
    c->dropped_bytes += (uint64_t)n;
    c->ended = n == 0 || c->dropped_bytes > LINGER_BYTES;
    if (c->ended && (c->lingering || c->state == CONN_STREAM)) {
        conn_close(c);
    } else if (c->ended) { /* the rest of the answer is still to be sent */
        set_reading(c, false);
    } else if (c->lingering) {
        uint64_t pause_over = clock_monotonic_ns() + LINGER_PAUSE_NS, over = c->phase_ns + LINGER_NS;
        c->deadline_ns = pause_over < over ? pause_over : over;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct conn *c = arg;
    if (c->state == CONN_LINGER || c->state == CONN_STREAM) {
        drop(c);
        return;
    }
    if (c->state == CONN_WAIT) {
        set_reading(c, false); /* the next request, or the end: after the answer */
        return;
    }
    take_input(c);
    if (buffer_reserve(&c->in, c->in.bytes ? READ_BYTES : SPARE_BYTES)) {
        conn_close(c);
        return;
    }
    ssize_t n = recv(fd, c->in.data + c->in.bytes, c->in.room - c->in.bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        /* Nobody waits for an answer any more, or the request will never be whole. */
        conn_close(c);
        return;
    }
    if (c->state == CONN_HEAD && c->in.bytes == c->request_at) {
        c->phase_ns = clock_monotonic_ns();
        c->deadline_ns = c->phase_ns + c->worker->config->header_timeout_ns;
    }
    c->in.bytes += (size_t)n;
    conn_list_use(c);
    process(c);
    flush(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *c = arg;
    flush(c);
}

/* True when the body keeps the least rate that is asked of it. */
static bool body_fast_enough(const struct conn *c, uint64_t now)
{
    const struct httpd_config *config = c->worker->config;
    uint64_t after_grace_ms = (now - c->phase_ns - config->body_timeout_grace_ns) / NS_PER_MS;
    return c->body_bytes >= config->body_min_rate * after_grace_ms / 1000;
}

static void timed_out(struct conn *c, uint64_t now)
{
    if (c->state == CONN_LINGER || c->state == CONN_PROXY) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_BODY && body_fast_enough(c, now)) {
        c->deadline_ns = now + NS_PER_S;
        return;
    }
    if (c->state == CONN_HEAD && c->in.bytes == c->request_at) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_HEAD || c->state == CONN_BODY) {
        fail(c, FAILURE_REQUEST_TIMEOUT, NULL, "");
        flush(c);
    }
}

/* A request on this connection goes to this worker or to nobody: one that has arrived is answered, and who
 * has just connected has a moment to send one. */
static bool request_comes(const struct conn *c, uint64_t now)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0 ||
           (!c->out_before && now - c->phase_ns < FIRST_REQUEST_NS);
}

void conn_tick(struct worker *w, uint64_t now)
{
    for (struct conn *c = w->conns; c; c = w->tick_next) {
        w->tick_next = c->next;
        if (w->draining && conn_idle(c) && !request_comes(c, now))
            conn_close(c);
        else if (c->stalled_ns && now >= c->stall_deadline_ns)
            conn_close(c);
        else if (!c->stalled_ns && c->deadline_ns && now >= c->deadline_ns)
            timed_out(c, now);
    }
}
