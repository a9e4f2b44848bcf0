/* SPDX-License-Identifier: MIT
 *
 * log: see log.h. A line is put together in a buffer on the stack and handed to write(2) at once.
 *
 *   on a terminal, in a file:  2026-11-23T09:22:24.123Z walkvd[123] info: text
 *   in the journal:            <6>text      (the priorities of sd-daemon(3))
 *
 * This file holds the one global of walkv. It must use nothing else of walkv, since everything uses it.
 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/limits.h> /* PIPE_BUF; not <limits.h>, which limits.h in this folder may hide */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line on a pipe is written as a whole");

static struct {
    const char *program;
    enum log_level level;
    bool to_journal;
} the_log = {.program = "walkv", .level = LOG_LEVEL_INFO};

static const struct {
    const char *name;
    char priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", '3'},
    [LOG_LEVEL_WARNING] = {"warning", '4'},
    [LOG_LEVEL_INFO] = {"info", '6'},
    [LOG_LEVEL_DEBUG] = {"debug", '7'},
};

/* JOURNAL_STREAM=<device>:<inode> names the stream that systemd connected; only if standard error still is
 * that stream do the lines go to the journal (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;
    char end;

    if (stream == NULL || sscanf(stream, "%ju:%ju%c", &device, &inode, &end) != 2)
        return false;
    return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_open(const char *program, enum log_level level)
{
    the_log.program = program;
    the_log.level = level;
    the_log.to_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
    the_log.level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= the_log.level;
}

bool log_due(uint64_t *told_ns, uint64_t now_ns)
{
    if (*told_ns && now_ns - *told_ns < LOG_PAUSE_NS)
        return false;
    *told_ns = now_ns;
    return true;
}

/* Writes the head of a line, at most 200 bytes of it, and returns its length. */
static size_t format_head(char *line, enum log_level level)
{
    struct timespec now = {0};
    struct tm utc = {0};
    int length;

    if (the_log.to_journal) {
        length = snprintf(line, 200, "<%c>", levels[level].priority);
        return (size_t)length;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = snprintf(line, 200, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %.64s[%d] %s: ", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                      (int)(now.tv_nsec / 1000000), the_log.program, (int)getpid(), levels[level].name);
    return length < 200 ? (size_t)length : 199;
}

/* Copies `text` to `to`, at most `room` bytes, with \xNN for control characters; what is cut off becomes
 * "...". Returns the number of bytes written. */
static size_t escape(char *to, size_t room, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    static const char cut[] = "...";
    size_t used = 0, safe = 0; /* safe: the end of the last whole character that leaves room for `cut` */

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool control = c < 0x20 || c == 0x7f;
        size_t need = control ? 4 : 1;

        if ((c & 0xc0) != 0x80 && used + strlen(cut) <= room)
            safe = used;
        if (used + need > room) {
            memcpy(to + safe, cut, strlen(cut));
            return safe + strlen(cut);
        }
        if (control) {
            to[used++] = '\\';
            to[used++] = 'x';
            to[used++] = hex[c >> 4];
            to[used++] = hex[c & 15];
        } else {
            to[used++] = (char)c;
        }
    }
    return used;
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level, const char *format,
                                                             va_list arguments)
{
    char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
    int saved_errno = errno;
    size_t length;
    ssize_t written;

    /* %m is allowed in the format, so errno must still be the caller's here. */
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        snprintf(text, sizeof(text), "(a line that could not be formatted: %s)", format);
    length = format_head(line, level);
    length += escape(line + length, sizeof(line) - length - 1, text);
    line[length++] = '\n';
    do
        written = write(STDERR_FILENO, line, length);
    while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

#define DEFINE_LOG(name, level)                                                                              \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list arguments;                                                                                   \
                                                                                                             \
        if (!log_enabled(level))                                                                             \
            return;                                                                                          \
        va_start(arguments, format);                                                                         \
        write_line(level, format, arguments);                                                                \
        va_end(arguments);                                                                                   \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void fatal(int exit_status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_ERROR, format, arguments);
    va_end(arguments);
    exit(exit_status);
}

void log_panic(const char *file, int line, const char *function, const char *format, ...)
{
    char text[LOG_LINE_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    log_error("panic at %s:%d in %s: %s", file, line, function, text);
    abort();
}
