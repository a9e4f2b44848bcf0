/* SPDX-License-Identifier: MIT
 *
 * What changed in the store, as the view's database `changes` keeps it for those who watch: one row holds the
 * changes of one or several LSNs beside each other, and its key is the LSN of the first, 8 bytes, big-endian.
 *
 *     offset width
 *        0     1    op (enum op): set, delete, enqueue, dequeue, clear or forget
 *        1     1    1: the key or queue was not there before, else 0
 *        2     2    name bytes
 *        4     4    LSN, less that of the row
 *        8     8    size of the queue after it (0 of a key)
 *       16          name
 *
 * Rows are a history of bounded length that nothing else depends on: state.changes_after in view_layout.h
 * says from where on it is complete. Changing it: bump VIEW_LAYOUT.
 */
#ifndef WALKV_COMMON_CHANGE_H
#define WALKV_COMMON_CHANGE_H

#include "buffer.h"
#include "op.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define CHANGE_FIXED_BYTES 16u

struct change {
    enum op op;
    bool created;
    uint64_t lsn;
    uint64_t size;
    struct span name;
};

/* Appends a change to the row of `row_lsn`, which is not behind it by 2^32 or more. */
void change_encode(struct buffer *row, uint64_t row_lsn, const struct change *);

/* Takes the next change off the front of `row`; its name points into it. Returns 1, 0 at the end, or -EBADMSG
 * when these bytes are no change. */
int change_decode(struct span *row, uint64_t row_lsn, struct change *);

#endif
