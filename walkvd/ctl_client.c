/* SPDX-License-Identifier: MIT
 * walkvctl's connection to walkvd, its progress line and its output; see ctl.h. */
#include "clock.h"
#include "ctl.h"
#include "json_text.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

void ctl_connect(struct ctl_client *c, const char *socket_path)
{
    *c = (struct ctl_client){.fd = -1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof address.sun_path)
        fatal(EX_USAGE, "the socket path %s is too long", socket_path);
    strcpy(address.sun_path, socket_path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fatal(EX_OSERR, "socket: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address))
        fatal(EX_UNAVAILABLE, "walkvd does not answer at %s: %s (is it running? --socket names another one)",
              socket_path, strerror(errno));
    struct hello hello = {.protocol = FRAME_PROTOCOL, .role = FRAME_ROLE_CONTROL, .pid = (uint64_t)getpid()};
    frame_encode_hello(&c->out, 0, &hello);
    ctl_flush(c);
    struct span body = ctl_receive(c, FRAME_GREETING);
    buffer_append(&c->greeting_bytes, body.at, body.bytes);
    if (!frame_decode_greeting(buffer_span(&c->greeting_bytes), &c->greeting))
        fatal(EX_PROTOCOL, "the greeting of walkvd cannot be read");
    if (c->greeting.protocol != FRAME_PROTOCOL)
        fatal(EX_PROTOCOL, "walkvd speaks protocol %u, this walkvctl %u: use the same version of both",
              c->greeting.protocol, FRAME_PROTOCOL);
}

void ctl_flush(struct ctl_client *c)
{
    size_t sent = 0;
    while (sent < c->out.bytes) {
        ssize_t n = send(c->fd, c->out.data + sent, c->out.bytes - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fatal(EX_UNAVAILABLE, "the connection to walkvd broke: %s", strerror(errno));
        sent += (size_t)n;
    }
    c->out.bytes = 0;
}

struct span ctl_receive(struct ctl_client *c, enum frame_type type)
{
    for (;;) {
        struct frame frame;
        long n = frame_decode((struct span){c->in.data + c->consumed, c->in.bytes - c->consumed}, &frame);
        if (n < 0 || (n > 0 && frame.type != type))
            fatal(EX_PROTOCOL, "walkvd sent something that this walkvctl does not understand");
        if (n > 0) {
            c->consumed += (size_t)n;
            return frame.body;
        }
        buffer_consume(&c->in, c->consumed);
        c->consumed = 0;
        if (buffer_reserve(&c->in, 65536))
            fatal(EX_OSERR, "out of memory");
        ssize_t got = recv(c->fd, c->in.data + c->in.bytes, 65536, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            fatal(EX_UNAVAILABLE, "walkvd closed the connection");
        c->in.bytes += (size_t)got;
    }
}

void ctl_disconnect(struct ctl_client *c)
{
    close(c->fd);
    buffer_free(&c->in);
    buffer_free(&c->out);
    buffer_free(&c->greeting_bytes);
}

void ctl_progress_begin(struct ctl_progress *p, const struct ctl *ctl, const char *what)
{
    *p = (struct ctl_progress){.what = what, .quiet = ctl->quiet, .began_ns = clock_monotonic_ns()};
    p->told_ns = p->began_ns;
}

void ctl_progress(struct ctl_progress *p, uint64_t done, uint64_t total, const char *unit)
{
    uint64_t now = clock_monotonic_ns();
    bool terminal = isatty(STDERR_FILENO);
    if (p->quiet || now - p->told_ns < (terminal ? NS_PER_S / 4 : 5 * NS_PER_S))
        return;
    p->told_ns = now;
    double seconds = (double)(now - p->began_ns) / 1e9;
    fprintf(stderr, "%s%s: %" PRIu64, terminal ? "\r" : "", p->what, done);
    if (total)
        fprintf(stderr, " of %" PRIu64 " (%.0f%%)", total, 100.0 * (double)done / (double)total);
    fprintf(stderr, " %s, %.0f per second%s", unit, (double)done / seconds, terminal ? "   " : "\n");
}

void ctl_progress_end(struct ctl_progress *p)
{
    if (!p->quiet && isatty(STDERR_FILENO) && p->told_ns != p->began_ns)
        fputs("\r\033[K", stderr);
}

void ctl_report_file(const struct ctl *ctl, bool first, const char *file, const char *verdict,
                     uint64_t offset, uint64_t first_lsn, uint64_t last_lsn, const char *sentence)
{
    if (ctl->json) {
        printf("%s{\"file\":\"%s\",\"verdict\":\"%s\",\"offset\":%" PRIu64 ",\"first_lsn\":%" PRIu64
               ",\"last_lsn\":%" PRIu64 ",\"text\":",
               first ? "" : ",", file, verdict, offset, first_lsn, last_lsn);
        ctl_print_string(stdout, (struct span){sentence, strlen(sentence)});
        putchar('}');
        return;
    }
    printf("%-38s %-8s", file, verdict);
    if (last_lsn)
        printf(" LSN %" PRIu64 "-%" PRIu64, first_lsn, last_lsn);
    else if (first_lsn)
        printf(" LSN %" PRIu64 " on", first_lsn);
    if (strcmp(verdict, "ok") != 0)
        printf(" at offset %" PRIu64, offset);
    printf("%s%s\n", *sentence ? ": " : "", sentence);
}

void ctl_print_string(FILE *out, struct span text)
{
    char small[JSON_ESCAPED_MAX(NAME_BYTES_MAX)];
    char *room = JSON_ESCAPED_MAX(text.bytes) <= sizeof small
                     ? small
                     : memory_check(malloc(JSON_ESCAPED_MAX(text.bytes)), "a text");
    fwrite(room, 1, json_text_escape(room, text), out);
    if (room != small)
        free(room);
}

int ctl_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "walkvctl: standard output cannot be written: %s\n", strerror(errno));
    return EX_IOERR;
}
