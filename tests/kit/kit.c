/* SPDX-License-Identifier: MIT
 * Helpers of the tests; see kit.h. */
#include "kit.h"

#include "log.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool kit_check(bool holds, const char *file, int line, const char *condition, const char *format, ...)
{
    char text[400] = "";

    if (!holds) {
        va_list args;
        int used = snprintf(text, sizeof(text), "%.150s: ", condition);

        va_start(args, format);
        vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
        va_end(args);
    }
    CU_assertImplementation(holds, (unsigned)line, text, file, "", CU_FALSE);
    return holds;
}

uint64_t kit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

unsigned kit_below(uint64_t *state, unsigned limit)
{
    return (unsigned)(kit_random(state) >> 33) % limit;
}

void kit_temp_dir(char path[KIT_PATH_BYTES])
{
    char sub[KIT_PATH_BYTES + 16];

    snprintf(path, KIT_PATH_BYTES, "/dev/shm/walkv-unit.XXXXXX");
    must(mkdtemp(path) != NULL);
    snprintf(sub, sizeof(sub), "%s/wal", path);
    must(mkdir(sub, 0700) == 0);
    snprintf(sub, sizeof(sub), "%s/snapshots", path);
    must(mkdir(sub, 0700) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void kit_remove_dir(const char *path)
{
    must(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

char *kit_boxed(const void *bytes, size_t count)
{
    char *box = malloc(count > 0 ? count : 1);

    must(box != NULL);
    if (count > 0)
        memcpy(box, bytes, count);
    return box;
}
