/* SPDX-License-Identifier: MIT
 * The background sync of the async mode; see wal_syncer.h. */
#include "wal_syncer.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

struct wal_syncer {
    struct disk *disk;
    uint64_t interval_ns;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    bool running; /* a sync is under way, without the mutex */
    int fd;       /* -1: nothing posted */
    uint64_t posted_lsn;
    _Atomic uint64_t durable_lsn;
    _Atomic int failure;
    int alarm_fd;
};

static void *run(void *arg)
{
    struct wal_syncer *s = arg;
    uint64_t last_ns = 0;
    pthread_mutex_lock(&s->mutex);
    while (!s->stopping && !s->failure) {
        if (s->fd < 0) {
            pthread_cond_wait(&s->changed, &s->mutex);
            continue;
        }
        uint64_t due_ns = last_ns + s->interval_ns;
        if (clock_monotonic_ns() < due_ns) {
            struct timespec until = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
            pthread_cond_timedwait(&s->changed, &s->mutex, &until);
            continue;
        }
        int fd = s->fd;
        uint64_t lsn = s->posted_lsn;
        s->fd = -1;
        s->running = true;
        pthread_mutex_unlock(&s->mutex);
        int rc = disk_fdatasync(s->disk, fd);
        last_ns = clock_monotonic_ns();
        if (rc == 0) {
            atomic_store(&s->durable_lsn, lsn);
        } else {
            atomic_store(&s->failure, -rc);
            uint64_t one = 1;
            must(write(s->alarm_fd, &one, sizeof one) == sizeof one);
        }
        pthread_mutex_lock(&s->mutex);
        s->running = false;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

struct wal_syncer *wal_syncer_new(struct disk *disk, uint64_t interval_ns)
{
    struct wal_syncer *s = memory_new(1, sizeof *s, "the background sync");
    s->disk = disk;
    s->interval_ns = interval_ns;
    s->fd = -1;
    s->alarm_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->alarm_fd < 0)
        fatal(EX_OSERR, "eventfd: %s", strerror(errno));
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Signals belong to the event loop's thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, run, s);
    if (rc)
        fatal(EX_OSERR, "the background sync cannot have a thread: %s", strerror(rc));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s;
}

void wal_syncer_free(struct wal_syncer **syncer)
{
    struct wal_syncer *s = *syncer;
    pthread_mutex_lock(&s->mutex);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    close(s->alarm_fd);
    free(s);
    *syncer = NULL;
}

void wal_syncer_post(struct wal_syncer *s, int fd, uint64_t lsn)
{
    pthread_mutex_lock(&s->mutex);
    s->fd = fd;
    s->posted_lsn = lsn;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

void wal_syncer_drain(struct wal_syncer *s)
{
    pthread_mutex_lock(&s->mutex);
    s->fd = -1;
    while (s->running)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}

uint64_t wal_syncer_durable_lsn(struct wal_syncer *s)
{
    return atomic_load(&s->durable_lsn);
}

int wal_syncer_failure(struct wal_syncer *s)
{
    return atomic_load(&s->failure);
}

int wal_syncer_alarm_fd(const struct wal_syncer *s)
{
    return s->alarm_fd;
}
