/* SPDX-License-Identifier: MIT
 * A directory whose files are named after LSNs; see lsn_dir.h. */
#include "lsn_dir.h"

#include "buffer.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_lsns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int lsn_dir_list(const char *path, bool (*parse)(const char *name, uint64_t *lsn), uint64_t **lsns,
                 size_t *count, size_t *strangers)
{
    *lsns = NULL;
    *count = 0;
    if (strangers)
        *strangers = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    struct buffer found = {0};
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        uint64_t lsn;
        const char *dot = strrchr(entry->d_name, '.');
        if (parse(entry->d_name, &lsn))
            buffer_append(&found, &lsn, sizeof lsn);
        else if (strangers && entry->d_name[0] != '.')
            *strangers += !dot || strcmp(dot, ".tmp") != 0;
    }
    int rc = -errno;
    closedir(dir);
    if (rc) {
        buffer_free(&found);
        return rc;
    }
    *lsns = (uint64_t *)(void *)found.data;
    *count = found.bytes / sizeof **lsns;
    if (*count)
        qsort(*lsns, *count, sizeof **lsns, compare_lsns);
    return 0;
}
