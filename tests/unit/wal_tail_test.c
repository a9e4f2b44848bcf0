/* SPDX-License-Identifier: MIT
 *
 * The end of a log: what a power cut leaves of a batch in flight is cut off, and what had been acknowledged
 * is told to be missing, by its witnesses and no others.
 */
#include "wal_life.h"

#include "record.h"

#include <stdlib.h>

void wal_tail_suite(void);

/* One batch in flight when the power went: any subset of its blocks is there, the others are zeros or
 * garbage. */
static void test_torn_tails(void)
{
    const struct wal_options options = {.segment_bytes = 32768, .block_bytes = WAL_LIFE_BLOCK_BYTES};
    uint64_t random = 3;
    struct wal_life l;
    struct wal_reading before, after;
    char path[80];
    uint64_t *bytes;

    wal_life_begin(&l, 1);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
    before = wal_life_read(&l);
    CU_ASSERT_FATAL(wal_reading_whole(&before));
    CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 20, false), 0);
    l.durable_lsn = l.control.last_lsn;
    after = wal_life_read(&l);
    CU_ASSERT_FATAL(wal_reading_whole(&after) && after.verdict == WAL_CLEAN);
    wal_life_path(path, after.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    uint64_t start = before.end.offset, blocks = (after.end.offset - start) / WAL_LIFE_BLOCK_BYTES;
    char *batch = kit_boxed(data + start, blocks * WAL_LIFE_BLOCK_BYTES);
    CHECK(blocks >= 4 && blocks <= 12, "%ju blocks", (uintmax_t)blocks);
    for (uint64_t kept = 0; kept + 1 < 1u << blocks; kept++) {
        for (int filling = 0; filling < 3; filling++) {
            for (uint64_t i = 0; i < blocks; i++) {
                char *at = data + start + i * WAL_LIFE_BLOCK_BYTES;

                if (kept >> i & 1)
                    memcpy(at, batch + i * WAL_LIFE_BLOCK_BYTES, WAL_LIFE_BLOCK_BYTES);
                else if (filling == 0)
                    memset(at, 0, WAL_LIFE_BLOCK_BYTES);
                else if (filling == 1)
                    memset(at, 0xff, WAL_LIFE_BLOCK_BYTES);
                else
                    for (unsigned j = 0; j < WAL_LIFE_BLOCK_BYTES; j++)
                        at[j] = (char)kit_random(&random);
            }
            struct wal_reading r = wal_life_read(&l);
            if (!CHECK(wal_reading_whole(&r) && r.end.link.last_lsn == l.acknowledged_lsn &&
                           r.end.offset == before.end.offset &&
                           r.verdict == (kept == 0 && filling == 0 ? WAL_CLEAN : WAL_TORN),
                       "blocks 0x%jx, filling %d: %s: %s", (uintmax_t)kept, filling,
                       wal_verdict_text(r.verdict), r.finding.sentence))
                goto out;
        }
    }
    /* One byte changed anywhere in it. */
    for (uint64_t i = 0; i < blocks * WAL_LIFE_BLOCK_BYTES; i++) {
        memcpy(data + start, batch, blocks * WAL_LIFE_BLOCK_BYTES);
        data[start + i] ^= 0x10;
        struct wal_reading r = wal_life_read(&l);
        CHECK(wal_reading_whole(&r) && r.end.link.last_lsn == l.acknowledged_lsn && r.verdict == WAL_TORN,
              "byte %ju", (uintmax_t)i);
    }
out:
    free(batch);
    wal_life_end(&l);
}

