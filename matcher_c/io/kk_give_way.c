/* A timer of one thread, and the handler that yields. */
#include "kk_give_way.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "kk_assert.h"

#ifndef sigev_notify_thread_id /* a C library that is older than the name */
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Only the handler writes it, and a handler knows nothing but what is static. */
static atomic_uint_fast64_t yields;

static void yield_now(int number) {
    const int before = errno;

    (void)number;
    (void)sched_yield();
    atomic_fetch_add_explicit(&yields, 1, memory_order_relaxed);
    errno = before;
}

int kk_give_way_make(kk_give_way *self) {
    struct sigaction action = {.sa_handler = yield_now, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    timer_t timer = NULL;

    kk_assert(self != NULL);
    (void)sigemptyset(&action.sa_mask);
    event.sigev_notify_thread_id = gettid();
    if (sigaction(SIGALRM, &action, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
        return errno;
    }
    self->timer = timer;
    return 0;
}

int kk_give_way_every(const kk_give_way *self, uint32_t interval_us) {
    kk_assert(self != NULL);
    kk_assert(interval_us <= KK_GIVE_WAY_MAX_US);
    const struct timespec interval = {.tv_nsec = (long)interval_us * 1000};
    const struct itimerspec times = {.it_interval = interval, .it_value = interval};

    return timer_settime(self->timer, 0, &times, NULL) == 0 ? 0 : errno;
}

uint64_t kk_give_way_count(void) { return atomic_load_explicit(&yields, memory_order_relaxed); }

void kk_give_way_end(kk_give_way *self) {
    kk_assert(self != NULL);
    /* The handler stays: a last signal may be under way. */
    (void)timer_delete(self->timer);
    self->timer = NULL;
}
