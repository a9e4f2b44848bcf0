/* SPDX-License-Identifier: MIT
 *
 * walkvd_settings: the table of [walkvd]. What stands here is what --help, the README and the parser say.
 *
 * A help text is for an operator: what the setting does, and when to change it. A bound is there because the
 * code or the format needs it, or because beyond it the setting no longer does what its name says.
 */
#include "walkvd_settings.h"

#include "bounds.h"
#include "log.h"

#include <sys/un.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define MS  1000000ull
#define S   (1000 * MS)

#define FIELD(kind, member) SETTING_FIELD(kind, struct walkvd_config, member)

_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_WARNING == 1 && LOG_LEVEL_INFO == 2 && LOG_LEVEL_DEBUG == 3,
               "the choices of log_level are in this order");
_Static_assert(WAL_SYNC_MODE_SYNC == 0 && WAL_SYNC_MODE_ASYNC == 1,
               "the choices of wal_sync are in this order");

static const char *check_block_size(const char *text)
{
    uint64_t size = 0;

    if (settings_parse_size(text, &size) < 0 || (size & (size - 1)) != 0)
        return "a power of two: 512, 1KiB, 2KiB or 4KiB";
    return NULL;
}

static const struct setting settings[] = {
    {
        .group = "Data and read view",
        .name = "data_dir",
        FIELD(SETTING_PATH, data_dir),
        .default_text = "/var/lib/walkv",
        .minimum = 1,
        .maximum = SETTINGS_TEXT_MAX,
        .help =
            "The directory of the log and the snapshots; one walkvd at a time can own it. Put it on a local "
            "disk that honours flushes: the time of one flush is the time of one write.",
    },
    {
        .name = "view_path",
        FIELD(SETTING_PATH, view_path),
        .default_text = "/dev/shm/walkv",
        .minimum = 1,
        .maximum = SETTINGS_TEXT_MAX - 16, /* walkvd puts names of its own beside it, such as .gen */
        .help =
            "The file of the read view, which the workers map and answer reads from. It is rebuilt from the "
            "data directory whenever it is missing or in doubt; until that is done the old one stays, unless "
            "there is no memory for both. On a disk file system instead of shared memory the data may "
            "outgrow the memory. A second walkvd on this host needs another one.",
    },
    {
        .name = "view_size",
        FIELD(SETTING_SIZE, view_size),
        .default_text = "4GiB",
        .minimum = 8 * MIB,
        .maximum = 16 * TIB,
        .help =
            "How far the read view may grow. Memory is used only as data comes in; when the view is full, "
            "writes that add data are answered with 507. Raise it together with the size of /dev/shm.",
    },
    {
        .name = "view_grace",
        FIELD(SETTING_DURATION, view_grace_ns),
        .default_text = "250ms",
        .minimum = 10 * MS,
        .maximum = 10 * S,
        .help =
            "How long a page of the view that is no longer needed stays as it is for readers that are still "
            "in it. A reader that is held up for longer starts again. Raise it on a host whose processes are "
            "often paused; replaced data takes up room for that long.",
    },
    {
        .name = "cold_start",
        FIELD(SETTING_BOOL, cold_start),
        .default_text = "no",
        .flag_only = true,
        .help =
            "Build the read view anew from snapshot and log, even if the one in memory looks fit to go on "
            "with. The first thing to try if you doubt what is read.",
    },
    {
        .group = "Write-ahead log",
        .name = "wal_sync",
        FIELD(SETTING_CHOICE, wal_sync),
        .default_text = "sync",
        .choices = "sync|async",
        .help =
            "When a write is acknowledged. sync: when it is on disk, and survives power loss. async: when "
            "the "
            "kernel has it; it survives the death of every process, but a power loss takes the writes since "
            "the last wal_sync_interval. Only for data that you can produce again.",
    },
    {
        .name = "wal_sync_interval",
        FIELD(SETTING_DURATION, wal_sync_interval_ns),
        .default_text = "1s",
        .minimum = 10 * MS,
        .maximum = 60 * S,
        .help =
            "With wal_sync = async: how often the log is flushed to disk, and so the most that a power loss "
            "can take.",
    },
    {
        .name = "wal_segment_size",
        FIELD(SETTING_SIZE, wal_segment_size),
        .default_text = "64MiB",
        .minimum = 64 * KIB,
        .maximum = GIB,
        .help = "The size of one file of the log; a multiple of wal_block_size. Whole files are prepared "
                "ahead and "
                "deleted after a checkpoint, so room on the disk comes and goes in this step.",
    },
    {
        .name = "wal_block_size",
        FIELD(SETTING_SIZE, wal_block_size),
        .default_text = "512",
        .minimum = 512,
        .maximum = 4096,
        .check = check_block_size,
        .help = "Batches in the log begin at multiples of this, a power of two. 4KiB can be faster on a disk "
                "with "
                "4KiB sectors, at the price of a longer log.",
    },
    {
        .group = "Checkpoints",
        .name = "checkpoint_interval",
        FIELD(SETTING_UNSIGNED, checkpoint_interval),
        .default_text = "1000000",
        .minimum = 0,
        .maximum = 1000000000000,
        .help = "Write a snapshot after this many operations; 0: never because of their number. Fewer make a "
                "cold "
                "start faster and the log shorter, and write more to the disk.",
    },
    {
        .name = "checkpoint_wal_size",
        FIELD(SETTING_SIZE, checkpoint_wal_size),
        .default_text = "256MiB",
        .minimum = 0,
        .maximum = TIB,
        .help = "Write a snapshot when the log has grown by this much since the last one; 0: never because "
                "of its "
                "size. With this and checkpoint_interval at 0 the log grows until somebody asks for a "
                "checkpoint.",
    },
    {
        .group = "Repeated requests",
        .name = "idempotency_window",
        FIELD(SETTING_DURATION, idempotency_window_ns),
        .default_text = "24h",
        .minimum = S,
        .maximum = 365 * 24 * 3600 * S,
        .help =
            "How long the answer to a write with an Idempotency-Key is kept, so that a repeat gets it again "
            "and is not done twice. Longer than your clients go on trying.",
    },
    {
        .name = "idempotency_max_entries",
        FIELD(SETTING_UNSIGNED, idempotency_max_entries),
        .default_text = "1000000",
        .minimum = 1,
        .maximum = 1000000000,
        .help = "How many such answers are kept at most; the oldest go first, before their time. Each takes "
                "about 200 bytes of the view, and what was dequeued with it as well.",
    },
    {
        .group = "Live updates",
        .name = "change_history",
        FIELD(SETTING_UNSIGNED, change_history),
        .default_text = "100000",
        .minimum = 100,
        .maximum = 1000000000,
        .help =
            "For how many writes it is kept what they changed, so that a client of /api/events that was away "
            "goes on where it was; one that comes later has to read everything anew. Each takes about 50 "
            "bytes "
            "of the view, and all of them at most one part in 16 of view_size.",
    },
    {
        .group = "Workers",
        .name = "socket_path",
        FIELD(SETTING_PATH, socket_path),
        .default_text = "/run/walkv/walkvd.sock",
        .minimum = 1,
        .maximum = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
        .help = "The Unix socket on which workers bring the writes. Whoever may connect to it may change the "
                "data, as far as auth_tokens_file does not say otherwise.",
    },
    {
        .name = "max_connections",
        FIELD(SETTING_UNSIGNED, max_connections),
        .default_text = "256",
        .minimum = 1,
        .maximum = 65536,
        .help = "How many workers and tools may be connected to the socket at once; each worker takes one "
                "connection.",
    },
    {
        .name = "connection_bytes_in_flight",
        FIELD(SETTING_SIZE, connection_bytes_in_flight),
        .default_text = "8MiB",
        .minimum = 64 * KIB,
        .maximum = GIB,
        .help =
            "How many bytes of requests that are not answered yet are kept per connection; after that walkvd "
            "stops reading from it for a while. At least max_value_size.",
    },
    {
        .name = "max_value_size",
        FIELD(SETTING_SIZE, max_value_size),
        .default_text = "1MiB",
        .minimum = KIB,
        .maximum = VALUE_BYTES_MAX,
        .help =
            "The largest value, as JSON text, that is stored. The workers have a setting of the same name, "
            "which should not be larger. Values that are stored already stay readable when it is lowered.",
    },
    {
        .name = "auth_tokens_file",
        FIELD(SETTING_PATH, auth_tokens_file),
        .default_text = "",
        .minimum = 0,
        .maximum = SETTINGS_TEXT_MAX,
        .help =
            "The file of access tokens, the same as in [walkv-httpd]: a write that a worker brings is done "
            "only if the token of its client allows it. Root and the user that walkvd runs as need none, so "
            "that walkvctl works. credential: and a name stand for a file that systemd has loaded. Read "
            "again on "
            "SIGHUP. Empty: whoever may connect to the socket may write.",
    },
    {
        .group = "Log messages",
        .name = "log_level",
        FIELD(SETTING_CHOICE, log_level),
        .default_text = "info",
        .choices = "error|warning|info|debug",
        .help =
            "The least important messages that are written. debug is for working on walkv itself, and slow.",
    },
};

static int check(const void *opaque, char *error, size_t error_size)
{
    const struct walkvd_config *config = opaque;
    char larger[SETTINGS_NUMBER_MAX], smaller[SETTINGS_NUMBER_MAX];

    if (config->wal_segment_size % config->wal_block_size != 0) {
        settings_format_size(config->wal_segment_size, larger);
        settings_format_size(config->wal_block_size, smaller);
        snprintf(error, error_size, "wal_segment_size: %s is not a multiple of wal_block_size, which is %s",
                 larger, smaller);
        return -1;
    }
    if (config->connection_bytes_in_flight < config->max_value_size) {
        settings_format_size(config->connection_bytes_in_flight, smaller);
        settings_format_size(config->max_value_size, larger);
        snprintf(error, error_size,
                 "connection_bytes_in_flight: %s is less than max_value_size, which is %s, so that a value "
                 "of that "
                 "size could never be sent",
                 smaller, larger);
        return -1;
    }
    return 0;
}

const struct settings_table walkvd_settings = {
    .program = "walkvd",
    .section = "walkvd",
    .summary = "The storage daemon of walkv: it owns the log, the snapshots and the read view.",
    .settings = settings,
    .count = sizeof(settings) / sizeof(settings[0]),
    .check = check,
};
