/* SPDX-License-Identifier: MIT
 *
 * wal_salvage: of a log that is damaged anywhere, every batch that was not hit is handed over, none that is
 * wrong, and what can be followed without a gap ends right before what was hit. A log of several segments
 * lies on a disk in memory; each bit is flipped, each block zeroed, each segment removed, cut and renamed in
 * turn.
 */
#include "kit.h"
#include "log.h"
#include "memory_disk.h"
#include "record.h"
#include "wal.h"
#include "wal_salvage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void wal_salvage_suite(void);

#define DATA_DIR    "/m"
#define BLOCK_BYTES 512
#define BATCHES_MAX 200

struct extent {
    uint64_t segment, offset, end, first_lsn, last_lsn;
};

struct log_under_test {
    struct memory_disk *disk;
    struct control control;
    struct extent batches[BATCHES_MAX]; /* as they were written */
    size_t count;
    uint64_t last_lsn;
};

static size_t value_of(uint64_t lsn, char out[2000])
{
    uint64_t random = lsn * 7919 + 1;
    size_t bytes = lsn % 7 == 3 ? 1500 : lsn % 5;

    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)kit_random(&random);
    return bytes;
}

static bool record_is_right(const struct record *r, uint64_t lsn)
{
    char name[32], value[2000];
    struct span want_name = {name, (size_t)snprintf(name, sizeof name, "key-%ju", (uintmax_t)lsn)};
    struct span want_value = {value, value_of(lsn, value)};

    return r->op == OP_NOOP ||
           (r->op == OP_SET && span_equal(r->name, want_name) && span_equal(r->value, want_value));
}

static void append(struct wal *wal, uint32_t count)
{
    struct buffer payload = {0};
    uint64_t checksum, at, first;

    do {
        first = wal_next_lsn(wal);
        payload.bytes = 0;
        for (uint64_t lsn = first; lsn < first + count; lsn++) {
            char name[32], value[2000];
            struct record r = {.op = OP_SET};

            r.name = (struct span){name, (size_t)snprintf(name, sizeof name, "key-%ju", (uintmax_t)lsn)};
            r.value = (struct span){value, value_of(lsn, value)};
            record_encode(&payload, &r);
        }
        CU_ASSERT_EQUAL_FATAL(wal_make_room(wal, payload.bytes, true), 0);
    } while (wal_next_lsn(wal) != first);
    CU_ASSERT_EQUAL_FATAL(wal_append(wal, buffer_span(&payload), count, 1, &checksum, &at), 0);
    CU_ASSERT_EQUAL_FATAL(wal_sync(wal), 0);
    buffer_free(&payload);
}

/* --- what a salvage found --- */

struct found {
    const struct log_under_test *log;
    struct extent batches[BATCHES_MAX];
    size_t count;
    bool wrong;         /* a record, or the order */
    uint64_t reach_lsn; /* what can be followed from the beginning of the log */
    uint64_t reach_checksum;
    unsigned findings;
    char sentence[400];
    enum wal_verdict verdict;
    struct wal_salvage_end end;
};

static int take_batch(const struct wal_segment *segment, const struct wal_batch *batch,
                      const struct wal_link *before, void *arg)
{
    struct found *f = arg;
    const struct wal_batch_header *h = &batch->header;
    struct span payload = batch->payload;

    for (uint32_t i = 0; i < h->count; i++) {
        struct record r;
        f->wrong = f->wrong || !record_decode(&payload, &r) || !record_is_right(&r, h->first_lsn + i);
    }
    f->wrong = f->wrong || (f->count && f->batches[f->count - 1].last_lsn >= h->first_lsn);
    f->wrong = f->wrong || (before->last_lsn != WAL_SALVAGE_UNKNOWN && before->last_lsn + 1 != h->first_lsn);
    if (f->count < BATCHES_MAX)
        f->batches[f->count++] = (struct extent){segment->header.first_lsn, batch->offset, segment->offset,
                                                 h->first_lsn, wal_batch_last_lsn(h)};
    if (before->last_lsn == f->reach_lsn && before->checksum == f->reach_checksum) {
        f->reach_lsn = wal_batch_last_lsn(h);
        f->reach_checksum = h->checksum;
    }
    return 0;
}

