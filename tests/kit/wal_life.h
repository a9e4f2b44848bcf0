/* SPDX-License-Identifier: MIT
 *
 * The life of a log, for the tests that write one through wal.h to a disk in memory (memory_disk.h), harm it
 * and read it through wal_log.h. The content of each record follows from its LSN and its life (the count of
 * openings before it was written), so that a reader can check every record by itself.
 */
#ifndef WALKV_TESTS_KIT_WAL_LIFE_H
#define WALKV_TESTS_KIT_WAL_LIFE_H

#include "kit.h"
#include "memory_disk.h"
#include "wal.h"
#include "wal_log.h"

#define WAL_LIFE_DIR           "/m"
#define WAL_LIFE_LSNS          400 /* a log has fewer */
#define WAL_LIFE_SEGMENT_BYTES 4096
#define WAL_LIFE_BLOCK_BYTES   512

struct wal_life {
    struct memory_disk *disk;
    struct control control;
    struct wal *wal;
    uint8_t lives[WAL_LIFE_LSNS]; /* by LSN: the life in which a record was written last, 0: a no-op */
    uint8_t now;
    uint64_t acknowledged_lsn;
    uint64_t durable_lsn; /* what walkvd would know: that of the control file */
    uint64_t known_lsn;   /* what the batches up to it hold would be in its view */
};

/* Segments of WAL_LIFE_SEGMENT_BYTES, and of eight times as much. */
extern const struct wal_options wal_life_small, wal_life_large;

/* Begins without a log; end it in any case. */
void wal_life_begin(struct wal_life *, uint8_t store);
void wal_life_end(struct wal_life *);

/* A new life: opens the log behind `link`. Returns what wal_open() does. */
int wal_life_open(struct wal_life *, const struct wal_options *, const struct wal_link *);

/* Runs one batch of `count` records as walkvd would; with `sync` it is noted as acknowledged. Returns 0 or
 * what failed. */
int wal_life_append(struct wal_life *, uint32_t count, bool sync);

/* The value of a record, of at most WAL_LIFE_VALUE_BYTES. Returns its length. */
#define WAL_LIFE_VALUE_BYTES 6000
size_t wal_life_value(uint64_t lsn, uint8_t life, char out[WAL_LIFE_VALUE_BYTES]);

/* How a log ended: stopped, or killed with a witness behind its last batch, or without. */
enum wal_ending { WAL_SEALED, WAL_WITNESSED, WAL_KILLED };

/* A log of several segments, closed; "of" is with these options instead of the small segments. */
void wal_life_make(struct wal_life *, enum wal_ending, uint8_t store);
void wal_life_make_of(struct wal_life *, enum wal_ending, uint8_t store, const struct wal_options *);

/* The path of a segment. */
void wal_life_path(char path[80], uint64_t first_lsn);

/* What reading found; every record was checked against the life that wrote it. */
struct wal_reading {
    const struct wal_life *life;
    enum wal_verdict verdict;
    struct wal_log_end end;
    struct wal_finding finding;
    uint64_t first_lsn;        /* of the first batch that was read */
    uint64_t next_lsn;         /* after the last record that was handed over; 0: none was */
    uint64_t acknowledged_end; /* offset behind the last acknowledged batch, when it is in the last segment */
    uint64_t acknowledged_segment;
    bool wrong;
};

/* Reads the log as recovery does after a cold start without snapshots; `on` another disk, with another list.
 */
struct wal_reading wal_life_read(const struct wal_life *);
struct wal_reading wal_life_read_on(const struct wal_life *, struct disk *, const struct wal_log *);
/* A visitor's batch callback, for other ways to read; `arg` is a wal_reading with its `life`. */
int wal_life_visit(const struct wal_segment *, const struct wal_batch *, void *arg);

/* walkvd may start from it. */
bool wal_reading_starts(const struct wal_reading *);
/* The same, and everything that was acknowledged is there. */
bool wal_reading_whole(const struct wal_reading *);
/* walkvd may not start, and says why; nothing wrong was handed over before. */
bool wal_reading_refused(const struct wal_reading *);
/* Whether the byte at `offset` of a segment belongs to what was acknowledged. */
bool wal_reading_matters(const struct wal_reading *good, uint64_t segment, uint64_t offset);
/* Checks that it is refused when what was harmed matters, else whole. */
bool wal_reading_judge(const struct wal_reading *, bool affected, const char *what, uint64_t segment,
                       uint64_t at);

#endif
