/* SPDX-License-Identifier: MIT
 * The disk in memory; see memory_disk.h. */
#include "memory_disk.h"

#include "kit.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define FD_FIRST 1000 /* so that nobody takes them for the system's */

struct memory_inode {
    char *now;
    char *durable;
    bool *dirty; /* one per sector: a sync would write it */
    uint64_t bytes;
    uint64_t durable_bytes;
    uint64_t room; /* of all three, what is behind the end is zero */
};

static struct memory_disk *of(struct disk *disk)
{
    return (struct memory_disk *)(void *)disk;
}

/* Counts the call; a negative errno when it is to fail. */
static int tick(struct memory_disk *m, const char *call)
{
    m->calls++;
    if (m->fail_at == 0 || (m->for_ever ? m->calls < m->fail_at : m->calls != m->fail_at))
        return 0;
    if (m->failed_call == NULL)
        m->failed_call = call;
    return -m->error;
}

static void make_room(struct memory_inode *inode, uint64_t bytes)
{
    if (bytes <= inode->room && inode->room > 0)
        return;
    uint64_t room = inode->room > 0 ? inode->room : 8192;
    while (room < bytes)
        room *= 2;
    inode->now = realloc(inode->now, room);
    inode->durable = realloc(inode->durable, room);
    inode->dirty = realloc(inode->dirty, room / MEMORY_SECTOR_BYTES);
    must(inode->now != NULL && inode->durable != NULL && inode->dirty != NULL);
    memset(inode->now + inode->room, 0, room - inode->room);
    memset(inode->durable + inode->room, 0, room - inode->room);
    memset(inode->dirty + inode->room / MEMORY_SECTOR_BYTES, 0, (room - inode->room) / MEMORY_SECTOR_BYTES);
    inode->room = room;
}

static void touch(struct memory_inode *inode, uint64_t from, uint64_t to)
{
    for (uint64_t i = from / MEMORY_SECTOR_BYTES; i * MEMORY_SECTOR_BYTES < to; i++)
        inode->dirty[i] = true;
}

static struct memory_name *find(struct memory_disk *m, const char *path)
{
    for (size_t i = 0; i < m->name_count; i++) {
        if (strcmp(m->names[i].path, path) == 0)
            return &m->names[i];
    }
    return NULL;
}

static struct memory_name *find_or_add(struct memory_disk *m, const char *path)
{
    struct memory_name *name = find(m, path);

    if (name != NULL)
        return name;
    m->names = realloc(m->names, (m->name_count + 1) * sizeof(*m->names));
    must(m->names != NULL && strlen(path) < sizeof(name->path));
    name = &m->names[m->name_count++];
    *name = (struct memory_name){.now = -1, .durable = -1};
    strcpy(name->path, path);
    return name;
}

static int new_inode(struct memory_disk *m)
{
    m->inodes = realloc(m->inodes, (m->inode_count + 1) * sizeof(*m->inodes));
    must(m->inodes != NULL);
    m->inodes[m->inode_count] = (struct memory_inode){0};
    return (int)m->inode_count++;
}

static struct memory_inode *inode_of(struct memory_disk *m, int fd)
{
    must(fd >= FD_FIRST && fd < FD_FIRST + (int)COUNT(m->fds) && m->fds[fd - FD_FIRST] >= 0);
    return &m->inodes[m->fds[fd - FD_FIRST]];
}

static int memory_open(struct disk *disk, const char *path, int flags, mode_t mode)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "open"), inode = -2, fd = 0;

    (void)mode;
    if (rc != 0)
        return rc;
    if (!(flags & O_DIRECTORY)) {
        struct memory_name *name = find(m, path);
        bool there = name != NULL && name->now >= 0;

        if (there && (flags & O_EXCL))
            return -EEXIST;
        if (!there && !(flags & O_CREAT))
            return -ENOENT;
        if (!there) {
            name = find_or_add(m, path);
            name->now = new_inode(m);
        }
        inode = name->now;
        if (there && (flags & O_TRUNC)) {
            struct memory_inode *file = &m->inodes[inode];

            memset(file->now, 0, file->room);
            touch(file, 0, file->bytes);
            file->bytes = 0;
        }
    }
    while (fd < (int)COUNT(m->fds) && m->fds[fd] != -1)
        fd++;
    must(fd < (int)COUNT(m->fds) && strlen(path) < sizeof(m->fd_paths[fd]));
    m->fds[fd] = inode;
    strcpy(m->fd_paths[fd], path);
    return fd + FD_FIRST;
}

