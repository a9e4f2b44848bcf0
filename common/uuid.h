/* SPDX-License-Identifier: MIT
 * The spelling of a UUID (RFC 9562): 8-4-4-4-12 hex digits. */
#ifndef WALKV_COMMON_UUID_H
#define WALKV_COMMON_UUID_H

#include "bounds.h"

#include <stdint.h>
#include <stdio.h>

#define UUID_TEXT_BYTES 37

static inline void uuid_format(char out[UUID_TEXT_BYTES], const uint8_t uuid[UUID_BYTES])
{
    char *at = out;
    for (unsigned i = 0; i < UUID_BYTES; i++)
        at += snprintf(at, (size_t)(out + UUID_TEXT_BYTES - at),
                       i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

#endif