static void take_finding(const struct wal_finding *finding, void *arg)
{
    struct found *f = arg;
    char path[80];

    snprintf(path, sizeof path, DATA_DIR "/%s", finding->file);
    bool there = memory_disk_name(f->log->disk, path) != NULL;
    f->wrong = f->wrong || there == (finding->verdict == WAL_MISSING);
    f->findings++;
    f->wrong = f->wrong || !*finding->sentence || !*finding->file || finding->verdict == WAL_CLEAN;
    if (f->findings == 1)
        snprintf(f->sentence, sizeof f->sentence, "%s: %s", finding->file, finding->sentence);
}

static struct found salvage(const struct log_under_test *l)
{
    struct found f = {.log = l};
    const struct wal_salvage_visitor visitor = {take_batch, take_finding, &f};
    struct wal_log log;

    CU_ASSERT_EQUAL_FATAL(wal_log_list(&l->disk->disk, DATA_DIR, &log), 0);
    f.verdict = wal_salvage(&l->disk->disk, DATA_DIR, &log, l->control.uuid, l->control.last_lsn,
                            l->control.segment_lsn, &visitor, &f.end);
    wal_log_free(&log);
    return f;
}

/* A log of five segments, sealed or with a witness at its end. */
static void make_log(struct log_under_test *l, bool sealed)
{
    static const struct wal_options options = {.segment_bytes = 6144, .block_bytes = BLOCK_BYTES};
    struct wal *wal;

    *l = (struct log_under_test){.disk = memory_disk_new()};
    memset(l->control.uuid, 7, UUID_BYTES);
    CU_ASSERT_EQUAL_FATAL(
        wal_open(&wal, &l->disk->disk, DATA_DIR, &l->control, &options, &(struct wal_link){0}), 0);
    uint64_t segment = 0;
    for (unsigned i = 0, segments = 0; segments < 5; i++) {
        append(wal, 1 + i % 3);
        segments += wal_segment_first_lsn(wal) != segment;
        segment = wal_segment_first_lsn(wal);
    }
    append(wal, 2);
    CU_ASSERT_EQUAL_FATAL(sealed ? wal_stop(wal) : wal_witness(wal), 0);
    l->last_lsn = wal_next_lsn(wal) - 1;
    wal_close(&wal);
    struct found f = salvage(l);
    CHECK(!f.wrong && f.findings == 0 && f.verdict == WAL_CLEAN && f.end.end_known, "%s", f.sentence);
    CHECK(f.reach_lsn == l->last_lsn && f.end.known_lsn == l->last_lsn && f.end.highest_lsn == l->last_lsn,
          "LSN %ju of %ju", (uintmax_t)f.reach_lsn, (uintmax_t)l->last_lsn);
    memcpy(l->batches, f.batches, sizeof l->batches);
    l->count = f.count;
    CU_ASSERT_FATAL(l->count > 20 && l->count < BATCHES_MAX);
}

/* --- holding it to what was damaged --- */

struct damage {
    const char *what;
    uint64_t segment, from, to; /* bytes of that file */
    bool unreadable;            /* nothing of the segment can be read */
};

static bool is_hit(const struct damage *d, const struct extent *b)
{
    return b->segment == d->segment && (d->unreadable || (b->offset < d->to && d->from < b->end));
}

/* Every batch that was not hit is there, no other is, and the way from the beginning ends where it must. */
static bool judge(const struct log_under_test *l, const struct damage *d)
{
    struct found f = salvage(l);
    bool header_hit = d->from < BLOCK_BYTES, complete = true;
    uint64_t reach = 0;
    size_t at = 0;

    for (size_t i = 0; i < l->count; i++) {
        const struct extent *b = &l->batches[i];
        bool hit = is_hit(d, b);
        bool there = at < f.count && f.batches[at].first_lsn == b->first_lsn;

        if (there)
            at++;
        if (!CHECK(there == !hit, "%s at %ju of segment %ju: LSN %ju", d->what, (uintmax_t)d->from,
                   (uintmax_t)d->segment, (uintmax_t)b->first_lsn))
            return false;
        complete = complete && !hit && !(header_hit && b->segment == d->segment);
        if (complete)
            reach = b->last_lsn;
    }
    return CHECK(!f.wrong && f.verdict == WAL_CLEAN && at == f.count, "%s at %ju of segment %ju", d->what,
                 (uintmax_t)d->from, (uintmax_t)d->segment) &&
           CHECK(f.reach_lsn == reach, "%s at %ju of segment %ju: LSN %ju, not %ju (%s)", d->what,
                 (uintmax_t)d->from, (uintmax_t)d->segment, (uintmax_t)f.reach_lsn, (uintmax_t)reach,
                 f.sentence) &&
           /* A log that begins later than it did is the control file's to tell. */
           CHECK(reach == l->last_lsn || f.findings > 0 || (d->unreadable && d->segment == 1),
                 "%s at %ju of segment %ju: not a word", d->what, (uintmax_t)d->from,
                 (uintmax_t)d->segment) &&
           /* Of a log without a seal, the last batch may go without proof, and a last segment that cannot be
            * read leaves everything open. */
           CHECK((f.end.known_lsn + 1 >= l->last_lsn || !f.end.end_known) &&
                     f.end.highest_lsn >= f.end.known_lsn,
                 "%s at %ju of segment %ju: known LSN %ju", d->what, (uintmax_t)d->from,
                 (uintmax_t)d->segment, (uintmax_t)f.end.known_lsn);
}

