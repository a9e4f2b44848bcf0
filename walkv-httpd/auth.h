/* SPDX-License-Identifier: MIT
 *
 * Who may ask: the access token of a request (Authorization: Bearer, RFC 6750) against what its route needs
 * and what it is about (router.h). Without auth_tokens_file everything is allowed and nothing is looked at. A
 * write is checked again by walkvd, which gets the token with it (frame.h, [token]).
 *
 * What a client sends as a token never goes into an answer or a log.
 */
#ifndef WALKV_HTTPD_AUTH_H
#define WALKV_HTTPD_AUTH_H

#include "http_conn.h"
#include "token_table.h"

/* Without tokens, only sockets that other hosts cannot reach are served from, unless the operator insists:
 * ends the process with EX_CONFIG. */
void auth_check_listener(const struct httpd_config *, const struct token_table *, int listen_fd);

/* Takes the token of the request whose route and name have been found, and checks it. False when it is
 * refused: 401 or 403 has been appended. */
bool auth_check(struct conn *, const struct http_request *);

/* The same for a name that was found later than the route, in a body. */
bool auth_check_name(struct conn *);

/* The token of the current request, as it stands in the file now. Returns 0 with `*token` set, NULL when none
 * is asked for; -EPERM when it has been taken out since. */
int auth_token(const struct conn *, const struct token **token);

#endif
