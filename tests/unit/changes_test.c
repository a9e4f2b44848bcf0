/* SPDX-License-Identifier: MIT
 *
 * changes: the history holds what the answers said, LSN by LSN, and nothing else; it is bounded, says from
 * where on it is complete, and is the same after a replay.
 */
#include "changes.h"

#include "log.h"
#include "view_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void changes_suite(void);

enum { NAMES = 40, BATCH_MAX = 120, CHANGES_MAX = 40000, ROW_BYTES_MAX = 960 };

/* What the answers say that happened. */
static struct change expected[CHANGES_MAX];
static size_t expected_count;

static char names[NAMES][NAME_BYTES_MAX + 1];

static void make_names(void)
{
    for (unsigned i = 0; i < NAMES; i++) {
        size_t bytes = i < 4 ? NAME_BYTES_MAX - i : 1 + i * 3;
        memset(names[i], 'a' + (int)(i % 26), bytes);
        snprintf(names[i], 4, "%02u", i);
        names[i][2] = '.';
        names[i][bytes < 3 ? 3 : bytes] = '\0';
    }
}

static enum op random_op(uint64_t *random)
{
    static const enum op ops[] = {OP_SET,     OP_SET,     OP_DELETE, OP_ENQUEUE, OP_ENQUEUE,
                                  OP_DEQUEUE, OP_DEQUEUE, OP_CLEAR,  OP_FORGET};
    return ops[kit_below(random, COUNT(ops))];
}

/* One batch, whose answers are noted. */
static void run(struct stand *s, uint64_t *random, unsigned count)
{
    struct batch_item items[BATCH_MAX];

    for (unsigned i = 0; i < count; i++) {
        enum op op = random_op(random);
        bool has_value = op == OP_SET || op == OP_ENQUEUE;
        items[i] = stand_item(&(struct stand_who){0}, op, CONDITION_NONE, 0, names[kit_below(random, NAMES)],
                              has_value ? "1" : "");
    }
    CU_ASSERT_EQUAL_FATAL(batch_run(&s->batch, items, count), 0);
    for (unsigned i = 0; i < count; i++) {
        const struct write_request *r = &items[i].request;
        const struct write_result *result = &items[i].result;
        bool queue = r->op != OP_SET && r->op != OP_DELETE;

        if (result->result > RESULT_CREATED)
            continue;
        must(expected_count < CHANGES_MAX);
        expected[expected_count++] = (struct change){
            .op = r->op,
            .created = result->result == RESULT_CREATED,
            .lsn = result->lsn,
            .size = queue ? result->size : 0,
            .name = r->name,
        };
    }
}

static bool same(const struct change *a, const struct change *b)
{
    /* Of a queue, the answer does not say whether it is new; test_created() looks. */
    bool created = a->op == OP_ENQUEUE || a->created == b->created;
    return a->op == b->op && created && a->lsn == b->lsn && a->size == b->size &&
           span_equal(a->name, b->name);
}

/* Compares the rows with what is expected, from the end. Returns the changes that are kept. */
static size_t check(struct stand *s)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    const struct view_state *state = &s->store.published;
    size_t at = 0, kept = 0;
    uint64_t last = 0;

    must(view_begin_read(s->view, &txn) == 0);
    must(mdb_cursor_open(txn, view_handles(s->view)->changes, &cursor) == 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct span row = {value.mv_data, value.mv_size};
        struct change change;
        uint64_t row_lsn = get_u64_be(key.mv_data);
        int rc = 0;

        CHECK(key.mv_size == 8 && row.bytes <= ROW_BYTES_MAX, "a row of %zu bytes", row.bytes);
        while ((rc = change_decode(&row, row_lsn, &change)) == 1) {
            if (kept++ == 0) {
                CU_ASSERT_EQUAL(change.lsn, row_lsn);
                CHECK(change.lsn > state->changes_after, "LSN %ju is kept, complete behind %ju",
                      (uintmax_t)change.lsn, (uintmax_t)state->changes_after);
                while (at < expected_count && expected[at].lsn <= state->changes_after)
                    at++;
            }
            CHECK(change.lsn > last, "LSN %ju behind %ju", (uintmax_t)change.lsn, (uintmax_t)last);
            last = change.lsn;
            if (!CHECK(at < expected_count && same(&change, &expected[at]), "change %zu of LSN %ju: %s %.*s",
                       at, (uintmax_t)change.lsn, op_text(change.op), (int)change.name.bytes, change.name.at))
                goto out;
            at++;
        }
        CU_ASSERT_EQUAL(rc, 0);
    }
    CHECK(at == expected_count, "%zu of %zu changes", at, expected_count);
