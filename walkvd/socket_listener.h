/* SPDX-License-Identifier: MIT
 * walkvd's Unix socket: made so that only its owner and group can connect, and never stolen from a living
 * walkvd. */
#ifndef WALKV_WALKVD_SOCKET_LISTENER_H
#define WALKV_WALKVD_SOCKET_LISTENER_H

/* Ends the process with EX_CONFIG when no socket could be made at `path`, before anything else is touched. */
void socket_listener_check(const char *path);

/* Listens at `path` with mode 0660, replacing a socket that nobody answers at. Returns the descriptor or ends
 * the process: EX_UNAVAILABLE when somebody answers, EX_CONFIG when the path cannot be used. */
int socket_listener_open(const char *path);

#endif
