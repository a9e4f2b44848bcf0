/* SPDX-License-Identifier: MIT
 *
 * requests: a repeat gets the first answer, from wherever the state comes, as long as it is kept; what is
 * kept goes exactly when it should; and the database is whole after everything. Times that matter to the
 * nanosecond are tried on records that are applied one by one, everything else through the batch.
 */
#include "requests.h"

#include "log.h"
#include "memory_disk.h"
#include "snapshot.h"
#include "view_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void requests_suite(void);

#define FOREVER UINT64_MAX
#define T0      UINT64_C(1800000000000000000) /* ns since 1970 */
#define WINDOW  STAND_WINDOW_NS

/* Looks up in the published state. */
static int find(struct stand *s, const struct stand_who *who, uint64_t now_ns, uint64_t window_ns,
                struct write_result *result, struct buffer *values)
{
    const struct batch_item item = stand_item(who, OP_SET, CONDITION_NONE, 0, "", "");

    *result = (struct write_result){0};
    values->bytes = 0;
    must(store_begin(&s->store) == 0);
    int rc =
        requests_find(&s->store, &item.request.identity, item.was_sent, now_ns, window_ns, result, values);
    store_abort(&s->store);
    return rc;
}

static bool is_kept(struct stand *s, const struct stand_who *who)
{
    struct write_result result;
    struct buffer values = {0};
    int rc = find(s, who, T0, FOREVER, &result, &values);

    buffer_free(&values);
    return rc == 1;
}

static bool key_is_kept(struct stand *s, const char *key)
{
    return is_kept(s, &(struct stand_who){.key = key});
}

static bool place_is_kept(struct stand *s, uint64_t session, uint64_t sequence)
{
    return is_kept(s, &(struct stand_who){.session = session, .sequence = sequence, .was_sent = true});
}

/* Applies one record as a batch of its own. */
static void apply(struct stand *s, const struct record *record, uint64_t lsn, uint64_t time_ns)
{
    must(store_begin(&s->store) == 0);
    CHECK(store_apply(&s->store, record, lsn, time_ns) == 0, "LSN %ju", (uintmax_t)lsn);
    must(store_commit(&s->store, lsn, lsn * 31, 0, time_ns) == 0);
}

/* A write of somebody, done at this LSN and time. */
static void keep(struct stand *s, const struct stand_who *who, uint64_t lsn, uint64_t time_ns)
{
    const struct batch_item item = stand_item(who, OP_SET, CONDITION_NONE, 0, "name", "1");
    const struct write_request *r = &item.request;

    apply(s,
          &(struct record){.op = OP_SET,
                           .name = r->name,
                           .value = r->value,
                           .identity = r->identity,
                           .result = RESULT_OK,
                           .version = lsn},
          lsn, time_ns);
}

static void keep_key(struct stand *s, const char *key, uint64_t lsn, uint64_t time_ns)
{
    keep(s, &(struct stand_who){.key = key}, lsn, time_ns);
}

static bool same_answer(const char *what, const char *where, const struct write_result *got,
                        struct span value, const struct write_result *want, struct span want_value,
                        bool replayed)
{
    return CHECK(got->result == want->result && got->lsn == want->lsn && got->version == want->version &&
                     got->size == want->size,
                 "%s, %s: %s, LSN %ju, version %ju, size %ju, not %s, %ju, %ju, %ju", what, where,
                 result_text(got->result), (uintmax_t)got->lsn, (uintmax_t)got->version, (uintmax_t)got->size,
                 result_text(want->result), (uintmax_t)want->lsn, (uintmax_t)want->version,
                 (uintmax_t)want->size) &&
           CHECK(span_equal(value, want_value), "%s, %s: %zu bytes, not %zu", what, where, value.bytes,
                 want_value.bytes) &&
           CHECK(got->replayed == replayed, "%s, %s: replayed is %d", what, where, got->replayed);
}

/* --- every operation, and wherever its repeat comes --- */

static const struct {
    const char *what;
    enum op op;
    enum condition condition;
    uint64_t version;
    const char *name, *value;
    enum result want;
} rows[] = {
    {"set of a new key", OP_SET, CONDITION_NONE, 0, "new", "1", RESULT_CREATED},
    {"set of a key", OP_SET, CONDITION_NONE, 0, "a", "2", RESULT_OK},
    {"set if absent", OP_SET, CONDITION_ABSENT, 0, "a", "3", RESULT_PRECONDITION_FAILED},
    {"set of a version", OP_SET, CONDITION_VERSION, 999, "none", "3", RESULT_PRECONDITION_FAILED},
    {"update of no key", OP_SET, CONDITION_UPDATE, 0, "none", "3", RESULT_NOT_FOUND},
    {"delete of another version", OP_DELETE, CONDITION_VERSION, 999, "a", "", RESULT_PRECONDITION_FAILED},
    {"delete", OP_DELETE, CONDITION_NONE, 0, "a", "", RESULT_OK},
    {"delete of no key", OP_DELETE, CONDITION_NONE, 0, "none", "", RESULT_NOT_FOUND},
    {"enqueue", OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"w\"", RESULT_OK},
    {"enqueue to a new queue", OP_ENQUEUE, CONDITION_NONE, 0, "newq", "\"w\"", RESULT_OK},
    {"dequeue", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK},
    {"dequeue of a long value", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK},
    {"dequeue of one in overflow pages", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK},
    {"dequeue from an empty queue", OP_DEQUEUE, CONDITION_NONE, 0, "empty", "", RESULT_QUEUE_EMPTY},
    {"dequeue from no queue", OP_DEQUEUE, CONDITION_NONE, 0, "noq", "", RESULT_QUEUE_EMPTY},
    {"clear", OP_CLEAR, CONDITION_NONE, 0, "q", "", RESULT_OK},
    {"clear of no queue", OP_CLEAR, CONDITION_NONE, 0, "noq", "", RESULT_QUEUE_NOT_FOUND},
    {"forget", OP_FORGET, CONDITION_NONE, 0, "q", "", RESULT_OK},
    {"forget of no queue", OP_FORGET, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_NOT_FOUND},
};

static bool is_done(size_t row)
{
    return rows[row].want == RESULT_OK || rows[row].want == RESULT_CREATED;
}

enum mode { BY_KEY, BY_SESSION, BY_BOTH, MODES };

/* The identity of the request of a row. */
static struct stand_who who_of(size_t row, enum mode mode, char key[300])
{
    struct stand_who who = {.fingerprint = (uint8_t)row};

    if (mode != BY_SESSION) {
        memset(key, 'K', IDEMPOTENCY_KEY_MAX); /* of the greatest length, some of them */
        int bytes = snprintf(key, 300, "key-%zu", row);
        if (row % 3 == 0) {
            key[bytes] = 'K';
            key[IDEMPOTENCY_KEY_MAX] = '\0';
        }
        who.key = key;
    }
    if (mode != BY_KEY) {
        who.session = 7;
        who.sequence = row + 1;
    }
    return who;
}

static void prepare(struct stand *s)
{
    static char value[30000];

    stand_do(s, OP_SET, CONDITION_NONE, 0, "a", "1");
    stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "empty", "1");
    stand_do(s, OP_DEQUEUE, CONDITION_NONE, 0, "empty", "");
    stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"x\"");
    memset(value, 'v', 1500);
    stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "q", value);
    memset(value, 'w', sizeof(value) - 1);
    stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "q", value);
    stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"y\"");
}

struct answers {
    struct write_result results[COUNT(rows)];
    struct buffer values[COUNT(rows)];
};

