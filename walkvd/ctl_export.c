/* SPDX-License-Identifier: MIT
 *
 * walkvctl export: prints the state of the running store from its view, a piece at a time. Each piece is one
 * consistent moment; when the store was written to meanwhile, that is said at the end.
 */
#include "ctl.h"
#include "json_text.h"
#include "log.h"
#include "memory.h"
#include "view_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PIECE_ENTRIES = 1000, PIECE_BYTES = 256 * 1024 };

/* A walk over one database: what comes next, and the entries of the last piece, each as
 * 4 key bytes, 4 value bytes, key, value. */
struct walk {
    enum { WALK_KEYS, WALK_QUEUES, WALK_ITEMS } what;
    struct buffer after; /* the last key that was seen; empty: from the front */
    uint64_t queue_id;
    struct buffer piece;
    bool more;
};

/* The exit status for a view that cannot be read. */
static int status_of(int rc)
{
    return rc == -ENOMEM ? EX_OSERR : rc == -EACCES ? EX_NOPERM : EX_UNAVAILABLE;
}

static int read_piece(const struct view *view, void *arg)
{
    struct walk *w = arg;
    w->piece.bytes = 0;
    w->more = false;
    MDB_cursor *cursor;
    MDB_dbi dbi = w->what == WALK_KEYS ? view->kv : w->what == WALK_QUEUES ? view->queues : view->items;
    if (mdb_cursor_open(view->txn, dbi, &cursor))
        return -ENOMEM;
    char first[VIEW_ITEM_KEY_BYTES];
    view_item_key(first, w->queue_id, 0);
    bool from_front = !w->after.bytes;
    MDB_val key = {w->after.bytes, w->after.data}, value;
    if (from_front && w->what == WALK_ITEMS)
        key = (MDB_val){sizeof first, first};
    int rc = mdb_cursor_get(cursor, &key, &value, key.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && !from_front && key.mv_size == w->after.bytes &&
        memcmp(key.mv_data, w->after.data, w->after.bytes) == 0)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    for (unsigned i = 0; rc == 0; i++) {
        if (w->what == WALK_ITEMS && memcmp(key.mv_data, first, 8) != 0)
            break;
        if (i == PIECE_ENTRIES || w->piece.bytes > PIECE_BYTES) {
            w->more = true;
            break;
        }
        char *at = buffer_extend(&w->piece, 8);
        put_u32(at, (uint32_t)key.mv_size);
        put_u32(at + 4, (uint32_t)value.mv_size);
        buffer_append(&w->piece, key.mv_data, key.mv_size);
        buffer_append(&w->piece, value.mv_data, value.mv_size);
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc && rc != MDB_NOTFOUND ? -EIO : 0;
}

/* Walks to the end, handing each entry to `visit`. */
static void walk_all(struct view_reader *reader, struct walk *w,
                     void (*visit)(struct span key, struct span value, void *), void *arg)
{
    do {
        int rc = view_read(reader, read_piece, w);
        if (rc)
            fatal(status_of(rc), "the view cannot be read: %s", strerror(-rc));
        struct reader r = reader_of(w->piece.data, w->piece.bytes);
        while (r.at < r.end) {
            size_t key_bytes = read_u32(&r), value_bytes = read_u32(&r);
            struct span key = read_span(&r, key_bytes), value = read_span(&r, value_bytes);
            must(!r.bad);
            visit(key, value, arg);
            w->after.bytes = 0;
            buffer_append(&w->after, key.at, key.bytes);
        }
    } while (w->more);
    buffer_free(&w->after);
    buffer_free(&w->piece);
}

struct export
{
    struct view_reader *reader;
    struct ctl_progress progress;
    bool lines;
    uint64_t entries;
    uint64_t total;
    uint64_t in_list;
    struct span queue;
};

static struct span behind(struct span s, size_t header)
{
    must(s.bytes >= header);
    return (struct span){s.at + header, s.bytes - header};
}

static void print_key(struct span key, struct span value, void *arg)
{
    struct export *e = arg;
    struct span text = behind(value, VIEW_KV_HEADER_BYTES);
    if (!e->lines && key.bytes == 6 && memcmp(key.at, "queues", 6) == 0)
        fatal(EX_DATAERR, "a key named \"queues\" has no place in this shape; export with --lines");
    fputs(e->lines ? "{\"key\":" : e->entries ? ",\n" : "{\n", stdout);
    ctl_print_string(stdout, key);
    fputs(e->lines ? ",\"value\":" : ":", stdout);
    fwrite(text.at, 1, text.bytes, stdout);
    if (e->lines)
        fputs("}\n", stdout);
    ctl_progress(&e->progress, ++e->entries, e->total, "entries");
}

static void print_item(struct span key, struct span value, void *arg)
{
    (void)key;
    struct export *e = arg;
    struct span text = behind(value, VIEW_ITEM_HEADER_BYTES);
    if (e->lines) {
        fputs("{\"queue\":", stdout);
        ctl_print_string(stdout, e->queue);
        fputs(",\"value\":", stdout);
        fwrite(text.at, 1, text.bytes, stdout);
        fputs("}\n", stdout);
    } else {
        fputs(e->in_list ? "," : "", stdout);
        fwrite(text.at, 1, text.bytes, stdout);
    }
    e->in_list++;
    ctl_progress(&e->progress, ++e->entries, e->total, "entries");
}

struct queue_list {
    struct export *export;
    uint64_t count;
};

static void print_queue(struct span key, struct span value, void *arg)
{
    struct queue_list *list = arg;
    struct export *e = list->export;
    struct view_queue queue;
    must(view_queue_decode(value, &queue));
    e->queue = key;
    e->in_list = 0;
    if (!e->lines) {
        fputs(list->count ? ",\n" : "\n", stdout);
        ctl_print_string(stdout, key);
        fputs(":[", stdout);
    }
    list->count++;
    struct walk items = {.what = WALK_ITEMS, .queue_id = queue.id};
    walk_all(e->reader, &items, print_item, e);
    if (!e->lines) {
        putchar(']');
    } else if (!e->in_list) {
        fputs("{\"queue\":", stdout);
        ctl_print_string(stdout, key);
        fputs("}\n", stdout);
    }
}

int ctl_export(const struct ctl *ctl)
{
    struct ctl_client client;
    ctl_connect(&client, ctl->socket_path);
    const struct greeting *g = &client.greeting;
    char *path = memory_printf("%.*s", (int)g->view_path.bytes, g->view_path.at);
    struct export e = {.reader = view_reader_new(path, g->uuid, 0),
                       .lines = strcmp(ctl->format, "lines") == 0};
    struct view_state before, after;
    int rc = view_read(e.reader, view_read_state, &before);
    if (rc)
        fatal(status_of(rc), "view %s cannot be read: %s", path, strerror(-rc));
    e.total = before.keys + before.items;
    ctl_progress_begin(&e.progress, ctl, "exporting");
    struct walk keys = {.what = WALK_KEYS}, queues = {.what = WALK_QUEUES};
    walk_all(e.reader, &keys, print_key, &e);
    if (!e.lines)
        fputs(e.entries ? ",\n\"queues\":{" : "{\n\"queues\":{", stdout);
    struct queue_list list = {.export = &e};
    walk_all(e.reader, &queues, print_queue, &list);
    if (!e.lines)
        fputs("}\n}\n", stdout);
    ctl_progress_end(&e.progress);
    if (view_read(e.reader, view_read_state, &after) == 0 && after.applied_lsn != before.applied_lsn)
        fprintf(stderr,
                "walkvctl: the store was written to during the export (LSN %" PRIu64 " to %" PRIu64
                "): each piece is of one moment, the whole is not\n",
                before.applied_lsn, after.applied_lsn);
    view_reader_free(&e.reader);
    free(path);
    ctl_disconnect(&client);
    return 0;
}
