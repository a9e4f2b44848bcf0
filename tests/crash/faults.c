/* SPDX-License-Identifier: MIT
 * Every call fails; see faults.h. */
#include "faults.h"

#include "kit.h"
#include "log.h"
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { FAILURES_MAX = 5, CUTS = 4, PROGRESS_EVERY = 100 };

/* What a disk does to a call. An interruption for ever would be tried for ever. */
static const struct {
    const char *name;
    enum memory_fault fault;
    int error;
    bool for_ever;
    bool flush_fails;
} faults[] = {
    {"EIO", MEMORY_FAULT_ERROR, EIO, false, false},
    {"EIO for ever", MEMORY_FAULT_ERROR, EIO, true, false},
    {"EIO of the device's cache", MEMORY_FAULT_ERROR, EIO, false, true},
    {"ENOSPC", MEMORY_FAULT_ERROR, ENOSPC, false, false},
    {"ENOSPC for ever", MEMORY_FAULT_ERROR, ENOSPC, true, false},
    {"EDQUOT", MEMORY_FAULT_ERROR, EDQUOT, false, false},
    {"EDQUOT for ever", MEMORY_FAULT_ERROR, EDQUOT, true, false},
    {"EROFS", MEMORY_FAULT_ERROR, EROFS, false, false},
    {"EROFS for ever", MEMORY_FAULT_ERROR, EROFS, true, false},
    {"EMFILE", MEMORY_FAULT_ERROR, EMFILE, false, false},
    {"EMFILE for ever", MEMORY_FAULT_ERROR, EMFILE, true, false},
    {"EINTR", MEMORY_FAULT_ERROR, EINTR, false, false},
    {"short", MEMORY_FAULT_SHORT, 0, false, false},
    {"short for ever", MEMORY_FAULT_SHORT, 0, true, false},
};

struct run {
    const struct faults_options *options;
    struct faults_result *result;
    uint64_t k;
    unsigned fault;
    struct memory_disk *disk;
    struct life life;
    struct workload *workload;
    uint64_t random;
    int out_fd;
};

static void fail(struct run *r, const char *what)
{
    if (r->result->failures++ >= FAILURES_MAX)
        return;
    dprintf(r->out_fd,
            "FAILED: call %ju (%s) with %s: %s\n  once more with: crash_tests faults --seed %ju "
            "--fault-steps %u%s\n",
            (uintmax_t)r->k, r->disk && r->disk->failed_call ? r->disk->failed_call : "none",
            faults[r->fault].name, what, (uintmax_t)r->options->seed, r->options->steps,
            r->options->async ? " --async" : "");
}

/* What async mode had acknowledged and a failed sync lost is still in the view: that is not passed over, but
 * an operator may. */
static bool is_async_loss(const struct life *l, int status)
{
    return status == EX_DATAERR && l->config.wal_sync == WAL_SYNC_MODE_ASYNC && l->disk->log_sync_failed &&
           strstr(l->recovery.refusal.sentence, "--cold-start") != NULL;
}

/* Starts on `disk`, which must hold what it may; returns its digest. */
static uint64_t recover(struct run *r, struct memory_disk *disk, bool cold, const char *after)
{
    struct life l;
    char sentence[1400] = "";
    uint64_t digest = 0;

    life_init(&l, disk, cold ? 1 : 0, r->options->async);
    r->result->recoveries++;
    int status = life_start(&l, cold);
    if (!cold && is_async_loss(&l, status))
        status = life_start(&l, true);
    if (status) {
        snprintf(sentence, sizeof(sentence), "%s, exit status %d: %s", after, l.status,
                 l.recovery.refusal.sentence);
        fail(r, sentence);
        return 0;
    }
    if (!model_digest_store(&l.recovery.store, &r->workload->known, &digest, sentence, sizeof(sentence))) {
        fail(r, sentence);
    } else if (!workload_allows(r->workload, digest)) {
        snprintf(sentence, sizeof(sentence), "%s, not every acknowledged batch is there", after);
        fail(r, sentence);
    }
    life_kill(&l);
    return digest;
}

