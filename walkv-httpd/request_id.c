/* SPDX-License-Identifier: MIT
 * Names of requests; see request_id.h. */
#include "request_id.h"

#include "log.h"

#include <string.h>

_Static_assert(REQUEST_ID_PREFIX + 20 <= REQUEST_ID_BYTES_MAX, "an id of ours has room");

bool request_id_valid(struct span text)
{
    if (text.bytes < 1 || text.bytes > REQUEST_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

void request_id_prefix(char *prefix, uint64_t random)
{
    for (unsigned i = 0; i < REQUEST_ID_PREFIX - 1; i++, random >>= 4)
        prefix[i] = "0123456789abcdef"[random & 15];
    prefix[REQUEST_ID_PREFIX - 1] = '-';
}

void request_id_make(struct request_id *id, const char *prefix, uint64_t number)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10));
    char *at = mempcpy(id->text, prefix, REQUEST_ID_PREFIX);
    while (count)
        *at++ = digits[--count];
    id->bytes = (uint8_t)(at - id->text);
}

void request_id_take(struct request_id *id, struct span text)
{
    must(request_id_valid(text));
    memcpy(id->text, text.at, text.bytes);
    id->bytes = (uint8_t)text.bytes;
}
