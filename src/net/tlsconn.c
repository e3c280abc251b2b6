#include "net/tlsconn.h"

#include <sys/epoll.h>
#include <unistd.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#undef ERR_STATE

void
tls_conn_from_hand(struct tls_conn *c, struct tls_hand *h, int fd)
{
	*c = (struct tls_conn){.ssl = h->ssl, .ctx = h->ctx, .fd = fd, .want = EPOLLIN};
	BIO_set_callback_ex(SSL_get_rbio(c->ssl), NULL);
	SSL_set_app_data(c->ssl, NULL);
	/* from here on whatever is there comes in one read: see tls_conn_pending */
	SSL_set_read_ahead(c->ssl, 1);
	h->ssl = NULL;
	h->ctx = NULL;
	tls_zones_unref(&h->zones);
}

static enum err
explain_io(struct tls_conn *c, int ret)
{
	unsigned long e = ERR_peek_error();
	enum err result = ERR_IO;

	switch (SSL_get_error(c->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		c->want = EPOLLIN;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		c->want = EPOLLOUT;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		c->saw_close = true;
		return ERR_CLOSED;
	default:
		c->broken = true;
		if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
		    ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			result = ERR_CLOSED; /* end of stream without close_notify */
		ERR_clear_error();
		return result;
	}
}

enum err
tls_conn_read(struct tls_conn *c, void *p, size_t cap, size_t *out_len)
{
	size_t len;
	int ret;

	if (c->broken)
		return ERR_IO;
	ERR_clear_error();
	ret = SSL_read_ex(c->ssl, p, cap, &len);
	if (ret != 1)
		return explain_io(c, ret);
	*out_len = len;
	return ERR_OK;
}

enum err
tls_conn_write(struct tls_conn *c, const void *p, size_t len, size_t *out_len)
{
	size_t done;
	int ret;

	if (c->broken)
		return ERR_IO;
	ERR_clear_error();
	ret = SSL_write_ex(c->ssl, p, len, &done);
	if (ret != 1)
		return explain_io(c, ret);
	*out_len = done;
	return ERR_OK;
}

bool
tls_conn_pending(const struct tls_conn *c)
{
	return !c->broken && SSL_has_pending(c->ssl);
}

enum err
tls_conn_shown(const struct tls_conn *c, struct tls_shown *out)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(c->ssl); /* of a client: without its leaf */
	struct tls_shown s = {.leaf = SSL_get1_peer_certificate(c->ssl)};

	if (chain) {
		s.chain = X509_chain_up_ref(chain);
		if (!s.chain) {
			tls_shown_fini(&s);
			return ERR_NOMEM;
		}
	}
	*out = s;
	return ERR_OK;
}

void
tls_conn_chosen(const struct tls_conn *c, uint16_t *version, uint16_t *suite, const char **name)
{
	const SSL_CIPHER *used = SSL_get_current_cipher(c->ssl);

	*version = (uint16_t)SSL_version(c->ssl);
	*suite = used ? (uint16_t)SSL_CIPHER_get_protocol_id(used) : 0;
	*name = used ? SSL_CIPHER_get_name(used) : "";
}

void
tls_conn_shutdown(struct tls_conn *c)
{
	if (!c->ssl || c->broken)
		return;
	ERR_clear_error();
	if (SSL_shutdown(c->ssl) < 0)
		ERR_clear_error();
}

void
tls_conn_fini(struct tls_conn *c)
{
	if (!c->ssl)
		return;
	tls_conn_shutdown(c);
	SSL_free(c->ssl);
	tls_ctx_unref(&c->ctx);
	close(c->fd);
	*c = (struct tls_conn){.fd = -1};
}
