/* SPDX-License-Identifier: MIT
 *
 * One HTTP connection: bytes in, requests strictly one after another, bytes out. Requests that arrive
 * together are answered with one write. Whatever is ambiguous is answered once and closed, never
 * resynchronised.
 *
 * A handler gets a whole request and must do exactly one of: append a complete response to conn->out (with
 * the functions of response.h), hand a write to walkvd_client_submit(), or begin a stream.
 */
#ifndef WALKV_HTTPD_HTTP_CONN_H
#define WALKV_HTTPD_HTTP_CONN_H

#include "buffer.h"
#include "frame.h"
#include "http_parser.h"
#include "tokens.h"
#include "worker.h"

struct gzip;
struct route;
struct watcher;

/* A span of conn->in that survives the buffer's moving. */
struct piece {
    size_t at;
    size_t bytes;
};

enum conn_state {
    CONN_PROXY,  /* reading the PROXY header that a connection begins with */
    CONN_HEAD,   /* reading a request head, or idle */
    CONN_BODY,   /* reading its body */
    CONN_WAIT,   /* for walkvd */
    CONN_STREAM, /* sending a response of unbounded size */
    CONN_LINGER, /* answered, closed for writing; reads and drops what still comes, so that no reset eats the
                    answer */
};

/* What `next` of a stream returns, if not a negative errno. */
enum stream_more {
    STREAM_END,
    STREAM_MORE,
    STREAM_WAIT, /* not now: conn_stream_wake() asks again */
};

/* What a stream needs between its pieces; see list_api.c. */
struct stream {
    int (*next)(struct conn *); /* appends one bounded piece to worker->scratch */
    bool waits;                 /* it said STREAM_WAIT last */
    unsigned phase;
    bool first;
    bool keys_only;
    bool sizes;
    uint64_t count;
    uint16_t prefix_bytes;
    uint16_t after_bytes;
    char prefix[NAME_BYTES_MAX];
    char after[NAME_BYTES_MAX];
    struct gzip *gzip;  /* NULL: not compressed */
    struct buffer held; /* made, and not yet compressed from held_at on */
    size_t held_at;
    bool ended; /* `next` has nothing behind what is held */
};

/* The current request, and its answer, as far as they have to be known while it waits. From http_conn.c's
 * next_request() to the next one; all of it is zero at first, but for what the members above it say the
 * length of. */
struct conn_request {
    struct request_info {
        struct request_id id;
        bool known;           /* its head has been read */
        struct piece target;  /* from request_at on */
        uint64_t began_ns;    /* when its first byte came */
        uint64_t response_at; /* of all bytes that were ever put into `out` */
        unsigned status;      /* of its response; 0: none yet */
        struct address client;
        char token[TOKEN_NAME_MAX + 1]; /* the name of its access token; empty: none */
    } info;
    struct span origin; /* of the page that sent it, in the settings; empty: none that is allowed */
    const struct route *route;
    enum http_method method;
    uint8_t version_minor;
    bool keep_alive;
    bool head_only;     /* HEAD: its answer has no body, whatever it is */
    struct piece value; /* minified, in place */
    struct piece key;   /* Idempotency-Key; 0 bytes: none */
    struct piece token; /* of its Authorization; 0 bytes: none was asked for */
    enum op op;
    enum condition condition;
    size_t name_bytes;

    char name[NAME_BYTES_MAX];              /* key or queue; the first of what is not cleared */
    uint8_t fingerprint[FINGERPRINT_BYTES]; /* of the request, with a key only */
    uint8_t token_hash[TOKEN_HASH_BYTES];   /* with a token only */
};

struct conn {
    struct worker *worker;
    struct conn *next, *previous;
    int fd;
    struct address peer; /* or whom a PROXY header names */
    struct event *readable;
    struct event *writable;
    enum conn_state state;
    uint64_t deadline_ns; /* of what is going on; 0: none; stands still while the client does not read */
    uint64_t phase_ns;    /* when the current head, body or lingering began */
    uint64_t stalled_ns;  /* since when the socket takes nothing more; 0: it does */
    uint64_t stalled_at;  /* how many bytes had been sent by then */
    uint64_t stall_deadline_ns; /* while it does not */
    size_t held_bytes;          /* of answers, meanwhile; see conn_hold() */
    uint64_t dropped_bytes;     /* of what came behind the last request */

    struct buffer in;
    size_t request_at; /* the current request begins here */
    size_t body_at;
    size_t body_bytes; /* decoded so far */
    size_t raw_at;     /* not decoded yet */
    struct buffer out;
    size_t sent;
    uint64_t out_before; /* bytes sent before those in `out` */
    size_t made_bytes;   /* by a stream in this turn, before compression, and what else its work is worth */

    struct http_parser parser;
    struct http_body body;

    struct conn_request request;
    void *pending; /* in walkvd_client */
    struct stream *stream;
    struct watcher *watcher; /* NULL, unless the stream is one of events */

    bool reading;
    bool ended;     /* in CONN_LINGER: nothing more comes from the client, or nothing is taken any more */
    bool lingering; /* in CONN_LINGER: all was sent, and the client has been told the end */
    bool reset;     /* close at once, nothing more can be sent */
};

void conn_open(struct worker *, int fd, struct address peer);
/* Makes room for another connection: closes the one that was used least recently among the idle ones and
 * those that were answered for good; without any, among those that have not sent a whole head yet. False when
 * every connection has a request in progress. */
bool conn_close_oldest_idle(struct worker *);
void conn_close(struct conn *);

/* The answer of walkvd to the request that this connection waits for. */
void conn_write_done(struct conn *, const struct write_result *);

/* The answer to the current request is complete in conn->out. For whoever answers later than its handler. */
void conn_finish(struct conn *);

/* Goes on after a handler's answer came later: next request, flush. */
void conn_resume(struct conn *);

/* For a request that goes on for long, with nothing behind it: lets go of all that came but its head. What
 * its handler was given is gone then. */
void conn_keep_head(struct conn *);

/* A stream that said STREAM_WAIT is asked again: at once, or when its client has taken what it has. */
void conn_stream_wake(struct conn *);

/* Begins a stream whose response head has been appended and whose state conn->stream is. */
void conn_stream(struct conn *, int (*next)(struct conn *));

/* Gives a stream bytes to begin with: what is in `made`, which is empty then. `ended`: nothing comes behind.
 */
void stream_hold(struct stream *, struct buffer *made, bool ended);

/* Ends conn->stream, if there is one. */
void conn_stream_free(struct conn *);

/* Closes what is idle or too slow; call it a few times a second. */
void conn_tick(struct worker *, uint64_t now_ns);

static inline struct span conn_name(const struct conn *c)
{
    return (struct span){c->request.name, c->request.name_bytes};
}

static inline struct span conn_piece(const struct conn *c, struct piece p)
{
    return (struct span){c->in.data + p.at, p.bytes};
}

#endif
