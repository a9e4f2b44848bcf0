/* SPDX-License-Identifier: MIT
 *
 * Tests of common/settings: numbers with units, the file with its errors, the flags, precedence, what is
 * printed, and the tables of both daemons, every row of which is held to its own bounds.
 *
 * The core is tested with a small table of its own, so that no change of a real setting can break these
 * tests.
 */
#include "../../common/log.h"
#include "../../common/settings.h"
#include "../../walkv-httpd/httpd_settings.h"
#include "../../walkvd/walkvd_settings.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

void settings_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails with the name of the row, which CU_ASSERT alone would not show. */
#define CHECK_ROW(name, condition)                                                                           \
    do {                                                                                                     \
        bool holds = (condition);                                                                            \
        if (!holds)                                                                                          \
            fprintf(stderr, "\n  row \"%s\", line %d: %s\n", (name), __LINE__, #condition);                  \
        CU_ASSERT(holds);                                                                                    \
    } while (0)

struct sample {
    char *path;
    char *text;
    bool once;
    bool lazy;
    uint64_t count;
    uint64_t room;
    uint64_t wait;
    uint64_t mode;
};

static const char *check_even(const char *text)
{
    return (text[strlen(text) - 1] - '0') % 2 == 0 ? NULL : "an even number";
}

static int check_sample(const void *opaque, char *error, size_t error_size)
{
    const struct sample *sample = opaque;

    if (sample->count < 100 || sample->room >= 4096)
        return 0;
    snprintf(error, error_size, "too many for the room");
    return -1;
}

#define FIELD(kind, member) SETTING_FIELD(kind, struct sample, member)

static const struct setting sample_settings[] = {
    {.name = "main_path",
     FIELD(SETTING_PATH, path),
     .default_text = "/a",
     .minimum = 1,
     .maximum = 20,
     .help = "H."},
    {.name = "text",
     FIELD(SETTING_STRING, text),
     .default_text = "",
     .minimum = 0,
     .maximum = 160,
     .help = "H."},
    {.name = "once", FIELD(SETTING_BOOL, once), .default_text = "no", .help = "H.", .flag_only = true},
    {.name = "lazy", FIELD(SETTING_BOOL, lazy), .default_text = "yes", .help = "H."},
    {.name = "even_count",
     FIELD(SETTING_UNSIGNED, count),
     .default_text = "8",
     .minimum = 2,
     .maximum = 1000,
     .help = "H.",
     .check = check_even},
    {.name = "room",
     FIELD(SETTING_SIZE, room),
     .default_text = "4KiB",
     .minimum = 512,
     .maximum = UINT64_MAX,
     .help = "H."},
    {.name = "wait",
     FIELD(SETTING_DURATION, wait),
     .default_text = "250ms",
     .minimum = 0,
     .maximum = 1000000000,
     .help = "H."},
    {.name = "mode",
     FIELD(SETTING_CHOICE, mode),
     .default_text = "sync",
     .choices = "sync|async|synchronous",
     .help = "H."},
};

static const struct settings_table sample_table = {
    .program = "walkvd",
    .section = "walkvd",
    .summary = "A sample.",
    .settings = sample_settings,
    .count = COUNT(sample_settings),
    .check = check_sample,
};

/* Room for either daemon's configuration, and the tables of both. */
union any_config {
    struct walkvd_config walkvd;
    struct httpd_config httpd;
};

static const struct settings_table *const real_tables[] = {&walkvd_settings, &httpd_settings};

/* --- helpers --- */

static int load_text(const struct settings_table *table, void *config, const char *text, size_t length,
                     char *error)
{
    FILE *stream = fmemopen((void *)(uintptr_t)text, length, "r");
    int result;

    CU_ASSERT_FATAL(stream != NULL);
    error[0] = '\0';
    result = settings_load_stream(table, config, stream, "f", error, SETTINGS_ERROR_MAX);
    fclose(stream);
    return result;
}

/* Applies flags that are separated by single blanks. */
static int apply_text(const struct settings_table *table, void *config, const char *flags,
                      struct settings_commands *commands, char *error)
{
    static char line[1024]; /* static: commands->config_file points into it */
    char *argv[32] = {"program"}, *rest = line, *word;
    int argc = 1;

    snprintf(line, sizeof(line), "%s", flags);
    while ((word = strsep(&rest, " ")) != NULL && flags[0] != '\0')
        argv[argc++] = word;
    error[0] = '\0';
    return settings_apply_flags(table, config, argc, argv, commands, error, SETTINGS_ERROR_MAX);
}

static char *print_to_text(const struct settings_table *table, const void *config)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    CU_ASSERT_FATAL(out != NULL);
    settings_print_config(table, config, out);
    fclose(out);
    return text;
}

static bool same_member(const struct setting *setting, const void *a, const void *b)
{
    const char *left = (const char *)a + setting->offset, *right = (const char *)b + setting->offset;

    if (setting->type == SETTING_STRING || setting->type == SETTING_PATH)
        return strcmp(*(char *const *)left, *(char *const *)right) == 0;
    if (setting->type == SETTING_BOOL)
        return *(const bool *)left == *(const bool *)right;
    return *(const uint64_t *)left == *(const uint64_t *)right;
}

/* --- numbers --- */

