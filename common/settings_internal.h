/* SPDX-License-Identifier: MIT
 *
 * What settings.c, settings_file.c, settings_number.c and settings_print.c share, and nobody else includes.
 */
#ifndef WALKV_COMMON_SETTINGS_INTERNAL_H
#define WALKV_COMMON_SETTINGS_INTERNAL_H

#include "settings.h"

/* How each type is called: as an argument in --help, or NULL, and in errors. By enum setting_type. */
struct settings_type_words {
    const char *argument, *article;
};
extern const struct settings_type_words settings_type_words[];

/* Flags that are no settings. Without `argument` the member is a bool, with it a string. */
struct settings_command {
    const char *name;
    size_t offset; /* in struct settings_commands */
    const char *argument;
    const char *help; /* NULL: not shown */
};
extern const struct settings_command settings_command_table[];
extern const size_t settings_command_count;

static inline char **text_member(const struct setting *setting, void *config)
{
    return (char **)((char *)config + setting->offset);
}

static inline bool *bool_member(const struct setting *setting, void *config)
{
    return (bool *)((char *)config + setting->offset);
}

static inline uint64_t *number_member(const struct setting *setting, void *config)
{
    return (uint64_t *)((char *)config + setting->offset);
}

static inline bool is_text(const struct setting *setting)
{
    return setting->type == SETTING_STRING || setting->type == SETTING_PATH;
}

static inline bool is_number(const struct setting *setting)
{
    return setting->type == SETTING_UNSIGNED || setting->type == SETTING_SIZE ||
           setting->type == SETTING_DURATION;
}

/* Parses `text` and stores it in `config`. Returns 0, or -EINVAL with "<text> is not ...; write ..." */
int settings_set_value(const struct setting *setting, void *config, const char *text, char *error,
                       size_t error_size);

/* Of the names that were considered, the one that is most like the wanted one; NULL: none is like it. All
 * zero before. */
struct settings_nearest {
    const char *name;
    size_t distance;
};
void settings_nearest_consider(struct settings_nearest *, const char *wanted, const char *candidate);

/* Finds the word with number `index` in "a|b|c"; returns its length, 0 past the end. */
int settings_choice_word(const char *choices, uint64_t index, const char **word);

/* A number of a setting of this type, with its unit. */
void settings_format_number(enum setting_type, uint64_t value, char text[SETTINGS_NUMBER_MAX]);

/* "--", the prefix, and the name with '-' for '_'. */
void settings_flag_name(const char *prefix, const char *setting_name, char flag[SETTINGS_TEXT_MAX]);

#endif
