/* SPDX-License-Identifier: MIT
 *
 * What the files of a connection share, and nobody else may include: http_conn.c, which takes requests and
 * sends answers; conn_stream.c, which makes the long ones; conn_list.c, which knows all connections.
 */
#ifndef WALKV_HTTPD_CONN_INTERNAL_H
#define WALKV_HTTPD_CONN_INTERNAL_H

#include "http_conn.h"

#define CONN_TURN_BYTES (64 * 1024) /* made for and sent to one client before the others have their turn */

/* Of one worker, for all clients that do not read: 2,000 streams at once, or four of the largest values. It
 * has to leave room on small hosts: without it, max_connections clients could make a worker take gigabytes.
 */
#define CONN_HELD_BYTES_MAX (256 * 1024 * 1024)

/* Puts a connection into the list of its worker, as the one that was used last, and takes it out. */
void conn_list_add(struct worker *, struct conn *);
void conn_list_remove(struct worker *, struct conn *);

/* It has just been used. */
void conn_list_use(struct conn *);

/* Keeps `bytes` of answers for a client that does not take them now; 0: it does again. When all that is kept
 * goes over CONN_HELD_BYTES_MAX, the clients that are furthest behind with reading are closed until it does
 * not. False when this was one of them. */
bool conn_hold(struct conn *, size_t bytes);

/* No part of a request or of an answer is on its way. */
bool conn_idle(const struct conn *);

/* In CONN_STREAM: makes the next pieces while the client takes them. */
void conn_stream_run(struct conn *);

#endif
