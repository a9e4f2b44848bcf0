/* SPDX-License-Identifier: MIT
 *
 * settings: see settings.h. From top to bottom: numbers with units, one value, defaults, the file, the flags,
 * what is printed, and settings_load(), which is all of it in order.
 *
 * inih splits the lines of the file. What it would accept quietly is refused before it sees it, in
 * read_line(): a line longer than its buffer, an indented line (which it takes for more of the value above),
 * NUL bytes, text after a [section].
 *
 * Fatal: no memory; everything settings_load() finds wrong. The rest returns errors as text and never logs.
 */
#include "settings.h"

#include "log.h"
#include "memory.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define HELP_WIDTH        80
#define HELP_COLUMN       26 /* where the texts of --help begin */
#define HELP_INDENT       "                          "
#define COMPARED_NAME_MAX 63  /* longer names are like no other */
#define DEFAULT_MAX       384 /* bytes of what describe_default() says: a default and a range */

_Static_assert(sizeof(HELP_INDENT) - 1 == HELP_COLUMN, "the indent reaches the column");

/* The sections of the one file; a daemon reads its own, and another name is a mistake. */
static const char *const sections[] = {"walkvd", "walkv-httpd"};

/* How each type is called in --help and in errors. */
static const struct {
    const char *argument, *article;
} type_words[] = {
    [SETTING_STRING] = {"TEXT", "a text"}, [SETTING_PATH] = {"PATH", "a path"},
    [SETTING_BOOL] = {NULL, "yes or no"},  [SETTING_UNSIGNED] = {"NUMBER", "a number"},
    [SETTING_SIZE] = {"SIZE", "a size"},   [SETTING_DURATION] = {"TIME", "a duration"},
    [SETTING_CHOICE] = {NULL, "a choice"},
};

/* --- numbers with units --- */

struct unit {
    const char *name;
    uint64_t factor;
};

