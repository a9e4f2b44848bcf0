/* SPDX-License-Identifier: MIT
 * One connection to walkvd's socket; see peer.h. */
#include "peer.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = FRAME_SOCKET_BYTES, KEEP_BYTES = 2 * READ_BYTES };

struct peer *peer_new(struct server *server, struct event_base *base, int fd, event_callback_fn on_readable,
                      event_callback_fn on_writable)
{
    struct peer *p = calloc(1, sizeof *p);
    if (!p) {
        close(fd);
        return NULL;
    }
    p->server = server;
    p->fd = fd;
    /* Or what the kernel allows. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){FRAME_SOCKET_BYTES}, sizeof(int));
    p->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, p);
    p->writable = event_new(base, fd, EV_WRITE, on_writable, p);
    if (!p->readable || !p->writable || event_add(p->readable, NULL))
        peer_free(&p);
    else
        p->reading = true;
    return p;
}

void peer_free(struct peer **peer)
{
    struct peer *p = *peer;
    if (p->readable)
        event_free(p->readable);
    if (p->writable)
        event_free(p->writable);
    close(p->fd);
    buffer_free(&p->in);
    buffer_free(&p->out);
    free(p);
    *peer = NULL;
}

void peer_read(struct peer *p, size_t limit)
{
    size_t want = p->in.bytes < limit ? limit - p->in.bytes : 0;
    if (want > READ_BYTES)
        want = READ_BYTES;
    if (!want)
        return;
    if (buffer_reserve(&p->in, want)) {
        p->broken = true;
        return;
    }
    ssize_t n = recv(p->fd, p->in.data + p->in.bytes, want, MSG_DONTWAIT);
    if (n > 0)
        p->in.bytes += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        p->broken = true;
}

int peer_next(struct peer *p, size_t limit, struct frame *frame)
{
    struct span rest = {p->in.data + p->consumed, p->in.bytes - p->consumed};
    long n = frame_decode(rest, frame);
    if (n < 0 || (n == 0 && rest.bytes >= limit)) { /* nothing more is read, so it would never be whole */
        p->broken = true;
        return -1;
    }
    p->consumed += (size_t)n;
    return n > 0;
}

bool peer_reserve(struct peer *p, size_t bytes)
{
    if (buffer_reserve(&p->out, bytes))
        p->broken = true;
    return !p->broken;
}

static void send_out(struct peer *p)
{
    while (p->sent < p->out.bytes) {
        ssize_t n = send(p->fd, p->out.data + p->sent, p->out.bytes - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if ((errno != EAGAIN && errno != EWOULDBLOCK) || event_add(p->writable, NULL))
                p->broken = true;
            return;
        }
        p->sent += (size_t)n;
    }
    p->sent = p->out.bytes = 0;
    if (p->out.room > KEEP_BYTES)
        buffer_free(&p->out);
    if (p->closing)
        p->broken = true;
}

void peer_finish(struct peer *p, size_t limit)
{
    buffer_consume(&p->in, p->consumed);
    p->consumed = 0;
    if (p->in.bytes == 0 && p->in.room > KEEP_BYTES)
        buffer_free(&p->in);
    if (p->out.bytes)
        send_out(p);
    bool read = p->in.bytes < limit && p->out.bytes - p->sent < limit && !p->closing && !p->broken;
    if (read == p->reading)
        return;
    if (read && event_add(p->readable, NULL))
        p->broken = true;
    else if (!read)
        event_del(p->readable);
    p->reading = read;
}
