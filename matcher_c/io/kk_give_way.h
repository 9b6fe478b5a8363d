/*
 * Giving way: a process that works beside the gateway yields its processor every so often.
 *
 * The lowest priority is not enough.  The scheduler lets a thread that wakes wait for the rest of a
 * slice of whoever runs, up to a tick (4 ms at HZ=250), unless the thread that runs yields.
 *
 * While it is switched on, a timer interrupts the thread that made it, whatever C code it is in,
 * and the handler of its signal (SIGALRM) yields.  Rules:
 *
 * - It is switched on for work alone: a tick costs tens of microseconds where a hypervisor keeps
 *   the timers, and one that wakes a thread at rest would be nothing but that.
 * - System calls that it interrupts go on by themselves (SA_RESTART), except those that sleep: a
 *   thread neither sleeps nor waits for a lock that somebody polls for while it is switched on.
 * - No other thread is ever interrupted.
 *
 * A process has one at most.
 */
#ifndef KK_GIVE_WAY_H
#define KK_GIVE_WAY_H

#include <stdint.h>

#define KK_GIVE_WAY_MAX_US 999999 /* between two yields, at most */

typedef struct kk_give_way {
    void *timer; /* the system's handle */
} kk_give_way;

/* Makes the timer of this thread, switched off.  Returns 0 or errno. */
int kk_give_way_make(kk_give_way *self);

/* Yields every `interval_us` from now on; 0: no more.  Returns 0 or errno. */
int kk_give_way_every(const kk_give_way *self, uint32_t interval_us);

/* How often the timer has made this process yield. */
uint64_t kk_give_way_count(void);

/* Switches off and removes the timer. */
void kk_give_way_end(kk_give_way *self);

#endif
