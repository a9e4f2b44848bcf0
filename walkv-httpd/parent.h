/* SPDX-License-Identifier: MIT
 *
 * For use without systemd: a small parent that holds the listening socket, keeps N workers alive, and does
 * nothing else. The socket outlives any worker, so no connection attempt is refused while one is replaced.
 */
#ifndef WALKV_HTTPD_PARENT_H
#define WALKV_HTTPD_PARENT_H

#include "httpd_settings.h"
#include "token_table.h"

/* Runs until SIGTERM or SIGINT. SIGHUP goes to the workers; the access tokens that are read then are also
 * those of workers that are started later. Returns the exit status. */
int parent_run(const struct httpd_config *, int listen_fd, struct token_table *);

#endif
