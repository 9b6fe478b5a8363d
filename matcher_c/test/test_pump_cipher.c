/* Encrypted connections, with a toy in the place of TLS: every byte changed, a header before each
 * piece. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kk_pump_internal.h"
#include "kk_test.h"
#include "pump_rig.h"

#define FOREVER_NS INT64_C(1000000000000)
#define HEADER 7u
#define KEY 0x5Au

static uint8_t sealed[KK_PUMP_CIPHER_UNSENT_MAX + HEADER];

static kk_connection *connection_of(const rig *r, uint32_t session) {
    return &r->pump->connections[r->slots[session]];
}

/* Header and changed bytes in `sealed`; their length. */
static size_t encrypt(const uint8_t *bytes, size_t length) {
    kk_assert(length + HEADER <= sizeof sealed);
    memset(sealed, '#', HEADER);
    for (size_t i = 0; i < length; i++) {
        sealed[HEADER + i] = bytes[i] ^ KEY;
    }
    return HEADER + length;
}

static void open_rig(rig *r, uint32_t sessions) {
    rig_open(r, 4, 2, FOREVER_NS);
    for (uint32_t i = 0; i < sessions; i++) {
        rig_connect(r, i, NULL, 0);
        kk_pump_cipher_begin(r->pump, r->slots[i]);
    }
}

/* Sends an order as the counterparty: the changed bytes alone. */
static void send_order(rig *r, uint32_t session) {
    uint8_t frame[512];
    const size_t length = rig_order(r, session, 1, 100, frame);

    encrypt(frame, length);
    rig_send(r, session, sealed + HEADER, length);
}

/* Takes what came over the connection of the only event; true when something is left for Python. */
static bool take(rig *r, kk_pump_event *event) {
    uint8_t bytes[KK_PUMP_CIPHER_READ_MAX];

    kk_assert(r->event_count == 1 && r->events[0].kind == KK_PUMP_CIPHERTEXT);
    const uint32_t slot = r->events[0].slot;
    const size_t length = kk_pump_cipher_read(r->pump, slot, bytes, event);
    for (size_t i = 0; i < length; i++) {
        bytes[i] ^= KEY;
    }
    return length == 0 || kk_pump_cipher_take(r->pump, slot, bytes, length, event);
}

/* Encrypts everything that may leave; how many pieces. */
static uint32_t encrypt_all(rig *r) {
    kk_pump_plain plain;
    uint32_t pieces = 0;

    while (kk_pump_cipher_plain(r->pump, &plain)) {
        const size_t length = encrypt(plain.bytes, plain.length);
        KK_CHECK(plain.length <= KK_PUMP_CIPHER_PLAIN_MAX);
        KK_CHECK(kk_pump_cipher_send(r->pump, plain.slot, sealed, length, plain.length));
        pieces++;
    }
    return pieces;
}

/* A pass with an order in it. */
static void order_pass(rig *r, uint32_t session) {
    kk_pump_event event;

    send_order(r, session);
    KK_CHECK(rig_read(r) == 1);
    KK_CHECK(!take(r, &event));
    KK_CHECK(kk_pump_flush(r->pump) == KK_PUMP_DONE);
}

/* What has arrived at the counterparty, changed back; the toy's headers stay. */
static size_t receive(rig *r, uint32_t session) {
    const size_t length = rig_receive(r, session);

    for (size_t i = 0; i < length; i++) {
        r->bytes[i] ^= KEY;
    }
    return length;
}

static void orders_and_reports(void) {
    rig r;
    open_rig(&r, 2);
    order_pass(&r, 0);
    KK_CHECK(receive(&r, 0) == 0);
    KK_CHECK(encrypt_all(&r) == 1);

    const size_t length = receive(&r, 0);
    KK_CHECK(rig_count(&r, length, '8') == 1);
    KK_CHECK(r.bytes[0] == ('#' ^ KEY));
    KK_CHECK(!kk_pump_sending(r.pump, r.slots[0]));
    KK_CHECK(encrypt_all(&r) == 0);
    KK_CHECK(rig_read(&r) == 0);
    rig_close(&r);
}

static void frames_for_python(void) {
    rig r;
    uint8_t frame[512];
    kk_pump_event event;
    open_rig(&r, 1);
    const size_t length = venue_frame(&r.venue, 0, "35=1|112=x|", frame);
    encrypt(frame, length);
    rig_send(&r, 0, sealed + HEADER, length);

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(take(&r, &event));
    KK_CHECK(event.kind == KK_PUMP_FRAME && event.frame_length == length);
    KK_CHECK(memcmp(event.frame, frame, length) == 0);
    send_order(&r, 0);
    KK_CHECK(rig_read(&r) == 0); /* not read while Python has the frame */
    KK_CHECK(!kk_pump_handled(r.pump, r.slots[0], &event));
    KK_CHECK(rig_read(&r) == 1);
    rig_close(&r);
}

