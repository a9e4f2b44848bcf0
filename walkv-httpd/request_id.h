/* SPDX-License-Identifier: MIT
 *
 * What a request is called, in the header X-Request-Id of its response, in the access log and in failures:
 * the client's name for it, or one of ours. An id is text that can stand in a header, in JSON and in a log as
 * it is.
 *
 *   3f9a0c12b4d5-1042       12 random hex digits of the worker, the number of the request in it
 */
#ifndef WALKV_HTTPD_REQUEST_ID_H
#define WALKV_HTTPD_REQUEST_ID_H

#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_ID_BYTES_MAX 128
#define REQUEST_ID_PREFIX    13 /* bytes of a prefix, '-' included */

struct request_id {
    uint8_t bytes; /* 0: none yet */
    char text[REQUEST_ID_BYTES_MAX];
};

/* True for 1 to 128 visible ASCII characters without '"' and '\'. */
bool request_id_valid(struct span text);

/* Writes the prefix of a worker, REQUEST_ID_PREFIX bytes without a NUL, from what getrandom() gave. */
void request_id_prefix(char *prefix, uint64_t random);

/* Makes the id of the request with that number. */
void request_id_make(struct request_id *, const char *prefix, uint64_t number);

/* Takes an id that is valid. */
void request_id_take(struct request_id *, struct span text);

static inline struct span request_id_span(const struct request_id *id)
{
    return (struct span){id->text, id->bytes};
}

#endif
