/* SPDX-License-Identifier: MIT
 * Entity tags; see etag.h. */
#include "etag.h"

#include <inttypes.h>
#include <stdio.h>

struct span etag_of_version(char text[ETAG_VERSION_BYTES], uint64_t version)
{
    return (struct span){text, (size_t)snprintf(text, ETAG_VERSION_BYTES, "\"%" PRIu64 "\"", version)};
}

/* Takes a tag off the front of `*rest`; `*opaque` is what stands between the quotes, and the quotes. */
static bool take_tag(struct span *rest, struct span *opaque, bool *weak)
{
    size_t begin = 0;
    *weak = rest->bytes >= 2 && rest->at[0] == 'W' && rest->at[1] == '/';
    if (*weak)
        begin = 2;
    if (begin == rest->bytes || rest->at[begin] != '"')
        return false;
    size_t end = begin + 1;
    while (end < rest->bytes && rest->at[end] != '"' && (uint8_t)rest->at[end] > ' ' && rest->at[end] != 0x7f)
        end++;
    if (end == rest->bytes || rest->at[end] != '"')
        return false;
    *opaque = (struct span){rest->at + begin, end + 1 - begin};
    *rest = (struct span){rest->at + end + 1, rest->bytes - end - 1};
    return true;
}

bool etag_parse(struct span text, uint64_t *version)
{
    struct span opaque;
    bool weak;
    char ours[ETAG_VERSION_BYTES];
    *version = 0;
    if (!take_tag(&text, &opaque, &weak) || text.bytes)
        return false;
    uint64_t number = 0;
    for (size_t i = 1; i + 1 < opaque.bytes;
         i++) /* what is no number or too large does not come back below */
        number = number * 10 + (uint8_t)(opaque.at[i] - '0');
    struct span same = etag_of_version(ours, number);
    if (!weak && same.bytes == opaque.bytes && memcmp(same.at, opaque.at, same.bytes) == 0)
        *version = number;
    return true;
}

bool etag_is_any(struct span text)
{
    return span_is_text(text, "*");
}

/* Whether one line of the field names the tag. */
static bool names(struct span list, struct span tag)
{
    while ((list = span_trim(list)).bytes) {
        struct span opaque;
        bool weak;
        if (*list.at == ',') {
            list = (struct span){list.at + 1, list.bytes - 1};
            continue;
        }
        if (!take_tag(&list, &opaque, &weak))
            return false;
        list = span_trim(list);
        if (list.bytes && *list.at != ',')
            return false;
        if (opaque.bytes == tag.bytes && memcmp(opaque.at, tag.at, tag.bytes) == 0)
            return true;
    }
    return false;
}

bool etag_none_match(const struct http_request *req, struct span tag)
{
    struct span line;
    for (unsigned at = 0; http_request_next(req, "If-None-Match", &at, &line);) {
        if (etag_is_any(line) || names(line, tag))
            return true;
    }
    return false;
}
