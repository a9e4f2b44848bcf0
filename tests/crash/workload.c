/* SPDX-License-Identifier: MIT
 * A seeded life of a store; see workload.h. */
#include "workload.h"

#include "kit.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

struct workload *workload_new(struct life *life, uint64_t seed, unsigned steps)
{
    struct workload *w = calloc(1, sizeof(*w));

    must(w != NULL);
    w->life = life;
    w->random = seed * 2 + 1;
    w->steps = steps;
    w->next_serial = 1;
    w->digests[0] = model_digest(&w->model);
    return w;
}

void workload_free(struct workload **w)
{
    free(*w);
    *w = NULL;
}

/* Chooses a request that the model has room for. */
static struct model_request choose(struct workload *w)
{
    static const enum op ops[] = {OP_SET,     OP_SET,     OP_SET,     OP_SET,     OP_DELETE, OP_ENQUEUE,
                                  OP_ENQUEUE, OP_ENQUEUE, OP_DEQUEUE, OP_DEQUEUE, OP_CLEAR,  OP_FORGET};
    static const enum condition conditions[] = {CONDITION_NONE, CONDITION_NONE, CONDITION_EXISTS,
                                                CONDITION_ABSENT};
    struct model_request r = {.op = ops[kit_below(&w->random, COUNT(ops))]};
    bool key = r.op == OP_SET || r.op == OP_DELETE;

    if ((r.op == OP_CLEAR || r.op == OP_FORGET) && kit_below(&w->random, 3) != 0)
        r.op = OP_ENQUEUE;
    r.name = kit_below(&w->random, key ? MODEL_KEYS : MODEL_QUEUES);
    if (key)
        r.condition = conditions[kit_below(&w->random, COUNT(conditions))];
    if (r.op == OP_ENQUEUE && w->model.queues[r.name].count > MODEL_ITEMS - 8)
        r.op = OP_DEQUEUE;
    if (r.op == OP_SET || r.op == OP_ENQUEUE)
        r.serial = w->next_serial++;
    must(w->next_serial < WORKLOAD_SERIALS);
    return r;
}

struct texts {
    char name[16];
    char value[MODEL_VALUE_BYTES];
};

static struct batch_item item_of(const struct model_request *r, struct texts *texts)
{
    bool key = r->op == OP_SET || r->op == OP_DELETE;
    size_t name_bytes = key ? model_key(r->name, texts->name) : model_queue_name(r->name, texts->name);
    size_t value_bytes = r->serial ? model_value(r->serial, texts->value) : 0;

    return (struct batch_item){
        .request = {r->op, r->condition, 0, {texts->name, name_bytes}, {texts->value, value_bytes}},
    };
}

/* Compares one answer, and notes the LSN of the value. */
static void take_answer(struct workload *w, const struct model_request *r, const struct model_answer *want,
                        const struct write_result *got)
{
    bool done = want->result == RESULT_OK || want->result == RESULT_CREATED;

    if (got->result != want->result ||
        (done && r->op != OP_SET && r->op != OP_DELETE && got->size != want->size) ||
        (want->serial != 0 && model_serial(got->value) != want->serial))
        snprintf(w->wrong, sizeof(w->wrong),
                 "%s in batch %u: answered %s, size %ju; it should be %s, size %ju", op_text(r->op),
                 w->attempted, result_text(got->result), (uintmax_t)got->size, result_text(want->result),
                 (uintmax_t)want->size);
    if (done && got->lsn <= w->batch_lsns[w->acknowledged])
        snprintf(w->wrong, sizeof(w->wrong), "batch %u has LSN %ju, and the one before had %ju", w->attempted,
                 (uintmax_t)got->lsn, (uintmax_t)w->batch_lsns[w->acknowledged]);
    if (done && r->serial != 0)
        w->lsns[r->serial] = got->lsn;
    if (done && got->lsn > w->batch_lsns[w->attempted])
        w->batch_lsns[w->attempted] = got->lsn;
}

