/* SPDX-License-Identifier: MIT
 * What all writes share: their bodies, their conditions, their way to walkvd. */
#ifndef WALKV_HTTPD_WRITE_API_H
#define WALKV_HTTPD_WRITE_API_H

#include "http_conn.h"

/* Takes the Idempotency-Key of a request, if it has one and is a write, and the fingerprint of the request.
 * To be called before anything changes the body. False when the key was refused. */
bool write_take_key(struct conn *, const struct http_request *, struct span body);

/* Takes "value" out of a body into conn->value, minified in place, and if `key` is not NULL "key" as well.
 * False when it was refused: the answer has been appended. */
bool write_take_value(struct conn *, struct span body, struct span *key);

/* Sends the operation on conn_name() to walkvd. */
void write_submit(struct conn *, enum op, enum condition, uint64_t version);

/* Appends a failure for a view that could not be read. */
void read_failed(struct conn *, int rc);

#endif
