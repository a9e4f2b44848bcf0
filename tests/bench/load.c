/* SPDX-License-Identifier: MIT
 *
 * A client for what wrk cannot do: requests at a steady pace whose times are counted from when each was due,
 * and the protocols of peers that do not speak HTTP. One thread, any number of connections, one request at a
 * time on each. The requests are prepared beforehand, in a file of `LENGTH\n` and so many bytes, again and
 * again; they are sent in that order, round and round. Every answer has to begin with what is expected.
 * Prints one line of JSON.
 *
 * Paced (--pace N): request i is due at i/N seconds. If no connection is free then, it waits, and the wait is
 * a part of its time: a server that stands still for a while is not forgiven the requests that it kept from
 * being sent. Such a client takes a real-time priority if it may, so that it measures the server and not its
 * own turn. Unpaced: every connection sends its next request when its answer is there.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 512 * 1024, TIMES_MAX = 1 << 24, DRAIN_NS = 2000000000, EVENTS = 256 };

enum protocol { HTTP, RESP, MEMCACHED, BEANSTALK };
static const char *const protocol_names[] = {"http", "resp", "memcached", "beanstalk"};

struct request {
    const char *bytes;
    size_t length;
};

struct conn {
    int fd;
    bool busy;
    uint64_t due_ns;
    size_t length;
    char *buffer; /* BUFFER_BYTES and a NUL */
};

struct load {
    enum protocol protocol;
    const char *expect;
    struct request *requests;
    size_t request_count, next;
    struct conn *conns;
    unsigned conn_count;
    unsigned busy_count;
    uint32_t *times_ns;
    size_t done;
    size_t unexpected;
    char first_unexpected[200];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void read_requests(struct load *l, const char *path)
{
    FILE *in = fopen(path, "rb");
    size_t length, room = 0;
    if (in == NULL)
        err(EX_NOINPUT, "%s", path);
    while (fscanf(in, "%zu", &length) == 1) {
        char *bytes = malloc(length + 1);
        if (bytes == NULL || fgetc(in) != '\n' || fread(bytes, 1, length, in) != length)
            errx(EX_DATAERR, "%s is not a file of requests", path);
        if (l->request_count == room) {
            room = room == 0 ? 1024 : 2 * room;
            l->requests = realloc(l->requests, room * sizeof(*l->requests));
            if (l->requests == NULL)
                err(EX_OSERR, "realloc");
        }
        l->requests[l->request_count++] = (struct request){bytes, length};
    }
    fclose(in);
    if (l->request_count == 0)
        errx(EX_DATAERR, "%s is empty", path);
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            err(EX_UNAVAILABLE, "send");
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
    }
}

static void send_next(struct load *l, struct conn *c, uint64_t due_ns)
{
    const struct request *r = &l->requests[l->next];
    l->next = l->next + 1 == l->request_count ? 0 : l->next + 1;
    c->busy = true;
    l->busy_count++;
    c->due_ns = due_ns;
    send_all(c->fd, r->bytes, r->length);
}

/* Returns the length of the first answer in the buffer, or 0 while it is not whole. */
static size_t answer_length(const struct load *l, const struct conn *c)
{
    const char *line = memmem(c->buffer, c->length, "\r\n", 2);
    if (line == NULL)
        return 0;
    size_t first = (size_t)(line - c->buffer) + 2, length = first;
    unsigned long bytes = 0;
    switch (l->protocol) {
    case HTTP: {
        const char *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        const char *field = strcasestr(c->buffer, "\r\ncontent-length:");
        if (field == NULL || field > end)
            errx(EX_PROTOCOL, "an answer without Content-Length");
        length = (size_t)(end - c->buffer) + 4 + strtoul(field + 17, NULL, 10);
        break;
    }
    case RESP:
        if (c->buffer[0] == '$' && c->buffer[1] != '-')
            length = first + strtoul(c->buffer + 1, NULL, 10) + 2;
        break;
    case MEMCACHED:
        if (sscanf(c->buffer, "VALUE %*s %*u %lu", &bytes) == 1)
            length = first + bytes + 2 + 5; /* and END */
        break;
    case BEANSTALK:
        if (sscanf(c->buffer, "RESERVED %*u %lu", &bytes) == 1)
            length = first + bytes + 2;
        break;
    }
    return length <= c->length ? length : 0;
}

