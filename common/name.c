/* SPDX-License-Identifier: MIT
 * Validity of names; see name.h. */
#include "name.h"

#include "bounds.h"
#include "json_text.h"

#include <string.h>

bool name_valid(struct span name)
{
    return name.bytes >= 1 && name.bytes <= NAME_BYTES_MAX && !memchr(name.at, 0, name.bytes) &&
           utf8_valid(name);
}
