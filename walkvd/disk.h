/* SPDX-License-Identifier: MIT
 *
 * The one door to the disk: every file call of walkvd and walkv-snapshot goes through this table, so that a
 * test can record, refuse or distort it. Nothing else in the product knows about testing.
 *
 * The calls in the table are the system's own, with its results turned into 0, a count, a descriptor or a
 * negative errno. The functions below it add the loops that every caller wants (short transfers, EINTR) and
 * the combinations that have one right order. Never retry a failed sync: the data may be gone (DESIGN section
 * 5).
 * Not here, because no test could say more with them: what LMDB does with the view's file, sockets, pipes,
 * and the page cache of a mapping.
 */
#ifndef WALKV_WALKVD_DISK_H
#define WALKV_WALKVD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk;

struct disk_stat {
    bool regular; /* a file, and not a directory, link or device */
    uid_t owner;
    uint64_t bytes;
    uint64_t modified_ns; /* since 1970 */
};

/* Takes one name of a directory, without "." and "..". */
typedef void disk_name(const char *name, void *arg);

struct disk_calls {
    int (*open)(struct disk *, const char *path, int flags, mode_t mode);
    int (*close)(struct disk *, int fd);
    ssize_t (*pread)(struct disk *, int fd, void *data, size_t bytes, uint64_t offset);
    ssize_t (*pwrite)(struct disk *, int fd, const void *data, size_t bytes, uint64_t offset);
    int (*fdatasync)(struct disk *, int fd);
    int (*fsync)(struct disk *, int fd);
    int (*sync_range)(struct disk *, int fd, uint64_t offset,
                      uint64_t bytes); /* starts write-back; advisory */
    int (*fallocate)(struct disk *, int fd, uint64_t offset, uint64_t bytes);
    int (*ftruncate)(struct disk *, int fd, uint64_t bytes);
    int (*stat)(struct disk *, int fd, struct disk_stat *);
    int (*stat_path)(struct disk *, const char *path, struct disk_stat *); /* of a link: the link */
    int64_t (*free_bytes)(struct disk *, int fd); /* of the file system, as far as this user may fill it */
    int (*rename)(struct disk *, const char *from, const char *to);
    int (*unlink)(struct disk *, const char *path);
    int (*mkdir)(struct disk *, const char *path, mode_t mode);
    int (*list)(struct disk *, const char *path, disk_name *, void *arg);
    int (*chmod)(struct disk *, int fd, mode_t mode);
    int (*lock)(struct disk *, int fd);                          /* -EWOULDBLOCK: another process has it */
    int (*drop_cache)(struct disk *, int fd);                    /* clean pages only; advisory */
    int (*map)(struct disk *, int fd, size_t bytes, void **out); /* shared, to read and write; munmap() it */
};

/* A test puts its own struct around this one, with its own calls. */
struct disk {
    const struct disk_calls *calls;
};

/* The calls, by name. Those that may be tried again when a signal interrupted them, are. */
int disk_open(struct disk *, const char *path, int flags, mode_t mode);
int disk_fallocate(struct disk *, int fd, uint64_t offset, uint64_t bytes);
int disk_ftruncate(struct disk *, int fd, uint64_t bytes);

static inline int disk_close(struct disk *d, int fd)
{
    return d->calls->close(d, fd);
}

/* A failure is final, an interruption too. */
static inline int disk_fdatasync(struct disk *d, int fd)
{
    return d->calls->fdatasync(d, fd);
}

static inline int disk_fsync(struct disk *d, int fd)
{
    return d->calls->fsync(d, fd);
}

static inline int disk_sync_range(struct disk *d, int fd, uint64_t offset, uint64_t bytes)
{
    return d->calls->sync_range(d, fd, offset, bytes);
}

static inline int disk_stat(struct disk *d, int fd, struct disk_stat *out)
{
    return d->calls->stat(d, fd, out);
}

static inline int disk_stat_path(struct disk *d, const char *path, struct disk_stat *out)
{
    return d->calls->stat_path(d, path, out);
}

static inline int64_t disk_free_bytes(struct disk *d, int fd)
{
    return d->calls->free_bytes(d, fd);
}

static inline int disk_rename(struct disk *d, const char *from, const char *to)
{
    return d->calls->rename(d, from, to);
}

static inline int disk_unlink(struct disk *d, const char *path)
{
    return d->calls->unlink(d, path);
}

static inline int disk_mkdir(struct disk *d, const char *path, mode_t mode)
{
    return d->calls->mkdir(d, path, mode);
}

static inline int disk_list(struct disk *d, const char *path, disk_name *take, void *arg)
{
    return d->calls->list(d, path, take, arg);
}

static inline int disk_chmod(struct disk *d, int fd, mode_t mode)
{
    return d->calls->chmod(d, fd, mode);
}

static inline int disk_drop_cache(struct disk *d, int fd)
{
    return d->calls->drop_cache(d, fd);
}

static inline int disk_map(struct disk *d, int fd, size_t bytes, void **out)
{
    return d->calls->map(d, fd, bytes, out);
}

/* The real thing. Never fails, owned by nobody. */
struct disk *disk_system(void);

/* Reads exactly `bytes`, or up to the end of the file. Returns the count or a negative errno. */
ssize_t disk_read(struct disk *, int fd, void *data, size_t bytes, uint64_t offset);

/* Writes all of it. Returns 0 or a negative errno; then some of it may have been written. */
int disk_write(struct disk *, int fd, const void *data, size_t bytes, uint64_t offset);

/* Opens a file for reading around the page cache: O_DIRECT where the file system has it, else with the cached
 * pages dropped first. `*direct` says that offsets, sizes and memory must be multiples of DISK_ALIGN. */
int disk_open_uncached(struct disk *, const char *path, bool *direct);

/* Bytes of an open file, or a negative errno. */
int64_t disk_size(struct disk *, int fd);

/* Removes a file whose room nobody waits for. It is gone from its directory when this returns, but the blocks
 * of a large one are freed by a thread, a few at a time, so that writes do not wait for that. */
int disk_unlink_later(struct disk *, const char *path);

/* Makes names in a directory durable. A failure to sync is -EIO whatever its errno was, for it is final. */
int disk_sync_dir(struct disk *, const char *path);

/* Replaces `path` with these bytes, durably and whole or not at all, through `path`.tmp. Returns 0 or a
 * negative errno; after -EIO nobody knows which of the two is there. */
int disk_replace(struct disk *, const char *dir, const char *path, const void *data, size_t bytes);

/* The same in two steps, for who has to have the room before: an open `path`.tmp or a negative errno, to
 * write as many bytes to; and the rest, which takes no more room and closes it. */
int disk_replace_begin(struct disk *, const char *path);
int disk_replace_end(struct disk *, int fd, const char *dir, const char *path, const void *data,
                     size_t bytes);

/* Reads a whole file of at most `room` bytes. Returns its size, -EFBIG if it is larger, or a negative errno.
 */
ssize_t disk_slurp(struct disk *, const char *path, void *data, size_t room);

/* Memory for direct reads: DISK_ALIGN aligned; out of memory is fatal. free() it. */
void *disk_memory(size_t bytes);
/* The same; NULL when there is too little memory. */
void *disk_memory_try(size_t bytes);

#define DISK_ALIGN 4096u

/* Takes the lock of an open file for this process, waiting up to a second: a walkvd that was just killed
 * still seems to hold it while a walkv-snapshot that it was starting has not become another program. Returns
 * 0, -EBUSY, or another negative errno. */
int disk_lock(struct disk *, int fd);

#endif
