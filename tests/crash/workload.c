/* SPDX-License-Identifier: MIT
 * A seeded life of a store; see workload.h. */
#include "workload.h"

#include "bytes.h"
#include "kit.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids of which some begin with the same bytes. */
static void begin_session(struct workload *w, struct workload_session *s)
{
    *s = (struct workload_session){.id = (uint64_t)(1 + w->session_count / 2) << 32 |
                                         (1 + w->session_count % 2)};
    w->session_count++;
}

struct workload *workload_new(struct life *life, uint64_t seed, unsigned steps)
{
    struct workload *w = calloc(1, sizeof(*w));

    must(w != NULL);
    w->life = life;
    w->random = seed * 2 + 1;
    w->steps = steps;
    w->next_serial = 1;
    for (unsigned i = 0; i < WORKLOAD_SESSIONS; i++)
        begin_session(w, &w->sessions[i]);
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
    must(w->next_serial < MODEL_SERIALS - 1);
    return r;
}

static void keep_sent(struct workload_session *s, const struct model_request *r)
{
    if (s->sent_count == WORKLOAD_SENT) {
        s->confirmed = s->confirmed > s->sent[0].id ? s->confirmed : s->sent[0].id;
        memmove(&s->sent[0], &s->sent[1], --s->sent_count * sizeof(s->sent[0]));
    }
    s->sent[s->sent_count++] = *r;
}

/* Gives the request an identity: a key, which may be that of an earlier one, a place in a session, or both.
 */
static void identify(struct workload *w, struct model_request *r)
{
    unsigned kind = 1 + kit_below(&w->random, 3);

    r->id = r->serial ? r->serial : w->next_serial++;
    if (kind & 1)
        r->key = 1 + kit_below(&w->random, MODEL_IDEMPOTENCY_KEYS);
    if (kind & 2) {
        struct workload_session *s = &w->sessions[kit_below(&w->random, WORKLOAD_SESSIONS)];
        r->session = s->id;
        r->was_sent = kit_below(&w->random, 4) == 0; /* but it has not arrived */
        r->confirmed = s->confirmed;
        keep_sent(s, r);
    }
}

/* An earlier request once more: of a client that asks again through another worker, or of a worker. */
static bool choose_again(struct workload *w, struct model_request *r)
{
    struct workload_session *s = &w->sessions[kit_below(&w->random, WORKLOAD_SESSIONS)];

    if (kit_below(&w->random, 2) == 0) {
        if (w->model.by_key_count == 0)
            return false;
        *r = w->model.by_key[kit_below(&w->random, w->model.by_key_count)].request;
        r->session = r->confirmed = 0;
        r->was_sent = false;
        return true;
    }
    if (s->sent_count == 0)
        return false;
    *r = s->sent[kit_below(&w->random, s->sent_count)];
    r->was_sent = true;
    /* It may be one that was refused, and is done now. */
    return r->op != OP_ENQUEUE || w->model.queues[r->name].count < MODEL_ITEMS - 2;
}

static struct model_request choose_any(struct workload *w)
{
    struct model_request r;
    unsigned what = kit_below(&w->random, 10);

    if (what < 2 && choose_again(w, &r))
        return r;
    r = choose(w);
    if (what < 6)
        identify(w, &r);
    return r;
}

struct texts {
    char name[16];
    char key[IDEMPOTENCY_KEY_MAX + 1];
    char value[MODEL_VALUE_BYTES];
};

static struct batch_item item_of(const struct model_request *r, struct texts *texts)
{
    bool key = r->op == OP_SET || r->op == OP_DELETE;
    size_t name_bytes = key ? model_key(r->name, texts->name) : model_queue_name(r->name, texts->name);
    size_t value_bytes = r->serial ? model_value(r->serial, texts->value) : 0;

    struct batch_item item = {
        .request = {r->op, r->condition, 0, {texts->name, name_bytes}, {texts->value, value_bytes}, {0}, {0}},
        .was_sent = r->was_sent,
    };
    struct identity *i = &item.request.identity;
    if (r->session != 0) {
        i->session = r->session;
        i->sequence = r->id;
        i->confirmed = r->confirmed;
    }
    if (r->key != 0) {
        i->key = (struct span){texts->key, model_idempotency_key(r->key, texts->key)};
        put_u32(i->fingerprint, r->id);
    }
    return item;
}

