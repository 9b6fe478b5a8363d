/* The pump's connections: start, end, clock and what epoll is asked for. */
#include "kk_pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kk_pump_internal.h"

static bool reserve(kk_pump *pump, uint32_t connections) {
    pump->connections = calloc(connections, sizeof *pump->connections);
    pump->slot_of_session = malloc(pump->core.sessions * sizeof *pump->slot_of_session);
    pump->deferred = malloc(connections * sizeof *pump->deferred);
    pump->ready = malloc(pump->core.sessions * sizeof *pump->ready);
    pump->told = malloc(connections * sizeof *pump->told);
    pump->blocked = malloc(connections * sizeof *pump->blocked);
    pump->plain = malloc(connections * sizeof *pump->plain);
    if (pump->connections == NULL || pump->slot_of_session == NULL || pump->deferred == NULL ||
        pump->ready == NULL || pump->told == NULL || pump->blocked == NULL || pump->plain == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < connections; i++) {
        pump->connections[i].fd = -1;
    }
    for (uint32_t i = 0; i < pump->core.sessions; i++) {
        pump->slot_of_session[i] = KK_PUMP_NO_SLOT;
    }
    pump->capacity = connections;
    return true;
}

kk_pump *kk_pump_new(const kk_pump_core *core, uint32_t connections, const kk_pump_limits *limits,
                     const kk_files *files) {
    kk_assert(core != NULL && limits != NULL && files != NULL);
    kk_assert(connections > 0 && core->sessions > 0);
    kk_pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL) {
        return NULL;
    }
    pump->core = *core;
    pump->limits = *limits;
    pump->files = *files;
    pump->segment_fd = -1;
    pump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (pump->epoll_fd < 0 || !reserve(pump, connections)) {
        kk_pump_free(pump);
        return NULL;
    }
    return pump;
}

void kk_pump_free(kk_pump *pump) {
    if (pump == NULL) {
        return;
    }
    kk_pump_durable_free(pump);
    for (uint32_t i = 0; i < pump->capacity; i++) {
        if (pump->connections[i].fd >= 0) {
            close(pump->connections[i].fd);
        }
        free(pump->connections[i].input);
        free(pump->connections[i].cipher.unsent);
    }
    if (pump->epoll_fd >= 0) {
        close(pump->epoll_fd);
    }
    free(pump->connections);
    free(pump->slot_of_session);
    free(pump->deferred);
    free(pump->ready);
    free(pump->told);
    free(pump->blocked);
    free(pump->plain);
    free(pump);
}

int kk_pump_descriptor(const kk_pump *pump) { return pump->epoll_fd; }

int64_t kk_pump_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void kk_pump_clock(kk_pump *pump, int64_t offset_ns, int64_t not_below_ns) {
    pump->clock_offset_ns = offset_ns;
    if (not_below_ns > pump->clock_last_ns) {
        pump->clock_last_ns = not_below_ns;
    }
}

int64_t kk_pump_now(kk_pump *pump) {
    const int64_t now_ns = kk_pump_monotonic_ns() + pump->clock_offset_ns;

    if (now_ns > pump->clock_last_ns) {
        pump->clock_last_ns = now_ns;
    }
    return pump->clock_last_ns;
}

void kk_pump_interest(kk_pump *pump, uint32_t slot, uint32_t events) {
    kk_connection *connection = &pump->connections[slot];
    struct epoll_event event = {.events = events, .data.u32 = slot};

    if (connection->interest != events) {
        kk_assert(epoll_ctl(pump->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) == 0);
        connection->interest = events;
    }
}

void kk_pump_update_interest(kk_pump *pump, uint32_t slot) {
    const kk_connection *connection = &pump->connections[slot];
    const size_t room =
        ((kk_ring_size_function)pump->core.ring_free)(pump->core.engine, connection->session);
    const bool reads = !connection->stopped && !connection->failed && !connection->with_python &&
                       !connection->deferred && room >= KK_PUMP_RING_LOW;
    const uint32_t events =
        (reads ? (uint32_t)EPOLLIN : 0u) | (connection->blocked ? (uint32_t)EPOLLOUT : 0u);

    kk_pump_interest(pump, slot, events);
}

