#include "random_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

kk_capacity history_capacity(void) {
    kk_capacity capacity = venue_capacity();

    capacity.orders = 48; /* three echo chunks */
    capacity.levels = 20;
    capacity.duplicate_window = 80;
    return capacity;
}

void history_open(venue *v, const kk_capacity *capacity) {
    const kk_session_config throttled = {
        .throttle = {.messages_per_second = 40, .orders_per_second = 30, .logout_after = 9}};
    venue_open(v, capacity);
    venue_cancel_on_disconnect(v, 1, true);
    venue_set_session(v, 0, &throttled);
}

static uint64_t roll(history_dice *dice, uint64_t below) {
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (dice->state >> 33) % below;
}

static void add_order(venue *v, history_dice *dice) {
    static const uint32_t senders[] = {0, 1, 3};
    char text[1024];
    const unsigned price = 9990 + (unsigned)roll(dice, 20);
    const char side = "12"[roll(dice, 2)];
    int at = snprintf(text, sizeof text, "%u D|11=n%u|54=%c|38=%u|44=%u.%02u|59=%c",
                      senders[roll(dice, 3)], dice->next_id++, side, 1 + (unsigned)roll(dice, 9),
                      price / 100, price % 100, "0000111134"[roll(dice, 10)]);
    if (roll(dice, 3) == 0) {
        at += snprintf(text + at, sizeof text - (size_t)at, "|18=%c|50=TRADER%u", "HQ"[side & 1],
                       (unsigned)roll(dice, 5));
    }
    if (roll(dice, 3) == 0) { /* longer than what the slot holds */
        (void)snprintf(text + at, sizeof text - (size_t)at, "|528=A|58=%0*u",
                       (int)(200 + roll(dice, 180)), 7u);
    }
    venue_do(v, text);
}

static void change_order(venue *v, history_dice *dice) {
    char text[256];
    const unsigned back = 1 + (unsigned)roll(dice, 60);
    const unsigned named = dice->next_id > back ? dice->next_id - back : 1;
    const unsigned price = 9990 + (unsigned)roll(dice, 20);
    const char side = "12"[roll(dice, 2)];
    const unsigned session = (unsigned)roll(dice, 2);

    switch (roll(dice, 3)) {
    case 0:
        (void)snprintf(text, sizeof text, "%u F|11=n%u|41=n%u|54=%c", session, dice->next_id++,
                       named, side);
        break;
    case 1:
        (void)snprintf(text, sizeof text, "%u G|11=n%u|41=n%u|54=%c|38=%u|44=%u.%02u", session,
                       dice->next_id++, named, side, 1 + (unsigned)roll(dice, 9), price / 100,
                       price % 100);
        break;
    default:
        (void)snprintf(text, sizeof text, "%u H|11=n%u|54=%c", session, named, side);
        break;
    }
    venue_do(v, text);
}

static void slice(venue *v, history_dice *dice) {
    if (kk_expire_pending(v->engine)) {
        venue_expire(v, 1 + (uint32_t)roll(dice, 9));
    } else if (kk_walk_pending(v->engine)) {
        venue_walk(v, 1 + (uint32_t)roll(dice, 30));
    } else if (roll(dice, 6) == 0) {
        venue_roll(v, ++dice->day);
    }
}

void history_step(venue *v, history_dice *dice) {
    char text[64];
    const uint64_t what = roll(dice, 20);

    v->now_ns += (int64_t)roll(dice, 60000000);
    if (what < 9) {
        add_order(v, dice);
    } else if (what < 15) {
        change_order(v, dice);
    } else if (what < 18) {
        slice(v, dice);
    } else if (what == 18) {
        venue_leave(v, (uint32_t)roll(dice, 2), 5);
    } else {
        const uint32_t session = (uint32_t)roll(dice, 2);
        (void)snprintf(text, sizeof text, "584=m%u%s", dice->next_id++,
                       roll(dice, 2) ? "|54=1|50=X" : "");
        if (!kk_mass_status_pending(v->engine, session)) {
            venue_ask(v, session, text, 3);
        }
    }
}

size_t history_write(const venue *v, uint8_t *snapshot, size_t piece) {
    kk_snapshot at = {0};
    size_t length = 0;

    for (;;) {
        const size_t left = HISTORY_SNAPSHOT_MAX - length;
        const size_t room = piece < left ? piece : left;
        const size_t written = kk_snapshot_write(v->engine, &at, snapshot + length, room);
        if (written == 0) {
            return length;
        }
        length += written;
    }
}

kk_status history_read(venue *v, kk_snapshot *at, const uint8_t *snapshot, size_t length,
                       size_t piece) {
    size_t done = 0;
    size_t given = 0;
    kk_status status = KK_NEED_DATA;

    memset(at, 0, sizeof *at);
    while (status == KK_NEED_DATA && given < length) {
        size_t used = 0;
        given = length - given < piece ? length : given + piece;
        /* At the end of memory of its own, where the sanitizer sees one byte too many. */
        uint8_t *own = malloc(given > done ? given - done : 1u);
        kk_assert(own != NULL);
        memcpy(own, snapshot + done, given - done);
        status = kk_snapshot_read(v->engine, at, own, given - done, &used);
        free(own);
        done += used;
    }
    return status == KK_OK && done != length ? KK_INVALID : status;
}

void history_follow(venue *v, const venue *from) {
    v->now_ns = from->now_ns;
    v->last_exec_id = from->last_exec_id;
    memcpy(v->frames, from->frames, sizeof v->frames);
}
