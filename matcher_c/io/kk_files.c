/* The table of the operating system's calls, and what is made of them. */
#include "kk_files.h"

#include <errno.h>
#include <unistd.h>

#include "kk_assert.h"

static int64_t system_pwrite(void *context, int fd, const uint8_t *bytes, uint64_t length,
                             uint64_t offset) {
    (void)context;
    const ssize_t count = pwrite(fd, bytes, length, (off_t)offset);
    return count < 0 ? -(int64_t)errno : (int64_t)count;
}

static int system_fdatasync(void *context, int fd) {
    (void)context;
    return fdatasync(fd) == 0 ? 0 : -errno;
}

static int system_fsync(void *context, int fd) {
    (void)context;
    return fsync(fd) == 0 ? 0 : -errno;
}

const kk_files *kk_files_system(void) {
    static const kk_files table = {
        .pwrite = system_pwrite, .fdatasync = system_fdatasync, .fsync = system_fsync};
    return &table;
}

int kk_files_write_all(const kk_files *files, int fd, const uint8_t *bytes, size_t length,
                       uint64_t offset) {
    size_t written = 0;

    while (written < length) {
        const int64_t count =
            files->pwrite(files->context, fd, bytes + written, length - written, offset + written);
        if (count == -EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? (int)-count : EIO;
        }
        kk_assert((uint64_t)count <= length - written);
        written += (size_t)count;
    }
    return 0;
}
