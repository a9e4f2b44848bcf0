/* SPDX-License-Identifier: MIT
 *
 * The HTTP parser, head and body, as a connection uses it. The input: a byte with the count of sizes, that
 * many bytes of sizes of the parts in which the stream arrives (each less one), and the stream; in that, 0xff
 * and a byte n stand for the byte before, (n + 1) times 32, so that a short input can reach the limits.
 *
 * What happened is written down as it happens; the account must be the same for the whole stream at once, for
 * the chosen parts, and, if it is short, for every byte on its own. In each step the parser has a heap block
 * of exactly the bytes that are there. What it accepts is unambiguous: put together again from what was read,
 * it is the same request; what depends on how often a field is there counts its fields.
 */
#include "fuzz.h"

#include "http_parser.h"

#include <errno.h>
#include <stdlib.h>

enum {
    BODY_BYTES_MAX = 1000,
    SINGLE_BYTES_MAX = 300,
    REPEAT = 0xff,
    REPEAT_UNIT = 32,
    STREAM_BYTES_MAX = 65536
};

enum {
    NO_BODY,
    LENGTH,
    CHUNKED,
    EXTENSION,
    QUERY,
    ABSOLUTE,
    TWO,
    BAD,
    LARGE,
    LONG,
    EXPECTATION,
    LARGE_HEAD,
    METHOD,
    VERSION
};

const char *const fuzz_goals[] = {
    [NO_BODY] = "a request without a body",
    [LENGTH] = "a body of known length",
    [CHUNKED] = "a chunked body",
    [EXTENSION] = "a chunk extension",
    [QUERY] = "a query",
    [ABSOLUTE] = "an absolute target",
    [TWO] = "two requests",
    [BAD] = "a bad request (400)",
    [LARGE] = "a large body (413)",
    [LONG] = "a long line (414)",
    [EXPECTATION] = "an expectation (417)",
    [LARGE_HEAD] = "a large head (431)",
    [METHOD] = "an unknown method (501)",
    [VERSION] = "another version (505)",
    NULL,
};

static void told_status(int status)
{
    static const struct {
        int status;
        unsigned goal;
    } rows[] = {{400, BAD},        {413, LARGE},  {414, LONG},   {417, EXPECTATION},
                {431, LARGE_HEAD}, {501, METHOD}, {505, VERSION}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status == status) {
            fuzz_reached(rows[i].goal);
            return;
        }
    }
    panic("status %d", status);
}

struct connection {
    struct http_parser parser;
    struct http_body body;
    struct http_request req;
    struct buffer in; /* what has come of the head, or of what follows the body */
    struct buffer content;
    struct buffer account;
    bool in_body, failed;
    unsigned requests;
};

/* --- the account --- */

static void note(struct buffer *account, const char *what, struct span s)
{
    buffer_printf(account, " %s=%zu:", what, s.bytes);
    buffer_append(account, s.at, s.bytes);
}

static void note_head(struct buffer *account, const struct http_request *req)
{
    buffer_printf(account, "%s 1.%u length=%d,%llu chunked=%d keep=%d expect=%d",
                  http_method_name(req->method), req->version_minor, req->has_content_length,
                  (unsigned long long)req->content_length, req->chunked, req->keep_alive,
                  req->expect_continue);
    note(account, "target", req->target);
    note(account, "path", req->path);
    note(account, "query", req->query);
    note(account, "host", req->host);
    note(account, "name", req->host_name);
    for (unsigned h = 0; h < req->header_count; h++) {
        note(account, "field", req->headers[h].name);
        note(account, "value", req->headers[h].value);
    }
    buffer_append_text(account, "\n");
}

static void note_error(struct connection *c, int status, const char *sentence)
{
    must(sentence && strlen(sentence) > 10);
    buffer_printf(&c->account, "!%d %s\n", status, sentence);
    told_status(status);
    c->failed = true;
}

/* --- what an accepted head promises --- */

static void check_text(struct span s, bool target)
{
    for (size_t i = 0; i < s.bytes; i++) {
        unsigned char c = (unsigned char)s.at[i];
        must(c != 0x7f && (c >= 0x20 || (c == '\t' && !target)) && (!target || (c > 0x20 && c < 0x7f)));
    }
}

static void check_decoding(struct span raw)
{
    char *out = malloc(raw.bytes);
    size_t bytes;
    must(out || !raw.bytes);
    must(http_percent_decode(out, raw, &bytes) == 0 && bytes <= raw.bytes);
    free(out);
}

