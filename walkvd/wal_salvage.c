/* SPDX-License-Identifier: MIT
 * What is left of a damaged log; see wal_salvage.h. */
#include "wal_salvage.h"

#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A segment, by its header. It has its place in the log by what the header says, not by its name. */
struct piece {
    uint64_t name;
    uint64_t first_lsn;
    enum wal_verdict verdict; /* WAL_CLEAN, WAL_CORRUPT: the header is damaged, WAL_FOREIGN */
    struct wal_segment_header header;
};

struct salvage {
    struct disk *disk;
    const char *data_dir;
    const struct wal_log *log;
    const uint8_t *uuid;
    const struct wal_salvage_visitor *visitor;
    struct wal_salvage_end *out;
    uint64_t durable_lsn;
    uint64_t newest_segment;

    struct piece *pieces; /* this store's, in the order of the log */
    size_t count;

    /* Where the reading of the piece before ended. */
    struct wal_link end; /* `first_lsn` is its name */
    uint64_t end_offset;
    bool told;  /* what is wrong with that end has been told */
    bool split; /* what lies behind the end that the next piece names was durable, too */
};

static void raise_lsn(uint64_t *lsn, uint64_t to)
{
    *lsn = to > *lsn ? to : *lsn;
}

static void say(struct salvage *s, enum wal_verdict verdict, uint64_t segment, uint64_t offset,
                uint64_t first_lsn, uint64_t last_lsn, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

static void say(struct salvage *s, enum wal_verdict verdict, uint64_t segment, uint64_t offset,
                uint64_t first_lsn, uint64_t last_lsn, const char *format, ...)
{
    if (!s->visitor->finding)
        return;
    struct wal_finding f = {
        .verdict = verdict, .offset = offset, .first_lsn = first_lsn, .last_lsn = last_lsn};
    char name[WAL_NAME_BYTES + 1];
    wal_name(name, segment);
    snprintf(f.file, sizeof f.file, "wal/%s", name);
    va_list args;
    va_start(args, format);
    vsnprintf(f.sentence, sizeof f.sentence, format, args);
    va_end(args);
    s->visitor->finding(&f, s->visitor->arg);
}

static enum wal_verdict failed(struct salvage *s, uint64_t segment, uint64_t offset, int rc)
{
    struct wal_finding *f = &s->out->failure;
    char name[WAL_NAME_BYTES + 1];
    wal_name(name, segment);
    *f = (struct wal_finding){.verdict = WAL_FAILED, .error = -rc, .offset = offset};
    snprintf(f->file, sizeof f->file, "wal/%s", name);
    snprintf(f->sentence, sizeof f->sentence, "cannot be read: %s", strerror(-rc));
    return WAL_FAILED;
}

static int open_piece(struct salvage *s, uint64_t name, struct wal_segment *segment,
                      enum wal_header_verdict *verdict)
{
    char path[4096];
    *segment = (struct wal_segment){.fd = -1};
    return wal_log_path(path, sizeof path, s->data_dir, name)
               ? wal_segment_open(segment, s->disk, path, verdict)
               : -ENAMETOOLONG;
}

static bool is_listed(const struct salvage *s, uint64_t name)
{
    for (size_t i = 0; i < s->log->count; i++) {
        if (s->log->first_lsns[i] == name)
            return true;
    }
    return false;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->first_lsn != y->first_lsn)
        return x->first_lsn < y->first_lsn ? -1 : 1;
    return (x->name != x->first_lsn) - (y->name != y->first_lsn); /* under the right name first */
}

