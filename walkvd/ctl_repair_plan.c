/* SPDX-License-Identifier: MIT
 *
 * walkvctl repair: what is wrong with a store, and which state can be rebuilt with certainty. Only reads.
 */
#include "ctl_repair.h"
#include "log.h"
#include "replay.h"
#include "snapshot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void add_finding(struct repair_plan *p, const struct wal_finding *f)
{
    for (size_t i = 0; i < repair_finding_count(p); i++) {
        const struct wal_finding *known = repair_finding(p, i);
        if (strcmp(known->file, f->file) == 0 && known->offset == f->offset)
            return;
    }
    buffer_append(&p->findings, f, sizeof *f);
}

static void say(struct repair_plan *p, enum wal_verdict verdict, const char *file, uint64_t offset,
                uint64_t first_lsn, uint64_t last_lsn, const char *sentence)
{
    struct wal_finding f = {
        .verdict = verdict, .offset = offset, .first_lsn = first_lsn, .last_lsn = last_lsn};
    snprintf(f.file, sizeof f.file, "%s", file);
    snprintf(f.sentence, sizeof f.sentence, "%s", sentence);
    add_finding(p, &f);
}

static void raise_lsn(uint64_t *lsn, uint64_t to)
{
    *lsn = to > *lsn ? to : *lsn;
}

/* A failing disk is not for repairing: each reading may make it worse, and a later one may give more. */
static int disk_failed(const struct repair_plan *p, const char *file, int error)
{
    fprintf(stderr, "walkvctl: %s/%s cannot be read: %s\n", p->data_dir, file, strerror(error));
    if (error == EIO)
        fputs("A disk that fails is no place to repair a store: copy what can be read of it to another disk, "
              "and\nrepair the copy.\n",
              stderr);
    return repair_status_of(-error, EX_IOERR);
}

/* 1. The control file, which says whose store it is and what was durable. */
static int read_control(struct repair_plan *p)
{
    int error;
    p->control_verdict = control_read(p->disk, p->data_dir, &p->control, &error);
    switch (p->control_verdict) {
    case CONTROL_VALID:
        memcpy(p->uuid, p->control.uuid, UUID_BYTES);
        snprintf(p->uuid_from, sizeof p->uuid_from, CONTROL_NAME);
        p->known_lsn = p->control.last_lsn;
        raise_lsn(&p->known_lsn, p->control.snapshot_lsn);
        return 0;
    case CONTROL_ABSENT:
        say(p, WAL_MISSING, CONTROL_NAME, 0, 0, 0, "the control file is missing");
        break;
    case CONTROL_DAMAGED:
        say(p, WAL_CORRUPT, CONTROL_NAME, 0, 0, 0, "the control file is damaged");
        break;
    case CONTROL_NEWER:
        fprintf(stderr, "walkvctl: %s was written by a newer walkv\n", p->data_dir);
        return EX_CONFIG;
    case CONTROL_UNREADABLE:
        return disk_failed(p, CONTROL_NAME, error);
    }
    p->control = (struct control){0};
    return 0;
}

/* 2. The snapshots. Each is read to its end; whether it is of this store is judged when that is known. */
struct snapshot {
    uint64_t name;
    struct snapshot_header header;
    struct snapshot_finding finding;
};

static int show_progress(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    if (data)
        ctl_progress(arg, (offset + bytes) >> 20, 0, "MiB");
    return 0;
}

