/* Exact decimal arithmetic: digits to scaled integers and back, notionals in 128 bits. */
#ifndef KK_NUMBERS_H
#define KK_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 kk_i128;

#define KK_E8 INT64_C(100000000)
#define KK_INT64_TEXT_MAX 20 /* bytes of the longest int64 in decimal */
#define KK_E8_TEXT_MAX 22    /* bytes of the longest decimal with 8 places */

/*
 * FIX Price, Qty: optional '-', digits, optional '.' with digits; no '+', no exponent, at least
 * one digit.  False when malformed, more than 8 significant decimals (trailing zeros beyond are
 * fine), or out of int64 range.
 */
bool kk_parse_e8(const uint8_t *text, size_t length, int64_t *value_e8);

/* Unsigned decimal, 1 to 19 digits, below 2^63; leading zeros are fine.  False otherwise. */
bool kk_parse_u63(const uint8_t *text, size_t length, uint64_t *value);

/* Writes `value` in decimal; returns the bytes written. */
size_t kk_format_u64(uint8_t *out, uint64_t value);

/*
 * Writes a scaled value without needless zeros ("100", "99.5", "-0.00000001").  Up to
 * KK_E8_TEXT_MAX bytes may be written, whatever it returns.
 */
size_t kk_format_e8(uint8_t *out, int64_t value_e8);

/*
 * UTCTimestamp `YYYYMMDD-HH:MM:SS[.fraction of 3, 6 or 9 digits]` to Unix nanoseconds.
 * Second 60 is read as 59 (leap second).  False when malformed, no date of the calendar, or outside
 * the years 1678 to 2261, which are what int64 nanoseconds hold.
 */
bool kk_parse_timestamp(const uint8_t *text, size_t length, int64_t *unix_ns);

/* Rounds numerator/denominator half to even; denominator > 0. */
int64_t kk_divide_half_even(kk_i128 numerator, kk_i128 denominator);

#endif
