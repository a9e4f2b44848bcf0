/* SPDX-License-Identifier: MIT
 *
 * What is left of a damaged log: every batch that is whole by itself, wherever it lies, and what is wrong in
 * between. `walkvctl repair` stands on this; recovery never reads behind damage.
 *
 * Whole means the conditions (1) to (3), (5) and (6) of wal_format.h. Condition (4), that a batch continues
 * the one before, is the caller's to judge: each batch is handed over with what it says it continues. A batch
 * that continues a state whose checksum is known is a certain continuation of it, whatever lies before it in
 * the file.
 */
#ifndef WALKV_WALKVD_WAL_SALVAGE_H
#define WALKV_WALKVD_WAL_SALVAGE_H

#include "wal_log.h"

#define WAL_SALVAGE_UNKNOWN UINT64_MAX /* as last_lsn: not known what the batch continues */

struct wal_salvage_visitor {
    /* Takes each whole batch, in the order of LSNs. `before` is the last LSN and the checksum that it
     * continues, by its chain or by the link of its segment. A negative errno ends the reading. */
    int (*batch)(const struct wal_segment *, const struct wal_batch *, const struct wal_link *before,
                 void *arg);
    /* Takes what is wrong, segments that are foreign or have a wrong name first, then in the order of LSNs; a
     * torn tail, too. May be NULL. */
    void (*finding)(const struct wal_finding *, void *arg);
    void *arg;
};

struct wal_salvage_end {
    uint64_t known_lsn;   /* the last LSN that is whole, or that something knows to have been durable */
    uint64_t highest_lsn; /* the last LSN that anything names: also of a batch that nobody was told about */
    bool end_known;       /* nothing durable can have been behind known_lsn */
    struct wal_finding failure;
};

/* Reads all segments of `log`. `durable_lsn` and `newest_segment` are those of wal_log_read(). Returns
 * WAL_CLEAN when everything was looked at; or WAL_NEWER or WAL_FAILED, told in end->failure, when a segment
 * cannot be judged or the visitor ended it. */
enum wal_verdict wal_salvage(struct disk *, const char *data_dir, const struct wal_log *, const uint8_t *uuid,
                             uint64_t durable_lsn, uint64_t newest_segment,
                             const struct wal_salvage_visitor *, struct wal_salvage_end *end);

#endif
