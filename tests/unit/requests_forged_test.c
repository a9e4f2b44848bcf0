/* SPDX-License-Identifier: MIT
 *
 * requests on a real view: an outcome in the view that is none, as a forged snapshot may have, is reported
 * and never followed. What requests are for is held by requests_test.c and system/idempotency_test.py.
 */
#include "requests.h"

#include "view_kit.h"

#include <errno.h>

void requests_forged_suite(void);

#define SESSION UINT64_C(0x700000005)

static const struct identity with_both = {.session = SESSION, .sequence = 1, .key = {"key", 3}};

/* An enqueue with an idempotency key in a session, which keeps one outcome for each. */
static uint64_t keep_one(struct stand *s)
{
    struct batch_item item = {.request = {.op = OP_ENQUEUE, .name = {"q", 1}, .value = {"1", 1}}};
    item.request.identity = with_both;
    CU_ASSERT_EQUAL_FATAL(batch_run(&s->batch, &item, 1), 0);
    CU_ASSERT_EQUAL(item.result.result, RESULT_OK);
    return item.result.lsn;
}

static MDB_val entry(struct stand *s, char kind, struct span rest, char room[64])
{
    room[0] = kind;
    memcpy(room + 1, rest.at, rest.bytes);
    MDB_val key = {1 + rest.bytes, room}, value;
    CU_ASSERT_EQUAL_FATAL(mdb_get(s->store.txn, view_handles(s->view)->requests, &key, &value), 0);
    return value;
}

static void put_entry(struct stand *s, char kind, struct span rest, struct span bytes)
{
    char room[64] = {kind};
    memcpy(room + 1, rest.at, rest.bytes);
    MDB_val key = {1 + rest.bytes, room}, value = {bytes.bytes, (void *)bytes.at};
    CU_ASSERT_EQUAL_FATAL(mdb_put(s->store.txn, view_handles(s->view)->requests, &key, &value, 0), 0);
}

static int find(struct stand *s, const struct identity *i, bool was_sent)
{
    struct write_result result;
    struct buffer values = {0};
    int rc = requests_find(&s->store, i, was_sent, 1, STAND_WINDOW_NS, &result, &values);
    buffer_free(&values);
    return rc;
}

static void test_forged_outcomes(void)
{
    static const struct {
        const char *what;
        size_t bytes; /* of the outcome; 0: as it was */
        size_t at;
        uint16_t number; /* written there */
        bool key_too;    /* damage that shows only with the idempotency key */
    } rows[] = {
        {"nothing", 1, 0, 0, false},
        {"cut in its head", VIEW_OUTCOME_BYTES - 1, 0, 0, false},
        {"an unknown result", 0, 0, RESULT_LIMIT, false},
        {"something where 0 must be", 0, 4, 1, false},
        {"more key than there is", VIEW_OUTCOME_BYTES + 3, 2, 4, false},
        {"a key longer than any", VIEW_OUTCOME_BYTES + 4000, 2, IDEMPOTENCY_KEY_MAX + 1, false},
        {"a key as long as it can be", VIEW_OUTCOME_BYTES + 4000, 2, 4000, false},
        {"the key of another", 0, VIEW_OUTCOME_BYTES, 0x2121, true},
    };
    struct stand s;
    char lsn_key[8], session_key[16], room[64];
    static char outcome[8192];
    stand_open(&s, disk_system());
    put_u64_be(lsn_key, keep_one(&s));
    put_u64_be(session_key, with_both.session);
    put_u64_be(session_key + 8, with_both.sequence);
    struct span by_lsn = {lsn_key, sizeof lsn_key}, by_session = {session_key, sizeof session_key};
    const struct identity key_only = {.key = with_both.key}, place_only = {.session = SESSION, .sequence = 1};
    const struct record expire = {.op = OP_EXPIRE, .sequence = UINT64_MAX};
    for (size_t i = 0; i < COUNT(rows); i++) {
        CU_ASSERT_EQUAL_FATAL(store_begin(&s.store), 0);
        CU_ASSERT_EQUAL(find(&s, &key_only, false), 1);
        CU_ASSERT_EQUAL(find(&s, &place_only, true), 1);
        CU_ASSERT_EQUAL(find(&s, &place_only, false), 0);
        for (int which = 0; which < 2; which++) {
            struct span at = which ? by_session : by_lsn;
            MDB_val was = entry(&s, which ? 's' : 'o', at, room);
            size_t bytes = rows[i].bytes ? rows[i].bytes : was.mv_size;
            memset(outcome, 'k', sizeof outcome);
            memcpy(outcome, was.mv_data, was.mv_size);
            put_u16(outcome + rows[i].at, rows[i].number);
            if (!rows[i].key_too || !which)
                put_entry(&s, which ? 's' : 'o', at, (struct span){outcome, bytes});
        }
        if (!rows[i].key_too) {
            CHECK(find(&s, &key_only, false) == -EBADMSG, "%s, by its key", rows[i].what);
            CHECK(find(&s, &place_only, true) == -EBADMSG, "%s, by its place", rows[i].what);
        }
        CHECK(requests_expire(&s.store, &expire) == -EBADMSG, "%s, expired", rows[i].what);
        store_abort(&s.store);
    }
    stand_close(&s);
}

/* The entry of a key that points nowhere, or at nothing that is an LSN. */
static void test_forged_keys(void)
{
    static const struct {
        const char *what;
        struct span points;
    } rows[] = {
        {"too short", {"\1", 1}},
        {"too long", {"\1\0\0\0\0\0\0\0\0", 9}},
        {"to nothing", {"\xff\0\0\0\0\0\0\0", 8}},
    };
    struct stand s;
    const struct identity key_only = {.key = with_both.key};
    stand_open(&s, disk_system());
    keep_one(&s);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CU_ASSERT_EQUAL_FATAL(store_begin(&s.store), 0);
        put_entry(&s, 'k', with_both.key, rows[i].points);
        CHECK(find(&s, &key_only, false) == -EBADMSG, "%s", rows[i].what);
        store_abort(&s.store);
    }
    stand_close(&s);
}

void requests_forged_suite(void)
{
    CU_pSuite suite = CU_add_suite("requests_forged", NULL, NULL);

    CU_add_test(suite, "outcomes that are none", test_forged_outcomes);
    CU_add_test(suite, "keys that point nowhere", test_forged_keys);
}
