/* SPDX-License-Identifier: MIT
 *
 * A run of bytes that belongs to somebody else: it owns nothing, is never freed and is not terminated by NUL.
 * It lives as long as the buffer it points into stays where it is.
 */
#ifndef WALKV_COMMON_SPAN_H
#define WALKV_COMMON_SPAN_H

#include <stddef.h>

struct span {
    const char *at;
    size_t bytes;
};

#endif