static char *data_of(const struct log_under_test *l, uint64_t segment, uint64_t **bytes)
{
    char path[80];

    must(wal_log_path(path, sizeof path, DATA_DIR, segment));
    return memory_disk_data(l->disk, path, bytes);
}

static uint64_t end_of(const struct log_under_test *l, uint64_t segment)
{
    uint64_t end = BLOCK_BYTES;

    for (size_t i = 0; i < l->count; i++)
        end = l->batches[i].segment == segment ? l->batches[i].end : end;
    return end;
}

/* The fields of a segment header without which nothing in the segment can be found: block bytes, UUID, salt.
 */
static bool header_field_needed(uint64_t offset)
{
    return offset >= 12 && offset < 40;
}

static void flip_bits(bool sealed)
{
    struct log_under_test l;
    struct wal_log log;
    bool going = true;

    make_log(&l, sealed);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count && going; i += 2) {
        uint64_t segment = log.first_lsns[i], *bytes;
        char *data = data_of(&l, segment, &bytes);

        for (uint64_t bit = 0; bit < 8 * end_of(&l, segment) && going; bit++) {
            uint64_t at = bit / 8;
            if ((!KIT_FAST || at % BLOCK_BYTES >= 96) && bit % 8 != at % 8)
                continue;
            data[at] ^= (char)(1 << bit % 8);
            going = judge(&l, &(struct damage){"a bit", segment, at, at + 1, header_field_needed(at)});
            data[at] ^= (char)(1 << bit % 8);
        }
    }
    wal_log_free(&log);
    memory_disk_free(&l.disk);
}

static void test_flip_bits_sealed(void)
{
    flip_bits(true);
}

static void test_flip_bits_witnessed(void)
{
    flip_bits(false);
}

static void test_zeroed_blocks(void)
{
    struct log_under_test l;
    struct wal_log log;

    make_log(&l, true);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        uint64_t segment = log.first_lsns[i], *bytes;
        char *data = data_of(&l, segment, &bytes), kept[2 * BLOCK_BYTES];

        for (uint64_t at = 0; at < end_of(&l, segment); at += BLOCK_BYTES) {
            uint64_t count = at + 2 * BLOCK_BYTES <= *bytes ? 2 * BLOCK_BYTES : BLOCK_BYTES;
            memcpy(kept, data + at, count);
            memset(data + at, 0, count);
            judge(&l, &(struct damage){"zeros", segment, at, at + count, at == 0});
            memcpy(data + at, kept, count);
        }
    }
    wal_log_free(&log);
    memory_disk_free(&l.disk);
}

static void test_cut_and_removed(void)
{
    struct log_under_test l;
    struct wal_log log;

    make_log(&l, true);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        uint64_t segment = log.first_lsns[i], *bytes;
        data_of(&l, segment, &bytes);
        const uint64_t whole = *bytes;

        for (uint64_t at = 0; at < end_of(&l, segment); at += 100) {
            *bytes = at;
            judge(&l, &(struct damage){"cut", segment, at, UINT64_MAX, at < BLOCK_BYTES});
            *bytes = whole;
        }
        char path[80];
        must(wal_log_path(path, sizeof path, DATA_DIR, segment));
        struct memory_name *name = memory_disk_name(l.disk, path);
        int inode = name->now;
        name->now = MEMORY_ABSENT;
        judge(&l, &(struct damage){"removed", segment, 0, UINT64_MAX, true});
        name->now = inode;
    }
    wal_log_free(&log);
    memory_disk_free(&l.disk);
}

