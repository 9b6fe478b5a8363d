/*
 * The fast door: bytes of one session, frame by frame through the gate to the book.
 *
 * Frames are taken in groups.  A group is framed and decoded as a whole, and the memory that its
 * orders will touch is prefetched; then each frame is applied by itself, in order, as a unit of its
 * own.  How the stream is cut into calls and groups changes no output.
 */
#include "kk_consume.h"

#include "kk_command.h"
#include "kk_gate.h"
#include "kk_orders.h"

/* Room of the input record around its frame: header and padding. */
#define INPUT_OVERHEAD (KK_RECORD_HEADER_BYTES + 8u)
#define DETAIL_FETCHED 192u /* bytes of an order's details: with an echo of usual length */

void kk_arrival_read(const kk_engine *engine, uint32_t session, kk_arrival *arrival) {
    const kk_command *command = &arrival->command;

    arrival->decoded =
        kk_decode(arrival->frame, arrival->length, &arrival->header, &arrival->command);
    if (!arrival->decoded) {
        return;
    }
    arrival->hash =
        kk_clord_id_hash(&engine->id_key, session, kk_span_at(command, &command->clord_id),
                         command->clord_id.length);
    kk_order_index_prefetch(engine->index, arrival->hash);
    if (command->orig_clord_id.length > 0) {
        arrival->orig_hash =
            kk_clord_id_hash(&engine->id_key, session, kk_span_at(command, &command->orig_clord_id),
                             command->orig_clord_id.length);
        kk_order_index_prefetch(engine->index, arrival->orig_hash);
    }
}

static void prefetch_slot(const kk_order_pool *pool, uint32_t slot) {
    const uint8_t *detail = (const uint8_t *)&pool->details[slot];

    __builtin_prefetch(&pool->orders[slot]);
    for (size_t line = 0; line < DETAIL_FETCHED; line += 64u) {
        __builtin_prefetch(detail + line);
    }
}

/* The neighbours in the queue of an order that is about to leave it. */
static void prefetch_neighbours(const kk_order_pool *pool, uint32_t slot) {
    const kk_order *order = &pool->orders[slot];

    if (order->level == KK_NONE) {
        return;
    }
    if (order->next != KK_NONE) {
        __builtin_prefetch(&pool->orders[order->next]);
    }
    if (order->prev != KK_NONE) {
        __builtin_prefetch(&pool->orders[order->prev]);
    }
}

/* The slot that OrigClOrdID(41) of an F or G names, or KK_NONE. */
static uint32_t named_slot(const kk_engine *engine, const kk_arrival *arrival) {
    const uint32_t entry = kk_order_index_find(engine->index, arrival->orig_hash);

    return entry == KK_NONE ? KK_NONE : kk_order_index_entry(engine->index, entry)->slot;
}

static void prefetch_book(const kk_engine *engine, const kk_command *command) {
    const uint32_t instrument =
        kk_find_instrument(engine, kk_span_at(command, &command->symbol), command->symbol.length);

    if (instrument != KK_NONE && (command->side == '1' || command->side == '2')) {
        const int64_t tick_e8 = engine->instruments[instrument].config.tick_e8;
        kk_book_prefetch(engine->books, instrument, command->side, command->price_e8 / tick_e8);
    }
}

static bool names_order(const kk_arrival *arrival) {
    return arrival->decoded && arrival->header.msg_type != 'D';
}

