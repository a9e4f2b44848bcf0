/* SPDX-License-Identifier: MIT
 * Outcomes that are kept for repeats; see requests.h. */
#include "requests.h"

#include "log.h"

#include <errno.h>

enum { SESSION_KEY_BYTES = 17, ORDER_KEY_BYTES = 9 };

struct outcome {
    enum result result;
    uint64_t lsn;
    uint64_t version;
    uint64_t size;
    uint64_t time_ns;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    struct span key;
    struct span value;
};

static MDB_dbi requests(const struct store *s)
{
    return view_handles(s->view)->requests;
}

static struct span session_key(char out[SESSION_KEY_BYTES], uint64_t session, uint64_t sequence)
{
    out[0] = 's';
    put_u64_be(out + 1, session);
    put_u64_be(out + 9, sequence);
    return (struct span){out, SESSION_KEY_BYTES};
}

static struct span order_key(char out[ORDER_KEY_BYTES], uint64_t lsn)
{
    out[0] = 'o';
    put_u64_be(out + 1, lsn);
    return (struct span){out, ORDER_KEY_BYTES};
}

static struct span name_key(char out[1 + IDEMPOTENCY_KEY_MAX], struct span key)
{
    out[0] = 'k';
    memcpy(out + 1, key.at, key.bytes);
    return (struct span){out, 1 + key.bytes};
}

static int put_outcome(struct store *s, struct span key, const struct outcome *o)
{
    MDB_val k = view_val(key), v = {VIEW_OUTCOME_BYTES + o->key.bytes + o->value.bytes, NULL};
    int rc = view_errno(mdb_put(s->txn, requests(s), &k, &v, MDB_RESERVE));
    if (rc)
        return rc;
    char *at = v.mv_data;
    put_u16(at, (uint16_t)o->result);
    put_u16(at + 2, (uint16_t)o->key.bytes);
    put_u32(at + 4, 0);
    put_u64(at + 8, o->lsn);
    put_u64(at + 16, o->version);
    put_u64(at + 24, o->size);
    put_u64(at + 32, o->time_ns);
    memcpy(at + 40, o->fingerprint, FINGERPRINT_BYTES);
    at = mempcpy(at + VIEW_OUTCOME_BYTES, o->key.at, o->key.bytes);
    if (o->value.bytes)
        memcpy(at, o->value.at, o->value.bytes);
    return 0;
}

static bool decode_outcome(const MDB_val *v, struct outcome *o)
{
    struct reader r = reader_of(v->mv_data, v->mv_size);
    unsigned result = read_u16(&r);
    size_t key_bytes = read_u16(&r);
    uint32_t zero = read_u32(&r);
    o->lsn = read_u64(&r);
    o->version = read_u64(&r);
    o->size = read_u64(&r);
    o->time_ns = read_u64(&r);
    read_bytes(&r, o->fingerprint, FINGERPRINT_BYTES);
    o->key = read_span(&r, key_bytes);
    o->value = read_span(&r, (size_t)(r.end - r.at));
    o->result = (enum result)result;
    return !r.bad && zero == 0 && result < RESULT_LIMIT && key_bytes <= IDEMPOTENCY_KEY_MAX;
}

static int get_outcome(struct store *s, struct span key, struct outcome *o)
{
    MDB_val k = view_val(key), v;
    int rc = view_errno(mdb_get(s->txn, requests(s), &k, &v));
    return rc ? rc : decode_outcome(&v, o) ? 0 : -EBADMSG;
}

static int drop(struct store *s, struct span key)
{
    MDB_val k = view_val(key);
    return view_errno(mdb_del(s->txn, requests(s), &k, NULL));
}

/* The LSN of the outcome that an idempotency key has; -ENOENT: none. */
static int find_key(struct store *s, struct span key, uint64_t *lsn)
{
    char name[1 + IDEMPOTENCY_KEY_MAX];
    MDB_val k = view_val(name_key(name, key)), v;
    int rc = view_errno(mdb_get(s->txn, requests(s), &k, &v));
    if (!rc && v.mv_size != 8)
        return -EBADMSG;
    if (!rc)
        *lsn = get_u64(v.mv_data);
    return rc;
}

static int get_by_lsn(struct store *s, uint64_t lsn, struct outcome *o)
{
    char key[ORDER_KEY_BYTES];
    int rc = get_outcome(s, order_key(key, lsn), o);
    return rc == -ENOENT ? -EBADMSG : rc; /* somebody said that it was there */
}

