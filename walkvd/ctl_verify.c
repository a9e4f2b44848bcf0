/* SPDX-License-Identifier: MIT
 *
 * walkvctl verify, walkvctl dump: read the files of a store, as recovery would, without changing anything.
 * On a store in use the end of the log is in motion; that is said, and not called damage.
 */
#include "clock.h"
#include "control.h"
#include "ctl_repair.h"
#include "log.h"
#include "record.h"
#include "snapshot.h"
#include "uuid.h"
#include "wal_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

struct verify {
    const struct ctl *ctl;
    struct disk *disk;
    struct control control;
    struct wal_log log;
    struct ctl_progress progress;
    uint64_t segment_batches;
    uint64_t segment_ops;
    uint64_t ops;
    bool first_file; /* of the JSON array */
    int status;
};

static bool in_use(const char *data_dir)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/lock", data_dir) >= sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool used = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return used;
}

/* Opens what every reading of a data directory begins with. Returns 0 or an exit status. */
static int open_store(struct verify *v, const struct ctl *ctl)
{
    *v = (struct verify){.ctl = ctl, .disk = disk_system(), .first_file = true};
    int error;
    const char *dir = ctl->operand;
    switch (control_read(v->disk, dir, &v->control, &error)) {
    case CONTROL_VALID:
        break;
    case CONTROL_ABSENT:
        fprintf(stderr,
                "walkvctl: %s/control does not exist: no walkv store, or its control file is missing\n", dir);
        return EX_DATAERR;
    case CONTROL_DAMAGED:
        fprintf(stderr, "walkvctl: %s/control is damaged at offset 0\n", dir);
        return EX_DATAERR;
    case CONTROL_NEWER:
        fprintf(stderr, "walkvctl: %s was written by a newer walkv\n", dir);
        return EX_CONFIG;
    case CONTROL_UNREADABLE:
        fprintf(stderr, "walkvctl: %s/control cannot be read: %s\n", dir, strerror(error));
        return EX_IOERR;
    }
    int rc = wal_log_list(v->disk, dir, &v->log);
    wal_log_trim(&v->log, v->control.older_snapshot_lsn);
    if (rc) {
        fprintf(stderr, "walkvctl: %s/wal cannot be read: %s\n", dir, strerror(-rc));
        return rc == -ENOENT ? EX_DATAERR : rc == -ENOMEM ? EX_OSERR : EX_IOERR;
    }
    return 0;
}

static void report(struct verify *v, const char *file, const char *verdict, uint64_t offset,
                   uint64_t first_lsn, uint64_t last_lsn, const char *sentence)
{
    ctl_report_file(v->ctl, v->first_file, file, verdict, offset, first_lsn, last_lsn, sentence);
    v->first_file = false;
}

static int count_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct verify *v = arg;
    v->segment_batches++;
    v->segment_ops += batch->header.count;
    v->ops += batch->header.count;
    ctl_progress(&v->progress, batch->header.first_lsn, 0, "LSN");
    (void)segment;
    return 0;
}

static void report_segment(const struct wal_segment *segment, void *arg)
{
    struct verify *v = arg;
    char name[WAL_NAME_BYTES + 1], file[64], sentence[80];
    wal_name(name, segment->header.first_lsn);
    snprintf(file, sizeof file, "wal/%s", name);
    snprintf(sentence, sizeof sentence, "%" PRIu64 " batches, %" PRIu64 " operations%s", v->segment_batches,
             v->segment_ops, segment->sealed ? ", sealed" : "");
    report(v, file, "ok", segment->offset, segment->header.first_lsn, segment->next_lsn - 1, sentence);
    v->segment_batches = v->segment_ops = 0;
}

/* Reads the log from `from_lsn` on; what is wrong is reported. Returns the exit status. */
static int read_log(struct verify *v, const struct wal_visitor *visitor, uint64_t from_lsn,
                    struct wal_log_end *end, struct wal_finding *finding)
{
    bool used = in_use(v->ctl->operand);
    wal_log_read(v->disk, v->ctl->operand, &v->log, v->control.uuid, from_lsn, used ? 0 : v->control.last_lsn,
                 used ? 0 : v->control.segment_lsn, visitor, end, finding);
    switch (finding->verdict) {
    case WAL_CLEAN:
    case WAL_TORN:
        return 0;
    case WAL_NEWER:
        return EX_CONFIG;
    case WAL_FAILED:
        if (finding->error != ENOMEM)
            return EX_IOERR;
        fprintf(stderr, "walkvctl: out of memory for a segment of the log\n");
        return EX_OSERR;
    default:
        return EX_DATAERR;
    }
}

static void worsen(struct verify *v, int status)
{
    if (!v->status || status == EX_DATAERR)
        v->status = status;
}