/* The power goes now, in several ways. */
static void check_cuts(struct run *r)
{
    static const enum memory_loss losses[CUTS] = {MEMORY_LOSE_ALL, MEMORY_LOSE_NOTHING, MEMORY_LOSE_SOME,
                                                  MEMORY_LOSE_SOME};

    for (unsigned i = 0; i < CUTS; i++) {
        struct memory_disk *disk = memory_disk_clone(r->disk);
        memory_disk_cut(disk, losses[i], &r->random);
        recover(r, disk, true, "after a power cut");
        memory_disk_free(&disk);
    }
}

/* walkvd is started again, warm, and then the power goes: what this start found must stay. */
static void check_restart(struct run *r)
{
    r->disk->fail_at = 0;
    uint64_t found = recover(r, r->disk, false, "started again");
    memory_disk_cut(r->disk, MEMORY_LOSE_SOME, &r->random);
    if (r->result->failures == 0 && recover(r, r->disk, true, "started again, then a power cut") != found &&
        !r->options->async)
        fail(r, "what a start had found was gone after a power cut");
}

/* The call is one that a signal may interrupt, and that may simply be done again. A sync is not. */
static bool may_be_interrupted(const char *call)
{
    static const char *const calls[] = {"open", "pread", "pwrite", "fallocate", "ftruncate", "lock"};

    for (size_t i = 0; i < COUNT(calls); i++) {
        if (strcmp(call, calls[i]) == 0)
            return true;
    }
    return false;
}

static bool clear_status(int status)
{
    return status == EX_IOERR || status == EX_OSERR || status == EX_CONFIG || status == EX_CANTCREAT;
}

/* Run k with this fault. Returns whether there was a k-th call. */
static bool run_once(struct run *r)
{
    r->disk = memory_disk_new();
    r->disk->light = true;
    r->disk->fail_at = r->k;
    r->disk->for_ever = faults[r->fault].for_ever;
    r->disk->fault = faults[r->fault].fault;
    r->disk->error = faults[r->fault].error;
    r->disk->flush_fails = faults[r->fault].flush_fails;
    life_init(&r->life, r->disk, 0, r->options->async);
    life_lose_view(&r->life);
    r->workload = workload_new(&r->life, r->options->seed, r->options->steps);
    r->random = r->options->seed + r->k * 31 + r->fault;
    int status = workload_run(r->workload);
    bool hit = r->k != 0 && r->disk->calls >= r->k;
    if (r->workload->wrong[0] != '\0') {
        fail(r, r->workload->wrong);
    } else if (status && !clear_status(status) && !is_async_loss(&r->life, status)) {
        char text[1400];
        snprintf(text, sizeof(text), "exit status %d: %s", status, r->life.recovery.refusal.sentence);
        fail(r, text);
    } else if (status && r->disk->failed_call == NULL) {
        fail(r, "it ended, and no call had failed");
    } else if (status && (faults[r->fault].fault == MEMORY_FAULT_SHORT ||
                          (faults[r->fault].error == EINTR && may_be_interrupted(r->disk->failed_call)))) {
        fail(r, "what may happen at any time must not end it");
    }
    r->result->injected += hit;
    r->result->survived += hit && status == 0;
    if (r->k == 0)
        r->result->calls = r->disk->calls;
    if (hit) {
        check_cuts(r);
        check_restart(r);
    }
    life_kill(&r->life);
    workload_free(&r->workload);
    memory_disk_free(&r->disk);
    return hit;
}

void faults_run(const struct faults_options *options, struct faults_result *result, int out_fd,
                void (*progress)(const struct faults_result *, void *arg), void *arg)
{
    struct run r = {.options = options, .result = result, .out_fd = out_fd};

    *result = (struct faults_result){0};
    run_once(&r);
    if (result->failures == 0 && result->calls < 60)
        fail(&r, "there are too few calls for this to mean anything");
    for (r.fault = 0; r.fault < COUNT(faults); r.fault++) {
        r.k = (options->job + r.fault) % (options->jobs * options->sample) + 1;
        for (; result->failures < FAILURES_MAX && run_once(&r); r.k += options->jobs * options->sample) {
            if (progress != NULL && result->injected % PROGRESS_EVERY == 0)
                progress(result, arg);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        struct life life;
        life_init(&life, NULL, i, false);
        life_lose_view(&life);
    }
}
