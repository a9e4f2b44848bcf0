/* SPDX-License-Identifier: MIT
 *
 * One HTTP worker: everything it has hangs off this struct, made in worker_run(). It has no files and no
 * state that anybody would miss: it may be killed at any instruction.
 */
#ifndef WALKV_HTTPD_WORKER_H
#define WALKV_HTTPD_WORKER_H

#include "buffer.h"
#include "http_parser.h"
#include "httpd_settings.h"
#include "token_table.h"
#include "view_read.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;
struct walkvd_client;

struct worker {
    const struct httpd_config *config;
    unsigned number; /* among its siblings; 0 when it is alone */
    int listen_fd;
    bool loopback; /* bound to loopback only */
    struct event_base *base;
    struct event *accepting;
    struct event *ticking;
    struct event *terminate[2];
    struct event *reload;
    bool told_full;     /* the log knows that there are no descriptors */
    bool accept_paused; /* no descriptors left */
    bool draining;
    uint64_t drain_until_ns;

    struct conn *conns; /* in order of use, the least recently used last */
    struct conn *last_conn;
    uint64_t conn_count;

    struct token_table *tokens;
    struct walkvd_client *client;
    struct view_reader *view;

    /* Used by one request at a time, so that no request allocates. */
    struct http_request request;
    struct buffer scratch;

    uint64_t started_ns;
    uint64_t requests;
    uint64_t random; /* makes request ids */
};

/* Serves on the listening socket until SIGTERM or SIGINT, and reads the access tokens again on SIGHUP, which
 * may be blocked until it can. Returns the exit status. */
int worker_run(const struct httpd_config *, int listen_fd, unsigned number, struct token_table *);

#endif
