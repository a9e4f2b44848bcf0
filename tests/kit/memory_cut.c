/* SPDX-License-Identifier: MIT
 * Power cuts of the disk in memory: what there is the freedom to lose, and what one choice leaves. */
#include "memory_inode.h"

#include "kit.h"
#include "log.h"

#include <stdlib.h>
#include <xxhash.h>

enum { STATES_MAX = 16 };

/* Takes the freedoms in their order. Returns which of `states` this one has. */
typedef unsigned choose_fn(unsigned states, void *arg);

static bool is_temporary(const char *path)
{
    size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".tmp") == 0;
}

static void add_state(int64_t states[STATES_MAX], unsigned *count, int64_t value)
{
    for (unsigned i = 0; i < *count; i++) {
        if (states[i] == value)
            return;
    }
    if (*count < STATES_MAX)
        states[(*count)++] = value;
}

/* The distinct values: durable, now, those between. */
static unsigned name_states(const struct memory_name *name, int64_t states[STATES_MAX])
{
    unsigned count = 0;

    add_state(states, &count, name->durable);
    add_state(states, &count, name->now);
    for (size_t i = 0; i < name->between_count; i++)
        add_state(states, &count, name->between[i]);
    return count;
}

static unsigned size_states(const struct memory_inode *inode, int64_t states[STATES_MAX])
{
    unsigned count = 0;

    add_state(states, &count, (int64_t)inode->durable_bytes);
    add_state(states, &count, (int64_t)inode->bytes);
    for (size_t i = 0; i < inode->size_count; i++)
        add_state(states, &count, (int64_t)inode->sizes[i]);
    return count;
}

/* Noise, or what a deleted file left in this place. */
static void garbage(const struct memory_disk *m, char out[MEMORY_SECTOR_BYTES], uint64_t seed,
                    uint64_t sector)
{
    uint64_t random = (seed + 1) * 0x9e3779b97f4a7c15ull + sector * 2 + 1;
    unsigned graves = m->grave_count < COUNT(m->graves) ? (unsigned)m->grave_count : COUNT(m->graves);

    if (graves > 0 && kit_below(&random, 2) == 0) {
        memcpy(out, m->graves[kit_below(&random, graves)], MEMORY_SECTOR_BYTES);
        return;
    }

    for (unsigned i = 0; i < MEMORY_SECTOR_BYTES; i += 8) {
        uint64_t word = kit_random(&random);
        memcpy(out + i, &word, 8);
    }
}

/* The distinct contents of a dirty sector: durable, now, those between, zeros, garbage. `row` has room for
 * STATES_MAX sectors. */
static unsigned sector_states(const struct memory_disk *m, const struct memory_inode *inode, uint64_t sector,
                              uint64_t seed, char *row)
{
    static const char zeros[MEMORY_SECTOR_BYTES];
    char noise[MEMORY_SECTOR_BYTES];
    unsigned count = 0;
    size_t candidates = inode->version_count + 4;

    garbage(m, noise, seed, sector);
    for (size_t i = 0; i < candidates && count < STATES_MAX; i++) {
        const char *content = i == 0   ? inode->durable + sector * MEMORY_SECTOR_BYTES
                              : i == 1 ? inode->now + sector * MEMORY_SECTOR_BYTES
                              : i == 2 ? zeros
                              : i == 3 ? noise
                                       : inode->versions[i - 4].data;
        bool known = i >= 4 && inode->versions[i - 4].sector != sector;

        for (unsigned j = 0; j < count && !known; j++)
            known = memcmp(row + j * MEMORY_SECTOR_BYTES, content, MEMORY_SECTOR_BYTES) == 0;
        if (!known)
            memcpy(row + count++ * MEMORY_SECTOR_BYTES, content, MEMORY_SECTOR_BYTES);
    }
    return count;
}

static void choose_file(const struct memory_disk *m, struct memory_inode *inode, bool temporary,
                        uint64_t seed, choose_fn *choose, void *arg)
{
    static char row[STATES_MAX * MEMORY_SECTOR_BYTES];
    int64_t sizes[STATES_MAX];
    unsigned states = size_states(inode, sizes);

    if (states > 1)
        inode->durable_bytes = (uint64_t)sizes[choose(states, arg)];
    /* Nobody reads a temporary file: all of its sectors go one way. */
    unsigned all = temporary && inode->version_count + inode->bytes > 0 ? choose(2, arg) : 0;
    for (uint64_t i = 0; i < inode->room / MEMORY_SECTOR_BYTES; i++) {
        if (inode->sectors[i] != MEMORY_DIRTY)
            continue;
        states = sector_states(m, inode, i, seed, row);
        unsigned state = states < 2 ? 0 : temporary ? (all ? states - 1 : 1) : choose(states, arg);
        memcpy(inode->durable + i * MEMORY_SECTOR_BYTES, row + state * MEMORY_SECTOR_BYTES,
               MEMORY_SECTOR_BYTES);
    }
}