static void check_query(struct span query)
{
    struct span rest = query, name, value;
    while (http_query_next(&rest, &name, &value)) {
        check_decoding(name);
        check_decoding(value);
        struct span spaces = name;
        char *wanted = malloc(name.bytes + 1), *out = malloc(query.bytes);
        size_t bytes = 0;
        must(wanted && out);
        for (size_t i = 0; i < spaces.bytes;
             i++) /* '+' is a space in a name too, before escapes are decoded */
            wanted[i] = spaces.at[i] == '+' ? ' ' : spaces.at[i];
        must(http_percent_decode(wanted, (struct span){wanted, name.bytes}, &bytes) == 0);
        wanted[bytes] = '\0';
        bool plain = strlen(wanted) == bytes;
        must(http_query_name_is(name, wanted) == plain);
        int rc = http_query_get(query, wanted, out, query.bytes, &bytes);
        must(!plain || rc == 1 || rc == -EEXIST);
        free(wanted);
        free(out);
    }
    fuzz_reached(QUERY);
}

/* Put together from what was read, without white space around values and empty line before it, it is read the
 * same. */
static void check_again(const struct http_request *req)
{
    struct http_parser parser;
    static struct http_request again; /* as large as its limits */
    struct buffer head = {0}, one = {0}, other = {0};
    buffer_printf(&head, "%s %.*s HTTP/1.%u\r\n", http_method_name(req->method), (int)req->target.bytes,
                  req->target.at, req->version_minor);
    for (unsigned h = 0; h < req->header_count; h++) {
        buffer_append(&head, req->headers[h].name.at, req->headers[h].name.bytes);
        buffer_append_text(&head, ":");
        buffer_append(&head, req->headers[h].value.at, req->headers[h].value.bytes);
        buffer_append_text(&head, "\r\n");
    }
    buffer_append_text(&head, "\r\n");
    must(head.bytes <= req->head_bytes);
    http_parser_start(&parser);
    must(http_parser_head(&parser, head.data, head.bytes, &again) == HTTP_DONE &&
         again.head_bytes == head.bytes);
    note_head(&one, req);
    note_head(&other, &again);
    must(fuzz_same(buffer_span(&one), buffer_span(&other)));
    buffer_free(&head);
    buffer_free(&one);
    buffer_free(&other);
}

static void check_head(const struct http_request *req)
{
    struct span value;
    must(req->head_bytes <= 2 + HTTP_REQUEST_LINE_BYTES + HTTP_HEADER_SECTION_BYTES);
    must(req->header_count <= HTTP_HEADERS_MAX && req->version_minor <= 1);
    must(req->path.bytes >= 1 &&
         (req->path.at[0] == '/' || (req->path.at[0] == '*' && req->method == HTTP_OPTIONS)));
    must(req->host_name.bytes <= req->host.bytes && (req->host.bytes > 0 || req->version_minor == 0));
    unsigned lengths = http_request_header(req, "CONTENT-LENGTH", &value),
             codings = http_request_header(req, "transfer-encoding", &value);
    must(lengths == req->has_content_length && lengths + codings <= 1 && codings == req->chunked);
    must(http_request_header(req, "Host", &value) <= 1 &&
         (req->has_content_length || req->content_length == 0));
    must(!req->chunked || req->version_minor == 1);
    must(!req->keep_alive || req->version_minor == 1);
    check_text(req->target, true);
    for (unsigned h = 0; h < req->header_count; h++) {
        must(req->headers[h].name.bytes > 0);
        check_text(req->headers[h].name, true);
        check_text(req->headers[h].value, false);
    }
    check_decoding(req->path);
    if (req->query.bytes)
        check_query(req->query);
    check_again(req);
    if (req->target.at[0] == 'h' || req->target.at[0] == 'H')
        fuzz_reached(ABSOLUTE);
}

/* --- a connection --- */

static void begin_request(struct connection *c)
{
    http_parser_start(&c->parser);
    c->in_body = false;
    c->content.bytes = 0;
}

static void end_request(struct connection *c)
{
    must(c->content.bytes <= BODY_BYTES_MAX && (c->req.chunked || c->content.bytes == c->req.content_length));
    note(&c->account, "body", buffer_span(&c->content));
    buffer_append_text(&c->account, "\n");
    fuzz_reached(!c->in_body ? NO_BODY : c->req.chunked ? CHUNKED : LENGTH);
    if (c->body.extension_bytes && c->in_body)
        fuzz_reached(EXTENSION);
    if (++c->requests == 2)
        fuzz_reached(TWO);
    begin_request(c);
}

