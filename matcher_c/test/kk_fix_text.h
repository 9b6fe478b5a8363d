/*
 * FIX messages for tests, written with '|' for SOH.
 *
 *     kk_fix_message(out, "35=D|49=BROKER1|...|")
 *
 * gives the whole frame: prefix, BodyLength(9) and CheckSum(10) are added.
 */
#ifndef KK_FIX_TEXT_H
#define KK_FIX_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KK_FIX_TEXT_MAX 8192

/* Copies `text` with SOH for '|'; returns its length. */
static inline size_t kk_fix_bytes(uint8_t *out, const char *text) {
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        out[i] = text[i] == '|' ? 1u : (uint8_t)text[i];
    }
    return length;
}

/* Adds "10=ddd|" behind `length` bytes; returns the whole length. */
static inline size_t kk_fix_close(uint8_t *out, size_t length) {
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += out[i];
    }
    char trailer[16];
    (void)snprintf(trailer, sizeof trailer, "10=%03u|", sum & 0xFFu);
    return length + kk_fix_bytes(out + length, trailer);
}

/* The frame around `body`, which begins with "35="; returns its length. */
static inline size_t kk_fix_message(uint8_t *out, const char *body) {
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "8=FIX.4.4|9=%zu|", strlen(body));
    size_t length = kk_fix_bytes(out, prefix);
    length += kk_fix_bytes(out + length, body);
    return kk_fix_close(out, length);
}

/* Copies bytes as text with '|' for SOH, ended by NUL; `text` has room for them. */
static inline const char *kk_fix_text(char *text, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        text[i] = bytes[i] == 1u ? '|' : (char)bytes[i];
    }
    text[length] = '\0';
    return text;
}

#endif
