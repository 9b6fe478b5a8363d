#include "venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOH '\001'
#define COMMAND_MAX 2048u

/* ------------------------------------------------------------------ set-up */

kk_capacity venue_capacity(void) {
    return (kk_capacity){.orders = 256,
                         .levels = 256,
                         .sessions = VENUE_SESSIONS,
                         .firms = 2,
                         .accounts = 3,
                         .instruments = VENUE_INSTRUMENTS,
                         .duplicate_window = 1024,
                         .rings = VENUE_SESSIONS,
                         .ring_bytes = 1u << 16};
}

static void must(kk_status status) { kk_assert(status == KK_OK); }

static void set_instrument(venue *v, uint32_t id, const char *symbol, int64_t tick_e8,
                           int64_t lot_e8, int64_t reference_e8, int64_t band_e8, bool open) {
    kk_instrument instrument = {.tick_e8 = tick_e8,
                                .lot_e8 = lot_e8,
                                .multiplier_e8 = KK_E8,
                                .rate_e8 = KK_E8,
                                .reference_price_e8 = reference_e8,
                                .band_e8 = band_e8,
                                .open = open,
                                .symbol_length = (uint32_t)strlen(symbol)};
    memcpy(instrument.symbol, symbol, strlen(symbol));
    must(kk_instrument_set(v->engine, id, &instrument));
}

static const char *const account_names[] = {"A1", "A2", "B1"};
static const uint32_t account_firms[] = {0, 0, 1};
static const char *const session_names[] = {"ALPHA", "BETA", "DESK", "GAMMA"};
static const uint32_t session_firms[] = {0, 1, 0, 0};

void venue_limit_firm(venue *v, uint32_t firm, const kk_limits *limits) {
    kk_firm_config config = {.limits = *limits};

    if (firm == 0) {
        config.copy_count = 1;
        config.copies[0] = 2;
    }
    must(kk_firm_set(v->engine, firm, &config));
}

void venue_limit_account(venue *v, uint32_t account, const kk_limits *limits) {
    kk_account_config config = {.name_length = 2, .firm = account_firms[account]};

    memcpy(config.name, account_names[account], 2);
    config.limits = *limits;
    if (config.firm == 0) {
        config.copy_count = 1;
        config.copies[0] = 2;
    }
    must(kk_account_set(v->engine, account, &config));
}

void venue_set_session(venue *v, uint32_t session, const kk_session_config *own) {
    static const uint32_t accounts[VENUE_SESSIONS][2] = {{0, 1}, {2, 0}, {0, 0}, {0, 0}};
    static const uint32_t counts[VENUE_SESSIONS] = {2, 1, 0, 1};
    kk_session_config config = {.sender_comp_id_length = (uint32_t)strlen(session_names[session]),
                                .target_comp_id_length = 4,
                                .firm = session_firms[session],
                                .role = session == 2 ? KK_ROLE_DROP_COPY : KK_ROLE_ORDER_ENTRY,
                                .enabled = 1,
                                .cancel_on_disconnect = v->cancel_on_disconnect[session],
                                .account_count = counts[session],
                                .accounts = accounts[session],
                                .precision = own->precision,
                                .tells_last_processed = own->tells_last_processed,
                                .throttle = own->throttle,
                                .limits = own->limits};
    memcpy(config.sender_comp_id, session_names[session], strlen(session_names[session]));
    memcpy(config.target_comp_id, "KK99", 4);
    must(kk_session_set(v->engine, session, &config));
}

void venue_limit_session(venue *v, uint32_t session, const kk_limits *limits) {
    const kk_session_config own = {.limits = *limits};

    venue_set_session(v, session, &own);
}

void venue_cancel_on_disconnect(venue *v, uint32_t session, bool cancel) {
    const kk_limits none = {0};

    v->cancel_on_disconnect[session] = cancel;
    venue_limit_session(v, session, &none);
}

void venue_halt(venue *v, bool halted) {
    const kk_venue_params params = {.max_order_age_ns = INT64_C(30000000000),
                                    .sending_time_tolerance_ns = INT64_C(120000000000),
                                    .trading_day = VENUE_DAY,
                                    .halted = halted};
    must(kk_venue_set(v->engine, &params));
}

