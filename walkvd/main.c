/* SPDX-License-Identifier: MIT
 *
 * walkvd, the storage daemon: the one writer. main() is the order of its start and nothing else.
 */
#include "disk.h"
#include "log.h"
#include "recovery.h"
#include "server.h"
#include "socket_listener.h"
#include "walkvd_settings.h"

#include <signal.h>

int main(int argc, char **argv)
{
    struct walkvd_config config = {0};
    sigset_t hang_up; /* would end a start that takes long; the server takes it when it can */
    sigemptyset(&hang_up);
    sigaddset(&hang_up, SIGHUP);
    sigprocmask(SIG_BLOCK, &hang_up, NULL);
    log_open("walkvd", LOG_LEVEL_INFO);
    settings_load(&walkvd_settings, &config, argc, argv);
    log_set_level((enum log_level)config.log_level);

    struct token_table tokens;
    token_table_open(&tokens, config.auth_tokens_file);
    socket_listener_check(config.socket_path);
    struct recovery recovery;
    struct disk *disk = disk_system();
    int status = recovery_run(&recovery, disk, &config);
    if (status)
        fatal(status, "%s", recovery.refusal.sentence);
    status = server_run(&recovery, disk, &config, &tokens);
    recovery_close(&recovery);
    token_table_close(&tokens);
    settings_free(&walkvd_settings, &config);
    return status;
}
