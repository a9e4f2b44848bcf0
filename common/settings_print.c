/* SPDX-License-Identifier: MIT
 * What is printed of a table of settings: the configuration file, --help, the README's table, the manual
 * page; see settings.h. */
#include "settings_internal.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define HELP_WIDTH  80
#define HELP_COLUMN 26 /* where the texts of --help begin */
#define HELP_INDENT "                          "
#define DEFAULT_MAX 384 /* bytes of what describe_default() says: a default and a range */

_Static_assert(sizeof(HELP_INDENT) - 1 == HELP_COLUMN, "the indent reaches the column");

/* Prints `text` word by word, beginning at `column`, in lines of less than HELP_WIDTH; each further line
 * begins with `indent`. Ends the last line. */
static void print_wrapped(FILE *out, size_t column, const char *indent, const char *text)
{
    bool at_start = true;

    while (*(text += strspn(text, " ")) != '\0') {
        size_t length = strcspn(text, " ");

        if (!at_start && column + 1 + length >= HELP_WIDTH) {
            fprintf(out, "\n%s", indent);
            column = strlen(indent);
            at_start = true;
        }
        fprintf(out, "%s%.*s", at_start ? "" : " ", (int)length, text);
        column += length + !at_start;
        at_start = false;
        text += length;
    }
    fputc('\n', out);
}

/* What values a setting takes, "8MiB to 16TiB" or "one of sync|async", or nothing if its type says it all. */
static void describe_range(const struct setting *setting, char *range, size_t range_size)
{
    char minimum[SETTINGS_NUMBER_MAX], maximum[SETTINGS_NUMBER_MAX];

    range[0] = '\0';
    if (is_number(setting)) {
        settings_format_number(setting->type, setting->minimum, minimum);
        settings_format_number(setting->type, setting->maximum, maximum);
        snprintf(range, range_size, "%s to %s", minimum, maximum);
    } else if (setting->type == SETTING_CHOICE) {
        snprintf(range, range_size, "one of %s", setting->choices);
    }
}

/* "Default 4GiB, 8MiB to 16TiB." */
static void describe_default(const struct setting *setting, char text[DEFAULT_MAX])
{
    char range[SETTINGS_TEXT_MAX];

    describe_range(setting, range, sizeof(range));
    snprintf(text, DEFAULT_MAX, "Default %s%s%s.%s",
             setting->default_text[0] == '\0' ? "empty" : setting->default_text, range[0] == '\0' ? "" : ", ",
             range, setting->flag_only ? " On the command line only." : "");
}

static void print_value(const struct setting *setting, const void *const_config, FILE *out)
{
    void *config = (void *)(uintptr_t)const_config;
    char text[SETTINGS_NUMBER_MAX];
    const char *word;
    int length;

    if (is_text(setting)) {
        fprintf(out, "%s", *text_member(setting, config));
    } else if (setting->type == SETTING_BOOL) {
        fprintf(out, "%s", *bool_member(setting, config) ? "yes" : "no");
    } else if (setting->type == SETTING_CHOICE) {
        length = settings_choice_word(setting->choices, *number_member(setting, config), &word);
        fprintf(out, "%.*s", length, word);
    } else {
        settings_format_number(setting->type, *number_member(setting, config), text);
        fprintf(out, "%s", text);
    }
}

void settings_print_config(const struct settings_table *table, const void *config, FILE *out)
{
    char text[DEFAULT_MAX];

    fprintf(out, "# The configuration of %s %s.\n", table->program, WALKV_VERSION);
    fprintf(out, "# The flag of a setting (--name, with - for _) overrides what stands here.\n\n[%s]\n",
            table->section);
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];

        fprintf(out, "\n# ");
        print_wrapped(out, 2, "# ", setting->help);
        describe_default(setting, text);
        fprintf(out, "# %s\n%s%s = ", text, setting->flag_only ? "# " : "", setting->name);
        print_value(setting, config, out);
        fputc('\n', out);
    }
}

/* Prints "  --name=ARGUMENT" and the help in a column beside it, or below if there is no room. */
static void print_option(const char *flag, const char *argument, const char *help, FILE *out)
{
    int width = fprintf(out, "  %s%s%s", flag, argument == NULL ? "" : "=", argument == NULL ? "" : argument);

    if (width >= HELP_COLUMN)
        fprintf(out, "\n" HELP_INDENT);
    else
        fprintf(out, "%*s", HELP_COLUMN - width, "");
    print_wrapped(out, HELP_COLUMN, HELP_INDENT, help);
}

