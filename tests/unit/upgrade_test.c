/* SPDX-License-Identifier: MIT
 *
 * What an older walkv has left: a snapshot of view layout 1 or 2, and a log of
 * version 1, whose records had no identities. Both are read and gone on with; what cannot be known is
 * refused.
 */
#include "log.h"
#include "memory_disk.h"
#include "recovery.h"
#include "view_kit.h"
#include "wal_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

void upgrade_suite(void);

static const uint8_t uuid[UUID_BYTES] = {0xaa, 2, 3};

/* --- view layout 1 --- */

static void put(MDB_txn *txn, const char *database, const void *key, size_t key_bytes, const void *value,
                size_t value_bytes)
{
    MDB_dbi dbi;
    MDB_val k = {key_bytes, (void *)key}, v = {value_bytes, (void *)value};

    must(mdb_dbi_open(txn, database, MDB_CREATE, &dbi) == 0);
    if (key != NULL)
        must(mdb_put(txn, dbi, &k, &v, 0) == 0);
}

/* The pages of a view as layout 1 had it, byte by byte: a key, a queue with one item, one that was cleared.
 */
static void make_layout_1(struct buffer *pages, uint32_t layout)
{
    static const char *const databases[] = {"meta", "kv", "queues", "items", "trash"};
    char dir[KIT_PATH_BYTES], path[KIT_PATH_BYTES + 16], lock[KIT_PATH_BYTES + 32];
    char state[160] = {0}, value[12] = {0}, queue[32] = {0}, item[16] = {0};
    MDB_env *env;
    MDB_txn *txn;

    kit_temp_dir(dir);
    snprintf(path, sizeof(path), "%s/pages", dir);
    snprintf(lock, sizeof(lock), "%s-lock", path);
    must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0);
    must(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOSYNC, 0600) == 0);
    must(mdb_txn_begin(env, NULL, 0, &txn) == 0);
    for (size_t i = 0; i < COUNT(databases); i++)
        put(txn, databases[i], NULL, 0, NULL, 0);
    put_u64(value, 3);
    memcpy(value + 10, "17", 2);
    put(txn, "kv", "old", 3, value, sizeof(value));
    put_u64(queue, 1);
    put_u64(queue + 8, 3);
    put_u64(queue + 16, 1);
    put_u64(queue + 24, 1);
    put(txn, "queues", "q", 1, queue, sizeof(queue));
    put_u64_be(item, 1);
    put_u64_be(item + 8, 2);
    put(txn, "items", item, sizeof(item),
        "\0\0"
        "5",
        3);
    const uint64_t numbers[] = {4711, 1 << 20, 9, 0x1234, 1800, 1, 5, 1, 1, 1, 2};
    put_u32(state, layout);
    put_u32(state + 4, 1);
    memcpy(state + 8, uuid, UUID_BYTES);
    for (size_t i = 0; i < COUNT(numbers); i++)
        put_u64(state + 40 + 8 * i, numbers[i]);
    put(txn, "meta", "state", 5, state, sizeof(state));
    must(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
    must(buffer_reserve(pages, 1 << 20) == 0);
    FILE *file = fopen(path, "re");
    pages->bytes = fread(pages->data, 1, 1 << 20, file);
    fclose(file);
    unlink(path);
    unlink(lock);
    kit_remove_dir(dir);
}

