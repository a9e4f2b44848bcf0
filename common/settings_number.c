/* SPDX-License-Identifier: MIT
 * Numbers with units, read strictly and written in their shortest exact form; see settings.h. */
#include "settings_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

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

void settings_format_number(enum setting_type type, uint64_t value, char text[SETTINGS_NUMBER_MAX])
{
    format_number(value,
                  type == SETTING_SIZE       ? size_units
                  : type == SETTING_DURATION ? duration_units
                                             : no_units,
                  text);
}
