/* SPDX-License-Identifier: MIT
 *
 * The parameters of a query, as handlers take them; which there may be is said by the table of routes. Each
 * function returns 1, 0 when the parameter is absent, or -1 when it was refused: the answer has been appended
 * then.
 */
#ifndef WALKV_HTTPD_PARAMETERS_H
#define WALKV_HTTPD_PARAMETERS_H

#include "http_conn.h"

/* A decimal number between `least` and `most`. When it is absent, `*value` stays as it is. */
int parameter_number(struct conn *, const struct http_request *, const char *name, uint64_t least,
                     uint64_t most, uint64_t *value);

/* UTF-8 of at most NAME_BYTES_MAX bytes; `*bytes` is 0 when it is absent. */
int parameter_text(struct conn *, const struct http_request *, const char *name, char text[NAME_BYTES_MAX],
                   uint16_t *bytes);

/* "true" or "false"; `*value` is false when it is absent. */
int parameter_flag(struct conn *, const struct http_request *, const char *name, bool *value);

/* This word and no other. */
int parameter_word(struct conn *, const struct http_request *, const char *name, const char *word);

#endif
