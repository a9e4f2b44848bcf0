/* SPDX-License-Identifier: MIT
 *
 * The reader of the log, over up to six segments. The input:
 *
 *     offset width
 *      0     1    flags: what is forged, see below
 *      1     1    the call of the disk with this number fails; 0: none
 *      2     8    from LSN         10 8 durable LSN          18 8 newest segment, as the caller knows them
 *     26          segments, FUZZ_NEXT FUZZ_NEXT between them
 *
 * A segment is a byte that is added to its first LSN to give its name (0 in a sound log), the fields of its
 * header block, and batches, with FUZZ_NEXT between them. Each of these begins on a block boundary in the
 * file.
 *
 * Checksums that hold can be forged by whoever can write the file, and still nothing may happen but a
 * verdict: the reader stays within the file and within memory in proportion to it, LSNs that it hands out
 * have no gap, every batch is records, and a log that is good from its beginning is good from every LSN on.
 */
#include "fuzz.h"

#include "bytes.h"
#include "fuzz_disk.h"
#include "record.h"
#include "wal_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define DATA_DIR "/f"

enum { SEGMENTS_MAX = 6, GROWN_BYTES_MAX = 65536, BATCHES_MAX = 256 };

enum flag {
    SEAL_HEADERS = 1,  /* segment headers get the checksum that fits */
    SEAL_PAYLOADS = 2, /* and payloads */
    SEAL_BATCHES = 4,  /* and batch headers */
    CHAIN = 8,         /* batches continue the one before, by chain and LSN */
    LINK = 16,         /* segments link to the one before */
    GROW = 32,         /* files have zeros at the end, up to the size in their header */
    FIT = 64,          /* batches have the payload bytes that are there */
    NOT_DIRECT = 128,  /* the file system has no O_DIRECT */
};

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
    [FAILED] = "a disk that fails",
    NULL,
};

struct file {
    uint64_t name;
    struct buffer image;
};

struct log {
    uint8_t flags;
    uint64_t fail_call, from_lsn, durable_lsn, newest_segment;
    struct file files[SEGMENTS_MAX];
    size_t count;
};

/* --- from the input to files --- */

static uint32_t block_bytes_of(const struct buffer *image)
{
    uint32_t bytes = image->bytes >= 16 ? get_u32(image->data + 12) : 0;
    return bytes >= WAL_BLOCK_MIN && bytes <= WAL_BLOCK_MAX && (bytes & (bytes - 1)) == 0 ? bytes
                                                                                          : WAL_BLOCK_MIN;
}

static void append_zeros(struct buffer *out, size_t count)
{
    if (count)
        memset(buffer_extend(out, count), 0, count);
}

static void pad(struct buffer *image)
{
    uint32_t block_bytes = block_bytes_of(image);
    append_zeros(image, (block_bytes - image->bytes % block_bytes) % block_bytes);
}

static void fit(char *batch, size_t bytes)
{
    put_u32(batch + 20, (uint32_t)(bytes - WAL_BATCH_HEADER_BYTES));
    if (!(get_u32(batch + 4) & WAL_FLAG_LZ4))
        put_u32(batch + 24, (uint32_t)(bytes - WAL_BATCH_HEADER_BYTES));
}

static void build_file(struct log *log, struct file *f, struct span segment)
{
    int8_t shift = segment.bytes ? (int8_t)segment.at[0] : 0;
    if (segment.bytes)
        segment = (struct span){segment.at + 1, segment.bytes - 1};
    for (bool header = true; segment.bytes; header = false) {
        struct span piece = fuzz_cut(&segment, FUZZ_NEXT);
        size_t begin = f->image.bytes;
        buffer_append(&f->image, piece.at, piece.bytes);
        if (!header && piece.bytes >= WAL_BATCH_HEADER_BYTES && log->flags & FIT)
            fit(f->image.data + begin, piece.bytes);
        if (segment.bytes || header || log->flags & GROW)
            pad(&f->image);
    }
    f->name = f->image.bytes >= 48 ? get_u64(f->image.data + 40) + (uint64_t)(int64_t)shift : 0;
    uint64_t grown = f->image.bytes >= 56 ? get_u64(f->image.data + 48) : 0;
    if (log->flags & GROW && grown > f->image.bytes && grown <= GROWN_BYTES_MAX)
        append_zeros(&f->image, grown - f->image.bytes);
}

