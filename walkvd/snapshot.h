/* SPDX-License-Identifier: MIT
 *
 * Writes a snapshot from the view and reads one back; the format is in snapshot_format.h.
 * Both are pure streams: naming, syncing of directories and deleting old files is the checkpoint's business.
 */
#ifndef WALKV_WALKVD_SNAPSHOT_H
#define WALKV_WALKVD_SNAPSHOT_H

#include "disk.h"
#include "snapshot_format.h"
#include "view_read.h"

#include <stddef.h>

/* Writes the newest published state of the view that `reader` is for to `path`, which must not exist, and
 * syncs it. The caller makes sure that walkvd holds the view's pages. `header` says what was written. Returns
 * 0, or a negative errno; then the file may be there in part. */
int snapshot_write(struct disk *, struct view_reader *reader, const char *path,
                   struct snapshot_header *header);

struct snapshot_finding {
    enum snapshot_verdict verdict;
    int error;       /* positive errno, for SNAPSHOT_UNREADABLE */
    uint64_t offset; /* of what is wrong */
    char sentence[160];
};

/* snapshot_write(), and then reads back and checks what was written. Returns 0 with the size of the file in
 * `*bytes`, or a negative errno with the reason in `sentence`. */
int snapshot_make(struct disk *, struct view_reader *reader, const char *path, struct snapshot_header *header,
                  uint64_t *bytes, char *sentence, size_t room);

/* What takes the pages while a snapshot is read: `bytes` of them from `offset` on. Returns 0 or a negative
 * errno. Called with data == NULL once, before the first, with offset 0 and the total in `bytes`. */
typedef int snapshot_sink(const void *data, size_t bytes, uint64_t offset, void *arg);

/* Reads a snapshot from end to end around the page cache, checks everything, and hands the pages to `sink`
 * (NULL: checks only). `uuid` may be NULL: of any store. Returns finding->verdict, or -1 when the sink
 * failed, with its errno in finding->error. Pages may have been handed over before damage is found. */
int snapshot_read(struct disk *, const char *path, const uint8_t *uuid, snapshot_sink *sink, void *arg,
                  struct snapshot_header *header, struct snapshot_finding *finding);

struct snapshot_list {
    uint64_t *lsns; /* ascending */
    size_t count;
};

/* Lists the snapshots in `data_dir`/snapshots. Returns 0 or a negative errno. */
int snapshot_list(struct disk *, const char *data_dir, struct snapshot_list *);
void snapshot_list_free(struct snapshot_list *);
bool snapshot_path(char *out, size_t room, const char *data_dir, uint64_t lsn);

#endif
