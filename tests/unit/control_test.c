/* SPDX-License-Identifier: MIT
 *
 * control: every bit, every length, a newer version; and that it is replaced as a whole or not at all,
 * whatever call of the disk fails and whatever the power cut leaves.
 */
#include "control.h"

#include "bytes.h"
#include "kit.h"
#include "memory_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

void control_suite(void);

#define DATA_DIR "/m"
#define PATH     DATA_DIR "/" CONTROL_NAME

static const struct control sample = {
    .clean = true,
    .uuid = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
    .segment_lsn = 100,
    .last_lsn = 200,
    .snapshot_lsn = 90,
    .older_snapshot_lsn = 80,
    .written_ns = 1234,
};

static bool same(const struct control *a, const struct control *b)
{
    return a->clean == b->clean && memcmp(a->uuid, b->uuid, UUID_BYTES) == 0 &&
           a->segment_lsn == b->segment_lsn && a->last_lsn == b->last_lsn &&
           a->snapshot_lsn == b->snapshot_lsn && a->older_snapshot_lsn == b->older_snapshot_lsn;
}

static void test_round_trip(void)
{
    for (int clean = 0; clean < 2; clean++) {
        struct control c = sample, back = {0};
        char bytes[CONTROL_BYTES];

        c.clean = clean != 0;
        control_encode(bytes, &c);
        CU_ASSERT_EQUAL(control_decode(bytes, sizeof(bytes), &back), CONTROL_VALID);
        CU_ASSERT(same(&c, &back) && back.written_ns == 1234);
        CU_ASSERT_EQUAL(memcmp(bytes, "WALKVCTL\1\0\0\0", 12), 0);
        CU_ASSERT_EQUAL(get_u64(bytes + 40), 200);
    }
}

static void test_damage(void)
{
    struct control back;
    char bytes[CONTROL_BYTES];

    control_encode(bytes, &sample);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(control_decode(bytes, sizeof(bytes), &back) == CONTROL_DAMAGED, "bit %zu", bit);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t count = 0; count < sizeof(bytes); count++) {
        char *box = kit_boxed(bytes, count);
        CHECK(control_decode(box, count, &back) == CONTROL_DAMAGED, "%zu bytes", count);
        free(box);
    }
    put_u32(bytes + 12, 3);
    put_u64(bytes + 504, XXH3_64bits(bytes, 504));
    CU_ASSERT_EQUAL(control_decode(bytes, sizeof(bytes), &back), CONTROL_DAMAGED);
    put_u32(bytes + 8, CONTROL_VERSION + 1);
    put_u64(bytes + 504, XXH3_64bits(bytes, 504));
    CU_ASSERT_EQUAL(control_decode(bytes, sizeof(bytes), &back), CONTROL_NEWER);
}

static void test_read(void)
{
    struct memory_disk *disk = memory_disk_new();
    struct control c = sample, back;
    char bytes[CONTROL_BYTES + 1] = {0};
    int error;

    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_ABSENT);
    CU_ASSERT_EQUAL(control_write(&disk->disk, DATA_DIR, &c), 0);
    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_VALID);
    CU_ASSERT(same(&c, &back) && back.written_ns == c.written_ns && c.written_ns > 1234);
    disk->fail_at = 1;
    disk->for_ever = true;
    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_UNREADABLE);
    CU_ASSERT_EQUAL(error, EIO);
    disk->fail_at = 0;
    control_encode(bytes, &sample);
    memory_disk_put(disk, PATH, bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_DAMAGED);
    memory_disk_put(disk, PATH, bytes, CONTROL_BYTES - 1);
    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_DAMAGED);
    memory_disk_put(disk, PATH, bytes, 0);
    CU_ASSERT_EQUAL(control_read(&disk->disk, DATA_DIR, &back, &error), CONTROL_DAMAGED);
    memory_disk_free(&disk);
}

static void test_replaced_as_a_whole(void)
{
    for (uint64_t k = 1, through = 0; through == 0; k++) {
        for (uint64_t seed = 0; seed < 12; seed++) {
            struct memory_disk *disk = memory_disk_new();
            struct control first = sample, second = sample, back;
            uint64_t random = k * 100 + seed;
            int error;

            second.last_lsn = 300;
            CU_ASSERT_EQUAL_FATAL(control_write(&disk->disk, DATA_DIR, &first), 0);
            disk->fail_at = disk->calls + k;
            disk->for_ever = seed % 2 == 1;
            disk->error = seed % 4 < 2 ? EIO : ENOSPC;
            disk->write_room = seed % 3 == 0 ? 100 : 0;
            int rc = control_write(&disk->disk, DATA_DIR, &second);
            /* Only that the leavings of an earlier attempt cannot be removed does not matter. */
            bool harmless =
                disk->failed_call == NULL || (strcmp(disk->failed_call, "unlink") == 0 && !disk->for_ever);
            CHECK((rc == 0) == harmless, "%s failed: %d", disk->failed_call, rc);
            through += disk->failed_call == NULL && !(seed % 3 == 0);
            memory_disk_cut(disk,
                            seed < 2   ? MEMORY_LOSE_ALL
                            : seed < 4 ? MEMORY_LOSE_NOTHING
                                       : MEMORY_LOSE_SOME,
                            &random);
            enum control_verdict verdict = control_read(&disk->disk, DATA_DIR, &back, &error);
            CHECK(verdict == CONTROL_VALID && (same(&back, &second) || (rc != 0 && same(&back, &first))),
                  "call %ju, seed %ju: %d", (uintmax_t)k, (uintmax_t)seed, verdict);
            memory_disk_free(&disk);
        }
        if (!CHECK(k < 100, "there is no end"))
            return;
    }
}

void control_suite(void)
{
    CU_pSuite suite = CU_add_suite("control", NULL, NULL);

    CU_add_test(suite, "what is written is read", test_round_trip);
    CU_add_test(suite, "every bit, every length, newer", test_damage);
    CU_add_test(suite, "verdicts of a file", test_read);
    CU_add_test(suite, "replaced as a whole or not at all", test_replaced_as_a_whole);
}
