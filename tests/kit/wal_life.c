/* SPDX-License-Identifier: MIT
 * The life of a log; see wal_life.h. */
#include "wal_life.h"

#include "log.h"
#include "record.h"

#include <stdio.h>

const struct wal_options wal_life_small = {.segment_bytes = WAL_LIFE_SEGMENT_BYTES,
                                           .block_bytes = WAL_LIFE_BLOCK_BYTES};
const struct wal_options wal_life_large = {.segment_bytes = 8 * WAL_LIFE_SEGMENT_BYTES,
                                           .block_bytes = WAL_LIFE_BLOCK_BYTES};

/* The value of a record: mostly short; some longer than a block, some worth compressing. */
size_t wal_life_value(uint64_t lsn, uint8_t life, char out[WAL_LIFE_VALUE_BYTES])
{
    uint64_t random = lsn * 1000003 + life;
    size_t bytes = lsn % 11 == 7 ? 5000 : lsn % 5 == 3 ? 700 : 10 + lsn % 40;

    for (size_t i = 0; i < bytes; i++)
        out[i] = bytes == 5000 ? (char)('a' + life) : (char)kit_random(&random);
    return bytes;
}

static size_t name_of(uint64_t lsn, uint8_t life, char out[32])
{
    return (size_t)snprintf(out, 32, "key-%u-%ju", life, (uintmax_t)lsn);
}

/* Runs one batch of `count` records as walkvd would; what was acknowledged is noted. Returns 0 or what
 * failed. */
int wal_life_append(struct wal_life *l, uint32_t count, bool sync)
{
    struct buffer payload = {0};
    char name[32], value[WAL_LIFE_VALUE_BYTES];
    uint64_t checksum, at, first;
    int rc;

    do { /* a rotation takes LSNs, and our records follow from theirs */
        first = wal_next_lsn(l->wal);
        must(first + count < WAL_LIFE_LSNS);
        payload.bytes = 0;
        for (uint64_t lsn = first; lsn < first + count; lsn++) {
            struct record record = {.op = OP_SET};

            record.name = (struct span){name, name_of(lsn, l->now, name)};
            record.value = (struct span){value, wal_life_value(lsn, l->now, value)};
            record_encode(&payload, &record);
        }
        rc = wal_make_room(l->wal, payload.bytes, true);
    } while (rc == 0 && wal_next_lsn(l->wal) != first);
    for (uint64_t lsn = first; rc == 0 && lsn < first + count; lsn++)
        l->lives[lsn] = l->now;
    if (rc == 0)
        rc = wal_append(l->wal, buffer_span(&payload), count, 1000 * first, &checksum, &at);
    if (rc == 0 && sync)
        rc = wal_sync(l->wal);
    if (rc == 0 && sync)
        l->acknowledged_lsn = first + count - 1;
    buffer_free(&payload);
    return rc;
}

int wal_life_open(struct wal_life *l, const struct wal_options *options, const struct wal_link *link)
{
    l->now++;
    return wal_open(&l->wal, &l->disk->disk, WAL_LIFE_DIR, &l->control, options, link);
}

void wal_life_begin(struct wal_life *l, uint8_t store)
{
    *l = (struct wal_life){.disk = memory_disk_new()};
    memset(l->control.uuid, store, UUID_BYTES);
}

void wal_life_end(struct wal_life *l)
{
    wal_close(&l->wal);
    memory_disk_free(&l->disk);
}

int wal_life_visit(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct wal_reading *r = arg;
    struct span payload = batch->payload;
    struct record record;
    char name[32], value[WAL_LIFE_VALUE_BYTES];

    r->wrong = r->wrong || (r->next_lsn != 0 && batch->header.first_lsn != r->next_lsn);
    if (r->next_lsn == 0)
        r->first_lsn = batch->header.first_lsn;
    bool known = wal_batch_last_lsn(&batch->header) <= r->life->known_lsn;
    r->wrong = r->wrong || (known && payload.bytes > 0);
    for (uint32_t i = 0; i < batch->header.count; i++) {
        uint64_t lsn = batch->header.first_lsn + i;
        uint8_t life = lsn < WAL_LIFE_LSNS ? r->life->lives[lsn] : 0;

        if (known) {
            ;
        } else if (!record_decode(&payload, &record)) {
            r->wrong = true;
        } else if (life == 0 || record.op != OP_SET) {
            r->wrong = r->wrong || life != 0 || record.op != OP_NOOP;
        } else {
            struct span want_name = {name, name_of(lsn, life, name)};
            struct span want_value = {value, wal_life_value(lsn, life, value)};

            r->wrong =
                r->wrong || !span_equal(record.name, want_name) || !span_equal(record.value, want_value);
        }
        r->next_lsn = lsn + 1;
    }
    if (wal_batch_last_lsn(&batch->header) == r->life->acknowledged_lsn) {
        r->acknowledged_end = segment->offset;
        r->acknowledged_segment = segment->header.first_lsn;
    }
    return 0;
}

