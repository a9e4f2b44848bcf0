/* SPDX-License-Identifier: MIT
 *
 * walkvctl import: writes what a JSON document, JSON lines or an original data directory holds into the
 * running store, through the socket like any other writer, many requests in flight. Values keep the text they
 * have. Nothing is taken for granted: the first thing that is wrong ends it, with its place, and what was
 * written so far is counted. Import is not one transaction; repeated, it sets keys again and appends items
 * again.
 */
#include "ctl.h"
#include "json_text.h"
#include "log.h"
#include "name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { WINDOW = 2048, WINDOW_BYTES = 1024 * 1024 }; /* half of it is what walkvd takes into one batch */

struct import {
    struct ctl_client client;
    struct ctl_progress progress;
    unsigned in_flight;
    uint64_t sent;
    uint64_t bytes_total;
    struct buffer name;  /* decoded */
    struct buffer value; /* minified */
    struct buffer input; /* of what cannot be mapped */
};

static void take_result(struct import *im)
{
    struct write_result result;
    if (!frame_decode_result(ctl_receive(&im->client, FRAME_RESULT), &result))
        fatal(EX_PROTOCOL, "an answer of walkvd cannot be read");
    im->in_flight--;
    switch (result.result) {
    case RESULT_OK:
    case RESULT_CREATED:
    case RESULT_NOT_FOUND: /* of a delete or dequeue that had nothing to do */
    case RESULT_QUEUE_EMPTY:
    case RESULT_QUEUE_NOT_FOUND:
        return;
    case RESULT_FORBIDDEN:
        fatal(EX_NOPERM,
              "walkvd has an auth_tokens_file, and takes an import from root and from its own user only");
    default:
        fatal(result.result == RESULT_STORAGE_FULL ? EX_CANTCREAT : EX_UNAVAILABLE,
              "walkvd refused an operation: %s; about %" PRIu64 " operations were done before",
              result_text(result.result), im->sent - im->in_flight - 1);
    }
}

static void submit(struct import *im, enum op op, struct span name, struct span value)
{
    const struct write_request request = {.op = op, .name = name, .value = value};
    frame_encode_write(&im->client.out, 0, &request);
    im->in_flight++;
    im->sent++;
    if (im->client.out.bytes >= WINDOW_BYTES || im->in_flight >= WINDOW) {
        ctl_flush(&im->client);
        while (im->in_flight > WINDOW / 2)
            take_result(im);
    }
}

static void drain(struct import *im)
{
    ctl_flush(&im->client);
    while (im->in_flight)
        take_result(im);
}

/* Decodes a string token into im->name and checks it. False with `*why` when it is no name. */
static bool take_name(struct import *im, struct span token, const char **why)
{
    im->name.bytes = 0;
    ssize_t n = json_text_unescape(buffer_extend(&im->name, token.bytes), token);
    im->name.bytes = n < 0 ? 0 : (size_t)n;
    *why = "a name must be 1 to 500 bytes of UTF-8 without NUL";
    return n >= 0 && name_valid(buffer_span(&im->name));
}

static bool take_value(struct import *im, struct span text, const char **why)
{
    im->value.bytes = 0;
    im->value.bytes = json_text_minify(buffer_extend(&im->value, text.bytes), text);
    *why = "a value is larger than max_value_size of walkvd";
    return im->value.bytes <= im->client.greeting.max_value_bytes;
}

static bool set_key(struct import *im, struct span name, struct span value, const char **why)
{
    if (!take_name(im, name, why) || !take_value(im, value, why))
        return false;
    submit(im, OP_SET, buffer_span(&im->name), buffer_span(&im->value));
    return true;
}

static bool enqueue(struct import *im, struct span value, const char **why)
{
    if (!take_value(im, value, why))
        return false;
    submit(im, OP_ENQUEUE, buffer_span(&im->name), buffer_span(&im->value));
    return true;
}

/* A queue without items still has a name, which begins with its first enqueue. */
static void make_empty_queue(struct import *im)
{
    submit(im, OP_ENQUEUE, buffer_span(&im->name), (struct span){"null", 4});
    submit(im, OP_DEQUEUE, buffer_span(&im->name), (struct span){0});
}

