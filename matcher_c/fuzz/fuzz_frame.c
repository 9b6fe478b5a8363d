/* Fuzzes kk_frame: every answer makes progress, and a frame is accepted again when it is alone. */
#include "kk_assert.h"
#include "kk_core.h"

/* libFuzzer calls it. */
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t length = 0;
        const kk_status status = kk_frame(data + done, size - done, 4096, &length);
        if (status != KK_OK && status != KK_GARBLED) {
            kk_assert(status == KK_NEED_DATA || status == KK_TOO_LONG);
            break;
        }
        kk_assert(length > 0 && length <= size - done);
        if (status == KK_OK) {
            size_t alone = 0;
            kk_assert(kk_frame(data + done, length, 4096, &alone) == KK_OK && alone == length);
            kk_assert(kk_frame(data + done, length - 1, 4096, &alone) == KK_NEED_DATA);
        }
        done += length;
    }
    return 0;
}
