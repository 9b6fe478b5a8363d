/* Values of FIX datatypes: whether bytes are one, as kk_value and the enumerations say. */
#ifndef KK_VALUE_H
#define KK_VALUE_H

#include "fix_tables.h"

/*
 * Whether the value is one of its rule's datatype and, where FIX lists values, a listed one.
 * All bytes are printable.  Never takes what the full validation refuses; may refuse more.
 */
bool kk_value_is(const kk_field_rule *rule, const uint8_t *value, size_t length);

/* `length` digits, at most 18, and nothing else. */
bool kk_digits(const uint8_t *value, size_t length, uint64_t *number);

/* A UTCTimestamp from 1970 on that is no leap second. */
bool kk_timestamp(const uint8_t *value, size_t length, int64_t *unix_ns);

#endif
