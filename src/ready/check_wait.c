#include "ready/parts.h"
#include "net/tlsrecord.h"

static bool
has_addr(const struct probe_addrs *list, const struct addr *a)
{
	for (uint16_t i = 0; i < list->n; i++)
		if (addr_ip_eq(&list->addr[i], a))
			return true;
	return false;
}

/* The last refused handshake that was this equipment's: by its address, or by the names it showed.
 * Others are nobody's business here. */
static int
find_refused(const struct probe_facts *f)
{
	for (int i = f->wait.n_hand - 1; i >= 0; i--) {
		struct str names = str_from(f->wait.hand[i].names);

		if (has_addr(&f->a, &f->wait.hand[i].peer) ||
		    has_addr(&f->aaaa, &f->wait.hand[i].peer) ||
		    str_find(names, str_from(f->job.fqdn)) < names.len)
			return i;
	}
	return -1;
}

static void
check_connected(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_wait *w = &f->wait;
	int refused = find_refused(f);
	struct ready_line *l =
		ready_add(out, READY_WAIT_CONNECT, w->connected ? READY_PASSED : READY_FAILED);

	if (w->connected) {
		ready_seen(l, "%s connected over %s with %s, and showed the certificate of %s",
			   addr_text(&w->peer).z, tls_version_name(w->version), w->suite, w->names);
	} else if (refused >= 0) {
		ready_seen(l, "refused from %s: %s", addr_text(&w->hand[refused].peer).z,
			   w->hand[refused].why);
		ready_change(l, "see the lines above about the certificate, and what was offered");
	} else {
		ready_seen(l, "no connection whose certificate speaks for %s came within %u s",
			   f->job.fqdn, f->job.wait_s);
		ready_change(l,
			     "let the equipment find zone %s by its SRV records, connect, and "
			     "show its certificate",
			     f->own.zone);
	}
}

static void
check_hello(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_wait *w = &f->wait;
	bool sni = str_ieqz(str_from(w->sni), f->own.zone);
	struct ready_line *l = ready_add(out, READY_WAIT_SNI, sni ? READY_PASSED : READY_WARNED);

	ready_seen(l, w->sni[0] ? "it asks for %s" : "it sends no server name%s", w->sni);
	if (!sni)
		ready_change(l,
			     "let it send the server name %s: where zones share an address, the "
			     "right certificate is chosen by it",
			     f->own.zone);
	l = ready_add(out, READY_WAIT_TLS, READY_PASSED);
	ready_seen(l, "it offers %s; %s; and sends %u certificates of its chain",
		   w->offered_versions, w->offered_suites, w->n_chain);
}

static void
check_alive(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_wait *w = &f->wait;
	bool alive = w->n_pings || w->n_options;
	struct ready_line *l =
		ready_add(out, READY_WAIT_ALIVE, alive ? READY_PASSED : READY_WARNED);

	ready_seen(l, "%u CRLF pings, %u OPTIONS; %u other requests were answered with 403",
		   w->n_pings, w->n_options, w->n_refused);
	if (!alive)
		ready_change(l, "let it send CRLF pings (RFC 5626) or OPTIONS: else a dead "
				"connection shows only when a call is lost");
}

static void
check_invite(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_invite *i = &f->wait.invite;
	struct ready_line *l =
		ready_add(out, READY_WAIT_INVITE, i->seen ? READY_PASSED : READY_FAILED);

	if (!i->seen) {
		ready_seen(l, "no INVITE to %s came", f->job.call);
		ready_change(l, "let the equipment call %s over this trunk while the check waits",
			     f->job.call);
		return;
	}
	ready_seen(l, "to %s, from %s", i->number, i->from);
	l = ready_add(out, READY_WAIT_CONTACT, i->contact_tls ? READY_PASSED : READY_FAILED);
	ready_seen(l, "%s%s", i->has_contact ? i->contact : "none",
		   i->contact_tls ? "" : ": without transport=tls");
	if (!i->contact_tls)
		ready_change(l,
			     "let its Contact say transport=tls (or sips:), with the port of its "
			     "TLS listener");
	l = ready_add(out, READY_WAIT_CRYPTO,
		      !i->secure || !i->takes_ours ? READY_FAILED
		      : i->mki || i->lifetime      ? READY_WARNED
						   : READY_PASSED);
	if (i->bad_sdp)
		ready_seen(l, "its SDP cannot be read");
	else if (!i->secure)
		ready_seen(l, "its offer is not RTP/SAVP");
	else
		ready_seen(l, "RTP/SAVP with %u a=crypto lines: %s%s%s", i->n_crypto, i->suites,
			   i->mki ? ", with MKI" : "", i->lifetime ? ", with a lifetime" : "");
	if (l->state == READY_FAILED)
		ready_change(l, "switch on SRTP with AES_CM_128_HMAC_SHA1_80 in a=crypto (SDES)");
	else if (l->state == READY_WARNED)
		ready_change(l, "switch off MKI and lifetime: nobody needs them here, and not "
				"every peer takes them");
}

void
readywait_run(const struct probe_facts *f, struct ready_report *out)
{
	struct ready_line *l;

	if (!f->wait.waited)
		return;
	if (f->wait.is_on) {
		l = ready_add(out, READY_WAIT_CONNECT, READY_PASSED);
		ready_seen(l, "account %s may connect already: see postern handshakes --account %s",
			   f->account.id.z, f->account.id.z);
		return;
	}
	check_connected(f, out);
	if (!f->wait.connected)
		return;
	check_hello(f, out);
	check_alive(f, out);
	if (f->job.call[0])
		check_invite(f, out);
}
