/* SPDX-License-Identifier: MIT
 * Documents that are a part of the program: the description of the API (API section 4). They change only with
 * its version, so clients may keep them, and ask with If-None-Match whether they are still current. */
#include "embedded.h"
#include "etag.h"
#include "response.h"
#include "router.h"

#include <string.h>

static void answer_document(struct conn *c, const struct http_request *req, const struct embedded *document)
{
    struct response r = {.status = 200, .tag = document->tag};
    if (etag_none_match(req, (struct span){document->tag, strlen(document->tag)})) {
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
