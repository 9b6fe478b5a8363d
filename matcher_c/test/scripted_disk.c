#include "scripted_disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kk_assert.h"

/* Notes a call; the error it is to end with. */
static int enter(scripted_disk *disk, char call, int fd) {
    int error = 0;

    pthread_mutex_lock(&disk->lock);
    kk_assert(disk->count + 1u < SCRIPTED_CALLS_MAX);
    disk->call_fds[disk->count] = fd;
    disk->calls[disk->count++] = call;
    if (call == disk->failing && disk->failing_in-- == 0) {
        error = disk->error;
        disk->failing = '\0';
    }
    pthread_cond_broadcast(&disk->changed);
    while (call != 'w' && disk->holding) {
        disk->held++;
        pthread_cond_broadcast(&disk->changed);
        pthread_cond_wait(&disk->changed, &disk->lock);
        disk->held--;
    }
    pthread_mutex_unlock(&disk->lock);
    return -error;
}

static int64_t scripted_pwrite(void *context, int fd, const uint8_t *bytes, uint64_t length,
                               uint64_t offset) {
    scripted_disk *disk = context;
    const int error = enter(disk, 'w', fd);

    if (error != 0) {
        return error;
    }
    const uint64_t taken = length < disk->piece_max ? length : disk->piece_max;
    return pwrite(fd, bytes, taken, (off_t)offset);
}

static int scripted_fdatasync(void *context, int fd) { return enter(context, 's', fd); }

static int scripted_fsync(void *context, int fd) { return enter(context, 'd', fd); }

void scripted_disk_open(scripted_disk *disk) {
    memset(disk, 0, sizeof *disk);
    disk->piece_max = UINT64_MAX;
    disk->files = (kk_files){.context = disk,
                             .pwrite = scripted_pwrite,
                             .fdatasync = scripted_fdatasync,
                             .fsync = scripted_fsync};
    pthread_mutex_init(&disk->lock, NULL);
    pthread_cond_init(&disk->changed, NULL);
}

void scripted_disk_close(scripted_disk *disk) {
    pthread_cond_destroy(&disk->changed);
    pthread_mutex_destroy(&disk->lock);
}

void scripted_disk_fail(scripted_disk *disk, char call, uint32_t after, int error) {
    pthread_mutex_lock(&disk->lock);
    disk->failing = call;
    disk->failing_in = after;
    disk->error = error;
    pthread_mutex_unlock(&disk->lock);
}

void scripted_disk_hold(scripted_disk *disk, bool holding) {
    pthread_mutex_lock(&disk->lock);
    disk->holding = holding;
    pthread_cond_broadcast(&disk->changed);
    pthread_mutex_unlock(&disk->lock);
}

void scripted_disk_wait_held(scripted_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    while (disk->held == 0) {
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    pthread_mutex_unlock(&disk->lock);
}

void scripted_disk_wait_calls(scripted_disk *disk, uint32_t count) {
    pthread_mutex_lock(&disk->lock);
    while (disk->count < count) {
        pthread_cond_wait(&disk->changed, &disk->lock);
    }
    pthread_mutex_unlock(&disk->lock);
}

bool scripted_disk_did(scripted_disk *disk, const char *calls) {
    pthread_mutex_lock(&disk->lock);
    disk->calls[disk->count] = '\0';
    const bool same = strcmp(disk->calls, calls) == 0;
    if (!same) {
        printf("calls were \"%s\", expected \"%s\"\n", disk->calls, calls);
    }
    disk->count = 0;
    pthread_mutex_unlock(&disk->lock);
    return same;
}
