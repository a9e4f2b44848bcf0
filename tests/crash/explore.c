/* SPDX-License-Identifier: MIT
 * The crash states of a workload; see explore.h. */
#include "explore.h"

#include "kit.h"
#include "log.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FREEDOMS_MAX = 4096,
    SEEN_SLOTS = 1 << 22,
    FAILURES_MAX = 5,
    NESTED_EVERY = 150, /* of the states, one has its recovery cut as well */
    NESTED_STATES = 6,  /* at each change of a recovery */
    GO_ON_EVERY = 20,   /* of the states, one goes on with a batch and starts again */
    PROGRESS_EVERY = 500,
};

struct explorer {
    const struct explore_options *options;
    struct explore_result *result;
    struct workload *workload;
    uint64_t random;
    uint64_t change;
    uint64_t per_change;
    uint64_t *seen; /* hashes of disks that were recovered, open addressing; 0: free */
    uint64_t *seen_digests;
    int out_fd;
    void (*progress)(const struct explore_result *, void *arg);
    void *progress_arg;
};

/* A recovery that is cut: what it must come to whenever it is done again. */
struct nested {
    struct explorer *explorer;
    unsigned depth; /* of the states made from it */
    uint64_t digest;
};

static void check_state(struct explorer *, struct memory_disk *, unsigned depth, const uint64_t *must_be);

static void fail(struct explorer *e, unsigned depth, const char *what)
{
    if (e->result->failures++ >= FAILURES_MAX)
        return;
    dprintf(e->out_fd,
            "FAILED: change %ju, %u recoveries cut before: %s\n"
            "  once more with: crash_tests states --seed %ju --steps %u --states %ju%s --only %ju\n",
            (uintmax_t)e->change, depth, what, (uintmax_t)e->options->seed, e->options->steps,
            (uintmax_t)e->options->states, e->options->async ? " --async" : "", (uintmax_t)e->change);
}

/* Where a hash is or would be kept. */
static size_t slot_of(const struct explorer *e, uint64_t hash)
{
    size_t slot = hash % SEEN_SLOTS;

    while (e->seen[slot] != 0 && e->seen[slot] != hash)
        slot = (slot + 1) % SEEN_SLOTS;
    return slot;
}

static void judge(struct explorer *e, uint64_t digest, unsigned depth, const uint64_t *must_be)
{
    if (must_be != NULL && digest != *must_be)
        fail(e, depth, "a recovery that was cut and done again came to another state");
    else if (must_be == NULL && !workload_allows(e->workload, digest))
        fail(e, depth, "not every acknowledged batch is there, or half of one that was not");
}

/* A write after the recovery, and another start: it is there, and its LSN is new. */
static bool go_on(struct explorer *e, struct life *l, unsigned depth)
{
    char sentence[256] = "";
    struct batch_item item = {
        .request = {OP_ENQUEUE, CONDITION_NONE, 0, {"later", 5}, {"1", 1}, {0}, {0}},
    };
    item.request.identity = (struct identity){.session = 1, .sequence = MODEL_SERIALS, .key = {"later", 5}};
    uint64_t before, after;

    int status = life_batch(l, &item, 1);
    /* In async mode a power cut takes LSNs that were acknowledged, and they are given out again. */
    bool lsn_is_new =
        e->options->async || item.result.lsn > e->workload->batch_lsns[e->workload->acknowledged];
    if (status || item.result.result != RESULT_OK || !lsn_is_new) {
        fail(e, depth, "a write after the recovery was not done, or got an LSN that was acknowledged before");
        return false;
    }
    bool good =
        model_digest_store(&l->recovery.store, &e->workload->known, &before, sentence, sizeof(sentence));
    life_kill(l);
    status = life_start(l, true);
    if (status) {
        fail(e, depth, l->recovery.refusal.sentence);
        return false;
    }
    good = good &&
           model_digest_store(&l->recovery.store, &e->workload->known, &after, sentence, sizeof(sentence));
    if (!good || before != after)
        fail(e, depth, good ? "a write after the recovery was lost" : sentence);
    return good && before == after;
}

