/*
 * A disk that does what the system does with a file in memory, keeps what was asked of it, and
 * fails or waits where a test says so.
 *
 * The calls made so far are letters: w pwrite, s fdatasync, d fsync of the directory.
 */
#ifndef SCRIPTED_DISK_H
#define SCRIPTED_DISK_H

#include <pthread.h>
#include <stdbool.h>

#include "kk_files.h"

#define SCRIPTED_CALLS_MAX 4096u
#define SCRIPTED_DIRECTORY 1000 /* what stands for the directory's descriptor */

typedef struct scripted_disk {
    kk_files files; /* of this disk */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char calls[SCRIPTED_CALLS_MAX];
    int call_fds[SCRIPTED_CALLS_MAX];
    uint32_t count;
    char failing;        /* a letter: the call that fails, */
    uint32_t failing_in; /* after so many of its kind, */
    int error;           /* once, with this errno */
    uint64_t piece_max;  /* bytes taken by one pwrite at most */
    bool holding;        /* syncs wait */
    uint32_t held;       /* so many wait now */
} scripted_disk;

void scripted_disk_open(scripted_disk *disk);
void scripted_disk_close(scripted_disk *disk);
/* The next but `after` call of this letter fails with `error`. */
void scripted_disk_fail(scripted_disk *disk, char call, uint32_t after, int error);
/* From now on syncs wait, or no longer do. */
void scripted_disk_hold(scripted_disk *disk, bool holding);
/* Waits until a sync waits. */
void scripted_disk_wait_held(scripted_disk *disk);
/* Waits until so many calls were made, and forgets none. */
void scripted_disk_wait_calls(scripted_disk *disk, uint32_t count);
/* Whether these calls were made since the last time this was asked; prints both when not. */
bool scripted_disk_did(scripted_disk *disk, const char *calls);

#endif
