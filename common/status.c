/* SPDX-License-Identifier: MIT
 * Encoding of the status, by its table; see status.h. */
#include "status.h"

#include "bytes.h"

static void append_number(struct buffer *out, uint64_t value)
{
    put_u64(buffer_extend(out, 8), value);
}

static void append_text(struct buffer *out, const char *text)
{
    size_t bytes = strnlen(text, STATUS_TEXT_BYTES - 1);
    put_u16(buffer_extend(out, 2), (uint16_t)bytes);
    buffer_append(out, text, bytes);
}

static void read_text(struct reader *r, char *out)
{
    size_t bytes = read_u16(r);
    if (bytes >= STATUS_TEXT_BYTES)
        r->bad = true;
    struct span text = read_span(r, bytes);
    memcpy(out, text.at, text.bytes);
    out[text.bytes] = '\0';
}

void status_encode(struct buffer *out, const struct status *s)
{
#define X(name) append_number(out, s->name);
    STATUS_NUMBERS(X)
#undef X
#define X(name) append_text(out, s->name);
    STATUS_TEXTS(X)
#undef X
}

bool status_decode(struct span body, struct status *s)
{
    struct reader r = reader_of(body.at, body.bytes);
#define X(name) s->name = read_u64(&r);
    STATUS_NUMBERS(X)
#undef X
#define X(name) read_text(&r, s->name);
    STATUS_TEXTS(X)
#undef X
    return reader_finished(&r);
}