static void test_parse_numbers(void)
{
    static const struct {
        const char *input;
        int (*parse)(const char *, uint64_t *);
        int wanted_result;
        uint64_t wanted;
    } rows[] = {
        {"0", settings_parse_unsigned, 0, 0},
        {"18446744073709551615", settings_parse_unsigned, 0, UINT64_MAX},
        {"18446744073709551616", settings_parse_unsigned, -ERANGE, 0},
        {"99999999999999999999999999999999", settings_parse_unsigned, -ERANGE, 0},
        {"", settings_parse_unsigned, -EINVAL, 0},
        {"-1", settings_parse_unsigned, -EINVAL, 0},
        {"+1", settings_parse_unsigned, -EINVAL, 0},
        {" 1", settings_parse_unsigned, -EINVAL, 0},
        {"1 ", settings_parse_unsigned, -EINVAL, 0},
        {"0x10", settings_parse_unsigned, -EINVAL, 0},
        {"010", settings_parse_unsigned, -EINVAL, 0},
        {"1e3", settings_parse_unsigned, -EINVAL, 0},
        {"1K", settings_parse_unsigned, -EINVAL, 0},
        {"0", settings_parse_size, 0, 0},
        {"512", settings_parse_size, 0, 512},
        {"512B", settings_parse_size, 0, 512},
        {"1KiB", settings_parse_size, 0, 1024},
        {"64MiB", settings_parse_size, 0, 64ull << 20},
        {"3GiB", settings_parse_size, 0, 3ull << 30},
        {"16TiB", settings_parse_size, 0, 16ull << 40},
        {"2KB", settings_parse_size, 0, 2000},
        {"2MB", settings_parse_size, 0, 2000000},
        {"2GB", settings_parse_size, 0, 2000000000},
        {"2TB", settings_parse_size, 0, 2000000000000},
        {"16777215TiB", settings_parse_size, 0, 16777215ull << 40},
        {"16777216TiB", settings_parse_size, -ERANGE, 0},
        {"99999999999999999999KiB", settings_parse_size, -ERANGE, 0},
        {"99999999999999999999XiB", settings_parse_size, -EINVAL, 0},
        {"12XB", settings_parse_size, -EINVAL, 0},
        {"64M", settings_parse_size, -EINVAL, 0},
        {"64mib", settings_parse_size, -EINVAL, 0},
        {"64 MiB", settings_parse_size, -EINVAL, 0},
        {"1.5GiB", settings_parse_size, -EINVAL, 0},
        {"MiB", settings_parse_size, -EINVAL, 0},
        {"0", settings_parse_duration, 0, 0},
        {"0s", settings_parse_duration, 0, 0},
        {"7ns", settings_parse_duration, 0, 7},
        {"7us", settings_parse_duration, 0, 7000},
        {"250ms", settings_parse_duration, 0, 250000000},
        {"5s", settings_parse_duration, 0, 5000000000},
        {"2m", settings_parse_duration, 0, 120000000000},
        {"3h", settings_parse_duration, 0, 10800000000000},
        {"1d", settings_parse_duration, 0, 86400000000000},
        {"213503d", settings_parse_duration, 0, 213503 * 86400000000000ull},
        {"213504d", settings_parse_duration, -ERANGE, 0},
        {"5", settings_parse_duration, -EINVAL, 0},
        {"5sec", settings_parse_duration, -EINVAL, 0},
        {"00", settings_parse_duration, -EINVAL, 0},
        {"1h30m", settings_parse_duration, -EINVAL, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t value = 4711;

        CHECK_ROW(rows[i].input, rows[i].parse(rows[i].input, &value) == rows[i].wanted_result);
        CHECK_ROW(rows[i].input, value == (rows[i].wanted_result == 0 ? rows[i].wanted : 4711));
    }
}

static void test_format_numbers(void)
{
    static const struct {
        const char *wanted;
        void (*format)(uint64_t, char[SETTINGS_NUMBER_MAX]);
        int (*parse)(const char *, uint64_t *);
        uint64_t value;
    } rows[] = {
        {"0", settings_format_size, settings_parse_size, 0},
        {"1", settings_format_size, settings_parse_size, 1},
        {"1023", settings_format_size, settings_parse_size, 1023},
        {"1KiB", settings_format_size, settings_parse_size, 1024},
        {"1MB", settings_format_size, settings_parse_size, 1000000},
        {"1000KiB", settings_format_size, settings_parse_size, 1024000},
        {"64MiB", settings_format_size, settings_parse_size, 64ull << 20},
        {"16TiB", settings_format_size, settings_parse_size, 16ull << 40},
        {"18446744073709551615", settings_format_size, settings_parse_size, UINT64_MAX},
        {"0", settings_format_duration, settings_parse_duration, 0},
        {"1ns", settings_format_duration, settings_parse_duration, 1},
        {"250ms", settings_format_duration, settings_parse_duration, 250000000},
        {"1500ms", settings_format_duration, settings_parse_duration, 1500000000},
        {"75s", settings_format_duration, settings_parse_duration, 75000000000},
        {"1m", settings_format_duration, settings_parse_duration, 60000000000},
        {"36h", settings_format_duration, settings_parse_duration, 129600000000000},
        {"2d", settings_format_duration, settings_parse_duration, 172800000000000},
        {"18446744073709551615ns", settings_format_duration, settings_parse_duration, UINT64_MAX},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[SETTINGS_NUMBER_MAX];
        uint64_t back = 0;

        rows[i].format(rows[i].value, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].wanted);
        CHECK_ROW(text, rows[i].parse(text, &back) == 0 && back == rows[i].value);
    }
}

/* --- the file --- */

#define X10(s) s s s s s s s s s s
#define X200   X10("0123456789") X10("0123456789")

