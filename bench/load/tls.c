/* TLS of the load client; see tls.h. */
#include "tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Constants of OpenSSL's headers. */
enum {
    ERROR_WANT_READ = 2,
    ERROR_WANT_WRITE = 3,
    ERROR_ZERO_RETURN = 6,
    VERIFY_PEER = 1,
    CTRL_MODE = 33,
    CTRL_READ_AHEAD = 41,
    MODE_PARTIAL_WRITE = 1,
    MODE_MOVING_BUFFER = 2
};

struct load_tls {
    void *context;
    const void *(*client_method)(void);
    void *(*context_new)(const void *);
    int (*verify_file)(void *, const char *);
    void (*set_verify)(void *, int, void *);
    long (*control)(void *, int, long, void *);
    void *(*connection_new)(void *);
    int (*set_fd)(void *, int);
    int (*connect)(void *);
    int (*read)(void *, void *, int);
    int (*write)(void *, const void *, int);
    int (*error)(const void *, int);
    int (*pending)(const void *);
};

/* A read that brought less than this left nothing behind it in the socket, most probably. */
enum { FULL_BYTES = 4096 };

/* A data pointer may not be cast to one of a function; its bytes may be copied. */
static bool find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    *(void **)function = found;
    if (found == NULL) {
        fprintf(stderr, "kk_load: libssl has no %s\n", name);
    }
    return found != NULL;
}

static bool find_all(struct load_tls *tls, void *library) {
    return find(library, "TLS_client_method", &tls->client_method) &&
           find(library, "SSL_CTX_new", &tls->context_new) &&
           find(library, "SSL_CTX_load_verify_file", &tls->verify_file) &&
           find(library, "SSL_CTX_set_verify", &tls->set_verify) &&
           find(library, "SSL_CTX_ctrl", &tls->control) &&
           find(library, "SSL_new", &tls->connection_new) &&
           find(library, "SSL_set_fd", &tls->set_fd) &&
           find(library, "SSL_connect", &tls->connect) && find(library, "SSL_read", &tls->read) &&
           find(library, "SSL_write", &tls->write) && find(library, "SSL_get_error", &tls->error) &&
           find(library, "SSL_has_pending", &tls->pending);
}

struct load_tls *load_tls_open(const char *ca_file) {
    struct load_tls *tls = calloc(1, sizeof *tls);
    void *library = dlopen("libssl.so.3", RTLD_NOW);
    if (tls == NULL || library == NULL) {
        fprintf(stderr, "kk_load: no OpenSSL: %s\n", library == NULL ? dlerror() : "no memory");
        free(tls);
        return NULL;
    }
    if (!find_all(tls, library)) {
        free(tls);
        return NULL;
    }
    tls->context = tls->context_new(tls->client_method());
    if (tls->context == NULL || tls->verify_file(tls->context, ca_file) != 1) {
        fprintf(stderr, "kk_load: cannot trust %s\n", ca_file);
        free(tls);
        return NULL;
    }
    tls->set_verify(tls->context, VERIFY_PEER, NULL);
    tls->control(tls->context, CTRL_MODE, MODE_PARTIAL_WRITE | MODE_MOVING_BUFFER, NULL);
    tls->control(tls->context, CTRL_READ_AHEAD, 1, NULL); /* a record in one recv, not in two */
    return tls;
}

void *load_tls_connect(struct load_tls *tls, int fd) {
    void *connection = tls->connection_new(tls->context);
    if (connection == NULL || tls->set_fd(connection, fd) != 1 || tls->connect(connection) != 1) {
        fprintf(stderr, "kk_load: the TLS handshake failed\n");
        return NULL;
    }
    return connection;
}

/* What -1 or 0 of SSL_read or SSL_write means, in the words of recv and send. */
static ssize_t ended(struct load_tls *tls, void *connection, int result) {
    int error = tls->error(connection, result);
    errno = error == ERROR_WANT_READ || error == ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return error == ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t load_tls_receive(struct load_tls *tls, void *connection, char *bytes, size_t length) {
    size_t got = 0;
    /* A record at a time is OpenSSL's way; what the socket holds is read at once, as recv does. */
    while (got < length) {
        int more = tls->read(connection, bytes + got, (int)(length - got));
        if (more <= 0) {
            return got > 0 ? (ssize_t)got : ended(tls, connection, more);
        }
        got += (size_t)more;
        if (more < FULL_BYTES && !tls->pending(connection)) {
            break;
        }
    }
    return (ssize_t)got;
}

ssize_t load_tls_send(struct load_tls *tls, void *connection, const char *bytes, size_t length) {
    size_t sent = 0;
    while (sent < length) {
        int more = tls->write(connection, bytes + sent, (int)(length - sent));
        if (more <= 0) {
            return sent > 0 ? (ssize_t)sent : ended(tls, connection, more);
        }
        sent += (size_t)more;
    }
    return (ssize_t)sent;
}
