/* The command line. Every mistake is named on standard error. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char usage_text[] =
    "usage: kk_load --port N --sessions A,B | PREFIX:COUNT [options]\n"
    "  --host ADDRESS         127.0.0.1\n"
    "  --mode MODE            plain, parties, mix, resting+cancel\n"
    "  --window N             operations outstanding on each session (1)\n"
    "  --refill N             free places before a session sends again (1)\n"
    "  --seconds S            measured time (1)\n"
    "  --warmup S             time before it that is not measured (0)\n"
    "  --drain S              how long missing reports may take at the end (10)\n"
    "  --operations N         stop after N operations in all\n"
    "  --rate N               operations a second in all, whatever is outstanding (open loop)\n"
    "  --capacity N           operations per session, at most\n"
    "  --target COMPID        56 on what we send (KK99)\n"
    "  --account SUFFIX       Account(1) = SenderCompID + SUFFIX\n"
    "  --username U --password P\n"
    "  --symbol S             AAPL\n"
    "  --mid TICKS            19000, in 0.01\n"
    "  --id-base N            first ClOrdID(11)\n"
    "  --next-out N --next-in N   sequence numbers to start from (1, 1)\n"
    "  --reset                ResetSeqNumFlag(141)=Y\n"
    "  --seed N               of the order flow\n"
    "  --cpu N                core to run on\n"
    "  --spin                 never sleep\n"
    "  --floor                the peer is the echo server\n"
    "  --verify-checksum      check CheckSum(10) of every inbound message\n"
    "  --server-pid PID       process whose CPU time is measured\n"
    "  --tls CA               over TLS; file of the CA of the server's certificate\n"
    "  --no-logout            close the sockets at the end\n"
    "  --journal PREFIX       write every received byte to PREFIX.COMPID\n";

enum {
    OPT_HOST = 256,
    OPT_PORT,
    OPT_MODE,
    OPT_SESSIONS,
    OPT_WINDOW,
    OPT_REFILL,
    OPT_SECONDS,
    OPT_WARMUP,
    OPT_DRAIN,
    OPT_OPERATIONS,
    OPT_RATE,
    OPT_CAPACITY,
    OPT_TARGET,
    OPT_ACCOUNT,
    OPT_USERNAME,
    OPT_PASSWORD,
    OPT_SYMBOL,
    OPT_MID,
    OPT_ID_BASE,
    OPT_NEXT_OUT,
    OPT_NEXT_IN,
    OPT_RESET,
    OPT_SEED,
    OPT_CPU,
    OPT_SPIN,
    OPT_FLOOR,
    OPT_VERIFY,
    OPT_SERVER_PID,
    OPT_TLS,
    OPT_NO_LOGOUT,
    OPT_JOURNAL
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"mode", required_argument, NULL, OPT_MODE},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"refill", required_argument, NULL, OPT_REFILL},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"drain", required_argument, NULL, OPT_DRAIN},
    {"operations", required_argument, NULL, OPT_OPERATIONS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"capacity", required_argument, NULL, OPT_CAPACITY},
    {"target", required_argument, NULL, OPT_TARGET},
    {"account", required_argument, NULL, OPT_ACCOUNT},
    {"username", required_argument, NULL, OPT_USERNAME},
    {"password", required_argument, NULL, OPT_PASSWORD},
    {"symbol", required_argument, NULL, OPT_SYMBOL},
    {"mid", required_argument, NULL, OPT_MID},
    {"id-base", required_argument, NULL, OPT_ID_BASE},
    {"next-out", required_argument, NULL, OPT_NEXT_OUT},
    {"next-in", required_argument, NULL, OPT_NEXT_IN},
    {"reset", no_argument, NULL, OPT_RESET},
    {"seed", required_argument, NULL, OPT_SEED},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"spin", no_argument, NULL, OPT_SPIN},
    {"floor", no_argument, NULL, OPT_FLOOR},
    {"verify-checksum", no_argument, NULL, OPT_VERIFY},
    {"server-pid", required_argument, NULL, OPT_SERVER_PID},
    {"tls", required_argument, NULL, OPT_TLS},
    {"no-logout", no_argument, NULL, OPT_NO_LOGOUT},
    {"journal", required_argument, NULL, OPT_JOURNAL},
    {NULL, 0, NULL, 0},
};

static bool fail(const char *what, const char *value) {
    fprintf(stderr, "kk_load: %s: %s\n", what, value);
    return false;
}

static bool number(const char *text, uint64_t most, uint64_t *value) {
    char *end = NULL;
    unsigned long long parsed = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || parsed > most) {
        return fail("not a number in range", text);
    }
    *value = parsed;
    return true;
}

static bool number_u32(const char *text, uint32_t most, uint32_t *value) {
    uint64_t wide = 0;
    if (!number(text, most, &wide)) {
        return false;
    }
    *value = (uint32_t)wide;
    return true;
}

static bool number_int(const char *text, int *value) {
    uint32_t wide = 0;
    if (!number_u32(text, INT32_MAX, &wide)) {
        return false;
    }
    *value = (int)wide;
    return true;
}

static bool seconds(const char *text, uint64_t *value_ns) {
    char *end = NULL;
    double parsed = strtod(text, &end);
    if (end == text || *end != '\0' || !(parsed >= 0) || parsed > 86400) {
        return fail("not a number of seconds", text);
    }
    *value_ns = (uint64_t)(parsed * 1e9);
    return true;
}

static bool mode(const char *text, enum load_mode *value) {
    static const char *const names[] = {"plain", "parties", "mix", "resting+cancel"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = (enum load_mode)i;
            return true;
        }
    }
    return fail("no such mode", text);
}

/* PREFIX:COUNT gives PREFIX0001 .. ; otherwise a list with commas. */
static bool sessions(const char *text, struct load_options *options) {
    options->comp_ids = calloc(LOAD_SESSIONS_MAX, sizeof options->comp_ids[0]);
    const char *colon = strchr(text, ':');
    if (options->comp_ids == NULL) {
        return fail("no memory", text);
    }
    if (colon != NULL) {
        if (!number_u32(colon + 1, LOAD_SESSIONS_MAX, &options->sessions) || colon - text > 16) {
            return fail("not PREFIX:COUNT", text);
        }
        for (uint32_t i = 0; i < options->sessions; i++) {
            snprintf(options->comp_ids[i], LOAD_COMP_ID_BYTES, "%.*s%04u", (int)(colon - text),
                     text, i + 1);
        }
        return options->sessions > 0;
    }
    for (const char *at = text; *at != '\0'; options->sessions++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= LOAD_COMP_ID_BYTES || options->sessions == LOAD_SESSIONS_MAX) {
            return fail("not a list of CompIDs", text);
        }
        memcpy(options->comp_ids[options->sessions], at, length);
        at += length;
        at += *at == ',' ? 1 : 0;
    }
    return options->sessions > 0 ? true : fail("no session", text);
}

