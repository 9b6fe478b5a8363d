/*
 * A pump over the small venue of venue.h, with socket pairs for counterparties and a journal in
 * memory.
 *
 * The pump's clock is set to the venue's, so frames of venue_frame are in time.  A pass is what the
 * gateway does: read, then flush.
 */
#ifndef PUMP_RIG_H
#define PUMP_RIG_H

#include "kk_pump.h"
#include "scripted_disk.h"
#include "venue.h"

#define RIG_SEED 77u
#define RIG_SEGMENT_BYTES (16u << 20)
#define RIG_EVENTS 16u
#define RIG_BYTES (8u << 20)
#define RIG_ORDER "35=D|11=n%u|55=AAPL|54=%u|60=20260101-00:00:00|38=1|40=2|44=%u|"

typedef struct rig {
    venue venue;
    kk_pump *pump;
    scripted_disk disk; /* of rig_open_durable */
    int journal_fd;
    int peers[VENUE_SESSIONS];      /* the counterparties' ends; -1: none */
    uint32_t slots[VENUE_SESSIONS]; /* of the connections */
    kk_pump_event events[RIG_EVENTS];
    uint32_t event_count;
    uint32_t orders; /* ClOrdIDs given out */
    uint8_t *bytes;  /* what rig_receive read last, RIG_BYTES */
} rig;

/*
 * `connections` slots; GARBLED above `garbled_max`, SLOW after `blocked_max_ns` and never for the
 * number of bytes.
 */
void rig_open(rig *r, uint32_t connections, uint32_t garbled_max, int64_t blocked_max_ns);
/* The same at level durable, over r->disk; idle markers come after `idle_ns`. */
void rig_open_durable(rig *r, uint32_t connections, uint64_t segment_bytes, int64_t idle_ns);
void rig_close(rig *r);
/* Waits until the group under way has ended, then flushes. */
kk_pump_flushed rig_settle(rig *r);
/* Connects a session, with bytes that came behind its Logon. */
void rig_connect(rig *r, uint32_t session, const uint8_t *input, size_t length);
/* What the gateway does when a connection is over. */
void rig_disconnect(rig *r, uint32_t session);

/* Sends bytes as the counterparty. */
void rig_send(const rig *r, uint32_t session, const void *bytes, size_t length);
/* Makes the next order of a session, buying ("1") or selling ("2"); returns its length. */
size_t rig_order(rig *r, uint32_t session, unsigned side, unsigned price, uint8_t *out);
/* Makes and sends an order. */
void rig_send_order(rig *r, uint32_t session, unsigned side, unsigned price);
/* Reads what has arrived at the counterparty, into r->bytes; its length. */
size_t rig_receive(rig *r, uint32_t session);
/* How many messages of a MsgType are in the last rig_receive of `length` bytes. */
uint32_t rig_count(const rig *r, size_t length, char msg_type);

/* kk_pump_read into r->events; how many events there are. */
uint32_t rig_read(rig *r);
/* A whole pass that leaves nothing for Python. */
kk_pump_flushed rig_pass(rig *r);
/* kk_pump_events into r->events; how many there are. */
uint32_t rig_events(rig *r);

#endif
