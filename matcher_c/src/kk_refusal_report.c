/*
 * Reports on requests that no order slot answers: refused orders, unknown orders, cancel rejects.
 *
 * What they repeat comes from the request.  A value of it may be longer than the venue allows,
 * which is why the request was refused: KK_REPORT_VALUE_MAX bytes of it are repeated.
 */
#include "fix_tables.h"
#include "kk_exec_report.h"
#include "kk_header_echo.h"
#include "kk_refusal_text.h"
#include "kk_wire.h"

/* Header, echo, five values, the numbers and the text, each at its longest. */
#define REPORT_MAX                                                                                 \
    (KK_MESSAGE_HEADER_MAX + KK_HEADER_ECHO_MAX + KK_ECHO_MAX + 5u * KK_REPORT_VALUE_MAX +         \
     KK_REFUSAL_TEXT_MAX + 512u)

/* "tag=value|"; nothing when the value is absent. */
static uint8_t *put_bytes(uint8_t *at, const char *tag, const uint8_t *value, size_t length) {
    if (length == 0) {
        return at;
    }
    at = kk_put(at, tag, strlen(tag));
    at = kk_put(at, value, length < KK_REPORT_VALUE_MAX ? length : KK_REPORT_VALUE_MAX);
    return kk_put_char(at, 1);
}

/* The same of a command. */
static uint8_t *put_value(uint8_t *at, const char *tag, const kk_command *command,
                          const kk_span *value) {
    return put_bytes(at, tag, command->base + value->offset, value->length);
}

static uint8_t *begin_report(kk_engine *engine, uint32_t session, const char *msg_type,
                             const kk_command *command) {
    uint8_t header[KK_HEADER_ECHO_MAX];

    kk_assert(kk_journal_room(&engine->out) >= REPORT_MAX);
    return kk_message_begin(engine, session, msg_type, 1, header, kk_header_echo(command, header));
}

/* The account that the request names, if the session may use it. */
static uint32_t named_account(const kk_engine *engine, uint32_t session,
                              const kk_command *command) {
    if (command->account.length == 0) {
        return KK_NONE;
    }
    return kk_find_account(engine, &engine->sessions[session],
                           command->base + command->account.offset, command->account.length);
}

/* Ends the report and copies it to those of the account, else to those of the whole firm. */
static void end_report(kk_engine *engine, uint32_t session, uint32_t account, uint8_t *at) {
    const uint8_t *message;
    size_t length;
    const uint64_t lsn = kk_message_end(engine, session, at, &message, &length);
    const kk_firm_config *firm = &engine->firms[engine->sessions[session].firm].config;
    const uint32_t *copies = firm->copies;
    uint32_t copy_count = firm->copy_count;
    if (account != KK_NONE) {
        copies = engine->accounts[account].config.copies;
        copy_count = engine->accounts[account].config.copy_count;
    }
    if (copy_count > 0) {
        kk_copy_message(engine, copies, copy_count, message, length, lsn);
    }
}

/* 37, 17, 150, 39, 11. */
static uint8_t *put_identity(kk_engine *engine, uint8_t *at, const kk_command *command,
                             uint8_t exec_type, uint8_t ord_status) {
    static const char none[] = "37=NONE";
    if (command->order_id.length > 0) {
        at = put_value(at, "37=", command, &command->order_id);
        at = KK_PUT(at, "17=");
    } else {
        at = kk_put(at, none, sizeof none - 1);
        at = KK_PUT(at, "\00117=");
    }
    at = kk_put_u64(at, engine->next_exec_id++);
    at = KK_PUT(at, "\001150=");
    at = kk_put_char(at, exec_type);
    at = KK_PUT(at, "\00139=");
    at = kk_put_char(at, ord_status);
    at = KK_PUT(at, "\001");
    return put_value(at, "11=", command, &command->clord_id);
}

