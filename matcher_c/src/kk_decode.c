/*
 * The walk over a D, F, G or H: header, body, NoPartyIDs(453), each field by its rule->
 *
 * A `false` anywhere means "not plain": nobody asks why, the full validation tells it.
 */
#include "kk_decode.h"

#include "kk_numbers.h"
#include "kk_scan.h"
#include "kk_value.h"

#define PARTIES_MAX 8u
#define NAMED_IDS 64u
#define SECONDS_LENGTH 17u /* YYYYMMDD-HH:MM:SS */

_Static_assert(KK_FIELD_ID_MAX < 3 * 64, "three words hold a bit for each id");

/* All of it lives in registers: everything below is inlined, and nobody gets its address. */
typedef struct decoder {
    kk_scan scan;
    kk_header *header;
    kk_command *command;
    uint64_t seen;      /* named ids of the fields seen */
    uint64_t seen_rare; /* nameless ones, below 128 and above */
    uint64_t seen_rarer;
    uint32_t message;      /* KK_FIELD_IN_* of its MsgType */
    uint32_t sending_time; /* offset of its value */
    bool in_body;
    bool pending; /* the current field was read ahead, behind a group */
    kk_span text; /* the whole field 58, for the last run */
} decoder;

KK_INLINE const uint8_t *value_at(const decoder *d) { return d->scan.frame + d->scan.value; }

KK_INLINE kk_span value_span(const decoder *d) {
    return (kk_span){.offset = d->scan.value, .length = d->scan.value_length};
}

KK_INLINE bool value_is_right(const decoder *d) {
    const kk_field_rule *rule = d->scan.rule;
    return (rule->value == KK_VALUE_STRING && rule->enum_set == 0) ||
           kk_value_is(rule, value_at(d), d->scan.value_length);
}

/* A character that FIX lists for its field. */
KK_INLINE bool take_char(const decoder *d, uint8_t *character) {
    *character = *value_at(d);
    return d->scan.value_length == 1 &&
           kk_enum_has(&kk_enum_sets[d->scan.rule->enum_set], *character);
}

KK_INLINE bool take_flag(const decoder *d, bool *flag) {
    *flag = *value_at(d) == 'Y';
    return d->scan.value_length == 1 && (*flag || *value_at(d) == 'N');
}

/* Adds whole fields to the echo; runs that touch are one. */
KK_INLINE bool add_echo(decoder *d, uint32_t from, uint32_t to) {
    kk_command *command = d->command;
    const uint32_t length = to - from;
    command->echo_bytes += length;
    if (command->echo_count > 0) {
        kk_span *last = &command->echo[command->echo_count - 1u];
        if (last->offset + last->length == from) {
            last->length += length;
            return true;
        }
    }
    if (command->echo_count == KK_ECHO_SPANS - 1u) {
        return false; /* the last one is kept for Text(58) */
    }
    command->echo[command->echo_count++] = (kk_span){.offset = from, .length = length};
    return true;
}

/* NoPartyIDs(453): entries of 448, then 447 and 452 as far as they are there. */
KK_INLINE bool take_parties(decoder *d) {
    kk_scan *scan = &d->scan;
    const uint32_t from = scan->at;
    uint64_t count = 0;
    if (!kk_digits(value_at(d), scan->value_length, &count) || count == 0 || count > PARTIES_MAX) {
        return false;
    }
    uint64_t entries = 0;
    uint8_t last = 0; /* id of the member before; they rise within an entry */
    uint32_t end = scan->next;
    while (kk_scan_more(scan)) {
        if (!kk_scan_field(scan)) {
            return false;
        }
        const uint8_t id = scan->rule->id;
        const bool member = id >= KK_ID_PARTY_ID && id <= KK_ID_PARTY_ROLE;
        if (!member || (id == KK_ID_PARTY_ID && entries == count)) {
            d->pending = true;
            break;
        }
        entries += id == KK_ID_PARTY_ID ? 1u : 0u;
        if ((id != KK_ID_PARTY_ID && id <= last) || entries == 0 || !value_is_right(d)) {
            return false;
        }
        last = id;
        end = scan->next;
    }
    return entries == count && add_echo(d, from, end);
}

