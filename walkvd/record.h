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
 *     12     4    extension bytes (0: the write has no identity)
 *     16     8    queue id         (queue operations, else 0; refuse: the op that was refused)
 *     24     8    item sequence    (enqueue, dequeue, else 0)
 *     32          name, value, extension
 *
 * expire: all outcomes of idempotency keys with an LSN up to `sequence` go, `queue id` of them before their
 * time. depart: all outcomes of session `queue id` go. Neither has a name.
 *
 * The extension: who asked (identity.h), and the answer where it does not follow from the record:
 *
 *      0     8    session
 *      8     8    sequence in the session
 *     16     8    confirmed up to this sequence
 *     24     2    result (enum result)
 *     26     2    idempotency key bytes
 *     28     4    0
 *     32     8    version: as in the answer (of set: the LSN of the record; of dequeue: see below)
 *     40     8    size: as in the answer
 *     48    16    fingerprint
 *     64          idempotency key
 *
 * The version of a dequeue is how many bytes its value has, so that replay knows the room that keeping it
 * takes; 0 where an earlier walkvd wrote it.
 *
 * Changing it: bump WAL_VERSION, keep reading the version before, extend record_test.c.
 */
#ifndef WALKV_WALKVD_RECORD_H
#define WALKV_WALKVD_RECORD_H

#include "buffer.h"
#include "identity.h"
#include "op.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_FIXED_BYTES    32u
#define RECORD_IDENTITY_BYTES 64u

struct record {
    enum op op;
    struct span name;
    struct span value;
    uint64_t queue_id;
    uint64_t sequence;
    struct identity identity;
    enum result result; /* this and what follows only with an identity */
    uint64_t version;
    uint64_t size;
};

/* The bytes of the record of a write with this identity, name and value. */
static inline size_t record_bytes(size_t name_bytes, size_t value_bytes, const struct identity *i)
{
    size_t extension = identity_is_none(i) ? 0 : RECORD_IDENTITY_BYTES + i->key.bytes;
    return RECORD_FIXED_BYTES + name_bytes + value_bytes + extension;
}

void record_encode(struct buffer *out, const struct record *);

/* Takes the next record off the front of `bytes`; its spans point into it. False when it is not a valid
 * record: in a batch whose checksum holds, that is a bug or a forgery, never a torn write. */
bool record_decode(struct span *bytes, struct record *);

#endif
