#define _DEFAULT_SOURCE /* NOLINT: mmap and madvise beside strict C11 */
#include "kk_memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kk_assert.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define HUGE_PAGE ((size_t)2 << 20)

/* Smaller arrays gain nothing from huge pages. */
static bool is_big(size_t bytes) { return bytes >= 2 * HUGE_PAGE; }

static size_t whole_pages(size_t bytes) { return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

void *kk_memory_new(size_t bytes) {
    kk_assert(bytes > 0);
    if (!is_big(bytes)) {
        return calloc(1, bytes);
    }
    /* One page more than needed; what lies before and behind the aligned part goes back. */
    size_t whole = whole_pages(bytes);
    uint8_t *mapped = mmap(NULL, whole + HUGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    size_t before = (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0) {
        (void)munmap(mapped, before);
    }
    (void)munmap(mapped + before + whole, HUGE_PAGE - before);
    (void)madvise(mapped + before, whole, MADV_HUGEPAGE); /* without it slower, not wrong */
    return mapped + before;
}

void kk_memory_touch(void *memory, size_t bytes) {
    if (is_big(bytes)) {
        (void)madvise(memory, whole_pages(bytes), MADV_POPULATE_WRITE); /* else at first use */
    }
}

void kk_memory_free(void *memory, size_t bytes) {
    if (memory == NULL) {
        return;
    }
    if (is_big(bytes)) {
        (void)munmap(memory, whole_pages(bytes));
    } else {
        free(memory);
    }
}