static int read_snapshots(struct repair_plan *p, struct buffer *out)
{
    struct snapshot_list list;
    int rc = snapshot_list(p->disk, p->data_dir, &list);
    if (rc == -ENOENT) {
        say(p, WAL_MISSING, "snapshots", 0, 0, 0, "the directory of the snapshots is missing");
        return 0;
    }
    if (rc)
        return disk_failed(p, "snapshots", -rc);
    int status = 0;
    for (size_t i = 0; i < list.count && !status; i++) {
        struct snapshot s = {.name = list.lsns[i]};
        struct ctl_progress progress;
        char path[4096], name[SNAPSHOT_NAME_BYTES + 1], file[64];
        snapshot_name(name, s.name);
        snprintf(file, sizeof file, "snapshots/%s", name);
        must(snapshot_path(path, sizeof path, p->data_dir, s.name));
        ctl_progress_begin(&progress, p->ctl, file);
        snapshot_read(p->disk, path, NULL, show_progress, &progress, &s.header, &s.finding);
        ctl_progress_end(&progress);
        if (s.finding.verdict == SNAPSHOT_UNREADABLE) {
            status = disk_failed(p, file, s.finding.error);
        } else if (s.finding.verdict == SNAPSHOT_NEWER) {
            fprintf(stderr, "walkvctl: %s %s\n", path, s.finding.sentence);
            status = EX_CONFIG;
        }
        buffer_append(out, &s, sizeof s);
    }
    snapshot_list_free(&list);
    return status;
}

/* 3. Whose store it is, when the control file cannot say: whoever most of the files belong to, and of as many
 * the one with the newest. */
struct vote {
    uint8_t uuid[UUID_BYTES];
    char file[64];
};

static void elect(struct repair_plan *p, const struct buffer *votes)
{
    const struct vote *vote = (const struct vote *)(const void *)votes->data;
    size_t count = votes->bytes / sizeof *vote, most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < count; j++)
            same += memcmp(vote[i].uuid, vote[j].uuid, UUID_BYTES) == 0;
        if (same < most)
            continue;
        most = same;
        memcpy(p->uuid, vote[i].uuid, UUID_BYTES);
        snprintf(p->uuid_from, sizeof p->uuid_from, "%s", vote[i].file);
    }
}

static int find_owner(struct repair_plan *p, const struct snapshot *snapshots, size_t count)
{
    struct buffer votes = {0};
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        struct vote v;
        char name[SNAPSHOT_NAME_BYTES + 1];
        snapshot_name(name, snapshots[i].name);
        snprintf(v.file, sizeof v.file, "snapshots/%s", name);
        memcpy(v.uuid, snapshots[i].header.uuid, UUID_BYTES);
        if (snapshots[i].finding.verdict == SNAPSHOT_VALID)
            buffer_append(&votes, &v, sizeof v);
    }
    for (size_t i = 0; i < p->log.count && !status; i++) {
        struct vote v;
        struct wal_segment segment;
        enum wal_header_verdict verdict;
        char path[4096], name[WAL_NAME_BYTES + 1];
        wal_name(name, p->log.first_lsns[i]);
        snprintf(v.file, sizeof v.file, "wal/%s", name);
        must(wal_log_path(path, sizeof path, p->data_dir, p->log.first_lsns[i]));
        int rc = wal_segment_open(&segment, p->disk, path, &verdict);
        memcpy(v.uuid, segment.header.uuid, UUID_BYTES);
        wal_segment_close(&segment);
        if (rc)
            status = disk_failed(p, v.file, -rc);
        else if (verdict == WAL_HEADER_VALID)
            buffer_append(&votes, &v, sizeof v);
    }
    elect(p, &votes);
    if (!status && !votes.bytes) {
        fprintf(stderr, "walkvctl: %s: nothing of a walkv store can be read there\n", p->data_dir);
        status = p->log.count || count ? EX_DATAERR : EX_NOINPUT;
    }
    buffer_free(&votes);
    return status;
}

