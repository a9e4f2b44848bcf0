/* SPDX-License-Identifier: MIT
 *
 * Tests of common/view_read, the reader's end of [view-grace]: everything that is not a ready view of this
 * store is "not now", a read that took too long or saw the generation change is done again, and a change of
 * generation is followed to the new view.
 *
 * The views here are made by LMDB alone, so that every part of one can be wrong; the last tests read what the
 * real writing end publishes.
 */
#include "clock.h"
#include "log.h"
#include "view_kit.h"
#include "view_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void view_read_suite(void);

enum { GRACE_NS = 1000 * 1000 };

static const uint8_t our_uuid[UUID_BYTES] = {7, 7}, other_uuid[UUID_BYTES] = {8, 8};

#define X(name) DATABASE_##name,
enum { VIEW_DATABASES(X) DATABASE_COUNT };
#undef X

/* What a view says, and what is wrong with it. */
struct forged {
    uint64_t generation, serving_generation;
    uint64_t keys; /* to tell one view from another */
    bool not_ready;
    uint32_t layout;
    size_t state_bytes; /* 0: none */
    int missing_database;
    const char *gen_magic;
    size_t gen_bytes;
    size_t map_bytes;
};

static struct forged good_view(void)
{
    return (struct forged){.generation = 3,
                           .serving_generation = 3,
                           .keys = 42,
                           .layout = VIEW_LAYOUT,
                           .state_bytes = VIEW_STATE_BYTES,
                           .missing_database = DATABASE_COUNT,
                           .gen_magic = VIEW_GEN_MAGIC,
                           .gen_bytes = VIEW_GEN_BYTES,
                           .map_bytes = 1024 * 1024};
}

/* A directory and the paths of a view in it. */
struct place {
    char dir[KIT_PATH_BYTES], view[KIT_PATH_BYTES + 16], gen[KIT_PATH_BYTES + 16];
};

static void place_open(struct place *p)
{
    kit_temp_dir(p->dir);
    snprintf(p->view, sizeof(p->view), "%s/view", p->dir);
    snprintf(p->gen, sizeof(p->gen), "%s/view.gen", p->dir);
}

static void write_gen(const struct place *p, const struct forged *f)
{
    char page[VIEW_GEN_BYTES] = {0};
    int fd = open(p->gen, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    memcpy(page, f->gen_magic, 8);
    put_u64(page + 8, f->serving_generation);
    put_u64(page + VIEW_GEN_GRACE_AT, 10 * NS_PER_S);
    must(fd >= 0 && pwrite(fd, page, f->gen_bytes, 0) == (ssize_t)f->gen_bytes);
    must(ftruncate(fd, (off_t)f->gen_bytes) == 0);
    close(fd);
}

/* Puts the view in place of one that is there, which those who have it mapped keep. */
static void forge(const struct place *p, const struct forged *f)
{
    static const char *const names[] = {
#define X(name) #name,
        VIEW_DATABASES(X)
#undef X
    };
    struct view_state state = {
        .layout = f->layout, .ready = !f->not_ready, .generation = f->generation, .keys = f->keys};
    char path[KIT_PATH_BYTES + 16], bytes[VIEW_STATE_BYTES + 1] = {0};
    MDB_env *env;
    MDB_txn *txn;

    memcpy(state.uuid, our_uuid, UUID_BYTES);
    view_state_encode(bytes, &state);
    snprintf(path, sizeof(path), "%s/new", p->dir);
    must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0);
    must(mdb_env_set_mapsize(env, f->map_bytes) == 0);
    must(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600) == 0);
    must(mdb_txn_begin(env, NULL, 0, &txn) == 0);
    for (int i = 0; i < DATABASE_COUNT; i++) {
        MDB_val key = {sizeof(VIEW_STATE_KEY) - 1, VIEW_STATE_KEY}, value = {f->state_bytes, bytes};
        MDB_dbi database;

        if (i == f->missing_database)
            continue;
        must(mdb_dbi_open(txn, names[i], MDB_CREATE, &database) == 0);
        if (i == DATABASE_meta && f->state_bytes > 0)
            must(mdb_put(txn, database, &key, &value, 0) == 0);
    }
    must(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
    must(rename(path, p->view) == 0);
    write_gen(p, f);
}

static uint64_t keys_seen(struct view_reader *reader)
{
    struct view_state state = {0};

    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), 0);
    return state.keys;
}

static int read_state_of(const struct place *p, const uint8_t *uuid, uint64_t grace_ns)
{
    struct view_reader *reader = view_reader_new(p->view, uuid, grace_ns);
    struct view_state state;
    int rc = view_read(reader, view_read_state, &state);

    if (rc == 0)
        CU_ASSERT_EQUAL(state.keys, 42);
    CU_ASSERT_EQUAL(view_reader_generation(reader), rc == 0 ? 3 : 0);
    view_reader_free(&reader);
    CU_ASSERT_PTR_NULL(reader);
    return rc;
}

