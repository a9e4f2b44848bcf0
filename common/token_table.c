/* SPDX-License-Identifier: MIT
 * The access tokens in force; see token_table.h. */
#include "token_table.h"

#include "log.h"
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define CREDENTIAL "credential:"

/* The file of a credential. Where there is none to be had, the end of the process says why. */
static char *credential_path(const char *name)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory)
        fatal(EX_CONFIG,
              "auth_tokens_file: %s%s: systemd has handed over no credentials; the unit needs "
              "LoadCredential=%s",
              CREDENTIAL, name, name);
    if (!*name || strchr(name, '/'))
        fatal(EX_CONFIG, "auth_tokens_file: %s must be followed by the name of a credential", CREDENTIAL);
    size_t bytes = strlen(directory) + strlen(name) + 2;
    char *path = memory_new(1, bytes, "a path");
    snprintf(path, bytes, "%s/%s", directory, name);
    return path;
}

static void tell(const struct token_table *t)
{
    size_t count = tokens_count(t->tokens);
    if (count)
        log_info("auth_tokens_file: %zu access tokens read from %s", count, t->path);
    else
        log_warning("auth_tokens_file: no access token in %s: nobody may do anything", t->path);
}

void token_table_open(struct token_table *t, const char *setting)
{
    char error[TOKENS_ERROR_MAX];
    *t = (struct token_table){.path = setting};
    if (!*setting)
        return;
    if (strncmp(setting, CREDENTIAL, strlen(CREDENTIAL)) == 0)
        t->path = t->credential = credential_path(setting + strlen(CREDENTIAL));
    int rc = tokens_load(t->path, &t->tokens, error, sizeof error);
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
    free(t->credential);
    t->credential = NULL;
}
