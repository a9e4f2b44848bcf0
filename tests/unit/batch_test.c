/* SPDX-License-Identifier: MIT
 *
 * batch: what bounds one run. What requests do is in store_test.c, what is kept of them in requests_*_test.c.
 */
#include "batch.h"

#include "log.h"
#include "view_kit.h"

#include <stdio.h>
#include <stdlib.h>

void batch_suite(void);

enum { VALUE_BYTES = 1000 * 1000, ITEMS_MAX = 200 };

/* Fills queue q with large items until the view is full, or `most` are there; each begins with its number. */
static unsigned fill(struct stand *s, unsigned most)
{
    char *value = malloc(VALUE_BYTES + 1);
    unsigned items = 0;

    must(value != NULL);
    memset(value, 'v', VALUE_BYTES);
    value[VALUE_BYTES] = '\0';
    while (items < most) {
        char number[7];
        snprintf(number, sizeof(number), "%06u", items);
        memcpy(value, number, 6);
        if (stand_do(s, OP_ENQUEUE, CONDITION_NONE, 0, "q", value).result != RESULT_OK)
            break;
        items++;
    }
    free(value);
    return items;
}

static void dequeues(struct batch_item *items, unsigned count, uint64_t first_sequence)
{
    for (unsigned i = 0; i < count; i++)
        items[i] = stand_item(&(struct stand_who){.session = 7, .sequence = first_sequence + i}, OP_DEQUEUE,
                              CONDITION_NONE, 0, "q", "");
}

static bool is_item(const struct batch_item *item, unsigned number)
{
    return item->result.result == RESULT_OK && item->result.value.bytes == VALUE_BYTES &&
           (unsigned)atoi(item->result.value.at) == number;
}

/* A run ends behind the item that fills it, so that a few small requests cannot ask for any amount at once.
 */
static void test_values_of_one_run(void)
{
    struct stand s;
    static struct batch_item items[40];

    stand_open_sized(&s, disk_system(), 256 * 1024 * 1024);
    CU_ASSERT_EQUAL_FATAL(fill(&s, COUNT(items)), COUNT(items));
    dequeues(items, COUNT(items), 1);
    unsigned done = 0, runs = 0;
    while (done < COUNT(items) && runs < COUNT(items)) {
        CU_ASSERT_EQUAL_FATAL(batch_run(&s.batch, items + done, COUNT(items) - done), 0);
        CHECK(s.batch.taken > 0 && s.batch.values.bytes < 10 * 1000 * 1000, "%zu taken, %zu bytes",
              s.batch.taken, s.batch.values.bytes);
        for (size_t i = 0; i < s.batch.taken; i++)
            CHECK(is_item(&items[done + i], done + (unsigned)i), "item %zu of run %u", i, runs);
        done += (unsigned)s.batch.taken;
        runs++;
    }
    CHECK(runs == 5, "%u runs", runs);
    CU_ASSERT(stand_check_requests(&s));
    struct stand again;
    stand_open_beside(&again, &s, NULL);
    stand_replay(&again, &s, disk_system());
    CU_ASSERT_EQUAL(again.store.published.applied_lsn, s.store.published.applied_lsn);
    stand_close(&again);
    stand_close(&s);
}

/* More dequeues than what is kept of them has room for: as many as fit are done, in one run. */
static void test_room_for_some(void)
{
    struct stand s;
    static struct batch_item items[ITEMS_MAX];

    stand_open_sized(&s, disk_system(), 32 * 1024 * 1024);
    unsigned filled = fill(&s, ITEMS_MAX), done = 0, refused = 0, number = 0;
    CHECK(filled > 20 && filled < ITEMS_MAX, "%u items", filled);
    for (uint64_t sequence = 1; refused == 0 && sequence < 1000; sequence += filled) {
        dequeues(items, filled, sequence);
        CU_ASSERT_EQUAL_FATAL(batch_run(&s.batch, items, filled), 0);
        for (size_t i = 0; i < s.batch.taken; i++) {
            if (items[i].result.result == RESULT_STORAGE_FULL)
                refused++;
            else if (CHECK(refused == 0 && is_item(&items[i], number), "item %u: %s", number,
                           result_text(items[i].result.result)))
                number++, done++;
        }
    }
    CHECK(done > 4 && refused > 0, "%u done, %u refused", done, refused);
    CU_ASSERT_EQUAL(s.store.published.items, filled - done);
    CU_ASSERT(stand_check_requests(&s));
    stand_close(&s);
}

/* It is published and changes nothing, and what follows goes on behind it. */
static void test_mark(void)
{
    struct stand s, again;

    stand_open(&s, disk_system());
    CU_ASSERT_EQUAL(stand_do(&s, OP_SET, CONDITION_NONE, 0, "key", "1").result, RESULT_CREATED);
    CU_ASSERT_EQUAL(wal_witness(s.wal), 0);
    const struct view_state before = s.store.published;
    CU_ASSERT_EQUAL(batch_mark(&s.batch), 0);
    const struct view_state *after = &s.store.published;
    CU_ASSERT_EQUAL(after->applied_lsn, wal_next_lsn(s.wal) - 1);
    CU_ASSERT_EQUAL(after->applied_lsn, before.applied_lsn + 2);
    CU_ASSERT(after->applied_checksum != before.applied_checksum && after->applied_at > before.applied_at);
    CU_ASSERT(after->keys == 1 && after->key_bytes == before.key_bytes && after->ready);
    CU_ASSERT_EQUAL(s.batch.operations, 1);
    CU_ASSERT_EQUAL(stand_do(&s, OP_SET, CONDITION_NONE, 0, "key", "2").result, RESULT_OK);
    stand_open_beside(&again, &s, NULL);
    stand_replay(&again, &s, disk_system());
    CU_ASSERT_EQUAL(again.store.published.applied_lsn, after->applied_lsn);
    CU_ASSERT_EQUAL(again.store.published.applied_checksum, after->applied_checksum);
    stand_close(&again);
    stand_close(&s);
}

void batch_suite(void)
{
    CU_pSuite suite = CU_add_suite("batch", NULL, NULL);

    CU_add_test(suite, "the values of one run", test_values_of_one_run);
    CU_add_test(suite, "room for some of the values", test_room_for_some);
    CU_add_test(suite, "a mark", test_mark);
}
