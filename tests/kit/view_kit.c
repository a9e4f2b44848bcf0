/* SPDX-License-Identifier: MIT
 * The stand for stores; see view_kit.h. */
#include "view_kit.h"

#include "log.h"
#include "view_read.h"

#include <inttypes.h>
#include <stdio.h>

enum { GRACE_NS = 1000 * 1000, VIEW_BYTES = 8 * 1024 * 1024 };

static const uint8_t uuid[UUID_BYTES] = {0xaa, 2, 3};

static void open_view(struct stand *s, const struct buffer *pages, uint64_t grace_ns, uint64_t bytes)
{
    const struct view_options options = {s->view_path, bytes, grace_ns};
    struct view_state state;
    int fd;

    must(view_open(&s->view, disk_system(), &options) == 0);
    must(view_build_begin(s->view, &fd) == 0);
    if (pages != NULL)
        must(disk_write(disk_system(), fd, pages->data, pages->bytes, 0) == 0);
    must(view_build_finish(s->view, uuid, &state) == 0);
    store_init(&s->store, s->view, &state);
    must(store_ready(&s->store) == 0);
}

static void open_stand(struct stand *s, uint64_t grace_ns, uint64_t view_bytes)
{
    *s = (struct stand){0};
    kit_temp_dir(s->dir);
    snprintf(s->view_path, sizeof(s->view_path), "%s/view", s->dir);
    open_view(s, NULL, grace_ns, view_bytes);
    memcpy(s->control.uuid, uuid, UUID_BYTES);
}

void stand_open_view(struct stand *s, uint64_t grace_ns)
{
    open_stand(s, grace_ns, VIEW_BYTES);
}

void stand_open(struct stand *s, struct disk *disk)
{
    stand_open_large(s, disk, VIEW_BYTES);
}

void stand_open_large(struct stand *s, struct disk *disk, uint64_t view_bytes)
{
    const struct wal_options options = {.segment_bytes = 65536, .block_bytes = 512};
    const struct requests_limits limits = {STAND_WINDOW_NS, STAND_ENTRIES};

    open_stand(s, GRACE_NS, view_bytes);
    if (disk != NULL)
        must(wal_open(&s->wal, disk, disk == disk_system() ? s->dir : "/m", &s->control, &options,
                      &(struct wal_link){0}) == 0);
    batch_init(&s->batch, &s->store, s->wal, &limits);
}

void stand_open_beside(struct stand *s, const struct stand *other, const struct buffer *pages)
{
    *s = (struct stand){0};
    snprintf(s->view_path, sizeof(s->view_path), "%s/beside", other->dir);
    open_view(s, pages, GRACE_NS, VIEW_BYTES);
}

void stand_close(struct stand *s)
{
    batch_free(&s->batch);
    wal_close(&s->wal);
    store_free(&s->store);
    view_close(&s->view);
    if (s->dir[0] != '\0')
        kit_remove_dir(s->dir);
}

struct write_result stand_do(struct stand *s, enum op op, enum condition condition, uint64_t version,
                             const char *name, const char *value)
{
    struct batch_item item = {
        .request = {op, condition, version, {name, strlen(name)}, {value, strlen(value)}},
    };

    CU_ASSERT_EQUAL(batch_run(&s->batch, &item, 1), 0);
    return item.result;
}

static void dump_database(MDB_txn *txn, MDB_dbi database, const char *title, struct buffer *out,
                          uint64_t *count, uint64_t *bytes, bool skip_id)
{
    MDB_cursor *cursor;
    MDB_val key, value;

    *count = *bytes = 0;
    must(mdb_cursor_open(txn, database, &cursor) == 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        size_t skip = skip_id ? VIEW_ITEM_HEADER_BYTES : VIEW_KV_HEADER_BYTES;

        buffer_append_text(out, title);
        buffer_append(out, key.mv_data, key.mv_size);
        buffer_append_text(out, "=");
        buffer_append(out, value.mv_data, value.mv_size);
        buffer_append_text(out, "\n");
        ++*count;
        *bytes += skip_id ? value.mv_size - skip : key.mv_size + value.mv_size - skip;
    }
    mdb_cursor_close(cursor);
}

void stand_dump(struct stand *s, struct buffer *out)
{
    const struct view_handles *h = view_handles(s->view);
    uint64_t count, bytes;

    must(store_begin(&s->store) == 0);
    while (s->store.trash)
        must(store_collect(&s->store, 1000) == 0);
    const struct view_state *state = &s->store.state;
    dump_database(s->store.txn, h->kv, "kv ", out, &count, &bytes, false);
    CHECK(count == state->keys && bytes == state->key_bytes, "%ju keys, %ju bytes; %ju and %ju are counted",
          (uintmax_t)count, (uintmax_t)bytes, (uintmax_t)state->keys, (uintmax_t)state->key_bytes);
    dump_database(s->store.txn, h->items, "item ", out, &count, &bytes, true);
    CHECK(count == state->items && bytes == state->item_bytes,
          "%ju items, %ju bytes; %ju and %ju are counted", (uintmax_t)count, (uintmax_t)bytes,
          (uintmax_t)state->items, (uintmax_t)state->item_bytes);
    dump_database(s->store.txn, h->queues, "queue ", out, &count, &bytes, true);
    CHECK(count == state->queues, "%ju queues, %ju counted", (uintmax_t)count, (uintmax_t)state->queues);
    dump_database(s->store.txn, h->requests, "request ", out, &count, &bytes, false);
    CHECK(count >= 2 * state->requests, "%ju entries, %ju keys counted", (uintmax_t)count,
          (uintmax_t)state->requests);
    buffer_printf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", state->applied_lsn, state->applied_checksum,
                  state->next_queue_id);
    must(store_commit(&s->store, state->applied_lsn, state->applied_checksum, state->applied_time_ns) == 0);
}
