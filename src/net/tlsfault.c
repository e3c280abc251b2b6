#include "net/tlsfault.h"

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#undef ERR_STATE

/* The first reason stands: what comes after it is its consequence. */
void
tls_fault_set(struct tls_record *r, enum tls_reason reason)
{
	if (r->reason == TLS_OK)
		r->reason = reason;
}

/* Opens why for a sentence, unless one stands there already. */
bool
tls_fault_open(struct tls_record *r, struct buf *b)
{
	if (r->why[0])
		return false;
	buf_init(b, r->why, sizeof(r->why) - 1);
	return true;
}

void
tls_fault_say(struct tls_record *r, enum tls_reason reason, const char *why)
{
	struct buf b;

	tls_fault_set(r, reason);
	if (!tls_fault_open(r, &b))
		return;
	buf_z(&b, why);
	buf_cstr(&b);
}

static void
say_none_shown(struct tls_record *r, const struct tls_profile_row *p)
{
	struct cert_policy policy = {.rsa_only = p->rsa_only};
	struct cert_verdict verdict;

	certpolicy_none_shown(&policy, &verdict);
	r->cert_reason = verdict.reason;
	tls_fault_say(r, TLS_CERT, verdict.why);
}

static void
say_alert(struct tls_record *r, const struct tls_profile_row *p)
{
	struct buf b;
	int alert = r->alert_received;

	tls_fault_set(r, TLS_ALERT);
	if (!tls_fault_open(r, &b))
		return;
	buf_printf(&b, "the other side refused with alert %s (%d)", tls_alert_name(alert), alert);
	if (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN)
		buf_z(&b, ": it does not accept our certificate");
	else if (alert == SSL_AD_UNKNOWN_CA)
		buf_z(&b, ": it does not know the authority of our certificate");
	else if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_PROTOCOL_VERSION)
		buf_printf(&b, ": nothing in common with %s?", p->shown);
	buf_cstr(&b);
}

static void
say_no_common(struct tls_record *r, const struct tls_profile_row *p, enum tls_reason reason)
{
	struct buf b;

	tls_fault_set(r, reason);
	if (!tls_fault_open(r, &b))
		return;
	buf_z(&b, reason == TLS_CIPHER ? "no common cipher suite" : "no common TLS version");
	if (r->outgoing) {
		buf_z(&b, " with the server");
	} else {
		buf_z(&b, "; offered: ");
		if (reason == TLS_CIPHER)
			tls_record_put_suites(&b, r);
		else
			tls_record_put_versions(&b, r);
	}
	buf_printf(&b, "; we ask for %s", p->shown);
	buf_cstr(&b);
}

static void
say_protocol(struct tls_record *r, unsigned long e)
{
	const char *text = ERR_reason_error_string(e);
	struct buf b;

	tls_fault_set(r, TLS_PROTOCOL);
	if (!tls_fault_open(r, &b))
		return;
	buf_printf(&b, "TLS handshake broken: %s", text ? text : "unknown error");
	buf_cstr(&b);
}

void
tls_fault_explain(struct tls_record *r, const struct tls_profile_row *p, bool greedy, int ssl_error)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (r->reason != TLS_OK)
		return;
	if (r->alert_sent == SSL_AD_DECRYPT_ERROR)
		tls_fault_say(r, TLS_PROTOCOL,
			      "a signature in the handshake is wrong: the other side does not hold "
			      "the key "
			      "of "
			      "the certificate that it shows");
	else if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)
		tls_fault_say(r, TLS_PROTOCOL,
			      "a message of the handshake is too large: certificates may have 32 "
			      "KiB in all");
	else if (greedy)
		tls_fault_say(r, TLS_PROTOCOL, "the handshake came in too many pieces");
	else if (r->alert_received != TLS_NO_ALERT)
		say_alert(r, p);
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		say_none_shown(r, p);
	else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
		 reason == SSL_R_NO_PROTOCOLS_AVAILABLE)
		say_no_common(r, p, TLS_VERSION);
	else if (reason == SSL_R_NO_SHARED_CIPHER)
		say_no_common(r, p, TLS_CIPHER);
	else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		tls_fault_say(r, TLS_GONE,
			      "closed by the other side in the middle of the handshake");
	else if (ssl_error == SSL_ERROR_SYSCALL && e == 0)
		tls_fault_say(r, TLS_GONE,
			      "reset by the other side in the middle of the handshake");
	else if (reason == SSL_R_WRONG_VERSION_NUMBER && r->outgoing)
		tls_fault_say(r, TLS_PLAIN, "the other side does not speak TLS on this port");
	else
		say_protocol(r, e);
}
