/* SPDX-License-Identifier: MIT
 * The batch; see batch.h. */
#include "batch.h"

#include "clock.h"
#include "log.h"

#include <errno.h>

enum {
    COLLECT_PER_BATCH = 64,
    COLLECT_IDLE = 1024,
    UPKEEP_FEW = 2,
    VALUES_BYTES_MAX = 8 * 1024 * 1024, /* dequeued by one batch, but for one larger value */
};
#define TELL_EVERY_NS (10 * NS_PER_S)

void batch_init(struct batch *b, struct store *store, struct wal *wal, const struct requests_limits *limits)
{
    *b = (struct batch){.store = store, .wal = wal, .limits = *limits};
}

void batch_free(struct batch *b)
{
    buffer_free(&b->records);
    buffer_free(&b->values);
}

static bool adds_data(const struct write_request *r)
{
    return r->op == OP_SET || r->op == OP_ENQUEUE;
}

static bool refused(const struct batch_item *item)
{
    return item->refusal != RESULT_OK;
}

static void refuse(struct batch_item *item)
{
    if (!refused(item))
        item->refusal = RESULT_STORAGE_FULL;
}

static void refuse_adds(struct batch_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (adds_data(&items[i].request))
            refuse(&items[i]);
    }
}

/* Has room in log and view for all items that are not refused. Returns 0, -ENOSPC or another negative errno.
 */
static int room_for(struct batch *b, const struct batch_item *items, size_t count, const char **what)
{
    uint64_t ops = 0, bytes = 0, run_pages = 0;
    uint64_t log_bytes = (1 + b->depart_most) * RECORD_FIXED_BYTES;
    bool adds = false;
    /* A little upkeep is within what every transaction has to spare: where deletes go on, it does. */
    if (b->depart_most > UPKEEP_FEW)
        ops = b->depart_most;
    if (b->expire_most > UPKEEP_FEW)
        requests_expire_room(b->expire_most, &ops, &bytes);
    for (size_t i = 0; i < count; i++) {
        const struct write_request *r = &items[i].request;
        if (refused(&items[i]))
            continue;
        ops++;
        bytes += r->name.bytes + r->value.bytes;
        requests_keep_room(&r->identity, &ops, &bytes);
        log_bytes += record_bytes(r->name.bytes, r->value.bytes, &r->identity);
        run_pages += view_value_pages(b->store->view, r->value.bytes);
        adds = adds || adds_data(r);
    }
    *what = "view_full";
    int rc = view_make_room(b->store->view, ops + COLLECT_PER_BATCH / 8, bytes, run_pages, adds);
    if (!rc) {
        *what = "disk_full";
        rc = wal_make_room(b->wal, log_bytes, adds);
    }
    return rc;
}

/* A store at its limit can change its mind with every batch: it is said now and then. */
static bool tell(struct batch *b)
{
    uint64_t now = clock_monotonic_ns();
    if (b->told_ns && now - b->told_ns < TELL_EVERY_NS)
        return false;
    b->told_ns = now;
    return true;
}

static void begin_refusing(struct batch *b, const char *what)
{
    if (!b->refusing && tell(b))
        log_warning("%s: what adds data is refused until there is room", what);
    b->refusing = what;
}

/* How many outcomes this batch may let go of, so that there are never many too many. */
static unsigned expire_most(const struct batch *b, const struct batch_item *items, size_t count)
{
    unsigned keys = 0;
    for (size_t i = 0; i < count; i++)
        keys += items[i].request.identity.key.bytes != 0;
    bool due = requests_due(b->store, &b->limits, b->time_ns) ||
               b->store->published.requests + keys > b->limits.entries_max;
    return due ? requests_expire_most(keys) : 0;
}

static void limit_upkeep(struct batch *b, unsigned most)
{
    b->expire_most = b->expire_most < most ? b->expire_most : most;
    b->depart_most = b->depart_most < most ? b->depart_most : most;
}

/* Makes room, refusing what adds data, or doing less upkeep, or refusing everything, if that is what it
 * takes. A little upkeep is done for as long as anything is: it may be the only way to more room. Returns 0,
 * -ENOSPC when there is none at all, or another negative errno. */