static void configure(venue *v) {
    const kk_limits none = {0};

    venue_halt(v, false);
    set_instrument(v, 0, "AAPL", KK_E8 / 100, KK_E8, 100 * KK_E8, 50 * KK_E8, true);
    set_instrument(v, 1, "SHUT", KK_E8 / 100, KK_E8, 100 * KK_E8, 50 * KK_E8, false);
    set_instrument(v, 2, "SPREAD", KK_E8, KK_E8 / 10, 0, 10 * KK_E8, true);
    for (uint32_t firm = 0; firm < 2; firm++) {
        venue_limit_firm(v, firm, &none);
    }
    for (uint32_t account = 0; account < 3; account++) {
        venue_limit_account(v, account, &none);
    }
    for (uint32_t session = 0; session < VENUE_SESSIONS; session++) {
        venue_limit_session(v, session, &none);
    }
}

static void begin(venue *v, kk_record_kind kind) {
    kk_journal_take(v->engine);
    kk_unit_begin(v->engine, kind, KK_NONE, 0, v->now_ns, NULL, 0);
}

/* The buffer of the venue closed last: a sanitizer takes long to reserve so much anew. */
static uint8_t *spare_journal;

void venue_open(venue *v, const kk_capacity *capacity) {
    memset(v, 0, sizeof *v);
    v->now_ns = VENUE_NOW_NS;
    v->engine = kk_engine_new(capacity);
    v->journal_bytes = 2 * KK_UNIT_RESERVE + (size_t)8 * KK_FRAME_MAX;
    v->journal = spare_journal != NULL ? spare_journal : malloc(v->journal_bytes);
    spare_journal = NULL;
    kk_assert(v->engine != NULL && v->journal != NULL);
    kk_journal_bind(v->engine, v->journal, v->journal_bytes, 1);
    begin(v, KK_RECORD_CONFIG);
    configure(v);
    for (uint32_t session = 0; session < VENUE_SESSIONS; session++) {
        kk_session_establish(v->engine, session, true);
        kk_session_plain(v->engine, session, true);
        kk_session_timers(v->engine, session, INT64_C(30000000000), INT64_C(36000000000));
    }
    kk_unit_end(v->engine);
    kk_journal_take(v->engine);
}

void venue_close(venue *v) {
    kk_engine_free(v->engine);
    free(spare_journal);
    spare_journal = v->journal;
}

/* ------------------------------------------------------------------ commands as text */

static const uint32_t echoed[] = {1,   15,  21,  22,  48,  207, 447, 448,
                                  452, 453, 526, 528, 529, 582, 583, 58};

static void add_echo(kk_command *command, uint32_t tag, uint32_t offset, uint32_t length) {
    for (size_t i = 0; i < sizeof echoed / sizeof echoed[0]; i++) {
        if (echoed[i] == tag) {
            kk_assert(command->echo_count < KK_ECHO_SPANS);
            command->echo[command->echo_count++] = (kk_span){offset, length};
            command->echo_bytes += length;
        }
    }
}

static kk_span *span_of(kk_command *command, uint32_t tag) {
    switch (tag) {
    case 11:
        return &command->clord_id;
    case 41:
        return &command->orig_clord_id;
    case 37:
        return &command->order_id;
    case 1:
        return &command->account;
    case 55:
        return &command->symbol;
    case 58:
        return &command->text;
    case 584:
    case 790:
        return &command->status_req_id;
    case 50:
        return &command->sender_sub_id;
    case 57:
        return &command->target_sub_id;
    default:
        return NULL;
    }
}

static void take_value(kk_command *command, uint32_t tag, const char *value, size_t length) {
    const uint8_t *bytes = (const uint8_t *)value;

    switch (tag) {
    case 38:
        kk_assert(kk_parse_e8(bytes, length, &command->order_qty_e8));
        command->flags |= KK_COMMAND_HAS_QTY;
        return;
    case 44:
        kk_assert(kk_parse_e8(bytes, length, &command->price_e8));
        command->flags |= KK_COMMAND_HAS_PRICE;
        return;
    case 54:
        command->side = bytes[0];
        return;
    case 40:
        command->ord_type = bytes[0];
        return;
    case 59:
        command->time_in_force = bytes[0];
        return;
    case 18:
        command->on_disconnect = bytes[0];
        return;
    case 97:
        command->flags |= KK_COMMAND_POSS_RESEND;
        return;
    default:
        return;
    }
}

/* One "tag=value" of `text` at `at`; returns where the next one starts. */
static uint32_t take_field(kk_command *command, const char *text, uint32_t at) {
    const char *field = text + at;
    const uint32_t length = (uint32_t)strcspn(field, "\001");
    const uint32_t name = (uint32_t)strcspn(field, "=") + 1u;

    if (strncmp(field, "age=", name) == 0) {
        command->sent_ns -= strtol(field + name, NULL, 10) * 1000000;
    } else if (strncmp(field, "reason=", name) == 0) {
        command->reason = (uint32_t)strtoul(field + name, NULL, 10);
    } else {
        const uint32_t tag = (uint32_t)strtoul(field, NULL, 10);
        kk_span *span = span_of(command, tag);
        if (span != NULL) {
            *span = (kk_span){at + name, length - name};
        }
        take_value(command, tag, field + name, length - name);
        add_echo(command, tag, at, length + 1u);
    }
    return at + length + 1u;
}

