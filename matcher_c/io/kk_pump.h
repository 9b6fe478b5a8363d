/*
 * The pump: sockets of logged-on sessions, drained and served in one call.
 *
 *     recv -> consume -> (frames for Python) -> seal + pwrite -> release -> send
 *
 * One pass takes what every ready socket holds, at most KK_PUMP_READ_MAX bytes of each, gives it
 * to the core, writes the records of all of it to the journal in one go and sends every report it
 * caused, to whichever session.  Nothing is sent before its record was written, at level `durable`
 * before it was synced.
 *
 * The pump knows sockets, the journal's file and the clock; what a frame means is the core's
 * business, which it calls through kk_pump_core, and Python's, to which it hands events.
 * The only C that does I/O.  One thread owns a pump.
 */
#ifndef KK_PUMP_H
#define KK_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kk_files.h"
#include "kk_journal_writer.h"

#define KK_PUMP_READ_MAX 65536          /* bytes read of one socket in one pass */
#define KK_PUMP_INPUT_BYTES 131072      /* a partial frame of the longest kind and one read */
#define KK_PUMP_FLUSH_BYTES 262144      /* records are written in pieces that stay in the cache */
#define KK_PUMP_BUFFER_BYTES 1073741824 /* address space of a journal buffer at level durable */
#define KK_PUMP_GATHER_BYTES 33554432   /* so much may gather during a sync before reading stops */
#define KK_PUMP_LATENCY_BUCKETS 128     /* four for each doubling of nanoseconds */
/* Ciphertext of one read: with the longest part of a record that was left it gives one read. */
#define KK_PUMP_CIPHER_READ_MAX 48640
#define KK_PUMP_CIPHER_PLAIN_MAX 65536  /* plaintext that is encrypted at a time */
#define KK_PUMP_CIPHER_UNSENT_MAX 81920 /* ciphertext that may wait for a socket */
#define KK_PUMP_NO_SLOT UINT32_MAX

typedef struct kk_pump kk_pump;

/* Any function; cast to its own type before it is called. */
typedef void (*kk_pump_function)(void);

/* Functions of the core, given as addresses: the pump links none of them. */
typedef struct kk_pump_core {
    void *engine;
    kk_pump_function consume;              /* kk_consume */
    kk_pump_function journal_used;         /* kk_journal_used */
    kk_pump_function journal_take;         /* kk_journal_take */
    kk_pump_function journal_bind;         /* kk_journal_bind */
    kk_pump_function next_lsn;             /* kk_next_lsn */
    kk_pump_function rings_release;        /* kk_rings_release */
    kk_pump_function rings_mark;           /* kk_rings_mark */
    kk_pump_function rings_release_marked; /* kk_rings_release_marked */
    kk_pump_function rings_ready;          /* kk_rings_ready */
    kk_pump_function ring_peek;            /* kk_ring_peek */
    kk_pump_function ring_sent;            /* kk_ring_sent */
    kk_pump_function ring_pending;         /* kk_ring_pending */
    kk_pump_function ring_free;            /* kk_ring_free */
    kk_pump_function ring_cursor;          /* kk_ring_cursor */
    kk_pump_function ring_behind;          /* kk_ring_behind */
    uint8_t *journal;                      /* the bound journal buffer */
    uint32_t sessions;                     /* capacity of the core */
} kk_pump_core;

/* What a connection may do before Python is told. */
typedef struct kk_pump_limits {
    uint32_t garbled_max; /* garbled stretches in a row */
    uint32_t reserved;
    int64_t blocked_max_ns;     /* how long a byte may wait for a blocked socket */
    uint64_t waiting_max_bytes; /* how many may wait for one, in the ring and behind it */
} kk_pump_limits;

typedef enum kk_pump_event_kind {
    KK_PUMP_FRAME = 1,     /* a whole frame that Python handles; kk_pump_handled goes on */
    KK_PUMP_CLOSED = 2,    /* the counterparty closed, or the socket failed with `error` */
    KK_PUMP_TOO_LONG = 3,  /* a frame declares more than the limit */
    KK_PUMP_GARBLED = 4,   /* more than the allowed number of garbled stretches in a row */
    KK_PUMP_SLOW = 5,      /* the reader takes too little: `limit` says what became too much */
    KK_PUMP_BEHIND = 6,    /* the ring no longer follows and has room: feed it from the journal */
    KK_PUMP_CIPHERTEXT = 7 /* something came over an encrypted connection: kk_pump_cipher_read */
} kk_pump_event_kind;

typedef enum kk_pump_limit {
    KK_PUMP_NO_LIMIT = 0,
    KK_PUMP_LIMIT_SECONDS = 1, /* blocked_max_ns */
    KK_PUMP_LIMIT_BYTES = 2    /* waiting_max_bytes */
} kk_pump_limit;