/* The echo without the request's Text(58), or nothing when it is too long to be echoed. */
static uint8_t *put_echo(uint8_t *at, const kk_command *command) {
    const uint32_t count = command->echo_count - (command->text.length > 0 ? 1u : 0u);

    kk_assert(command->echo_count <= KK_ECHO_SPANS);
    kk_assert(command->text.length == 0 || command->echo_count > 0);
    if (command->echo_bytes > KK_ECHO_MAX) {
        return at;
    }
    for (uint32_t i = 0; i < count; i++) {
        at = kk_put(at, command->base + command->echo[i].offset, command->echo[i].length);
    }
    return at;
}

/* 55 and 54. */
static uint8_t *put_subject(uint8_t *at, const kk_command *command) {
    at = put_value(at, "55=", command, &command->symbol);
    if (command->side != 0) {
        at = KK_PUT(at, "54=");
        at = kk_put_char(at, command->side);
        at = KK_PUT(at, "\001");
    }
    return at;
}

/* 151, 14, 6, 60 of something that has done nothing. */
static uint8_t *put_nothing_done(const kk_engine *engine, uint32_t session, uint8_t *at) {
    at = KK_PUT(at, "151=0\00114=0\0016=0\00160=");
    at = kk_put_unit_time(at, engine, session);
    return KK_PUT(at, "\001");
}

static uint8_t *put_ord_rej_reason(uint8_t *at, kk_reason reason) {
    at = KK_PUT(at, "103=");
    at = kk_put_u64(at, kk_reason_texts[reason].ord_rej_reason);
    return KK_PUT(at, "\001");
}

void kk_report_refused_order(kk_engine *engine, uint32_t session, uint32_t account,
                             const kk_command *command, const kk_refusal *refusal) {
    uint8_t *at = begin_report(engine, session, "8", command);

    at = put_identity(engine, at, command, '8', '8');
    at = put_echo(at, command);
    at = put_subject(at, command);
    if (command->flags & KK_COMMAND_HAS_QTY) {
        at = KK_PUT(at, "38=");
        at = kk_put_e8(at, command->order_qty_e8);
        at = KK_PUT(at, "\001");
    }
    if (command->ord_type != 0) {
        at = KK_PUT(at, "40=");
        at = kk_put_char(at, command->ord_type);
        at = KK_PUT(at, "\001");
    }
    if (command->flags & KK_COMMAND_HAS_PRICE) {
        at = KK_PUT(at, "44=");
        at = kk_put_e8(at, command->price_e8);
        at = KK_PUT(at, "\001");
    }
    at = KK_PUT(at, "59=");
    at = kk_put_char(at, command->time_in_force);
    at = KK_PUT(at, "\001");
    at = put_nothing_done(engine, session, at);
    at = put_ord_rej_reason(at, refusal->reason);
    at = kk_put_refusal(at, refusal, engine->sessions[session].dialect);
    end_report(engine, session, account, at);
}

void kk_report_unknown_status(kk_engine *engine, uint32_t session, const kk_command *command,
                              const kk_refusal *refusal) {
    const uint8_t ord_status = refusal->ord_status != 0 ? refusal->ord_status : '8';
    uint8_t *at = begin_report(engine, session, "8", command);

    at = put_identity(engine, at, command, 'I', ord_status);
    at = put_echo(at, command);
    at = put_subject(at, command);
    at = put_nothing_done(engine, session, at);
    if (ord_status == '8') {
        at = put_ord_rej_reason(at, refusal->reason);
    }
    at = put_value(at, "790=", command, &command->status_req_id);
    at = kk_put_refusal(at, refusal, engine->sessions[session].dialect);
    end_report(engine, session, named_account(engine, session, command), at);
}

