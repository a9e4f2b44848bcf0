/* SPDX-License-Identifier: MIT
 *
 * Tests of common/op: every number of an operation and of a result has its name, as the socket, the log,
 * `walkvctl dump` and the errors of the API show it, and another number has none.
 */
#include "kit.h"
#include "op.h"

void op_suite(void);

struct name {
    unsigned number;
    const char *text;
};

static void check_names(const struct name *names, size_t count, const char *(*text)(unsigned))
{
    for (unsigned number = 0; number < 300; number++) {
        const char *wanted = "unknown";

        for (size_t i = 0; i < count; i++)
            if (names[i].number == number)
                wanted = names[i].text;
        CHECK(strcmp(text(number), wanted) == 0, "%u is %s", number, text(number));
    }
}

static void test_operations(void)
{
    static const struct name names[] = {
        {0, "noop"},  {1, "set"},    {2, "delete"}, {3, "enqueue"}, {4, "dequeue"},
        {5, "clear"}, {6, "forget"}, {7, "refuse"}, {8, "expire"},  {9, "depart"},
    };

    CU_ASSERT_EQUAL(OP_LIMIT, COUNT(names));
    check_names(names, COUNT(names), op_text);
    for (unsigned op = 0; op < 300; op++)
        CHECK(op_is_write(op) == (op >= 1 && op <= 6), "%u", op);
}

static void test_results(void)
{
    static const struct name names[] = {
        {0, "ok"},           {1, "created"},         {2, "not_found"},
        {3, "queue_empty"},  {4, "queue_not_found"}, {5, "precondition_failed"},
        {6, "storage_full"}, {7, "unavailable"},     {8, "outcome_unknown"},
        {9, "invalid"},      {10, "mismatch"},       {11, "forbidden"},
    };

    CU_ASSERT_EQUAL(RESULT_LIMIT, COUNT(names));
    check_names(names, COUNT(names), result_text);
}

void op_suite(void)
{
    CU_pSuite suite = CU_add_suite("op", NULL, NULL);

    CU_add_test(suite, "operations", test_operations);
    CU_add_test(suite, "results", test_results);
}