/* Reads fields from `text` on; the command points into `base`, which holds a copy of it. */
static void read_command(kk_command *command, char base[COMMAND_MAX], const char *text) {
    const size_t length = strlen(text);

    kk_assert(length < COMMAND_MAX - 16u);
    memcpy(base, text, length + 1u);
    memcpy(base + length, "\001AAPL", 6);
    for (char *bar = strchr(base, '|'); bar != NULL; bar = strchr(bar, '|')) {
        *bar = SOH;
    }
    command->base = (const uint8_t *)base;
    for (uint32_t at = 0; at < length;) {
        at = take_field(command, base, at);
    }
}

void venue_do(venue *v, const char *text) {
    char base[COMMAND_MAX];
    kk_command command = {
        .sent_ns = v->now_ns, .kind = (uint8_t)text[2], .ord_type = '2', .time_in_force = '0'};

    kk_assert(text[1] == ' ' && text[3] == '|');
    command.symbol = (kk_span){(uint32_t)strlen(text + 4) + 1u, 4};
    read_command(&command, base, text + 4);
    begin(v, KK_RECORD_OPERATOR);
    kk_submit(v->engine, (uint32_t)(text[0] - '0'), &command);
    kk_unit_end(v->engine);
}

bool venue_ask(venue *v, uint32_t session, const char *text, uint32_t limit) {
    char base[COMMAND_MAX];
    kk_command command = {.kind = KK_COMMAND_STATUS};

    read_command(&command, base, text);
    begin(v, KK_RECORD_OPERATOR);
    kk_mass_status_request(v->engine, session, &command);
    const bool pending = kk_walk_slice(v->engine, limit);
    kk_unit_end(v->engine);
    return pending;
}

void venue_roll(venue *v, uint32_t trading_day) {
    begin(v, KK_RECORD_DAY_ROLL);
    kk_day_roll(v->engine, trading_day);
    kk_unit_end(v->engine);
}

bool venue_expire(venue *v, uint32_t limit) {
    begin(v, KK_RECORD_TICK);
    const bool pending = kk_expire_slice(v->engine, limit);
    kk_unit_end(v->engine);
    return pending;
}

bool venue_walk(venue *v, uint32_t limit) {
    begin(v, KK_RECORD_TICK);
    const bool pending = kk_walk_slice(v->engine, limit);
    kk_unit_end(v->engine);
    return pending;
}

bool venue_leave(venue *v, uint32_t session, uint32_t limit) {
    begin(v, KK_RECORD_DISCONNECT);
    kk_pull_orders(v->engine, session, kk_next_order_id(v->engine));
    const bool pending = kk_walk_slice(v->engine, limit);
    kk_unit_end(v->engine);
    return pending;
}

bool venue_remove(venue *v, uint32_t session, kk_reason reason, uint32_t limit) {
    begin(v, KK_RECORD_CONFIG);
    kk_pull_all_orders(v->engine, session, reason);
    const bool pending = kk_walk_slice(v->engine, limit);
    kk_unit_end(v->engine);
    return pending;
}

size_t venue_frame(venue *v, uint32_t session, const char *body, uint8_t *out) {
    char text[4096];
    char when[32];
    const uint64_t second = (uint64_t)(v->now_ns - VENUE_NOW_NS) / 1000000000u;

    kk_assert(second < 86400u);
    (void)snprintf(when, sizeof when, "20260101-%02u:%02u:%02u", (unsigned)(second / 3600u),
                   (unsigned)(second / 60u % 60u), (unsigned)(second % 60u));
    const char *rest = strchr(body, '|');
    kk_assert(rest != NULL);
    int length =
        snprintf(text, sizeof text, "%.*s|49=%s|56=KK99|34=%llu|52=%s%s", (int)(rest - body), body,
                 session_names[session], (unsigned long long)++v->frames[session], when, rest);
    kk_assert(length > 0 && (size_t)length < sizeof text);
    int size = sprintf((char *)out, "8=FIX.4.4|9=%d|%s", length, text);
    uint32_t sum = 0;
    for (int i = 0; i < size; i++) {
        out[i] = out[i] == '|' ? SOH : out[i];
        sum += out[i];
    }
    size += sprintf((char *)out + size, "10=%03u%c", sum & 255u, SOH);
    return (size_t)size;
}