/* What came before the wrong place is done and counted; then the import ends. */
static void __attribute__((noreturn, format(printf, 2, 3)))
bad_input(struct import *im, const char *format, ...)
{
    char place[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    drain(im);
    ctl_progress_end(&im->progress);
    fatal(EX_DATAERR, "%s; %" PRIu64 " operations were done before", place, im->sent);
}

static void __attribute__((noreturn)) bad_at(struct import *im, const char *path, const struct json_error *e)
{
    bad_input(im, "%s: line %u, column %u: %s", path, e->line, e->column, e->reason);
}

static void __attribute__((noreturn))
bad_entry(struct import *im, const char *path, struct span token, const char *why)
{
    bad_input(im, "%s: at %.*s: %s", path, (int)(token.bytes < 80 ? token.bytes : 80), token.at, why);
}

static void import_queues(struct import *im, const char *path, struct span text)
{
    struct json_members queues, items;
    struct span name, list, value;
    const char *why;
    int more;
    json_members_begin(&queues, text, VALUE_DEPTH_MAX + 2);
    while ((more = json_members_next(&queues, &name, &list)) == 1) {
        if (!take_name(im, name, &why))
            bad_entry(im, path, name, why);
        uint64_t count = 0;
        json_elements_begin(&items, list, VALUE_DEPTH_MAX + 1);
        while ((more = json_elements_next(&items, &value)) == 1) {
            if (!enqueue(im, value, &why))
                bad_entry(im, path, name, why);
            count++;
        }
        if (more < 0)
            bad_entry(im, path, name, "a queue must be an array of values");
        if (!count)
            make_empty_queue(im);
    }
    if (more < 0)
        bad_entry(im, path, (struct span){"\"queues\"", 8}, "must be an object of arrays");
}

static bool is_queues(struct span name)
{
    return json_text_equals(name, (struct span){"queues", 6});
}

/* {"key":value,...,"queues":{...}} */
static void import_document(struct import *im, const char *path, struct span text)
{
    struct json_members members;
    struct span name, value;
    const char *why;
    int more;
    json_members_begin(&members, text, VALUE_DEPTH_MAX + 3);
    while ((more = json_members_next(&members, &name, &value)) == 1) {
        if (is_queues(name))
            import_queues(im, path, value);
        else if (!json_text_check(value, VALUE_DEPTH_MAX, NULL))
            bad_entry(im, path, name, "a value is nested too deeply");
        else if (!set_key(im, name, value, &why))
            bad_entry(im, path, name, why);
        ctl_progress(&im->progress, (uint64_t)(value.at - text.at), text.bytes, "bytes");
    }
    if (more < 0)
        bad_at(im, path, &members.error);
}

/* Takes the next line that is not blank off the front. */
static bool next_line(struct span *text, struct span *line, uint64_t *number)
{
    while (text->bytes) {
        const char *end = memchr(text->at, '\n', text->bytes);
        size_t bytes = end ? (size_t)(end - text->at) : text->bytes;
        *line = (struct span){text->at, bytes};
        size_t used = bytes + (end != NULL);
        text->at += used;
        text->bytes -= used;
        ++*number;
        if (strspn(line->at, " \t\r") < bytes)
            return true;
    }
    return false;
}

/* {"key":...,"value":...} or {"queue":...[,"value":...]} a line */
static const struct span line_names[] = {{"key", 3}, {"queue", 5}, {"value", 5}};
enum { LINE_NAMES = sizeof line_names / sizeof *line_names };

/* Finds the members of a line. `*only` is false when it has others than these. */
static bool parse_line(struct span line, struct span values[LINE_NAMES], bool *only, struct json_error *error)
{
    struct json_members members;
    struct span name, value;
    *only = true;
    if (!json_text_members(line, VALUE_DEPTH_MAX + 1, line_names, values, LINE_NAMES, error))
        return false;
    json_members_begin(&members, line, VALUE_DEPTH_MAX + 1);
    while (json_members_next(&members, &name, &value) == 1) {
        unsigned i = 0;
        while (i < LINE_NAMES && !json_text_equals(name, line_names[i]))
            i++;
        *only = *only && i < LINE_NAMES;
    }
    return true;
}

static void import_lines(struct import *im, const char *path, struct span text)
{
    struct span rest = text, line;
    uint64_t number = 0;
    while (next_line(&rest, &line, &number)) {
        struct span values[LINE_NAMES];
        struct json_error error;
        const char *why = "a line has \"key\" and \"value\", or \"queue\" and perhaps \"value\", no more";
        bool only, good = false;
        if (!parse_line(line, values, &only, &error))
            bad_input(im, "%s: line %" PRIu64 ", column %u: %s", path, number, error.column, error.reason);
        if (only && values[0].at && !values[1].at && values[2].at && *values[0].at == '"')
            good = set_key(im, values[0], values[2], &why);
        else if (only && values[1].at && !values[0].at && *values[1].at == '"' &&
                 take_name(im, values[1], &why)) {
            good = true;
            if (values[2].at)
                good = enqueue(im, values[2], &why);
            else
                make_empty_queue(im);
        }
        if (!good)
            bad_input(im, "%s: line %" PRIu64 ": %s", path, number, why);
        ctl_progress(&im->progress, (uint64_t)(line.at - text.at), text.bytes, "bytes");
    }
}

/* The original's wal.log. */
enum { LOG_ID, LOG_TYPE, LOG_STATUS, LOG_KEY, LOG_QUEUE, LOG_VALUE, LOG_FIELDS };

static bool parse_log_line(struct span line, struct span fields[LOG_FIELDS])
{
    static const struct span names[LOG_FIELDS] = {{"id", 2},  {"type", 4},  {"status", 6},
                                                  {"key", 3}, {"queue", 5}, {"value", 5}};
    struct json_error error;
    return json_text_members(line, VALUE_DEPTH_MAX + 1, names, fields, LOG_FIELDS, &error);
}

static bool field_is(struct span token, const char *text)
{
    return token.at && *token.at == '"' && json_text_equals(token, (struct span){text, strlen(text)});
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return memcmp(x->at, y->at, x->bytes);
}

/* Deletes every key that the document or the log so far may have set. */
static void clear_keys(struct import *im, struct span document, struct span log_before)
{
    struct json_members members;
    struct span name, value, line, fields[LOG_FIELDS];
    const char *why;
    uint64_t number = 0;
    json_members_begin(&members, document, VALUE_DEPTH_MAX + 3);
    while (json_members_next(&members, &name, &value) == 1) {
        if (!is_queues(name) && take_name(im, name, &why))
            submit(im, OP_DELETE, buffer_span(&im->name), (struct span){0});
    }
    while (next_line(&log_before, &line, &number)) {
        if (parse_log_line(line, fields) && field_is(fields[LOG_TYPE], "SET") && fields[LOG_KEY].at &&
            *fields[LOG_KEY].at == '"' && take_name(im, fields[LOG_KEY], &why))
            submit(im, OP_DELETE, buffer_span(&im->name), (struct span){0});
    }
}

/* Does again what one entry began. False with `*why` when it is not understood. */
static bool redo(struct import *im, const struct span fields[LOG_FIELDS], struct span document,
                 struct span log_before, const char **why)
{
    struct span none = {0}, type = fields[LOG_TYPE];
    static const struct span null_text = {"null", 4}; /* the original drops a value that is undefined */
    struct span value = fields[LOG_VALUE].at ? fields[LOG_VALUE] : null_text;
    bool queue = type.bytes > 7 && memcmp(type.at, "\"QUEUE_", 7) == 0;
    struct span name = queue ? fields[LOG_QUEUE] : fields[LOG_KEY];
    if (field_is(type, "CLEAR")) {
        clear_keys(im, document, log_before);
        return true;
    }
    *why = "the entry has no name";
    if (!name.at || *name.at != '"' || !take_name(im, name, why))
        return false;
    if (field_is(type, "SET"))
        return set_key(im, name, value, why);
    if (field_is(type, "QUEUE_ENQUEUE"))
        return enqueue(im, value, why);
    enum op op = field_is(type, "DELETE")          ? OP_DELETE
                 : field_is(type, "QUEUE_DEQUEUE") ? OP_DEQUEUE
                 : field_is(type, "QUEUE_CLEAR")   ? OP_CLEAR
                                                   : OP_NOOP;
    *why = "the type of the entry is not known";
    if (op == OP_NOOP)
        return false;
    submit(im, op, buffer_span(&im->name), none);
    return true;
}

/* Returns the exit status: entries that cannot be read are reported and left out, as the original does. */
static int import_original_log(struct import *im, const char *path, struct span text, struct span document)
{
    struct buffer commits = {0};
    struct span rest = text, line, fields[LOG_FIELDS];
    uint64_t number = 0, redone = 0;
    int status = 0;
    while (next_line(&rest, &line, &number)) {
        if (parse_log_line(line, fields) && field_is(fields[LOG_TYPE], "COMMIT") && fields[LOG_ID].at)
            buffer_append(&commits, &fields[LOG_ID], sizeof fields[LOG_ID]);
    }
    size_t count = commits.bytes / sizeof(struct span);
    if (count)
        qsort(commits.data, count, sizeof(struct span), compare_spans);
    number = 0;
    rest = text;
    while (next_line(&rest, &line, &number)) {
        const char *why = "not a JSON object";
        if (!parse_log_line(line, fields)) {
            bool torn = rest.bytes == 0;
            fprintf(stderr, "walkvctl: %s: line %" PRIu64 " is left out: %s\n", path, number,
                    torn ? "it is torn, nobody was told about it" : why);
            status = torn ? status : EX_DATAERR;
            continue;
        }
        if (!field_is(fields[LOG_STATUS], "STARTED") ||
            (fields[LOG_ID].at && count &&
             bsearch(&fields[LOG_ID], commits.data, count, sizeof(struct span), compare_spans)))
            continue;
        if (redo(im, fields, document, (struct span){text.at, (size_t)(line.at - text.at)}, &why)) {
            redone++;
        } else {
            fprintf(stderr, "walkvctl: %s: line %" PRIu64 " is left out: %s\n", path, number, why);
            status = EX_DATAERR;
        }
    }
    fprintf(stderr, "walkvctl: %s: %" PRIu64 " uncommitted entries done again\n", path, redone);
    buffer_free(&commits);
    return status;
}

/* The bytes of a file, mapped or, for what cannot be mapped, read into im->input. A map is never given back:
 * walkvctl ends soon. */
static struct span file_bytes(struct import *im, int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (st.st_size == 0)
            return (struct span){"", 0};
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED)
            return (struct span){map, (size_t)st.st_size};
    }
    struct buffer *all = &im->input;
    for (;;) {
        if (buffer_reserve(all, 1024 * 1024))
            fatal(EX_OSERR, "%s: out of memory", path);
        ssize_t n = read(fd, all->data + all->bytes, all->room - all->bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fatal(EX_IOERR, "%s: %s", path, strerror(errno));
        if (n == 0)
            return buffer_span(all);
        all->bytes += (size_t)n;
    }
}

