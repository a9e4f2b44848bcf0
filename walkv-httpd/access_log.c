/* SPDX-License-Identifier: MIT
 * The access log; see access_log.h. */
#include "access_log.h"

#include "buffer.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { FIXED_BYTES = 768 /* of a line, all but path and token */, TOKEN_BYTES = 256, TIME_BYTES = 40 };

enum kind { KIND_FILE, KIND_SOCKET, KIND_OTHER };

struct access_log {
    const char *path; /* NULL: standard error */
    int fd;           /* -1: could not be opened */
    enum kind kind;
    bool torn; /* what was written last is not the end of a line */
    bool told; /* the log knows that lines are being dropped */
    uint64_t dropped;
    struct buffer waiting;
    time_t second; /* of `time` */
    char time[TIME_BYTES];
};

static int open_file(const char *path)
{
    /* Not blocking: for a pipe, whose reader may be slow or missing. */
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static const char *path_of(const char *setting)
{
    return *setting == '/' ? setting : NULL;
}

void access_log_check(const char *setting)
{
    if (!path_of(setting))
        return;
    int fd = open_file(setting);
    if (fd < 0)
        fatal(EX_CONFIG, "access_log: %s cannot be opened: %s", setting, strerror(errno));
    close(fd);
}

static enum kind kind_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return KIND_OTHER;
    return S_ISREG(st.st_mode) ? KIND_FILE : S_ISSOCK(st.st_mode) ? KIND_SOCKET : KIND_OTHER;
}

static void open_log(struct access_log *log)
{
    int fd = log->path ? open_file(log->path) : STDERR_FILENO;
    if (fd < 0) {
        log_error("access_log: %s cannot be opened: %s; %s", log->path, strerror(errno),
                  log->fd < 0 ? "there is no access log" : "going on with the file from before");
        return;
    }
    if (log->path && log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->kind = kind_of(fd);
    log->torn = false;
}

struct access_log *access_log_new(const char *setting)
{
    if (strcmp(setting, "off") == 0)
        return NULL;
    struct access_log *log = memory_new(1, sizeof *log, "the access log");
    log->path = path_of(setting);
    log->fd = -1;
    open_log(log);
    return log;
}

void access_log_reopen(struct access_log *log)
{
    access_log_flush(log);
    if (log->path)
        open_log(log);
}

void access_log_free(struct access_log **log)
{
    if (!*log)
        return;
    access_log_flush(*log);
    if ((*log)->path && (*log)->fd >= 0)
        close((*log)->fd);
    buffer_free(&(*log)->waiting);
    free(*log);
    *log = NULL;
}

/* Appends text for the inside of a JSON string, at most `room` bytes; what is cut off becomes "...". */
static char *put_escaped(char *at, size_t room, struct span text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *end = at + room - 6; /* room for one more byte as it is longest, and for the dots */
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (at > end)
            return mempcpy(at, "...", 3);
        if (c == '"' || c == '\\')
            *at++ = '\\';
        if (c > ' ' && c < 0x7f)
            *at++ = (char)c;
        else
            at = mempcpy(at, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
    return at;
}

static char *put(char *at, const char *text)
{
    return stpcpy(at, text);
}

static char *put_number(char *at, uint64_t value)
{
    return at + sprintf(at, "%" PRIu64, value);
}

size_t access_log_format(char line[ACCESS_LINE_MAX], const char *time, const struct access_entry *e)
{
    char client[ADDRESS_TEXT_BYTES], *at = line;
    address_format(client, &e->client);
    at = put(put(at, "{\"time\":\""), time);
    at = mempcpy(put(at, "\",\"id\":\""), e->id.at, e->id.bytes);
    at = put(put(at, "\",\"client\":\""), client);
    at = put_escaped(put(at, "\",\"token\":\""), TOKEN_BYTES, e->token);
    at = put(put(at, "\",\"method\":\""), e->method);
    at = put_escaped(put(at, "\",\"path\":\""), ACCESS_LINE_MAX - FIXED_BYTES - TOKEN_BYTES, e->path);
    at = put_number(put(at, "\",\"status\":"), e->status);
    at = put_number(put(at, ",\"bytes\":"), e->bytes);
    at = put_number(put(at, ",\"duration_us\":"), e->duration_ns / 1000);
    at = put(at, e->aborted ? ",\"aborted\":true}\n" : "}\n");
    must(at - line <= ACCESS_LINE_MAX);
    return (size_t)(at - line);
}

/* Of now, to the millisecond. */
static const char *now_text(struct access_log *log)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != log->second || !log->time[0]) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(log->time, TIME_BYTES, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
        log->second = now.tv_sec;
    }
    unsigned ms = (unsigned)(now.tv_nsec / 1000000);
    char *digits = strchr(log->time, '.') + 1;
    digits[0] = (char)('0' + ms / 100);
    digits[1] = (char)('0' + ms / 10 % 10);
    digits[2] = (char)('0' + ms % 10);
    return log->time;
}