/* A header says where its segment belongs, so names may be mixed up as they like. */
static void test_wrong_names(void)
{
    struct log_under_test l;
    struct wal_log log;

    make_log(&l, true);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    for (size_t i = 0; i < log.count; i++) {
        for (size_t j = 0; j < i; j++) {
            char path[2][80];
            must(wal_log_path(path[0], sizeof path[0], DATA_DIR, log.first_lsns[i]));
            must(wal_log_path(path[1], sizeof path[1], DATA_DIR, log.first_lsns[j]));
            struct memory_name *a = memory_disk_name(l.disk, path[0]);
            struct memory_name *b = memory_disk_name(l.disk, path[1]);
            int inode = a->now;
            a->now = b->now;
            b->now = inode;
            struct found f = salvage(&l);
            CHECK(!f.wrong && f.findings == 2 && f.reach_lsn == l.last_lsn && f.count == l.count,
                  "%zu and %zu: LSN %ju, %s", i, j, (uintmax_t)f.reach_lsn, f.sentence);
            b->now = a->now;
            a->now = inode;
        }
        /* And a copy beside the original counts once. */
        uint64_t *bytes;
        const char *data = data_of(&l, log.first_lsns[i], &bytes);
        char path[80];
        must(wal_log_path(path, sizeof path, DATA_DIR, l.last_lsn + 5 + i));
        memory_disk_put(l.disk, path, data, *bytes);
        struct found f = salvage(&l);
        CHECK(!f.wrong && f.findings == 1 && f.reach_lsn == l.last_lsn && f.count == l.count,
              "a copy of %zu: LSN %ju, %s", i, (uintmax_t)f.reach_lsn, f.sentence);
        CHECK(f.end.highest_lsn == l.last_lsn, "a copy of %zu: LSN %ju", i, (uintmax_t)f.end.highest_lsn);
        memory_disk_name(l.disk, path)->now = MEMORY_ABSENT;
    }
    wal_log_free(&log);
    memory_disk_free(&l.disk);
}

/* What is wrong with the end is told of the file that is there, whatever its header says. */
static void test_wrong_name_and_end(void)
{
    struct log_under_test l;
    char path[80], other[80];
    uint64_t *bytes;

    make_log(&l, true);
    must(wal_log_path(path, sizeof path, DATA_DIR, l.control.segment_lsn));
    must(wal_log_path(other, sizeof other, DATA_DIR, l.last_lsn + 9));
    const char *data = data_of(&l, l.control.segment_lsn, &bytes);
    memory_disk_put(l.disk, other, data, *bytes);
    memory_disk_name(l.disk, path)->now = MEMORY_ABSENT;
    l.control.last_lsn = l.last_lsn + 1;
    struct found f = salvage(&l);
    CHECK(!f.wrong && f.findings == 2 && f.reach_lsn == l.last_lsn && !f.end.end_known, "%u findings, %s",
          f.findings, f.sentence);
    memory_disk_free(&l.disk);
}

/* A first batch that continues its segment by its chain, but not by its LSN: nothing is known to be before
 * it. */
static void test_first_batch_of_other_lsn(void)
{
    struct log_under_test l;
    struct wal_segment_header header;
    struct buffer batch = {0}, payload = {0};
    uint64_t *bytes;

    make_log(&l, true);
    char *data = data_of(&l, l.control.segment_lsn, &bytes);
    CU_ASSERT_EQUAL(wal_segment_header_decode((struct span){data, *bytes}, &header), WAL_HEADER_VALID);
    record_encode(&payload, &(struct record){.op = OP_NOOP});
    struct wal_batch_header h = {.first_lsn = header.first_lsn + 50, .count = 1, .chain = header.checksum};
    wal_batch_encode(&batch, &h, buffer_span(&payload), header.salt, BLOCK_BYTES);
    memcpy(data + BLOCK_BYTES, batch.data, batch.bytes);
    struct found f = salvage(&l);
    CHECK(!f.wrong && f.findings > 0 && f.reach_lsn == header.previous.last_lsn, "LSN %ju, %s",
          (uintmax_t)f.reach_lsn, f.sentence);
    buffer_free(&batch);
    buffer_free(&payload);
    memory_disk_free(&l.disk);
}

/* [link-ends-segment] A batch that a start did not find shows up again behind the end that the next segment
 * knows: it is passed over as recovery does, unless it says that another one there was durable. */
