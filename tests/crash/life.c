/* SPDX-License-Identifier: MIT
 * One life of walkvd inside a test; see life.h. */
#include "life.h"

#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void life_init(struct life *l, struct memory_disk *disk, unsigned number, bool async)
{
    *l = (struct life){.disk = disk};
    snprintf(l->view_path, sizeof(l->view_path), "/dev/shm/walkv-crash-%d-%u", (int)getpid(), number);
    l->config = (struct walkvd_config){
        .data_dir = (char *)LIFE_DATA_DIR,
        .view_path = l->view_path,
        .view_size = 8 * 1024 * 1024,
        .view_grace_ns = 1000,
        .wal_sync = async ? WAL_SYNC_MODE_ASYNC : WAL_SYNC_MODE_SYNC,
        .wal_sync_interval_ns = UINT64_MAX / 4, /* only when the log itself asks for it */
        .wal_segment_size = 8192,
        .wal_block_size = 512,
        .idempotency_window_ns = UINT64_MAX,
        .idempotency_max_entries = LIFE_KEYS,
        .change_history = LIFE_CHANGES,
    };
}

static int end(struct life *l, int status)
{
    l->status = status;
    life_kill(l);
    return status;
}

int life_start(struct life *l, bool cold)
{
    l->config.cold_start = cold;
    l->running = true;
    int status = recovery_run(&l->recovery, &l->disk->disk, &l->config);
    if (status)
        return end(l, status);
    const struct requests_limits limits = {l->config.idempotency_window_ns,
                                           l->config.idempotency_max_entries};
    batch_init(&l->batch, &l->recovery.store, l->recovery.wal, &limits);
    l->checkpoint = (struct checkpoint){
        .disk = &l->disk->disk,
        .data_dir = LIFE_DATA_DIR,
        .view_path = l->view_path,
        .control = &l->recovery.control,
        .store = &l->recovery.store,
        .wal = l->recovery.wal,
    };
    return 0;
}

int life_batch(struct life *l, struct batch_item *items, size_t count)
{
    int rc = batch_run(&l->batch, items, count);
    if (rc)
        return end(l, wal_failure(l->recovery.wal) ? EX_IOERR : EX_OSERR);
    wal_prepare(l->recovery.wal);
    return 0;
}

int life_idle(struct life *l)
{
    while (wal_prepare(l->recovery.wal))
        ;
    int rc = wal_witness(l->recovery.wal);
    if (!rc && l->recovery.store.trash)
        rc = batch_collect(&l->batch);
    return rc ? end(l, wal_failure(l->recovery.wal) ? EX_IOERR : EX_OSERR) : 0;
}

int life_checkpoint(struct life *l)
{
    struct checkpoint *c = &l->checkpoint;
    struct snapshot_header header;
    uint64_t bytes;
    char sentence[256];

    snprintf(c->tmp_path, sizeof(c->tmp_path), LIFE_DATA_DIR "/snapshots/1.tmp");
    disk_unlink(c->disk, c->tmp_path);
    if (view_hold(c->store->view))
        return 0;
    struct view_reader *reader = view_reader_new(l->view_path, NULL, UINT64_MAX);
    int rc = snapshot_make(c->disk, reader, c->tmp_path, &header, &bytes, sentence, sizeof(sentence));
    view_reader_free(&reader);
    view_unhold(c->store->view);
    if (!rc)
        rc = checkpoint_finish(c, header.lsn);
    else
        rc = -EAGAIN; /* walkv-snapshot says that it failed, whatever the reason was */
    if (rc == -EIO)
        return end(l, EX_IOERR);
    if (rc)
        disk_unlink(c->disk, c->tmp_path);
    return 0;
}

int life_stop(struct life *l)
{
    int rc = wal_stop(l->recovery.wal);
    return end(l, rc ? EX_IOERR : 0);
}

void life_kill(struct life *l)
{
    if (!l->running)
        return;
    l->running = false;
    batch_free(&l->batch);
    recovery_close(&l->recovery);
}

void life_lose_view(const struct life *l)
{
    static const char *const suffixes[] = {"", "-lock", ".gen", ".new"};

    for (unsigned i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s%s", l->view_path, suffixes[i]);
        unlink(path);
    }
}
