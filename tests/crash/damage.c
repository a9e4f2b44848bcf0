/* SPDX-License-Identifier: MIT
 * Damage, and the exact answer to it; see damage.h. */
#include "damage.h"

#include "bytes.h"
#include "damage_map.h"
#include "kit.h"
#include "log.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 512, FAILURES_MAX = 5, PROGRESS_EVERY = 500 };

/* A store at rest. */
struct store_at_rest {
    struct memory_disk *disk;
    struct workload *workload;
    struct life life;
    struct map map;
    uint64_t digest;
};

struct campaign {
    const struct damage_options *options;
    struct damage_result *result;
    struct store_at_rest *store;
    bool stopped; /* how the store ended */
    uint64_t number;
    int out_fd;
    void (*progress)(const struct damage_result *, void *arg);
    void *progress_arg;
};

static void fail(struct campaign *c, const char *what, const char *file, uint64_t at, const char *said)
{
    if (c->result->failures++ < FAILURES_MAX)
        dprintf(c->out_fd,
                "FAILED: %s of %s at %ju of a store that was %s: %s\n"
                "  once more with: crash_tests damage --seed %ju\n",
                what, file, (uintmax_t)at, c->stopped ? "stopped" : "killed", said,
                (uintmax_t)c->options->seed);
}

static void describe(char *out, size_t room, const struct verdict *v)
{
    if (v->status == 0)
        snprintf(out, room, "everything is there");
    else
        snprintf(out, room, "status %d, %s, %s at offset %ju, LSN %ju to %ju", v->status,
                 wal_verdict_text(v->verdict), v->file ? v->file : "no file", (uintmax_t)v->offset,
                 (uintmax_t)v->first_lsn, (uintmax_t)v->last_lsn);
}

/* True when this process is to try the mutation that comes next. */
static bool mine(struct campaign *c)
{
    return c->result->failures < FAILURES_MAX && c->number++ % c->options->jobs == c->options->job;
}

/* Starts cold on a damaged copy, which is freed. */
static void judge(struct campaign *c, struct memory_disk *damaged, const struct verdict *want,
                  const char *what, const char *file, uint64_t at)
{
    struct life l;
    char sentence[1400] = "", wanted[200], found[200], said[2000];
    uint64_t digest;

    life_init(&l, damaged, 1, false);
    int status = life_start(&l, true);
    const struct wal_finding *f = &l.recovery.refusal.finding;
    struct verdict got = {status, f->verdict, f->file, f->offset, f->first_lsn, f->last_lsn};
    bool good = status == want->status;

    if (status && want->file)
        good = good && got.verdict == want->verdict && strcmp(got.file, want->file) == 0 &&
               got.offset == want->offset && got.first_lsn == want->first_lsn &&
               got.last_lsn == want->last_lsn;
    if (status)
        good = good && l.recovery.refusal.sentence[0] != '\0';
    else
        good = good &&
               model_digest_store(&l.recovery.store, &c->store->workload->known, &digest, sentence,
                                  sizeof(sentence)) &&
               digest == c->store->digest;
    if (!good) {
        describe(wanted, sizeof(wanted), want);
        describe(found, sizeof(found), &got);
        snprintf(said, sizeof(said), "wanted %s; found %s; %s%s", wanted, found, sentence,
                 l.recovery.refusal.sentence);
        fail(c, what, file, at, said);
    }
    life_kill(&l);
    unlink(l.view_path);
    memory_disk_free(&damaged);
    c->result->mutations++;
    c->result->refused += status != 0;
    c->result->whole += status == 0;
    if (c->progress && c->result->mutations % PROGRESS_EVERY == 0)
        c->progress(c->result, c->progress_arg);
}

static struct memory_disk *copy(const struct campaign *c, const struct map_file *f, char **data)
{
    struct memory_disk *disk = memory_disk_clone(c->store->disk);
    uint64_t *bytes;

