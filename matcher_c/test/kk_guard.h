/* Bytes that end where memory ends: reading one byte too many faults. */
#ifndef KK_GUARD_H
#define KK_GUARD_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kk_assert.h"

/* `size` writable bytes, the byte behind them unreadable.  Lives until the test ends. */
static inline uint8_t *kk_guarded_new(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (size + page - 1) / page * page;
    uint8_t *memory =
        mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    kk_assert(memory != MAP_FAILED);
    kk_assert(mprotect(memory + whole, page, PROT_NONE) == 0);
    return memory + whole - size;
}

/* Moves `length` bytes to the end of a guarded area of `size` bytes. */
static inline const uint8_t *kk_guarded(uint8_t *area, size_t size, const void *bytes,
                                        size_t length) {
    kk_assert(length <= size);
    return memmove(area + size - length, bytes, length);
}

#endif