typedef struct kk_pump_event {
    uint32_t kind;
    uint32_t slot;
    uint32_t session;
    int32_t error; /* errno of KK_PUMP_CLOSED, 0 for an orderly close */
    const uint8_t *frame;
    uint32_t frame_length;
    uint32_t limit;         /* KK_PUMP_SLOW: kk_pump_limit */
    int64_t received_ns;    /* venue time of the read */
    int64_t waited_ns;      /* KK_PUMP_SLOW: how long the first byte has waited, at least */
    uint64_t waiting_bytes; /* KK_PUMP_SLOW: how many wait */
} kk_pump_event;

typedef enum kk_pump_flushed {
    KK_PUMP_DONE = 0,
    KK_PUMP_ROLL = 1, /* the next unit does not fit the segment: give another, call again */
    KK_PUMP_ERROR =
        2 /* a write or a sync failed: kk_pump_error; nothing was released, nor ever will be */
} kk_pump_flushed;

typedef struct kk_pump_statistics {
    uint64_t passes;
    uint64_t reads;
    uint64_t bytes_in;
    uint64_t sends;
    uint64_t bytes_out;
    uint64_t messages; /* applied by the fast path */
    uint64_t garbled;
    uint64_t journal_writes;
    uint64_t journal_bytes;
    uint64_t latency[KK_PUMP_LATENCY_BUCKETS]; /* messages, from socket read to socket write */
    uint64_t latency_sum_ns;
    uint64_t queued_bytes_max; /* longest ring seen when sending */
    uint32_t connections;
    uint32_t reserved;
} kk_pump_statistics;

/* NULL when memory or descriptors are not to be had.  All three tables are copied. */
kk_pump *kk_pump_new(const kk_pump_core *core, uint32_t connections, const kk_pump_limits *limits,
                     const kk_files *files);
/* Closes every connection and the epoll descriptor. */
void kk_pump_free(kk_pump *pump);
/* The descriptor on which to wait for something to do. */
int kk_pump_descriptor(const kk_pump *pump);

/* Venue time: boot-time clock plus `offset_ns`, never below what was given before. */
void kk_pump_clock(kk_pump *pump, int64_t offset_ns, int64_t not_below_ns);
int64_t kk_pump_now(kk_pump *pump);

/*
 * Takes over a connected non-blocking socket for a session with an attached ring; `input` holds
 * what was already read beyond the Logon.  KK_PUMP_NO_SLOT when all slots are in use.
 */
uint32_t kk_pump_add(kk_pump *pump, int fd, uint32_t session, const uint8_t *input,
                     size_t input_length);
/* Sends what the ring still releases if the socket takes it at once, then closes it. */
void kk_pump_remove(kk_pump *pump, uint32_t slot);
/* Stops reading a connection that is about to be closed; it still sends. */
void kk_pump_stop_reading(kk_pump *pump, uint32_t slot);
/* Whether bytes of this connection wait to be sent. */
bool kk_pump_sending(const kk_pump *pump, uint32_t slot);

/*
 * Level `durable`, before anything was recorded through this pump: records go to the disk in
 * groups, by a thread (kk_journal_writer.h), and their bytes leave once they are there.  The engine
 * writes into one of two buffers of the pump from now on, until kk_pump_free, after which it has
 * none.  `directory_fd` is of the segments' directory; everything the engine has recorded is on the
 * disk.  False when memory, a descriptor or a thread is not to be had.
 */
bool kk_pump_durable(kk_pump *pump, int directory_fd, int64_t idle_ns);
/* Readable when the thread has ended something; the pump's own descriptor wakes as well. */
int kk_pump_durable_descriptor(const kk_pump *pump);
/* Whether so much waits for the disk that nothing is read until the group under way has ended. */
bool kk_pump_backed_up(const kk_pump *pump);
/* Whether everything recorded is on the disk, as of the last flush. */
bool kk_pump_settled(const kk_pump *pump);
/* Waits until the group under way has ended; a flush then takes note of it. */
void kk_pump_wait(kk_pump *pump);
/* After everything has settled: has the last watermark written, at the end of all. */
kk_pump_flushed kk_pump_finish(kk_pump *pump);

/* Records of whole units that are not in the file yet, or not known to be. */
typedef struct kk_pump_unwritten {
    const uint8_t *records;
    uint64_t length;
    uint64_t start;  /* offset of `records` in their buffer */
    uint64_t number; /* of what the buffer is filled with: no other records ever have it */
} kk_pump_unwritten;

/*
 * Fills in what follows the written part of the journal, at most two pieces, the older one first;
 * how many there are.  They are valid until the next flush.  Always 0 at level `process`.
 */
uint32_t kk_pump_unwritten_read(const kk_pump *pump, kk_pump_unwritten pieces[2]);

typedef struct kk_pump_durability {
    uint64_t durable_lsn;
    uint64_t waiting_bytes; /* recorded, and not known to be on the disk */
    kk_journal_counts counts;
} kk_pump_durability;