/* Each field of a view in turn, first right and then wrong. */
static void test_what_is_no_view(void)
{
    const struct {
        const char *name;
        struct forged view;
        int wanted;
    } rows[] = {
#define ROW(name, wanted, ...)                                                                               \
    {name, ({                                                                                                \
         struct forged f = good_view();                                                                      \
         (void)(__VA_ARGS__);                                                                                \
         f;                                                                                                  \
     }),                                                                                                     \
     wanted}
        ROW("good", 0, f.generation),
        ROW("not ready", -EAGAIN, f.not_ready = true),
        ROW("of an older generation", -EAGAIN, f.generation = 2),
        ROW("of a newer generation", -EAGAIN, f.generation = 4),
        ROW("another layout", -EAGAIN, f.layout = VIEW_LAYOUT + 1),
        ROW("no state", -EAGAIN, f.state_bytes = 0),
        ROW("a short state", -EAGAIN, f.state_bytes = VIEW_STATE_BYTES - 1),
        ROW("a shorter state", -EAGAIN, f.state_bytes = 100),
        ROW("a long state", -EAGAIN, f.state_bytes = VIEW_STATE_BYTES + 1),
        ROW("without meta", -EAGAIN, f.missing_database = DATABASE_meta),
        ROW("without kv", -EAGAIN, f.missing_database = DATABASE_kv),
        ROW("without queues", -EAGAIN, f.missing_database = DATABASE_queues),
        ROW("without items", -EAGAIN, f.missing_database = DATABASE_items),
        ROW("without trash", -EAGAIN, f.missing_database = DATABASE_trash),
        ROW("another magic", -EAGAIN, f.gen_magic = "WKVGEN02"),
        ROW("a short generation page", -EAGAIN, f.gen_bytes = VIEW_GEN_BYTES - 1),
        ROW("an empty generation page", -EAGAIN, f.gen_bytes = 0),
#undef ROW
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place p;

        place_open(&p);
        forge(&p, &rows[i].view);
        int rc = read_state_of(&p, our_uuid, 0);
        CHECK(rc == rows[i].wanted, "%s: %d", rows[i].name, rc);
        kit_remove_dir(p.dir);
    }
}

static void test_whose_view(void)
{
    const struct forged good = good_view();
    struct place p;

    place_open(&p);
    forge(&p, &good);
    CU_ASSERT_EQUAL(read_state_of(&p, our_uuid, 0), 0);
    CU_ASSERT_EQUAL(read_state_of(&p, NULL, 0), 0); /* any store */
    CU_ASSERT_EQUAL(read_state_of(&p, other_uuid, 0), -EAGAIN);
    kit_remove_dir(p.dir);
}

/* Something else than the two files, by commands of a shell that stands in their directory. */
static void test_what_is_no_file(void)
{
    static const struct {
        const char *name, *command;
        int wanted;
    } rows[] = {
        {"nothing", "rm view view.gen", -EAGAIN},
        {"no generation page", "rm view.gen", -EAGAIN},
        {"no view", "rm view", -EAGAIN},
        {"an empty view", ": >view", -EAGAIN},
        {"a view that is a directory", "rm view; mkdir view", -EAGAIN},
        {"a view that is no database", "head -c 100000 /dev/zero >view", -EAGAIN},
        {"a view that is shorter than a page", "truncate -s 100 view", -EAGAIN},
        {"a generation page behind a link", "mv view.gen page; ln -s page view.gen", -ELOOP},
    };
    const struct forged good = good_view();

    for (size_t i = 0; i < COUNT(rows); i++) {
        char command[300];
        struct place p;

        place_open(&p);
        forge(&p, &good);
        snprintf(command, sizeof(command), "cd %s && { %s; }", p.dir, rows[i].command);
        must(system(command) == 0);
        int rc = read_state_of(&p, our_uuid, 0);
        CHECK(rc == rows[i].wanted, "%s: %d", rows[i].name, rc);
        kit_remove_dir(p.dir);
    }
}

static void test_a_path_that_is_too_long(void)
{
    char path[5000];

    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    for (size_t bytes = 4090; bytes < sizeof(path); bytes += 1 + bytes / 10) {
        struct view_reader *reader;
        struct view_state state;

        path[bytes] = '\0';
        reader = view_reader_new(path, our_uuid, 0);
        CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), -ENAMETOOLONG);
        view_reader_free(&reader);
        path[bytes] = 'x';
    }
}

