/* SPDX-License-Identifier: MIT
 * The stand for stores; see view_kit.h. */
#include "view_kit.h"

#include "log.h"
#include "replay.h"
#include "view_read.h"
#include "wal_log.h"

#include <inttypes.h>
#include <stdio.h>

enum { GRACE_NS = 1000 * 1000, VIEW_BYTES = 8 * 1024 * 1024 };

static const uint8_t uuid[UUID_BYTES] = {0xaa, 2, 3};

static void open_view(struct stand *s, const struct buffer *pages, uint64_t grace_ns, uint64_t bytes)
{
    const struct view_options options = {s->view_path, bytes, grace_ns};
    struct view_state state;
    int fd;

    s->view_bytes = bytes;
    must(view_open(&s->view, disk_system(), &options) == 0);
    must(view_build_begin(s->view, &fd) == 0);
    if (pages != NULL)
        must(disk_write(disk_system(), fd, pages->data, pages->bytes, 0) == 0);
    must(view_build_finish(s->view, uuid, &state) == 0);
    store_init(&s->store, s->view, &state, STAND_CHANGES);
    must(store_ready(&s->store) == 0);
}

static void open_new(struct stand *s, uint64_t grace_ns, uint64_t bytes)
{
    *s = (struct stand){0};
    kit_temp_dir(s->dir);
    snprintf(s->view_path, sizeof(s->view_path), "%s/view", s->dir);
    open_view(s, NULL, grace_ns, bytes);
    memcpy(s->control.uuid, uuid, UUID_BYTES);
}

void stand_open_view(struct stand *s, uint64_t grace_ns)
{
    open_new(s, grace_ns, VIEW_BYTES);
}

void stand_open(struct stand *s, struct disk *disk)
{
    stand_open_sized(s, disk, VIEW_BYTES);
}

void stand_open_sized(struct stand *s, struct disk *disk, uint64_t view_bytes)
{
    const struct wal_options options = {.segment_bytes = 65536, .block_bytes = 512};
    const struct requests_limits limits = {STAND_WINDOW_NS, STAND_ENTRIES};

    open_new(s, GRACE_NS, view_bytes);
    if (disk != NULL)
        must(wal_open(&s->wal, disk, disk == disk_system() ? s->dir : "/m", &s->control, &options,
                      &(struct wal_link){0}) == 0);
    batch_init(&s->batch, &s->store, s->wal, &limits);
}

void stand_open_beside(struct stand *s, const struct stand *other, const struct buffer *pages)
{
    *s = (struct stand){0};
    snprintf(s->view_path, sizeof(s->view_path), "%s/beside", other->dir);
    open_view(s, pages, GRACE_NS, other->view_bytes);
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

struct batch_item stand_item(const struct stand_who *who, enum op op, enum condition condition,
                             uint64_t version, const char *name, const char *value)
{
    struct batch_item item = {
        .request = {.op = op,
                    .condition = condition,
                    .version = version,
                    .name = {name, strlen(name)},
                    .value = {value, strlen(value)}},
        .was_sent = who->was_sent,
    };
    struct identity *i = &item.request.identity;

    i->session = who->session;
    i->sequence = who->sequence;
    i->confirmed = who->confirmed;
    if (who->key != NULL) {
        i->key = (struct span){who->key, strlen(who->key)};
        i->fingerprint[0] = who->fingerprint;
    }
    return item;
}

struct write_result stand_do_as(struct stand *s, const struct stand_who *who, enum op op,
                                enum condition condition, uint64_t version, const char *name,
                                const char *value)
{
    struct batch_item item = stand_item(who, op, condition, version, name, value);

    CU_ASSERT_EQUAL(batch_run(&s->batch, &item, 1), 0);
    return item.result;
}

struct write_result stand_do(struct stand *s, enum op op, enum condition condition, uint64_t version,
                             const char *name, const char *value)
{
    return stand_do_as(s, &(struct stand_who){0}, op, condition, version, name, value);
}

struct replaying {
    struct stand *to;
    struct replay_start start;
};

static int replay_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct replaying *r = arg;
    int rc = replay_follows(&r->start, segment, batch);

    if (rc == 1)
        rc = replay_apply(&r->to->store, batch);
    struct view_use use;
    view_use(r->to->view, &use);
    CHECK(use.used_bytes <= use.reserved_bytes, "LSN %ju: %ju bytes of the view are used, %ju are reserved",
          (uintmax_t)batch->header.first_lsn, (uintmax_t)use.used_bytes, (uintmax_t)use.reserved_bytes);
    return rc < 0 ? rc : 0;
}