/* Reads the log with what the control file says, as recovery does after a cold start without snapshots. */
struct wal_reading wal_life_read_on(const struct wal_life *l, struct disk *disk, const struct wal_log *log)
{
    struct wal_reading r = {.life = l};
    const struct wal_visitor visitor = {.batch = wal_life_visit, .arg = &r, .known_lsn = l->known_lsn};

    r.verdict = wal_log_read(disk, WAL_LIFE_DIR, log, l->control.uuid, 0, l->durable_lsn,
                             l->control.segment_lsn, &visitor, &r.end, &r.finding);
    if (r.verdict != r.finding.verdict)
        r.wrong = true;
    return r;
}

struct wal_reading wal_life_read(const struct wal_life *l)
{
    struct wal_log log;
    struct wal_reading r;

    wal_log_list(&l->disk->disk, WAL_LIFE_DIR, &log);
    r = wal_life_read_on(l, &l->disk->disk, &log);
    wal_log_free(&log);
    return r;
}

bool wal_reading_starts(const struct wal_reading *r)
{
    return r->verdict == WAL_CLEAN || r->verdict == WAL_TORN;
}

/* walkvd may start from it, and everything that was acknowledged is there. */
bool wal_reading_whole(const struct wal_reading *r)
{
    return !r->wrong && wal_reading_starts(r) && r->next_lsn > r->life->acknowledged_lsn &&
           r->end.link.last_lsn + 1 == r->next_lsn;
}

/* walkvd may not start, and says why; nothing wrong was handed over before. */
bool wal_reading_refused(const struct wal_reading *r)
{
    return !r->wrong &&
           (r->verdict == WAL_CORRUPT || r->verdict == WAL_MISSING || r->verdict == WAL_FOREIGN) &&
           r->finding.sentence[0] != '\0' && r->finding.file[0] != '\0';
}

/* A log of several segments. */
void wal_life_make_of(struct wal_life *l, enum wal_ending ending, uint8_t store,
                      const struct wal_options *options)
{
    wal_life_begin(l, store);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(l, options, &(struct wal_link){0}), 0);
    for (uint32_t i = 0; wal_segment_first_lsn(l->wal) < 10 || i % 4 != 0; i++)
        CU_ASSERT_EQUAL_FATAL(wal_life_append(l, 1 + i % 2, true), 0);
    if (ending == WAL_SEALED)
        CU_ASSERT_EQUAL(wal_stop(l->wal), 0);
    if (ending == WAL_WITNESSED)
        CU_ASSERT_EQUAL(wal_witness(l->wal), 0);
    if (ending == WAL_SEALED)
        l->acknowledged_lsn = l->control.last_lsn;
    l->durable_lsn = l->control.last_lsn;
    wal_close(&l->wal);
}

void wal_life_make(struct wal_life *l, enum wal_ending ending, uint8_t store)
{
    wal_life_make_of(l, ending, store, &wal_life_small);
}

/* Whether the sector or byte at `offset` of a segment belongs to what was acknowledged. */
bool wal_reading_matters(const struct wal_reading *good, uint64_t segment, uint64_t offset)
{
    return segment < good->acknowledged_segment || offset < good->acknowledged_end;
}

void wal_life_path(char path[80], uint64_t first_lsn)
{
    must(wal_log_path(path, 80, WAL_LIFE_DIR, first_lsn));
}

bool wal_reading_judge(const struct wal_reading *r, bool affected, const char *what, uint64_t segment,
                       uint64_t at)
{
    return CHECK(affected ? wal_reading_refused(r) : wal_reading_whole(r),
                 "%s at %ju of segment %ju: %s, next LSN %ju: %s", what, (uintmax_t)at, (uintmax_t)segment,
                 wal_verdict_text(r->verdict), (uintmax_t)r->next_lsn, r->finding.sentence);
}
