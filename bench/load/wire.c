/*
 * One session on its socket: connect, Logon, inbound dispatch with the MsgSeqNum(34) check,
 * heartbeats, Logout, and writes that keep what the socket did not take.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { HEART_BT_INT_S = 60 };

/* Queue one administrative message; the window leaves room for it in the buffer. */
static void send_admin(struct load_client *client, struct load_session *session, char msg_type,
                       const char *body) {
    if (session->out_bytes - session->out_tail < LOAD_TEMPLATE_BYTES) {
        load_violation(client, session, NULL, "no room for an administrative message");
        return;
    }
    session->out_tail +=
        load_admin_write(client->options, session, session->out + session->out_tail,
                         client->wall_ms, msg_type, body);
    session->next_out++;
    session->last_out_ns = client->now_ns;
    client->counts.messages_out++;
}

bool load_connect(struct load_client *client, struct load_session *session) {
    const struct load_options *options = client->options;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    int on = 1;
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1) {
        fprintf(stderr, "kk_load: not an IPv4 address: %s\n", options->host);
        return false;
    }
    session->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (session->fd < 0 ||
        connect(session->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "kk_load: cannot connect to %s:%u: %s\n", options->host,
                (unsigned)options->port, strerror(errno));
        return false;
    }
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client->tls != NULL) {
        session->tls = load_tls_connect(client->tls, session->fd);
        if (session->tls == NULL || fcntl(session->fd, F_SETFL, O_NONBLOCK) != 0) {
            return false;
        }
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = session->index};
    return epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, session->fd, &event) == 0;
}

void load_logon(struct load_client *client, struct load_session *session) {
    const struct load_options *options = client->options;
    char body[256];
    int length = snprintf(body, sizeof body,
                          "98=0\x01"
                          "108=%d\x01%s",
                          HEART_BT_INT_S, options->reset ? "141=Y\x01" : "");
    if (options->username != NULL) {
        snprintf(body + length, sizeof body - (size_t)length,
                 "553=%s\x01"
                 "554=%s\x01",
                 options->username, options->password == NULL ? "" : options->password);
    }
    send_admin(client, session, 'A', body);
}

void load_logout(struct load_client *client, struct load_session *session) {
    session->logging_out = true;
    send_admin(client, session, '5', "");
}

void load_heartbeat(struct load_client *client, struct load_session *session) {
    uint64_t silence_ns = client->now_ns - session->last_out_ns;
    if (session->logged_on && !session->closed && silence_ns > HEART_BT_INT_S * 900000000ULL) {
        send_admin(client, session, '0', "");
    }
}

void load_close(struct load_client *client, struct load_session *session) {
    if (session->closed) {
        return;
    }
    session->closed = true;
    close(session->fd);
    if (!session->logging_out) {
        client->lost_connections++;
        client->outstanding -= session->outstanding;
        session->outstanding = 0;
    }
}

static void answer_test_request(struct load_client *client, struct load_session *session,
                                const struct load_message *message) {
    char id[128], body[160];
    load_text(message, LOAD_F_TEST_REQ_ID, id, sizeof id);
    snprintf(body, sizeof body, "112=%s\x01", id);
    send_admin(client, session, '0', body);
}

/* False: the connection is over. */
static bool dispatch(struct load_client *client, struct load_session *session,
                     const struct load_message *message) {
    uint64_t seq = 0;
    char msg_type = load_char(message, LOAD_F_MSG_TYPE);
    if (!load_number(message, LOAD_F_SEQ, &seq) || seq != session->next_in) {
        load_violation(client, session, message, "MsgSeqNum(34) is not the next one");
        session->next_in = seq;
    }
    session->next_in++;
    client->counts.messages_in++;
    if (!session->logged_on && msg_type != 'A') {
        load_violation(client, session, message, "something before Logon(A)");
        return false;
    }
    switch (msg_type) {
    case '8':
        load_check_report(client, session, message);
        return true;
    case '9':
        load_check_cancel_reject(client, session, message);
        return true;
    case 'A':
        session->logged_on = true;
        return true;
    case '0':
        return true;
    case 'B':
        return true;
    case '1':
        answer_test_request(client, session, message);
        return true;
    case '5':
        if (!session->logging_out) {
            load_violation(client, session, message, "Logout(5) that nobody asked for");
        }
        return false;
    default:
        load_violation(client, session, message, "a message not asked for");
        return true;
    }
}

/* Handle whole messages; return the bytes used, or SIZE_MAX when the connection is over. */
static size_t consume(struct load_client *client, struct load_session *session, const char *bytes,
                      size_t length) {
    size_t used = 0;
    while (used < length) {
        struct load_message message;
        enum load_frame frame =
            load_frame(bytes + used, length - used, client->options->verify_checksum, &message);
        if (frame == LOAD_FRAME_PARTIAL && length - used < LOAD_MESSAGE_BYTES) {
            break;
        }
        if (frame != LOAD_FRAME_OK || !load_split(&message)) {
            load_violation(client, session, NULL, "garbled bytes");
            return SIZE_MAX;
        }
        if (!dispatch(client, session, &message)) {
            return SIZE_MAX;
        }
        used += message.length;
    }
    return used;
}

void load_receive(struct load_client *client, struct load_session *session) {
    char *buffer = client->receive;
    size_t kept = session->partial_length;
    ssize_t got =
        session->tls == NULL
            ? recv(session->fd, buffer + kept, LOAD_RECEIVE_BYTES, MSG_DONTWAIT)
            : load_tls_receive(client->tls, session->tls, buffer + kept, LOAD_RECEIVE_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        load_close(client, session);
        return;
    }
    client->now_ns = load_now_ns();
    client->counts.bytes_in += (uint64_t)got;
    if (session->journal != NULL && fwrite(buffer + kept, 1, (size_t)got, session->journal) == 0) {
        load_violation(client, session, NULL, "cannot write the journal of received bytes");
    }
    memcpy(buffer, session->partial, kept);
    size_t length = kept + (size_t)got;
    size_t used = consume(client, session, buffer, length);
    if (used == SIZE_MAX) {
        load_close(client, session);
        return;
    }
    session->partial_length = length - used;
    memcpy(session->partial, buffer + used, session->partial_length);
}

/* Ask for writability only while the socket refuses bytes. */
static void want_writable(struct load_client *client, struct load_session *session, bool wanted) {
    if (session->writable_wanted != wanted) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = session->index};
        event.events |= wanted ? (uint32_t)EPOLLOUT : 0;
        epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, session->fd, &event);
        session->writable_wanted = wanted;
    }
}

void load_flush(struct load_client *client, struct load_session *session) {
    if (session->closed || session->out_head == session->out_tail) {
        return;
    }
    const char *bytes = session->out + session->out_head;
    size_t length = session->out_tail - session->out_head;
    ssize_t sent = session->tls == NULL
                       ? send(session->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                       : load_tls_send(client->tls, session->tls, bytes, length);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        load_close(client, session);
        return;
    }
    session->out_head += sent > 0 ? (size_t)sent : 0;
    client->counts.bytes_out += sent > 0 ? (uint64_t)sent : 0;
    if (session->out_head == session->out_tail) {
        session->out_head = session->out_tail = 0;
    } else if (session->out_head > session->out_bytes / 2) {
        memmove(session->out, session->out + session->out_head,
                session->out_tail - session->out_head);
        session->out_tail -= session->out_head;
        session->out_head = 0;
    }
    want_writable(client, session, session->out_tail != 0);
}