static uint32_t free_slot(const kk_pump *pump) {
    for (uint32_t i = 0; i < pump->capacity; i++) {
        if (pump->connections[i].fd < 0) {
            return i;
        }
    }
    return KK_PUMP_NO_SLOT;
}

uint32_t kk_pump_add(kk_pump *pump, int fd, uint32_t session, const uint8_t *input,
                     size_t input_length) {
    kk_assert(fd >= 0 && session < pump->core.sessions && input_length <= KK_PUMP_READ_MAX);
    kk_assert(pump->slot_of_session[session] == KK_PUMP_NO_SLOT);
    const uint32_t slot = free_slot(pump);
    if (slot == KK_PUMP_NO_SLOT) {
        return slot;
    }
    kk_connection *connection = &pump->connections[slot];
    uint8_t *buffer = connection->input;
    if (buffer == NULL) {
        buffer = malloc(KK_PUMP_INPUT_BYTES);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = slot};
    if (buffer == NULL || epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        connection->input = buffer;
        return KK_PUMP_NO_SLOT;
    }
    uint8_t *unsent = connection->cipher.unsent;
    memset(connection, 0, sizeof *connection);
    connection->cipher.unsent = unsent;
    connection->fd = fd;
    connection->session = session;
    connection->input = buffer;
    connection->interest = EPOLLIN;
    connection->started_ns = kk_pump_monotonic_ns();
    pump->slot_of_session[session] = slot;
    pump->statistics.connections++;
    if (input_length > 0) {
        memcpy(buffer, input, input_length);
        connection->input_used = (uint32_t)input_length;
        connection->deferred = true;
        pump->deferred[pump->deferred_count++] = slot;
    }
    return slot;
}

uint32_t kk_pump_list_without(uint32_t *slots, uint32_t count, uint32_t slot) {
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (slots[i] != slot) {
            slots[kept++] = slots[i];
        }
    }
    return kept;
}

/* Closes a socket.  Unread bytes would make that a reset, which takes our last words with it. */
static void close_socket(int fd) {
    char unread[4096];

    shutdown(fd, SHUT_WR);
    for (int i = 0; i < KK_PUMP_DISCARD_READS; i++) {
        if (recv(fd, unread, sizeof unread, MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    close(fd);
}

void kk_pump_remove(kk_pump *pump, uint32_t slot) {
    kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0);
    if (!connection->failed) {
        kk_pump_send(pump, slot);
    }
    kk_pump_unblock(pump, slot);
    pump->deferred_count = kk_pump_list_without(pump->deferred, pump->deferred_count, slot);
    pump->told_count = kk_pump_list_without(pump->told, pump->told_count, slot);
    pump->plain_count = kk_pump_list_without(pump->plain, pump->plain_count, slot);
    pump->slot_of_session[connection->session] = KK_PUMP_NO_SLOT;
    close_socket(connection->fd);
    connection->fd = -1;
    pump->statistics.connections--;
}

void kk_pump_stop_reading(kk_pump *pump, uint32_t slot) {
    kk_assert(slot < pump->capacity && pump->connections[slot].fd >= 0);
    pump->connections[slot].stopped = true;
    kk_pump_update_interest(pump, slot);
}

bool kk_pump_sending(const kk_pump *pump, uint32_t slot) {
    const kk_connection *connection = &pump->connections[slot];

    kk_assert(slot < pump->capacity && connection->fd >= 0);
    if (connection->failed) {
        return false;
    }
    return connection->cipher.unsent_at < connection->cipher.unsent_used ||
           ((kk_ring_size_function)pump->core.ring_pending)(pump->core.engine,
                                                            connection->session) > 0;
}

void kk_pump_statistics_read(const kk_pump *pump, kk_pump_statistics *statistics) {
    *statistics = pump->statistics;
    if (pump->swap.writer != NULL) {
        kk_journal_counts counts;
        kk_journal_writer_count(pump->swap.writer, &counts);
        statistics->journal_writes = counts.groups;
        statistics->journal_bytes = counts.group_bytes;
    }
}
