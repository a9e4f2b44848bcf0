/* SPDX-License-Identifier: MIT
 *
 * httpd_settings: what an operator can set of an HTTP worker, [walkv-httpd] in walkv.conf.
 *
 * The table in httpd_settings.c is the only place that names a setting, its default and its bounds; this
 * struct holds the values. To add one: a member here, a row there; the tests hold every row to its own
 * bounds.
 */
#ifndef WALKV_HTTPD_HTTPD_SETTINGS_H
#define WALKV_HTTPD_HTTPD_SETTINGS_H

#include "settings.h"

/* Sizes are bytes. */
struct httpd_config {
    char *listen;          /* "address:port", an IPv6 address in brackets; or "unix:/path" */
    char *listen_mode;     /* of the file of a Unix socket, octal */
    uint64_t workers;      /* processes to start; 0: this process is the one worker */
    uint64_t worker_units; /* read by walkv-generator alone */
    char *socket_path;
    char *view_path; /* used until walkvd has said where the view is */
    uint64_t write_timeout_ns;
    uint64_t max_value_size;
    uint64_t max_connections;
    uint64_t header_timeout_ns;
    uint64_t body_timeout_grace_ns;
    uint64_t body_min_rate; /* bytes per second */
    uint64_t keepalive_timeout_ns;
    uint64_t write_stall_timeout_ns;
    uint64_t drain_timeout_ns;
    char *auth_tokens_file; /* empty: none, and every request is allowed */
    bool insecure_no_auth;
    uint64_t proxy_protocol;    /* 1: every connection begins with it */
    char *trusted_proxies;      /* as address_list_parse() reads it */
    uint64_t compression;       /* 1: lists, for whom asks for it */
    char *access_log;           /* "off", "journal" or a path */
    char *cors_allowed_origins; /* separated by commas; empty: none */
    char *allowed_hosts;        /* separated by commas; empty: the default rule of API.md, status 421 */
    uint64_t log_level;         /* enum log_level */
};

/* For settings_load(&httpd_settings, &config, argc, argv). */
extern const struct settings_table httpd_settings;

#endif
