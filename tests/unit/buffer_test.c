/* SPDX-License-Identifier: MIT
 *
 * Tests of common/buffer: what is appended stays as it grows, what is consumed goes from the front, and room
 * that cannot be had is refused and changes nothing.
 */
#include "buffer.h"
#include "kit.h"

#include <errno.h>
#include <stdint.h>

void buffer_suite(void);

/* Against a plain array, in random steps. */
static void test_append_and_consume(void)
{
    static char model[100000];
    struct buffer b = {0};
    uint64_t seed = 20261125;
    size_t front = 0, end = 0;

    while (end < sizeof(model) - 1000) {
        char piece[700], *at;
        size_t count = kit_below(&seed, sizeof(piece));

        for (size_t i = 0; i < count; i++)
            piece[i] = (char)('a' + kit_below(&seed, 26));
        piece[count] = '\0';
        switch (kit_below(&seed, 4)) {
        case 0:
            buffer_append(&b, piece, count);
            break;
        case 1:
            buffer_append_text(&b, piece);
            break;
        case 2:
            buffer_printf(&b, "%s", piece);
            break;
        default:
            at = buffer_extend(&b, count);
            memcpy(at, piece, count);
        }
        memcpy(model + end, piece, count);
        end += count;
        if (kit_below(&seed, 3) == 0) {
            size_t gone = kit_below(&seed, (unsigned)(end - front) + 1);

            buffer_consume(&b, gone);
            front += gone;
        }
        if (!CHECK(span_equal(buffer_span(&b), (struct span){model + front, end - front}) &&
                       b.bytes <= b.room,
                   "seed 20261125, at byte %zu", end))
            break;
    }
    buffer_consume(&b, b.bytes);
    CU_ASSERT_EQUAL(b.bytes, 0);
    buffer_free(&b);
    CU_ASSERT(b.data == NULL && b.bytes == 0 && b.room == 0);
}

static void test_nothing(void)
{
    struct buffer b = {0};

    buffer_append(&b, NULL, 0);
    buffer_append_text(&b, "");
    buffer_consume(&b, 0);
    CU_ASSERT(b.data == NULL && b.bytes == 0);
    buffer_printf(&b, "%s", "");
    CU_ASSERT_EQUAL(b.bytes, 0);
    buffer_append_text(&b, "still usable");
    CU_ASSERT(span_equal(buffer_span(&b), SPAN("still usable")));
    buffer_free(&b);
    buffer_free(&b);
}

static void test_reserve(void)
{
    static const size_t too_much[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 2 - 4};
    struct buffer b = {0};

    CU_ASSERT_EQUAL(buffer_reserve(&b, 0), 0);
    CU_ASSERT_EQUAL(buffer_reserve(&b, 100000), 0);
    CU_ASSERT(b.room >= 100000 && b.bytes == 0);
    buffer_append_text(&b, "12345");
    for (size_t i = 0; i < COUNT(too_much); i++) {
        const struct buffer before = b;

        CHECK(buffer_reserve(&b, too_much[i]) == -ENOMEM, "%zu", too_much[i]);
        CHECK(memcmp(&b, &before, sizeof(b)) == 0, "%zu", too_much[i]);
    }
    CU_ASSERT(span_equal(buffer_span(&b), SPAN("12345")));
    const char *data = b.data;
    CU_ASSERT_EQUAL(buffer_reserve(&b, b.room - b.bytes), 0);
    CU_ASSERT_PTR_EQUAL(b.data, data); /* the room was there */
    buffer_free(&b);
}

void buffer_suite(void)
{
    CU_pSuite suite = CU_add_suite("buffer", NULL, NULL);

    CU_add_test(suite, "append and consume", test_append_and_consume);
    CU_add_test(suite, "nothing", test_nothing);
    CU_add_test(suite, "reserve", test_reserve);
}
