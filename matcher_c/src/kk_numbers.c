#include "kk_numbers.h"

#include <string.h>

#include "kk_assert.h"

#define E8_DECIMALS 8
#define SHORT_TEXT 19 /* so many digits cannot overflow 64 bits */

static const uint64_t powers_of_ten[E8_DECIMALS + 1] = {1,      10,      100,      1000,     10000,
                                                        100000, 1000000, 10000000, 100000000};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Digits with at most one '.', SHORT_TEXT digits at most, to a mantissa and its decimals. */
static bool parse_digits(const uint8_t *text, size_t length, uint64_t *mantissa, size_t *decimals) {
    uint64_t value = 0;
    size_t point = length;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit <= 9) {
            value = value * 10 + digit;
        } else if (text[i] == '.' && point == length) {
            point = i;
        } else {
            return false;
        }
    }
    *mantissa = value;
    *decimals = point == length ? 0 : length - point - 1;
    return length > (point == length ? 0u : 1u);
}

/* The same for any length: zeros that change nothing are left out, the rest must be short. */
static bool parse_long_digits(const uint8_t *text, size_t length, uint64_t *mantissa,
                              size_t *decimals) {
    const uint8_t *point = memchr(text, '.', length);
    while (point != NULL && text + length > point + 1 + E8_DECIMALS && text[length - 1] == '0') {
        length--;
    }
    while (length > 1 && text[0] == '0') {
        text++;
        length--;
    }
    /* A long number that is out of range or too fine: not to be told from a malformed one. */
    return length <= SHORT_TEXT + (point != NULL ? 1u : 0u) &&
           parse_digits(text, length, mantissa, decimals);
}

bool kk_parse_e8(const uint8_t *text, size_t length, int64_t *value_e8) {
    kk_assert(text != NULL && value_e8 != NULL);
    bool negative = length > 0 && text[0] == '-';
    text += negative;
    length -= negative;
    uint64_t mantissa = 0;
    size_t decimals = 0;
    if (kk_unlikely(length > SHORT_TEXT) ? !parse_long_digits(text, length, &mantissa, &decimals)
                                         : !parse_digits(text, length, &mantissa, &decimals)) {
        return false;
    }
    for (; kk_unlikely(decimals > E8_DECIMALS); decimals--) {
        if (mantissa % 10 != 0) {
            return false;
        }
        mantissa /= 10;
    }
    uint64_t scaled = 0;
    if (__builtin_mul_overflow(mantissa, powers_of_ten[E8_DECIMALS - decimals], &scaled) ||
        scaled > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *value_e8 = (int64_t)(negative ? 0 - scaled : scaled);
    return true;
}

bool kk_parse_u63(const uint8_t *text, size_t length, uint64_t *value) {
    kk_assert(text != NULL && value != NULL);
    if (length == 0 || length > SHORT_TEXT) {
        return false;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return sum <= (uint64_t)INT64_MAX;
}

static size_t count_digits(uint64_t value) {
    size_t digits = 1;
    for (; value >= 10000; value /= 10000) {
        digits += 4;
    }
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes exactly `digits` digits, leading zeros included. */
static void put_digits(uint8_t *out, uint64_t value, size_t digits) {
    for (; digits >= 2; digits -= 2, value /= 100) {
        memcpy(out + digits - 2, digit_pairs + value % 100 * 2, 2);
    }
    if (digits == 1) {
        out[0] = (uint8_t)('0' + value % 10);
    }
}

size_t kk_format_u64(uint8_t *out, uint64_t value) {
    kk_assert(out != NULL);
    size_t digits = count_digits(value);
    put_digits(out, value, digits);
    return digits;
}

size_t kk_format_e8(uint8_t *out, int64_t value_e8) {
    kk_assert(out != NULL);
    bool negative = value_e8 < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value_e8 : (uint64_t)value_e8;
    out[0] = '-';
    size_t length = negative;
    length += kk_format_u64(out + length, magnitude / (uint64_t)KK_E8);
    uint64_t fraction = magnitude % (uint64_t)KK_E8;
    if (fraction != 0) {
        size_t digits = E8_DECIMALS;
        for (; fraction % 10 == 0; fraction /= 10) {
            digits--;
        }
        out[length] = '.';
        put_digits(out + length + 1, fraction, digits);
        length += 1 + digits;
    }
    kk_assert(length <= KK_E8_TEXT_MAX);
    return length;
}

int64_t kk_divide_half_even(kk_i128 numerator, kk_i128 denominator) {
    kk_assert(denominator > 0);
    kk_i128 quotient = numerator / denominator;
    kk_i128 rest = numerator % denominator;
    kk_i128 sign = numerator < 0 ? -1 : 1;
    kk_i128 size = rest * sign;
    kk_i128 room = denominator - size;
    if (size > room || (size == room && quotient % 2 != 0)) {
        quotient += sign;
    }
    kk_assert(quotient >= INT64_MIN && quotient <= INT64_MAX);
    return (int64_t)quotient;
}
