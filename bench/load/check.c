/*
 * What the client proves. Per session: each order gets its New once, each cancel one answer, fills
 * sum up (OrderQty(38) = CumQty(14) + LeavesQty(151) while live), ExecID(17) rises strictly, and
 * nothing is missing after draining. MsgSeqNum(34) is checked in wire.c.
 */
#include "load.h"

enum { VIOLATIONS_PRINTED = 20 };

void load_violation(struct load_client *client, const struct load_session *session,
                    const struct load_message *message, const char *what) {
    if (client->counts.violations++ >= VIOLATIONS_PRINTED) {
        return;
    }
    fprintf(stderr, "violation: %s: %s: ", session->comp_id, what);
    for (size_t i = 0; message != NULL && i < message->length; i++) {
        char byte = message->bytes[i];
        fputc(byte == 1 ? '|' : byte, stderr);
    }
    fputc('\n', stderr);
}

/* The operation named by a ClOrdID field, NULL if we never sent it. */
static struct load_op *find_op(const struct load_client *client, struct load_session *session,
                               const struct load_message *message, enum load_field field,
                               uint32_t *index) {
    uint64_t id = 0;
    if (!load_number(message, field, &id) || id < client->options->id_base ||
        id - client->options->id_base >= session->op_count) {
        return NULL;
    }
    *index = (uint32_t)(id - client->options->id_base);
    return &session->ops[*index];
}

/* The outcome of an operation is known: its place in the window is free. */
static void free_place(struct load_client *client, struct load_session *session) {
    session->outstanding--;
    client->outstanding--;
    client->answered++;
}

/* The first report of an operation: what latency means here. */
static void note_latency(struct load_client *client, const struct load_op *op) {
    if (client->phase == LOAD_MEASURE) {
        kk_histogram_add(&client->latency, client->now_ns - op->sent_ns);
    }
}

/* Do the quantities of a report fit the order: 38, 14 and 151. */
static bool quantities_fit(const struct load_message *message, const struct load_op *op,
                           uint64_t leaves) {
    uint64_t order_qty = 0, cum_qty = 0, leaves_qty = 0;
    return load_number(message, LOAD_F_ORDER_QTY, &order_qty) && order_qty == op->quantity &&
           load_number(message, LOAD_F_CUM_QTY, &cum_qty) && cum_qty == op->filled &&
           load_number(message, LOAD_F_LEAVES_QTY, &leaves_qty) && leaves_qty == leaves;
}

static const char *check_new(struct load_client *client, struct load_session *session,
                             const struct load_message *message, struct load_op *op,
                             uint32_t index) {
    bool relaxed = client->options->floor;
    if (op->state != LOAD_SENT || (op->kind == LOAD_KIND_CANCEL && !relaxed)) {
        return "a second New";
    }
    if (!relaxed && (load_char(message, LOAD_F_ORD_STATUS) != '0' ||
                     load_char(message, LOAD_F_SIDE) != (char)op->side ||
                     !quantities_fit(message, op, op->quantity))) {
        return "New with wrong status, side or quantities";
    }
    client->counts.news++;
    op->state = LOAD_LIVE;
    note_latency(client, op);
    if (op->kind == LOAD_KIND_LIMIT) {
        session->live[session->live_count++] = index;
    }
    if (op->kind != LOAD_KIND_CROSS || relaxed) {
        free_place(client, session);
    }
    return NULL;
}

static const char *check_trade(struct load_client *client, struct load_session *session,
                               const struct load_message *message, struct load_op *op) {
    uint64_t last_qty = 0;
    if (op->state != LOAD_LIVE) {
        return "a fill of an order that is not live";
    }
    if (!load_number(message, LOAD_F_LAST_QTY, &last_qty) || last_qty == 0 ||
        last_qty > op->quantity - op->filled) {
        return "a fill of nothing or of more than is left";
    }
    op->filled += (uint32_t)last_qty;
    uint32_t leaves = op->quantity - op->filled;
    if (!quantities_fit(message, op, leaves) ||
        load_char(message, LOAD_F_ORD_STATUS) != (leaves == 0 ? '2' : '1')) {
        return "a fill whose quantities or status do not add up";
    }
    client->counts.trades++;
    if (leaves == 0) {
        op->state = LOAD_FILLED;
        if (op->kind == LOAD_KIND_CROSS) {
            free_place(client, session);
        }
    }
    return NULL;
}