out:
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return kept;
}

/* The history as such, in batches of every size, and replayed. */
static void test_history(void)
{
    struct stand s, again;
    uint64_t random = 7;

    make_names();
    expected_count = 0;
    stand_open(&s, disk_system());
    for (unsigned i = 0; i < 400; i++) {
        run(&s, &random, i % 3 ? 1 + i % 7 : 1 + kit_below(&random, BATCH_MAX));
        if (i % 20 == 0)
            check(&s);
        uint64_t behind = s.store.published.applied_lsn - s.store.published.changes_after;
        CHECK(behind <= STAND_CHANGES + STAND_CHANGES / 8 + 2 * BATCH_MAX, "%ju LSNs are kept",
              (uintmax_t)behind);
    }
    size_t kept = check(&s);
    CHECK(kept >= STAND_CHANGES && kept < expected_count, "%zu of %zu", kept, expected_count);
    stand_open_beside(&again, &s, NULL);
    stand_replay(&again, &s, disk_system());
    CHECK(check(&again) == kept, "%zu kept", kept);
    CU_ASSERT_EQUAL(again.store.published.changes_after, s.store.published.changes_after);
    stand_close(&again);
    stand_close(&s);
}

/* A small view keeps less of it: a sixteenth. */
static void test_share_of_a_small_view(void)
{
    struct stand s;
    uint64_t random = 9;
    MDB_txn *txn;
    MDB_stat stat;

    make_names();
    expected_count = 0;
    stand_open(&s, disk_system());
    s.store.changes.history = 1000000;
    for (unsigned i = 0; i < 400; i++)
        run(&s, &random, BATCH_MAX / 2);
    check(&s);
    must(view_begin_read(s.view, &txn) == 0);
    must(mdb_stat(txn, view_handles(s.view)->changes, &stat) == 0);
    mdb_txn_abort(txn);
    size_t bytes = (stat.ms_leaf_pages + stat.ms_branch_pages + stat.ms_overflow_pages) * stat.ms_psize;
    CHECK(bytes < s.view_bytes / 16 + 65536 && bytes > s.view_bytes / 32, "%zu bytes of %ju", bytes,
          (uintmax_t)s.view_bytes);
    CU_ASSERT(s.store.published.changes_after > 0);
    stand_close(&s);
}

/* What was refused, or given up with its batch, did not happen; a history of 0 is none. */
static void test_none(void)
{
    struct stand s;
    uint64_t random = 11;

    expected_count = 0;
    stand_open(&s, disk_system());
    stand_do(&s, OP_DELETE, CONDITION_NONE, 0, "none", "");
    stand_do(&s, OP_DEQUEUE, CONDITION_NONE, 0, "none", "");
    CU_ASSERT_EQUAL(check(&s), 0);
    must(store_begin(&s.store) == 0);
    must(changes_add(&s.store, &(struct change){OP_SET, true, 5, 0, SPAN("lost")}) == 0);
    store_abort(&s.store);
    CU_ASSERT_EQUAL(check(&s), 0);
    s.store.changes.history = 0;
    make_names();
    run(&s, &random, 20);
    CU_ASSERT(expected_count > 0);
    expected_count = 0;
    CU_ASSERT_EQUAL(check(&s), 0);
    CU_ASSERT_EQUAL(s.store.published.changes_after, s.store.published.applied_lsn);
    stand_close(&s);
}