    disk->light = true;
    if (data)
        *data = memory_disk_data(disk, f->path, &bytes);
    return disk;
}

static void flip_bits(struct campaign *c, const struct map_file *f)
{
    const struct map *m = &c->store->map;
    const struct map_batch *last = f->batch_count ? &f->batches[f->batch_count - 1] : NULL;
    uint64_t used = last ? last->offset + last->bytes : f->bytes;

    for (uint64_t bit = 0; bit < f->bytes * 8; bit++) {
        /* Where nothing was written yet, a bit here and there. */
        if ((bit / 8 >= used && bit % 509 != 0) || bit % c->options->sample != 0 || !mine(c))
            continue;
        char *data;
        struct memory_disk *disk = copy(c, f, &data);
        struct verdict want = map_damaged(m, f, bit / 8);

        data[bit / 8] ^= (char)(1 << bit % 8);
        c->result->bits++;
        judge(c, disk, &want, "bit", f->name, bit / 8);
    }
}

static void cut_short(struct campaign *c, const struct map_file *f)
{
    for (uint64_t bytes = 0; bytes < f->bytes; bytes += c->options->sample) {
        if (!mine(c))
            continue;
        struct memory_disk *disk = copy(c, f, NULL);
        struct verdict want = map_cut(&c->store->map, f, bytes);
        uint64_t *size;

        memory_disk_data(disk, f->path, &size);
        *size = bytes;
        judge(c, disk, &want, "truncation", f->name, bytes);
    }
}

/* Blocks are zeroed, swapped with the next, copied over the next, and copied over one of another file. */
static void mix_blocks(struct campaign *c, const struct map_file *f)
{
    static const char zeros[BLOCK];
    const struct map *m = &c->store->map;

    for (uint64_t at = 0; at + BLOCK <= f->bytes; at += BLOCK) {
        char *data, kept[BLOCK];
        struct memory_disk *disk = copy(c, f, &data);
        bool next = at + 2 * BLOCK <= f->bytes && memcmp(data + at, data + at + BLOCK, BLOCK) != 0;
        struct verdict here = map_damaged(m, f, at), there = map_damaged(m, f, at + BLOCK);

        memcpy(kept, data + at, BLOCK);
        memory_disk_free(&disk);
        if (memcmp(kept, zeros, BLOCK) != 0 && mine(c)) {
            disk = copy(c, f, &data);
            memset(data + at, 0, BLOCK);
            judge(c, disk, &here, "zeroed block", f->name, at);
        }
        if (next && mine(c)) {
            disk = copy(c, f, &data);
            memcpy(data + at, data + at + BLOCK, BLOCK);
            memcpy(data + at + BLOCK, kept, BLOCK);
            judge(c, disk, &here, "swapped block", f->name, at);
        }
        if (next && mine(c)) {
            disk = copy(c, f, &data);
            memcpy(data + at + BLOCK, kept, BLOCK);
            judge(c, disk, &there, "duplicated block", f->name, at);
        }
        for (unsigned i = 0; i < m->count; i++) {
            const struct map_file *to = &m->files[i];
            char *target;

            if (to == f || at + BLOCK > to->bytes)
                continue;
            disk = copy(c, to, &target);
            if (memcmp(target + at, kept, BLOCK) != 0 && mine(c)) {
                bool header = at == 0 && f->kind == MAP_SEGMENT && to->kind == MAP_SEGMENT;
                struct verdict want = header ? map_misnamed(to) : map_damaged(m, to, at);
                memcpy(target + at, kept, BLOCK);
                judge(c, disk, &want, "block of another file in the place", to->name, at);
            } else {
                memory_disk_free(&disk);
            }
        }
    }
}

static void remove_file(struct campaign *c, const struct map_file *f)
{
    struct verdict want = map_missing(&c->store->map, f);

    if (!mine(c))
        return;
    struct memory_disk *disk = copy(c, f, NULL);
    memory_disk_name(disk, f->path)->now = MEMORY_ABSENT;
    judge(c, disk, &want, "removal", f->name, 0);
}

