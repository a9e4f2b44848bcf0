/* SPDX-License-Identifier: MIT
 *
 * The table of routes, and the checks that come before a body is read: host, path, method, access,
 * parameters, type, size.
 */
#ifndef WALKV_HTTPD_ROUTER_H
#define WALKV_HTTPD_ROUTER_H

#include "http_conn.h"
#include "tokens.h"

/* What a body must be, if one is sent. Whatever is sent for BODY_ANY is read and dropped. */
enum body_use { BODY_ANY, BODY_JSON };

/* The access token that a route needs. What says nothing needs the most. */
enum route_needs { NEEDS_ADMIN, NEEDS_READ, NEEDS_WRITE, NEEDS_NO_TOKEN };

#define ROUTE_HANDLER(name) void name(struct conn *c, const struct http_request *req, struct span body)
typedef ROUTE_HANDLER(route_handler);

#define ROUTE_PARAMETERS_MAX 5
#define ROUTE_ANY            "*" /* links to pages get parameters on their way */

struct route {
    const char *pattern; /* segments; ":" takes one, percent-decoded, as the name */
    enum http_method method;
    route_handler *handler;
    enum body_use body;
    const char *parameters[ROUTE_PARAMETERS_MAX]; /* of the query; others are refused, but for ROUTE_ANY */
    enum route_needs needs;
    enum token_about about;
};

/* Finds the route of the request whose head has just been read, takes its name, and makes conn->body ready
 * for its body, if it has one. False when it is refused: the answer has been appended then. */
bool router_find(struct conn *, const struct http_request *);

/* Handlers. */
ROUTE_HANDLER(kv_get);
ROUTE_HANDLER(kv_set);
ROUTE_HANDLER(kv_set_named_in_body);
ROUTE_HANDLER(kv_delete);
ROUTE_HANDLER(kv_list);
ROUTE_HANDLER(queue_list);
ROUTE_HANDLER(queue_enqueue);
ROUTE_HANDLER(queue_dequeue);
ROUTE_HANDLER(queue_peek);
ROUTE_HANDLER(queue_size);
ROUTE_HANDLER(queue_items);
ROUTE_HANDLER(queue_delete);
ROUTE_HANDLER(service_live);
ROUTE_HANDLER(service_ready);
ROUTE_HANDLER(service_status);
ROUTE_HANDLER(events_watch);
ROUTE_HANDLER(document_openapi);
ROUTE_HANDLER(ui_page);
ROUTE_HANDLER(ui_asset);

#endif
