/* SPDX-License-Identifier: MIT
 *
 * Runs the unit tests: all suites, or with an argument the suite of that name, verbosely.
 * The last line is "N passed, N failed", counting tests; the exit status is 1 when one failed.
 */
#include "log.h"

#include <CUnit/Basic.h>

#include <stdio.h>
#include <sysexits.h>

#define SUITES(X)                                                                                            \
    X(log)                                                                                                   \
    X(buffer)                                                                                                \
    X(op)                                                                                                    \
    X(json_text)                                                                                             \
    X(settings)                                                                                              \
    X(frame)                                                                                                 \
    X(record)                                                                                                \
    X(wal_format)                                                                                            \
    X(wal_log)                                                                                               \
    X(wal_tail)                                                                                              \
    X(wal_known)                                                                                             \
    X(wal_scrub)                                                                                             \
    X(wal_failure)                                                                                           \
    X(wal_salvage)                                                                                           \
    X(control)                                                                                               \
    X(disk)                                                                                                  \
    X(snapshot)                                                                                              \
    X(view_read)                                                                                             \
    X(batch)                                                                                                 \
    X(changes)                                                                                               \
    X(store)                                                                                                 \
    X(requests_forged)                                                                                       \
    X(tokens)                                                                                                \
    X(requests)                                                                                              \
    X(sessions)                                                                                              \
    X(upgrade)                                                                                               \
    X(view_build)                                                                                            \
    X(view_grace)                                                                                            \
    X(http_parser)                                                                                           \
    X(origin)                                                                                                \
    X(address)                                                                                               \
    X(proxy_protocol)                                                                                        \
    X(gzip)                                                                                                  \
    X(etag)                                                                                                  \
    X(access_log)

#define X(name) void name##_suite(void);
SUITES(X)
#undef X

int main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
        return EX_OSERR;
    }
    log_open("unit_tests", LOG_LEVEL_ERROR);
#define X(name) name##_suite();
    SUITES(X)
#undef X
    if (CU_get_error() != CUE_SUCCESS) {
        fprintf(stderr, "a suite could not be registered: %s\n", CU_get_error_msg());
        return EX_SOFTWARE;
    }
    if (argc > 1) {
        CU_pSuite suite = CU_get_suite(argv[1]);

        if (argc > 2 || suite == NULL) {
            fprintf(stderr, "usage: unit_tests [SUITE]; the suites are:");
#define X(name) fprintf(stderr, " " #name);
            SUITES(X)
#undef X
            fprintf(stderr, "\n");
            return EX_USAGE;
        }
        CU_basic_set_mode(CU_BRM_VERBOSE);
        CU_basic_run_suite(suite);
    } else {
        CU_basic_set_mode(CU_BRM_NORMAL);
        CU_basic_run_tests();
    }
    unsigned run = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();
    bool broken = CU_get_number_of_suites_failed() > 0 || run == 0;

    CU_cleanup_registry();
    printf("%u passed, %u failed\n", run - failed, failed);
    return failed > 0 || broken ? 1 : 0;
}