/* Another file's content under this name. */
static void replace(struct campaign *c, const struct map_file *f, const char *content, uint64_t bytes,
                    const struct verdict *want, const char *what)
{
    if (!mine(c))
        return;
    struct memory_disk *disk = copy(c, f, NULL);
    memory_disk_put(disk, f->path, content, bytes);
    judge(c, disk, want, what, f->name, 0);
}

/* Files of another store in the place of those of the same kind. */
static void replace_by_foreign(struct campaign *c, const struct map_file *f,
                               const struct store_at_rest *other)
{
    for (unsigned i = 0; i < other->map.count; i++) {
        const struct map_file *o = &other->map.files[i];
        struct verdict want = map_foreign(&c->store->map, f, other->map.control.older_snapshot_lsn);
        uint64_t *bytes;

        if (o->kind != f->kind)
            continue;
        const char *data = memory_disk_data(other->disk, o->path, &bytes);
        replace(c, f, data, *bytes, &want, "file of another store");
    }
}

/* Files of the same store under each other's names; an older control file. */
static void replace_by_own(struct campaign *c, const struct map_file *f)
{
    const struct map *m = &c->store->map;

    for (unsigned i = 0; i < m->count; i++) {
        const struct map_file *o = &m->files[i];
        uint64_t *bytes;

        if (o == f || o->kind != f->kind)
            continue;
        const char *data = memory_disk_data(c->store->disk, o->path, &bytes);
        struct verdict want = map_whole(); /* a snapshot under a wrong name is not used */
        if (f->kind == MAP_SEGMENT)
            want = (struct verdict){EX_DATAERR, WAL_CORRUPT, f->name,
                                    40,         f->lsn,      f->last ? 0 : f->next_first_lsn - 1};
        replace(c, f, data, *bytes, &want, "file under another name");
    }
    if (f->kind == MAP_CONTROL) {
        struct control older = m->control;
        struct verdict want = map_whole();
        char bytes[CONTROL_BYTES];

        older.clean = false;
        older.last_lsn = older.segment_lsn = 0;
        older.snapshot_lsn = older.older_snapshot_lsn;
        control_encode(bytes, &older);
        replace(c, f, bytes, sizeof(bytes), &want, "an older control file");
    }
}

/* The newest segment as it was some batches ago: a store that was stopped knows that it went further. */
static void stale_segment(struct campaign *c, const struct map_file *f)
{
    if (!f->last || !c->stopped)
        return;
    for (unsigned i = 1; i < f->batch_count; i++) {
        const struct map_batch *b = &f->batches[i];
        struct verdict want = {EX_DATAERR, WAL_CORRUPT,  f->name,
                               b->offset,  b->first_lsn, c->store->map.control.last_lsn};
        char *data;

        if (!mine(c))
            continue;
        struct memory_disk *disk = copy(c, f, &data);
        memset(data + b->offset, 0, f->bytes - b->offset);
        judge(c, disk, &want, "an older copy", f->name, b->offset);
    }
}

static void newer_format(struct campaign *c, const struct map_file *f)
{
    struct verdict want = map_newer(&c->store->map, f);
    char *data;
    struct memory_disk *disk = copy(c, f, &data);
    char header[WAL_BLOCK_MAX];
    uint64_t bytes = f->kind == MAP_SEGMENT ? f->batches[0].offset : 512;

    /* The version is at the same place in all three, and so is the checksum, at the end of the header. */
    memcpy(header, data, bytes);
    memory_disk_free(&disk);
    put_u32(header + 8, 99);
    put_u64(header + bytes - 8, XXH3_64bits(header, bytes - 8));
    if (!mine(c))
        return;
    disk = copy(c, f, &data);
    memcpy(data, header, bytes);
    judge(c, disk, &want, "a newer format", f->name, 0);
}

