/* SPDX-License-Identifier: MIT */
#include "timeslice.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's struct sched_attr, as it first was (sched_setattr(2)); glibc has had it, and the two calls,
 * only since 2.41, and the kernel's own header does not go together with sched.h. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns;
    uint64_t deadline_ns;
    uint64_t period_ns;
};

int timeslice_set(uint64_t slice_ns)
{
    struct attributes a;
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0))
        return -errno;
    if (a.policy != SCHED_OTHER && a.policy != SCHED_BATCH)
        return 0; /* somebody has given it another one, where this number means something else */
    a.runtime_ns = slice_ns;
    return syscall(SYS_sched_setattr, 0, &a, 0) ? -errno : 0;
}
