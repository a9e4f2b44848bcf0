/* SPDX-License-Identifier: MIT
 * The listening socket: inherited from systemd or opened here. It outlives any worker that accepts from it.
 */
#ifndef WALKV_HTTPD_LISTENER_H
#define WALKV_HTTPD_LISTENER_H

#include <stdbool.h>

/* Listens at "address:port". Returns the descriptor or ends the process: EX_UNAVAILABLE when the address is
 * in use, EX_CONFIG when it cannot be had. */
int listener_open(const char *address);

/* The socket that systemd hands over (LISTEN_FDS), or -1 when it hands over none. */
int listener_inherited(void);

bool listener_is_loopback(int fd);

/* Whether only this host can reach it: loopback, or a Unix socket. */
bool listener_is_local(int fd);

#endif
