/* SPDX-License-Identifier: MIT
 *
 * wal, wal_segment and wal_log together: what was acknowledged is read back, or the damage is told; never a
 * clean verdict over fewer or other records. Logs are damaged bit by bit, cut and mixed up. The end of a log
 * is in wal_tail_test.c, disks that fail in wal_failure_test.c, what a warm start knows in wal_known_test.c.
 */
#include "wal_life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void wal_log_suite(void);

static void test_write_and_read(void)
{
    for (int ending = WAL_SEALED; ending <= WAL_KILLED; ending++) {
        struct wal_life l;
        struct wal_reading r;

        wal_life_make(&l, (enum wal_ending)ending, 1);
        r = wal_life_read(&l);
        CHECK(wal_reading_whole(&r) && r.verdict == WAL_CLEAN, "ending %d: %s: %s", ending,
              wal_verdict_text(r.verdict), r.finding.sentence);
        CHECK(r.end.segments_read >= 3, "%ju segments", (uintmax_t)r.end.segments_read);
        CHECK(r.end.sealed == (ending == WAL_SEALED), "ending %d", ending);
        CHECK(r.end.link.last_lsn == l.acknowledged_lsn + (ending == WAL_WITNESSED), "ending %d", ending);
        CHECK(l.control.clean == (ending == WAL_SEALED), "ending %d", ending);
        CHECK(l.control.segment_lsn == r.end.link.first_lsn, "ending %d", ending);
        struct control control;
        int error;
        CHECK(control_read(&l.disk->disk, WAL_LIFE_DIR, &control, &error) == CONTROL_VALID &&
                  control.clean == l.control.clean && control.last_lsn == l.control.last_lsn &&
                  control.segment_lsn == l.control.segment_lsn,
              "ending %d: the control file", ending);
        wal_life_end(&l);
    }
}

