/* SPDX-License-Identifier: MIT
 * The door to the disk, and the system's own calls behind it; see disk.h. */
#include "disk.h"

#include "clock.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

enum { LARGE_FILE_BYTES = 1024 * 1024, CLOSERS_MAX = 4 };

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

static int system_open(struct disk *d, const char *path, int flags, mode_t mode)
{
    (void)d;
    return result(open(path, flags | O_CLOEXEC, mode));
}

static int system_close(struct disk *d, int fd)
{
    (void)d;
    return result(close(fd));
}

static ssize_t system_pread(struct disk *d, int fd, void *data, size_t bytes, uint64_t offset)
{
    (void)d;
    ssize_t n = pread(fd, data, bytes, (off_t)offset);
    return n < 0 ? -errno : n;
}

static ssize_t system_pwrite(struct disk *d, int fd, const void *data, size_t bytes, uint64_t offset)
{
    (void)d;
    ssize_t n = pwrite(fd, data, bytes, (off_t)offset);
    return n < 0 ? -errno : n;
}

static int system_fdatasync(struct disk *d, int fd)
{
    (void)d;
    return result(fdatasync(fd));
}

static int system_fsync(struct disk *d, int fd)
{
    (void)d;
    return result(fsync(fd));
}

static int system_sync_range(struct disk *d, int fd, uint64_t offset, uint64_t bytes)
{
    (void)d;
    return result(sync_file_range(fd, (off_t)offset, (off_t)bytes, SYNC_FILE_RANGE_WRITE));
}

static int system_fallocate(struct disk *d, int fd, uint64_t offset, uint64_t bytes)
{
    (void)d;
    return result(fallocate(fd, 0, (off_t)offset, (off_t)bytes));
}

static int system_ftruncate(struct disk *d, int fd, uint64_t bytes)
{
    (void)d;
    return result(ftruncate(fd, (off_t)bytes));
}

static struct disk_stat disk_stat_of(const struct stat *st)
{
    return (struct disk_stat){
        .regular = S_ISREG(st->st_mode),
        .owner = st->st_uid,
        .bytes = (uint64_t)st->st_size,
        .modified_ns = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec,
    };
}

static int system_stat(struct disk *d, int fd, struct disk_stat *out)
{
    (void)d;
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    *out = disk_stat_of(&st);
    return 0;
}

static int system_stat_path(struct disk *d, const char *path, struct disk_stat *out)
{
    (void)d;
    struct stat st;
    if (lstat(path, &st))
        return -errno;
    *out = disk_stat_of(&st);
    return 0;
}

static int64_t system_free_bytes(struct disk *d, int fd)
{
    (void)d;
    struct statvfs st;
    return fstatvfs(fd, &st) ? -errno : (int64_t)(st.f_bavail * st.f_frsize);
}

static int system_rename(struct disk *d, const char *from, const char *to)
{
    (void)d;
    return result(rename(from, to));
}

static int system_unlink(struct disk *d, const char *path)
{
    (void)d;
    return result(unlink(path));
}

static int system_mkdir(struct disk *d, const char *path, mode_t mode)
{
    (void)d;
    return result(mkdir(path, mode));
}

static int system_list(struct disk *d, const char *path, disk_name *take, void *arg)
{
    (void)d;
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            take(entry->d_name, arg);
    }
    int rc = -errno;
    closedir(dir);
    return rc;
}

static int system_chmod(struct disk *d, int fd, mode_t mode)
{
    (void)d;
    return result(fchmod(fd, mode));
}

static int system_lock(struct disk *d, int fd)
{
    (void)d;
    return result(flock(fd, LOCK_EX | LOCK_NB));
}

