/* SPDX-License-Identifier: MIT
 *
 * The access log: one line of JSON for each request, to standard error (the journal) or to a file.
 *
 *   {"time":"2026-11-25T22:11:42.123Z","id":"3f9a0c12b4d5-7","client":"192.0.2.7","token":"","method":"GET",
 *    "path":"/api/kv/a?x=1","status":200,"bytes":312,"duration_us":57}
 *
 * The lines of one turn of the event loop are written together. The loop never waits for a reader: what
 * cannot be written stays for the next turn, and beyond ACCESS_WAITING_BYTES lines are dropped and counted,
 * which a line
 * {"time":...,"dropped":N} tells later. Lines of several workers never mix: a file is appended to with whole
 * lines in one write, anything else gets at most ACCESS_LINE_MAX bytes of whole lines at once.
 *
 * It must never stop a worker: a file that cannot be opened any more is an error in the log, and tried again
 * at the next SIGHUP.
 */
#ifndef WALKV_HTTPD_ACCESS_LOG_H
#define WALKV_HTTPD_ACCESS_LOG_H

#include "address.h"
#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_LINE_MAX      4096 /* bytes with the newline; a path that is too long for it ends in "..." */
#define ACCESS_WAITING_BYTES (1024 * 1024)

struct access_log;

struct access_entry {
    struct span id;
    struct address client;
    struct span token; /* the name of the access token, or nothing */
    const char *method;
    struct span path; /* and query, as sent; empty when the request could not be read */
    unsigned status;  /* 0: the client went away before there was an answer */
    uint64_t bytes;   /* of the response, its head included */
    uint64_t duration_ns;
    bool aborted; /* the connection ended before the response did */
};

/* At the start of the program: ends it with EX_CONFIG when the file cannot be opened. The setting is "off",
 * "journal" or a path. */
void access_log_check(const char *setting);

/* NULL when it is off. */
struct access_log *access_log_new(const char *setting);

/* Notes a request; writes nothing yet. */
void access_log_add(struct access_log *, const struct access_entry *);

/* Writes what has been noted, as far as that is possible without waiting. */
void access_log_flush(struct access_log *);

/* After the file was renamed: opens it anew. */
void access_log_reopen(struct access_log *);

void access_log_free(struct access_log **);

/* Formats one line, with its newline, and returns its bytes. What is not visible ASCII, which neither a name
 * nor a path can hold, becomes %XX. */
size_t access_log_format(char line[ACCESS_LINE_MAX], const char *time, const struct access_entry *);

#endif
