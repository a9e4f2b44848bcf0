/* SPDX-License-Identifier: MIT
 * Reading the log as a whole; the rule [torn-or-corrupt] is in wal_log.h. */
#include "wal_log.h"

#include "log.h"
#include "lsn_dir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *wal_verdict_text(enum wal_verdict verdict)
{
    static const char *const text[] = {
        [WAL_CLEAN] = "clean",     [WAL_TORN] = "torn",       [WAL_CORRUPT] = "corrupt",
        [WAL_MISSING] = "missing", [WAL_FOREIGN] = "foreign", [WAL_NEWER] = "newer",
        [WAL_FAILED] = "failed",
    };
    return text[verdict];
}

int wal_log_list(struct disk *disk, const char *data_dir, struct wal_log *log)
{
    *log = (struct wal_log){0};
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/wal", data_dir) >= sizeof path)
        return -ENAMETOOLONG;
    return lsn_dir_list(disk, path, wal_name_parse, &log->first_lsns, &log->count, &log->strangers);
}

void wal_log_free(struct wal_log *log)
{
    free(log->first_lsns);
    *log = (struct wal_log){0};
}

void wal_log_trim(struct wal_log *log, uint64_t floor_lsn)
{
    size_t unneeded = 0;
    while (unneeded + 1 < log->count && log->first_lsns[unneeded + 1] <= floor_lsn)
        unneeded++;
    if (!unneeded)
        return;
    log->count -= unneeded;
    memmove(log->first_lsns, log->first_lsns + unneeded, log->count * sizeof *log->first_lsns);
}

bool wal_log_path(char *out, size_t room, const char *data_dir, uint64_t first_lsn)
{
    char name[WAL_NAME_BYTES + 1];
    wal_name(name, first_lsn);
    return (size_t)snprintf(out, room, "%s/wal/%s", data_dir, name) < room;
}

