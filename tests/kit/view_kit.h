/* SPDX-License-Identifier: MIT
 *
 * A store on a real view in shared memory and a log, for the tests of store and snapshot.
 */
#ifndef WALKV_TESTS_KIT_VIEW_KIT_H
#define WALKV_TESTS_KIT_VIEW_KIT_H

#include "batch.h"
#include "clock.h"
#include "kit.h"
#include "store.h"
#include "wal.h"

#define STAND_WINDOW_NS (3600 * NS_PER_S)
#define STAND_ENTRIES   100
#define STAND_CHANGES   1000 /* the history */

/* Who asks, for stand_do_as(). */
struct stand_who {
    uint64_t session, sequence, confirmed;
    bool was_sent;
    const char *key;     /* NULL: none */
    uint8_t fingerprint; /* its first byte */
};

struct stand {
    char dir[KIT_PATH_BYTES];
    char view_path[KIT_PATH_BYTES + 16];
    uint64_t view_bytes;
    struct view_owner *view;
    struct store store;
    struct control control;
    struct wal *wal; /* NULL without one */
    struct batch batch;
};

/* A new, empty, served view; with a log on `disk` (NULL: none) in `dir`, or for another disk than the
 * system's "/m". */
void stand_open(struct stand *, struct disk *disk);
/* The same with another size of the view than 8 MiB. */
void stand_open_sized(struct stand *, struct disk *disk, uint64_t view_bytes);
/* The same without a log, and with another grace than 1 ms. */
void stand_open_view(struct stand *, uint64_t grace_ns);
/* Another view in the same directory, filled with these pages (NULL: empty). */
void stand_open_beside(struct stand *, const struct stand *other, const struct buffer *pages);
void stand_close(struct stand *);

/* One request as a batch of its own. */
struct write_result stand_do(struct stand *, enum op, enum condition, uint64_t version, const char *name,
                             const char *value);

/* The same as somebody's. */
struct write_result stand_do_as(struct stand *, const struct stand_who *, enum op, enum condition,
                                uint64_t version, const char *name, const char *value);
struct batch_item stand_item(const struct stand_who *, enum op, enum condition, uint64_t version,
                             const char *name, const char *value);

/* Applies what the log of `from`, on this disk, holds behind the state of `to`, as recovery does. */
void stand_replay(struct stand *to, struct stand *from, struct disk *disk);

/* Whether the database `requests` is whole: every key has the outcome that it leads to, every outcome by age
 * its key, the state counts them, and there is nothing else. Says what is not. */
bool stand_check_requests(struct stand *);
/* The entries of `requests` that begin with this letter. */
uint64_t stand_count_requests(struct stand *, char kind);

/* Everything in kv, queues, items and requests, and the counters, in one text that two equal stores share.
 * Checks that the counters are those of the content. */
void stand_dump(struct stand *, struct buffer *out);

#endif
