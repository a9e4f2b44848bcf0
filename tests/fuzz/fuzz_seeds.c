/* SPDX-License-Identifier: MIT
 *
 * Writes seeds, one file each, to DIR/TARGET/: inputs from which a fuzzer gets everywhere sooner than from
 * nothing. What is binary comes from the product's own encoders, so that seeds follow a format that changes;
 * the layouts of the inputs stand at the head of each target. The corpus was grown from these (tests/fuzz/run
 * --merge).
 *
 *     fuzz_seeds DIR
 */
#include "fuzz_seeds.h"

#include "bytes.h"
#include "control.h"
#include "record.h"
#include "snapshot_format.h"
#include "wal_format.h"

#include <errno.h>
#include <lz4.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <xxhash.h>

static const char *dir;

void seed_save(const char *target, struct buffer *seed)
{
    static unsigned number;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, target);
    if (mkdir(path, 0777) && errno != EEXIST)
        fatal(EX_CANTCREAT, "%s: %m", path);
    snprintf(path, sizeof path, "%s/%s/%03u", dir, target, number++);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(seed->data, 1, seed->bytes, file) != seed->bytes || fclose(file))
        fatal(EX_CANTCREAT, "%s: %m", path);
    seed->bytes = 0;
}

void seed_save_text(const char *target, uint8_t first, struct span text)
{
    struct buffer seed = {0};
    buffer_append(&seed, &first, 1);
    buffer_append(&seed, text.at, text.bytes);
    seed_save(target, &seed);
    buffer_free(&seed);
}

void seed_next(struct buffer *seed)
{
    buffer_append_text(seed, FUZZ_NEXT);
}

/* --- the log --- */

struct log_seed {
    struct buffer seed;
    struct wal_link link;
    struct wal_segment_header header;
    uint64_t next_lsn, durable_lsn;
    size_t segments;
};

static void log_begin(struct log_seed *l, uint8_t flags, uint8_t fail_read, uint64_t from_lsn,
                      uint64_t durable_lsn, uint64_t newest_segment)
{
    *l = (struct log_seed){.next_lsn = 1};
    char *at = buffer_extend(&l->seed, 26);
    at[0] = (char)flags;
    at[1] = (char)fail_read;
    put_u64(at + 2, from_lsn);
    put_u64(at + 10, durable_lsn);
    put_u64(at + 18, newest_segment);
}

static void log_segment(struct log_seed *l, const char *uuid, uint32_t version)
{
    char block[512];
    l->header = (struct wal_segment_header){.version = version,
                                            .block_bytes = sizeof block,
                                            .salt = 0x5a17 + l->segments,
                                            .first_lsn = l->next_lsn,
                                            .segment_bytes = 8192,
                                            .previous = l->link,
                                            .created_ns = 77};
    memcpy(l->header.uuid, uuid, UUID_BYTES);
    wal_segment_header_encode(block, &l->header);
    if (l->segments++)
        buffer_append_text(&l->seed, FUZZ_NEXT FUZZ_NEXT);
    buffer_append(&l->seed, "", 1);
    buffer_append(&l->seed, block, sizeof block);
    l->link = (struct wal_link){l->next_lsn, l->next_lsn - 1, l->header.checksum};
}

/* Appends a batch, of which the zeros that pad it are left out. */
static void log_batch(struct log_seed *l, uint32_t flags, struct span payload, uint32_t count)
{
    struct buffer batch = {0};
    struct wal_batch_header h = {.flags = flags,
                                 .first_lsn = l->next_lsn,
                                 .count = count,
                                 .durable_lsn = l->durable_lsn,
                                 .time_ns = 1000 * l->next_lsn,
                                 .chain = l->link.checksum};
    wal_batch_encode(&batch, &h, payload, l->header.salt, l->header.block_bytes);
    seed_next(&l->seed);
    buffer_append(&l->seed, batch.data, WAL_BATCH_HEADER_BYTES + h.payload_bytes);
    buffer_free(&batch);
    l->next_lsn += count;
    l->durable_lsn = l->next_lsn - 1;
    l->link.last_lsn = l->next_lsn - 1;
    l->link.checksum = h.checksum;
}

static void log_noop(struct log_seed *l, uint32_t flags)
{
    struct buffer payload = {0};
    record_encode(&payload, &(struct record){.op = OP_NOOP});
    log_batch(l, flags, buffer_span(&payload), 1);
    buffer_free(&payload);
}

/* A batch with every operation, each with an identity where it may have one, and one that is worth
 * compressing. */
