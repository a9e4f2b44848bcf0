/* SPDX-License-Identifier: MIT
 *
 * The configuration of both daemons. The input: a byte of flags, then a configuration file, or a command line
 * with one argument on each line.
 *
 * What is accepted lies within the bounds of its setting, and, printed as --print-config does, is read back
 * the same; what is not accepted is told with file and line, in whatever room there is for the text.
 */
#include "fuzz.h"

#include "httpd_settings.h"
#include "settings.h"
#include "walkvd_settings.h"

#include <errno.h>
#include <stdlib.h>

#define PATH "fuzz.conf"

enum flag {
    HTTPD = 1,        /* the worker's settings */
    COMMAND_LINE = 2, /* arguments and not a file */
};
enum { ARGUMENTS_MAX = 32 };

enum {
    WALKVD_FILE,
    HTTPD_FILE,
    WRONG_FILE,
    WALKVD_FLAGS,
    HTTPD_FLAGS,
    WRONG_FLAGS,
    TYPE /* and its number */
};

const char *const fuzz_goals[] = {
    [WALKVD_FILE] = "a file of walkvd",
    [HTTPD_FILE] = "a file of walkv-httpd",
    [WRONG_FILE] = "a wrong file",
    [WALKVD_FLAGS] = "flags of walkvd",
    [HTTPD_FLAGS] = "flags of walkv-httpd",
    [WRONG_FLAGS] = "wrong flags",
    [TYPE + SETTING_STRING] = "a text that is not the default",
    [TYPE + SETTING_PATH] = "a path that is not the default",
    [TYPE + SETTING_BOOL] = "a yes",
    [TYPE + SETTING_UNSIGNED] = "a number that is not the default",
    [TYPE + SETTING_SIZE] = "a size that is not the default",
    [TYPE + SETTING_DURATION] = "a duration that is not the default",
    [TYPE + SETTING_CHOICE] = "a choice that is not the default",
    NULL,
};

union any_config {
    struct walkvd_config walkvd;
    struct httpd_config httpd;
};

static bool is_text(const struct setting *s)
{
    return s->type == SETTING_STRING || s->type == SETTING_PATH;
}

static const char *text_of(const struct setting *s, const union any_config *c)
{
    return *(char *const *)((const char *)c + s->offset);
}

static uint64_t number_of(const struct setting *s, const union any_config *c)
{
    return s->type == SETTING_BOOL ? *(const bool *)((const char *)c + s->offset)
                                   : *(const uint64_t *)((const char *)c + s->offset);
}

static bool same(const struct setting *s, const union any_config *a, const union any_config *b)
{
    return is_text(s) ? strcmp(text_of(s, a), text_of(s, b)) == 0 : number_of(s, a) == number_of(s, b);
}

static void check_bounds(const struct setting *s, const union any_config *c)
{
    if (s->type == SETTING_BOOL)
        return;
    if (s->type != SETTING_CHOICE) {
        uint64_t value = is_text(s) ? strlen(text_of(s, c)) : number_of(s, c);
        must(value >= s->minimum && value <= s->maximum);
        must(!s->check || !is_text(s) || !s->check(text_of(s, c)));
        return;
    }
    uint64_t words = 1;
    for (const char *at = s->choices; *at; at++)
        words += *at == '|';
    must(number_of(s, c) < words);
}

static int load(const struct settings_table *table, union any_config *c, struct span file, char *error,
                size_t error_size)
{
    FILE *stream = fmemopen((void *)(uintptr_t)file.at, file.bytes, "r");
    must(stream);
    settings_defaults(table, c);
    int rc = settings_load_stream(table, c, stream, PATH, error, error_size);
    fclose(stream);
    return rc;
}

static struct span print(const struct settings_table *table, const union any_config *c)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    must(out);
    settings_print_config(table, c, out);
    fclose(out);
    return (struct span){text, bytes};
}

