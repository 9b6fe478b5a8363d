/*
 * The pump's encrypted connections: ciphertext in and out of sockets, plaintext in and out of the
 * core.  What turns one into the other is the caller's.
 *
 * Plaintext stays in the ring until its ciphertext has left, in proportion where a socket took a
 * part, so that slow readers are measured as everywhere and a ring that is full stays full.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kk_pump_internal.h"

void kk_pump_cipher_begin(kk_pump *pump, uint32_t slot) {
    kk_assert(slot < pump->capacity && pump->connections[slot].fd >= 0);
    pump->connections[slot].cipher.on = true;
}

size_t kk_pump_cipher_read(kk_pump *pump, uint32_t slot, uint8_t *bytes, kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0 && connection->cipher.on);
    kk_assert(!connection->with_python && !connection->deferred && !connection->stopped);
    memset(event, 0, sizeof *event);
    const ssize_t length = recv(connection->fd, bytes, KK_PUMP_CIPHER_READ_MAX, MSG_DONTWAIT);
    if (length <= 0) {
        if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
            (void)kk_pump_fail(pump, slot, length == 0 ? 0 : errno, event);
        }
        return 0;
    }
    connection->received_ns = kk_pump_now(pump);
    connection->started_ns = kk_pump_monotonic_ns();
    pump->statistics.reads++;
    pump->statistics.bytes_in += (uint64_t)length;
    return (size_t)length;
}

bool kk_pump_cipher_take(kk_pump *pump, uint32_t slot, const uint8_t *bytes, size_t length,
                         kk_pump_event *event) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0 && connection->cipher.on);
    kk_assert(!connection->with_python && !connection->deferred && !connection->stopped);
    kk_assert(length <= KK_PUMP_READ_MAX && connection->input_used + length <= KK_PUMP_INPUT_BYTES);
    memcpy(connection->input + connection->input_used, bytes, length);
    connection->input_used += (uint32_t)length;
    return kk_pump_consume(pump, slot, event);
}

void kk_pump_cipher_end(kk_pump *pump, uint32_t slot) {
    kk_assert(slot < pump->capacity && pump->connections[slot].cipher.on);
    shutdown(pump->connections[slot].fd, SHUT_RD);
}

static size_t unsent(const kk_cipher *cipher) { return cipher->unsent_used - cipher->unsent_at; }

/* Gives a connection with released bytes its turn to be encrypted. */
static void ask(kk_pump *pump, uint32_t slot) {
    kk_cipher *cipher = &pump->connections[slot].cipher;

    if (!cipher->asked) {
        cipher->asked = true;
        pump->plain[pump->plain_count++] = slot;
    }
}

bool kk_pump_cipher_plain_of(kk_pump *pump, uint32_t slot, kk_pump_plain *plain) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0 && connection->cipher.on);
    if (connection->failed || unsent(&connection->cipher) > 0) {
        return false;
    }
    const uint8_t *bytes = NULL;
    const size_t released = kk_pump_look_at_queue(pump, slot, &bytes);
    plain->slot = slot;
    plain->bytes = bytes;
    plain->length =
        (uint32_t)(released < KK_PUMP_CIPHER_PLAIN_MAX ? released : KK_PUMP_CIPHER_PLAIN_MAX);
    return released > 0;
}

bool kk_pump_cipher_plain(kk_pump *pump, kk_pump_plain *plain) {
    while (pump->plain_count > 0) {
        const uint32_t slot = pump->plain[--pump->plain_count];
        pump->connections[slot].cipher.asked = false;
        if (kk_pump_cipher_plain_of(pump, slot, plain)) {
            return true;
        }
    }
    return false;
}

