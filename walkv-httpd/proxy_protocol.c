/* SPDX-License-Identifier: MIT
 * PROXY protocol; see proxy_protocol.h. */
#include "proxy_protocol.h"

#include <string.h>

static const char v1_start[] = "PROXY ";
static const char v2_start[] = "\r\n\r\n\0\r\nQUIT\n";

enum { V1_START_BYTES = sizeof v1_start - 1, V2_START_BYTES = sizeof v2_start - 1 };
enum { V2_FIXED_BYTES = 16, V2_LOCAL = 0x20, V2_PROXY = 0x21 };

/* The families of version 2 and what is behind the fixed part. */
static const struct {
    uint8_t family;
    uint8_t bytes;         /* addresses and ports */
    uint8_t address_bytes; /* 0: no IP */
} families[] = {
    {0x00, 0, 0},
    {0x11, 12, 4},
    {0x21, 36, 16},
    {0x31, 216, 0},
};

static bool is_port(struct span text)
{
    uint64_t port;
    return text.bytes <= 5 && !(text.bytes > 1 && *text.at == '0') && span_decimal(text, &port) &&
           port <= 65535;
}

/* What stands between "PROXY " and CR LF. */
static bool parse_line(struct span line, struct address *client)
{
    struct span family = span_take(&line, ' ');
    if (span_is_text(family, "UNKNOWN"))
        return true;
    bool four = span_is_text(family, "TCP4");
    if (!four && !span_is_text(family, "TCP6"))
        return false;
    struct span source = span_take(&line, ' '), destination = span_take(&line, ' '),
                from = span_take(&line, ' ');
    struct address other;
    bool colons = memchr(source.at, ':', source.bytes) && memchr(destination.at, ':', destination.bytes);
    bool colon = memchr(source.at, ':', source.bytes) || memchr(destination.at, ':', destination.bytes);
    return (four ? !colon : colons) && address_parse(client, source) && address_parse(&other, destination) &&
           is_port(from) && is_port(line);
}

static enum proxy_parse parse_v1(const char *buffer, size_t bytes, size_t *header_bytes,
                                 struct address *client)
{
    size_t looked_at = bytes < PROXY_V1_BYTES_MAX ? bytes : PROXY_V1_BYTES_MAX;
    const char *cr = memchr(buffer, '\r', looked_at);
    if (!cr)
        return memchr(buffer, '\n', looked_at) || looked_at == PROXY_V1_BYTES_MAX ? PROXY_ERROR : PROXY_MORE;
    size_t before = (size_t)(cr - buffer);
    if (before + 2 > PROXY_V1_BYTES_MAX || memchr(buffer, '\n', before))
        return PROXY_ERROR;
    struct address found = {.kind = ADDRESS_NONE};
    if (!parse_line((struct span){buffer + V1_START_BYTES, before - V1_START_BYTES}, &found))
        return PROXY_ERROR;
    if (before + 1 == bytes)
        return PROXY_MORE;
    if (cr[1] != '\n')
        return PROXY_ERROR;
    *client = found;
    *header_bytes = before + 2;
    return PROXY_DONE;
}

static enum proxy_parse parse_v2(const char *buffer, size_t bytes, size_t *header_bytes,
                                 struct address *client)
{
    const uint8_t *at = (const uint8_t *)buffer;
    unsigned known = 0, families_count = sizeof families / sizeof *families;
    if (bytes > 12 && at[12] != V2_LOCAL && at[12] != V2_PROXY)
        return PROXY_ERROR;
    if (bytes > 13) {
        while (known < families_count && families[known].family != at[13])
            known++;
        if (known == families_count)
            return PROXY_ERROR;
    }
    if (bytes < V2_FIXED_BYTES)
        return PROXY_MORE;
    size_t length = (size_t)at[14] << 8 | at[15];
    if (length > PROXY_V2_BYTES_MAX - V2_FIXED_BYTES ||
        (at[12] == V2_PROXY && length < families[known].bytes))
        return PROXY_ERROR;
    if (bytes < V2_FIXED_BYTES + length)
        return PROXY_MORE;
    *header_bytes = V2_FIXED_BYTES + length;
    *client = (struct address){.kind = ADDRESS_NONE};
    if (at[12] == V2_PROXY && families[known].address_bytes)
        *client = address_of_bytes(at + V2_FIXED_BYTES, families[known].address_bytes);
    return PROXY_DONE;
}

enum proxy_parse proxy_protocol_parse(const char *buffer, size_t bytes, size_t *header_bytes,
                                      struct address *client)
{
    size_t v1 = bytes < V1_START_BYTES ? bytes : V1_START_BYTES;
    size_t v2 = bytes < V2_START_BYTES ? bytes : V2_START_BYTES;
    if (!bytes)
        return PROXY_MORE;
    if (memcmp(buffer, v1_start, v1) == 0)
        return v1 < V1_START_BYTES ? PROXY_MORE : parse_v1(buffer, bytes, header_bytes, client);
    if (memcmp(buffer, v2_start, v2) == 0)
        return v2 < V2_START_BYTES ? PROXY_MORE : parse_v2(buffer, bytes, header_bytes, client);
    return PROXY_ERROR;
}
