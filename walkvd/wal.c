/* SPDX-License-Identifier: MIT
 * The writing end of the log; see wal.h, and wal_format.h for what is written. */
#include "wal.h"

#include "bytes.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "record.h"
#include "wal_syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    ZERO_BYTES = 256 * 1024,       /* written at a time when room is zeroed ahead */
    ZERO_AHEAD = 4 * ZERO_BYTES,   /* kept between the end of the log and the end of the zeros */
    SEGMENT_BYTES_MIN = 64 * 1024, /* what is tried last when the disk is nearly full at the start */
    FULL_RETRY_NS = 500 * 1000 * 1000,
};

/* A preallocated file. The part behind `zeroed` has room reserved but reads as zeros only by the grace of the
 * file system; writing zeros there first spares every sync a journal commit. */
struct segment_file {
    int fd; /* -1: none */
    uint64_t bytes;
    uint64_t zeroed;
};

struct wal {
    struct disk *disk;
    char *data_dir;
    char *wal_dir;
    char *next_path;
    struct control *control;
    int control_fd; /* reserved for the segment that is about to begin; -1: none */
    struct wal_options options;
    struct wal_syncer *syncer; /* NULL in sync mode */

    struct segment_file current;
    struct segment_file next;
    uint64_t first_lsn; /* of the current segment */
    uint64_t salt;
    uint64_t offset;
    uint64_t chain;
    uint64_t next_lsn;
    uint64_t durable_lsn;
    uint64_t syncs;
    bool witnessed; /* what was appended last needs no witness behind it */
    int failure;
    bool full;
    uint64_t full_since_ns;
    uint64_t keep_free_bytes;
    struct buffer out;
    char *zeros;
};

uint64_t wal_next_lsn(const struct wal *w)
{
    return w->next_lsn;
}

uint64_t wal_durable_lsn(const struct wal *w)
{
    uint64_t background = w->syncer ? wal_syncer_durable_lsn(w->syncer) : 0;
    return background > w->durable_lsn ? background : w->durable_lsn;
}

int wal_failure(const struct wal *w)
{
    return w->failure ? w->failure : w->syncer ? wal_syncer_failure(w->syncer) : 0;
}

bool wal_is_full(const struct wal *w)
{
    return w->full;
}

int wal_alarm_fd(const struct wal *w)
{
    return w->syncer ? wal_syncer_alarm_fd(w->syncer) : -1;
}

uint64_t wal_sync_count(const struct wal *w)
{
    return w->syncs;
}

uint64_t wal_segment_first_lsn(const struct wal *w)
{
    return w->first_lsn;
}

static int failed(struct wal *w, int rc)
{
    if (!w->failure)
        w->failure = -rc;
    return rc;
}

/* What the batches of one no-op take: the first of a segment, a witness, the seal. */
static uint64_t noop_bytes(const struct wal *w)
{
    return wal_batch_bytes(RECORD_FIXED_BYTES, w->options.block_bytes);
}

/* Room that is left in the current segment, that of a witness and the seal kept aside. */
static uint64_t room_left(const struct wal *w)
{
    uint64_t used = w->offset + 2 * noop_bytes(w);
    return w->current.fd >= 0 && w->current.bytes > used ? w->current.bytes - used : 0;
}

static uint64_t segment_bytes_for(const struct wal *w, uint64_t batch_bytes)
{
    uint64_t need = w->options.block_bytes + batch_bytes + 3 * noop_bytes(w);
    uint64_t bytes = need > w->options.segment_bytes ? need : w->options.segment_bytes;
    return (bytes + WAL_BLOCK_MAX - 1) / WAL_BLOCK_MAX * WAL_BLOCK_MAX;
}

static void close_file(struct wal *w, struct segment_file *file)
{
    if (file->fd >= 0)
        disk_close(w->disk, file->fd);
    *file = (struct segment_file){.fd = -1};
}

/* Zeros a file from where it stands up to `target`, at most `budget` bytes of it. */
static int zero_ahead(struct wal *w, struct segment_file *file, uint64_t target, uint64_t budget)
{
    if (target > file->bytes)
        target = file->bytes;
    while (file->zeroed < target && budget > 0) {
        uint64_t bytes = target - file->zeroed < ZERO_BYTES ? target - file->zeroed : ZERO_BYTES;
        int rc = disk_write(w->disk, file->fd, w->zeros, bytes, file->zeroed);
        if (rc)
            return rc;
        if (file == &w->next)
            disk_sync_range(w->disk, file->fd, file->zeroed, bytes);
        file->zeroed += bytes;
        budget -= bytes < budget ? bytes : budget;
    }
    return 0;
}

