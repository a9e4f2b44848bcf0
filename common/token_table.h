/* SPDX-License-Identifier: MIT
 *
 * The access tokens that are in force: read when a daemon starts, and again when it gets SIGHUP. A file that
 * is not good ends the start; later it changes nothing, since the tokens before are better than none and than
 * all.
 */
#ifndef WALKV_COMMON_TOKEN_TABLE_H
#define WALKV_COMMON_TOKEN_TABLE_H

#include "tokens.h"

struct token_table {
    const char *path;      /* the setting auth_tokens_file, which outlives this */
    struct tokens *tokens; /* NULL: there is no file, and no token is asked for */
};

/* Reads the file; an empty path: none. Fatal: EX_CONFIG when it is not good. */
void token_table_open(struct token_table *, const char *path);

/* Reads it again. If it is not good, says so in the log and leaves everything as it is. Pointers to tokens
 * that were got before are not valid any more. */
void token_table_reload(struct token_table *);

void token_table_close(struct token_table *);

#endif
