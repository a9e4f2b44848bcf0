/* SPDX-License-Identifier: MIT
 *
 * Tests of common/log: what a line looks like on a terminal and in the journal, which levels are written,
 * that text from outside can forge nothing, where a long line is cut, that errno is kept, and the two ways to
 * die.
 *
 * Standard error is a file in memory while a line is written.
 */
#include "kit.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <wchar.h>

void log_suite(void);

#define HEAD "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z logger\\[[0-9]+\\] "

/* Standard error, caught in a file. */
struct capture {
    int saved_fd;
    int fd;
    char text[4 * LOG_LINE_MAX]; /* after capture_end() */
};

static void capture_begin_on(struct capture *c, int fd)
{
    fflush(NULL);
    c->fd = fd;
    c->saved_fd = dup(STDERR_FILENO);
    must(c->fd >= 0 && c->saved_fd >= 0 && dup2(c->fd, STDERR_FILENO) == STDERR_FILENO);
}

static void capture_begin(struct capture *c)
{
    capture_begin_on(c, memfd_create("stderr", MFD_CLOEXEC));
}

/* Gives standard error and the log of the test program back. */
static void capture_end(struct capture *c)
{
    ssize_t bytes = pread(c->fd, c->text, sizeof(c->text) - 1, 0);

    c->text[bytes < 0 ? 0 : bytes] = '\0';
    must(dup2(c->saved_fd, STDERR_FILENO) == STDERR_FILENO);
    close(c->saved_fd);
    close(c->fd);
    log_open("unit_tests", LOG_LEVEL_ERROR);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;

    must(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;

    regfree(&compiled);
    return found;
}

static void test_levels(void)
{
    static const struct {
        enum log_level level;
        const char *name, *priority;
        void (*write)(const char *format, ...) __attribute__((format(printf, 1, 2)));
    } rows[] = {
        {LOG_LEVEL_ERROR, "error", "<3>", log_error},
        {LOG_LEVEL_WARNING, "warning", "<4>", log_warning},
        {LOG_LEVEL_INFO, "info", "<6>", log_info},
        {LOG_LEVEL_DEBUG, "debug", "<7>", log_debug},
    };
    char pattern[200], stream[64];
    struct capture c;
    struct stat st;

    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(rows); j++) {
            capture_begin(&c);
            log_open("logger", LOG_LEVEL_ERROR);
            log_set_level(rows[j].level);
            bool enabled = log_enabled(rows[i].level);
            rows[i].write("%s %d", "text", 7);
            capture_end(&c);
            CHECK(enabled == (i <= j), "%s while %s is written", rows[i].name, rows[j].name);
            snprintf(pattern, sizeof(pattern), HEAD "%s: text 7\n$", rows[i].name);
            CHECK(i <= j ? matches(c.text, pattern) : c.text[0] == '\0', "%s while %s is written: %s",
                  rows[i].name, rows[j].name, c.text);
        }
        capture_begin(&c);
        must(fstat(STDERR_FILENO, &st) == 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_open("logger", LOG_LEVEL_DEBUG);
        rows[i].write("%s %d", "text", 7);
        unsetenv("JOURNAL_STREAM");
        capture_end(&c);
        snprintf(pattern, sizeof(pattern), "%stext 7\n", rows[i].priority);
        CHECK(strcmp(c.text, pattern) == 0, "%s", c.text);
    }
}

/* Only the stream that systemd connected is the journal. */
static void test_another_stream_is_not_the_journal(void)
{
    static const struct {
        const char *name, *format; /* of device and inode */
        int device, inode;         /* added to the right ones */
    } rows[] = {
        {"another device", "%ju:%ju", 1, 0},
        {"another inode", "%ju:%ju", 0, 1},
        {"something behind it", "%ju:%ju:", 0, 0},
        {"half of it", "%ju", 0, 0},
        {"nothing", "", 0, 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char stream[64];
        struct capture c;
        struct stat st;

        capture_begin(&c);
        must(fstat(STDERR_FILENO, &st) == 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(stream, sizeof(stream), rows[i].format, (uintmax_t)st.st_dev + (uintmax_t)rows[i].device,
                 (uintmax_t)st.st_ino + (uintmax_t)rows[i].inode);
#pragma GCC diagnostic pop
        setenv("JOURNAL_STREAM", stream, 1);
        log_open("logger", LOG_LEVEL_INFO);
        log_info("text");
        unsetenv("JOURNAL_STREAM");
        capture_end(&c);
        CHECK(matches(c.text, HEAD "info: text\n$"), "%s: %s", rows[i].name, c.text);
    }
}

static void test_no_standard_error(void)
{
    struct capture c;

    capture_begin(&c);
    setenv("JOURNAL_STREAM", "1:1", 1);
    close(STDERR_FILENO);
    log_open("logger", LOG_LEVEL_INFO);
    log_info("nobody reads this");
    must(dup2(c.fd, STDERR_FILENO) == STDERR_FILENO);
    log_info("text");
    unsetenv("JOURNAL_STREAM");
    capture_end(&c);
    CU_ASSERT(matches(c.text, HEAD "info: text\n$"));
}

static void test_text_from_outside(void)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"two\nlines", "two\\x0alines"},
        {"\t\r\x1b[31m\x7f \x1f", "\\x09\\x0d\\x1b[31m\\x7f \\x1f"},
        {"Ärger – 日本 \xff", "Ärger – 日本 \xff"},
        {"100% \\x41 %s", "100% \\x41 %s"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char wanted[200];
        struct capture c;

        capture_begin(&c);
        log_open("logger", LOG_LEVEL_INFO);
        log_info("got '%s'", rows[i].text);
        capture_end(&c);
        snprintf(wanted, sizeof(wanted), "info: got '%s'\n", rows[i].wanted);
        CHECK(strstr(c.text, wanted) != NULL && strchr(c.text, '\n') == c.text + strlen(c.text) - 1,
              "row %zu: %s", i, c.text);
    }
}

