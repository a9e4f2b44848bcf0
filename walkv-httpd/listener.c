/* SPDX-License-Identifier: MIT
 * The listening socket; see listener.h. */
#include "listener.h"

#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int listener_open(const char *address)
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
    if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, 4096))
        fatal(errno == EADDRINUSE ? EX_UNAVAILABLE : EX_CONFIG, "cannot listen at %s: %s", address,
              strerror(errno));
    freeaddrinfo(info);
    return fd;
}

int listener_inherited(void)
{
    int count = sd_listen_fds(1);
    if (count < 0)
        fatal(EX_CONFIG, "LISTEN_FDS cannot be used: %s", strerror(-count));
    if (count == 0)
        return -1;
    if (count > 1)
        fatal(EX_CONFIG, "%d sockets were handed over; one is wanted", count);
    fcntl(SD_LISTEN_FDS_START, F_SETFL, fcntl(SD_LISTEN_FDS_START, F_GETFL) | O_NONBLOCK);
    return SD_LISTEN_FDS_START;
}

bool listener_is_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &bytes))
        return false;
    if (address.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
    if (address.ss_family != AF_INET6)
        return false;
    const struct in6_addr *a = &((struct sockaddr_in6 *)&address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

bool listener_is_local(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &bytes))
        return false;
    return address.ss_family == AF_UNIX || listener_is_loopback(fd);
}
