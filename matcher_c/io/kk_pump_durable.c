/*
 * The pump at level durable: two buffers that change places, and bytes that leave once their
 * records are on the disk.
 *
 * When the thread is idle everything that was recorded goes to it as the next group: the engine
 * gets the other buffer, and the rings are marked.  What is marked is released when the whole
 * buffer is on the disk.  A buffer that does not fit its segment goes in pieces, one after the
 * other. What is fed from the journal into the rings meanwhile is marked with the next group, or at
 * once when there is none.
 */
#include <sys/epoll.h>
#include <sys/mman.h>

#include "kk_pump_internal.h"

static void call(const kk_pump *pump, kk_pump_function function) {
    ((kk_engine_function)function)(pump->core.engine);
}

static size_t recorded(const kk_pump *pump) {
    return ((kk_journal_used_function)pump->core.journal_used)(pump->core.engine);
}

/* Where the records begin in a buffer; the header of their group goes in front. */
static uint8_t *records_of(const kk_swap *swap, uint32_t buffer) {
    return swap->buffers[buffer] + KK_RECORD_HEADER_BYTES;
}

static uint8_t *being_written(const kk_swap *swap) { return records_of(swap, 1u - swap->filling); }

static uint64_t next_lsn(const kk_pump *pump) {
    return ((kk_next_lsn_function)pump->core.next_lsn)(pump->core.engine);
}

static void bind(kk_pump *pump) {
    ((kk_journal_bind_function)pump->core.journal_bind)(
        pump->core.engine, records_of(&pump->swap, pump->swap.filling),
        KK_PUMP_BUFFER_BYTES - KK_RECORD_HEADER_BYTES, next_lsn(pump));
}

/* Address space that costs memory only where it is written. */
static uint8_t *reserve(void) {
    void *bytes = mmap(NULL, KK_PUMP_BUFFER_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void kk_pump_durable_free(kk_pump *pump) {
    kk_journal_writer_free(pump->swap.writer);
    pump->swap.writer = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        if (pump->swap.buffers[i] != NULL) {
            munmap(pump->swap.buffers[i], KK_PUMP_BUFFER_BYTES);
            pump->swap.buffers[i] = NULL;
        }
    }
}

bool kk_pump_durable(kk_pump *pump, int directory_fd, int64_t idle_ns) {
    kk_swap *swap = &pump->swap;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = KK_PUMP_JOURNAL_READY};

    kk_assert(swap->writer == NULL && recorded(pump) == 0 && pump->segment_fd < 0);
    swap->buffers[0] = reserve();
    swap->buffers[1] = reserve();
    if (swap->buffers[0] != NULL && swap->buffers[1] != NULL) {
        swap->writer =
            kk_journal_writer_new(&pump->files, directory_fd, idle_ns, next_lsn(pump) - 1u);
    }
    if (swap->writer == NULL ||
        epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, kk_journal_writer_descriptor(swap->writer),
                  &event) != 0) {
        kk_pump_durable_free(pump);
        return false;
    }
    bind(pump);
    return true;
}

int kk_pump_durable_descriptor(const kk_pump *pump) {
    kk_assert(pump->swap.writer != NULL);
    return kk_journal_writer_descriptor(pump->swap.writer);
}

bool kk_pump_backed_up(const kk_pump *pump) {
    return pump->swap.writer != NULL && pump->swap.given > pump->swap.done &&
           recorded(pump) >= KK_PUMP_GATHER_BYTES;
}

bool kk_pump_settled(const kk_pump *pump) {
    return pump->swap.done == pump->swap.used && recorded(pump) == 0;
}

/* Length of the first unit of `bytes`, which holds whole units. */
static size_t first_unit(const uint8_t *bytes, size_t length) {
    kk_record record;

    for (size_t at = 0; kk_record_read(bytes, length, at, &record); at += record.length) {
        if ((record.flags & KK_RECORD_UNIT_END) != 0) {
            return at + record.length;
        }
    }
    kk_assert(false);
    return 0;
}

/* Gives the thread what fits the segment of what is left in the filled buffer. */
static kk_pump_flushed give_rest(kk_pump *pump) {
    kk_swap *swap = &pump->swap;
    uint8_t *records = being_written(swap) + swap->done;
    const size_t waiting = swap->used - swap->done;
    const uint64_t room = pump->segment_end - pump->segment_offset;

    const size_t fits =
        room <= KK_RECORD_HEADER_BYTES
            ? 0
            : kk_units_within(records, waiting, (size_t)room - KK_RECORD_HEADER_BYTES);
    if (fits == 0) {
        pump->room_needed = first_unit(records, waiting) + KK_RECORD_HEADER_BYTES;
        pump->waiting_lsn = kk_pump_lsn_at(records);
        return KK_PUMP_ROLL;
    }
    /* The engine's next record follows the last one of the buffer, but for what it made since. */
    const uint64_t behind = fits < waiting       ? kk_pump_lsn_at(records + fits)
                            : recorded(pump) > 0 ? kk_pump_lsn_at(records_of(swap, swap->filling))
                                                 : next_lsn(pump);
    const kk_group group = {.records = records,
                            .length = fits,
                            .first_lsn = kk_pump_lsn_at(records),
                            .last_lsn = behind - 1u};
    swap->given = swap->done + fits;
    kk_journal_writer_give(swap->writer, &group);
    return KK_PUMP_DONE;
}