/* How a repeat of a row asks: in its place in the session, with its key from elsewhere, or both. */
static void check_repeat(struct stand *s, size_t row, enum mode mode, const struct answers *answers,
                         const char *where)
{
    char key[300];
    struct stand_who by_place = who_of(row, mode, key), by_key = by_place;
    struct buffer values = {0};
    struct write_result got;
    const struct write_result *want = &answers->results[row];
    struct span value = buffer_span(&answers->values[row]);
    bool kept = is_done(row) || mode != BY_SESSION;

    by_place.was_sent = true;
    by_key.session = by_key.sequence = 0;
    if (mode != BY_KEY) {
        int rc = find(s, &by_place, T0, FOREVER, &got, &values);
        if (CHECK(rc == kept, "%s, %s: %d", rows[row].what, where, rc) && kept)
            same_answer(rows[row].what, where, &got, buffer_span(&values), want, value, false);
        by_place.key = NULL;
        by_place.session++;
        CHECK(find(s, &by_place, T0, FOREVER, &got, &values) == 0, "%s, %s", rows[row].what, where);
    }
    if (mode != BY_SESSION &&
        CHECK(find(s, &by_key, T0, FOREVER, &got, &values) == 1, "%s, %s", rows[row].what, where))
        same_answer(rows[row].what, where, &got, buffer_span(&values), want, value, true);
    buffer_free(&values);
}

static int take_pages(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    (void)offset;
    if (data != NULL)
        buffer_append(arg, data, bytes);
    return 0;
}

/* A view made of a snapshot of this one. */
static void open_snapshot(struct stand *out, struct stand *s)
{
    struct view_reader *reader = view_reader_new(s->view_path, NULL, UINT64_MAX);
    struct snapshot_header header;
    struct snapshot_finding finding;
    struct buffer pages = {0};
    char path[KIT_PATH_BYTES + 32];

    snprintf(path, sizeof(path), "%s/snapshots/one", s->dir);
    must(view_hold(s->view) == 0);
    must(snapshot_write(disk_system(), reader, path, &header) == 0);
    view_unhold(s->view);
    view_reader_free(&reader);
    must(snapshot_read(disk_system(), path, s->control.uuid, take_pages, &pages, &header, &finding) ==
         SNAPSHOT_VALID);
    stand_open_beside(out, s, &pages);
    buffer_free(&pages);
}

static void check_same(struct stand *a, struct stand *b)
{
    struct buffer dump_a = {0}, dump_b = {0};

    stand_dump(a, &dump_a);
    stand_dump(b, &dump_b);
    CHECK(span_equal(buffer_span(&dump_a), buffer_span(&dump_b)), "%zu and %zu bytes", dump_a.bytes,
          dump_b.bytes);
    buffer_free(&dump_a);
    buffer_free(&dump_b);
}

/* A row and its repeat: in the same batch, and then in one of its own, which must write nothing. */
static void do_row(struct stand *s, size_t row, enum mode mode, struct answers *answers)
{
    char key[300];
    struct stand_who who = who_of(row, mode, key), again = who;
    bool kept = is_done(row) || mode != BY_SESSION;

    again.was_sent = true;
    if (mode == BY_KEY) { /* through another worker */
        again.session = 9;
        again.sequence = row + 1;
    }
    struct batch_item items[] = {
        stand_item(&who, rows[row].op, rows[row].condition, rows[row].version, rows[row].name,
                   rows[row].value),
        stand_item(&again, rows[row].op, rows[row].condition, rows[row].version, rows[row].name,
                   rows[row].value),
    };
    uint64_t lsn = wal_next_lsn(s->wal);
    CU_ASSERT_EQUAL_FATAL(batch_run(&s->batch, items, 2), 0);
    const struct write_result *want = &items[0].result;
    CHECK(want->result == rows[row].want && !want->replayed, "%s: %s", rows[row].what,
          result_text(want->result));
    CHECK(want->lsn == (is_done(row) ? lsn : lsn - 1), "%s: LSN %ju", rows[row].what, (uintmax_t)want->lsn);
    answers->results[row] = *want;
    buffer_append(&answers->values[row], want->value.at, want->value.bytes);
    CHECK(wal_next_lsn(s->wal) == lsn + kept, "%s: %ju records", rows[row].what,
          (uintmax_t)(wal_next_lsn(s->wal) - lsn));
    if (kept)
        same_answer(rows[row].what, "the same batch", &items[1].result, items[1].result.value, want,
                    buffer_span(&answers->values[row]), mode == BY_KEY);

    struct write_result r = stand_do_as(s, &again, rows[row].op, rows[row].condition, rows[row].version,
                                        rows[row].name, rows[row].value);
    CHECK(wal_next_lsn(s->wal) == lsn + kept, "%s was done again", rows[row].what);
    if (kept)
        same_answer(rows[row].what, "another batch", &r, r.value, want, buffer_span(&answers->values[row]),
                    mode == BY_KEY);
}

static void test_every_operation(void)
{
    for (enum mode mode = BY_KEY; mode < MODES; mode++) {
        struct stand s, replayed, loaded;
        struct answers answers = {0};
        uint64_t done = 0;

        stand_open(&s, disk_system());
        prepare(&s);
        for (size_t row = 0; row < COUNT(rows); row++) {
            do_row(&s, row, mode, &answers);
            done += is_done(row);
        }
        stand_check_requests(&s);
        CU_ASSERT_EQUAL(s.store.published.requests, mode == BY_SESSION ? 0 : COUNT(rows));
        CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), mode == BY_KEY       ? 0
                                                       : mode == BY_SESSION ? done
                                                                            : COUNT(rows));
        CU_ASSERT_EQUAL(wal_stop(s.wal), 0);
        stand_open_beside(&replayed, &s, NULL);
        stand_replay(&replayed, &s, disk_system());
        for (size_t row = 0; row < COUNT(rows); row++) {
            check_repeat(&s, row, mode, &answers, "in the end");
            check_repeat(&replayed, row, mode, &answers, "replayed");
        }
        check_same(&s, &replayed);
        stand_close(&replayed);
        open_snapshot(&loaded, &s);
        for (size_t row = 0; row < COUNT(rows); row++) {
            check_repeat(&loaded, row, mode, &answers, "from a snapshot");
            buffer_free(&answers.values[row]);
        }
        check_same(&s, &loaded);
        stand_close(&loaded);
        stand_close(&s);
    }
}

