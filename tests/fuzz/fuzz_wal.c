/* SPDX-License-Identifier: MIT
 *
 * The reader of the log. fuzz_log.h has the input.
 *
 * Checksums that hold can be forged by whoever can write the file, and still nothing may happen but a
 * verdict: the reader stays within the file and within memory in proportion to it, LSNs that it hands out
 * have no gap, every batch is records, and a log that is good from its beginning is good from every LSN on.
 */
#include "fuzz_log.h"

#include "op.h"

#include <lz4.h>
#include <stdlib.h>

enum { BATCHES_MAX = 256 };

enum {
    BATCH,
    COMPRESSED,
    EVERY_OP,
    SEALED,
    UNSEALED,
    TORN,
    THREE_SEGMENTS,
    WITNESSED,
    MISSING,
    FOREIGN,
    NEWER,
    OLDER,
    FAILED
};

const char *const fuzz_goals[] = {
    [BATCH] = "a batch",
    [COMPRESSED] = "a compressed batch",
    [EVERY_OP] = "a record of every operation",
    [SEALED] = "a clean end with a seal",
    [UNSEALED] = "a clean end without one",
    [TORN] = "a torn tail",
    [THREE_SEGMENTS] = "three segments that continue each other",
    [WITNESSED] = "damage that a later batch witnesses",
    [MISSING] = "a missing segment",
    [FOREIGN] = "a foreign segment",
    [NEWER] = "a newer segment",
    [OLDER] = "a good segment of a version before",
    [FAILED] = "a disk that fails",
    NULL,
};

/* --- what the reader hands over --- */

struct seen {
    uint64_t first_lsn, next_lsn; /* 0: nothing yet */
    uint64_t chain;               /* header checksum of the batch before */
    uint64_t batches, segments;
    struct {
        uint64_t lsn, checksum;
    } batch[BATCHES_MAX];
    uint64_t ops; /* bit per operation */
    bool sealed;
};

static bool same_header(const struct wal_batch_header *a, const struct wal_batch_header *b)
{
    return a->flags == b->flags && a->first_lsn == b->first_lsn && a->count == b->count &&
           a->payload_bytes == b->payload_bytes && a->raw_bytes == b->raw_bytes &&
           a->durable_lsn == b->durable_lsn && a->time_ns == b->time_ns && a->chain == b->chain &&
           a->payload_checksum == b->payload_checksum && a->checksum == b->checksum;
}

/* Encoded anew it decodes to the same, but for how it is stored. */
static void check_batch_encoding(const struct wal_segment *s, const struct wal_batch *batch)
{
    struct wal_batch_header h = batch->header, back;
    struct buffer out = {0}, scratch = {0};
    struct span payload;
    h.flags &= ~(uint32_t)WAL_FLAG_LZ4;
    wal_batch_encode(&out, &h, batch->payload, s->header.salt, s->header.block_bytes);
    must(out.bytes == wal_batch_bytes(h.payload_bytes, s->header.block_bytes));
    must(wal_batch_header_decode(buffer_span(&out), s->header.salt, s->header.block_bytes, &back));
    must(same_header(&h, &back));
    h.flags = batch->header.flags;
    h.payload_bytes = batch->header.payload_bytes;
    h.payload_checksum = batch->header.payload_checksum;
    h.checksum = batch->header.checksum;
    must(same_header(&h, &batch->header));
    must(wal_batch_payload(buffer_span(&out), &back, s->header.block_bytes, &scratch, &payload));
    must(fuzz_same(payload, batch->payload));
    buffer_free(&out);
    buffer_free(&scratch);
}

/* A compressed payload is all that LZ4 makes of what is stored, and nothing that was in memory before. */
static void check_unpacked(const struct wal_segment *s, const struct wal_batch *batch)
{
    const struct wal_batch_header *h = &batch->header;
    char *raw = malloc(h->raw_bytes);
    must(raw || h->raw_bytes == 0);
    int n = LZ4_decompress_safe(s->image + batch->offset + WAL_BATCH_HEADER_BYTES, raw, (int)h->payload_bytes,
                                (int)h->raw_bytes);
    must(n == (int)h->raw_bytes && fuzz_same((struct span){raw, (size_t)n}, batch->payload));
    free(raw);
    fuzz_reached(COMPRESSED);
}