/* A UTCTimestamp that nobody reads: mostly of the same second as SendingTime(52), or the same. */
KK_INLINE bool is_time(const decoder *d) {
    const uint8_t *value = value_at(d);
    const uint32_t length = d->scan.value_length;
    const uint8_t *sent = d->scan.frame + d->sending_time;
    if (d->sending_time > 0 && length >= SECONDS_LENGTH && length <= SECONDS_LENGTH + 10u &&
        memcmp(value, sent, length + 1u) == 0) {
        return true;
    }
    int64_t time_ns;
    return kk_timestamp(value, length, &time_ns);
}

KK_INLINE bool take_echo(decoder *d) {
    return value_is_right(d) && add_echo(d, d->scan.at, d->scan.next);
}

/* What the decoder does not know by name, by the class of its rule-> */
KK_INLINE bool take_by_class(decoder *d) {
    switch ((kk_field_class)d->scan.rule->field_class) {
    case KK_FIELD_HEADER:
        d->header->plain_header = false;
        return value_is_right(d);
    case KK_FIELD_ECHO:
        return take_echo(d);
    case KK_FIELD_INSTRUCTION:
        d->command->reason = KK_REASON_UNSUPPORTED_INSTRUCTION;
        return value_is_right(d);
    case KK_FIELD_ACCEPTED:
        return value_is_right(d);
    case KK_FIELD_UNKNOWN:
    case KK_FIELD_PYTHON:
    case KK_FIELD_TRAILER:
    case KK_FIELD_DECODED: /* a member of a group outside of it */
        return false;
    }
    return false;
}

/* What becomes of the order on a disconnect; every other instruction is refused. */
KK_INLINE bool take_exec_inst(decoder *d) {
    const uint8_t word = *value_at(d);
    if (d->scan.value_length == 1 &&
        (word == KK_KEEP_ON_DISCONNECT || word == KK_CANCEL_ON_DISCONNECT)) {
        d->command->on_disconnect = word;
        return true;
    }
    d->command->reason = KK_REASON_UNSUPPORTED_INSTRUCTION;
    return value_is_right(d);
}

KK_INLINE bool take_by_id(decoder *d) {
    kk_header *header = d->header;
    kk_command *command = d->command;
    const uint8_t *value = value_at(d);
    const uint32_t length = d->scan.value_length;
    switch (d->scan.rule->id) {
    case KK_ID_SENDER_COMP_ID:
        header->sender_comp_id = value_span(d);
        return true;
    case KK_ID_TARGET_COMP_ID:
        header->target_comp_id = value_span(d);
        return true;
    case KK_ID_MSG_SEQ_NUM:
        return kk_digits(value, length, &header->msg_seq_num) && header->msg_seq_num > 0;
    case KK_ID_SENDING_TIME:
        d->sending_time = d->scan.value;
        return kk_timestamp(value, length, &header->sending_time_ns);
    case KK_ID_SENDER_SUB_ID:
        command->sender_sub_id = value_span(d);
        return true;
    case KK_ID_TARGET_SUB_ID:
        command->target_sub_id = value_span(d);
        return true;
    case KK_ID_POSS_DUP_FLAG:
        return take_flag(d, &header->poss_dup);
    case KK_ID_POSS_RESEND:
        return take_flag(d, &header->poss_resend);
    case KK_ID_ORIG_SENDING_TIME:
        header->plain_header = false;
        return kk_timestamp(value, length, &command->sent_ns);
    case KK_ID_CL_ORD_ID:
        command->clord_id = value_span(d);
        return true;
    case KK_ID_ORIG_CL_ORD_ID:
        command->orig_clord_id = value_span(d);
        return true;
    case KK_ID_ORDER_ID:
        command->order_id = value_span(d);
        return true;
    case KK_ID_SYMBOL:
        command->symbol = value_span(d);
        return true;
    case KK_ID_SIDE:
        return take_char(d, &command->side);
    case KK_ID_ORDER_QTY:
        command->flags |= KK_COMMAND_HAS_QTY;
        return value[0] != '-' && kk_parse_e8(value, length, &command->order_qty_e8);
    case KK_ID_ORD_TYPE:
        return take_char(d, &command->ord_type);
    case KK_ID_PRICE:
        command->flags |= KK_COMMAND_HAS_PRICE;
        return kk_parse_e8(value, length, &command->price_e8);
    case KK_ID_TIME_IN_FORCE:
        return take_char(d, &command->time_in_force);
    case KK_ID_TRANSACT_TIME:
        return is_time(d);
    case KK_ID_ORD_STATUS_REQ_ID:
        command->status_req_id = value_span(d);
        return true;
    case KK_ID_SECURITY_TYPE:
        return value_is_right(d);
    case KK_ID_EXEC_INST:
        return take_exec_inst(d);
    case KK_ID_NO_PARTY_IDS:
        return take_parties(d);
    case KK_ID_ACCOUNT:
        command->account = value_span(d);
        return take_echo(d);
    case KK_ID_TEXT:
        command->text = value_span(d);
        d->text = (kk_span){.offset = d->scan.at, .length = d->scan.next - d->scan.at};
        return true;
    default:
        return take_by_class(d);
    }
}