/* 150=4: the answer to a cancel (with 41), or the rest of an IOC order (without). */
static const char *check_cancelled(struct load_client *client, struct load_session *session,
                                   const struct load_message *message, struct load_op *op) {
    struct load_op *order = op;
    if (message->at[LOAD_F_ORIG_CL_ORD_ID] != 0) {
        uint32_t target = 0;
        order = find_op(client, session, message, LOAD_F_ORIG_CL_ORD_ID, &target);
        if (op->kind != LOAD_KIND_CANCEL || op->state != LOAD_SENT || order == NULL ||
            target != op->target) {
            return "a cancel answered twice or for another order";
        }
        op->state = LOAD_ANSWERED;
        note_latency(client, op);
    } else if (op->kind != LOAD_KIND_CROSS) {
        return "an order cancelled that nobody asked to cancel";
    }
    if (order->state != LOAD_LIVE) {
        return "a cancel of an order that is not live";
    }
    if (load_char(message, LOAD_F_ORD_STATUS) != '4' || !quantities_fit(message, order, 0)) {
        return "Canceled with wrong status or quantities";
    }
    order->state = LOAD_CANCELLED;
    client->counts.cancelled++;
    free_place(client, session);
    return NULL;
}

static const char *check_refused(struct load_client *client, struct load_session *session,
                                 struct load_op *op) {
    client->counts.refused++;
    if (op->state == LOAD_SENT) {
        op->state = LOAD_REFUSED;
        free_place(client, session);
    }
    return "order refused";
}

void load_check_report(struct load_client *client, struct load_session *session,
                       const struct load_message *message) {
    uint32_t index = 0;
    uint64_t exec_id = 0;
    struct load_op *op = find_op(client, session, message, LOAD_F_CL_ORD_ID, &index);
    if (op == NULL) {
        load_violation(client, session, message, "report for a ClOrdID(11) never sent");
        return;
    }
    if (!client->options->floor) {
        if (!load_number(message, LOAD_F_EXEC_ID, &exec_id) || exec_id <= session->last_exec_id) {
            load_violation(client, session, message, "ExecID(17) does not rise");
        }
        session->last_exec_id = exec_id;
    }
    const char *wrong;
    switch (load_char(message, LOAD_F_EXEC_TYPE)) {
    case '0':
        wrong = check_new(client, session, message, op, index);
        break;
    case 'F':
        wrong = check_trade(client, session, message, op);
        break;
    case '4':
        wrong = check_cancelled(client, session, message, op);
        break;
    case '8':
        wrong = check_refused(client, session, op);
        break;
    default:
        wrong = "a report of a kind not asked for";
        break;
    }
    if (wrong != NULL) {
        load_violation(client, session, message, wrong);
    }
}

/* Right only when a fill won the race, and that fill must have been told before. */
void load_check_cancel_reject(struct load_client *client, struct load_session *session,
                              const struct load_message *message) {
    uint32_t index = 0;
    struct load_op *op = find_op(client, session, message, LOAD_F_CL_ORD_ID, &index);
    if (op == NULL || op->kind != LOAD_KIND_CANCEL || op->state != LOAD_SENT) {
        load_violation(client, session, message, "OrderCancelReject(9) for no pending cancel");
        return;
    }
    op->state = LOAD_ANSWERED;
    note_latency(client, op);
    free_place(client, session);
    client->counts.too_late++;
    if (session->ops[op->target].state != LOAD_FILLED) {
        load_violation(client, session, message, "cancel of a live order refused");
    }
}

void load_check_end(struct load_client *client) {
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        struct load_session *session = &client->sessions[i];
        uint32_t missing = 0, first = 0;
        for (uint32_t index = 0; index < session->op_count; index++) {
            const struct load_op *op = &session->ops[index];
            bool open =
                op->state == LOAD_SENT ||
                (op->kind == LOAD_KIND_CROSS && op->state == LOAD_LIVE && !client->options->floor);
            if (open && missing++ == 0) {
                first = index;
            }
        }
        if (missing > 0) {
            char text[96];
            snprintf(text, sizeof text, "%u without their reports, first ClOrdID(11) %llu", missing,
                     (unsigned long long)(client->options->id_base + first));
            load_violation(client, session, NULL, text);
        }
    }
}