/* The engine goes on in the other buffer. */
static void swap_buffers(kk_pump *pump) {
    kk_swap *swap = &pump->swap;

    swap->used = recorded(pump);
    swap->done = 0;
    swap->given = 0;
    swap->filling = 1u - swap->filling;
    swap->number++;
    bind(pump);
    call(pump, pump->core.rings_mark);
}

/* Everything of the filled buffer is on the disk: its bytes may leave. */
static void release_marked(kk_pump *pump) {
    pump->swap.used = 0;
    pump->swap.done = 0;
    pump->swap.given = 0;
    call(pump, pump->core.rings_release_marked);
}

/* The thread is idle and holds back its marker if there is something for it. */
static kk_pump_flushed go_on(kk_pump *pump) {
    kk_swap *swap = &pump->swap;

    swap->done = swap->given;
    if (swap->done < swap->used) {
        return give_rest(pump);
    }
    const uint32_t leaving = pump->timed_marked;
    kk_pump_flushed flushed = KK_PUMP_DONE;
    bool swapped = false;

    release_marked(pump);
    if (recorded(pump) == 0) {
        call(pump, pump->core.rings_release);
    } else {
        swap_buffers(pump);
        swapped = true;
        flushed = give_rest(pump);
    }
    kk_pump_send_ready(pump);
    kk_pump_count_latency(pump, leaving);
    pump->timed_marked = swapped ? pump->timed_count : 0;
    return flushed;
}

static kk_pump_flushed look(kk_pump *pump, const kk_journal_state *state) {
    pump->error = state->error;
    pump->action = state->action;
    if (state->error != 0) {
        return KK_PUMP_ERROR;
    }
    if (state->busy) {
        return KK_PUMP_DONE;
    }
    pump->segment_offset = state->offset;
    return go_on(pump);
}

kk_pump_flushed kk_pump_flush_durable(kk_pump *pump) {
    const bool more = pump->swap.given < pump->swap.used || recorded(pump) > 0;
    kk_journal_state state;

    if (more) {
        kk_journal_writer_hold(pump->swap.writer, &state);
    } else {
        kk_journal_writer_look(pump->swap.writer, &state);
    }
    return look(pump, &state);
}

void kk_pump_wait(kk_pump *pump) {
    kk_journal_state state;

    if (pump->swap.writer != NULL) {
        kk_journal_writer_wait(pump->swap.writer, &state);
    }
}

kk_pump_flushed kk_pump_finish(kk_pump *pump) {
    kk_journal_state state;

    kk_assert(kk_pump_settled(pump));
    if (pump->swap.writer == NULL) {
        return KK_PUMP_DONE;
    }
    kk_journal_writer_wait(pump->swap.writer, &state);
    kk_journal_writer_mark(pump->swap.writer, &state);
    return look(pump, &state);
}

uint32_t kk_pump_unwritten_read(const kk_pump *pump, kk_pump_unwritten pieces[2]) {
    const kk_swap *swap = &pump->swap;
    uint32_t count = 0;

    if (swap->writer == NULL) {
        return 0;
    }
    if (swap->done < swap->used) {
        pieces[count++] = (kk_pump_unwritten){.records = being_written(swap) + swap->done,
                                              .length = swap->used - swap->done,
                                              .start = swap->done,
                                              .number = swap->number - 1u};
    }
    if (recorded(pump) > 0) {
        pieces[count++] = (kk_pump_unwritten){.records = records_of(swap, swap->filling),
                                              .length = recorded(pump),
                                              .start = 0,
                                              .number = swap->number};
    }
    return count;
}

void kk_pump_durability_read(kk_pump *pump, kk_pump_durability *durability) {
    kk_journal_state state;

    *durability = (kk_pump_durability){0};
    if (pump->swap.writer == NULL) {
        return;
    }
    kk_journal_writer_look(pump->swap.writer, &state);
    kk_journal_writer_count(pump->swap.writer, &durability->counts);
    durability->durable_lsn = state.durable_lsn;
    durability->waiting_bytes = pump->swap.used - pump->swap.done + recorded(pump);
}
