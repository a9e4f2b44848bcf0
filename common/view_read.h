/* SPDX-License-Identifier: MIT
 *
 * The reader's end of the read view: how a worker, the snapshot program or walkvctl looks into the memory
 * that walkvd publishes, without a lock, a reader table or any write.
 *
 * [view-grace] The rule that makes this safe has two ends. walkvd's end (walkvd/view.c): a page that a commit
 * frees is not reused before view_grace has passed. The reader's end, in view_read():
 *   1. renew the read transaction; if the environment's last transaction is not this one any more, renew
 * again (a commit may have overwritten the meta page while it was copied);
 *   2. read, and copy out whatever is wanted;
 *   3. before the copy is used: less than view_grace of CLOCK_MONOTONIC must have passed since step 1, and
 * the serving generation must still be the one that is mapped. If not, throw the copy away and start again,
 *      re-attaching first in the second case.
 */
#ifndef WALKV_COMMON_VIEW_READ_H
#define WALKV_COMMON_VIEW_READ_H

#include "bounds.h"
#include "span.h"
#include "view_layout.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

struct view_reader;

/* What a reading function gets: a transaction and the handles, valid only during the call. */
struct view {
    MDB_txn *txn;
    MDB_env *env;
#define X(name) MDB_dbi name;
    VIEW_DATABASES(X)
#undef X
};

/* Reads from `view` into `arg`, copying whatever outlives the call. It may be called several times and must
 * start from nothing each time; it should be done in a small part of the grace. Returns 0 or a negative errno
 * of its own, which view_read() hands through. */
typedef int view_read_fn(const struct view *view, void *arg);

/* Makes a reader for the view at `path`, which is attached at the first read. `uuid` may be NULL: any store.
 * `grace_ns` 0: as the generation page says. */
struct view_reader *view_reader_new(const char *path, const uint8_t *uuid, uint64_t grace_ns);
void view_reader_free(struct view_reader **);

/* Runs `read` under the rule above. Returns its result; -EAGAIN when no ready view of this store is there;
 * -ETIMEDOUT when it could not be done within the grace many times in a row. */
int view_read(struct view_reader *, view_read_fn *read, void *arg);

/* The generation that is attached; 0 when none is. */
uint64_t view_reader_generation(const struct view_reader *);

/* Holds one transaction open past the grace, for the snapshot program, while walkvd holds its pages for it.
 * `view` is filled and stays valid until view_reader_release(). Returns 0 or a negative errno as view_read().
 */
int view_reader_hold(struct view_reader *, struct view *view);
void view_reader_release(struct view_reader *);

/* A function for view_read(): `arg` is a struct view_state. */
int view_read_state(const struct view *, void *arg);

#endif
