/* SPDX-License-Identifier: MIT
 *
 * settings: see settings.h. From top to bottom: one value, defaults, names, the flags, and settings_load(),
 * which is all of it in order. The file is in settings_file.c, numbers are in settings_number.c, what is
 * printed is in settings_print.c.
 *
 * Fatal: no memory; everything settings_load() finds wrong. The rest returns errors as text and never logs.
 */
#include "settings_internal.h"

#include "log.h"
#include "memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define COMPARED_NAME_MAX 63 /* longer names are like no other */

/* --- one value --- */

const struct settings_type_words settings_type_words[] = {
    [SETTING_STRING] = {"TEXT", "a text"}, [SETTING_PATH] = {"PATH", "a path"},
    [SETTING_BOOL] = {NULL, "yes or no"},  [SETTING_UNSIGNED] = {"NUMBER", "a number"},
    [SETTING_SIZE] = {"SIZE", "a size"},   [SETTING_DURATION] = {"TIME", "a duration"},
    [SETTING_CHOICE] = {NULL, "a choice"},
};

int settings_choice_word(const char *choices, uint64_t index, const char **word)
{
    for (; index > 0; index--) {
        choices += strcspn(choices, "|");
        if (*choices == '|')
            choices++;
    }
    *word = choices;
    return (int)strcspn(choices, "|");
}

