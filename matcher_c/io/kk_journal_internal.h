/* What the journal's thread and its owner share, all of it under the lock but what never changes.
 */
#ifndef KK_JOURNAL_INTERNAL_H
#define KK_JOURNAL_INTERNAL_H

#include <pthread.h>

#include "kk_journal_writer.h"

struct kk_journal_writer {
    kk_files files;
    int directory_fd;
    int64_t idle_ns;
    int event_fd;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t given; /* a group, or the end */
    pthread_cond_t ended; /* not busy any more */
    bool stopping;
    bool waiting;     /* a group was given and not yet begun */
    bool marker_held; /* no idle marker may begin */
    bool marker_due;  /* the watermark in the file is older than durable_lsn */
    bool marker_now;  /* it is not to wait for quiet */
    bool new_name;    /* the directory was not synced since the segment was set */
    kk_group group;
    int segment_fd;
    uint64_t segment_end;
    uint32_t segment_seed;
    kk_journal_state state;
    kk_journal_counts counts;
};

/* Whether an idle marker would begin once it was quiet for a while; under the lock. */
bool kk_journal_marker_may_come(const kk_journal_writer *writer);
/* The thread's function; its argument is the writer. */
void *kk_journal_thread(void *writer);

#endif
