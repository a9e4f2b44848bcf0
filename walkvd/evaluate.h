/* SPDX-License-Identifier: MIT
 *
 * Decides one request against the state including the requests before it in the batch: the last place that
 * may say no. What goes ahead becomes a record in which nothing is left to decide.
 */
#ifndef WALKV_WALKVD_EVALUATE_H
#define WALKV_WALKVD_EVALUATE_H

#include "frame.h"
#include "record.h"
#include "store.h"

/* Decides `request`, which was not done before (requests.h) and would get `lsn`. Returns 1 when `record` is
 * to be applied, 0 when the answer is in `result` and nothing changes, or a negative errno. A dequeued value
 * is appended to `values`, and `result->value` is left empty. */
int evaluate(struct store *, const struct write_request *request, uint64_t lsn, struct record *record,
             struct write_result *result, struct buffer *values);

#endif
