/* SPDX-License-Identifier: MIT
 *
 * walkv-snapshot: writes one snapshot of a served view and reads it back before it says that it is good.
 * walkvd starts it for a checkpoint and holds the view's pages meanwhile; killing it harms nothing.
 * On success it prints "<LSN> <bytes>" on standard output; the caller gives the file its name.
 */
#include "log.h"
#include "snapshot.h"
#include "timeslice.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { NICE = 5 };

/* True when standard output is a pipe whose other end is gone. */
static bool nobody_reads_output(void)
{
    struct pollfd output = {.fd = 1, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

int main(int argc, char **argv)
{
    log_open("walkv-snapshot", LOG_LEVEL_INFO);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("walkv-snapshot " WALKV_VERSION);
        return 0;
    }
    if (argc != 3) {
        fputs("usage: walkv-snapshot VIEW_PATH FILE\n"
              "Writes a snapshot of a served view to FILE and verifies it. Started by walkvd; VIEW_PATH must "
              "be\n"
              "served by a walkvd that holds its pages meanwhile.\n",
              argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : EX_USAGE;
    }
    /* Without walkvd nobody holds the pages. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nobody_reads_output())
        fatal(EX_UNAVAILABLE, "walkvd is gone");
    /* Requests come first. Not the lowest priority: on a busy host there would never be a snapshot, and the
     * log would grow without end. Where this is not allowed, it goes on as it is. */
    (void)!setpriority(PRIO_PROCESS, 0, NICE);
    (void)timeslice_set(TIMESLICE_LONG_NS);
    struct disk *disk = disk_system();
    /* The pages are held for as long as it takes, so no grace applies here. */
    struct view_reader *reader = view_reader_new(argv[1], NULL, UINT64_MAX);
    struct snapshot_header header;
    uint64_t bytes;
    char sentence[256];
    int rc = snapshot_make(disk, reader, argv[2], &header, &bytes, sentence, sizeof sentence);
    view_reader_free(&reader);
    if (rc == -ENOMEM)
        fatal(EX_OSERR, "%s: %s", argv[2], sentence);
    if (rc)
        fatal(rc == -ENOSPC || rc == -EDQUOT ? EX_CANTCREAT : EX_IOERR, "%s: %s", argv[2], sentence);
    printf("%" PRIu64 " %" PRIu64 "\n", header.lsn, bytes);
    return fflush(stdout) ? EX_IOERR : 0;
}
