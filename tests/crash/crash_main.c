/* SPDX-License-Identifier: MIT
 *
 * crash_tests: campaigns of faults against the storage core, in one program, on a disk in memory.
 *
 *     crash_tests [OPTION]... [states | faults | damage]
 *
 * Each campaign is divided among `--jobs` processes. Everything follows from the seed, which is printed. The
 * last line is "N passed, N failed", counting campaigns; the exit status is 1 when one failed.
 */
#include "clock.h"
#include "damage.h"
#include "explore.h"
#include "faults.h"
#include "log.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

struct options {
    uint64_t seed;
    uint64_t states;
    unsigned steps; /* of the workload whose crash states are explored */
    unsigned fault_steps;
    unsigned fault_sample;
    unsigned sample;
    bool async;
    uint64_t only;
    unsigned jobs;
    bool verbose;
};

/* One process of a campaign, and what it tells the one that started it. */
struct report {
    uint64_t done; /* states, faults, mutations */
    uint64_t detail[6];
    uint64_t failures;
};

struct job {
    const struct options *options;
    unsigned number;
    int out_fd; /* for people */
    int report_fd;
    const char *what;
    uint64_t told_ns;
};

static void tell(struct job *job, const struct report *report, const char *unit)
{
    uint64_t now = clock_monotonic_ns();

    if (now - job->told_ns < 5 * NS_PER_S)
        return;
    job->told_ns = now;
    dprintf(job->out_fd, "%s, job %u: %ju %s, %ju failures\n", job->what, job->number,
            (uintmax_t)report->done, unit, (uintmax_t)report->failures);
}

/* --- crash states ------------------------------------------------------------------------------------------
 */

static struct report states_report(const struct explore_result *r)
{
    return (struct report){
        .done = r->states[0] + r->states[1] + r->states[2],
        .detail = {r->states[1], r->states[2], r->changes, r->checkpoints, r->rotations, r->starts},
        .failures = r->failures,
    };
}

static void states_progress(const struct explore_result *r, void *arg)
{
    struct report report = states_report(r);
    tell(arg, &report, "states");
}

static struct report run_states(struct job *job, bool async)
{
    const struct options *o = job->options;
    struct explore_options options = {.seed = o->seed,
                                      .states = o->states,
                                      .steps = o->steps,
                                      .async = async,
                                      .jobs = o->jobs,
                                      .job = job->number,
                                      .only = o->only};
    struct explore_result result;

    explore_run(&options, &result, job->out_fd, states_progress, job);
    return states_report(&result);
}

/* --- every call fails --------------------------------------------------------------------------------------
 */

static struct report faults_report(const struct faults_result *r)
{
    return (struct report){
        .done = r->injected, .detail = {r->calls, r->survived, r->recoveries}, .failures = r->failures};
}

static void faults_progress(const struct faults_result *r, void *arg)
{
    struct report report = faults_report(r);
    tell(arg, &report, "failing calls");
}

static struct report run_faults(struct job *job, bool async)
{
    const struct options *o = job->options;
    struct faults_options options = {.seed = o->seed,
                                     .steps = o->fault_steps,
                                     .sample = o->fault_sample,
                                     .async = async,
                                     .jobs = o->jobs,
                                     .job = job->number};
    struct faults_result result;

    faults_run(&options, &result, job->out_fd, faults_progress, job);
    return faults_report(&result);
}

/* --- damage ------------------------------------------------------------------------------------------------
 */

static struct report damage_report(const struct damage_result *r)
{
    return (struct report){
        .done = r->mutations, .detail = {r->bits, r->refused, r->whole, r->files}, .failures = r->failures};
}

static void damage_progress(const struct damage_result *r, void *arg)
{
    struct report report = damage_report(r);
    tell(arg, &report, "mutations");
}

static struct report run_damage(struct job *job, bool async)
{
    const struct options *o = job->options;
    struct damage_options options = {
        .seed = o->seed, .sample = o->sample, .jobs = o->jobs, .job = job->number};
    struct damage_result result;