static int memory_close(struct disk *disk, int fd)
{
    must(fd >= FD_FIRST && of(disk)->fds[fd - FD_FIRST] != -1);
    of(disk)->fds[fd - FD_FIRST] = -1;
    return 0;
}

static ssize_t memory_pread(struct disk *disk, int fd, void *data, size_t bytes, uint64_t offset)
{
    int rc = tick(of(disk), "pread");
    const struct memory_inode *inode = inode_of(of(disk), fd);

    if (rc != 0)
        return rc;
    if (offset >= inode->bytes)
        return 0;
    if (bytes > inode->bytes - offset)
        bytes = inode->bytes - offset;
    memcpy(data, inode->now + offset, bytes);
    return (ssize_t)bytes;
}

static ssize_t memory_pwrite(struct disk *disk, int fd, const void *data, size_t bytes, uint64_t offset)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "pwrite");
    struct memory_inode *inode = inode_of(m, fd);

    m->changes++;
    if (m->write_room > 0 && bytes > m->write_room)
        bytes = m->write_room;
    size_t done = rc == 0 ? bytes : bytes / 2; /* a write that fails may have written some of it */
    make_room(inode, offset + done);
    memcpy(inode->now + offset, data, done);
    touch(inode, offset, offset + done);
    if (inode->bytes < offset + done)
        inode->bytes = offset + done;
    return rc == 0 ? (ssize_t)done : rc;
}

static int sync_inode(struct memory_disk *m, int fd, const char *call)
{
    int rc = tick(m, call);
    struct memory_inode *inode = inode_of(m, fd);

    m->changes++;
    m->sync_failed = m->sync_failed || rc != 0;
    for (uint64_t i = 0; i < inode->room / MEMORY_SECTOR_BYTES; i++) {
        uint64_t at = i * MEMORY_SECTOR_BYTES;

        if (inode->dirty[i] && rc == 0)
            memcpy(inode->durable + at, inode->now + at, MEMORY_SECTOR_BYTES);
        inode->dirty[i] = false; /* also when it failed: Linux drops it */
    }
    if (rc == 0)
        inode->durable_bytes = inode->bytes;
    return rc;
}

static int memory_fdatasync(struct disk *disk, int fd)
{
    return sync_inode(of(disk), fd, "fdatasync");
}

static bool lies_in(const char *path, const char *dir)
{
    size_t length = strlen(dir);

    return strncmp(path, dir, length) == 0 && path[length] == '/' && strchr(path + length + 1, '/') == NULL;
}

static int memory_fsync(struct disk *disk, int fd)
{
    struct memory_disk *m = of(disk);

    if (m->fds[fd - FD_FIRST] != -2)
        return sync_inode(m, fd, "fsync");
    int rc = tick(m, "fsync");

    m->changes++;
    m->sync_failed = m->sync_failed || rc != 0;
    for (size_t i = 0; i < m->name_count && rc == 0; i++) {
        if (lies_in(m->names[i].path, m->fd_paths[fd - FD_FIRST]))
            m->names[i].durable = m->names[i].now;
    }
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
    int rc = tick(of(disk), "fallocate");
    struct memory_inode *inode = inode_of(of(disk), fd);

    if (rc != 0)
        return rc;
    make_room(inode, offset + bytes);
    if (inode->bytes < offset + bytes)
        inode->bytes = offset + bytes;
    return 0;
}

static int memory_ftruncate(struct disk *disk, int fd, uint64_t bytes)
{
    int rc = tick(of(disk), "ftruncate");
    struct memory_inode *inode = inode_of(of(disk), fd);

    if (rc != 0)
        return rc;
    make_room(inode, bytes);
    memset(inode->now + bytes, 0, inode->room - bytes);
    touch(inode, bytes, inode->bytes);
    inode->bytes = bytes;
    return 0;
}

static int64_t memory_size(struct disk *disk, int fd)
{
    int rc = tick(of(disk), "size");

    return rc != 0 ? rc : (int64_t)inode_of(of(disk), fd)->bytes;
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

    m->changes++;
    if (rc != 0)
        return rc;
    struct memory_name *target = find_or_add(m, to), *source = find(m, from);
    if (source == NULL || source->now < 0)
        return -ENOENT;
    target->now = source->now;
    source->now = -1;
    return 0;
}

