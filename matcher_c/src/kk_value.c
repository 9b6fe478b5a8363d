#include "kk_value.h"

#include <string.h>

#include "kk_numbers.h"

#define DIGITS_MAX 18u
#define LENGTH_DIGITS_MAX 9u

bool kk_digits(const uint8_t *value, size_t length, uint64_t *number) {
    return length <= DIGITS_MAX && kk_parse_u63(value, length, number);
}

bool kk_timestamp(const uint8_t *value, size_t length, int64_t *unix_ns) {
    return kk_parse_timestamp(value, length, unix_ns) && *unix_ns >= 0 && value[15] != '6';
}

static bool is_number(const uint8_t *value, size_t length, size_t digits_max, uint64_t least) {
    uint64_t number = 0;
    return length <= digits_max && kk_digits(value, length, &number) && number >= least;
}

static bool is_decimal(const uint8_t *value, size_t length) {
    int64_t value_e8;
    return kk_parse_e8(value, length, &value_e8);
}

static bool is_upper(const uint8_t *value, size_t length, bool digits_too) {
    for (size_t i = 0; i < length; i++) {
        const bool digit = value[i] >= '0' && value[i] <= '9';
        if (!(value[i] >= 'A' && value[i] <= 'Z') && !(digits_too && digit)) {
            return false;
        }
    }
    return true;
}

/* YYYYMMDD of a real day, judged as the first moment of that day. */
static bool is_date(const uint8_t *value, size_t length) {
    uint8_t text[17] = "00000000-00:00:0";
    int64_t unix_ns;
    text[16] = '0';
    if (length != 8) {
        return false;
    }
    memcpy(text, value, 8);
    return kk_parse_timestamp(text, sizeof text, &unix_ns);
}

/* YYYYMM, YYYYMMDD or YYYYMMw1 to w5. */
static bool is_month_year(const uint8_t *value, size_t length) {
    uint8_t day[8] = "0000000";
    if (length == 8 && value[6] != 'w') {
        return is_date(value, length);
    }
    if (length != 6 && !(length == 8 && value[7] >= '1' && value[7] <= '5')) {
        return false;
    }
    memcpy(day, value, 6);
    day[6] = '0';
    day[7] = '1';
    return is_date(day, sizeof day);
}

/* Single characters, one space between two. */
static bool is_characters(const uint8_t *value, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((value[i] == ' ') != (i % 2 == 1)) {
            return false;
        }
    }
    return length % 2 == 1;
}

static bool is_datatype(kk_value datatype, const uint8_t *value, size_t length) {
    int64_t unix_ns;
    switch (datatype) {
    case KK_VALUE_STRING:
        return true;
    case KK_VALUE_CHAR:
        return length == 1 && value[0] != ' ';
    case KK_VALUE_INT:
        return value[0] == '-' ? is_number(value + 1, length - 1, DIGITS_MAX, 0)
                               : is_number(value, length, DIGITS_MAX, 0);
    case KK_VALUE_SEQNUM:
        return is_number(value, length, DIGITS_MAX, 0);
    case KK_VALUE_LENGTH:
        return is_number(value, length, LENGTH_DIGITS_MAX, 0);
    case KK_VALUE_NUM_IN_GROUP:
        return is_number(value, length, LENGTH_DIGITS_MAX, 1);
    case KK_VALUE_QTY:
        return value[0] != '-' && is_decimal(value, length);
    case KK_VALUE_PRICE:
    case KK_VALUE_FLOAT:
        return is_decimal(value, length);
    case KK_VALUE_BOOLEAN:
        return length == 1 && (value[0] == 'Y' || value[0] == 'N');
    case KK_VALUE_CURRENCY:
        return length >= 3 && length <= 8 && is_upper(value, length, true);
    case KK_VALUE_COUNTRY:
        return length == 2 && is_upper(value, length, false);
    case KK_VALUE_UTC_TIMESTAMP:
        return kk_timestamp(value, length, &unix_ns);
    case KK_VALUE_DATE:
        return is_date(value, length);
    case KK_VALUE_MONTH_YEAR:
        return is_month_year(value, length);
    case KK_VALUE_MULTIPLE_CHARS:
        return is_characters(value, length);
    case KK_VALUE_DATA:
        return false;
    }
    return false;
}

static bool is_listed(const kk_enum_set *set, const uint8_t *value, size_t length) {
    uint64_t number = 0;
    switch ((kk_enum_by)set->by) {
    case KK_ENUM_ANY:
        return true;
    case KK_ENUM_CHAR:
        return length == 1 && kk_enum_has(set, value[0]);
    case KK_ENUM_CHARS:
        for (size_t i = 0; i < length; i += 2) {
            if (!kk_enum_has(set, value[i])) {
                return false;
            }
        }
        return true;
    case KK_ENUM_INT:
        return kk_digits(value, length, &number) && kk_enum_has(set, number);
    case KK_ENUM_WORDS:
        return kk_enum_has_word(set, value, length);
    }
    return false;
}

bool kk_value_is(const kk_field_rule *rule, const uint8_t *value, size_t length) {
    return length > 0 && is_datatype((kk_value)rule->value, value, length) &&
           (rule->enum_set == 0 || is_listed(&kk_enum_sets[rule->enum_set], value, length));
}
