/* Numbers: exact at every edge, the same as long arithmetic, never read beyond their text. */
#include "kk_numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kk_guard.h"
#include "kk_test.h"

#define AREA 64

static uint8_t *area;

static bool parse_e8(const char *text, int64_t *value) {
    size_t length = strlen(text);
    return kk_parse_e8(kk_guarded(area, AREA, text, length), length, value);
}

static void e8_values(void) {
    static const struct {
        const char *text;
        int64_t value_e8;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"1", KK_E8},
        {"100.25", 10025000000},
        {"-100.25", -10025000000},
        {"5.", 500000000},
        {".5", 50000000},
        {"-.5", -50000000},
        {"0.00000001", 1},
        {"-0.00000001", -1},
        {"00012.50", 1250000000},
        {"1.1000000000", 110000000},
        {".000000000000000000000000", 0},
        {"0000000000000000000000000007", 700000000},
        {"0000000000000000000000000007.0000000000000000000000", 700000000},
        {"92233720368.54775807", INT64_MAX},
        {"-92233720368.54775808", INT64_MIN},
        {"000092233720368.547758070000", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -7;
        KK_CHECK(parse_e8(rows[i].text, &value));
        KK_CHECK(value == rows[i].value_e8);
    }
}

static void e8_refusals(void) {
    static const char *const rows[] = {
        "",
        "-",
        ".",
        "-.",
        "+1",
        "--1",
        "1-",
        "1e5",
        "1,5",
        "1.2.3",
        "..",
        " 1",
        "1 ",
        "0x1",
        "a",
        "1/2",
        "1:2",
        "0.000000001",
        "1.123456789",
        "92233720368.54775808",
        "-92233720368.54775809",
        "92233720369",
        "9223372036854775807",
        "99999999999999999999",
        "18446744073709551616",
        "184467440737095516160000000",
        "0.0000000000000000000000000001",
        "123456789012345678901234567890",
        "0000000000000000000000000000-5",
        "1.00000000000000000000000.0000000000",
        "00000000000000000000000000000x",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 0;
        KK_CHECK(!parse_e8(rows[i], &value));
    }
}

static void u63_values(void) {
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"0000000000000000001", true, 1},
        {"9223372036854775808", false, 0},
        {"9999999999999999999", false, 0},
        {"00000000000000000001", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1.0", false, 0},
        {"1a", false, 0},
        {" 1", false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = 99;
        size_t length = strlen(rows[i].text);
        bool good = kk_parse_u63(kk_guarded(area, AREA, rows[i].text, length), length, &value);
        KK_CHECK(good == rows[i].good);
        KK_CHECK(!good || value == rows[i].value);
    }
}

/* Any number of digits, as a reference: the exact value in 1e-8, or false. */
static bool reference_e8(const char *text, int64_t *value) {
    bool negative = text[0] == '-';
    kk_i128 sum = 0;
    int decimals = -1;
    int digits = 0;
    for (const char *at = text + negative; *at != 0; at++) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
        } else if (*at < '0' || *at > '9') {
            return false;
        } else {
            digits++;
            decimals += decimals >= 0;
            if (decimals > 8 && *at != '0') {
                return false;
            }
            sum = decimals > 8 ? sum : sum * 10 + (*at - '0');
            sum = sum > (kk_i128)1 << 100 ? (kk_i128)1 << 100 : sum;
        }
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 8; i++) {
        sum *= 10;
    }
    sum = negative ? -sum : sum;
    *value = (int64_t)sum;
    return digits > 0 && sum >= INT64_MIN && sum <= INT64_MAX;
}

static void e8_like_long_arithmetic(void) {
    static const char alphabet[] = "00001234567899999.-x";
    uint64_t seed = 1;
    for (int round = 0; round < 1000000; round++) {
        char text[32];
        size_t length = kk_random(&seed) % 28;
        for (size_t i = 0; i < length; i++) {
            size_t letters = kk_random(&seed) % 8 != 0 ? 17 : 20;
            text[i] = alphabet[kk_random(&seed) % letters];
        }
        text[length] = 0;
        int64_t expected = 0;
        int64_t value = 0;
        bool good = reference_e8(text, &expected);
        KK_CHECK(parse_e8(text, &value) == good);
        KK_CHECK(!good || value == expected);
    }
}

/* Numbers of every size: as many bits as the low six bits of another draw say. */
static uint64_t any_size(uint64_t *seed) {
    uint64_t bits = kk_random(seed) % 64;
    return kk_random(seed) >> bits;
}

static void formats_like_printf(void) {
    uint64_t seed = 2;
    for (int round = 0; round < 300000; round++) {
        uint64_t value = round == 0 ? 0 : round == 1 ? UINT64_MAX : any_size(&seed);
        char expected[32];
        int length = snprintf(expected, sizeof(expected), "%" PRIu64, value);
        uint8_t *out = area + AREA - length;
        KK_CHECK(kk_format_u64(out, value) == (size_t)length);
        KK_CHECK(memcmp(out, expected, (size_t)length) == 0);
    }
}