    (void)async;
    damage_run(&options, &result, job->out_fd, damage_progress, job);
    return damage_report(&result);
}

/* --- campaigns ---------------------------------------------------------------------------------------------
 */

struct campaign {
    const char *command;
    const char *what;
    bool async;
    struct report (*run)(struct job *, bool async);
    const char *unit;
    const char *details[6]; /* of report.detail; NULL: no more. A "*" first: the same in every job */
};

static const struct campaign campaigns[] = {
    {"states",
     "crash states, sync",
     false,
     run_states,
     "distinct states",
     {"in a recovery", "in a recovery after a cut one", "*changes of the disk", "*checkpoints", "*rotations",
      "*starts"}},
    {"states",
     "crash states, async",
     true,
     run_states,
     "distinct states",
     {"in a recovery", "in a recovery after a cut one", "*changes of the disk", "*checkpoints", "*rotations",
      "*starts"}},
    {"faults",
     "every call fails, sync",
     false,
     run_faults,
     "failing calls",
     {"*calls of a run", "gone on in spite of it", "recoveries"}},
    {"faults",
     "every call fails, async",
     true,
     run_faults,
     "failing calls",
     {"*calls of a run", "gone on in spite of it", "recoveries"}},
    {"damage",
     "damage",
     false,
     run_damage,
     "mutations",
     {"flipped bits", "refused", "whole in spite of it", "*files"}},
};

