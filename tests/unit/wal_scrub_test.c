/* SPDX-License-Identifier: MIT
 *
 * Reading a log that is being written to: every bit of the segments that are finished is looked at, none of
 * the newest one but its header.
 */
#include "wal_scrub.h"

#include "log.h"
#include "wal_life.h"

#include <errno.h>
#include <unistd.h>

void wal_scrub_suite(void);

static struct wal_reading read_finished(const struct wal_life *l, const struct wal_log *log,
                                        uint64_t from_lsn)
{
    struct wal_reading r = {.life = l};
    const struct wal_visitor visitor = {.batch = wal_life_visit, .arg = &r, .known_lsn = l->known_lsn};

    r.verdict = wal_log_read_finished(&l->disk->disk, WAL_LIFE_DIR, log, l->control.uuid, from_lsn, &visitor,
                                      &r.end, &r.finding);
    return r;
}

/* A log of which nothing is unpacked. */
static void make(struct wal_life *l, struct wal_log *log)
{
    wal_life_make(l, WAL_KILLED, 1);
    l->known_lsn = UINT64_MAX;
    must(wal_log_list(&l->disk->disk, WAL_LIFE_DIR, log) == 0 && log->count >= 3);
}

static void end(struct wal_life *l, struct wal_log *log)
{
    wal_log_free(log);
    wal_life_end(l);
}

static void test_every_bit(void)
{
    struct wal_life l;
    struct wal_log log;

    make(&l, &log);
    struct wal_reading good = read_finished(&l, &log, 0);
    uint64_t newest = log.first_lsns[log.count - 1];
    CU_ASSERT(!good.wrong && good.verdict == WAL_CLEAN && good.next_lsn == newest);
    for (size_t i = 0; i < log.count; i++) {
        char path[80];
        uint64_t *bytes;
        wal_life_path(path, log.first_lsns[i]);
        char *data = memory_disk_data(l.disk, path, &bytes);
        bool last = i + 1 == log.count, going = true;
        for (uint64_t bit = 8 * WAL_LIFE_BLOCK_BYTES; bit < 8 * *bytes && going; bit++) {
            data[bit / 8] ^= (char)(1 << bit % 8);
            struct wal_reading r = read_finished(&l, &log, 0);
            data[bit / 8] ^= (char)(1 << bit % 8);
            going = CHECK(last ? r.verdict == WAL_CLEAN : wal_reading_refused(&r),
                          "bit %ju of segment %zu: %s", (uintmax_t)bit, i, wal_verdict_text(r.verdict));
        }
    }
    end(&l, &log);
}

/* What a snapshot has is not read; a segment that is gone is missed where it is needed. */
static void test_from_and_missing(void)
{
    struct wal_life l;
    struct wal_log log;

    make(&l, &log);
    for (size_t i = 0; i + 1 < log.count; i++) {
        struct wal_reading r = read_finished(&l, &log, log.first_lsns[i]);
        CHECK(r.verdict == WAL_CLEAN && r.first_lsn == log.first_lsns[i], "segment %zu: from %ju", i,
              (uintmax_t)r.first_lsn);
        if (i == 0)
            continue;
        uint64_t kept = log.first_lsns[i];
        log.count--;
        memmove(log.first_lsns + i, log.first_lsns + i + 1, (log.count - i) * sizeof *log.first_lsns);
        r = read_finished(&l, &log, 0);
        CHECK(r.verdict == WAL_MISSING && r.finding.first_lsn == kept, "segment %zu: %s", i,
              r.finding.sentence);
        memmove(log.first_lsns + i + 1, log.first_lsns + i, (log.count - i) * sizeof *log.first_lsns);
        log.first_lsns[i] = kept;
        log.count++;
    }
    end(&l, &log);
}

static struct wal_finding scrub(const struct wal_life *l, uint64_t from_lsn)
{
    struct wal_finding finding;
    struct wal_scrub *s = wal_scrub_start(&l->disk->disk, WAL_LIFE_DIR, l->control.uuid, from_lsn);

    must(s != NULL);
    while (!wal_scrub_done(s, &finding))
        usleep(100);
    wal_scrub_free(&s);
    CU_ASSERT_PTR_NULL(s);
    return finding;
}

static void test_thread(void)
{
    struct wal_life l;
    struct wal_log log;
    char path[80];
    uint64_t *bytes;

    make(&l, &log);
    CU_ASSERT_EQUAL(scrub(&l, 0).verdict, WAL_CLEAN);
    wal_life_path(path, log.first_lsns[1]);
    memory_disk_data(l.disk, path, &bytes)[2 * WAL_LIFE_BLOCK_BYTES] ^= 1;
    struct wal_finding f = scrub(&l, 0);
    CHECK(f.verdict == WAL_CORRUPT && f.first_lsn > log.first_lsns[1] && f.first_lsn < log.first_lsns[2],
          "%s", f.sentence);
    CU_ASSERT_EQUAL(scrub(&l, log.first_lsns[2]).verdict, WAL_CLEAN);
    /* Ended before it has found anything: no finding, and no wait. */
    struct wal_scrub *s = wal_scrub_start(&l.disk->disk, WAL_LIFE_DIR, l.control.uuid, 0);
    wal_scrub_free(&s);
    wal_scrub_free(&s);
    /* One that a checkpoint deletes meanwhile: its name was there when the log was listed. */
    l.disk->fail_at = l.disk->calls + 2;
    l.disk->error = ENOENT;
    CU_ASSERT_EQUAL(scrub(&l, 0).verdict, WAL_CLEAN);
    CU_ASSERT_STRING_EQUAL(l.disk->failed_call, "open");
    end(&l, &log);
}

void wal_scrub_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_scrub", NULL, NULL);

    CU_add_test(suite, "every bit but those of the newest segment", test_every_bit);
    CU_add_test(suite, "from an LSN on, and with segments missing", test_from_and_missing);
    CU_add_test(suite, "in a thread", test_thread);
}