/* Compares one answer, and notes its LSN and version. */
static void take_answer(struct workload *w, const struct model_request *r, const struct model_answer *want,
                        const struct write_result *got)
{
    struct model_acknowledged *known = &w->known;
    bool done = want->result == RESULT_OK || want->result == RESULT_CREATED;
    bool again = want->repeats != 0;

    if (got->result != want->result || got->replayed != want->replayed ||
        (done && r->op != OP_SET && r->op != OP_DELETE && got->size != want->size) ||
        (want->serial != 0 ? model_serial(got->value) != want->serial : got->value.bytes != 0))
        snprintf(
            w->wrong, sizeof(w->wrong),
            "%s in batch %u: answered %s, size %ju, value %u, replayed %d; it should be %s, size %ju, value "
            "%u, replayed %d",
            op_text(r->op), w->attempted, result_text(got->result), (uintmax_t)got->size,
            model_serial(got->value), got->replayed, result_text(want->result), (uintmax_t)want->size,
            want->serial, want->replayed);
    if (again && (got->lsn != known->lsns[want->repeats] ||
                  (want->result != RESULT_MISMATCH && got->version != known->versions[want->repeats])))
        snprintf(w->wrong, sizeof(w->wrong),
                 "a repeat of request %u has LSN %ju and version %ju, not %ju and %ju", want->repeats,
                 (uintmax_t)got->lsn, (uintmax_t)got->version, (uintmax_t)known->lsns[want->repeats],
                 (uintmax_t)known->versions[want->repeats]);
    if (again)
        return;
    if (done && got->lsn <= w->batch_lsns[w->acknowledged])
        snprintf(w->wrong, sizeof(w->wrong), "batch %u has LSN %ju, and the one before had %ju", w->attempted,
                 (uintmax_t)got->lsn, (uintmax_t)w->batch_lsns[w->acknowledged]);
    if (done && r->serial != 0)
        known->lsns[r->serial] = got->lsn;
    if (got->version != (want->version_of ? known->lsns[want->version_of] : 0))
        snprintf(w->wrong, sizeof(w->wrong), "%s in batch %u: version %ju", op_text(r->op), w->attempted,
                 (uintmax_t)got->version);
    if (want->kept) {
        known->lsns[r->id] = got->lsn;
        known->versions[r->id] = got->version;
    }
}

static bool adds_data(const struct model_request *r)
{
    return r->op == OP_SET || r->op == OP_ENQUEUE;
}

/* The digest of a batch on a full disk: what adds data is refused, and perhaps nothing is let go of. */
static uint64_t digest_full(const struct model *before, const struct model_request *requests, size_t count,
                            uint64_t departed, bool upkeep)
{
    struct model m = *before;

    for (size_t i = 0; i < count; i++) {
        if (!adds_data(&requests[i]))
            model_apply(&m, &requests[i]);
    }
    if (upkeep)
        model_upkeep(&m, departed, LIFE_KEYS);
    return model_digest(&m);
}

/* A worker is gone for good: its last requests may be in this very batch. */
static void choose_departed(struct workload *w)
{
    struct workload_session *s = &w->sessions[kit_below(&w->random, WORKLOAD_SESSIONS)];

    if (w->departed == 0 && kit_below(&w->random, 12) == 0) {
        w->departed = s->id;
        begin_session(w, s);
    }
    w->life->batch.departed = &w->departed;
    w->life->batch.departed_count = w->departed != 0;
}

/* What of the batch was done, in the model: without what a full disk refused, or let wait. */
static void take_answers(struct workload *w, const struct model_request *requests,
                         const struct batch_item *items, size_t count)
{
    const struct view_state *found = &w->life->recovery.store.published;
    bool departed = w->life->batch.departed_count == 0;

    for (size_t i = 0; i < count; i++) {
        if (items[i].result.result == RESULT_STORAGE_FULL)
            continue;
        struct model_answer want = model_apply(&w->model, &requests[i]);
        take_answer(w, &requests[i], &want, &items[i].result);
    }
    bool expired = w->model.by_key_count <= LIFE_KEYS || found->requests < w->model.by_key_count;
    model_upkeep(&w->model, departed ? w->departed : 0, expired ? LIFE_KEYS : MODEL_KEPT);
    if (departed)
        w->departed = 0;
    w->batch_lsns[w->attempted] = found->applied_lsn;
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
        requests[i] = choose_any(w);
        items[i] = item_of(&requests[i], &texts[i]);
        model_apply(&w->model, &requests[i]);
    }
    choose_departed(w);
    struct model without_upkeep = w->model;
    model_upkeep(&w->model, w->departed, LIFE_KEYS);
    w->ways[0] = digest_full(&before, requests, count, w->departed, true);
    w->ways[1] = digest_full(&before, requests, count, w->departed, false);
    w->ways[2] = model_digest(&without_upkeep);
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
    w->model = before;
    take_answers(w, requests, items, count);
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
    if (!model_digest_store(&w->life->recovery.store, &w->known, &digest, w->wrong, sizeof(w->wrong)))
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
    for (unsigned i = 0; w->attempted > w->acknowledged && i < WORKLOAD_WAYS; i++) {
        if (w->ways[i] == digest)
            return true;
    }
    return false;
}
