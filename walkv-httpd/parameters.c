/* SPDX-License-Identifier: MIT
 * The parameters of a query; see parameters.h. */
#include "parameters.h"

#include "json_text.h"
#include "response.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { SHORT_BYTES = 24 }; /* no word and no number is longer */

static int refuse(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct conn *c, const char *format, ...)
{
    char sentence[160];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    response_failure(c, FAILURE_INVALID_PARAMETER, sentence);
    return -1;
}

int parameter_number(struct conn *c, const struct http_request *req, const char *name, uint64_t least,
                     uint64_t most, uint64_t *value)
{
    char text[SHORT_BYTES];
    size_t bytes;
    uint64_t number;
    int rc = http_query_get(req->query, name, text, sizeof text, &bytes);
    if (rc == 0)
        return 0;
    if (rc < 0 || !span_decimal((struct span){text, bytes}, &number) || number < least || number > most)
        return refuse(c, "%s must be a number from %" PRIu64 " to %" PRIu64, name, least, most);
    *value = number;
    return 1;
}

int parameter_text(struct conn *c, const struct http_request *req, const char *name,
                   char text[NAME_BYTES_MAX], uint16_t *text_bytes)
{
    size_t bytes = 0;
    int rc = http_query_get(req->query, name, text, NAME_BYTES_MAX, &bytes);
    if (rc < 0 || (rc && !utf8_valid((struct span){text, bytes})))
        return refuse(c, "%s must be UTF-8 of at most %u bytes", name, NAME_BYTES_MAX);
    *text_bytes = (uint16_t)(rc ? bytes : 0);
    return rc;
}

int parameter_flag(struct conn *c, const struct http_request *req, const char *name, bool *value)
{
    char text[SHORT_BYTES];
    size_t bytes = 0;
    int rc = http_query_get(req->query, name, text, sizeof text, &bytes);
    *value = rc == 1 && span_is_text((struct span){text, bytes}, "true");
    if (rc && !*value && !(rc == 1 && span_is_text((struct span){text, bytes}, "false")))
        return refuse(c, "%s must be true or false", name);
    return rc;
}

int parameter_word(struct conn *c, const struct http_request *req, const char *name, const char *word)
{
    char text[SHORT_BYTES];
    size_t bytes = 0;
    int rc = http_query_get(req->query, name, text, sizeof text, &bytes);
    if (rc && (rc < 0 || !span_is_text((struct span){text, bytes}, word)))
        return refuse(c, "%s takes the word %s", name, word);
    return rc;
}
