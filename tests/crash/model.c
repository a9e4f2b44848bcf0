/* SPDX-License-Identifier: MIT
 * What a store must hold; see model.h. */
#include "model.h"

#include "bytes.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct model_answer apply_key(uint32_t *key, const struct model_request *r)
{
    bool exists = *key != 0;

    if ((r->condition == CONDITION_EXISTS && !exists) || (r->condition == CONDITION_ABSENT && exists))
        return (struct model_answer){.result = RESULT_PRECONDITION_FAILED};
    if (r->op == OP_DELETE) {
        *key = 0;
        return (struct model_answer){.result = exists ? RESULT_OK : RESULT_NOT_FOUND};
    }
    *key = r->serial;
    return (struct model_answer){.result = exists ? RESULT_OK : RESULT_CREATED};
}

static struct model_answer apply_queue(struct model_queue *q, const struct model_request *r)
{
    switch (r->op) {
    case OP_ENQUEUE:
        must(q->count < MODEL_ITEMS);
        q->exists = true;
        q->items[q->count++] = r->serial;
        return (struct model_answer){.result = RESULT_OK, .size = q->count};
    case OP_DEQUEUE:
        if (q->count == 0)
            return (struct model_answer){.result = RESULT_QUEUE_EMPTY};
        uint32_t head = q->items[0];
        memmove(q->items, q->items + 1, --q->count * sizeof(q->items[0]));
        return (struct model_answer){.result = RESULT_OK, .size = q->count, .serial = head};
    default: /* clear, forget */
        if (!q->exists)
            return (struct model_answer){.result = RESULT_QUEUE_NOT_FOUND};
        q->count = 0;
        q->exists = r->op == OP_CLEAR;
        return (struct model_answer){.result = RESULT_OK};
    }
}

struct model_answer model_apply(struct model *m, const struct model_request *r)
{
    return r->op == OP_SET || r->op == OP_DELETE ? apply_key(&m->keys[r->name], r)
                                                 : apply_queue(&m->queues[r->name], r);
}

size_t model_value(uint32_t serial, char out[MODEL_VALUE_BYTES])
{
    size_t bytes = (size_t)snprintf(out, MODEL_VALUE_BYTES, "\"%u:", serial);
    size_t more = serial % 23 == 5 ? 6000 : serial % 17 == 3 ? 1500 : serial % 7 == 2 ? 600 : serial % 30;
    bool noise = serial % 2 == 0;
    uint64_t random = serial;

    for (size_t i = 0; i < more; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        out[bytes++] = noise ? (char)('a' + (random >> 33) % 26) : 'z';
    }
    out[bytes++] = '"';
    return bytes;
}

uint32_t model_serial(struct span value)
{
    char text[12] = "", again[MODEL_VALUE_BYTES];

    if (value.bytes < 3)
        return 0;
    memcpy(text, value.at + 1, value.bytes - 1 < sizeof(text) - 1 ? value.bytes - 1 : sizeof(text) - 1);
    uint32_t serial = (uint32_t)strtoul(text, NULL, 10);
    return model_value(serial, again) == value.bytes && memcmp(again, value.at, value.bytes) == 0 ? serial
                                                                                                  : 0;
}

size_t model_key(unsigned key, char out[16])
{
    return (size_t)snprintf(out, 16, "k%02u", key);
}

size_t model_queue_name(unsigned queue, char out[16])
{
    return (size_t)snprintf(out, 16, "q%u", queue);
}

uint64_t model_digest(const struct model *m)
{
    struct buffer text = {0};

    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        if (m->keys[i] != 0)
            buffer_printf(&text, "k%02u=%u\n", i, m->keys[i]);
    }
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        if (!m->queues[i].exists)
            continue;
        buffer_printf(&text, "q%u:", i);
        for (unsigned j = 0; j < m->queues[i].count; j++)
            buffer_printf(&text, " %u", m->queues[i].items[j]);
        buffer_append_text(&text, "\n");
    }
    uint64_t digest = XXH3_64bits(text.data, text.bytes);
    buffer_free(&text);
    return digest;
}