static int make_room(struct batch *b, struct batch_item *items, size_t count)
{
    const char *what;
    b->expire_most = expire_most(b, items, count);
    b->depart_most = b->departed_count;
    int rc = room_for(b, items, count, &what);
    if (rc == 0 && b->refusing) {
        for (size_t i = 0; i < count; i++) {
            if (adds_data(&items[i].request) && !refused(&items[i])) {
                log_debug("there is room again");
                b->refusing = NULL;
                break;
            }
        }
    } else if (rc == -ENOSPC && count) {
        begin_refusing(b, what);
        refuse_adds(items, count);
        rc = room_for(b, items, count, &what);
    }
    for (unsigned most = UPKEEP_FEW; rc == -ENOSPC && b->expire_most + b->depart_most; most = 0) {
        limit_upkeep(b, most);
        rc = room_for(b, items, count, &what);
    }
    for (size_t i = 0; rc == -ENOSPC && i < count; i++)
        refuse(&items[i]);
    return rc;
}

/* Encodes a record and applies it. */
static int take(struct batch *b, const struct record *record, uint32_t *recorded)
{
    record_encode(&b->records, record);
    int rc = store_apply(b->store, record, wal_next_lsn(b->wal) + *recorded, b->time_ns);
    ++*recorded;
    b->keys += record->identity.key.bytes != 0;
    return rc;
}

/* The room for what is kept of a dequeue, whose value is known only now. */
static int room_for_value(struct batch *b, const struct record *record)
{
    uint64_t copies = record->op == OP_DEQUEUE ? requests_copies(&record->identity) : 0;
    return copies ? view_more_room(b->store->view, copies * view_value_pages(b->store->view, record->version))
                  : 0;
}

/* Answers an item: as before, if it was done before, or else by doing it. */
static int try_item(struct batch *b, struct batch_item *item, uint32_t *recorded)
{
    const struct write_request *request = &item->request;
    uint64_t lsn = wal_next_lsn(b->wal) + *recorded;
    item->value_at = b->values.bytes;
    int rc = requests_find(b->store, &request->identity, item->was_sent, b->time_ns, b->limits.window_ns,
                           &item->result, &b->values);
    if (rc == 0 && !refused(item)) {
        struct record record;
        rc = evaluate(b->store, request, lsn, &record, &item->result, &b->values);
        if (rc == 1 && room_for_value(b, &record)) {
            begin_refusing(b, "view_full");
            refuse(item);
            rc = 0;
        } else if (rc == 1) {
            rc = take(b, &record, recorded);
        }
    }
    if (rc == 0 && refused(item)) {
        b->values.bytes = item->value_at;
        item->result = (struct write_result){.result = item->refusal, .lsn = lsn - 1};
    }
    item->value_bytes = b->values.bytes - item->value_at;
    return rc < 0 ? rc : 0;
}

/* What is kept for repeats is let go of when it is due. */
static int try_upkeep(struct batch *b, uint32_t *recorded)
{
    struct record record;
    int rc = 0;
    for (size_t i = 0; i < b->depart_most && !rc; i++) {
        record = (struct record){.op = OP_DEPART, .queue_id = b->departed[i]};
        rc = requests_has_session(b->store, b->departed[i]);
        if (rc == 1)
            rc = take(b, &record, recorded);
    }
    if (!rc && b->expire_most && requests_due(b->store, &b->limits, b->time_ns))
        rc = requests_make_expire(
            b->store, &b->limits, b->time_ns,
            b->expire_most < requests_expire_most(b->keys) ? b->expire_most : requests_expire_most(b->keys),
            &record);
    return rc == 1 ? take(b, &record, recorded) : rc;
}

/* Evaluates, records and applies. Returns the count of records, or a negative errno; -ENOSPC with `*full` set
 * to the item that did not fit into the view. */
static long try_stage(struct batch *b, struct batch_item *items, size_t count, bool upkeep, size_t *full)
{
    b->records.bytes = b->values.bytes = 0;
    b->keys = 0;
    uint32_t recorded = 0;
    for (size_t i = 0; i < count && b->values.bytes < VALUES_BYTES_MAX; i++) {
        b->taken = i + 1;
        int rc = try_item(b, &items[i], &recorded);
        if (rc) {
            *full = i;
            return rc;
        }
    }
    int rc = upkeep ? try_upkeep(b, &recorded) : 0;
    if (!rc && upkeep && recorded)
        rc = store_collect(b->store, COLLECT_PER_BATCH);
    return rc ? rc : (long)recorded;
}