void stand_replay(struct stand *to, struct stand *from, struct disk *disk)
{
    struct replaying replaying = {to, replay_start_of(&to->store.published)};
    const struct wal_visitor visitor = {.batch = replay_batch, .arg = &replaying};
    const char *dir = disk == disk_system() ? from->dir : "/m";
    struct wal_log log;
    struct wal_log_end end;
    struct wal_finding finding;

    must(wal_log_list(disk, dir, &log) == 0);
    enum wal_verdict verdict =
        wal_log_read(disk, dir, &log, from->control.uuid, 0, 0, 0, &visitor, &end, &finding);
    CHECK(verdict <= WAL_TORN, "%s: %s", finding.sentence, strerror(finding.error));
    wal_log_free(&log);
}

uint64_t stand_count_requests(struct stand *s, char kind)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t count = 0;

    must(view_begin_read(s->view, &txn) == 0);
    must(mdb_cursor_open(txn, view_handles(s->view)->requests, &cursor) == 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
        count += *(const char *)key.mv_data == kind;
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return count;
}

/* One entry of `requests`, by the layout in view_layout.h. */
static bool check_request(MDB_txn *txn, MDB_dbi requests, MDB_val key, MDB_val value)
{
    const char *k = key.mv_data, *v = value.mv_data;
    char other[1 + IDEMPOTENCY_KEY_MAX];
    MDB_val other_key = {0, other}, found;

    if (*k == 'k') {
        other[0] = 'o';
        if (value.mv_size != 8)
            return CHECK(false, "the entry of key %.*s has %zu bytes", (int)key.mv_size, k, value.mv_size);
        put_u64_be(other + 1, get_u64(v));
        other_key.mv_size = 9;
        return CHECK(mdb_get(txn, requests, &other_key, &found) == 0, "key %.*s leads to nothing",
                     (int)key.mv_size - 1, k + 1) &&
               CHECK(found.mv_size >= VIEW_OUTCOME_BYTES + key.mv_size - 1 &&
                         get_u16((char *)found.mv_data + 2) == key.mv_size - 1 &&
                         memcmp((char *)found.mv_data + VIEW_OUTCOME_BYTES, k + 1, key.mv_size - 1) == 0,
                     "key %.*s leads to the outcome of another", (int)key.mv_size - 1, k + 1);
    }
    if (!CHECK((*k == 'o' && key.mv_size == 9) || (*k == 's' && key.mv_size == 17),
               "an entry of %zu bytes begins with %02x", key.mv_size, (unsigned char)*k) ||
        !CHECK(value.mv_size >= VIEW_OUTCOME_BYTES && get_u16(v) < RESULT_LIMIT && get_u32(v + 4) == 0,
               "an outcome of %zu bytes", value.mv_size))
        return false;
    size_t name_bytes = get_u16(v + 2);
    if (*k == 's')
        return CHECK(name_bytes == 0, "the outcome of a session has a key of %zu bytes", name_bytes);
    if (!CHECK(name_bytes >= 1 && name_bytes <= IDEMPOTENCY_KEY_MAX &&
                   value.mv_size >= VIEW_OUTCOME_BYTES + name_bytes,
               "an outcome of a key of %zu bytes", name_bytes))
        return false;
    other[0] = 'k';
    memcpy(other + 1, v + VIEW_OUTCOME_BYTES, name_bytes);
    other_key.mv_size = 1 + name_bytes;
    return CHECK(mdb_get(txn, requests, &other_key, &found) == 0 && found.mv_size == 8 &&
                     get_u64(found.mv_data) == get_u64_be(k + 1),
                 "the outcome of LSN %ju belongs to no key", (uintmax_t)get_u64_be(k + 1));
}

bool stand_check_requests(struct stand *s)
{
    MDB_dbi requests = view_handles(s->view)->requests;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t keys = 0, outcomes = 0;
    bool good = true;

    must(view_begin_read(s->view, &txn) == 0);
    must(mdb_cursor_open(txn, requests, &cursor) == 0);
    while (good && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        keys += *(char *)key.mv_data == 'k';
        outcomes += *(char *)key.mv_data == 'o';
        good = check_request(txn, requests, key, value);
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return good && CHECK(keys == outcomes && keys == s->store.published.requests,
                         "%ju keys, %ju outcomes of keys, %ju counted", (uintmax_t)keys, (uintmax_t)outcomes,
                         (uintmax_t)s->store.published.requests);
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
    buffer_printf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                  state->applied_lsn, state->applied_checksum, state->applied_at, state->next_queue_id,
                  state->requests, state->requests_evicted);
    must(store_commit(&s->store, state->applied_lsn, state->applied_checksum, state->applied_at,
                      state->applied_time_ns) == 0);
    stand_check_requests(s);
}
