/* SPDX-License-Identifier: MIT
 *
 * settings: the configuration of a daemon, from one table that says for each setting its name, type, default,
 * bounds and help. From the table come the parser of /etc/walkv/walkv.conf, the command-line flags, --help,
 * --print-config, walkv.conf(5) and the table in the README, so that none of them can say something else.
 *
 * Precedence: flag over file over default. Every daemon reads its own section of the one file and leaves the
 * other sections alone. A value is never guessed at, cut or rounded: what is not exactly right is an error
 * that names the place (file and line, or flag) and the accepted form.
 *
 * Limits: a line of the file is at most as long as inih's buffer (197 bytes), comments excepted.
 */
#ifndef WALKV_COMMON_SETTINGS_H
#define WALKV_COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SETTINGS_DEFAULT_FILE "/etc/walkv/walkv.conf"
#define SETTINGS_TEXT_MAX     160  /* bytes of a string or path, so that its line fits into the file */
#define SETTINGS_ERROR_MAX    1024 /* a good size for an error buffer */
#define SETTINGS_NUMBER_MAX   32   /* bytes of a formatted number, NUL included */

/* What a value looks like, and in brackets the member of the config struct that holds it. */
enum setting_type {
    SETTING_STRING, /* [char *, owned] bounds are of its length in bytes; no quotes, ';' or control characters
                     */
    SETTING_PATH,   /* [char *, owned] the same */
    SETTING_BOOL,   /* [bool] yes or no (also true, false, on, off, 1, 0) */
    SETTING_UNSIGNED, /* [uint64_t] decimal digits */
    SETTING_SIZE, /* [uint64_t, bytes] 64MiB (KiB MiB GiB TiB, KB MB GB TB of 1000, B or nothing: bytes) */
    SETTING_DURATION, /* [uint64_t, ns] 250ms (ns us ms s m h d), or 0 */
    SETTING_CHOICE,   /* [uint64_t] one of the words in `choices`; the value is its index there */
};

struct setting {
    const char *name; /* as in the file; its flag is the same with '-' for '_' */
    enum setting_type type;
    size_t offset; /* of the member; write type and offset with SETTING_FIELD */
    const char *default_text;
    uint64_t minimum, maximum; /* of the number, inclusive; of a text's length; unused by bool and choice */
    const char *choices;       /* "sync|async", for a choice */
    const char *help;          /* whole sentences for an operator: what it does, when to change it */
    bool flag_only;            /* refused in the file */
    const char *group;         /* if not NULL, a heading of --help that begins with this setting */
    const char *(*check)(
        const char *text); /* if not NULL: NULL for a good text, else what to write instead */
};

struct settings_table {
    const char *program;
    const char *section; /* of the file */
    const char *summary; /* one line for --help */
    const struct setting *settings;
    size_t count;
    /* If not NULL, looks at settings that must fit together; returns 0, or -1 with a sentence in `error`. */
    int (*check)(const void *config, char *error, size_t error_size);
};

/* Sets .type and .offset of a struct setting; does not compile if the member has the wrong C type. */
#define SETTING_FIELD(kind, config_type, member)                                                             \
    .type = (kind), .offset = offsetof(config_type, member) +                                                \
                              0 * sizeof(char[SETTING_FITS(kind, ((config_type *)NULL)->member) ? 1 : -1])
#define SETTING_FITS(kind, field)                                                                            \
    ((kind) <= SETTING_PATH   ? __builtin_types_compatible_p(__typeof__(field), char *)                      \
     : (kind) == SETTING_BOOL ? __builtin_types_compatible_p(__typeof__(field), bool)                        \
                              : __builtin_types_compatible_p(__typeof__(field), uint64_t))

/* What the command line asks for besides settings. */
struct settings_commands {
    const char *config_file; /* --config, or NULL; points into argv */
    bool help, version, check_config, print_config, print_config_markdown, print_config_man;
};

/* Does all of it in main(): defaults, file, flags, checks. Returns with `config` filled in (all zero before,
 * settings_free() after), or prints what --help and its like ask for and exits with 0, or ends the process
 * through fatal() with EX_USAGE (64) for the command line and EX_CONFIG (78) for the file. Call log_open()
 * first. */
void settings_load(const struct settings_table *table, void *config, int argc, char **argv);

/* Frees the strings of `config` and sets them to NULL. */
void settings_free(const struct settings_table *table, void *config);

/* Sets everything to its default. `config` must be all zero or have been filled in before. */
void settings_defaults(const struct settings_table *table, void *config);

/* Reads the table's section of an INI file into `config`, which holds the defaults. Returns 0, or a negative
 * errno
 * (-EINVAL for what the file says, else why it could not be read) with "file:line: what is wrong; what to
 * write" in `error`. settings_load_stream() reads an open stream that is called `path` in errors. */
int settings_load_file(const struct settings_table *table, void *config, const char *path, char *error,
                       size_t error_size);
int settings_load_stream(const struct settings_table *table, void *config, FILE *stream, const char *path,
                         char *error, size_t error_size);

/* Applies the flags of a command line to `config`, a repeated one overriding the one before, and fills in
 * `commands`. Returns 0, or -EINVAL with a sentence in `error`. May be called again on the same command line.
 */
int settings_apply_flags(const struct settings_table *table, void *config, int argc, char *const *argv,
                         struct settings_commands *commands, char *error, size_t error_size);

/* Prints the configuration as an INI file that loads back to the same, each setting below its help. */
void settings_print_config(const struct settings_table *table, const void *config, FILE *out);

/* Prints the text of --help, at most 80 columns wide. */
void settings_print_help(const struct settings_table *table, FILE *out);

/* Prints the table of settings for the README. */
void settings_print_markdown(const struct settings_table *table, FILE *out);

/* Prints the settings of the file for walkv.conf(5), in mdoc(7): a subsection with a list for each group. */
void settings_print_man(const struct settings_table *table, FILE *out);

/* Strict readers of one number: no sign, no blank, no hex, no fraction. Return 0 and set `value`, or -EINVAL,
 * or -ERANGE when it does not fit into 64 bits; on failure `value` is untouched. */
int settings_parse_unsigned(const char *text, uint64_t *value);
int settings_parse_size(const char *text, uint64_t *value_bytes);
int settings_parse_duration(const char *text, uint64_t *value_ns);

/* The opposite: the shortest exact form, with the largest unit that divides the value ("64MiB", "90s", "0").
 */
void settings_format_size(uint64_t value_bytes, char text[SETTINGS_NUMBER_MAX]);
void settings_format_duration(uint64_t value_ns, char text[SETTINGS_NUMBER_MAX]);

#endif
