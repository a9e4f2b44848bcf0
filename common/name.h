/* SPDX-License-Identifier: MIT
 *
 * What may be a key or a queue name (API section 1): 1 to 500 bytes of valid UTF-8 without NUL.
 */
#ifndef WALKV_COMMON_NAME_H
#define WALKV_COMMON_NAME_H

#include "span.h"

#include <stdbool.h>

bool name_valid(struct span name);

#endif