/* A place in a session counts only if it may have been sent before; a key always. */
static void test_was_sent(void)
{
    struct stand s;
    struct stand_who who = {.session = 3, .sequence = 1};

    stand_open(&s, disk_system());
    CU_ASSERT_EQUAL(stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 1);
    who.was_sent = true;
    CU_ASSERT_EQUAL(stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 1);
    who.was_sent = false;
    CU_ASSERT_EQUAL(stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 2);
    CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), 1); /* and it takes the place */
    who.was_sent = true;
    CU_ASSERT_EQUAL(stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 2);
    /* What a place has answered goes before what a key has. */
    const struct stand_who first = {.key = "k"};
    struct stand_who second = {.session = 3, .sequence = 2, .key = "l"};
    CU_ASSERT_EQUAL(stand_do_as(&s, &first, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 3);
    CU_ASSERT_EQUAL(stand_do_as(&s, &second, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size, 4);
    second.key = "k";
    second.was_sent = true;
    struct write_result r = stand_do_as(&s, &second, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    CU_ASSERT(r.size == 4 && !r.replayed);
    second.sequence = 3;
    r = stand_do_as(&s, &second, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    CU_ASSERT(r.size == 3 && r.replayed);
    stand_check_requests(&s);
    stand_close(&s);
}

/* --- what is not kept --- */

static void test_mismatch(void)
{
    struct stand s;
    struct stand_who who = {.key = "k", .fingerprint = 1}, other = {.key = "k", .fingerprint = 2};
    struct write_result result;
    struct buffer values = {0};

    stand_open(&s, disk_system());
    const struct write_result first = stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    other.session = 4;
    other.sequence = 1;
    uint64_t lsn = wal_next_lsn(s.wal);
    struct write_result r = stand_do_as(&s, &other, OP_ENQUEUE, CONDITION_NONE, 0, "q", "2");
    CU_ASSERT(r.result == RESULT_MISMATCH && r.lsn == first.lsn && !r.replayed && r.size == 0);
    CU_ASSERT_EQUAL(wal_next_lsn(s.wal), lsn); /* neither done nor kept */
    CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), 0);
    /* The same with a value that was dequeued: it is not handed to another request. */
    const struct stand_who take = {.key = "t", .fingerprint = 1}, wrong = {.key = "t"};
    CU_ASSERT_EQUAL(stand_do_as(&s, &take, OP_DEQUEUE, CONDITION_NONE, 0, "q", "").value.bytes, 1);
    r = stand_do_as(&s, &wrong, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
    CU_ASSERT(r.result == RESULT_MISMATCH && r.value.bytes == 0);
    r = stand_do_as(&s, &who, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    same_answer("the first", "after it", &r, r.value, &first, SPAN(""), true);
    for (unsigned i = 0; i < FINGERPRINT_BYTES; i++) {
        struct batch_item item = stand_item(&who, OP_SET, CONDITION_NONE, 0, "", "");

        item.request.identity.fingerprint[i] ^= 0x80;
        must(store_begin(&s.store) == 0);
        int rc = requests_find(&s.store, &item.request.identity, false, T0, FOREVER, &result, &values);
        store_abort(&s.store);
        CHECK(rc == 1 && result.result == RESULT_MISMATCH, "byte %u: %d, %s", i, rc,
              result_text(result.result));
    }
    /* In the same batch as the first. */
    const struct stand_who a = {.key = "b", .fingerprint = 1}, b = {.key = "b", .fingerprint = 2};
    struct batch_item items[] = {stand_item(&a, OP_SET, CONDITION_NONE, 0, "x", "1"),
                                 stand_item(&b, OP_SET, CONDITION_NONE, 0, "x", "2")};
    CU_ASSERT_EQUAL(batch_run(&s.batch, items, 2), 0);
    CU_ASSERT(items[0].result.result == RESULT_CREATED && items[1].result.result == RESULT_MISMATCH &&
              items[1].result.lsn == items[0].result.lsn);
    /* Keys that are the beginning of each other are not the same. */
    CU_ASSERT_FALSE(key_is_kept(&s, "kk"));
    CU_ASSERT_FALSE(find(&s, &(struct stand_who){.key = "K"}, T0, FOREVER, &result, &values));
    buffer_free(&values);
    stand_check_requests(&s);
    stand_close(&s);
}

/* --- time and number --- */

static void test_window(void)
{
    static const struct {
        const char *what;
        uint64_t now_ns, window_ns;
        bool kept;
    } times[] = {
        {"at once", T0, WINDOW, true},
        {"a moment later", T0 + 1, WINDOW, true},
        {"just before the window ends", T0 + WINDOW - 1, WINDOW, true},
        {"when it ends", T0 + WINDOW, WINDOW, false},
        {"later", T0 + 10 * WINDOW, WINDOW, false},
        {"by a clock that goes back", T0 - 1, WINDOW, true},
        {"by one that goes back far", T0 - 10 * WINDOW, WINDOW, true},
        {"by one that has lost its time", 0, WINDOW, true},
        {"for ever", UINT64_MAX, UINT64_MAX, true},
        {"a window of nothing, at once", T0, 0, true},
        {"a window of nothing, later", T0 + 1, 0, false},
    };
    const struct stand_who who = {.session = 5, .sequence = 1, .key = "k", .fingerprint = 1};

    for (size_t i = 0; i < COUNT(times); i++) {
        struct stand s;
        struct write_result result;
        struct buffer values = {0};
        struct record record;
        const struct requests_limits limits = {times[i].window_ns, 10};
        const struct stand_who by_key = {.key = "k", .fingerprint = 1};
        struct stand_who by_place = who;

        stand_open_view(&s, 1000);
        keep(&s, &who, 1, T0);
        int rc = find(&s, &by_key, times[i].now_ns, times[i].window_ns, &result, &values);
        CHECK(rc == times[i].kept && result.replayed == times[i].kept, "%s: %d", times[i].what, rc);
        /* Too old is too old for another request as well. */
        const struct stand_who other = {.key = "k", .fingerprint = 2};
        rc = find(&s, &other, times[i].now_ns, times[i].window_ns, &result, &values);
        CHECK(rc == times[i].kept && (rc == 0 || result.result == RESULT_MISMATCH), "%s: %d", times[i].what,
              rc);
        /* The window is not one of sessions. */
        by_place.was_sent = true;
        rc = find(&s, &by_place, times[i].now_ns, times[i].window_ns, &result, &values);
        CHECK(rc == 1 && !result.replayed, "%s: %d", times[i].what, rc);
        /* And it goes exactly when it is not found any more. */
        CHECK(requests_due(&s.store, &limits, times[i].now_ns) == !times[i].kept, "%s", times[i].what);
        must(store_begin(&s.store) == 0);
        rc = requests_make_expire(&s.store, &limits, times[i].now_ns, 10, &record);
        store_abort(&s.store);
        CHECK(rc == !times[i].kept && record.op == OP_EXPIRE && record.queue_id == 0 &&
                  record.sequence == (times[i].kept ? 0 : 1),
              "%s: %d", times[i].what, rc);
        buffer_free(&values);
        stand_close(&s);
    }
}

/* Exactly those up to its LSN, and no session. */
static void test_expire_record(void)
{
    for (uint64_t up_to = 0; up_to <= 13; up_to++) {
        struct stand s;
        char key[20];

        stand_open_view(&s, 1000);
        for (uint64_t lsn = 2; lsn <= 12; lsn += 2) {
            snprintf(key, sizeof(key), "key-%ju", (uintmax_t)(20 - lsn)); /* not in the order of their LSNs */
            keep(&s, &(struct stand_who){.session = lsn, .sequence = 1, .key = key}, lsn, T0 + lsn);
        }
        apply(&s, &(struct record){.op = OP_EXPIRE, .sequence = up_to, .queue_id = 3}, 20, T0);
        CU_ASSERT(stand_check_requests(&s));
        for (uint64_t lsn = 2; lsn <= 12; lsn += 2) {
            snprintf(key, sizeof(key), "key-%ju", (uintmax_t)(20 - lsn));
            CHECK(key_is_kept(&s, key) == (lsn > up_to), "LSN %ju, up to %ju", (uintmax_t)lsn,
                  (uintmax_t)up_to);
            CHECK(place_is_kept(&s, lsn, 1), "session %ju, up to %ju", (uintmax_t)lsn, (uintmax_t)up_to);
        }
        CU_ASSERT_EQUAL(s.store.published.requests, 6 - (up_to > 12 ? 6 : up_to / 2));
        CU_ASSERT_EQUAL(s.store.published.requests_evicted, 3);
        stand_close(&s);
    }
}

/* What the record says: by age, by number, at most so many, and which of them were before their time. */
static void test_make_expire(void)
{
    static const struct {
        const char *what;
        uint64_t now_ns;
        uint64_t entries_max;
        unsigned most;
        int want;
        uint64_t up_to, evicted;
    } cases[] = {
        {"nothing is due", T0 + 50, 7, 100, 0, 0, 0},
        {"one too many", T0 + 50, 6, 100, 1, 10, 1},
        {"all too many", T0 + 50, 0, 100, 1, 70, 7},
        {"the three old ones", T0 + 3 + WINDOW, 7, 100, 1, 30, 0},
        {"two of them", T0 + 3 + WINDOW, 7, 2, 1, 20, 0},
        {"old ones and one too many", T0 + 3 + WINDOW, 3, 100, 1, 40, 1},
        {"old ones make room", T0 + 3 + WINDOW, 4, 100, 1, 30, 0},
        {"not more than asked for", T0 + 50, 0, 3, 1, 30, 3},
        {"none is asked for", T0 + 50, 0, 0, 0, 0, 0},
        {"everything is old", T0 + 99 * WINDOW, 7, 100, 1, 70, 0},
        {"by a clock that went back", T0 - 99 * WINDOW, 7, 100, 0, 0, 0},
    };
    struct stand s;

    stand_open_view(&s, 1000);
    for (uint64_t i = 1; i <= 7; i++) {
        char key[20];
        snprintf(key, sizeof(key), "%ju", (uintmax_t)(9 - i));
        keep(&s, &(struct stand_who){.session = 1, .sequence = i, .key = key}, 10 * i,
             T0 + i + (i > 3 ? 100 : 0));
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct requests_limits limits = {WINDOW, cases[i].entries_max};
        struct record record;

        must(store_begin(&s.store) == 0);
        s.store.oldest_request_ns = 0; /* as after a start */
        bool due = requests_due(&s.store, &limits, cases[i].now_ns);
        int rc = requests_make_expire(&s.store, &limits, cases[i].now_ns, cases[i].most, &record);
        CHECK(rc == cases[i].want && record.op == OP_EXPIRE && record.sequence == cases[i].up_to &&
                  record.queue_id == cases[i].evicted,
              "%s: %d, up to %ju, %ju evicted", cases[i].what, rc, (uintmax_t)record.sequence,
              (uintmax_t)record.queue_id);
        /* It may be due without need, but only until somebody has looked; never the other way round. */
        CHECK(due || !rc, "%s", cases[i].what);
        if (cases[i].most > 0)
            CHECK(requests_due(&s.store, &limits, cases[i].now_ns) == (rc == 1), "%s", cases[i].what);
        store_abort(&s.store);
    }
    stand_close(&s);
}

/* The oldest goes when there are too many, in the batch that brings the one too many. */
static void test_too_many(void)
{
    enum { MOST = 5, WRITES = 13, MANY = 300 };
    struct stand s;
    struct batch_item items[MANY];
    static char keys[MANY][20];
    char key[20];

    stand_open_sized(&s, disk_system(), 64 * 1024 * 1024);
    s.batch.limits.entries_max = MOST;
    for (unsigned i = 0; i < WRITES; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        stand_do_as(&s, &(struct stand_who){.key = key}, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
        CHECK(s.store.published.requests == (i < MOST ? i + 1 : MOST), "%u: %ju", i,
              (uintmax_t)s.store.published.requests);
        CHECK(s.store.published.requests_evicted == (i < MOST ? 0 : i + 1 - MOST), "%u: %ju", i,
              (uintmax_t)s.store.published.requests_evicted);
    }
    for (unsigned i = 0; i < WRITES; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        CHECK(key_is_kept(&s, key) == (i >= WRITES - MOST), "%u", i);
    }
    /* An answer is as old as it is: asking for it does not make it younger. */
    snprintf(key, sizeof(key), "key-%u", WRITES - MOST);
    CU_ASSERT(
        stand_do_as(&s, &(struct stand_who){.key = key}, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").replayed);
    stand_do_as(&s, &(struct stand_who){.key = "another"}, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    CU_ASSERT_FALSE(key_is_kept(&s, key));
    /* However many a batch brings, it leaves no more than there may be. */
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%u-%u", round, i);
            items[i] = stand_item(&(struct stand_who){.key = keys[i]}, OP_SET, CONDITION_NONE, 0, "x", "1");
        }
        CU_ASSERT_EQUAL(batch_run(&s.batch, items, MANY), 0);
        CHECK(items[MANY - 1].result.result == RESULT_OK, "%s", result_text(items[MANY - 1].result.result));
        CHECK(s.store.published.requests == MOST, "%ju", (uintmax_t)s.store.published.requests);
    }
    CU_ASSERT(key_is_kept(&s, keys[MANY - 1]));
    /* And a batch of nothing lets go of what a smaller limit leaves too many. */
    s.batch.limits.entries_max = 0;
    CU_ASSERT_EQUAL(batch_run(&s.batch, NULL, 0), 0);
    CU_ASSERT_EQUAL(s.store.published.requests, 0);
    CU_ASSERT_EQUAL(wal_stop(s.wal), 0);
    struct stand replayed;
    stand_open_beside(&replayed, &s, NULL);
    stand_replay(&replayed, &s, disk_system());
    check_same(&s, &replayed);
    stand_close(&replayed);
    stand_close(&s);
}

/* A key that is used again when its window is over is a new one in its place, the oldest or not. */
static void test_used_again(void)
{
    for (unsigned again = 1; again <= 3; again++) {
        struct stand s;
        struct record record;
        struct write_result result;
        struct buffer values = {0};
        char key[4] = {0};
        const struct requests_limits limits = {WINDOW, 100};

        stand_open_view(&s, 1000);
        for (unsigned i = 1; i <= 3; i++) {
            key[0] = (char)('a' + i);
            keep_key(&s, key, i, T0 + i);
        }
        key[0] = (char)('a' + again);
        keep(&s, &(struct stand_who){.key = key, .fingerprint = 9}, 10, T0 + again + WINDOW);
        CU_ASSERT(stand_check_requests(&s));
        CU_ASSERT_EQUAL(s.store.published.requests, 3);
        CU_ASSERT_EQUAL(stand_count_requests(&s, 'o'), 3);
        CU_ASSERT(find(&s, &(struct stand_who){.key = key, .fingerprint = 9}, T0 + again + WINDOW, WINDOW,
                       &result, &values) == 1 &&
                  result.lsn == 10 && result.replayed);
        /* The others are let go of, this one stays. */
        must(store_begin(&s.store) == 0);
        CHECK(requests_due(&s.store, &limits, T0 + 3 + WINDOW), "%u", again);
        CU_ASSERT_EQUAL(requests_make_expire(&s.store, &limits, T0 + 3 + WINDOW, 100, &record), 1);
        store_abort(&s.store);
        CU_ASSERT_EQUAL(record.sequence, again == 3 ? 2 : 3);
        apply(&s, &record, 11, T0 + 3 + WINDOW);
        CU_ASSERT_EQUAL(s.store.published.requests, 1);
        CU_ASSERT(key_is_kept(&s, key) && stand_check_requests(&s));
        buffer_free(&values);
        stand_close(&s);
    }
}

/* --- sessions --- */

static const uint64_t sessions[] = {
    1,
    2,
    0xff,
    0x100,
    0x101,
    UINT64_C(0x0100000000),
    UINT64_C(0x0100000001),
    UINT64_C(0x7300000000000000), /* 's' */
    UINT64_C(0x7373737373737373),
    UINT64_C(0x6f00000000000000), /* 'o' */
    UINT64_C(0xfffffffffffffffe),
    UINT64_MAX,
};
static const uint64_t sequences[] = {1,         2, 3, 0x100, UINT64_C(0x0100000000000000), UINT64_MAX - 1,
                                     UINT64_MAX};

static uint64_t fill_sessions(struct stand *s)
{
    uint64_t lsn = 1;

    keep_key(s, "s", lsn++, T0); /* keys of clients that look like places */
    keep_key(s, "ssssssssssssssss", lsn++, T0);
    for (size_t i = 0; i < COUNT(sessions); i++) {
        for (size_t j = 0; j < COUNT(sequences); j++)
            keep(s, &(struct stand_who){.session = sessions[i], .sequence = sequences[j]}, lsn++, T0);
    }
    return lsn;
}

/* All that is kept but the places of `gone` up to `up_to`. */
static void check_sessions(struct stand *s, uint64_t gone, uint64_t up_to)
{
    for (size_t i = 0; i < COUNT(sessions); i++) {
        for (size_t j = 0; j < COUNT(sequences); j++) {
            bool want = sessions[i] != gone || sequences[j] > up_to;
            CHECK(place_is_kept(s, sessions[i], sequences[j]) == want,
                  "session %jx, sequence %ju after session %jx up to %ju", (uintmax_t)sessions[i],
                  (uintmax_t)sequences[j], (uintmax_t)gone, (uintmax_t)up_to);
        }
    }
    CU_ASSERT(key_is_kept(s, "s") && key_is_kept(s, "ssssssssssssssss"));
    CU_ASSERT(stand_check_requests(s));
}

static void test_confirm(void)
{
    static const uint64_t up_tos[] = {1,         2, 0xff, 0x100, UINT64_C(0x00ffffffffffffff), UINT64_MAX - 1,
                                      UINT64_MAX};

    for (size_t i = 0; i < COUNT(sessions); i++) {
        for (size_t j = 0; j < COUNT(up_tos); j++) {
            struct stand s;

            stand_open_view(&s, 1000);
            uint64_t lsn = fill_sessions(&s);
            check_sessions(&s, 0, 0);
            keep(&s, &(struct stand_who){.session = sessions[i], .sequence = 50, .confirmed = up_tos[j]}, lsn,
                 T0);
            check_sessions(&s, sessions[i], up_tos[j]);
            CU_ASSERT(place_is_kept(&s, sessions[i], 50)); /* its own place is not meant */
            stand_close(&s);
        }
    }
}

/* A repeat confirms nothing, and neither does a write without a session. */
static void test_confirm_by_batch(void)
{
    struct stand s;
    struct stand_who who = {.session = 6, .sequence = 1};

    stand_open(&s, disk_system());
    for (; who.sequence <= 3; who.sequence++)
        stand_do_as(&s, &who, OP_SET, CONDITION_NONE, 0, "x", "1");
    who = (struct stand_who){.confirmed = 3, .key = "k"};
    stand_do_as(&s, &who, OP_SET, CONDITION_NONE, 0, "x", "1");
    CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), 3);
    who = (struct stand_who){.session = 6, .sequence = 4, .confirmed = 2};
    stand_do_as(&s, &who, OP_SET, CONDITION_NONE, 0, "x", "1");
    CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), 2);
    CU_ASSERT(place_is_kept(&s, 6, 3) && place_is_kept(&s, 6, 4));
    stand_close(&s);
}

struct seen {
    uint64_t ids[64];
    size_t count;
};

static void see(uint64_t session, void *arg)
{
    struct seen *seen = arg;

    must(seen->count < COUNT(seen->ids));
    seen->ids[seen->count++] = session;
}

static void test_depart_and_list(void)
{
    for (size_t i = 0; i < COUNT(sessions); i++) {
        struct stand s;
        struct seen seen = {.count = 0};

        stand_open_view(&s, 1000);
        CU_ASSERT(requests_sessions(&s.store, see, &seen) == 0 && seen.count == 0);
        uint64_t lsn = fill_sessions(&s);
        must(store_begin(&s.store) == 0);
        CU_ASSERT(requests_has_session(&s.store, sessions[i]) == 1);
        CU_ASSERT(requests_has_session(&s.store, 0x102) == 0);
        store_abort(&s.store);
        apply(&s, &(struct record){.op = OP_DEPART, .queue_id = sessions[i]}, lsn, T0);
        check_sessions(&s, sessions[i], UINT64_MAX);
        must(store_begin(&s.store) == 0);
        for (size_t j = 0; j < COUNT(sessions); j++)
            CHECK(requests_has_session(&s.store, sessions[j]) == (i != j), "session %jx",
                  (uintmax_t)sessions[j]);
        store_abort(&s.store);
        CU_ASSERT_EQUAL(requests_sessions(&s.store, see, &seen), 0);
        CU_ASSERT_EQUAL(seen.count, COUNT(sessions) - 1);
        for (size_t j = 0; j < COUNT(sessions); j++) {
            unsigned times = 0;
            for (size_t k = 0; k < seen.count; k++)
                times += seen.ids[k] == sessions[j];
            CHECK(times == (i != j), "session %jx: %u times", (uintmax_t)sessions[j], times);
        }
        stand_close(&s);
    }
}

/* Through the batch: only those of which something is kept get a record. */
static void test_depart_by_batch(void)
{
    struct stand s;
    const uint64_t departed[] = {5, 6, 7};

    stand_open(&s, disk_system());
    for (uint64_t session = 6; session <= 8; session++)
        stand_do_as(&s, &(struct stand_who){.session = session, .sequence = 1}, OP_SET, CONDITION_NONE, 0,
                    "x", "1");
    uint64_t lsn = wal_next_lsn(s.wal);
    s.batch.departed = departed;
    s.batch.departed_count = COUNT(departed);
    CU_ASSERT_EQUAL(batch_run(&s.batch, NULL, 0), 0);
    CU_ASSERT_EQUAL(s.batch.departed_count, 0);
    CU_ASSERT_EQUAL(wal_next_lsn(s.wal), lsn + 2);
    CU_ASSERT(!place_is_kept(&s, 6, 1) && !place_is_kept(&s, 7, 1) && place_is_kept(&s, 8, 1));
    s.batch.departed_count = COUNT(departed);
    CU_ASSERT_EQUAL(batch_run(&s.batch, NULL, 0), 0);
    CU_ASSERT_EQUAL(wal_next_lsn(s.wal), lsn + 2);
    stand_close(&s);
}

/* --- everything at random, against a model --- */

enum {
    KEYS = 5,
    QUEUES = 3,
    IDEMPOTENCY_KEYS = 12,
    SESSIONS = 3,
    PLACES = 1000,
    ENTRIES = 6,
    BATCH = 8,
    OUTCOMES = 4000
};

struct model_outcome {
    enum result result;
    uint64_t lsn, version, size;
    unsigned number; /* of the value that was dequeued; 0: none */
    unsigned key;    /* of the client */
    uint8_t fingerprint;
    uint64_t record_lsn;
    unsigned batch; /* that did it: time */
};

struct model {
    uint64_t versions[KEYS]; /* 0: no such key */
    struct {
        bool there;
        unsigned head, tail, items[4000];
    } queues[QUEUES];
    struct model_outcome by_age[OUTCOMES]; /* of keys, the oldest first */
    unsigned count;
    struct model_outcome places[SESSIONS][PLACES];
    bool placed[SESSIONS][PLACES];
    uint64_t evicted;
};

static struct model_outcome *model_find_key(struct model *m, unsigned key)
{
    for (unsigned i = 0; i < m->count; i++) {
        if (m->by_age[i].key == key)
            return &m->by_age[i];
    }
    return NULL;
}

static void model_remove(struct model *m, unsigned at, unsigned count)
{
    m->count -= count;
    memmove(&m->by_age[at], &m->by_age[at + count], (m->count - at) * sizeof(m->by_age[0]));
}

/* What an operation does, and whether it is one that is logged. */
static bool model_do(struct model *m, const struct batch_item *item, unsigned name, unsigned number,
                     uint64_t lsn, struct model_outcome *o)
{
    const struct write_request *r = &item->request;
    bool key = r->op == OP_SET || r->op == OP_DELETE;
    uint64_t *version = &m->versions[key ? name : 0];
    unsigned size = m->queues[key ? 0 : name].tail - m->queues[key ? 0 : name].head;

    *o = (struct model_outcome){.result = RESULT_OK, .lsn = lsn};
    if (r->op == OP_SET && r->condition == CONDITION_ABSENT && *version != 0) {
        o->result = RESULT_PRECONDITION_FAILED;
        o->version = *version;
    } else if (r->op == OP_SET) {
        o->result = *version != 0 ? RESULT_OK : RESULT_CREATED;
        *version = o->version = lsn;
    } else if (r->op == OP_DELETE) {
        o->result = *version != 0 ? RESULT_OK : RESULT_NOT_FOUND;
        o->version = *version;
        *version = 0;
    } else if (r->op == OP_ENQUEUE) {
        m->queues[name].items[m->queues[name].tail++] = number;
        m->queues[name].there = true;
        o->size = size + 1;
    } else if (r->op == OP_DEQUEUE && size == 0) {
        o->result = RESULT_QUEUE_EMPTY;
    } else if (r->op == OP_DEQUEUE) {
        o->number = m->queues[name].items[m->queues[name].head++];
        o->size = size - 1;
    } else {
        o->result = m->queues[name].there ? RESULT_OK : RESULT_QUEUE_NOT_FOUND;
        m->queues[name].head = m->queues[name].tail;
        m->queues[name].there = m->queues[name].there && r->op == OP_CLEAR;
    }
    bool done = o->result == RESULT_OK || o->result == RESULT_CREATED;
    if (!done)
        o->lsn = lsn - 1;
    return done;
}

static void model_keep(struct model *m, const struct batch_item *item, unsigned key, struct model_outcome *o)
{
    const struct identity *i = &item->request.identity;

    if (i->session != 0) {
        for (uint64_t sequence = 1; sequence <= i->confirmed; sequence++)
            m->placed[i->session - 1][sequence] = false;
        m->placed[i->session - 1][i->sequence] = true;
        m->places[i->session - 1][i->sequence] = *o;
    }
    if (i->key.bytes > 0) {
        struct model_outcome *before = model_find_key(m, key);
        if (before != NULL)
            model_remove(m, (unsigned)(before - m->by_age), 1);
        o->key = key;
        o->fingerprint = i->fingerprint[0];
        m->by_age[m->count++] = *o;
    }
}

/* What must be let go of at the end of a batch. */
static unsigned model_expire(struct model *m, bool nothing_lasts, unsigned batch)
{
    unsigned gone = 0;

    while (gone < m->count) {
        bool old = nothing_lasts && m->by_age[gone].batch != batch;
        if (!old && m->count - gone <= ENTRIES)
            break;
        m->evicted += !old;
        gone++;
    }
    model_remove(m, 0, gone);
    return gone > 0;
}

struct run {
    struct stand s;
    struct model model, before; /* the batch that was done last */
    uint64_t random;
    unsigned batch, number;
    uint64_t next_sequence[SESSIONS];
    struct batch_item items[BATCH];
    unsigned names[BATCH], keys[BATCH], numbers[BATCH];
    char texts[BATCH][20], key_texts[BATCH][300], values[BATCH][9000];
};

static void choose(struct run *r, unsigned at)
{
    static const enum op ops[] = {OP_SET,     OP_SET,     OP_DELETE,  OP_ENQUEUE, OP_ENQUEUE, OP_ENQUEUE,
                                  OP_DEQUEUE, OP_DEQUEUE, OP_DEQUEUE, OP_CLEAR,   OP_FORGET};
    enum op op = ops[kit_below(&r->random, kit_below(&r->random, 4) == 0 ? COUNT(ops) : COUNT(ops) - 2)];
    bool key = op == OP_SET || op == OP_DELETE;
    struct stand_who who = {0};

    r->names[at] = kit_below(&r->random, key ? KEYS : QUEUES);
    r->numbers[at] = ++r->number;
    snprintf(r->texts[at], sizeof(r->texts[at]), "%s-%u", key ? "key" : "queue", r->names[at]);
    r->values[at][0] = '\0';
    if (op == OP_SET || op == OP_ENQUEUE) {
        int bytes = snprintf(r->values[at], sizeof(r->values[at]), "%u ", r->numbers[at]);
        size_t more =
            kit_below(&r->random, 20) == 0 ? kit_below(&r->random, 8500) : kit_below(&r->random, 30);
        memset(r->values[at] + bytes, 'v', more);
        r->values[at][(size_t)bytes + more] = '\0';
    }
    unsigned kind = kit_below(&r->random, 4); /* 1: a key, 2: a place, 3: both */
    r->keys[at] = kit_below(&r->random, IDEMPOTENCY_KEYS);
    if (kind & 1) {
        size_t bytes = 1 + r->keys[at] * IDEMPOTENCY_KEY_MAX / IDEMPOTENCY_KEYS;
        memset(r->key_texts[at], 'x', bytes); /* each begins with all that are shorter */
        r->key_texts[at][bytes] = '\0';
        who.key = r->key_texts[at];
        who.fingerprint = kit_below(&r->random, 5) == 0;
    }
    if (kind & 2) {
        who.session = 1 + kit_below(&r->random, SESSIONS);
        uint64_t *next = &r->next_sequence[who.session - 1];
        who.was_sent = kit_below(&r->random, 3) == 0;
        who.sequence = who.was_sent && *next > 0 ? 1 + kit_below(&r->random, (unsigned)*next) : ++*next;
        who.confirmed = kit_below(&r->random, 3) == 0 ? kit_below(&r->random, (unsigned)who.sequence) : 0;
        must(*next < PLACES);
    }
    r->items[at] = stand_item(&who, op, op == OP_SET && kit_below(&r->random, 4) == 0 ? CONDITION_ABSENT : 0,
                              0, r->texts[at], r->values[at]);
}

/* Compares an answer with what it must be, if there was one. */
static void check_item(struct run *r, unsigned at, const struct model_outcome *want, bool replayed)
{
    const struct write_result *got = &r->items[at].result;
    if (got->result == RESULT_OUTCOME_UNKNOWN)
        return;
    unsigned number = got->value.bytes > 0 ? (unsigned)atoi(got->value.at) : 0;

    CHECK(got->result == want->result && got->lsn == want->lsn && got->version == want->version &&
              got->size == want->size && number == want->number && got->replayed == replayed,
          "batch %u, item %u, %s: %s, LSN %ju, version %ju, size %ju, value %u, replayed %d; "
          "not %s, %ju, %ju, %ju, %u, %d",
          r->batch, at, op_text(r->items[at].request.op), result_text(got->result), (uintmax_t)got->lsn,
          (uintmax_t)got->version, (uintmax_t)got->size, number, got->replayed, result_text(want->result),
          (uintmax_t)want->lsn, (uintmax_t)want->version, (uintmax_t)want->size, want->number, replayed);
}

/* Does the batch in the model and compares its answers. Returns the LSN that comes next. */
static uint64_t check_batch(struct run *r, unsigned count, uint64_t lsn, bool nothing_lasts,
                            uint64_t departed)
{
    struct model *m = &r->model;

    for (unsigned i = 0; i < count; i++) {
        struct batch_item *item = &r->items[i];
        const struct identity *who = &item->request.identity;
        struct model_outcome o, *kept = who->key.bytes > 0 ? model_find_key(m, r->keys[i]) : NULL;

        if (who->session != 0 && item->was_sent && m->placed[who->session - 1][who->sequence]) {
            check_item(r, i, &m->places[who->session - 1][who->sequence], false);
            continue;
        }
        if (kept != NULL && !(nothing_lasts && kept->batch != r->batch)) {
            const struct model_outcome mismatch = {.result = RESULT_MISMATCH, .lsn = kept->lsn};
            bool same = kept->fingerprint == who->fingerprint[0];
            check_item(r, i, same ? kept : &mismatch, same);
            continue;
        }
        bool done = model_do(m, item, r->names[i], r->numbers[i], lsn, &o);
        check_item(r, i, &o, false);
        o.record_lsn = lsn;
        o.batch = r->batch;
        if (done || who->key.bytes > 0) {
            model_keep(m, item, r->keys[i], &o);
            lsn++;
        }
    }
    if (departed != 0) {
        bool any = false;
        for (unsigned i = 0; i < PLACES; i++) {
            any = any || m->placed[departed - 1][i];
            m->placed[departed - 1][i] = false;
        }
        lsn += any;
    }
    lsn += model_expire(m, nothing_lasts, r->batch);
    return lsn;
}

/* All that the model keeps is found, and nothing else is there. */
static void check_kept(struct run *r, struct stand *s)
{
    const struct model *m = &r->model;
    struct write_result result;
    struct buffer values = {0};
    uint64_t places = 0;

    for (unsigned i = 0; i < m->count; i++) {
        const struct model_outcome *o = &m->by_age[i];
        char text[300] = "";
        memset(text, 'x', 1 + o->key * IDEMPOTENCY_KEY_MAX / IDEMPOTENCY_KEYS);
        int rc = find(s, &(struct stand_who){.key = text, .fingerprint = o->fingerprint}, T0, FOREVER,
                      &result, &values);
        CHECK(rc == 1 && result.result == o->result && result.lsn == o->lsn && result.version == o->version &&
                  result.size == o->size && (values.bytes ? (unsigned)atoi(values.data) : 0) == o->number,
              "batch %u, key %u: %d", r->batch, o->key, rc);
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        for (unsigned j = 1; j < PLACES; j++) {
            places += m->placed[i][j];
            if (m->placed[i][j])
                CHECK(place_is_kept(s, i + 1, j), "batch %u, session %u, sequence %u", r->batch, i + 1, j);
        }
    }
    CHECK(s->store.published.requests == m->count && stand_count_requests(s, 's') == places &&
              s->store.published.requests_evicted == m->evicted,
          "batch %u: %ju, %ju, %ju; not %u, %ju, %ju", r->batch, (uintmax_t)s->store.published.requests,
          (uintmax_t)stand_count_requests(s, 's'), (uintmax_t)s->store.published.requests_evicted, m->count,
          (uintmax_t)places, (uintmax_t)m->evicted);
    stand_check_requests(s);
    buffer_free(&values);
}

/* One batch. */
static int do_batch(struct run *r)
{
    struct batch *b = &r->s.batch;
    unsigned count = kit_below(&r->random, BATCH + 1);
    bool nothing_lasts = kit_below(&r->random, 10) == 0;
    uint64_t departed = kit_below(&r->random, 12) == 0 ? 1 + kit_below(&r->random, SESSIONS) : 0;
    uint64_t lsn = wal_next_lsn(r->s.wal);

    for (unsigned i = 0; i < count; i++)
        choose(r, i);
    b->departed = &departed;
    b->departed_count = departed != 0;
    b->limits.window_ns = nothing_lasts ? 0 : FOREVER;
    r->before = r->model;
    int rc = batch_run(b, r->items, count);
    lsn = check_batch(r, count, lsn, nothing_lasts, departed);
    CHECK(rc != 0 || wal_next_lsn(r->s.wal) == lsn, "batch %u: LSN %ju, not %ju", r->batch,
          (uintmax_t)wal_next_lsn(r->s.wal), (uintmax_t)lsn);
    return rc;
}

/* What a power cut leaves of the log gives the same store; or, with a batch that failed in the middle, the
 * store with it or without it. Returns whether it is with it. */
static bool check_replay(struct run *r, const struct memory_disk *disk, bool failed)
{
    struct memory_disk *cut = memory_disk_clone(disk);
    struct stand replayed;

    memory_disk_cut(cut, MEMORY_LOSE_SOME, &r->random);
    stand_open_beside(&replayed, &r->s, NULL);
    stand_replay(&replayed, &r->s, &cut->disk);
    bool with_it = replayed.store.published.applied_lsn > r->s.store.published.applied_lsn;
    CHECK(failed || !with_it, "LSN %ju", (uintmax_t)replayed.store.published.applied_lsn);
    if (!with_it) {
        check_same(&r->s, &replayed);
        if (failed)
            r->model = r->before;
    }
    check_kept(r, &replayed);
    stand_close(&replayed);
    memory_disk_free(&cut);
    return with_it;
}

struct tally {
    unsigned failed, with_it;
};

/* One life: batches, at the last of which some call fails; then nothing of it may be seen. */
static void run_one(struct run *r, unsigned batches, unsigned fail_after, struct tally *tally)
{
    struct memory_disk *disk = memory_disk_new();
    struct buffer before = {0}, after = {0};

    disk->light = true;
    stand_open(&r->s, &disk->disk);
    r->s.batch.limits.entries_max = ENTRIES;
    for (r->batch = 1; r->batch < batches; r->batch++) {
        CHECK(do_batch(r) == 0, "batch %u", r->batch);
        if (r->batch % 8 == 0)
            check_kept(r, &r->s);
    }
    stand_dump(&r->s, &before);
    disk->fail_at = disk->calls + 1 + fail_after;
    disk->for_ever = fail_after % 2;
    bool failed = do_batch(r) != 0;
    disk->fail_at = 0;
    CHECK(!failed || disk->failed_call != NULL, "batch %u", r->batch);
    if (failed) {
        stand_dump(&r->s, &after);
        CHECK(span_equal(buffer_span(&before), buffer_span(&after)), "%u: a batch that failed left something",
              fail_after);
        tally->failed++;
    } else {
        check_kept(r, &r->s);
    }
    tally->with_it += check_replay(r, disk, failed);
    stand_close(&r->s);
    memory_disk_free(&disk);
    buffer_free(&before);
    buffer_free(&after);
}

static void test_against_model(void)
{
    uint64_t random = 4711;
    struct tally tally = {0};

    for (unsigned i = 0; i < 60; i++) {
        struct run *r = calloc(1, sizeof(*r));

        must(r != NULL);
        r->random = random;
        run_one(r, 20 + i % 5 * 10, i % 4, &tally);
        random = r->random;
        free(r);
    }
    CHECK(tally.failed >= 10 && tally.with_it >= 1 && tally.with_it < tally.failed, "%u and %u", tally.failed,
          tally.with_it);
}

/* --- when there is no room --- */

/* The view is full, to the end of what only deletes may use: what was answered is answered again, deletes go
 * on, and what is due of the outcomes waits or goes, but harms nothing. */
static void test_full_view(void)
{
    enum { VALUE = 100000 };
    static char value[VALUE + 1];
    struct stand s;
    char key[20];
    unsigned items = 0, taken = 0;
    struct write_result r;
    struct stand_who who = {.session = 1, .key = key};

    stand_open_sized(&s, disk_system(), 24 * 1024 * 1024);
    s.batch.limits.entries_max = 1000;
    const struct stand_who set = {.session = 2, .sequence = 1, .key = "set"};
    const struct write_result first = stand_do_as(&s, &set, OP_SET, CONDITION_NONE, 0, "key", "1");
    for (unsigned i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "small-%u", i);
        stand_do(&s, OP_SET, CONDITION_NONE, 0, key, "1");
    }
    memset(value, 'v', VALUE);
    do {
        snprintf(value, sizeof(value), "%06u", items);
        value[6] = 'v';
        r = stand_do(&s, OP_ENQUEUE, CONDITION_NONE, 0, "q", value);
        items += r.result == RESULT_OK;
    } while (r.result == RESULT_OK && items < 1000);
    CHECK(r.result == RESULT_STORAGE_FULL && items > 40, "%s after %u items", result_text(r.result), items);

    /* Each that is dequeued is kept twice, and so the view grows. */
    do {
        snprintf(key, sizeof(key), "take-%u", taken);
        who.sequence = taken + 1;
        who.was_sent = false;
        r = stand_do_as(&s, &who, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
        if (r.result != RESULT_OK)
            break;
        CHECK(r.value.bytes == VALUE && (unsigned)atoi(r.value.at) == taken, "%u", taken);
        who.was_sent = true;
        const struct write_result by_place = stand_do_as(&s, &who, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
        CHECK(by_place.result == RESULT_OK && by_place.lsn == r.lsn && by_place.value.bytes == VALUE &&
                  (unsigned)atoi(by_place.value.at) == taken && !by_place.replayed,
              "%u", taken);
        const struct write_result by_key =
            stand_do_as(&s, &(struct stand_who){.key = key}, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
        CHECK(by_key.result == RESULT_OK && by_key.lsn == r.lsn && by_key.value.bytes == VALUE &&
                  (unsigned)atoi(by_key.value.at) == taken && by_key.replayed,
              "%u", taken);
        taken++;
    } while (taken < items);
    CHECK(r.result == RESULT_STORAGE_FULL && taken > 20, "%s after %u of %u items", result_text(r.result),
          taken, items);
    CU_ASSERT(stand_check_requests(&s));
    CU_ASSERT_EQUAL(s.store.published.items, items - taken);

    /* Refused, and so not kept; what was done before is answered as before, though it adds data. */
    uint64_t lsn = wal_next_lsn(s.wal);
    CU_ASSERT_FALSE(key_is_kept(&s, key));
    const struct stand_who new_set = {.session = 2, .sequence = 2, .key = "new"}, by_key = {.key = "set"};
    const struct stand_who by_place = {.session = 2, .sequence = 1, .was_sent = true};
    struct batch_item again[] = {
        stand_item(&new_set, OP_SET, CONDITION_NONE, 0, "key", value),
        stand_item(&by_key, OP_SET, CONDITION_NONE, 0, "key", "1"),
        stand_item(&by_place, OP_SET, CONDITION_NONE, 0, "key", "1"),
    };
    CU_ASSERT_EQUAL(batch_run(&s.batch, again, COUNT(again)), 0);
    CU_ASSERT_EQUAL(again[0].result.result, RESULT_STORAGE_FULL);
    same_answer("a set", "in a full view, by key", &again[1].result, again[1].result.value, &first, SPAN(""),
                true);
    same_answer("a set", "in a full view, by place", &again[2].result, again[2].result.value, &first,
                SPAN(""), false);
    CU_ASSERT(!key_is_kept(&s, "new") && wal_next_lsn(s.wal) == lsn);

    /* More has to be let go of than there is room to write: deletes go on all the same. */
    s.batch.limits.entries_max = 0;
    const uint64_t departed[] = {1, 2};
    s.batch.departed = departed;
    s.batch.departed_count = COUNT(departed);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "small-%u", i);
        r = stand_do(&s, OP_DELETE, CONDITION_NONE, 0, key, "");
        CHECK(r.result == RESULT_OK, "delete %u: %s", i, result_text(r.result));
        nanosleep(&(struct timespec){0, 2000 * 1000}, NULL); /* two graces */
    }
    CU_ASSERT_EQUAL(s.batch.departed_count, 0);
    CU_ASSERT_EQUAL(s.store.published.requests, 0);
    CU_ASSERT_EQUAL(stand_count_requests(&s, 's'), 0);
    CU_ASSERT(stand_check_requests(&s));
    r = stand_do_as(&s, &new_set, OP_SET, CONDITION_NONE, 0, "key", value);
    CHECK(r.result == RESULT_OK, "%s", result_text(r.result));
    for (; taken < items; taken++) {
        r = stand_do(&s, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
        CHECK(r.value.bytes == VALUE && (unsigned)atoi(r.value.at) == taken, "%u", taken);
    }
    stand_close(&s);
}

static int no_room(struct disk *d, int fd, uint64_t offset, uint64_t bytes)
{
    (void)d;
    (void)fd;
    (void)offset;
    (void)bytes;
    return -ENOSPC;
}

/* The disk is full: the same. */
static void test_full_disk(void)
{
    struct memory_disk *disk = memory_disk_new();
    struct disk_calls full = *disk->disk.calls;
    static char value[5001];
    struct stand s;
    struct write_result r = {.result = RESULT_OK};
    char key[20];
    unsigned sets = 0;

    disk->light = true;
    stand_open(&s, &disk->disk);
    full.fallocate = no_room;
    disk->disk.calls = &full;
    for (uint64_t i = 0; i < sizeof(value) - 1; i++) /* that cannot be compressed */
        value[i] = (char)('!' + (i * i * 2654435761u >> 9) % 90);
    do {
        snprintf(key, sizeof(key), "set-%u", sets);
        r = stand_do_as(&s, &(struct stand_who){.session = 1, .sequence = sets + 1, .key = key}, OP_SET,
                        CONDITION_NONE, 0, "key", value);
        sets += r.result != RESULT_STORAGE_FULL;
    } while (r.result != RESULT_STORAGE_FULL && sets < 100);
    CHECK(r.result == RESULT_STORAGE_FULL && sets > 2 && strcmp(s.batch.refusing, "disk_full") == 0,
          "%s after %u", result_text(r.result), sets);
    CU_ASSERT(!key_is_kept(&s, key) && !place_is_kept(&s, 1, sets + 1));
    for (unsigned i = 0; i < sets; i++) {
        const struct stand_who by_place = {.session = 1, .sequence = i + 1, .was_sent = true};
        snprintf(key, sizeof(key), "set-%u", i);
        r = stand_do_as(&s, &by_place, OP_SET, CONDITION_NONE, 0, "key", value);
        CHECK(r.result == (i ? RESULT_OK : RESULT_CREATED) && !r.replayed, "%u: %s", i,
              result_text(r.result));
        r = stand_do_as(&s, &(struct stand_who){.key = key}, OP_SET, CONDITION_NONE, 0, "key", value);
        CHECK(r.result == (i ? RESULT_OK : RESULT_CREATED) && r.replayed, "%u: %s", i, result_text(r.result));
    }
    stand_close(&s);
    memory_disk_free(&disk);
}

/* Replay is faster than the writes were, and the pages that they used again are not free yet: it waits. */
static void test_replay_waits_for_room(void)
{
    enum { ROUNDS = 120, VALUE = 150000 };
    static char value[VALUE + 1];
    struct stand s, replayed;

    stand_open(&s, disk_system());
    s.batch.limits.entries_max = 2;
    memset(value, '1', VALUE);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        char key[20];
        snprintf(key, sizeof(key), "take-%ju", (uintmax_t)i);
        const struct stand_who who = {.session = 1, .sequence = i, .confirmed = i - 1, .key = key};
        CHECK(stand_do(&s, OP_ENQUEUE, CONDITION_NONE, 0, "q", value).result == RESULT_OK, "%ju",
              (uintmax_t)i);
        CHECK(stand_do_as(&s, &who, OP_DEQUEUE, CONDITION_NONE, 0, "q", "").result == RESULT_OK, "%ju",
              (uintmax_t)i);
        nanosleep(&(struct timespec){0, 2000 * 1000}, NULL);
    }
    CU_ASSERT_EQUAL(wal_stop(s.wal), 0);
    stand_open_view(&replayed, 150 * NS_PER_MS);
    stand_replay(&replayed, &s, disk_system());
    check_same(&s, &replayed);
    stand_close(&replayed);
    stand_close(&s);
}

void requests_suite(void)
{
    CU_pSuite suite = CU_add_suite("requests", NULL, NULL);

    CU_add_test(suite, "every operation, and its repeats", test_every_operation);
    CU_add_test(suite, "what may have been sent before", test_was_sent);
    CU_add_test(suite, "the key of another request", test_mismatch);
    CU_add_test(suite, "the window, to the nanosecond", test_window);
    CU_add_test(suite, "an expire record", test_expire_record);
    CU_add_test(suite, "what an expire record says", test_make_expire);
    CU_add_test(suite, "too many keys", test_too_many);
    CU_add_test(suite, "a key that is used again", test_used_again);
    CU_add_test(suite, "what a session has confirmed", test_confirm);
    CU_add_test(suite, "confirmed through the batch", test_confirm_by_batch);
    CU_add_test(suite, "sessions that depart, and their list", test_depart_and_list);
    CU_add_test(suite, "departed through the batch", test_depart_by_batch);
    CU_add_test(suite, "against a model, failing and replayed", test_against_model);
    CU_add_test(suite, "a full view", test_full_view);
    CU_add_test(suite, "a full disk", test_full_disk);
    CU_add_test(suite, "replay waits for room", test_replay_waits_for_room);
}