/* Take an option that says what is sent. */
static bool take_flow(int option, const char *text, struct load_options *o) {
    switch (option) {
    case OPT_MODE:
        return mode(text, &o->mode);
    case OPT_WINDOW:
        return number_u32(text, 1000000, &o->window);
    case OPT_REFILL:
        return number_u32(text, 1000000, &o->refill);
    case OPT_SECONDS:
        return seconds(text, &o->duration_ns);
    case OPT_WARMUP:
        return seconds(text, &o->warmup_ns);
    case OPT_DRAIN:
        return seconds(text, &o->drain_ns);
    case OPT_OPERATIONS:
        return number(text, UINT64_MAX / 2, &o->operations);
    case OPT_RATE:
        return number(text, 100000000, &o->rate);
    case OPT_CAPACITY:
        return number(text, UINT32_MAX / 2, &o->capacity);
    case OPT_ID_BASE:
        return number(text, 999999999999U, &o->id_base);
    case OPT_SEED:
        return number(text, UINT64_MAX, &o->seed);
    case OPT_SYMBOL:
        o->symbol = text;
        return true;
    case OPT_MID: {
        uint64_t ticks = 0;
        bool good = number(text, 99000, &ticks) && ticks > 10500;
        o->mid_ticks = (int64_t)ticks;
        return good ? true : fail("--mid must lie between 10501 and 99000", text);
    }
    default:
        return false;
    }
}

/* Take an option of the session layer. */
static bool take_session(int option, const char *text, struct load_options *o) {
    uint64_t port = 0;
    switch (option) {
    case OPT_HOST:
        o->host = text;
        return true;
    case OPT_PORT:
        if (!number(text, UINT16_MAX, &port)) {
            return false;
        }
        o->port = (uint16_t)port;
        return true;
    case OPT_SESSIONS:
        return sessions(text, o);
    case OPT_TARGET:
        o->target_comp_id = text;
        return true;
    case OPT_ACCOUNT:
        o->account_suffix = text;
        return true;
    case OPT_USERNAME:
        o->username = text;
        return true;
    case OPT_PASSWORD:
        o->password = text;
        return true;
    case OPT_NEXT_OUT:
        return number(text, UINT32_MAX, &o->next_out);
    case OPT_NEXT_IN:
        return number(text, UINT32_MAX, &o->next_in);
    case OPT_RESET:
        o->reset = true;
        return true;
    case OPT_TLS:
        o->tls_ca = text;
        return true;
    case OPT_NO_LOGOUT:
        o->no_logout = true;
        return true;
    case OPT_CPU:
        return number_int(text, &o->cpu);
    case OPT_SPIN:
        o->spin = true;
        return true;
    case OPT_FLOOR:
        o->floor = true;
        return true;
    case OPT_VERIFY:
        o->verify_checksum = true;
        return true;
    case OPT_SERVER_PID:
        return number_int(text, &o->server_pid);
    case OPT_JOURNAL:
        o->journal = text;
        return true;
    default:
        return take_flow(option, text, o);
    }
}

bool load_options_parse(int argc, char **argv, struct load_options *options) {
    *options = (struct load_options){.host = "127.0.0.1",
                                     .target_comp_id = "KK99",
                                     .symbol = "AAPL",
                                     .window = 1,
                                     .refill = 1,
                                     .duration_ns = 1000000000U,
                                     .drain_ns = 10000000000U,
                                     .id_base = 1,
                                     .next_out = 1,
                                     .next_in = 1,
                                     .seed = 1,
                                     .mid_ticks = 19000,
                                     .cpu = -1};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!take_session(option, optarg, options)) {
            fputs(usage_text, stderr);
            return false;
        }
    }
    if (options->port == 0 || options->sessions == 0 || optind != argc || options->window == 0 ||
        options->refill == 0 || options->refill > options->window) {
        fputs(usage_text, stderr);
        return false;
    }
    if (options->capacity == 0) {
        options->capacity = 64000000U / options->sessions;
    }
    return true;
}