/* Each step reads what the step before has fetched, and fetches for the next. */
void kk_arrivals_prefetch(const kk_engine *engine, const kk_arrival *arrivals, uint32_t count) {
    uint32_t slots[KK_GROUP];

    kk_assert(count <= KK_GROUP);
    for (uint32_t i = 0; i < count; i++) {
        if (names_order(&arrivals[i])) {
            kk_order_index_prefetch_entry(engine->index, arrivals[i].orig_hash);
        } else if (arrivals[i].decoded) {
            prefetch_book(engine, &arrivals[i].command);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = names_order(&arrivals[i]) ? named_slot(engine, &arrivals[i]) : KK_NONE;
        if (slots[i] != KK_NONE) {
            prefetch_slot(&engine->pool, slots[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i] != KK_NONE) {
            prefetch_neighbours(&engine->pool, slots[i]);
        }
    }
}

kk_status kk_arrival_apply(kk_engine *engine, uint32_t session, const kk_arrival *arrival,
                           int64_t now_ns) {
    kk_session *state = &engine->sessions[session];

    kk_assert(!arrival->garbled);
    if (!arrival->decoded || !kk_gate_takes(engine, state, arrival->frame, &arrival->header,
                                            &arrival->command, now_ns)) {
        return KK_ESCALATE;
    }
    if (kk_journal_room(&engine->out) < KK_UNIT_RESERVE + INPUT_OVERHEAD + arrival->length) {
        kk_assert(engine->out.used > 0);
        return KK_OUT_FULL;
    }
    kk_unit_begin(engine, KK_RECORD_FRAME, session, arrival->header.msg_seq_num, now_ns,
                  arrival->frame, arrival->length);
    state->next_in = arrival->header.msg_seq_num + 1u;
    state->last_in_ns = now_ns;
    engine->statistics.gate_frames++;
    kk_apply_command(engine, session, &arrival->command, arrival->hash, arrival->orig_hash);
    kk_unit_end(engine);
    return KK_OK;
}

/* A group of arrivals and why it ends where it ends. */
typedef struct group {
    kk_arrival arrivals[KK_GROUP];
    uint32_t count;
    kk_status end; /* KK_OK: there may be more behind it */
} group;

static void read_group(const kk_engine *engine, uint32_t session, const uint8_t *in, size_t length,
                       group *ahead) {
    size_t at = 0;

    ahead->count = 0;
    ahead->end = KK_OK;
    while (ahead->count < KK_GROUP && ahead->end == KK_OK) {
        kk_arrival *arrival = &ahead->arrivals[ahead->count];
        arrival->frame = in + at;
        arrival->length = 0;
        arrival->decoded = false;
        const kk_status status = kk_frame(in + at, length - at, KK_FRAME_MAX, &arrival->length);
        arrival->garbled = status == KK_GARBLED;
        if (status == KK_OK) {
            kk_arrival_read(engine, session, arrival);
        } else if (status != KK_GARBLED) {
            ahead->end = status;
            return;
        }
        kk_assert(arrival->length > 0 && arrival->length <= length - at);
        at += arrival->length;
        ahead->count++;
    }
}

/* Applies a group as far as it goes; KK_OK when all of it was done. */
static kk_status apply_group(kk_engine *engine, uint32_t session, const group *ahead,
                             int64_t now_ns, kk_consumed *consumed) {
    for (uint32_t i = 0; i < ahead->count; i++) {
        const kk_arrival *arrival = &ahead->arrivals[i];
        if (arrival->garbled) {
            consumed->garbled++;
            consumed->garbled_in_row++;
        } else {
            const kk_status status = kk_arrival_apply(engine, session, arrival, now_ns);
            if (status == KK_ESCALATE) {
                consumed->frame_length = arrival->length;
                engine->statistics.escalated_frames++;
            }
            if (status != KK_OK) {
                return status;
            }
            consumed->messages++;
            consumed->garbled_in_row = 0;
        }
        consumed->used += arrival->length;
    }
    return KK_OK;
}

kk_status kk_consume(kk_engine *engine, uint32_t session, const uint8_t *in, size_t in_length,
                     int64_t now_ns, kk_consumed *consumed) {
    group ahead;
    kk_status status = KK_OK;

    kk_assert(session < engine->capacity.sessions && engine->sessions[session].configured);
    kk_assert(!engine->out.open);
    *consumed = (kk_consumed){0};
    while (status == KK_OK) {
        read_group(engine, session, in + consumed->used, in_length - consumed->used, &ahead);
        kk_arrivals_prefetch(engine, ahead.arrivals, ahead.count);
        status = apply_group(engine, session, &ahead, now_ns, consumed);
        if (status == KK_OK) {
            status = ahead.end;
        }
    }
    return status;
}
