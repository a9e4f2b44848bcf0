/* SPDX-License-Identifier: MIT
 * A directory whose files are named after LSNs: the log's and the snapshots'. */
#ifndef WALKV_WALKVD_LSN_DIR_H
#define WALKV_WALKVD_LSN_DIR_H

#include "disk.h"

/* Lists the LSNs of the files in `path` whose names `parse` knows, ascending; `*lsns` is the caller's to
 * free. `strangers` (may be NULL) counts the others but for hidden and .tmp files. Returns 0 or a negative
 * errno. */
int lsn_dir_list(struct disk *, const char *path, bool (*parse)(const char *name, uint64_t *lsn),
                 uint64_t **lsns, size_t *count, size_t *strangers);

#endif
