/* SPDX-License-Identifier: MIT
 * Reads a snapshot and checks everything on the way; see snapshot.h. */
#include "snapshot.h"

#include "buffer.h"
#include "bytes.h"
#include "log.h"
#include "lsn_dir.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <lz4.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

enum { WINDOW_BYTES = 4 * 1024 * 1024 };

/* Reads a file from front to back in large aligned pieces. */
struct window {
    struct disk *disk;
    int fd;
    char *data;
    size_t room; /* of data */
    uint64_t file_bytes;
    uint64_t at;     /* file offset of data[0], a multiple of DISK_ALIGN */
    size_t bytes;    /* in data */
    uint64_t offset; /* next byte to hand out */
};

static int window_open(struct window *w, struct disk *disk, const char *path)
{
    *w = (struct window){.disk = disk};
    bool direct;
    w->fd = disk_open_uncached(disk, path, &direct);
    if (w->fd < 0)
        return w->fd;
    int64_t size = disk_size(disk, w->fd);
    if (size < 0)
        return (int)size;
    w->file_bytes = (uint64_t)size;
    w->room = WINDOW_BYTES;
    if (w->file_bytes < WINDOW_BYTES) /* the whole file, in whole pages */
        w->room = (w->file_bytes + DISK_ALIGN - 1) / DISK_ALIGN * DISK_ALIGN;
    w->data = disk_memory(w->room);
    return 0;
}

static void window_close(struct window *w)
{
    if (w->fd >= 0)
        disk_close(w->disk, w->fd);
    free(w->data);
}

/* Points `out` at the next `count` bytes. Returns 0, -ENODATA when the file ends before, or a negative errno.
 */
static int window_take(struct window *w, size_t count, const char **out)
{
    must(count <= WINDOW_BYTES - DISK_ALIGN);
    if (w->file_bytes - w->offset < count)
        return -ENODATA;
    if (w->offset + count > w->at + w->bytes) {
        w->at = w->offset / DISK_ALIGN * DISK_ALIGN;
        ssize_t n = disk_read(w->disk, w->fd, w->data, w->room, w->at);
        if (n < 0)
            return (int)n;
        w->bytes = (size_t)n;
        if (w->offset + count > w->at + w->bytes)
            return -EIO; /* the file shrank under us */
    }
    *out = w->data + (w->offset - w->at);
    w->offset += count;
    return 0;
}

