/* SPDX-License-Identifier: MIT
 *
 * A disk that only reads: files are blocks of memory under given paths. It behaves like O_DIRECT of Linux, is
 * strict about its alignment, and makes the bytes behind the end of a file, which such a read leaves in the
 * caller's buffer, untouchable, so that ASan sees a reader that goes on into them.
 */
#ifndef WALKV_TESTS_FUZZ_FUZZ_DISK_H
#define WALKV_TESTS_FUZZ_FUZZ_DISK_H

#include "disk.h"
#include "span.h"

#define FUZZ_FILES_MAX 8

struct fuzz_disk {
    struct disk disk; /* first, so that one is the other */
    struct {
        char path[64];
        struct span content; /* borrowed */
        bool direct;         /* how it was opened last */
    } files[FUZZ_FILES_MAX];
    size_t file_count;
    size_t open_count;  /* 0 again when the product has closed what it opened */
    bool direct;        /* false: there is no O_DIRECT on this file system */
    uint64_t calls;     /* so far: opening, asking for the size, reading */
    uint64_t fail_call; /* the one with this number fails with EIO; 0: none */
};

void fuzz_disk_init(struct fuzz_disk *);
void fuzz_disk_add(struct fuzz_disk *, const char *path, struct span content);

#endif
