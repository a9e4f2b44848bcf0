/* SPDX-License-Identifier: MIT
 *
 * A library for LD_PRELOAD, for tests only: counts the allocations of a process, and has the k-th one fail,
 * once or from then on. The test and the process share one small file, so that the count is known however the
 * process ended:
 *
 *     offset width (in the byte order of the machine)
 *      0     8    which allocation fails, counted from 1; 0: none
 *      8     8    1: and all that follow
 *     16     8    allocations so far
 *     24     8    failures so far
 *
 *     WALKV_FAIL_MALLOC    that file, 32 bytes long
 *     WALKV_FAIL_PROGRAM   the name of the program that is meant; its children of another name are left alone
 *
 * Counting begins when the libraries of the program have been loaded and ends when it calls exit(): what the
 * loader allocates before is not walkv's business, and gcov, which writes its counts in exit(), dies of a
 * failure. glibc's own functions (strdup, asprintf, opendir ...) come by here as everybody
 * else does. It calls glibc's allocator by its other names, so nothing has to be looked up and nothing can
 * recurse.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct plan {
    uint64_t fail_at;
    uint64_t from_then_on;
    _Atomic uint64_t count;
    _Atomic uint64_t failures;
};

_Static_assert(sizeof(struct plan) == 32 && offsetof(struct plan, failures) == 24,
               "the test knows it by heart");

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *memalign(size_t alignment, size_t bytes); /* <malloc.h> has it, and nobody else wants it */

static _Atomic(struct plan *) the_plan; /* NULL: nothing is counted */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WALKV_FAIL_MALLOC"), *program = getenv("WALKV_FAIL_PROGRAM");
    if (!path || (program && strcmp(program, program_invocation_short_name) != 0))
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        abort();
    void *page = mmap(NULL, sizeof(struct plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort();
    close(fd);
    the_plan = page;
}

static void end(void)
{
    the_plan = NULL;
}

static bool fails(void)
{
    struct plan *plan = the_plan;
    if (!plan)
        return false;
    uint64_t call = atomic_fetch_add(&plan->count, 1) + 1;
    if (call == 1)
        atexit(end); /* not in begin(): what is registered before main() comes last, behind gcov */
    if (!plan->fail_at || call < plan->fail_at || (call > plan->fail_at && !plan->from_then_on))
        return false;
    atomic_fetch_add(&plan->failures, 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(old, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    void *memory = memalign(alignment, bytes);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}
