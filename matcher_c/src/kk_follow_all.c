/*
 * A drop-copy session that follows everybody: put on the list of every firm and account, or taken
 * off it.  A configuration of thousands of accounts changes by one call, not by one for each.
 */
#include <string.h>

#include "kk_engine.h"

/* Where `session` stands in a sorted list, or would. */
static uint32_t place(const uint32_t *copies, uint32_t count, uint32_t session) {
    uint32_t at = 0;

    while (at < count && copies[at] < session) {
        at++;
    }
    return at;
}

static bool lists(const uint32_t *copies, uint32_t count, uint32_t session) {
    const uint32_t at = place(copies, count, session);
    return at < count && copies[at] == session;
}

static bool has_room(const uint32_t *copies, uint32_t count, uint32_t session) {
    return count < KK_COPIES_MAX || lists(copies, count, session);
}

static void put(uint32_t *copies, uint32_t *count, uint32_t session) {
    if (lists(copies, *count, session)) {
        return;
    }
    kk_assert(*count < KK_COPIES_MAX);
    const uint32_t at = place(copies, *count, session);
    memmove(&copies[at + 1], &copies[at], (*count - at) * sizeof *copies);
    copies[at] = session;
    (*count)++;
}

static void take_off(uint32_t *copies, uint32_t *count, uint32_t session) {
    if (!lists(copies, *count, session)) {
        return;
    }
    const uint32_t at = place(copies, *count, session);
    memmove(&copies[at], &copies[at + 1], (*count - at - 1) * sizeof *copies);
    (*count)--;
}

static bool have_room(const kk_engine *engine, uint32_t session) {
    for (uint32_t i = 0; i < engine->capacity.firms; i++) {
        const kk_firm_config *firm = &engine->firms[i].config;
        if (engine->firms[i].configured && !has_room(firm->copies, firm->copy_count, session)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < engine->capacity.accounts; i++) {
        const kk_account_config *account = &engine->accounts[i].config;
        if (engine->accounts[i].configured &&
            !has_room(account->copies, account->copy_count, session)) {
            return false;
        }
    }
    return true;
}

kk_status kk_follow_all(kk_engine *engine, uint32_t session, bool follows) {
    kk_assert(session < engine->capacity.sessions);
    if (follows && !have_room(engine, session)) {
        return KK_CAPACITY;
    }
    for (uint32_t i = 0; i < engine->capacity.firms; i++) {
        kk_firm_config *firm = &engine->firms[i].config;
        if (engine->firms[i].configured) {
            (follows ? put : take_off)(firm->copies, &firm->copy_count, session);
        }
    }
    for (uint32_t i = 0; i < engine->capacity.accounts; i++) {
        kk_account_config *account = &engine->accounts[i].config;
        if (engine->accounts[i].configured) {
            (follows ? put : take_off)(account->copies, &account->copy_count, session);
        }
    }
    return KK_OK;
}
