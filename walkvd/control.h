/* SPDX-License-Identifier: MIT
 *
 * The control file, `control` in the data directory: whose store this is, and what was durable when it was
 * last replaced. It is the witness that stands outside the log: a log that ends before what it says has lost
 * something. It is replaced as a whole (write, sync, rename, sync of the directory), never changed in place.
 *
 *     offset width
 *      0     8    magic "WALKVCTL"
 *      8     4    format version (CONTROL_VERSION)
 *     12     4    1: running, or stopped by force; 2: stopped cleanly at `last LSN`
 *     16    16    store UUID
 *     32     8    first LSN (the name) of the newest segment that may hold acknowledged data; 0: none yet
 *     40     8    last LSN known to be durable
 *     48     8    LSN of the newest snapshot; 0: none
 *     56     8    the log is kept from behind this LSN: that of the snapshot before the newest, or, when the
 *                 disk was full, of the newest itself; 0: from the beginning
 *     64     8    written, ns since 1970
 *     72          zeros
 *    504     8    XXH3-64 of bytes 0 to 503, seed 0 (this place is the same in every version)
 *
 * Changing it: bump CONTROL_VERSION, keep reading the version before, extend control_test.c.
 */
#ifndef WALKV_WALKVD_CONTROL_H
#define WALKV_WALKVD_CONTROL_H

#include "bounds.h"
#include "disk.h"

#include <stdbool.h>
#include <stdint.h>

#define CONTROL_VERSION 1u
#define CONTROL_BYTES   512u
#define CONTROL_NAME    "control"

struct control {
    bool clean;
    uint8_t uuid[UUID_BYTES];
    uint64_t segment_lsn;
    uint64_t last_lsn;
    uint64_t snapshot_lsn;
    uint64_t older_snapshot_lsn;
    uint64_t written_ns;
};

enum control_verdict {
    CONTROL_VALID,
    CONTROL_ABSENT,
    CONTROL_DAMAGED,
    CONTROL_NEWER,
    CONTROL_UNREADABLE, /* `*error` is the errno */
};

enum control_verdict control_read(struct disk *, const char *data_dir, struct control *, int *error);

/* Replaces the file durably. Returns 0 or a negative errno. */
int control_write(struct disk *, const char *data_dir, struct control *);

/* The same in two steps, so that a full disk shows in the first, when nothing has been changed: a descriptor
 * or a negative errno; and the rest, which closes it. */
int control_reserve(struct disk *, const char *data_dir);
int control_write_reserved(struct disk *, int fd, const char *data_dir, struct control *);

/* Checks the bytes of a control file; for control_read() and its tests. */
enum control_verdict control_decode(const char *bytes, size_t count, struct control *);
void control_encode(char out[CONTROL_BYTES], const struct control *);

#endif
