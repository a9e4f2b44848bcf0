/* SPDX-License-Identifier: MIT
 *
 * What is known about a request as a whole, whatever comes of it: its id, who sent it, and at its end a line
 * in the access log. http_conn says when it begins and ends.
 */
#ifndef WALKV_HTTPD_REQUEST_INFO_H
#define WALKV_HTTPD_REQUEST_INFO_H

#include "http_conn.h"

/* Its head has been read. */
void request_info_take(struct conn *, const struct http_request *);

/* Its response is complete in conn->out, or, with `aborted`, will never be. */
void request_info_end(struct conn *, bool aborted);

/* Its id, made if it has none yet. */
struct span request_info_id(struct conn *);

#endif
