/* SPDX-License-Identifier: MIT
 *
 * What proxies and browsers say about a request besides its framing. The input: pieces, of which the first is
 * the begin of a connection (PROXY protocol), and the others are a trusted_proxies, an X-Forwarded-For, an
 * Accept-Encoding, a cors_allowed_origins, an Origin and an X-Request-Id.
 *
 * A PROXY header means the same however it is cut, and what follows it changes nothing. A client that
 * X-Forwarded-For names is one of its entries or the peer. A list of origins finds exactly what stands in it.
 * Every address and every line of the access log that comes of it is whole.
 */
#include "fuzz.h"

#include "access_log.h"
#include "address.h"
#include "gzip.h"
#include "json_text.h"
#include "origin.h"
#include "proxy_protocol.h"
#include "request_id.h"

#include <stdlib.h>

enum { V1, V2, OWN, CUT, NO_PROXY, FORWARDED, NOT_FORWARDED, NO_LIST, GZIP, NO_GZIP, FOUND, NOT_FOUND, ID };

const char *const fuzz_goals[] = {
    [V1] = "a PROXY header, version 1",
    [V2] = "a PROXY header, version 2",
    [OWN] = "a connection of the proxy's own",
    [CUT] = "a PROXY header that is not whole",
    [NO_PROXY] = "no PROXY header",
    [FORWARDED] = "a client that a proxy names",
    [NOT_FORWARDED] = "a peer that is not believed",
    [NO_LIST] = "a list of proxies that is none",
    [GZIP] = "gzip is asked for",
    [NO_GZIP] = "it is not",
    [FOUND] = "an origin that is allowed",
    [NOT_FOUND] = "one that is not",
    [ID] = "an id that is taken",
    NULL,
};

/* One call with a heap block of exactly these bytes. */
static enum proxy_parse parse(struct span bytes, size_t *used, struct address *client)
{
    char *boxed = fuzz_boxed(bytes.at, bytes.bytes);
    enum proxy_parse rc = proxy_protocol_parse(boxed, bytes.bytes, used, client);
    free(boxed);
    return rc;
}

static void try_proxy_header(struct span bytes)
{
    size_t used = 0, used_then = 0;
    struct address client = {0}, client_then = {0};
    char text[ADDRESS_TEXT_BYTES];
    enum proxy_parse rc = parse(bytes, &used, &client);
    if (rc == PROXY_DONE) {
        must(used > 0 && used <= bytes.bytes && used <= PROXY_V2_BYTES_MAX);
        fuzz_reached(*bytes.at == 'P' ? V1 : V2);
        if (client.kind == ADDRESS_NONE)
            fuzz_reached(OWN);
        must(address_format(text, &client) < sizeof text);
        /* The header alone is whole, and one byte less is not. */
        must(parse((struct span){bytes.at, used}, &used_then, &client_then) == PROXY_DONE &&
             used_then == used);
        must(memcmp(&client, &client_then, sizeof client) == 0);
        must(parse((struct span){bytes.at, used - 1}, &used_then, &client_then) == PROXY_MORE);
    } else {
        fuzz_reached(rc == PROXY_MORE ? CUT : NO_PROXY);
        must(rc == PROXY_ERROR || bytes.bytes < PROXY_V2_BYTES_MAX);
    }
    /* What is refused stays refused, and what was good so far was good before. */
    enum proxy_parse before = PROXY_MORE;
    for (size_t n = 0; n <= bytes.bytes && n < 300; n++) {
        enum proxy_parse now = parse((struct span){bytes.at, n}, &used_then, &client_then);
        must(before == PROXY_MORE || now == before);
        before = now;
    }
}

static void try_forwarded(struct span list, struct span field)
{
    struct address_list trusted;
    struct address client = {.kind = ADDRESS_IPV4, .bytes = {10, 0, 0, 1}}, peer = client;
    char *text = strndup(list.bytes ? list.at : "", list.bytes), *boxed = fuzz_boxed(field.at, field.bytes);
    if (address_list_parse(&trusted, text)) {
        fuzz_reached(NO_LIST);
    } else {
        bool believed = address_list_has(&trusted, &peer);
        unsigned left = ADDRESS_FORWARDED_MAX;
        address_forwarded(&client, &trusted, (struct span){boxed, field.bytes}, &left);
        must(left <= ADDRESS_FORWARDED_MAX);
        bool same = memcmp(&client, &peer, sizeof peer) == 0;
        must(believed || same);
        must(client.kind == ADDRESS_IPV4 || client.kind == ADDRESS_IPV6);
        fuzz_reached(same ? NOT_FORWARDED : FORWARDED);
    }
    free(text);
    free(boxed);
}

static void try_encoding(struct span field)
{
    struct gzip_accept accept = {0};
    char *boxed = fuzz_boxed(field.at, field.bytes);
    gzip_accept_take(&accept, (struct span){boxed, field.bytes});
    must(!gzip_accepted(&accept) || field.bytes);
    fuzz_reached(gzip_accepted(&accept) ? GZIP : NO_GZIP);
    free(boxed);
}

static void try_origin(struct span list, struct span origin)
{
    char *text = strndup(list.bytes ? list.at : "", list.bytes), *boxed = fuzz_boxed(origin.at, origin.bytes);
    struct span o = {boxed, origin.bytes};
    const char *found = origin_find(text, o);
    fuzz_reached(found ? FOUND : NOT_FOUND);
    must(!found || (o.bytes && memcmp(found, o.at, o.bytes) == 0));
    if (origin_valid(o)) {
        const char *host = memchr(o.at, '/', o.bytes);
        must(host && origin_is_host(o, (struct span){host + 2, o.bytes - (size_t)(host + 2 - o.at)}));
        must(origin_find("https://a.example", o) == NULL || o.bytes == 17);
    }
    free(text);
    free(boxed);
}

/* A line is valid JSON whatever stands in it. */
static void try_line(struct span id, struct span path)
{
    static char line[ACCESS_LINE_MAX];
    struct access_entry entry = {.id = {"x", 1}, .method = "GET", .path = path, .token = path};
    struct json_error error;
    if (request_id_valid(id)) {
        fuzz_reached(ID);
        entry.id = id;
    }
    size_t bytes = access_log_format(line, "2026-11-25T22:11:42.123Z", &entry);
    must(bytes <= sizeof line && line[bytes - 1] == '\n' && !memchr(line, '\n', bytes - 1));
    must(json_text_check((struct span){line, bytes - 1}, 2, &error));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = {(const char *)data, size}, pieces[7];
    for (unsigned i = 0; i < 7; i++)
        pieces[i] = fuzz_cut(&rest, FUZZ_NEXT);
    try_proxy_header(pieces[0]);
    try_forwarded(pieces[1], pieces[2]);
    try_encoding(pieces[3]);
    try_origin(pieces[4], pieces[5]);
    try_line(pieces[6], pieces[0]);
    return 0;
}
