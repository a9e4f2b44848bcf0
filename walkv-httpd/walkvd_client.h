/* SPDX-License-Identifier: MIT
 *
 * The worker's connection to walkvd: writes go out pipelined and are answered in order. While walkvd is away,
 * writes wait for up to write_timeout. What had been sent when the connection broke is sent again in the
 * worker's session (frame.h, [session]), and walkvd answers what it had done already; only when walkvd has
 * forgotten the session, or the time is over, is it answered outcome_unknown. Nothing of an HTTP connection
 * is referenced after walkvd_client_forget().
 */
#ifndef WALKV_HTTPD_WALKVD_CLIENT_H
#define WALKV_HTTPD_WALKVD_CLIENT_H

#include "frame.h"
#include "status.h"
#include "worker.h"

struct walkvd_client *walkvd_client_new(struct worker *);
void walkvd_client_free(struct walkvd_client **);

/* Sends a write for `conn`, giving it its place in the session. `conn` gets conn_write_done() exactly once
 * unless it is forgotten before; RESULT_INVALID is a value that this walkvd does not take, which was not
 * known when it was submitted. False when too many bytes are waiting already; nothing was done then. */
bool walkvd_client_submit(struct walkvd_client *, struct conn *, const struct write_request *);
/* Takes the status; NULL: walkvd did not answer. */
typedef void status_taker(struct conn *, const struct status *);
/* Asks for the status, waiting for walkvd a moment if it is away. `take` gets the answer exactly once unless
 * `conn` is forgotten before. */
void walkvd_client_ask_status(struct walkvd_client *, struct conn *, status_taker *take);
/* Asks to be told, by watchers_published(), once when more than this LSN has been published. False when
 * walkvd is away; watchers_connected() says when it is there. */
bool walkvd_client_watch(struct walkvd_client *, uint64_t lsn);
/* The connection that waits is gone; what it sent still happens. */
void walkvd_client_forget(struct conn *);

/* True when there is a connection; on a new one walkvd may still have to greet. */
bool walkvd_client_connected(const struct walkvd_client *);
/* The largest value that walkvd takes; 0 before the first greeting. */
uint64_t walkvd_client_max_value_bytes(const struct walkvd_client *);

/* Sends what has been submitted; once per turn of the event loop. */
void walkvd_client_flush(struct walkvd_client *);
/* Looks for writes that have waited too long, and reconnects. */
void walkvd_client_tick(struct walkvd_client *, uint64_t now_ns);

#endif
