/* SPDX-License-Identifier: MIT
 * Responses of unbounded size, made piece by piece while the client takes them; see http_conn.h. */
#include "conn_internal.h"

#include "compression.h"
#include "gzip.h"
#include "log.h"
#include "watchers.h"

#include <stdlib.h>

enum {
    LOW_BYTES = 64 * 1024,   /* that are not sent yet; below it a stream makes its next piece */
    SLICE_BYTES = 64 * 1024, /* compressed at once */
};

void stream_hold(struct stream *s, struct buffer *made, bool ended)
{
    struct buffer before = s->held;
    s->held = *made;
    s->held_at = 0;
    s->ended = ended;
    *made = before; /* whose memory is used again */
    made->bytes = 0;
}

/* The next bytes of a stream: as `next` makes them, or a slice of that when they are to be compressed, so
 * that the others do not wait for long. Returns an enum stream_more or a negative errno. */
static int next_piece(struct conn *c, struct span *piece)
{
    struct stream *s = c->stream;
    struct buffer *made = &c->worker->scratch;
    if (s->held_at == s->held.bytes) {
        if (s->ended) {
            *piece = (struct span){0};
            return STREAM_END;
        }
        made->bytes = 0;
        int more = s->next(c);
        if (more < 0)
            return more;
        if (!s->gzip || made->bytes <= SLICE_BYTES) {
            *piece = buffer_span(made);
            s->ended = more == STREAM_END;
            return more;
        }
        stream_hold(s, made, more == STREAM_END);
    }
    size_t left = s->held.bytes - s->held_at;
    *piece = (struct span){s->held.data + s->held_at, left < SLICE_BYTES ? left : SLICE_BYTES};
    s->held_at += piece->bytes;
    return !s->ended || s->held_at < s->held.bytes ? STREAM_MORE : STREAM_END;
}

/* Compresses a piece, if the stream is compressed. */
static struct span pack(struct conn *c, struct span piece, bool last)
{
    struct buffer *packed = &c->worker->packed;
    if (!c->stream->gzip)
        return piece;
    packed->bytes = 0;
    gzip_write(c->stream->gzip, packed, piece, last);
    return buffer_span(packed);
}

/* Makes the next pieces of a stream while the client takes them. */
void conn_stream_run(struct conn *c)
{
    while (c->state == CONN_STREAM && c->out.bytes - c->sent < LOW_BYTES && c->made_bytes < CONN_TURN_BYTES) {
        struct span piece;
        int more = next_piece(c, &piece);
        if (more < 0) {
            /* The head has been sent: only breaking off can say that this is not the end. */
            c->reset = true;
            return;
        }
        bool chunked = c->request.version_minor >= 1;
        c->made_bytes += piece.bytes;
        piece = pack(c, piece, more == STREAM_END);
        if (piece.bytes) {
            if (chunked)
                buffer_printf(&c->out, "%zx\r\n", piece.bytes);
            buffer_append(&c->out, piece.at, piece.bytes);
            if (chunked)
                buffer_append_text(&c->out, "\r\n");
        }
        c->stream->waits = more == STREAM_WAIT;
        if (c->stream->waits)
            return;
        if (more == STREAM_END) {
            if (chunked)
                buffer_append_text(&c->out, "0\r\n\r\n");
            conn_stream_free(c);
            conn_finish(c);
        }
    }
}

void conn_stream_free(struct conn *c)
{
    struct stream *s = c->stream;
    if (!s)
        return;
    if (c->watcher) {
        watchers_remove(c->worker, c->watcher);
        free(c->watcher);
        c->watcher = NULL;
    }
    compression_end(c);
    buffer_free(&s->held);
    free(s);
    c->stream = NULL;
}

void conn_keep_head(struct conn *c)
{
    struct buffer head = {0};
    buffer_append(&head, c->in.data + c->request_at, c->body_at - c->request_at);
    buffer_free(&c->in);
    c->in = head;
    c->request_at = 0;
    c->body_at = c->raw_at = head.bytes;
    c->body_bytes = 0;
    c->request.value = (struct piece){0}; /* was in the body */
}

void conn_stream_wake(struct conn *c)
{
    c->stream->waits = false;
    if (!c->stalled_ns) /* otherwise it goes on when its client takes more, or is closed for it */
        conn_resume(c);
}

void conn_stream(struct conn *c, int (*next)(struct conn *))
{
    must(c->stream);
    if (c->request.head_only) {
        conn_stream_free(c);
        return;
    }
    c->stream->next = next;
    c->state = CONN_STREAM;
    c->pending = NULL;
}
