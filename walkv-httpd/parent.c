/* SPDX-License-Identifier: MIT
 * The parent of workers; see parent.h. */
#include "parent.h"

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUICK_DEATH_NS (100 * NS_PER_MS)
#define BACK_OFF_NS    (500 * NS_PER_MS)
#define QUICK_DEATHS   3 /* in a row, before the next start waits */

struct child {
    pid_t pid; /* 0: not running */
    uint64_t started_ns;
    uint64_t start_after_ns;
    unsigned quick_deaths; /* in a row */
};

static void start(struct child *child, unsigned number, const struct httpd_config *config, int listen_fd,
                  const sigset_t *original, struct token_table *tokens)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        log_error("worker %u cannot be started: %s", number, strerror(errno));
        child->start_after_ns = clock_monotonic_ns() + BACK_OFF_NS;
        return;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        sigprocmask(SIG_SETMASK, original, NULL);
        exit(worker_run(config, listen_fd, number, tokens));
    }
    child->pid = pid;
    child->started_ns = clock_monotonic_ns();
}

static void reap(struct child *children, unsigned count, bool stopping)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (children[i].pid != pid)
                continue;
            children[i].pid = 0;
            uint64_t now = clock_monotonic_ns();
            bool quick = now - children[i].started_ns < QUICK_DEATH_NS;
            children[i].quick_deaths = quick ? children[i].quick_deaths + 1 : 0;
            children[i].start_after_ns = children[i].quick_deaths >= QUICK_DEATHS ? now + BACK_OFF_NS : 0;
            if (stopping)
                continue;
            if (WIFSIGNALED(status))
                log_warning("worker %u was killed by signal %d; starting another", i + 1, WTERMSIG(status));
            else
                log_warning("worker %u exited with status %d; starting another", i + 1, WEXITSTATUS(status));
        }
    }
}

static unsigned running(const struct child *children, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n += children[i].pid != 0;
    return n;
}

static void kill_all(const struct child *children, unsigned count, int signal)
{
    for (unsigned i = 0; i < count; i++) {
        if (children[i].pid)
            kill(children[i].pid, signal);
    }
}

int parent_run(const struct httpd_config *config, int listen_fd, struct token_table *tokens)
{
    unsigned count = (unsigned)config->workers;
    struct child *children = memory_new(count, sizeof *children, "the workers");
    sigset_t wanted, original;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGHUP); /* tokens and access log are opened anew */
    sigprocmask(SIG_BLOCK, &wanted, &original);
    sigaddset(&original, SIGHUP); /* a worker lets it in when it can take it */
    log_info("listening at %s with %u workers", config->listen, count);
    notify_status("%u workers", count);
    notify_ready(); /* connections wait in the socket until the first worker takes them */
    bool stopping = false;
    uint64_t stop_by_ns = 0;
    while (!stopping || running(children, count)) {
        uint64_t now = clock_monotonic_ns();
        for (unsigned i = 0; i < count && !stopping; i++) {
            if (!children[i].pid && now >= children[i].start_after_ns)
                start(&children[i], i + 1, config, listen_fd, &original, tokens);
        }
        if (stopping && now >= stop_by_ns) {
            kill_all(children, count, SIGKILL);
            stop_by_ns = now + NS_PER_S;
        }
        notify_alive(now);
        struct timespec wait = {0, 100 * (long)NS_PER_MS};
        int signal = sigtimedwait(&wanted, NULL, &wait);
        if ((signal == SIGTERM || signal == SIGINT) && !stopping) {
            stopping = true;
            notify_stopping();
            close(listen_fd);
            stop_by_ns = clock_monotonic_ns() + config->drain_timeout_ns + NS_PER_S;
            kill_all(children, count, SIGTERM);
        }
        if (signal == SIGHUP) {
            notify_reloading();
            token_table_reload(tokens);
            kill_all(children, count, SIGHUP);
            notify_ready();
        }
        reap(children, count, stopping);
    }
    free(children);
    return 0;
}
