#include "kk_give_way.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "kk_test.h"

#define INTERVAL_US 200u
#define WORK_NS INT64_C(20000000)

static int64_t now_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Keeps the processor busy for so long; returns how often it was made to yield. */
static uint64_t work(int64_t duration_ns) {
    const uint64_t before = kk_give_way_count();
    const int64_t end_ns = now_ns() + duration_ns;

    while (now_ns() < end_ns) {
    }
    return kk_give_way_count() - before;
}

static void yields_while_on(void) {
    kk_give_way self;

    KK_CHECK(kk_give_way_make(&self) == 0);
    KK_CHECK(work(WORK_NS) == 0);
    KK_CHECK(kk_give_way_every(&self, INTERVAL_US) == 0);
    KK_CHECK(work(WORK_NS) >= 2);
    KK_CHECK(kk_give_way_every(&self, 0) == 0);
    KK_CHECK(work(WORK_NS) == 0);
    KK_CHECK(kk_give_way_every(&self, INTERVAL_US) == 0);
    kk_give_way_end(&self);
    KK_CHECK(work(WORK_NS) == 0);
}

static void *write_later(void *fd) {
    (void)work(WORK_NS);
    return write(*(int *)fd, "x", 1) == 1 ? fd : NULL;
}

static void goes_on_with_a_call(void) {
    kk_give_way self;
    pthread_t writer;
    int ends[2];
    char byte = 0;
    void *written = NULL;

    KK_CHECK(kk_give_way_make(&self) == 0);
    KK_CHECK(pipe(ends) == 0);
    const uint64_t before = kk_give_way_count();
    KK_CHECK(pthread_create(&writer, NULL, write_later, &ends[1]) == 0);
    KK_CHECK(kk_give_way_every(&self, INTERVAL_US) == 0);
    KK_CHECK(read(ends[0], &byte, 1) == 1);
    kk_give_way_end(&self);
    KK_CHECK(byte == 'x');
    KK_CHECK(kk_give_way_count() > before);
    KK_CHECK(pthread_join(writer, &written) == 0);
    KK_CHECK(written == &ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Sleeps, which no handler leaves undisturbed; returns whether nothing came. */
static void *sleep_through(void *unused) {
    const struct timespec duration = {.tv_nsec = WORK_NS};

    return nanosleep(&duration, NULL) == 0 ? unused : NULL;
}

static void leaves_other_threads_alone(void) {
    kk_give_way self;
    pthread_t sleeper;
    void *undisturbed = NULL;

    KK_CHECK(kk_give_way_make(&self) == 0);
    KK_CHECK(kk_give_way_every(&self, INTERVAL_US) == 0);
    KK_CHECK(pthread_create(&sleeper, NULL, sleep_through, &self) == 0);
    KK_CHECK(work(2 * WORK_NS) >= 2);
    KK_CHECK(pthread_join(sleeper, &undisturbed) == 0);
    KK_CHECK(undisturbed == &self);
    kk_give_way_end(&self);
}

int main(void) {
    KK_RUN(yields_while_on, "it yields while it is switched on, and only then");
    KK_RUN(goes_on_with_a_call, "a system call that it interrupts goes on");
    KK_RUN(leaves_other_threads_alone, "another thread sleeps through it");
    return KK_REPORT();
}