/* Ciphertext has left, and with it its part of the ring's bytes. */
static void count_sent(kk_pump *pump, kk_connection *connection, size_t sent) {
    kk_cipher *cipher = &connection->cipher;

    cipher->sent += sent;
    kk_assert(cipher->sent <= cipher->length);
    const uint32_t plain = (uint32_t)(cipher->plain * cipher->sent / cipher->length);
    const uint32_t more = plain > cipher->plain_sent ? plain - cipher->plain_sent : 0;
    cipher->plain_sent += more;
    connection->sent += more;
    if (more > 0) {
        ((kk_ring_sent_function)pump->core.ring_sent)(pump->core.engine, connection->session, more);
    }
    pump->statistics.sends++;
    pump->statistics.bytes_out += sent;
}

/* Gives bytes to the socket until it takes no more; how many it took. */
static size_t give(kk_pump *pump, uint32_t slot, const uint8_t *bytes, size_t length) {
    kk_connection *connection = &pump->connections[slot];
    size_t given = 0;

    while (given < length) {
        const ssize_t sent =
            send(connection->fd, bytes + given, length - given, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            if (errno != EAGAIN) {
                kk_pump_send_failed(pump, slot, errno);
            }
            break;
        }
        count_sent(pump, connection, (size_t)sent);
        given += (size_t)sent;
    }
    return given;
}

/* What follows an attempt to send: a wait for the socket, or the next turn. */
static void settle(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];

    if (connection->failed) {
        return;
    }
    const uint8_t *bytes = NULL;
    const size_t released = kk_pump_look_at_queue(pump, slot, &bytes);
    if (unsent(&connection->cipher) > 0) {
        kk_pump_block(pump, slot, released > 0 ? released : 1);
    } else if (released > 0) {
        ask(pump, slot);
    } else {
        kk_pump_unblock(pump, slot);
    }
    kk_pump_update_interest(pump, slot);
    kk_pump_tell(pump, slot);
}

void kk_pump_cipher_go_on(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];
    kk_cipher *cipher = &connection->cipher;

    if (!connection->failed && unsent(cipher) > 0) {
        cipher->unsent_at +=
            (uint32_t)give(pump, slot, cipher->unsent + cipher->unsent_at, unsent(cipher));
    }
    settle(pump, slot);
}

/* Keeps what the socket did not take, behind what is kept already. */
static bool keep(kk_cipher *cipher, const uint8_t *bytes, size_t length) {
    if (cipher->unsent == NULL) {
        cipher->unsent = malloc(KK_PUMP_CIPHER_UNSENT_MAX);
    }
    if (cipher->unsent == NULL || cipher->unsent_used + length > KK_PUMP_CIPHER_UNSENT_MAX) {
        return false;
    }
    memcpy(cipher->unsent + cipher->unsent_used, bytes, length);
    cipher->unsent_used += (uint32_t)length;
    return true;
}

bool kk_pump_cipher_send(kk_pump *pump, uint32_t slot, const uint8_t *bytes, size_t length,
                         size_t plain) {
    kk_connection *connection = &pump->connections[slot];
    kk_cipher *cipher = &connection->cipher;
    size_t given = 0;

    kk_assert(slot < pump->capacity && connection->fd >= 0 && cipher->on);
    kk_assert(plain <= KK_PUMP_CIPHER_PLAIN_MAX && (length > 0 || plain == 0));
    if (connection->failed || length == 0) {
        return true;
    }
    if (unsent(cipher) > 0) {
        kk_assert(plain == 0);
        cipher->length += length;
    } else {
        cipher->unsent_at = 0;
        cipher->unsent_used = 0;
        cipher->length = length;
        cipher->sent = 0;
        cipher->plain = (uint32_t)plain;
        cipher->plain_sent = 0;
        given = give(pump, slot, bytes, length);
    }
    const bool kept =
        connection->failed || given == length || keep(cipher, bytes + given, length - given);
    if (!kept && plain > 0) {
        kk_pump_send_failed(pump, slot, ENOBUFS); /* they would be given out again, for ever */
    }
    settle(pump, slot);
    return kept;
}
