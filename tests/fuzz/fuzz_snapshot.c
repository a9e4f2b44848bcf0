/* SPDX-License-Identifier: MIT
 *
 * The reader of a snapshot. The input: two bytes of flags (little-endian), the number of the call of the sink
 * that fails, the number of the call of the disk that fails (a byte each, 0: none), then header, blocks and
 * footer with FUZZ_NEXT between them.
 *
 * Whatever is forged, nothing may happen but a verdict: pages come in order and as many as were announced, a
 * snapshot is valid only with all of them, and the same bytes get the same verdict with a sink and without.
 */
#include "fuzz.h"

#include "bytes.h"
#include "fuzz_disk.h"
#include "snapshot.h"

#include <errno.h>
#include <xxhash.h>

#define PATH "/f/snapshots/0000000000000001.snap"

enum flag {
    SEAL_HEADER = 1,
    SEAL_DATA = 2,    /* of blocks */
    SEAL_BLOCKS = 4,  /* their headers */
    SEAL_FOOTER = 8,  /* total checksum and its own */
    FIT = 16,         /* numbers, sizes and counts are those that would be right */
    ANY_STORE = 32,   /* the caller does not say which store it wants */
    PAD = 64,         /* header and footer have their full size, with zeros */
    NOT_DIRECT = 128, /* the file system has no O_DIRECT */
};

enum { VALID, TWO_BLOCKS, COMPRESSED, AS_IT_WAS, DAMAGED, CUT, FOREIGN, NEWER, SINK_FAILED, DISK_FAILED };

const char *const fuzz_goals[] = {
    [VALID] = "a valid snapshot",
    [TWO_BLOCKS] = "one of two blocks",
    [COMPRESSED] = "a compressed block",
    [AS_IT_WAS] = "a block as it was",
    [DAMAGED] = "damage",
    [CUT] = "a cut file",
    [FOREIGN] = "a foreign snapshot",
    [NEWER] = "a newer snapshot",
    [SINK_FAILED] = "a sink that fails",
    [DISK_FAILED] = "a disk that fails",
    NULL,
};

/* --- from the input to a file --- */

static void pad(struct buffer *image, size_t begin, size_t bytes)
{
    if (image->bytes - begin < bytes) {
        size_t count = bytes - (image->bytes - begin);
        memset(buffer_extend(image, count), 0, count);
    }
}

struct forger {
    unsigned flags;
    struct buffer image;
    uint64_t seed; /* header checksum */
    uint64_t all, done, blocks, lsn;
    XXH3_state_t *total;
};

static void forge_header(struct forger *f)
{
    char *at = f->image.data;
    XXH3_64bits_reset(f->total);
    if (f->image.bytes < SNAPSHOT_HEADER_BYTES)
        return;
    if (f->flags & SEAL_HEADER)
        put_u64(at + SNAPSHOT_HEADER_BYTES - 8, XXH3_64bits(at, SNAPSHOT_HEADER_BYTES - 8));
    f->seed = get_u64(at + SNAPSHOT_HEADER_BYTES - 8);
    f->lsn = get_u64(at + 32);
    f->all = get_u64(at + 56) * get_u32(at + 12);
    XXH3_64bits_reset_withSeed(f->total, f->seed);
}

static void forge_block(struct forger *f, char *at, size_t bytes)
{
    uint64_t left = f->all - f->done, stored = bytes - SNAPSHOT_BLOCK_HEADER_BYTES;
    uint64_t raw = left < SNAPSHOT_BLOCK_BYTES ? left : SNAPSHOT_BLOCK_BYTES;
    if (f->flags & FIT) {
        put_u32(at + 4, (uint32_t)stored);
        put_u32(at + 8, (uint32_t)raw);
        put_u64(at + 16, f->blocks);
    }
    if (f->flags & SEAL_DATA)
        put_u64(at + 24, XXH3_64bits(at + SNAPSHOT_BLOCK_HEADER_BYTES, stored));
    if (f->flags & SEAL_BLOCKS)
        put_u64(at + 32, XXH3_64bits_withSeed(at, 32, f->seed));
    XXH3_64bits_update(f->total, at, SNAPSHOT_BLOCK_HEADER_BYTES);
    f->done += raw;
    f->blocks++;
}

static void forge_footer(struct forger *f, char *at)
{
    if (f->flags & FIT) {
        put_u64(at + 8, f->blocks);
        put_u64(at + 16, f->all);
        put_u64(at + 24, f->lsn);
    }
    if (f->flags & SEAL_FOOTER) {
        put_u64(at + 32, XXH3_64bits_digest(f->total));
        put_u64(at + 56, XXH3_64bits_withSeed(at, 56, f->seed));
    }
}

static void build(struct forger *f, struct span rest)
{
    struct span piece = fuzz_cut(&rest, FUZZ_NEXT);
    buffer_append(&f->image, piece.at, piece.bytes);
    if (f->flags & PAD)
        pad(&f->image, 0, SNAPSHOT_HEADER_BYTES);
    forge_header(f);
    while (rest.bytes) {
        piece = fuzz_cut(&rest, FUZZ_NEXT);
        size_t begin = f->image.bytes;
        buffer_append(&f->image, piece.at, piece.bytes);
        if (!rest.bytes && f->flags & PAD)
            pad(&f->image, begin, SNAPSHOT_FOOTER_BYTES);
        size_t bytes = f->image.bytes - begin;
        if (rest.bytes && bytes >= SNAPSHOT_BLOCK_HEADER_BYTES)
            forge_block(f, f->image.data + begin, bytes);
        else if (!rest.bytes && bytes >= SNAPSHOT_FOOTER_BYTES)
            forge_footer(f, f->image.data + begin);
    }
}

/* --- what the reader hands over --- */

