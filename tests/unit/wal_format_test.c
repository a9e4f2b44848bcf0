/* SPDX-License-Identifier: MIT
 *
 * wal_format: segment headers, batches and names. The conditions (1) to (3) and (5) of wal_format.h, each
 * bit.
 */
#include "wal_format.h"

#include "bytes.h"
#include "kit.h"

#include <stdlib.h>
#include <xxhash.h>

void wal_format_suite(void);

static const struct wal_segment_header sample = {
    .version = WAL_VERSION,
    .block_bytes = 512,
    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .salt = 0x1122334455667788,
    .first_lsn = 77,
    .segment_bytes = 65536,
    .previous = {50, 76, 0xabcdef},
    .created_ns = 1234567890123456789,
};

static bool same_header(const struct wal_segment_header *a, const struct wal_segment_header *b)
{
    return a->version == b->version && a->block_bytes == b->block_bytes &&
           memcmp(a->uuid, b->uuid, UUID_BYTES) == 0 && a->salt == b->salt && a->first_lsn == b->first_lsn &&
           a->segment_bytes == b->segment_bytes && a->previous.first_lsn == b->previous.first_lsn &&
           a->previous.last_lsn == b->previous.last_lsn && a->previous.checksum == b->previous.checksum &&
           a->created_ns == b->created_ns && a->checksum == b->checksum;
}

static void test_segment_header(void)
{
    for (uint32_t block = WAL_BLOCK_MIN; block <= WAL_BLOCK_MAX; block *= 2) {
        struct wal_segment_header h = sample, back;
        char *out = malloc(block);

        h.block_bytes = block;
        wal_segment_header_encode(out, &h);
        CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_VALID &&
                  same_header(&h, &back),
              "%u", block);
        CHECK(memcmp(out, "WALKVWAL\2\0\0\0", 12) == 0 && get_u64(out + 40) == 77 &&
                  get_u64(out + 72) == 0xabcdef,
              "%u", block);
        for (uint32_t bit = 0; bit < 8 * block; bit++) {
            out[bit / 8] ^= (char)(1 << bit % 8);
            CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_DAMAGED,
                  "%u, bit %u", block, bit);
            out[bit / 8] ^= (char)(1 << bit % 8);
        }
        for (uint32_t bytes = 0; bytes < block; bytes++) {
            char *box = kit_boxed(out, bytes);
            CHECK(wal_segment_header_decode((struct span){box, bytes}, &back) == WAL_HEADER_DAMAGED,
                  "%u of %u", bytes, block);
            free(box);
        }
        h.version = WAL_VERSION + 1;
        wal_segment_header_encode(out, &h);
        CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_NEWER, "%u", block);
        CHECK(back.version == WAL_VERSION + 1, "%u", block);
        h.version = 1; /* what was written before is read */
        wal_segment_header_encode(out, &h);
        CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_VALID, "%u", block);
        h.version = 0;
        wal_segment_header_encode(out, &h);
        CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_DAMAGED, "%u", block);
        h.version = WAL_VERSION;
        h.segment_bytes = block;
        wal_segment_header_encode(out, &h);
        CHECK(wal_segment_header_decode((struct span){out, block}, &back) == WAL_HEADER_DAMAGED, "no room");
        free(out);
    }
}

/* A link that does not end right before the segment: no segment is made like that, whatever its checksum
 * says. */
