/* SPDX-License-Identifier: MIT
 *
 * Which responses are compressed: lists, when the setting `compression` is on, the client asks for gzip, and
 * it is worth it. Single values and whatever somebody waits for in the middle of something are sent as they
 * are, so their ETag always means the same bytes; so is what HTTP/1.0 asks for, which has no chunks, and
 * HEAD.
 */
#ifndef WALKV_HTTPD_COMPRESSION_H
#define WALKV_HTTPD_COMPRESSION_H

#include "http_conn.h"

#define COMPRESSION_LEAST_BYTES 4096 /* of a list; below, the head is most of it */
#define COMPRESSORS_MAX         32   /* of one worker, 8 MiB; whoever comes then gets the list as it is */

/* Whether the client takes gzip. */
bool compression_accepted(const struct http_request *);

/* True when a list for this request is compressed, if it is large enough. */
bool compression_wanted(const struct conn *, const struct http_request *);

/* Compresses conn->stream. False when there is no memory for it: then it is sent as it is. */
bool compression_begin(struct conn *);

/* Ends it; for the end of a stream. */
void compression_end(struct conn *);

#endif
