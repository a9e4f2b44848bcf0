/* SPDX-License-Identifier: MIT
 *
 * The protocol of the Unix socket between walkvd and its peers (workers, walkvctl), encoder beside decoder.
 * Integers are little-endian. Every frame is a header and a body:
 *
 *     offset width
 *      0     4    magic 0x31564b57 ("WKV1"); no HTTP request begins with it
 *      4     4    body bytes, at most FRAME_BODY_MAX
 *      8     2    type (enum frame_type)
 *     10     2    0
 *     12     4    id: chosen by the peer, echoed in the answer
 *     16          body
 *
 * The peer begins with HELLO, walkvd answers GREETING; then the peer sends requests, as many as it likes
 * without waiting, and walkvd answers each in order, but for WATCH.
 *
 *     HELLO            4 protocol version, 4 role, 8 session (0: none; else below 2^32, chosen at random),
 *                      8 process id (but the kernel is asked), 8 last sequence that may have been sent
 *                      before (0: none),
 *                      8 CLOCK_BOOTTIME in ns when the oldest write without an answer was first sent
 *     GREETING         4 protocol version, 4 wal_sync (0 sync, 1 async), 16 store UUID, 8 generation,
 *                      8 view_grace in ns, 8 max_value_size, 4 the session is in force (0 or 1), 4 0,
 *                      2 n + view path, 2 n + version of walkvd
 *     WRITE            struct write_request below
 *     RESULT           struct write_result below
 *     STATUS           empty
 *     STATUS_REPLY     struct status (status.h), by its table
 *     CHECKPOINT       empty; holds what was written before; answered when done, others meanwhile
 *     CHECKPOINT_REPLY 2 result (enum result), 8 LSN of the checkpoint, 2 n + sentence if it failed
 *     WATCH            8 LSN; takes the place of a WATCH before it; answered out of order, as soon as more
 *                      than that has been published
 *     CHANGED          8 LSN that was published last
 *
 *     WRITE            offset width
 *                        0    1    op
 *                        1    1    condition
 *                        2    2    name bytes
 *                        4    4    value bytes
 *                        8    4    key bytes
 *                       12    4    token bytes
 *                       16    8    version
 *                       24    8    sequence in the session (0: none)
 *                       32    8    confirmed up to this sequence
 *                       40         name, value, if there is an idempotency key: 16 fingerprint, key; token
 *
 *     RESULT             0    2    result
 *                        2    2    1: of an earlier request with this idempotency key, else 0
 *                        4    4    value bytes
 *                        8    8    LSN
 *                       16    8    version
 *                       24    8    size
 *                       32         value
 *
 * [session] A worker numbers its writes 1, 2, 3, ... in a session that outlives its connections. After a
 * connection has ended it sends again, in their order, all writes whose answers it has not seen, up to the
 * sequence that its HELLO says; walkvd answers what it has done from what it keeps, and does the others. If
 * GREETING says that the session is not in force, walkvd has forgotten it: what was sent has an unknown
 * outcome and must not be sent again. Up to `confirmed` walkvd may forget: that was answered or given up, and
 * is never asked for again. More than a million behind that makes a WRITE bad.
 *
 * [token] A worker sends with a write the access token that its client sent (tokens.h), and walkvd looks it
 * up in its own table: what the token does not allow is answered RESULT_FORBIDDEN, whatever the worker thinks
 * of it. With role CONTROL, root and the user that walkvd runs as need no token: they are the operator.
 * Another user is asked for one whatever role its HELLO says, or a worker could just say that it is no
 * worker.
 *
 * Changing it: bump FRAME_PROTOCOL; walkvd refuses another number, and the worker says so: of HELLO and
 * GREETING only the protocol version is read then. The decoders trust nothing: a field out of bounds or bytes
 * left over make the frame bad, which ends that connection and nothing else.
 */
#ifndef WALKV_COMMON_FRAME_H
#define WALKV_COMMON_FRAME_H

