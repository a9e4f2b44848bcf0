/* SPDX-License-Identifier: MIT
 *
 * A log on a disk that fails at the k-th call, for every k, or that is full: nothing is passed over in
 * silence, a log that failed stays failed, and what was acknowledged is there after a power cut.
 */
#include "wal_life.h"

#include "record.h"

#include <errno.h>

void wal_failure_suite(void);

/* A whole life on a disk that fails: opens, appends, rotates, witnesses, maybe stops. Stops at the first
 * error, as walkvd does, but tries on to see that the log stays failed. Returns the first error. */
static int live(struct wal_life *l, const struct wal_link *link, int *error)
{
    int rc = wal_life_open(l, &wal_life_small, link);

    *error = rc;
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < 12; i++) {
        uint64_t acknowledged = l->acknowledged_lsn;
        rc = wal_life_append(l, 1 + i % 3, true);
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
static struct wal_reading restart(struct wal_life *l)
{
    int error = 0;
    struct control control;
    enum control_verdict verdict = control_read(&l->disk->disk, WAL_LIFE_DIR, &control, &error);
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
    return wal_life_read(l);
}

/* The k-th call fails, once or for ever, for every k; then the power is cut, and walkvd starts twice more. */
static void fail_at_every_call(int error, bool for_ever, size_t write_room)
{
    for (uint64_t k = 1; k < 2000; k++) {
        struct wal_life base;
        int first_error;

        wal_life_begin(&base, 1);
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
            struct wal_life l = base;
            uint64_t random = k * 64 + seed;
            enum memory_loss loss = seed == 0   ? MEMORY_LOSE_ALL
                                    : seed == 1 ? MEMORY_LOSE_NOTHING
                                                : MEMORY_LOSE_SOME;

            l.disk = memory_disk_clone(base.disk);
            l.disk->write_room = 0;
            memory_disk_cut(l.disk, loss, &random);
            struct wal_reading r = restart(&l);
            bool good = CHECK((l.acknowledged_lsn == 0 && wal_reading_starts(&r) && !r.wrong) ||
                                  wal_reading_whole(&r),
                              "%s failed, call %ju %s, loss %ju: %s, LSN %ju of %ju: %s",
                              base.disk->failed_call, (uintmax_t)k, for_ever ? "and all after" : "once",
                              (uintmax_t)seed, wal_verdict_text(r.verdict), (uintmax_t)r.next_lsn - 1,
                              (uintmax_t)l.acknowledged_lsn, r.finding.sentence);
            if (good) {
                int again;
                for (uint64_t lsn = r.end.link.last_lsn + 1; lsn < WAL_LIFE_LSNS; lsn++)
                    l.lives[lsn] = 0;
                CHECK(live(&l, &r.end.link, &again) == 0, "second life after call %ju", (uintmax_t)k);
                wal_close(&l.wal);
                memory_disk_cut(l.disk, MEMORY_LOSE_ALL, &random);
                r = restart(&l);
                good = CHECK(wal_reading_whole(&r) && r.verdict == WAL_CLEAN,
                             "second life after call %ju: %s", (uintmax_t)k, r.finding.sentence);
            }
            memory_disk_free(&l.disk);
            if (!good) {
                wal_life_end(&base);
                return;
            }
        }
        wal_life_end(&base);
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
    struct wal_life l;
    int error;

    for (uint64_t k = 1; k < 200; k++) {
        wal_life_begin(&l, 1);
        l.disk->fail_at = k;
        l.disk->error = EINTR;
        live(&l, &(struct wal_link){0}, &error);
        if (l.disk->failed_call != NULL && strcmp(l.disk->failed_call, "pwrite") == 0)
            CHECK(error == 0, "a write that was interrupted at call %ju is to be tried again", (uintmax_t)k);
        wal_life_end(&l);
    }
}

/* Appends one no-op while nothing can be made on the disk. */
static int append_on_full_disk(struct wal_life *l, bool adds)
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
    const struct wal_options options = {.segment_bytes = 16384, .block_bytes = WAL_LIFE_BLOCK_BYTES};
    struct wal_life l;
    unsigned adds = 0, deletes = 0;
    struct wal_reading r;
    int rc;

    wal_life_begin(&l, 1);
    CU_ASSERT_EQUAL_FATAL(wal_life_open(&l, &options, &(struct wal_link){0}), 0);
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
    r = wal_life_read(&l);
    CU_ASSERT(wal_reading_whole(&r));
    wal_life_end(&l);
}

void wal_failure_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_failure", NULL, NULL);

    CU_add_test(suite, "EIO at every call, once", test_eio_once);
    CU_add_test(suite, "EIO at every call, for ever", test_eio_for_ever);
    CU_add_test(suite, "ENOSPC at every call, once, short writes", test_enospc_once);
    CU_add_test(suite, "ENOSPC at every call, for ever, short writes", test_enospc_for_ever);
    CU_add_test(suite, "EINTR at every call", test_eintr);
    CU_add_test(suite, "a full disk", test_full_disk);
}
