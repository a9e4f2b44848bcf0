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
    const char *path; /* of the file: the setting auth_tokens_file, which outlives this, or `credential` */
    char *credential; /* the file that systemd made of a credential; NULL: the setting is a path */
    struct tokens *tokens; /* NULL: there is no file, and no token is asked for */
};

/* Reads the file that the setting auth_tokens_file names: a path, or "credential:" and the name of a
 * credential that systemd has loaded (systemd.exec(5), LoadCredential); empty: none. Fatal: EX_CONFIG when it
 * is not good. */
void token_table_open(struct token_table *, const char *setting);

/* Reads it again. If it is not good, says so in the log and leaves everything as it is. Pointers to tokens
 * that were got before are not valid any more. */
void token_table_reload(struct token_table *);

void token_table_close(struct token_table *);

#endif