/* ------------------------------------------------------------------ reports as text */

const uint8_t *venue_field(const uint8_t *bytes, size_t length, uint32_t tag, size_t *size) {
    char name[16];
    const int name_length = snprintf(name, sizeof name, "%c%u=", SOH, tag);

    for (size_t at = 0; at + (size_t)name_length <= length; at++) {
        if (memcmp(bytes + at, name, (size_t)name_length) == 0) {
            const uint8_t *value = bytes + at + name_length;
            const uint8_t *end = memchr(value, SOH, length - (size_t)(value - bytes));
            *size = (size_t)(end - value);
            return value;
        }
    }
    return NULL;
}

uint32_t venue_messages(const venue *v, venue_message *messages) {
    uint32_t count = 0;

    for (size_t at = 0; at < kk_journal_used(v->engine);) {
        kk_record record;
        memcpy(&record, v->journal + at, sizeof record);
        if (record.kind == KK_RECORD_MESSAGE) {
            kk_assert(count < VENUE_MESSAGES_MAX);
            messages[count++] = (venue_message){record.session, v->journal + at + sizeof record,
                                                record.payload_length};
        }
        at += record.length;
    }
    return count;
}

/* Whether one expected "tag=value", "code=value" or "says=start of Text(58)" holds. */
static bool field_holds(const venue_message *said, const char *expected, size_t length) {
    const size_t name = strcspn(expected, "=") + 1u;
    const bool code = strncmp(expected, "code=", 5) == 0;
    const bool says = strncmp(expected, "says=", 5) == 0;
    const uint32_t tag = code || says ? 58u : (uint32_t)strtoul(expected, NULL, 10);
    size_t size = 0;
    const uint8_t *value = venue_field(said->bytes, said->length, tag, &size);

    if (value == NULL) {
        return length == name;
    }
    if (code) {
        const uint8_t *end = memchr(value, ';', size);
        size = end == NULL ? size : (size_t)(end - value);
    }
    if (says && size > length - name) {
        size = length - name;
    }
    return size == length - name && memcmp(value, expected + name, size) == 0;
}

static bool message_holds(const venue_message *said, const char *expected, size_t length) {
    if (said->session != (uint32_t)(expected[0] - '0')) {
        return false;
    }
    for (size_t at = 2; at < length;) {
        const char *bar = memchr(expected + at, '|', length - at);
        const size_t size = bar == NULL ? length - at : (size_t)(bar - (expected + at));
        if (size > 0 && !field_holds(said, expected + at, size)) {
            return false;
        }
        at += size + 1u;
    }
    return true;
}

static void print_messages(const venue_message *messages, uint32_t count, const char *expected) {
    printf("  expected: %s\n", expected);
    for (uint32_t i = 0; i < count; i++) {
        printf("  %u: ", messages[i].session);
        for (size_t at = 0; at < messages[i].length; at++) {
            putchar(messages[i].bytes[at] == SOH ? '|' : messages[i].bytes[at]);
        }
        putchar('\n');
    }
}

bool venue_said(venue *v, const char *expected) {
    static venue_message messages[VENUE_MESSAGES_MAX];
    const uint32_t count = venue_messages(v, messages);
    uint32_t matched = 0;
    bool holds = true;

    for (const char *at = expected; *at != '\0' && holds;) {
        const char *end = strstr(at, " ; ");
        const size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        holds = matched < count && message_holds(&messages[matched], at, length);
        matched++;
        at += end == NULL ? length : length + 3u;
    }
    holds = holds && matched == count;
    if (!holds) {
        print_messages(messages, count, expected);
    }
    return holds;
}

bool venue_book_is(venue *v, uint32_t instrument, char side, const char *expected) {
    kk_book_order orders[64];
    char text[2048] = "";
    size_t length = 0;

    const uint32_t count = kk_book_read(v->engine, instrument, (uint8_t)side, orders, 64);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t price[KK_E8_TEXT_MAX + 1] = {0};
        uint8_t leaves[KK_E8_TEXT_MAX + 1] = {0};
        kk_format_e8(price, orders[i].price_e8);
        kk_format_e8(leaves, orders[i].leaves_e8);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%sx%s", i > 0 ? " " : "",
                                   (char *)price, (char *)leaves);
    }
    if (strcmp(text, expected) != 0) {
        printf("  expected: %s\n  book:     %s\n", expected, text);
        return false;
    }
    return true;
}
