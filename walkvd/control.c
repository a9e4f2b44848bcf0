/* SPDX-License-Identifier: MIT
 * The control file; its picture is in control.h. */
#include "control.h"

#include "bytes.h"
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <xxhash.h>

#define CONTROL_MAGIC "WALKVCTL"

enum { STATE_RUNNING = 1, STATE_CLEAN = 2, CHECKSUM_AT = CONTROL_BYTES - 8 };

void control_encode(char out[CONTROL_BYTES], const struct control *c)
{
    memset(out, 0, CONTROL_BYTES);
    memcpy(out, CONTROL_MAGIC, 8);
    put_u32(out + 8, CONTROL_VERSION);
    put_u32(out + 12, c->clean ? STATE_CLEAN : STATE_RUNNING);
    memcpy(out + 16, c->uuid, UUID_BYTES);
    put_u64(out + 32, c->segment_lsn);
    put_u64(out + 40, c->last_lsn);
    put_u64(out + 48, c->snapshot_lsn);
    put_u64(out + 56, c->older_snapshot_lsn);
    put_u64(out + 64, c->written_ns);
    put_u64(out + CHECKSUM_AT, XXH3_64bits(out, CHECKSUM_AT));
}

enum control_verdict control_decode(const char *bytes, size_t count, struct control *c)
{
    if (count != CONTROL_BYTES || memcmp(bytes, CONTROL_MAGIC, 8) != 0 ||
        get_u64(bytes + CHECKSUM_AT) != XXH3_64bits(bytes, CHECKSUM_AT))
        return CONTROL_DAMAGED;
    if (get_u32(bytes + 8) != CONTROL_VERSION)
        return CONTROL_NEWER;
    uint32_t state = get_u32(bytes + 12);
    if (state != STATE_RUNNING && state != STATE_CLEAN)
        return CONTROL_DAMAGED;
    c->clean = state == STATE_CLEAN;
    memcpy(c->uuid, bytes + 16, UUID_BYTES);
    c->segment_lsn = get_u64(bytes + 32);
    c->last_lsn = get_u64(bytes + 40);
    c->snapshot_lsn = get_u64(bytes + 48);
    c->older_snapshot_lsn = get_u64(bytes + 56);
    c->written_ns = get_u64(bytes + 64);
    return CONTROL_VALID;
}

enum control_verdict control_read(struct disk *disk, const char *data_dir, struct control *c, int *error)
{
    char path[4096], bytes[CONTROL_BYTES];
    *error = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/" CONTROL_NAME, data_dir) >= sizeof path) {
        *error = ENAMETOOLONG;
        return CONTROL_UNREADABLE;
    }
    ssize_t n = disk_slurp(disk, path, bytes, sizeof bytes);
    if (n == -ENOENT)
        return CONTROL_ABSENT;
    if (n < 0 && n != -EFBIG) {
        *error = (int)-n;
        return CONTROL_UNREADABLE;
    }
    return control_decode(bytes, n < 0 ? 0 : (size_t)n, c);
}

static int replace_begin(struct disk *disk, const char *data_dir)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/" CONTROL_NAME, data_dir) >= sizeof path)
        return -ENAMETOOLONG;
    return disk_replace_begin(disk, path);
}

int control_reserve(struct disk *disk, const char *data_dir)
{
    static const char zeros[CONTROL_BYTES];
    int fd = replace_begin(disk, data_dir);
    int rc = fd < 0 ? fd : disk_write(disk, fd, zeros, sizeof zeros, 0);
    if (fd >= 0 && rc)
        disk_close(disk, fd);
    return rc ? rc : fd;
}

int control_write_reserved(struct disk *disk, int fd, const char *data_dir, struct control *c)
{
    char path[4096], bytes[CONTROL_BYTES];
    must((size_t)snprintf(path, sizeof path, "%s/" CONTROL_NAME, data_dir) < sizeof path);
    c->written_ns = clock_realtime_ns();
    control_encode(bytes, c);
    return disk_replace_end(disk, fd, data_dir, path, bytes, sizeof bytes);
}

int control_write(struct disk *disk, const char *data_dir, struct control *c)
{
    int fd = replace_begin(disk, data_dir);
    return fd < 0 ? fd : control_write_reserved(disk, fd, data_dir, c);
}