static int parse_choice(const char *text, const char *choices, uint64_t *value)
{
    const char *word;
    int length;

    for (uint64_t i = 0; (length = settings_choice_word(choices, i, &word)) > 0; i++) {
        if (strncmp(word, text, (size_t)length) == 0 && text[length] == '\0') {
            *value = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_bool(const char *text, bool *value)
{
    static const char words[] = "no|yes|false|true|off|on|0|1"; /* the odd ones are true */
    uint64_t index;

    if (parse_choice(text, words, &index) < 0)
        return -EINVAL;
    *value = index % 2 == 1;
    return 0;
}

/* True if the file could carry the text and give it back the same: nothing that is or looks like a comment,
 * no control characters, no blank at either end. */
static bool text_is_plain(const char *text)
{
    char before = ' ';

    if (*text == '\0')
        return true;
    if (*text == ' ')
        return false;
    for (; *text != '\0'; before = *text++)
        if ((unsigned char)*text < 0x20 || strchr("\x7f;\"'", *text) != NULL ||
            (*text == '#' && before == ' '))
            return false;
    return before != ' ';
}

/* Says which texts a setting accepts: "write ...". */
static void describe_form(const struct setting *setting, char *form, size_t form_size)
{
    char minimum[SETTINGS_NUMBER_MAX], maximum[SETTINGS_NUMBER_MAX];

    settings_format_number(setting->type, setting->minimum, minimum);
    settings_format_number(setting->type, setting->maximum, maximum);
    if (is_text(setting))
        snprintf(form, form_size,
                 "write %s of %s to %s bytes without quotes, ';', ' #' and control characters",
                 settings_type_words[setting->type].article, minimum, maximum);
    else if (setting->type == SETTING_BOOL)
        snprintf(form, form_size, "write yes or no");
    else if (setting->type == SETTING_CHOICE)
        snprintf(form, form_size, "write one of %s", setting->choices);
    else
        snprintf(form, form_size, "write for example %s, between %s and %s", setting->default_text, minimum,
                 maximum);
}

int settings_set_value(const struct setting *setting, void *config, const char *text, char *error,
                       size_t error_size)
{
    char form[256], wrong[64];
    uint64_t number = 0;
    bool flag = false;
    int result = 0;

    snprintf(wrong, sizeof(wrong), "is not %s", settings_type_words[setting->type].article);
    switch (setting->type) {
    case SETTING_STRING:
    case SETTING_PATH:
        number = strlen(text);
        result = text_is_plain(text) ? 0 : -EINVAL;
        break;
    case SETTING_BOOL:
        result = parse_bool(text, &flag);
        break;
    case SETTING_UNSIGNED:
        result = settings_parse_unsigned(text, &number);
        break;
    case SETTING_SIZE:
        result = settings_parse_size(text, &number);
        break;
    case SETTING_DURATION:
        result = settings_parse_duration(text, &number);
        break;
    case SETTING_CHOICE:
        result = parse_choice(text, setting->choices, &number);
        break;
    }
    if (is_text(setting) || is_number(setting)) {
        if (result == -ERANGE || (result == 0 && number > setting->maximum)) {
            result = -EINVAL;
            snprintf(wrong, sizeof(wrong), is_text(setting) ? "is too long" : "is too large");
        } else if (result == 0 && number < setting->minimum) {
            result = -EINVAL;
            snprintf(wrong, sizeof(wrong), is_text(setting) ? "is too short" : "is too small");
        }
    }
    describe_form(setting, form, sizeof(form));
    if (result == 0 && setting->check != NULL && setting->check(text) != NULL) {
        result = -EINVAL;
        snprintf(wrong, sizeof(wrong), "is not accepted");
        snprintf(form, sizeof(form), "write %s", setting->check(text));
    }
    if (result < 0) {
        snprintf(error, error_size, "%.100s %s; %s", text[0] == '\0' ? "(nothing)" : text, wrong, form);
        return result;
    }
    if (setting->type == SETTING_BOOL) {
        *bool_member(setting, config) = flag;
    } else if (!is_text(setting)) {
        *number_member(setting, config) = number;
    } else {
        free(*text_member(setting, config));
        *text_member(setting, config) = memory_text(text);
    }
    return 0;
}

void settings_defaults(const struct settings_table *table, void *config)
{
    char error[SETTINGS_ERROR_MAX];

    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];

        if (settings_set_value(setting, config, setting->default_text, error, sizeof(error)) < 0)
            panic("the default of %s: %s", setting->name, error);
    }
}

void settings_free(const struct settings_table *table, void *config)
{
    for (size_t i = 0; i < table->count; i++) {
        if (is_text(&table->settings[i])) {
            free(*text_member(&table->settings[i], config));
            *text_member(&table->settings[i], config) = NULL;
        }
    }
}

/* --- names, and the nearest one to a name that is unknown --- */

static char fold(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

/* The number of letters to change, insert or remove to get from a to b (Levenshtein); '-' and '_' and the
 * case do not count. */
static size_t name_distance(const char *a, const char *b)
{
    size_t row[COMPARED_NAME_MAX + 1]; /* row[j]: from the part of a so far to the first j letters of b */
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > COMPARED_NAME_MAX || b_length > COMPARED_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (fold(a[i - 1]) != fold(b[j - 1]));

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

void settings_nearest_consider(struct settings_nearest *nearest, const char *wanted, const char *candidate)
{
    size_t distance = name_distance(wanted, candidate);
    size_t limit = strlen(candidate) / 3;

    if (distance <= (limit < 2 ? 2 : limit) && (nearest->name == NULL || distance < nearest->distance)) {
        nearest->name = candidate;
        nearest->distance = distance;
    }
}

/* --- the flags --- */

const struct settings_command settings_command_table[] = {
    {"config", offsetof(struct settings_commands, config_file), "FILE",
     "Read this file, which has to be there, and not " SETTINGS_DEFAULT_FILE
     ", which is read if it is there."},
    {"check-config", offsetof(struct settings_commands, check_config), NULL,
     "Read the file and the flags, say whether they are valid, and exit."},
    {"print-config", offsetof(struct settings_commands, print_config), NULL,
     "Print the effective configuration as a commented file, and exit."},
    {"print-config-markdown", offsetof(struct settings_commands, print_config_markdown), NULL, NULL},
    {"print-config-man", offsetof(struct settings_commands, print_config_man), NULL, NULL},
    {"help", offsetof(struct settings_commands, help), NULL, "Print this text and exit."},
    {"version", offsetof(struct settings_commands, version), NULL, "Print the version and exit."},
};
const size_t settings_command_count = sizeof(settings_command_table) / sizeof(settings_command_table[0]);

/* True if `flag`, of which `length` bytes count, is the flag of the setting or command `name`. */
static bool flag_is(const char *flag, size_t length, const char *name)
{
    if (strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (flag[i] != (name[i] == '_' ? '-' : name[i]))
            return false;
    return true;
}

void settings_flag_name(const char *prefix, const char *setting_name, char flag[SETTINGS_TEXT_MAX])
{
    snprintf(flag, SETTINGS_TEXT_MAX, "--%s%s", prefix, setting_name);
    for (; *flag != '\0'; flag++)
        if (*flag == '_')
            *flag = '-';
}

/* One flag, taken apart. */
struct flag {
    const char *name; /* without dashes, `length` bytes */
    size_t length;
    const char *value; /* after '=', or NULL */
    const char *next;  /* the next argument, or NULL */
};

static int unknown_flag(const struct settings_table *table, const struct flag *wrong, char *error,
                        size_t error_size)
{
    struct settings_nearest nearest = {0};
    char name[SETTINGS_TEXT_MAX], flag[SETTINGS_TEXT_MAX];

    snprintf(name, sizeof(name), "%.*s", wrong->length < 100 ? (int)wrong->length : 100, wrong->name);
    for (size_t i = 0; i < table->count; i++)
        settings_nearest_consider(&nearest, name, table->settings[i].name);
    for (size_t i = 0; i < settings_command_count; i++)
        if (settings_command_table[i].help != NULL)
            settings_nearest_consider(&nearest, name, settings_command_table[i].name);
    if (nearest.name != NULL) {
        settings_flag_name("", nearest.name, flag);
        snprintf(error, error_size, "--%s is not an option; did you mean %s?", name, flag);
    } else {
        snprintf(error, error_size, "--%s is not an option; see %s --help", name, table->program);
    }
    return -EINVAL;
}

static const struct setting *find_flag_setting(const struct settings_table *table, const struct flag *flag)
{
    for (size_t i = 0; i < table->count; i++)
        if (flag_is(flag->name, flag->length, table->settings[i].name))
            return &table->settings[i];
    return NULL;
}

static const struct setting *find_negated(const struct settings_table *table, const struct flag *flag)
{
    struct flag positive = {.name = flag->name + 3};
    const struct setting *setting;

    if (flag->length <= 3 || strncmp(flag->name, "no-", 3) != 0)
        return NULL;
    positive.length = flag->length - 3;
    setting = find_flag_setting(table, &positive);
    return setting != NULL && setting->type == SETTING_BOOL ? setting : NULL;
}

/* Finds the value of a flag, after '=' or in the next argument. Returns how many further arguments that took,
 * 0 or 1, or -EINVAL if there is none. */
static int take_value(const struct flag *flag, const char *example, const char **value, char *error,
                      size_t error_size)
{
    *value = flag->value;
    if (*value != NULL)
        return 0;
    *value = flag->next;
    if (*value != NULL && strncmp(*value, "--", 2) != 0)
        return 1;
    snprintf(error, error_size, "--%.*s needs a value; write --%.*s=%s", (int)flag->length, flag->name,
             (int)flag->length, flag->name, example);
    return -EINVAL;
}

static int refuse_value(const struct flag *flag, char *error, size_t error_size)
{
    if (flag->value == NULL)
        return 0;
    snprintf(error, error_size, "--%.*s takes no value", (int)flag->length, flag->name);
    return -EINVAL;
}

static int apply_command(const struct settings_command *command, const struct flag *flag,
                         struct settings_commands *commands, char *error, size_t error_size)
{
    void *member = (char *)commands + command->offset;

    if (command->argument != NULL)
        return take_value(flag, command->argument, member, error, error_size);
    *(bool *)member = true;
    return refuse_value(flag, error, error_size);
}

/* Applies one flag. Returns how many further arguments it took, 0 or 1, or -EINVAL. */
static int apply_flag(const struct settings_table *table, void *config, const struct flag *flag,
                      struct settings_commands *commands, char *error, size_t error_size)
{
    const struct setting *setting = find_flag_setting(table, flag), *negated = find_negated(table, flag);
    const char *value = "no";
    char wrong[SETTINGS_ERROR_MAX];
    int taken = 0;

    for (size_t i = 0; i < settings_command_count; i++)
        if (flag_is(flag->name, flag->length, settings_command_table[i].name))
            return apply_command(&settings_command_table[i], flag, commands, error, error_size);
    if (setting == NULL && negated == NULL)
        return unknown_flag(table, flag, error, error_size);
    if (setting == NULL)
        taken = refuse_value(flag, error, error_size);
    else if (setting->type == SETTING_BOOL)
        value = flag->value != NULL ? flag->value : "yes";
    else
        taken = take_value(flag, setting->default_text, &value, error, error_size);
    if (taken < 0)
        return taken;
    if (settings_set_value(setting != NULL ? setting : negated, config, value, wrong, sizeof(wrong)) < 0) {
        snprintf(error, error_size, "--%.*s: %s", (int)flag->length, flag->name, wrong);
        return -EINVAL;
    }
    return taken;
}

int settings_apply_flags(const struct settings_table *table, void *config, int argc, char *const *argv,
                         struct settings_commands *commands, char *error, size_t error_size)
{
    memset(commands, 0, sizeof(*commands));
    for (int i = 1; i < argc; i++) {
        struct flag flag = {.next = i + 1 < argc ? argv[i + 1] : NULL};
        int taken;

        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0' || argv[i][2] == '=') {
            snprintf(error, error_size, "%.100s is not an option; options begin with --, see %s --help",
                     argv[i], table->program);
            return -EINVAL;
        }
        flag.name = argv[i] + 2;
        flag.length = strcspn(flag.name, "=");
        if (flag.name[flag.length] == '=')
            flag.value = flag.name + flag.length + 1;
        taken = apply_flag(table, config, &flag, commands, error, error_size);
        if (taken < 0)
            return taken;
        i += taken;
    }
    return 0;
}

/* --- all of it --- */

static void __attribute__((noreturn)) finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        fatal(EX_IOERR, "cannot write to standard output: %m");
    exit(0);
}

static bool fits_together(const struct settings_table *table, const void *config, char *error,
                          size_t error_size)
{
    return table->check == NULL || table->check(config, error, error_size) == 0;
}

void settings_load(const struct settings_table *table, void *config, int argc, char **argv)
{
    struct settings_commands commands;
    char error[SETTINGS_ERROR_MAX];
    const char *path, *found = "";
    bool file_fits;
    int result;

    settings_defaults(table, config);
    if (settings_apply_flags(table, config, argc, argv, &commands, error, sizeof(error)) < 0)
        fatal(EX_USAGE, "%s", error);
    if (commands.help || commands.version || commands.print_config_markdown || commands.print_config_man) {
        if (commands.help)
            settings_print_help(table, stdout);
        else if (commands.version)
            printf("%s %s\n", table->program, WALKV_VERSION);
        else if (commands.print_config_markdown)
            settings_print_markdown(table, stdout);
        else
            settings_print_man(table, stdout);
        finish_output();
    }

    /* The flags have said which file; now in the order of precedence. */
    settings_defaults(table, config);
    path = commands.config_file != NULL ? commands.config_file : SETTINGS_DEFAULT_FILE;
    result = settings_load_file(table, config, path, error, sizeof(error));
    if (result == -ENOENT && commands.config_file == NULL)
        found = " does not exist";
    else if (result < 0)
        fatal(result == -ENOMEM ? EX_OSERR : EX_CONFIG, "%s", error);
    file_fits = fits_together(table, config, error, sizeof(error));
    if (settings_apply_flags(table, config, argc, argv, &commands, error, sizeof(error)) < 0)
        panic("flags that were accepted before: %s", error);
    if (!fits_together(table, config, error, sizeof(error)))
        fatal(file_fits ? EX_USAGE : EX_CONFIG, "%s%s%s", file_fits ? "" : path, file_fits ? "" : ": ",
              error);

    if (commands.print_config)
        settings_print_config(table, config, stdout);
    else if (commands.check_config)
        printf("%s: the configuration is valid (%s%s)\n", table->program, path, found);
    else
        return;
    finish_output();
}
