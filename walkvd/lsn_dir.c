/* SPDX-License-Identifier: MIT
 * A directory whose files are named after LSNs; see lsn_dir.h. */
#include "lsn_dir.h"

#include "buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_lsns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct listing {
    bool (*parse)(const char *name, uint64_t *lsn);
    struct buffer lsns;
    size_t strangers;
    int error; /* 0 or a negative errno */
};

static void take_name(const char *name, void *arg)
{
    struct listing *l = arg;
    uint64_t lsn;
    const char *dot = strrchr(name, '.');
    if (l->parse(name, &lsn)) {
        if (buffer_reserve(&l->lsns, sizeof lsn))
            l->error = -ENOMEM;
        else
            buffer_append(&l->lsns, &lsn, sizeof lsn);
    } else if (name[0] != '.')
        l->strangers += !dot || strcmp(dot, ".tmp") != 0;
}

int lsn_dir_list(struct disk *disk, const char *path, bool (*parse)(const char *name, uint64_t *lsn),
                 uint64_t **lsns, size_t *count, size_t *strangers)
{
    struct listing l = {.parse = parse};
    *lsns = NULL;
    *count = 0;
    int rc = disk_list(disk, path, take_name, &l);
    if (strangers)
        *strangers = l.strangers;
    if (!rc)
        rc = l.error;
    if (rc) {
        buffer_free(&l.lsns);
        return rc;
    }
    *lsns = (uint64_t *)(void *)l.lsns.data;
    *count = l.lsns.bytes / sizeof **lsns;
    if (*count)
        qsort(*lsns, *count, sizeof **lsns, compare_lsns);
    return 0;
}
