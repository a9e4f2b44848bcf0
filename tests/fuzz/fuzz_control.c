/* SPDX-License-Identifier: MIT
 *
 * The control file. The input: a byte of flags, then the file.
 * What is taken for valid comes back the same when it is written again; any other length is damage.
 */
#include "fuzz.h"

#include "bytes.h"
#include "control.h"
#include "fuzz_disk.h"

#include <stdio.h>
#include <xxhash.h>

enum flag { SEAL = 1 /* the full size, with zeros, and the checksum that fits */ };

enum { RUNNING, CLEAN, DAMAGED, NEWER };

const char *const fuzz_goals[] = {
    [RUNNING] = "running", [CLEAN] = "stopped cleanly", [DAMAGED] = "damage", [NEWER] = "a newer one", NULL,
};

static bool same(const struct control *a, const struct control *b)
{
    return a->clean == b->clean && memcmp(a->uuid, b->uuid, UUID_BYTES) == 0 &&
           a->segment_lsn == b->segment_lsn && a->last_lsn == b->last_lsn &&
           a->snapshot_lsn == b->snapshot_lsn && a->older_snapshot_lsn == b->older_snapshot_lsn &&
           a->written_ns == b->written_ns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer image = {0};
    struct fuzz_disk disk;
    struct control control, back;
    char again[CONTROL_BYTES];
    int error;
    if (size)
        buffer_append(&image, data + 1, size - 1);
    if (size && data[0] & SEAL) {
        if (image.bytes < CONTROL_BYTES)
            memset(buffer_extend(&image, CONTROL_BYTES - image.bytes), 0, CONTROL_BYTES - (size - 1));
        put_u64(image.data + CONTROL_BYTES - 8, XXH3_64bits(image.data, CONTROL_BYTES - 8));
    }
    fuzz_disk_init(&disk);
    fuzz_disk_add(&disk, "/f/" CONTROL_NAME, buffer_span(&image));
    enum control_verdict verdict = control_read(&disk.disk, "/f", &control, &error);
    must(disk.open_count == 0 && error == 0 && verdict != CONTROL_ABSENT && verdict != CONTROL_UNREADABLE);
    must(verdict == CONTROL_DAMAGED || image.bytes == CONTROL_BYTES);
    if (verdict == CONTROL_VALID) {
        control_encode(again, &control);
        must(control_decode(again, sizeof again, &back) == CONTROL_VALID && same(&control, &back));
    }
    fuzz_reached(verdict == CONTROL_DAMAGED ? DAMAGED
                 : verdict == CONTROL_NEWER ? NEWER
                 : control.clean            ? CLEAN
                                            : RUNNING);
    buffer_free(&image);
    return 0;
}
