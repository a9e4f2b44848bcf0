/* SPDX-License-Identifier: MIT
 *
 * How long a thread may run before the kernel looks for another one.
 *
 * Since Linux 6.12 a thread that wakes up with a shorter slice than the running one's takes the processor at
 * once; with the same slice it may wait for the next tick of the clock, which is up to 4 ms. The slice
 * changes when a thread runs and not how much: shares stay as they are. It holds for the groups of threads
 * (cgroups, sessions) too, so a long slice alone does not help where another thread of the same group has the
 * usual one. */
#ifndef WALKV_TIMESLICE_H
#define WALKV_TIMESLICE_H

#include <stdint.h>

/* Of one that answers soon after it has been woken, and of one that works through something for long: the
 * least and the most that Linux takes. */
enum { TIMESLICE_SHORT_NS = 100000, TIMESLICE_LONG_NS = 100000000 };

/* Sets the slice of the calling thread; threads and processes that it starts afterwards have the same. Older
 * kernels take it and do nothing. Returns 0 or -errno: where it is refused all goes on as before, only later.
 */
int timeslice_set(uint64_t slice_ns);

#endif
