/* Venue time as UTCTimestamp text; the date is made anew once a second at most. */
#include "kk_encode.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)
#define MS_PER_SECOND INT64_C(1000)
#define WHOLE_SECONDS 17u /* bytes of YYYYMMDD-HH:MM:SS */
#define SECONDS_PER_DAY INT64_C(86400)

static void put_two(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)('0' + value / 10 % 10);
    out[1] = (uint8_t)('0' + value % 10);
}

static void put_three(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)('0' + value / 100);
    put_two(out + 1, value % 100);
}

/* YYYYMMDD of a day since 1970-01-01.  The year starts in March here: the leap day comes last. */
static void put_date(uint8_t *out, uint32_t unix_day) {
    const uint32_t day_number = unix_day + 719468; /* since 0000-03-01 */
    const uint32_t era = day_number / 146097;
    const uint32_t day_of_era = day_number % 146097;
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t shifted = (5 * day_of_year + 2) / 153;
    const uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    const uint32_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    put_two(out + 4, month);
    put_two(out + 6, day_of_year - (153 * shifted + 2) / 5 + 1);
}

static void put_second(uint8_t *text, int64_t second) {
    const uint32_t of_day = (uint32_t)(second % SECONDS_PER_DAY);
    put_date(text, (uint32_t)(second / SECONDS_PER_DAY));
    text[8] = '-';
    put_two(text + 9, of_day / 3600);
    text[11] = ':';
    put_two(text + 12, of_day / 60 % 60);
    text[14] = ':';
    put_two(text + 15, of_day % 60);
    text[17] = '.';
}

const uint8_t *kk_time_text_at(kk_time_text *cache, int64_t time_ns) {
    kk_assert(time_ns >= 0);
    const int64_t millisecond = time_ns / NS_PER_MS;
    if (kk_likely(cache->millisecond == millisecond && cache->text[0] != 0)) {
        return cache->text;
    }
    const int64_t second = millisecond / MS_PER_SECOND;
    if (cache->second != second || cache->text[0] == 0) {
        put_second(cache->text, second);
        cache->second = second;
    }
    const uint32_t rest = (uint32_t)(millisecond % MS_PER_SECOND);
    put_three(cache->text + 18, rest);
    cache->millisecond = millisecond;
    return cache->text;
}

uint8_t *kk_time_text_refine(uint8_t *at, kk_precision precision, int64_t time_ns) {
    switch (precision) {
    case KK_PRECISION_SECONDS:
        return at + WHOLE_SECONDS;
    case KK_PRECISION_MILLISECONDS:
        break;
    case KK_PRECISION_MICROSECONDS:
        put_three(at + KK_TIME_TEXT_LENGTH, (uint32_t)(time_ns % NS_PER_MS / NS_PER_US));
        return at + KK_TIME_TEXT_MAX;
    }
    return at + KK_TIME_TEXT_LENGTH;
}