static void say(struct wal_finding *f, enum wal_verdict verdict, uint64_t segment, uint64_t offset,
                uint64_t first_lsn, uint64_t last_lsn, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

static void say(struct wal_finding *f, enum wal_verdict verdict, uint64_t segment, uint64_t offset,
                uint64_t first_lsn, uint64_t last_lsn, const char *format, ...)
{
    char name[WAL_NAME_BYTES + 1];
    wal_name(name, segment);
    f->verdict = verdict;
    snprintf(f->file, sizeof f->file, "wal/%s", name);
    f->offset = offset;
    f->first_lsn = first_lsn;
    f->last_lsn = last_lsn;
    va_list args;
    va_start(args, format);
    vsnprintf(f->sentence, sizeof f->sentence, format, args);
    va_end(args);
}

static enum wal_verdict io_failed(struct wal_finding *f, uint64_t segment, uint64_t offset, int rc)
{
    f->error = -rc;
    say(f, WAL_FAILED, segment, offset, 0, 0, "cannot be read: %s", strerror(-rc));
    return f->verdict;
}

bool wal_log_check_header(const struct wal_segment *s, enum wal_header_verdict verdict, uint64_t lsn,
                          uint64_t last, const uint8_t *uuid, struct wal_finding *f)
{
    if (verdict == WAL_HEADER_NEWER)
        say(f, WAL_NEWER, lsn, 8, lsn, last,
            "was written by a newer walkv: format version %" PRIu32 ", this one reads %u", s->header.version,
            WAL_VERSION);
    else if (verdict == WAL_HEADER_DAMAGED)
        say(f, WAL_CORRUPT, lsn, 0, lsn, last, "the segment header is damaged");
    else if (memcmp(s->header.uuid, uuid, UUID_BYTES) != 0)
        say(f, WAL_FOREIGN, lsn, 16, lsn, last, "the segment belongs to another store");
    else if (s->header.first_lsn != lsn)
        say(f, WAL_CORRUPT, lsn, 40, lsn, last, "the segment is that of LSN %" PRIu64 ", under a wrong name",
            s->header.first_lsn);
    else
        return true;
    return false;
}

/* Opens segment i and checks what its header says of itself and of the one before. True when it is good. */
static bool open_segment(struct wal_segment *s, struct disk *disk, const char *data_dir,
                         const struct wal_log *log, size_t i, const uint8_t *uuid, struct wal_finding *f)
{
    uint64_t lsn = log->first_lsns[i];
    char path[4096];
    enum wal_header_verdict verdict = WAL_HEADER_DAMAGED;
    int rc = wal_log_path(path, sizeof path, data_dir, lsn) ? wal_segment_open(s, disk, path, &verdict)
                                                            : -ENAMETOOLONG;
    uint64_t last = i + 1 < log->count ? log->first_lsns[i + 1] - 1 : 0;
    if (rc)
        io_failed(f, lsn, 0, rc);
    else if (!wal_log_check_header(s, verdict, lsn, last, uuid, f))
        return false;
    else if (i > 0 && s->header.previous.first_lsn < log->first_lsns[i - 1])
        say(f, WAL_CORRUPT, lsn, 56, lsn, last,
            "the segment continues that of LSN %" PRIu64 ", but that of LSN %" PRIu64 " stands between them",
            s->header.previous.first_lsn, log->first_lsns[i - 1]);
    else if (i > 0 && s->header.previous.first_lsn > log->first_lsns[i - 1])
        say(f, WAL_MISSING, s->header.previous.first_lsn, 0, s->header.previous.first_lsn,
            s->header.previous.last_lsn, "the segment is missing");
    else
        return true;
    return false;
}

void wal_log_judge_end(struct wal_segment *s, uint64_t durable_lsn, struct wal_finding *f)
{
    uint64_t lsn = s->header.first_lsn, g = s->next_lsn;
    struct wal_tail tail = {0};
    int rc = s->sealed ? 0 : wal_segment_tail(s, &tail);
    if (rc) {
        io_failed(f, lsn, s->offset, rc);
        return;
    }
    f->torn_bytes = tail.torn_bytes;
    if (tail.witnessed)
        say(f, WAL_CORRUPT, lsn, s->offset, g, tail.witness.durable_lsn,
            "LSN %" PRIu64 " cannot be read, but the batch at offset %" PRIu64
            " says that everything up to LSN %" PRIu64 " was durable",
            g, tail.witness_offset, tail.witness.durable_lsn);
    else if (durable_lsn >= g)
        say(f, WAL_CORRUPT, lsn, s->offset, g, durable_lsn,
            "the log ends at LSN %" PRIu64 ", but LSN %" PRIu64 " had been acknowledged", g - 1, durable_lsn);
    else if (g == lsn)
        say(f, WAL_CORRUPT, lsn, s->offset, g, 0,
            "the first batch, written before the segment got its name, is damaged");
    else if (!s->sealed && s->file_bytes < s->header.segment_bytes)
        say(f, WAL_CORRUPT, lsn, s->file_bytes, g, 0,
            "the segment has %" PRIu64 " bytes of %" PRIu64 ": something was cut off", s->file_bytes,
            s->header.segment_bytes);
    else if (tail.torn_bytes)
        say(f, WAL_TORN, lsn, s->offset, g, 0, "%" PRIu64 " bytes of a batch that nobody was told about",
            tail.torn_bytes);
}

/* Sets `*end` to where the next segment says that segment i ends; UINT64_MAX when it says nothing. Returns 0
 * or a negative errno. */
static int end_by_link(struct disk *disk, const char *data_dir, const struct wal_log *log, size_t i,
                       uint64_t *end)
{
    struct wal_segment next = {.fd = -1};
    char path[4096];
    enum wal_header_verdict verdict = WAL_HEADER_DAMAGED;
    *end = UINT64_MAX;
    if (i + 1 == log->count || !wal_log_path(path, sizeof path, data_dir, log->first_lsns[i + 1]))
        return 0;
    int rc = wal_segment_open(&next, disk, path, &verdict);
    if (!rc && verdict == WAL_HEADER_VALID && next.header.previous.first_lsn == log->first_lsns[i])
        *end = next.header.previous.last_lsn;
    wal_segment_close(&next);
    return rc;
}

/* Reads the batches of one segment up to `last_lsn` [link-ends-segment]. Returns 0 or a negative errno. */
static int read_batches(struct wal_segment *s, uint64_t last_lsn, const struct wal_visitor *visitor,
                        struct wal_log_end *end)
{
    struct wal_batch batch;
    bool behind = false;
    int rc = 0;
    s->known_lsn = visitor ? visitor->known_lsn : 0;
    if (visitor && visitor->known_at && s->header.first_lsn <= visitor->known_lsn)
        rc = wal_segment_seek(s, visitor->known_at, visitor->known_lsn, visitor->known_checksum);
    end->link = (struct wal_link){s->header.first_lsn, s->next_lsn - 1, s->chain};
    end->offset = s->offset;
    while (rc >= 0 && (rc = wal_segment_next(s, &batch)) == 1) {
        const struct wal_batch_header *h = &batch.header;
        behind = behind || wal_batch_last_lsn(h) > last_lsn;
        if (behind && h->durable_lsn <= last_lsn)
            continue;
        end->link = (struct wal_link){s->header.first_lsn, s->next_lsn - 1, s->chain};
        end->offset = s->offset;
        end->sealed = s->sealed;
        if (behind) /* the link will not fit */
            return 0;
        end->batches_read++;
        end->last_time_ns = h->time_ns;
        if (visitor && visitor->batch)
            rc = visitor->batch(s, &batch, visitor->arg);
    }
    return rc < 0 ? rc : 0;
}

/* Reads the segments that are wanted; of the newest, without `newest_too`, only what its header says. */
static void read_segments(struct disk *disk, const char *data_dir, const struct wal_log *log,
                          const uint8_t *uuid, uint64_t from_lsn, uint64_t durable_lsn, bool newest_too,
                          const struct wal_visitor *visitor, struct wal_log_end *end, struct wal_finding *f)
{
    bool previous_read = false;
    for (size_t i = 0; i < log->count && f->verdict == WAL_CLEAN; i++) {
        bool last = i + 1 == log->count;
        bool wanted = last ? newest_too : log->first_lsns[i + 1] > from_lsn + 1;
        struct wal_segment s;
        if (!open_segment(&s, disk, data_dir, log, i, uuid, f)) {
            wal_segment_close(&s);
            break;
        }
        const struct wal_link *link = &s.header.previous;
        if (previous_read && (link->last_lsn != end->link.last_lsn || link->checksum != end->link.checksum)) {
            if (link->last_lsn > end->link.last_lsn)
                say(f, WAL_CORRUPT, end->link.first_lsn, end->offset, end->link.last_lsn + 1, link->last_lsn,
                    "LSN %" PRIu64 " cannot be read, but the next segment continues after LSN %" PRIu64,
                    end->link.last_lsn + 1, link->last_lsn);
            else
                say(f, WAL_CORRUPT, s.header.first_lsn, 0, s.header.first_lsn, 0,
                    "the segment does not continue the one before");
        }
        if (!wanted || f->verdict != WAL_CLEAN) {
            wal_segment_close(&s);
            continue;
        }
        uint64_t last_lsn;
        int rc = end_by_link(disk, data_dir, log, i, &last_lsn);
        if (rc) {
            io_failed(f, log->first_lsns[i + 1], 0, rc);
            wal_segment_close(&s);
            break;
        }
        end->sealed = false;
        rc = read_batches(&s, last_lsn, visitor, end);
        end->segments_read++;
        previous_read = true;
        if (rc)
            io_failed(f, s.header.first_lsn, s.offset, rc);
        else if (last)
            wal_log_judge_end(&s, durable_lsn, f);
        if (visitor && visitor->segment)
            visitor->segment(&s, visitor->arg);
        wal_segment_close(&s);
    }
}

enum wal_verdict wal_log_read(struct disk *disk, const char *data_dir, const struct wal_log *log,
                              const uint8_t *uuid, uint64_t from_lsn, uint64_t durable_lsn,
                              uint64_t newest_segment, const struct wal_visitor *visitor,
                              struct wal_log_end *end, struct wal_finding *f)
{
    *f = (struct wal_finding){.verdict = WAL_CLEAN};
    *end = (struct wal_log_end){0};
    uint64_t newest = log->count ? log->first_lsns[log->count - 1] : 0;
    if (newest_segment > newest)
        say(f, WAL_MISSING, newest_segment, 0, newest_segment,
            durable_lsn >= newest_segment ? durable_lsn : 0, "the newest segment is missing");
    else
        read_segments(disk, data_dir, log, uuid, from_lsn, durable_lsn, true, visitor, end, f);
    return f->verdict;
}

enum wal_verdict wal_log_read_finished(struct disk *disk, const char *data_dir, const struct wal_log *log,
                                       const uint8_t *uuid, uint64_t from_lsn,
                                       const struct wal_visitor *visitor, struct wal_log_end *end,
                                       struct wal_finding *f)
{
    *f = (struct wal_finding){.verdict = WAL_CLEAN};
    *end = (struct wal_log_end){0};
    read_segments(disk, data_dir, log, uuid, from_lsn, 0, false, visitor, end, f);
    return f->verdict;
}