static void nothing_before_it_is_durable(void) {
    rig r;
    kk_pump_event event;
    rig_open_durable(&r, 4, RIG_SEGMENT_BYTES, FOREVER_NS);
    rig_connect(&r, 0, NULL, 0);
    kk_pump_cipher_begin(r.pump, r.slots[0]);
    scripted_disk_hold(&r.disk, true);
    send_order(&r, 0);
    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(!take(&r, &event));
    KK_CHECK(kk_pump_flush(r.pump) == KK_PUMP_DONE);

    KK_CHECK(encrypt_all(&r) == 0);
    scripted_disk_hold(&r.disk, false);
    KK_CHECK(rig_settle(&r) == KK_PUMP_DONE);
    KK_CHECK(encrypt_all(&r) == 1);
    KK_CHECK(rig_count(&r, receive(&r, 0), '8') == 1);
    rig_close(&r);
}

/* Orders until the socket takes no more. */
static void block(rig *r) {
    while (!connection_of(r, 0)->blocked) {
        order_pass(r, 0);
        encrypt_all(r);
    }
}

/* The plaintext of `length` bytes of the toy: pieces are not told apart, so reports are counted. */
static uint32_t reports(rig *r, uint32_t session) { return rig_count(r, receive(r, session), '8'); }

static void a_blocked_socket(void) {
    rig r;
    kk_pump_plain plain;
    open_rig(&r, 1);
    block(&r);
    const kk_cipher *cipher = &connection_of(&r, 0)->cipher;
    const size_t pending = kk_ring_pending(r.venue.engine, 0);

    /* The reports that wait stay plaintext: no more is encrypted while some of it is unsent. */
    for (uint32_t i = 0; i < 400; i++) {
        order_pass(&r, 0);
        KK_CHECK(encrypt_all(&r) == 0);
    }
    KK_CHECK(!kk_pump_cipher_plain_of(r.pump, r.slots[0], &plain));
    KK_CHECK(kk_ring_pending(r.venue.engine, 0) > pending);
    KK_CHECK(cipher->unsent_used - cipher->unsent_at <= KK_PUMP_CIPHER_UNSENT_MAX);
    KK_CHECK(kk_pump_sending(r.pump, r.slots[0]));

    uint32_t got = reports(&r, 0);
    for (uint32_t i = 0; i < 100 && kk_pump_sending(r.pump, r.slots[0]); i++) {
        KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
        encrypt_all(&r);
        got += reports(&r, 0);
    }
    KK_CHECK(got == r.orders);
    KK_CHECK(!connection_of(&r, 0)->blocked && r.pump->blocked_count == 0);
    rig_close(&r);
}

/* Part of the ciphertext is part of the ring: slow readers are measured as everywhere. */
static void parts_count_in_proportion(void) {
    rig r;
    int small = 4096;
    open_rig(&r, 1);
    setsockopt(connection_of(&r, 0)->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    block(&r);
    const kk_connection *connection = connection_of(&r, 0);
    const uint64_t sent_before = connection->sent;
    const uint64_t waiting_before = kk_ring_pending(r.venue.engine, 0);

    KK_CHECK(connection->cipher.plain_sent <= connection->cipher.plain);
    reports(&r, 0);
    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);

    KK_CHECK(connection->sent > sent_before);
    KK_CHECK(connection->sent + kk_ring_pending(r.venue.engine, 0) == sent_before + waiting_before);
    rig_close(&r);
}

static void slow_readers(void) {
    rig r;
    open_rig(&r, 1);
    block(&r);
    KK_CHECK(rig_events(&r) == 0);
    for (uint32_t i = 0; i < KK_PUMP_MARKS; i++) {
        connection_of(&r, 0)->marks[i].since_ns -= FOREVER_NS;
    }

    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_SLOW && r.events[0].limit == KK_PUMP_LIMIT_SECONDS);
    rig_disconnect(&r, 0);
    KK_CHECK(r.pump->blocked_count == 0 && r.pump->plain_count == 0);
    rig_close(&r);
}