/* 4. The snapshots that are this store's become states; of the others it is said what is wrong. */
static void judge_snapshot(struct repair_plan *p, const struct snapshot *s)
{
    static const uint8_t no_uuid[UUID_BYTES];
    static const enum wal_verdict as_finding[] = {
        [SNAPSHOT_DAMAGED] = WAL_CORRUPT, [SNAPSHOT_FOREIGN] = WAL_FOREIGN, [SNAPSHOT_NEWER] = WAL_NEWER};
    const struct snapshot_header *h = &s->header;
    char name[SNAPSHOT_NAME_BYTES + 1], file[64], sentence[160];
    snapshot_name(name, s->name);
    snprintf(file, sizeof file, "snapshots/%s", name);
    bool named = memcmp(h->uuid, no_uuid, UUID_BYTES) != 0; /* the header can be read */
    if (named && memcmp(h->uuid, p->uuid, UUID_BYTES) != 0) {
        say(p, WAL_FOREIGN, file, 16, 0, 0, "the snapshot belongs to another store");
        return;
    }
    /* A snapshot is never ahead of what was durable. */
    raise_lsn(&p->known_lsn, named ? h->lsn : s->name);
    if (s->finding.verdict != SNAPSHOT_VALID) {
        say(p, as_finding[s->finding.verdict], file, s->finding.offset, 0, 0, s->finding.sentence);
        return;
    }
    if (h->lsn != s->name) {
        snprintf(sentence, sizeof sentence, "it is the snapshot of LSN %" PRIu64 ", under a wrong name",
                 h->lsn);
        say(p, WAL_CORRUPT, file, 32, 0, 0, sentence);
    }
    struct repair_state state = {.lsn = h->lsn,
                                 .checksum = h->batch_checksum,
                                 .name = s->name,
                                 .bytes = h->pages * h->page_bytes,
                                 .end_lsn = h->lsn,
                                 .end_checksum = h->batch_checksum};
    buffer_append(&p->states, &state, sizeof state);
}

static struct repair_state *states(const struct repair_plan *p, size_t *count)
{
    *count = p->states.bytes / sizeof(struct repair_state);
    return (struct repair_state *)(void *)p->states.data;
}

static int compare_states(const void *a, const void *b)
{
    const struct repair_state *x = a, *y = b;
    return x->lsn < y->lsn ? -1 : x->lsn > y->lsn;
}

static void judge_snapshots(struct repair_plan *p, const struct snapshot *snapshots, size_t count)
{
    struct repair_state nothing = {0};
    buffer_append(&p->states, &nothing, sizeof nothing);
    bool newest_found = p->control.snapshot_lsn == 0;
    for (size_t i = 0; i < count; i++) {
        judge_snapshot(p, &snapshots[i]);
        newest_found = newest_found || snapshots[i].name == p->control.snapshot_lsn;
    }
    qsort(p->states.data, p->states.bytes / sizeof nothing, sizeof nothing, compare_states);
    if (!newest_found) {
        char name[SNAPSHOT_NAME_BYTES + 1], file[64];
        snapshot_name(name, p->control.snapshot_lsn);
        snprintf(file, sizeof file, "snapshots/%s", name);
        say(p, WAL_MISSING, file, 0, 0, 0, "the control file knows this snapshot");
    }
}

/* 5. The log: what is whole in it, and how far it leads from each state. */
int repair_read_log(const struct repair_plan *p, const struct wal_salvage_visitor *visitor,
                    struct wal_salvage_end *end)
{
    const struct wal_finding *f = &end->failure;
    switch (wal_salvage(p->disk, p->data_dir, &p->log, p->uuid, p->known_lsn, p->control.segment_lsn, visitor,
                        end)) {
    case WAL_NEWER:
        fprintf(stderr, "walkvctl: %s/%s %s\n", p->data_dir, f->file, f->sentence);
        return EX_CONFIG;
    case WAL_FAILED:
        return disk_failed(p, f->file, f->error);
    default:
        return 0;
    }
}

struct survey {
    struct repair_plan *plan;
    struct ctl_progress progress;
};

static void take_finding(const struct wal_finding *f, void *arg)
{
    struct survey *survey = arg;
    add_finding(survey->plan, f);
}

