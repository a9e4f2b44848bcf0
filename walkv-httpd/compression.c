/* SPDX-License-Identifier: MIT
 * Which responses are compressed; see compression.h. */
#include "compression.h"

#include "gzip.h"

bool compression_accepted(const struct http_request *req)
{
    struct gzip_accept accept = {0};
    struct span field;
    for (unsigned at = 0; http_request_next(req, "Accept-Encoding", &at, &field);)
        gzip_accept_take(&accept, field);
    return gzip_accepted(&accept);
}

bool compression_wanted(const struct conn *c, const struct http_request *req)
{
    const struct worker *w = c->worker;
    return w->config->compression && !c->request.head_only && c->request.version_minor >= 1 &&
           w->compressors < COMPRESSORS_MAX && compression_accepted(req);
}

bool compression_begin(struct conn *c)
{
    c->stream->gzip = gzip_new();
    c->worker->compressors += c->stream->gzip != NULL;
    return c->stream->gzip;
}

void compression_end(struct conn *c)
{
    if (!c->stream->gzip)
        return;
    gzip_free(&c->stream->gzip);
    c->worker->compressors--;
}
