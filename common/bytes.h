/* SPDX-License-Identifier: MIT
 *
 * Little-endian integers in byte buffers, for every format that walkv owns (log, snapshot, socket, view).
 *
 * A put_ or get_ touches exactly its width and never checks room: whoever calls it has checked. Bytes from
 * outside are taken apart with `struct reader`, which does check and remembers the first overrun.
 */
#ifndef WALKV_COMMON_BYTES_H
#define WALKV_COMMON_BYTES_H

#include "span.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void put_u16(void *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof value);
}

static inline void put_u32(void *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static inline void put_u64(void *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint16_t get_u16(const void *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

static inline uint32_t get_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static inline uint64_t get_u64(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

/* Big-endian, where the order of bytes must be the order of numbers (B+tree keys). */
static inline void put_u64_be(void *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint64_t get_u64_be(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

/* Takes untrusted bytes apart from front to back. After an overrun every read gives zeros or an empty span
 * and `bad` stays set; the caller looks at it once, at the end. */
struct reader {
    const char *at;
    const char *end;
    bool bad;
};

static inline struct reader reader_of(const void *bytes, size_t count)
{
    return (struct reader){.at = bytes, .end = (const char *)bytes + count, .bad = false};
}

static inline struct span read_span(struct reader *r, size_t bytes)
{
    if (r->bad || (size_t)(r->end - r->at) < bytes) {
        r->bad = true;
        return (struct span){"", 0};
    }
    struct span s = {r->at, bytes};
    r->at += bytes;
    return s;
}

/* Copies `bytes` bytes to `out`, or zeros after an overrun. */
static inline void read_bytes(struct reader *r, void *out, size_t bytes)
{
    struct span s = read_span(r, bytes);
    if (s.bytes == bytes)
        memcpy(out, s.at, bytes);
    else
        memset(out, 0, bytes);
}

static inline uint16_t read_u16(struct reader *r)
{
    struct span s = read_span(r, 2);
    return s.bytes == 2 ? get_u16(s.at) : 0;
}

static inline uint32_t read_u32(struct reader *r)
{
    struct span s = read_span(r, 4);
    return s.bytes == 4 ? get_u32(s.at) : 0;
}

static inline uint64_t read_u64(struct reader *r)
{
    struct span s = read_span(r, 8);
    return s.bytes == 8 ? get_u64(s.at) : 0;
}

/* True when everything was read, nothing more and nothing less. */
static inline bool reader_finished(const struct reader *r)
{
    return !r->bad && r->at == r->end;
}

#endif
