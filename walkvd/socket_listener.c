/* SPDX-License-Identifier: MIT
 * walkvd's Unix socket; see socket_listener.h. */
#include "socket_listener.h"

#include "log.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

void socket_listener_check(const char *path)
{
    struct sockaddr_un address;
    if (strlen(path) >= sizeof address.sun_path)
        fatal(EX_CONFIG, "socket_path: %s is longer than %zu bytes", path, sizeof address.sun_path - 1);
    char copy[sizeof address.sun_path];
    strcpy(copy, path);
    const char *dir = dirname(copy);
    if (access(dir, W_OK | X_OK))
        fatal(EX_CONFIG, "socket_path: cannot make a socket in %s: %s", dir, strerror(errno));
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        fatal(EX_CONFIG, "socket_path: %s exists and is not a socket", path);
}

int socket_listener_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socket_listener_check(path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fatal(EX_OSERR, "socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN)
        fatal(EX_UNAVAILABLE, "another process answers at %s", path);
    unlink(path);
    close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fatal(EX_OSERR, "socket: %s", strerror(errno));
    mode_t before = umask(0117);
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (rc || listen(fd, 128))
        fatal(EX_CONFIG, "socket_path: cannot listen at %s: %s", path, strerror(errno));
    return fd;
}
