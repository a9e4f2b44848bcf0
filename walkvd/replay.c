/* SPDX-License-Identifier: MIT
 * From files to a state; see replay.h. */
#include "replay.h"

#include "log.h"
#include "requests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { COLLECT_PER_BATCH = 64 };

struct load {
    struct view_owner *view;
    struct disk *disk;
    int fd;
    uint64_t total_bytes;
    replay_told *told;
    void *arg;
};

static int take_pages(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    struct load *load = arg;
    if (!data) {
        load->total_bytes = bytes;
        return view_build_reserve(load->view, bytes);
    }
    int rc = load->told ? load->told(offset, load->total_bytes, load->arg) : 0;
    return rc ? rc : disk_write(load->disk, load->fd, data, bytes, offset);
}

static void spoil(struct snapshot_finding *f, uint64_t offset, const char *what, uint64_t lsn,
                  const char *more)
{
    f->verdict = SNAPSHOT_DAMAGED;
    f->offset = offset;
    snprintf(f->sentence, sizeof f->sentence, "%s of LSN %" PRIu64 "%s", what, lsn, more);
}

int replay_load(struct view_owner *view, struct disk *disk, const char *path, uint64_t lsn,
                const uint8_t *uuid, const uint8_t *view_uuid, replay_told *told, void *arg,
                struct view_state *state, struct snapshot_header *h, struct snapshot_finding *f)
{
    struct load load = {.view = view, .disk = disk, .told = told, .arg = arg};
    int rc = view_build_begin(view, &load.fd);
    if (rc)
        return rc;
    if (snapshot_read(disk, path, uuid, take_pages, &load, h, f) < 0)
        return -f->error;
    if (f->verdict == SNAPSHOT_VALID && h->lsn != lsn)
        spoil(f, 32, "it is the snapshot", h->lsn, ", under a wrong name");
    if (f->verdict != SNAPSHOT_VALID)
        return 0;
    rc = view_build_finish(view, view_uuid, state);
    if (!rc && (state->applied_lsn != h->lsn || state->applied_checksum != h->batch_checksum))
        spoil(f, SNAPSHOT_HEADER_BYTES, "its pages are", state->applied_lsn, "");
    return rc;
}

int replay_load_nothing(struct view_owner *view, const uint8_t *view_uuid, struct view_state *state)
{
    int fd;
    int rc = view_build_begin(view, &fd);
    return rc ? rc : view_build_finish(view, view_uuid, state);
}

int replay_follows(struct replay_start *start, const struct wal_segment *segment,
                   const struct wal_batch *batch)
{
    const struct wal_batch_header *h = &batch->header;
    uint64_t last_lsn = wal_batch_last_lsn(h);
    if (last_lsn <= start->lsn) {
        if (last_lsn == start->lsn)
            start->matched = h->checksum == start->checksum;
        return 0;
    }
    /* Of the batch before a segment's first one, the link is enough. */
    const struct wal_link *link = &segment->header.previous;
    if (h->first_lsn == segment->header.first_lsn && link->last_lsn == start->lsn)
        start->matched = link->checksum == start->checksum;
    return start->matched && h->first_lsn > start->lsn ? 1 : -ESTALE;
}

int replay_apply(struct store *store, const struct wal_batch *batch)
{
    const struct wal_batch_header *h = &batch->header;
    struct span payload = batch->payload;
    struct record record;
    bool has_records = false;
    uint64_t ops = 0, bytes = h->raw_bytes, run_pages = 0;
    unsigned keys = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!record_decode(&payload, &record))
            return -EBADMSG;
        has_records = has_records || record.op != OP_NOOP;
        run_pages += view_value_pages(store->view, record.value.bytes); /* as in batch.c */
        if (record.op == OP_DEQUEUE)
            run_pages += requests_copies(&record.identity) * view_value_pages(store->view, record.version);
        ops++;
        requests_keep_room(&record.identity, &ops, &bytes);
        keys += record.identity.key.bytes != 0;
        if (record.op == OP_EXPIRE)
            requests_expire_room(requests_expire_most(keys), &ops, &bytes);
    }
    if (!has_records)
        return 0;
    /* Cleared queues are collected on the way, as they were then: the view need not hold them all at once. */
    unsigned collect = store->trash ? COLLECT_PER_BATCH + h->count : 0;
    int rc = view_wait_for_room(store->view, ops + collect / 8, bytes, run_pages);
    if (!rc)
        rc = store_begin(store);
    if (rc)
        return rc;
    payload = batch->payload;
    for (uint32_t i = 0; i < h->count && !rc; i++) {
        must(record_decode(&payload, &record));
        rc = store_apply(store, &record, h->first_lsn + i, h->time_ns);
    }
    if (!rc && collect)
        rc = store_collect(store, collect);
    if (rc) {
        store_abort(store);
        return rc;
    }
    rc = store_commit(store, wal_batch_last_lsn(h), h->checksum, batch->offset, h->time_ns);
    return rc ? rc : 1;
}
