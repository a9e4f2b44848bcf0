/* SPDX-License-Identifier: MIT
 *
 * httpd_settings: the table of [walkv-httpd]. What stands here is what --help, the README and the parser say.
 *
 * A help text is for an operator: what the setting does, and when to change it. The defaults of the limits
 * are those of API.md, section 5.
 */
#include "httpd_settings.h"

#include "address.h"
#include "bounds.h"
#include "log.h"
#include "origin.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define MS  1000000ull
#define S   (1000 * MS)
#define H   (3600 * S)

#define FIELD(kind, member) SETTING_FIELD(kind, struct httpd_config, member)

_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_WARNING == 1 && LOG_LEVEL_INFO == 2 && LOG_LEVEL_DEBUG == 3,
               "the choices of log_level are in this order");

/* An IPv4 address or an IPv6 address in brackets, then ':' and a port. No names: what a name means may change
 * between two starts. Or "unix:" and an absolute path. */
static const char *check_listen(const char *text)
{
    static const char form[] =
        "an address and a port, such as 127.0.0.1:4000, 0.0.0.0:4000 or [::1]:4000, or "
        "unix: and an absolute path of at most 107 bytes";
    const char *colon = strrchr(text, ':');
    char address[INET6_ADDRSTRLEN + 2];
    struct in6_addr binary; /* large enough for an IPv4 address */
    size_t prefix = strlen(ADDRESS_UNIX_TEXT), length;
    uint64_t port;

    if (strncmp(text, ADDRESS_UNIX_TEXT, prefix) == 0)
        return text[prefix] == '/' && strlen(text + prefix) < sizeof(((struct sockaddr_un *)NULL)->sun_path)
                   ? NULL
                   : form;
    if (colon == NULL || (size_t)(colon - text) >= sizeof(address))
        return form;
    length = (size_t)(colon - text);
    memcpy(address, text, length);
    address[length] = '\0';
    if (settings_parse_unsigned(colon + 1, &port) < 0 || port > 65535)
        return form;
    if (address[0] == '[' && address[length - 1] == ']') {
        address[length - 1] = '\0';
        return inet_pton(AF_INET6, address + 1, &binary) == 1 ? NULL : form;
    }
    return inet_pton(AF_INET, address, &binary) == 1 ? NULL : form;
}

/* Three octal digits, with a 0 before them or without. */
static const char *check_mode(const char *text)
{
    size_t digits = strspn(text, "01234567");

    if (text[digits] != '\0' || digits < 3 || digits > 4 || (digits == 4 && text[0] != '0'))
        return "the permissions of a file as octal digits, such as 0660";
    return NULL;
}

static const char *check_proxies(const char *text)
{
    struct address_list list;
    return address_list_parse(&list, text);
}

static const char *check_access_log(const char *text)
{
    if (strcmp(text, "off") == 0 || strcmp(text, "journal") == 0 || text[0] == '/')
        return NULL;
    return "off, journal, or the absolute path of a file";
}

static const char *check_origins(const char *text)
{
    static const char form[] =
        "origins as browsers send them, separated by commas, such as "
        "https://app.example.org,http://localhost:8080: lower case, no path, no slash at "
        "the end, no * and no port that is the scheme's own";

    while (text[0] != '\0') {
        text += strspn(text, " ");
        size_t length = strcspn(text, ", ");
        if (!origin_valid((struct span){text, length}))
            return form;
        text += length;
        text += strspn(text, " ");
        if (*text != '\0' && (*text++ != ',' || *text == '\0'))
            return form;
    }
    return NULL;
}

/* Names or addresses, separated by commas; blanks around them do not count. */
static const char *check_hosts(const char *text)
{
    static const char form[] =
        "host names separated by commas, such as db.example.org,localhost; no scheme, no path";
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

    if (text[0] == '\0')
        return NULL;
    for (;;) {
        size_t length;

        text += strspn(text, " ");
        length = strspn(text, characters);
        if (length == 0)
            return form;
        text += length;
        text += strspn(text, " ");
        if (*text == '\0')
            return NULL;
        if (*text++ != ',')
            return form;
    }
}

