/* SPDX-License-Identifier: MIT
 *
 * The body of a request: a known number of bytes, or chunks, which are decoded in place as they come.
 *
 * Stricter than RFC 9112 section 7.1, because proxies and servers have been played off against each other
 * here: no white space around a chunk size or its extensions, no trailer fields, at most
 * HTTP_CHUNK_EXTENSION_BYTES of extensions. It must never hand out a byte that a later one could turn into
 * framing, nor announce more than the limit.
 *
 *     body      = *( size [ext] CRLF data CRLF ) 1*"0" [ext] CRLF CRLF
 *     size      = 1*16HEXDIG
 *     ext       = *( ";" token [ "=" ( token / quoted-string ) ] )
 */
#include "http_internal.h"

enum state {
    STATE_LENGTH, /* `left` bytes of a body of known length */
    STATE_SIZE,
    STATE_SIZE_LF,
    STATE_EXT_NAME_BEGIN, /* STATE_EXT_NAME follows, as the token follows its beginning */
    STATE_EXT_NAME,
    STATE_EXT_VALUE_BEGIN,
    STATE_EXT_TOKEN,
    STATE_EXT_QUOTED,
    STATE_EXT_ESCAPE,     /* behind a backslash */
    STATE_EXT_QUOTED_END, /* behind the closing quote */
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_END_CR, /* a trailer field would begin here */
    STATE_END_LF,
    STATE_END,
    STATE_FAILED,
};

static enum http_parse fail(struct http_body *b, int status, const char *error)
{
    b->state = STATE_FAILED;
    b->status = status;
    b->error = error;
    return HTTP_ERROR;
}

enum http_parse http_body_start(struct http_body *b, const struct http_request *req, uint64_t limit_bytes)
{
    *b = (struct http_body){.limit = limit_bytes};
    if (req->chunked) {
        b->state = STATE_SIZE;
        return HTTP_MORE;
    }
    if (!req->has_content_length || req->content_length == 0) {
        b->state = STATE_END;
        return HTTP_DONE;
    }
    if (req->content_length > limit_bytes)
        return fail(b, 413, "The body is too large");
    b->state = STATE_LENGTH;
    b->left = req->content_length;
    return HTTP_MORE;
}

/* The line with the size is complete. */
static enum http_parse chunk_begin(struct http_body *b)
{
    if (b->left > b->limit - b->total)
        return fail(b, 413, "The body is too large");
    b->total += b->left;
    b->digits = 0;
    b->state = b->left ? STATE_DATA : STATE_END_CR;
    return HTTP_MORE;
}

static enum http_parse size_byte(struct http_body *b, char c)
{
    int digit = http_hex_digit(c);

    if (digit >= 0) {
        if (b->digits++ == HTTP_CHUNK_DIGITS_MAX)
            return fail(b, 400, "A chunk size has more than 16 digits");
        b->left = b->left << 4 | (uint64_t)digit;
        return HTTP_MORE;
    }
    if (b->digits == 0 || (c != '\r' && c != ';'))
        return fail(b, 400, "A chunk size must be hex digits with CR LF or ';' right behind them");
    b->state = c == '\r' ? STATE_SIZE_LF : STATE_EXT_NAME_BEGIN;
    b->extension_bytes = (uint16_t)(b->extension_bytes + (c == ';'));
    return HTTP_MORE;
}

/* One byte behind a chunk size and its ';'. The CR behind an extension is seen here too. */
static enum http_parse extension_byte(struct http_body *b, char c)
{
    enum state state = (enum state)b->state;

    if (state == STATE_EXT_QUOTED || state == STATE_EXT_ESCAPE) {
        if (((uint8_t)c < 0x20 && c != '\t') || c == 0x7f)
            return fail(b, 400, "Control characters are not allowed in a chunk extension");
        if (state == STATE_EXT_ESCAPE || (c != '\\' && c != '"'))
            b->state = STATE_EXT_QUOTED;
        else
            b->state = c == '"' ? STATE_EXT_QUOTED_END : STATE_EXT_ESCAPE;
        return HTTP_MORE;
    }
    bool begins = state == STATE_EXT_NAME_BEGIN || state == STATE_EXT_VALUE_BEGIN;
    if (is(c, CLASS_TOKEN) && state != STATE_EXT_QUOTED_END)
        b->state = begins ? (uint8_t)(state + 1) : b->state;
    else if (c == '"' && state == STATE_EXT_VALUE_BEGIN)
        b->state = STATE_EXT_QUOTED;
    else if (c == '=' && state == STATE_EXT_NAME)
        b->state = STATE_EXT_VALUE_BEGIN;
    else if (c == ';' && !begins)
        b->state = STATE_EXT_NAME_BEGIN;
    else if (c == '\r' && !begins)
        b->state = STATE_SIZE_LF;
    else
        return fail(b, 400, "A chunk extension is malformed");
    return HTTP_MORE;
}

/* One byte of framing, that is of anything but data. */
static enum http_parse framing_byte(struct http_body *b, char c)
{
    switch ((enum state)b->state) {
    case STATE_SIZE:
        return size_byte(b, c);
    case STATE_SIZE_LF:
        return c == '\n' ? chunk_begin(b) : fail(b, 400, "A CR must be followed by LF");
    case STATE_DATA_CR:
        b->state = STATE_DATA_LF;
        return c == '\r' ? HTTP_MORE : fail(b, 400, "A chunk must end in CR LF right behind its data");
    case STATE_DATA_LF:
        b->state = STATE_SIZE;
        return c == '\n' ? HTTP_MORE : fail(b, 400, "A chunk must end in CR LF right behind its data");
    case STATE_END_CR:
        b->state = STATE_END_LF;
        return c == '\r' ? HTTP_MORE : fail(b, 400, "Trailer fields are refused");
    case STATE_END_LF:
        b->state = STATE_END;
        return c == '\n' ? HTTP_DONE : fail(b, 400, "A CR must be followed by LF");
    default:
        if (c != '\r' && b->extension_bytes++ >= HTTP_CHUNK_EXTENSION_BYTES)
            return fail(b, 400, "The chunk extensions are longer than 256 bytes");
        return extension_byte(b, c);
    }
}

enum http_parse http_body_decode(struct http_body *b, char *buffer, size_t bytes, size_t *consumed,
                                 size_t *decoded)
{
    enum http_parse result = HTTP_MORE;
    size_t in = 0, out = 0;

    *consumed = *decoded = 0;
    if (b->state == STATE_FAILED)
        return HTTP_ERROR;
    if (b->state == STATE_END)
        return HTTP_DONE;
    while (in < bytes && result == HTTP_MORE) {
        if (b->state != STATE_LENGTH && b->state != STATE_DATA) {
            result = framing_byte(b, buffer[in++]);
            continue;
        }
        size_t count = b->left < bytes - in ? (size_t)b->left : bytes - in;
        if (in != out)
            memmove(buffer + out, buffer + in, count);
        in += count;
        out += count;
        b->left -= count;
        if (b->left > 0)
            break;
        if (b->state == STATE_LENGTH) {
            b->state = STATE_END;
            result = HTTP_DONE;
        } else {
            b->state = STATE_DATA_CR;
        }
    }
    if (result != HTTP_ERROR) {
        *consumed = in;
        *decoded = out;
    }
    return result;
}