static void verify_snapshots(struct verify *v, uint64_t log_end)
{
    struct snapshot_list list;
    int rc = snapshot_list(v->disk, v->ctl->operand, &list);
    if (rc == -ENOMEM)
        fatal(EX_OSERR, "%s/snapshots cannot be read: %s", v->ctl->operand, strerror(-rc));
    if (rc) {
        report(v, "snapshots", "missing", 0, 0, 0, strerror(-rc));
        worsen(v, EX_DATAERR);
        return;
    }
    static const char *const text[] = {"ok", "corrupt", "foreign", "newer", "failed"};
    bool newest_found = v->control.snapshot_lsn == 0;
    for (size_t i = 0; i < list.count; i++) {
        char path[4096], name[SNAPSHOT_NAME_BYTES + 1], file[64], sentence[200];
        snapshot_name(name, list.lsns[i]);
        snprintf(file, sizeof file, "snapshots/%s", name);
        newest_found = newest_found || list.lsns[i] == v->control.snapshot_lsn;
        if (!snapshot_path(path, sizeof path, v->ctl->operand, list.lsns[i]))
            continue;
        struct snapshot_header h = {0};
        struct snapshot_finding f;
        snapshot_read(v->disk, path, v->control.uuid, NULL, NULL, &h, &f);
        if (f.verdict == SNAPSHOT_VALID && (h.lsn != list.lsns[i] || (log_end && h.lsn > log_end))) {
            f.verdict = SNAPSHOT_DAMAGED;
            snprintf(f.sentence, sizeof f.sentence,
                     "is the snapshot of LSN %" PRIu64 ", which does not belong here", h.lsn);
        }
        if (f.verdict == SNAPSHOT_VALID)
            snprintf(sentence, sizeof sentence, "%" PRIu64 " keys, %" PRIu64 " queues, %" PRIu64 " items",
                     h.keys, h.queues, h.items);
        else
            snprintf(sentence, sizeof sentence, "%s", f.sentence);
        report(v, file, text[f.verdict], f.offset, f.verdict ? 0 : 1, list.lsns[i], sentence);
        if (f.verdict)
            worsen(v, f.verdict == SNAPSHOT_NEWER        ? EX_CONFIG
                      : f.verdict == SNAPSHOT_UNREADABLE ? EX_IOERR
                                                         : EX_DATAERR);
    }
    if (!newest_found) {
        char name[SNAPSHOT_NAME_BYTES + 1], file[64];
        snapshot_name(name, v->control.snapshot_lsn);
        snprintf(file, sizeof file, "snapshots/%s", name);
        report(v, file, "missing", 0, 1, v->control.snapshot_lsn, "the control file knows this snapshot");
        worsen(v, EX_DATAERR);
    }
    /* What can be rebuilt: some snapshot, or LSN 1, must reach the log. */
    if (v->log.count && v->log.first_lsns[0] > 1 && !list.count) {
        report(v, "snapshots", "missing", 0, 1, v->log.first_lsns[0] - 1,
               "no snapshot holds what the log continues");
        worsen(v, EX_DATAERR);
    }
    if (v->log.count && v->log.first_lsns[0] > v->control.older_snapshot_lsn + 1) {
        report(v, "wal", "missing", 0, v->control.older_snapshot_lsn + 1, v->log.first_lsns[0] - 1,
               "the log begins later than the control file says");
        worsen(v, EX_DATAERR);
    }
    snapshot_list_free(&list);
}

int ctl_verify(const struct ctl *ctl)
{
    struct verify v;
    int status = open_store(&v, ctl);
    if (status)
        return status;
    bool used = in_use(ctl->operand);
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, v.control.uuid);
    if (ctl->json)
        printf("{\"store_id\":\"%s\",\"in_use\":%s,\"files\":[", uuid, used ? "true" : "false");
    else
        printf("store %s%s\n", uuid,
               used ? " (a walkvd is running on it: the end of the log is in motion)" : "");
    report(&v, CONTROL_NAME, "ok", 0, 0, v.control.last_lsn,
           v.control.clean ? "stopped cleanly" : "not stopped cleanly");
    ctl_progress_begin(&v.progress, ctl, "reading the log");
    const struct wal_visitor visitor = {.batch = count_batch, .segment = report_segment, .arg = &v};
    struct wal_log_end end;
    struct wal_finding finding;
    v.status = read_log(&v, &visitor, 0, &end, &finding);
    ctl_progress_end(&v.progress);
    if (finding.verdict == WAL_TORN && !used)
        report(&v, finding.file, "torn", finding.offset, finding.first_lsn, 0, finding.sentence);
    else if (finding.verdict != WAL_CLEAN && finding.verdict != WAL_TORN)
        report(&v, finding.file, wal_verdict_text(finding.verdict), finding.offset, finding.first_lsn,
               finding.last_lsn, finding.sentence);
    verify_snapshots(&v, used || v.status ? 0 : end.link.last_lsn);
    wal_log_free(&v.log);
    if (ctl->json)
        printf("],\"operations\":%" PRIu64 ",\"last_lsn\":%" PRIu64 ",\"damaged\":%s}\n", v.ops,
               end.link.last_lsn, v.status ? "true" : "false");
    else
        printf("%s\n", v.status ? "DAMAGED: see above" : "no damage found");
    return v.status;
}

