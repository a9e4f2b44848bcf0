/* SPDX-License-Identifier: MIT
 *
 * [view-grace] at both ends: what a reader has found stays as it is for the grace, however much is committed
 * meanwhile; and afterwards its pages are used again, so that the view does not grow for ever.
 */
#include "clock.h"
#include "kit.h"
#include "log.h"
#include "view_kit.h"
#include "view_read.h"

#include <stdio.h>

void view_grace_suite(void);

enum { GRACE_MS = 400 };

static void set(struct stand *s, const char *value)
{
    struct record record = {.op = OP_SET, .name = SPAN("key"), .value = {value, strlen(value)}};
    uint64_t lsn = s->store.published.applied_lsn + 1;

    must(store_begin(&s->store) == 0);
    must(store_apply(&s->store, &record, lsn, 1) == 0);
    must(store_commit(&s->store, lsn, lsn, 0, lsn) == 0);
    /* Slow enough for the view to hold all that a grace keeps. */
    nanosleep(&(struct timespec){0, NS_PER_MS}, NULL);
}

struct look {
    struct stand *stand;
    unsigned commits;
    bool changed;
};

/* Looks at a value where it lies while the writer goes on for half of the grace. */
static int look_on(const struct view *view, void *arg)
{
    struct look *look = arg;
    uint64_t began = clock_monotonic_ns();
    MDB_val key = {3, "key"}, value;
    char kept[64], text[32];

    must(mdb_get(view->txn, view->kv, &key, &value) == 0 && value.mv_size <= sizeof(kept));
    memcpy(kept, value.mv_data, value.mv_size);
    for (look->commits = 0; clock_monotonic_ns() - began < GRACE_MS * NS_PER_MS / 2; look->commits++) {
        snprintf(text, sizeof(text), "%u", 100000 + look->commits);
        set(look->stand, text);
        look->changed = look->changed || memcmp(kept, value.mv_data, value.mv_size) != 0;
    }
    return 0;
}

static void test_what_a_reader_sees_stays(void)
{
    struct stand s;
    struct view_use before, after;

    stand_open_view(&s, GRACE_MS * NS_PER_MS);
    set(&s, "\"before\"");
    struct view_reader *reader = view_reader_new(s.view_path, NULL, GRACE_MS * NS_PER_MS);
    struct look look = {.stand = &s};
    CU_ASSERT_EQUAL(view_read(reader, look_on, &look), 0);
    CHECK(look.commits > 20, "%u commits", look.commits);
    CHECK(!look.changed, "what a reader saw had changed within the grace, after %u commits", look.commits);
    view_reader_free(&reader);

    /* A grace later the pages of all these commits are there to be used again. */
    view_use(s.view, &before);
    for (uint64_t began = clock_monotonic_ns(); clock_monotonic_ns() - began < 2 * GRACE_MS * NS_PER_MS;)
        set(&s, "\"later\"");
    for (unsigned i = 0; i < look.commits; i++)
        set(&s, "\"last\"");
    view_use(s.view, &after);
    CHECK(after.used_bytes < 6 * before.used_bytes, "%ju bytes were in use, and now %ju are",
          (uintmax_t)before.used_bytes, (uintmax_t)after.used_bytes);
    stand_close(&s);
}

void view_grace_suite(void)
{
    CU_pSuite suite = CU_add_suite("view_grace", NULL, NULL);

    CU_add_test(suite, "what a reader sees stays, for the grace", test_what_a_reader_sees_stays);
}
