/* SPDX-License-Identifier: MIT
 *
 * walkvctl, the operator's command: what its subcommands share. Each lives in a file of its own,
 * ctl_<name>.c, and returns a sysexits status. Results go to standard output, progress and errors to standard
 * error.
 */
#ifndef WALKV_WALKVD_CTL_H
#define WALKV_WALKVD_CTL_H

#include "frame.h"
#include "status.h"
#include "tokens.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ctl {
    const char *socket_path;
    const char *format; /* of export: "json" or "lines" */
    bool json;
    bool quiet;
    bool all;         /* of dump: behind damage, too */
    bool yes;         /* of repair */
    const char *into; /* of repair; NULL: beside the operand */
    uint64_t from_lsn;
    const char *operand; /* DATA_DIR, FILE, or of token: new or check; NULL: none given */

    /* Of token. */
    const char *argument; /* NAME or FILE */
    const char *scope;    /* NULL: not given */
    struct ctl_pattern {
        const char *kind; /* keys or queues */
        const char *pattern;
    } patterns[TOKEN_PATTERNS_MAX];
    unsigned pattern_count;
};

int ctl_status(const struct ctl *);
int ctl_checkpoint(const struct ctl *);
int ctl_verify(const struct ctl *);
int ctl_dump(const struct ctl *);
int ctl_repair(const struct ctl *);
int ctl_export(const struct ctl *);
int ctl_import(const struct ctl *);
int ctl_token(const struct ctl *);

/* A connection to a running walkvd. Each call ends the process with EX_UNAVAILABLE when walkvd does not
 * answer. */
struct ctl_client {
    int fd;
    struct buffer in;
    size_t consumed;
    struct buffer out;
    struct greeting greeting; /* its spans are in `greeting_bytes` */
    struct buffer greeting_bytes;
};

void ctl_connect(struct ctl_client *, const char *socket_path);
void ctl_flush(struct ctl_client *);
/* Waits for the next frame, which must be of this type; its body is valid until the next call. */
struct span ctl_receive(struct ctl_client *, enum frame_type);
void ctl_disconnect(struct ctl_client *);

/* One line on standard error that is written over, at most a few times a second, only on a terminal or every
 * few seconds elsewhere. */
struct ctl_progress {
    const char *what;
    bool quiet;
    uint64_t began_ns;
    uint64_t told_ns;
};

void ctl_progress_begin(struct ctl_progress *, const struct ctl *, const char *what);
/* `total` 0: unknown. */
void ctl_progress(struct ctl_progress *, uint64_t done, uint64_t total, const char *unit);
void ctl_progress_end(struct ctl_progress *);

/* One line, or with --json one object of an array, about a file of a store. */
void ctl_report_file(const struct ctl *, bool first, const char *file, const char *verdict, uint64_t offset,
                     uint64_t first_lsn, uint64_t last_lsn, const char *sentence);

/* Writes a JSON string with its quotes. */
void ctl_print_string(FILE *, struct span);
/* Flushes standard output; EX_IOERR with a sentence when something could not be written. */
int ctl_finish_output(int status);

#endif
