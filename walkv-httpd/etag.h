/* SPDX-License-Identifier: MIT
 *
 * Entity tags (RFC 9110 section 8.8.3), of which ours are strong: "<version>" of a key, in decimal, and the
 * hash of a document. They are compared as they stand, never as numbers: "017" is not "17".
 *
 *     entity-tag = [ "W/" ] DQUOTE *( %x21 / %x23-7E / obs-text ) DQUOTE
 */
#ifndef WALKV_HTTPD_ETAG_H
#define WALKV_HTTPD_ETAG_H

#include "http_parser.h"

#define ETAG_VERSION_BYTES 23 /* of a tag of ours as text, its NUL included */

/* Writes the tag of a version, and returns it. */
struct span etag_of_version(char text[ETAG_VERSION_BYTES], uint64_t version);

/* Reads one tag. True when it is well-formed; `*version` is what it stands for, or 0, the version of nothing,
 * when it is none of ours: weak, or no number. */
bool etag_parse(struct span text, uint64_t *version);

/* "*", which stands for whatever there is. */
bool etag_is_any(struct span text);

/* Whether If-None-Match of a GET names this tag, or anything, so that the answer is 304: all lines of the
 * field and all tags in them, compared weakly (section 13.1.2). What cannot be read names nothing, and
 * neither does what stands behind it in its line. */
bool etag_none_match(const struct http_request *, struct span tag);

#endif