enum { UNNAMED, ONLY_TEMPORARY, NAMED };

/* What names an inode in any state. */
static void find_named(const struct memory_disk *m, uint8_t *named)
{
    for (size_t i = 0; i < m->name_count; i++) {
        int64_t states[STATES_MAX];
        unsigned count = name_states(&m->names[i], states);

        for (unsigned j = 0; j < count; j++) {
            uint8_t kind = is_temporary(m->names[i].path) ? ONLY_TEMPORARY : NAMED;
            if (states[j] >= 0 && named[states[j]] < kind)
                named[states[j]] = kind;
        }
    }
}

/* Names in directories that are gone are gone. */
static void lose_orphans(struct memory_disk *m)
{
    for (size_t i = 0; i < m->name_count; i++) {
        if (m->names[i].durable != MEMORY_ABSENT)
            continue;
        size_t length = strlen(m->names[i].path);
        for (size_t j = 0; j < m->name_count; j++) {
            struct memory_name *below = &m->names[j];
            if (strncmp(below->path, m->names[i].path, length) == 0 && below->path[length] == '/')
                below->durable = MEMORY_ABSENT;
        }
    }
}

/* Cuts the power in place, asking `choose` for each freedom. */
static void cut(struct memory_disk *m, uint64_t seed, choose_fn *choose, void *arg)
{
    uint8_t *named = calloc(m->inode_count + 1, 1);

    must(named != NULL);
    find_named(m, named);
    for (size_t i = 0; i < m->name_count; i++) {
        int64_t states[STATES_MAX];
        unsigned count = name_states(&m->names[i], states);

        if (count > 1)
            m->names[i].durable = (int)states[choose(count, arg)];
    }
    for (size_t i = 0; i < m->inode_count; i++) {
        if (named[i] != UNNAMED)
            choose_file(m, &m->inodes[i], named[i] == ONLY_TEMPORARY, seed + i, choose, arg);
    }
    free(named);
    lose_orphans(m);
    for (size_t i = 0; i < m->name_count; i++) {
        m->names[i].now = m->names[i].durable;
        m->names[i].between_count = 0;
    }
    for (size_t i = 0; i < m->inode_count; i++) {
        struct memory_inode *inode = &m->inodes[i];

        inode->bytes = inode->durable_bytes;
        if (inode->room == 0)
            continue;
        inode->version_count = inode->size_count = 0;
        memset(inode->durable + inode->bytes, 0, inode->room - inode->bytes);
        memcpy(inode->now, inode->durable, inode->room);
        memset(inode->sectors, MEMORY_CLEAN, inode->room / MEMORY_SECTOR_BYTES);
    }
    for (size_t i = 0; i < COUNT(m->fds); i++)
        m->fds[i] = -1;
    m->fail_at = 0;
    m->failed_call = NULL;
    m->sync_failed = false;
    m->changed = NULL;
}

struct random_choice {
    enum memory_loss loss;
    uint64_t *random;
};

static unsigned choose_by_loss(unsigned states, void *arg)
{
    const struct random_choice *choice = arg;

    return choice->loss == MEMORY_LOSE_ALL       ? 0
           : choice->loss == MEMORY_LOSE_NOTHING ? 1
                                                 : kit_below(choice->random, states);
}

void memory_disk_cut(struct memory_disk *m, enum memory_loss loss, uint64_t *random)
{
    struct random_choice choice = {loss, random};

    cut(m, kit_random(random), choose_by_loss, &choice);
}

struct row_choice {
    const uint8_t *choices; /* NULL: count */
    uint8_t *options;
    size_t room;
    size_t count;
};

static unsigned choose_from_row(unsigned states, void *arg)
{
    struct row_choice *row = arg;
    size_t i = row->count++;

    if (row->choices != NULL)
        return row->choices[i];
    must(i < row->room);
    row->options[i] = (uint8_t)states;
    return 0;
}

size_t memory_disk_freedoms(const struct memory_disk *m, uint8_t *options, size_t room)
{
    struct row_choice row = {.options = options, .room = room};
    struct memory_disk *scratch = memory_disk_clone(m);

    cut(scratch, 0, choose_from_row, &row);
    memory_disk_free(&scratch);
    return row.count;
}

struct memory_disk *memory_disk_after(const struct memory_disk *m, const uint8_t *choices, uint64_t seed)
{
    struct row_choice row = {.choices = choices};
    struct memory_disk *after = memory_disk_clone(m);

    cut(after, seed, choose_from_row, &row);
    return after;
}

uint64_t memory_disk_hash(const struct memory_disk *m)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m->name_count; i++) {
        const struct memory_name *name = &m->names[i];

        if (name->now == MEMORY_ABSENT || is_temporary(name->path))
            continue;
        uint64_t hash = XXH3_64bits(name->path, strlen(name->path));
        if (name->now >= 0)
            hash = XXH3_64bits_withSeed(m->inodes[name->now].now, m->inodes[name->now].bytes, hash);
        sum += hash;
    }
    return sum;
}