static int memory_unlink(struct disk *disk, const char *path)
{
    struct memory_disk *m = of(disk);
    int rc = tick(m, "unlink");
    struct memory_name *name = find(m, path);

    if (rc != 0 || name == NULL || name->now < 0)
        return rc != 0 ? rc : -ENOENT;
    name->now = -1;
    return 0;
}

static int memory_mkdir(struct disk *disk, const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    return tick(of(disk), "mkdir");
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
    .size = memory_size,
    .free_bytes = memory_free_bytes,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .mkdir = memory_mkdir,
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
    copy->inodes = (void *)kit_boxed(m->inodes, m->inode_count * sizeof(*m->inodes));
    for (size_t i = 0; i < m->inode_count; i++) {
        struct memory_inode *inode = &copy->inodes[i];

        inode->now = kit_boxed(inode->now, inode->room);
        inode->durable = kit_boxed(inode->durable, inode->room);
        inode->dirty = (void *)kit_boxed(inode->dirty, inode->room / MEMORY_SECTOR_BYTES);
    }
    return copy;
}

void memory_disk_free(struct memory_disk **disk)
{
    struct memory_disk *m = *disk;

    for (size_t i = 0; i < m->inode_count; i++) {
        free(m->inodes[i].now);
        free(m->inodes[i].durable);
        free(m->inodes[i].dirty);
    }
    free(m->inodes);
    free(m->names);
    free(m);
    *disk = NULL;
}

static bool survives(enum memory_loss loss, uint64_t *random)
{
    return loss == MEMORY_LOSE_NOTHING || (loss == MEMORY_LOSE_SOME && kit_below(random, 2) == 1);
}

void memory_disk_cut(struct memory_disk *m, enum memory_loss loss, uint64_t *random)
{
    /* All names of a directory together: a file system writes them in order, and the order is the calls'. */
    bool names_survive[2] = {survives(loss, random), survives(loss, random)};

    for (size_t i = 0; i < m->name_count; i++) {
        struct memory_name *name = &m->names[i];
        bool in_wal = strstr(name->path, "/wal/") != NULL;

        if (names_survive[in_wal])
            name->durable = name->now;
        else
            name->now = name->durable;
    }
    for (size_t i = 0; i < m->inode_count; i++) {
        struct memory_inode *inode = &m->inodes[i];

        for (uint64_t at = 0; at < inode->room; at += MEMORY_SECTOR_BYTES) {
            inode->dirty[at / MEMORY_SECTOR_BYTES] = false;
            if (memcmp(inode->durable + at, inode->now + at, MEMORY_SECTOR_BYTES) == 0)
                continue;
            if (survives(loss, random))
                memcpy(inode->durable + at, inode->now + at, MEMORY_SECTOR_BYTES);
        }
        if (inode->bytes != inode->durable_bytes && survives(loss, random))
            inode->durable_bytes = inode->bytes;
        inode->bytes = inode->durable_bytes;
        if (inode->room > 0) {
            memset(inode->durable + inode->bytes, 0, inode->room - inode->bytes);
            memcpy(inode->now, inode->durable, inode->room);
        }
    }
    for (size_t i = 0; i < COUNT(m->fds); i++)
        m->fds[i] = -1;
    m->fail_at = 0;
}

struct memory_name *memory_disk_name(struct memory_disk *m, const char *path)
{
    struct memory_name *name = find(m, path);

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
    struct memory_name *name = find_or_add(m, path);
    struct memory_inode *inode;

    name->now = name->durable = new_inode(m);
    inode = &m->inodes[name->now];
    make_room(inode, bytes);
    memcpy(inode->now, data, bytes);
    memcpy(inode->durable, data, bytes);
    inode->bytes = inode->durable_bytes = bytes;
}

static int compare_lsns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

void memory_disk_list(const struct memory_disk *m, const char *data_dir, struct wal_log *log)
{
    size_t length = strlen(data_dir);

    *log = (struct wal_log){.first_lsns = calloc(m->name_count + 1, sizeof(*log->first_lsns))};
    must(log->first_lsns != NULL);
    for (size_t i = 0; i < m->name_count; i++) {
        const char *path = m->names[i].path;

        if (m->names[i].now >= 0 && strncmp(path, data_dir, length) == 0 &&
            strncmp(path + length, "/wal/", 5) == 0 &&
            wal_name_parse(path + length + 5, &log->first_lsns[log->count]))
            log->count++;
    }
    qsort(log->first_lsns, log->count, sizeof(*log->first_lsns), compare_lsns);
}