/* Forges one file; `link` is the end of the one before, and of this one afterwards. */
static void seal(const struct log *log, struct buffer *image, struct wal_link *link)
{
    uint32_t block_bytes = block_bytes_of(image);
    char *at = image->data;
    if (image->bytes < block_bytes)
        return;
    if (log->flags & LINK) {
        put_u64(at + 56, link->first_lsn);
        put_u64(at + 64, link->last_lsn);
        put_u64(at + 72, link->checksum);
    }
    if (log->flags & SEAL_HEADERS)
        put_u64(at + block_bytes - 8, XXH3_64bits(at, block_bytes - 8));
    uint64_t salt = get_u64(at + 32), first_lsn = get_u64(at + 40), next_lsn = first_lsn;
    uint64_t chain = get_u64(at + block_bytes - 8), whole;
    for (uint64_t offset = block_bytes; offset + WAL_BATCH_HEADER_BYTES <= image->bytes; offset += whole) {
        char *batch = at + offset;
        whole = wal_batch_bytes(get_u32(batch + 20), block_bytes);
        if (get_u32(batch) == 0 || whole > image->bytes - offset) {
            whole = block_bytes;
            continue;
        }
        if (log->flags & CHAIN) {
            put_u64(batch + 8, next_lsn);
            put_u64(batch + 48, chain);
        }
        if (log->flags & SEAL_PAYLOADS)
            put_u64(batch + 56, XXH3_64bits(batch + WAL_BATCH_HEADER_BYTES, whole - WAL_BATCH_HEADER_BYTES));
        if (log->flags & SEAL_BATCHES)
            put_u64(batch + 64, XXH3_64bits_withSeed(batch, 64, salt));
        chain = get_u64(batch + 64);
        next_lsn += get_u32(batch + 16);
    }
    *link = (struct wal_link){first_lsn, next_lsn - 1, chain};
}

/* Sorted and without doubles, as a directory would give the names. */
static void insert(struct log *log, struct file f)
{
    size_t at = log->count;
    while (at > 0 && log->files[at - 1].name > f.name)
        at--;
    if (f.name == 0 || (at > 0 && log->files[at - 1].name == f.name)) {
        buffer_free(&f.image);
        return;
    }
    memmove(&log->files[at + 1], &log->files[at], (log->count++ - at) * sizeof f);
    log->files[at] = f;
}

static void build(struct log *log, const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct span small = read_span(&r, 2);
    *log = (struct log){0};
    if (r.bad)
        return;
    log->flags = (uint8_t)small.at[0];
    log->fail_call = (uint8_t)small.at[1];
    log->from_lsn = read_u64(&r);
    log->durable_lsn = read_u64(&r);
    log->newest_segment = read_u64(&r);
    struct span rest = {r.at, (size_t)(r.end - r.at)};
    while (rest.bytes && log->count < SEGMENTS_MAX) {
        struct file f = {0};
        build_file(log, &f, fuzz_cut(&rest, FUZZ_NEXT FUZZ_NEXT));
        insert(log, f);
    }
    struct wal_link link = {0};
    for (size_t i = 0; i < log->count; i++)
        seal(log, &log->files[i].image, &link);
}

/* --- what the reader hands over --- */

struct seen {
    uint64_t first_lsn, next_lsn; /* 0: nothing yet */
    uint64_t batches, segments;
    struct {
        uint64_t lsn, checksum;
    } batch[BATCHES_MAX];
    uint64_t ops; /* bit per operation */
    bool sealed;
};

