/* SPDX-License-Identifier: MIT
 * Reading one segment; see wal_segment.h. The conditions (1) to (6) are those of wal_format.h. */
#include "wal_segment.h"

#include "log.h"
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_BYTES = 1024 * 1024, ZEROS_BYTES = 4096 };

static const char zeros[ZEROS_BYTES];

/* Makes sure that the file is in memory up to `bytes`, or to its end. The first time it is the header alone:
 * of most segments nothing else is wanted. */
static int load(struct wal_segment *s, uint64_t bytes)
{
    if (bytes > s->file_bytes)
        bytes = s->file_bytes;
    while (s->loaded < bytes) {
        uint64_t want = s->file_bytes - s->loaded;
        uint64_t most = s->loaded ? LOAD_BYTES : WAL_BLOCK_MAX;
        if (want > most)
            want = most;
        uint64_t ask = s->direct ? (want + DISK_ALIGN - 1) / DISK_ALIGN * DISK_ALIGN : want;
        ssize_t n = disk_read(s->disk, s->fd, s->image + s->loaded, ask, s->loaded);
        if (n < 0)
            return (int)n;
        if ((uint64_t)n < want)
            return -EIO; /* the file shrank under us */
        s->loaded += want;
    }
    return 0;
}

int wal_segment_open(struct wal_segment *s, struct disk *disk, const char *path,
                     enum wal_header_verdict *verdict)
{
    *s = (struct wal_segment){.disk = disk, .fd = -1};
    *verdict = WAL_HEADER_DAMAGED;
    s->fd = disk_open_uncached(disk, path, &s->direct);
    if (s->fd < 0)
        return s->fd;
    int64_t size = disk_size(disk, s->fd);
    if (size < 0)
        return (int)size;
    s->file_bytes = (uint64_t)size;
    s->image = disk_memory_try(s->file_bytes + DISK_ALIGN);
    if (!s->image)
        return -ENOMEM;
    int rc = load(s, WAL_BLOCK_MAX);
    if (rc)
        return rc;
    *verdict = wal_segment_header_decode((struct span){s->image, s->loaded}, &s->header);
    s->offset = s->header.block_bytes;
    s->next_lsn = s->header.first_lsn;
    s->chain = s->header.checksum;
    return 0;
}

void wal_segment_close(struct wal_segment *s)
{
    if (s->fd >= 0)
        disk_close(s->disk, s->fd);
    free(s->image);
    buffer_free(&s->scratch);
    s->fd = -1;
    s->image = NULL;
}

static bool payload_is_records(struct span payload, uint32_t count)
{
    struct record record;
    for (uint32_t i = 0; i < count; i++) {
        if (!record_decode(&payload, &record))
            return false;
    }
    return payload.bytes == 0;
}

static bool unpack(struct wal_segment *s, struct span bytes, struct wal_batch *batch)
{
    const struct wal_batch_header *h = &batch->header;
    return wal_batch_payload(bytes, h, s->header.block_bytes, &s->scratch, &batch->payload) &&
           payload_is_records(batch->payload, h->count);
}

int wal_segment_next(struct wal_segment *s, struct wal_batch *batch)
{
    if (s->sealed || s->offset >= s->file_bytes)
        return 0;
    int rc = load(s, s->offset + s->header.block_bytes);
    if (rc)
        return rc;
    struct span rest = {s->image + s->offset, s->file_bytes - s->offset};
    struct wal_batch_header *h = &batch->header;
    if (!wal_batch_header_decode(rest, s->header.salt, s->header.block_bytes, h))
        return 0;
    if (h->chain != s->chain || h->first_lsn != s->next_lsn)
        return 0;
    uint64_t bytes = wal_batch_bytes(h->payload_bytes, s->header.block_bytes);
    rc = load(s, s->offset + bytes);
    if (rc)
        return rc;
    batch->payload = (struct span){"", 0};
    if (wal_batch_last_lsn(h) <= s->known_lsn ? !wal_batch_intact(rest, h, s->header.block_bytes)
                                              : !unpack(s, rest, batch))
        return 0;
    batch->offset = s->offset;
    s->offset += bytes;
    s->next_lsn = wal_batch_last_lsn(h) + 1;
    s->chain = h->checksum;
    s->sealed = h->flags & WAL_FLAG_SEAL;
    return 1;
}

int wal_segment_seek(struct wal_segment *s, uint64_t at, uint64_t last_lsn, uint64_t checksum)
{
    if (at < s->offset || at >= s->file_bytes || at % s->header.block_bytes != 0)
        return 0;
    uint64_t loaded = s->loaded, from = at / DISK_ALIGN * DISK_ALIGN;
    if (s->loaded < from)
        s->loaded = from; /* what lies between is never looked at */
    struct wal_batch_header h;
    int rc = load(s, at + s->header.block_bytes);
    if (!rc &&
        wal_batch_header_decode((struct span){s->image + at, s->file_bytes - at}, s->header.salt,
                                s->header.block_bytes, &h) &&
        wal_batch_last_lsn(&h) == last_lsn && h.checksum == checksum && h.durable_lsn + 1 >= h.first_lsn) {
        s->offset = at;
        s->next_lsn = h.first_lsn;
        s->chain = h.chain;
        return 1;
    }
    s->loaded = loaded;
    return rc;
}

int wal_segment_salvage(struct wal_segment *s, struct wal_batch *batch, bool *whole)
{
    int rc = wal_segment_next(s, batch);
    *whole = rc == 1;
    if (rc || s->sealed)
        return rc;
    rc = load(s, s->file_bytes);
    if (rc)
        return rc;
    for (uint64_t at = s->offset; at < s->file_bytes; at += s->header.block_bytes) {
        struct wal_batch_header h;
        struct span rest = {s->image + at, s->file_bytes - at};
        if (!wal_batch_header_decode(rest, s->header.salt, s->header.block_bytes, &h) ||
            h.first_lsn < s->next_lsn)
            continue;
        s->offset = at;
        s->next_lsn = h.first_lsn;
        s->chain = h.chain;
        rc = wal_segment_next(s, batch);
        *whole = rc == 1;
        if (rc)
            return rc;
        *batch = (struct wal_batch){.header = h, .offset = at};
        s->offset = at + wal_batch_bytes(h.payload_bytes, s->header.block_bytes);
        s->next_lsn = wal_batch_last_lsn(&h) + 1;
        s->chain = h.checksum;
        return 1;
    }
    return 0;
}

int wal_segment_tail(struct wal_segment *s, struct wal_tail *tail)
{
    *tail = (struct wal_tail){0};
    int rc = load(s, s->file_bytes);
    if (rc)
        return rc;
    uint64_t end = s->file_bytes;
    while (end >= s->offset + ZEROS_BYTES && memcmp(s->image + end - ZEROS_BYTES, zeros, ZEROS_BYTES) == 0)
        end -= ZEROS_BYTES;
    while (end > s->offset && s->image[end - 1] == 0)
        end--;
    tail->torn_bytes = end > s->offset ? end - s->offset : 0;
    for (uint64_t at = s->offset; at < end; at += s->header.block_bytes) {
        struct wal_batch_header h;
        struct span rest = {s->image + at, s->file_bytes - at};
        if (wal_batch_header_decode(rest, s->header.salt, s->header.block_bytes, &h) &&
            h.first_lsn >= s->next_lsn && h.durable_lsn >= s->next_lsn) {
            tail->witnessed = true;
            tail->witness = h;
            tail->witness_offset = at;
            break;
        }
    }
    return 0;
}
