/* SPDX-License-Identifier: MIT
 *
 * What a store must hold, in the simplest form that can be right: a few keys, a few queues, and the meaning
 * of each request written down once more, without looking at walkvd. Values carry a serial number, so that
 * each stands for one write.
 */
#ifndef WALKV_TESTS_CRASH_MODEL_H
#define WALKV_TESTS_CRASH_MODEL_H

#include "buffer.h"
#include "frame.h"
#include "store.h"

enum { MODEL_KEYS = 12, MODEL_QUEUES = 3, MODEL_ITEMS = 40, MODEL_VALUE_BYTES = 6100 };

struct model_queue {
    bool exists;
    unsigned count;
    uint32_t items[MODEL_ITEMS]; /* serial numbers */
};

struct model {
    uint32_t keys[MODEL_KEYS]; /* serial number of the value; 0: no such key */
    struct model_queue queues[MODEL_QUEUES];
};

/* A request as the workload chooses it; `serial` is that of its value. */
struct model_request {
    enum op op;
    enum condition condition; /* NONE, EXISTS or ABSENT */
    unsigned name;            /* of a key or a queue */
    uint32_t serial;
};

/* What walkvd must answer. */
struct model_answer {
    enum result result;
    uint64_t size;   /* of the queue, after an enqueue or dequeue */
    uint32_t serial; /* of what was dequeued; 0: nothing */
};

struct model_answer model_apply(struct model *, const struct model_request *);

/* The text of a value: short ones, some larger than a block, some than a page, some that compress. Returns
 * its bytes. */
size_t model_value(uint32_t serial, char out[MODEL_VALUE_BYTES]);
/* The serial number of a value that model_value() made; 0: of none. */
uint32_t model_serial(struct span value);
size_t model_key(unsigned key, char out[16]);
size_t model_queue_name(unsigned queue, char out[16]);

/* Two equal contents have one digest. */
uint64_t model_digest(const struct model *);

/* The digest of what a store holds. `lsns` (by serial number, 0: not known) is compared with the versions.
 * False, with a sentence, when the store contradicts itself or the versions are wrong. */
bool model_digest_store(struct store *, const uint64_t *lsns, uint64_t *digest, char *sentence, size_t room);

#endif
