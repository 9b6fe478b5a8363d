/*
 * For tests of snapshots: a venue in the midst of everything, its snapshot as bytes, and a venue
 * that goes on from there.
 */
#ifndef RANDOM_HISTORY_H
#define RANDOM_HISTORY_H

#include "venue.h"

#define HISTORY_SNAPSHOT_MAX ((size_t)1 << 20)

typedef struct history_dice {
    uint64_t state;
    unsigned next_id;
    uint32_t day;
} history_dice;

/* Few of everything, so that slots, chunks and ids are reused. */
kk_capacity history_capacity(void);
/* A venue whose first session has a throttle, and whose second one is pulled on a disconnect. */
void history_open(venue *v, const kk_capacity *capacity);
/* One random thing: orders, changes, status requests, pulls, days, slices of walk and expiry. */
void history_step(venue *v, history_dice *dice);

/* The whole snapshot, written in pieces of `piece` bytes; returns its length. */
size_t history_write(const venue *v, uint8_t *snapshot, size_t piece);
/* Reads it into a venue that was just opened, `piece` bytes more at a time. */
kk_status history_read(venue *v, kk_snapshot *at, const uint8_t *snapshot, size_t length,
                       size_t piece);
/* What the test itself remembers of `from`, so that the same steps say the same. */
void history_follow(venue *v, const venue *from);

#endif