/* Notes an id; false when it was there before. */
KK_INLINE bool first_time(decoder *d, uint32_t id) {
    const uint64_t bit = UINT64_C(1) << (id % 64u);
    uint64_t before = 0;
    if (kk_likely(id < NAMED_IDS)) {
        before = d->seen;
        d->seen |= bit;
    } else if (id < 2u * NAMED_IDS) {
        before = d->seen_rare;
        d->seen_rare |= bit;
    } else {
        before = d->seen_rarer;
        d->seen_rarer |= bit;
    }
    return (before & bit) == 0;
}

/* Of this message, for the first time, the header before the body; then by its rule-> */
KK_INLINE bool take_field(decoder *d) {
    const kk_field_rule *rule = d->scan.rule;
    const bool of_header = rule->field_class == KK_FIELD_HEADER;
    if (!(rule->messages & d->message) || !first_time(d, rule->id) || (of_header && d->in_body)) {
        return false;
    }
    d->in_body = !of_header;
    return take_by_id(d);
}

/* 8, 9 and 35: the walk stands behind them afterwards. */
KK_INLINE bool begin(decoder *d) {
    kk_scan *scan = &d->scan;
    if (memcmp(scan->frame, "8=FIX.4.4\0019=", 12) != 0) {
        return false;
    }
    kk_scan_soh(scan);
    scan->next = kk_scan_soh(scan) + 1u;
    const uint8_t *msg_type = scan->frame + scan->next + 3;
    if (kk_scan_soh(scan) != scan->next + 4u) {
        return false; /* MsgType(35) of more than one character */
    }
    scan->next += 5u;
    switch (*msg_type) {
    case 'D':
        d->message = KK_FIELD_IN_D;
        break;
    case 'F':
        d->message = KK_FIELD_IN_F;
        break;
    case 'G':
        d->message = KK_FIELD_IN_G;
        break;
    case 'H':
        d->message = KK_FIELD_IN_H;
        break;
    default:
        return false;
    }
    d->header->msg_type = *msg_type;
    d->command->kind = *msg_type;
    d->seen = 1u << KK_ID_BEGIN_STRING | 1u << KK_ID_BODY_LENGTH | 1u << KK_ID_MSG_TYPE |
              1u << KK_ID_CHECK_SUM;
    return true;
}

/* What only the whole message tells. */
KK_INLINE bool finish(decoder *d) {
    kk_command *command = d->command;
    const uint64_t required = kk_required_ids[kk_required_index(d->header->msg_type)];
    if ((d->seen & required) != required || d->scan.strange != 0 || d->scan.next != d->scan.end) {
        return false;
    }
    if (d->text.length > 0) {
        command->echo[command->echo_count++] = d->text;
        command->echo_bytes += d->text.length;
    }
    if (!(d->seen & 1u << KK_ID_ORIG_SENDING_TIME)) {
        command->sent_ns = d->header->sending_time_ns;
    }
    command->flags |= d->header->poss_resend ? KK_COMMAND_POSS_RESEND : 0u;
    return true;
}

bool kk_decode(const uint8_t *frame, size_t length, kk_header *header, kk_command *command) {
    decoder d = {.header = header, .command = command};
    if (length < KK_SCAN_MIN || length > KK_SCAN_MAX) {
        return false;
    }
    *header = (kk_header){.plain_header = true};
    *command = (kk_command){.base = frame, .time_in_force = '0'};
    kk_scan_begin(&d.scan, frame, length);
    if (!begin(&d)) {
        return false;
    }
    while (d.pending || kk_scan_more(&d.scan)) {
        if (!d.pending && !kk_scan_field(&d.scan)) {
            return false;
        }
        d.pending = false;
        if (!take_field(&d)) {
            return false;
        }
    }
    return finish(&d);
}

kk_status kk_decode_command(const uint8_t *frame, size_t length, kk_command *command) {
    kk_header header;
    kk_assert(frame != NULL && command != NULL);
    return kk_decode(frame, length, &header, command) ? KK_OK : KK_ESCALATE;
}
