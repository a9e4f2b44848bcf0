/* SPDX-License-Identifier: MIT
 *
 * The web UI: the files that its build has made, from the program's own memory. One page, index.html, which
 * is asked for again each time, and what it loads, which never changes under its name. The page may load
 * scripts and styles from here and from nowhere else, and run nothing that stands in it (CORS_UI_FIELDS).
 */
#include "compression.h"
#include "cors.h"
#include "embedded.h"
#include "response.h"
#include "router.h"

#include <string.h>

static const struct embedded_file *find_file(const char *folder, struct span name)
{
    size_t folder_bytes = strlen(folder);
    for (unsigned i = 0; i < ui_file_count; i++) {
        const char *path = ui_files[i].path;
        if (strncmp(path, folder, folder_bytes) == 0 && span_is_text(name, path + folder_bytes))
            return &ui_files[i];
    }
    return NULL;
}

static void answer_file(struct conn *c, const struct http_request *req, const struct embedded_file *file)
{
    bool packs = c->worker->config->compression && file->packed.content.bytes;
    bool packed = packs && compression_accepted(req);
    const struct embedded *e = packed ? &file->packed : &file->plain;
    const struct response r = {
        .status = 200,
        .tag = e->tag,
        .type = file->type,
        .immutable = file->immutable,
        .may_gzip = packs,
        .gzip = packed,
        .fields = CORS_UI_FIELDS,
    };
    response_document(c, req, &r, e->content);
}

ROUTE_HANDLER(ui_page)
{
    (void)body;
    const struct embedded_file *page = find_file("/", (struct span){"index.html", 10});
    if (page)
        answer_file(c, req, page);
    else
        response_failure(c, FAILURE_NO_ROUTE,
                         "This walkv-httpd was built without the web UI (WALKV_UI=OFF). The API is at /api, "
                         "and /openapi.json describes it");
}

ROUTE_HANDLER(ui_asset)
{
    (void)body;
    const struct embedded_file *file = find_file("/assets/", conn_name(c));
    if (file)
        answer_file(c, req, file);
    else
        response_failure(c, FAILURE_NO_ROUTE, NULL);
}
