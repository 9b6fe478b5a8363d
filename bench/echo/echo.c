/*
 * The floor of `make bench`: the least a FIX server can do over TCP.
 *
 * It frames by BodyLength(9), finds ClOrdID(11), and answers each order or cancel with one finished
 * ExecutionReport in which only ClOrdID(11), MsgSeqNum(34) and CheckSum(10) are patched. Logon and
 * Logout are answered, everything else is ignored. No session state, no checks, no book, no
 * journal.
 *
 * Two ways to write: `batch` (one write per read, the floor) and `each` (one write per report, what
 * a server that sends report by report pays at least).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS = 8192,
    READ_BYTES = 1 << 16,
    WRITE_BYTES = 1 << 20,
    EVENTS = 512,
    ID_BYTES = 12,
    SEQ_BYTES = 9,
    COMP_ID_BYTES = 32,
    SOH = 1
};

/* The report; `?` marks the holes. The CompIDs are constant: the client's floor mode ignores them.
 */
static const char report_text[] = "8=FIX.4.4\x01"
                                  "9=196\x01"
                                  "35=8\x01"
                                  "49=KK99\x01"
                                  "56=LOAD0001\x01"
                                  "34=?????????\x01"
                                  "52=20260101-00:00:00.000\x01"
                                  "37=123456789012\x01"
                                  "17=123456789012\x01"
                                  "150=0\x01"
                                  "39=0\x01"
                                  "11=????????????\x01"
                                  "55=AAPL\x01"
                                  "54=1\x01"
                                  "38=1000\x01"
                                  "40=2\x01"
                                  "44=189.90\x01"
                                  "59=0\x01"
                                  "151=1000\x01"
                                  "14=0\x01"
                                  "6=0\x01"
                                  "60=20260101-00:00:00.000\x01"
                                  "10=000\x01";

struct connection {
    uint64_t next_out;
    size_t in_length, out_head, out_tail;
    char *in;  /* READ_BYTES */
    char *out; /* WRITE_BYTES */
};

struct server {
    int epoll_fd;
    int listen_fd;
    bool write_each;
    size_t seq_at, id_at, sum_at;
    uint32_t base_sum;
    char report[sizeof report_text];
    struct connection *connections[CONNECTIONS];
};

static uint32_t sum_of(const char *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += (uint8_t)bytes[i];
    }
    return sum;
}

/* Find the holes and set BodyLength(9) to what it is. */
static void prepare_report(struct server *server) {
    memcpy(server->report, report_text, sizeof report_text);
    size_t length = sizeof report_text - 1, body_at = strlen("8=FIX.4.4|9=196|");
    server->seq_at = (size_t)(strstr(server->report, "\x01"
                                                     "34=") -
                              server->report) +
                     4;
    server->id_at = (size_t)(strstr(server->report, "\x01"
                                                    "11=") -
                             server->report) +
                    4;
    server->sum_at = length - 4;
    size_t body = server->sum_at - 3 - body_at;
    for (size_t i = 3; i-- > 0; body /= 10) {
        server->report[12 + i] = (char)('0' + body % 10);
    }
    server->base_sum = sum_of(server->report, server->sum_at - 3);
    server->base_sum -= (uint32_t)'?' * (SEQ_BYTES + ID_BYTES);
}

static void put_digits(char *out, size_t digits, uint64_t value) {
    for (size_t i = digits; i-- > 0; value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
}

/* Send what is queued; false when the peer is gone. */
static bool flush_out(const struct server *server, struct connection *c, int fd) {
    while (c->out_head < c->out_tail) {
        ssize_t sent =
            send(fd, c->out + c->out_head, c->out_tail - c->out_head, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.fd = fd};
            return epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0;
        }
        if (sent <= 0) {
            return false;
        }
        c->out_head += (size_t)sent;
    }
    c->out_head = c->out_tail = 0;
    return true;
}

/* Append the report for the order whose ClOrdID(11) starts at `id`. */
static void put_report(const struct server *server, struct connection *c, const char *id) {
    char *out = c->out + c->out_tail;
    size_t length = sizeof report_text - 1;
    memcpy(out, server->report, length);
    put_digits(out + server->seq_at, SEQ_BYTES, c->next_out++);
    memcpy(out + server->id_at, id, ID_BYTES);
    uint32_t sum =
        server->base_sum + sum_of(out + server->seq_at, SEQ_BYTES) + sum_of(id, ID_BYTES);
    put_digits(out + server->sum_at, 3, sum & 0xFF);
    c->out_tail += length;
}

static void put_admin(struct connection *c, char msg_type, const char *rest) {
    char body[256];
    int length = snprintf(body, sizeof body,
                          "35=%c\x01"
                          "49=KK99\x01"
                          "56=LOAD\x01"
                          "34=%llu\x01"
                          "52=20260101-00:00:00.000\x01%s",
                          msg_type, (unsigned long long)c->next_out++, rest);
    char *out = c->out + c->out_tail;
    int wrote = snprintf(out, 320,
                         "8=FIX.4.4\x01"
                         "9=%d\x01%s",
                         length, body);
    uint32_t sum = sum_of(out, (size_t)wrote);
    snprintf(out + wrote, 8, "10=%03u\x01", sum & 0xFF);
    c->out_tail += (size_t)wrote + 7;
}