/* A reader that came first finds the view when it is there, and keeps what it has mapped. */
static void test_it_comes_and_goes(void)
{
    struct forged f = good_view();
    struct view_reader *reader;
    struct view_state state;
    struct view view;
    struct place p;

    place_open(&p);
    reader = view_reader_new(p.view, our_uuid, 0);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), -EAGAIN);
    CU_ASSERT_EQUAL(view_reader_hold(reader, &view), -EAGAIN);
    CU_ASSERT_EQUAL(view_reader_generation(reader), 0);
    forge(&p, &f);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    CU_ASSERT_EQUAL(view_reader_generation(reader), 3);
    must(unlink(p.view) == 0);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    /* Another one is being built, but not served yet. */
    f.keys = 43;
    f.generation = 4;
    forge(&p, &f);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    f.serving_generation = 4;
    write_gen(&p, &f);
    CU_ASSERT_EQUAL(keys_seen(reader), 43);
    CU_ASSERT_EQUAL(view_reader_generation(reader), 4);
    /* It ends, and nothing follows. */
    must(unlink(p.view) == 0);
    f.serving_generation = 5;
    write_gen(&p, &f);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), -EAGAIN);
    CU_ASSERT_EQUAL(view_reader_generation(reader), 0);
    view_reader_free(&reader);
    view_reader_free(&reader); /* of nothing */
    kit_remove_dir(p.dir);
}

/* A read during which something happens. */
struct disturbed {
    const struct place *place;
    const struct forged *next; /* NULL: time passes */
    unsigned disturb;          /* so many times */
    unsigned calls;
    struct view_state state;
};

static int read_disturbed(const struct view *view, void *arg)
{
    struct disturbed *d = arg;
    int rc = view_read_state(view, &d->state);

    d->calls++;
    if (d->disturb == 0)
        return rc;
    d->disturb--;
    if (d->next != NULL) {
        forge(d->place, d->next);
        return rc;
    }
    for (uint64_t began = clock_monotonic_ns(); clock_monotonic_ns() - began < GRACE_NS;)
        continue;
    return rc;
}

/* What was read from the old view while the new one began to be served is thrown away. */
static void test_the_generation_changes_during_a_read(void)
{
    struct forged old = good_view(), next = good_view();
    struct disturbed d = {.next = &next, .disturb = 1};
    struct view_reader *reader;
    struct place p;

    next.generation = next.serving_generation = 9;
    next.keys = 99;
    place_open(&p);
    d.place = &p;
    forge(&p, &old);
    reader = view_reader_new(p.view, our_uuid, 0);
    CU_ASSERT_EQUAL(view_read(reader, read_disturbed, &d), 0);
    CU_ASSERT_EQUAL(d.calls, 2);
    CU_ASSERT_EQUAL(d.state.keys, 99);
    CU_ASSERT_EQUAL(view_reader_generation(reader), 9);
    view_reader_free(&reader);
    kit_remove_dir(p.dir);
}

/* So is what took longer than the grace; and at some time it is enough. */
static void test_reads_that_take_too_long(void)
{
    static const struct {
        unsigned slow;
        int wanted;
        unsigned calls_min;
    } rows[] = {{0, 0, 1}, {1, 0, 2}, {50, 0, 51}, {1000, -ETIMEDOUT, 100}};
    const struct forged good = good_view();
    struct view_reader *reader;
    struct view_state state;
    struct place p;
    int rc;

    place_open(&p);
    forge(&p, &good);
    reader = view_reader_new(p.view, our_uuid, GRACE_NS);
    rc = -EAGAIN;
    for (int tries = 0; rc == -EAGAIN && tries < 1000; tries++) /* a busy machine may need some */
        rc = view_read(reader, view_read_state, &state);
    CU_ASSERT_EQUAL(rc, 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct disturbed d = {.disturb = rows[i].slow};

        rc = view_read(reader, read_disturbed, &d);
        CHECK(rc == rows[i].wanted && d.calls >= rows[i].calls_min, "%u slow reads: %d after %u",
              rows[i].slow, rc, d.calls);
    }
    view_reader_free(&reader);
    kit_remove_dir(p.dir);
}

/* Attaching is a read, too. */
static void test_an_attach_that_takes_too_long(void)
{
    const struct forged good = good_view();
    struct place p;

    place_open(&p);
    forge(&p, &good);
    CU_ASSERT_EQUAL(read_state_of(&p, our_uuid, 1), -EAGAIN);
    kit_remove_dir(p.dir);
}

static int refuse(const struct view *view, void *arg)
{
    (void)view;
    ++*(unsigned *)arg;
    return -EXDEV;
}

static void test_the_result_of_the_read_is_handed_through(void)
{
    const struct forged good = good_view();
    struct view_reader *reader;
    unsigned calls = 0;
    struct place p;

    place_open(&p);
    forge(&p, &good);
    reader = view_reader_new(p.view, our_uuid, 0);
    CU_ASSERT_EQUAL(view_read(reader, refuse, &calls), -EXDEV);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    view_reader_free(&reader);
    kit_remove_dir(p.dir);
}

