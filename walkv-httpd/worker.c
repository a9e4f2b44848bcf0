/* SPDX-License-Identifier: MIT
 * One HTTP worker: its event loop, and its end; see worker.h. */
#include "worker.h"

#include "access_log.h"
#include "clock.h"
#include "http_conn.h"
#include "listener.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "timeslice.h"
#include "walkvd_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    TICK_MS = 100,
    ACCEPTS_PER_TURN = 16,
    UNSENT_BYTES = 128 * 1024, /* of one connection, kept by the kernel; without it some MiB, and then those
                                  who do not read take the memory that TCP has for all */
};

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct worker *w = arg;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t from_bytes = sizeof from;
        int conn_fd = accept4(fd, (struct sockaddr *)&from, &from_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (conn_fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                int error = errno;
                if (conn_close_oldest_idle(w))
                    continue;
                if (log_due(&w->told.full_ns, clock_monotonic_ns()))
                    log_warning("no connection can be taken for the moment: %s", strerror(error));
                event_del(w->accepting);
                w->accept_paused = true;
            }
            return;
        }
        int one = 1, unsent_bytes = UNSENT_BYTES;
        if (from.ss_family != AF_UNIX) {
            setsockopt(conn_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            setsockopt(conn_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
        }
        conn_open(w, conn_fd, address_of_socket(&from));
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct worker *w = arg;
    uint64_t now = clock_monotonic_ns();
    notify_alive(now);
    walkvd_client_tick(w->client, now);
    watchers_tick(w, now);
    conn_tick(w, now);
    if (w->accept_paused && !w->draining)
        w->accept_paused = event_add(w->accepting, NULL) != 0;
    if (w->draining && (!w->conn_count || now >= w->drain_until_ns))
        event_base_loopbreak(w->base);
}

static void on_terminate(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct worker *w = arg;
    if (w->draining)
        return;
    w->draining = true;
    notify_stopping();
    w->drain_until_ns = clock_monotonic_ns() + w->config->drain_timeout_ns;
    event_del(w->accepting);
    close(w->listen_fd); /* without siblings, new clients are refused from now on and not left waiting */
    watchers_wake(w);
    conn_tick(w, clock_monotonic_ns());
    if (!w->conn_count)
        event_base_loopbreak(w->base);
}

static void on_hang_up(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct worker *w = arg;
    notify_reloading();
    token_table_reload(w->tokens);
    watchers_wake(w); /* whose token may be gone */
    if (w->access_log)
        access_log_reopen(w->access_log);
    notify_ready();
}

static void take_random(struct worker *w)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        fatal(EX_OSERR, "getrandom: %s", strerror(errno));
    request_id_prefix(w->id_prefix, random);
}

static struct event *add_event(struct worker *w, int fd, short what, event_callback_fn callback,
                               const struct timeval *timeout)
{
    struct event *e = memory_check(event_new(w->base, fd, what, callback, w), "an event");
    if (event_add(e, timeout))
        fatal(EX_OSERR, "an event cannot be waited for: %s", strerror(errno));
    return e;
}

int worker_run(const struct httpd_config *config, int listen_fd, unsigned number, struct token_table *tokens)
{
    struct worker w = {.config = config,
                       .listen_fd = listen_fd,
                       .number = number,
                       .tokens = tokens,
                       .started_ns = clock_monotonic_ns()};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* an access log that may not grow further is an error like a full disk */
    w.local = listener_is_local(listen_fd);
    (void)timeslice_set(
        TIMESLICE_SHORT_NS); /* a request takes some microseconds: no use in waiting for longer */
    take_random(&w);
    must(address_list_parse(&w.trusted_proxies, config->trusted_proxies) == NULL);
    w.base = event_base_new();
    if (!w.base)
        fatal(EX_OSERR, "no event loop: %s", strerror(errno));
    w.hasher = memory_check(XXH3_createState(), "fingerprints");
    w.view = view_reader_new(config->view_path, NULL, 0);
    watchers_init(&w);
    w.client = walkvd_client_new(&w);
    struct timeval tick = {0, TICK_MS * 1000};
    w.accepting = add_event(&w, listen_fd, EV_READ | EV_PERSIST, on_accept, NULL);
    w.ticking = add_event(&w, -1, EV_PERSIST, on_tick, &tick);
    w.terminate[0] = add_event(&w, SIGTERM, EV_SIGNAL | EV_PERSIST, on_terminate, NULL);
    w.terminate[1] = add_event(&w, SIGINT, EV_SIGNAL | EV_PERSIST, on_terminate, NULL);
    w.hang_up = add_event(&w, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hang_up, NULL);
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &hangup, NULL);
    w.access_log = access_log_new(config->access_log);
    log_info("worker %u: serving", number);
    notify_status("Serving");
    notify_ready();
    while (!event_base_got_break(w.base)) {
        event_base_loop(w.base, EVLOOP_ONCE);
        walkvd_client_flush(w.client);
        if (w.access_log)
            access_log_flush(w.access_log);
    }
    log_info("worker %u: stopping", number);
    while (w.conns)
        conn_close(w.conns);
    walkvd_client_free(&w.client);
    watchers_free(&w);
    view_reader_free(&w.view);
    event_free(w.accepting);
    event_free(w.ticking);
    event_free(w.terminate[0]);
    event_free(w.terminate[1]);
    event_free(w.hang_up);
    event_base_free(w.base);
    access_log_free(&w.access_log);
    buffer_free(&w.scratch);
    while (w.spare_count)
        buffer_free(&w.spares[--w.spare_count]);
    buffer_free(&w.packed);
    XXH3_freeState(w.hasher);
    return 0;
}
