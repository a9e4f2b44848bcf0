/* SPDX-License-Identifier: MIT
 *
 * A log of up to six segments, made from the input of a target:
 *
 *     offset width
 *      0     1    flags: what is forged (enum fuzz_log_flag)
 *      1     1    the call of the disk with this number fails; 0: none
 *      2     8    from LSN         10 8 durable LSN          18 8 newest segment, as the caller knows them
 *     26          segments, FUZZ_NEXT FUZZ_NEXT between them
 *
 * A segment is a byte that is added to its first LSN to give its name (0 in a sound log), the fields of its
 * header block, and batches, with FUZZ_NEXT between them. Each of these begins on a block boundary in the
 * file.
 */
#ifndef WALKV_TESTS_FUZZ_FUZZ_LOG_H
#define WALKV_TESTS_FUZZ_FUZZ_LOG_H

#include "fuzz.h"
#include "fuzz_disk.h"
#include "wal_log.h"

#define FUZZ_LOG_DIR "/f"

enum { FUZZ_SEGMENTS_MAX = 6 };

enum fuzz_log_flag {
    FUZZ_LOG_HEADERS = 1,     /* segment headers get the checksum that fits */
    FUZZ_LOG_PAYLOADS = 2,    /* and payloads */
    FUZZ_LOG_BATCHES = 4,     /* and batch headers */
    FUZZ_LOG_CHAIN = 8,       /* batches continue the one before, by chain and LSN */
    FUZZ_LOG_LINK = 16,       /* segments link to the one before */
    FUZZ_LOG_GROW = 32,       /* files have zeros at the end, up to the size in their header */
    FUZZ_LOG_FIT = 64,        /* batches have the payload bytes that are there */
    FUZZ_LOG_NOT_DIRECT = 128 /* the file system has no O_DIRECT */
};

struct fuzz_log {
    uint8_t flags;
    uint64_t fail_call, from_lsn, durable_lsn, newest_segment;
    struct fuzz_log_file {
        uint64_t name;
        struct buffer image;
    } files[FUZZ_SEGMENTS_MAX]; /* by name, which is not 0 and not there twice */
    size_t count;
};

void fuzz_log_build(struct fuzz_log *, const uint8_t *data, size_t size);
void fuzz_log_free(struct fuzz_log *);
bool fuzz_log_has(const struct fuzz_log *, uint64_t name);

/* Puts the files on a disk, which borrows them, and lists them as the product does; wal_log_free() the list.
 */
void fuzz_log_put(const struct fuzz_log *, struct fuzz_disk *);
void fuzz_log_list(const struct fuzz_log *, struct fuzz_disk *, struct wal_log *);

/* The payload of a batch that was handed out: records and nothing else, that encode to the same bytes again.
 * Sets the bit of each operation in `*ops`. */
void fuzz_log_check_records(struct span payload, uint32_t count, uint64_t *ops);

/* What every finding says, and that it speaks of a file that is there exactly when it is not missing. */
void fuzz_log_check_finding(const struct fuzz_log *, const struct wal_finding *);

#endif