/* A view that has grown beyond what the reader has mapped is mapped anew. */
static void test_a_view_that_has_grown(void)
{
    static char large[3 * 1024 * 1024];
    const struct forged good = good_view();
    struct view_reader *reader, *holder;
    struct view_state state;
    struct view view;
    MDB_val key = {3, "key"}, value = {sizeof(large), large};
    struct place p;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi kv;

    place_open(&p);
    forge(&p, &good);
    reader = view_reader_new(p.view, our_uuid, 0);
    holder = view_reader_new(p.view, our_uuid, 0);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    CU_ASSERT_EQUAL(view_reader_hold(holder, &view), 0);
    view_reader_release(holder);
    must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0);
    must(mdb_env_set_mapsize(env, 8 * 1024 * 1024) == 0);
    must(mdb_env_open(env, p.view, MDB_NOSUBDIR | MDB_NOLOCK, 0600) == 0);
    must(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "kv", 0, &kv) == 0);
    must(mdb_put(txn, kv, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
    CU_ASSERT_EQUAL(view_read(reader, view_read_state, &state), -EAGAIN);
    CU_ASSERT_EQUAL(keys_seen(reader), 42);
    CU_ASSERT_EQUAL(view_reader_hold(holder, &view), -EAGAIN);
    view_reader_free(&holder);
    view_reader_free(&reader);
    kit_remove_dir(p.dir);
}

static int count_keys(const struct view *view, void *arg)
{
    MDB_stat stat;

    must(mdb_stat(view->txn, view->kv, &stat) == 0);
    *(uint64_t *)arg = stat.ms_entries;
    return 0;
}

/* The writing end itself: what is published is seen at once, and what is held stays as it was. */
static void test_with_the_writing_end(void)
{
    struct view_reader *reader, *holder;
    struct view_state state;
    struct view held;
    struct stand s;
    uint64_t keys;

    stand_open(&s, disk_system());
    CU_ASSERT_EQUAL(view_serve(s.view, &s.store.published), 0);
    reader = view_reader_new(s.view_path, s.store.published.uuid, 10 * NS_PER_S);
    holder = view_reader_new(s.view_path, NULL, UINT64_MAX);
    for (unsigned i = 1; i <= 100; i++) {
        char name[16];

        snprintf(name, sizeof(name), "key%u", i);
        CU_ASSERT_EQUAL(stand_do(&s, OP_SET, CONDITION_NONE, 0, name, "1").result, RESULT_CREATED);
        CU_ASSERT_EQUAL(keys_seen(reader), i);
        CU_ASSERT_EQUAL(view_read(reader, count_keys, &keys), 0);
        CU_ASSERT_EQUAL(keys, i);
        if (i == 50) {
            must(view_hold(s.view) == 0);
            CU_ASSERT_EQUAL(view_reader_hold(holder, &held), 0);
        }
    }
    CU_ASSERT_EQUAL(count_keys(&held, &keys), 0);
    CU_ASSERT_EQUAL(keys, 50);
    CU_ASSERT_EQUAL(view_read_state(&held, &state), 0);
    CU_ASSERT_EQUAL(state.keys, 50);
    view_reader_release(holder);
    view_unhold(s.view);
    CU_ASSERT_EQUAL(view_reader_hold(holder, &held), 0);
    CU_ASSERT_EQUAL(count_keys(&held, &keys), 0);
    CU_ASSERT_EQUAL(keys, 100);
    view_reader_release(holder);
    view_reader_free(&holder);
    view_reader_free(&reader);
    stand_close(&s);
}

void view_read_suite(void)
{
    CU_pSuite suite = CU_add_suite("view_read", NULL, NULL);

    CU_add_test(suite, "what is no view", test_what_is_no_view);
    CU_add_test(suite, "whose view", test_whose_view);
    CU_add_test(suite, "what is no file", test_what_is_no_file);
    CU_add_test(suite, "a path that is too long", test_a_path_that_is_too_long);
    CU_add_test(suite, "it comes and goes", test_it_comes_and_goes);
    CU_add_test(suite, "the generation changes during a read", test_the_generation_changes_during_a_read);
    CU_add_test(suite, "reads that take too long", test_reads_that_take_too_long);
    CU_add_test(suite, "an attach that takes too long", test_an_attach_that_takes_too_long);
    CU_add_test(suite, "the result is handed through", test_the_result_of_the_read_is_handed_through);
    CU_add_test(suite, "a view that has grown", test_a_view_that_has_grown);
    CU_add_test(suite, "with the writing end", test_with_the_writing_end);
}