static void test_file_errors(void)
{
    static const struct {
        const char *name, *input, *wanted;
    } rows[] = {
        {"bad size", "[walkvd]\n\nroom = 12XB\n",
         "f:3: room: 12XB is not a size; write for example 4KiB, between 512 and 18446744073709551615"},
        {"too small", "[walkvd]\nroom=511",
         "f:2: room: 511 is too small; write for example 4KiB, between 512 and"},
        {"too large", "[walkvd]\nwait=2s",
         "f:2: wait: 2s is too large; write for example 250ms, between 0 and 1s"},
        {"overflow", "[walkvd]\nroom=99999999999999999999\n",
         "f:2: room: 99999999999999999999 is too large; "},
        {"duration without unit", "[walkvd]\nwait = 5\n",
         "f:2: wait: 5 is not a duration; write for example 250ms"},
        {"not a number", "[walkvd]\neven_count = -4\n", "f:2: even_count: -4 is not a number; "},
        {"its own check", "[walkvd]\neven_count = 7\n",
         "f:2: even_count: 7 is not accepted; write an even number"},
        {"bad bool", "[walkvd]\nlazy = maybe\n", "f:2: lazy: maybe is not yes or no; write yes or no"},
        {"bad choice", "[walkvd]\nmode = a\n",
         "f:2: mode: a is not a choice; write one of sync|async|synchronous"},
        {"half a choice", "[walkvd]\nmode = syn\n", "f:2: mode: syn is not a choice"},
        {"two choices", "[walkvd]\nmode = sync|async\n", "f:2: mode: sync|async is not a choice"},
        {"empty choice", "[walkvd]\nmode =\n", "f:2: mode: (nothing) is not a choice"},
        {"empty path", "[walkvd]\nmain_path =\n",
         "f:2: main_path: (nothing) is too short; write a path of 1 to 20"},
        {"long path", "[walkvd]\nmain_path = /0123456789/0123456789\n",
         "f:2: main_path: /0123456789/0123456789 is too long; write a path of 1 to 20 bytes"},
        {"semicolon in a text", "[walkvd]\ntext = a;b\n", "f:2: text: a;b is not a text"},
        {"number sign after a text", "[walkvd]\ntext = a # b\n", "f:2: text: a # b is not a text"},
        {"quotes", "[walkvd]\nmain_path = \"/a\"\n",
         "f:2: main_path: \"/a\" is not a path; write a path of 1 to 20 "
         "bytes without quotes"},
        {"control character", "[walkvd]\ntext = a\033b\n", "f:2: text: a\033b is not a text"},
        {"unknown key", "[walkvd]\nlayz = no\n",
         "f:2: layz is not a setting of [walkvd]; did you mean lazy?"},
        {"dash for underscore", "[walkvd]\nmain-path = /a\n",
         "f:2: main-path is not a setting of [walkvd]; did "
         "you mean main_path?"},
        {"unknown key, nothing near", "[walkvd]\nzzzzzzzzzz = no\n",
         "f:2: zzzzzzzzzz is not a setting of [walkvd]; see walkvd --help"},
        {"very long key", "[walkvd]\n" X10("kkkkkkkkkk") "k = 1\n",
         "f:2: " X10("kkkkkkkkkk") " is not a setting"},
        {"flag only", "[walkvd]\nonce = yes\n", "f:2: once belongs on the command line only"},
        {"twice", "[walkvd]\nroom = 1KiB\n\nroom = 1KiB\n",
         "f:4: room is already set on line 2; write it once"},
        {"twice in two sections", "[walkvd]\nlazy=no\n[walkv-httpd]\nx=1\n[walkvd]\nlazy=no\n",
         "f:6: lazy is already set on line 2"},
        {"unknown section", "[walkv]\n", "f:1: [walkv] is not a section; did you mean [walkvd]?"},
        {"near section", "[walkv_httpd]\n",
         "f:1: [walkv_httpd] is not a section; did you mean [walkv-httpd]?"},
        {"far section", "[walkvd]\n[server]\n",
         "f:2: [server] is not a section; write [walkvd] or [walkv-httpd]"},
        {"section after a byte order mark", "\xef\xbb\xbf[server]\n", "f:1: [server] is not a section"},
        {"blank in section", "[ walkvd]\n", "f:1: [ walkvd] is not a section; did you mean [walkvd]?"},
        {"open section", "[walkvd\n", "f:1: a section without its closing bracket; write [walkvd]"},
        {"text after section", "[walkvd] lazy = no\n",
         "f:1: text after a [section]; write it on a line of its own"},
        {"no section", "lazy = no\n", "f:1: lazy stands before the first [section]; write [walkvd] above it"},
        {"no equals", "[walkvd]\nlazy=no\nroom 1KiB\n", "f:3: neither a [section] nor name = value"},
        {"no equals elsewhere", "[walkv-httpd]\nroom\n", "f:2: neither a [section] nor name = value"},
        {"the first of two", "[walkvd]\nroom\nlazy = maybe\n", "f:2: neither a [section] nor name = value"},
        {"the first of two, again", "[walkvd]\nlazy = maybe\nroom\n", "f:2: lazy: maybe is not yes or no"},
        {"long line", "[walkvd]\nlazy = no\ntext = " X200 "\nroom = 1KiB\n",
         "f:3: the line is longer than 198 bytes; make it shorter"},
        {"long line at the end", "[walkvd]\ntext = " X200, "f:2: the line is longer than 198 bytes"},
        {"long blank value", "[walkvd]\ntext = " X10("                    ") "x", "f:2: the line is longer"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample sample = {0};
        char error[SETTINGS_ERROR_MAX];

        settings_defaults(&sample_table, &sample);
        CHECK_ROW(rows[i].name,
                  load_text(&sample_table, &sample, rows[i].input, strlen(rows[i].input), error) == -EINVAL);
        if (strncmp(error, rows[i].wanted, strlen(rows[i].wanted)) != 0)
            fprintf(stderr, "\n  got \"%s\"\n", error);
        CHECK_ROW(rows[i].name, strncmp(error, rows[i].wanted, strlen(rows[i].wanted)) == 0);
        settings_free(&sample_table, &sample);
    }
}

static void test_file_with_nul(void)
{
    static const char text[] = "[walkvd]\nlazy = no\0thing\n";
    struct sample sample = {0};
    char error[SETTINGS_ERROR_MAX];

    settings_defaults(&sample_table, &sample);
    CU_ASSERT_EQUAL(load_text(&sample_table, &sample, text, sizeof(text) - 1, error), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, "f:2: the line has a NUL byte in it; write plain text");
    settings_free(&sample_table, &sample);
}

static void test_file_short_error_buffer(void)
{
    static const char text[] = "[walkvd]\nlazy = maybe\n";

    for (size_t size = 1; size < 40; size++) {
        struct sample sample = {0};
        FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
        char *error = malloc(size); /* its own block, so that the sanitizer sees its end */

        settings_defaults(&sample_table, &sample);
        CU_ASSERT_EQUAL(settings_load_stream(&sample_table, &sample, stream, "f", error, size), -EINVAL);
        CU_ASSERT_EQUAL(strlen(error), size - 1);
        free(error);
        fclose(stream);
        settings_free(&sample_table, &sample);
    }
}

static void test_file_accepted(void)
{
    static const struct {
        const char *name, *input;
        struct sample wanted;
    } rows[] = {
        {"nothing", "\n", {"/a", "", false, true, 8, 4096, 250000000, 0}},
        {"everything",
         "[walkvd]\nmain_path = /x y\ntext = a=b: c\nlazy = no\neven_count = 1000\nroom = 1MB\nwait = 0\n"
         "mode = synchronous\n",
         {"/x y", "a=b: c", false, false, 1000, 1000000, 0, 2}},
        {"other sections are left alone",
         "[walkv-httpd]\nroom = x\nroom = y\n[walkvd]\nroom=1KiB\n",
         {"/a", "", false, true, 8, 1024, 250000000, 0}},
        {"comments",
         "# a\n ; b\n[walkvd] ; c\nroom = 1KiB ; d\n#" X200 "\n  #" X200 "\n[walkvd]# e\n",
         {"/a", "", false, true, 8, 1024, 250000000, 0}},
        {"indented lines are lines",
         "[walkvd]\n  room = 1KiB\n\t wait = 1ms\n",
         {"/a", "", false, true, 8, 1024, 1000000, 0}},
        {"carriage returns",
         "[walkvd]\r\nroom = 1KiB\r\n\r\ntext = t\r\n",
         {"/a", "t", false, true, 8, 1024, 250000000, 0}},
        {"byte order mark",
         "\xef\xbb\xbf[walkvd]\nroom = 1KiB",
         {"/a", "", false, true, 8, 1024, 250000000, 0}},
        {"colons and blanks",
         "[walkvd]\nroom:1KiB   \n  text  :  t  \n",
         {"/a", "t", false, true, 8, 1024, 250000000, 0}},
        {"an empty text", "[walkvd]\ntext =\n", {"/a", "", false, true, 8, 4096, 250000000, 0}},
        {"words for no", "[walkvd]\nlazy = off\n", {"/a", "", false, false, 8, 4096, 250000000, 0}},
        {"the longest line",
         "[walkvd]\n" X10("          ") X10("         ") "room=1KiB",
         {"/a", "", false, true, 8, 1024, 250000000, 0}},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample sample = {0};
        char error[SETTINGS_ERROR_MAX];

        settings_defaults(&sample_table, &sample);
        CHECK_ROW(rows[i].name,
                  load_text(&sample_table, &sample, rows[i].input, strlen(rows[i].input), error) == 0);
        if (error[0] != '\0')
            fprintf(stderr, "\n  got \"%s\"\n", error);
        for (size_t j = 0; j < sample_table.count; j++)
            CHECK_ROW(rows[i].name, same_member(&sample_settings[j], &sample, &rows[i].wanted));
        settings_free(&sample_table, &sample);
    }
}

static void test_file_unreadable(void)
{
    struct sample sample = {0};
    char error[SETTINGS_ERROR_MAX];

    settings_defaults(&sample_table, &sample);
    CU_ASSERT_EQUAL(settings_load_file(&sample_table, &sample, "/nowhere/f", error, sizeof(error)), -ENOENT);
    CU_ASSERT_STRING_EQUAL(error, "/nowhere/f: cannot be opened: No such file or directory");
    CU_ASSERT_EQUAL(settings_load_file(&sample_table, &sample, "/", error, sizeof(error)), -EISDIR);
    CU_ASSERT_STRING_EQUAL(error, "/: cannot be read: Is a directory");
    settings_free(&sample_table, &sample);
}

/* A stream that gives `text`, and then fails with `reason`. */
struct broken_stream {
    const char *text;
    int reason;
};

static ssize_t read_broken(void *cookie, char *bytes, size_t room)
{
    struct broken_stream *broken = cookie;
    size_t length = strlen(broken->text);

    CU_ASSERT_FATAL(length <= room);
    memcpy(bytes, broken->text, length);
    broken->text = "";
    if (length > 0)
        return (ssize_t)length;
    errno = broken->reason;
    return -1;
}

/* Whatever was read before: half a configuration is none. */
static void test_file_that_breaks_off(void)
{
    static const struct {
        const char *text;
        int reason;
        uint64_t room; /* a line without its end is not looked at */
        const char *wanted;
    } rows[] = {
        {"", EIO, 4096, "f: cannot be read: Input/output error"},
        {"[walkvd]\nroom = 1KiB\n", ESTALE, 1024, "f: cannot be read: Stale file handle"},
        {"[walkvd]\nroom = 1K", EIO, 4096, "f: cannot be read: Input/output error"},
        {"[walkvd]\nroom = 1KiB", EIO, 4096, "f: cannot be read: Input/output error"},
        {"[walkvd]\nroom = 1KiB", 0, 4096, "f: cannot be read: Input/output error"}, /* without a reason */
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct broken_stream broken = {rows[i].text, rows[i].reason};
        FILE *stream = fopencookie(&broken, "r", (cookie_io_functions_t){.read = read_broken});
        struct sample sample = {0};
        char error[SETTINGS_ERROR_MAX];
        int wanted = rows[i].reason == 0 ? -EIO : -rows[i].reason;

        CU_ASSERT_FATAL(stream != NULL);
        settings_defaults(&sample_table, &sample);
        CHECK_ROW(rows[i].text,
                  settings_load_stream(&sample_table, &sample, stream, "f", error, sizeof(error)) == wanted);
        CHECK_ROW(rows[i].text, strcmp(error, rows[i].wanted) == 0);
        CHECK_ROW(rows[i].text, sample.room == rows[i].room);
        fclose(stream);
        settings_free(&sample_table, &sample);
    }
}

/* --- the flags --- */

static void test_flag_errors(void)
{
    static const struct {
        const char *flags, *wanted;
    } rows[] = {
        {"room", "room is not an option; options begin with --, see walkvd --help"},
        {"-r", "-r is not an option; options begin with --"},
        {"--", "-- is not an option; options begin with --"},
        {"--=1", "--=1 is not an option; options begin with --"},
        {"--room=12XB", "--room: 12XB is not a size; write for example 4KiB, between 512 and"},
        {"--room", "--room needs a value; write --room=4KiB"},
        {"--room --lazy", "--room needs a value; write --room=4KiB"},
        {"--room=", "--room: (nothing) is not a size"},
        {"--config", "--config needs a value; write --config=FILE"},
        {"--help=yes", "--help takes no value"},
        {"--no-lazy=yes", "--no-lazy takes no value"},
        {"--no-room", "--no-room is not an option"},
        {"--lazy=maybe", "--lazy: maybe is not yes or no; write yes or no"},
        {"--lazy no", "no is not an option"},
        {"--layz", "--layz is not an option; did you mean --lazy?"},
        {"--main_path=/x", "--main_path is not an option; did you mean --main-path?"},
        {"--mainpath=/x", "--mainpath is not an option; did you mean --main-path?"},
        {"--hlep", "--hlep is not an option; did you mean --help?"},
        {"--print_config", "--print_config is not an option; did you mean --print-config?"},
        {"--even-count=9", "--even-count: 9 is not accepted; write an even number"},
        {"--rom=1KiB", "--rom is not an option; did you mean --room?"},
        {"--evn-coumt=2", "--evn-coumt is not an option; did you mean --even-count?"},
        {"--roooom=1KiB", "--roooom is not an option; did you mean --room?"},
        {"--tttt=2", "--tttt is not an option; did you mean --text?"},
        {"--tttttt=2", "--tttttt is not an option; see walkvd --help"},
        {"--qqqqqqqq", "--qqqqqqqq is not an option; see walkvd --help"},
        {"--onde=2", "--onde is not an option; did you mean --once?"}, /* mode is near, but not nearer */
        {"--moce=2", "--moce is not an option; did you mean --mode?"}, /* once is near, mode is nearer */
        {"--omde=2", "--omde is not an option; did you mean --once?"}, /* as near as mode, and before it */
        {"--" X10("qqqqqqqqqq") "qq", "--" X10("qqqqqqqqqq") " is not an option; see walkvd --help"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample sample = {0};
        struct settings_commands commands;
        char error[SETTINGS_ERROR_MAX];

        settings_defaults(&sample_table, &sample);
        CHECK_ROW(rows[i].flags,
                  apply_text(&sample_table, &sample, rows[i].flags, &commands, error) == -EINVAL);
        if (strncmp(error, rows[i].wanted, strlen(rows[i].wanted)) != 0)
            fprintf(stderr, "\n  got \"%s\"\n", error);
        CHECK_ROW(rows[i].flags, strncmp(error, rows[i].wanted, strlen(rows[i].wanted)) == 0);
        settings_free(&sample_table, &sample);
    }
}

/* A text must be one that the file could carry as well. */
static void test_flag_texts(void)
{
    static const struct {
        const char *text;
        bool accepted;
    } rows[] = {
        {"", true},      {"a", true},     {"a b", true},    {"a#b", true},
        {"#", false},    {"a #b", false}, {" a", false},    {"a ", false},
        {" ", false},    {"a;b", false},  {"a\"b", false},  {"a'b", false},
        {"a\tb", false}, {"a\nb", false}, {"a\x7f", false}, {"\xc3\xa9", true},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings_commands commands;
        struct sample sample = {0};
        char error[SETTINGS_ERROR_MAX], flag[64];
        char *argv[] = {"walkvd", flag};

        snprintf(flag, sizeof(flag), "--text=%s", rows[i].text);
        settings_defaults(&sample_table, &sample);
        int result = settings_apply_flags(&sample_table, &sample, 2, argv, &commands, error, sizeof(error));
        CHECK_ROW(rows[i].text, result == (rows[i].accepted ? 0 : -EINVAL));
        CHECK_ROW(rows[i].text, strcmp(sample.text, rows[i].accepted ? rows[i].text : "") == 0);
        settings_free(&sample_table, &sample);
    }
}

static void test_flags_accepted(void)
{
    static const struct {
        const char *flags;
        struct sample wanted;
    } rows[] = {
        {"", {"/a", "", false, true, 8, 4096, 250000000, 0}},
        {"--main-path=/x --text t --once --no-lazy --even-count 10 --room=1KiB --wait=0 --mode async",
         {"/x", "t", true, false, 10, 1024, 0, 1}},
        {"--once=no --lazy=yes --text=", {"/a", "", false, true, 8, 4096, 250000000, 0}},
        {"--once --no-once --room=1KiB --room=2KiB", {"/a", "", false, true, 8, 2048, 250000000, 0}},
        {"--text=a=b --main-path=--x", {"--x", "a=b", false, true, 8, 4096, 250000000, 0}},
    };
    struct settings_commands commands;
    struct sample sample = {0};
    char error[SETTINGS_ERROR_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        settings_defaults(&sample_table, &sample);
        CHECK_ROW(rows[i].flags, apply_text(&sample_table, &sample, rows[i].flags, &commands, error) == 0);
        for (size_t j = 0; j < sample_table.count; j++)
            CHECK_ROW(rows[i].flags, same_member(&sample_settings[j], &sample, &rows[i].wanted));
    }
    CU_ASSERT_EQUAL(
        apply_text(&sample_table, &sample, "--config /f --check-config --version", &commands, error), 0);
    CU_ASSERT_STRING_EQUAL(commands.config_file, "/f");
    CU_ASSERT(commands.check_config && commands.version && !commands.help && !commands.print_config);
    CU_ASSERT_EQUAL(apply_text(&sample_table, &sample, "--help --print-config", &commands, error), 0);
    CU_ASSERT(commands.help && commands.print_config && commands.config_file == NULL && !commands.version);
    settings_free(&sample_table, &sample);
}

/* --- all of it in a process of its own --- */

/* Runs settings_load() on the sample, followed by _exit(100 + even_count). Returns the exit status, and in
 * `output` what it printed on both streams, or on standard error alone if standard output goes to a `device`.
 */
static int run_load(const char *flags, const char *device, char *output, size_t output_size)
{
    char path[] = "/tmp/settings_test.XXXXXX", line[1024], *argv[32] = {"walkvd"}, *rest = line, *word;
    int fd = mkstemp(path), argc = 1, status = 0;
    ssize_t length;
    pid_t child;

    CU_ASSERT_FATAL(fd >= 0);
    unlink(path);
    snprintf(line, sizeof(line), "%s", flags);
    while ((word = strsep(&rest, " ")) != NULL)
        argv[argc++] = word;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct sample sample = {0};

        dup2(device == NULL ? fd : open(device, O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        unsetenv("JOURNAL_STREAM");
        log_open("walkvd", LOG_LEVEL_ERROR);
        settings_load(&sample_table, &sample, argc, argv);
        _exit(100 + (int)sample.count);
    }
    waitpid(child, &status, 0);
    length = pread(fd, output, output_size - 1, 0);
    output[length < 0 ? 0 : length] = '\0';
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_load(void)
{
    static const struct {
        const char *name, *file, *flags;
        int wanted_status;
        const char *wanted_text;
    } rows[] = {
        {"the default", "", "", 108, NULL},
        {"file over default", "[walkvd]\neven_count = 20\n", "", 120, NULL},
        {"flag over file", "[walkvd]\neven_count = 20\n", "--even-count=30", 130, NULL},
        {"flag over file, before --config", "[walkvd]\neven_count = 20\n", "--even-count 30", 130, NULL},
        {"bad flag", "", "--even-count=x", EX_USAGE, " error: --even-count: x is not a number"},
        {"bad flag and bad file", "[x]\n", "--even-count=x", EX_USAGE, NULL},
        {"bad file", "[walkvd]\neven_count = x\n", "", EX_CONFIG, ":2: even_count: x is not a number"},
        {"bad file, good flag", "[walkvd]\neven_count = x\n", "--even-count=30", EX_CONFIG, NULL},
        {"file that does not fit", "[walkvd]\neven_count=200\nroom=512\n", "", EX_CONFIG,
         ": too many for the room"},
        {"repaired by a flag", "[walkvd]\neven_count=200\nroom=512\n", "--even-count=40", 140, NULL},
        {"flag that does not fit", "[walkvd]\nroom=512\n", "--even-count=200", EX_USAGE,
         " error: too many for"},
        {"--check-config, good", "[walkvd]\nroom=512\n", "--check-config", 0,
         "walkvd: the configuration is valid"},
        {"--check-config, bad", "[walkvd]\nroom=1\n", "--check-config", EX_CONFIG,
         ":2: room: 1 is too small"},
        {"--version", "[x]\n", "--version", 0, "walkvd " WALKV_VERSION "\n"},
        {"--help", "[x]\n", "--help", 0, "  --even-count=NUMBER "},
        {"--help and a wrong flag", "", "--help --x", EX_USAGE, "--x is not an option"},
        {"--print-config", "[walkvd]\nroom=2048\n", "--print-config --once", 0, "\nroom = 2KiB\n"},
        {"--print-config-markdown", "", "--print-config-markdown", 0,
         "| `room` | `4KiB` | H. Value: 512 to "},
        {"--print-config-man", "", "--print-config-man", 0, "\n.It Va room\nH.\n.Pp\nDefault 4KiB, 512 to "},
    };
    char path[] = "/tmp/settings_test.XXXXXX", flags[200], output[8192];
    int fd = mkstemp(path);

    CU_ASSERT_FATAL(fd >= 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CU_ASSERT_FATAL(ftruncate(fd, 0) == 0);
        CU_ASSERT_FATAL(pwrite(fd, rows[i].file, strlen(rows[i].file), 0) == (ssize_t)strlen(rows[i].file));
        snprintf(flags, sizeof(flags), "--config=%s%s%s", path, rows[i].flags[0] == '\0' ? "" : " ",
                 rows[i].flags);
        if (strstr(rows[i].name, "before") != NULL)
            snprintf(flags, sizeof(flags), "%s --config %s", rows[i].flags, path);
        CHECK_ROW(rows[i].name, run_load(flags, NULL, output, sizeof(output)) == rows[i].wanted_status);
        CHECK_ROW(rows[i].name, rows[i].wanted_text == NULL || strstr(output, rows[i].wanted_text) != NULL);
    }
    close(fd);
    unlink(path);
    CU_ASSERT_EQUAL(run_load("--config=/nowhere/f", NULL, output, sizeof(output)), EX_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(output, "/nowhere/f: cannot be opened"));
}

/* What was asked for and could not be said is a failure. */
static void test_output_that_cannot_be_written(void)
{
    static const char *const flags[] = {"--help --config=/dev/null",
                                        "--version --config=/dev/null",
                                        "--check-config --config=/dev/null",
                                        "--print-config --config=/dev/null",
                                        "--print-config-markdown --config=/dev/null",
                                        "--print-config-man --config=/dev/null"};
    char output[1024];

    for (size_t i = 0; i < COUNT(flags); i++) {
        CHECK_ROW(flags[i], run_load(flags[i], "/dev/full", output, sizeof(output)) == EX_IOERR);
        CHECK_ROW(flags[i], strstr(output, "cannot write to standard output: No space left") != NULL);
        CHECK_ROW(flags[i], run_load(flags[i], "/dev/null", output, sizeof(output)) == 0);
        CHECK_ROW(flags[i], output[0] == '\0');
    }
}

/* --- the tables of the daemons --- */

static void test_tables_are_sound(void)
{
    for (size_t t = 0; t < COUNT(real_tables); t++) {
        const struct settings_table *table = real_tables[t];

        for (size_t i = 0; i < table->count; i++) {
            const struct setting *setting = &table->settings[i];
            size_t help_length = strlen(setting->help);

            CHECK_ROW(setting->name,
                      strspn(setting->name, "abcdefghijklmnopqrstuvwxyz_") == strlen(setting->name));
            CHECK_ROW(setting->name, strlen(setting->name) + 3 + SETTINGS_TEXT_MAX < 198);
            CHECK_ROW(setting->name, help_length > 20 && setting->help[help_length - 1] == '.');
            CHECK_ROW(setting->name, (setting->type == SETTING_CHOICE) == (setting->choices != NULL));
            CHECK_ROW(setting->name, setting->minimum <= setting->maximum);
            if (setting->type == SETTING_STRING || setting->type == SETTING_PATH)
                CHECK_ROW(setting->name, setting->maximum >= 1 && setting->maximum <= SETTINGS_TEXT_MAX);
            else if (setting->type != SETTING_BOOL && setting->type != SETTING_CHOICE)
                CHECK_ROW(setting->name, setting->maximum > 0);
            for (size_t j = 0; j < i; j++) {
                CHECK_ROW(setting->name, strcmp(setting->name, table->settings[j].name) != 0);
                CHECK_ROW(setting->name, setting->offset != table->settings[j].offset);
            }
        }
        CU_ASSERT(table->settings[0].group != NULL);
    }
}

/* The defaults lie in their bounds, or settings_defaults() would panic; here also as a file that is read. */
static void test_defaults(void)
{
    for (size_t t = 0; t < COUNT(real_tables); t++) {
        const struct settings_table *table = real_tables[t];
        union any_config defaults = {0}, read = {0};
        char error[SETTINGS_ERROR_MAX], line[512];

        settings_defaults(table, &defaults);
        CU_ASSERT(table->check == NULL || table->check(&defaults, error, sizeof(error)) == 0);
        for (size_t i = 0; i < table->count; i++) {
            const struct setting *setting = &table->settings[i];

            settings_defaults(table, &read);
            if (setting->flag_only)
                continue;
            snprintf(line, sizeof(line), "[%s]\n%s = %s\n", table->section, setting->name,
                     setting->default_text);
            CHECK_ROW(setting->name, load_text(table, &read, line, strlen(line), error) == 0);
            CHECK_ROW(setting->name, same_member(setting, &defaults, &read));
        }
        settings_free(table, &defaults);
        settings_free(table, &read);
    }
}

static void test_default_values(void)
{
    struct walkvd_config walkvd = {0};
    struct httpd_config httpd = {0};

    settings_defaults(&walkvd_settings, &walkvd);
    CU_ASSERT_STRING_EQUAL(walkvd.data_dir, "/var/lib/walkv");
    CU_ASSERT_STRING_EQUAL(walkvd.view_path, "/dev/shm/walkv");
    CU_ASSERT_EQUAL(walkvd.wal_sync, WAL_SYNC_MODE_SYNC);
    CU_ASSERT_EQUAL(walkvd.view_grace_ns, 250000000);
    CU_ASSERT_EQUAL(walkvd.wal_segment_size, 64u << 20);
    CU_ASSERT_EQUAL(walkvd.max_value_size, 1u << 20);
    CU_ASSERT_EQUAL(walkvd.log_level, LOG_LEVEL_INFO);
    CU_ASSERT_FALSE(walkvd.cold_start);
    settings_defaults(&httpd_settings, &httpd);
    CU_ASSERT_STRING_EQUAL(httpd.listen, "127.0.0.1:4000");
    CU_ASSERT_STRING_EQUAL(httpd.socket_path, walkvd.socket_path);
    CU_ASSERT_EQUAL(httpd.max_value_size, walkvd.max_value_size);
    CU_ASSERT_EQUAL(httpd.keepalive_timeout_ns, 75000000000);
    CU_ASSERT_EQUAL(httpd.log_level, LOG_LEVEL_INFO);
    settings_free(&walkvd_settings, &walkvd);
    settings_free(&httpd_settings, &httpd);
    CU_ASSERT_PTR_NULL(walkvd.data_dir);
    CU_ASSERT_PTR_NULL(httpd.listen);
}

static void test_own_checks(void)
{
    static const struct {
        const struct settings_table *table;
        const char *flags;
        bool wanted_good;
    } rows[] = {
        {&walkvd_settings, "--wal-block-size=512", true},
        {&walkvd_settings, "--wal-block-size=4096", true},
        {&walkvd_settings, "--wal-block-size=1000", false},
        {&walkvd_settings, "--wal-block-size=8192", false},
        {&walkvd_settings, "--wal-segment-size=64KiB", true},
        {&walkvd_settings, "--wal-segment-size=65537", false},
        {&walkvd_settings, "--wal-segment-size=66048 --wal-block-size=1KiB", false},
        {&walkvd_settings, "--max-value-size=8MiB", true},
        {&walkvd_settings, "--max-value-size=9MiB", false},
        {&httpd_settings, "--listen=0.0.0.0:0", true},
        {&httpd_settings, "--listen=[::1]:65535", true},
        {&httpd_settings, "--listen=127.0.0.1:65536", false},
        {&httpd_settings, "--listen=127.0.0.1", false},
        {&httpd_settings, "--listen=127.0.0.1:", false},
        {&httpd_settings, "--listen=localhost:4000", false},
        {&httpd_settings, "--listen=::1:4000", false},
        {&httpd_settings, "--listen=[::1:4000", false},
        {&httpd_settings, "--listen=:4000", false},
        {&httpd_settings, "--listen=[]:4000", false},
        {&httpd_settings, "--listen=" X10("1234567890") ":1", false},
        {&httpd_settings, "--listen=unix:/run/walkv/http.sock", true},
        {&httpd_settings, "--listen=unix:/" X10("1234567890") "123456", true},
        {&httpd_settings, "--listen=unix:/" X10("1234567890") "1234567", false},
        {&httpd_settings, "--listen=unix:http.sock", false},
        {&httpd_settings, "--listen=unix:", false},
        {&httpd_settings, "--listen=/run/walkv/http.sock", false},
        {&httpd_settings, "--listen-mode=0600", true},
        {&httpd_settings, "--listen-mode=666", true},
        {&httpd_settings, "--listen-mode=4755", false},
        {&httpd_settings, "--listen-mode=0668", false},
        {&httpd_settings, "--listen-mode=66", false},
        {&httpd_settings, "--trusted-proxies=", true},
        {&httpd_settings, "--trusted-proxies=127.0.0.1,unix:,::1", true},
        {&httpd_settings, "--trusted-proxies=10.0.0.1/8", false},
        {&httpd_settings, "--trusted-proxies=proxy.example.org", false},
        {&httpd_settings, "--access-log=journal", true},
        {&httpd_settings, "--access-log=/var/log/walkv.log", true},
        {&httpd_settings, "--access-log=access.log", false},
        {&httpd_settings, "--access-log=", false},
        {&httpd_settings, "--proxy-protocol=on", true},
        {&httpd_settings, "--proxy-protocol=auto", false},
        {&httpd_settings, "--cors-allowed-origins=https://a.example", true},
        {&httpd_settings, "--cors-allowed-origins=https://a.example,http://b.example:8080", true},
        {&httpd_settings, "--cors-allowed-origins=*", false},
        {&httpd_settings, "--cors-allowed-origins=null", false},
        {&httpd_settings, "--cors-allowed-origins=https://a.example,", false},
        {&httpd_settings, "--cors-allowed-origins=https://a.example https://b.example", false},
        {&httpd_settings, "--cors-allowed-origins=https://a.example/", false},
        {&httpd_settings, "--allowed-hosts=", true},
        {&httpd_settings, "--allowed-hosts=a.example,b-1.example,[::1],localhost:80", true},
        {&httpd_settings, "--allowed-hosts=a,", false},
        {&httpd_settings, "--allowed-hosts=,a", false},
        {&httpd_settings, "--allowed-hosts=http://a", false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct settings_table *table = rows[i].table;
        union any_config config = {0};
        struct settings_commands commands;
        char error[SETTINGS_ERROR_MAX];
        bool good;

        settings_defaults(table, &config);
        good = apply_text(table, &config, rows[i].flags, &commands, error) == 0 &&
               (table->check == NULL || table->check(&config, error, sizeof(error)) == 0);
        CHECK_ROW(rows[i].flags, good == rows[i].wanted_good);
        settings_free(table, &config);
    }
}

/* A value for a flag that differs from the default: the bounds of numbers, the longest text, the other words.
 */
static void other_value(const struct setting *setting, bool high, char *text, size_t text_size)
{
    uint64_t bound = high ? setting->maximum : setting->minimum;

    if (setting->type == SETTING_SIZE)
        settings_format_size(bound, text);
    else if (setting->type == SETTING_DURATION)
        settings_format_duration(bound, text);
    else if (setting->type == SETTING_UNSIGNED)
        snprintf(text, text_size, "%ju", (uintmax_t)bound);
    else if (setting->type == SETTING_BOOL)
        snprintf(text, text_size, "%s", high ? "yes" : "no");
    else if (setting->type == SETTING_CHOICE)
        snprintf(text, text_size, "%s", high ? strrchr(setting->choices, '|') + 1 : setting->default_text);
    else if (strcmp(setting->name, "listen") == 0)
        snprintf(text, text_size, "%s",
                 high ? "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" : "0.0.0.0:0");
    else if (strcmp(setting->name, "access_log") == 0)
        snprintf(text, text_size, "%s", high ? "/var/log/walkv/access.log" : "off");
    else if (strcmp(setting->name, "trusted_proxies") == 0)
        snprintf(text, text_size, "%s", high ? "10.0.0.0/8,192.0.2.7,unix:" : "");
    else if (strcmp(setting->name, "cors_allowed_origins") == 0)
        snprintf(text, text_size, "%s", high ? "https://a.example,http://localhost:8080" : "");
    else
        snprintf(text, text_size, "%.*s", (int)bound, X200);
}

static void test_print_config_loads_back(void)
{
    for (int variant = 0; variant < 3; variant++) { /* defaults, low bounds, high bounds */
        for (size_t t = 0; t < COUNT(real_tables); t++) {
            const struct settings_table *table = real_tables[t];
            union any_config config = {0}, back = {0};
            struct settings_commands commands;
            char error[SETTINGS_ERROR_MAX], *text, *again;

            settings_defaults(table, &config);
            settings_defaults(table, &back);
            for (size_t i = 0; variant > 0 && i < table->count; i++) {
                char value[256], flag[512];

                if (table->settings[i].flag_only)
                    continue;
                other_value(&table->settings[i], variant == 2, value, sizeof(value));
                snprintf(flag, sizeof(flag), "--%s=%s", table->settings[i].name, value);
                for (char *c = flag; *c != '='; c++)
                    *c = *c == '_' ? '-' : *c;
                CHECK_ROW(flag, apply_text(table, &config, flag, &commands, error) == 0);
            }
            text = print_to_text(table, &config);
            CHECK_ROW(table->program, load_text(table, &back, text, strlen(text), error) == 0);
            if (error[0] != '\0')
                fprintf(stderr, "\n  got \"%s\"\n", error);
            for (size_t i = 0; i < table->count; i++)
                CHECK_ROW(table->settings[i].name, same_member(&table->settings[i], &config, &back));
            again = print_to_text(table, &back);
            CU_ASSERT_STRING_EQUAL(text, again);
            free(text);
            free(again);
            settings_free(table, &config);
            settings_free(table, &back);
        }
    }
}

static void test_help_and_markdown(void)
{
    for (size_t t = 0; t < COUNT(real_tables); t++) {
        const struct settings_table *table = real_tables[t];
        char *help = NULL, *markdown = NULL, wanted[256];
        size_t length, rows = 0;
        FILE *out = open_memstream(&help, &length);

        settings_print_help(table, out);
        fclose(out);
        out = open_memstream(&markdown, &length);
        settings_print_markdown(table, out);
        fclose(out);
        for (size_t i = 0; i < table->count; i++) {
            const struct setting *setting = &table->settings[i];

            snprintf(wanted, sizeof(wanted), "%s%s", setting->type == SETTING_BOOL ? "[no-]" : "",
                     setting->name);
            for (char *c = wanted; *c != '\0'; c++)
                *c = *c == '_' ? '-' : *c;
            CHECK_ROW(setting->name, strstr(help, wanted) != NULL);
            snprintf(wanted, sizeof(wanted), "Default %s",
                     setting->default_text[0] == '\0' ? "empty" : setting->default_text);
            CHECK_ROW(setting->name, strstr(help, wanted) != NULL);
        }
        CU_ASSERT_PTR_NOT_NULL(strstr(help, "Exit statuses:"));
        for (const char *line = help; *line != '\0'; line += strcspn(line, "\n") + 1)
            CHECK_ROW(line, strcspn(line, "\n") <= 80);
        for (const char *line = markdown; *line != '\0'; line += strcspn(line, "\n") + 1) {
            size_t cells = 0;

            for (const char *c = line; *c != '\n'; c++)
                cells += *c == '|' && (c == line || c[-1] != '\\');
            CHECK_ROW(line, cells == 4);
            rows++;
        }
        CU_ASSERT_EQUAL(rows, table->count + 2);
        free(help);
        free(markdown);
    }
}

/* What a help text has in it that roff would take for something else, and a line that is too long. */
static void test_man_escapes(void)
{
    struct setting settings[] = {
        {.group = "First",
         .name = "main_path",
         FIELD(SETTING_PATH, path),
         .default_text = "/a-b",
         .minimum = 1,
         .maximum = 20,
         .help = ".dot and 'quote' at a C:\\ `prompt`. 'Second' sentence, ~ and ^ in it. Two .dots"},
        {.name = "once", FIELD(SETTING_BOOL, once), .default_text = "no", .help = "H.", .flag_only = true},
        {.group = "Last",
         .name = "lazy",
         FIELD(SETTING_BOOL, lazy),
         .default_text = "",
         .help =
             "Eleven_____ Eleven_____ Eleven_____ Eleven_____ Eleven_____ Eleven_____ Twelve_ .gen it is."},
    };
    const struct settings_table table = {.settings = settings, .count = COUNT(settings)};
    static const char wanted[] =
        ".Ss First\n.Bl -tag -width Ds\n.It Va main_path\n"
        "\\&.dot and \\(aqquote\\(aq at a C:\\(rs \\(gaprompt\\(ga.\n"
        "\\(aqSecond\\(aq sentence, \\(ti and \\(ha in it.\nTwo \\&.dots\n.Pp\nDefault /a\\-b.\n.El\n"
        ".Ss Last\n.Bl -tag -width Ds\n.It Va lazy\n"
        "Eleven_____ Eleven_____ Eleven_____ Eleven_____ Eleven_____ Eleven_____ Twelve_\n\\&.gen it is.\n"
        ".Pp\nDefault empty.\n.El\n";
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    settings_print_man(&table, out);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    if (strcmp(text, wanted) != 0)
        fprintf(stderr, "\n  got \"%s\"\n", text);
    free(text);
}

void settings_suite(void)
{
    CU_pSuite suite = CU_add_suite("settings", NULL, NULL);

    CU_add_test(suite, "numbers with units are parsed strictly", test_parse_numbers);
    CU_add_test(suite, "numbers are printed in their human form", test_format_numbers);
    CU_add_test(suite, "errors in the file name their line", test_file_errors);
    CU_add_test(suite, "a NUL byte in the file is an error", test_file_with_nul);
    CU_add_test(suite, "an error fits into any buffer", test_file_short_error_buffer);
    CU_add_test(suite, "what the file may look like", test_file_accepted);
    CU_add_test(suite, "a file that cannot be read", test_file_unreadable);
    CU_add_test(suite, "a file that breaks off", test_file_that_breaks_off);
    CU_add_test(suite, "errors on the command line", test_flag_errors);
    CU_add_test(suite, "texts on the command line", test_flag_texts);
    CU_add_test(suite, "what the command line may look like", test_flags_accepted);
    CU_add_test(suite, "precedence, commands and exit statuses", test_load);
    CU_add_test(suite, "output that cannot be written", test_output_that_cannot_be_written);
    CU_add_test(suite, "the tables of the daemons are sound", test_tables_are_sound);
    CU_add_test(suite, "every default lies in its bounds", test_defaults);
    CU_add_test(suite, "defaults that the documents promise", test_default_values);
    CU_add_test(suite, "checks of single settings and of pairs", test_own_checks);
    CU_add_test(suite, "--print-config loads back to the same", test_print_config_loads_back);
    CU_add_test(suite, "--help and the README's table are complete", test_help_and_markdown);
    CU_add_test(suite, "nothing in a help text means anything to roff", test_man_escapes);
}
