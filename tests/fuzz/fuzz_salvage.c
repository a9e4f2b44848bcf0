/* SPDX-License-Identifier: MIT
 *
 * What is left of a damaged log. fuzz_log.h has the input.
 *
 * Batches come in the order of their LSNs, each whole; what is wrong is told with a file and a sentence. A
 * log that recovery would start from is handed over from its beginning just as recovery reads it, and in one
 * that is clean nothing is wrong.
 */
#include "fuzz_log.h"

#include "wal_salvage.h"

enum { BATCHES_MAX = 256 };

enum { CLEAN, TORN, BEHIND_DAMAGE, CORRUPT, MISSING, FOREIGN, NEWER, FAILED, UNKNOWN };

const char *const fuzz_goals[] = {
    [CLEAN] = "a clean log",
    [TORN] = "a torn tail",
    [BEHIND_DAMAGE] = "a batch behind damage",
    [CORRUPT] = "damage",
    [MISSING] = "a missing segment",
    [FOREIGN] = "a foreign segment",
    [NEWER] = "a newer segment",
    [FAILED] = "a disk that fails",
    [UNKNOWN] = "a batch that continues nothing that is known",
    NULL,
};

struct seen {
    const struct fuzz_log *log;
    uint64_t first_lsn, last_lsn; /* of the batch before, and the highest so far */
    uint64_t batches, findings, torn, ops;
    uint64_t checksum[BATCHES_MAX];
};

static void see(struct seen *seen, const struct wal_batch *batch)
{
    const struct wal_batch_header *h = &batch->header;
    must(h->count >= 1 && h->first_lsn > seen->first_lsn);
    fuzz_log_check_records(batch->payload, h->count, &seen->ops);
    seen->first_lsn = h->first_lsn;
    if (seen->last_lsn < wal_batch_last_lsn(h)) /* a forged one may reach into the next segment */
        seen->last_lsn = wal_batch_last_lsn(h);
    if (seen->batches < BATCHES_MAX)
        seen->checksum[seen->batches] = h->checksum;
    seen->batches++;
}

static int on_batch(const struct wal_segment *s, const struct wal_batch *batch, const struct wal_link *before,
                    void *arg)
{
    struct seen *seen = arg;
    must(batch->offset % s->header.block_bytes == 0 && s->offset <= s->file_bytes);
    must(before->last_lsn == WAL_SALVAGE_UNKNOWN || before->last_lsn == batch->header.first_lsn - 1);
    if (before->last_lsn == WAL_SALVAGE_UNKNOWN)
        fuzz_reached(UNKNOWN);
    if (seen->findings > seen->torn)
        fuzz_reached(BEHIND_DAMAGE);
    see(seen, batch);
    return 0;
}

static void on_finding(const struct wal_finding *f, void *arg)
{
    struct seen *seen = arg;
    must(f->verdict == WAL_TORN || f->verdict == WAL_CORRUPT || f->verdict == WAL_MISSING ||
         f->verdict == WAL_FOREIGN);
    fuzz_log_check_finding(seen->log, f);
    seen->findings++;
    seen->torn += f->verdict == WAL_TORN;
    fuzz_reached(f->verdict == WAL_TORN      ? TORN
                 : f->verdict == WAL_CORRUPT ? CORRUPT
                 : f->verdict == WAL_MISSING ? MISSING
                                             : FOREIGN);
}

static int on_read_batch(const struct wal_segment *s, const struct wal_batch *batch, void *arg)
{
    (void)s;
    see(arg, batch);
    return 0;
}

/* Beside what recovery reads. */
static void check_beside_reading(const struct fuzz_log *log, struct fuzz_disk *disk,
                                 const struct wal_log *list, const struct seen *seen,
                                 const struct wal_salvage_end *end)
{
    struct seen read = {.log = log};
    const struct wal_visitor visitor = {.batch = on_read_batch, .arg = &read};
    struct wal_log_end read_end;
    struct wal_finding finding;
    enum wal_verdict verdict =
        wal_log_read(&disk->disk, FUZZ_LOG_DIR, list, (const uint8_t *)FUZZ_UUID, 0, log->durable_lsn,
                     log->newest_segment, &visitor, &read_end, &finding);
    if (verdict != WAL_CLEAN && verdict != WAL_TORN)
        return;
    must(seen->batches >= read.batches);
    for (uint64_t i = 0; i < read.batches && i < BATCHES_MAX; i++)
        must(seen->checksum[i] == read.checksum[i]);
    must(end->end_known || log->count == 0);
    must(verdict != WAL_CLEAN || (seen->batches == read.batches && seen->findings == 0));
    must(verdict != WAL_TORN || seen->findings > 0 || seen->batches > read.batches);
    if (verdict == WAL_CLEAN && log->count)
        fuzz_reached(CLEAN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_log log;
    struct fuzz_disk disk;
    struct wal_log list;
    struct wal_salvage_end end;
    fuzz_log_build(&log, data, size);
    fuzz_log_put(&log, &disk);
    fuzz_log_list(&log, &disk, &list);
    struct seen seen = {.log = &log};
    const struct wal_salvage_visitor visitor = {.batch = on_batch, .finding = on_finding, .arg = &seen};
    disk.fail_call = log.fail_call ? disk.calls + log.fail_call : 0;
    enum wal_verdict verdict = wal_salvage(&disk.disk, FUZZ_LOG_DIR, &list, (const uint8_t *)FUZZ_UUID,
                                           log.durable_lsn, log.newest_segment, &visitor, &end);
    bool failed = disk.fail_call && disk.calls >= disk.fail_call;
    must(disk.open_count == 0 && (verdict == WAL_FAILED) == failed);
    must(verdict == WAL_CLEAN || verdict == WAL_NEWER || verdict == WAL_FAILED);
    must(end.failure.verdict == verdict);
    fuzz_log_check_finding(&log, &end.failure);
    must(end.known_lsn >= seen.last_lsn && end.known_lsn >= log.durable_lsn &&
         end.highest_lsn >= end.known_lsn);
    disk.fail_call = 0;
    if (verdict == WAL_CLEAN)
        check_beside_reading(&log, &disk, &list, &seen, &end);
    else
        fuzz_reached(verdict == WAL_NEWER ? NEWER : FAILED);
    wal_log_free(&list);
    fuzz_log_free(&log);
    return 0;
}
