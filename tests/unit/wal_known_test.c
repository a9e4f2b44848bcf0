/* SPDX-License-Identifier: MIT
 *
 * Reading a log whose batches are known up to a place: a warm start begins there, if that is right and
 * nothing before it can have been lost, and looks at all that stands behind.
 */
#include "wal_life.h"

void wal_known_suite(void);

/* A batch, and where it is. */
struct mark {
    uint64_t segment, at, first_lsn, last_lsn, checksum;
};

struct marks {
    struct mark of[WAL_LIFE_LSNS];
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
static struct wal_reading read_known(const struct wal_life *l, const struct wal_log *log,
                                     const struct mark *mark)
{
    struct wal_reading r = {.life = l};
    const struct wal_visitor visitor = {.batch = wal_life_visit,
                                        .arg = &r,
                                        .known_lsn = mark->last_lsn,
                                        .known_checksum = mark->checksum,
                                        .known_at = mark->at};

    r.verdict = wal_log_read(&l->disk->disk, WAL_LIFE_DIR, log, l->control.uuid, mark->last_lsn - 1,
                             l->durable_lsn, l->control.segment_lsn, &visitor, &r.end, &r.finding);
    return r;
}

/* Of the segment of the known batch, reading begins there; with a mark that is wrong, at the front. */
static void test_begin_at_the_known_batch(void)
{
    for (int ending = WAL_SEALED; ending <= WAL_KILLED; ending++) {
        struct wal_life l;
        struct wal_log log;
        struct marks marks = {.count = 0};
        struct wal_log_end end;
        struct wal_finding finding;

        wal_life_make_of(&l, (enum wal_ending)ending, 1, &wal_life_large);
        wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
        wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &log, l.control.uuid, 0, l.durable_lsn,
                     l.control.segment_lsn, &(struct wal_visitor){.batch = note, .arg = &marks}, &end,
                     &finding);
        CU_ASSERT(marks.count > 10 && finding.verdict == WAL_CLEAN);
        for (size_t i = 0; i < marks.count; i++) {
            const struct mark *right = &marks.of[i];
            l.known_lsn = right->last_lsn;
            struct wal_reading r = read_known(&l, &log, right);
            CHECK(wal_reading_whole(&r) && r.first_lsn == right->first_lsn && r.end.offset == end.offset &&
                      r.end.link.checksum == end.link.checksum && r.end.sealed == end.sealed,
                  "ending %d, known LSN %ju: begins at %ju, ends at %ju", ending, (uintmax_t)right->last_lsn,
                  (uintmax_t)r.first_lsn, (uintmax_t)r.end.link.last_lsn);
            const uint64_t places[] = {0,
                                       8,
                                       right->at + 8,
                                       right->at + WAL_LIFE_BLOCK_BYTES,
                                       5 * WAL_LIFE_SEGMENT_BYTES,
                                       1ULL << 40,
                                       UINT64_MAX};
            for (unsigned j = 0; j <= sizeof places / sizeof *places; j++) {
                struct mark wrong = *right;
                if (j)
                    wrong.at = places[j - 1];
                else
                    wrong.checksum ^= 1;
                if (memcmp(&wrong, right, sizeof wrong) == 0)
                    continue;
                r = read_known(&l, &log, &wrong);
                CHECK(wal_reading_whole(&r) && r.first_lsn == right->segment && r.end.offset == end.offset,
                      "ending %d, known LSN %ju, wrong mark %u: begins at %ju", ending,
                      (uintmax_t)right->last_lsn, j, (uintmax_t)r.first_lsn);
            }
        }
        wal_log_free(&log);
        wal_life_end(&l);
    }
}