static int open_input(const char *path, bool optional)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && !(optional && errno == ENOENT))
        fatal(EX_NOINPUT, "%s: %s", path, strerror(errno));
    return fd;
}

static int import_directory(struct import *im, const char *dir)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/db.json", dir);
    int fd = open_input(path, true);
    struct span document = fd < 0 ? (struct span){"{}", 2} : file_bytes(im, fd, path);
    bool have_document = fd >= 0;
    snprintf(path, sizeof path, "%s/wal.log", dir);
    fd = open_input(path, true);
    if (!have_document && fd < 0)
        fatal(EX_NOINPUT, "%s holds neither db.json nor wal.log", dir);
    struct span log = fd < 0 ? (struct span){"", 0} : file_bytes(im, fd, path);
    import_document(im, "db.json", document);
    return import_original_log(im, "wal.log", log, document);
}

/* A document begins with an object that goes on after its first line, or whose members are not those of a
 * line. */
static bool looks_like_lines(struct span text)
{
    struct span rest = text, line, values[LINE_NAMES];
    struct json_error error;
    uint64_t number = 0;
    bool only;
    if (!next_line(&rest, &line, &number) || !parse_line(line, values, &only, &error) || !only)
        return false;
    return (values[0].at && *values[0].at == '"' && values[2].at) || (values[1].at && *values[1].at == '"');
}

int ctl_import(const struct ctl *ctl)
{
    struct import im = {0};
    struct stat st;
    bool directory = stat(ctl->operand, &st) == 0 && S_ISDIR(st.st_mode);
    int fd = directory ? -1 : open_input(ctl->operand, false);
    ctl_connect(&im.client, ctl->socket_path);
    ctl_progress_begin(&im.progress, ctl, "importing");
    int status = 0;
    if (directory) {
        status = import_directory(&im, ctl->operand);
    } else {
        struct span text = file_bytes(&im, fd, ctl->operand);
        if (looks_like_lines(text))
            import_lines(&im, ctl->operand, text);
        else
            import_document(&im, ctl->operand, text);
    }
    drain(&im);
    ctl_progress_end(&im.progress);
    fprintf(stderr, "walkvctl: %" PRIu64 " operations done\n", im.sent);
    ctl_disconnect(&im.client);
    buffer_free(&im.name);
    buffer_free(&im.value);
    buffer_free(&im.input);
    return status;
}
