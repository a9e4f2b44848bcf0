/* SPDX-License-Identifier: MIT
 * A log made from an input; see fuzz_log.h. */
#include "fuzz_log.h"

#include "bytes.h"
#include "record.h"

#include <xxhash.h>

enum { GROWN_BYTES_MAX = 65536 };

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

static void build_file(struct fuzz_log *log, struct fuzz_log_file *f, struct span segment)
{
    int8_t shift = segment.bytes ? (int8_t)segment.at[0] : 0;
    if (segment.bytes)
        segment = (struct span){segment.at + 1, segment.bytes - 1};
    for (bool header = true; segment.bytes; header = false) {
        struct span piece = fuzz_cut(&segment, FUZZ_NEXT);
        size_t begin = f->image.bytes;
        buffer_append(&f->image, piece.at, piece.bytes);
        if (!header && piece.bytes >= WAL_BATCH_HEADER_BYTES && log->flags & FUZZ_LOG_FIT)
            fit(f->image.data + begin, piece.bytes);
        if (segment.bytes || header || log->flags & FUZZ_LOG_GROW)
            pad(&f->image);
    }
    f->name = f->image.bytes >= 48 ? get_u64(f->image.data + 40) + (uint64_t)(int64_t)shift : 0;
    uint64_t grown = f->image.bytes >= 56 ? get_u64(f->image.data + 48) : 0;
    if (log->flags & FUZZ_LOG_GROW && grown > f->image.bytes && grown <= GROWN_BYTES_MAX)
        append_zeros(&f->image, grown - f->image.bytes);
}

/* Forges one file; `link` is the end of the one before, and of this one afterwards. */
static void seal(const struct fuzz_log *log, struct buffer *image, struct wal_link *link)
{
    uint32_t block_bytes = block_bytes_of(image);
    char *at = image->data;
    if (image->bytes < block_bytes)
        return;
    if (log->flags & FUZZ_LOG_LINK) {
        put_u64(at + 56, link->first_lsn);
        put_u64(at + 64, link->last_lsn);
        put_u64(at + 72, link->checksum);
    }
    if (log->flags & FUZZ_LOG_HEADERS)
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
        if (log->flags & FUZZ_LOG_CHAIN) {
            put_u64(batch + 8, next_lsn);
            put_u64(batch + 48, chain);
        }
        if (log->flags & FUZZ_LOG_PAYLOADS)
            put_u64(batch + 56, XXH3_64bits(batch + WAL_BATCH_HEADER_BYTES, whole - WAL_BATCH_HEADER_BYTES));
        if (log->flags & FUZZ_LOG_BATCHES)
            put_u64(batch + 64, XXH3_64bits_withSeed(batch, 64, salt));
        chain = get_u64(batch + 64);
        next_lsn += get_u32(batch + 16);
    }
    *link = (struct wal_link){first_lsn, next_lsn - 1, chain};
}

/* Sorted and without doubles, as a directory would give the names. */
static void insert(struct fuzz_log *log, struct fuzz_log_file f)
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

void fuzz_log_build(struct fuzz_log *log, const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct span small = read_span(&r, 2);
    *log = (struct fuzz_log){0};
    if (r.bad)
        return;
    log->flags = (uint8_t)small.at[0];
    log->fail_call = (uint8_t)small.at[1];
    log->from_lsn = read_u64(&r);
    log->durable_lsn = read_u64(&r);
    log->newest_segment = read_u64(&r);
    struct span rest = {r.at, (size_t)(r.end - r.at)};
    while (rest.bytes && log->count < FUZZ_SEGMENTS_MAX) {
        struct fuzz_log_file f = {0};
        build_file(log, &f, fuzz_cut(&rest, FUZZ_NEXT FUZZ_NEXT));
        insert(log, f);
    }
    struct wal_link link = {0};
    for (size_t i = 0; i < log->count; i++)
        seal(log, &log->files[i].image, &link);
}

void fuzz_log_free(struct fuzz_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        buffer_free(&log->files[i].image);
}

bool fuzz_log_has(const struct fuzz_log *log, uint64_t name)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log->files[i].name == name)
            return true;
    }
    return false;
}

void fuzz_log_put(const struct fuzz_log *log, struct fuzz_disk *disk)
{
    char path[64];
    fuzz_disk_init(disk);
    disk->direct = !(log->flags & FUZZ_LOG_NOT_DIRECT);
    for (size_t i = log->count; i-- > 0;) { /* backwards: a directory has no order */
        must(wal_log_path(path, sizeof path, FUZZ_LOG_DIR, log->files[i].name));
        fuzz_disk_add(disk, path, buffer_span(&log->files[i].image));
    }
}

void fuzz_log_list(const struct fuzz_log *log, struct fuzz_disk *disk, struct wal_log *list)
{
    must(wal_log_list(&disk->disk, FUZZ_LOG_DIR, list) == 0 && list->count == log->count &&
         list->strangers == 0);
    for (size_t i = 0; i < log->count; i++)
        must(list->first_lsns[i] == log->files[i].name);
}

void fuzz_log_check_records(struct span payload, uint32_t count, uint64_t *ops)
{
    for (uint32_t i = 0; i < count; i++) {
        struct record record;
        struct buffer again = {0};
        const char *at = payload.at;
        must(record_decode(&payload, &record));
        record_encode(&again, &record);
        must(fuzz_same(buffer_span(&again), (struct span){at, (size_t)(payload.at - at)}));
        buffer_free(&again);
        *ops |= UINT64_C(1) << record.op;
    }
    must(payload.bytes == 0);
}

void fuzz_log_check_finding(const struct fuzz_log *log, const struct wal_finding *f)
{
    uint64_t name;
    must((f->verdict == WAL_FAILED) == (f->error > 0));
    if (f->verdict == WAL_CLEAN) {
        must(f->sentence[0] == '\0' && f->torn_bytes == 0);
        return;
    }
    must(f->sentence[0] != '\0' && strncmp(f->file, "wal/", 4) == 0 && wal_name_parse(f->file + 4, &name));
    must(fuzz_log_has(log, name) == (f->verdict != WAL_MISSING));
    must(f->verdict != WAL_TORN || f->torn_bytes > 0);
}
