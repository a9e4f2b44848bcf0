/* SPDX-License-Identifier: MIT
 *
 * wal, wal_segment and wal_log together: what was acknowledged is read back, or the damage is told; never a
 * clean verdict over fewer or other records. Logs are written through wal.h to a disk in memory
 * (memory_disk.h) and then damaged bit by bit, cut, mixed up, or left to a power cut at the k-th call.
 *
 * The content of each record follows from its LSN and its `life` (the count of restarts before it was
 * written), so that a reader can check every record by itself.
 */
#include "bytes.h"
#include "kit.h"
#include "log.h"
#include "memory_disk.h"
#include "record.h"
#include "wal.h"
#include "wal_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void wal_log_suite(void);

#define DATA_DIR      "/m"
#define LSNS_MAX      400
#define SEGMENT_BYTES 4096
#define BLOCK_BYTES   512

struct life {
    struct memory_disk *disk; /* NULL: the system's */
    struct control control;
    struct wal *wal;
    uint8_t lives[LSNS_MAX]; /* by LSN: the life in which a record was written last, 0: a no-op */
    uint8_t now;
    uint64_t acknowledged_lsn;
    uint64_t durable_lsn; /* what walkvd would know: that of the control file */
    uint64_t known_lsn;   /* what the batches up to it hold would be in its view */
};

static const struct wal_options small = {.segment_bytes = SEGMENT_BYTES, .block_bytes = BLOCK_BYTES};
static const struct wal_options large = {.segment_bytes = 8 * SEGMENT_BYTES, .block_bytes = BLOCK_BYTES};