struct pages {
    uint64_t fail_at; /* call of the sink; 0: never */
    uint64_t calls;
    uint64_t all;
    uint64_t done;
    uint64_t checksum;
};

static int take(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    struct pages *p = arg;
    if (++p->calls == p->fail_at)
        return -ENOSPC;
    if (p->calls == 1) {
        must(!data && offset == 0);
        p->all = bytes;
        return 0;
    }
    must(data && bytes >= 1 && bytes <= SNAPSHOT_BLOCK_BYTES && offset == p->done &&
         bytes <= p->all - p->done);
    p->done += bytes;
    p->checksum = XXH3_64bits_withSeed(data, bytes, p->checksum);
    return 0;
}

/* Encoded anew, each part of a valid snapshot is what stands in the file, but for zeros that nobody checks.
 */
static void check_encoding(const struct buffer *image, const struct snapshot_header *header)
{
    struct snapshot_header h = *header, back;
    struct snapshot_footer footer, footer_back;
    char out[SNAPSHOT_HEADER_BYTES];
    snapshot_header_encode(out, &h);
    must(snapshot_header_decode(out, &back) == SNAPSHOT_VALID);
    must(memcmp(&h, &back, sizeof h) == 0);
    uint64_t number = 0;
    size_t at = SNAPSHOT_HEADER_BYTES;
    for (struct snapshot_block block; image->bytes - at > SNAPSHOT_FOOTER_BYTES; at += block.stored_bytes) {
        must(snapshot_block_decode(image->data + at, &block, header->checksum));
        snapshot_block_encode(out, &block, header->checksum);
        must(memcmp(out, image->data + at, SNAPSHOT_BLOCK_HEADER_BYTES) == 0);
        at += SNAPSHOT_BLOCK_HEADER_BYTES;
        fuzz_reached(block.compressed ? COMPRESSED : AS_IT_WAS);
        must(block.number == number++);
    }
    if (number > 1)
        fuzz_reached(TWO_BLOCKS);
    must(snapshot_footer_decode(image->data + at, &footer, header->checksum));
    must(footer.blocks == number && footer.raw_bytes == h.pages * h.page_bytes && footer.lsn == h.lsn);
    must(at + SNAPSHOT_FOOTER_BYTES == image->bytes);
    snapshot_footer_encode(out, &footer, header->checksum);
    must(snapshot_footer_decode(out, &footer_back, header->checksum));
    must(memcmp(&footer, &footer_back, sizeof footer) == 0);
}

static void check_finding(int verdict, const struct snapshot_finding *f, size_t file_bytes)
{
    static const unsigned goals[] = {[SNAPSHOT_VALID] = VALID,
                                     [SNAPSHOT_DAMAGED] = DAMAGED,
                                     [SNAPSHOT_FOREIGN] = FOREIGN,
                                     [SNAPSHOT_NEWER] = NEWER,
                                     [SNAPSHOT_UNREADABLE] = DISK_FAILED};
    must(verdict == (int)f->verdict && (verdict == SNAPSHOT_VALID) == (f->sentence[0] == '\0'));
    must(f->offset <= file_bytes && (verdict == SNAPSHOT_UNREADABLE) == (f->error > 0));
    fuzz_reached(goals[verdict]);
    if (strstr(f->sentence, "cut off"))
        fuzz_reached(CUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct forger f = {.flags = read_u16(&r), .total = XXH3_createState()};
    struct span fails = read_span(&r, 2);
    if (!r.bad)
        build(&f, (struct span){r.at, (size_t)(r.end - r.at)});
    XXH3_freeState(f.total);
    const uint8_t *uuid = f.flags & ANY_STORE ? NULL : (const uint8_t *)FUZZ_UUID;

    struct fuzz_disk disk;
    fuzz_disk_init(&disk);
    fuzz_disk_add(&disk, PATH, buffer_span(&f.image));
    disk.direct = !(f.flags & NOT_DIRECT);
    struct snapshot_header header, header_without = {0};
    struct snapshot_finding finding, without;
    struct pages pages = {0};
    int verdict = snapshot_read(&disk.disk, PATH, uuid, take, &pages, &header, &finding);
    check_finding(verdict, &finding, f.image.bytes);
    must(disk.open_count == 0 && verdict != SNAPSHOT_UNREADABLE);
    if (verdict == SNAPSHOT_VALID) {
        must(pages.all == header.pages * header.page_bytes && pages.done == pages.all);
        must(!uuid || memcmp(uuid, header.uuid, UUID_BYTES) == 0);
        check_encoding(&f.image, &header);
    }

    if (!r.bad && fails.at[0]) {
        /* A sink that fails. */
        struct pages failing = {.fail_at = (uint8_t)fails.at[0]};
        verdict = snapshot_read(&disk.disk, PATH, uuid, take, &failing, &header_without, &without);
        must((verdict == -1) == (failing.calls == failing.fail_at));
        must(verdict != -1 || without.error == ENOSPC);
        must(verdict == -1 || memcmp(&finding, &without, sizeof finding) == 0);
        if (verdict == -1)
            fuzz_reached(SINK_FAILED);
    } else if (!r.bad && fails.at[1]) {
        /* A disk that fails, and no sink. */
        disk.fail_call = disk.calls + (uint8_t)fails.at[1];
        verdict = snapshot_read(&disk.disk, PATH, uuid, NULL, NULL, &header_without, &without);
        check_finding(verdict, &without, f.image.bytes);
        if (disk.calls >= disk.fail_call)
            must(verdict == SNAPSHOT_UNREADABLE && without.error == EIO);
        else
            must(memcmp(&finding, &without, sizeof finding) == 0);
    }
    must(disk.open_count == 0);
    buffer_free(&f.image);
    return 0;
}
