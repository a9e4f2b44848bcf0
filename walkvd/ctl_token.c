/* SPDX-License-Identifier: MIT
 *
 * walkvctl token: makes an access token, and checks a file of them (tokens.h). It asks no daemon and writes
 * no file: where the file is and who may read it is the operator's business. The token itself is printed
 * once, and nowhere kept.
 */
#include "ctl.h"
#include "log.h"
#include "tokens.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#define PREFIX "wkv_" /* by which people and scanners for secrets know one */

enum { SECRET_BYTES = 32, TEXT_BYTES = sizeof PREFIX + BASE64_ENCODE_RAW_LENGTH(SECRET_BYTES) };

/* A new token of 256 random bits in base64url (RFC 4648 section 5) without padding. */
static void make_text(char text[TEXT_BYTES])
{
    uint8_t secret[SECRET_BYTES];
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        fatal(EX_OSERR, "getrandom: %s", strerror(errno));
    struct base64_encode_ctx context;
    base64url_encode_init(&context);
    char *at = stpcpy(text, PREFIX);
    at += base64_encode_update(&context, at, sizeof secret, secret);
    at += base64_encode_final(&context, at);
    *at = '\0';
    text[strcspn(text, "=")] = '\0';
    explicit_bzero(secret, sizeof secret);
}

static void make_line(const struct ctl *ctl, const char *text, struct buffer *line)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    token_hash((struct span){text, strlen(text)}, hash);
    buffer_printf(line, "%s %s", ctl->argument, ctl->scope);
    for (unsigned i = 0; i < ctl->pattern_count; i++)
        buffer_printf(line, " %s=%s", ctl->patterns[i].kind, ctl->patterns[i].pattern);
    buffer_append_text(line, " ");
    for (unsigned i = 0; i < sizeof hash; i++)
        buffer_printf(line, "%02x", hash[i]);
    buffer_append(line, "", 1);
}

/* What was given is words of the line, no more and no fewer: nothing becomes a second line or another word.
 */
static bool is_plain(const struct ctl *ctl)
{
    bool good = !strpbrk(ctl->argument, " \t\r\n#") && !strpbrk(ctl->scope, " \t\r\n");
    for (unsigned i = 0; i < ctl->pattern_count; i++)
        good = good && !strpbrk(ctl->patterns[i].pattern, " \t\r\n");
    return good;
}

static int token_new(const struct ctl *ctl)
{
    char text[TEXT_BYTES], error[TOKENS_ERROR_MAX] = "blanks in it are written %20";
    struct buffer line = {0};
    struct tokens *tokens = NULL;
    if (!ctl->scope) {
        fputs("walkvctl: token new needs --scope read, write or admin\n", stderr);
        return EX_USAGE;
    }
    make_text(text);
    make_line(ctl, text, &line);
    bool good = is_plain(ctl) && tokens_parse("token new", (struct span){line.data, line.bytes - 1}, &tokens,
                                              error, sizeof error) == 0;
    if (!good) {
        fprintf(stderr, "walkvctl: %s\n", error);
    } else if (ctl->json) {
        printf("{\"token\":\"%s\",\"line\":", text);
        ctl_print_string(stdout, (struct span){line.data, line.bytes - 1});
        puts("}");
    } else {
        printf("%s\n%s\n", text, line.data);
        if (!ctl->quiet)
            fputs("walkvctl: the first line is the token, for the client; it is not shown again. The second "
                  "is for "
                  "auth_tokens_file; then send both daemons SIGHUP\n",
                  stderr);
    }
    explicit_bzero(text, sizeof text);
    tokens_free(&tokens);
    buffer_free(&line);
    return good ? 0 : EX_USAGE;
}

static void print_pattern(const struct token_pattern *p)
{
    printf(" %s=", p->about == TOKEN_KEY ? "keys" : "queues");
    for (size_t i = 0; i < p->name.bytes; i++) {
        unsigned char c = (unsigned char)p->name.at[i];
        if (c <= ' ' || c == '%' || c == '*' || c == 0x7f)
            printf("%%%02X", c);
        else
            putchar(c);
    }
    fputs(p->is_prefix ? "*" : "", stdout);
}

static void print_token(const struct token *t)
{
    printf("%-24s %-6s", t->name, token_scope_text(t->scope));
    for (unsigned i = 0; i < t->pattern_count; i++)
        print_pattern(&t->patterns[i]);
    puts(t->pattern_count ? "" : " everything");
}

static void print_json(const struct token *t, bool first)
{
    static const char *const members[] = {[TOKEN_KEY] = "keys", [TOKEN_QUEUE] = "queues"};
    printf("%s{\"name\":\"%s\",\"scope\":\"%s\",\"line\":%u", first ? "" : ",", t->name,
           token_scope_text(t->scope), t->line);
    for (enum token_about about = TOKEN_KEY; about <= TOKEN_QUEUE && t->pattern_count; about++) {
        const char *comma = "";
        printf(",\"%s\":[", members[about]);
        for (unsigned i = 0; i < t->pattern_count; i++) {
            const struct token_pattern *p = &t->patterns[i];
            if (p->about != about)
                continue;
            printf("%s{\"%s\":", comma, p->is_prefix ? "prefix" : "name");
            ctl_print_string(stdout, p->name);
            fputs("}", stdout);
            comma = ",";
        }
        fputs("]", stdout);
    }
    fputs("}", stdout);
}

static int token_check(const struct ctl *ctl)
{
    struct tokens *tokens;
    char error[TOKENS_ERROR_MAX];
    int rc = tokens_load(ctl->argument, &tokens, error, sizeof error);
    if (rc) {
        fprintf(stderr, "walkvctl: %s\n", error);
        return rc == -ENOENT ? EX_NOINPUT : EX_CONFIG;
    }
    size_t count = tokens_count(tokens);
    fputs(ctl->json ? "[" : "", stdout);
    for (size_t i = 0; i < count; i++) {
        if (ctl->json)
            print_json(tokens_at(tokens, i), i == 0);
        else
            print_token(tokens_at(tokens, i));
    }
    if (ctl->json)
        puts("]");
    else
        printf("%zu access tokens, and nothing wrong with the file\n", count);
    tokens_free(&tokens);
    return 0;
}

int ctl_token(const struct ctl *ctl)
{
    if (strcmp(ctl->operand, "new") == 0)
        return token_new(ctl);
    if (strcmp(ctl->operand, "check") == 0)
        return token_check(ctl);
    fputs("walkvctl: token new NAME or token check FILE; see walkvctl --help\n", stderr);
    return EX_USAGE;
}
