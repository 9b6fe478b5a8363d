/*
 * The journal's thread: waits for a group, writes and syncs it, says so, waits for the next.
 *
 * It holds the lock only between calls to the disk.  While it is busy the segment and the group are
 * its own, and nobody else writes them.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kk_assert.h"
#include "kk_journal_internal.h"
#include "kk_record.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct timespec moment(int64_t at_ns) {
    return (struct timespec){.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
}

/* What comes next; the idle marker's time is over once it was quiet for idle_ns. */
typedef enum kk_next { KK_NEXT_GROUP, KK_NEXT_MARKER, KK_NEXT_END } kk_next;

bool kk_journal_marker_may_come(const kk_journal_writer *writer) {
    return writer->marker_due && !writer->marker_held && writer->state.error == 0 &&
           writer->segment_end - writer->state.offset >= KK_RECORD_HEADER_BYTES;
}

static kk_next wait_for_next(kk_journal_writer *writer) {
    const struct timespec quiet_at = moment(now_ns() + writer->idle_ns);
    bool quiet = false;

    while (true) {
        if (writer->waiting) {
            return KK_NEXT_GROUP;
        }
        if (writer->stopping) {
            return KK_NEXT_END;
        }
        if (!kk_journal_marker_may_come(writer)) {
            pthread_cond_wait(&writer->given, &writer->lock);
        } else if (writer->marker_now || quiet) {
            return KK_NEXT_MARKER;
        } else {
            quiet = pthread_cond_timedwait(&writer->given, &writer->lock, &quiet_at) == ETIMEDOUT;
        }
    }
}

static void fail(kk_journal_state *state, kk_journal_action action, int error) {
    state->error = error;
    state->action = action;
}

/* Writes `length` bytes at the segment's offset and syncs them; what became of it is in *state. */
static void write_and_sync(const kk_journal_writer *writer, const uint8_t *bytes, size_t length,
                           bool new_name, kk_journal_state *state) {
    const kk_files *files = &writer->files;

    int error = kk_files_write_all(files, writer->segment_fd, bytes, length, state->offset);
    if (error != 0) {
        fail(state, KK_JOURNAL_WRITE, error);
        return;
    }
    error = files->fdatasync(files->context, writer->segment_fd);
    if (error != 0) {
        fail(state, KK_JOURNAL_SYNC, -error);
        return;
    }
    if (new_name) {
        error = files->fsync(files->context, writer->directory_fd);
        if (error != 0) {
            fail(state, KK_JOURNAL_SYNC_DIRECTORY, -error);
            return;
        }
    }
    state->offset += length;
}

static void count_sync(kk_journal_counts *counts, uint64_t length, int64_t started_ns) {
    const uint64_t took_ns = (uint64_t)(now_ns() - started_ns);
    uint32_t bucket = 0;

    while (took_ns > kk_sync_bound_ns(bucket)) {
        bucket++;
    }
    counts->groups++;
    counts->group_bytes += length;
    counts->group_bytes_max = length > counts->group_bytes_max ? length : counts->group_bytes_max;
    counts->syncs++;
    counts->sync_sum_ns += took_ns;
    counts->sync_max_ns = took_ns > counts->sync_max_ns ? took_ns : counts->sync_max_ns;
    counts->sync_times[bucket]++;
}

/* Called with the lock, which it gives back while it is at the disk. */
static void write_group(kk_journal_writer *writer) {
    const kk_group group = writer->group;
    const bool new_name = writer->new_name;
    const size_t length = group.length + KK_RECORD_HEADER_BYTES;
    uint8_t *bytes = group.records - KK_RECORD_HEADER_BYTES;
    kk_journal_state state = writer->state;
    kk_record header;

    writer->waiting = false;
    pthread_mutex_unlock(&writer->lock);
    kk_record_group(&header, group.first_lsn, state.durable_lsn);
    memcpy(bytes, &header, sizeof header);
    kk_seal(bytes, length, writer->segment_seed);
    const int64_t started_ns = now_ns();
    write_and_sync(writer, bytes, length, new_name, &state);
    pthread_mutex_lock(&writer->lock);
    if (state.error == 0) {
        state.durable_lsn = group.last_lsn;
        writer->new_name = false;
        writer->marker_due = true;
        count_sync(&writer->counts, length, started_ns);
    }
    writer->state = state;
}

/* The same for the idle marker. */
static void write_marker(kk_journal_writer *writer) {
    kk_journal_state state = writer->state;
    kk_record marker;

    writer->state.busy = true;
    writer->marker_due = false;
    pthread_mutex_unlock(&writer->lock);
    kk_record_group(&marker, state.durable_lsn + 1, state.durable_lsn);
    marker.crc32c = kk_record_crc(&marker, writer->segment_seed);
    write_and_sync(writer, (const uint8_t *)&marker, sizeof marker, false, &state);
    pthread_mutex_lock(&writer->lock);
    writer->counts.idle_markers += state.error == 0 ? 1u : 0u;
    writer->state = state;
}

void *kk_journal_thread(void *argument) {
    kk_journal_writer *writer = argument;
    const uint64_t one = 1;
    kk_next next;

    pthread_mutex_lock(&writer->lock);
    while ((next = wait_for_next(writer)) != KK_NEXT_END) {
        if (next == KK_NEXT_GROUP) {
            write_group(writer);
        } else {
            write_marker(writer);
        }
        writer->state.busy = false;
        pthread_cond_broadcast(&writer->ended);
        pthread_mutex_unlock(&writer->lock);
        kk_assert(write(writer->event_fd, &one, sizeof one) == (ssize_t)sizeof one);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}