static int system_drop_cache(struct disk *d, int fd)
{
    (void)d;
    return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int system_map(struct disk *d, int fd, size_t bytes, void **out)
{
    (void)d;
    *out = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return *out == MAP_FAILED ? -errno : 0;
}

struct disk *disk_system(void)
{
    static const struct disk_calls calls = {
        .open = system_open,
        .close = system_close,
        .pread = system_pread,
        .pwrite = system_pwrite,
        .fdatasync = system_fdatasync,
        .fsync = system_fsync,
        .sync_range = system_sync_range,
        .fallocate = system_fallocate,
        .ftruncate = system_ftruncate,
        .stat = system_stat,
        .stat_path = system_stat_path,
        .free_bytes = system_free_bytes,
        .rename = system_rename,
        .unlink = system_unlink,
        .mkdir = system_mkdir,
        .list = system_list,
        .chmod = system_chmod,
        .lock = system_lock,
        .drop_cache = system_drop_cache,
        .map = system_map,
    };
    static struct disk disk = {&calls};
    return &disk;
}

int disk_open(struct disk *d, const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = d->calls->open(d, path, flags, mode);
    while (fd == -EINTR);
    return fd;
}

int disk_fallocate(struct disk *d, int fd, uint64_t offset, uint64_t bytes)
{
    int rc;
    do
        rc = d->calls->fallocate(d, fd, offset, bytes);
    while (rc == -EINTR);
    return rc;
}

int disk_ftruncate(struct disk *d, int fd, uint64_t bytes)
{
    int rc;
    do
        rc = d->calls->ftruncate(d, fd, bytes);
    while (rc == -EINTR);
    return rc;
}

ssize_t disk_read(struct disk *d, int fd, void *data, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = d->calls->pread(d, fd, (char *)data + done, bytes - done, offset + done);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int disk_write(struct disk *d, int fd, const void *data, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = d->calls->pwrite(d, fd, (const char *)data + done, bytes - done, offset + done);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -EIO;
        done += (size_t)n;
    }
    return 0;
}

int disk_open_uncached(struct disk *d, const char *path, bool *direct)
{
    int fd = disk_open(d, path, O_RDONLY | O_DIRECT, 0);
    *direct = fd >= 0;
    if (fd != -EINVAL)
        return fd;
    fd = disk_open(d, path, O_RDONLY, 0);
    if (fd >= 0) {
        /* Dirty pages stay cached until they are written, so write them first. */
        int rc = disk_fdatasync(d, fd);
        if (rc) {
            disk_close(d, fd);
            return rc;
        }
        disk_drop_cache(d, fd);
    }
    return fd;
}

int64_t disk_size(struct disk *d, int fd)
{
    struct disk_stat st;
    int rc = disk_stat(d, fd, &st);
    return rc ? rc : (int64_t)st.bytes;
}

/* Whoever is the last to have a removed file open frees its blocks: about a third of a millisecond a MiB. */
static _Atomic int closers;

static void *close_elsewhere(void *arg)
{
    close((int)(intptr_t)arg);
    closers--;
    return NULL;
}

int disk_unlink_later(struct disk *d, const char *path)
{
    struct stat st;
    int fd = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= LARGE_FILE_BYTES &&
                     closers < CLOSERS_MAX
                 ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    int rc = disk_unlink(d, path);
    if (fd < 0)
        return rc;
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    closers++;
    if (rc || pthread_create(&thread, NULL, close_elsewhere, (void *)(intptr_t)fd))
        close_elsewhere((void *)(intptr_t)fd);
    else
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int disk_sync_dir(struct disk *d, const char *path)
{
    int fd = disk_open(d, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = disk_fsync(d, fd);
    disk_close(d, fd);
    return rc ? -EIO : 0;
}

int disk_replace_begin(struct disk *d, const char *path)
{
    char tmp[4096];
    if ((size_t)snprintf(tmp, sizeof tmp, "%s.tmp", path) >= sizeof tmp)
        return -ENAMETOOLONG;
    /* A new file, never the old one's blocks: after a crash in the rename both names may be of one file. */
    disk_unlink(d, tmp);
    return disk_open(d, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

int disk_replace_end(struct disk *d, int fd, const char *dir, const char *path, const void *data,
                     size_t bytes)
{
    char tmp[4096];
    must((size_t)snprintf(tmp, sizeof tmp, "%s.tmp", path) < sizeof tmp); /* as in disk_replace_begin() */
    int rc = disk_write(d, fd, data, bytes, 0);
    if (!rc)
        rc = disk_fdatasync(d, fd);
    disk_close(d, fd);
    if (!rc)
        rc = disk_rename(d, tmp, path);
    if (rc) {
        disk_unlink(d, tmp);
        return rc;
    }
    return disk_sync_dir(d, dir) ? -EIO : 0;
}

int disk_replace(struct disk *d, const char *dir, const char *path, const void *data, size_t bytes)
{
    int fd = disk_replace_begin(d, path);
    return fd < 0 ? fd : disk_replace_end(d, fd, dir, path, data, bytes);
}

ssize_t disk_slurp(struct disk *d, const char *path, void *data, size_t room)
{
    int fd = disk_open(d, path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int64_t size = disk_size(d, fd);
    ssize_t n = size < 0 ? (ssize_t)size : size > (int64_t)room ? -EFBIG : disk_read(d, fd, data, room, 0);
    disk_close(d, fd);
    return n;
}

void *disk_memory_try(size_t bytes)
{
    void *memory = NULL;
    return posix_memalign(&memory, DISK_ALIGN, (bytes + DISK_ALIGN - 1) / DISK_ALIGN * DISK_ALIGN) ? NULL
                                                                                                   : memory;
}

void *disk_memory(size_t bytes)
{
    void *memory = disk_memory_try(bytes);
    if (!memory)
        fatal(EX_OSERR, "out of memory for a buffer of %zu bytes", bytes);
    return memory;
}

int disk_lock(struct disk *d, int fd)
{
    uint64_t began = clock_monotonic_ns();
    int rc;
    while ((rc = d->calls->lock(d, fd)) != 0) {
        if (rc != -EWOULDBLOCK && rc != -EINTR)
            return rc;
        if (clock_monotonic_ns() - began > NS_PER_S)
            return -EBUSY;
        nanosleep(&(struct timespec){0, 10 * (long)NS_PER_MS}, NULL);
    }
    return 0;
}