static void log_batches(struct log_seed *l)
{
    static char large[5000];
    struct buffer payload = {0};
    for (unsigned op = OP_NOOP; op < OP_LIMIT; op++) {
        struct record r = {
            .op = (enum op)op, .queue_id = op >= OP_ENQUEUE ? 3 : 0, .sequence = op == OP_ENQUEUE};
        if (op_is_write(op) || op == OP_REFUSE) {
            r.name = TEXT("n\xc3\xa4me");
            r.identity.session = op == OP_DELETE || op == OP_REFUSE ? 0 : UINT64_C(7) << 32 | 5;
            r.identity.sequence = op;
            r.identity.confirmed = op - 1;
            r.result = op == OP_REFUSE ? RESULT_QUEUE_EMPTY : RESULT_OK;
        }
        if (op == OP_DELETE || op == OP_DEQUEUE || op == OP_REFUSE)
            r.identity.key = TEXT("key");
        if (op == OP_SET || op == OP_ENQUEUE)
            r.value = TEXT("[1,2]");
        record_encode(&payload, &r);
    }
    log_batch(l, 0, buffer_span(&payload), OP_LIMIT);
    payload.bytes = 0;
    memset(large, '7', sizeof large);
    record_encode(&payload,
                  &(struct record){.op = OP_SET, .name = TEXT("k"), .value = {large, sizeof large}});
    log_batch(l, 0, buffer_span(&payload), 1);
    buffer_free(&payload);
}

static void log_save(struct log_seed *l)
{
    size_t bytes = l->seed.bytes;
    seed_save("wal", &l->seed);
    l->seed.bytes = bytes;
    seed_save("salvage", &l->seed);
    buffer_free(&l->seed);
}

/* Batches of one no-op each in `segments` segments, the last with or without a seal. */
static void log_row(struct log_seed *l, unsigned segments, bool sealed)
{
    for (unsigned i = 0; i < segments; i++) {
        log_segment(l, FUZZ_UUID, WAL_VERSION);
        log_noop(l, 0);
        log_noop(l, i + 1 < segments || sealed ? WAL_FLAG_SEAL : 0);
    }
}

static void log_seeds(void)
{
    enum { FORGED = 1 | 2 | 4, GROW = 32, DIRECT_NOT = 128 };
    static const uint8_t flags[] = {GROW, GROW | FORGED, GROW | FORGED | 8 | 16,
                                    GROW | FORGED | 64 | DIRECT_NOT};
    struct log_seed l;
    for (size_t i = 0; i < sizeof flags; i++) {
        log_begin(&l, flags[i], 0, 3, 7, 1);
        log_segment(&l, FUZZ_UUID, WAL_VERSION);
        log_batches(&l);
        log_save(&l);
        log_begin(&l, flags[i], (uint8_t)i, 5, 6, 5);
        log_row(&l, 3, i % 2);
        log_save(&l);
    }
    /* A batch that says it unpacks to more than it does. */
    static char value[5000];
    struct buffer payload = {0};
    record_encode(&payload,
                  &(struct record){.op = OP_SET, .name = TEXT("k"), .value = {value, sizeof value}});
    log_begin(&l, GROW | FORGED, 0, 0, 0, 0);
    log_segment(&l, FUZZ_UUID, WAL_VERSION);
    size_t batch = l.seed.bytes + strlen(FUZZ_NEXT);
    log_batch(&l, 0, (struct span){payload.data, payload.bytes - 300}, 1);
    put_u32(l.seed.data + batch + 24, (uint32_t)payload.bytes);
    log_save(&l);
    buffer_free(&payload);
    /* The last LSNs that there are, and more than there are. */
    log_begin(&l, GROW | FORGED, 0, 0, 0, 0);
    l.next_lsn = UINT64_MAX - 1;
    l.link = (struct wal_link){1, UINT64_MAX - 2, 0};
    log_segment(&l, FUZZ_UUID, WAL_VERSION);
    log_batches(&l);
    log_save(&l);
    /* A log that was begun by a walkvd of before, and goes on. */
    log_begin(&l, GROW, 0, 0, 0, 0);
    log_segment(&l, FUZZ_UUID, WAL_VERSION - 1);
    log_noop(&l, 0);
    log_noop(&l, WAL_FLAG_SEAL);
    log_segment(&l, FUZZ_UUID, WAL_VERSION);
    log_batches(&l);
    log_save(&l);
    /* A segment that is not there, one of another store, a newer one. */
    for (unsigned kind = 0; kind < 3; kind++) {
        log_begin(&l, GROW, 0, 0, 0, 0);
        log_segment(&l, kind == 1 ? "another store..." : FUZZ_UUID, WAL_VERSION + (kind == 2));
        if (kind == 0) {
            log_noop(&l, WAL_FLAG_SEAL);
            l.link.first_lsn = l.next_lsn++;
            log_segment(&l, FUZZ_UUID, WAL_VERSION);
        }
        log_noop(&l, 0);
        log_save(&l);
    }
    /* The last batch but one is damaged, and the last says that it was durable; the last is torn. */
    for (unsigned kind = 0; kind < 2; kind++) {
        log_begin(&l, GROW, 0, 0, 2, 1);
        log_row(&l, 1, false);
        log_noop(&l, 0);
        size_t damage = l.seed.bytes - 1;
        if (kind == 0)
            log_noop(&l, 0);
        l.seed.data[damage] ^= 1;
        log_save(&l);
    }
}

/* --- the snapshot and the control file --- */

