/* SPDX-License-Identifier: MIT
 *
 * The configuration file; see settings.h. inih splits its lines. What it would accept quietly is refused
 * before it sees it, in read_line(): a line longer than its buffer, an indented line (which it takes for more
 * of the value above), NUL bytes, text after a [section].
 */
#include "settings_internal.h"

#include "log.h"
#include "memory.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The sections of the one file; a daemon reads its own, and another name is a mistake. */
static const char *const sections[] = {"walkvd", "walkv-httpd"};

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
    struct settings_nearest nearest = {0};
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
        settings_nearest_consider(&nearest, name, sections[i]);
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
    struct settings_nearest nearest = {0};

    for (size_t i = 0; i < reader->table->count; i++)
        if (!reader->table->settings[i].flag_only)
            settings_nearest_consider(&nearest, name, reader->table->settings[i].name);
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
    else if (settings_set_value(setting, reader->config, value == NULL ? "" : value, error, sizeof(error)) <
             0)
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