static void follow(struct repair_state *s, const struct wal_batch_header *h, const struct wal_link *before)
{
    uint64_t last = wal_batch_last_lsn(h);
    if (before->last_lsn == s->end_lsn && before->checksum == s->end_checksum) {
        s->end_lsn = last;
        s->end_checksum = h->checksum;
        s->replay_bytes += h->raw_bytes;
        uint64_t pages = h->count + h->raw_bytes / 4096;
        s->batch_pages_max = pages > s->batch_pages_max ? pages : s->batch_pages_max;
    } else if ((before->last_lsn == s->lsn && before->checksum != s->checksum) ||
               (h->first_lsn <= s->lsn && s->lsn <= last && (last != s->lsn || h->checksum != s->checksum))) {
        s->contradicted = true;
    }
}

static int survey_batch(const struct wal_segment *segment, const struct wal_batch *batch,
                        const struct wal_link *before, void *arg)
{
    (void)segment;
    struct survey *survey = arg;
    size_t count;
    struct repair_state *state = states(survey->plan, &count);
    for (size_t i = 0; i < count; i++)
        follow(&state[i], &batch->header, before);
    ctl_progress(&survey->progress, batch->header.first_lsn, 0, "LSN");
    return 0;
}

static int survey_log(struct repair_plan *p)
{
    struct survey survey = {.plan = p};
    const struct wal_salvage_visitor visitor = {survey_batch, take_finding, &survey};
    struct wal_salvage_end end;
    ctl_progress_begin(&survey.progress, p->ctl, "reading the log");
    int status = repair_read_log(p, &visitor, &end);
    ctl_progress_end(&survey.progress);
    if (status)
        return status;
    bool valid = p->control_verdict == CONTROL_VALID;
    p->known_lsn = end.known_lsn;
    p->highest_lsn = end.highest_lsn;
    p->end_known = (valid && p->control.clean) || (end.end_known && (p->log.count || valid));
    if (p->log.count && p->log.first_lsns[0] > p->control.older_snapshot_lsn + 1 && valid)
        say(p, WAL_MISSING, "wal", 0, p->control.older_snapshot_lsn + 1, p->log.first_lsns[0] - 1,
            "the log begins later than the control file says");
    return 0;
}

/* 6. The state from which the log leads furthest; of several, the newest that the log does not contradict. */
static void choose(struct repair_plan *p)
{
    size_t count;
    struct repair_state *state = states(p, &count);
    for (size_t i = 0; i < count; i++) {
        struct repair_state *s = &state[i];
        if (s->contradicted && s->lsn) {
            char name[SNAPSHOT_NAME_BYTES + 1], file[64];
            snapshot_name(name, s->name);
            snprintf(file, sizeof file, "snapshots/%s", name);
            say(p, WAL_CORRUPT, file, 40, 0, 0, "the snapshot and the log do not belong together");
        }
        if (s->end_lsn && (!p->best || s->end_lsn > p->best->end_lsn ||
                           (s->end_lsn == p->best->end_lsn && !s->contradicted)))
            p->best = s;
    }
}

/* 7. Whether walkvd would start: the decisions of recovery.c, in their order, over the same functions. */
static int match_batch(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    int rc = replay_follows(arg, segment, batch);
    return rc < 0 ? rc : 0;
}

static bool would_start(const struct repair_plan *p, const struct wal_log *log, struct wal_finding *finding)
{
    const struct control *c = &p->control;
    size_t count;
    const struct repair_state *state = states(p, &count);
    while (count > 1 && state[count - 1].name != state[count - 1].lsn)
        count--;
    state += count - 1; /* the newest that recovery takes for valid */
    if (p->control_verdict != CONTROL_VALID || (c->segment_lsn && !log->count))
        return false;
    if (state->lsn + 1 < (log->count ? log->first_lsns[0] : c->last_lsn + 1))
        return false;
    struct replay_start start = {state->lsn, state->checksum, state->lsn == 0};
    const struct wal_visitor visitor = {.batch = match_batch, .arg = &start};
    struct wal_log_end end;
    wal_log_read(p->disk, p->data_dir, log, p->uuid, state->lsn ? state->lsn - 1 : 0,
                 c->last_lsn > state->lsn ? c->last_lsn : state->lsn, c->segment_lsn, &visitor, &end,
                 finding);
    return (finding->verdict == WAL_CLEAN || finding->verdict == WAL_TORN) && (start.matched || !log->count);
}

