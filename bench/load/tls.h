/*
 * TLS for the load client: OpenSSL's library, found when the client runs.
 *
 * Nothing is compiled against its headers, which a machine that only runs Python does not have; the
 * few functions used are part of its stable interface (OpenSSL 3).
 */
#ifndef KK_BENCH_TLS_H
#define KK_BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct load_tls;

/* Finds the library and trusts the CA in this file; NULL with a word on standard error. */
struct load_tls *load_tls_open(const char *ca_file);
/* The handshake over a connected blocking socket; NULL with a word on standard error. */
void *load_tls_connect(struct load_tls *tls, int fd);
/* As recv and send with MSG_DONTWAIT: -1 with EAGAIN, 0 at the end. */
ssize_t load_tls_receive(struct load_tls *tls, void *connection, char *bytes, size_t length);
ssize_t load_tls_send(struct load_tls *tls, void *connection, const char *bytes, size_t length);

#endif
