/* SPDX-License-Identifier: MIT
 *
 * For use without systemd: a small parent that holds the listening socket, keeps N workers alive, and does
 * nothing else. The socket outlives any worker, so no connection attempt is refused while one is replaced.
 */
#ifndef WALKV_HTTPD_PARENT_H
#define WALKV_HTTPD_PARENT_H

#include "httpd_settings.h"

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int parent_run(const struct httpd_config *, int listen_fd);

#endif
