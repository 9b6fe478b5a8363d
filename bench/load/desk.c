/*
 * Drop-copy desks that fetch their whole day over and over: N sessions, one thread.
 *
 * Each logs on with the number that its session expects, asks for everything by ResendRequest(2)
 * from 1 or 2, and asks again once all of it came.  Frames are counted by their BodyLength(9), so
 * that the desks cost little beside the server that they load. On SIGTERM they close their sockets
 * and print one JSON object: the numbers to go on with, messages, bytes, whole days, seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { DESKS_MAX = 64, BUFFER_BYTES = 1 << 20, SLACK_BYTES = 64 };

struct desk {
    int fd;
    char comp_id[LOAD_COMP_ID_BYTES];
    uint64_t next_out;
    uint64_t day;   /* messages of a day: what a resend from 1 must bring at least */
    uint32_t begin; /* BeginSeqNo(7) of this resend: 1 and 2 in turn */
    uint64_t got;   /* messages of this resend, gap fills counted by their numbers */
    char buffer[BUFFER_BYTES + SLACK_BYTES]; /* slack behind it, as load_split wants it */
    size_t length;
};

struct totals {
    uint64_t messages, bytes, days, violations;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static bool send_message(struct desk *desk, char msg_type, const char *body) {
    char text[512], frame[LOAD_TEMPLATE_BYTES], stamp[LOAD_STAMP_BYTES + 1] = {0};
    load_stamp_format(load_wall_ms(), stamp);
    int length =
        snprintf(text, sizeof text,
                 "35=%c\x01"
                 "49=%s\x01"
                 "56=KK99\x01"
                 "34=%llu\x01"
                 "52=%s\x01%s",
                 msg_type, desk->comp_id, (unsigned long long)desk->next_out++, stamp, body);
    int wrote = snprintf(frame, sizeof frame - 8,
                         "8=FIX.4.4\x01"
                         "9=%d\x01%s",
                         length, text);
    uint32_t sum = 0;
    for (int i = 0; i < wrote; i++) {
        sum += (uint8_t)frame[i];
    }
    wrote += snprintf(frame + wrote, 8, "10=%03u\x01", sum & 0xFF);
    return send(desk->fd, frame, (size_t)wrote, MSG_NOSIGNAL) == wrote;
}

static bool ask(struct desk *desk) {
    char body[32];
    desk->begin = desk->begin == 1 ? 2 : 1; /* a row of equal requests would end the session */
    desk->got = desk->begin - 1;
    snprintf(body, sizeof body,
             "7=%u\x01"
             "16=0\x01",
             desk->begin);
    return send_message(desk, '2', body);
}

static bool open_desk(struct desk *desk, const char *host, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    desk->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (desk->fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        connect(desk->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "kk_desk: cannot connect: %s\n", strerror(errno));
        return false;
    }
    return send_message(desk, 'A',
                        "98=0\x01"
                        "108=60\x01") &&
           ask(desk);
}

/* Count one frame; a day is whole when its last number came. */
static bool take(struct desk *desk, struct load_message *message, struct totals *totals) {
    uint64_t number = 0, next = 0;
    if (!load_split(message) || !load_number(message, LOAD_F_SEQ, &number)) {
        totals->violations++;
        return false;
    }
    if (load_char(message, LOAD_F_MSG_TYPE) == '5') {
        char text[256];
        load_text(message, LOAD_F_TEXT, text, sizeof text);
        fprintf(stderr, "kk_desk: %s was logged out: %s\n", desk->comp_id, text);
        return false;
    }
    totals->messages++;
    if (load_char(message, LOAD_F_MSG_TYPE) == '2') { /* it missed what was sent last time */
        char body[32];
        snprintf(body, sizeof body, "36=%llu\x01", (unsigned long long)desk->next_out + 1);
        return send_message(desk, '4', body);
    }
    if (load_char(message, LOAD_F_POSS_DUP) != 'Y' || number > desk->day) {
        return true; /* the Logon(A), and what was sent since the day was recorded */
    }
    if (number != desk->got + 1) {
        totals->violations++;
        fprintf(stderr, "kk_desk: %s got %llu, expected %llu\n", desk->comp_id,
                (unsigned long long)number, (unsigned long long)desk->got + 1);
    }
    desk->got = load_number(message, LOAD_F_NEW_SEQ_NO, &next) ? next - 1 : number;
    if (desk->got >= desk->day) {
        totals->days++;
        return ask(desk);
    }
    return true;
}

/* Read what is there; false when the connection is over. */
static bool serve(struct desk *desk, struct totals *totals) {
    ssize_t got =
        recv(desk->fd, desk->buffer + desk->length, BUFFER_BYTES - desk->length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (got <= 0) {
        return false;
    }
    totals->bytes += (uint64_t)got;
    desk->length += (size_t)got;
    size_t used = 0;
    while (used < desk->length) {
        struct load_message message;
        enum load_frame frame =
            load_frame(desk->buffer + used, desk->length - used, false, &message);
        if (frame == LOAD_FRAME_PARTIAL) {
            break;
        }
        if (frame != LOAD_FRAME_OK || !take(desk, &message, totals)) {
            return false;
        }
        used += message.length;
    }
    desk->length -= used;
    memmove(desk->buffer, desk->buffer + used, desk->length);
    return true;
}

static bool run(struct desk *desks, int count, int epoll_fd, struct totals *totals) {
    struct epoll_event events[DESKS_MAX];
    while (!stopped) {
        int ready = epoll_wait(epoll_fd, events, count, 100);
        for (int i = 0; i < ready; i++) {
            if (!serve(&desks[events[i].data.u32], totals)) {
                fprintf(stderr, "kk_desk: %s lost its connection\n",
                        desks[events[i].data.u32].comp_id);
                return false;
            }
        }
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc < 5 || (argc - 3) % 3 != 0 || (argc - 3) / 3 > DESKS_MAX) {
        fputs("usage: kk_desk HOST PORT (COMPID NEXT_OUT DAY)...\n", stderr);
        return 2;
    }
    int count = (argc - 3) / 3, epoll_fd = epoll_create1(0);
    struct desk *desks = calloc((size_t)count, sizeof desks[0]);
    struct totals totals = {0};
    if (desks == NULL || epoll_fd < 0) {
        return 2;
    }
    signal(SIGTERM, stop);
    uint64_t begun_ns = load_now_ns();
    for (int i = 0; i < count; i++) {
        struct desk *desk = &desks[i];
        snprintf(desk->comp_id, sizeof desk->comp_id, "%s", argv[3 + 3 * i]);
        desk->next_out = strtoull(argv[4 + 3 * i], NULL, 10);
        desk->day = strtoull(argv[5 + 3 * i], NULL, 10);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (!open_desk(desk, argv[1], (uint16_t)atoi(argv[2])) ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, desk->fd, &event) != 0) {
            return 2;
        }
    }
    puts("asked");
    fflush(stdout);
    bool whole = run(desks, count, epoll_fd, &totals);
    double seconds = (double)(load_now_ns() - begun_ns) / 1e9;
    printf("{\"next_out\": [");
    for (int i = 0; i < count; i++) {
        printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)desks[i].next_out);
    }
    printf("], ");
    printf("\"messages\": %llu, \"bytes\": %llu, \"days\": %llu, \"violations\": %llu, "
           "\"seconds\": %.3f}\n",
           (unsigned long long)totals.messages, (unsigned long long)totals.bytes,
           (unsigned long long)totals.days, (unsigned long long)totals.violations, seconds);
    return whole && totals.violations == 0 ? 0 : 1;
}