/* The value of an entry in kv or items, as a serial number; 0 is put into the text as well, and no model has
 * it. */
static uint32_t serial_of(MDB_val value, size_t header)
{
    if (value.mv_size < header)
        return 0;
    return model_serial((struct span){(char *)value.mv_data + header, value.mv_size - header});
}

static bool digest_keys(struct store *s, const uint64_t *lsns, struct buffer *text, char *sentence,
                        size_t room)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t count = 0;
    bool good = true;

    must(mdb_cursor_open(s->txn, view_handles(s->view)->kv, &cursor) == 0);
    for (; good && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0; count++) {
        uint32_t serial = serial_of(value, VIEW_KV_HEADER_BYTES);
        uint64_t version = get_u64(value.mv_data);

        buffer_printf(text, "%.*s=%u\n", (int)key.mv_size, (char *)key.mv_data, serial);
        if (serial != 0 && lsns[serial] != 0 && lsns[serial] != version) {
            snprintf(sentence, room, "key %.*s has version %ju, and was acknowledged with %ju",
                     (int)key.mv_size, (char *)key.mv_data, (uintmax_t)version, (uintmax_t)lsns[serial]);
            good = false;
        }
    }
    mdb_cursor_close(cursor);
    if (good && count != s->state.keys) {
        snprintf(sentence, room, "%ju keys, but %ju are counted", (uintmax_t)count, (uintmax_t)s->state.keys);
        good = false;
    }
    return good;
}

static bool digest_queues(struct store *s, struct buffer *text, char *sentence, size_t room)
{
    MDB_cursor *names, *items;
    MDB_val name, value, item;
    uint64_t queues = 0, all = 0;
    bool good = true;

    must(mdb_cursor_open(s->txn, view_handles(s->view)->queues, &names) == 0);
    must(mdb_cursor_open(s->txn, view_handles(s->view)->items, &items) == 0);
    for (; good && mdb_cursor_get(names, &name, &value, MDB_NEXT) == 0; queues++) {
        struct view_queue queue;
        char from[VIEW_ITEM_KEY_BYTES];
        uint64_t count = 0;

        must(view_queue_decode((struct span){value.mv_data, value.mv_size}, &queue));
        view_item_key(from, queue.id, 0);
        MDB_val key = {sizeof(from), from};
        buffer_printf(text, "%.*s:", (int)name.mv_size, (char *)name.mv_data);
        for (int rc = mdb_cursor_get(items, &key, &item, MDB_SET_RANGE);
             rc == 0 && memcmp(key.mv_data, from, 8) == 0;
             rc = mdb_cursor_get(items, &key, &item, MDB_NEXT)) {
            buffer_printf(text, " %u", serial_of(item, VIEW_ITEM_HEADER_BYTES));
            count++;
        }
        buffer_append_text(text, "\n");
        all += count;
        if (count != queue.count) {
            snprintf(sentence, room, "queue %.*s has %ju items, but %ju are counted", (int)name.mv_size,
                     (char *)name.mv_data, (uintmax_t)count, (uintmax_t)queue.count);
            good = false;
        }
    }
    mdb_cursor_close(items);
    mdb_cursor_close(names);
    if (good && (queues != s->state.queues || all != s->state.items)) {
        snprintf(sentence, room, "%ju queues with %ju items, but %ju and %ju are counted", (uintmax_t)queues,
                 (uintmax_t)all, (uintmax_t)s->state.queues, (uintmax_t)s->state.items);
        good = false;
    }
    return good;
}

bool model_digest_store(struct store *s, const uint64_t *lsns, uint64_t *digest, char *sentence, size_t room)
{
    struct buffer text = {0};

    must(store_begin(s) == 0);
    bool good = digest_keys(s, lsns, &text, sentence, room) && digest_queues(s, &text, sentence, room);
    store_abort(s);
    *digest = XXH3_64bits(text.data, text.bytes);
    buffer_free(&text);
    return good;
}