static void test_created(void)
{
    static const struct {
        enum op op;
        bool created;
        uint64_t size;
    } wanted[] = {{OP_ENQUEUE, true, 1},  {OP_ENQUEUE, false, 2}, {OP_CLEAR, false, 0},
                  {OP_ENQUEUE, false, 1}, {OP_FORGET, false, 0},  {OP_ENQUEUE, true, 1},
                  {OP_SET, true, 0},      {OP_SET, false, 0},     {OP_DEQUEUE, false, 0},
                  {OP_DELETE, false, 0},  {OP_SET, true, 0}};
    struct stand s;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    size_t at = 0;

    stand_open(&s, disk_system());
    for (size_t i = 0; i < COUNT(wanted); i++)
        stand_do(&s, wanted[i].op, CONDITION_NONE, 0, "n",
                 wanted[i].op == OP_SET || wanted[i].op == OP_ENQUEUE ? "1" : "");
    must(view_begin_read(s.view, &txn) == 0);
    must(mdb_cursor_open(txn, view_handles(s.view)->changes, &cursor) == 0);
    for (; mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0 && at < COUNT(wanted); at++) {
        struct span row = {value.mv_data, value.mv_size};
        struct change c;
        CU_ASSERT_EQUAL(change_decode(&row, get_u64_be(key.mv_data), &c), 1);
        CHECK(c.op == wanted[at].op && c.created == wanted[at].created && c.size == wanted[at].size,
              "change %zu: %s, created %d, size %ju", at, op_text(c.op), c.created, (uintmax_t)c.size);
    }
    CU_ASSERT_EQUAL(at, COUNT(wanted));
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    stand_close(&s);
}

/* What is no row of changes is seen as that, wherever it is wrong. */
static void test_decoder(void)
{
    struct buffer row = {0};
    const struct change changes[] = {{OP_SET, true, 100, 0, SPAN("key")},
                                     {OP_ENQUEUE, false, 100ull + UINT32_MAX, 7, SPAN("queue")}};
    struct change back;

    for (size_t i = 0; i < COUNT(changes); i++)
        change_encode(&row, 100, &changes[i]);
    struct span rest = buffer_span(&row);
    for (size_t i = 0; i < COUNT(changes); i++) {
        CU_ASSERT_EQUAL(change_decode(&rest, 100, &back), 1);
        CU_ASSERT(same(&back, &changes[i]) && back.created == changes[i].created);
    }
    CU_ASSERT_EQUAL(change_decode(&rest, 100, &back), 0);
    size_t first = CHANGE_FIXED_BYTES + 3;
    for (size_t bytes = 1; bytes < first; bytes++) {
        char *boxed = kit_boxed(row.data, bytes);
        rest = (struct span){boxed, bytes};
        CHECK(change_decode(&rest, 100, &back) == -EBADMSG, "%zu bytes", bytes);
        free(boxed);
    }
    static const struct {
        size_t at;
        char byte;
        const char *what;
    } bad[] = {{0, OP_NOOP, "no write"}, {0, OP_EXPIRE, "the log's own"}, {1, 2, "created twice"},
               {2, 0, "no name"},        {16, '\0', "NUL in a name"},     {16, '\xff', "no UTF-8"}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char bytes[64];
        memcpy(bytes, row.data, first);
        bytes[bad[i].at] = bad[i].byte;
        rest = (struct span){bytes, first};
        CHECK(change_decode(&rest, 100, &back) == -EBADMSG, "%s", bad[i].what);
    }
    buffer_free(&row);
}

void changes_suite(void)
{
    CU_pSuite suite = CU_add_suite("changes", NULL, NULL);

    CU_add_test(suite, "the history", test_history);
    CU_add_test(suite, "its share of a small view", test_share_of_a_small_view);
    CU_add_test(suite, "what did not happen", test_none);
    CU_add_test(suite, "what is new, and sizes", test_created);
    CU_add_test(suite, "decoder", test_decoder);
}
