/* SPDX-License-Identifier: MIT
 *
 * walkvd_settings: what an operator can set of the storage daemon, [walkvd] in walkv.conf.
 *
 * The table in walkvd_settings.c is the only place that names a setting, its default and its bounds; this
 * struct holds the values. To add one: a member here, a row there; the tests hold every row to its own
 * bounds.
 */
#ifndef WALKV_WALKVD_WALKVD_SETTINGS_H
#define WALKV_WALKVD_WALKVD_SETTINGS_H

#include "settings.h"

/* The values of wal_sync: when a write is acknowledged. */
enum wal_sync_mode {
    WAL_SYNC_MODE_SYNC,  /* when it is on disk */
    WAL_SYNC_MODE_ASYNC, /* when the kernel has it; synced every wal_sync_interval_ns */
};

/* Sizes are bytes. */
struct walkvd_config {
    char *data_dir;
    char *socket_path;
    char *view_path;
    uint64_t view_size;
    uint64_t view_grace_ns;
    uint64_t wal_sync; /* enum wal_sync_mode */
    uint64_t wal_sync_interval_ns;
    uint64_t wal_segment_size;    /* a multiple of wal_block_size */
    uint64_t wal_block_size;      /* a power of two */
    uint64_t checkpoint_interval; /* operations; 0: not by their number */
    uint64_t checkpoint_wal_size; /* 0: not by the size of the log */
    uint64_t idempotency_window_ns;
    uint64_t idempotency_max_entries;
    uint64_t change_history;
    char *auth_tokens_file; /* empty: none, and every write is allowed */
    uint64_t max_value_size;
    uint64_t max_connections;
    uint64_t connection_bytes_in_flight; /* per connection; at least max_value_size */
    bool cold_start;
    uint64_t log_level; /* enum log_level */
};

/* For settings_load(&walkvd_settings, &config, argc, argv). */
extern const struct settings_table walkvd_settings;

#endif
