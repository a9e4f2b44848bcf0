/* SPDX-License-Identifier: MIT
 * Reading what a warm start has not read; see wal_scrub.h. */
#include "wal_scrub.h"

#include "memory.h"
#include "timeslice.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct wal_scrub {
    struct disk *disk;
    char *data_dir;
    uint8_t uuid[UUID_BYTES];
    uint64_t from_lsn;
    pthread_t thread;
    _Atomic bool stopping;
    _Atomic bool done; /* `finding` is complete */
    struct wal_finding finding;
};

static int go_on(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct wal_scrub *s = arg;
    (void)segment;
    (void)batch;
    return atomic_load(&s->stopping) ? -ECANCELED : 0;
}

static void *run(void *arg)
{
    struct wal_scrub *s = arg;
    /* Nothing has to be unpacked, only to be whole. */
    const struct wal_visitor visitor = {.batch = go_on, .arg = s, .known_lsn = UINT64_MAX};
    struct wal_finding *f = &s->finding;
    struct wal_log log;
    struct wal_log_end end;
    timeslice_set(TIMESLICE_LONG_NS);
    if (wal_log_list(s->disk, s->data_dir, &log) == 0) {
        wal_log_trim(&log, s->from_lsn);
        wal_log_read_finished(s->disk, s->data_dir, &log, s->uuid, s->from_lsn ? s->from_lsn - 1 : 0,
                              &visitor, &end, f);
        wal_log_free(&log);
    }
    if (f->verdict == WAL_FAILED && (f->error == ENOENT || f->error == ECANCELED))
        f->verdict = WAL_CLEAN;
    atomic_store(&s->done, true);
    return NULL;
}

struct wal_scrub *wal_scrub_start(struct disk *disk, const char *data_dir, const uint8_t *uuid,
                                  uint64_t from_lsn)
{
    struct wal_scrub *s = memory_new(1, sizeof *s, "reading the log");
    s->disk = disk;
    s->data_dir = memory_text(data_dir);
    memcpy(s->uuid, uuid, UUID_BYTES);
    s->from_lsn = from_lsn;
    /* Signals belong to the event loop's thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        return s;
    free(s->data_dir);
    free(s);
    return NULL;
}

bool wal_scrub_done(struct wal_scrub *s, struct wal_finding *finding)
{
    if (!atomic_load(&s->done))
        return false;
    *finding = s->finding;
    return true;
}

void wal_scrub_free(struct wal_scrub **scrub)
{
    struct wal_scrub *s = *scrub;
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    pthread_join(s->thread, NULL);
    free(s->data_dir);
    free(s);
    *scrub = NULL;
}