/* What stands before the known batch is not looked at: the view has it. All that stands behind is. */
static void test_flip_bits_behind_the_known_batch(void)
{
    struct wal_life l;
    struct wal_log log;
    struct wal_reading good;
    struct marks marks = {.count = 0};
    struct wal_log_end end;
    struct wal_finding finding;
    char path[80];
    uint64_t *bytes;

    wal_life_make(&l, WAL_WITNESSED, 1);
    good = wal_life_read(&l);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &log, l.control.uuid, 0, l.durable_lsn, l.control.segment_lsn,
                 &(struct wal_visitor){.batch = note, .arg = &marks}, &end, &finding);
    size_t i = marks.count - 2; /* before the witness, the last one that has two before it in its segment */
    while (i > 2 && marks.of[i - 2].segment != marks.of[i].segment)
        i--;
    const struct mark *mark = &marks.of[i];
    CU_ASSERT_FATAL(marks.of[i - 2].segment == mark->segment);
    l.known_lsn = mark->last_lsn;
    wal_life_path(path, mark->segment);
    char *data = memory_disk_data(l.disk, path, &bytes);
    bool going = true;
    for (uint64_t bit = 8 * WAL_LIFE_BLOCK_BYTES; bit < 8 * *bytes && going; bit++) {
        data[bit / 8] ^= (char)(1 << bit % 8);
        struct wal_reading r = read_known(&l, &log, mark);
        going =
            wal_reading_judge(&r, bit / 8 >= mark->at && wal_reading_matters(&good, mark->segment, bit / 8),
                              "bit", mark->segment, bit);
        data[bit / 8] ^= (char)(1 << bit % 8);
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

/* In async mode a batch can be whole when what stands before it was lost by a sync that failed: where the
 * known batch does not say that all before it was durable, reading begins at the front, and finds that. */
static void test_known_batch_behind_what_was_lost(void)
{
    struct wal_life l;
    struct wal_log log;
    struct marks marks = {.count = 0};
    struct wal_log_end end;
    struct wal_finding finding;
    enum { SYNCED = 3, WRITTEN = 6 };
    char path[80];
    uint64_t *bytes;

    wal_life_begin(&l, 1);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &wal_life_large, &(struct wal_link){0}), 0);
    for (uint32_t i = 0; i < WRITTEN; i++)
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, i < SYNCED), 0);
    l.durable_lsn = l.control.last_lsn;
    wal_close(&l.wal);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &log, l.control.uuid, 0, l.durable_lsn, l.control.segment_lsn,
                 &(struct wal_visitor){.batch = note, .arg = &marks}, &end, &finding);
    CU_ASSERT_FATAL(marks.count == WRITTEN + 1 && log.count == 1); /* and the first no-op */
    wal_life_path(path, marks.of[0].segment);
    char *data = memory_disk_data(l.disk, path, &bytes);
    for (size_t i = 1; i < marks.count; i++) {
        const struct mark *mark = &marks.of[i], *lost = &marks.of[i - 1];
        bool synced = i <= SYNCED + 1; /* what stands before it */
        l.known_lsn = mark->last_lsn;
        struct wal_reading r = read_known(&l, &log, mark);
        CHECK(wal_reading_whole(&r) && r.first_lsn == (synced ? mark->first_lsn : mark->segment),
              "batch %zu: %ju", i, (uintmax_t)r.first_lsn);
        if (synced)
            continue;
        char kept[WAL_LIFE_BLOCK_BYTES];
        memcpy(kept, data + lost->at, WAL_LIFE_BLOCK_BYTES);
        memset(data + lost->at, 0, WAL_LIFE_BLOCK_BYTES);
        r = read_known(&l, &log, mark);
        CHECK(r.end.link.last_lsn == lost->first_lsn - 1, "batch %zu: ends at %ju", i,
              (uintmax_t)r.end.link.last_lsn);
        memcpy(data + lost->at, kept, WAL_LIFE_BLOCK_BYTES);
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

void wal_known_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_known", NULL, NULL);

    CU_add_test(suite, "reading begins at the known batch", test_begin_at_the_known_batch);
    CU_add_test(suite, "every bit behind the known batch", test_flip_bits_behind_the_known_batch);
    CU_add_test(suite, "the known batch behind what was lost", test_known_batch_behind_what_was_lost);
}