/* Runs in a process of its own; the logs of walkvd go nowhere, or to standard error. */
static void run_job(const struct campaign *c, struct job *job)
{
    if (!job->options->verbose) {
        int null = open("/dev/null", O_WRONLY);
        must(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
        close(null);
    }
    struct report report = c->run(job, c->async);
    must(write(job->report_fd, &report, sizeof(report)) == sizeof(report));
    exit(0);
}

static bool run_campaign(const struct campaign *c, const struct options *o)
{
    uint64_t began = clock_monotonic_ns();
    int pipes[JOBS_MAX], out = dup(STDOUT_FILENO);
    pid_t pids[JOBS_MAX];
    struct report sum = {0};
    bool good = true;

    must(out >= 0);
    fflush(NULL);
    for (unsigned i = 0; i < o->jobs; i++) {
        int ends[2];
        must(pipe2(ends, O_CLOEXEC) == 0);
        pids[i] = fork();
        must(pids[i] >= 0);
        if (pids[i] == 0) {
            struct job job = {o, i, out, ends[1], c->what, clock_monotonic_ns()};
            run_job(c, &job);
        }
        close(ends[1]);
        pipes[i] = ends[0];
    }
    for (unsigned i = 0; i < o->jobs; i++) {
        struct report report = {0};
        int status;

        bool told = read(pipes[i], &report, sizeof(report)) == sizeof(report);
        close(pipes[i]);
        must(waitpid(pids[i], &status, 0) == pids[i]);
        if (!told || status != 0) {
            printf("FAILED: %s, job %u ended with status 0x%x; --verbose --jobs 1 tells more\n", c->what, i,
                   (unsigned)status);
            good = false;
        }
        sum.done += report.done;
        sum.failures += report.failures;
        for (unsigned j = 0; j < 6 && c->details[j]; j++)
            sum.detail[j] = c->details[j][0] == '*' ? report.detail[j] : sum.detail[j] + report.detail[j];
    }
    close(out);
    good = good && sum.failures == 0 && sum.done > 0;
    printf("%s: seed %ju, %ju %s", c->what, (uintmax_t)o->seed, (uintmax_t)sum.done, c->unit);
    for (unsigned j = 0; j < 6 && c->details[j]; j++)
        printf(", %ju %s", (uintmax_t)sum.detail[j], c->details[j] + (c->details[j][0] == '*'));
    printf(", %ju failures, %.1f s\n", (uintmax_t)sum.failures,
           (double)(clock_monotonic_ns() - began) / (double)NS_PER_S);
    fflush(stdout);
    return good;
}

static void usage(FILE *out)
{
    fputs("usage: crash_tests [OPTION]... [states | faults | damage]\n\n"
          "  --seed N     what everything follows from (default: the time, or WALKV_SEED)\n"
          "  --states N   how many crash states to build, about, for each mode of sync (default 2000)\n"
          "  --steps N    states: length of the workload (default 60)\n"
          "  --fault-steps N   faults: the same (default 12)\n"
          "  --sync, --async   only this mode of sync\n"
          "  --fault-sample N  faults: every N-th call (default 1: every one)\n"
          "  --sample N   damage: every N-th bit and length (default 1: every one)\n"
          "  --only K     states: only change K of the workload\n"
          "  --jobs N     processes (default 2)\n"
          "  --verbose    with what walkvd logs\n",
          out);
}

int main(int argc, char **argv)
{
    enum {
        OPT_SEED = 256,
        OPT_STATES,
        OPT_STEPS,
        OPT_SYNC,
        OPT_ASYNC,
        OPT_ONLY,
        OPT_SAMPLE,
        OPT_FAULT_STEPS,
        OPT_FAULT_SAMPLE,
        OPT_JOBS,
        OPT_VERBOSE,
        OPT_HELP
    };
    static const struct option names[] = {
        {"seed", required_argument, NULL, OPT_SEED},
        {"states", required_argument, NULL, OPT_STATES},
        {"steps", required_argument, NULL, OPT_STEPS},
        {"sync", no_argument, NULL, OPT_SYNC},
        {"async", no_argument, NULL, OPT_ASYNC},
        {"only", required_argument, NULL, OPT_ONLY},
        {"jobs", required_argument, NULL, OPT_JOBS},
        {"verbose", no_argument, NULL, OPT_VERBOSE},
        {"fault-sample", required_argument, NULL, OPT_FAULT_SAMPLE},
        {"fault-steps", required_argument, NULL, OPT_FAULT_STEPS},
        {"sample", required_argument, NULL, OPT_SAMPLE},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *seed = getenv("WALKV_SEED");
    struct options o = {.seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL),
                        .states = 2000,
                        .steps = 60,
                        .fault_steps = 12,
                        .fault_sample = 1,
                        .sample = 1,
                        .jobs = 2};
    bool modes[2] = {true, true};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        switch (option) {
        case OPT_SEED:
            o.seed = number;
            break;
        case OPT_STATES:
            o.states = number;
            break;
        case OPT_STEPS:
            o.steps = (unsigned)number;
            break;
        case OPT_SYNC:
            modes[1] = false;
            break;
        case OPT_ASYNC:
            modes[0] = false;
            break;
        case OPT_ONLY:
            o.only = number;
            break;
        case OPT_FAULT_SAMPLE:
            o.fault_sample = number < 1 ? 1 : (unsigned)number;
            break;
        case OPT_FAULT_STEPS:
            o.fault_steps = (unsigned)number;
            break;
        case OPT_SAMPLE:
            o.sample = number < 1 ? 1 : (unsigned)number;
            break;
        case OPT_JOBS:
            o.jobs = number < 1 ? 1 : number > JOBS_MAX ? JOBS_MAX : (unsigned)number;
            break;
        case OPT_VERBOSE:
            o.verbose = true;
            break;
        case OPT_HELP:
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return EX_USAGE;
        }
    }
    const char *command = optind < argc ? argv[optind] : NULL;
    unsigned passed = 0, failed = 0;

    log_open("crash_tests", o.verbose ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
    for (unsigned i = 0; i < sizeof(campaigns) / sizeof(*campaigns); i++) {
        const struct campaign *c = &campaigns[i];
        if ((command && strcmp(command, c->command) != 0) || !modes[c->async])
            continue;
        if (run_campaign(c, &o))
            passed++;
        else
            failed++;
    }
    if (passed + failed == 0) {
        usage(stderr);
        return EX_USAGE;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