/* A batch that is good in itself but does not continue the one before, by its chain or by its LSN. */
static void test_chain_and_lsn(void)
{
    for (int wrong = 0; wrong < 3; wrong++) {
        const struct wal_options options = {.segment_bytes = 16384, .block_bytes = WAL_LIFE_BLOCK_BYTES};
        char path[80], noop[RECORD_FIXED_BYTES] = {RECORD_FIXED_BYTES};
        struct wal_segment_header header;
        struct buffer batch = {0};
        struct wal_reading before, r;
        uint64_t *bytes;
        struct wal_life l;

        wal_life_begin(&l, 1);
        CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
        before = wal_life_read(&l);
        wal_life_path(path, before.end.link.first_lsn);
        char *data = memory_disk_data(l.disk, path, &bytes);
        CU_ASSERT_EQUAL(wal_segment_header_decode((struct span){data, *bytes}, &header), WAL_HEADER_VALID);
        struct wal_batch_header h = {.first_lsn = before.next_lsn + (wrong == 1),
                                     .count = 1,
                                     .chain = before.end.link.checksum + (wrong == 2)};
        wal_batch_encode(&batch, &h, (struct span){noop, sizeof(noop)}, header.salt, WAL_LIFE_BLOCK_BYTES);
        memcpy(data + before.end.offset, batch.data, batch.bytes);
        r = wal_life_read(&l);
        CHECK(wal_reading_whole(&r) && r.verdict == (wrong ? WAL_TORN : WAL_CLEAN) &&
                  r.next_lsn == before.next_lsn + (wrong ? 0 : 1),
              "wrong %d: %s", wrong, wal_verdict_text(r.verdict));
        buffer_free(&batch);
        wal_life_end(&l);
    }
}

/* What remains of a synced batch says that it was: with a witness behind it, no part of it may be missing. */
static void test_witness_names_what_is_missing(void)
{
    struct wal_life l;
    struct wal_reading before, r;
    char path[80];
    uint64_t *bytes;
    const struct wal_options options = {.segment_bytes = 16384, .block_bytes = WAL_LIFE_BLOCK_BYTES};

    wal_life_begin(&l, 1);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
    CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
    before = wal_life_read(&l);
    CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
    CU_ASSERT_EQUAL_FATAL(wal_witness(l.wal), 0);
    wal_life_path(path, before.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    memset(data + before.end.offset, 0, WAL_LIFE_BLOCK_BYTES);
    r = wal_life_read(&l);
    CU_ASSERT(wal_reading_refused(&r));
    CU_ASSERT_EQUAL(r.verdict, WAL_CORRUPT);
    CU_ASSERT_EQUAL(r.finding.offset, before.end.offset);
    CU_ASSERT_EQUAL(r.finding.first_lsn, before.next_lsn);
    CU_ASSERT_EQUAL(r.finding.last_lsn, l.acknowledged_lsn);
    wal_life_end(&l);
}

/* However full the segment is, the last batch gets its witness, and the seal its place behind. */
static void test_always_room_for_a_witness(void)
{
    for (uint32_t batches = 1; batches <= 40; batches++) {
        struct wal_life l;
        struct wal_reading before = {0}, r;
        char path[80];
        uint64_t *bytes;

        wal_life_begin(&l, 1);
        CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &wal_life_small, &(struct wal_link){0}), 0);
        for (uint32_t i = 0; i < batches; i++) {
            before = wal_life_read(&l);
            CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 1, true), 0);
        }
        CU_ASSERT_EQUAL(wal_witness(l.wal), 0);
        uint64_t end = wal_next_lsn(l.wal);
        CU_ASSERT_EQUAL(wal_witness(l.wal), 0);
        CU_ASSERT_EQUAL(wal_next_lsn(l.wal), end); /* one is enough */
        /* The last batch stands where the log ended before, or is the second of a new segment. */
        bool rotated = wal_segment_first_lsn(l.wal) != before.end.link.first_lsn;
        wal_life_path(path, wal_segment_first_lsn(l.wal));
        char *data = memory_disk_data(l.disk, path, &bytes);
        memset(data + (rotated ? 2 * WAL_LIFE_BLOCK_BYTES : before.end.offset), 0, WAL_LIFE_BLOCK_BYTES);
        r = wal_life_read(&l);
        CHECK(wal_reading_refused(&r) && r.verdict == WAL_CORRUPT && r.finding.last_lsn >= l.acknowledged_lsn,
              "%u batches: %s", batches, wal_verdict_text(r.verdict));
        CU_ASSERT_EQUAL(wal_stop(l.wal), 0);
        wal_life_end(&l);
    }
}

