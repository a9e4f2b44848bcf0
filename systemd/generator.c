/* SPDX-License-Identifier: MIT
 *
 * walkv-generator (systemd.generator(7)): puts as many workers into walkv.target as walkv.conf says, or one per processor.
 * systemd runs it at boot and at `systemctl daemon-reload`, before any unit starts; it must be quick and must not fail for
 * a reason that the workers themselves will give better.
 */
#include "httpd_settings.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Unless somebody asks for more: each takes a connection of walkvd, which has 256 of them by default. */
enum { WORKERS_MAX = 64 };

static uint64_t worker_count(void)
{
    struct httpd_config config = {0};
    char error[SETTINGS_ERROR_MAX];
    settings_defaults(&httpd_settings, &config);
    int rc = settings_load_file(&httpd_settings, &config, SETTINGS_DEFAULT_FILE, error, sizeof error);
    if (rc && rc != -ENOENT)
        log_error("%s; one worker per processor", error);
    uint64_t count = rc ? 0 : config.worker_units;
    settings_free(&httpd_settings, &config);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (count)
        return count;
    return processors < 1 ? 1 : processors < WORKERS_MAX ? (uint64_t)processors : WORKERS_MAX;
}

int main(int argc, char **argv)
{
    log_open("walkv-generator", LOG_LEVEL_INFO);
    if (argc != 4)
        fatal(EX_USAGE, "usage: walkv-generator NORMAL EARLY LATE; systemd calls it, see systemd.generator(7)");
    char wants[PATH_MAX], link[PATH_MAX];
    if (snprintf(wants, sizeof wants, "%s/walkv.target.wants", argv[1]) >= (int)sizeof wants - 40)
        fatal(EX_USAGE, "%s is too long", argv[1]);
    if (mkdir(wants, 0755) && errno != EEXIST)
        fatal(EX_CANTCREAT, "%s cannot be made: %s", wants, strerror(errno));
    uint64_t count = worker_count();
    for (uint64_t i = 1; i <= count; i++) {
        snprintf(link, sizeof link, "%s/walkv-httpd@%" PRIu64 ".service", wants, i);
        if (symlink(WALKV_UNIT_DIR "/walkv-httpd@.service", link) && errno != EEXIST)
            fatal(EX_CANTCREAT, "%s cannot be made: %s", link, strerror(errno));
    }
    return 0;
}