static int say(struct snapshot_finding *f, enum snapshot_verdict verdict, uint64_t offset, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

static int say(struct snapshot_finding *f, enum snapshot_verdict verdict, uint64_t offset, const char *format,
               ...)
{
    f->verdict = verdict;
    f->offset = offset;
    va_list args;
    va_start(args, format);
    vsnprintf(f->sentence, sizeof f->sentence, format, args);
    va_end(args);
    return (int)verdict;
}

static int take_failed(struct snapshot_finding *f, uint64_t offset, int rc)
{
    if (rc == -ENODATA)
        return say(f, SNAPSHOT_DAMAGED, offset, "the file is cut off");
    f->error = -rc;
    return say(f, SNAPSHOT_UNREADABLE, offset, "cannot be read: %s", strerror(-rc));
}

static int read_header(struct window *w, const uint8_t *uuid, struct snapshot_header *h,
                       struct snapshot_finding *f)
{
    const char *bytes = NULL;
    int rc = window_take(w, SNAPSHOT_HEADER_BYTES, &bytes);
    if (rc)
        return take_failed(f, 0, rc);
    switch (snapshot_header_decode(bytes, h)) {
    case SNAPSHOT_VALID:
        break;
    case SNAPSHOT_NEWER:
        return say(f, SNAPSHOT_NEWER, 8, "was written by a newer walkv: format version %u, this one reads %u",
                   h->version, SNAPSHOT_VERSION);
    default:
        return say(f, SNAPSHOT_DAMAGED, 0, "the header is damaged");
    }
    if (uuid && memcmp(uuid, h->uuid, UUID_BYTES) != 0)
        return say(f, SNAPSHOT_FOREIGN, 16, "the snapshot belongs to another store");
    return SNAPSHOT_VALID;
}

/* Reads and unpacks one block into `raw`. */
static int read_block(struct window *w, const struct snapshot_header *h, uint64_t number, uint64_t raw_bytes,
                      char *raw, XXH3_state_t *total, struct snapshot_finding *f)
{
    uint64_t offset = w->offset;
    const char *bytes = NULL;
    struct snapshot_block block;
    int rc = window_take(w, SNAPSHOT_BLOCK_HEADER_BYTES, &bytes);
    if (rc)
        return take_failed(f, offset, rc);
    if (!snapshot_block_decode(bytes, &block, h->checksum) || block.number != number ||
        block.raw_bytes != raw_bytes)
        return say(f, SNAPSHOT_DAMAGED, offset, "the header of block %" PRIu64 " is damaged", number);
    XXH3_64bits_update(total, bytes, SNAPSHOT_BLOCK_HEADER_BYTES);
    rc = window_take(w, block.stored_bytes, &bytes);
    if (rc)
        return take_failed(f, offset, rc);
    bool good = XXH3_64bits(bytes, block.stored_bytes) == block.data_checksum;
    if (good && block.compressed)
        good = LZ4_decompress_safe(bytes, raw, (int)block.stored_bytes, (int)raw_bytes) == (int)raw_bytes;
    else if (good)
        memcpy(raw, bytes, raw_bytes);
    return good ? SNAPSHOT_VALID : say(f, SNAPSHOT_DAMAGED, offset, "block %" PRIu64 " is damaged", number);
}

static int read_footer(struct window *w, const struct snapshot_header *h, uint64_t blocks, uint64_t total,
                       struct snapshot_finding *f)
{
    uint64_t offset = w->offset;
    const char *bytes = NULL;
    struct snapshot_footer footer;
    int rc = window_take(w, SNAPSHOT_FOOTER_BYTES, &bytes);
    if (rc)
        return take_failed(f, offset, rc);
    if (!snapshot_footer_decode(bytes, &footer, h->checksum) || footer.blocks != blocks ||
        footer.lsn != h->lsn || footer.raw_bytes != h->pages * h->page_bytes ||
        footer.total_checksum != total)
        return say(f, SNAPSHOT_DAMAGED, offset, "the footer is damaged");
    if (w->offset != w->file_bytes)
        return say(f, SNAPSHOT_DAMAGED, w->offset, "%" PRIu64 " bytes follow the footer",
                   w->file_bytes - w->offset);
    return SNAPSHOT_VALID;
}

int snapshot_read(struct disk *disk, const char *path, const uint8_t *uuid, snapshot_sink *sink, void *arg,
                  struct snapshot_header *h, struct snapshot_finding *f)
{
    *f = (struct snapshot_finding){.verdict = SNAPSHOT_VALID};
    struct window w;
    char *raw = NULL;
    XXH3_state_t *total = memory_check(XXH3_createState(), "a checksum");
    int rc = window_open(&w, disk, path);
    int verdict = rc ? take_failed(f, 0, rc) : read_header(&w, uuid, h, f);
    if (verdict != SNAPSHOT_VALID)
        goto done;
    XXH3_64bits_reset_withSeed(total, h->checksum);
    uint64_t all = h->pages * h->page_bytes, number = 0;
    raw = disk_memory(all < SNAPSHOT_BLOCK_BYTES ? all : SNAPSHOT_BLOCK_BYTES);
    if (sink && (rc = sink(NULL, all, 0, arg)))
        goto sink_failed;
    for (uint64_t offset = 0; offset < all; number++) {
        uint64_t bytes = all - offset < SNAPSHOT_BLOCK_BYTES ? all - offset : SNAPSHOT_BLOCK_BYTES;
        verdict = read_block(&w, h, number, bytes, raw, total, f);
        if (verdict != SNAPSHOT_VALID)
            goto done;
        if (sink && (rc = sink(raw, bytes, offset, arg)))
            goto sink_failed;
        offset += bytes;
    }
    verdict = read_footer(&w, h, number, XXH3_64bits_digest(total), f);
    goto done;
sink_failed:
    f->error = -rc;
    verdict = -1;
done:
    XXH3_freeState(total);
    free(raw);
    window_close(&w);
    return verdict;
}

int snapshot_list(struct disk *disk, const char *data_dir, struct snapshot_list *list)
{
    *list = (struct snapshot_list){0};
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/snapshots", data_dir) >= sizeof path)
        return -ENAMETOOLONG;
    return lsn_dir_list(disk, path, snapshot_name_parse, &list->lsns, &list->count, NULL);
}

void snapshot_list_free(struct snapshot_list *list)
{
    free(list->lsns);
    *list = (struct snapshot_list){0};
}

bool snapshot_path(char *out, size_t room, const char *data_dir, uint64_t lsn)
{
    char name[SNAPSHOT_NAME_BYTES + 1];
    snapshot_name(name, lsn);
    return (size_t)snprintf(out, room, "%s/snapshots/%s", data_dir, name) < room;
}
