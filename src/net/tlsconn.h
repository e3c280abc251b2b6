/* An established TLS connection: what a good handshake leaves. Of one thread, the loop's. */
#ifndef POSTERN_NET_TLSCONN_H
#define POSTERN_NET_TLSCONN_H

#include "net/tls.h"

/* Embedded or pooled by its owner. */
struct tls_conn {
	void *ssl;
	struct tls_ctx *ctx;
	int fd;
	bool broken;    /* after a fatal error: no close_notify may be sent */
	bool saw_close; /* the peer's close_notify came */
	uint32_t want;  /* EPOLLIN | EPOLLOUT that the last AGAIN waits for */
};

/** Make the finished handshake a connection; *h keeps only its record. Takes the fd. */
void tls_conn_from_hand(struct tls_conn *c, struct tls_hand *h, int fd);
/** AGAIN: see want. CLOSED: close_notify or end of stream. IO: broken. *out_len > 0 on OK. */
enum err tls_conn_read(struct tls_conn *c, void *p, size_t cap, size_t *out_len) NODISCARD;
/** Writes some (*out_len > 0 on OK). After AGAIN call again with the same bytes (they may have
 * moved) and at least the same length. */
enum err tls_conn_write(struct tls_conn *c, const void *p, size_t len, size_t *out_len) NODISCARD;
/** Bytes wait inside, of a whole record or of a part of one: no event of the descriptor tells of
 * them, so read on until AGAIN. */
bool tls_conn_pending(const struct tls_conn *c);
/** What the peer showed in its handshake, counted: end with tls_shown_fini. NOMEM. */
enum err tls_conn_shown(const struct tls_conn *c, struct tls_shown *out) NODISCARD;
/** Version and suite that were negotiated; *name is static. */
void tls_conn_chosen(const struct tls_conn *c, uint16_t *version, uint16_t *suite,
		     const char **name);
/** Send close_notify once, as far as it goes now. */
void tls_conn_shutdown(struct tls_conn *c);
/** close_notify, free, close fd. A zeroed struct is fine. */
void tls_conn_fini(struct tls_conn *c);

#endif
