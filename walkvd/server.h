/* SPDX-License-Identifier: MIT
 *
 * walkvd's event loop: the socket, its peers, and the turn. Each turn reads what has arrived from all peers,
 * runs one batch of it, and answers; while the sync of the batch runs, the next requests queue up in the
 * sockets. Checkpoints, the idle witness and the preparing of log segments are done between turns.
 */
#ifndef WALKV_WALKVD_SERVER_H
#define WALKV_WALKVD_SERVER_H

#include "checkpoint.h"
#include "disk.h"
#include "recovery.h"
#include "token_table.h"
#include "walkvd_settings.h"

/* Serves until SIGTERM or SIGINT, then stops cleanly; reads the access tokens again on SIGHUP. Returns the
 * exit status. */
int server_run(struct recovery *, struct disk *, const struct walkvd_config *, struct token_table *);

#endif
