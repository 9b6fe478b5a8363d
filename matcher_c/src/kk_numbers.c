#include "kk_numbers.h"

#include <string.h>

#include "kk_assert.h"

#define E8_DECIMALS 8
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digits are looked at eight at a time");
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

static void put_two(uint8_t *out, uint32_t value) {
    memcpy(out, &digit_pairs[(size_t)value * 2], 2);
}

static void put_four(uint8_t *out, uint32_t value) {
    put_two(out, value / 100);
    put_two(out + 2, value % 100);
}

static void put_eight(uint8_t *out, uint32_t value) {
    put_four(out, value / 10000);
    put_four(out + 4, value % 10000);
}

static size_t format_below_10000(uint8_t *out, uint32_t value) {
    if (value < 10) {
        out[0] = (uint8_t)('0' + value);
        return 1;
    }
    if (value < 100) {
        put_two(out, value);
        return 2;
    }
    if (value < 1000) {
        out[0] = (uint8_t)('0' + value / 100);
        put_two(out + 1, value % 100);
        return 3;
    }
    put_four(out, value);
    return 4;
}

static size_t format_below_e8(uint8_t *out, uint32_t value) {
    if (value < 10000) {
        return format_below_10000(out, value);
    }
    const size_t length = format_below_10000(out, value / 10000);
    put_four(out + length, value % 10000);
    return length + 4;
}

size_t kk_format_u64(uint8_t *out, uint64_t value) {
    kk_assert(out != NULL);
    if (value < (uint64_t)KK_E8) {
        return format_below_e8(out, (uint32_t)value);
    }
    const uint64_t upper = value / (uint64_t)KK_E8;
    size_t length = 0;
    if (upper < (uint64_t)KK_E8) {
        length = format_below_e8(out, (uint32_t)upper);
    } else {
        length = format_below_10000(out, (uint32_t)(upper / (uint64_t)KK_E8));
        put_eight(out + length, (uint32_t)(upper % (uint64_t)KK_E8));
        length += 8;
    }
    put_eight(out + length, (uint32_t)(value % (uint64_t)KK_E8));
    return length + 8;
}

/* ".digits" without trailing zeros; eight digits are written, whatever remains of them. */
static size_t format_fraction(uint8_t *out, uint32_t fraction) {
    uint64_t digits = 0;

    kk_assert(fraction > 0 && fraction < (uint32_t)KK_E8);
    out[0] = '.';
    put_eight(out + 1, fraction);
    memcpy(&digits, out + 1, sizeof digits);
    /* The last digit is in the highest byte. */
    const uint64_t not_zeros = digits ^ UINT64_C(0x3030303030303030);
    return 9 - ((size_t)__builtin_clzll(not_zeros) >> 3);
}

size_t kk_format_e8(uint8_t *out, int64_t value_e8) {
    kk_assert(out != NULL);
    bool negative = value_e8 < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value_e8 : (uint64_t)value_e8;
    out[0] = '-';
    size_t length = negative;
    length += kk_format_u64(out + length, magnitude / (uint64_t)KK_E8);
    const uint32_t fraction = (uint32_t)(magnitude % (uint64_t)KK_E8);
    if (fraction != 0) {
        length += format_fraction(out + length, fraction);
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
