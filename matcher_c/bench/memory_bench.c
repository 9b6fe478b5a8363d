/*
 * Memory: what an order slot costs, and whether orders that come and go leave anything behind.
 *
 *     memory_bench             prints "name value unit"
 *
 * A million order slots and a window of four million ids, as shipped.  Ten million orders come and
 * are cancelled, a thousand at a time; the resident memory is read once every slot and every entry
 * of the window has been used, and again at the end.
 */
#include <string.h>
#include <unistd.h>

#include "kk_bench.h"
#include "venue.h"

#define SLOTS 1000000u
#define WINDOW 4000000u
#define BATCH 1000u
#define FRAME_BYTES 256u
#define WARM 3000000u /* orders: their six million ids fill the window */
#define MEASURED 10000000u

/* Second field of /proc/self/statm: resident pages. */
static double resident_mib(void) {
    char text[128] = {0};
    FILE *statm = fopen("/proc/self/statm", "r");

    kk_assert(statm != NULL && fgets(text, sizeof text, statm) != NULL);
    kk_assert(fclose(statm) == 0);
    const char *resident = strchr(text, ' ');
    kk_assert(resident != NULL);
    const double pages = (double)strtoul(resident, NULL, 10);
    return pages * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

/* A thousand orders that rest, or their cancels. */
static void run_batch(venue *v, uint32_t first, bool cancel) {
    static uint8_t input[BATCH * FRAME_BYTES];
    size_t length = 0;

    for (uint32_t id = first; id < first + BATCH; id++) {
        char body[160];
        if (cancel) {
            (void)snprintf(body, sizeof body,
                           "35=F|11=C%u|41=N%u|55=AAPL|54=1|60=20260101-00:00:00|38=10|", id, id);
        } else {
            (void)snprintf(
                body, sizeof body,
                "35=D|11=N%u|1=A1|55=AAPL|54=1|60=20260101-00:00:00|38=10|40=2|44=%u.%02u|", id,
                60u + id % 40u, id % 100u);
        }
        length += venue_frame(v, 0, body, input + length);
    }
    size_t used = 0;
    while (used < length) {
        kk_consumed consumed;
        const kk_status status =
            kk_consume(v->engine, 0, input + used, length - used, v->now_ns, &consumed);
        kk_assert(status == KK_NEED_DATA || status == KK_OUT_FULL);
        used += consumed.used;
        kk_journal_take(v->engine);
    }
}

int main(void) {
    kk_capacity capacity = venue_capacity();
    venue v;

    capacity.orders = SLOTS;
    capacity.duplicate_window = WINDOW;
    venue_open(&v, &capacity);
    printf("memory_order_slot %u bytes\n", kk_order_slot_bytes(v.engine));
    double before = 0;
    for (uint32_t first = 0; first < WARM + MEASURED; first += BATCH) {
        if (first == WARM) {
            before = resident_mib();
        }
        run_batch(&v, first, false);
        run_batch(&v, first, true);
    }
    kk_statistics statistics;
    kk_statistics_read(v.engine, &statistics);
    kk_assert(statistics.live_orders == 0);
    kk_assert(statistics.orders_accepted == WARM + MEASURED);
    kk_bench_print("memory_resident", resident_mib(), "MiB");
    kk_bench_print("memory_growth_10m_orders", resident_mib() - before, "MiB");
    venue_close(&v);
    return 0;
}