/* From large to small, as the formatter tries them. */
static const struct unit size_units[] = {
    {"TiB", 1ull << 40},
    {"TB", 1000000000000},
    {"GiB", 1ull << 30},
    {"GB", 1000000000},
    {"MiB", 1ull << 20},
    {"MB", 1000000},
    {"KiB", 1ull << 10},
    {"KB", 1000},
    {"", 1},
    {"B", 1},
    {NULL, 0},
};
static const struct unit duration_units[] = {
    {"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000},
    {"ms", 1000000},       {"us", 1000},         {"ns", 1},          {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static int parse_number(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t number = 0;
    bool overflow = false;

    if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && isdigit((unsigned char)text[1])))
        return -EINVAL;
    for (; isdigit((unsigned char)*text); text++) {
        overflow |= __builtin_mul_overflow(number, 10u, &number);
        overflow |= __builtin_add_overflow(number, (unsigned)(*text - '0'), &number);
    }
    while (units->name != NULL && strcmp(units->name, text) != 0)
        units++;
    if (units->name == NULL)
        return -EINVAL;
    overflow |= __builtin_mul_overflow(number, units->factor, &number);
    if (overflow)
        return -ERANGE;
    *value = number;
    return 0;
}

static void format_number(uint64_t value, const struct unit *units, char text[SETTINGS_NUMBER_MAX])
{
    while (value % units->factor != 0)
        units++;
    snprintf(text, SETTINGS_NUMBER_MAX, "%" PRIu64 "%s", value / units->factor,
             value == 0 ? "" : units->name);
}

int settings_parse_unsigned(const char *text, uint64_t *value)
{
    return parse_number(text, no_units, value);
}

int settings_parse_size(const char *text, uint64_t *value_bytes)
{
    return parse_number(text, size_units, value_bytes);
}

int settings_parse_duration(const char *text, uint64_t *value_ns)
{
    if (strcmp(text, "0") == 0) {
        *value_ns = 0;
        return 0;
    }
    return parse_number(text, duration_units, value_ns);
}

void settings_format_size(uint64_t value_bytes, char text[SETTINGS_NUMBER_MAX])
{
    format_number(value_bytes, size_units, text);
}

void settings_format_duration(uint64_t value_ns, char text[SETTINGS_NUMBER_MAX])
{
    format_number(value_ns, duration_units, text);
}

/* --- one value --- */

static char **text_member(const struct setting *setting, void *config)
{
    return (char **)((char *)config + setting->offset);
}

static bool *bool_member(const struct setting *setting, void *config)
{
    return (bool *)((char *)config + setting->offset);
}

static uint64_t *number_member(const struct setting *setting, void *config)
{
    return (uint64_t *)((char *)config + setting->offset);
}

static bool is_text(const struct setting *setting)
{
    return setting->type == SETTING_STRING || setting->type == SETTING_PATH;
}

static bool is_number(const struct setting *setting)
{
    return setting->type == SETTING_UNSIGNED || setting->type == SETTING_SIZE ||
           setting->type == SETTING_DURATION;
}

/* Finds the word with number `index` in "a|b|c"; returns its length, 0 past the end. */
static int choice_word(const char *choices, uint64_t index, const char **word)
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

    for (uint64_t i = 0; (length = choice_word(choices, i, &word)) > 0; i++) {
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

static void format_bound(const struct setting *setting, uint64_t value, char text[SETTINGS_NUMBER_MAX])
{
    format_number(value,
                  setting->type == SETTING_SIZE       ? size_units
                  : setting->type == SETTING_DURATION ? duration_units
                                                      : no_units,
                  text);
}

/* Says which texts a setting accepts: "write ...". */
static void describe_form(const struct setting *setting, char *form, size_t form_size)
{
    char minimum[SETTINGS_NUMBER_MAX], maximum[SETTINGS_NUMBER_MAX];

    format_bound(setting, setting->minimum, minimum);
    format_bound(setting, setting->maximum, maximum);
    if (is_text(setting))
        snprintf(form, form_size,
                 "write %s of %s to %s bytes without quotes, ';', ' #' and control characters",
                 type_words[setting->type].article, minimum, maximum);
    else if (setting->type == SETTING_BOOL)
        snprintf(form, form_size, "write yes or no");
    else if (setting->type == SETTING_CHOICE)
        snprintf(form, form_size, "write one of %s", setting->choices);
    else
        snprintf(form, form_size, "write for example %s, between %s and %s", setting->default_text, minimum,
                 maximum);
}

/* Parses `text` and stores it in `config`. Returns 0, or -EINVAL with "<text> is not ...; write ..." */
static int set_value(const struct setting *setting, void *config, const char *text, char *error,
                     size_t error_size)
{
    char form[256], wrong[64];
    uint64_t number = 0;
    bool flag = false;
    int result = 0;

    snprintf(wrong, sizeof(wrong), "is not %s", type_words[setting->type].article);
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

        if (set_value(setting, config, setting->default_text, error, sizeof(error)) < 0)
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

struct nearest {
    const char *name;
    size_t distance;
};

static void nearest_consider(struct nearest *nearest, const char *wanted, const char *candidate)
{
    size_t distance = name_distance(wanted, candidate);
    size_t limit = strlen(candidate) / 3;

    if (distance <= (limit < 2 ? 2 : limit) && (nearest->name == NULL || distance < nearest->distance)) {
        nearest->name = candidate;
        nearest->distance = distance;
    }
}

/* --- the file --- */

struct file_reader {
    const struct settings_table *table;
    void *config;
    FILE *stream;
    const char *path;
    unsigned line;
    unsigned failed_line;  /* 0: nothing wrong so far */
    unsigned *set_on_line; /* per setting, 0: not yet */
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static void file_error(struct file_reader *reader, const char *format,
                                                             ...)
{
    va_list arguments;
    int used;

    if (reader->failed_line != 0)
        return;
    reader->failed_line = reader->line;
    used = snprintf(reader->error, reader->error_size, "%s:%u: ", reader->path, reader->line);
    if (used < 0 || (size_t)used >= reader->error_size)
        return;
    va_start(arguments, format);
    vsnprintf(reader->error + used, reader->error_size - (size_t)used, format, arguments);
    va_end(arguments);
}

/* Checks a line that begins with '['. */
static void check_section(struct file_reader *reader, const char *line)
{
    struct nearest nearest = {0};
    char name[SETTINGS_TEXT_MAX];
    size_t length = strcspn(line + 1, "]");
    const char *rest = line + 1 + length;

    if (*rest == '\0') {
        file_error(reader, "a section without its closing bracket; write [%s]", reader->table->section);
        return;
    }
    rest++;
    rest += strspn(rest, " \t\r\n");
    if (*rest != '\0' && *rest != ';' && *rest != '#') {
        file_error(reader, "text after a [section]; write it on a line of its own");
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)length, line + 1);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strcmp(name, sections[i]) == 0)
            return;
        nearest_consider(&nearest, name, sections[i]);
    }
    if (nearest.name != NULL)
        file_error(reader, "[%s] is not a section; did you mean [%s]?", name, nearest.name);
    else
        file_error(reader, "[%s] is not a section; write [%s] or [%s]", name, sections[0], sections[1]);
}

/* Hands the next line to inih, as fgets would, without its indentation; a comment becomes an empty line.
 * After an error it says that the file is at its end. */
static char *read_line(char *line, int room, void *context)
{
    struct file_reader *reader = context;
    bool too_long = false, has_nul = false;
    size_t used = 0, limit = (size_t)room - 2;
    int c;

    if (reader->failed_line != 0)
        return NULL;
    reader->line++;
    while ((c = getc(reader->stream)) != EOF && c != '\n') {
        if (used == 0 && (c == ' ' || c == '\t'))
            continue;
        has_nul |= c == '\0';
        too_long |= used == limit;
        if (used < limit)
            line[used++] = (char)c;
        if (reader->line == 1 && used == 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
            used = 0; /* a byte order mark */
    }
    if (c == EOF && (used == 0 || ferror(reader->stream)))
        return NULL;
    if (used > 0 && (line[0] == '#' || line[0] == ';')) {
        used = 0;
    } else if (too_long) {
        file_error(reader, "the line is longer than %zu bytes; make it shorter", limit);
        return NULL;
    } else if (has_nul) {
        file_error(reader, "the line has a NUL byte in it; write plain text");
        return NULL;
    }
    line[used++] = '\n';
    line[used] = '\0';
    if (line[0] == '[')
        check_section(reader, line);
    return reader->failed_line == 0 ? line : NULL;
}

static void unknown_key(struct file_reader *reader, const char *name)
{
    struct nearest nearest = {0};

    for (size_t i = 0; i < reader->table->count; i++)
        if (!reader->table->settings[i].flag_only)
            nearest_consider(&nearest, name, reader->table->settings[i].name);
    if (nearest.name != NULL)
        file_error(reader, "%.100s is not a setting of [%s]; did you mean %s?", name, reader->table->section,
                   nearest.name);
    else
        file_error(reader, "%.100s is not a setting of [%s]; see %s --help", name, reader->table->section,
                   reader->table->program);
}

/* inih calls this for each `name = value`. Returns nonzero: it is this file that keeps the errors. */
static int set_from_file(void *context, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = context;
    const struct settings_table *table = reader->table;
    const struct setting *setting;
    char error[SETTINGS_ERROR_MAX];
    size_t i = 0;

    if (section[0] == '\0')
        file_error(reader, "%.100s stands before the first [section]; write [%s] above it", name,
                   table->section);
    if (reader->failed_line != 0 || strcmp(section, table->section) != 0)
        return 1;
    while (i < table->count && strcmp(table->settings[i].name, name) != 0)
        i++;
    if (i == table->count) {
        unknown_key(reader, name);
        return 1;
    }
    setting = &table->settings[i];
    if (setting->flag_only)
        file_error(reader, "%s belongs on the command line only", name);
    else if (reader->set_on_line[i] != 0)
        file_error(reader, "%s is already set on line %u; write it once", name, reader->set_on_line[i]);
    else if (set_value(setting, reader->config, value == NULL ? "" : value, error, sizeof(error)) < 0)
        file_error(reader, "%s: %s", name, error);
    reader->set_on_line[i] = reader->line;
    return 1;
}

int settings_load_stream(const struct settings_table *table, void *config, FILE *stream, const char *path,
                         char *error, size_t error_size)
{
    struct file_reader reader = {.table = table,
                                 .config = config,
                                 .stream = stream,
                                 .path = path,
                                 .error = error,
                                 .error_size = error_size};
    int bad_line;

    reader.set_on_line = memory_new(table->count, sizeof(*reader.set_on_line), "the configuration");
    errno = 0;
    bad_line = ini_parse_stream(read_line, &reader, set_from_file, &reader);
    free(reader.set_on_line);
    if (ferror(stream)) {
        int reason = errno == 0 ? EIO : errno;

        snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(reason));
        return -reason;
    }
    if (bad_line > 0 && (reader.failed_line == 0 || (unsigned)bad_line < reader.failed_line)) {
        reader.failed_line = 0;
        reader.line = (unsigned)bad_line;
        file_error(&reader, "neither a [section] nor name = value");
    } else if (bad_line < 0) {
        fatal(EX_OSERR, "out of memory for the configuration");
    }
    return reader.failed_line == 0 ? 0 : -EINVAL;
}

int settings_load_file(const struct settings_table *table, void *config, const char *path, char *error,
                       size_t error_size)
{
    FILE *stream = fopen(path, "re");
    int result;

    if (stream == NULL) {
        result = -errno;
        snprintf(error, error_size, "%s: cannot be opened: %s", path, strerror(-result));
        return result;
    }
    result = settings_load_stream(table, config, stream, path, error, error_size);
    fclose(stream);
    return result;
}

/* --- the flags --- */

/* Flags that are no settings. Without `argument` the member is a bool, with it a string. */
static const struct command {
    const char *name;
    size_t offset; /* in struct settings_commands */
    const char *argument;
    const char *help; /* NULL: not shown */
} commands_table[] = {
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
#define COMMAND_COUNT (sizeof(commands_table) / sizeof(commands_table[0]))

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

static void flag_name(const char *prefix, const char *setting_name, char flag[SETTINGS_TEXT_MAX])
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
    struct nearest nearest = {0};
    char name[SETTINGS_TEXT_MAX], flag[SETTINGS_TEXT_MAX];

    snprintf(name, sizeof(name), "%.*s", wrong->length < 100 ? (int)wrong->length : 100, wrong->name);
    for (size_t i = 0; i < table->count; i++)
        nearest_consider(&nearest, name, table->settings[i].name);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands_table[i].help != NULL)
            nearest_consider(&nearest, name, commands_table[i].name);
    if (nearest.name != NULL) {
        flag_name("", nearest.name, flag);
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

static int apply_command(const struct command *command, const struct flag *flag,
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

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (flag_is(flag->name, flag->length, commands_table[i].name))
            return apply_command(&commands_table[i], flag, commands, error, error_size);
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
    if (set_value(setting != NULL ? setting : negated, config, value, wrong, sizeof(wrong)) < 0) {
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

/* --- what is printed --- */

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
        format_bound(setting, setting->minimum, minimum);
        format_bound(setting, setting->maximum, maximum);
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
        length = choice_word(setting->choices, *number_member(setting, config), &word);
        fprintf(out, "%.*s", length, word);
    } else {
        format_bound(setting, *number_member(setting, config), text);
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
        const char *argument = type_words[setting->type].argument;

        if (setting->group != NULL)
            fprintf(out, "\n%s:\n", setting->group);
        flag_name(setting->type == SETTING_BOOL ? "[no-]" : "", setting->name, flag);
        print_option(flag, setting->type == SETTING_CHOICE ? setting->choices : argument, setting->help, out);
        describe_default(setting, text);
        fprintf(out, HELP_INDENT "%s\n", text);
    }
    fputs("\nCommands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands_table[i];

        flag_name("", command->name, flag);
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

        flag_name("", setting->name, flag);
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
