/* SPDX-License-Identifier: MIT
 *
 * A new view is private until it is served: readers and later starts have the old one until then, also when
 * the new one comes to nothing, and its own pages are used again without a grace.
 */
#include "view_kit.h"

#include "log.h"
#include "memory_disk.h"
#include "view_read.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

void view_build_suite(void);

enum { VIEW_BYTES = 8 * 1024 * 1024, OLD_KEYS = 3, NEW_KEYS = 400 };

static const uint8_t uuid[UUID_BYTES] = {0xbb, 1};

struct place {
    char dir[KIT_PATH_BYTES];
    char path[KIT_PATH_BYTES + 16];
    struct view_owner *view;
    struct store store;
};

static void open_place(struct place *p, struct disk *disk)
{
    /* A grace that never ends: where there is one, no page is used twice. */
    const struct view_options options = {p->path, VIEW_BYTES, 3600 * NS_PER_S};

    must(view_open(&p->view, disk, &options) == 0);
}

static int build(struct place *p)
{
    struct view_state state;
    int fd;
    int rc = view_build_begin(p->view, &fd);

    if (!rc)
        rc = view_build_finish(p->view, uuid, &state);
    if (!rc)
        store_init(&p->store, p->view, &state, STAND_CHANGES);
    return rc;
}

static void set_keys(struct place *p, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char name[16];
        struct record record = {.op = OP_SET, .value = SPAN("1")};
        uint64_t lsn = p->store.published.applied_lsn + 1;

        record.name = (struct span){name, (size_t)snprintf(name, sizeof name, "key%u", i)};
        must(view_make_room(p->view, 1, 32, 0, true) == 0);
        must(store_begin(&p->store) == 0);
        must(store_apply(&p->store, &record, lsn, 1) == 0);
        must(store_commit(&p->store, lsn, lsn, 0, lsn) == 0);
    }
}

/* A view of OLD_KEYS keys that is served. */
static void begin(struct place *p)
{
    *p = (struct place){0};
    kit_temp_dir(p->dir);
    snprintf(p->path, sizeof p->path, "%s/view", p->dir);
    open_place(p, disk_system());
    must(build(p) == 0);
    set_keys(p, 0, OLD_KEYS);
    must(store_ready(&p->store) == 0);
}

static void close_view(struct place *p)
{
    store_free(&p->store);
    view_close(&p->view);
}

static uint64_t keys_seen(const struct place *p)
{
    struct view_state state = {0};
    struct view_reader *reader = view_reader_new(p->path, uuid, UINT64_MAX);

    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), 0);
    view_reader_free(&reader);
    return state.keys;
}

static void test_private_until_served(void)
{
    struct place p;
    struct view_state state = {0};

    begin(&p);
    struct view_reader *reader = view_reader_new(p.path, uuid, UINT64_MAX);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), 0);
    store_free(&p.store);
    CU_ASSERT_EQUAL_FATAL(build(&p), 0);
    CU_ASSERT_EQUAL(keys_seen(&p), OLD_KEYS);
    set_keys(&p, 0, NEW_KEYS);
    CU_ASSERT_EQUAL(keys_seen(&p), OLD_KEYS);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), 0);
    CU_ASSERT_EQUAL(state.keys, OLD_KEYS);
    CU_ASSERT_EQUAL(store_ready(&p.store), 0);
    CU_ASSERT_EQUAL(keys_seen(&p), NEW_KEYS);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), 0);
    CU_ASSERT_EQUAL(state.keys, NEW_KEYS);
    view_reader_free(&reader);
    close_view(&p);
    kit_remove_dir(p.dir);
}

/* The next start finds the old one as it was. */
static void test_one_that_comes_to_nothing(void)
{
    struct place p;
    struct view_state state;
    const char *why;

    begin(&p);
    store_free(&p.store);
    CU_ASSERT_EQUAL_FATAL(build(&p), 0);
    set_keys(&p, 0, NEW_KEYS);
    close_view(&p);
    char left[sizeof p.path + 8];
    snprintf(left, sizeof left, "%s.new", p.path);
    CU_ASSERT_NOT_EQUAL(access(left, F_OK), 0); /* it would take memory from the old one */
    open_place(&p, disk_system());
    CHECK(view_attach(p.view, uuid, &state, &why) == 0 && state.keys == OLD_KEYS, "%s", why);
    CU_ASSERT_EQUAL(keys_seen(&p), OLD_KEYS);
    view_close(&p.view);
    kit_remove_dir(p.dir);
}

static void test_no_grace(void)
{
    struct place p;
    struct view_use before, after;

    begin(&p);
    store_free(&p.store);
    CU_ASSERT_EQUAL_FATAL(build(&p), 0);
    view_use(p.view, &before);
    set_keys(&p, 0, NEW_KEYS);
    for (unsigned i = 0; i < 10; i++)
        set_keys(&p, 0, NEW_KEYS);
    view_use(p.view, &after);
    /* The keys take some twenty pages, a transaction less. */
    CHECK(after.used_bytes < before.used_bytes + 80 * 4096, "%ju bytes in use, before %ju",
          (uintmax_t)after.used_bytes, (uintmax_t)before.used_bytes);
    close_view(&p);
    kit_remove_dir(p.dir);
}

/* The k-th call finds no memory: either the new view is there, in the place of the old one if need be, or it
 * is not, and nobody has lost the old one but for its memory. */
static void test_no_memory(void)
{
    bool through = false;
    unsigned gone = 0, there = 0;

    for (uint64_t k = 1; k < 200 && !through; k++) {
        struct place p;
        begin(&p);
        close_view(&p);
        struct memory_disk *m = memory_disk_new();
        open_place(&p, &m->disk);
        m->fail_at = m->calls + k;
        m->error = ENOSPC;
        int rc = build(&p);
        bool old = access(p.path, F_OK) == 0;
        through = m->failed_call == NULL;
        if (!rc) {
            set_keys(&p, 0, NEW_KEYS);
            rc = store_ready(&p.store);
            through = m->failed_call == NULL;
        }
        CHECK(rc == 0 || rc == -ENOSPC, "call %ju (%s): %d", (uintmax_t)k, m->failed_call, rc);
        if (!rc) {
            CHECK(keys_seen(&p) == NEW_KEYS, "call %ju", (uintmax_t)k);
            gone += !old;
        } else {
            CHECK(old && keys_seen(&p) == OLD_KEYS, "call %ju (%s)", (uintmax_t)k, m->failed_call);
            there++;
        }
        close_view(&p);
        memory_disk_free(&m);
        kit_remove_dir(p.dir);
    }
    CHECK(through && gone > 0 && there > 0, "%u and %u", gone, there);
}

void view_build_suite(void)
{
    CU_pSuite suite = CU_add_suite("view_build", NULL, NULL);

    CU_add_test(suite, "private until it is served", test_private_until_served);
    CU_add_test(suite, "one that comes to nothing", test_one_that_comes_to_nothing);
    CU_add_test(suite, "no grace", test_no_grace);
    CU_add_test(suite, "no memory at every call", test_no_memory);
}