/* Recovers `disk`, which is changed by it. False when it is refused or wrong in itself. */
static bool recover(struct explorer *e, struct memory_disk *disk, unsigned depth, uint64_t *digest)
{
    struct life l;
    char sentence[256], text[1400];

    disk->light = true;
    life_init(&l, disk, depth + 1, e->options->async);
    int status = life_start(&l, true);
    if (status) {
        snprintf(text, sizeof(text), "exit status %d: %s", status, l.recovery.refusal.sentence);
        fail(e, depth, text);
        return false;
    }
    bool good =
        model_digest_store(&l.recovery.store, &e->workload->known, digest, sentence, sizeof(sentence));
    if (!good)
        fail(e, depth, sentence);
    else if (disk->changed == NULL && kit_below(&e->random, GO_ON_EVERY) == 0)
        good = go_on(e, &l, depth);
    life_kill(&l);
    unlink(l.view_path);
    return good;
}

static void on_recovery_change(struct memory_disk *m, void *arg)
{
    struct nested *nested = arg;
    struct explorer *e = nested->explorer;
    uint8_t options[FREEDOMS_MAX], choices[FREEDOMS_MAX];
    size_t count = memory_disk_freedoms(m, options, FREEDOMS_MAX);

    for (unsigned i = 0; i < NESTED_STATES && e->result->failures < FAILURES_MAX; i++) {
        for (size_t j = 0; j < count; j++)
            choices[j] = (uint8_t)(i < 2 ? i : kit_below(&e->random, options[j]));
        struct memory_disk *state = memory_disk_after(m, choices, kit_random(&e->random));
        check_state(e, state, nested->depth, &nested->digest);
        memory_disk_free(&state);
    }
}

/* Recovers `state` once more, and cuts that recovery at each of its changes. */
static void cut_recovery(struct explorer *e, const struct memory_disk *state, unsigned depth, uint64_t digest)
{
    struct nested nested = {e, depth + 1, digest};
    struct memory_disk *disk = memory_disk_clone(state);
    uint64_t again;

    disk->changed = on_recovery_change;
    disk->changed_arg = &nested;
    if (recover(e, disk, depth, &again) && again != digest)
        fail(e, depth, "two recoveries of one disk came to different states");
    memory_disk_free(&disk);
}

/* `must_be` NULL: what the workload allows. */
static void check_state(struct explorer *e, struct memory_disk *state, unsigned depth,
                        const uint64_t *must_be)
{
    uint64_t hash = memory_disk_hash(state) | 1, digest;
    size_t slot = slot_of(e, hash);

    if (e->seen[slot] == hash) {
        e->result->repeated++;
        judge(e, e->seen_digests[slot], depth, must_be);
        return;
    }
    uint64_t *states = e->result->states;
    bool nest = depth + 1 < EXPLORE_DEPTHS && kit_below(&e->random, NESTED_EVERY) == 0;
    struct memory_disk *kept = nest ? memory_disk_clone(state) : NULL;
    if (recover(e, state, depth, &digest)) {
        /* Recovering may have looked at other states: the slot is looked up again. */
        slot = slot_of(e, hash);
        e->seen[slot] = hash;
        e->seen_digests[slot] = digest;
        must(states[0] + states[1] + states[2] < SEEN_SLOTS / 2);
        judge(e, digest, depth, must_be);
        if (nest)
            cut_recovery(e, kept, depth, digest);
    }
    if (kept != NULL)
        memory_disk_free(&kept);
    states[depth]++;
    if (e->progress != NULL && (states[0] + states[1] + states[2]) % PROGRESS_EVERY == 0)
        e->progress(e->result, e->progress_arg);
}

static void try_choices(struct explorer *e, const struct memory_disk *m, const uint8_t *choices)
{
    struct memory_disk *state = memory_disk_after(m, choices, kit_random(&e->random));

    check_state(e, state, 0, NULL);
    memory_disk_free(&state);
}

/* Everything old or everything new but for one thing, for each thing and each of its states. */
static uint64_t try_singles(struct explorer *e, const struct memory_disk *m, const uint8_t *options,
                            size_t count, uint8_t base, uint64_t limit)
{
    uint8_t choices[FREEDOMS_MAX];
    uint64_t tried = 1;

    memset(choices, base, count);
    try_choices(e, m, choices);
    /* When there are more than may be tried, an even sample. */
    uint64_t all = 0, taken = 0, seen = 0;
    for (size_t i = 0; i < count; i++)
        all += options[i] - 1u;
    for (size_t i = 0; i < count; i++) {
        for (uint8_t state = 0; state < options[i]; state++) {
            if (state == base)
                continue;
            seen++;
            if (all > limit && seen * limit / all <= taken)
                continue;
            taken++;
            choices[i] = state;
            try_choices(e, m, choices);
            tried++;
        }
        choices[i] = base;
    }
    return tried;
}

