/* SPDX-License-Identifier: MIT
 *
 * A map of a store at rest, made while it is whole, and what a start must say when a place on it is damaged.
 * The rules are those of DESIGN section 5 and wal_log.h, written down a second time.
 */
#ifndef WALKV_TESTS_CRASH_DAMAGE_MAP_H
#define WALKV_TESTS_CRASH_DAMAGE_MAP_H

#include "control.h"
#include "memory_disk.h"
#include "wal_log.h"

enum { MAP_FILES = 32, MAP_BATCHES = 128 };

enum map_kind { MAP_CONTROL, MAP_SNAPSHOT, MAP_SEGMENT };

struct map_batch {
    uint64_t offset, bytes, first_lsn, last_lsn, durable_lsn;
};

struct map_file {
    enum map_kind kind;
    char path[80];
    char name[32]; /* as a finding says it: "wal/..." */
    uint64_t bytes;
    uint64_t lsn; /* in the name */
    /* segments */
    bool last, wanted; /* wanted: a cold start reads its batches */
    bool sealed;
    uint64_t next_first_lsn; /* of the segment after it */
    uint64_t link_last_lsn;  /* as the segment after it says */
    struct map_batch batches[MAP_BATCHES];
    unsigned batch_count;
};

struct map {
    struct memory_disk *disk; /* borrowed */
    struct control control;
    struct map_file files[MAP_FILES]; /* control, snapshots, segments, each kind ascending */
    unsigned count;
    unsigned snapshots, segments;
    uint64_t end_lsn;
};

/* False when the store is larger than the map. */
bool map_make(struct map *, struct memory_disk *);

/* What a cold start must come to. */
struct verdict {
    int status; /* 0: everything is there */
    enum wal_verdict verdict;
    const char *file; /* NULL: not about a file */
    uint64_t offset, first_lsn, last_lsn;
};

struct verdict map_whole(void);
/* The byte at `offset` is not what it was. */
struct verdict map_damaged(const struct map *, const struct map_file *, uint64_t offset);
/* The file ends at `bytes`. */
struct verdict map_cut(const struct map *, const struct map_file *, uint64_t bytes);
/* The header of a segment is that of another one of the same store. */
struct verdict map_misnamed(const struct map_file *);
struct verdict map_missing(const struct map *, const struct map_file *);
/* The file is one of another store, whose log is kept from `floor_lsn` on; or of a newer format. */
struct verdict map_foreign(const struct map *, const struct map_file *, uint64_t floor_lsn);
struct verdict map_newer(const struct map *, const struct map_file *);
/* No snapshot is usable. */
struct verdict map_no_snapshot(const struct map *);

#endif
