/*
 * What is sent: passive limit orders spread over 100 ticks on either side of the middle, cancels of
 * own live orders, and immediate-or-cancel orders that cross. In `mix` 60 of 100 are passive, 30
 * cancels and 10 cross with three times the quantity, so that the book stays about as deep as it
 * is.
 */
#include <string.h>

#include "load.h"

enum {
    SPREAD_TICKS = 100,
    CROSS_TICKS = 150,
    QUANTITY_LEAST = 1000,
    QUANTITY_STEPS = 1000,
    CROSS_FACTOR = 3
};

static uint32_t random_below(struct load_client *client, uint32_t limit) {
    uint64_t x = client->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    client->random = x;
    return (uint32_t)(((x >> 32) * limit) >> 32);
}

/* Take a live order out of the candidates, or say there is none. */
static bool pick_live(struct load_client *client, struct load_session *session, uint32_t *index) {
    while (session->live_count > 0) {
        uint32_t at = random_below(client, session->live_count);
        *index = session->live[at];
        session->live[at] = session->live[--session->live_count];
        if (session->ops[*index].state == LOAD_LIVE) {
            return true;
        }
    }
    return false;
}

static enum load_kind pick_kind(struct load_client *client, const struct load_session *session) {
    switch (client->options->mode) {
    case LOAD_PLAIN:
    case LOAD_PARTIES:
        return LOAD_KIND_LIMIT;
    case LOAD_RESTING_CANCEL:
        return session->live_count >= client->options->window ? LOAD_KIND_CANCEL : LOAD_KIND_LIMIT;
    case LOAD_MIX:
        break;
    }
    uint32_t dice = random_below(client, 100);
    if (dice < 30 || (dice < 90 && session->live_count >= LOAD_LIVE_CAP)) {
        return LOAD_KIND_CANCEL;
    }
    return dice < 90 ? LOAD_KIND_LIMIT : LOAD_KIND_CROSS;
}

/* Choose the next operation; the price is left in ticks. */
static void choose(struct load_client *client, struct load_session *session, struct load_op *op,
                   uint32_t *price_ticks) {
    enum load_kind kind = pick_kind(client, session);
    uint32_t target = 0;
    if (kind == LOAD_KIND_CANCEL && !pick_live(client, session, &target)) {
        kind = LOAD_KIND_LIMIT;
    }
    uint64_t sent_ns = client->options->rate == 0 ? client->now_ns : load_due_ns(client);
    *op = (struct load_op){.sent_ns = sent_ns, .kind = (uint8_t)kind, .state = LOAD_SENT};
    *price_ticks = 0;
    if (kind == LOAD_KIND_CANCEL) {
        op->target = target;
        op->side = session->ops[target].side;
        op->quantity = session->ops[target].quantity;
        client->counts.cancels++;
        return;
    }
    bool buy = random_below(client, 2) == 0;
    bool cross = kind == LOAD_KIND_CROSS;
    int64_t away = cross ? -CROSS_TICKS : 1 + (int64_t)random_below(client, SPREAD_TICKS);
    op->side = buy ? '1' : '2';
    op->quantity =
        (QUANTITY_LEAST + random_below(client, QUANTITY_STEPS)) * (cross ? CROSS_FACTOR : 1);
    *price_ticks = (uint32_t)(client->options->mid_ticks + (buy ? -away : away));
    client->counts.orders++;
}

static bool may_send(const struct load_client *client, const struct load_session *session) {
    if (client->phase != LOAD_WARMUP && client->phase != LOAD_MEASURE) {
        return false;
    }
    return session->logged_on && !session->closed &&
           client->options->window - session->outstanding >= client->options->refill;
}

static bool has_room(const struct load_client *client, const struct load_session *session) {
    const struct load_options *options = client->options;
    return session->outstanding < options->window && session->op_count < options->capacity &&
           session->out_bytes - session->out_tail >= LOAD_TEMPLATE_BYTES &&
           (options->operations == 0 || client->sent_ops < options->operations);
}

static void send_one(struct load_client *client, struct load_session *session) {
    const struct load_options *options = client->options;
    if (load_digits(session->next_out) != session->seq_digits) {
        load_templates_build(options, session);
        load_templates_stamp(session, client->wall_ms);
    }
    struct load_op *op = &session->ops[session->op_count];
    uint32_t price_ticks = 0;
    choose(client, session, op, &price_ticks);
    session->out_tail += load_template_write(
        &session->templates[op->kind], session->out + session->out_tail, session->next_out,
        session->seq_digits, options->id_base + session->op_count, options->id_base + op->target,
        op, price_ticks);
    session->op_count++;
    session->next_out++;
    session->outstanding++;
    client->outstanding++;
    client->sent_ops++;
    client->counts.messages_out++;
    session->last_out_ns = client->now_ns;
}

void load_refill(struct load_client *client, struct load_session *session) {
    if (client->options->rate != 0 || !may_send(client, session)) {
        return;
    }
    load_templates_stamp(session, client->wall_ms);
    while (has_room(client, session)) {
        send_one(client, session);
    }
}

uint64_t load_due_ns(const struct load_client *client) {
    return client->paced_from_ns + client->sent_ops * 1000000000U / client->options->rate;
}

/* Send what is due, the sessions in turn, whether or not answers are missing: an open loop. */
void load_pace(struct load_client *client) {
    uint32_t sessions = client->options->sessions, full = 0;
    while (full < sessions && load_due_ns(client) <= client->now_ns) {
        struct load_session *session = &client->sessions[client->paced_session];
        client->paced_session = (client->paced_session + 1) % sessions;
        if (!may_send(client, session) || !has_room(client, session)) {
            full++;
            continue;
        }
        full = 0;
        load_templates_stamp(session, client->wall_ms);
        send_one(client, session);
        load_flush(client, session);
    }
}