void settings_print_help(const struct settings_table *table, FILE *out)
{
    char flag[SETTINGS_TEXT_MAX], text[DEFAULT_MAX];

    fprintf(out, "Usage: %s [--SETTING=VALUE]...\n\n", table->program);
    print_wrapped(out, 0, "", table->summary);
    fprintf(out, "\nA setting comes from its flag, else from the section [%s] of the\n", table->section);
    fputs("configuration file, else it is the default. In the file it is written with _\n"
          "for -, as name = value. SIZE is in bytes or has a unit, KiB, MiB, GiB, TiB, or\n"
          "KB, MB, GB, TB for powers of 1000. TIME has a unit: us, ms, s, m, h, d.\n",
          out);
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        const char *argument = settings_type_words[setting->type].argument;

        if (setting->group != NULL)
            fprintf(out, "\n%s:\n", setting->group);
        settings_flag_name(setting->type == SETTING_BOOL ? "[no-]" : "", setting->name, flag);
        print_option(flag, setting->type == SETTING_CHOICE ? setting->choices : argument, setting->help, out);
        describe_default(setting, text);
        fprintf(out, HELP_INDENT "%s\n", text);
    }
    fputs("\nCommands:\n", out);
    for (size_t i = 0; i < settings_command_count; i++) {
        const struct settings_command *command = &settings_command_table[i];

        settings_flag_name("", command->name, flag);
        if (command->help != NULL)
            print_option(flag, command->argument, command->help, out);
    }
    fputs("\nExit statuses:\n"
          "  0   stopped as asked\n"
          "  64  the command line is wrong\n"
          "  65  the data is damaged\n"
          "  69  something that is needed is not available\n"
          "  71  the operating system refused\n"
          "  74  reading or writing failed\n"
          "  78  the configuration file is wrong\n",
          out);
}

static void print_escaped(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

void settings_print_markdown(const struct settings_table *table, FILE *out)
{
    char flag[SETTINGS_TEXT_MAX], range[SETTINGS_TEXT_MAX];

    fprintf(out, "| setting | default | what |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];

        settings_flag_name("", setting->name, flag);
        fprintf(out, "| `%s` | ", setting->flag_only ? flag : setting->name);
        fprintf(out, "%s%s%s | ", setting->default_text[0] == '\0' ? "empty" : "`", setting->default_text,
                setting->default_text[0] == '\0' ? "" : "`");
        print_escaped(setting->help, out);
        describe_range(setting, range, sizeof(range));
        fputs(range[0] == '\0' ? "" : " Value: ", out);
        print_escaped(range, out);
        fprintf(out, "%s%s |\n", range[0] == '\0' ? "" : ".",
                setting->flag_only ? " On the command line only." : "");
    }
}

/* Prints `text` as roff shows it unchanged, each sentence in lines of its own. */
static void print_roff(const char *text, FILE *out)
{
    static const char *const escapes[256] = {
        ['\\'] = "\\(rs", ['-'] = "\\-", ['\''] = "\\(aq", ['`'] = "\\(ga", ['^'] = "\\(ha", ['~'] = "\\(ti"};
    char *roff = memory_new(strlen(text) + 1, 4, "a page of the manual"), *to = roff;

    for (char before = ' '; *text != '\0'; before = *text++) {
        const char *escape = escapes[(unsigned char)*text];

        if (before == '.' && *text == ' ') {
            *to = '\0';
            print_wrapped(out, 0, "", roff);
            to = roff;
        } else if (escape != NULL) {
            to = stpcpy(to, escape);
        } else {
            if (before == ' ' && *text == '.') /* a request, if it begins a line */
                to = stpcpy(to, "\\&");
            *to++ = *text;
        }
    }
    *to = '\0';
    print_wrapped(out, 0, "", roff);
    free(roff);
}

void settings_print_man(const struct settings_table *table, FILE *out)
{
    char text[DEFAULT_MAX];

    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];

        if (i > 0 && setting->group != NULL)
            fputs(".El\n", out);
        if (setting->group != NULL)
            fprintf(out, ".Ss %s\n", setting->group);
        if (i == 0 || setting->group != NULL)
            fputs(".Bl -tag -width Ds\n", out);
        if (setting->flag_only)
            continue;
        fprintf(out, ".It Va %s\n", setting->name);
        print_roff(setting->help, out);
        fputs(".Pp\n", out);
        describe_default(setting, text);
        print_roff(text, out);
    }
    fputs(".El\n", out);
}