/* All of them, when there are no more than `limit`. */
static bool try_all(struct explorer *e, const struct memory_disk *m, const uint8_t *options, size_t count,
                    uint64_t limit)
{
    uint8_t choices[FREEDOMS_MAX] = {0};
    uint64_t product = 1;

    for (size_t i = 0; i < count; i++) {
        product *= options[i];
        if (product > limit)
            return false;
    }
    for (;;) {
        try_choices(e, m, choices);
        size_t i = 0;
        while (i < count && ++choices[i] == options[i])
            choices[i++] = 0;
        if (i == count)
            return true;
    }
}

static void on_change(struct memory_disk *m, void *arg)
{
    struct explorer *e = arg;
    uint8_t options[FREEDOMS_MAX], choices[FREEDOMS_MAX];

    e->change++;
    if (e->options->only ? e->change != e->options->only : e->change % e->options->jobs != e->options->job)
        return;
    if (e->result->failures >= FAILURES_MAX || e->per_change == 0)
        return;
    e->random = (e->options->seed * 1000003 + e->change) * 2 + 1; /* the same when it is the only one */
    size_t count = memory_disk_freedoms(m, options, FREEDOMS_MAX);
    if (try_all(e, m, options, count, e->per_change))
        return;
    uint64_t limit = e->per_change / 3;
    uint64_t tried = try_singles(e, m, options, count, 1, limit);
    tried += try_singles(e, m, options, count, 0, limit);
    for (; tried < e->per_change; tried++) {
        unsigned keep = kit_below(&e->random, 4); /* of 4 things so many are new, the others as it comes */
        for (size_t i = 0; i < count; i++)
            choices[i] = (uint8_t)(kit_below(&e->random, 4) < keep ? 1 : kit_below(&e->random, options[i]));
        try_choices(e, m, choices);
    }
}

static void run(struct explorer *e)
{
    const struct explore_options *o = e->options;
    struct memory_disk *disk = memory_disk_new();
    struct life life;

    disk->light = true;
    disk->changed = on_change;
    disk->changed_arg = e;
    life_init(&life, disk, 0, o->async);
    e->workload = workload_new(&life, o->seed, o->steps);
    e->random = 1;
    int status = workload_run(e->workload);
    if (status || e->workload->wrong[0] != '\0') {
        char text[1400];
        snprintf(text, sizeof(text), "the workload itself ended with %d: %s%s", status, e->workload->wrong,
                 life.recovery.refusal.sentence);
        fail(e, 0, text);
    }
    e->result->changes = e->change;
    e->result->batches = e->workload->acknowledged;
    e->result->checkpoints = e->workload->checkpoints;
    e->result->rotations = e->workload->rotations;
    e->result->starts = e->workload->starts;
    life_kill(&life);
    for (unsigned i = 0; i <= EXPLORE_DEPTHS; i++) {
        life_init(&life, disk, i, false);
        life_lose_view(&life);
    }
    workload_free(&e->workload);
    memory_disk_free(&disk);
}

uint64_t explore_count_changes(const struct explore_options *options)
{
    struct explore_result result = {0};
    struct explorer e = {.options = options, .result = &result, .out_fd = STDERR_FILENO};

    run(&e);
    return result.failures ? 0 : result.changes;
}

void explore_run(const struct explore_options *options, struct explore_result *result, int out_fd,
                 void (*progress)(const struct explore_result *, void *arg), void *arg)
{
    struct explorer e = {
        .options = options,
        .result = result,
        .seen = calloc(SEEN_SLOTS, sizeof(*e.seen)),
        .seen_digests = calloc(SEEN_SLOTS, sizeof(*e.seen_digests)),
        .out_fd = out_fd,
        .progress = progress,
        .progress_arg = arg,
    };
    uint64_t changes = explore_count_changes(options);

    *result = (struct explore_result){0};
    must(e.seen != NULL && e.seen_digests != NULL);
    e.per_change = changes ? options->states / changes + 1 : 0;
    run(&e);
    free(e.seen);
    free(e.seen_digests);
}