/* Reads all headers and puts the segments of this store in order, each once. */
static enum wal_verdict read_headers(struct salvage *s)
{
    const struct wal_log *log = s->log;
    s->pieces = memory_new(log->count + 1, sizeof *s->pieces, "the list of segments");
    for (size_t i = 0; i < log->count; i++) {
        struct piece p = {.name = log->first_lsns[i], .first_lsn = log->first_lsns[i]};
        struct wal_segment segment;
        enum wal_header_verdict verdict = WAL_HEADER_DAMAGED;
        struct wal_finding f = {.verdict = WAL_CLEAN};
        int rc = open_piece(s, p.name, &segment, &verdict);
        uint64_t last = i + 1 < log->count ? log->first_lsns[i + 1] - 1 : 0;
        bool good = !rc && wal_log_check_header(&segment, verdict, p.name, last, s->uuid, &f);
        p.header = segment.header;
        wal_segment_close(&segment);
        if (rc)
            return failed(s, p.name, 0, rc);
        if (f.verdict == WAL_NEWER) {
            s->out->failure = f;
            return WAL_NEWER;
        }
        if (!good && s->visitor->finding)
            s->visitor->finding(&f, s->visitor->arg);
        if (f.verdict == WAL_FOREIGN)
            continue;
        if (verdict == WAL_HEADER_DAMAGED) {
            p.verdict = WAL_CORRUPT;
        } else {
            p.first_lsn = p.header.first_lsn;
            raise_lsn(&s->out->known_lsn, p.header.previous.last_lsn);
        }
        /* Its first batch was synced before the segment had a name. */
        raise_lsn(&s->out->known_lsn, p.first_lsn);
        s->pieces[s->count++] = p;
    }
    qsort(s->pieces, s->count, sizeof *s->pieces, compare_pieces);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!kept || s->pieces[i].first_lsn != s->pieces[kept - 1].first_lsn)
            s->pieces[kept++] = s->pieces[i];
    }
    s->count = kept;
    return WAL_CLEAN;
}

/* What the link of piece i says of the piece before. */
static void check_link(struct salvage *s, size_t i)
{
    const struct piece *p = &s->pieces[i], *before = &s->pieces[i - 1];
    const struct wal_link *link = &p->header.previous;
    uint64_t next = s->end.last_lsn + 1;
    if (link->first_lsn > before->first_lsn) {
        if (!is_listed(s, link->first_lsn))
            say(s, WAL_MISSING, link->first_lsn, 0, next, link->last_lsn, "the segment is missing");
    } else if (link->first_lsn == before->first_lsn && link->last_lsn >= next) {
        if (!s->told)
            say(s, WAL_CORRUPT, s->end.first_lsn, s->end_offset, next, link->last_lsn,
                "LSN %" PRIu64 " cannot be read, but the next segment continues after LSN %" PRIu64, next,
                link->last_lsn);
    } else if (link->first_lsn != before->first_lsn || link->checksum != s->end.checksum || s->split) {
        if (!s->told)
            say(s, WAL_CORRUPT, p->name, 0, p->first_lsn, 0, "the segment does not continue the one before");
    }
}

/* Where the whole part of a segment ended last. */
struct position {
    uint64_t offset, next_lsn, chain;
    bool sealed;
};

static struct position position_of(const struct wal_segment *s)
{
    return (struct position){s->offset, s->next_lsn, s->chain, s->sealed};
}

/* Hands over one whole batch of a piece, whose whole part so far ends at `at`. */
static int take_batch(struct salvage *s, const struct piece *p, const struct wal_segment *segment,
                      const struct wal_batch *batch, const struct position *at, bool first)
{
    const struct wal_batch_header *h = &batch->header;
    struct wal_link before = {0, h->first_lsn - 1, h->chain};
    if (batch->offset == segment->header.block_bytes) { /* it continues the header, and the link says what */
        before = p->header.previous;
        if (p->verdict != WAL_CLEAN || h->chain != p->header.checksum || h->first_lsn != p->first_lsn ||
            s->split)
            before.last_lsn = WAL_SALVAGE_UNKNOWN;
    }
    bool continues = h->chain == at->chain && h->first_lsn == at->next_lsn;
    if (!continues && !(first && p->verdict != WAL_CLEAN))
        say(s, WAL_CORRUPT, p->name, at->offset, at->next_lsn,
            h->first_lsn > at->next_lsn ? h->first_lsn - 1 : at->next_lsn,
            "LSN %" PRIu64 " cannot be read, but the batch of LSN %" PRIu64 " at offset %" PRIu64 " is whole",
            at->next_lsn, h->first_lsn, batch->offset);
    raise_lsn(&s->out->known_lsn, wal_batch_last_lsn(h));
    return s->visitor->batch(segment, batch, &before, s->visitor->arg);
}

static enum wal_verdict judge_end(struct salvage *s, struct wal_segment *segment)
{
    struct wal_finding f = {.verdict = WAL_CLEAN};
    wal_log_judge_end(segment, s->durable_lsn, &f);
    if (f.verdict == WAL_FAILED) {
        s->out->failure = f;
        return WAL_FAILED;
    }
    if (f.verdict != WAL_CLEAN && s->visitor->finding) {
        char name[WAL_NAME_BYTES + 1];
        wal_name(name, s->end.first_lsn); /* not what the header says */
        snprintf(f.file, sizeof f.file, "wal/%s", name);
        s->visitor->finding(&f, s->visitor->arg);
    }
    s->out->end_known = f.verdict == WAL_CLEAN || f.verdict == WAL_TORN;
    raise_lsn(&s->out->known_lsn, f.last_lsn);
    return WAL_CLEAN;
}