static void e8_texts(void) {
    static const struct {
        const char *text;
        int64_t value_e8;
    } rows[] = {
        {"0", 0},
        {"100", 10000000000},
        {"99.5", 9950000000},
        {"0.1", 10000000},
        {"-0.00000001", -1},
        {"92233720368.54775807", INT64_MAX},
        {"-92233720368.54775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t out[KK_E8_TEXT_MAX];
        size_t length = kk_format_e8(out, rows[i].value_e8);
        KK_CHECK(length == strlen(rows[i].text));
        KK_CHECK(memcmp(out, rows[i].text, length) == 0);
    }
}

static void e8_round_trip(void) {
    uint64_t seed = 3;
    for (int round = 0; round < 300000; round++) {
        int64_t value = (int64_t)any_size(&seed);
        uint8_t out[KK_E8_TEXT_MAX];
        size_t length = kk_format_e8(out, value);
        int64_t back = 0;
        KK_CHECK(kk_parse_e8(kk_guarded(area, AREA, out, length), length, &back));
        KK_CHECK(back == value);
        KK_CHECK(memchr(out, '.', length) == NULL || out[length - 1] != '0');
    }
}

static void timestamps(void) {
    static const struct {
        const char *text;
        int64_t unix_ns;
    } rows[] = {
        {"19700101-00:00:00", 0},
        {"19700101-00:00:01.001", 1001000000},
        {"19700101-00:00:01.000001", 1000001000},
        {"19700101-00:00:01.000000001", 1000000001},
        {"19691231-23:59:59.999", -1000000},
        {"20000229-12:00:00", 951825600000000000},
        {"20240229-23:59:59.500", 1709251199500000000},
        {"20261122-02:46:07", 1795315567000000000},
        {"20161231-23:59:60", 1483228799000000000},
        {"21000301-00:00:00", 4107542400000000000},
        {"22611231-23:59:59.999999999", 9214646399999999999},
        {"16780101-00:00:00", -9214560000000000000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -7;
        size_t length = strlen(rows[i].text);
        KK_CHECK(kk_parse_timestamp(kk_guarded(area, AREA, rows[i].text, length), length, &value));
        KK_CHECK(value == rows[i].unix_ns);
    }
}

static void timestamp_refusals(void) {
    static const char *const rows[] = {
        "19700101",
        "19700101-00:00",
        "19700101-00:00:00.",
        "19700101-00:00:00.1",
        "19700101-00:00:00.12",
        "19700101-00:00:00.1234",
        "19700101-00:00:00,123",
        "19700101 00:00:00",
        "19700101-00-00:00",
        "19700101-00:00-00",
        "19700101-24:00:00",
        "19700101-00:60:00",
        "19700101-00:00:61",
        "19700001-00:00:00",
        "19701301-00:00:00",
        "19700100-00:00:00",
        "19700132-00:00:00",
        "20230229-00:00:00",
        "21000229-00:00:00",
        "16771231-00:00:00",
        "22620101-00:00:00",
        "1970010a-00:00:00",
        "19700101-00:00:00.12a",
        "19700101-00:00:00.123456789a",
    };
    int64_t value = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i]);
        KK_CHECK(!kk_parse_timestamp(kk_guarded(area, AREA, rows[i], length), length, &value));
    }
    const char *whole = "20261122-02:46:07.123";
    for (size_t length = 0; length < strlen(whole); length++) {
        bool good = kk_parse_timestamp(kk_guarded(area, AREA, whole, length), length, &value);
        KK_CHECK(good == (length == 17));
    }
}

static void every_day(void) {
    int64_t expected = 0;
    for (unsigned year = 1970; year < 2262; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            for (unsigned day = 1; day <= 31; day++) {
                char text[40];
                (void)snprintf(text, sizeof(text), "%04u%02u%02u-00:00:00", year, month, day);
                int64_t value = 0;
                const uint8_t *bytes = kk_guarded(area, AREA, text, 17);
                if (kk_parse_timestamp(bytes, 17, &value)) {
                    KK_CHECK(value == expected);
                    expected += INT64_C(86400000000000);
                }
            }
        }
    }
    KK_CHECK(expected == INT64_C(106651) * 86400000000000);
}

static void half_even(void) {
    static const struct {
        int64_t numerator, denominator, quotient;
    } rows[] = {
        {0, 1, 0},
        {5, 2, 2},
        {7, 2, 4},
        {-5, 2, -2},
        {-7, 2, -4},
        {1, 2, 0},
        {-1, 2, 0},
        {3, 2, 2},
        {-3, 2, -2},
        {10, 3, 3},
        {11, 3, 4},
        {-10, 3, -3},
        {8, 4, 2},
        {-11, 3, -4},
        {6, 4, 2},
        {INT64_MAX, 1, INT64_MAX},
        {INT64_MIN, 1, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KK_CHECK(kk_divide_half_even(rows[i].numerator, rows[i].denominator) == rows[i].quotient);
    }
    kk_i128 big = (kk_i128)INT64_MAX * INT64_MAX;
    KK_CHECK(kk_divide_half_even(big, INT64_MAX) == INT64_MAX);
    KK_CHECK(kk_divide_half_even(-big, INT64_MAX) == -INT64_MAX);
}

int main(void) {
    area = kk_guarded_new(AREA);
    KK_RUN(e8_values, "decimals are read exactly, to the ends of the range");
    KK_RUN(e8_refusals, "what is malformed, too fine or too large is refused");
    KK_RUN(u63_values, "unsigned numbers below 2^63, up to 19 digits");
    KK_RUN(e8_like_long_arithmetic, "random texts give what long arithmetic gives");
    KK_RUN(formats_like_printf, "numbers of every size print as printf prints them");
    KK_RUN(e8_texts, "decimals print without needless zeros");
    KK_RUN(e8_round_trip, "what was printed reads back as the same value");
    KK_RUN(timestamps, "timestamps with 0, 3, 6 and 9 decimals, leap days and a leap second");
    KK_RUN(timestamp_refusals, "malformed timestamps and every cut-off prefix are refused");
    KK_RUN(every_day, "the days of 1970 to 2261 follow one another without gap");
    KK_RUN(half_even, "quotients round half to even, towards both signs");
    return KK_REPORT();
}