/* A job that is reserved is deleted, and only that ends the request. */
static bool goes_on(struct load *l, struct conn *c, size_t length)
{
    char id[32], line[64];
    if (l->protocol != BEANSTALK || sscanf(c->buffer, "RESERVED %31s", id) != 1)
        return false;
    int n = snprintf(line, sizeof(line), "delete %s\r\n", id);
    c->length -= length;
    send_all(c->fd, line, (size_t)n);
    return true;
}

/* Reads what is there; true when the request is done. */
static bool receive(struct load *l, struct conn *c)
{
    ssize_t got = recv(c->fd, c->buffer + c->length, BUFFER_BYTES - c->length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0)
        errx(EX_UNAVAILABLE, "the server closed a connection: %s",
             got < 0 ? strerror(errno) : "end of stream");
    c->length += (size_t)got;
    c->buffer[c->length] = '\0';
    size_t length = answer_length(l, c);
    if (length == 0) {
        if (c->length == BUFFER_BYTES)
            errx(EX_PROTOCOL, "an answer is too long");
        return false;
    }
    if (length != c->length)
        errx(EX_PROTOCOL, "more than one answer to a request");
    if (goes_on(l, c, length))
        return false;
    if (strncmp(c->buffer, l->expect, strlen(l->expect)) != 0 && l->unexpected++ == 0) {
        snprintf(l->first_unexpected, sizeof(l->first_unexpected), "%.*s", 190, c->buffer);
        for (char *at = l->first_unexpected; *at != '\0'; at++) {
            if (*at == '"' || *at == '\\' || *at < ' ' || *at > '~')
                *at = '.';
        }
    }
    uint64_t time_ns = now_ns() - c->due_ns;
    if (l->done < TIMES_MAX)
        l->times_ns[l->done] = time_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)time_ns;
    l->done++;
    c->length = 0;
    c->busy = false;
    l->busy_count--;
    return true;
}

static void connect_all(struct load *l, unsigned port, int poll_fd)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < l->conn_count; i++) {
        struct conn *c = &l->conns[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->buffer = malloc(BUFFER_BYTES + 1);
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->buffer == NULL || c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
            err(EX_UNAVAILABLE, "connect to port %u", port);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
            err(EX_OSERR, "epoll_ctl");
    }
}

static void set_timer(int timer, uint64_t at_ns)
{
    struct itimerspec t = {.it_value = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL) != 0)
        err(EX_OSERR, "timerfd_settime");
}

static struct conn *free_conn(struct load *l, unsigned *turn)
{
    for (unsigned i = 0; i < l->conn_count; i++) {
        struct conn *c = &l->conns[(*turn + i) % l->conn_count];
        if (!c->busy) {
            *turn = (*turn + i + 1) % l->conn_count;
            return c;
        }
    }
    return NULL;
}