void access_log_add(struct access_log *log, const struct access_entry *entry)
{
    struct buffer *waiting = &log->waiting;
    if (waiting->bytes > ACCESS_WAITING_BYTES - ACCESS_LINE_MAX || buffer_reserve(waiting, ACCESS_LINE_MAX)) {
        log->dropped++;
        return;
    }
    waiting->bytes += access_log_format(waiting->data + waiting->bytes, now_text(log), entry);
}

/* The whole lines at the front, at most `most` bytes; all lines are shorter than that. */
static size_t whole_lines(struct span lines, size_t most)
{
    if (lines.bytes <= most)
        return lines.bytes;
    const char *end = memrchr(lines.at, '\n', most);
    return end ? (size_t)(end + 1 - lines.at) : most;
}

static ssize_t write_once(struct access_log *log, const char *data, size_t bytes)
{
    if (log->kind == KIND_SOCKET)
        return send(log->fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (log->kind == KIND_OTHER) { /* shared with others, so it cannot be made not to block */
        struct pollfd ready = {log->fd, POLLOUT, 0};
        if (poll(&ready, 1, 0) != 1) {
            errno = EAGAIN;
            return -1;
        }
    }
    return write(log->fd, data, bytes);
}

/* The same with whole lines, when the last write to a file may have ended within one because the disk is
 * full. */
static ssize_t write_lines(struct access_log *log, const char *data, size_t bytes)
{
    if (log->torn) {
        ssize_t n = write_once(log, "\n", 1);
        if (n < 0)
            return n;
        log->torn = false;
    }
    ssize_t n = write_once(log, data, bytes);
    log->torn = n > 0 && data[n - 1] != '\n' && log->kind == KIND_FILE;
    return n;
}

static void drop(struct access_log *log, struct span lines, const char *why)
{
    for (size_t i = 0; i < lines.bytes; i++)
        log->dropped += lines.at[i] == '\n';
    if (!log->told && log->path)
        log_error("access_log: %s cannot be written: %s; lines are being dropped", log->path, why);
    log->told = true;
}

static void tell_dropped(struct access_log *log)
{
    char line[TIME_BYTES + 64];
    int bytes = snprintf(line, sizeof line, "{\"time\":\"%s\",\"dropped\":%" PRIu64 "}\n", now_text(log),
                         log->dropped);
    if (write_lines(log, line, (size_t)bytes) == bytes)
        log->dropped = 0;
}

/* Writes or drops lines. Returns how many bytes of them are done with. */
static size_t write_some(struct access_log *log, struct span lines)
{
    if (log->fd < 0) {
        drop(log, lines, "it is not open");
        return lines.bytes;
    }
    size_t wanted = whole_lines(lines, log->kind == KIND_FILE ? SIZE_MAX : ACCESS_LINE_MAX);
    ssize_t n = write_lines(log, lines.at, wanted);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        drop(log, lines, strerror(errno));
        return lines.bytes;
    }
    if (log->torn) { /* the rest of that line is lost */
        const char *end = memchr(lines.at + n, '\n', lines.bytes - (size_t)n);
        n = end + 1 - lines.at;
        log->dropped++;
    }
    log->told = false;
    return (size_t)n;
}

void access_log_flush(struct access_log *log)
{
    struct span left = buffer_span(&log->waiting);
    for (size_t done = 1; left.bytes && done;) {
        done = write_some(log, left);
        left = (struct span){left.at + done, left.bytes - done};
    }
    if (!left.bytes && log->dropped && log->fd >= 0)
        tell_dropped(log);
    buffer_consume(&log->waiting, log->waiting.bytes - left.bytes);
    if (log->waiting.room > 64 * 1024 && !left.bytes)
        buffer_free(&log->waiting);
}
