/* SPDX-License-Identifier: MIT
 *
 * What a disk allows: how often one block of a log can be written behind the last one and synced with
 * fdatasync, in a file whose blocks are there already and hold zeros. That is what walkvd does for a batch,
 * and nothing else is done here. The file is made in a directory that is named, and gone afterwards. Prints
 * one line of JSON.
 *
 * usage: sync_rate DIRECTORY SECONDS [BLOCK_BYTES]
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 64 * 1024 * 1024, CHUNK_BYTES = 1024 * 1024, BLOCK_DEFAULT = 512, TIMES_MAX = 1 << 22 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void write_all(int fd, const char *bytes, size_t length, off_t offset)
{
    if (pwrite(fd, bytes, length, offset) != (ssize_t)length)
        err(EX_IOERR, "pwrite");
}

int main(int argc, char **argv)
{
    static char chunk[CHUNK_BYTES];
    if (argc < 3 || argc > 4)
        errx(EX_USAGE, "usage: sync_rate DIRECTORY SECONDS [BLOCK_BYTES]");
    double seconds = strtod(argv[2], NULL);
    size_t block = argc == 4 ? strtoul(argv[3], NULL, 10) : BLOCK_DEFAULT;
    if (!(seconds > 0) || block == 0 || block > CHUNK_BYTES)
        errx(EX_USAGE, "SECONDS is more than 0, BLOCK_BYTES 1 to %d", CHUNK_BYTES);

    int fd = open(argv[1], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system that has no unnamed files */
        char path[4096];
        snprintf(path, sizeof(path), "%s/sync_rate.XXXXXX", argv[1]);
        fd = mkstemp(path);
        if (fd < 0)
            err(EX_CANTCREAT, "%s", path);
        unlink(path);
    }
    for (off_t at = 0; at < FILE_BYTES; at += CHUNK_BYTES)
        write_all(fd, chunk, CHUNK_BYTES, at);
    if (fsync(fd) != 0)
        err(EX_IOERR, "fsync");

    uint32_t *times = malloc(TIMES_MAX * sizeof(*times));
    if (times == NULL)
        err(EX_OSERR, "malloc");
    memset(chunk, 'w', block);
    size_t count = 0;
    off_t at = 0;
    uint64_t began = now_ns(), last = began, end = began + (uint64_t)(seconds * 1e9);
    while (last < end && count < TIMES_MAX) {
        write_all(fd, chunk, block, at);
        if (fdatasync(fd) != 0)
            err(EX_IOERR, "fdatasync");
        at = at + 2 * (off_t)block > FILE_BYTES ? 0 : at + (off_t)block;
        uint64_t now = now_ns();
        times[count++] = (uint32_t)(now - last);
        last = now;
    }
    qsort(times, count, sizeof(*times), ascending);
    printf("{\"rate\":%.1f,\"requests\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"block_bytes\":%"
           "zu}\n",
           (double)count * 1e9 / (double)(last - began), count, times[count / 2] / 1e3,
           times[count * 99 / 100] / 1e3, times[count - 1] / 1e3, block);
    free(times);
    return 0;
}
