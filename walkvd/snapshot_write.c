/* SPDX-License-Identifier: MIT
 *
 * Writes a snapshot from the view; see snapshot.h. It copies the pages that one read transaction sees, while
 * walkvd goes on writing to others. The two meta pages are copied under the reader's rule: they are good when
 * the transaction is still the environment's last one afterwards. */
#include "snapshot.h"

#include "bytes.h"
#include "clock.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

enum { META_PAGES = 2, META_TRIES = 1000, READ_BYTES = 128 * 1024 };

struct writer {
    struct disk *disk;
    int view_fd;
    int fd;
    uint64_t offset;
    struct snapshot_header header;
    struct snapshot_footer footer;
    XXH3_state_t *total;
    uint8_t *free_map; /* one bit per page */
    char *raw;
    char *stored; /* block header and data */
    char *metas;
};

/* Begins a transaction and takes the meta pages that belong to it. */
static int begin(struct writer *w, struct view_reader *reader, struct view *view)
{
    for (int i = 0; i < META_TRIES; i++) {
        int rc = view_reader_hold(reader, view);
        if (rc)
            return rc;
        must(mdb_env_get_fd(view->env, &w->view_fd) == 0);
        MDB_envinfo info;
        MDB_stat stat;
        mdb_env_stat(view->env, &stat);
        mdb_env_info(view->env, &info);
        w->header.page_bytes = stat.ms_psize;
        w->header.pages = info.me_last_pgno + 1;
        free(w->metas);
        w->metas = disk_memory(META_PAGES * (size_t)stat.ms_psize);
        ssize_t n = disk_read(w->disk, w->view_fd, w->metas, META_PAGES * (size_t)stat.ms_psize, 0);
        if (n != (ssize_t)(META_PAGES * (size_t)stat.ms_psize))
            return n < 0 ? (int)n : -EIO;
        uint64_t last = info.me_last_txnid;
        mdb_env_info(view->env, &info);
        if (last == mdb_txn_id(view->txn) && info.me_last_txnid == last)
            return 0;
        view_reader_release(reader);
    }
    return -ETIMEDOUT;
}

/* Marks the pages that are free at this transaction: they hold nothing, or what was written after it. */
static int map_free_pages(struct writer *w, const struct view *view)
{
    w->free_map = memory_new(1, w->header.pages / 8 + 1, "the list of free pages");
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(view->txn, 0, &cursor);
    if (rc)
        return rc > 0 ? -rc : -EBADMSG;
    MDB_val key, value;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t count, page;
        memcpy(&count, value.mv_data, sizeof count);
        for (size_t i = 1; i <= count && (i + 1) * sizeof page <= value.mv_size; i++) {
            memcpy(&page, (char *)value.mv_data + i * sizeof page, sizeof page);
            if (page < w->header.pages)
                w->free_map[page / 8] |= (uint8_t)(1u << (page % 8));
        }
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : -EBADMSG;
}

/* Writing back begins at once: the fsync at the end would otherwise hold the processor while it submits all
 * of it. */
static int write_out(struct writer *w, const void *data, size_t bytes)
{
    int rc = disk_write(w->disk, w->fd, data, bytes, w->offset);
    if (!rc)
        (void)disk_sync_range(w->disk, w->fd, w->offset, bytes);
    w->offset += bytes;
    return rc;
}

/* Reads pages of the view in pieces that are short for the kernel too, where it gives the processor to nobody
 * meanwhile. */
static int read_pages(struct writer *w, uint64_t first_page, size_t raw_bytes)
{
    uint64_t offset = first_page * w->header.page_bytes;
    for (size_t at = 0; at < raw_bytes; at += READ_BYTES) {
        size_t bytes = raw_bytes - at < READ_BYTES ? raw_bytes - at : READ_BYTES;
        ssize_t n = disk_read(w->disk, w->view_fd, w->raw + at, bytes, offset + at);
        if (n != (ssize_t)bytes)
            return n < 0 ? (int)n : -EIO;
    }
    return 0;
}

