/* SPDX-License-Identifier: MIT
 * What a store must hold; see model.h. */
#include "model.h"

#include "bytes.h"
#include "log.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct model_answer apply_key(uint32_t *key, const struct model_request *r)
{
    uint32_t before = *key;
    bool exists = before != 0;

    if ((r->condition == CONDITION_EXISTS && !exists) || (r->condition == CONDITION_ABSENT && exists))
        return (struct model_answer){.result = RESULT_PRECONDITION_FAILED, .version_of = before};
    if (r->op == OP_DELETE) {
        *key = 0;
        return (struct model_answer){.result = exists ? RESULT_OK : RESULT_NOT_FOUND, .version_of = before};
    }
    *key = r->serial;
    return (struct model_answer){.result = exists ? RESULT_OK : RESULT_CREATED, .version_of = r->serial};
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

static void take_out(struct model_outcome *outcomes, unsigned *count, unsigned at)
{
    memmove(&outcomes[at], &outcomes[at + 1], (--*count - at) * sizeof(*outcomes));
}

static void put_in(struct model_outcome *outcomes, unsigned *count, const struct model_request *r,
                   const struct model_answer *a)
{
    must(*count < MODEL_KEPT);
    outcomes[(*count)++] = (struct model_outcome){*r, *a};
}

/* The places of a session up to this id are not asked about any more. */
static void forget_places(struct model *m, uint64_t session, uint64_t up_to)
{
    for (unsigned i = 0; i < m->by_place_count;) {
        const struct model_request *r = &m->by_place[i].request;

        if (r->session == session && r->id <= up_to)
            take_out(m->by_place, &m->by_place_count, i);
        else
            i++;
    }
}

static struct model_answer again(const struct model_outcome *o, bool replayed)
{
    struct model_answer a = o->answer;

    a.repeats = o->request.id;
    a.replayed = replayed;
    return a;
}

struct model_answer model_apply(struct model *m, const struct model_request *r)
{
    for (unsigned i = 0; r->was_sent && i < m->by_place_count; i++) {
        if (m->by_place[i].request.session == r->session && m->by_place[i].request.id == r->id)
            return again(&m->by_place[i], false);
    }
    for (unsigned i = 0; r->key != 0 && i < m->by_key_count; i++) {
        const struct model_request *first = &m->by_key[i].request;

        if (first->key == r->key && first->id != r->id)
            return (struct model_answer){.result = RESULT_MISMATCH, .repeats = first->id};
        if (first->key == r->key)
            return again(&m->by_key[i], true);
    }
    struct model_answer a = r->op == OP_SET || r->op == OP_DELETE ? apply_key(&m->keys[r->name], r)
                                                                  : apply_queue(&m->queues[r->name], r);
    bool done = a.result == RESULT_OK || a.result == RESULT_CREATED;

    a.kept = r->key != 0 || (r->session != 0 && done);
    if (!a.kept)
        return a;
    if (r->session != 0) {
        forget_places(m, r->session, r->confirmed);
        put_in(m->by_place, &m->by_place_count, r, &a);
    }
    if (r->key != 0)
        put_in(m->by_key, &m->by_key_count, r, &a);
    return a;
}

void model_upkeep(struct model *m, uint64_t departed, unsigned most)
{
    forget_places(m, departed, UINT64_MAX);
    while (m->by_key_count > most)
        take_out(m->by_key, &m->by_key_count, 0);
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

size_t model_idempotency_key(unsigned key, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    /* One is as long as it may be. */
    return (size_t)snprintf(out, IDEMPOTENCY_KEY_MAX + 1, key == 3 ? "%0255u" : "i%u", key);
}

static void digest_answer(struct buffer *text, unsigned result, uint64_t size, uint32_t serial)
{
    buffer_printf(text, "%u %ju %u\n", result, (uintmax_t)size, serial);
}

static void digest_outcome(struct buffer *text, const struct model_outcome *o)
{
    digest_answer(text, o->answer.result, o->answer.size, o->answer.serial);
}

/* In the order of LMDB: keys by their bytes, places by session and sequence. */
static int compare_keys(const void *a, const void *b)
{
    const struct model_outcome *const *x = a, *const *y = b;
    char x_text[IDEMPOTENCY_KEY_MAX + 1], y_text[IDEMPOTENCY_KEY_MAX + 1];

    model_idempotency_key((*x)->request.key, x_text);
    model_idempotency_key((*y)->request.key, y_text);
    return strcmp(x_text, y_text);
}

static int compare_places(const void *a, const void *b)
{
    const struct model_request *x = &(*(const struct model_outcome *const *)a)->request;
    const struct model_request *y = &(*(const struct model_outcome *const *)b)->request;

    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static void digest_outcomes(const struct model *m, struct buffer *text)
{
    const struct model_outcome *sorted[MODEL_KEPT];
    char key[IDEMPOTENCY_KEY_MAX + 1];

    for (unsigned i = 0; i < m->by_key_count; i++)
        sorted[i] = &m->by_key[i];
    qsort(sorted, m->by_key_count, sizeof(*sorted), compare_keys);
    for (unsigned i = 0; i < m->by_key_count; i++) {
        model_idempotency_key(sorted[i]->request.key, key);
        buffer_printf(text, "%s: %u ", key, sorted[i]->request.id);
        digest_outcome(text, sorted[i]);
    }
    for (unsigned i = 0; i < m->by_place_count; i++)
        sorted[i] = &m->by_place[i];
    qsort(sorted, m->by_place_count, sizeof(*sorted), compare_places);
    for (unsigned i = 0; i < m->by_place_count; i++) {
        buffer_printf(text, "%jx/%u: ", (uintmax_t)sorted[i]->request.session, sorted[i]->request.id);
        digest_outcome(text, sorted[i]);
    }
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
    digest_outcomes(m, &text);
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

/* What is answered to who asks again, and that it is what was acknowledged. */
static bool digest_repeat(struct store *s, const struct identity *i, uint32_t id,
                          const struct model_acknowledged *a, struct buffer *text, char *sentence,
                          size_t room)
{
    struct write_result r = {0};
    struct buffer value = {0};
    int rc = requests_find(s, i, i->session != 0, 0, UINT64_MAX, &r, &value);
    uint32_t serial = value.bytes ? model_serial(buffer_span(&value)) : 0;
    bool known = id < MODEL_SERIALS && a->lsns[id] != 0;

    if (i->session)
        buffer_printf(text, "%jx/%ju: ", (uintmax_t)i->session, (uintmax_t)i->sequence);
    else
        buffer_printf(text, "%.*s: %u ", (int)i->key.bytes, i->key.at, id);
    digest_answer(text, r.result, r.size, serial);
    bool found = rc == 1 && r.result != RESULT_MISMATCH && r.replayed == (i->session == 0) &&
                 (value.bytes == 0 || serial != 0);
    bool same = !known || (r.lsn == a->lsns[id] && r.version == a->versions[id]);
    if (!found)
        snprintf(sentence, room, "what is kept of request %u is not found: %d, %s", id, rc,
                 result_text(r.result));
    else if (!same)
        snprintf(sentence, room,
                 "request %u was acknowledged with LSN %ju and version %ju, but is kept with %ju and %ju", id,
                 (uintmax_t)a->lsns[id], (uintmax_t)a->versions[id], (uintmax_t)r.lsn, (uintmax_t)r.version);
    buffer_free(&value);
    return found && same;
}

/* The entry of an idempotency key leads to an outcome that is its own; what that is of is taken from its
 * fingerprint. */
static bool identity_of_key(struct store *s, MDB_val key, MDB_val value, struct identity *i)
{
    char order[9] = {'o'};
    MDB_val k = {sizeof(order), order}, v;

    i->key = (struct span){(char *)key.mv_data + 1, key.mv_size - 1};
    if (value.mv_size != 8)
        return false;
    put_u64_be(order + 1, get_u64(value.mv_data));
    if (mdb_get(s->txn, view_handles(s->view)->requests, &k, &v) != 0 ||
        v.mv_size < VIEW_OUTCOME_BYTES + i->key.bytes)
        return false;
    const char *outcome = v.mv_data;
    memcpy(i->fingerprint, outcome + 40, FINGERPRINT_BYTES);
    return get_u16(outcome + 2) == i->key.bytes &&
           memcmp(outcome + VIEW_OUTCOME_BYTES, i->key.at, i->key.bytes) == 0;
}

static bool digest_requests(struct store *s, const struct model_acknowledged *a, struct buffer *text,
                            char *sentence, size_t room)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t keys = 0, orders = 0;
    bool good = true;

    must(mdb_cursor_open(s->txn, view_handles(s->view)->requests, &cursor) == 0);
    while (good && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct identity i = {.session = 0};
        const char *k = key.mv_data;

        if (*k == 'o' && key.mv_size == 9) {
            orders++;
        } else if (*k == 'k' && identity_of_key(s, key, value, &i)) {
            keys++;
            good = digest_repeat(s, &i, get_u32(i.fingerprint), a, text, sentence, room);
        } else if (*k == 's' && key.mv_size == 17) {
            i.session = get_u64_be(k + 1);
            i.sequence = get_u64_be(k + 9);
            good = digest_repeat(s, &i, (uint32_t)i.sequence, a, text, sentence, room);
        } else {
            snprintf(sentence, room, "an entry of %zu bytes among the outcomes is none", key.mv_size);
            good = false;
        }
    }
    mdb_cursor_close(cursor);
    if (good && (keys != orders || keys != s->state.requests)) {
        snprintf(sentence, room, "%ju idempotency keys with %ju outcomes, but %ju are counted",
                 (uintmax_t)keys, (uintmax_t)orders, (uintmax_t)s->state.requests);
        good = false;
    }
    return good;
}

bool model_digest_store(struct store *s, const struct model_acknowledged *a, uint64_t *digest, char *sentence,
                        size_t room)
{
    struct buffer text = {0};

    must(store_begin(s) == 0);
    bool good = digest_keys(s, a->lsns, &text, sentence, room) && digest_queues(s, &text, sentence, room) &&
                digest_requests(s, a, &text, sentence, room);
    store_abort(s);
    *digest = XXH3_64bits(text.data, text.bytes);
    buffer_free(&text);
    return good;
}
