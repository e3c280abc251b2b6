#include <string.h>

#include "ready/parts.h"
#include "ready/target.h"

/* ---- the account ---- */

static void
check_account(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_account *a = &f->account;
	struct ready_line *l;

	if (a->asked_for && !a->exists) {
		l = ready_add(out, READY_ACCOUNT, READY_FAILED);
		ready_seen(l, "there is no account %s", f->job.account);
		ready_change(l, "name an account that exists, or make it with postern apply");
	} else if (a->asked_for && a->n_trunks == 0) {
		l = ready_add(out, READY_ACCOUNT, READY_FAILED);
		ready_seen(l, "no TLS trunk of account %s has the FQDN %s", a->id.z, f->job.fqdn);
		ready_change(l,
			     "give one of its trunks fqdn: %s, or check the name that was asked "
			     "for",
			     f->job.fqdn);
	} else if (a->id.z[0]) {
		l = ready_add(out, READY_ACCOUNT, READY_PASSED);
		ready_seen(l, "account %s, trunk %s, TLS/SRTP %s", a->id.z, a->trunk[0].id.z,
			   tls_srtp_name((enum tls_srtp)a->tls_srtp));
	} else {
		l = ready_add(out, READY_ACCOUNT, READY_PASSED);
		ready_seen(l, "no account has this FQDN yet");
	}
}

/* ---- DNS ---- */

static void
put_addrs(struct buf *b, const char *type, const struct probe_addrs *a)
{
	buf_z(b, b->len ? "; " : "");
	buf_z(b, type);
	for (uint16_t i = 0; i < a->n; i++) {
		buf_z(b, i ? ", " : " ");
		addr_put_ip(b, &a->addr[i], false);
	}
	if (a->n == 0)
		buf_z(b, !a->asked                          ? " no answer"
			 : a->status == (uint8_t)DNS_FAILED ? " failed"
							    : " none");
}