static int on_batch(const struct wal_segment *s, const struct wal_batch *batch, void *arg)
{
    struct seen *seen = arg;
    const struct wal_batch_header *h = &batch->header;
    must(h->count >= 1 && h->first_lsn >= 1 && (seen->next_lsn == 0 || h->first_lsn == seen->next_lsn));
    must(wal_batch_last_lsn(h) >= h->first_lsn);
    must(batch->offset % s->header.block_bytes == 0 && batch->offset > 0 && s->offset > batch->offset &&
         s->offset <= s->file_bytes);
    bool first = batch->offset == s->header.block_bytes;
    must(h->chain == (first ? s->header.checksum : seen->chain));
    must(!first || seen->next_lsn == 0 || s->header.previous.checksum == seen->chain);
    seen->chain = h->checksum;
    must(batch->payload.bytes == h->raw_bytes && s->next_lsn == wal_batch_last_lsn(h) + 1);
    fuzz_log_check_records(batch->payload, h->count, &seen->ops);
    check_batch_encoding(s, batch);
    if (seen->batches < BATCHES_MAX) {
        seen->batch[seen->batches].lsn = h->first_lsn;
        seen->batch[seen->batches].checksum = h->checksum;
    }
    if (seen->first_lsn == 0)
        seen->first_lsn = h->first_lsn;
    seen->next_lsn = s->next_lsn;
    seen->batches++;
    fuzz_reached(BATCH);
    if (h->flags & WAL_FLAG_LZ4)
        check_unpacked(s, batch);
    return 0;
}

static void on_segment(const struct wal_segment *s, void *arg)
{
    struct seen *seen = arg;
    struct wal_segment_header h = s->header, back;
    char block[WAL_BLOCK_MAX];
    seen->segments++;
    seen->sealed = s->sealed;
    wal_segment_header_encode(block, &h);
    must(wal_segment_header_decode((struct span){block, h.block_bytes}, &back) == WAL_HEADER_VALID);
    must(memcmp(&h, &back, sizeof h) == 0);
    if (h.version < WAL_VERSION)
        fuzz_reached(OLDER);
}

/* --- the verdict --- */

struct reading {
    enum wal_verdict verdict;
    struct wal_log_end end;
    struct wal_finding finding;
    struct seen seen;
};

static bool starts(const struct reading *r)
{
    return r->verdict == WAL_CLEAN || r->verdict == WAL_TORN;
}

static void check_finding(const struct fuzz_log *log, const struct reading *r)
{
    must(r->finding.verdict == r->verdict);
    must(r->verdict != WAL_TORN || r->finding.first_lsn == r->end.link.last_lsn + 1);
    fuzz_log_check_finding(log, &r->finding);
}

/* The condition of [torn-or-corrupt] once more: nothing behind the end says that more was durable. */
static void check_no_witness(const struct fuzz_log *log, const struct reading *r)
{
    const struct buffer *image = &log->files[log->count - 1].image;
    struct wal_segment_header h;
    struct wal_batch_header batch;
    must(wal_segment_header_decode(buffer_span(image), &h) == WAL_HEADER_VALID);
    for (uint64_t at = r->end.offset; !r->end.sealed && at < image->bytes; at += h.block_bytes) {
        struct span rest = {image->data + at, image->bytes - at};
        must(!wal_batch_header_decode(rest, h.salt, h.block_bytes, &batch) ||
             batch.first_lsn <= r->end.link.last_lsn || batch.durable_lsn <= r->end.link.last_lsn);
    }
}

