/* SPDX-License-Identifier: MIT
 *
 * What walkv's parser makes of streams of bytes, as text: the counterpart of llhttp_account.js, for
 * differential_test.py.
 *
 * Reads streams from standard input, each as its length (4 bytes, little-endian) and its bytes, and writes
 * one line for each:
 *
 *     line    = request* end
 *     request = method ',' version ',' hex(target) ',' hex(name ':' value LF ...) ',' hex(body) ' '
 *     end     = "."            all bytes belong to whole requests
 *             | "more"         the stream ends within a request
 *             | "close"        the last request was the connection's last; what follows was not looked at
 *             | '!' status ' ' sentence
 *
 * Each stream is served whole; of every argv[1]-th it is served byte by byte, too, and of every argv[2]-th
 * cut in two at every position; the line must be the same each time, else it ends the program. The input lies
 * in a new heap block of exactly its size at each step, so that ASan sees a read of one byte too many. It
 * never says what the right answer is.
 */
#include "buffer.h"
#include "http_parser.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 1024 * 1024, STREAM_BYTES_MAX = 1024 * 1024 };

struct connection {
    struct http_parser parser;
    struct http_body body;
    struct http_request req;
    struct buffer in; /* what is not used up yet; the head stays until the body is complete */
    size_t content_bytes;
    bool in_body;
    bool over;
    struct buffer account;
};

static void note_hex(struct buffer *account, struct span s)
{
    static const char digits[] = "0123456789abcdef";
    char *at = buffer_extend(account, 2 * s.bytes);
    for (size_t i = 0; i < s.bytes; i++) {
        *at++ = digits[(unsigned char)s.at[i] >> 4];
        *at++ = digits[s.at[i] & 15];
    }
}

static void note_request(struct connection *c, struct span content)
{
    const struct http_request *req = &c->req;
    buffer_printf(&c->account, "%s,1.%u,", http_method_name(req->method), req->version_minor);
    note_hex(&c->account, req->target);
    buffer_append_text(&c->account, ",");
    for (unsigned h = 0; h < req->header_count; h++) {
        note_hex(&c->account, req->headers[h].name);
        buffer_append_text(&c->account, "3a"); /* ':' */
        note_hex(&c->account, req->headers[h].value);
        buffer_append_text(&c->account, "0a"); /* LF */
    }
    buffer_append_text(&c->account, ",");
    note_hex(&c->account, content);
    buffer_append_text(&c->account, " ");
    c->over = !req->keep_alive;
    if (c->over)
        buffer_append_text(&c->account, "close");
}

static void note_error(struct connection *c, int status, const char *sentence)
{
    buffer_printf(&c->account, "!%d %s", status, sentence);
    c->over = true;
}

/* What there is, in a block of its own and of its size. */
static void move(struct connection *c)
{
    char *moved = malloc(c->in.bytes);
    must(moved || !c->in.bytes);
    if (c->in.bytes)
        memcpy(moved, c->in.data, c->in.bytes);
    free(c->in.data);
    c->in.data = moved;
    c->in.room = c->in.bytes;
}

/* One head or one step of a body. False when more bytes are needed, or none are. */
static bool step(struct connection *c)
{
    move(c);
    enum http_parse rc = http_parser_head(&c->parser, c->in.data, c->in.bytes, &c->req);
    if (rc == HTTP_ERROR)
        note_error(c, c->parser.status, c->parser.error);
    if (rc != HTTP_DONE)
        return false;
    if (!c->in_body) {
        rc = http_body_start(&c->body, &c->req, BODY_BYTES_MAX);
        c->content_bytes = 0;
        c->in_body = true;
    } else {
        rc = HTTP_MORE;
    }
    size_t at = c->req.head_bytes + c->content_bytes, consumed = 0, decoded = 0;
    if (rc == HTTP_MORE)
        rc = http_body_decode(&c->body, c->in.data + at, c->in.bytes - at, &consumed, &decoded);
    if (rc == HTTP_ERROR) {
        note_error(c, c->body.status, c->body.error);
        return false;
    }
    c->content_bytes += decoded;
    memmove(c->in.data + at + decoded, c->in.data + at + consumed, c->in.bytes - at - consumed);
    c->in.bytes -= consumed - decoded;
    if (rc == HTTP_MORE)
        return false;
    note_request(c, (struct span){c->in.data + c->req.head_bytes, c->content_bytes});
    buffer_consume(&c->in, c->req.head_bytes + c->content_bytes);
    http_parser_start(&c->parser);
    c->in_body = false;
    return !c->over && c->in.bytes > 0;
}

/* The account of the stream when it comes in parts of `first` and then `each` bytes; buffer_free() it. */
static struct buffer serve(struct span stream, size_t first, size_t each)
{
    static struct connection c;
    c = (struct connection){0};
    http_parser_start(&c.parser);
    for (size_t at = 0, count = first; at < stream.bytes && !c.over; at += count, count = each) {
        if (count > stream.bytes - at)
            count = stream.bytes - at;
        buffer_append(&c.in, stream.at + at, count);
        while (step(&c)) {
        }
    }
    if (!c.over) {
        /* An empty line before a request is not the beginning of one. */
        bool whole = c.in.bytes == 0 || (!c.in_body && c.in.bytes <= 2 && *c.in.data == '\r');
        buffer_append_text(&c.account, whole ? "." : "more");
    }
    buffer_free(&c.in);
    return c.account;
}

static void check_parts(struct span stream, struct span whole, size_t first, size_t each)
{
    struct buffer account = serve(stream, first, each);
    if (account.bytes != whole.bytes || memcmp(account.data, whole.at, whole.bytes) != 0)
        panic("in parts of %zu and %zu bytes it is %.*s", first, each, (int)account.bytes, account.data);
    buffer_free(&account);
}

int main(int argc, char **argv)
{
    unsigned bytes_every = argc == 3 ? (unsigned)atoi(argv[1]) : 0;
    unsigned cut_every = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
    static unsigned char length[4];
    static char bytes[STREAM_BYTES_MAX];

    must(bytes_every > 0 && cut_every > 0);
    for (unsigned n = 0; fread(length, sizeof length, 1, stdin) == 1; n++) {
        size_t count = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
        must(count <= sizeof bytes && fread(bytes, 1, count, stdin) == count);
        struct span stream = {bytes, count};
        struct buffer account = serve(stream, count, count);
        printf("%.*s\n", (int)account.bytes, account.data);
        fflush(stdout);
        if (n % bytes_every == 0)
            check_parts(stream, buffer_span(&account), 1, 1);
        for (size_t at = 1; n % cut_every == 0 && at < count; at++)
            check_parts(stream, buffer_span(&account), at, count);
        buffer_free(&account);
    }
    return 0;
}