/* The value of ClOrdID(11), or NULL. */
static const char *find_id(const char *body, const char *end) {
    for (const char *at = body; at != NULL && at < end;) {
        if (at[0] == '1' && at[1] == '1' && at[2] == '=' && end - at > 3 + ID_BYTES) {
            return at + 3;
        }
        at = memchr(at, SOH, (size_t)(end - at));
        at = at == NULL ? NULL : at + 1;
    }
    return NULL;
}

/* Length of the frame at `bytes`, 0 if it is not complete, -1 if it is not FIX. */
static long frame_length(const char *bytes, size_t length, size_t *body_at) {
    size_t at = 12, body = 0;
    if (length < 20) {
        return 0;
    }
    if (memcmp(bytes,
               "8=FIX.4.4\x01"
               "9=",
               12) != 0) {
        return -1;
    }
    while (at < 18 && bytes[at] != SOH) {
        body = body * 10 + (size_t)(bytes[at++] - '0');
    }
    *body_at = at + 1;
    return at + 1 + body + 7 <= length ? (long)(at + 1 + body + 7) : 0;
}

/* Answer every whole message; false when the connection is over. */
static bool answer(const struct server *server, struct connection *c, int fd) {
    size_t used = 0, body_at = 0;
    bool open = true;
    while (open && WRITE_BYTES - c->out_tail > 1024) {
        const char *frame = c->in + used;
        long length = frame_length(frame, c->in_length - used, &body_at);
        if (length <= 0) {
            open = length == 0;
            break;
        }
        char msg_type = frame[body_at + 3];
        const char *id = find_id(frame + body_at, frame + length);
        if (msg_type == 'A') {
            put_admin(c, 'A',
                      "98=0\x01"
                      "108=60\x01");
        } else if (msg_type == '5') {
            put_admin(c, '5', "");
            flush_out(server, c, fd);
            open = false;
        } else if (id != NULL) {
            put_report(server, c, id);
        }
        used += (size_t)length;
        if (server->write_each && !flush_out(server, c, fd)) {
            return false;
        }
    }
    memmove(c->in, c->in + used, c->in_length - used);
    c->in_length -= used;
    return open && flush_out(server, c, fd);
}

static void drop(struct server *server, int fd) {
    struct connection *c = server->connections[fd];
    server->connections[fd] = NULL;
    close(fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void serve(struct server *server, const struct epoll_event *ready) {
    int fd = ready->data.fd;
    struct connection *c = server->connections[fd];
    if ((ready->events & EPOLLOUT) != 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, fd, &event);
        if (!flush_out(server, c, fd)) {
            drop(server, fd);
            return;
        }
    }
    ssize_t got = 0;
    if (c->in_length < READ_BYTES) {
        got = recv(fd, c->in + c->in_length, READ_BYTES - c->in_length, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            drop(server, fd);
            return;
        }
    }
    c->in_length += got > 0 ? (size_t)got : 0;
    if (!answer(server, c, fd)) {
        drop(server, fd);
    }
}

static void accept_one(struct server *server) {
    int on = 1, fd = accept(server->listen_fd, NULL, NULL);
    if (fd < 0) {
        return;
    }
    if (fd >= CONNECTIONS) {
        close(fd);
        return;
    }
    struct connection *c = calloc(1, sizeof *c);
    char *in = malloc(READ_BYTES), *out = malloc(WRITE_BYTES);
    if (c == NULL || in == NULL || out == NULL) {
        fputs("kk_echo: no memory\n", stderr);
        exit(1);
    }
    c->in = in;
    c->out = out;
    c->next_out = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    server->connections[fd] = c;
}

/* Listen on a free port of loopback and print the line that means ready. */
static bool listen_on(struct server *server, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (server->listen_fd < 0 ||
        bind(server->listen_fd, (const struct sockaddr *)&address, size) != 0 ||
        listen(server->listen_fd, 1024) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &size) != 0) {
        perror("kk_echo");
        return false;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = server->listen_fd};
    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event);
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv) {
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL || argc > 3) {
        fputs("usage: kk_echo [PORT [batch|each]]\n", stderr);
        return 2;
    }
    server->write_each = argc == 3 && strcmp(argv[2], "each") == 0;
    server->epoll_fd = epoll_create1(0);
    prepare_report(server);
    if (!listen_on(server, (uint16_t)(argc >= 2 ? strtoul(argv[1], NULL, 10) : 0))) {
        return 1;
    }
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(server->epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == server->listen_fd) {
                accept_one(server);
            } else if (server->connections[events[i].data.fd] != NULL) {
                serve(server, &events[i]);
            }
        }
    }
}