/* Every length around the longest line, with the last characters one, two, three and four bytes long, and
 * with one that becomes four when it is escaped. */
static void test_long_lines(void)
{
    static const char *const endings[] = {"x", "é", "日", "🙂", "\n"};
    char text[LOG_LINE_MAX + 8];

    for (size_t e = 0; e < COUNT(endings); e++) {
        size_t unit = strlen(endings[e]), head_bytes = 0;

        for (size_t bytes = LOG_LINE_MAX - 120; bytes < LOG_LINE_MAX; bytes++) {
            struct capture c;
            size_t used = 0;

            while (used + unit <= bytes && used < 16 * unit)
                used += unit;
            memset(text, 'x', bytes - used);
            for (size_t at = bytes - used; at < bytes; at += unit)
                memcpy(text + at, endings[e], unit);
            text[bytes] = '\0';
            capture_begin(&c);
            log_open("logger", LOG_LEVEL_INFO);
            log_info("%s", text);
            capture_end(&c);

            size_t length = strlen(c.text);
            const char *line = strstr(c.text, "info: ");
            const char *end = c.text + length - 1;

            if (!CHECK(length <= LOG_LINE_MAX && line != NULL && *end == '\n' && strchr(c.text, '\n') == end,
                       "%zu bytes", bytes))
                return;
            line += strlen("info: ");
            head_bytes = (size_t)(line - c.text);
            size_t shown = (size_t)(end - line);
            size_t whole = endings[e][0] == '\n' ? bytes + 3 * used : bytes; /* of the text, escaped */

            if (head_bytes + whole < LOG_LINE_MAX) {
                CHECK(shown == whole, "%zu bytes with %s were not written as they are", bytes, endings[e]);
                continue;
            }
            /* Cut: as much as there is room for, at the end of a character, and it shows. */
            CHECK(memcmp(end - 3, "...", 3) == 0, "%zu bytes with %s: %s", bytes, endings[e], end - 10);
            size_t kept = shown - 3, plain = bytes - used, step = endings[e][0] == '\n' ? 4 : unit;

            CHECK(kept <= plain || (kept - plain) % step == 0, "%zu bytes with %s: cut within a character",
                  bytes, endings[e]);
            CHECK(length > LOG_LINE_MAX - 4, "%zu bytes with %s: %zu written", bytes, endings[e], length);
        }
    }
}

static void test_errno_is_read_and_kept(void)
{
    struct capture c;

    capture_begin(&c);
    log_open("logger", LOG_LEVEL_INFO);
    errno = ENOTDIR;
    log_info("first: %m");
    log_debug("not written: %m");
    log_info("second: %m");
    int after = errno;
    capture_end(&c);
    CU_ASSERT_EQUAL(after, ENOTDIR);
    CU_ASSERT(matches(c.text, "info: first: Not a directory\n.*info: second: Not a directory\n$"));
}

static void test_a_line_that_cannot_be_formatted(void)
{
    struct capture c;

    capture_begin(&c);
    log_open("logger", LOG_LEVEL_INFO);
    log_info("%ls", L"\u65e5"); /* the locale "C" has no bytes for it */
    capture_end(&c);
    CU_ASSERT(matches(c.text, HEAD "info: \\(a line that could not be formatted: %ls\\)\n$"));
}

/* Nobody may be held up or ended by a log that cannot be written. */
static void test_standard_error_that_is_full(void)
{
    struct capture c;

    capture_begin_on(&c, open("/dev/full", O_RDWR | O_CLOEXEC));
    log_open("logger", LOG_LEVEL_INFO);
    errno = ENOTDIR;
    log_info("text");
    int after = errno;
    capture_end(&c);
    CU_ASSERT_EQUAL(after, ENOTDIR);
}