static int write_block(struct writer *w, uint64_t first_page, uint64_t pages)
{
    size_t page_bytes = w->header.page_bytes, raw_bytes = pages * page_bytes;
    int rc = read_pages(w, first_page, raw_bytes);
    if (rc)
        return rc;
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = first_page + i;
        if (page < META_PAGES)
            memcpy(w->raw + i * page_bytes, w->metas + page * page_bytes, page_bytes);
        else if (w->free_map[page / 8] & (1u << (page % 8)))
            memset(w->raw + i * page_bytes, 0, page_bytes);
    }
    struct snapshot_block block = {.raw_bytes = (uint32_t)raw_bytes, .number = w->footer.blocks};
    char *data = w->stored + SNAPSHOT_BLOCK_HEADER_BYTES;
    int packed = LZ4_compress_default(w->raw, data, (int)raw_bytes, (int)raw_bytes - 1);
    block.compressed = packed > 0;
    block.stored_bytes = block.compressed ? (uint32_t)packed : (uint32_t)raw_bytes;
    if (!block.compressed)
        memcpy(data, w->raw, raw_bytes);
    block.data_checksum = XXH3_64bits(data, block.stored_bytes);
    snapshot_block_encode(w->stored, &block, w->header.checksum);
    XXH3_64bits_update(w->total, w->stored, SNAPSHOT_BLOCK_HEADER_BYTES);
    w->footer.blocks++;
    w->footer.raw_bytes += raw_bytes;
    return write_out(w, w->stored, SNAPSHOT_BLOCK_HEADER_BYTES + block.stored_bytes);
}

static int write_all(struct writer *w)
{
    char header[SNAPSHOT_HEADER_BYTES], footer[SNAPSHOT_FOOTER_BYTES];
    snapshot_header_encode(header, &w->header);
    w->total = memory_check(XXH3_createState(), "a checksum");
    XXH3_64bits_reset_withSeed(w->total, w->header.checksum);
    w->raw = disk_memory(SNAPSHOT_BLOCK_BYTES);
    w->stored = disk_memory(SNAPSHOT_BLOCK_HEADER_BYTES + SNAPSHOT_BLOCK_BYTES);
    int rc = write_out(w, header, sizeof header);
    uint64_t step = SNAPSHOT_BLOCK_BYTES / w->header.page_bytes;
    for (uint64_t page = 0; page < w->header.pages && !rc; page += step)
        rc = write_block(w, page, w->header.pages - page < step ? w->header.pages - page : step);
    if (rc)
        return rc;
    w->footer.lsn = w->header.lsn;
    w->footer.total_checksum = XXH3_64bits_digest(w->total);
    snapshot_footer_encode(footer, &w->footer, w->header.checksum);
    rc = write_out(w, footer, sizeof footer);
    return rc ? rc : disk_fsync(w->disk, w->fd);
}

int snapshot_write(struct disk *disk, struct view_reader *reader, const char *path,
                   struct snapshot_header *header)
{
    struct writer w = {.disk = disk, .fd = -1};
    struct view view;
    int rc = begin(&w, reader, &view);
    if (rc)
        goto done;
    struct view_state state;
    rc = view_read_state(&view, &state);
    if (!rc)
        rc = map_free_pages(&w, &view);
    if (!rc && getrandom(&w.header.random, sizeof w.header.random, 0) != sizeof w.header.random)
        rc = -errno;
    if (rc)
        goto release;
    memcpy(w.header.uuid, state.uuid, UUID_BYTES);
    w.header.version = SNAPSHOT_VERSION;
    w.header.lsn = state.applied_lsn;
    w.header.batch_checksum = state.applied_checksum;
    w.header.started_ns = clock_realtime_ns();
    w.header.keys = state.keys;
    w.header.queues = state.queues;
    w.header.items = state.items;
    w.fd = disk_open(disk, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    rc = w.fd < 0 ? w.fd : write_all(&w);
    if (w.fd >= 0)
        disk_close(disk, w.fd);
    *header = w.header;
release:
    view_reader_release(reader);
done:
    XXH3_freeState(w.total);
    free(w.free_map);
    free(w.raw);
    free(w.stored);
    free(w.metas);
    return rc;
}

int snapshot_make(struct disk *disk, struct view_reader *reader, const char *path,
                  struct snapshot_header *header, uint64_t *bytes, char *sentence, size_t room)
{
    int rc = snapshot_write(disk, reader, path, header);
    if (rc) {
        snprintf(sentence, room, "%s", strerror(-rc));
        return rc;
    }
    struct snapshot_header read_header;
    struct snapshot_finding finding;
    if (snapshot_read(disk, path, header->uuid, NULL, NULL, &read_header, &finding) != SNAPSHOT_VALID) {
        snprintf(sentence, room, "what was written does not read back: %s at offset %" PRIu64,
                 finding.sentence, finding.offset);
        return -EIO;
    }
    struct disk_stat st;
    rc = disk_stat_path(disk, path, &st);
    if (rc)
        snprintf(sentence, room, "%s", strerror(-rc));
    *bytes = rc ? 0 : st.bytes;
    return rc;
}
