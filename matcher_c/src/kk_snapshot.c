/* A snapshot from its first section to its last, piece by piece. */
#include "kk_snapshot.h"

#define SECTION_VERSION 1u
#define HEAD_BYTES 16u
#define LENGTH_BYTES 2u

/* A section may rely on those before it. */
static const kk_section *const sections[] = {
    &kk_section_venue,  &kk_section_sessions,    &kk_section_throttles,
    &kk_section_orders, &kk_section_mass_status, &kk_section_closed_orders,
    &kk_section_books,  &kk_section_closed_ids,  &kk_section_waiting_ids,
};

#define SECTIONS (sizeof sections / sizeof sections[0])

static void enter(kk_snapshot *at, uint64_t items) {
    at->begun = 1;
    at->items = items;
    at->item = 0;
    at->place[0] = 0;
    at->place[1] = 0;
}

static void leave(kk_snapshot *at) {
    at->section++;
    at->begun = 0;
}

/* ------------------------------------------------------------------ writing */

static void write_head(const kk_engine *engine, kk_snapshot *at, kk_item_out *out) {
    const kk_section *section = sections[at->section];

    enter(at, section->items(engine));
    kk_put_u32(out, section->id);
    kk_put_u32(out, SECTION_VERSION);
    kk_put_u64(out, at->items);
}

static void write_item(const kk_engine *engine, kk_snapshot *at, kk_item_out *out) {
    uint8_t *start = out->at;

    out->at += LENGTH_BYTES;
    sections[at->section]->write(engine, at, out);
    const size_t length = (size_t)(out->at - start);
    kk_assert(length <= KK_SNAPSHOT_ITEM_MAX);
    const uint16_t fields = (uint16_t)(length - LENGTH_BYTES);
    memcpy(start, &fields, sizeof fields);
    at->item++;
}

size_t kk_snapshot_write(const kk_engine *engine, kk_snapshot *at, uint8_t *buffer,
                         size_t capacity) {
    kk_item_out out = {.at = buffer};

    kk_assert(!engine->out.open && capacity >= KK_SNAPSHOT_BUFFER_MIN);
    while (at->section < SECTIONS && capacity - (size_t)(out.at - buffer) >= KK_SNAPSHOT_ITEM_MAX) {
        if (!at->begun) {
            write_head(engine, at, &out);
        } else if (at->item < at->items) {
            write_item(engine, at, &out);
        } else {
            leave(at);
        }
    }
    return (size_t)(out.at - buffer);
}

/* ------------------------------------------------------------------ reading */

/* The length of the field that stands first, its end included; 0: there is none. */
static size_t field_length(const uint8_t *bytes, size_t length) {
    size_t digits = 0;

    while (digits < length && bytes[digits] >= '0' && bytes[digits] <= '9') {
        digits++;
    }
    if (digits == 0 || digits + 2u >= length || bytes[digits] != '=' || bytes[0] == '0') {
        return 0;
    }
    const uint8_t *value = bytes + digits + 1u;
    const uint8_t *end = memchr(value, '\001', length - digits - 1u);
    return end == NULL || end == value ? 0 : (size_t)(end - bytes) + 1u;
}

bool kk_are_fields(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        const size_t first = field_length(bytes, length);
        if (first == 0) {
            return false;
        }
        bytes += first;
        length -= first;
    }
    return true;
}

bool kk_is_header_echo(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        const size_t first = field_length(bytes, length);
        if (first == 0 || (memcmp(bytes, "50=", 3) != 0 && memcmp(bytes, "57=", 3) != 0)) {
            return false;
        }
        bytes += first;
        length -= first;
    }
    return true;
}

/* Takes a section's head from its 16 bytes. */
static kk_status read_head(kk_engine *engine, kk_snapshot *at, const uint8_t *bytes) {
    const kk_section *section = sections[at->section];
    kk_item_in head = {.at = bytes, .end = bytes + HEAD_BYTES, .behind = bytes + HEAD_BYTES};

    if (kk_get_u32(&head) != section->id || kk_get_u32(&head) != SECTION_VERSION) {
        return KK_INVALID;
    }
    enter(at, kk_get_u64(&head));
    return section->begin == NULL ? KK_OK : section->begin(engine, at);
}

static kk_status read_item(kk_engine *engine, kk_snapshot *at, kk_item_in item) {
    const kk_status status = sections[at->section]->read(engine, at, &item);

    at->item++;
    return status == KK_OK && !kk_item_is_whole(&item) ? KK_INVALID : status;
}

static kk_status read_end(kk_engine *engine, kk_snapshot *at) {
    const kk_section *section = sections[at->section];

    leave(at);
    return section->end == NULL ? KK_OK : section->end(engine, at);
}

/* Takes the next step from `bytes`; *used is 0 where that needs none, or more of them. */
static kk_status step(kk_engine *engine, kk_snapshot *at, const uint8_t *bytes, size_t length,
                      size_t *used) {
    *used = 0;
    if (at->begun && at->item == at->items) {
        return read_end(engine, at);
    }
    if (!at->begun) {
        if (length < HEAD_BYTES) {
            return KK_NEED_DATA;
        }
        *used = HEAD_BYTES;
        return read_head(engine, at, bytes);
    }
    uint16_t fields = 0;
    if (length >= LENGTH_BYTES) {
        memcpy(&fields, bytes, sizeof fields);
    }
    if (fields > KK_SNAPSHOT_ITEM_MAX - LENGTH_BYTES) {
        return KK_INVALID;
    }
    if (length < LENGTH_BYTES || length - LENGTH_BYTES < fields) {
        return KK_NEED_DATA;
    }
    const uint8_t *start = bytes + LENGTH_BYTES;
    *used = LENGTH_BYTES + (size_t)fields;
    return read_item(engine, at,
                     (kk_item_in){.at = start, .end = start + fields, .behind = bytes + length});
}

kk_status kk_snapshot_read(kk_engine *engine, kk_snapshot *at, const uint8_t *bytes, size_t length,
                           size_t *used) {
    kk_status status = KK_OK;

    kk_assert(!engine->out.open && at->section <= SECTIONS);
    *used = 0;
    while (status == KK_OK && at->section < SECTIONS) {
        size_t taken = 0;
        status = step(engine, at, bytes + *used, length - *used, &taken);
        *used += taken;
    }
    return status == KK_OK && *used != length ? KK_INVALID : status;
}