static int drained_fd;

static void drain(int signal)
{
    char bytes[65536];

    (void)signal;
    while (read(drained_fd, bytes, sizeof(bytes)) > 0)
        continue;
}

/* A signal that interrupts the write: the line is written nevertheless. */
static void test_interrupted_write(void)
{
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = drain}, before; /* without SA_RESTART */
    char filler[4096] = {0}, line[LOG_LINE_MAX] = {0};
    struct capture c;
    int fds[2];

    must(pipe(fds) == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 &&
         fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(fds[1], filler, sizeof(filler)) > 0)
        continue;
    must(fcntl(fds[1], F_SETFL, 0) == 0);
    drained_fd = fds[0];
    must(sigaction(SIGALRM, &action, &before) == 0);
    capture_begin_on(&c, fds[1]);
    log_open("logger", LOG_LEVEL_INFO);
    must(setitimer(ITIMER_REAL, &often, NULL) == 0);
    log_info("text"); /* waits for room, which the handler of the signal makes */
    must(setitimer(ITIMER_REAL, &never, NULL) == 0);
    capture_end(&c);
    must(sigaction(SIGALRM, &before, NULL) == 0);
    ssize_t bytes = read(fds[0], line, sizeof(line) - 1);
    CU_ASSERT(bytes > 0 && matches(line, HEAD "info: text\n$"));
    close(fds[0]);
}

static void die_by_fatal(void)
{
    errno = EACCES;
    fatal(EX_CONFIG, "cannot: %m");
}

static void die_by_panic(void)
{
    panic("%d is odd", 7);
}

static void die_by_must(void)
{
    must(COUNT("abc") == 3);
}

static void die_by_nothing(void)
{
    must(COUNT("abc") == 4);
    exit(0);
}

static void test_the_ways_to_die(void)
{
    static const struct {
        void (*die)(void);
        int status; /* negative: minus the signal */
        const char *pattern;
    } rows[] = {
        {die_by_fatal, EX_CONFIG, HEAD "error: cannot: Permission denied\n$"},
        {die_by_panic, -SIGABRT, HEAD "error: panic at .*log_test\\.c:[0-9]+ in die_by_panic: 7 is odd\n$"},
        {die_by_must, -SIGABRT,
         HEAD "error: panic at .*log_test\\.c:[0-9]+ in die_by_must: must\\(COUNT\\(\"abc\"\\) == 3\\)\n$"},
        {die_by_nothing, 0, "^$"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct capture c;
        int status;

        capture_begin(&c);
        pid_t child = fork();

        if (child == 0) {
            log_open("logger", LOG_LEVEL_ERROR);
            rows[i].die();
        }
        must(waitpid(child, &status, 0) == child);
        capture_end(&c);
        CHECK((WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)) == rows[i].status,
              "row %zu: status %x", i, (unsigned)status);
        CHECK(matches(c.text, rows[i].pattern), "row %zu: %s", i, c.text);
    }
}

/* A flood of reasons gives a line a minute, not one for ever. */
static void test_due(void)
{
    uint64_t told = 0, now = 1;
    unsigned lines = 0;

    for (unsigned second = 0; second < 600; second++, now += 1000000000)
        lines += log_due(&told, now);
    CU_ASSERT_EQUAL(lines, 10);
    CU_ASSERT_TRUE(log_due(&told, now));
    CU_ASSERT_FALSE(log_due(&told, now + LOG_PAUSE_NS - 1));
    CU_ASSERT_TRUE(log_due(&told, now + LOG_PAUSE_NS));
}

void log_suite(void)
{
    CU_pSuite suite = CU_add_suite("log", NULL, NULL);

    CU_add_test(suite, "levels, on a terminal and in the journal", test_levels);
    CU_add_test(suite, "another stream is not the journal", test_another_stream_is_not_the_journal);
    CU_add_test(suite, "no standard error", test_no_standard_error);
    CU_add_test(suite, "text from outside forges nothing", test_text_from_outside);
    CU_add_test(suite, "long lines are cut between characters", test_long_lines);
    CU_add_test(suite, "errno is read and kept", test_errno_is_read_and_kept);
    CU_add_test(suite, "a line that cannot be formatted", test_a_line_that_cannot_be_formatted);
    CU_add_test(suite, "a standard error that is full", test_standard_error_that_is_full);
    CU_add_test(suite, "a write that is interrupted", test_interrupted_write);
    CU_add_test(suite, "a line that comes too often", test_due);
    CU_add_test(suite, "fatal, panic and must", test_the_ways_to_die);
}