void kk_report_no_orders(kk_engine *engine, uint32_t session, const kk_no_orders *answer) {
    static const uint8_t no_symbol[] = "[N/A]";
    const kk_mass_status *mass = answer->mass;
    const kk_refusal refusal = {.reason = answer->reason};

    kk_assert(kk_journal_room(&engine->out) >= REPORT_MAX);
    engine->statistics.refusals[answer->reason]++;
    uint8_t *at =
        kk_message_begin(engine, session, "8", 1, mass->header_echo, mass->header_echo_length);
    at = KK_PUT(at, "37=NONE\00117=");
    at = kk_put_u64(at, engine->next_exec_id++);
    at = KK_PUT(at, "\001150=I\00139=8\001");
    at = put_bytes(at, "1=", answer->account, answer->account_length);
    at = answer->symbol_length > 0 ? put_bytes(at, "55=", answer->symbol, answer->symbol_length)
                                   : put_bytes(at, "55=", no_symbol, sizeof no_symbol - 1);
    at = KK_PUT(at, "54=");
    at = kk_put_char(at, mass->side != 0 ? mass->side : '7');
    at = KK_PUT(at, "\001");
    at = put_nothing_done(engine, session, at);
    at = put_ord_rej_reason(at, answer->reason);
    at = put_bytes(at, "584=", mass->request_id, mass->request_id_length);
    at = KK_PUT(at, "911=0\001912=Y\001");
    at = kk_put_refusal(at, &refusal, engine->sessions[session].dialect);
    end_report(engine, session, mass->account, at);
}

/* Whether an echoed field may stand in a 9: Account(1), SecondaryClOrdID(526), ClOrdLinkID(583). */
static bool in_cancel_reject(const uint8_t *field) {
    return memcmp(field, "1=", 2) == 0 || memcmp(field, "526=", 4) == 0 ||
           memcmp(field, "583=", 4) == 0;
}

static uint8_t *put_cancel_reject_echo(uint8_t *at, const kk_command *command) {
    if (command->echo_bytes > KK_ECHO_MAX) {
        return at;
    }
    for (uint32_t i = 0; i < command->echo_count; i++) {
        const uint8_t *field = command->base + command->echo[i].offset;
        const uint8_t *end = field + command->echo[i].length;
        while (field < end) {
            const uint8_t *soh = memchr(field, 1, (size_t)(end - field));
            kk_assert(soh != NULL && soh - field >= 3);
            if (in_cancel_reject(field)) {
                at = kk_put(at, field, (size_t)(soh + 1 - field));
            }
            field = soh + 1;
        }
    }
    return at;
}

void kk_report_cancel_reject(kk_engine *engine, uint32_t session, uint32_t slot,
                             const kk_command *command, const kk_refusal *refusal) {
    uint8_t *at = begin_report(engine, session, "9", command);
    uint8_t ord_status = refusal->ord_status != 0 ? refusal->ord_status : '8';
    uint32_t account = KK_NONE;

    if (slot == KK_NONE) {
        at = KK_PUT(at, "37=NONE\001");
        account = named_account(engine, session, command);
    } else {
        at = KK_PUT(at, "37=");
        at = kk_put_u64(at, engine->pool.orders[slot].order_id);
        at = KK_PUT(at, "\001");
        ord_status = kk_ord_status(engine, slot);
        account = engine->pool.orders[slot].account;
    }
    at = put_value(at, "11=", command, &command->clord_id);
    at = put_value(at, "41=", command, &command->orig_clord_id);
    at = KK_PUT(at, "39=");
    at = kk_put_char(at, ord_status);
    at = KK_PUT(at, "\001");
    at = put_cancel_reject_echo(at, command);
    at = KK_PUT(at, "60=");
    at = kk_put_unit_time(at, engine, session);
    at = command->kind == KK_COMMAND_CANCEL ? KK_PUT(at, "\001434=1\001102=")
                                            : KK_PUT(at, "\001434=2\001102=");
    at = kk_put_u64(at, kk_reason_texts[refusal->reason].cxl_rej_reason);
    at = KK_PUT(at, "\001");
    at = kk_put_refusal(at, refusal, engine->sessions[session].dialect);
    end_report(engine, session, account, at);
}
