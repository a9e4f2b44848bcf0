/* SPDX-License-Identifier: MIT
 *
 * One HTTP worker: everything it has hangs off this struct, made in worker_run(). It has no
 * state that anybody would miss, and no file but the access log: it may be killed at any instruction.
 */
#ifndef WALKV_HTTPD_WORKER_H
#define WALKV_HTTPD_WORKER_H

#include "address.h"
#include "buffer.h"
#include "http_parser.h"
#include "httpd_settings.h"
#include "request_id.h"
#include "token_table.h"
#include "view_read.h"
#include "watchers.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct access_log;
struct conn;
struct walkvd_client;

#define WORKER_SPARES 64

struct worker {
    const struct httpd_config *config;
    unsigned number; /* among its siblings; 0 when it is alone */
    int listen_fd;
    bool local; /* only this host can connect */
    struct event_base *base;
    struct event *accepting;
    struct event *ticking;
    struct event *terminate[2];
    struct event *hang_up;
    bool accept_paused; /* no descriptors left */
    bool draining;
    uint64_t drain_until_ns;

    struct conn *conns; /* in order of use, the least recently used last */
    struct conn *last_conn;
    struct conn
        *tick_next; /* in the walk of conn_tick(), in which others than the one it is at may be closed */
    uint64_t conn_count;
    uint64_t held_bytes; /* of answers, for clients that do not take them now */

    struct token_table *tokens;
    struct walkvd_client *client;
    struct view_reader *view;
    struct watchers watchers;

    /* Used by one request at a time, so that no request allocates. */
    struct http_request request;
    struct buffer scratch;
    struct buffer spares[WORKER_SPARES]; /* empty, for requests that come in; see http_conn.c */
    unsigned spare_count;
    struct buffer packed;        /* what a piece of a stream is when it is compressed */
    struct XXH3_state_s *hasher; /* of fingerprints */

    uint64_t started_ns;
    uint64_t requests;
    char id_prefix[REQUEST_ID_PREFIX];
    uint64_t ids_made;

    struct access_log *access_log; /* NULL: off */
    struct address_list trusted_proxies;
    unsigned compressors; /* at work */

    /* When the log was told last; see log_due(). */
    struct {
        uint64_t held_ns;     /* that clients do not read */
        uint64_t full_ns;     /* that there are no descriptors */
        uint64_t no_proxy_ns; /* of a connection without a PROXY header */
    } told;
};

/* Serves on the listening socket until SIGTERM or SIGINT, and reads the access tokens again on SIGHUP, which
 * may be blocked until it can. Returns the exit status. */
int worker_run(const struct httpd_config *, int listen_fd, unsigned number, struct token_table *);

#endif
