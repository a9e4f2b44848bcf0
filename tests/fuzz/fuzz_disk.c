/* SPDX-License-Identifier: MIT
 * A disk that only reads; see fuzz_disk.h. */
#include "fuzz_disk.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <string.h>

#define FD_FIRST    1000  /* so that nobody takes them for the system's */
#define FENCE_BYTES 65536 /* untouchable behind the end of a file */

static struct fuzz_disk *of(struct disk *disk)
{
    return (struct fuzz_disk *)(void *)disk;
}

/* Counts the call; true when it is to fail. */
static bool fails(struct disk *disk)
{
    return ++of(disk)->calls == of(disk)->fail_call;
}

static struct span content_of(struct disk *disk, int fd)
{
    must(fd >= FD_FIRST && (size_t)(fd - FD_FIRST) < of(disk)->file_count);
    return of(disk)->files[fd - FD_FIRST].content;
}

static int fuzz_open(struct disk *disk, const char *path, int flags, mode_t mode)
{
    struct fuzz_disk *f = of(disk);
    (void)mode;
    must((flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT));
    if (fails(disk))
        return -EIO;
    if (flags & O_DIRECT && !f->direct)
        return -EINVAL;
    for (size_t i = 0; i < f->file_count; i++) {
        if (strcmp(f->files[i].path, path) == 0) {
            f->files[i].direct = flags & O_DIRECT;
            f->open_count++;
            return FD_FIRST + (int)i;
        }
    }
    return -ENOENT;
}

static int fuzz_close(struct disk *disk, int fd)
{
    content_of(disk, fd);
    must(of(disk)->open_count-- > 0);
    return 0;
}

static ssize_t fuzz_pread(struct disk *disk, int fd, void *data, size_t bytes, uint64_t offset)
{
    struct fuzz_disk *f = of(disk);
    struct span content = content_of(disk, fd);
    ASAN_UNPOISON_MEMORY_REGION(data, bytes);
    if (fails(disk))
        return -EIO;
    size_t there = offset < content.bytes ? content.bytes - offset : 0, done = bytes < there ? bytes : there;
    if (done) {
        must(!f->files[fd - FD_FIRST].direct ||
             (offset % DISK_ALIGN == 0 && bytes % DISK_ALIGN == 0 && (uintptr_t)data % DISK_ALIGN == 0));
        memcpy(data, content.at + offset, done);
    }
    ASAN_POISON_MEMORY_REGION((char *)data + done, bytes - done < FENCE_BYTES ? bytes - done : FENCE_BYTES);
    return (ssize_t)done;
}

static int fuzz_stat(struct disk *disk, int fd, struct disk_stat *out)
{
    if (fails(disk))
        return -EIO;
    *out = (struct disk_stat){.regular = true, .bytes = content_of(disk, fd).bytes};
    return 0;
}

static int fuzz_list(struct disk *disk, const char *path, disk_name *take, void *arg)
{
    const struct fuzz_disk *f = of(disk);
    size_t length = strlen(path);
    for (size_t i = 0; i < f->file_count; i++) {
        const char *name = f->files[i].path + length;
        if (strncmp(f->files[i].path, path, length) == 0 && name[0] == '/' && !strchr(name + 1, '/'))
            take(name + 1, arg);
    }
    return 0;
}

static int fuzz_fdatasync(struct disk *disk, int fd)
{
    content_of(disk, fd);
    return 0;
}

static int fuzz_drop_cache(struct disk *disk, int fd)
{
    content_of(disk, fd);
    return 0;
}

void fuzz_disk_init(struct fuzz_disk *f)
{
    static const struct disk_calls calls = {
        .open = fuzz_open,
        .close = fuzz_close,
        .pread = fuzz_pread,
        .fdatasync = fuzz_fdatasync,
        .stat = fuzz_stat,
        .list = fuzz_list,
        .drop_cache = fuzz_drop_cache,
    };
    *f = (struct fuzz_disk){.disk = {&calls}, .direct = true};
}

void fuzz_disk_add(struct fuzz_disk *f, const char *path, struct span content)
{
    must(f->file_count < FUZZ_FILES_MAX && strlen(path) < sizeof f->files[0].path);
    strcpy(f->files[f->file_count].path, path);
    f->files[f->file_count++].content = content;
}
