/* SPDX-License-Identifier: MIT
 * UUIDs (RFC 9562): their spelling, 8-4-4-4-12 hex digits, and a new one of version 4. */
#ifndef WALKV_COMMON_UUID_H
#define WALKV_COMMON_UUID_H

#include "bounds.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#define UUID_TEXT_BYTES 37

static inline void uuid_format(char out[UUID_TEXT_BYTES], const uint8_t uuid[UUID_BYTES])
{
    char *at = out;
    for (unsigned i = 0; i < UUID_BYTES; i++)
        at += snprintf(at, (size_t)(out + UUID_TEXT_BYTES - at),
                       i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

/* Returns 0 or a negative errno. */
static inline int uuid_random(uint8_t out[UUID_BYTES])
{
    if (getrandom(out, UUID_BYTES, 0) != UUID_BYTES)
        return -errno;
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
    return 0;
}

#endif