/* A damaged header may still have what reading takes; under a wrong salt no batch would be found at all. */
static bool can_be_read(const struct salvage *s, const struct piece *p)
{
    uint32_t block = p->header.block_bytes;
    return p->verdict == WAL_CLEAN ||
           (memcmp(p->header.uuid, s->uuid, UUID_BYTES) == 0 && block >= WAL_BLOCK_MIN &&
            block <= WAL_BLOCK_MAX && (block & (block - 1)) == 0);
}

static enum wal_verdict read_piece(struct salvage *s, size_t i)
{
    const struct piece *p = &s->pieces[i];
    uint64_t limit = i + 1 < s->count ? s->pieces[i + 1].first_lsn : UINT64_MAX;
    if (i > 0 && p->verdict == WAL_CLEAN)
        check_link(s, i);
    struct wal_segment segment = {.fd = -1};
    enum wal_header_verdict unused;
    int rc = can_be_read(s, p) ? open_piece(s, p->name, &segment, &unused) : 0;
    if (rc) {
        wal_segment_close(&segment);
        return failed(s, p->name, 0, rc);
    }
    segment.next_lsn = p->first_lsn;
    struct position at = position_of(&segment), beyond = at;
    struct wal_batch batch;
    bool whole, first = true, split = false;
    while (can_be_read(s, p) && (rc = wal_segment_salvage(&segment, &batch, &whole)) == 1) {
        const struct wal_batch_header *h = &batch.header;
        if (wal_batch_last_lsn(h) >= limit) { /* [link-ends-segment] */
            if (!whole || h->first_lsn != beyond.next_lsn || h->chain != beyond.chain)
                break;
            beyond = position_of(&segment);
            split = split || h->durable_lsn >= limit;
            continue;
        }
        raise_lsn(&s->out->highest_lsn, wal_batch_last_lsn(h));
        if (!whole) {
            raise_lsn(&s->out->known_lsn, h->durable_lsn);
            continue;
        }
        rc = take_batch(s, p, &segment, &batch, &at, first);
        if (rc < 0)
            break;
        first = false;
        at = beyond = position_of(&segment);
    }
    enum wal_verdict verdict = rc < 0 ? failed(s, p->name, segment.offset, rc) : WAL_CLEAN;
    s->end = (struct wal_link){p->name, at.next_lsn - 1, at.chain};
    s->end_offset = at.offset;
    s->told = first && p->verdict != WAL_CLEAN;
    s->split = split;
    if (!verdict && i + 1 == s->count && p->verdict == WAL_CLEAN && s->newest_segment <= p->first_lsn) {
        segment.offset = at.offset;
        segment.next_lsn = at.next_lsn;
        segment.chain = at.chain;
        segment.sealed = at.sealed;
        verdict = judge_end(s, &segment);
    }
    wal_segment_close(&segment);
    return verdict;
}

enum wal_verdict wal_salvage(struct disk *disk, const char *data_dir, const struct wal_log *log,
                             const uint8_t *uuid, uint64_t durable_lsn, uint64_t newest_segment,
                             const struct wal_salvage_visitor *visitor, struct wal_salvage_end *end)
{
    *end = (struct wal_salvage_end){.known_lsn = durable_lsn};
    struct salvage s = {.disk = disk,
                        .data_dir = data_dir,
                        .log = log,
                        .uuid = uuid,
                        .visitor = visitor,
                        .out = end,
                        .durable_lsn = durable_lsn,
                        .newest_segment = newest_segment};
    raise_lsn(&end->known_lsn, newest_segment);
    enum wal_verdict verdict = read_headers(&s);
    for (size_t i = 0; i < s.count && !verdict; i++)
        verdict = read_piece(&s, i);
    uint64_t newest = s.count ? s.pieces[s.count - 1].first_lsn : 0;
    if (!verdict && newest_segment > newest && !is_listed(&s, newest_segment))
        say(&s, WAL_MISSING, newest_segment, 0, newest ? s.end.last_lsn + 1 : newest_segment,
            durable_lsn >= newest_segment ? durable_lsn : 0, "the newest segment is missing");
    if (!s.count && !newest_segment)
        end->end_known = true;
    raise_lsn(&end->highest_lsn, end->known_lsn);
    free(s.pieces);
    return verdict;
}
