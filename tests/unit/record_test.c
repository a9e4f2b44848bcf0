/* SPDX-License-Identifier: MIT
 *
 * record: what is encoded is decoded, and bytes that are no record are refused. Every input lies in a heap
 * block of exactly its size, so that ASan sees a read of one byte too many.
 */
#include "record.h"

#include "bounds.h"
#include "bytes.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

void record_suite(void);

static char long_name[NAME_BYTES_MAX + 1];

static const struct {
    const char *name;
    struct record record;
} rows[] = {
    {"no-op", {.op = OP_NOOP}},
    {"set", {.op = OP_SET, .name = {"key", 3}, .value = {"[1]", 3}}},
    {"delete", {.op = OP_DELETE, .name = {"k", 1}}},
    {"enqueue",
     {.op = OP_ENQUEUE, .name = {"q", 1}, .value = {"\"\0x\"", 4}, .queue_id = 7, .sequence = UINT64_MAX}},
    {"dequeue", {.op = OP_DEQUEUE, .name = {"\xc3\xa4", 2}, .queue_id = UINT64_MAX, .sequence = 1}},
    {"clear", {.op = OP_CLEAR, .name = {"q/1 %", 5}, .queue_id = 1}},
    {"refuse",
     {.op = OP_REFUSE,
      .name = {"gone", 4},
      .queue_id = OP_DELETE,
      .identity = {.key = {"a", 1}, .fingerprint = {1, 2, 3}},
      .result = RESULT_NOT_FOUND}},
    {"expire", {.op = OP_EXPIRE, .queue_id = 3, .sequence = 99}},
    {"depart", {.op = OP_DEPART, .queue_id = UINT64_MAX}},
    {"set in a session",
     {.op = OP_SET,
      .name = {"k", 1},
      .value = {"1", 1},
      .identity = {.session = 5, .sequence = 6, .confirmed = 4},
      .result = RESULT_CREATED,
      .version = 77}},
    {"dequeue with everything",
     {.op = OP_DEQUEUE,
      .name = {"q", 1},
      .queue_id = 1,
      .sequence = 2,
      .identity = {5, 6, 4, {long_name, IDEMPOTENCY_KEY_MAX}, {9}},
      .result = RESULT_OK,
      .size = UINT64_MAX}},
    {"forget", {.op = OP_FORGET, .name = {long_name, NAME_BYTES_MAX}, .queue_id = 1}},
};

static bool same(const struct record *a, const struct record *b)
{
    return a->op == b->op && span_equal(a->name, b->name) && span_equal(a->value, b->value) &&
           a->queue_id == b->queue_id && a->sequence == b->sequence && a->result == b->result &&
           a->version == b->version && a->size == b->size && a->identity.session == b->identity.session &&
           a->identity.sequence == b->identity.sequence && a->identity.confirmed == b->identity.confirmed &&
           span_equal(a->identity.key, b->identity.key) &&
           memcmp(a->identity.fingerprint, b->identity.fingerprint, FINGERPRINT_BYTES) == 0;
}