static void damage_snapshots(struct campaign *c)
{
    struct map *m = &c->store->map;
    struct verdict want = map_no_snapshot(m);
    struct memory_disk *disk = copy(c, &m->files[0], NULL);

    for (unsigned i = 0; i < m->snapshots; i++) {
        uint64_t *bytes;
        memory_disk_data(disk, m->files[1 + i].path, &bytes)[200 + i] ^= 1;
    }
    if (mine(c))
        judge(c, disk, &want, "damage", "every snapshot", 0);
    else
        memory_disk_free(&disk);
}

/* Two snapshots, a segment before them that is still needed, segments behind them, and batches of several
 * kinds: everything there is, and small, since each of its bits will cost a start. */
static bool try_make_store(struct store_at_rest *s, uint64_t seed, bool stopped)
{
    uint64_t random = 1;

    s->disk = memory_disk_new();
    s->disk->light = true;
    life_init(&s->life, s->disk, 0, false);
    life_lose_view(&s->life);
    s->workload = workload_new(&s->life, seed, 0);
    int status = workload_start(s->workload, false);
    for (unsigned i = 0; i < 3 && !status; i++) {
        status = workload_batch(s->workload);
        if (!status)
            status = life_checkpoint(&s->life);
        if (!status && i < 2)
            life_kill(&s->life);
        else if (!status)
            status = life_stop(&s->life);
        if (!status)
            status = workload_start(s->workload, true);
    }
    for (unsigned i = 0; i < 4 && !status; i++)
        status = workload_batch(s->workload);
    if (!status && stopped) {
        status = life_stop(&s->life);
    } else if (!status) {
        status = life_idle(&s->life);
        life_kill(&s->life);
    }
    must(status == 0 && s->workload->wrong[0] == '\0');
    s->digest = s->workload->digests[s->workload->acknowledged];
    memory_disk_cut(s->disk, MEMORY_LOSE_NOTHING, &random);
    return map_make(&s->map, s->disk) && s->map.snapshots == 2 && s->map.segments >= 3 &&
           s->map.files[3].lsn > 1;
}

static void free_store(struct store_at_rest *s)
{
    life_lose_view(&s->life);
    workload_free(&s->workload);
    memory_disk_free(&s->disk);
}

/* Some seeds have a batch in which nothing is done, and so no checkpoint: the next is taken. */
static void make_store(struct store_at_rest *s, uint64_t seed, bool stopped)
{
    for (uint64_t i = 0; !try_make_store(s, seed + i * 1000003, stopped); i++) {
        free_store(s);
        must(i < 100);
    }
}

void damage_run(const struct damage_options *options, struct damage_result *result, int out_fd,
                void (*progress)(const struct damage_result *, void *arg), void *arg)
{
    struct store_at_rest *stores = calloc(2, sizeof(*stores));

    must(stores != NULL);
    *result = (struct damage_result){0};
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct campaign c = {options, result, &stores[0], stopped, 0, out_fd, progress, arg};

        make_store(&stores[0], options->seed, stopped);
        make_store(&stores[1], options->seed + 1, stopped);
        for (unsigned i = 0; i < stores[0].map.count; i++) {
            const struct map_file *f = &stores[0].map.files[i];

            result->files++;
            if (stopped || f->last) { /* how it ended makes no difference to the other files */
                flip_bits(&c, f);
                cut_short(&c, f);
            }
            mix_blocks(&c, f);
            remove_file(&c, f);
            replace_by_foreign(&c, f, &stores[1]);
            replace_by_own(&c, f);
            stale_segment(&c, f);
            newer_format(&c, f);
        }
        damage_snapshots(&c);
        free_store(&stores[1]);
        free_store(&stores[0]);
    }
    struct life judged;
    life_init(&judged, NULL, 1, false);
    life_lose_view(&judged);
    free(stores);
}
