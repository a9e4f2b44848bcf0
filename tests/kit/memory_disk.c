/* SPDX-License-Identifier: MIT
 * The disk in memory: the calls of its table; see memory_disk.h, and memory_cut.c for what a power cut does.
 */
#include "memory_inode.h"

#include "kit.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define FD_FIRST 1000000 /* so that nobody takes them for the system's */

static struct memory_disk *of(struct disk *disk)
{
    return (struct memory_disk *)(void *)disk;
}

static struct disk *system_disk(void)
{
    return disk_system();
}

static bool ours(const char *path)
{
    size_t length = sizeof MEMORY_ROOT - 1;

    return strncmp(path, MEMORY_ROOT, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Counts the call; a negative errno when it is to fail. */
static int tick(struct memory_disk *m, const char *call)
{
    m->calls++;
    if (m->fail_at == 0 || (m->for_ever ? m->calls < m->fail_at : m->calls != m->fail_at))
        return 0;
    if (m->failed_call == NULL)
        m->failed_call = call;
    return m->fault == MEMORY_FAULT_ERROR ? -m->error : 0;
}

/* After tick(): how many of `bytes` this call moves. */
static size_t moved(const struct memory_disk *m, size_t bytes)
{
    bool hit = m->fail_at != 0 && (m->for_ever ? m->calls >= m->fail_at : m->calls == m->fail_at);

    return hit && m->fault == MEMORY_FAULT_SHORT && bytes > 1 ? bytes / 2 : bytes;
}

static void changed(struct memory_disk *m)
{
    m->changes++;
    if (m->changed != NULL)
        m->changed(m, m->changed_arg);
}

static struct memory_inode *inode_of(struct memory_disk *m, int fd)
{
    must(fd >= FD_FIRST && fd < FD_FIRST + (int)COUNT(m->fds) && m->fds[fd - FD_FIRST] >= 0);
    return &m->inodes[m->fds[fd - FD_FIRST]];
}

static int memory_open(struct disk *disk, const char *path, int flags, mode_t mode)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "open"), inode = MEMORY_DIRECTORY, fd = 0;
    bool made = false;

    if (rc != 0)
        return rc;
    if (!ours(path))
        return system_disk()->calls->open(system_disk(), path, flags, mode);
    if (!(flags & O_DIRECTORY)) {
        struct memory_name *name = memory_name_find(m, path);
        bool there = name != NULL && name->now >= 0;

        if (there && (flags & O_EXCL))
            return -EEXIST;
        if (!there && !(flags & O_CREAT))
            return -ENOENT;
        if (!there) {
            int number = memory_inode_new(m);
            memory_name_set(memory_name_make(m, path), number);
            name = memory_name_find(m, path);
            made = true;
        }
        inode = name->now;
        must(!there || !(flags & O_TRUNC));
    }
    while (fd < (int)COUNT(m->fds) && m->fds[fd] != -1)
        fd++;
    must(fd < (int)COUNT(m->fds) && strlen(path) < sizeof(m->fd_paths[fd]));
    m->fds[fd] = inode;
    m->direct[fd] = flags & O_DIRECT;
    strcpy(m->fd_paths[fd], path);
    if (made)
        changed(m);
    return fd + FD_FIRST;
}

static int memory_close(struct disk *disk, int fd)
{
    if (fd < FD_FIRST)
        return system_disk()->calls->close(system_disk(), fd);
    must(of(disk)->fds[fd - FD_FIRST] != -1);
    of(disk)->fds[fd - FD_FIRST] = -1;
    return 0;
}

static ssize_t memory_pread(struct disk *disk, int fd, void *data, size_t bytes, uint64_t offset)
{
    int rc = tick(of(disk), "pread");

    if (rc != 0)
        return rc;
    bytes = moved(of(disk), bytes);
    if (fd < FD_FIRST)
        return system_disk()->calls->pread(system_disk(), fd, data, bytes, offset);
    const struct memory_inode *inode = inode_of(of(disk), fd);
    if (offset >= inode->bytes)
        return 0;
    if (bytes > inode->bytes - offset)
        bytes = inode->bytes - offset;
    memory_inode_read(inode, data, bytes, offset, of(disk)->direct[fd - FD_FIRST]);
    return (ssize_t)bytes;
}

static ssize_t memory_pwrite(struct disk *disk, int fd, const void *data, size_t bytes, uint64_t offset)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "pwrite");

    if (fd < FD_FIRST)
        return rc != 0 ? rc : system_disk()->calls->pwrite(system_disk(), fd, data, moved(m, bytes), offset);
    struct memory_inode *inode = inode_of(m, fd);
    if (m->write_room > 0 && bytes > m->write_room)
        bytes = m->write_room;
    size_t done = rc == 0 ? moved(m, bytes) : bytes / 2; /* a write that fails may have written some of it */
    if (done > 0) {
        memory_inode_write(inode, data, done, offset);
        changed(m);
    }
    return rc == 0 ? (ssize_t)done : rc;
}

