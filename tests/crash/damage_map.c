/* SPDX-License-Identifier: MIT
 * A map of a store at rest; see damage_map.h. */
#include "damage_map.h"

#include "life.h"
#include "log.h"
#include "snapshot_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct names {
    uint64_t lsns[MAP_FILES];
    unsigned count;
    bool (*parse)(const char *, uint64_t *);
};

static void take_name(const char *name, void *arg)
{
    struct names *names = arg;
    uint64_t lsn;

    if (names->parse(name, &lsn) && names->count < MAP_FILES)
        names->lsns[names->count++] = lsn;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static struct map_file *add_file(struct map *m, enum map_kind kind, const char *name, uint64_t lsn)
{
    struct map_file *f = &m->files[m->count++];
    uint64_t *bytes;

    *f = (struct map_file){.kind = kind, .lsn = lsn};
    snprintf(f->name, sizeof(f->name), "%s", name);
    snprintf(f->path, sizeof(f->path), LIFE_DATA_DIR "/%s", name);
    memory_disk_data(m->disk, f->path, &bytes);
    f->bytes = *bytes;
    return f;
}

static bool map_batches(struct map *m, struct map_file *f)
{
    struct wal_segment_header header;
    uint64_t *bytes;
    const char *data = memory_disk_data(m->disk, f->path, &bytes);
    uint64_t at;

    must(wal_segment_header_decode((struct span){data, *bytes}, &header) == WAL_HEADER_VALID);
    for (at = header.block_bytes; at < *bytes;) {
        struct wal_batch_header h;

        if (!wal_batch_header_decode((struct span){data + at, *bytes - at}, header.salt, header.block_bytes,
                                     &h))
            break;
        if (f->batch_count == MAP_BATCHES)
            return false;
        uint64_t size = wal_batch_bytes(h.payload_bytes, header.block_bytes);
        f->batches[f->batch_count++] =
            (struct map_batch){at, size, h.first_lsn, wal_batch_last_lsn(&h), h.durable_lsn};
        f->sealed = h.flags & WAL_FLAG_SEAL;
        m->end_lsn = wal_batch_last_lsn(&h);
        at += size;
    }
    must(f->batch_count > 0);
    return true;
}

bool map_make(struct map *m, struct memory_disk *disk)
{
    struct names snapshots = {.parse = snapshot_name_parse}, segments = {.parse = wal_name_parse};
    char name[40];
    int error;

    *m = (struct map){.disk = disk};
    must(control_read(&disk->disk, LIFE_DATA_DIR, &m->control, &error) == CONTROL_VALID);
    must(disk_list(&disk->disk, LIFE_DATA_DIR "/snapshots", take_name, &snapshots) == 0);
    must(disk_list(&disk->disk, LIFE_DATA_DIR "/wal", take_name, &segments) == 0);
    m->snapshots = snapshots.count;
    m->segments = segments.count;
    if (1 + snapshots.count + segments.count > MAP_FILES)
        return false;
    qsort(snapshots.lsns, snapshots.count, sizeof(uint64_t), ascending);
    qsort(segments.lsns, segments.count, sizeof(uint64_t), ascending);
    add_file(m, MAP_CONTROL, CONTROL_NAME, 0);
    for (unsigned i = 0; i < snapshots.count; i++) {
        snprintf(name, sizeof(name), "snapshots/");
        snapshot_name(name + strlen(name), snapshots.lsns[i]);
        add_file(m, MAP_SNAPSHOT, name, snapshots.lsns[i]);
    }
    uint64_t newest = snapshots.count ? snapshots.lsns[snapshots.count - 1] : 0;
    for (unsigned i = 0; i < segments.count; i++) {
        snprintf(name, sizeof(name), "wal/");
        wal_name(name + strlen(name), segments.lsns[i]);
        struct map_file *f = add_file(m, MAP_SEGMENT, name, segments.lsns[i]);
        f->last = i + 1 == segments.count;
        f->next_first_lsn = f->last ? 0 : segments.lsns[i + 1];
        f->link_last_lsn = f->last ? 0 : segments.lsns[i + 1] - 1;
        f->wanted = f->last || f->next_first_lsn > newest;
        if (!map_batches(m, f))
            return false;
    }
    return true;
}

struct verdict map_whole(void)
{
    return (struct verdict){0};
}

/* The first batch that does not end before `offset`; NULL: none. */
static const struct map_batch *batch_at(const struct map_file *f, uint64_t offset)
{
    for (unsigned i = 0; i < f->batch_count; i++) {
        if (offset < f->batches[i].offset + f->batches[i].bytes)
            return &f->batches[i];
    }
    return NULL;
}

static struct verdict corrupt(const struct map_file *f, uint64_t offset, uint64_t first_lsn,
                              uint64_t last_lsn)
{
    return (struct verdict){EX_DATAERR, WAL_CORRUPT, f->name, offset, first_lsn, last_lsn};
}

/* The last LSN that a batch behind this one proves to have been durable; 0: none does. */
static uint64_t witnessed(const struct map_file *f, const struct map_batch *b)
{
    for (const struct map_batch *later = b + 1; later < f->batches + f->batch_count; later++) {
        if (later->durable_lsn >= b->first_lsn)
            return later->durable_lsn;
    }
    return 0;
}

struct verdict map_damaged(const struct map *m, const struct map_file *f, uint64_t offset)
{
    if (f->kind == MAP_CONTROL)
        return corrupt(f, 0, 0, 0);
    if (f->kind == MAP_SNAPSHOT)
        return map_whole(); /* the other one, and the log behind it */
    const struct map_batch *b = batch_at(f, offset);
    if (offset < f->batches[0].offset)
        return corrupt(f, 0, f->lsn, f->last ? 0 : f->next_first_lsn - 1);
    if (!f->wanted || b == NULL)
        return map_whole();
    if (!f->last)
        return corrupt(f, b->offset, b->first_lsn, f->link_last_lsn);
    uint64_t last = witnessed(f, b);
    if (last == 0 && m->control.last_lsn >= b->first_lsn)
        last = m->control.last_lsn;
    if (last == 0 && b != &f->batches[0])
        return map_whole(); /* the last batch of a killed store is a witness itself: torn, and empty */
    return corrupt(f, b->offset, b->first_lsn, last);
}

struct verdict map_cut(const struct map *m, const struct map_file *f, uint64_t bytes)
{
    const struct map_batch *b = batch_at(f, bytes);

    if (f->kind != MAP_SEGMENT || bytes < f->batches[0].offset || !f->wanted)
        return map_damaged(m, f, bytes);
    if (b == NULL)
        return f->sealed || !f->last ? map_whole() : corrupt(f, bytes, m->end_lsn + 1, 0);
    if (!f->last)
        return corrupt(f, b->offset, b->first_lsn, f->link_last_lsn);
    if (m->control.last_lsn >= b->first_lsn)
        return corrupt(f, b->offset, b->first_lsn, m->control.last_lsn);
    if (b == &f->batches[0])
        return corrupt(f, b->offset, b->first_lsn, 0);
    return corrupt(f, bytes, b->first_lsn, 0);
}

struct verdict map_misnamed(const struct map_file *f)
{
    return corrupt(f, 40, f->lsn, f->last ? 0 : f->next_first_lsn - 1);
}

/* The first segment that is there. */
static const struct map_file *first_segment(const struct map *m)
{
    return &m->files[1 + m->snapshots];
}

struct verdict map_missing(const struct map *m, const struct map_file *f)
{
    struct verdict v = {EX_DATAERR, WAL_MISSING, f->name, 0, 0, 0};

    if (f->kind == MAP_SNAPSHOT)
        return map_whole();
    if (f->kind == MAP_CONTROL)
        return v;
    if (f != first_segment(m) || f->last) {
        v.first_lsn = f->lsn;
        v.last_lsn = f->last ? m->control.last_lsn : f->link_last_lsn;
        return v;
    }
    if (!f->wanted)
        return map_whole(); /* the newest snapshot goes further */
    v.file = "wal";
    v.first_lsn = m->snapshots ? m->files[m->snapshots].lsn + 1 : 1;
    v.last_lsn = f->next_first_lsn - 1;
    return v;
}

struct verdict map_foreign(const struct map *m, const struct map_file *f, uint64_t floor_lsn)
{
    if (f->kind == MAP_SNAPSHOT)
        return map_whole();
    if (f->kind == MAP_CONTROL) { /* everything else is what is foreign then */
        for (f = first_segment(m); !f->last && f->next_first_lsn <= floor_lsn;)
            f++;
    }
    return (struct verdict){EX_DATAERR, WAL_FOREIGN, f->name,
                            16,         f->lsn,      f->last ? 0 : f->next_first_lsn - 1};
}

struct verdict map_newer(const struct map *m, const struct map_file *f)
{
    if (f->kind == MAP_SNAPSHOT && f != &m->files[m->snapshots])
        return map_whole(); /* nobody looks at it while the newest is good */
    if (f->kind == MAP_SNAPSHOT)
        return (struct verdict){.status = EX_CONFIG};
    if (f->kind == MAP_CONTROL)
        return (struct verdict){EX_CONFIG, WAL_NEWER, f->name, 0, 0, 0};
    return (struct verdict){EX_CONFIG, WAL_NEWER, f->name, 8, f->lsn, f->last ? 0 : f->next_first_lsn - 1};
}

struct verdict map_no_snapshot(const struct map *m)
{
    const struct map_file *f = first_segment(m);

    if (f->lsn == 1)
        return map_whole();
    return (struct verdict){EX_DATAERR, WAL_MISSING, "wal", 0, 1, f->lsn - 1};
}
