/* SPDX-License-Identifier: MIT
 *
 * What it costs walkvd to keep the outcomes of writes (requests.h) and what they changed (changes.h): the
 * time per write in batches of 64 sets of a 16-byte key and a 32-byte value, on a log and a view in memory,
 * with and without a session and an idempotency key, and in another store without a history. The kinds take
 * turns, round after round; medians and ratios are printed.
 *
 * usage: write_cost [ROUNDS]
 */
#include "clock.h"
#include "log.h"
#include "view_kit.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64, BATCHES_PER_ROUND = 500, KEYS = 100000, ROUNDS_MAX = 1001, KINDS = 5, HISTORY = 100000 };

static const struct {
    const char *name;
    bool session, key, history;
} kinds[KINDS] = {
    {"plain", false, false, true},
    {"in a session", true, false, true},
    {"with an idempotency key", false, true, true},
    {"both", true, true, true},
    {"plain, without a history", false, false, false},
};

struct run {
    struct stand stand;
    uint64_t random;
    uint64_t sequence;
    uint64_t key;
};

static double ns_per_write(struct run *r, unsigned kind)
{
    static char names[BATCH][24], keys[BATCH][24];
    struct batch_item items[BATCH] = {0};
    uint64_t spent = 0;

    for (unsigned batch = 0; batch < BATCHES_PER_ROUND; batch++) {
        uint64_t confirmed = r->sequence;
        for (unsigned i = 0; i < BATCH; i++) {
            struct write_request *w = &items[i].request;
            snprintf(names[i], sizeof(names[i]), "key-%012u", kit_below(&r->random, KEYS));
            *w = (struct write_request){
                .op = OP_SET, .name = {names[i], 16}, .value = {"\"value-000000000000000000000000\"", 32}};
            if (kinds[kind].session) {
                w->identity.session = 7;
                w->identity.sequence = ++r->sequence;
                w->identity.confirmed = i == 0 ? confirmed : 0;
            }
            if (kinds[kind].key)
                w->identity.key = (struct span){
                    keys[i], (size_t)snprintf(keys[i], sizeof(keys[i]), "k-%ju", (uintmax_t)r->key++)};
        }
        uint64_t began = clock_monotonic_ns();
        must(batch_run(&r->stand.batch, items, BATCH) == 0);
        spent += clock_monotonic_ns() - began;
        must(items[0].result.result == RESULT_OK || items[0].result.result == RESULT_CREATED);
    }
    return (double)spent / BATCH / BATCHES_PER_ROUND;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static double times[KINDS][ROUNDS_MAX];
    static struct run runs[2] = {{.random = 1}, {.random = 1}};
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 21;

    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: write_cost [ROUNDS], 1 to %d of them\n", ROUNDS_MAX);
        return 64;
    }
    log_set_level(LOG_LEVEL_ERROR);
    CU_initialize_registry();
    for (unsigned history = 0; history < 2; history++) {
        stand_open_sized(&runs[history].stand, disk_system(), 1024 * 1024 * 1024);
        runs[history].stand.store.changes.history = history ? HISTORY : 0;
        for (unsigned i = 0; i <= HISTORY / (BATCH * BATCHES_PER_ROUND) + 1; i++)
            ns_per_write(&runs[history], 0); /* fills the store, and its history */
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned kind = 0; kind < KINDS; kind++)
            times[kind][round] = ns_per_write(&runs[kinds[kind].history], kind);
    }
    for (unsigned kind = 0; kind < KINDS; kind++)
        qsort(times[kind], rounds, sizeof(double), ascending);
    double plain = times[0][rounds / 2];
    printf("walkvd, per write, %u rounds of %u batches of %u sets; sync not included\n", rounds,
           BATCHES_PER_ROUND, BATCH);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        double median = times[kind][rounds / 2];
        printf("%-24s %6.0f ns  %+6.0f ns  %.2f times\n", kinds[kind].name, median, median - plain,
               median / plain);
    }
    stand_close(&runs[0].stand);
    stand_close(&runs[1].stand);
    return 0;
}
