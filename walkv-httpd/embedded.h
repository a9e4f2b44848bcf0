/* SPDX-License-Identifier: MIT
 *
 * A file that the build has made a part of the program (cmake/Embed.cmake), so that serving it opens none.
 */
#ifndef WALKV_HTTPD_EMBEDDED_H
#define WALKV_HTTPD_EMBEDDED_H

#include "span.h"

struct embedded {
    struct span content;
    const char *tag; /* entity tag with its quotes, from a hash of the content */
};

extern const struct embedded openapi_json;

#endif