/* The configuration lies in its bounds, and printed it is read back the same. */
static void check_config(const struct settings_table *table, const union any_config *c)
{
    union any_config back = {0};
    char error[SETTINGS_ERROR_MAX] = "";
    for (size_t i = 0; i < table->count; i++)
        check_bounds(&table->settings[i], c);
    if (table->check && table->check(c, error, sizeof error))
        must(error[0]);
    struct span text = print(table, c);
    must(load(table, &back, text, error, sizeof error) == 0);
    for (size_t i = 0; i < table->count; i++)
        must(table->settings[i].flag_only || same(&table->settings[i], c, &back));
    settings_free(table, &back);
    free((char *)(uintptr_t)text.at);
}

static void tell_types(const struct settings_table *table, const union any_config *c)
{
    union any_config defaults = {0};
    settings_defaults(table, &defaults);
    for (size_t i = 0; i < table->count; i++) {
        if (!same(&table->settings[i], c, &defaults))
            fuzz_reached(TYPE + table->settings[i].type);
    }
    settings_free(table, &defaults);
}

/* "fuzz.conf:3: sentence" */
static void check_file_error(struct span file, const char *error)
{
    unsigned long lines = 1;
    char *end;
    for (size_t i = 0; i < file.bytes; i++)
        lines += file.at[i] == '\n';
    must(strncmp(error, PATH ":", strlen(PATH) + 1) == 0);
    unsigned long line = strtoul(error + strlen(PATH) + 1, &end, 10);
    must(line >= 1 && line <= lines && strncmp(end, ": ", 2) == 0 && strlen(end) > 10);
}

static void check_file(const struct settings_table *table, struct span file)
{
    union any_config c = {0};
    char error[SETTINGS_ERROR_MAX] = "", *small;
    if (!file.bytes)
        return;
    int rc = load(table, &c, file, error, sizeof error);
    if (rc == 0) {
        check_config(table, &c);
        tell_types(table, &c);
        fuzz_reached(table == &httpd_settings ? HTTPD_FILE : WALKVD_FILE);
    } else {
        must(rc == -EINVAL);
        check_file_error(file, error);
        size_t room = 1 + (unsigned char)file.at[0] % 40;
        small = malloc(room);
        must(small && load(table, &c, file, small, room) == -EINVAL && strnlen(small, room) < room);
        must(strncmp(small, error, strlen(small)) == 0);
        free(small);
        fuzz_reached(WRONG_FILE);
    }
    settings_free(table, &c);
}

static void check_command_line(const struct settings_table *table, struct span rest)
{
    char *argv[ARGUMENTS_MAX + 1] = {strdup(table->program)}, error[SETTINGS_ERROR_MAX] = "";
    union any_config c = {0}, again = {0};
    struct settings_commands commands;
    int argc = 1;
    while (rest.bytes && argc < ARGUMENTS_MAX) {
        struct span line = fuzz_cut(&rest, "\n");
        argv[argc++] = strndup(line.at, line.bytes);
    }
    settings_defaults(table, &c);
    int rc = settings_apply_flags(table, &c, argc, argv, &commands, error, sizeof error);
    if (rc == 0) {
        check_config(table, &c);
        settings_defaults(table, &again);
        must(settings_apply_flags(table, &again, argc, argv, &commands, error, sizeof error) == 0);
        for (size_t i = 0; i < table->count; i++)
            must(same(&table->settings[i], &c, &again));
        tell_types(table, &c);
        fuzz_reached(table == &httpd_settings ? HTTPD_FLAGS : WALKVD_FLAGS);
    } else {
        must(rc == -EINVAL && strlen(error) > 10);
        fuzz_reached(WRONG_FLAGS);
    }
    settings_free(table, &c);
    settings_free(table, &again);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const struct settings_table *table = data[0] & HTTPD ? &httpd_settings : &walkvd_settings;
    struct span rest = {(const char *)data + 1, size - 1};
    if (data[0] & COMMAND_LINE)
        check_command_line(table, rest);
    else
        check_file(table, rest);
    return 0;
}