/* Layout 2 is one of 1 with another database, which is made where it is missing; neither has `changes`. */
static void check_older_layout(uint32_t layout)
{
    struct stand s, other;
    struct buffer pages = {0}, dump = {0};
    struct view_state state;
    const char *why;

    make_layout_1(&pages, layout);
    stand_open_view(&s, 1000);
    stand_open_beside(&other, &s, &pages);
    const struct view_state *found = &other.store.published;
    CU_ASSERT(found->layout == VIEW_LAYOUT && found->ready && found->applied_lsn == 9 &&
              found->applied_checksum == 0x1234 && found->keys == 1 && found->items == 1 &&
              found->next_queue_id == 2 && found->requests == 0 && found->requests_evicted == 0 &&
              found->changes_after == 9);
    stand_dump(&other, &dump); /* and the counters are right */
    /* It is gone on with, and what is kept from now on is found. */
    const struct stand_who who = {.session = 1, .sequence = 1, .key = "k"};
    const struct batch_item item = stand_item(&who, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
    must(store_begin(&other.store) == 0);
    CU_ASSERT_EQUAL(store_apply(&other.store,
                                &(struct record){.op = OP_DEQUEUE,
                                                 .name = item.request.name,
                                                 .value = {"", 0},
                                                 .queue_id = 1,
                                                 .sequence = 2,
                                                 .identity = item.request.identity,
                                                 .version = layout - 1}, /* 0: not told */
                                10, 5),
                    0);
    must(store_commit(&other.store, 10, 1, 0, 5) == 0);
    CU_ASSERT(stand_check_requests(&other));
    CU_ASSERT(stand_count_requests(&other, 's') == 1 && stand_count_requests(&other, 'k') == 1);
    dump.bytes = 0;
    stand_dump(&other, &dump);
    /* And a warm start finds a view of today. */
    view_detach(other.view);
    CU_ASSERT_EQUAL(view_attach(other.view, uuid, &state, &why), 0);
    CU_ASSERT(state.layout == VIEW_LAYOUT && state.requests == 1 && state.applied_lsn == 10);
    buffer_free(&dump);
    buffer_free(&pages);
    stand_close(&other);
    stand_close(&s);
}

static void test_older_layouts(void)
{
    for (uint32_t layout = 1; layout < VIEW_LAYOUT; layout++)
        check_older_layout(layout);
}

/* Layouts that this program does not know are not touched. */
static void test_other_layouts(void)
{
    static const uint32_t layouts[] = {0, VIEW_LAYOUT + 1, UINT32_MAX};
    const uint64_t size = 8 * 1024 * 1024;

    for (size_t i = 0; i < COUNT(layouts); i++) {
        struct stand s;
        struct buffer pages = {0};
        struct view_owner *view;
        struct view_state state;
        char path[KIT_PATH_BYTES + 16];
        int fd;

        make_layout_1(&pages, layouts[i]);
        stand_open_view(&s, 1000);
        snprintf(path, sizeof(path), "%s/beside", s.dir);
        must(view_open(&view, disk_system(), &(struct view_options){path, size, 1000}) == 0);
        must(view_build_begin(view, &fd) == 0);
        must(disk_write(disk_system(), fd, pages.data, pages.bytes, 0) == 0);
        CHECK(view_build_finish(view, uuid, &state) == -EBADMSG, "layout %u", layouts[i]);
        view_close(&view);
        buffer_free(&pages);
        stand_close(&s);
    }
}

/* --- a log of version 1 --- */

#define DATA_DIR "/m/data"

struct life {
    struct memory_disk *disk;
    char view_path[64];
    struct walkvd_config config;
    struct recovery recovery;
    struct stand stand; /* its store, log and batch are those of the recovery */
};

static int life_start(struct life *l)
{
    const struct requests_limits limits = {STAND_WINDOW_NS, STAND_ENTRIES};
    int status = recovery_run(&l->recovery, &l->disk->disk, &l->config);

    if (status == 0) {
        batch_init(&l->stand.batch, &l->recovery.store, l->recovery.wal, &limits);
        l->stand.view = l->recovery.view;
    }
    return status;
}

static void life_end(struct life *l, bool stop)
{
    if (stop)
        CU_ASSERT_EQUAL(wal_stop(l->recovery.wal), 0);
    batch_free(&l->stand.batch);
    recovery_close(&l->recovery);
}

static void life_open(struct life *l)
{
    *l = (struct life){.disk = memory_disk_new()};
    l->disk->light = true;
    snprintf(l->view_path, sizeof(l->view_path), "/dev/shm/walkv-upgrade-%d", (int)getpid());
    l->config = (struct walkvd_config){.data_dir = (char *)DATA_DIR,
                                       .view_path = l->view_path,
                                       .view_size = 8 * 1024 * 1024,
                                       .view_grace_ns = 1000,
                                       .wal_segment_size = 65536,
                                       .wal_block_size = 512,
                                       .cold_start = true};
}

static void life_free(struct life *l)
{
    static const char *const suffixes[] = {"", "-lock", ".gen", ".new"};

    for (size_t i = 0; i < COUNT(suffixes); i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s%s", l->view_path, suffixes[i]);
        unlink(path);
    }
    memory_disk_free(&l->disk);
}

static uint32_t version_of(struct life *l, uint64_t first_lsn)
{
    char path[80] = DATA_DIR "/wal/";
    struct wal_segment_header header;
    uint64_t *bytes;

    wal_name(path + strlen(path), first_lsn);
    const char *data = memory_disk_data(l->disk, path, &bytes);
    must(wal_segment_header_decode((struct span){data, *bytes}, &header) == WAL_HEADER_VALID);
    return header.version;
}

/* The first segment as it would be had another version written it. */
static void rewrite(struct life *l, uint32_t version)
{
    struct wal_segment_header header;
    struct wal_batch_header h;
    struct buffer out = {0}, scratch = {0};
    uint64_t *bytes, chain, at;
    char path[80] = DATA_DIR "/wal/";

    wal_name(path + strlen(path), 1);
    char *data = memory_disk_data(l->disk, path, &bytes);
    must(wal_segment_header_decode((struct span){data, *bytes}, &header) == WAL_HEADER_VALID);
    must(header.version == WAL_VERSION);
    header.version = version;
    wal_segment_header_encode(buffer_extend(&out, header.block_bytes), &header);
    chain = header.checksum;
    for (at = header.block_bytes; at < *bytes; at += wal_batch_bytes(h.payload_bytes, header.block_bytes)) {
        const struct span rest = {data + at, *bytes - at};
        struct span payload;

        if (!wal_batch_header_decode(rest, header.salt, header.block_bytes, &h))
            break;
        must(wal_batch_payload(rest, &h, header.block_bytes, &scratch, &payload));
        struct wal_batch_header again = h;
        again.flags &= ~(uint32_t)WAL_FLAG_LZ4;
        again.chain = chain;
        wal_batch_encode(&out, &again, payload, header.salt, header.block_bytes);
        chain = again.checksum;
    }
    must(out.bytes == at); /* version 1 had the same bytes */
    memcpy(data, out.data, out.bytes);
    buffer_free(&out);
    buffer_free(&scratch);
}

static void write_old(struct life *l)
{
    CU_ASSERT_EQUAL_FATAL(life_start(l), 0);
    stand_do(&l->stand, OP_SET, CONDITION_NONE, 0, "a", "1");
    stand_do(&l->stand, OP_SET, CONDITION_NONE, 0, "b", "2");
    stand_do(&l->stand, OP_DELETE, CONDITION_NONE, 0, "a", "");
    stand_do(&l->stand, OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"x\"");
    stand_do(&l->stand, OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"y\"");
    stand_do(&l->stand, OP_DEQUEUE, CONDITION_NONE, 0, "q", "");
    stand_do(&l->stand, OP_ENQUEUE, CONDITION_NONE, 0, "c", "1");
    stand_do(&l->stand, OP_CLEAR, CONDITION_NONE, 0, "c", "");
}

static void test_log_of_version_1(void)
{
    for (int stopped = 0; stopped < 2; stopped++) {
        struct life l;
        const struct stand_who who = {.session = 1, .sequence = 1, .key = "k"}, by_key = {.key = "k"};

        life_open(&l);
        write_old(&l);
        life_end(&l, stopped);
        rewrite(&l, 1);
        CU_ASSERT_EQUAL(version_of(&l, 1), 1);
        for (int start = 0; start < 2; start++) {
            int status = life_start(&l);
            if (!CHECK(status == 0, "%d: %s", status, l.recovery.refusal.sentence))
                break;
            const struct view_state *state = &l.recovery.store.published;
            CU_ASSERT(state->keys == 1 && state->queues == 2 && state->items == 1);
            CU_ASSERT_EQUAL(version_of(&l, l.recovery.control.segment_lsn), WAL_VERSION);
            /* It goes on in a segment of today. */
            struct write_result r = stand_do_as(&l.stand, start ? &by_key : &who, OP_DEQUEUE, CONDITION_NONE,
                                                0, start ? "q" : "q", "");
            CU_ASSERT(r.result == RESULT_OK && r.replayed == start && span_equal(r.value, SPAN("\"y\"")));
            CU_ASSERT_EQUAL(stand_do(&l.stand, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1").size,
                            (uint64_t)(1 + start));
            CU_ASSERT_EQUAL(stand_do(&l.stand, OP_DEQUEUE, CONDITION_NONE, 0, "c", "").result,
                            RESULT_QUEUE_EMPTY);
            life_end(&l, start == 0);
        }
        life_free(&l);
    }
}

/* Version 0 was never written; a newer one is refused as that. */
static void test_other_versions(void)
{
    struct life l;

    for (uint32_t version = 0; version <= WAL_VERSION + 1; version += WAL_VERSION + 1) {
        life_open(&l);
        write_old(&l);
        life_end(&l, true);
        rewrite(&l, version);
        int status = life_start(&l);
        CHECK(status == (version ? EX_CONFIG : EX_DATAERR), "version %u: %d, %s", version, status,
              l.recovery.refusal.sentence);
        recovery_close(&l.recovery);
        life_free(&l);
    }
}

void upgrade_suite(void)
{
    CU_pSuite suite = CU_add_suite("upgrade", NULL, NULL);

    CU_add_test(suite, "views of layouts 1 and 2", test_older_layouts);
    CU_add_test(suite, "views of other layouts", test_other_layouts);
    CU_add_test(suite, "a log of version 1", test_log_of_version_1);
    CU_add_test(suite, "logs of other versions", test_other_versions);
}
