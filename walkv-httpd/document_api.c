/* SPDX-License-Identifier: MIT
 * Documents that are a part of the program: the description of the API (API section 4). They change only with
 * its version, so clients may keep them, and ask with If-None-Match whether they are still current. */
#include "embedded.h"
#include "response.h"
#include "router.h"

ROUTE_HANDLER(document_openapi)
{
    (void)body;
    response_document(c, req, &(struct response){.status = 200, .tag = openapi_json.tag},
                      openapi_json.content);
}
