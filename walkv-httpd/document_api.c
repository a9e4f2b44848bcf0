/* SPDX-License-Identifier: MIT
 * Documents that are a part of the program: the description of the API (API section 4). They change only with
 * its version, so clients may keep them, and ask with If-None-Match whether they are still current. */
#include "embedded.h"
#include "response.h"
#include "router.h"

#include <string.h>

/* True when `list`, an If-None-Match, is `*` or names `tag`, compared weakly (RFC 9110 section 13.1.2). */
static bool names_tag(struct span list, const char *tag)
{
    size_t bytes = strlen(tag);
    while (list.bytes) {
        const char *comma = memchr(list.at, ',', list.bytes);
        struct span one = {list.at, comma ? (size_t)(comma - list.at) : list.bytes};
        list.at += one.bytes + (comma != NULL);
        list.bytes -= one.bytes + (comma != NULL);
        while (one.bytes && (*one.at == ' ' || *one.at == '\t'))
            one.at++, one.bytes--;
        while (one.bytes && (one.at[one.bytes - 1] == ' ' || one.at[one.bytes - 1] == '\t'))
            one.bytes--;
        if (one.bytes > 2 && one.at[0] == 'W' && one.at[1] == '/')
            one.at += 2, one.bytes -= 2;
        if ((one.bytes == 1 && *one.at == '*') || (one.bytes == bytes && memcmp(one.at, tag, bytes) == 0))
            return true;
    }
    return false;
}

static void answer_document(struct conn *c, const struct http_request *req, const struct embedded *document)
{
    struct response r = {.status = 200, .tag = document->tag};
    struct span list;
    if (http_request_header(req, "If-None-Match", &list) && names_tag(list, document->tag)) {
        r.status = 304;
        r.no_body = true;
        response_head(c, &r);
    } else {
        response_body(c, &r, document->content);
    }
}

ROUTE_HANDLER(document_openapi)
{
    (void)body;
    answer_document(c, req, &openapi_json);
}