static void answer(const struct outcome *o, struct write_result *result, struct buffer *values)
{
    *result =
        (struct write_result){.result = o->result, .lsn = o->lsn, .version = o->version, .size = o->size};
    buffer_append(values, o->value.at, o->value.bytes);
}

int requests_find(struct store *s, const struct identity *i, bool was_sent, uint64_t now_ns,
                  uint64_t window_ns, struct write_result *result, struct buffer *values)
{
    struct outcome o;
    char key[SESSION_KEY_BYTES];
    if (i->session && was_sent) {
        int rc = get_outcome(s, session_key(key, i->session, i->sequence), &o);
        if (rc == 0)
            answer(&o, result, values);
        if (rc != -ENOENT)
            return rc ? rc : 1;
    }
    if (!i->key.bytes)
        return 0;
    uint64_t lsn;
    int rc = find_key(s, i->key, &lsn);
    if (!rc)
        rc = get_by_lsn(s, lsn, &o);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    if (now_ns > o.time_ns && now_ns - o.time_ns >= window_ns)
        return 0;
    if (memcmp(o.fingerprint, i->fingerprint, FINGERPRINT_BYTES) != 0) {
        *result = (struct write_result){.result = RESULT_MISMATCH, .lsn = o.lsn};
        return 1;
    }
    answer(&o, result, values);
    result->replayed = true;
    return 1;
}

/* Lets go of what the session has confirmed. */
static int confirm(struct store *s, uint64_t session, uint64_t up_to)
{
    MDB_cursor *cursor;
    int rc = view_errno(mdb_cursor_open(s->txn, requests(s), &cursor));
    if (rc)
        return rc;
    char first[SESSION_KEY_BYTES], last[SESSION_KEY_BYTES];
    session_key(first, session, 0);
    session_key(last, session, up_to);
    MDB_val k = {sizeof first, first}, v;
    rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
    while (!rc && k.mv_size == sizeof last && memcmp(k.mv_data, last, sizeof last) <= 0) {
        rc = view_errno(mdb_cursor_del(cursor, 0));
        if (!rc)
            rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_NEXT));
    }
    mdb_cursor_close(cursor);
    return rc == -ENOENT ? 0 : rc;
}

static int keep_for_key(struct store *s, struct outcome *o, uint64_t lsn, const struct identity *i)
{
    uint64_t before;
    char name[1 + IDEMPOTENCY_KEY_MAX], order[ORDER_KEY_BYTES];
    int rc = find_key(s, i->key, &before);
    if (rc == 0)
        rc = drop(s, order_key(order, before)); /* it was too old to count */
    else if (rc == -ENOENT)
        rc = 0, s->oldest_request_ns = s->state.requests++ ? s->oldest_request_ns : o->time_ns;
    if (rc)
        return rc == -ENOENT ? -EBADMSG : rc;
    char bytes[8];
    put_u64(bytes, lsn);
    MDB_val k = view_val(name_key(name, i->key)), v = {sizeof bytes, bytes};
    rc = view_errno(mdb_put(s->txn, requests(s), &k, &v, 0));
    if (rc)
        return rc;
    o->key = i->key;
    memcpy(o->fingerprint, i->fingerprint, FINGERPRINT_BYTES);
    return put_outcome(s, order_key(order, lsn), o);
}

int requests_keep(struct store *s, const struct record *r, uint64_t lsn, uint64_t time_ns,
                  struct span dequeued)
{
    const struct identity *i = &r->identity;
    struct outcome o = {
        .result = r->result,
        .lsn = r->op == OP_REFUSE ? lsn - 1 : lsn,
        .version = r->op == OP_DEQUEUE ? 0 : r->version,
        .size = r->size,
        .time_ns = time_ns,
        .key = {"", 0},
        .value = dequeued,
    };
    int rc = r->op == OP_DEQUEUE && r->version && r->version != dequeued.bytes ? -EBADMSG : 0;
    if (!rc && r->op == OP_DEQUEUE && !r->version) /* whoever replays this could not know */
        rc = view_more_room(s->view, requests_copies(i) * view_value_pages(s->view, dequeued.bytes));
    if (!rc && i->session && i->confirmed)
        rc = confirm(s, i->session, i->confirmed);
    if (!rc && i->session) {
        char key[SESSION_KEY_BYTES];
        rc = put_outcome(s, session_key(key, i->session, i->sequence), &o);
    }
    return rc || !i->key.bytes ? rc : keep_for_key(s, &o, lsn, i);
}