#include "bounds.h"
#include "buffer.h"
#include "identity.h"
#include "op.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAGIC        0x31564b57u
#define FRAME_PROTOCOL     4u
#define FRAME_HEADER_BYTES 16u
#define FRAME_BODY_MAX     (VALUE_BYTES_MAX + 65536u)
#define FRAME_SOCKET_BYTES (1024 * 1024) /* what a socket should hold, so that large values share a batch */

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_GREETING = 2,
    FRAME_WRITE = 3,
    FRAME_RESULT = 4,
    FRAME_STATUS = 5,
    FRAME_STATUS_REPLY = 6,
    FRAME_CHECKPOINT = 7,
    FRAME_CHECKPOINT_REPLY = 8,
    FRAME_WATCH = 9,
    FRAME_CHANGED = 10,
};

enum frame_role { FRAME_ROLE_WORKER = 1, FRAME_ROLE_CONTROL = 2 };

struct frame {
    uint16_t type;
    uint32_t id;
    struct span body;
};

/* Looks for one whole frame at the front of `bytes`. Returns its size (header and body) with `frame` filled,
 * its body pointing into `bytes`; 0 when more is needed; -EPROTO when this can be no frame. */
long frame_decode(struct span bytes, struct frame *frame);

/* Appends a header for a body of `body_bytes`, which the caller appends next. */
void frame_begin(struct buffer *out, enum frame_type type, uint32_t id, size_t body_bytes);

struct hello {
    uint32_t protocol;
    uint32_t role;
    uint64_t session;
    uint64_t pid;
    uint64_t sent_sequence;
    uint64_t oldest_sent_ns;
};

struct greeting {
    uint32_t protocol;
    uint32_t wal_sync_async;
    uint8_t uuid[UUID_BYTES];
    uint64_t generation;
    uint64_t view_grace_ns;
    uint64_t max_value_bytes;
    bool session_in_force;
    struct span view_path; /* not terminated */
    struct span version;
};

enum condition {
    CONDITION_NONE = 0,
    CONDITION_EXISTS = 1,         /* If-Match: * ; else PRECONDITION_FAILED */
    CONDITION_ABSENT = 2,         /* If-None-Match: * */
    CONDITION_VERSION = 3,        /* If-Match: "<version>" */
    CONDITION_UPDATE = 4,         /* PATCH: the key must exist, else NOT_FOUND */
    CONDITION_UPDATE_VERSION = 5, /* PATCH with If-Match: NOT_FOUND if absent, else as CONDITION_VERSION */
    CONDITION_LIMIT,
};

struct write_request {
    enum op op;
    enum condition condition;
    uint64_t version; /* for the VERSION conditions */
    struct span name; /* key or queue */
    struct span value;
    struct identity identity; /* the session itself is not sent: it is that of the connection */
    struct span token;        /* of the client, at most TOKEN_TEXT_MAX; 0 bytes: none */
};

struct write_result {
    enum result result;
    bool replayed; /* of an earlier request with this idempotency key */
    uint64_t lsn;  /* durable at this LSN; for a refusal, the last LSN it was decided after */
    uint64_t
        version;   /* of the key: the new one, or the current one for PRECONDITION_FAILED (0: no such key) */
    uint64_t size; /* of the queue, after it */
    struct span value; /* what was dequeued */
};

struct checkpoint_reply {
    enum result result;
    uint64_t lsn;
    struct span sentence;
};

void frame_encode_hello(struct buffer *, uint32_t id, const struct hello *);
bool frame_decode_hello(struct span body, struct hello *);
void frame_encode_greeting(struct buffer *, uint32_t id, const struct greeting *);
bool frame_decode_greeting(struct span body, struct greeting *);
void frame_encode_write(struct buffer *, uint32_t id, const struct write_request *);
/* Puts `confirmed` into a WRITE frame that was encoded before. */
void frame_set_confirmed(char *frame, uint64_t sequence);
/* Bounds every field; names must be valid (name.h), a value is taken as it is. */
bool frame_decode_write(struct span body, struct write_request *);
void frame_encode_result(struct buffer *, uint32_t id, const struct write_result *);
bool frame_decode_result(struct span body, struct write_result *);
void frame_encode_empty(struct buffer *, enum frame_type, uint32_t id);
void frame_encode_checkpoint_reply(struct buffer *, uint32_t id, const struct checkpoint_reply *);
bool frame_decode_checkpoint_reply(struct span body, struct checkpoint_reply *);
/* WATCH and CHANGED. */
void frame_encode_lsn(struct buffer *, enum frame_type, uint32_t id, uint64_t lsn);
bool frame_decode_lsn(struct span body, uint64_t *lsn);

#endif
