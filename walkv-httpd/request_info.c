/* SPDX-License-Identifier: MIT
 * A request as a whole; see request_info.h. */
#include "request_info.h"

#include "access_log.h"
#include "clock.h"

#include <string.h>

struct span request_info_id(struct conn *c)
{
    if (!c->request.info.id.bytes)
        request_id_make(&c->request.info.id, c->worker->id_prefix, ++c->worker->ids_made);
    return request_id_span(&c->request.info.id);
}

/* Whom the proxies name, if they are believed. */
static struct address client_of(const struct conn *c, const struct http_request *req)
{
    struct address client = c->peer;
    const struct address_list *trusted = &c->worker->trusted_proxies;
    unsigned left = ADDRESS_FORWARDED_MAX;
    for (unsigned h = req->header_count; h-- > 0;) {
        if (span_is_text_any_case(req->headers[h].name, "X-Forwarded-For") &&
            address_forwarded(&client, trusted, req->headers[h].value, &left))
            break;
    }
    return client;
}

void request_info_take(struct conn *c, const struct http_request *req)
{
    struct span id;
    c->request.info.known = true;
    c->request.info.began_ns = c->phase_ns;
    c->request.info.target =
        (struct piece){(size_t)(req->target.at - (c->in.data + c->request_at)), req->target.bytes};
    if (http_request_header(req, "X-Request-Id", &id) == 1 && request_id_valid(id))
        request_id_take(&c->request.info.id, id);
    if (c->worker->access_log)
        c->request.info.client = client_of(c, req);
}

void request_info_end(struct conn *c, bool aborted)
{
    struct access_log *log = c->worker->access_log;
    if (!log)
        return;
    bool known = c->request.info.known;
    struct access_entry entry = {
        .id = request_info_id(c),
        .client = known ? c->request.info.client : c->peer,
        .token = {c->request.info.token, strlen(c->request.info.token)},
        .method = known ? http_method_name(c->request.method) : "",
        .status = c->request.info.status,
        .bytes = c->request.info.status ? c->out_before + c->out.bytes - c->request.info.response_at : 0,
        .duration_ns = clock_monotonic_ns() - (known ? c->request.info.began_ns : c->phase_ns),
        .aborted = aborted,
    };
    if (known)
        entry.path = conn_piece(
            c, (struct piece){c->request_at + c->request.info.target.at, c->request.info.target.bytes});
    access_log_add(log, &entry);
}