/* The value of a record: mostly short; some longer than a block, some worth compressing. */
static size_t value_of(uint64_t lsn, uint8_t life, char out[6000])
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
static int append(struct life *l, uint32_t count, bool sync)
{
    struct buffer payload = {0};
    char name[32], value[6000];
    uint64_t checksum, at, first;
    int rc;

    do { /* a rotation takes LSNs, and our records follow from theirs */
        first = wal_next_lsn(l->wal);
        must(first + count < LSNS_MAX);
        payload.bytes = 0;
        for (uint64_t lsn = first; lsn < first + count; lsn++) {
            struct record record = {.op = OP_SET};

            record.name = (struct span){name, name_of(lsn, l->now, name)};
            record.value = (struct span){value, value_of(lsn, l->now, value)};
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

static int open_log(struct life *l, const struct wal_options *options, const struct wal_link *link)
{
    l->now++;
    return wal_open(&l->wal, &l->disk->disk, DATA_DIR, &l->control, options, link);
}

static void begin_life(struct life *l, uint8_t store)
{
    *l = (struct life){.disk = memory_disk_new()};
    memset(l->control.uuid, store, UUID_BYTES);
}

static void end_life(struct life *l)
{
    wal_close(&l->wal);
    memory_disk_free(&l->disk);
}

/* What reading found; the visitor checks each record against the life that wrote it. */
struct reading {
    const struct life *life;
    enum wal_verdict verdict;
    struct wal_log_end end;
    struct wal_finding finding;
    uint64_t first_lsn;        /* of the first batch that was read */
    uint64_t next_lsn;         /* after the last record that was handed over; 0: none was */
    uint64_t acknowledged_end; /* offset behind the last acknowledged batch, when it is in the last segment */
    uint64_t acknowledged_segment;
    bool wrong;
};

static int visit(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct reading *r = arg;
    struct span payload = batch->payload;
    struct record record;
    char name[32], value[6000];

    r->wrong = r->wrong || (r->next_lsn != 0 && batch->header.first_lsn != r->next_lsn);
    if (r->next_lsn == 0)
        r->first_lsn = batch->header.first_lsn;
    bool known = wal_batch_last_lsn(&batch->header) <= r->life->known_lsn;
    r->wrong = r->wrong || (known && payload.bytes > 0);
    for (uint32_t i = 0; i < batch->header.count; i++) {
        uint64_t lsn = batch->header.first_lsn + i;
        uint8_t life = lsn < LSNS_MAX ? r->life->lives[lsn] : 0;

        if (known) {
            ;
        } else if (!record_decode(&payload, &record)) {
            r->wrong = true;
        } else if (life == 0 || record.op != OP_SET) {
            r->wrong = r->wrong || life != 0 || record.op != OP_NOOP;
        } else {
            struct span want_name = {name, name_of(lsn, life, name)};
            struct span want_value = {value, value_of(lsn, life, value)};

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
static struct reading read_log(const struct life *l, struct disk *disk, const struct wal_log *log)
{
    struct reading r = {.life = l};
    const struct wal_visitor visitor = {.batch = visit, .arg = &r, .known_lsn = l->known_lsn};

    r.verdict = wal_log_read(disk, DATA_DIR, log, l->control.uuid, 0, l->durable_lsn, l->control.segment_lsn,
                             &visitor, &r.end, &r.finding);
    if (r.verdict != r.finding.verdict)
        r.wrong = true;
    return r;
}

static struct reading read_memory(const struct life *l)
{
    struct wal_log log;
    struct reading r;

    wal_log_list(&l->disk->disk, DATA_DIR, &log);
    r = read_log(l, &l->disk->disk, &log);
    wal_log_free(&log);
    return r;
}

static bool starts(const struct reading *r)
{
    return r->verdict == WAL_CLEAN || r->verdict == WAL_TORN;
}

/* walkvd may start from it, and everything that was acknowledged is there. */
static bool whole(const struct reading *r)
{
    return !r->wrong && starts(r) && r->next_lsn > r->life->acknowledged_lsn &&
           r->end.link.last_lsn + 1 == r->next_lsn;
}

/* walkvd may not start, and says why; nothing wrong was handed over before. */
static bool refused(const struct reading *r)
{
    return !r->wrong &&
           (r->verdict == WAL_CORRUPT || r->verdict == WAL_MISSING || r->verdict == WAL_FOREIGN) &&
           r->finding.sentence[0] != '\0' && r->finding.file[0] != '\0';
}

enum ending { SEALED, WITNESSED, KILLED };

/* A log of several segments. */
static void make_log_of(struct life *l, enum ending ending, uint8_t store, const struct wal_options *options)
{
    begin_life(l, store);
    CU_ASSERT_EQUAL_FATAL(open_log(l, options, &(struct wal_link){0}), 0);
    for (uint32_t i = 0; wal_segment_first_lsn(l->wal) < 10 || i % 4 != 0; i++)
        CU_ASSERT_EQUAL_FATAL(append(l, 1 + i % 2, true), 0);
    if (ending == SEALED)
        CU_ASSERT_EQUAL(wal_stop(l->wal), 0);
    if (ending == WITNESSED)
        CU_ASSERT_EQUAL(wal_witness(l->wal), 0);
    if (ending == SEALED)
        l->acknowledged_lsn = l->control.last_lsn;
    l->durable_lsn = l->control.last_lsn;
    wal_close(&l->wal);
}

static void make_log(struct life *l, enum ending ending, uint8_t store)
{
    make_log_of(l, ending, store, &small);
}

static void test_write_and_read(void)
{
    for (int ending = SEALED; ending <= KILLED; ending++) {
        struct life l;
        struct reading r;

        make_log(&l, (enum ending)ending, 1);
        r = read_memory(&l);
        CHECK(whole(&r) && r.verdict == WAL_CLEAN, "ending %d: %s: %s", ending, wal_verdict_text(r.verdict),
              r.finding.sentence);
        CHECK(r.end.segments_read >= 3, "%ju segments", (uintmax_t)r.end.segments_read);
        CHECK(r.end.sealed == (ending == SEALED), "ending %d", ending);
        CHECK(r.end.link.last_lsn == l.acknowledged_lsn + (ending == WITNESSED), "ending %d", ending);
        CHECK(l.control.clean == (ending == SEALED), "ending %d", ending);
        CHECK(l.control.segment_lsn == r.end.link.first_lsn, "ending %d", ending);
        struct control control;
        int error;
        CHECK(control_read(&l.disk->disk, DATA_DIR, &control, &error) == CONTROL_VALID &&
                  control.clean == l.control.clean && control.last_lsn == l.control.last_lsn &&
                  control.segment_lsn == l.control.segment_lsn,
              "ending %d: the control file", ending);
        end_life(&l);
    }
}

/* Reading from an LSN on reads the segment that holds the next one, and not those before. */
static void test_read_from(void)
{
    struct life l;
    struct wal_log log;

    make_log(&l, SEALED, 1);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (uint64_t from = 0; from <= l.acknowledged_lsn; from++) {
        struct reading r = {.life = &l};
        const struct wal_visitor visitor = {.batch = visit, .arg = &r};
        uint64_t want = 0;

        for (size_t i = 0; i < log.count && log.first_lsns[i] <= from + 1; i++)
            want = log.first_lsns[i];
        r.verdict = wal_log_read(&l.disk->disk, DATA_DIR, &log, l.control.uuid, from, l.durable_lsn,
                                 l.control.segment_lsn, &visitor, &r.end, &r.finding);
        CHECK(whole(&r), "from %ju", (uintmax_t)from);
        CHECK(from == l.acknowledged_lsn || r.end.segments_read == 0 || want > 0, "from %ju",
              (uintmax_t)from);
    }
    wal_log_free(&log);
    end_life(&l);
}

/* Whether the sector or byte at `offset` of a segment belongs to what was acknowledged. */
static bool matters(const struct reading *good, uint64_t segment, uint64_t offset)
{
    return segment < good->acknowledged_segment || offset < good->acknowledged_end;
}

static void segment_path(char path[80], uint64_t first_lsn)
{
    must(wal_log_path(path, 80, DATA_DIR, first_lsn));
}

static bool judge(const struct reading *r, bool affected, const char *what, uint64_t segment, uint64_t at)
{
    return CHECK(affected ? refused(r) : whole(r), "%s at %ju of segment %ju: %s, next LSN %ju: %s", what,
                 (uintmax_t)at, (uintmax_t)segment, wal_verdict_text(r->verdict), (uintmax_t)r->next_lsn,
                 r->finding.sentence);
}

static void flip_bits(enum ending ending, bool known)
{
    struct life l;
    struct wal_log log;
    struct reading good;

    make_log(&l, ending, 1);
    l.known_lsn = known ? l.acknowledged_lsn - 3 : 0;
    good = read_memory(&l);
    CU_ASSERT(whole(&good));
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = ending == SEALED ? 0 : log.count - 1; i < log.count; i++) {
        char path[80];
        uint64_t *bytes;
        bool going = true;

        segment_path(path, log.first_lsns[i]);
        char *data = memory_disk_data(l.disk, path, &bytes);
        uint64_t end = i + 1 < log.count ? *bytes : good.end.offset + 600;
        for (uint64_t bit = 0; bit < 8 * (end < *bytes ? end : *bytes) && going; bit++) {
            if (!KIT_FAST && bit / 8 % BLOCK_BYTES >= 128 && bit % 8 != bit / 8 % 8)
                continue;
            data[bit / 8] ^= (char)(1 << bit % 8);
            struct reading r = read_log(&l, &l.disk->disk, &log);
            going = judge(&r, matters(&good, log.first_lsns[i], bit / 8), "bit", log.first_lsns[i], bit);
            data[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    wal_log_free(&log);
    end_life(&l);
}

static void test_flip_bits_sealed(void)
{
    flip_bits(SEALED, false);
}

static void test_flip_bits_witnessed(void)
{
    flip_bits(WITNESSED, false);
}

/* What is not unpacked is looked at all the same. */
static void test_flip_bits_known(void)
{
    flip_bits(WITNESSED, true);
}

/* A batch, and where it is. */
struct mark {
    uint64_t segment, at, first_lsn, last_lsn, checksum;
};

struct marks {
    struct mark of[LSNS_MAX];
    size_t count;
};

static int note(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct marks *marks = arg;
    const struct wal_batch_header *h = &batch->header;

    marks->of[marks->count++] = (struct mark){segment->header.first_lsn, batch->offset, h->first_lsn,
                                              wal_batch_last_lsn(h), h->checksum};
    return 0;
}

/* Reads the log as a start does whose view has what `mark` says. */
static struct reading read_known(const struct life *l, const struct wal_log *log, const struct mark *mark)
{
    struct reading r = {.life = l};
    const struct wal_visitor visitor = {.batch = visit,
                                        .arg = &r,
                                        .known_lsn = mark->last_lsn,
                                        .known_checksum = mark->checksum,
                                        .known_at = mark->at};

    r.verdict = wal_log_read(&l->disk->disk, DATA_DIR, log, l->control.uuid, mark->last_lsn - 1,
                             l->durable_lsn, l->control.segment_lsn, &visitor, &r.end, &r.finding);
    return r;
}

/* Of the segment of the known batch, reading begins there; with a mark that is wrong, at the front. */
static void test_begin_at_the_known_batch(void)
{
    for (int ending = SEALED; ending <= KILLED; ending++) {
        struct life l;
        struct wal_log log;
        struct marks marks = {.count = 0};
        struct wal_log_end end;
        struct wal_finding finding;

        make_log_of(&l, (enum ending)ending, 1, &large);
        wal_log_list(&l.disk->disk, DATA_DIR, &log);
        wal_log_read(&l.disk->disk, DATA_DIR, &log, l.control.uuid, 0, l.durable_lsn, l.control.segment_lsn,
                     &(struct wal_visitor){.batch = note, .arg = &marks}, &end, &finding);
        CU_ASSERT(marks.count > 10 && finding.verdict == WAL_CLEAN);
        for (size_t i = 0; i < marks.count; i++) {
            const struct mark *right = &marks.of[i];
            l.known_lsn = right->last_lsn;
            struct reading r = read_known(&l, &log, right);
            CHECK(whole(&r) && r.first_lsn == right->first_lsn && r.end.offset == end.offset &&
                      r.end.link.checksum == end.link.checksum && r.end.sealed == end.sealed,
                  "ending %d, known LSN %ju: begins at %ju, ends at %ju", ending, (uintmax_t)right->last_lsn,
                  (uintmax_t)r.first_lsn, (uintmax_t)r.end.link.last_lsn);
            const uint64_t places[] = {
                0, 8, right->at + 8, right->at + BLOCK_BYTES, 5 * SEGMENT_BYTES, 1ULL << 40, UINT64_MAX};
            for (unsigned j = 0; j <= sizeof places / sizeof *places; j++) {
                struct mark wrong = *right;
                if (j)
                    wrong.at = places[j - 1];
                else
                    wrong.checksum ^= 1;
                if (memcmp(&wrong, right, sizeof wrong) == 0)
                    continue;
                r = read_known(&l, &log, &wrong);
                CHECK(whole(&r) && r.first_lsn == right->segment && r.end.offset == end.offset,
                      "ending %d, known LSN %ju, wrong mark %u: begins at %ju", ending,
                      (uintmax_t)right->last_lsn, j, (uintmax_t)r.first_lsn);
            }
        }
        wal_log_free(&log);
        end_life(&l);
    }
}

/* What stands before the known batch is not looked at: the view has it. All that stands behind is. */
static void test_flip_bits_behind_the_known_batch(void)
{
    struct life l;
    struct wal_log log;
    struct reading good;
    struct marks marks = {.count = 0};
    struct wal_log_end end;
    struct wal_finding finding;
    char path[80];
    uint64_t *bytes;

    make_log(&l, WITNESSED, 1);
    good = read_memory(&l);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    wal_log_read(&l.disk->disk, DATA_DIR, &log, l.control.uuid, 0, l.durable_lsn, l.control.segment_lsn,
                 &(struct wal_visitor){.batch = note, .arg = &marks}, &end, &finding);
    size_t i = marks.count - 2; /* before the witness, the last one that has two before it in its segment */
    while (i > 2 && marks.of[i - 2].segment != marks.of[i].segment)
        i--;
    const struct mark *mark = &marks.of[i];
    CU_ASSERT_FATAL(marks.of[i - 2].segment == mark->segment);
    l.known_lsn = mark->last_lsn;
    segment_path(path, mark->segment);
    char *data = memory_disk_data(l.disk, path, &bytes);
    bool going = true;
    for (uint64_t bit = 8 * BLOCK_BYTES; bit < 8 * *bytes && going; bit++) {
        data[bit / 8] ^= (char)(1 << bit % 8);
        struct reading r = read_known(&l, &log, mark);
        going = judge(&r, bit / 8 >= mark->at && matters(&good, mark->segment, bit / 8), "bit", mark->segment,
                      bit);
        data[bit / 8] ^= (char)(1 << bit % 8);
    }
    wal_log_free(&log);
    end_life(&l);
}

/* In async mode a batch can be whole when what stands before it was lost by a sync that failed: where the
 * known batch does not say that all before it was durable, reading begins at the front, and finds that. */
static void test_known_batch_behind_what_was_lost(void)
{
    struct life l;
    struct wal_log log;
    struct marks marks = {.count = 0};
    struct wal_log_end end;
    struct wal_finding finding;
    enum { SYNCED = 3, WRITTEN = 6 };
    char path[80];
    uint64_t *bytes;

    begin_life(&l, 1);
    CU_ASSERT_EQUAL_FATAL(open_log(&l, &large, &(struct wal_link){0}), 0);
    for (uint32_t i = 0; i < WRITTEN; i++)
        CU_ASSERT_EQUAL_FATAL(append(&l, 2, i < SYNCED), 0);
    l.durable_lsn = l.control.last_lsn;
    wal_close(&l.wal);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    wal_log_read(&l.disk->disk, DATA_DIR, &log, l.control.uuid, 0, l.durable_lsn, l.control.segment_lsn,
                 &(struct wal_visitor){.batch = note, .arg = &marks}, &end, &finding);
    CU_ASSERT_FATAL(marks.count == WRITTEN + 1 && log.count == 1); /* and the first no-op */
    segment_path(path, marks.of[0].segment);
    char *data = memory_disk_data(l.disk, path, &bytes);
    for (size_t i = 1; i < marks.count; i++) {
        const struct mark *mark = &marks.of[i], *lost = &marks.of[i - 1];
        bool synced = i <= SYNCED + 1; /* what stands before it */
        l.known_lsn = mark->last_lsn;
        struct reading r = read_known(&l, &log, mark);
        CHECK(whole(&r) && r.first_lsn == (synced ? mark->first_lsn : mark->segment), "batch %zu: %ju", i,
              (uintmax_t)r.first_lsn);
        if (synced)
            continue;
        char kept[BLOCK_BYTES];
        memcpy(kept, data + lost->at, BLOCK_BYTES);
        memset(data + lost->at, 0, BLOCK_BYTES);
        r = read_known(&l, &log, mark);
        CHECK(r.end.link.last_lsn == lost->first_lsn - 1, "batch %zu: ends at %ju", i,
              (uintmax_t)r.end.link.last_lsn);
        memcpy(data + lost->at, kept, BLOCK_BYTES);
    }
    wal_log_free(&log);
    end_life(&l);
}

/* Cut short at every multiple of 64, zeroed and filled with garbage block by block. */
static void test_cut_and_zero(void)
{
    for (int ending = SEALED; ending <= WITNESSED; ending++) {
        struct life l;
        struct wal_log log;
        struct reading good;
        uint64_t random = 1;

        make_log(&l, (enum ending)ending, 1);
        good = read_memory(&l);
        wal_log_list(&l.disk->disk, DATA_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], kept[BLOCK_BYTES];
            uint64_t *bytes, lsn = log.first_lsns[i];

            segment_path(path, lsn);
            char *data = memory_disk_data(l.disk, path, &bytes);
            const uint64_t whole_bytes = *bytes;
            for (uint64_t at = 0; at < whole_bytes; at += 64) {
                *bytes = at;
                struct reading r = read_log(&l, &l.disk->disk, &log);
                /* What has no seal is preallocated: a shorter file has lost something. */
                judge(&r, matters(&good, lsn, at) || ending != SEALED, "cut", lsn, at);
                *bytes = whole_bytes;
            }
            for (uint64_t at = 0; at < whole_bytes; at += BLOCK_BYTES) {
                memcpy(kept, data + at, BLOCK_BYTES);
                memset(data + at, 0, BLOCK_BYTES);
                struct reading r = read_log(&l, &l.disk->disk, &log);
                judge(&r, matters(&good, lsn, at), "zeros", lsn, at);
                for (unsigned j = 0; j < BLOCK_BYTES; j++)
                    data[at + j] = (char)kit_random(&random);
                r = read_log(&l, &l.disk->disk, &log);
                judge(&r, matters(&good, lsn, at), "garbage", lsn, at);
                memcpy(data + at, kept, BLOCK_BYTES);
            }
        }
        wal_log_free(&log);
        end_life(&l);
    }
}

/* Every block in the place of every other, within a segment and from another one. */
static void test_misplaced_blocks(void)
{
    struct life l;
    struct wal_log log;
    struct reading good;

    make_log(&l, WITNESSED, 1);
    good = read_memory(&l);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        for (size_t j = 0; j < log.count; j++) {
            char to_path[80], from_path[80], kept[BLOCK_BYTES];
            uint64_t *to_bytes, *from_bytes;

            segment_path(to_path, log.first_lsns[i]);
            segment_path(from_path, log.first_lsns[j]);
            char *to = memory_disk_data(l.disk, to_path, &to_bytes);
            const char *from = memory_disk_data(l.disk, from_path, &from_bytes);
            for (uint64_t a = 0; a < *to_bytes; a += BLOCK_BYTES) {
                for (uint64_t b = 0; b < *from_bytes; b += BLOCK_BYTES) {
                    if (memcmp(to + a, from + b, BLOCK_BYTES) == 0)
                        continue;
                    memcpy(kept, to + a, BLOCK_BYTES);
                    memmove(to + a, from + b, BLOCK_BYTES);
                    struct reading r = read_log(&l, &l.disk->disk, &log);
                    judge(&r, matters(&good, log.first_lsns[i], a), "block of elsewhere", log.first_lsns[i],
                          a);
                    memcpy(to + a, kept, BLOCK_BYTES);
                }
            }
        }
    }
    wal_log_free(&log);
    end_life(&l);
}

static void test_segments_removed_and_swapped(void)
{
    for (int ending = SEALED; ending <= KILLED; ending++) {
        struct life l;
        struct wal_log log;

        make_log(&l, (enum ending)ending, 1);
        wal_log_list(&l.disk->disk, DATA_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], other_path[80];

            segment_path(path, log.first_lsns[i]);
            struct memory_name *name = memory_disk_name(l.disk, path);
            int inode = name->now;
            name->now = -1;
            struct reading r = read_memory(&l);
            if (i == 0) /* as after a checkpoint; that no state continues here is for recovery.c to see */
                CHECK(r.next_lsn > l.acknowledged_lsn && starts(&r) && !r.wrong, "first segment");
            else
                CHECK(r.verdict == WAL_MISSING && refused(&r), "segment %zu: %s", i, r.finding.sentence);
            name->now = inode;
            for (size_t j = 0; j < i; j++) {
                segment_path(other_path, log.first_lsns[j]);
                struct memory_name *other = memory_disk_name(l.disk, other_path);
                name->now = other->now;
                other->now = inode;
                r = read_memory(&l);
                CHECK(refused(&r), "%zu and %zu swapped: %s", i, j, wal_verdict_text(r.verdict));
                other->now = name->now;
                r = read_memory(&l);
                CHECK(refused(&r), "%zu is a copy of %zu: %s", i, j, wal_verdict_text(r.verdict));
                name->now = inode;
            }
        }
        for (size_t i = 0; i < log.count; i++) {
            char path[80];
            segment_path(path, log.first_lsns[i]);
            memory_disk_name(l.disk, path)->now = -1;
        }
        struct reading r = read_memory(&l);
        CHECK(r.verdict == WAL_MISSING, "all: %s", wal_verdict_text(r.verdict));
        wal_log_free(&log);
        end_life(&l);
    }
}

/* Segments of another store; and of the same store from another history, such as an old backup. */
static void test_foreign_segments(void)
{
    for (uint8_t store = 1; store <= 2; store++) {
        struct life l, other;
        struct wal_log log;

        make_log(&l, WITNESSED, 1);
        make_log(&other, WITNESSED, store);
        wal_log_list(&l.disk->disk, DATA_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], aside[90];
            uint64_t *bytes;

            segment_path(path, log.first_lsns[i]);
            if (memory_disk_name(other.disk, path) == NULL)
                continue;
            const char *data = memory_disk_data(other.disk, path, &bytes);
            struct memory_name *name = memory_disk_name(l.disk, path);
            int inode = name->now;
            snprintf(aside, sizeof(aside), "%.70s.aside", path);
            memory_disk_put(l.disk, aside, data, *bytes);
            name = memory_disk_name(l.disk, path);
            name->now = memory_disk_name(l.disk, aside)->now;
            struct reading r = read_memory(&l);
            /* The last segment of the same store and history but for the salt cannot be had otherwise. */
            if (store == 2)
                CHECK(r.verdict == WAL_FOREIGN && refused(&r), "segment %zu: %s", i,
                      wal_verdict_text(r.verdict));
            else
                CHECK(r.verdict == WAL_CORRUPT && refused(&r), "segment %zu: %s", i,
                      wal_verdict_text(r.verdict));
            name->now = inode;
        }
        wal_log_free(&log);
        end_life(&l);
        end_life(&other);
    }
}

static void test_newer_segment(void)
{
    struct life l;
    struct wal_log log;

    make_log(&l, SEALED, 1);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        char path[80], kept[BLOCK_BYTES];
        uint64_t *bytes;
        struct wal_segment_header header;

        segment_path(path, log.first_lsns[i]);
        char *data = memory_disk_data(l.disk, path, &bytes);
        memcpy(kept, data, BLOCK_BYTES);
        CU_ASSERT_EQUAL(wal_segment_header_decode((struct span){data, *bytes}, &header), WAL_HEADER_VALID);
        header.version = WAL_VERSION + 1;
        wal_segment_header_encode(data, &header);
        struct reading r = read_memory(&l);
        CHECK(r.verdict == WAL_NEWER && !r.wrong, "segment %zu: %s", i, wal_verdict_text(r.verdict));
        memcpy(data, kept, BLOCK_BYTES);
    }
    wal_log_free(&log);
    end_life(&l);
}

/* A segment too many, between one and the one that continues it: nothing is missing, and one does not belong.
 */
static void test_segment_in_between(void)
{
    struct life l;
    struct wal_log log;

    make_log(&l, SEALED, 1);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i + 1 < log.count; i++) {
        char path[80], block[BLOCK_BYTES];
        uint64_t *bytes, lsn = log.first_lsns[i];
        struct wal_segment_header header;

        segment_path(path, lsn);
        CU_ASSERT_EQUAL(wal_segment_header_decode(
                            (struct span){memory_disk_data(l.disk, path, &bytes), BLOCK_BYTES}, &header),
                        WAL_HEADER_VALID);
        header.first_lsn = lsn + 1;
        header.previous = (struct wal_link){lsn, lsn, 1};
        wal_segment_header_encode(block, &header);
        segment_path(path, lsn + 1);
        memory_disk_put(l.disk, path, block, sizeof(block));
        for (uint64_t from = 0; from < 2; from++) {
            struct reading r = {.life = &l};
            r.verdict =
                wal_log_read(&l.disk->disk, DATA_DIR, &log, l.control.uuid, from ? l.acknowledged_lsn : 0,
                             l.durable_lsn, 0, NULL, &r.end, &r.finding);
            CHECK(r.verdict == WAL_CLEAN, "without it: %s", r.finding.sentence);
            struct wal_log with;
            wal_log_list(&l.disk->disk, DATA_DIR, &with);
            r.verdict =
                wal_log_read(&l.disk->disk, DATA_DIR, &with, l.control.uuid, from ? l.acknowledged_lsn : 0,
                             l.durable_lsn, 0, NULL, &r.end, &r.finding);
            CHECK(r.verdict == WAL_CORRUPT && refused(&r), "behind segment %zu: %s: %s: %s", i,
                  wal_verdict_text(r.verdict), r.finding.file, r.finding.sentence);
            wal_log_free(&with);
        }
        memory_disk_name(l.disk, path)->now = -1;
    }
    wal_log_free(&log);
    end_life(&l);
}

/* A disk that fails at any one call is not taken for damage or for an end. */
static void test_read_failures(void)
{
    struct life l;
    struct wal_log log;

    make_log(&l, SEALED, 1);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (uint64_t k = 1;; k++) {
        l.disk->fail_at = l.disk->calls + k;
        l.disk->failed_call = NULL;
        struct reading r = read_log(&l, &l.disk->disk, &log);
        if (!l.disk->failed_call)
            break;
        CHECK(r.verdict == WAL_FAILED && r.finding.error == EIO && !r.wrong, "call %ju, %s: %s: %s",
              (uintmax_t)k, l.disk->failed_call, wal_verdict_text(r.verdict), r.finding.sentence);
    }
    l.disk->fail_at = 0;
    wal_log_free(&log);
    end_life(&l);
}

/* The log ends before what is known from elsewhere. */
static void test_durable_elsewhere(void)
{
    struct life l;
    struct reading r;

    make_log(&l, KILLED, 1);
    l.durable_lsn = l.acknowledged_lsn;
    r = read_memory(&l);
    CU_ASSERT(whole(&r));
    l.durable_lsn = l.acknowledged_lsn + 1;
    r = read_memory(&l);
    CU_ASSERT(refused(&r) && r.verdict == WAL_CORRUPT && r.finding.first_lsn == l.acknowledged_lsn + 1);
    end_life(&l);
}

/* One batch in flight when the power went: any subset of its blocks is there, the others are zeros or
 * garbage. */
static void test_torn_tails(void)
{
    const struct wal_options options = {.segment_bytes = 32768, .block_bytes = BLOCK_BYTES};
    uint64_t random = 3;
    struct life l;
    struct reading before, after;
    char path[80];
    uint64_t *bytes;

    begin_life(&l, 1);
    CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
    before = read_memory(&l);
    CU_ASSERT_FATAL(whole(&before));
    CU_ASSERT_EQUAL_FATAL(append(&l, 20, false), 0);
    l.durable_lsn = l.control.last_lsn;
    after = read_memory(&l);
    CU_ASSERT_FATAL(whole(&after) && after.verdict == WAL_CLEAN);
    segment_path(path, after.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    uint64_t start = before.end.offset, blocks = (after.end.offset - start) / BLOCK_BYTES;
    char *batch = kit_boxed(data + start, blocks * BLOCK_BYTES);
    CHECK(blocks >= 4 && blocks <= 12, "%ju blocks", (uintmax_t)blocks);
    for (uint64_t kept = 0; kept + 1 < 1u << blocks; kept++) {
        for (int filling = 0; filling < 3; filling++) {
            for (uint64_t i = 0; i < blocks; i++) {
                char *at = data + start + i * BLOCK_BYTES;

                if (kept >> i & 1)
                    memcpy(at, batch + i * BLOCK_BYTES, BLOCK_BYTES);
                else if (filling == 0)
                    memset(at, 0, BLOCK_BYTES);
                else if (filling == 1)
                    memset(at, 0xff, BLOCK_BYTES);
                else
                    for (unsigned j = 0; j < BLOCK_BYTES; j++)
                        at[j] = (char)kit_random(&random);
            }
            struct reading r = read_memory(&l);
            if (!CHECK(whole(&r) && r.end.link.last_lsn == l.acknowledged_lsn &&
                           r.end.offset == before.end.offset &&
                           r.verdict == (kept == 0 && filling == 0 ? WAL_CLEAN : WAL_TORN),
                       "blocks 0x%jx, filling %d: %s: %s", (uintmax_t)kept, filling,
                       wal_verdict_text(r.verdict), r.finding.sentence))
                goto out;
        }
    }
    /* One byte changed anywhere in it. */
    for (uint64_t i = 0; i < blocks * BLOCK_BYTES; i++) {
        memcpy(data + start, batch, blocks * BLOCK_BYTES);
        data[start + i] ^= 0x10;
        struct reading r = read_memory(&l);
        CHECK(whole(&r) && r.end.link.last_lsn == l.acknowledged_lsn && r.verdict == WAL_TORN, "byte %ju",
              (uintmax_t)i);
    }
out:
    free(batch);
    end_life(&l);
}

/* A batch that is good in itself but does not continue the one before, by its chain or by its LSN. */
static void test_chain_and_lsn(void)
{
    for (int wrong = 0; wrong < 3; wrong++) {
        const struct wal_options options = {.segment_bytes = 16384, .block_bytes = BLOCK_BYTES};
        char path[80], noop[RECORD_FIXED_BYTES] = {RECORD_FIXED_BYTES};
        struct wal_segment_header header;
        struct buffer batch = {0};
        struct reading before, r;
        uint64_t *bytes;
        struct life l;

        begin_life(&l, 1);
        CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
        CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
        before = read_memory(&l);
        segment_path(path, before.end.link.first_lsn);
        char *data = memory_disk_data(l.disk, path, &bytes);
        CU_ASSERT_EQUAL(wal_segment_header_decode((struct span){data, *bytes}, &header), WAL_HEADER_VALID);
        struct wal_batch_header h = {.first_lsn = before.next_lsn + (wrong == 1),
                                     .count = 1,
                                     .chain = before.end.link.checksum + (wrong == 2)};
        wal_batch_encode(&batch, &h, (struct span){noop, sizeof(noop)}, header.salt, BLOCK_BYTES);
        memcpy(data + before.end.offset, batch.data, batch.bytes);
        r = read_memory(&l);
        CHECK(whole(&r) && r.verdict == (wrong ? WAL_TORN : WAL_CLEAN) &&
                  r.next_lsn == before.next_lsn + (wrong ? 0 : 1),
              "wrong %d: %s", wrong, wal_verdict_text(r.verdict));
        buffer_free(&batch);
        end_life(&l);
    }
}

/* What remains of a synced batch says that it was: with a witness behind it, no part of it may be missing. */
static void test_witness_names_what_is_missing(void)
{
    struct life l;
    struct reading before, r;
    char path[80];
    uint64_t *bytes;
    const struct wal_options options = {.segment_bytes = 16384, .block_bytes = BLOCK_BYTES};

    begin_life(&l, 1);
    CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
    CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
    before = read_memory(&l);
    CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
    CU_ASSERT_EQUAL_FATAL(wal_witness(l.wal), 0);
    segment_path(path, before.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    memset(data + before.end.offset, 0, BLOCK_BYTES);
    r = read_memory(&l);
    CU_ASSERT(refused(&r));
    CU_ASSERT_EQUAL(r.verdict, WAL_CORRUPT);
    CU_ASSERT_EQUAL(r.finding.offset, before.end.offset);
    CU_ASSERT_EQUAL(r.finding.first_lsn, before.next_lsn);
    CU_ASSERT_EQUAL(r.finding.last_lsn, l.acknowledged_lsn);
    end_life(&l);
}

/* However full the segment is, the last batch gets its witness, and the seal its place behind. */
static void test_always_room_for_a_witness(void)
{
    for (uint32_t batches = 1; batches <= 40; batches++) {
        struct life l;
        struct reading before = {0}, r;
        char path[80];
        uint64_t *bytes;

        begin_life(&l, 1);
        CU_ASSERT_EQUAL_FATAL(open_log(&l, &small, &(struct wal_link){0}), 0);
        for (uint32_t i = 0; i < batches; i++) {
            before = read_memory(&l);
            CU_ASSERT_EQUAL_FATAL(append(&l, 1, true), 0);
        }
        CU_ASSERT_EQUAL(wal_witness(l.wal), 0);
        uint64_t end = wal_next_lsn(l.wal);
        CU_ASSERT_EQUAL(wal_witness(l.wal), 0);
        CU_ASSERT_EQUAL(wal_next_lsn(l.wal), end); /* one is enough */
        /* The last batch stands where the log ended before, or is the second of a new segment. */
        bool rotated = wal_segment_first_lsn(l.wal) != before.end.link.first_lsn;
        segment_path(path, wal_segment_first_lsn(l.wal));
        char *data = memory_disk_data(l.disk, path, &bytes);
        memset(data + (rotated ? 2 * BLOCK_BYTES : before.end.offset), 0, BLOCK_BYTES);
        r = read_memory(&l);
        CHECK(refused(&r) && r.verdict == WAL_CORRUPT && r.finding.last_lsn >= l.acknowledged_lsn,
              "%u batches: %s", batches, wal_verdict_text(r.verdict));
        CU_ASSERT_EQUAL(wal_stop(l.wal), 0);
        end_life(&l);
    }
}

/* A batch of another history of this store, which a restored backup has left on the disk, claims that later
 * LSNs were durable. It has another salt: it is garbage, and no witness. */
static void test_no_witness_of_another_history(void)
{
    const struct wal_options options = {.segment_bytes = 32768, .block_bytes = BLOCK_BYTES};
    struct life l, other;
    struct reading good, r;
    char path[80];
    uint64_t *bytes, *other_bytes;

    begin_life(&l, 1);
    begin_life(&other, 1);
    CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
    CU_ASSERT_EQUAL_FATAL(open_log(&other, &options, &(struct wal_link){0}), 0);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(append(&l, 1, true), 0);
    for (unsigned i = 0; i < 16; i++)
        CU_ASSERT_EQUAL_FATAL(append(&other, 1, true), 0);
    good = read_memory(&l);
    segment_path(path, good.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    const char *stale = memory_disk_data(other.disk, path, &other_bytes);
    unsigned witnesses = 0;
    for (uint64_t at = good.end.offset; at < *bytes; at += BLOCK_BYTES) {
        if (memcmp(stale + at, "WKVB", 4) != 0)
            continue;
        witnesses++;
        memcpy(data + at, stale + at, BLOCK_BYTES);
        r = read_memory(&l);
        CHECK(whole(&r) && r.verdict == WAL_TORN, "block at %ju: %s: %s", (uintmax_t)at,
              wal_verdict_text(r.verdict), r.finding.sentence);
    }
    CHECK(witnesses > 5, "%u batches", witnesses);
    end_life(&l);
    end_life(&other);
}

/* [link-ends-segment] A batch that a start did not find shows up again behind the end that the next segment
 * knows: it is passed over, unless it says that another one there was durable. */
static void test_behind_the_link(void)
{
    for (int witnessed = 0; witnessed < 2; witnessed++) {
        const struct wal_options options = {.segment_bytes = 16384, .block_bytes = BLOCK_BYTES};
        struct life l;
        struct reading before, after;
        char path[80];
        uint64_t *bytes;

        begin_life(&l, 1);
        CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
        CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
        before = read_memory(&l);
        segment_path(path, before.end.link.first_lsn);
        CU_ASSERT_EQUAL_FATAL(append(&l, 2, true), 0);
        if (witnessed)
            CU_ASSERT_EQUAL_FATAL(append(&l, 1, true), 0);
        char *data = memory_disk_data(l.disk, path, &bytes);
        char *kept = kit_boxed(data, *bytes);
        const uint64_t kept_bytes = *bytes;
        wal_close(&l.wal);

        /* A start that found only what was there before, and wrote on. */
        memset(data + before.end.offset, 0, kept_bytes - before.end.offset);
        l.acknowledged_lsn = before.end.link.last_lsn;
        CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &before.end.link), 0);
        l.lives[wal_next_lsn(l.wal) - 1] = 0;
        CU_ASSERT_EQUAL_FATAL(append(&l, 1, true), 0);
        memcpy(memory_disk_data(l.disk, path, &bytes), kept, kept_bytes);
        after = read_memory(&l);
        if (witnessed)
            CHECK(refused(&after) && after.verdict == WAL_CORRUPT, "%s", wal_verdict_text(after.verdict));
        else
            CHECK(whole(&after) && after.verdict == WAL_CLEAN, "%s: %s", wal_verdict_text(after.verdict),
                  after.finding.sentence);
        free(kept);
        end_life(&l);
    }
}

/* A whole life on a disk that fails: opens, appends, rotates, witnesses, maybe stops. Stops at the first
 * error, as walkvd does, but tries on to see that the log stays failed. Returns the first error. */
static int live(struct life *l, const struct wal_link *link, int *error)
{
    int rc = open_log(l, &small, link);

    *error = rc;
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < 12; i++) {
        uint64_t acknowledged = l->acknowledged_lsn;
        rc = append(l, 1 + i % 3, true);
        if (rc == 0 && i % 5 == 4)
            rc = wal_witness(l->wal);
        if (rc == 0 && i % 4 == 1)
            wal_prepare(l->wal);
        if (rc == 0)
            continue;
        *error = rc;
        if (wal_failure(l->wal) == 0) { /* refused for want of room: the next may go through */
            CHECK(rc == -ENOSPC, "%s failed, call %ju, and the log has not", l->disk->failed_call,
                  (uintmax_t)l->disk->fail_at);
            CHECK(l->acknowledged_lsn == acknowledged, "call %ju", (uintmax_t)l->disk->fail_at);
            continue;
        }
        uint64_t changes = l->disk->changes, checksum, at;
        for (int again = 0; again < 3; again++) {
            struct record noop = {.op = OP_NOOP};
            struct buffer payload = {0};

            record_encode(&payload, &noop);
            CHECK(wal_make_room(l->wal, payload.bytes, again == 1) == -EIO, "call %ju",
                  (uintmax_t)l->disk->fail_at);
            CHECK(wal_append(l->wal, buffer_span(&payload), 1, 0, &checksum, &at) == -EIO, "call %ju",
                  (uintmax_t)l->disk->fail_at);
            CHECK(wal_sync(l->wal) == -EIO, "call %ju", (uintmax_t)l->disk->fail_at);
            CHECK(wal_witness(l->wal) == -EIO, "call %ju", (uintmax_t)l->disk->fail_at);
            CHECK(wal_stop(l->wal) == -EIO, "call %ju", (uintmax_t)l->disk->fail_at);
            CHECK(!wal_prepare(l->wal), "call %ju", (uintmax_t)l->disk->fail_at);
            buffer_free(&payload);
        }
        CHECK(l->disk->changes == changes, "written after a failure, call %ju", (uintmax_t)l->disk->fail_at);
        return rc;
    }
    rc = wal_stop(l->wal);
    if (rc == 0)
        l->acknowledged_lsn = l->control.last_lsn;
    *error = *error != 0 ? *error : rc;
    return rc;
}

/* What walkvd finds at its next start. */
static struct reading restart(struct life *l)
{
    int error = 0;
    struct control control;
    enum control_verdict verdict = control_read(&l->disk->disk, DATA_DIR, &control, &error);
    uint8_t uuid[UUID_BYTES];

    memcpy(uuid, l->control.uuid, UUID_BYTES);
    CHECK(verdict == CONTROL_VALID || (verdict == CONTROL_ABSENT && l->acknowledged_lsn == 0),
          "control %d, %s", verdict, l->disk->failed_call);
    if (verdict != CONTROL_VALID) {
        control = (struct control){0};
        memcpy(control.uuid, uuid, UUID_BYTES);
    }
    CHECK(memcmp(control.uuid, uuid, UUID_BYTES) == 0, "control");
    l->control = control;
    l->durable_lsn = control.last_lsn;
    return read_memory(l);
}

/* The k-th call fails, once or for ever, for every k; then the power is cut, and walkvd starts twice more. */
static void fail_at_every_call(int error, bool for_ever, size_t write_room)
{
    for (uint64_t k = 1; k < 2000; k++) {
        struct life base;
        int first_error;

        begin_life(&base, 1);
        base.disk->fail_at = k;
        base.disk->for_ever = for_ever;
        base.disk->error = error;
        base.disk->write_room = write_room;
        int rc = live(&base, &(struct wal_link){0}, &first_error);
        bool through = base.disk->failed_call == NULL;

        /* A failed write or sync is never passed over in silence. */
        if (base.disk->sync_failed)
            CHECK(rc != 0, "%s %ju of %ju failed, and everything went on", base.disk->failed_call,
                  (uintmax_t)k, (uintmax_t)base.disk->calls);
        wal_close(&base.wal);
        for (uint64_t seed = 0; seed < 6; seed++) {
            struct life l = base;
            uint64_t random = k * 64 + seed;
            enum memory_loss loss = seed == 0   ? MEMORY_LOSE_ALL
                                    : seed == 1 ? MEMORY_LOSE_NOTHING
                                                : MEMORY_LOSE_SOME;

            l.disk = memory_disk_clone(base.disk);
            l.disk->write_room = 0;
            memory_disk_cut(l.disk, loss, &random);
            struct reading r = restart(&l);
            bool good = CHECK((l.acknowledged_lsn == 0 && starts(&r) && !r.wrong) || whole(&r),
                              "%s failed, call %ju %s, loss %ju: %s, LSN %ju of %ju: %s",
                              base.disk->failed_call, (uintmax_t)k, for_ever ? "and all after" : "once",
                              (uintmax_t)seed, wal_verdict_text(r.verdict), (uintmax_t)r.next_lsn - 1,
                              (uintmax_t)l.acknowledged_lsn, r.finding.sentence);
            if (good) {
                int again;
                for (uint64_t lsn = r.end.link.last_lsn + 1; lsn < LSNS_MAX; lsn++)
                    l.lives[lsn] = 0;
                CHECK(live(&l, &r.end.link, &again) == 0, "second life after call %ju", (uintmax_t)k);
                wal_close(&l.wal);
                memory_disk_cut(l.disk, MEMORY_LOSE_ALL, &random);
                r = restart(&l);
                good = CHECK(whole(&r) && r.verdict == WAL_CLEAN, "second life after call %ju: %s",
                             (uintmax_t)k, r.finding.sentence);
            }
            memory_disk_free(&l.disk);
            if (!good) {
                end_life(&base);
                return;
            }
        }
        end_life(&base);
        if (through) {
            CHECK(k > 50, "only %ju calls", (uintmax_t)k);
            CHECK(rc == 0 && first_error == 0, "no call failed, but the log did");
            return;
        }
    }
    CU_FAIL("there is no end of calls");
}

static void test_eio_once(void)
{
    fail_at_every_call(EIO, false, 0);
}

static void test_eio_for_ever(void)
{
    fail_at_every_call(EIO, true, 0);
}

static void test_enospc_once(void)
{
    fail_at_every_call(ENOSPC, false, 300);
}

static void test_enospc_for_ever(void)
{
    fail_at_every_call(ENOSPC, true, 300);
}

static void test_eintr(void)
{
    struct life l;
    int error;

    for (uint64_t k = 1; k < 200; k++) {
        begin_life(&l, 1);
        l.disk->fail_at = k;
        l.disk->error = EINTR;
        live(&l, &(struct wal_link){0}, &error);
        if (l.disk->failed_call != NULL && strcmp(l.disk->failed_call, "pwrite") == 0)
            CHECK(error == 0, "a write that was interrupted at call %ju is to be tried again", (uintmax_t)k);
        end_life(&l);
    }
}

/* Appends one no-op while nothing can be made on the disk. */
static int append_on_full_disk(struct life *l, bool adds)
{
    char record[RECORD_FIXED_BYTES] = {RECORD_FIXED_BYTES};
    uint64_t checksum, at;

    l->disk->error = ENOSPC;
    l->disk->for_ever = true;
    l->disk->fail_at = 1;
    int rc = wal_make_room(l->wal, sizeof(record), adds);
    l->disk->fail_at = 0;
    if (rc == 0)
        rc = wal_append(l->wal, (struct span){record, sizeof(record)}, 1, 1, &checksum, &at);
    if (rc == 0)
        rc = wal_sync(l->wal);
    return rc;
}

/* The disk is full when the next segment is prepared: data is refused, deletes go on, nothing has failed. */
static void test_full_disk(void)
{
    const struct wal_options options = {.segment_bytes = 16384, .block_bytes = BLOCK_BYTES};
    struct life l;
    unsigned adds = 0, deletes = 0;
    struct reading r;
    int rc;

    begin_life(&l, 1);
    CU_ASSERT_EQUAL_FATAL(open_log(&l, &options, &(struct wal_link){0}), 0);
    while ((rc = append_on_full_disk(&l, true)) == 0)
        adds++;
    CU_ASSERT_EQUAL(rc, -ENOSPC);
    while ((rc = append_on_full_disk(&l, false)) == 0)
        deletes++;
    CU_ASSERT_EQUAL(rc, -ENOSPC);
    /* 32 blocks: header, first batch, witness and seal, 20 for all, 8 for deletes only */
    CHECK(adds == 20 && deletes == 8, "%u and %u", adds, deletes);
    CU_ASSERT(wal_is_full(l.wal));
    CU_ASSERT_EQUAL(wal_failure(l.wal), 0);
    CU_ASSERT_EQUAL(wal_stop(l.wal), 0); /* the seal's room was kept */
    l.durable_lsn = l.acknowledged_lsn = l.control.last_lsn;
    r = read_memory(&l);
    CU_ASSERT(whole(&r));
    end_life(&l);
}

/* The same on a real file system: names, strangers, files of stopped attempts, async mode, a warm list. */
static void test_real_files(void)
{
    for (int async = 0; async < 2; async++) {
        const struct wal_options options = {SEGMENT_BYTES, 4096, async != 0, 1000 * 1000};
        char dir[KIT_PATH_BYTES], path[KIT_PATH_BYTES + 64];
        struct control control = {0};
        struct wal_log log;
        struct wal_log_end end;
        struct wal_finding finding;
        struct wal *wal;
        struct reading r;
        struct life l = {.now = 1};

        kit_temp_dir(dir);
        CU_ASSERT_EQUAL_FATAL(wal_open(&wal, disk_system(), dir, &control, &options, &(struct wal_link){0}),
                              0);
        CU_ASSERT_EQUAL(wal_alarm_fd(wal) >= 0, async != 0);
        l.wal = wal;
        for (uint32_t i = 0; i < 20; i++)
            CU_ASSERT_EQUAL(append(&l, 1 + i % 3, true), 0);
        CU_ASSERT_EQUAL(wal_stop(wal), 0);
        CU_ASSERT_EQUAL(wal_durable_lsn(wal), control.last_lsn);
        wal_close(&wal);
        static const char *const others[] = {"next.tmp",
                                             "0000000000000001.wal.tmp",
                                             ".hidden",
                                             "readme",
                                             "1.wal",
                                             "000000000000000G.wal",
                                             "0000000000000000.wal"};
        for (size_t i = 0; i < COUNT(others); i++) {
            snprintf(path, sizeof(path), "%s/wal/%s", dir, others[i]);
            int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            CU_ASSERT(fd >= 0 && write(fd, "stale", 5) == 5);
            close(fd);
        }
        CU_ASSERT_EQUAL_FATAL(wal_log_list(disk_system(), dir, &log), 0);
        CU_ASSERT_EQUAL(log.strangers, 4);
        CU_ASSERT(log.count >= 3);
        r = (struct reading){.life = &l};
        const struct wal_visitor visitor = {.batch = visit, .arg = &r};
        r.verdict = wal_log_read(disk_system(), dir, &log, control.uuid, 0, control.last_lsn,
                                 control.segment_lsn, &visitor, &r.end, &r.finding);
        CU_ASSERT(whole(&r));
        CU_ASSERT_EQUAL(r.verdict, WAL_CLEAN);
        /* A stale next.tmp is in nobody's way. */
        CU_ASSERT_EQUAL_FATAL(wal_open(&wal, disk_system(), dir, &control, &options, &r.end.link), 0);
        wal_close(&wal);
        wal_log_free(&log);
        CU_ASSERT_EQUAL(wal_log_list(disk_system(), dir, &log), 0);
        CU_ASSERT_EQUAL(wal_log_read(disk_system(), dir, &log, control.uuid, 0, control.last_lsn,
                                     control.segment_lsn, NULL, &end, &finding),
                        WAL_CLEAN);
        CU_ASSERT_EQUAL(end.link.last_lsn, r.end.link.last_lsn + 1);
        wal_log_free(&log);
        kit_remove_dir(dir);
        CU_ASSERT_EQUAL(wal_log_list(disk_system(), dir, &log), -ENOENT);
    }
}

void wal_log_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_log", NULL, NULL);

    CU_add_test(suite, "what is written is read", test_write_and_read);
    CU_add_test(suite, "reading from an LSN on", test_read_from);
    CU_add_test(suite, "every bit flipped, stopped log", test_flip_bits_sealed);
    CU_add_test(suite, "every bit flipped, killed log", test_flip_bits_witnessed);
    CU_add_test(suite, "every bit of a log whose batches are known", test_flip_bits_known);
    CU_add_test(suite, "reading begins at the known batch", test_begin_at_the_known_batch);
    CU_add_test(suite, "every bit behind the known batch", test_flip_bits_behind_the_known_batch);
    CU_add_test(suite, "the known batch behind what was lost", test_known_batch_behind_what_was_lost);
    CU_add_test(suite, "cut off, zeroed, overwritten", test_cut_and_zero);
    CU_add_test(suite, "blocks in each other's place", test_misplaced_blocks);
    CU_add_test(suite, "segments removed and swapped", test_segments_removed_and_swapped);
    CU_add_test(suite, "segments of another store or history", test_foreign_segments);
    CU_add_test(suite, "a segment too many", test_segment_in_between);
    CU_add_test(suite, "a disk that fails while it is read", test_read_failures);
    CU_add_test(suite, "a segment of a newer format", test_newer_segment);
    CU_add_test(suite, "what is durable elsewhere", test_durable_elsewhere);
    CU_add_test(suite, "torn tails are cut and nothing else", test_torn_tails);
    CU_add_test(suite, "chain and LSN continue", test_chain_and_lsn);
    CU_add_test(suite, "a witness names what is missing", test_witness_names_what_is_missing);
    CU_add_test(suite, "always room for a witness", test_always_room_for_a_witness);
    CU_add_test(suite, "a batch of another history is no witness", test_no_witness_of_another_history);
    CU_add_test(suite, "a batch behind the end of its segment", test_behind_the_link);
    CU_add_test(suite, "EIO at every call, once", test_eio_once);
    CU_add_test(suite, "EIO at every call, for ever", test_eio_for_ever);
    CU_add_test(suite, "ENOSPC at every call, once, short writes", test_enospc_once);
    CU_add_test(suite, "ENOSPC at every call, for ever, short writes", test_enospc_for_ever);
    CU_add_test(suite, "EINTR at every call", test_eintr);
    CU_add_test(suite, "a full disk", test_full_disk);
    CU_add_test(suite, "real files, sync and async", test_real_files);
}
