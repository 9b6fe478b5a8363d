/* Of the snapshot: what sessions have asked for by OrderMassStatusRequest(AF) and wait for. */
#include "kk_snapshot.h"

static uint32_t next_asking(const kk_engine *engine, uint32_t session) {
    while (session < engine->sessions_used && engine->sessions[session].mass.step == KK_MASS_NONE) {
        session++;
    }
    return session;
}

static uint64_t items(const kk_engine *engine) {
    uint64_t asking = 0;

    for (uint32_t i = next_asking(engine, 0); i < engine->sessions_used;
         i = next_asking(engine, i + 1u)) {
        asking++;
    }
    return asking;
}

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *item) {
    const uint32_t session = next_asking(engine, at->place[0]);
    const kk_mass_status *mass = &engine->sessions[session].mass;

    kk_put_u32(item, session);
    kk_put_u8(item, mass->step);
    kk_put_u8(item, mass->side);
    kk_put_u32(item, mass->instrument);
    kk_put_u32(item, mass->account);
    kk_put_u32(item, mass->total);
    kk_put_u32(item, mass->told);
    kk_put_u64(item, mass->below);
    kk_put_u64(item, mass->end);
    kk_put_u8(item, mass->request_id_length);
    kk_put_u8(item, mass->header_echo_length);
    kk_put_bytes(item, mass->request_id, mass->request_id_length);
    kk_put_bytes(item, mass->header_echo, mass->header_echo_length);
    at->place[0] = session + 1u;
}

static bool names_something(const kk_engine *engine, const kk_mass_status *mass) {
    const kk_capacity *capacity = &engine->capacity;

    return (mass->instrument == KK_NONE || (mass->instrument < capacity->instruments &&
                                            engine->instruments[mass->instrument].configured)) &&
           (mass->account == KK_NONE ||
            (mass->account < capacity->accounts && engine->accounts[mass->account].configured));
}

/* `marked`: orders that have been asked for and not been reported on. */
static bool is_sane(const kk_engine *engine, const kk_mass_status *mass, uint32_t marked) {
    if (mass->step != KK_MASS_COUNT && mass->step != KK_MASS_REPORT) {
        return false;
    }
    return (mass->side == 0 || mass->side == '1' || mass->side == '2') &&
           mass->told <= mass->total && mass->total - mass->told == marked &&
           mass->below <= engine->next_order_id &&
           (mass->step == KK_MASS_COUNT ? mass->told == 0 : marked > 0) &&
           mass->end <= engine->walk.at + KK_WALK_LAP && mass->end >= engine->walk.nearest_end &&
           mass->request_id_length <= KK_MASS_STATUS_ID_MAX &&
           mass->header_echo_length <= KK_HEADER_ECHO_MAX && names_something(engine, mass);
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in *item) {
    const uint32_t id = kk_get_u32(item);

    if (id >= engine->sessions_used || id < at->place[0] || !engine->sessions[id].configured) {
        return KK_INVALID;
    }
    at->place[0] = id + 1u;
    kk_mass_status *mass = &engine->sessions[id].mass;
    const uint32_t marked = mass->total;
    mass->step = kk_get_u8(item);
    mass->side = kk_get_u8(item);
    mass->instrument = kk_get_u32(item);
    mass->account = kk_get_u32(item);
    mass->total = kk_get_u32(item);
    mass->told = kk_get_u32(item);
    mass->below = kk_get_u64(item);
    mass->end = kk_get_u64(item);
    mass->request_id_length = kk_get_u8(item);
    mass->header_echo_length = kk_get_u8(item);
    if (item->cut || !is_sane(engine, mass, marked)) {
        return KK_INVALID;
    }
    kk_get(item, mass->request_id, mass->request_id_length);
    kk_get(item, mass->header_echo, mass->header_echo_length);
    if (!kk_is_value(mass->request_id, mass->request_id_length) ||
        !kk_is_header_echo(mass->header_echo, mass->header_echo_length)) {
        return KK_INVALID;
    }
    engine->walk.walkers++;
    return KK_OK;
}

/* Nobody's order is marked without a request. */
static bool all_have_asked(const kk_engine *engine, bool *reporting) {
    *reporting = false;
    for (uint32_t i = 0; i < engine->sessions_used; i++) {
        const kk_mass_status *mass = &engine->sessions[i].mass;
        if (mass->step == KK_MASS_NONE && mass->total != 0) {
            return false;
        }
        *reporting = *reporting || mass->step == KK_MASS_REPORT;
    }
    return true;
}

/* The walk comes by at every order that is to be reported on before its session's round ends. */
static bool all_will_be_told(const kk_engine *engine) {
    const uint64_t at = engine->walk.at;

    for (uint32_t slot = 0; slot < engine->pool.fresh; slot++) {
        const kk_order *order = &engine->pool.orders[slot];
        if (order->order_id == 0 || !order->asked_for) {
            continue;
        }
        const kk_mass_status *mass = &engine->sessions[order->session].mass;
        const uint64_t lap = at - (uint32_t)at + (slot < (uint32_t)at ? KK_WALK_LAP : 0);
        if (mass->step == KK_MASS_REPORT && lap + slot >= mass->end) {
            return false;
        }
    }
    return true;
}

/* A walk without walkers stands at its start. */
static kk_status end(kk_engine *engine, kk_snapshot *at) {
    const kk_walk *walk = &engine->walk;
    bool reporting;

    (void)at;
    if (!all_have_asked(engine, &reporting) || (reporting && !all_will_be_told(engine)) ||
        (walk->walkers == 0 && (walk->at != 0 || walk->nearest_end != UINT64_MAX))) {
        return KK_INVALID;
    }
    return KK_OK;
}

const kk_section kk_section_mass_status = {
    .id = 5, .items = items, .write = write_item, .read = read_item, .end = end};
