/* SPDX-License-Identifier: MIT
 *
 * log: one line of text per event on standard error, and the two ways a process of walkv ends early.
 *
 * The daemon logs once, where a decision is made; library code returns an error and stays silent. Text that
 * came from outside may be logged as it is: it can never forge a line, since control characters are escaped.
 * The log must never block a start, allocate memory, change errno, or take a decision.
 *
 * fatal(): the environment is wrong (a file, a disk, a setting). One clear sentence, then a sysexits status.
 * panic(), must(): we are wrong (a broken invariant). File, line, abort(). Never for bytes from outside.
 */
#ifndef WALKV_COMMON_LOG_H
#define WALKV_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The order is that of the setting log_level, "error|warning|info|debug". */
enum log_level {
    LOG_LEVEL_ERROR,   /* something is broken, an operator has to look */
    LOG_LEVEL_WARNING, /* it works, but not as it should */
    LOG_LEVEL_INFO,    /* the life of the daemon: starts, stops, checkpoints */
    LOG_LEVEL_DEBUG,   /* for whoever works on walkv */
};

/* The longest line in bytes, newline included; what is longer is cut and ends in "...". At most PIPE_BUF, so
 * that the lines of several processes on one pipe never mix. */
#define LOG_LINE_MAX 4096

/* Sets the name at the head of each line (`program` must live as long as the process) and the least important
 * level that is written. Finds out whether standard error is the journal, which brings its own time and
 * name. Before this call the log works too, at level info. */
void log_open(const char *program, enum log_level level);

/* Changes the level, for instance when the settings have been read. */
void log_set_level(enum log_level level);

/* True when a line of this level would be written; for lines that are expensive to prepare. */
bool log_enabled(enum log_level level);

/* Each writes one line, without a newline in `format`, in a single write(2). Keeps errno. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define LOG_PAUSE_NS UINT64_C(60000000000)

/* For a line that outsiders could call up at any rate: true when it is to be written, which is once in
 * LOG_PAUSE_NS while there is reason for it. `*told_ns` is when it was written last, 0 at first. */
bool log_due(uint64_t *told_ns, uint64_t now_ns);

/* The environment is wrong: logs one sentence at level error, whatever the level, and calls exit() with
 * `exit_status`, one of sysexits.h (EX_CONFIG, EX_IOERR ...). */
void fatal(int exit_status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* We are wrong: logs file, line and the sentence, whatever the level, and calls abort(). */
#define panic(...) log_panic(__FILE__, __LINE__, __func__, __VA_ARGS__)

/* Panics with the text of the expression unless it is true. In every build, so keep it cheap. */
#define must(expression)                                                                                     \
    (__builtin_expect(!(expression), 0) ? log_panic(__FILE__, __LINE__, __func__, "must(%s)", #expression)   \
                                        : (void)0)

/* What panic() and must() call. */
void log_panic(const char *file, int line, const char *function, const char *format, ...)
    __attribute__((noreturn, cold, format(printf, 4, 5)));

#endif
