/* SPDX-License-Identifier: MIT
 *
 * walkvctl: looks at a running walkvd or at the files of a stopped one, and moves data in and out.
 */
#include "ctl.h"
#include "log.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct command {
    const char *name;
    const char *operand; /* NULL: none; one blank in it: two */
    int (*run)(const struct ctl *);
    const char *help;
};

static const struct command commands[] = {
    {"status", NULL, ctl_status, "what the running walkvd says of itself"},
    {"checkpoint", NULL, ctl_checkpoint, "write a snapshot now and wait for it"},
    {"verify", "DATA_DIR", ctl_verify, "read every segment and snapshot and report each; exit 65 on damage"},
    {"dump", "DATA_DIR", ctl_dump, "print the log as JSON lines, one operation each"},
    {"repair", "DATA_DIR", ctl_repair,
     "say what is wrong and what would be lost; with --yes make a new store of the rest"},
    {"export", NULL, ctl_export, "print the state of the running store as JSON, or as JSON lines"},
    {"import", "FILE", ctl_import,
     "write what an export or an original data directory holds into the running store"},
    {"token", "new NAME", ctl_token,
     "make an access token and its line of auth_tokens_file; `token check FILE` lists one"},
};

static void usage(FILE *out)
{
    fputs("usage: walkvctl [OPTION]... COMMAND [OPERAND]\n\nCommands:\n", out);
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %-9s %s\n", commands[i].name, commands[i].operand ? commands[i].operand : "",
                commands[i].help);
    fputs("\nOptions:\n"
          "  --socket PATH       walkvd's socket (default /run/walkv/walkvd.sock, or WALKV_SOCKET)\n"
          "  --json              machine-readable output (status, checkpoint, verify, repair, token)\n"
          "  --lines             export: one JSON object a line, for large stores\n"
          "  --all               dump: also what is whole behind damage\n"
          "  --from LSN          dump: begin at this sequence number\n"
          "  --yes               repair: make the new store, and leave DATA_DIR as it is\n"
          "  --into NEW_DIR      repair: where to, instead of DATA_DIR.repaired\n"
          "  --scope SCOPE       token new: read; write, which includes it; admin, which includes both\n"
          "  --keys PATTERN      token new: it reaches these keys; a name, or with * at its end a prefix\n"
          "  --queues PATTERN    token new: it reaches these queues; both may be given several times\n"
          "  --quiet             no progress on standard error\n"
          "  --help, --version\n"
          "\n"
          "Shapes of export and import:\n"
          "  JSON        {\"key\":value,...,\"queues\":{\"name\":[value,...]}}\n"
          "  JSON lines  {\"key\":\"k\",\"value\":...} | {\"queue\":\"q\",\"value\":...} | {\"queue\":\"q\"} "
          "(empty queue)\n"
          "  import FILE takes either, from a file or from - (standard input). Keys are set, items are "
          "appended.\n"
          "  import DIR takes an original data directory: db.json in the shape above, then those entries of\n"
          "  wal.log ({\"id\",\"type\",\"status\":\"STARTED\",...} a line; types SET, DELETE, CLEAR, "
          "QUEUE_ENQUEUE,\n"
          "  QUEUE_DEQUEUE, QUEUE_CLEAR) that no {\"type\":\"COMMIT\",\"id\"} follows.\n"
          "\n"
          "Exit status: 0 done, 64 usage, 65 damaged or invalid data (repair: data would be lost),\n"
          "66 no such input, 69 walkvd does not answer (repair: it is running), 71 system error, 73 the\n"
          "store is full (repair: the new one cannot be made), 74 I/O error, 75 interrupted (repair),\n"
          "76 another protocol, 77 no right to do that, 78 data of a newer format (token: a file that is\n"
          "not good).\n",
          out);
}

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "walkvctl: %s%s; see walkvctl --help\n", what, which);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    enum {
        OPT_SOCKET = 256,
        OPT_JSON,
        OPT_LINES,
        OPT_ALL,
        OPT_FROM,
        OPT_YES,
        OPT_INTO,
        OPT_SCOPE,
        OPT_KEYS,
        OPT_QUEUES,
        OPT_QUIET,
        OPT_HELP,
        OPT_VERSION
    };
    static const struct option options[] = {
        {"socket", required_argument, NULL, OPT_SOCKET}, {"json", no_argument, NULL, OPT_JSON},
        {"lines", no_argument, NULL, OPT_LINES},         {"all", no_argument, NULL, OPT_ALL},
        {"from", required_argument, NULL, OPT_FROM},     {"yes", no_argument, NULL, OPT_YES},
        {"into", required_argument, NULL, OPT_INTO},     {"scope", required_argument, NULL, OPT_SCOPE},
        {"keys", required_argument, NULL, OPT_KEYS},     {"queues", required_argument, NULL, OPT_QUEUES},
        {"quiet", no_argument, NULL, OPT_QUIET},         {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},     {NULL, 0, NULL, 0},
    };
    log_open("walkvctl", LOG_LEVEL_INFO);
    const char *from_environment = getenv("WALKV_SOCKET");
    struct ctl ctl = {.socket_path = from_environment ? from_environment : "/run/walkv/walkvd.sock",
                      .format = "json"};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPT_SOCKET:
            ctl.socket_path = optarg;
            break;
        case OPT_JSON:
            ctl.json = true;
            break;
        case OPT_LINES:
            ctl.format = "lines";
            break;
        case OPT_ALL:
            ctl.all = true;
            break;
        case OPT_FROM: {
            char *end;
            ctl.from_lsn = strtoull(optarg, &end, 10);
            if (!*optarg || *end || *optarg == '-')
                return wrong_usage("--from takes a sequence number, not ", optarg);
            break;
        }
        case OPT_YES:
            ctl.yes = true;
            break;
        case OPT_INTO:
            if (!*optarg)
                return wrong_usage("--into takes the name of a directory", "");
            ctl.into = optarg;
            break;
        case OPT_SCOPE:
            ctl.scope = optarg;
            break;
        case OPT_KEYS:
        case OPT_QUEUES:
            if (ctl.pattern_count == TOKEN_PATTERNS_MAX)
                return wrong_usage("too many patterns: ", optarg);
            ctl.patterns[ctl.pattern_count++] =
                (struct ctl_pattern){option == OPT_KEYS ? "keys" : "queues", optarg};
            break;
        case OPT_QUIET:
            ctl.quiet = true;
            break;
        case OPT_HELP:
            usage(stdout);
            return ctl_finish_output(0);
        case OPT_VERSION:
            puts("walkvctl " WALKV_VERSION);
            return ctl_finish_output(0);
        default:
            return wrong_usage("unknown option or missing argument: ", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return wrong_usage("no command given", "");
    const char *name = argv[optind++];
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (strcmp(name, c->name) != 0)
            continue;
        if (c->operand && optind == argc)
            return wrong_usage("missing operand: ", c->operand);
        if (c->operand)
            ctl.operand = argv[optind++];
        if (c->operand && strchr(c->operand, ' ') && optind == argc)
            return wrong_usage("missing operand, as in ", c->operand);
        if (c->operand && strchr(c->operand, ' '))
            ctl.argument = argv[optind++];
        if (optind != argc)
            return wrong_usage("too many operands: ", argv[optind]);
        signal(SIGPIPE, SIG_DFL);
        return ctl_finish_output(c->run(&ctl));
    }
    return wrong_usage("unknown command: ", name);
}