static void test_behind_the_link(void)
{
    static const struct wal_options options = {.segment_bytes = 16384, .block_bytes = BLOCK_BYTES};

    for (int witnessed = 0; witnessed < 2; witnessed++) {
        struct log_under_test l = {.disk = memory_disk_new()};
        struct wal *wal;
        uint64_t *bytes;

        memset(l.control.uuid, 7, UUID_BYTES);
        CU_ASSERT_EQUAL_FATAL(
            wal_open(&wal, &l.disk->disk, DATA_DIR, &l.control, &options, &(struct wal_link){0}), 0);
        append(wal, 2);
        struct found before = salvage(&l);
        uint64_t end = before.batches[before.count - 1].end;
        append(wal, 2);
        if (witnessed)
            append(wal, 1);
        wal_close(&wal);
        char *data = data_of(&l, 1, &bytes), *kept = kit_boxed(data, *bytes);
        const uint64_t kept_bytes = *bytes;

        /* A start that found only what was there before, and wrote on. */
        memset(data + end, 0, kept_bytes - end);
        struct wal_link link = {1, before.reach_lsn, before.reach_checksum};
        CU_ASSERT_EQUAL_FATAL(wal_open(&wal, &l.disk->disk, DATA_DIR, &l.control, &options, &link), 0);
        append(wal, 1);
        l.last_lsn = wal_next_lsn(wal) - 1;
        wal_close(&wal);
        memcpy(data_of(&l, 1, &bytes), kept, kept_bytes);
        free(kept);

        struct found after = salvage(&l);
        CHECK(!after.wrong && after.verdict == WAL_CLEAN && after.count == before.count + 2, "%zu batches",
              after.count);
        CHECK(after.reach_lsn == (witnessed ? before.reach_lsn : l.last_lsn) &&
                  after.findings == (witnessed ? 1 : 0) && after.end.known_lsn == l.last_lsn,
              "%d: LSN %ju of %ju: %s", witnessed, (uintmax_t)after.reach_lsn, (uintmax_t)l.last_lsn,
              after.sentence);
        memory_disk_free(&l.disk);
    }
}

static int refuse_third(const struct wal_segment *segment, const struct wal_batch *batch,
                        const struct wal_link *before, void *arg)
{
    (void)segment, (void)batch, (void)before;
    return ++*(unsigned *)arg == 3 ? -EXDEV : 0;
}

static void test_the_visitor_ends_it(void)
{
    struct log_under_test l;
    struct wal_log log;
    unsigned calls = 0;
    const struct wal_salvage_visitor visitor = {.batch = refuse_third, .arg = &calls};
    struct wal_salvage_end end;

    make_log(&l, true);
    wal_log_list(&l.disk->disk, DATA_DIR, &log);
    CU_ASSERT_EQUAL(wal_salvage(&l.disk->disk, DATA_DIR, &log, l.control.uuid, 0, 0, &visitor, &end),
                    WAL_FAILED);
    CU_ASSERT_EQUAL(end.failure.error, EXDEV);
    CU_ASSERT_EQUAL(calls, 3);
    /* And a disk that fails is told, whichever call it is. */
    for (uint64_t k = 1;; k++) {
        l.disk->calls = 0;
        l.disk->fail_at = k;
        l.disk->error = EIO;
        l.disk->failed_call = NULL;
        calls = 3;
        enum wal_verdict verdict =
            wal_salvage(&l.disk->disk, DATA_DIR, &log, l.control.uuid, 0, 0, &visitor, &end);
        if (!l.disk->failed_call)
            break;
        CHECK(strcmp(l.disk->failed_call, "close") == 0 ||
                  (verdict == WAL_FAILED && end.failure.error == EIO),
              "call %ju, %s: %s", (uintmax_t)k, l.disk->failed_call, wal_verdict_text(verdict));
    }
    wal_log_free(&log);
    memory_disk_free(&l.disk);
}

void wal_salvage_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_salvage", NULL, NULL);
    CU_add_test(suite, "every bit of a log with a seal", test_flip_bits_sealed);
    CU_add_test(suite, "every bit of a log with a witness", test_flip_bits_witnessed);
    CU_add_test(suite, "zeroed blocks", test_zeroed_blocks);
    CU_add_test(suite, "segments cut short and removed", test_cut_and_removed);
    CU_add_test(suite, "segments under wrong names, and twice", test_wrong_names);
    CU_add_test(suite, "a first batch of another LSN", test_first_batch_of_other_lsn);
    CU_add_test(suite, "a segment under a wrong name whose end is wrong", test_wrong_name_and_end);
    CU_add_test(suite, "a batch behind the end of its segment", test_behind_the_link);
    CU_add_test(suite, "a visitor or a disk that fails", test_the_visitor_ends_it);
}
