/* SPDX-License-Identifier: MIT
 * The state of the store inside the view; see store.h, and view_layout.h for what stands where. */
#include "store.h"

#include "log.h"
#include "requests.h"

#include <errno.h>

static const struct view_handles *handles(const struct store *s)
{
    return view_handles(s->view);
}

void store_init(struct store *s, struct view_owner *view, const struct view_state *state,
                uint64_t change_history)
{
    *s = (struct store){
        .view = view,
        .state = *state,
        .published = *state,
        .trash = true,
        .changes.history = change_history,
    };
}

void store_free(struct store *s)
{
    buffer_free(&s->dequeued);
    buffer_free(&s->changes.row);
}

int store_begin(struct store *s)
{
    must(!s->txn);
    s->state = s->published;
    s->oldest_before_ns = s->oldest_request_ns;
    changes_begin(&s->changes);
    return view_begin(s->view, &s->txn);
}

void store_abort(struct store *s)
{
    view_abort(s->view);
    s->txn = NULL;
    s->state = s->published;
    s->oldest_request_ns = s->oldest_before_ns;
}

int store_commit(struct store *s, uint64_t lsn, uint64_t checksum, uint64_t at, uint64_t time_ns)
{
    s->state.applied_lsn = lsn;
    s->state.applied_checksum = checksum;
    s->state.applied_at = at;
    s->state.applied_time_ns = time_ns;
    int rc = changes_finish(s, lsn);
    char bytes[VIEW_STATE_BYTES];
    view_state_encode(bytes, &s->state);
    MDB_val key = {sizeof VIEW_STATE_KEY - 1, VIEW_STATE_KEY}, value = {sizeof bytes, bytes};
    if (!rc)
        rc = view_errno(mdb_put(s->txn, handles(s)->meta, &key, &value, 0));
    if (rc) {
        store_abort(s);
        return rc;
    }
    rc = view_commit(s->view);
    s->txn = NULL;
    if (!rc)
        s->published = s->state;
    return rc;
}

int store_ready(struct store *s)
{
    int rc = store_begin(s);
    if (rc)
        return rc;
    s->state.ready = true;
    rc = store_commit(s, s->state.applied_lsn, s->state.applied_checksum, s->state.applied_at,
                      s->state.applied_time_ns);
    return rc ? rc : view_serve(s->view, &s->published);
}

static int find_value(struct store *s, struct span key, struct span *found)
{
    MDB_val k = view_val(key), v;
    int rc = view_errno(mdb_get(s->txn, handles(s)->kv, &k, &v));
    if (!rc && v.mv_size < VIEW_KV_HEADER_BYTES)
        return -EBADMSG;
    if (!rc)
        *found = (struct span){v.mv_data, v.mv_size};
    return rc;
}

int store_find_key(struct store *s, struct span key, uint64_t *version)
{
    struct span found;
    int rc = find_value(s, key, &found);
    *version = rc ? 0 : get_u64(found.at);
    return rc;
}

int store_find_queue(struct store *s, struct span name, struct view_queue *queue)
{
    MDB_val k = view_val(name), v;
    int rc = view_errno(mdb_get(s->txn, handles(s)->queues, &k, &v));
    if (rc)
        return rc;
    return view_queue_decode((struct span){v.mv_data, v.mv_size}, queue) ? 0 : -EBADMSG;
}

int store_find_head(struct store *s, const struct view_queue *queue, uint64_t *sequence, struct span *value)
{
    char key[VIEW_ITEM_KEY_BYTES];
    view_item_key(key, queue->id, 0);
    MDB_cursor *cursor;
    int rc = view_errno(mdb_cursor_open(s->txn, handles(s)->items, &cursor));
    if (rc)
        return rc;
    MDB_val k = {sizeof key, key}, v;
    rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
    mdb_cursor_close(cursor);
    if (rc)
        return rc;
    if (k.mv_size != VIEW_ITEM_KEY_BYTES || v.mv_size < VIEW_ITEM_HEADER_BYTES)
        return -EBADMSG;
    if (memcmp(k.mv_data, key, 8) != 0)
        return -ENOENT;
    *sequence = get_u64_be((char *)k.mv_data + 8);
    *value = (struct span){(char *)v.mv_data + VIEW_ITEM_HEADER_BYTES, v.mv_size - VIEW_ITEM_HEADER_BYTES};
    return 0;
}