static void note_sync(struct memory_disk *m, int fd, int rc)
{
    bool of_log = strstr(m->fd_paths[fd - FD_FIRST], "/wal") != NULL;

    m->sync_failed = m->sync_failed || rc != 0;
    m->log_sync_failed = m->log_sync_failed || (rc != 0 && of_log);
}

static int sync_file(struct memory_disk *m, int fd, const char *call)
{
    int rc = tick(m, call);

    if (fd < FD_FIRST)
        return rc;
    note_sync(m, fd, rc);
    if (rc == 0)
        memory_inode_sync(inode_of(m, fd));
    else if (!m->flush_fails)
        memory_inode_lose(inode_of(m, fd), m->calls);
    changed(m);
    return rc;
}

static int memory_fdatasync(struct disk *disk, int fd)
{
    return sync_file(of(disk), fd, "fdatasync");
}

static int memory_fsync(struct disk *disk, int fd)
{
    struct memory_disk *m = of(disk);

    if (fd < FD_FIRST || m->fds[fd - FD_FIRST] != MEMORY_DIRECTORY)
        return sync_file(m, fd, "fsync");
    int rc = tick(m, "fsync");
    note_sync(m, fd, rc);
    if (rc == 0)
        memory_names_sync(m, m->fd_paths[fd - FD_FIRST]);
    memory_inodes_reclaim(m);
    changed(m);
    return rc;
}

static int memory_sync_range(struct disk *disk, int fd, uint64_t offset, uint64_t bytes)
{
    (void)fd;
    (void)offset;
    (void)bytes;
    return tick(of(disk), "sync_range");
}

static int memory_fallocate(struct disk *disk, int fd, uint64_t offset, uint64_t bytes)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "fallocate");

    if (rc != 0)
        return rc;
    if (fd < FD_FIRST)
        return m->light ? 0 : system_disk()->calls->fallocate(system_disk(), fd, offset, bytes);
    if (inode_of(m, fd)->bytes < offset + bytes)
        memory_inode_resize(inode_of(m, fd), offset + bytes);
    changed(m);
    return 0;
}

static int memory_ftruncate(struct disk *disk, int fd, uint64_t bytes)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "ftruncate");

    if (rc != 0)
        return rc;
    if (fd < FD_FIRST)
        return system_disk()->calls->ftruncate(system_disk(), fd, bytes);
    memory_inode_bury(m, inode_of(m, fd), bytes);
    memory_inode_resize(inode_of(m, fd), bytes);
    changed(m);
    return 0;
}

static int memory_stat(struct disk *disk, int fd, struct disk_stat *out)
{
    int rc = tick(of(disk), "stat");

    if (rc != 0)
        return rc;
    if (fd < FD_FIRST)
        return system_disk()->calls->stat(system_disk(), fd, out);
    *out = (struct disk_stat){.regular = true, .bytes = inode_of(of(disk), fd)->bytes};
    return 0;
}

static int memory_stat_path(struct disk *disk, const char *path, struct disk_stat *out)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "stat_path");

    if (rc != 0)
        return rc;
    if (!ours(path))
        return system_disk()->calls->stat_path(system_disk(), path, out);
    const struct memory_name *name = memory_name_find(m, path);
    if (name == NULL || name->now < 0)
        return -ENOENT;
    *out = (struct disk_stat){.regular = true, .bytes = m->inodes[name->now].bytes};
    return 0;
}

static int64_t memory_free_bytes(struct disk *disk, int fd)
{
    int rc = tick(of(disk), "free_bytes");

    (void)fd;
    return rc != 0 ? rc : INT64_MAX;
}

static int memory_rename(struct disk *disk, const char *from, const char *to)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "rename");

    if (rc != 0)
        return rc;
    if (!ours(from))
        return system_disk()->calls->rename(system_disk(), from, to);
    struct memory_name *source = memory_name_find(m, from);
    if (source == NULL || source->now < 0)
        return -ENOENT;
    int inode = source->now;
    memory_name_set(source, MEMORY_ABSENT);
    memory_name_set(memory_name_make(m, to), inode);
    changed(m);
    return 0;
}

static int memory_unlink(struct disk *disk, const char *path)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "unlink");

    if (rc != 0)
        return rc;
    if (!ours(path))
        return system_disk()->calls->unlink(system_disk(), path);
    struct memory_name *name = memory_name_find(m, path);
    if (name == NULL || name->now < 0)
        return -ENOENT;
    memory_name_set(name, MEMORY_ABSENT);
    changed(m);
    return 0;
}

static int memory_mkdir(struct disk *disk, const char *path, mode_t mode)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "mkdir");

    if (rc != 0)
        return rc;
    if (!ours(path))
        return system_disk()->calls->mkdir(system_disk(), path, mode);
    struct memory_name *name = memory_name_make(m, path);
    if (name->now != MEMORY_ABSENT)
        return -EEXIST;
    memory_name_set(name, MEMORY_DIRECTORY);
    changed(m);
    return 0;
}