static void test_segment_header_links(void)
{
    static const struct {
        const char *name;
        uint64_t first_lsn;
        struct wal_link previous;
        bool good;
    } rows[] = {
        {"continues", 77, {50, 76, 1}, true},
        {"the first of the store", 1, {0, 0, 0}, true},
        {"behind a snapshot, with no log before it", 77, {0, 76, 1}, true},
        {"leaves LSNs out", 77, {50, 75, 1}, false},
        {"overlaps", 77, {50, 77, 1}, false},
        {"links to itself", 77, {77, 76, 1}, false},
        {"links to a later one", 77, {78, 76, 1}, false},
        {"LSN 0", 0, {0, UINT64_MAX, 1}, false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wal_segment_header back, h = sample;
        char out[512];

        h.first_lsn = rows[i].first_lsn;
        h.previous = rows[i].previous;
        wal_segment_header_encode(out, &h);
        CHECK((wal_segment_header_decode((struct span){out, sizeof(out)}, &back) == WAL_HEADER_VALID) ==
                  rows[i].good,
              "%s", rows[i].name);
    }
}

static void test_batch(void)
{
    static const size_t sizes[] = {0, 1, 32, 439, 440, 441, 952, 953, 4095, 4096, 5000, 70000};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (int kind = 0; kind < 2; kind++) { /* random, and all the same: LZ4 pays only there */
            struct wal_batch_header back, h = {.flags = WAL_FLAG_SEAL,
                                               .first_lsn = 9,
                                               .count = 3,
                                               .durable_lsn = 8,
                                               .time_ns = 5,
                                               .chain = 6};
            struct buffer out = {0}, scratch = {0};
            char *payload = malloc(sizes[i] + 1);
            uint64_t random = 5;
            struct span found;

            for (size_t j = 0; j < sizes[i]; j++)
                payload[j] = kind == 0 ? (char)kit_random(&random) : 'x';
            buffer_append(&out, "before", 6);
            wal_batch_encode(&out, &h, (struct span){payload, sizes[i]}, 99, 512);
            struct span bytes = {out.data + 6, out.bytes - 6};
            CHECK(bytes.bytes == wal_batch_bytes(h.payload_bytes, 512) && bytes.bytes % 512 == 0, "%zu",
                  sizes[i]);
            CHECK((h.flags & WAL_FLAG_LZ4) == (kind == 1 && sizes[i] >= WAL_COMPRESS_MIN ? WAL_FLAG_LZ4 : 0),
                  "%zu", sizes[i]);
            CHECK(wal_batch_header_decode(bytes, 99, 512, &back), "%zu", sizes[i]);
            CHECK(back.flags == h.flags && (back.flags & WAL_FLAG_SEAL) && back.first_lsn == 9 &&
                      back.count == 3 && wal_batch_last_lsn(&back) == 11 && back.durable_lsn == 8 &&
                      back.time_ns == 5 && back.chain == 6 && back.checksum == h.checksum &&
                      back.raw_bytes == sizes[i] && back.payload_checksum == h.payload_checksum,
                  "%zu", sizes[i]);
            CHECK(wal_batch_payload(bytes, &back, 512, &scratch, &found) &&
                      span_equal(found, (struct span){payload, sizes[i]}),
                  "%zu", sizes[i]);
            /* It is a batch under its own salt only, and only where it fits. */
            CHECK(!wal_batch_header_decode(bytes, 98, 512, &back), "%zu", sizes[i]);
            CHECK(!wal_batch_header_decode((struct span){bytes.at, bytes.bytes - 1}, 99, 512, &back), "%zu",
                  sizes[i]);
            free(payload);
            buffer_free(&out);
            buffer_free(&scratch);
        }
    }
}

static void test_batch_damage(void)
{
    struct wal_batch_header back, h = {.first_lsn = 9, .count = 1};
    struct buffer out = {0}, scratch = {0};
    struct span found;
    char payload[4500];

    memset(payload, 'p', sizeof(payload));
    for (size_t bytes = 700; bytes <= sizeof(payload); bytes += sizeof(payload) - 700) {
        h = (struct wal_batch_header){.first_lsn = 9, .count = 1};
        out.bytes = 0;
        wal_batch_encode(&out, &h, (struct span){payload, bytes}, 7, 512);
        for (size_t bit = 0; bit < 8 * out.bytes; bit++) {
            out.data[bit / 8] ^= (char)(1 << bit % 8);
            bool header = wal_batch_header_decode(buffer_span(&out), 7, 512, &back);
            CHECK(header == (bit / 8 >= WAL_BATCH_HEADER_BYTES), "bit %zu", bit);
            CHECK(!header || !wal_batch_payload(buffer_span(&out), &back, 512, &scratch, &found), "bit %zu",
                  bit);
            out.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        for (size_t cut = 0; cut < out.bytes; cut++) {
            char *box = kit_boxed(out.data, cut);
            CHECK(!wal_batch_header_decode((struct span){box, cut}, 7, 512, &back), "cut at %zu", cut);
            CHECK(!wal_batch_payload((struct span){box, cut}, &h, 512, &scratch, &found), "cut at %zu", cut);
            free(box);
        }
    }
    buffer_free(&out);
    buffer_free(&scratch);
}

/* Sizes that LZ4 can have made, up to the most that it saves, and one that it cannot: no memory is taken for
 * that. */
static void test_batch_ratio(void)
{
    static const size_t sizes[] = {WAL_COMPRESS_MIN, 65536, 16 * 1024 * 1024};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct wal_batch_header back, h = {.first_lsn = 9, .count = 1};
        struct buffer out = {0}, scratch = {0};
        struct span payload = {calloc(1, sizes[i]), sizes[i]}, found;

        wal_batch_encode(&out, &h, payload, 7, 512);
        CHECK(wal_batch_header_decode(buffer_span(&out), 7, 512, &back) && back.flags == WAL_FLAG_LZ4, "%zu",
              sizes[i]);
        CHECK(wal_batch_payload(buffer_span(&out), &back, 512, &scratch, &found) &&
                  span_equal(found, payload),
              "%zu", sizes[i]);
        buffer_free(&scratch);
        back.raw_bytes = 255 * back.payload_bytes + 1;
        CHECK(!wal_batch_payload(buffer_span(&out), &back, 512, &scratch, &found) && scratch.room == 0, "%zu",
              sizes[i]);
        buffer_free(&scratch);
        buffer_free(&out);
        free((void *)payload.at);
    }
}

