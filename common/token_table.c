/* SPDX-License-Identifier: MIT
 * The access tokens in force; see token_table.h. */
#include "token_table.h"

#include "log.h"

#include <errno.h>
#include <sysexits.h>

static void tell(const struct token_table *t)
{
    size_t count = tokens_count(t->tokens);
    if (count)
        log_info("auth_tokens_file: %zu access tokens read from %s", count, t->path);
    else
        log_warning("auth_tokens_file: no access token in %s: nobody may do anything", t->path);
}

void token_table_open(struct token_table *t, const char *path)
{
    char error[TOKENS_ERROR_MAX];
    *t = (struct token_table){.path = path};
    if (!*path)
        return;
    int rc = tokens_load(path, &t->tokens, error, sizeof error);
    if (rc)
        fatal(rc == -ENOMEM ? EX_OSERR : EX_CONFIG, "auth_tokens_file: %s", error);
    tell(t);
}

void token_table_reload(struct token_table *t)
{
    char error[TOKENS_ERROR_MAX];
    struct tokens *fresh = NULL;
    if (!*t->path) {
        log_info("SIGHUP: there is no auth_tokens_file, so nothing is read again");
    } else if (tokens_load(t->path, &fresh, error, sizeof error)) {
        log_error("auth_tokens_file: %s; the access tokens that were read before stay in force", error);
    } else {
        tokens_free(&t->tokens);
        t->tokens = fresh;
        tell(t);
    }
}

void token_table_close(struct token_table *t)
{
    tokens_free(&t->tokens);
}
