/* SPDX-License-Identifier: MIT
 * Access tokens of requests; see auth.h. */
#include "auth.h"

#include "listener.h"
#include "log.h"
#include "response.h"
#include "router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

void auth_check_listener(const struct httpd_config *config, const struct token_table *tokens, int listen_fd)
{
    if (tokens->tokens || config->insecure_no_auth || listener_is_local(listen_fd))
        return;
    fatal(EX_CONFIG,
          "this would listen where other hosts can reach it, and whoever does could read and change "
          "everything: set auth_tokens_file (walkvctl token new makes its lines), or listen on 127.0.0.1 "
          "and let a reverse proxy speak to the network; --insecure-no-auth serves without tokens all "
          "the same");
}

/* "Bearer" in any case, blanks, the token (RFC 6750 section 2.1). */
static bool take_bearer(struct span field, struct span *token)
{
    static const char scheme[] = "Bearer ";
    size_t bytes = sizeof scheme - 1;
    if (field.bytes < bytes || strncasecmp(field.at, scheme, bytes) != 0)
        return false;
    *token = (struct span){field.at + bytes, field.bytes - bytes};
    while (token->bytes && *token->at == ' ')
        token->at++, token->bytes--;
    return token_text_valid(*token);
}

static bool refuse_name(struct conn *c)
{
    response_failure(c, FAILURE_FORBIDDEN,
                     c->request.route->about == TOKEN_KEY     ? "This access token does not reach this key"
                     : c->request.route->about == TOKEN_QUEUE ? "This access token does not reach this queue"
                                                              : "This needs an access token without limits");
    return false;
}

/* Whether the token reaches what the route is about. Of lists and of names that come in a body: anything. */
static bool reaches(const struct conn *c, const struct token *token)
{
    enum token_about about = c->request.route->about;
    return c->request.name_bytes ? token_reaches(token, about, conn_name(c))
                                 : token_reaches_any(token, about);
}

static bool check_token(struct conn *c, const struct token *token)
{
    static const enum token_scope wanted[] = {
        [NEEDS_ADMIN] = TOKEN_ADMIN, [NEEDS_READ] = TOKEN_READ, [NEEDS_WRITE] = TOKEN_WRITE};
    enum token_scope scope = wanted[c->request.route->needs];
    if (token->scope < scope) {
        char sentence[120];
        snprintf(sentence, sizeof sentence, "This needs an access token of scope %s, and this one has %s",
                 token_scope_text(scope), token_scope_text(token->scope));
        response_failure(c, FAILURE_FORBIDDEN, sentence);
        return false;
    }
    return reaches(c, token) || refuse_name(c);
}

bool auth_check(struct conn *c, const struct http_request *req)
{
    const struct tokens *tokens = c->worker->tokens->tokens;
    struct span field, text;
    if (!tokens || c->request.route->needs == NEEDS_NO_TOKEN)
        return true;
    unsigned count = http_request_header(req, "Authorization", &field);
    if (count > 1) {
        response_failure(c, FAILURE_BAD_REQUEST, "A request takes one Authorization");
        return false;
    }
    if (!count || !take_bearer(field, &text)) {
        response_failure(c, FAILURE_UNAUTHORIZED, NULL);
        return false;
    }
    token_hash(text, c->request.token_hash);
    const struct token *token = tokens_find(tokens, c->request.token_hash);
    if (!token) {
        response_failure(c, FAILURE_UNAUTHORIZED, "This access token is not known");
        return false;
    }
    strcpy(c->request.info.token, token->name);
    c->request.token = (struct piece){(size_t)(text.at - c->in.data), text.bytes};
    return check_token(c, token);
}

int auth_token(const struct conn *c, const struct token **token)
{
    const struct tokens *tokens = c->worker->tokens->tokens;
    *token = tokens ? tokens_find(tokens, c->request.token_hash) : NULL;
    return tokens && !*token ? -EPERM : 0;
}

bool auth_check_name(struct conn *c)
{
    const struct token *token;
    if (auth_token(c, &token)) {
        response_failure(c, FAILURE_UNAUTHORIZED, "This access token is not known any more");
        return false;
    }
    return !token || reaches(c, token) || refuse_name(c);
}
