/* SPDX-License-Identifier: MIT
 *
 * walkv-httpd: a stateless HTTP worker, or with --workers a small parent of some. main() is the order of its
 * start and nothing else.
 */
#include "access_log.h"
#include "auth.h"
#include "httpd_settings.h"
#include "listener.h"
#include "log.h"
#include "parent.h"
#include "worker.h"

int main(int argc, char **argv)
{
    struct httpd_config config = {0};
    log_open("walkv-httpd", LOG_LEVEL_INFO);
    settings_load(&httpd_settings, &config, argc, argv);
    log_set_level((enum log_level)config.log_level);

    access_log_check(config.access_log);
    struct token_table tokens;
    token_table_open(&tokens, config.auth_tokens_file);
    struct listener listener;
    listener_open(&listener, &config);
    auth_check_listener(&config, &tokens, listener.fd);
    int status = config.workers ? parent_run(&config, listener.fd, &tokens)
                                : worker_run(&config, listener.fd, 0, &tokens);
    listener_remove(&listener);
    token_table_close(&tokens);
    settings_free(&httpd_settings, &config);
    return status;
}