/* Returns the nanoseconds from the first request to the last answer. */
static uint64_t run(struct load *l, unsigned port, double seconds, double pace)
{
    int poll_fd = epoll_create1(EPOLL_CLOEXEC),
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event events[EVENTS], timer_event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poll_fd < 0 || timer < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &timer_event) != 0)
        err(EX_OSERR, "epoll");
    connect_all(l, port, poll_fd);

    uint64_t began = now_ns(), end = began + (uint64_t)(seconds * 1e9), last = began;
    uint64_t sent = 0, expirations;
    unsigned turn = 0;
    set_timer(timer, pace > 0 ? began + 1 : end);
    if (pace <= 0) {
        for (unsigned i = 0; i < l->conn_count; i++)
            send_next(l, &l->conns[i], now_ns());
    }
    while (last < end || l->busy_count > 0) {
        int n = epoll_wait(poll_fd, events, EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c == NULL) {
                if (read(timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
                    err(EX_OSERR, "read of a timer");
            } else if (receive(l, c) && pace <= 0 && now_ns() < end) {
                send_next(l, c, now_ns());
            }
        }
        last = now_ns();
        if (last > end + DRAIN_NS)
            errx(EX_UNAVAILABLE, "%u requests were not answered", l->busy_count);
        while (pace > 0) {
            uint64_t due = began + (uint64_t)((double)sent * 1e9 / pace);
            struct conn *c;
            if (due >= end)
                break;
            if (due > now_ns()) {
                set_timer(timer, due);
                break;
            }
            if ((c = free_conn(l, &turn)) == NULL)
                break; /* the next answer comes by here */
            send_next(l, c, due);
            sent++;
        }
    }
    return last - began;
}

static double percentile_us(const struct load *l, size_t count, double share)
{
    size_t at = (size_t)((double)count * share);
    return count == 0 ? 0 : l->times_ns[at < count ? at : count - 1] / 1e3;
}

static void usage(void)
{
    fprintf(stderr,
            "usage: load --port PORT --requests FILE [--connections N] [--seconds S] [--pace PER_SECOND]\n"
            "            [--protocol http|resp|memcached|beanstalk] [--expect TEXT]\n");
    exit(EX_USAGE);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},        {"requests", required_argument, NULL, 'r'},
        {"connections", required_argument, NULL, 'c'}, {"seconds", required_argument, NULL, 's'},
        {"pace", required_argument, NULL, 'a'},        {"protocol", required_argument, NULL, 'o'},
        {"expect", required_argument, NULL, 'e'},      {NULL, 0, NULL, 0}};
    struct load load = {.expect = "HTTP/1.1 200 ", .conn_count = 1};
    unsigned long port = 0;
    double seconds = 1, pace = 0;
    const char *requests = NULL;
    bool known = true;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            port = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            requests = optarg;
            break;
        case 'c':
            load.conn_count = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 's':
            seconds = strtod(optarg, NULL);
            break;
        case 'a':
            pace = strtod(optarg, NULL);
            break;
        case 'e':
            load.expect = optarg;
            break;
        case 'o':
            known = false;
            for (unsigned i = 0; i < sizeof(protocol_names) / sizeof(*protocol_names); i++) {
                if (strcmp(optarg, protocol_names[i]) == 0) {
                    load.protocol = (enum protocol)i;
                    known = true;
                }
            }
            break;
        default:
            usage();
        }
    }
    if (optind != argc || !known || port == 0 || port > 65535 || requests == NULL || load.conn_count == 0 ||
        seconds <= 0)
        usage();
    read_requests(&load, requests);
    load.conns = calloc(load.conn_count, sizeof(*load.conns));
    load.times_ns = malloc(TIMES_MAX * sizeof(*load.times_ns));
    if (load.conns == NULL || load.times_ns == NULL)
        err(EX_OSERR, "malloc");
    bool real_time =
        pace > 0 && sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) == 0;

    uint64_t took = run(&load, (unsigned)port, seconds, pace);
    size_t count = load.done < TIMES_MAX ? load.done : TIMES_MAX;
    qsort(load.times_ns, count, sizeof(*load.times_ns), ascending);
    printf("{\"rate\":%.1f,\"requests\":%zu,\"unexpected\":%zu,\"first_unexpected\":\"%s\",\"p50_us\":%.1f,"
           "\"p90_us\":%.1f,"
           "\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,\"real_time\":%s}\n",
           (double)load.done * 1e9 / (double)took, load.done, load.unexpected, load.first_unexpected,
           percentile_us(&load, count, 0.5), percentile_us(&load, count, 0.9),
           percentile_us(&load, count, 0.99), percentile_us(&load, count, 0.999),
           percentile_us(&load, count, 1), real_time ? "true" : "false");
    return 0;
}
