/*
 * The load client of `make bench`: FIX 4.4 over real TCP, one thread, N sessions, W orders
 * outstanding on each.
 *
 * Rules it keeps:
 *  - It proves what it measures: every order and cancel must get exactly its reports (check.c).
 *  - It must not be the limit: messages are templates patched in place, reads and writes are
 * batched.
 *  - It is honest: every inbound frame is framed by BodyLength(9) and split into all its fields.
 *
 * What it leaves to others: starting servers and comparing runs (the Python modules in bench/), and
 * resends: a gap or a ResendRequest(2) is a violation here, since TCP lost nothing.
 *
 *   options.c -> struct load_options
 *   main.c    -> the loop: read (wire.c, parse.c, check.c), refill (flow.c, template.c), write
 *   result.c  -> one JSON object on standard output
 *   tls.c     -> OpenSSL, when asked for
 *   desk.c    -> another program, the desks that fetch their day again
 */
#ifndef KK_BENCH_LOAD_H
#define KK_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "histogram.h"
#include "tls.h"

enum {
    LOAD_SESSIONS_MAX = 4096,
    LOAD_COMP_ID_BYTES = 32,
    LOAD_MESSAGE_BYTES = 8192,    /* the longest frame we accept */
    LOAD_TEMPLATE_BYTES = 1024,   /* the longest frame we send */
    LOAD_RECEIVE_BYTES = 1 << 18, /* one read */
    LOAD_ID_DIGITS = 12,          /* ClOrdID(11) is a fixed-width number */
    LOAD_STAMP_BYTES = 21,        /* YYYYMMDD-HH:MM:SS.mmm */
    LOAD_LIVE_CAP = 50000         /* resting orders per session before mix only cancels */
};

enum load_mode { LOAD_PLAIN, LOAD_PARTIES, LOAD_MIX, LOAD_RESTING_CANCEL };

/* What the command line says; units in the names. */
struct load_options {
    const char *host;
    uint16_t port;
    enum load_mode mode;
    uint32_t sessions;
    char (*comp_ids)[LOAD_COMP_ID_BYTES];
    const char *target_comp_id;
    const char *account_suffix; /* Account(1) = SenderCompID + suffix; NULL: no Account */
    const char *username;       /* 553, NULL: none */
    const char *password;       /* 554, NULL: none */
    const char *symbol;
    uint32_t window;      /* operations outstanding on each session */
    uint32_t refill;      /* free places needed before a session sends again */
    uint64_t warmup_ns;   /* not measured, at the start */
    uint64_t duration_ns; /* measured */
    uint64_t drain_ns;    /* how long missing reports may take at the end */
    uint64_t capacity;    /* operations per session, at most */
    uint64_t operations;  /* stop after so many in all; 0: by time alone */
    uint64_t rate;        /* operations a second in all, answered or not; 0: as answers come */
    uint64_t id_base;     /* first ClOrdID(11) */
    uint64_t next_out;    /* first MsgSeqNum(34) we send */
    uint64_t next_in;     /* first MsgSeqNum(34) we expect */
    uint64_t seed;        /* of the order flow */
    int64_t mid_ticks;    /* the price around which orders rest, in 0.01 */
    int cpu;              /* core to run on; -1: any */
    int server_pid;       /* whose CPU time is measured; 0: nobody's */
    bool reset;           /* ResetSeqNumFlag(141)=Y */
    bool spin;            /* poll sockets without ever sleeping */
    bool floor;           /* the peer answers New to everything: check only numbers and ids */
    bool verify_checksum; /* check CheckSum(10) of every inbound frame */
    const char *tls_ca;   /* file of the CA that the server's certificate is of; NULL: no TLS */
    bool no_logout;       /* leave by closing the socket */
    const char *journal;  /* prefix of files that get every received byte; NULL: none */
};

enum load_kind { LOAD_KIND_LIMIT, LOAD_KIND_CROSS, LOAD_KIND_CANCEL, LOAD_KIND_COUNT };

enum load_state {
    LOAD_SENT,      /* nothing heard yet */
    LOAD_LIVE,      /* New received, perhaps partially filled */
    LOAD_FILLED,    /* terminal */
    LOAD_CANCELLED, /* terminal */
    LOAD_REFUSED,   /* terminal: 39=8 */
    LOAD_ANSWERED   /* a cancel that got its one answer */
};

/* One order or cancel; the index in load_session.ops gives its ClOrdID(11). 24 bytes. */
struct load_op {
    uint64_t sent_ns;
    uint32_t quantity;
    uint32_t filled;
    uint32_t target; /* of a cancel: the index of the order */
    uint8_t kind;    /* enum load_kind */
    uint8_t state;   /* enum load_state */
    uint8_t side;    /* '1' buy, '2' sell */
};

/* A finished frame whose variable parts are patched in place; offsets are 0 where absent. */
struct load_template {
    char bytes[LOAD_TEMPLATE_BYTES];
    uint32_t length;
    uint32_t seq_at, stamp_at, transact_at, id_at, orig_at, quantity_at, price_at, side_at, sum_at;
    uint32_t base_sum;  /* of all bytes before 10= without the patched ones */
    uint32_t stamp_sum; /* of both time stamps */
};