static void snapshot_seed(unsigned flags, uint8_t fail_sink, uint8_t fail_read, const char *uuid,
                          uint32_t page_bytes, uint64_t pages, bool compress)
{
    static char raw[SNAPSHOT_BLOCK_BYTES + 65536], stored[SNAPSHOT_BLOCK_BYTES], out[SNAPSHOT_HEADER_BYTES];
    struct snapshot_header h = {.page_bytes = page_bytes,
                                .lsn = 1,
                                .batch_checksum = 2,
                                .started_ns = 3,
                                .pages = pages,
                                .keys = 4,
                                .random = 5};
    struct snapshot_footer footer = {.raw_bytes = pages * page_bytes, .lsn = 1};
    struct buffer seed = {0};
    XXH3_state_t *total = XXH3_createState();
    must(total && pages * page_bytes <= sizeof raw);
    memcpy(h.uuid, uuid, UUID_BYTES);
    memcpy(raw, "page", 4);
    put_u16(buffer_extend(&seed, 2), (uint16_t)flags);
    buffer_append(&seed, &fail_sink, 1);
    buffer_append(&seed, &fail_read, 1);
    snapshot_header_encode(out, &h);
    buffer_append(&seed, out, SNAPSHOT_HEADER_BYTES);
    XXH3_64bits_reset_withSeed(total, h.checksum);
    for (uint64_t at = 0; at < footer.raw_bytes; footer.blocks++) {
        uint64_t left = footer.raw_bytes - at,
                 bytes = left < SNAPSHOT_BLOCK_BYTES ? left : SNAPSHOT_BLOCK_BYTES;
        struct snapshot_block b = {
            .raw_bytes = (uint32_t)bytes, .stored_bytes = (uint32_t)bytes, .number = footer.blocks};
        const char *data = raw + at;
        if (compress) {
            b.compressed = true;
            b.stored_bytes = (uint32_t)LZ4_compress_default(raw + at, stored, (int)bytes, (int)bytes);
            data = stored;
        }
        b.data_checksum = XXH3_64bits(data, b.stored_bytes);
        snapshot_block_encode(out, &b, h.checksum);
        XXH3_64bits_update(total, out, SNAPSHOT_BLOCK_HEADER_BYTES);
        seed_next(&seed);
        buffer_append(&seed, out, SNAPSHOT_BLOCK_HEADER_BYTES);
        buffer_append(&seed, data, b.stored_bytes);
        at += bytes;
    }
    footer.total_checksum = XXH3_64bits_digest(total);
    XXH3_freeState(total);
    snapshot_footer_encode(out, &footer, h.checksum);
    seed_next(&seed);
    buffer_append(&seed, out, SNAPSHOT_FOOTER_BYTES);
    seed_save("snapshot", &seed);
    buffer_free(&seed);
}

static void snapshot_seeds(void)
{
    enum { FORGED = 1 | 2 | 4 | 8, FIT = 16, ANY = 32, PAD = 64, DIRECT_NOT = 128 };
    snapshot_seed(0, 2, 0, FUZZ_UUID, 512, 2, false);
    snapshot_seed(ANY, 0, 1, "another store...", 512, 1, true);
    snapshot_seed(0, 0, 0, "another store...", 512, 1, true);
    snapshot_seed(FORGED | FIT | PAD, 0, 0, FUZZ_UUID, 512, 1, false);
    snapshot_seed(FORGED | PAD | DIRECT_NOT, 0, 0, FUZZ_UUID, 4096, 4, true);
    snapshot_seed(FORGED | FIT, 0, 2, FUZZ_UUID, 4096, 257, true);
    snapshot_seed(0, 3, 0, FUZZ_UUID, 65536, 17, true);
    struct buffer newer = {0};
    char header[SNAPSHOT_HEADER_BYTES];
    snapshot_header_encode(header, &(struct snapshot_header){.page_bytes = 512, .pages = 1});
    put_u32(header + 8, SNAPSHOT_VERSION + 1);
    buffer_append(&newer, (char[]){FORGED | PAD, 0, 0, 0}, 4);
    buffer_append(&newer, header, 96);
    seed_save("snapshot", &newer);
    buffer_free(&newer);
}

static void control_seeds(void)
{
    for (unsigned clean = 0; clean < 2; clean++) {
        struct control c = {
            .clean = clean, .segment_lsn = 4, .last_lsn = 9, .snapshot_lsn = 5, .older_snapshot_lsn = 3};
        char out[CONTROL_BYTES];
        memcpy(c.uuid, FUZZ_UUID, UUID_BYTES);
        control_encode(out, &c);
        seed_save_text("control", 0, (struct span){out, sizeof out});
        seed_save_text("control", 1, (struct span){out, 80});
        put_u32(out + 8, CONTROL_VERSION + 1);
        seed_save_text("control", 1, (struct span){out, 80});
    }
}

int main(int argc, char **argv)
{
    log_open("fuzz_seeds", LOG_LEVEL_INFO);
    if (argc != 2)
        fatal(EX_USAGE, "usage: fuzz_seeds DIR");
    dir = argv[1];
    if (mkdir(dir, 0777) && errno != EEXIST)
        fatal(EX_CANTCREAT, "%s: %m", dir);
    log_seeds();
    snapshot_seeds();
    control_seeds();
    seed_streams();
    return 0;
}