/* What the protocol says by itself stands for no bytes of the ring, and has an end. */
static void words_of_the_protocol(void) {
    rig r;
    uint8_t words[4096];
    uint32_t taken = 0;
    memset(words, '#', sizeof words);
    open_rig(&r, 1);
    KK_CHECK(kk_pump_cipher_send(r.pump, r.slots[0], words, sizeof words, 0));
    KK_CHECK(rig_receive(&r, 0) == sizeof words);
    block(&r);

    while (taken < 100 && kk_pump_cipher_send(r.pump, r.slots[0], words, sizeof words, 0)) {
        taken++;
    }
    KK_CHECK(taken > 0 && taken <= KK_PUMP_CIPHER_UNSENT_MAX / sizeof words);
    KK_CHECK(kk_pump_sending(r.pump, r.slots[0]));
    rig_close(&r);
}

/* Ciphertext that finds no memory is lost, and nothing can follow it: its bytes are not offered
 * again. */
static void no_room_for_reports(void) {
    rig r;
    kk_pump_plain plain;
    open_rig(&r, 1);
    memset(sealed, '#', sizeof sealed);
    while (send(connection_of(&r, 0)->fd, sealed, sizeof sealed, MSG_DONTWAIT) > 0) {
    }
    order_pass(&r, 0);
    KK_CHECK(kk_pump_cipher_plain(r.pump, &plain));

    KK_CHECK(!kk_pump_cipher_send(r.pump, plain.slot, sealed, sizeof sealed, plain.length));
    KK_CHECK(!kk_pump_cipher_plain(r.pump, &plain));
    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].error == ENOBUFS);
    rig_close(&r);
}

static void ends(void) {
    rig r;
    kk_pump_event event;
    open_rig(&r, 2);
    order_pass(&r, 0);
    shutdown(r.peers[0], SHUT_WR);
    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(take(&r, &event));
    KK_CHECK(event.kind == KK_PUMP_CLOSED && event.error == 0);
    KK_CHECK(rig_read(&r) == 0);

    order_pass(&r, 1);
    close(r.peers[1]);
    r.peers[1] = -1;
    encrypt_all(&r); /* the bytes of session 1 go nowhere, those of session 0 are not encrypted */
    KK_CHECK(rig_events(&r) == 1);
    KK_CHECK(r.events[0].kind == KK_PUMP_CLOSED && r.events[0].session == 1);
    rig_close(&r);
}

/* The counterparty says that it is over, and leaves its socket open. */
static void told_that_it_is_over(void) {
    rig r;
    kk_pump_event event;
    open_rig(&r, 1);
    order_pass(&r, 0);
    kk_pump_cipher_end(r.pump, r.slots[0]);

    KK_CHECK(rig_read(&r) == 1);
    KK_CHECK(take(&r, &event));
    KK_CHECK(event.kind == KK_PUMP_CLOSED && event.error == 0);
    KK_CHECK(encrypt_all(&r) == 0);
    rig_close(&r);
}

/* A slot's next connection is a plain one again, and begins with nothing unsent. */
static void slots_are_used_again(void) {
    rig r;
    open_rig(&r, 1);
    block(&r);
    rig_disconnect(&r, 0);
    rig_connect(&r, 0, NULL, 0);
    KK_CHECK(!kk_pump_sending(r.pump, r.slots[0]));
    rig_send_order(&r, 0, 1, 100);

    KK_CHECK(rig_pass(&r) == KK_PUMP_DONE);
    KK_CHECK(rig_count(&r, rig_receive(&r, 0), '8') == 1);
    rig_close(&r);
}

int main(void) {
    KK_RUN(orders_and_reports, "an order comes in encrypted and its report goes out so");
    KK_RUN(frames_for_python, "an unusual frame is handed over, and nothing is read meanwhile");
    KK_RUN(nothing_before_it_is_durable, "bytes are given out once their record is durable");
    KK_RUN(a_blocked_socket, "what is encrypted and unsent is bounded, and all of it arrives");
    KK_RUN(parts_count_in_proportion, "a part that left frees its part of the ring");
    KK_RUN(slow_readers, "the age of the first waiting byte is measured");
    KK_RUN(words_of_the_protocol, "they leave in their turn, and too many find no room");
    KK_RUN(no_room_for_reports, "without room for ciphertext the connection is over");
    KK_RUN(ends, "an orderly close and a broken socket are told");
    KK_RUN(told_that_it_is_over, "a connection that is over without its socket is told too");
    KK_RUN(slots_are_used_again, "nothing of an encrypted connection is left in its slot");
    return KK_REPORT();
}
