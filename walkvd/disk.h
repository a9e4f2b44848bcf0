/* SPDX-License-Identifier: MIT
 *
 * The one door to the disk: every file call of walkvd and walkv-snapshot goes through this table, so that a
 * test can record, refuse or distort it. Nothing else in the product knows about testing.
 *
 * The calls in the table are the system's own, with its results turned into 0, a count, a descriptor or a
 * negative errno. The functions below it add the loops that every caller wants (short transfers, EINTR) and
 * the combinations that have one right order. Never retry a failed sync: the data may be gone (DESIGN section
 * 5).
 */
#ifndef WALKV_WALKVD_DISK_H
#define WALKV_WALKVD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk;

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
    int64_t (*size)(struct disk *, int fd);
    int64_t (*free_bytes)(struct disk *, int fd); /* of the file system, as far as this user may fill it */
    int (*rename)(struct disk *, const char *from, const char *to);
    int (*unlink)(struct disk *, const char *path);
    int (*mkdir)(struct disk *, const char *path, mode_t mode);
};

/* A test puts its own struct around this one, with its own calls. */
struct disk {
    const struct disk_calls *calls;
};

/* The real thing. Never fails, owned by nobody. */
struct disk *disk_system(void);

/* Reads exactly `bytes`, or up to the end of the file. Returns the count or a negative errno. */
ssize_t disk_read(struct disk *, int fd, void *data, size_t bytes, uint64_t offset);

/* Writes all of it. Returns 0 or a negative errno; then some of it may have been written. */
int disk_write(struct disk *, int fd, const void *data, size_t bytes, uint64_t offset);

/* Opens a file for reading around the page cache: O_DIRECT where the file system has it, else with the cached
 * pages dropped first. `*direct` says that offsets, sizes and memory must be multiples of DISK_ALIGN. */
int disk_open_uncached(struct disk *, const char *path, bool *direct);

/* Makes names in a directory durable. */
int disk_sync_dir(struct disk *, const char *path);

/* Replaces `path` with these bytes, durably and whole or not at all, through `path`.tmp. */
int disk_replace(struct disk *, const char *dir, const char *path, const void *data, size_t bytes);

/* Reads a whole file of at most `room` bytes. Returns its size, -EFBIG if it is larger, or a negative errno.
 */
ssize_t disk_slurp(struct disk *, const char *path, void *data, size_t room);

/* Memory for direct reads: DISK_ALIGN aligned; out of memory is fatal. free() it. */
void *disk_memory(size_t bytes);

#define DISK_ALIGN 4096u

/* Takes the lock of an open file for this process, waiting up to a second: a walkvd that was just killed
 * still seems to hold it while a walkv-snapshot that it was starting has not become another program. Returns
 * 0, -EBUSY, or another negative errno. */
int disk_lock(int fd);

#endif
