/* Memory of the big arrays: reserved at start, zeroed, on huge pages where the system has them. */
#ifndef KK_MEMORY_H
#define KK_MEMORY_H

#include <stddef.h>

/* Zeroed memory, touched page by page as it is used.  NULL when there is none.  `bytes` > 0. */
void *kk_memory_new(size_t bytes);
/* Has the system back all of it with real pages now, contents kept; smaller arrays have them. */
void kk_memory_touch(void *memory, size_t bytes);
/* Gives it back; `bytes` as it was asked for.  NULL is fine. */
void kk_memory_free(void *memory, size_t bytes);

#endif
