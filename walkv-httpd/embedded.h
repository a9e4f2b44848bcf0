/* SPDX-License-Identifier: MIT
 *
 * Files that the build has made a part of the program (cmake/Embed.cmake, cmake/EmbedUi.mjs), so that serving
 * them opens none.
 */
#ifndef WALKV_HTTPD_EMBEDDED_H
#define WALKV_HTTPD_EMBEDDED_H

#include "span.h"

#include <stdbool.h>

struct embedded {
    struct span content;
    const char *tag; /* entity tag with its quotes, from a hash of the content */
};

/* A file of the web UI. */
struct embedded_file {
    const char *path; /* "/index.html" */
    const char *type; /* as Content-Type */
    bool immutable;   /* another content would have another path */
    struct embedded plain;
    struct embedded packed; /* gzip; empty where that is no smaller */
};

extern const struct embedded openapi_json;

/* None in a build with WALKV_UI=OFF. */
extern const struct embedded_file ui_files[];
extern const unsigned ui_file_count;

#endif
