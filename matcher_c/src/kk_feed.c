/*
 * Feeding a session from the journal: its recorded messages, rendered and pushed into its ring.
 *
 * A call walks the records of one segment from header to header and takes the session's messages
 * in the order of their numbers.  It ends at the first of its limits, so its time is bounded
 * however large the journal is and however far apart the messages stand in it.
 * Nothing is pushed of a record that is not as it was sealed.  Records that stand in memory are not
 * checked: the journal's thread seals them meanwhile, so their checksums are not even looked at.
 *
 * A drop copy is rendered from its source, the message record before its copies in the same unit,
 * and has to come out as it was recorded.
 */
#include <string.h>

#include "kk_engine.h"
#include "kk_wire.h"

#define MESSAGE_MAX sizeof(((kk_engine *)NULL)->feed_scratch[0])

typedef struct piece {
    const uint8_t *bytes;
    size_t length;
} piece;

static const uint8_t *payload_at(const kk_feed *feed, size_t offset) {
    return feed->records + offset + KK_RECORD_HEADER_BYTES;
}

/* Copies the header of a record but for its checksum. */
static bool read_header(const kk_feed *feed, size_t offset, kk_record *record) {
    const uint8_t *bytes = feed->records + offset;

    if (!feed->unsealed) {
        return kk_record_read(feed->records, feed->length, offset, record);
    }
    if (offset >= feed->length) {
        return false;
    }
    memcpy(record, bytes, offsetof(kk_record, crc32c));
    memcpy((uint8_t *)record + offsetof(kk_record, lsn), bytes + offsetof(kk_record, lsn),
           sizeof *record - offsetof(kk_record, lsn));
    record->crc32c = 0;
    kk_assert(record->length >= KK_RECORD_HEADER_BYTES);
    kk_assert(record->length <= feed->length - offset);
    return true;
}

static bool is_intact(const kk_feed *feed, size_t offset) {
    return feed->unsealed || kk_record_intact(feed->records, offset, feed->segment_seed);
}

/* Pushes bytes into the ring and counts them; false when they do not fit. */
static bool push(kk_engine *engine, kk_feed *feed, const uint8_t *bytes, size_t length) {
    if (!kk_ring_push(engine, feed->session, bytes, length)) {
        return false;
    }
    feed->bytes += length;
    return true;
}

/* Closes the open run of administrative messages; false when the ring has no room for it. */
static bool fill_gap(kk_engine *engine, kk_feed *feed, uint64_t next) {
    uint8_t *out = engine->feed_scratch[1];

    if (feed->gap_from == 0) {
        return true;
    }
    const size_t length = kk_render_gap_fill(engine, feed->session, feed->gap_from, next,
                                             feed->now_ns, out, MESSAGE_MAX);
    kk_assert(length > 0);
    if (!push(engine, feed, out, length)) {
        return false;
    }
    feed->gap_from = 0;
    return true;
}

/* Renders a copy from its source; false when it is not what was recorded. */
static bool render(kk_engine *engine, const kk_feed *feed, const kk_drop_copy *copy,
                   const kk_record *source, piece *message) {
    uint8_t *out = engine->feed_scratch[0];

    message->bytes = out;
    message->length = kk_render_copy(engine, feed->session, feed->next, &copy->form,
                                     source->time_ns, payload_at(feed, feed->source_offset),
                                     source->payload_length, out, MESSAGE_MAX);
    return message->length == copy->rendered_length &&
           kk_crc32c(0, out, message->length) == copy->crc32c;
}