/* Fields that contradict each other under a good checksum. */
static void test_batch_nonsense(void)
{
    static const struct {
        const char *name;
        unsigned at, bytes;
        uint64_t value;
    } edits[] = {
        {"magic", 0, 4, 0x42564b58},
        {"unknown flag", 4, 4, 4},
        {"LSN 0", 8, 8, 0},
        {"LSNs that overflow", 8, 8, UINT64_MAX},
        {"no records", 16, 4, 0},
        {"more stored than raw", 24, 4, 1},
        {"not zero", 28, 4, 1},
        {"raw too large", 24, 4, WAL_PAYLOAD_MAX + 1},
        {"beyond the end", 20, 4, 3000},
    };

    for (size_t i = 0; i < COUNT(edits); i++) {
        struct wal_batch_header back, h = {.first_lsn = 9, .count = 1};
        struct buffer out = {0};

        wal_batch_encode(&out, &h, SPAN("payload"), 7, 512);
        for (unsigned j = 0; j < edits[i].bytes; j++)
            out.data[edits[i].at + j] = (char)(edits[i].value >> 8 * j);
        put_u64(out.data + 64, XXH3_64bits_withSeed(out.data, 64, 7));
        CHECK(!wal_batch_header_decode(buffer_span(&out), 7, 512, &back), "%s", edits[i].name);
        buffer_free(&out);
    }
}

static void test_names(void)
{
    static const char *const bad[] = {"",
                                      "00000000000000a1",
                                      "00000000000000a1.wax",
                                      "00000000000000A1.wal",
                                      "0000000000000000.wal",
                                      "0x000000000000a1.wal",
                                      " 0000000000000a1.wal",
                                      "-0000000000000a1.wal",
                                      "00000000000000a1.wal ",
                                      "000000000000000a1.wal",
                                      "0000000000000a1.wal"};
    static const uint64_t lsns[] = {1, 0xa1, 0x123456789abcdef0, UINT64_MAX};
    char name[WAL_NAME_BYTES + 1];
    uint64_t lsn;

    for (size_t i = 0; i < COUNT(lsns); i++) {
        wal_name(name, lsns[i]);
        CHECK(strlen(name) == WAL_NAME_BYTES && wal_name_parse(name, &lsn) && lsn == lsns[i], "%s", name);
    }
    wal_name(name, 0xa1);
    CU_ASSERT_STRING_EQUAL(name, "00000000000000a1.wal");
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!wal_name_parse(bad[i], &lsn), "%s", bad[i]);
}

void wal_format_suite(void)
{
    CU_pSuite suite = CU_add_suite("wal_format", NULL, NULL);

    CU_add_test(suite, "segment header, every bit, every length", test_segment_header);
    CU_add_test(suite, "segment headers that do not continue the one before", test_segment_header_links);
    CU_add_test(suite, "batches come back", test_batch);
    CU_add_test(suite, "batches, every bit, every length", test_batch_damage);
    CU_add_test(suite, "sizes that compression can have made", test_batch_ratio);
    CU_add_test(suite, "fields that contradict each other", test_batch_nonsense);
    CU_add_test(suite, "names", test_names);
}
