/* SPDX-License-Identifier: MIT
 * The listening socket; see listener.h. */
#include "listener.h"

#include "address.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static int open_tcp(const char *address)
{
    char host[128];
    const char *colon = strrchr(address, ':');
    must(colon && (size_t)(colon - address) < sizeof host); /* the settings have checked the form */
    bool brackets = *address == '[';
    size_t bytes = (size_t)(colon - address) - 2u * brackets;
    memcpy(host, address + brackets, bytes);
    host[bytes] = '\0';
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *info;
    int rc = getaddrinfo(host, colon + 1, &hints, &info);
    if (rc)
        fatal(rc == EAI_MEMORY ? EX_OSERR : EX_CONFIG, "listen: %s: %s", address, gai_strerror(rc));
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    if (fd < 0)
        fatal(EX_OSERR, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, BACKLOG))
        fatal(errno == EADDRINUSE ? EX_UNAVAILABLE : EX_CONFIG, "cannot listen at %s: %s", address,
              strerror(errno));
    freeaddrinfo(info);
    return fd;
}

/* Locks the directory of `path` against others that are about to listen there. Returns -1 with errno. */
static int lock_directory(const char *path)
{
    char copy[SETTINGS_TEXT_MAX + 1];
    strncpy(copy, path, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int new_unix_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fatal(EX_OSERR, "socket: %s", strerror(errno));
    return fd;
}

/* Removes what a killed process left at the address, and nothing else. */
static void clear_way(const struct sockaddr_un *address)
{
    struct stat st;
    const char *path = address->sun_path;
    if (lstat(path, &st)) {
        if (errno != ENOENT)
            fatal(EX_CONFIG, "listen: cannot look at %s: %s", path, strerror(errno));
        return;
    }
    if (!S_ISSOCK(st.st_mode))
        fatal(EX_CONFIG, "listen: %s exists and is not a socket", path);
    int fd = new_unix_socket();
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN)
        fatal(EX_UNAVAILABLE, "listen: another process answers at %s", path);
    if (errno != ECONNREFUSED)
        fatal(EX_CONFIG, "listen: cannot see whether anybody answers at %s: %s", path, strerror(errno));
    close(fd);
    if (unlink(path))
        fatal(EX_CONFIG, "listen: cannot remove the socket %s that is left over: %s", path, strerror(errno));
}

static void open_unix(struct listener *l, const char *path, mode_t mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    must(strlen(path) < sizeof address.sun_path); /* the settings have checked it */
    strcpy(address.sun_path, path);
    int lock = lock_directory(path);
    if (lock < 0)
        fatal(EX_CONFIG, "listen: cannot make %s: its directory: %s", path, strerror(errno));
    clear_way(&address);
    l->fd = new_unix_socket();
    mode_t before = umask(0777 & ~mode);
    int rc = bind(l->fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (rc || listen(l->fd, BACKLOG) || lstat(path, &st))
        fatal(errno == EADDRINUSE ? EX_UNAVAILABLE : EX_CONFIG, "cannot listen at %s: %s", path,
              strerror(errno));
    l->path = path;
    l->device = st.st_dev;
    l->inode = st.st_ino;
    close(lock);
}

void listener_remove(const struct listener *l)
{
    struct stat st;
    if (!l->path)
        return;
    int lock = lock_directory(l->path); /* without it there is only the small chance of a race */
    if (lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->path);
    if (lock >= 0)
        close(lock);
}

/* The socket that systemd hands over, or -1 when it hands over none. */
static int inherited(void)
{
    int count = sd_listen_fds(1);
    if (count < 0)
        fatal(EX_CONFIG, "LISTEN_FDS cannot be used: %s", strerror(-count));
    if (count == 0)
        return -1;
    if (count > 1)
        fatal(EX_CONFIG, "%d sockets were handed over; one is wanted", count);
    int flags = fcntl(SD_LISTEN_FDS_START, F_GETFL);
    if (!(flags & O_NONBLOCK))
        log_warning("the socket that was handed over is a blocking one, and will be again, for all who have "
                    "it, whenever another "
                    "worker gets it: with more than one the unit needs NonBlocking=yes");
    fcntl(SD_LISTEN_FDS_START, F_SETFL, flags | O_NONBLOCK);
    return SD_LISTEN_FDS_START;
}

void listener_open(struct listener *l, const struct httpd_config *config)
{
    size_t prefix = strlen(ADDRESS_UNIX_TEXT);
    *l = (struct listener){.fd = inherited()};
    if (l->fd >= 0)
        return;
    if (strncmp(config->listen, ADDRESS_UNIX_TEXT, prefix) == 0)
        open_unix(l, config->listen + prefix, (mode_t)strtoul(config->listen_mode, NULL, 8));
    else
        l->fd = open_tcp(config->listen);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    if (address->ss_family != AF_INET6)
        return false;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

bool listener_is_local(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &bytes))
        return false;
    return address.ss_family == AF_UNIX || is_loopback(&address);
}