/* The oldest outcome of a key behind `*lsn`, which becomes its LSN. */
static int next_oldest(MDB_cursor *cursor, uint64_t *lsn, struct outcome *o)
{
    char first[ORDER_KEY_BYTES];
    order_key(first, *lsn + 1);
    MDB_val k = {sizeof first, first}, v;
    int rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
    if (rc)
        return rc;
    if (k.mv_size != ORDER_KEY_BYTES || *(char *)k.mv_data != 'o')
        return -ENOENT;
    *lsn = get_u64_be((char *)k.mv_data + 1);
    return decode_outcome(&v, o) ? 0 : -EBADMSG;
}

int requests_expire(struct store *s, const struct record *r)
{
    MDB_cursor *cursor;
    struct outcome o;
    uint64_t lsn = 0;
    int rc = view_errno(mdb_cursor_open(s->txn, requests(s), &cursor));
    if (rc)
        return rc;
    while ((rc = next_oldest(cursor, &lsn, &o)) == 0 && lsn <= r->sequence) {
        char name[1 + IDEMPOTENCY_KEY_MAX], order[ORDER_KEY_BYTES];
        struct span key = name_key(name, o.key);
        rc = drop(s, key);
        if (!rc)
            rc = drop(s, order_key(order, lsn));
        if (rc == -ENOENT)
            rc = -EBADMSG; /* the two belong together */
        if (rc)
            break;
        s->state.requests--;
    }
    mdb_cursor_close(cursor);
    s->oldest_request_ns = rc ? 0 : o.time_ns;
    s->state.requests_evicted += r->queue_id;
    return rc == -ENOENT ? 0 : rc;
}

int requests_depart(struct store *s, const struct record *r)
{
    return confirm(s, r->queue_id, UINT64_MAX);
}

static bool is_old(uint64_t time_ns, uint64_t now_ns, const struct requests_limits *limits)
{
    return now_ns > time_ns && now_ns - time_ns >= limits->window_ns;
}

bool requests_due(const struct store *s, const struct requests_limits *limits, uint64_t now_ns)
{
    return s->state.requests > limits->entries_max ||
           (s->state.requests > 0 && is_old(s->oldest_request_ns, now_ns, limits));
}

int requests_make_expire(struct store *s, const struct requests_limits *limits, uint64_t now_ns,
                         unsigned most, struct record *record)
{
    MDB_cursor *cursor;
    struct outcome o;
    uint64_t lsn = 0, last = 0, left = s->state.requests, evicted = 0;
    int rc = view_errno(mdb_cursor_open(s->txn, requests(s), &cursor));
    if (rc)
        return rc;
    for (unsigned i = 0; i < most && (rc = next_oldest(cursor, &lsn, &o)) == 0; i++) {
        bool old = is_old(o.time_ns, now_ns, limits);
        if (i == 0) /* true of the published state, too */
            s->oldest_request_ns = s->oldest_before_ns = o.time_ns;
        if (!old && left <= limits->entries_max)
            break;
        evicted += !old;
        last = lsn;
        left--;
    }
    mdb_cursor_close(cursor);
    if (rc && rc != -ENOENT)
        return rc;
    *record = (struct record){.op = OP_EXPIRE, .queue_id = evicted, .sequence = last};
    return last != 0;
}

int requests_has_session(struct store *s, uint64_t session)
{
    MDB_cursor *cursor;
    char first[SESSION_KEY_BYTES];
    session_key(first, session, 0);
    int rc = view_errno(mdb_cursor_open(s->txn, requests(s), &cursor));
    if (rc)
        return rc;
    MDB_val k = {sizeof first, first}, v;
    rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
    bool found = !rc && k.mv_size == sizeof first && memcmp(k.mv_data, first, 9) == 0;
    mdb_cursor_close(cursor);
    return rc && rc != -ENOENT ? rc : found;
}

int requests_sessions(struct store *s, void (*visit)(uint64_t session, void *arg), void *arg)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int rc = view_begin_read(s->view, &txn);
    if (rc)
        return rc;
    rc = view_errno(mdb_cursor_open(txn, requests(s), &cursor));
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    uint64_t session = 0;
    while (rc == 0 && session < UINT64_MAX) {
        char from[SESSION_KEY_BYTES];
        session_key(from, session + 1, 0);
        MDB_val k = {sizeof from, from}, v;
        rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
        if (rc || k.mv_size != sizeof from || *(char *)k.mv_data != 's')
            break;
        session = get_u64_be((char *)k.mv_data + 1);
        visit(session, arg);
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == -ENOENT ? 0 : rc;
}