/* Begins the transaction and has every item that is not refused decided, recorded and applied in it. Returns
 * the count of records, or a negative errno. view_make_room() should have seen a full view; if the
 * transaction finds out late, what did not fit is left out and the others start again: nothing has been
 * written anywhere yet. */
static long stage(struct batch *b, struct batch_item *items, size_t count, bool upkeep)
{
    for (;;) {
        size_t full = count;
        int rc = store_begin(b->store);
        if (rc)
            return rc;
        long recorded = try_stage(b, items, count, upkeep, &full);
        if (recorded >= 0)
            return recorded;
        store_abort(b->store);
        if (recorded != -ENOSPC || (full == count && !upkeep))
            return recorded;
        if (full < count) {
            refuse(&items[full]);
            begin_refusing(b, "view_full");
        } else {
            limit_upkeep(b, 0); /* it can wait */
            upkeep = false;
        }
    }
}

/* Every item gets the same answer, and walkvd has to stop. */
static int give_up(struct batch *b, struct batch_item *items, size_t count, enum result result, int rc)
{
    store_abort(b->store);
    b->taken = count;
    for (size_t i = 0; i < count; i++)
        items[i].result = (struct write_result){.result = result};
    return rc;
}

/* Append, sync, publish: what stands in b->records, and has been applied. */
static int finish(struct batch *b, uint32_t count)
{
    uint64_t last_lsn = wal_next_lsn(b->wal) + count - 1, checksum, at;
    int rc = wal_append(b->wal, buffer_span(&b->records), count, b->time_ns, &checksum, &at);
    if (!rc)
        rc = wal_sync(b->wal);
    return rc ? rc : store_commit(b->store, last_lsn, checksum, at, b->time_ns);
}

int batch_run(struct batch *b, struct batch_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i].result = (struct write_result){.result = RESULT_OK};
        if (items[i].refusal == RESULT_STORAGE_FULL) /* of a run before */
            items[i].refusal = RESULT_OK;
        items[i].value_at = items[i].value_bytes = 0;
    }
    b->time_ns = clock_realtime_ns();
    b->taken = 0;
    if (b->values.room > 2 * VALUES_BYTES_MAX)
        buffer_free(&b->values);
    int rc = make_room(b, items, count);
    long recorded = rc && rc != -ENOSPC ? rc : stage(b, items, count, rc == 0); /* evaluate, record, apply */
    b->departed_count -= b->depart_most;
    if (recorded < 0)
        return give_up(b, items, count, RESULT_UNAVAILABLE, (int)recorded);
    for (size_t i = 0; i < b->taken; i++)
        items[i].result.value = (struct span){b->values.data + items[i].value_at, items[i].value_bytes};
    if (recorded == 0) {
        store_abort(b->store);
        return 0;
    }

    rc = finish(b, (uint32_t)recorded);
    if (rc)
        return give_up(b, items, count, RESULT_OUTCOME_UNKNOWN, rc);

    b->batches++;
    b->operations += (uint64_t)recorded;
    return 0; /* the caller replies */
}

int batch_mark(struct batch *b)
{
    int rc = view_make_room(b->store->view, 0, 0, 0, false);
    if (!rc)
        rc = wal_make_room(b->wal, RECORD_FIXED_BYTES, false);
    if (!rc)
        rc = store_begin(b->store);
    if (rc)
        return rc;
    b->time_ns = clock_realtime_ns();
    b->records.bytes = 0;
    record_encode(&b->records, &(struct record){.op = OP_NOOP});
    rc = finish(b, 1);
    if (rc)
        store_abort(b->store);
    return rc;
}

int batch_collect(struct batch *b)
{
    if (!b->store->trash || view_make_room(b->store->view, COLLECT_IDLE / 8, 0, 0, false))
        return 0;
    int rc = store_begin(b->store);
    if (rc)
        return rc;
    rc = store_collect(b->store, COLLECT_IDLE);
    const struct view_state *s = &b->store->state;
    if (rc)
        store_abort(b->store);
    else
        rc = store_commit(b->store, s->applied_lsn, s->applied_checksum, s->applied_at, s->applied_time_ns);
    return rc == -ENOSPC ? 0 : rc;
}
