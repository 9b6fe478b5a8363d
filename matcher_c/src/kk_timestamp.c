/* UTCTimestamp to Unix nanoseconds: fixed columns, so every digit has its place. */
#include <string.h>

#include "kk_assert.h"
#include "kk_numbers.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define FIRST_YEAR 1678u /* the whole years that int64 nanoseconds hold */
#define LAST_YEAR 2261u
#define WHOLE_SECONDS 17u /* bytes of YYYYMMDD-HH:MM:SS */

/* The number in `count` columns; anything but digits sets *malformed. */
static uint32_t columns(const uint8_t *text, size_t count, bool *malformed) {
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        *malformed |= digit > 9;
        value = value * 10 + digit;
    }
    return value;
}

static uint64_t load8(const uint8_t *at) {
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Eight digits, or six with ':' between them, as pairs: pair i is byte i of the result. */
static uint64_t pairs_of(uint64_t digits, bool *malformed) {
    const uint64_t values = digits ^ UINT64_C(0x3030303030303030);

    *malformed |= ((values + UINT64_C(0x7676767676767676)) & UINT64_C(0x8080808080808080)) != 0 ||
                  (values & UINT64_C(0xF0F0F0F0F0F0F0F0)) != 0;
    return values * 10 + (values >> 8);
}

static uint32_t pair_at(uint64_t pairs, unsigned byte) {
    return (uint32_t)(pairs >> (8u * byte)) & 0xFFu;
}

static uint32_t days_in_month(uint32_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Days since 1970-01-01.  The year starts in March here, so the leap day comes last. */
static int64_t unix_day(uint32_t year, uint32_t month, uint32_t day) {
    uint32_t years = month > 2 ? year : year - 1;
    uint32_t months = month > 2 ? month - 3 : month + 9;
    uint32_t days = years * 365 + years / 4 - years / 100 + years / 400;
    days += (153 * months + 2) / 5 + day - 1;
    return (int64_t)days - 719468; /* 1970-01-01 counted from 0000-03-01 */
}

/* Nanoseconds of ".fraction"; `length` counts the point and 3, 6 or 9 digits. */
static int64_t fraction_ns(const uint8_t *text, size_t length, bool *malformed) {
    *malformed |= text[0] != '.';
    int64_t value = columns(text + 1, length - 1, malformed);
    return length == 4 ? value * 1000000 : length == 7 ? value * 1000 : value;
}

bool kk_parse_timestamp(const uint8_t *text, size_t length, int64_t *unix_ns) {
    kk_assert(text != NULL && unix_ns != NULL);
    if (length != WHOLE_SECONDS && length != WHOLE_SECONDS + 4 && length != WHOLE_SECONDS + 7 &&
        length != WHOLE_SECONDS + 10) {
        return false;
    }
    bool malformed = text[8] != '-' || text[11] != ':' || text[14] != ':';
    /* A ':' less 10 is a '0'. */
    const uint64_t clock = load8(text + 9) - UINT64_C(0x00000A00000A0000);
    const uint64_t date_pairs = pairs_of(load8(text), &malformed);
    const uint64_t clock_pairs = pairs_of(clock, &malformed);
    uint32_t year = pair_at(date_pairs, 0) * 100 + pair_at(date_pairs, 2);
    uint32_t month = pair_at(date_pairs, 4);
    uint32_t day = pair_at(date_pairs, 6);
    uint32_t hour = pair_at(clock_pairs, 0);
    uint32_t minute = pair_at(clock_pairs, 3);
    uint32_t second = pair_at(clock_pairs, 6);
    int64_t fraction = 0;
    if (length > WHOLE_SECONDS) {
        fraction = fraction_ns(text + WHOLE_SECONDS, length - WHOLE_SECONDS, &malformed);
    }
    malformed |= year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1;
    malformed |= hour > 23 || minute > 59 || second > 60;
    if (malformed || day > days_in_month(year, month)) {
        return false;
    }
    second = second == 60 ? 59 : second;
    uint32_t time_of_day_s = hour * 3600 + minute * 60 + second;
    int64_t seconds = unix_day(year, month, day) * 86400 + time_of_day_s;
    *unix_ns = seconds * NS_PER_SECOND + fraction;
    return true;
}