int workload_batch(struct workload *w)
{
    static struct texts texts[WORKLOAD_ITEMS];
    struct model_request requests[WORKLOAD_ITEMS];
    struct batch_item items[WORKLOAD_ITEMS];
    size_t count = 1 + kit_below(&w->random, WORKLOAD_ITEMS);
    const struct model before = w->model;

    must(w->attempted < WORKLOAD_BATCHES);
    for (size_t i = 0; i < count; i++) {
        requests[i] = choose(w);
        items[i] = item_of(&requests[i], &texts[i]);
        model_apply(&w->model, &requests[i]);
    }
    struct model without_adds = before;
    for (size_t i = 0; i < count; i++) {
        if (requests[i].op != OP_SET && requests[i].op != OP_ENQUEUE)
            model_apply(&without_adds, &requests[i]);
    }
    w->without_adds = model_digest(&without_adds);
    w->attempted++;
    w->digests[w->attempted] = model_digest(&w->model);
    w->batch_lsns[w->attempted] = w->batch_lsns[w->acknowledged];
    uint64_t segment = wal_segment_first_lsn(w->life->recovery.wal);
    int status = life_batch(w->life, items, count);
    if (status)
        return status;
    if (w->life->disk->log_sync_failed)
        snprintf(w->wrong, sizeof(w->wrong), "batch %u was acknowledged after a failed sync of the log",
                 w->attempted);
    w->rotations += segment != wal_segment_first_lsn(w->life->recovery.wal);
    /* Once more, without what a full disk refused. */
    w->model = before;
    for (size_t i = 0; i < count; i++) {
        if (items[i].result.result == RESULT_STORAGE_FULL)
            continue;
        struct model_answer want = model_apply(&w->model, &requests[i]);
        take_answer(w, &requests[i], &want, &items[i].result);
    }
    w->digests[w->attempted] = model_digest(&w->model);
    w->acknowledged = w->attempted;
    return 0;
}

int workload_start(struct workload *w, bool cold)
{
    uint64_t digest;

    w->starts++;
    int status = life_start(w->life, cold);
    if (status)
        return status;
    if (!model_digest_store(&w->life->recovery.store, w->lsns, &digest, w->wrong, sizeof(w->wrong)))
        return 0;
    if (digest != w->digests[w->acknowledged])
        snprintf(w->wrong, sizeof(w->wrong), "a %s start did not find what batch %u left",
                 w->life->recovery.start_kind, w->acknowledged);
    return 0;
}

static int step(struct workload *w)
{
    unsigned what = kit_below(&w->random, 100);

    if (what < 74)
        return workload_batch(w);
    if (what < 81)
        return life_idle(w->life);
    if (what < 88) {
        w->checkpoints++;
        return life_checkpoint(w->life);
    }
    int status = 0;
    if (what < 94)
        life_kill(w->life);
    else
        status = life_stop(w->life);
    return status ? status : workload_start(w, kit_below(&w->random, 2) == 0);
}

int workload_run(struct workload *w)
{
    int status = workload_start(w, false);

    for (unsigned i = 0; i < w->steps && !status && w->wrong[0] == '\0'; i++)
        status = step(w);
    return status || w->wrong[0] != '\0' ? status : life_stop(w->life);
}

bool workload_allows(struct workload *w, uint64_t digest)
{
    const struct recovery *r = &w->life->recovery;
    unsigned from = w->acknowledged;

    if (w->life->config.wal_sync == WAL_SYNC_MODE_ASYNC) {
        uint64_t durable = w->life->running && r->wal ? wal_durable_lsn(r->wal) : r->control.last_lsn;
        if (durable > w->durable_lsn)
            w->durable_lsn = durable;
        while (from > 0 && w->batch_lsns[from] > w->durable_lsn)
            from--;
    }
    for (unsigned i = from; i <= w->attempted; i++) {
        if (w->digests[i] == digest)
            return true;
    }
    return w->attempted > w->acknowledged && w->without_adds == digest;
}
