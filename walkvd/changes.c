/* SPDX-License-Identifier: MIT
 * The history of what changed; see changes.h. */
#include "changes.h"

#include "store.h"

#include <errno.h>

enum {
    ROW_BYTES = 960,     /* three or four to a page */
    TRIM_ROWS = 32,      /* at most, in a transaction, and as many more as it wrote */
    VIEW_SHARE_MAX = 16, /* one part in so many of the view is history */
};

void changes_begin(struct changes *c)
{
    c->row.bytes = 0;
    c->rows = 0;
}

static int write_row(struct store *s)
{
    struct changes *c = &s->changes;
    char key[8];
    if (!c->row.bytes)
        return 0;
    put_u64_be(key, c->row_lsn);
    MDB_val k = {sizeof key, key}, v = view_val(buffer_span(&c->row));
    c->row.bytes = 0;
    c->rows++;
    return view_errno(mdb_put(s->txn, view_handles(s->view)->changes, &k, &v, MDB_APPEND));
}

int changes_add(struct store *s, const struct change *change)
{
    struct changes *c = &s->changes;
    if (!c->history)
        return 0;
    int rc =
        c->row.bytes && c->row.bytes + CHANGE_FIXED_BYTES + change->name.bytes > ROW_BYTES ? write_row(s) : 0;
    if (rc)
        return rc;
    if (!c->row.bytes)
        c->row_lsn = change->lsn;
    change_encode(&c->row, c->row_lsn, change);
    return 0;
}

/* Whether the rows take more of the view than is theirs. */
static bool too_large(struct store *s)
{
    MDB_stat stat;
    if (mdb_stat(s->txn, view_handles(s->view)->changes, &stat))
        return false;
    uint64_t pages = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    return pages * stat.ms_psize > view_size_bytes(s->view) / VIEW_SHARE_MAX;
}

/* Deletes the first row, if its LSNs are up to `last`, or at all when there are too many rows. Returns 1 when
 * it did, 0, or a negative errno. */
static int drop_first(struct store *s, MDB_cursor *cursor, uint64_t last)
{
    MDB_val k, v;
    int rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_FIRST));
    if (!rc)
        rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_NEXT));
    if (rc)
        return rc == -ENOENT ? 0 : rc; /* the last row stays */
    if (k.mv_size != 8)
        return -EBADMSG;
    uint64_t row_last = get_u64_be(k.mv_data) - 1;
    if (row_last > last && !too_large(s))
        return 0;
    rc = view_errno(mdb_cursor_get(cursor, &k, &v, MDB_FIRST));
    if (!rc)
        rc = view_errno(mdb_cursor_del(cursor, 0));
    if (!rc && row_last > s->state.changes_after)
        s->state.changes_after = row_last;
    return rc ? rc : 1;
}

static int trim(struct store *s, uint64_t last_lsn)
{
    struct changes *c = &s->changes;
    MDB_cursor *cursor;
    int rc = view_errno(mdb_cursor_open(s->txn, view_handles(s->view)->changes, &cursor));
    if (rc)
        return rc;
    uint64_t last = last_lsn > c->history ? last_lsn - c->history : 0;
    rc = 1;
    for (unsigned i = 0; i < TRIM_ROWS + c->rows && rc == 1; i++)
        rc = drop_first(s, cursor, last);
    mdb_cursor_close(cursor);
    c->trimming = rc == 1;
    return rc < 0 ? rc : 0;
}

int changes_finish(struct store *s, uint64_t last_lsn)
{
    struct changes *c = &s->changes;
    if (!c->history) {
        s->state.changes_after = last_lsn;
        return 0;
    }
    int rc = write_row(s);
    /* Deleting touches pages at the other end, so it is done for many at a time. */
    uint64_t kept = last_lsn - s->state.changes_after;
    if (!rc && c->rows && (c->trimming || kept > c->history + c->history / 8 || too_large(s)))
        rc = trim(s, last_lsn);
    return rc;
}