static int apply_set(struct store *s, const struct record *r, uint64_t lsn)
{
    struct span old;
    int rc = find_value(s, r->name, &old);
    if (rc == 0)
        s->state.key_bytes -= r->name.bytes + old.bytes - VIEW_KV_HEADER_BYTES;
    else if (rc != -ENOENT)
        return rc;
    s->created = rc == -ENOENT;
    s->state.keys += s->created;
    s->state.key_bytes += r->name.bytes + r->value.bytes;
    MDB_val k = view_val(r->name), v = {VIEW_KV_HEADER_BYTES + r->value.bytes, NULL};
    rc = view_errno(mdb_put(s->txn, handles(s)->kv, &k, &v, MDB_RESERVE));
    if (rc)
        return rc;
    char *at = v.mv_data;
    put_u64(at, lsn);
    put_u16(at + 8, 0);
    memcpy(at + VIEW_KV_HEADER_BYTES, r->value.at, r->value.bytes);
    return 0;
}

static int apply_delete(struct store *s, const struct record *r)
{
    struct span old;
    int rc = find_value(s, r->name, &old);
    if (rc)
        return rc == -ENOENT ? -EBADMSG : rc;
    s->state.keys--;
    s->state.key_bytes -= r->name.bytes + old.bytes - VIEW_KV_HEADER_BYTES;
    MDB_val k = view_val(r->name);
    return view_errno(mdb_del(s->txn, handles(s)->kv, &k, NULL));
}

static int put_queue(struct store *s, struct span name, const struct view_queue *queue)
{
    char bytes[VIEW_QUEUE_BYTES];
    view_queue_encode(bytes, queue);
    s->queue_size = queue->count;
    MDB_val k = view_val(name), v = {sizeof bytes, bytes};
    return view_errno(mdb_put(s->txn, handles(s)->queues, &k, &v, 0));
}

static int apply_enqueue(struct store *s, const struct record *r)
{
    struct view_queue queue;
    int rc = store_find_queue(s, r->name, &queue);
    if (rc == -ENOENT) {
        if (r->queue_id != s->state.next_queue_id)
            return -EBADMSG;
        queue = (struct view_queue){.id = r->queue_id, .next_sequence = 1};
        s->state.next_queue_id++;
        s->state.queues++;
        s->created = true;
    } else if (rc) {
        return rc;
    }
    if (queue.id != r->queue_id || queue.next_sequence != r->sequence)
        return -EBADMSG;
    char key[VIEW_ITEM_KEY_BYTES];
    view_item_key(key, queue.id, r->sequence);
    MDB_val k = {sizeof key, key}, v = {VIEW_ITEM_HEADER_BYTES + r->value.bytes, NULL};
    rc = view_errno(mdb_put(s->txn, handles(s)->items, &k, &v, MDB_RESERVE));
    if (rc)
        return rc;
    put_u16(v.mv_data, 0);
    memcpy((char *)v.mv_data + VIEW_ITEM_HEADER_BYTES, r->value.at, r->value.bytes);
    queue.next_sequence++;
    queue.count++;
    queue.bytes += r->value.bytes;
    s->state.items++;
    s->state.item_bytes += r->value.bytes;
    return put_queue(s, r->name, &queue);
}

static int apply_dequeue(struct store *s, const struct record *r)
{
    struct view_queue queue;
    int rc = store_find_queue(s, r->name, &queue);
    if (rc)
        return rc == -ENOENT ? -EBADMSG : rc;
    if (queue.id != r->queue_id || queue.count == 0)
        return -EBADMSG;
    char key[VIEW_ITEM_KEY_BYTES];
    view_item_key(key, queue.id, r->sequence);
    MDB_val k = {sizeof key, key}, v;
    rc = view_errno(mdb_get(s->txn, handles(s)->items, &k, &v));
    if (rc || v.mv_size < VIEW_ITEM_HEADER_BYTES)
        return rc && rc != -ENOENT ? rc : -EBADMSG;
    uint64_t bytes = v.mv_size - VIEW_ITEM_HEADER_BYTES;
    if (!identity_is_none(&r->identity))
        buffer_append(&s->dequeued, (char *)v.mv_data + VIEW_ITEM_HEADER_BYTES, bytes);
    rc = view_errno(mdb_del(s->txn, handles(s)->items, &k, NULL));
    if (rc)
        return rc;
    queue.count--;
    queue.bytes -= bytes;
    s->state.items--;
    s->state.item_bytes -= bytes;
    return put_queue(s, r->name, &queue);
}