static int memory_list(struct disk *disk, const char *path, disk_name *take, void *arg)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "list");

    if (rc != 0)
        return rc;
    if (!ours(path))
        return system_disk()->calls->list(system_disk(), path, take, arg);
    char dir[80];
    must((size_t)snprintf(dir, sizeof(dir), "%s", path) < sizeof(dir)); /* `path` may be the callback's */
    const struct memory_name *made = memory_name_find(m, dir);
    bool there = made != NULL && made->now == MEMORY_DIRECTORY;
    size_t length = strlen(dir);
    for (size_t i = 0; i < m->name_count; i++) {
        if (m->names[i].now == MEMORY_ABSENT || !memory_lies_in(m->names[i].path, dir))
            continue;
        take(m->names[i].path + length + 1, arg);
        there = true;
    }
    return there ? 0 : -ENOENT;
}

static int memory_chmod(struct disk *disk, int fd, mode_t mode)
{
    int rc = tick(of(disk), "chmod");

    return rc != 0 || fd >= FD_FIRST ? rc : system_disk()->calls->chmod(system_disk(), fd, mode);
}

static int memory_lock(struct disk *disk, int fd)
{
    int rc = tick(of(disk), "lock");

    return rc != 0 || fd >= FD_FIRST ? rc : system_disk()->calls->lock(system_disk(), fd);
}

static int memory_drop_cache(struct disk *disk, int fd)
{
    (void)fd;
    return tick(of(disk), "drop_cache");
}

static int memory_map(struct disk *disk, int fd, size_t bytes, void **out)
{
    int rc = tick(of(disk), "map");

    return rc != 0 ? rc : system_disk()->calls->map(system_disk(), fd, bytes, out);
}

static const struct disk_calls memory_calls = {
    .open = memory_open,
    .close = memory_close,
    .pread = memory_pread,
    .pwrite = memory_pwrite,
    .fdatasync = memory_fdatasync,
    .fsync = memory_fsync,
    .sync_range = memory_sync_range,
    .fallocate = memory_fallocate,
    .ftruncate = memory_ftruncate,
    .stat = memory_stat,
    .stat_path = memory_stat_path,
    .free_bytes = memory_free_bytes,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .mkdir = memory_mkdir,
    .list = memory_list,
    .chmod = memory_chmod,
    .lock = memory_lock,
    .drop_cache = memory_drop_cache,
    .map = memory_map,
};

struct memory_disk *memory_disk_new(void)
{
    struct memory_disk *m = calloc(1, sizeof(*m));

    must(m != NULL);
    m->disk.calls = &memory_calls;
    m->error = EIO;
    for (size_t i = 0; i < COUNT(m->fds); i++)
        m->fds[i] = -1;
    return m;
}

struct memory_disk *memory_disk_clone(const struct memory_disk *m)
{
    struct memory_disk *copy = memory_disk_new();

    *copy = *m;
    copy->names = (void *)kit_boxed(m->names, m->name_count * sizeof(*m->names));
    for (size_t i = 0; i < m->name_count; i++) {
        struct memory_name *name = &copy->names[i];
        name->between = (void *)kit_boxed(name->between, name->between_count * sizeof(*name->between));
    }
    copy->inodes = (void *)kit_boxed(m->inodes, m->inode_count * sizeof(*m->inodes));
    for (size_t i = 0; i < m->inode_count; i++)
        memory_inode_clone(&copy->inodes[i]);
    return copy;
}

void memory_disk_free(struct memory_disk **disk)
{
    struct memory_disk *m = *disk;

    for (size_t i = 0; i < m->inode_count; i++)
        memory_inode_free(&m->inodes[i]);
    for (size_t i = 0; i < m->name_count; i++)
        free(m->names[i].between);
    free(m->inodes);
    free(m->names);
    free(m);
    *disk = NULL;
}

struct memory_name *memory_disk_name(struct memory_disk *m, const char *path)
{
    struct memory_name *name = memory_name_find(m, path);

    return name != NULL && name->now >= 0 ? name : NULL;
}

char *memory_disk_data(struct memory_disk *m, const char *path, uint64_t **bytes)
{
    struct memory_name *name = memory_disk_name(m, path);

    must(name != NULL);
    *bytes = &m->inodes[name->now].bytes;
    return m->inodes[name->now].now;
}

void memory_disk_put(struct memory_disk *m, const char *path, const void *data, size_t bytes)
{
    int number = memory_inode_new(m);
    struct memory_name *name = memory_name_make(m, path);

    name->now = name->durable = number;
    name->between_count = 0;
    if (bytes > 0)
        memory_inode_write(&m->inodes[number], data, bytes, 0);
    memory_inode_sync(&m->inodes[number]);
}