/* Looks at the head, in a block that has moved. True when it is complete. */
static bool take_head(struct connection *c)
{
    char *box = fuzz_boxed(c->in.data, c->in.bytes);
    enum http_parse rc = http_parser_head(&c->parser, box, c->in.bytes, &c->req);
    if (rc == HTTP_ERROR) {
        must(http_parser_head(&c->parser, box, c->in.bytes, &c->req) == HTTP_ERROR);
        note_error(c, c->parser.status, c->parser.error);
    }
    if (rc == HTTP_DONE) {
        must(c->req.head_bytes <= c->in.bytes);
        note_head(&c->account, &c->req);
        check_head(&c->req);
    }
    free(box);
    return rc == HTTP_DONE;
}

/* Decodes what is there of the body; true when it has ended. */
static bool take_body(struct connection *c)
{
    size_t consumed, decoded, bytes = c->in.bytes;
    char *box = fuzz_boxed(c->in.data, bytes);
    enum http_parse rc = http_body_decode(&c->body, box, bytes, &consumed, &decoded);
    must(decoded <= consumed && consumed <= bytes && (rc != HTTP_MORE || consumed == bytes));
    buffer_append(&c->content, box, decoded);
    must(consumed == decoded || memcmp(box + consumed, c->in.data + consumed, bytes - consumed) == 0);
    if (rc == HTTP_ERROR) {
        must(consumed == 0 && http_body_decode(&c->body, box, bytes, &consumed, &decoded) == HTTP_ERROR);
        note_error(c, c->body.status, c->body.error);
    }
    buffer_consume(&c->in, consumed);
    free(box);
    return rc == HTTP_DONE;
}

static void serve(struct connection *c)
{
    while (c->in.bytes && !c->failed) {
        if (!c->in_body) {
            if (!take_head(c))
                return;
            buffer_consume(&c->in, c->req.head_bytes);
            enum http_parse rc = http_body_start(&c->body, &c->req, BODY_BYTES_MAX);
            if (rc == HTTP_ERROR)
                note_error(c, c->body.status, c->body.error);
            else if (rc == HTTP_DONE)
                end_request(c);
            c->in_body = rc == HTTP_MORE;
        } else if (take_body(c)) {
            end_request(c);
        } else {
            return;
        }
    }
}

/* Serves the stream in its parts and returns the account; buffer_free() it. */
static struct buffer run(struct fuzz_stream *s)
{
    struct connection *c = calloc(1, sizeof *c);
    struct span part;
    must(c);
    begin_request(c);
    while (!c->failed && (part = fuzz_stream_next(s)).bytes > 0) {
        buffer_append(&c->in, part.at, part.bytes);
        serve(c);
    }
    if (!c->failed) /* where it stands; an error looks no further, and may stand at the same byte or before */
        buffer_printf(&c->account, "body %d, %zu more", c->in_body,
                      c->in_body ? c->content.bytes : c->in.bytes);
    struct buffer account = c->account;
    buffer_free(&c->in);
    buffer_free(&c->content);
    free(c);
    return account;
}

static void build(struct fuzz_stream *s, const uint8_t *data, size_t size)
{
    size_t sizes = size ? data[0] : 0, i = size != 0;
    if (sizes > size - i)
        sizes = size - i;
    *s = (struct fuzz_stream){.sizes = {(const char *)data + i, sizes}};
    for (i += sizes; i < size && s->bytes.bytes < STREAM_BYTES_MAX; i++) {
        if (data[i] != REPEAT || i + 1 == size || s->bytes.bytes == 0) {
            buffer_append(&s->bytes, data + i, 1);
            continue;
        }
        size_t count = (data[++i] + 1u) * REPEAT_UNIT;
        int byte = s->bytes.data[s->bytes.bytes - 1];
        memset(buffer_extend(&s->bytes, count), byte, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char ones[SINGLE_BYTES_MAX]; /* zeros: parts of one byte */
    struct fuzz_stream s;
    build(&s, data, size);
    struct buffer in_parts = run(&s), account;
    for (int single = 0; single < 2; single++) {
        if (single && s.bytes.bytes > SINGLE_BYTES_MAX)
            break;
        s.at = s.parts = 0;
        s.sizes = (struct span){ones, single ? s.bytes.bytes : 0};
        account = run(&s);
        must(fuzz_same(buffer_span(&account), buffer_span(&in_parts)));
        buffer_free(&account);
    }
    buffer_free(&in_parts);
    buffer_free(&s.bytes);
    return 0;
}