static bool has_directories(const struct repair_plan *p)
{
    for (size_t i = 0; i < repair_finding_count(p); i++) {
        const char *file = repair_finding(p, i)->file;
        if (repair_finding(p, i)->verdict == WAL_MISSING && repair_finding(p, i)->last_lsn == 0 &&
            (strcmp(file, "wal") == 0 || strcmp(file, "snapshots") == 0))
            return false;
    }
    return true;
}

static int judge_start(struct repair_plan *p)
{
    struct wal_log log;
    struct wal_finding finding = {.verdict = WAL_CLEAN};
    int status = 0;
    if (!has_directories(p))
        return 0;
    int rc = wal_log_list(p->disk, p->data_dir, &log);
    if (rc)
        return disk_failed(p, "wal", -rc);
    wal_log_trim(&log, p->control.older_snapshot_lsn);
    p->needed_from = log.count ? log.first_lsns[0] : 0;
    p->starts = would_start(p, &log, &finding);
    if (finding.verdict == WAL_FAILED && finding.error != ESTALE)
        status = disk_failed(p, finding.file, finding.error);
    else if (finding.verdict != WAL_CLEAN && finding.verdict != WAL_FAILED)
        add_finding(p, &finding);
    wal_log_free(&log);
    return status;
}

static int compare_findings(const void *a, const void *b)
{
    const struct wal_finding *x = a, *y = b;
    int order = strcmp(x->file, y->file);
    return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Segments that a checkpoint has made unneeded may be half deleted; nobody has to hear of it, unless they
 * would have been of use. */
static bool is_unneeded(const struct repair_plan *p, const struct wal_finding *f)
{
    uint64_t lsn;
    return strncmp(f->file, "wal/", 4) == 0 && wal_name_parse(f->file + 4, &lsn) && lsn < p->needed_from &&
           p->best && p->best->lsn + 1 >= p->needed_from;
}

static void tidy_findings(struct repair_plan *p)
{
    struct wal_finding *f = (struct wal_finding *)(void *)p->findings.data;
    size_t kept = 0;
    for (size_t i = 0; i < repair_finding_count(p); i++) {
        if (!is_unneeded(p, &f[i]))
            f[kept++] = f[i];
    }
    p->findings.bytes = kept * sizeof *f;
    if (kept)
        qsort(f, kept, sizeof *f, compare_findings);
}

int repair_plan_make(struct repair_plan *p, const struct ctl *ctl, struct disk *disk, const char *data_dir)
{
    *p = (struct repair_plan){.ctl = ctl, .disk = disk, .data_dir = data_dir};
    struct buffer snapshots = {0};
    int status = read_control(p);
    int rc = status ? 0 : wal_log_list(disk, data_dir, &p->log);
    if (rc == -ENOENT)
        say(p, WAL_MISSING, "wal", 0, 0, 0, "the directory of the log is missing");
    else if (rc)
        status = disk_failed(p, "wal", -rc);
    if (!status)
        status = read_snapshots(p, &snapshots);
    const struct snapshot *snapshot = (const struct snapshot *)(const void *)snapshots.data;
    size_t count = snapshots.bytes / sizeof *snapshot;
    if (!status && p->control_verdict != CONTROL_VALID)
        status = find_owner(p, snapshot, count);
    if (!status) {
        judge_snapshots(p, snapshot, count);
        status = survey_log(p);
    }
    if (!status) {
        choose(p);
        status = judge_start(p);
        tidy_findings(p);
    }
    buffer_free(&snapshots);
    return status;
}

void repair_plan_free(struct repair_plan *p)
{
    wal_log_free(&p->log);
    buffer_free(&p->findings);
    buffer_free(&p->states);
}