static const struct setting settings[] = {
    {
        .group = "Where it listens",
        .name = "listen",
        FIELD(SETTING_STRING, listen),
        .default_text = "127.0.0.1:4000",
        .minimum = 1,
        .maximum = SETTINGS_TEXT_MAX,
        .check = check_listen,
        .help = "The address and port for HTTP, or unix: and the path of a Unix socket, such as "
                "unix:/run/walkv/http.sock. There is no encryption here: leave it on loopback or on a "
                "Unix socket, and let a reverse proxy speak to the network. An address that other hosts can "
                "reach needs auth_tokens_file.",
    },
    {
        .name = "listen_mode",
        FIELD(SETTING_STRING, listen_mode),
        .default_text = "0660",
        .minimum = 3,
        .maximum = 4,
        .check = check_mode,
        .help = "The permissions of the file of the Unix socket, if listen names one, whatever the umask is: "
                "whoever "
                "may write to it, and search its directory, may connect. With 0660 these are the user and "
                "the group "
                "that walkv-httpd runs as, so put the proxy into that group. Of a socket that systemd hands "
                "over, "
                "SocketMode decides.",
    },
    {
        .name = "proxy_protocol",
        FIELD(SETTING_CHOICE, proxy_protocol),
        .default_text = "off",
        .choices = "off|on",
        .help = "on: every connection begins with PROXY protocol, version 1 or 2, and one that does not is "
                "closed. "
                "Only where nobody but the proxy can connect, since whoever connects says who it is. "
                "off: it is never looked for.",
    },
    {
        .name = "trusted_proxies",
        FIELD(SETTING_STRING, trusted_proxies),
        .default_text = "",
        .minimum = 0,
        .maximum = SETTINGS_TEXT_MAX,
        .check = check_proxies,
        .help =
            "The proxies whose X-Forwarded-For says who the client is, for the access log: addresses and "
            "prefixes separated by commas, and unix: for whoever connects to a Unix socket. When empty, the "
            "client is whoever is connected.",
    },
    {
        .name = "workers",
        FIELD(SETTING_UNSIGNED, workers),
        .default_text = "0",
        .minimum = 0,
        .maximum = 256,
        .flag_only = true,
        .help =
            "Start this many worker processes and look after them, for scripts; 0: this process is the one "
            "worker. With systemd start more units instead.",
    },
    {
        .name = "worker_units",
        FIELD(SETTING_UNSIGNED, worker_units),
        .default_text = "0",
        .minimum = 0,
        .maximum = 256,
        .help = "How many units walkv-httpd@1, walkv-httpd@2 and so on belong to walkv.target; 0: one for "
                "each processor, up to 64. "
                "Read by systemd at boot and at systemctl daemon-reload; then systemctl start walkv.target "
                "starts those that "
                "were added. A walkv-httpd that is started by hand does not look at it.",
    },
    {
        .name = "allowed_hosts",
        FIELD(SETTING_STRING, allowed_hosts),
        .default_text = "",
        .minimum = 0,
        .maximum = SETTINGS_TEXT_MAX,
        .check = check_hosts,
        .help =
            "The names that a request may have in its Host header, separated by commas; others are answered "
            "with 421. When empty, only loopback names are accepted while listening on loopback or on a Unix "
            "socket, and any name otherwise. This keeps web pages from reaching the server through a name of "
            "their own: add the "
            "name "
            "that your reverse proxy passes on.",
    },
    {
        .name = "cors_allowed_origins",
        FIELD(SETTING_STRING, cors_allowed_origins),
        .default_text = "",
        .minimum = 0,
        .maximum = SETTINGS_TEXT_MAX,
        .check = check_origins,
        .help =
            "The origins, separated by commas, whose web pages may read answers and write, such as "
            "https://app.example.org. When empty, only pages of the server's own origin may. It opens the "
            "server to every script on those pages, in every browser that can reach it.",
    },
    {
        .group = "Access tokens",
        .name = "auth_tokens_file",
        FIELD(SETTING_PATH, auth_tokens_file),
        .default_text = "",
        .minimum = 0,
        .maximum = SETTINGS_TEXT_MAX,
        .help =
            "The file of access tokens, the same as in [walkvd]; walkvctl token new makes its lines. A "
            "request is then answered only with Authorization: Bearer and a token that allows it, but for "
            "/livez, /readyz, /healthz, /openapi.json, the files of the web UI and OPTIONS. credential: "
            "and a name stand for a file that systemd has loaded. Read again on SIGHUP. Empty: no token is "
            "asked for.",
    },
    {
        .name = "insecure_no_auth",
        FIELD(SETTING_BOOL, insecure_no_auth),
        .default_text = "no",
        .help = "Listen where other hosts can reach it without auth_tokens_file all the same. Whoever "
                "reaches it can "
                "then read and change everything: only behind something that keeps the others away.",
    },
    {
        .group = "Storage daemon",
        .name = "socket_path",
        FIELD(SETTING_PATH, socket_path),
        .default_text = "/run/walkv/walkvd.sock",
        .minimum = 1,
        .maximum = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
        .help =
            "The Unix socket of walkvd, the same as in [walkvd]. walkvd says there where the read view is.",
    },
    {
        .name = "view_path",
        FIELD(SETTING_PATH, view_path),
        .default_text = "/dev/shm/walkv",
        .minimum = 1,
        .maximum = SETTINGS_TEXT_MAX - 16, /* as in walkvd_settings.c */
        .help = "Where to look for the read view until walkvd has said where it is, so that a worker which "
                "starts "
                "while walkvd is away can answer reads at once. The same as in [walkvd].",
    },
    {
        .name = "write_timeout",
        FIELD(SETTING_DURATION, write_timeout_ns),
        .default_text = "5s",
        .minimum = 10 * MS,
        .maximum = H,
        .help = "How long a write waits for walkvd, for instance while that restarts, before the client gets "
                "503. "
                "Longer than a restart of walkvd takes, shorter than the patience of the proxy.",
    },
    {
        .name = "max_value_size",
        FIELD(SETTING_SIZE, max_value_size),
        .default_text = "1MiB",
        .minimum = KIB,
        .maximum = VALUE_BYTES_MAX,
        .help = "The largest value, as JSON text, that is accepted; others are answered with 413. Not larger "
                "than "
                "the setting of the same name in [walkvd].",
    },
    {
        .group = "Connections",
        .name = "max_connections",
        FIELD(SETTING_UNSIGNED, max_connections),
        .default_text = "4096",
        .minimum = 1,
        .maximum = 1000000,
        .help =
            "How many connections one worker keeps; at one more, the one that has been idle the longest is "
            "closed. Each takes a file descriptor: raise LimitNOFILE with it.",
    },
    {
        .name = "header_timeout",
        FIELD(SETTING_DURATION, header_timeout_ns),
        .default_text = "10s",
        .minimum = 10 * MS,
        .maximum = H,
        .help =
            "The time for the head of a request, from its first byte; then 408. Raise it for clients on very "
            "slow lines.",
    },
    {
        .name = "body_timeout_grace",
        FIELD(SETTING_DURATION, body_timeout_grace_ns),
        .default_text = "10s",
        .minimum = 10 * MS,
        .maximum = H,
        .help = "The time for the body of a request before body_min_rate holds.",
    },
    {
        .name = "body_min_rate",
        FIELD(SETTING_SIZE, body_min_rate),
        .default_text = "1KiB",
        .minimum = 0,
        .maximum = 1024 * MIB,
        .help =
            "The bytes per second that the body of a request must bring on average after body_timeout_grace; "
            "slower ones are answered with 408. 0: as slow as it likes.",
    },
    {
        .name = "keepalive_timeout",
        FIELD(SETTING_DURATION, keepalive_timeout_ns),
        .default_text = "75s",
        .minimum = 10 * MS,
        .maximum = 24 * H,
        .help =
            "How long an idle connection stays open. Longer than the proxy keeps its own idle connections to "
            "here, so that it is the proxy that closes and no request is lost between the two.",
    },
    {
        .name = "write_stall_timeout",
        FIELD(SETTING_DURATION, write_stall_timeout_ns),
        .default_text = "30s",
        .minimum = 10 * MS,
        .maximum = H,
        .help = "How long a client may leave a response unread before its connection is closed.",
    },
    {
        .name = "drain_timeout",
        FIELD(SETTING_DURATION, drain_timeout_ns),
        .default_text = "10s",
        .minimum = 0,
        .maximum = H,
        .help = "How long requests in progress may take to finish after SIGTERM. Shorter than TimeoutStopSec "
                "of the "
                "unit.",
    },
    {
        .name = "compression",
        FIELD(SETTING_CHOICE, compression),
        .default_text = "on",
        .choices = "off|on",
        .help = "on: lists of some size are sent as gzip to clients that ask for it with Accept-Encoding. "
                "off: never, for instance because the proxy does it.",
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
    {
        .name = "access_log",
        FIELD(SETTING_STRING, access_log),
        .default_text = "off",
        .minimum = 1,
        .maximum = SETTINGS_TEXT_MAX,
        .check = check_access_log,
        .help =
            "One line of JSON for each request: off, journal (standard error), or the absolute path of a "
            "file, "
            "which is opened anew after SIGHUP. It names clients and keys: keep it as private as the data.",
    },
};

const struct settings_table httpd_settings = {
    .program = "walkv-httpd",
    .section = "walkv-httpd",
    .summary = "A worker of walkv: it speaks HTTP, answers reads from the view and passes writes to walkvd.",
    .settings = settings,
    .count = sizeof(settings) / sizeof(settings[0]),
};