static void test_round_trip(void)
{
    struct buffer all = {0};
    struct record back;

    memset(long_name, 'n', sizeof(long_name));
    CU_ASSERT_EQUAL(COUNT(rows), OP_LIMIT + 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        record_encode(&all, &rows[i].record);
    char *box = kit_boxed(all.data, all.bytes);
    struct span rest = {box, all.bytes};
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(record_decode(&rest, &back) && same(&back, &rows[i].record), "%s", rows[i].name);
    CU_ASSERT_EQUAL(rest.bytes, 0);
    CU_ASSERT_FALSE(record_decode(&rest, &back));
    free(box);
    buffer_free(&all);
}

static void test_layout(void)
{
    const struct record record = {.op = OP_ENQUEUE,
                                  .name = {"qq", 2},
                                  .value = {"null", 4},
                                  .queue_id = 0x0102030405060708,
                                  .sequence = 0x1112131415161718};
    static const char want[] = "\x26\0\0\0\x03\0\x02\0\x04\0\0\0\0\0\0\0"
                               "\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11qqnull";
    struct buffer out = {0};

    record_encode(&out, &record);
    CU_ASSERT(span_equal(buffer_span(&out), SPAN(want)));
    buffer_free(&out);
}

/* Cut short anywhere, and every bit flipped: refused, or another record that lies within the bytes. */
static void test_damage(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer out = {0};
        struct record back;

        record_encode(&out, &rows[i].record);
        for (size_t bytes = 0; bytes < out.bytes; bytes++) {
            char *box = kit_boxed(out.data, bytes);
            struct span rest = {box, bytes};

            CHECK(!record_decode(&rest, &back) && rest.at == box && rest.bytes == bytes, "%s, %zu bytes",
                  rows[i].name, bytes);
            free(box);
        }
        for (size_t bit = 0; bit < 8 * out.bytes; bit++) {
            char *box = kit_boxed(out.data, out.bytes);
            struct span rest = {box, out.bytes};

            box[bit / 8] ^= (char)(1 << bit % 8);
            bool taken = record_decode(&rest, &back);
            CHECK(!taken || (rest.bytes == 0 && !same(&back, &rows[i].record)), "%s, bit %zu", rows[i].name,
                  bit);
            /* Lengths, the zeros and the extension are all held to each other. */
            bool number = bit / 8 >= 16 && bit / 8 < RECORD_FIXED_BYTES;
            CHECK(!taken || bit / 8 == 4 || number || bit / 8 >= RECORD_FIXED_BYTES, "%s, bit %zu",
                  rows[i].name, bit);
            free(box);
        }
        buffer_free(&out);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *name;
        unsigned at, bytes, value;
    } edits[] = {
        {"unknown operation", 4, 1, OP_LIMIT},
        {"operation 255", 4, 1, 255},
        {"not zero", 5, 1, 1},
        {"no name", 6, 2, 0},
        {"extension", 12, 4, 1},
        {"longer than it is", 0, 4, 39},
        {"shorter than it is", 0, 4, 37},
        {"huge", 0, 4, UINT32_MAX},
        {"huge value", 8, 4, UINT32_MAX},
        {"huge extension", 12, 4, UINT32_MAX},
        {"an expire with a name", 4, 1, OP_EXPIRE},
        {"a depart with a name", 4, 1, OP_DEPART},
        {"a refuse without a key", 4, 1, OP_REFUSE},
        {"a no-op with a name", 4, 1, OP_NOOP},
        {"NUL in the name", 32, 1, 0},
        {"name is not UTF-8", 32, 1, 0xff},
    };
    const struct record record = {.op = OP_SET, .name = {"ab", 2}, .value = {"null", 4}};
    struct record back;

    for (size_t i = 0; i < COUNT(edits); i++) {
        struct buffer out = {0};

        record_encode(&out, &record);
        for (unsigned j = 0; j < edits[i].bytes; j++)
            out.data[edits[i].at + j] = (char)(edits[i].value >> 8 * j);
        struct span rest = buffer_span(&out);
        CHECK(!record_decode(&rest, &back), "%s", edits[i].name);
        buffer_free(&out);
    }
    const struct record with_identity = {
        .op = OP_REFUSE,
        .name = {"ab", 2},
        .queue_id = OP_SET,
        .identity = {.session = 1, .sequence = 1, .key = {"kk", 2}},
    };
    static const struct {
        const char *name;
        unsigned at;
        int value;
    } identity_edits[] = {
        {"a refuse of nothing that can be refused", 16, OP_NOOP},
        {"unknown result", 34 + 24, RESULT_LIMIT},
        {"key longer than there is", 34 + 26, 3},
        {"key shorter than there is", 34 + 26, 1},
        {"not zero", 34 + 28, 1},
        {"a key with a space", 34 + 64, ' '},
    };
    for (size_t i = 0; i < COUNT(identity_edits); i++) {
        struct buffer out = {0};

        record_encode(&out, &with_identity);
        struct span rest = buffer_span(&out);
        CU_ASSERT(record_decode(&rest, &back));
        out.data[identity_edits[i].at] = (char)identity_edits[i].value;
        rest = buffer_span(&out);
        CHECK(!record_decode(&rest, &back), "%s", identity_edits[i].name);
        buffer_free(&out);
    }
    struct buffer out = {0};
    struct record too_long = {.op = OP_SET, .name = {long_name, NAME_BYTES_MAX + 1}, .value = {"1", 1}};
    record_encode(&out, &too_long);
    struct span rest = buffer_span(&out);
    CU_ASSERT_FALSE(record_decode(&rest, &back));
    buffer_free(&out);
}

void record_suite(void)
{
    CU_pSuite suite = CU_add_suite("record", NULL, NULL);

    CU_add_test(suite, "every operation comes back", test_round_trip);
    CU_add_test(suite, "the layout is that of the picture", test_layout);
    CU_add_test(suite, "cut short, every bit flipped", test_damage);
    CU_add_test(suite, "what is refused", test_refused);
}