/* Makes the file of the next segment with all of its room reserved. */
static int prepare_file(struct wal *w, uint64_t bytes)
{
    close_file(w, &w->next);
    disk_unlink(w->disk, w->next_path);
    int fd = disk_open(w->disk, w->next_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fd;
    w->next = (struct segment_file){.fd = fd, .bytes = bytes};
    int rc = disk_fallocate(w->disk, fd, 0, bytes);
    if (rc == -EOPNOTSUPP)
        rc = zero_ahead(w, &w->next, bytes, bytes);
    if (rc) {
        close_file(w, &w->next);
        disk_unlink(w->disk, w->next_path);
    }
    return rc;
}

static bool is_full_errno(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG;
}

static bool leaves_kept_room(const struct wal *w, uint64_t bytes)
{
    int64_t free_bytes = w->current.fd < 0 ? -1 : disk_free_bytes(w->disk, w->current.fd);
    /* What the current and the next segment may still add to the snapshot counts too. */
    return free_bytes < 0 ||
           (uint64_t)free_bytes >= bytes + w->keep_free_bytes + 2 * w->options.segment_bytes;
}

/* Has the next segment ready with room for `batch_bytes`. What adds data may not use the room that is kept
 * for snapshots; a full disk is tried again only now and then. */
static int prepare_next(struct wal *w, uint64_t batch_bytes, bool adds)
{
    uint64_t bytes = segment_bytes_for(w, batch_bytes);
    if (w->next.fd >= 0 && w->next.bytes >= bytes)
        return 0;
    uint64_t now = clock_monotonic_ns();
    if (adds && w->full && now - w->full_since_ns < FULL_RETRY_NS)
        return -ENOSPC;
    int rc = adds && !leaves_kept_room(w, bytes) ? -ENOSPC : prepare_file(w, bytes);
    if (is_full_errno(rc)) {
        w->full = true;
        w->full_since_ns = now;
        return -ENOSPC;
    }
    if (!rc && adds)
        w->full = false;
    return rc;
}

void wal_keep_free(struct wal *w, uint64_t bytes)
{
    w->keep_free_bytes = bytes;
}

/* Encodes a batch into w->out and moves the chain and the LSN past it. */
static void encode(struct wal *w, struct span payload, uint32_t count, uint32_t flags, uint64_t time_ns)
{
    struct wal_batch_header h = {
        .flags = flags,
        .first_lsn = w->next_lsn,
        .count = count,
        .durable_lsn = wal_durable_lsn(w),
        .time_ns = time_ns,
        .chain = w->chain,
    };
    wal_batch_encode(&w->out, &h, payload, w->salt, w->options.block_bytes);
    w->chain = h.checksum;
    w->next_lsn += count;
}

static struct span noop(char storage[RECORD_FIXED_BYTES])
{
    memset(storage, 0, RECORD_FIXED_BYTES);
    put_u32(storage, RECORD_FIXED_BYTES);
    return (struct span){storage, RECORD_FIXED_BYTES};
}

static int sync_now(struct wal *w)
{
    if (w->syncer)
        wal_syncer_drain(w->syncer);
    if (wal_failure(w))
        return -EIO;
    uint64_t lsn = w->next_lsn - 1;
    int rc = disk_fdatasync(w->disk, w->current.fd);
    w->syncs++;
    if (rc)
        return failed(w, rc);
    w->durable_lsn = lsn;
    return 0;
}

static int write_batch(struct wal *w, struct span payload, uint32_t count, uint32_t flags, uint64_t time_ns)
{
    w->out.bytes = 0;
    encode(w, payload, count, flags, time_ns);
    must(w->offset + w->out.bytes <= w->current.bytes);
    int rc = zero_ahead(w, &w->current, w->offset + w->out.bytes + ZERO_AHEAD, ZERO_BYTES);
    if (!rc)
        rc = disk_write(w->disk, w->current.fd, w->out.data, w->out.bytes, w->offset);
    if (rc)
        return failed(w, rc);
    w->offset += w->out.bytes;
    if (w->current.zeroed < w->offset)
        w->current.zeroed = w->offset;
    return 0;
}

/* Turns the prepared file into the current segment: header and first batch synced, then the name, then the
 * control file. Until that has returned 0, nothing may be acknowledged from it. */
static int begin_segment(struct wal *w, const struct wal_link *link)
{
    char path[4096];
    char name[WAL_NAME_BYTES + 1];
    wal_name(name, w->next_lsn);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", w->wal_dir, name) >= sizeof path)
        return -ENAMETOOLONG;
    struct wal_segment_header header = {
        .version = WAL_VERSION,
        .block_bytes = w->options.block_bytes,
        .first_lsn = w->next_lsn,
        .segment_bytes = w->next.bytes,
        .previous = *link,
        .created_ns = clock_realtime_ns(),
    };
    memcpy(header.uuid, w->control->uuid, UUID_BYTES);
    if (getrandom(&header.salt, sizeof header.salt, 0) != sizeof header.salt)
        return -errno;
    w->out.bytes = 0;
    wal_segment_header_encode(buffer_extend(&w->out, header.block_bytes), &header);
    w->salt = header.salt;
    w->chain = header.checksum;
    w->first_lsn = w->next_lsn;
    char storage[RECORD_FIXED_BYTES];
    encode(w, noop(storage), 1, 0, header.created_ns);

    int rc = disk_write(w->disk, w->next.fd, w->out.data, w->out.bytes, 0);
    if (!rc)
        rc = disk_fdatasync(w->disk, w->next.fd);
    w->syncs++;
    if (!rc)
        rc = disk_rename(w->disk, w->next_path, path);
    if (!rc)
        rc = disk_sync_dir(w->disk, w->wal_dir);
    if (rc)
        return rc;
    if (w->next.zeroed < w->out.bytes)
        w->next.zeroed = w->out.bytes;
    w->current = w->next;
    w->next = (struct segment_file){.fd = -1};
    w->offset = w->out.bytes;
    w->witnessed = true; /* the link vouches for what stood before */
    w->durable_lsn = w->next_lsn - 1;
    w->control->clean = false;
    w->control->segment_lsn = w->first_lsn;
    w->control->last_lsn = w->durable_lsn;
    int fd = w->control_fd;
    w->control_fd = -1;
    return fd < 0 ? control_write(w->disk, w->data_dir, w->control)
                  : control_write_reserved(w->disk, fd, w->data_dir, w->control);
}

/* Seals the current segment and goes on in the prepared one. Takes two LSNs. */
static int rotate(struct wal *w)
{
    struct segment_file sealed = w->current;
    uint64_t sealed_lsn = w->first_lsn;
    char storage[RECORD_FIXED_BYTES];
    int rc = write_batch(w, noop(storage), 1, WAL_FLAG_SEAL, clock_realtime_ns());
    if (!rc)
        rc = sync_now(w);
    if (rc)
        return rc;
    uint64_t end = w->offset;
    struct wal_link link = {sealed_lsn, w->next_lsn - 1, w->chain};
    rc = begin_segment(w, &link);
    if (rc)
        return failed(w, rc);
    /* Behind the seal there is nothing, and the link says so: give the room back. Not needed to be durable.
     */
    disk_ftruncate(w->disk, sealed.fd, end);
    close_file(w, &sealed);
    return 0;
}

int wal_make_room(struct wal *w, uint64_t payload_bytes, bool adds)
{
    if (wal_failure(w))
        return -EIO;
    uint64_t bytes = wal_batch_bytes((uint32_t)payload_bytes, w->options.block_bytes);
    uint64_t left = room_left(w);
    bool fits = bytes <= left;
    int rc = prepare_next(w, fits ? 0 : bytes, adds || fits);
    if (rc == -ENOSPC) {
        uint64_t kept = adds ? w->current.bytes / 4 : 0;
        return left >= bytes + kept ? 0 : -ENOSPC;
    }
    if (rc)
        return failed(w, rc);
    if (fits)
        return 0;
    /* The last room that beginning a segment takes: when that is gone, too, nothing has happened yet. */
    w->control_fd = rc = control_reserve(w->disk, w->data_dir);
    if (is_full_errno(rc)) {
        w->full = true;
        w->full_since_ns = clock_monotonic_ns();
        return -ENOSPC;
    }
    return rc < 0 ? failed(w, rc) : rotate(w);
}

int wal_append(struct wal *w, struct span payload, uint32_t count, uint64_t time_ns, uint64_t *checksum,
               uint64_t *at)
{
    if (wal_failure(w))
        return -EIO;
    must(wal_batch_bytes((uint32_t)payload.bytes, w->options.block_bytes) <= room_left(w));
    *at = w->offset;
    int rc = write_batch(w, payload, count, 0, time_ns);
    w->witnessed = false;
    *checksum = w->chain;
    return rc;
}

int wal_sync(struct wal *w)
{
    if (!w->syncer)
        return sync_now(w);
    wal_syncer_post(w->syncer, w->current.fd, w->next_lsn - 1);
    return wal_failure(w) ? -EIO : 0;
}

bool wal_needs_witness(const struct wal *w)
{
    return !w->witnessed;
}

int wal_witness(struct wal *w)
{
    if (wal_failure(w))
        return -EIO;
    if (w->witnessed)
        return 0;
    char storage[RECORD_FIXED_BYTES];
    int rc = write_batch(w, noop(storage), 1, 0, clock_realtime_ns());
    if (!rc)
        rc = sync_now(w);
    w->witnessed = true;
    return rc;
}

bool wal_prepare(struct wal *w)
{
    if (wal_failure(w))
        return false;
    if (prepare_next(w, 0, true) != 0)
        return false;
    if (zero_ahead(w, &w->next, w->next.bytes, ZERO_BYTES) != 0) {
        /* Only the head start is lost: the room is reserved. */
        return false;
    }
    return w->next.zeroed < w->next.bytes;
}

int wal_stop(struct wal *w)
{
    if (wal_failure(w))
        return -EIO;
    char storage[RECORD_FIXED_BYTES];
    int rc = write_batch(w, noop(storage), 1, WAL_FLAG_SEAL, clock_realtime_ns());
    if (!rc)
        rc = sync_now(w);
    if (rc)
        return rc;
    w->control->clean = true;
    w->control->last_lsn = w->next_lsn - 1;
    rc = control_write(w->disk, w->data_dir, w->control);
    close_file(w, &w->next);
    disk_unlink(w->disk, w->next_path);
    return rc;
}

int wal_open(struct wal **out, struct disk *disk, const char *data_dir, struct control *control,
             const struct wal_options *options, const struct wal_link *link)
{
    struct wal *w = memory_new(1, sizeof *w, "the log");
    w->disk = disk;
    w->data_dir = memory_text(data_dir);
    w->wal_dir = memory_printf("%s/wal", data_dir);
    w->next_path = memory_printf("%s/next.tmp", w->wal_dir);
    w->control = control;
    w->options = *options;
    w->control_fd = w->current.fd = w->next.fd = -1;
    w->zeros = disk_memory(ZERO_BYTES);
    memset(w->zeros, 0, ZERO_BYTES);
    w->next_lsn = link->last_lsn + 1;
    w->durable_lsn = link->last_lsn;
    if (options->async)
        w->syncer = wal_syncer_new(disk, options->sync_interval_ns);

    /* On a nearly full disk a small segment still lets deletes make room. */
    int rc;
    uint64_t bytes = segment_bytes_for(w, 0);
    while (is_full_errno(rc = prepare_file(w, bytes)) && bytes / 2 >= SEGMENT_BYTES_MIN)
        bytes = bytes / 2 / WAL_BLOCK_MAX * WAL_BLOCK_MAX;
    if (!rc)
        rc = begin_segment(w, link);
    if (rc)
        wal_close(&w);
    *out = w;
    return rc;
}

void wal_close(struct wal **wal)
{
    struct wal *w = *wal;
    if (!w)
        return;
    if (w->syncer)
        wal_syncer_free(&w->syncer);
    close_file(w, &w->current);
    close_file(w, &w->next);
    if (w->control_fd >= 0)
        disk_close(w->disk, w->control_fd);
    buffer_free(&w->out);
    free(w->zeros);
    free(w->data_dir);
    free(w->wal_dir);
    free(w->next_path);
    free(w);
    *wal = NULL;
}
