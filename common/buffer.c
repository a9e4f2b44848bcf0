/* SPDX-License-Identifier: MIT
 * A growing byte buffer; see buffer.h. */
#include "buffer.h"

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int buffer_reserve(struct buffer *b, size_t more)
{
    if (b->data && b->room - b->bytes >= more)
        return 0;
    if (more > SIZE_MAX / 2 - b->bytes)
        return -ENOMEM;
    size_t room = b->room ? b->room : 256;
    while (room - b->bytes < more)
        room *= 2;
    char *data = realloc(b->data, room);
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->room = room;
    return 0;
}

char *buffer_extend(struct buffer *b, size_t count)
{
    if (buffer_reserve(b, count))
        fatal(EX_OSERR, "out of memory for a buffer of %zu bytes", b->bytes + count);
    char *at = b->data + b->bytes;
    b->bytes += count;
    return at;
}

void buffer_append(struct buffer *b, const void *bytes, size_t count)
{
    if (count)
        memcpy(buffer_extend(b, count), bytes, count);
}

void buffer_append_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(bytes >= 0);
    char *at = buffer_extend(b, (size_t)bytes + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)bytes + 1, format, args);
    va_end(args);
    b->bytes--;
}

void buffer_consume(struct buffer *b, size_t count)
{
    must(count <= b->bytes);
    b->bytes -= count;
    if (count && b->bytes)
        memmove(b->data, b->data + count, b->bytes);
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}
