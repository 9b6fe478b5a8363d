/* The owner's side of the journal's thread: starting it, giving it groups, looking how far it is.
 */
#include "kk_journal_writer.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kk_assert.h"
#include "kk_journal_internal.h"
#include "kk_record.h"

/* The thread leaves all signals to the others. */
static bool start_thread(kk_journal_writer *writer) {
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    const bool started = pthread_create(&writer->thread, NULL, kk_journal_thread, writer) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void make_lock(kk_journal_writer *writer) {
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->given, &monotonic);
    pthread_cond_init(&writer->ended, NULL);
    pthread_condattr_destroy(&monotonic);
}

static void release(kk_journal_writer *writer) {
    pthread_cond_destroy(&writer->ended);
    pthread_cond_destroy(&writer->given);
    pthread_mutex_destroy(&writer->lock);
    close(writer->event_fd);
    free(writer);
}

kk_journal_writer *kk_journal_writer_new(const kk_files *files, int directory_fd, int64_t idle_ns,
                                         uint64_t durable_lsn) {
    kk_assert(files != NULL && idle_ns > 0);
    kk_journal_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return NULL;
    }
    writer->files = *files;
    writer->directory_fd = directory_fd;
    writer->idle_ns = idle_ns;
    writer->segment_fd = -1;
    writer->state.durable_lsn = durable_lsn;
    writer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer->event_fd < 0) {
        free(writer);
        return NULL;
    }
    make_lock(writer);
    if (!start_thread(writer)) {
        release(writer);
        return NULL;
    }
    return writer;
}

void kk_journal_writer_free(kk_journal_writer *writer) {
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->given);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    release(writer);
}

int kk_journal_writer_descriptor(const kk_journal_writer *writer) { return writer->event_fd; }

void kk_journal_writer_heard(kk_journal_writer *writer) {
    uint64_t ended;

    /* Nothing to read is no news. */
    const ssize_t length = read(writer->event_fd, &ended, sizeof ended);
    (void)length;
}

void kk_journal_writer_segment(kk_journal_writer *writer, int fd, uint64_t offset, uint64_t end,
                               uint32_t seed) {
    kk_assert(fd >= 0 && offset <= end);
    pthread_mutex_lock(&writer->lock);
    kk_assert(!writer->state.busy);
    writer->segment_fd = fd;
    writer->segment_end = end;
    writer->segment_seed = seed;
    writer->state.offset = offset;
    writer->new_name = true;
    writer->marker_due = false; /* it belongs behind a group of the same segment */
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_give(kk_journal_writer *writer, const kk_group *group) {
    kk_assert(group->length > 0 && group->first_lsn <= group->last_lsn);
    pthread_mutex_lock(&writer->lock);
    kk_assert(!writer->state.busy && writer->state.error == 0 && writer->segment_fd >= 0);
    kk_assert(group->length + KK_RECORD_HEADER_BYTES <= writer->segment_end - writer->state.offset);
    kk_assert(group->first_lsn == writer->state.durable_lsn + 1);
    writer->group = *group;
    writer->waiting = true;
    writer->state.busy = true;
    writer->marker_held = false;
    pthread_cond_signal(&writer->given);
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_look(kk_journal_writer *writer, kk_journal_state *state) {
    pthread_mutex_lock(&writer->lock);
    *state = writer->state;
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_hold(kk_journal_writer *writer, kk_journal_state *state) {
    pthread_mutex_lock(&writer->lock);
    writer->marker_held = true;
    *state = writer->state;
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_wait(kk_journal_writer *writer, kk_journal_state *state) {
    pthread_mutex_lock(&writer->lock);
    while (writer->state.busy) {
        pthread_cond_wait(&writer->ended, &writer->lock);
    }
    writer->marker_held = true;
    *state = writer->state;
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_mark(kk_journal_writer *writer, kk_journal_state *state) {
    pthread_mutex_lock(&writer->lock);
    kk_assert(!writer->state.busy);
    writer->marker_held = false;
    writer->marker_now = true;
    pthread_cond_signal(&writer->given);
    while (writer->state.busy || kk_journal_marker_may_come(writer)) {
        pthread_cond_wait(&writer->ended, &writer->lock);
    }
    writer->marker_now = false;
    *state = writer->state;
    pthread_mutex_unlock(&writer->lock);
}

void kk_journal_writer_count(kk_journal_writer *writer, kk_journal_counts *counts) {
    pthread_mutex_lock(&writer->lock);
    *counts = writer->counts;
    pthread_mutex_unlock(&writer->lock);
}

uint64_t kk_sync_bound_ns(uint32_t bucket) {
    kk_assert(bucket < KK_SYNC_BUCKETS);
    return bucket == KK_SYNC_BUCKETS - 1u ? UINT64_MAX : UINT64_C(64000) << bucket;
}
