/*
 * The calls that put the journal on the disk, in a table: the system's, or a test's.
 *
 * Each answers as the system does, but for errors: -errno.  A table may be called from the
 * journal's thread and from the pump's, never from both at once.
 */
#ifndef KK_FILES_H
#define KK_FILES_H

#include <stddef.h>
#include <stdint.h>

typedef struct kk_files {
    void *context; /* handed to each call */
    int64_t (*pwrite)(void *context, int fd, const uint8_t *bytes, uint64_t length,
                      uint64_t offset);
    int (*fdatasync)(void *context, int fd);
    int (*fsync)(void *context, int fd);
} kk_files;

/* The operating system's. */
const kk_files *kk_files_system(void);

/*
 * Writes all of `bytes`: goes on after a short write and after EINTR.  Returns 0, or the errno of
 * what the system refused; EIO where it takes nothing.
 */
int kk_files_write_all(const kk_files *files, int fd, const uint8_t *bytes, size_t length,
                       uint64_t offset);

#endif
