/* The loop: Logon on all sessions, warm up, measure, drain, Logout, verdict. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "load.h"

enum { EVENTS = 512, POLL_DIRECTLY_UP_TO = 8, SLACK_BYTES = 64 };
static const uint64_t LOGON_NS = 60000000000U, LOGOUT_NS = 5000000000U, TIDY_NS = 1000000000U,
                      LONGEST_SLEEP_NS = 20000000U;

struct measurement {
    struct load_usage begin, end;
    struct load_counts at_begin, at_end;
    uint64_t answered_begin, answered_end;
};

/* Memory that costs nothing until it is touched. */
static void *reserve(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool open_journal(const struct load_options *options, struct load_session *session) {
    char path[4096];
    if (options->journal == NULL) {
        return true;
    }
    snprintf(path, sizeof path, "%s.%s", options->journal, session->comp_id);
    session->journal = fopen(path, "wb");
    if (session->journal == NULL) {
        fprintf(stderr, "kk_load: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    setvbuf(session->journal, NULL, _IONBF, 0);
    return true;
}

static bool prepare_session(struct load_client *client, uint32_t index) {
    const struct load_options *options = client->options;
    struct load_session *session = &client->sessions[index];
    session->index = index;
    session->fd = -1;
    session->comp_id = options->comp_ids[index];
    session->next_out = options->reset ? 1 : options->next_out;
    session->next_in = options->reset ? 1 : options->next_in;
    session->out_bytes = (size_t)(options->window + 8) * LOAD_TEMPLATE_BYTES;
    session->out = reserve(session->out_bytes);
    session->ops = reserve(options->capacity * sizeof session->ops[0]);
    session->live = reserve(options->capacity * sizeof session->live[0]);
    if (session->out == NULL || session->ops == NULL || session->live == NULL) {
        fprintf(stderr, "kk_load: no memory for %s\n", session->comp_id);
        return false;
    }
    return open_journal(options, session);
}

static bool prepare(struct load_client *client) {
    const struct load_options *options = client->options;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (options->cpu >= 0) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET((size_t)options->cpu, &cores);
        if (sched_setaffinity(0, sizeof cores, &cores) != 0) {
            fprintf(stderr, "kk_load: no core %d\n", options->cpu);
            return false;
        }
    }
    client->random = options->seed * 2654435769U + 88172645463325252U;
    client->epoll_fd = epoll_create1(0);
    client->sessions = reserve(options->sessions * sizeof client->sessions[0]);
    client->receive = reserve(LOAD_RECEIVE_BYTES + LOAD_MESSAGE_BYTES + SLACK_BYTES);
    if (client->epoll_fd < 0 || client->sessions == NULL || client->receive == NULL) {
        fprintf(stderr, "kk_load: no memory\n");
        return false;
    }
    if (options->tls_ca != NULL) {
        client->tls = load_tls_open(options->tls_ca);
        if (client->tls == NULL) {
            return false;
        }
        signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    }
    for (uint32_t i = 0; i < options->sessions; i++) {
        if (!prepare_session(client, i)) {
            return false;
        }
    }
    return true;
}

static void read_clocks(struct load_client *client) {
    client->now_ns = load_now_ns();
    client->wall_ms = load_wall_ms();
}

/* Read, answer and refill one session. */
static void serve(struct load_client *client, struct load_session *session) {
    if (session->closed || session->fd < 0) {
        return;
    }
    load_receive(client, session);
    if (!session->closed) {
        load_refill(client, session);
        load_flush(client, session);
    }
}

static bool sends_by_rate(const struct load_client *client) {
    return client->options->rate != 0 &&
           (client->phase == LOAD_WARMUP || client->phase == LOAD_MEASURE);
}

/* How long a pass may sleep: until the next operation is due, if there is a rate. */
static struct timespec wait_time(const struct load_client *client) {
    uint64_t wait_ns = client->options->spin ? 0 : LONGEST_SLEEP_NS;
    if (sends_by_rate(client)) {
        uint64_t due_ns = load_due_ns(client), now_ns = client->now_ns;
        wait_ns = due_ns <= now_ns ? 0 : due_ns - now_ns < wait_ns ? due_ns - now_ns : wait_ns;
    }
    return (struct timespec){.tv_nsec = (long)wait_ns};
}

/* One pass over the sockets that are ready; a spinning client with few sessions asks them all. */
static void pass(struct load_client *client) {
    const struct load_options *options = client->options;
    read_clocks(client);
    if (options->spin && options->rate == 0 && options->sessions <= POLL_DIRECTLY_UP_TO) {
        for (uint32_t i = 0; i < options->sessions; i++) {
            serve(client, &client->sessions[i]);
        }
        return;
    }
    struct epoll_event events[EVENTS];
    struct timespec wait = wait_time(client);
    int ready = epoll_pwait2(client->epoll_fd, events, EVENTS, &wait, NULL);
    read_clocks(client);
    for (int i = 0; i < ready; i++) {
        serve(client, &client->sessions[events[i].data.u32]);
    }
    if (sends_by_rate(client)) {
        read_clocks(client);
        load_pace(client);
    }
}

static uint32_t count_logged_on(const struct load_client *client) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        count += client->sessions[i].logged_on && !client->sessions[i].closed ? 1 : 0;
    }
    return count;
}

