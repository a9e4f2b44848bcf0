/* SPDX-License-Identifier: MIT
 * Memory that has to be there; see memory.h. */
#include "memory.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void *memory_check(void *allocated, const char *what)
{
    if (!allocated)
        fatal(EX_OSERR, "out of memory for %s", what);
    return allocated;
}

void *memory_new(size_t count, size_t size, const char *what)
{
    void *memory = calloc(count, size);
    if (!memory)
        fatal(EX_OSERR, "out of memory for %s: %zu bytes", what, count * size);
    return memory;
}

char *memory_text(const char *text)
{
    return memory_check(strdup(text), "a text");
}

char *memory_printf(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int bytes = vasprintf(&text, format, args);
    va_end(args);
    return memory_check(bytes < 0 ? NULL : text, "a text");
}