/* All 0 at level `process`. */
void kk_pump_durability_read(kk_pump *pump, kk_pump_durability *durability);

/* The journal's segment: records go to `fd` from `offset` on, up to `end`. */
void kk_pump_segment(kk_pump *pump, int fd, uint64_t offset, uint64_t end, uint32_t seed);
/* Where the next record goes. */
uint64_t kk_pump_segment_offset(const kk_pump *pump);
/* KK_PUMP_ROLL: how many bytes the next unit needs. */
uint64_t kk_pump_room_needed(const kk_pump *pump);
/* KK_PUMP_ROLL: lsn of the first record that waits. */
uint64_t kk_pump_waiting_lsn(const kk_pump *pump);
int kk_pump_error(const kk_pump *pump);
/* KK_PUMP_ERROR: what failed, a kk_journal_action. */
uint32_t kk_pump_failed_action(const kk_pump *pump);

/*
 * Reads and applies what the ready sockets hold; writes at most `limit` events, one for each
 * connection at most.  A connection whose frame is with Python is not read until kk_pump_handled.
 */
uint32_t kk_pump_read(kk_pump *pump, kk_pump_event *events, uint32_t limit);
/*
 * Python has handled the frame of `slot`: goes on behind it.  Returns true and fills *event when
 * the connection has something for Python again.
 */
bool kk_pump_handled(kk_pump *pump, uint32_t slot, kk_pump_event *event);
/* Leaves the rest of a connection's input for the next pass (its share of Python is used up). */
void kk_pump_defer(kk_pump *pump, uint32_t slot, uint32_t frame_length);
/* Whether a pass would find work without any socket becoming ready: input or an event. */
bool kk_pump_pending(const kk_pump *pump);

/*
 * Writes the records made so far, releases their bytes and sends.  At level `durable`: releases and
 * sends what has become durable, and gives what has gathered to the thread if that is idle.
 */
kk_pump_flushed kk_pump_flush(kk_pump *pump);
/* After a flush: connections to feed or to cut. */
uint32_t kk_pump_events(kk_pump *pump, kk_pump_event *events, uint32_t limit);

/*
 * Encrypted connections: the caller stands between the socket and the core.
 *
 *     socket -> kk_pump_cipher_read -> caller decrypts -> kk_pump_cipher_take -> core
 *     ring -> kk_pump_cipher_plain -> caller encrypts -> kk_pump_cipher_send -> socket
 *
 * Only released bytes are ever given out, and the next ones once the ciphertext of the last ones
 * has left: what is encrypted and unsent is bounded.  Until it has left it counts as waiting.
 */

/* The connection that was just added is an encrypted one. */
void kk_pump_cipher_begin(kk_pump *pump, uint32_t slot);
/*
 * After KK_PUMP_CIPHERTEXT: reads up to KK_PUMP_CIPHER_READ_MAX bytes; how many there were.
 * 0: none yet, or with a kind in *event the connection is over.
 */
size_t kk_pump_cipher_read(kk_pump *pump, uint32_t slot, uint8_t *bytes, kk_pump_event *event);
/*
 * Gives the core what was decrypted of it, KK_PUMP_READ_MAX bytes at most.  Returns true and fills
 * *event when the connection has something for Python.
 */
bool kk_pump_cipher_take(kk_pump *pump, uint32_t slot, const uint8_t *bytes, size_t length,
                         kk_pump_event *event);

/* The counterparty has said that nothing more comes: what is read next is the end. */
void kk_pump_cipher_end(kk_pump *pump, uint32_t slot);

/* Released bytes of one encrypted connection, valid until anything else is done. */
typedef struct kk_pump_plain {
    const uint8_t *bytes;
    uint32_t length; /* KK_PUMP_CIPHER_PLAIN_MAX at most */
    uint32_t slot;
} kk_pump_plain;

/* After a flush: the next bytes to be encrypted; false when there are none. */
bool kk_pump_cipher_plain(kk_pump *pump, kk_pump_plain *plain);
/* Released bytes of this connection, whose turn it may not be; false when it can take none. */
bool kk_pump_cipher_plain_of(kk_pump *pump, uint32_t slot, kk_pump_plain *plain);
/*
 * Sends ciphertext that stands for `plain` released bytes; 0 for what the protocol says by itself.
 * False when so much waits for the socket already that this finds no room; with released bytes in
 * it the connection is over then.
 */
bool kk_pump_cipher_send(kk_pump *pump, uint32_t slot, const uint8_t *bytes, size_t length,
                         size_t plain);

void kk_pump_statistics_read(const kk_pump *pump, kk_pump_statistics *statistics);
/* Upper bound in nanoseconds of a latency bucket. */
uint64_t kk_pump_latency_bound_ns(uint32_t bucket);

#endif