/* Connect and log on one after another, so that a limit on pending logons is not met. */
static bool log_on_all(struct load_client *client) {
    uint64_t deadline_ns = load_now_ns() + LOGON_NS;
    client->phase = LOAD_DRAIN;
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        struct load_session *session = &client->sessions[i];
        if (!load_connect(client, session)) {
            return false;
        }
        read_clocks(client);
        load_logon(client, session);
        load_flush(client, session);
        while (!session->logged_on && !session->closed && load_now_ns() < deadline_ns) {
            pass(client);
        }
        if (!session->logged_on || session->closed) {
            fprintf(stderr, "kk_load: %s was not let in\n", session->comp_id);
            return false;
        }
    }
    return true;
}

/* Things due about once a second. */
static void tidy(struct load_client *client, uint64_t *due_ns) {
    if (client->now_ns < *due_ns) {
        return;
    }
    *due_ns = client->now_ns + TIDY_NS;
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        load_heartbeat(client, &client->sessions[i]);
        load_flush(client, &client->sessions[i]);
    }
}

/* No session can send any more: its capacity or the wanted number is reached, or all are gone. */
static bool exhausted(const struct load_client *client) {
    const struct load_options *options = client->options;
    return client->lost_connections == options->sessions ||
           (options->operations != 0 && client->sent_ops >= options->operations &&
            client->outstanding == 0) ||
           client->sent_ops >= options->capacity * options->sessions;
}

/* Run one phase until its deadline, or until nothing is left to do in it. */
static void run_phase(struct load_client *client, enum load_phase phase, uint64_t length_ns) {
    uint64_t deadline_ns = load_now_ns() + length_ns, tidy_ns = load_now_ns() + TIDY_NS;
    client->phase = phase;
    read_clocks(client);
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        load_refill(client, &client->sessions[i]);
        load_flush(client, &client->sessions[i]);
    }
    for (;;) {
        pass(client);
        tidy(client, &tidy_ns);
        bool idle = phase == LOAD_LOGOUT  ? count_logged_on(client) == 0
                    : phase == LOAD_DRAIN ? client->outstanding == 0
                                          : exhausted(client);
        if (idle || client->now_ns >= deadline_ns) {
            return;
        }
    }
}

static void measure(struct load_client *client, struct measurement *m) {
    const struct load_options *options = client->options;
    client->paced_from_ns = load_now_ns();
    if (options->warmup_ns > 0) {
        run_phase(client, LOAD_WARMUP, options->warmup_ns);
    }
    m->begin = load_usage_read(options->server_pid, load_now_ns());
    m->at_begin = client->counts;
    m->answered_begin = client->answered;
    run_phase(client, LOAD_MEASURE, options->duration_ns);
    m->end = load_usage_read(options->server_pid, load_now_ns());
    m->at_end = client->counts;
    m->answered_end = client->answered;
}

/* Wait for what is missing, log out, and judge. */
static void finish(struct load_client *client) {
    run_phase(client, LOAD_DRAIN, client->options->drain_ns);
    if (client->lost_connections == 0) {
        load_check_end(client);
    }
    if (client->options->no_logout) {
        return;
    }
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        if (!client->sessions[i].closed) {
            load_logout(client, &client->sessions[i]);
        }
    }
    run_phase(client, LOAD_LOGOUT, LOGOUT_NS);
}

int main(int argc, char **argv) {
    struct load_options options;
    if (!load_options_parse(argc, argv, &options)) {
        return 2;
    }
    struct load_client *client = reserve(sizeof *client);
    struct measurement m = {0};
    if (client == NULL) {
        return 2;
    }
    client->options = &options;
    if (!prepare(client) || !log_on_all(client)) {
        return 2;
    }
    measure(client, &m);
    finish(client);
    load_result_print(client, &m.begin, &m.end, &m.at_begin, &m.at_end,
                      m.answered_end - m.answered_begin);
    if (client->counts.violations > 0) {
        return 1;
    }
    return client->lost_connections > 0 ? 3 : 0;
}
