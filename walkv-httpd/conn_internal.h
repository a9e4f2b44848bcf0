/* SPDX-License-Identifier: MIT
 *
 * What the files of a connection share, and nobody else may include: http_conn.c, which takes requests and
 * sends answers; conn_stream.c, which makes the long ones; conn_list.c, which knows all connections.
 */
#ifndef WALKV_HTTPD_CONN_INTERNAL_H
#define WALKV_HTTPD_CONN_INTERNAL_H

#include "http_conn.h"

#define CONN_TURN_BYTES (64 * 1024) /* made for and sent to one client before the others have their turn */

/* Puts a connection into the list of its worker, as the one that was used last, and takes it out. */
void conn_list_add(struct worker *, struct conn *);
void conn_list_remove(struct worker *, struct conn *);

/* It has just been used. */
void conn_list_use(struct conn *);

/* No part of a request or of an answer is on its way. */
bool conn_idle(const struct conn *);

/* In CONN_STREAM: makes the next pieces while the client takes them. */
void conn_stream_run(struct conn *);

#endif