static bool
check_name(const struct probe_facts *f, struct ready_report *out)
{
	bool found = f->a.n || f->aaaa.n;
	struct ready_line *l = ready_add(out, READY_DNS_NAME, found ? READY_PASSED : READY_FAILED);
	char mem[READY_SEEN_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	put_addrs(&b, "A", &f->a);
	put_addrs(&b, "AAAA", &f->aaaa);
	if (found) {
		ready_seen(l, "%s", buf_cstr(&b));
	} else if (!f->a.asked || f->a.status == DNS_FAILED) {
		ready_seen(l, "the name servers do not answer for %s, or not usably", f->job.fqdn);
		ready_change(l, "look at the name servers of the domain, and at those that postern "
				"asks (dns in its configuration)");
	} else {
		ready_seen(l,
			   f->a.status == DNS_NXDOMAIN ? "there is no name %s in DNS"
						       : "%s is in DNS, but has no address",
			   f->job.fqdn);
		ready_change(l, "make an A record for %s with the address of the equipment",
			     f->job.fqdn);
	}
	return found;
}

static bool
check_family(const struct probe_facts *f, struct ready_report *out)
{
	uint8_t family = f->own.local.family ? f->own.local.family : 4;
	const struct probe_addrs *a = family == 6 ? &f->aaaa : &f->a;
	const struct probe_addrs *other = family == 6 ? &f->a : &f->aaaa;
	struct ready_line *l;

	if (a->n) {
		l = ready_add(out, READY_DNS_FAMILY, READY_PASSED);
		ready_seen(l, "zone %s connects over IPv%u%s", f->own.zone, family,
			   other->n ? "; the addresses of the other family are not used" : "");
		return true;
	}
	l = ready_add(out, READY_DNS_FAMILY, READY_FAILED);
	ready_seen(l, "only IPv%u addresses, but zone %s connects over IPv%u", family == 6 ? 4 : 6,
		   f->own.zone, family);
	ready_change(l, "add an %s record", family == 6 ? "AAAA" : "A");
	return false;
}

/* Addresses that no equipment can have are not connected to. True: there are others. */
static bool
check_use(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_addrs *a = f->own.local.family == 6 ? &f->aaaa : &f->a;
	unsigned good = 0;
	char mem[READY_SEEN_MAX];
	struct ready_line *l;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	for (uint16_t i = 0; i < a->n; i++) {
		struct addr to = a->addr[i];
		const char *why;

		to.port = f->port;
		why = target_fault(&to, &f->own);
		good += !why;
		if (!why)
			continue;
		buf_z(&b, b.len ? "; " : "");
		addr_put_ip(&b, &to, false);
		buf_printf(&b, " %s", why);
	}
	if (b.len == 0)
		return true;
	l = ready_add(out, READY_DNS_USE, good ? READY_WARNED : READY_FAILED);
	ready_seen(l, "%s", buf_cstr(&b));
	ready_change(l, "let the %s record of %s be the address of the equipment",
		     f->own.local.family == 6 ? "AAAA" : "A", f->job.fqdn);
	return good > 0;
}

static bool
is_listed(const struct probe_account *acc, const struct addr *a)
{
	for (uint16_t t = 0; t < acc->n_trunks; t++)
		for (uint16_t i = 0; i < acc->trunk[t].n_sources; i++)
			if (cidr_has(&acc->trunk[t].source[i], a))
				return true;
	return false;
}

static void
put_sources(struct buf *b, const struct probe_account *acc)
{
	for (uint16_t t = 0; t < acc->n_trunks; t++)
		for (uint16_t i = 0; i < acc->trunk[t].n_sources; i++) {
			buf_z(b, b->len ? ", " : "");
			addr_put_ip(b, &acc->trunk[t].source[i].net, false);
			buf_printf(b, "/%u", acc->trunk[t].source[i].bits);
		}
}

/* The addresses of the family that is used, against those that the account names. */
static bool
check_match(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_addrs *a = f->own.local.family == 6 ? &f->aaaa : &f->a;
	unsigned listed = 0;
	char have[READY_SEEN_MAX], want[READY_SEEN_MAX];
	struct ready_line *l;
	struct buf b, w;

	for (uint16_t i = 0; i < a->n; i++)
		listed += is_listed(&f->account, &a->addr[i]);
	buf_init(&b, have, sizeof(have));
	buf_init(&w, want, sizeof(want));
	put_addrs(&b, "A", a);
	put_sources(&w, &f->account);
	if (w.len == 0) {
		l = ready_add(out, READY_DNS_MATCH, READY_PASSED);
		ready_seen(l, "the account names no addresses (sources)");
		return true;
	}
	l = ready_add(out, READY_DNS_MATCH,
		      listed == a->n ? READY_PASSED
		      : listed       ? READY_WARNED
				     : READY_FAILED);
	if (listed == a->n) {
		ready_seen(l, "within the sources of the account: %s", buf_cstr(&w));
		return true;
	}
	ready_seen(l, "%s leads to %s, but the equipment of account %s is at %s (sources)",
		   f->job.fqdn, buf_cstr(&b), f->account.id.z, buf_cstr(&w));
	ready_change(l,
		     "set the A record of %s to the equipment's address, or correct the sources "
		     "of the account",
		     f->job.fqdn);
	return listed > 0;
}

static void
check_ttl(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_addrs *a = f->own.local.family == 6 ? &f->aaaa : &f->a;
	bool odd = a->ttl < READY_TTL_LOW || a->ttl > READY_TTL_HIGH;
	struct ready_line *l = ready_add(out, READY_DNS_TTL, odd ? READY_WARNED : READY_PASSED);

	ready_seen(l, "%u s", a->ttl);
	if (a->ttl < READY_TTL_LOW)
		ready_change(l, "DNS is asked for nearly every call: use %u s or more",
			     READY_TTL_LOW);
	else if (odd)
		ready_change(l,
			     "a move to another address takes that long to be seen: use at most "
			     "%u s",
			     READY_TTL_HIGH);
}

static void
check_srv(const struct probe_facts *f, struct ready_report *out)
{
	struct ready_line *l;

	if (f->srv.n == 0) {
		l = ready_add(out, READY_DNS_SRV, READY_PASSED);
		ready_seen(l, "no _sips._tcp.%s; none is needed, we call the address of the name",
			   f->job.fqdn);
		return;
	}
	l = ready_add(out, READY_DNS_SRV,
		      f->srv.rec[0].port == f->port ? READY_PASSED : READY_WARNED);
	ready_seen(l, "_sips._tcp leads to %s:%u%s (TTL %u s)", f->srv.rec[0].target,
		   f->srv.rec[0].port, f->srv.n > 1 ? " and others" : "", f->srv.ttl);
	if (f->srv.rec[0].port != f->port)
		ready_change(l,
			     "we call port %u, others may follow the SRV record: let both say "
			     "the same",
			     f->port);
}

/* ---- TCP ---- */

static void
put_failures(struct buf *b, const struct probe_facts *f)
{
	for (uint16_t i = 0; i < f->n_tcp; i++) {
		const struct tlsprobe_result *r = &f->tcp[i].res;

		if (!r->tried || r->connected)
			continue;
		buf_z(b, b->len ? "; " : "");
		addr_put(b, &f->tcp[i].addr);
		buf_printf(b, ": %s", strerrordesc_np(r->error));
	}
}

static bool
check_tcp(const struct probe_facts *f, struct ready_report *out)
{
	char mem[READY_SEEN_MAX];
	struct ready_line *l;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	put_failures(&b, f);
	if (f->used == f->n_tcp) {
		l = ready_add(out, READY_TCP, READY_FAILED);
		ready_seen(l, "no TCP connection: %s", buf_cstr(&b));
		ready_change(l,
			     "is the equipment at this address, does it listen on port %u, does "
			     "a firewall let us in?",
			     f->port);
		return false;
	}
	l = ready_add(out, READY_TCP, b.len ? READY_WARNED : READY_PASSED);
	ready_seen(l, "%s in %u ms%s%s", addr_text(&f->tcp[f->used].addr).z,
		   (unsigned)(f->tcp[f->used].res.connect_us / 1000), b.len ? "; but " : "",
		   buf_cstr(&b));
	if (b.len)
		ready_change(l, "take the addresses that do not answer out of DNS: calls would "
				"wait for them");
	return true;
}

bool
readynet_run(const struct probe_facts *f, struct ready_report *out)
{
	bool go_on;

	check_account(f, out);
	if (!check_name(f, out))
		return false;
	go_on = check_family(f, out);
	if (go_on)
		go_on = check_use(f, out);
	if (go_on)
		go_on = check_match(f, out);
	if (!go_on)
		return false;
	check_ttl(f, out);
	check_srv(f, out);
	return check_tcp(f, out);
}