static void check_reading(const struct fuzz_log *log, const struct reading *r)
{
    const struct seen *seen = &r->seen;
    check_finding(log, r);
    must(seen->batches == r->end.batches_read && seen->segments == r->end.segments_read);
    if (!starts(r) || log->count == 0)
        return;
    must(r->end.link.first_lsn == log->files[log->count - 1].name && r->end.sealed == seen->sealed);
    must(seen->next_lsn == 0 || seen->next_lsn == r->end.link.last_lsn + 1);
    must(log->durable_lsn <= r->end.link.last_lsn && log->newest_segment <= r->end.link.first_lsn);
    must(r->end.offset <= log->files[log->count - 1].image.bytes);
    check_no_witness(log, r);
}

/* From `from_lsn` on comes what comes from the beginning on, less whole segments before it. */
static void check_part(const struct fuzz_log *log, const struct reading *all, const struct reading *part)
{
    uint64_t left_out = all->seen.batches - part->seen.batches;
    must(part->verdict == all->verdict && memcmp(&part->finding, &all->finding, sizeof part->finding) == 0);
    must(memcmp(&part->end.link, &all->end.link, sizeof part->end.link) == 0 &&
         part->end.offset == all->end.offset);
    must(part->seen.batches <= all->seen.batches);
    for (uint64_t i = 0; i < part->seen.batches && left_out + i < BATCHES_MAX; i++)
        must(part->seen.batch[i].lsn == all->seen.batch[left_out + i].lsn &&
             part->seen.batch[i].checksum == all->seen.batch[left_out + i].checksum);
    must(left_out == 0 || part->seen.batches == 0 || part->seen.first_lsn <= log->from_lsn + 1 ||
         part->seen.first_lsn == all->seen.first_lsn);
}

static struct reading read_log(const struct fuzz_log *log, struct fuzz_disk *disk, uint64_t from_lsn)
{
    struct reading r = {0};
    struct wal_log list;
    const struct wal_visitor visitor = {.batch = on_batch, .segment = on_segment, .arg = &r.seen};
    fuzz_log_list(log, disk, &list);
    wal_log_trim(&list, from_lsn);
    r.verdict = wal_log_read(&disk->disk, FUZZ_LOG_DIR, &list, (const uint8_t *)FUZZ_UUID, from_lsn,
                             log->durable_lsn, log->newest_segment, &visitor, &r.end, &r.finding);
    must(disk->open_count == 0);
    wal_log_free(&list);
    return r;
}

static void tell_goals(const struct fuzz_log *log, const struct reading *r)
{
    static const unsigned verdict_goals[] = {[WAL_TORN] = TORN,
                                             [WAL_MISSING] = MISSING,
                                             [WAL_FOREIGN] = FOREIGN,
                                             [WAL_NEWER] = NEWER,
                                             [WAL_FAILED] = FAILED};
    if (r->verdict == WAL_CLEAN && log->count)
        fuzz_reached(r->end.sealed ? SEALED : UNSEALED);
    else if (r->verdict == WAL_CORRUPT && strstr(r->finding.sentence, "the batch at offset"))
        fuzz_reached(WITNESSED);
    else if (r->verdict != WAL_CORRUPT && r->verdict != WAL_CLEAN)
        fuzz_reached(verdict_goals[r->verdict]);
    if (starts(r) && r->end.segments_read >= 3)
        fuzz_reached(THREE_SEGMENTS);
    if (r->seen.ops == (UINT64_C(1) << OP_LIMIT) - 1)
        fuzz_reached(EVERY_OP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_log log;
    struct fuzz_disk disk;
    fuzz_log_build(&log, data, size);
    fuzz_log_put(&log, &disk);
    struct reading all = read_log(&log, &disk, 0), part = read_log(&log, &disk, log.from_lsn);
    check_reading(&log, &all);
    check_reading(&log, &part);
    must(all.verdict != WAL_FAILED && part.verdict != WAL_FAILED);
    if (starts(&all))
        check_part(&log, &all, &part);
    tell_goals(&log, &all);
    if (log.fail_call) {
        disk.fail_call = disk.calls + log.fail_call;
        struct reading failed = read_log(&log, &disk, 0);
        check_finding(&log, &failed);
        must((failed.verdict == WAL_FAILED) == (disk.calls >= disk.fail_call));
        tell_goals(&log, &failed);
    }
    fuzz_log_free(&log);
    return 0;
}
