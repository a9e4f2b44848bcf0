/* SPDX-License-Identifier: MIT
 *
 * What a store must hold, in the simplest form that can be right: a few keys, a few queues, what was answered
 * to those who may ask again, and the meaning of each request written down once more, without looking at
 * walkvd. Values carry a serial number, so that each stands for one write; so do requests with an identity,
 * in their fingerprint and as their place in the session.
 */
#ifndef WALKV_TESTS_CRASH_MODEL_H
#define WALKV_TESTS_CRASH_MODEL_H

#include "buffer.h"
#include "frame.h"
#include "store.h"

enum {
    MODEL_KEYS = 12,
    MODEL_QUEUES = 3,
    MODEL_ITEMS = 40,
    MODEL_VALUE_BYTES = 6100,
    MODEL_IDEMPOTENCY_KEYS = 14, /* more than are kept */
    MODEL_KEPT = 64,
    MODEL_SERIALS = 32768,
};

struct model_queue {
    bool exists;
    unsigned count;
    uint32_t items[MODEL_ITEMS]; /* serial numbers */
};

/* A request as the workload chooses it; `serial` is that of its value, `id` the request's own, or 0. */
struct model_request {
    enum op op;
    enum condition condition; /* NONE, EXISTS or ABSENT */
    unsigned name;            /* of a key or a queue */
    uint32_t serial;
    uint32_t id;
    unsigned key;       /* idempotency key, from 1; 0: none */
    uint64_t session;   /* 0: none; its sequence is the id */
    uint64_t confirmed; /* up to this id */
    bool was_sent;
};

/* What walkvd must answer. */
struct model_answer {
    enum result result;
    uint64_t size;       /* of the queue, after an enqueue or dequeue */
    uint32_t serial;     /* of what was dequeued; 0: nothing */
    uint32_t version_of; /* serial of the value whose version it is; 0: none */
    uint32_t repeats;    /* id of the request that was answered before, whose LSN and version it has */
    bool replayed, kept;
};

struct model_outcome {
    struct model_request request;
    struct model_answer answer;
};

struct model {
    uint32_t keys[MODEL_KEYS]; /* serial number of the value; 0: no such key */
    struct model_queue queues[MODEL_QUEUES];
    struct model_outcome by_key[MODEL_KEPT]; /* the oldest first */
    struct model_outcome by_place[MODEL_KEPT];
    unsigned by_key_count, by_place_count;
};

struct model_answer model_apply(struct model *, const struct model_request *);

/* What comes behind the requests of a batch: the session that departs (0: none) is forgotten, and the oldest
 * outcomes of keys beyond `most`. */
void model_upkeep(struct model *, uint64_t departed, unsigned most);

/* The text of a value: short ones, some larger than a block, some than a page, some that compress. Returns
 * its bytes. */
size_t model_value(uint32_t serial, char out[MODEL_VALUE_BYTES]);
/* The serial number of a value that model_value() made; 0: of none. */
uint32_t model_serial(struct span value);
size_t model_key(unsigned key, char out[16]);
size_t model_queue_name(unsigned queue, char out[16]);
size_t model_idempotency_key(unsigned key, char out[IDEMPOTENCY_KEY_MAX + 1]);

/* What was acknowledged, by the serial number of a value or a request; 0: not known. */
struct model_acknowledged {
    uint64_t lsns[MODEL_SERIALS];
    uint64_t versions[MODEL_SERIALS]; /* of answers that are kept */
};

/* Two equal contents have one digest. */
uint64_t model_digest(const struct model *);

/* The digest of what a store holds and of what it answers to repeats; LSNs and versions are compared with
 * those that were acknowledged. False, with a sentence, when the store contradicts itself or they are wrong.
 */
bool model_digest_store(struct store *, const struct model_acknowledged *, uint64_t *digest, char *sentence,
                        size_t room);

#endif
