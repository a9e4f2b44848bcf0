/* SPDX-License-Identifier: MIT
 *
 * The listening socket: inherited from systemd, or opened here, on TCP or as a Unix socket. It outlives any
 * worker that accepts from it.
 *
 * The file of a Unix socket belongs to whoever opened it here. One that is left over from a process that was
 * killed is replaced; nothing else is: no file that is not a socket, no socket at which somebody answers. Two
 * that start at once are kept apart by a lock on the directory.
 */
#ifndef WALKV_HTTPD_LISTENER_H
#define WALKV_HTTPD_LISTENER_H

#include "httpd_settings.h"

#include <stdbool.h>
#include <stdint.h>

struct listener {
    int fd;
    const char *path; /* of the Unix socket that was made here, in the settings; else NULL */
    uint64_t device, inode;
};

/* Takes the socket that systemd hands over (LISTEN_FDS), or listens at the setting `listen`. Ends the process
 * if that cannot be: EX_UNAVAILABLE when the address is in use, EX_CONFIG when it cannot be had. */
void listener_open(struct listener *, const struct httpd_config *);

/* At a clean end, by the process that opened it: removes the file of the Unix socket, if it is still ours.
 * The descriptor has been closed by then. */
void listener_remove(const struct listener *);

/* Whether only this host can reach it: loopback, or a Unix socket. */
bool listener_is_local(int fd);

#endif
