/* SPDX-License-Identifier: MIT
 *
 * The log as a whole: which segments there are, whether they continue each other, what they hold, and whether
 * its end is a clean end, a torn tail or damage. Recovery, `walkvctl verify` and `walkvctl dump` read it
 * here.
 *
 * [torn-or-corrupt] Let g be the first LSN that cannot be read. It is damage of acknowledged data when
 *   - a later segment exists whose link says that this one goes further, or
 *   - a later batch header in the segment says durable LSN >= g, or
 *   - the caller's `durable_lsn` (control file, published view) is >= g, or
 *   - the segment is shorter than it was preallocated and has no seal, or has not even its first batch.
 * Otherwise it is a torn tail: a batch that nobody was told about.
 *
 * [link-ends-segment] A segment ends where the link of the next one says. What a start found torn, or did not
 * find at all after a failed sync, it cuts off, but the cut itself may be lost, and a mirrored disk may show
 * such a batch later: whole batches behind the end that the link names are passed over. Unless one of them
 * says that another one behind the end was durable: then the link is wrong, and that is damage.
 */
#ifndef WALKV_WALKVD_WAL_LOG_H
#define WALKV_WALKVD_WAL_LOG_H

#include "disk.h"
#include "wal_segment.h"

enum wal_verdict {
    WAL_CLEAN,   /* ends with a batch, a seal, or nothing behind it */
    WAL_TORN,    /* an unacknowledged batch at the end is not whole */
    WAL_CORRUPT, /* acknowledged data is damaged */
    WAL_MISSING, /* a segment is not there */
    WAL_FOREIGN, /* a segment belongs to another store */
    WAL_NEWER,   /* a segment was written by a newer walkv */
    WAL_FAILED,  /* the disk failed: `error` */
};

struct wal_finding {
    enum wal_verdict verdict;
    int error;     /* positive errno, for WAL_FAILED */
    char file[64]; /* "wal/<name>" */
    uint64_t offset;
    uint64_t first_lsn; /* the range that is affected; last_lsn 0: unknown */
    uint64_t last_lsn;
    uint64_t torn_bytes;
    char sentence[256];
};

struct wal_log {
    uint64_t *first_lsns; /* of the segments there are, ascending */
    size_t count;
    size_t strangers; /* files with other names, which are left alone */
};

struct wal_log_end {
    struct wal_link link;  /* the last segment, its last valid LSN and checksum: what the next one links to */
    uint64_t offset;       /* where its valid part ends */
    uint64_t last_time_ns; /* of the last batch */
    uint64_t segments_read;
    uint64_t batches_read;
    bool sealed;
};

struct wal_visitor {
    /* Called for each valid batch; a negative errno ends the reading and becomes WAL_FAILED. May be NULL. */
    int (*batch)(const struct wal_segment *, const struct wal_batch *, void *arg);
    /* Called when a segment was read to its valid end. May be NULL. */
    void (*segment)(const struct wal_segment *, void *arg);
    void *arg;
    uint64_t known_lsn; /* what the batches up to it hold is known: they get no payload */
    /* The header checksum of the batch that ends with it and the offset in its segment, if that is known
     * (else 0): of that segment, reading begins there, if all before it was durable. */
    uint64_t known_checksum, known_at;
};

/* Lists the segments in `data_dir`/wal. Returns 0 or a negative errno. Free with wal_log_free(). */
int wal_log_list(struct disk *, const char *data_dir, struct wal_log *);
void wal_log_free(struct wal_log *);

/* Leaves out the segments that end at `floor_lsn` or before: a checkpoint has made them unneeded, and a crash
 * may have kept any of them from being deleted. */
void wal_log_trim(struct wal_log *, uint64_t floor_lsn);

/* "DATA_DIR/wal/<name>"; false if it does not fit. */
bool wal_log_path(char *out, size_t room, const char *data_dir, uint64_t first_lsn);

/* Reads the log from the segment that holds `from_lsn` + 1 (0: from the first that is there) to its end,
 * checking the headers and links of those before. `durable_lsn` is what is known from elsewhere to have been
 * acknowledged, `newest_segment` the first LSN of a segment known to have existed (0: none). `end` and
 * `finding` are filled. Returns finding->verdict. */
enum wal_verdict wal_log_read(struct disk *, const char *data_dir, const struct wal_log *,
                              const uint8_t *uuid, uint64_t from_lsn, uint64_t durable_lsn,
                              uint64_t newest_segment, const struct wal_visitor *, struct wal_log_end *end,
                              struct wal_finding *finding);

/* The same for a log that is being written to: of the newest segment only the header is read, which says
 * where the one before ends. */
enum wal_verdict wal_log_read_finished(struct disk *, const char *data_dir, const struct wal_log *,
                                       const uint8_t *uuid, uint64_t from_lsn, const struct wal_visitor *,
                                       struct wal_log_end *end, struct wal_finding *finding);

const char *wal_verdict_text(enum wal_verdict);

/* Two parts of that judgement, for wal_salvage.h. What the header of the segment in the file of this name
 * says of itself (true: it is good; else `last_lsn` ends the range that is affected). And what the end of the
 * last segment is, by [torn-or-corrupt], where reading it stands. */
bool wal_log_check_header(const struct wal_segment *, enum wal_header_verdict, uint64_t name_lsn,
                          uint64_t last_lsn, const uint8_t *uuid, struct wal_finding *);
void wal_log_judge_end(struct wal_segment *, uint64_t durable_lsn, struct wal_finding *);

#endif