/* Reading from an LSN on reads the segment that holds the next one, and not those before. */
static void test_read_from(void)
{
    struct wal_life l;
    struct wal_log log;

    wal_life_make(&l, WAL_SEALED, 1);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (uint64_t from = 0; from <= l.acknowledged_lsn; from++) {
        struct wal_reading r = {.life = &l};
        const struct wal_visitor visitor = {.batch = wal_life_visit, .arg = &r};
        uint64_t want = 0;

        for (size_t i = 0; i < log.count && log.first_lsns[i] <= from + 1; i++)
            want = log.first_lsns[i];
        r.verdict = wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &log, l.control.uuid, from, l.durable_lsn,
                                 l.control.segment_lsn, &visitor, &r.end, &r.finding);
        CHECK(wal_reading_whole(&r), "from %ju", (uintmax_t)from);
        CHECK(from == l.acknowledged_lsn || r.end.segments_read == 0 || want > 0, "from %ju",
              (uintmax_t)from);
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

static void flip_bits(enum wal_ending ending, bool known)
{
    struct wal_life l;
    struct wal_log log;
    struct wal_reading good;

    wal_life_make(&l, ending, 1);
    l.known_lsn = known ? l.acknowledged_lsn - 3 : 0;
    good = wal_life_read(&l);
    CU_ASSERT(wal_reading_whole(&good));
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (size_t i = ending == WAL_SEALED ? 0 : log.count - 1; i < log.count; i++) {
        char path[80];
        uint64_t *bytes;
        bool going = true;

        wal_life_path(path, log.first_lsns[i]);
        char *data = memory_disk_data(l.disk, path, &bytes);
        uint64_t end = i + 1 < log.count ? *bytes : good.end.offset + 600;
        for (uint64_t bit = 0; bit < 8 * (end < *bytes ? end : *bytes) && going; bit++) {
            if (!KIT_FAST && bit / 8 % WAL_LIFE_BLOCK_BYTES >= 128 && bit % 8 != bit / 8 % 8)
                continue;
            data[bit / 8] ^= (char)(1 << bit % 8);
            struct wal_reading r = wal_life_read_on(&l, &l.disk->disk, &log);
            going = wal_reading_judge(&r, wal_reading_matters(&good, log.first_lsns[i], bit / 8), "bit",
                                      log.first_lsns[i], bit);
            data[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

static void test_flip_bits_sealed(void)
{
    flip_bits(WAL_SEALED, false);
}

static void test_flip_bits_witnessed(void)
{
    flip_bits(WAL_WITNESSED, false);
}

/* What is not unpacked is looked at all the same. */
static void test_flip_bits_known(void)
{
    flip_bits(WAL_WITNESSED, true);
}

/* Cut short at every multiple of 64, zeroed and filled with garbage block by block. */
static void test_cut_and_zero(void)
{
    for (int ending = WAL_SEALED; ending <= WAL_WITNESSED; ending++) {
        struct wal_life l;
        struct wal_log log;
        struct wal_reading good;
        uint64_t random = 1;

        wal_life_make(&l, (enum wal_ending)ending, 1);
        good = wal_life_read(&l);
        wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], kept[WAL_LIFE_BLOCK_BYTES];
            uint64_t *bytes, lsn = log.first_lsns[i];

            wal_life_path(path, lsn);
            char *data = memory_disk_data(l.disk, path, &bytes);
            const uint64_t whole_bytes = *bytes;
            for (uint64_t at = 0; at < whole_bytes; at += 64) {
                *bytes = at;
                struct wal_reading r = wal_life_read_on(&l, &l.disk->disk, &log);
                /* What has no seal is preallocated: a shorter file has lost something. */
                wal_reading_judge(&r, wal_reading_matters(&good, lsn, at) || ending != WAL_SEALED, "cut", lsn,
                                  at);
                *bytes = whole_bytes;
            }
            for (uint64_t at = 0; at < whole_bytes; at += WAL_LIFE_BLOCK_BYTES) {
                memcpy(kept, data + at, WAL_LIFE_BLOCK_BYTES);
                memset(data + at, 0, WAL_LIFE_BLOCK_BYTES);
                struct wal_reading r = wal_life_read_on(&l, &l.disk->disk, &log);
                wal_reading_judge(&r, wal_reading_matters(&good, lsn, at), "zeros", lsn, at);
                for (unsigned j = 0; j < WAL_LIFE_BLOCK_BYTES; j++)
                    data[at + j] = (char)kit_random(&random);
                r = wal_life_read_on(&l, &l.disk->disk, &log);
                wal_reading_judge(&r, wal_reading_matters(&good, lsn, at), "garbage", lsn, at);
                memcpy(data + at, kept, WAL_LIFE_BLOCK_BYTES);
            }
        }
        wal_log_free(&log);
        wal_life_end(&l);
    }
}

/* Every block in the place of every other, within a segment and from another one. */
static void test_misplaced_blocks(void)
{
    struct wal_life l;
    struct wal_log log;
    struct wal_reading good;

    wal_life_make(&l, WAL_WITNESSED, 1);
    good = wal_life_read(&l);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        for (size_t j = 0; j < log.count; j++) {
            char to_path[80], from_path[80], kept[WAL_LIFE_BLOCK_BYTES];
            uint64_t *to_bytes, *from_bytes;

            wal_life_path(to_path, log.first_lsns[i]);
            wal_life_path(from_path, log.first_lsns[j]);
            char *to = memory_disk_data(l.disk, to_path, &to_bytes);
            const char *from = memory_disk_data(l.disk, from_path, &from_bytes);
            for (uint64_t a = 0; a < *to_bytes; a += WAL_LIFE_BLOCK_BYTES) {
                for (uint64_t b = 0; b < *from_bytes; b += WAL_LIFE_BLOCK_BYTES) {
                    if (memcmp(to + a, from + b, WAL_LIFE_BLOCK_BYTES) == 0)
                        continue;
                    memcpy(kept, to + a, WAL_LIFE_BLOCK_BYTES);
                    memmove(to + a, from + b, WAL_LIFE_BLOCK_BYTES);
                    struct wal_reading r = wal_life_read_on(&l, &l.disk->disk, &log);
                    wal_reading_judge(&r, wal_reading_matters(&good, log.first_lsns[i], a),
                                      "block of elsewhere", log.first_lsns[i], a);
                    memcpy(to + a, kept, WAL_LIFE_BLOCK_BYTES);
                }
            }
        }
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

static void test_segments_removed_and_swapped(void)
{
    for (int ending = WAL_SEALED; ending <= WAL_KILLED; ending++) {
        struct wal_life l;
        struct wal_log log;

        wal_life_make(&l, (enum wal_ending)ending, 1);
        wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], other_path[80];

            wal_life_path(path, log.first_lsns[i]);
            struct memory_name *name = memory_disk_name(l.disk, path);
            int inode = name->now;
            name->now = -1;
            struct wal_reading r = wal_life_read(&l);
            if (i == 0) /* as after a checkpoint; that no state continues here is for recovery.c to see */
                CHECK(r.next_lsn > l.acknowledged_lsn && wal_reading_starts(&r) && !r.wrong, "first segment");
            else
                CHECK(r.verdict == WAL_MISSING && wal_reading_refused(&r), "segment %zu: %s", i,
                      r.finding.sentence);
            name->now = inode;
            for (size_t j = 0; j < i; j++) {
                wal_life_path(other_path, log.first_lsns[j]);
                struct memory_name *other = memory_disk_name(l.disk, other_path);
                name->now = other->now;
                other->now = inode;
                r = wal_life_read(&l);
                CHECK(wal_reading_refused(&r), "%zu and %zu swapped: %s", i, j, wal_verdict_text(r.verdict));
                other->now = name->now;
                r = wal_life_read(&l);
                CHECK(wal_reading_refused(&r), "%zu is a copy of %zu: %s", i, j, wal_verdict_text(r.verdict));
                name->now = inode;
            }
        }
        for (size_t i = 0; i < log.count; i++) {
            char path[80];
            wal_life_path(path, log.first_lsns[i]);
            memory_disk_name(l.disk, path)->now = -1;
        }
        struct wal_reading r = wal_life_read(&l);
        CHECK(r.verdict == WAL_MISSING, "all: %s", wal_verdict_text(r.verdict));
        wal_log_free(&log);
        wal_life_end(&l);
    }
}

/* Segments of another store; and of the same store from another history, such as an old backup. */
static void test_foreign_segments(void)
{
    for (uint8_t store = 1; store <= 2; store++) {
        struct wal_life l, other;
        struct wal_log log;

        wal_life_make(&l, WAL_WITNESSED, 1);
        wal_life_make(&other, WAL_WITNESSED, store);
        wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
        for (size_t i = 0; i < log.count; i++) {
            char path[80], aside[90];
            uint64_t *bytes;

            wal_life_path(path, log.first_lsns[i]);
            if (memory_disk_name(other.disk, path) == NULL)
                continue;
            const char *data = memory_disk_data(other.disk, path, &bytes);
            struct memory_name *name = memory_disk_name(l.disk, path);
            int inode = name->now;
            snprintf(aside, sizeof(aside), "%.70s.aside", path);
            memory_disk_put(l.disk, aside, data, *bytes);
            name = memory_disk_name(l.disk, path);
            name->now = memory_disk_name(l.disk, aside)->now;
            struct wal_reading r = wal_life_read(&l);
            /* The last segment of the same store and history but for the salt cannot be had otherwise. */
            if (store == 2)
                CHECK(r.verdict == WAL_FOREIGN && wal_reading_refused(&r), "segment %zu: %s", i,
                      wal_verdict_text(r.verdict));
            else
                CHECK(r.verdict == WAL_CORRUPT && wal_reading_refused(&r), "segment %zu: %s", i,
                      wal_verdict_text(r.verdict));
            name->now = inode;
        }
        wal_log_free(&log);
        wal_life_end(&l);
        wal_life_end(&other);
    }
}

static void test_newer_segment(void)
{
    struct wal_life l;
    struct wal_log log;

    wal_life_make(&l, WAL_SEALED, 1);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        char path[80], kept[WAL_LIFE_BLOCK_BYTES];
        uint64_t *bytes;
        struct wal_segment_header header;

        wal_life_path(path, log.first_lsns[i]);
        char *data = memory_disk_data(l.disk, path, &bytes);
        memcpy(kept, data, WAL_LIFE_BLOCK_BYTES);
        CU_ASSERT_EQUAL(wal_segment_header_decode((struct span){data, *bytes}, &header), WAL_HEADER_VALID);
        header.version = WAL_VERSION + 1;
        wal_segment_header_encode(data, &header);
        struct wal_reading r = wal_life_read(&l);
        CHECK(r.verdict == WAL_NEWER && !r.wrong, "segment %zu: %s", i, wal_verdict_text(r.verdict));
        memcpy(data, kept, WAL_LIFE_BLOCK_BYTES);
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

/* A segment too many, between one and the one that continues it: nothing is missing, and one does not belong.
 */
static void test_segment_in_between(void)
{
    struct wal_life l;
    struct wal_log log;

    wal_life_make(&l, WAL_SEALED, 1);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (size_t i = 0; i + 1 < log.count; i++) {
        char path[80], block[WAL_LIFE_BLOCK_BYTES];
        uint64_t *bytes, lsn = log.first_lsns[i];
        struct wal_segment_header header;

        wal_life_path(path, lsn);
        CU_ASSERT_EQUAL(
            wal_segment_header_decode(
                (struct span){memory_disk_data(l.disk, path, &bytes), WAL_LIFE_BLOCK_BYTES}, &header),
            WAL_HEADER_VALID);
        header.first_lsn = lsn + 1;
        header.previous = (struct wal_link){lsn, lsn, 1};
        wal_segment_header_encode(block, &header);
        wal_life_path(path, lsn + 1);
        memory_disk_put(l.disk, path, block, sizeof(block));
        for (uint64_t from = 0; from < 2; from++) {
            struct wal_reading r = {.life = &l};
            r.verdict =
                wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &log, l.control.uuid, from ? l.acknowledged_lsn : 0,
                             l.durable_lsn, 0, NULL, &r.end, &r.finding);
            CHECK(r.verdict == WAL_CLEAN, "without it: %s", r.finding.sentence);
            struct wal_log with;
            wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &with);
            r.verdict =
                wal_log_read(&l.disk->disk, WAL_LIFE_DIR, &with, l.control.uuid,
                             from ? l.acknowledged_lsn : 0, l.durable_lsn, 0, NULL, &r.end, &r.finding);
            CHECK(r.verdict == WAL_CORRUPT && wal_reading_refused(&r), "behind segment %zu: %s: %s: %s", i,
                  wal_verdict_text(r.verdict), r.finding.file, r.finding.sentence);
            wal_log_free(&with);
        }
        memory_disk_name(l.disk, path)->now = -1;
    }
    wal_log_free(&log);
    wal_life_end(&l);
}

/* A disk that fails at any one call is not taken for damage or for an end. */
static void test_read_failures(void)
{
    struct wal_life l;
    struct wal_log log;

    wal_life_make(&l, WAL_SEALED, 1);
    wal_log_list(&l.disk->disk, WAL_LIFE_DIR, &log);
    for (uint64_t k = 1;; k++) {
        l.disk->fail_at = l.disk->calls + k;
        l.disk->failed_call = NULL;
        struct wal_reading r = wal_life_read_on(&l, &l.disk->disk, &log);
        if (!l.disk->failed_call)
            break;
        CHECK(r.verdict == WAL_FAILED && r.finding.error == EIO && !r.wrong, "call %ju, %s: %s: %s",
              (uintmax_t)k, l.disk->failed_call, wal_verdict_text(r.verdict), r.finding.sentence);
    }
    l.disk->fail_at = 0;
    wal_log_free(&log);
    wal_life_end(&l);
}

/* The log ends before what is known from elsewhere. */
static void test_durable_elsewhere(void)
{
    struct wal_life l;
    struct wal_reading r;

    wal_life_make(&l, WAL_KILLED, 1);
    l.durable_lsn = l.acknowledged_lsn;
    r = wal_life_read(&l);
    CU_ASSERT(wal_reading_whole(&r));
    l.durable_lsn = l.acknowledged_lsn + 1;
    r = wal_life_read(&l);
    CU_ASSERT(wal_reading_refused(&r) && r.verdict == WAL_CORRUPT &&
              r.finding.first_lsn == l.acknowledged_lsn + 1);
    wal_life_end(&l);
}

/* The same on a real file system: names, strangers, files of stopped attempts, async mode, a warm list. */
static void test_real_files(void)
{
    for (int async = 0; async < 2; async++) {
        const struct wal_options options = {WAL_LIFE_SEGMENT_BYTES, 4096, async != 0, 1000 * 1000};
        char dir[KIT_PATH_BYTES], path[KIT_PATH_BYTES + 64];
        struct control control = {0};
        struct wal_log log;
        struct wal_log_end end;
        struct wal_finding finding;
        struct wal *wal;
        struct wal_reading r;
        struct wal_life l = {.now = 1};

        kit_temp_dir(dir);
        CU_ASSERT_EQUAL_FATAL(wal_open(&wal, disk_system(), dir, &control, &options, &(struct wal_link){0}),
                              0);
        CU_ASSERT_EQUAL(wal_alarm_fd(wal) >= 0, async != 0);
        l.wal = wal;
        for (uint32_t i = 0; i < 20; i++)
            CU_ASSERT_EQUAL(wal_life_append(&l, 1 + i % 3, true), 0);
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
        r = (struct wal_reading){.life = &l};
        const struct wal_visitor visitor = {.batch = wal_life_visit, .arg = &r};
        r.verdict = wal_log_read(disk_system(), dir, &log, control.uuid, 0, control.last_lsn,
                                 control.segment_lsn, &visitor, &r.end, &r.finding);
        CU_ASSERT(wal_reading_whole(&r));
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
    CU_add_test(suite, "cut off, zeroed, overwritten", test_cut_and_zero);
    CU_add_test(suite, "blocks in each other's place", test_misplaced_blocks);
    CU_add_test(suite, "segments removed and swapped", test_segments_removed_and_swapped);
    CU_add_test(suite, "segments of another store or history", test_foreign_segments);
    CU_add_test(suite, "a segment too many", test_segment_in_between);
    CU_add_test(suite, "a disk that fails while it is read", test_read_failures);
    CU_add_test(suite, "a segment of a newer format", test_newer_segment);
    CU_add_test(suite, "what is durable elsewhere", test_durable_elsewhere);
    CU_add_test(suite, "real files, sync and async", test_real_files);
}