static int dump_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    const struct verify *v = arg;
    const struct wal_batch_header *h = &batch->header;
    struct span payload = batch->payload;
    for (uint32_t i = 0; i < h->count; i++) {
        struct record r;
        if (!record_decode(&payload, &r))
            return -EBADMSG;
        if (h->first_lsn + i < v->ctl->from_lsn)
            continue;
        printf("{\"lsn\":%" PRIu64 ",\"op\":\"%s\"", h->first_lsn + i, op_text(r.op));
        if (r.name.bytes) {
            enum op op = r.op == OP_REFUSE ? (enum op)r.queue_id : r.op;
            fputs(op == OP_SET || op == OP_DELETE ? ",\"key\":" : ",\"queue\":", stdout);
            ctl_print_string(stdout, r.name);
        }
        if (r.op == OP_REFUSE)
            printf(",\"refused\":\"%s\",\"result\":\"%s\"", op_text((unsigned)r.queue_id),
                   result_text(r.result));
        else if (r.op == OP_EXPIRE)
            printf(",\"up_to_lsn\":%" PRIu64 ",\"evicted\":%" PRIu64, r.sequence, r.queue_id);
        else if (r.op == OP_DEPART)
            printf(",\"session\":\"%016" PRIx64 "\"", r.queue_id);
        else if (r.sequence)
            printf(",\"item\":%" PRIu64, r.sequence);
        if (r.identity.key.bytes) {
            fputs(",\"idempotency_key\":", stdout);
            ctl_print_string(stdout, r.identity.key);
        }
        if (r.identity.session)
            printf(",\"session\":\"%016" PRIx64 "\",\"sequence\":%" PRIu64, r.identity.session,
                   r.identity.sequence);
        if (r.value.bytes)
            printf(",\"value\":%.*s", (int)r.value.bytes, r.value.at);
        if (h->flags & WAL_FLAG_SEAL)
            fputs(",\"seal\":true", stdout);
        printf(",\"batch\":%" PRIu64 ",\"time_ns\":%" PRIu64 ",\"segment\":\"%016" PRIx64
               ".wal\",\"offset\":%" PRIu64 "}\n",
               h->first_lsn, h->time_ns, segment->header.first_lsn, batch->offset);
    }
    return ferror(stdout) ? -EIO : 0;
}

static int dump_salvaged(const struct wal_segment *segment, const struct wal_batch *batch,
                         const struct wal_link *before, void *arg)
{
    (void)before;
    return dump_batch(segment, batch, arg);
}

/* Whatever is whole, wherever it lies, and whether or not there is a control file. */
static int dump_all(const struct ctl *ctl)
{
    struct verify v = {.ctl = ctl};
    struct repair_plan plan;
    int status = repair_plan_make(&plan, ctl, disk_system(), ctl->operand);
    const struct wal_salvage_visitor visitor = {.batch = dump_salvaged, .arg = &v};
    struct wal_salvage_end end;
    if (!status)
        status = repair_read_log(&plan, &visitor, &end);
    bool used = in_use(ctl->operand);
    for (size_t i = 0; i < repair_finding_count(&plan) && !status && !used; i++)
        status = repair_finding(&plan, i)->verdict == WAL_TORN ? 0 : EX_DATAERR;
    repair_plan_free(&plan);
    return status;
}

int ctl_dump(const struct ctl *ctl)
{
    if (ctl->all)
        return dump_all(ctl);
    struct verify v;
    int status = open_store(&v, ctl);
    if (status)
        return status;
    const struct wal_visitor visitor = {.batch = dump_batch, .arg = &v};
    struct wal_log_end end;
    struct wal_finding finding;
    status = read_log(&v, &visitor, ctl->from_lsn ? ctl->from_lsn - 1 : 0, &end, &finding);
    if (status && !ferror(stdout)) /* else it was not the log that failed */
        fprintf(stderr, "walkvctl: %s: %s/%s at offset %" PRIu64 ": %s (LSN %" PRIu64 " to %" PRIu64 ")\n",
                wal_verdict_text(finding.verdict), ctl->operand, finding.file, finding.offset,
                finding.sentence, finding.first_lsn, finding.last_lsn);
    wal_log_free(&v.log);
    return status;
}