/* A batch of another history of this store, which a restored backup has left on the disk, claims that later
 * LSNs were durable. It has another salt: it is garbage, and no witness. */
static void test_no_witness_of_another_history(void)
{
    const struct wal_options options = {.segment_bytes = 32768, .block_bytes = WAL_LIFE_BLOCK_BYTES};
    struct wal_life l, other;
    struct wal_reading good, r;
    char path[80];
    uint64_t *bytes, *other_bytes;

    wal_life_begin(&l, 1);
    wal_life_begin(&other, 1);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&other, &options, &(struct wal_link){0}), 0);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 1, true), 0);
    for (unsigned i = 0; i < 16; i++)
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&other, 1, true), 0);
    good = wal_life_read(&l);
    wal_life_path(path, good.end.link.first_lsn);
    char *data = memory_disk_data(l.disk, path, &bytes);
    const char *stale = memory_disk_data(other.disk, path, &other_bytes);
    unsigned witnesses = 0;
    for (uint64_t at = good.end.offset; at < *bytes; at += WAL_LIFE_BLOCK_BYTES) {
        if (memcmp(stale + at, "WKVB", 4) != 0)
            continue;
        witnesses++;
        memcpy(data + at, stale + at, WAL_LIFE_BLOCK_BYTES);
        r = wal_life_read(&l);
        CHECK(wal_reading_whole(&r) && r.verdict == WAL_TORN, "block at %ju: %s: %s", (uintmax_t)at,
              wal_verdict_text(r.verdict), r.finding.sentence);
    }
    CHECK(witnesses > 5, "%u batches", witnesses);
    wal_life_end(&l);
    wal_life_end(&other);
}

/* [link-ends-segment] A batch that a start did not find shows up again behind the end that the next segment
 * knows: it is passed over, unless it says that another one there was durable. */
static void test_behind_the_link(void)
{
    for (int witnessed = 0; witnessed < 2; witnessed++) {
        const struct wal_options options = {.segment_bytes = 16384, .block_bytes = WAL_LIFE_BLOCK_BYTES};
        struct wal_life l;
        struct wal_reading before, after;
        char path[80];
        uint64_t *bytes;

        wal_life_begin(&l, 1);
        CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
        before = wal_life_read(&l);
        wal_life_path(path, before.end.link.first_lsn);
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 2, true), 0);
        if (witnessed)
            CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 1, true), 0);
        char *data = memory_disk_data(l.disk, path, &bytes);
        char *kept = kit_boxed(data, *bytes);
        const uint64_t kept_bytes = *bytes;
        wal_close(&l.wal);

        /* A start that found only what was there before, and wrote on. */
        memset(data + before.end.offset, 0, kept_bytes - before.end.offset);
        l.acknowledged_lsn = before.end.link.last_lsn;
        CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &before.end.link), 0);
        l.lives[wal_next_lsn(l.wal) - 1] = 0;
        CU_ASSERT_EQUAL_FATAL(wal_life_append(&l, 1, true), 0);
        memcpy(memory_disk_data(l.disk, path, &bytes), kept, kept_bytes);
        after = wal_life_read(&l);
        if (witnessed)
            CHECK(wal_reading_refused(&after) && after.verdict == WAL_CORRUPT, "%s",
                  wal_verdict_text(after.verdict));
        else
            CHECK(wal_reading_whole(&after) && after.verdict == WAL_CLEAN, "%s: %s",
                  wal_verdict_text(after.verdict), after.finding.sentence);
        free(kept);
        wal_life_end(&l);
    }
}

void wal_tail_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_tail", NULL, NULL);

    CU_add_test(suite, "torn tails are cut and nothing else", test_torn_tails);
    CU_add_test(suite, "chain and LSN continue", test_chain_and_lsn);
    CU_add_test(suite, "a witness names what is missing", test_witness_names_what_is_missing);
    CU_add_test(suite, "always room for a witness", test_always_room_for_a_witness);
    CU_add_test(suite, "a batch of another history is no witness", test_no_witness_of_another_history);
    CU_add_test(suite, "a batch behind the end of its segment", test_behind_the_link);
}