/* All items go to the trash with the queue's old id; the queue goes on under a new one, or not at all. */
static int apply_clear(struct store *s, const struct record *r)
{
    struct view_queue queue;
    int rc = store_find_queue(s, r->name, &queue);
    if (rc)
        return rc == -ENOENT ? -EBADMSG : rc;
    if (queue.id != r->queue_id)
        return -EBADMSG;
    s->state.items -= queue.count;
    s->state.item_bytes -= queue.bytes;
    if (queue.count) {
        char key[8];
        put_u64_be(key, queue.id);
        MDB_val k = {sizeof key, key}, v = {0, ""};
        rc = view_errno(mdb_put(s->txn, handles(s)->trash, &k, &v, 0));
        if (rc)
            return rc;
        s->trash = true;
    }
    if (r->op == OP_FORGET) {
        s->state.queues--;
        MDB_val k = view_val(r->name);
        return view_errno(mdb_del(s->txn, handles(s)->queues, &k, NULL));
    }
    if (!queue.count)
        return 0;
    queue.id = s->state.next_queue_id++;
    queue.count = queue.bytes = 0;
    return put_queue(s, r->name, &queue);
}

static int apply(struct store *s, const struct record *r, uint64_t lsn)
{
    switch (r->op) {
    case OP_NOOP:
    case OP_REFUSE:
        return 0;
    case OP_SET:
        return apply_set(s, r, lsn);
    case OP_DELETE:
        return apply_delete(s, r);
    case OP_ENQUEUE:
        return apply_enqueue(s, r);
    case OP_DEQUEUE:
        return apply_dequeue(s, r);
    case OP_CLEAR:
    case OP_FORGET:
        return apply_clear(s, r);
    case OP_EXPIRE:
        return requests_expire(s, r);
    case OP_DEPART:
        return requests_depart(s, r);
    case OP_LIMIT:
        break;
    }
    return -EBADMSG;
}

int store_apply(struct store *s, const struct record *r, uint64_t lsn, uint64_t time_ns)
{
    s->dequeued.bytes = 0;
    s->created = false;
    s->queue_size = 0;
    int rc = apply(s, r, lsn);
    if (!rc && op_is_write(r->op))
        rc = changes_add(s, &(struct change){r->op, s->created, lsn, s->queue_size, r->name});
    if (!rc && !identity_is_none(&r->identity))
        rc = requests_keep(s, r, lsn, time_ns, buffer_span(&s->dequeued));
    return rc;
}

int store_skip_items(struct store *s, uint64_t skip)
{
    MDB_cursor *cursor;
    int rc = view_errno(mdb_cursor_open(s->txn, handles(s)->queues, &cursor));
    if (rc)
        return rc;
    MDB_val k, v;
    while ((rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_NEXT))) == 0) {
        struct view_queue queue;
        char bytes[VIEW_QUEUE_BYTES];
        rc = view_queue_decode((struct span){v.mv_data, v.mv_size}, &queue) ? 0 : -EBADMSG;
        queue.next_sequence += skip;
        view_queue_encode(bytes, &queue);
        v = (MDB_val){sizeof bytes, bytes};
        if (!rc)
            rc = view_errno(mdb_cursor_put(cursor, &k, &v, MDB_CURRENT));
        if (rc)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == -ENOENT ? 0 : rc;
}

int store_collect(struct store *s, unsigned limit)
{
    if (!s->trash)
        return 0;
    MDB_cursor *cursor;
    int rc = view_errno(mdb_cursor_open(s->txn, handles(s)->trash, &cursor));
    if (rc)
        return rc;
    MDB_val trash_key, unused;
    rc = view_errno(mdb_cursor_get(cursor, &trash_key, &unused, MDB_FIRST));
    char id[8] = {0};
    if (!rc)
        memcpy(id, trash_key.mv_data, sizeof id);
    mdb_cursor_close(cursor);
    if (rc == -ENOENT) {
        s->trash = false;
        return 0;
    }
    if (rc)
        return rc;
    rc = view_errno(mdb_cursor_open(s->txn, handles(s)->items, &cursor));
    if (rc)
        return rc;
    char key[VIEW_ITEM_KEY_BYTES];
    view_item_key(key, get_u64_be(id), 0);
    for (unsigned i = 0; i < limit && !rc; i++) {
        MDB_val k = {sizeof key, key}, v;
        rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
        if (rc == 0 && memcmp(k.mv_data, id, sizeof id) != 0)
            rc = -ENOENT;
        if (rc == 0)
            rc = view_errno(mdb_cursor_del(cursor, 0));
    }
    mdb_cursor_close(cursor);
    if (rc == -ENOENT) {
        MDB_val k = {sizeof id, id};
        rc = view_errno(mdb_del(s->txn, handles(s)->trash, &k, NULL));
    }
    return rc;
}
