/* SPDX-License-Identifier: MIT
 * Tests of walkvd/disk: what removing a file later does at once, and that it comes to an end. */
#include "disk.h"
#include "kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void disk_suite(void);

enum { FILES = 12 };

static void make_file(const char *path, uint64_t bytes)
{
    struct disk *disk = disk_system();
    int fd = disk_open(disk, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT(disk_fallocate(disk, fd, 0, bytes) == 0);
    disk_close(disk, fd);
}

static unsigned open_files(void)
{
    DIR *all = opendir("/proc/self/fd");
    unsigned count = 0;
    CU_ASSERT_FATAL(all != NULL);
    while (readdir(all))
        count++;
    closedir(all);
    return count;
}

static void test_unlink_later(void)
{
    static const uint64_t sizes[] = {1, 1024 * 1024 - 1, 1024 * 1024, 8 * 1024 * 1024};
    struct disk *disk = disk_system();
    char dir[KIT_PATH_BYTES], path[2 * KIT_PATH_BYTES];
    struct disk_stat st;
    kit_temp_dir(dir);
    unsigned before = open_files();
    /* More at once than there are threads for. */
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/wal/%u", dir, i);
        make_file(path, sizes[i % COUNT(sizes)]);
    }
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/wal/%u", dir, i);
        CHECK(disk_unlink_later(disk, path) == 0, "file %u", i);
        CHECK(disk_stat_path(disk, path, &st) == -ENOENT, "file %u", i);
        CHECK(disk_unlink_later(disk, path) == -ENOENT, "file %u", i);
    }
    for (unsigned ms = 0; open_files() != before && ms < 10000; ms++)
        usleep(1000);
    CU_ASSERT_EQUAL(open_files(), before);
    /* A directory stays, and so does what a link leads to. */
    snprintf(path, sizeof path, "%s/snapshots", dir);
    CU_ASSERT(disk_unlink_later(disk, path) < 0);
    snprintf(path, sizeof path, "%s/wal/kept", dir);
    make_file(path, 1024 * 1024);
    char link[2 * KIT_PATH_BYTES];
    snprintf(link, sizeof link, "%s/wal/link", dir);
    CU_ASSERT(symlink(path, link) == 0);
    CU_ASSERT(disk_unlink_later(disk, link) == 0);
    CU_ASSERT(disk_stat_path(disk, path, &st) == 0);
    kit_remove_dir(dir);
}

void disk_suite(void)
{
    CU_pSuite suite = CU_add_suite("disk", NULL, NULL);
    CU_add_test(suite, "a file whose room nobody waits for", test_unlink_later);
}