static void check_records(struct seen *seen, struct span payload, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct record record;
        struct buffer again = {0};
        const char *at = payload.at;
        must(record_decode(&payload, &record));
        record_encode(&again, &record);
        must(fuzz_same(buffer_span(&again), (struct span){at, (size_t)(payload.at - at)}));
        buffer_free(&again);
        seen->ops |= UINT64_C(1) << record.op;
    }
    must(payload.bytes == 0);
}

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

static int on_batch(const struct wal_segment *s, const struct wal_batch *batch, void *arg)
{
    struct seen *seen = arg;
    const struct wal_batch_header *h = &batch->header;
    must(h->count >= 1 && h->first_lsn >= 1 && (seen->next_lsn == 0 || h->first_lsn == seen->next_lsn));
    must(batch->offset % s->header.block_bytes == 0 && batch->offset > 0 && s->offset > batch->offset &&
         s->offset <= s->file_bytes);
    must(batch->payload.bytes == h->raw_bytes && s->next_lsn == wal_batch_last_lsn(h) + 1);
    check_records(seen, batch->payload, h->count);
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
        fuzz_reached(COMPRESSED);
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

static bool has(const struct log *log, uint64_t name)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log->files[i].name == name)
            return true;
    }
    return false;
}

static void check_finding(const struct log *log, const struct reading *r)
{
    const struct wal_finding *f = &r->finding;
    uint64_t name;
    must(f->verdict == r->verdict && (r->verdict == WAL_FAILED) == (f->error > 0));
    if (r->verdict == WAL_CLEAN) {
        must(f->sentence[0] == '\0' && f->torn_bytes == 0);
        return;
    }
    must(f->sentence[0] != '\0' && strncmp(f->file, "wal/", 4) == 0 && wal_name_parse(f->file + 4, &name));
    must(has(log, name) == (r->verdict != WAL_MISSING));
    must(r->verdict != WAL_TORN || (f->torn_bytes > 0 && f->first_lsn == r->end.link.last_lsn + 1));
}

/* The condition of [torn-or-corrupt] once more: nothing behind the end says that more was durable. */
static void check_no_witness(const struct log *log, const struct reading *r)
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

static void check_reading(const struct log *log, const struct reading *r)
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
static void check_part(const struct log *log, const struct reading *all, const struct reading *part)
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

static struct reading read_log(const struct log *log, struct fuzz_disk *disk, uint64_t from_lsn)
{
    struct reading r = {0};
    struct wal_log list;
    const struct wal_visitor visitor = {.batch = on_batch, .segment = on_segment, .arg = &r.seen};
    must(wal_log_list(&disk->disk, DATA_DIR, &list) == 0 && list.count == log->count && list.strangers == 0);
    wal_log_trim(&list, from_lsn);
    r.verdict = wal_log_read(&disk->disk, DATA_DIR, &list, (const uint8_t *)FUZZ_UUID, from_lsn,
                             log->durable_lsn, log->newest_segment, &visitor, &r.end, &r.finding);
    must(disk->open_count == 0);
    wal_log_free(&list);
    return r;
}

static void tell_goals(const struct log *log, const struct reading *r)
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
    struct log log;
    struct fuzz_disk disk;
    char path[64];
    build(&log, data, size);
    fuzz_disk_init(&disk);
    disk.direct = !(log.flags & NOT_DIRECT);
    for (size_t i = log.count; i-- > 0;) { /* backwards: a directory has no order */
        must(wal_log_path(path, sizeof path, DATA_DIR, log.files[i].name));
        fuzz_disk_add(&disk, path, buffer_span(&log.files[i].image));
    }
    struct reading all = read_log(&log, &disk, 0), part = read_log(&log, &disk, log.from_lsn);
    check_reading(&log, &all);
    check_reading(&log, &part);
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
    for (size_t i = 0; i < log.count; i++)
        buffer_free(&log.files[i].image);
    return 0;
}
