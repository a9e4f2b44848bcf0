/* SPDX-License-Identifier: MIT
 *
 * A record: the effects of one operation, everything decided, as it stands in a batch of the log. Record i of
 * a batch has the LSN `first LSN + i`. Replay applies records and never decides anything. Little-endian:
 *
 *     offset width
 *      0     4    bytes of the whole record
 *      4     1    op (enum op)
 *      5     1    0
 *      6     2    name bytes
 *      8     4    value bytes
 *     12     4    extension bytes (0: room for idempotency keys and sessions)
 *     16     8    queue id         (queue operations, else 0)
 *     24     8    item sequence    (enqueue, dequeue, else 0)
 *     32          name, value, extension
 *
 * Changing it: bump WAL_VERSION, keep reading the version before, extend record_test.c.
 */
#ifndef WALKV_WALKVD_RECORD_H
#define WALKV_WALKVD_RECORD_H

#include "buffer.h"
#include "op.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_FIXED_BYTES 32u

struct record {
    enum op op;
    struct span name;
    struct span value;
    uint64_t queue_id;
    uint64_t sequence;
};

void record_encode(struct buffer *out, const struct record *);

/* Takes the next record off the front of `bytes`; its spans point into it. False when it is not a valid
 * record: in a batch whose checksum holds, that is a bug or a forgery, never a torn write. */
bool record_decode(struct span *bytes, struct record *);

#endif