struct load_session {
    int fd;
    void *tls; /* of OpenSSL; NULL: a plain connection */
    uint32_t index;
    const char *comp_id;
    bool logged_on, logging_out, closed, writable_wanted;
    uint64_t next_out, next_in, last_exec_id;
    uint64_t last_out_ns;
    uint32_t seq_digits; /* width the templates were built for */
    int64_t stamp_ms;    /* time patched into the templates */
    struct load_template templates[LOAD_KIND_COUNT];
    struct load_op *ops;
    uint32_t op_count;
    uint32_t outstanding;
    uint32_t *live; /* candidates for a cancel; entries may have become terminal */
    uint32_t live_count;
    char *out;
    size_t out_head, out_tail, out_bytes;
    char partial[LOAD_MESSAGE_BYTES];
    size_t partial_length;
    FILE *journal;
};

struct load_counts {
    uint64_t orders, cancels, news, trades, cancelled, too_late, refused;
    uint64_t messages_in, messages_out, bytes_in, bytes_out, violations;
};

enum load_phase { LOAD_WARMUP, LOAD_MEASURE, LOAD_DRAIN, LOAD_LOGOUT, LOAD_DONE };

struct load_client {
    const struct load_options *options;
    struct load_session *sessions;
    struct load_tls *tls; /* NULL: plain connections */
    int epoll_fd;
    enum load_phase phase;
    uint64_t now_ns; /* steady clock, read once per pass */
    int64_t wall_ms; /* UTC, for SendingTime(52) */
    uint64_t random;
    uint64_t answered; /* operations whose outcome is known */
    uint64_t outstanding;
    uint64_t sent_ops;
    uint64_t paced_from_ns; /* with a rate: when the first operation was due */
    uint32_t paced_session; /* whose turn it is */
    uint32_t lost_connections;
    struct load_counts counts;
    struct kk_histogram latency;
    char *receive; /* LOAD_RECEIVE_BYTES plus room for a partial message and slack */
};

/* The fields of an inbound frame that the checks read. */
enum load_field {
    LOAD_F_NONE,
    LOAD_F_MSG_TYPE,
    LOAD_F_NEW_SEQ_NO,
    LOAD_F_SEQ,
    LOAD_F_POSS_DUP,
    LOAD_F_CL_ORD_ID,
    LOAD_F_ORIG_CL_ORD_ID,
    LOAD_F_EXEC_ID,
    LOAD_F_EXEC_TYPE,
    LOAD_F_ORD_STATUS,
    LOAD_F_ORDER_QTY,
    LOAD_F_CUM_QTY,
    LOAD_F_LEAVES_QTY,
    LOAD_F_LAST_QTY,
    LOAD_F_SIDE,
    LOAD_F_TEXT,
    LOAD_F_TEST_REQ_ID,
    LOAD_F_COUNT
};

/* One framed message; at[] are offsets of values from bytes, 0 where the field is absent. */
struct load_message {
    const char *bytes;
    size_t length;
    uint32_t body_at;
    uint32_t at[LOAD_F_COUNT];
};

enum load_frame { LOAD_FRAME_OK, LOAD_FRAME_PARTIAL, LOAD_FRAME_GARBLED };

/* options.c */
bool load_options_parse(int argc, char **argv, struct load_options *options);

/* template.c: (re)build a session's templates; patch and append one message. */
void load_templates_build(const struct load_options *options, struct load_session *session);
void load_templates_stamp(struct load_session *session, int64_t wall_ms);
size_t load_template_write(const struct load_template *template, char *out, uint64_t seq,
                           uint32_t seq_digits, uint64_t id, uint64_t orig_id,
                           const struct load_op *op, uint32_t price_ticks);
size_t load_admin_write(const struct load_options *options, const struct load_session *session,
                        char *out, int64_t wall_ms, char msg_type, const char *body);
void load_stamp_format(int64_t wall_ms, char out[LOAD_STAMP_BYTES]);
uint32_t load_digits(uint64_t value);

/* parse.c */
enum load_frame load_frame(const char *bytes, size_t length, bool verify_checksum,
                           struct load_message *message);
bool load_split(struct load_message *message);
bool load_number(const struct load_message *message, enum load_field field, uint64_t *value);
char load_char(const struct load_message *message, enum load_field field);
size_t load_text(const struct load_message *message, enum load_field field, char *out,
                 size_t out_bytes);

/* check.c */
void load_violation(struct load_client *client, const struct load_session *session,
                    const struct load_message *message, const char *what);
void load_check_report(struct load_client *client, struct load_session *session,
                       const struct load_message *message);
void load_check_cancel_reject(struct load_client *client, struct load_session *session,
                              const struct load_message *message);
void load_check_end(struct load_client *client);

/* flow.c */
void load_refill(struct load_client *client, struct load_session *session);
uint64_t load_due_ns(const struct load_client *client);
void load_pace(struct load_client *client);

/* wire.c */
bool load_connect(struct load_client *client, struct load_session *session);
void load_logon(struct load_client *client, struct load_session *session);
void load_logout(struct load_client *client, struct load_session *session);
void load_heartbeat(struct load_client *client, struct load_session *session);
void load_receive(struct load_client *client, struct load_session *session);
void load_flush(struct load_client *client, struct load_session *session);
void load_close(struct load_client *client, struct load_session *session);

/* machine.c: seconds of CPU time; a value below zero means it could not be read. */
struct load_usage {
    double own_cpu_s, server_cpu_s, steal_s, busy_s;
    uint64_t clock_ns;
};
struct load_usage load_usage_read(int server_pid, uint64_t now_ns);
uint64_t load_now_ns(void);
int64_t load_wall_ms(void);

/* result.c */
void load_result_print(const struct load_client *client, const struct load_usage *begin,
                       const struct load_usage *end, const struct load_counts *at_begin,
                       const struct load_counts *at_end, uint64_t answered);

#endif