/* The bytes of a drop copy; KK_FEED_LIMIT when they are there. */
static kk_feed_end copy_of(kk_engine *engine, kk_feed *feed, const kk_record *record,
                           piece *message) {
    kk_drop_copy copy;
    kk_record source;

    if (record->payload_length != sizeof copy) {
        return KK_FEED_DAMAGED;
    }
    memcpy(&copy, payload_at(feed, feed->offset), sizeof copy);
    feed->source_lsn = copy.source_lsn;
    if (feed->source_offset == KK_FEED_NO_SOURCE ||
        !read_header(feed, feed->source_offset, &source) || source.lsn != copy.source_lsn) {
        return KK_FEED_SOURCE;
    }
    if (source.kind != KK_RECORD_MESSAGE || !is_intact(feed, feed->source_offset)) {
        return KK_FEED_SOURCE_DAMAGED;
    }
    return render(engine, feed, &copy, &source, message) ? KK_FEED_LIMIT : KK_FEED_UNLIKE;
}

/* Pushes one message; KK_FEED_LIMIT when it is done with. */
static kk_feed_end push_message(kk_engine *engine, kk_feed *feed, const piece *message) {
    uint8_t *out = engine->feed_scratch[1];
    const bool administrative = kk_wire_is_administrative(message->bytes);
    piece sent = *message;

    if (administrative && feed->again) {
        feed->gap_from = feed->gap_from == 0 ? feed->next : feed->gap_from;
        return KK_FEED_LIMIT;
    }
    if (!fill_gap(engine, feed, feed->next)) {
        return KK_FEED_FULL;
    }
    if (!administrative) {
        sent.bytes = out;
        sent.length =
            kk_render_resend(message->bytes, message->length, feed->now_ns, out, MESSAGE_MAX);
        kk_assert(sent.length > 0);
    }
    if (!push(engine, feed, sent.bytes, sent.length)) {
        return KK_FEED_FULL;
    }
    feed->messages++;
    if (!feed->again) {
        kk_ring_fed(engine, feed->session, feed->next, message->length);
    }
    return KK_FEED_LIMIT;
}

/* Takes the record at the offset, which is the session's; KK_FEED_LIMIT when it is done with. */
static kk_feed_end take(kk_engine *engine, kk_feed *feed, const kk_record *record) {
    piece message = {.bytes = payload_at(feed, feed->offset), .length = record->payload_length};

    if (record->msg_seq_num > feed->next) {
        return KK_FEED_MISSING;
    }
    if (!is_intact(feed, feed->offset)) {
        return KK_FEED_DAMAGED;
    }
    if (record->kind == KK_RECORD_DROP_COPY) {
        const kk_feed_end end = copy_of(engine, feed, record, &message);
        if (end != KK_FEED_LIMIT) {
            return end;
        }
    }
    const kk_feed_end end = push_message(engine, feed, &message);
    feed->next += end == KK_FEED_LIMIT ? 1u : 0u;
    return end;
}

static bool within_limits(const kk_feed *feed) {
    return feed->messages < feed->messages_max && feed->bytes < feed->bytes_max &&
           feed->walked < feed->records_max;
}

kk_feed_end kk_feed_session(kk_engine *engine, kk_feed *feed) {
    kk_record record;

    kk_assert(kk_ring_cursor(engine, feed->session) != 0);
    kk_assert(feed->messages_max > 0 && feed->bytes_max > 0 && feed->records_max > 0);
    feed->messages = 0;
    feed->walked = 0;
    feed->bytes = 0;
    while (feed->next <= feed->last) {
        if (!within_limits(feed)) {
            return KK_FEED_LIMIT;
        }
        if (!read_header(feed, feed->offset, &record)) {
            return KK_FEED_SEGMENT;
        }
        const bool sent = record.kind == KK_RECORD_MESSAGE || record.kind == KK_RECORD_DROP_COPY;
        if (sent && record.session == feed->session && record.epoch == feed->epoch &&
            record.msg_seq_num >= feed->next) {
            const kk_feed_end end = take(engine, feed, &record);
            if (end != KK_FEED_LIMIT) {
                return end;
            }
        }
        if (record.kind == KK_RECORD_MESSAGE) {
            feed->source_offset = feed->offset;
        }
        feed->offset += record.length;
        feed->walked++;
    }
    return fill_gap(engine, feed, feed->last + 1u) ? KK_FEED_DONE : KK_FEED_FULL;
}
