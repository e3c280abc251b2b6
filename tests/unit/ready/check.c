/* Facts in, lines out: each fault alone has its one cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ready/check.h"

static const int64_t now_us = (int64_t)1800000000 * CLOCK_S, day_us = (int64_t)86400 * CLOCK_S;
static struct probe_facts facts;
static struct ready_report report;

static void
set_hello(struct tlsprobe_result *r, bool hello)
{
	*r = (struct tlsprobe_result){.tried = true,
				      .connected = true,
				      .hello = hello,
				      .done = hello,
				      .asked = hello,
				      .shown = hello,
				      .version = 0x0303,
				      .alert_received = hello ? -1 : 40,
				      .alert_sent = -1,
				      .has_leaf = hello};
	(void)!str_copyz(r->suite, sizeof(r->suite), STR("AES128-SHA"));
}

static void
put(char *dst, size_t cap, const char *z)
{
	assert_int_equal(str_copyz(dst, cap, str_from(z)), ERR_OK);
}
#define PUT(member, z) put(member, sizeof(member), z)

/* Equipment that is as the service wants it. */
static void
set_good(struct probe_facts *f)
{
	struct tlsprobe_cert *c = &f->tls.chain.cert[0];
	struct addr a;

	memset(f, 0, sizeof(*f));
	PUT(f->job.fqdn, "pbx.example.test");
	PUT(f->name, "pbx.example.test");
	f->port = 5061;
	PUT(f->own.zone, "sbc.example.test");
	assert_int_equal(addr_parse(STR("192.0.2.10"), &f->own.local), ERR_OK);
	f->own.client_wanted = true;
	f->own.terms.min = f->own.terms.max = 0x0303;
	f->own.terms.rsa_only = true;
	PUT(f->own.terms.shown, "TLS 1.2 with AES128-SHA");
	PUT(f->own.terms.own.issuer, "CN=Our Issuer");
	f->own.terms.own.key = CERT_KEY_RSA;
	f->a = (struct probe_addrs){.asked = true, .status = DNS_OK, .n = 1, .ttl = 300};
	assert_int_equal(addr_parse(STR("198.51.100.7"), &a), ERR_OK);
	f->a.addr[0] = a;
	f->aaaa = (struct probe_addrs){.asked = true, .status = DNS_NODATA};
	f->srv = (struct probe_srv){.asked = true, .status = DNS_NXDOMAIN};
	a.port = 5061;
	f->tcp[0].addr = a;
	f->tcp[0].res = (struct tlsprobe_result){.tried = true, .connected = true};
	f->n_tcp = 1;
	set_hello(&f->tls.ours, true);
	set_hello(&f->tls.no_sni, true);
	set_hello(&f->tls.other_sni, true);
	set_hello(&f->tls.bare, false);
	for (int i = 0; i < PROBE_VERSION_N; i++)
		set_hello(&f->tls.version[i], i == PROBE_TLS_12);
	for (int i = 0; i < PROBE_SUITE_N; i++)
		set_hello(&f->tls.suite[i], i == PROBE_SUITE_AES128_SHA);
	f->tls.chain.n = f->tls.chain.n_sent = 2;
	f->tls.chain.match = CERT_MATCH_DNS;
	f->tls.chain.trusted = true;
	PUT(f->tls.chain.anchor, "CN=Root");
	*c = (struct tlsprobe_cert){.key = CERT_KEY_RSA,
				    .bits = 2048,
				    .not_before_us = now_us - 10 * day_us,
				    .not_after_us = now_us + 60 * day_us,
				    .ku_present = true,
				    .ku_key_encipherment = true,
				    .ku_digital_signature = true,
				    .eku_present = true,
				    .eku_server = true,
				    .eku_client = true};
	PUT(c->names, "DNS pbx.example.test");
	PUT(c->issuer, "CN=Issuer");
	f->options = (struct probe_answer){.sent = true,
					   .answered = true,
					   .has_contact = true,
					   .contact_tls = true,
					   .status = 200,
					   .alert = -1};
	PUT(f->options.contact, "<sip:198.51.100.7:5061;transport=tls>");
	PUT(f->options.allow, "INVITE, ACK, CANCEL, BYE");
}

/* ---- what each row changes ---- */

static void
no_common_suite(struct probe_facts *f)
{
	set_hello(&f->tls.ours, false);
	set_hello(&f->tls.wide, true);
	set_hello(&f->tls.suite[PROBE_SUITE_AES128_SHA], false);
}
static void
row_good(struct probe_facts *f)
{
	(void)f;
}
static void
row_no_account(struct probe_facts *f)
{
	f->account.asked_for = true;
}
static void
row_other_account(struct probe_facts *f)
{
	f->account.asked_for = f->account.exists = true;
	PUT(f->account.id.z, "acme");
}
static void
row_nxdomain(struct probe_facts *f)
{
	f->a = f->aaaa = (struct probe_addrs){.asked = true, .status = DNS_NXDOMAIN};
}
static void
row_dns_silent(struct probe_facts *f)
{
	f->a = f->aaaa = (struct probe_addrs){0};
}
static void
row_only_v6(struct probe_facts *f)
{
	f->aaaa = f->a;
	f->a = (struct probe_addrs){.asked = true, .status = DNS_NODATA};
}
static void
row_elsewhere(struct probe_facts *f)
{
	PUT(f->account.id.z, "acme");
	f->account.n_trunks = 1;
	f->account.trunk[0].n_sources = 1;
	assert_int_equal(cidr_parse(STR("203.0.113.0/24"), &f->account.trunk[0].source[0]), ERR_OK);
	set_hello(&f->tls.ours, false); /* what answers there is somebody else */
	f->tls.chain.match = CERT_MATCH_NO;
}
static void
row_ttl_low(struct probe_facts *f)
{
	f->a.ttl = 5;
}
static void
row_ttl_high(struct probe_facts *f)
{
	f->a.ttl = 86400;
}
static void
row_srv_other_port(struct probe_facts *f)
{
	f->srv.n = 1;
	f->srv.rec[0].port = 5071;
}
static void
row_refused(struct probe_facts *f)
{
	f->tcp[0].res = (struct tlsprobe_result){.tried = true, .error = 111};
	f->used = f->n_tcp;
	memset(&f->tls, 0, sizeof(f->tls));
	memset(&f->options, 0, sizeof(f->options));
}
static void
row_one_of_two(struct probe_facts *f)
{
	f->tcp[1] = f->tcp[0];
	f->tcp[1].res.connected = false;
	f->tcp[1].res.error = 110;
	f->n_tcp = 2;
}
static void
use_addr(struct probe_facts *f, uint16_t i, const char *z)
{
	assert_int_equal(addr_parse_ip(str_from(z), &f->a.addr[i]), ERR_OK);
}
static void
row_any(struct probe_facts *f)
{
	use_addr(f, 0, "0.0.0.0");
}
static void
row_multicast(struct probe_facts *f)
{
	use_addr(f, 0, "239.1.2.3");
}
static void
row_broadcast(struct probe_facts *f)
{
	use_addr(f, 0, "255.255.255.255");
}
static void
row_loopback(struct probe_facts *f)
{
	use_addr(f, 0, "127.0.0.9");
}
static void
row_loopback_both(struct probe_facts *f)
{
	row_loopback(f);
	f->own.local = f->a.addr[0];
	f->own.local.ip[3] = 1;
}
static void
row_ourselves(struct probe_facts *f)
{
	f->own.shown = f->own.local;
	f->own.shown.port = 5061;
	f->a.addr[0] = f->own.local;
}
static void
row_any_beside_good(struct probe_facts *f)
{
	f->a.n = 2;
	use_addr(f, 1, "0.0.0.0");
}
static void
row_v6(struct probe_facts *f, const char *z)
{
	f->aaaa = f->a;
	f->a.n = 0;
	assert_int_equal(addr_parse(STR("2001:db8::1"), &f->own.local), ERR_OK);
	assert_int_equal(addr_parse_ip(str_from(z), &f->aaaa.addr[0]), ERR_OK);
}
static void
row_v6_any(struct probe_facts *f)
{
	row_v6(f, "::");
}
static void
row_v6_local(struct probe_facts *f)
{
	row_v6(f, "fe80::1");
}
static void
row_v6_mapped(struct probe_facts *f)
{
	row_v6(f, "::ffff:192.0.2.1");
}
static void
row_two_alike(struct probe_facts *f)
{
	f->a.n = f->n_tcp = f->n_connected = 2;
	use_addr(f, 1, "198.51.100.8");
	f->tcp[1] = f->tcp[0];
	f->tcp[1].addr.ip[3] = 8;
	f->n_other = 1;
	f->other[0].at = 1;
	f->other[0].tls = f->tls;
	f->other[0].tls.ours.handshake_us = 9000; /* no difference */
}
static void
row_two_different(struct probe_facts *f)
{
	row_two_alike(f);
	f->other[0].tls.chain.cert[0].not_after_us = now_us - day_us;
}
static void
row_second_cut(struct probe_facts *f)
{
	row_two_different(f);
	f->other[0].cut = true;
}
static void
row_five(struct probe_facts *f)
{
	row_two_alike(f);
	f->n_connected = 5;
}
static void
row_foreign(struct probe_facts *f)
{
	f->options = (struct probe_answer){.sent = true, .alert = -1, .n_foreign = 1};
}
static void
row_plain(struct probe_facts *f)
{
	memset(&f->tls, 0, sizeof(f->tls));
	memset(&f->options, 0, sizeof(f->options));
	f->tls.ours.tried = f->tls.ours.not_tls = true;
}
static void
row_tls_silent(struct probe_facts *f)
{
	row_plain(f);
	f->tls.ours.not_tls = false;
	f->tls.ours.silent = true;
}
static void
row_tls10(struct probe_facts *f)
{
	no_common_suite(f);
	set_hello(&f->tls.version[PROBE_TLS_12], false);
	set_hello(&f->tls.version[PROBE_TLS_10], true);
	memset(&f->options, 0, sizeof(f->options));
}
static void
row_tls10_too(struct probe_facts *f)
{
	set_hello(&f->tls.version[PROBE_TLS_10], true);
}
static void
row_ec(struct probe_facts *f)
{
	no_common_suite(f);
	set_hello(&f->tls.suite[PROBE_SUITE_ECDSA_AES128_GCM], true);
	f->tls.chain.cert[0].key = CERT_KEY_EC;
	f->tls.chain.cert[0].bits = 256;
	memset(&f->options, 0, sizeof(f->options));
}
static void
row_rsa1024(struct probe_facts *f)
{
	f->tls.chain.cert[0].bits = 1024;
}
static void
row_ecdhe(struct probe_facts *f)
{
	no_common_suite(f);
	set_hello(&f->tls.suite[PROBE_SUITE_ECDHE_AES128_GCM], true);
	memset(&f->options, 0, sizeof(f->options));
}
static void
row_lone(struct probe_facts *f)
{
	f->tls.chain.trusted = false;
	f->tls.chain.n_sent = 1;
}
static void
row_unknown(struct probe_facts *f)
{
	f->tls.chain.trusted = false;
	PUT(f->tls.chain.missing, "CN=Other Root");
}
static void
row_self(struct probe_facts *f)
{
	row_lone(f);
	f->tls.chain.cert[0].self_signed = true;
}
static void
row_self_trusted(struct probe_facts *f) /* it is the account's own authority */
{
	f->tls.chain.cert[0].self_signed = true;
}
static void
row_unordered(struct probe_facts *f)
{
	f->tls.chain.unordered = true;
}
static void
row_weak(struct probe_facts *f)
{
	f->tls.chain.weak = true;
}
static void
row_name(struct probe_facts *f)
{
	f->tls.chain.match = CERT_MATCH_NO;
}
static void
row_labels(struct probe_facts *f)
{
	f->tls.chain.match = CERT_MATCH_NO;
	f->tls.chain.wildcard_labels = true;
}
static void
row_cn(struct probe_facts *f)
{
	f->tls.chain.match = CERT_MATCH_NO;
	f->tls.chain.no_names = f->tls.chain.cn_matches = true;
}
static void
row_cn_allowed(struct probe_facts *f)
{
	row_cn(f);
	f->account.common_name = true;
}
static void
row_no_wildcard(struct probe_facts *f)
{
	f->tls.chain.match = CERT_MATCH_WILDCARD;
	f->account.no_wildcard = true;
}
static void
row_expired(struct probe_facts *f)
{
	f->tls.chain.cert[0].not_after_us = now_us - 1;
}
static void
row_early(struct probe_facts *f)
{
	f->tls.chain.cert[0].not_before_us = now_us + 1;
}
static void
row_soon(struct probe_facts *f)
{
	f->tls.chain.cert[0].not_after_us = now_us + day_us;
}
static void
row_issuer(struct probe_facts *f)
{
	f->tls.chain.issuer_not_after_us = now_us - 1;
}
static void
row_server_only(struct probe_facts *f)
{
	f->tls.chain.cert[0].eku_client = false;
}
static void
row_strict(struct probe_facts *f)
{
	f->tls.chain.cert[0].eku_client = false;
	f->account.eku = TLS_EKU_STRICT;
}
static void
row_client_only(struct probe_facts *f)
{
	f->tls.chain.cert[0].eku_server = false;
}
static void
row_usage(struct probe_facts *f)
{
	f->tls.chain.cert[0].ku_key_encipherment = false;
}
static void
row_not_asked(struct probe_facts *f)
{
	f->tls.ours.asked = f->tls.ours.shown = false;
	f->tls.bare = (struct tlsprobe_result){0};
}
static void
row_not_asked_optional(struct probe_facts *f)
{
	row_not_asked(f);
	f->own.client_wanted = false;
}
static void
row_never_show(struct probe_facts *f)
{
	row_not_asked(f);
	f->own.never_show = true;
}
static void
row_refuses(struct probe_facts *f)
{
	f->tls.ours.done = false;
	f->tls.ours.alert_received = 48;
	f->options = (struct probe_answer){.alert = -1};
}
static void
row_closes(struct probe_facts *f)
{
	row_refuses(f);
	f->tls.ours.alert_received = -1;
	PUT(f->tls.ours.why, "closed by the other side");
}
static void
row_not_insisting(struct probe_facts *f)
{
	set_hello(&f->tls.bare, true);
}
static void
row_other_cas(struct probe_facts *f)
{
	f->tls.asks.n_cas = 3;
}
static void
row_silent(struct probe_facts *f)
{
	f->options = (struct probe_answer){.sent = true, .alert = -1, .took_us = PROBE_ANSWER_US};
	PUT(f->options.why, "no answer in time");
}
static void
row_405(struct probe_facts *f)
{
	f->options.status = 405;
}
static void
row_contact(struct probe_facts *f)
{
	f->options.contact_tls = false;
}
static void
row_no_contact(struct probe_facts *f)
{
	f->options.has_contact = false;
}
static void
row_allow(struct probe_facts *f)
{
	PUT(f->options.allow, "INVITE, ACK");
}
static void row_call(struct probe_facts *f);
static void
row_waited(struct probe_facts *f)
{
	row_call(f);
	f->job.wait_s = 10;
	PUT(f->job.call, "+15550009999");
	f->wait.waited = f->wait.connected = true;
	PUT(f->wait.sni, "SBC.example.test");
	f->wait.n_pings = 1;
	f->wait.invite = (struct probe_invite){.seen = true,
					       .has_contact = true,
					       .contact_tls = true,
					       .secure = true,
					       .takes_ours = true,
					       .n_crypto = 1};
	PUT(f->wait.invite.contact, "<sip:pbx;transport=tls>");
}
static void
row_wait_none(struct probe_facts *f)
{
	row_waited(f);
	f->wait.connected = false;
	f->wait.n_hand = 2; /* the first one is somebody else's */
	assert_int_equal(addr_parse(STR("192.0.2.99"), &f->wait.hand[0].peer), ERR_OK);
	PUT(f->wait.hand[0].why, "not for these eyes");
	f->wait.hand[1] = f->wait.hand[0];
}
static void
row_wait_refused(struct probe_facts *f)
{
	row_wait_none(f);
	f->wait.hand[0].peer = f->a.addr[0];
	PUT(f->wait.hand[0].why, "expired yesterday");
}
static void
row_wait_on(struct probe_facts *f)
{
	row_wait_none(f);
	f->wait.is_on = true;
}
static void
row_wait_sni(struct probe_facts *f)
{
	row_waited(f);
	f->wait.sni[0] = 0;
}
static void
row_wait_dead(struct probe_facts *f)
{
	row_waited(f);
	f->wait.n_pings = 0;
}
static void
row_wait_no_invite(struct probe_facts *f)
{
	row_waited(f);
	f->wait.invite.seen = false;
}
static void
row_wait_contact(struct probe_facts *f)
{
	row_waited(f);
	f->wait.invite.contact_tls = false;
}
static void
row_wait_clear(struct probe_facts *f)
{
	row_waited(f);
	f->wait.invite.secure = false;
}
static void
row_wait_mki(struct probe_facts *f)
{
	row_waited(f);
	f->wait.invite.mki = true;
}
static void
row_call(struct probe_facts *f)
{
	struct probe_call *c = &f->call;

	PUT(f->job.call, "+15550009999");
	*c = (struct probe_call){.tried = true,
				 .early = 180,
				 .status = 200,
				 .hold_status = 200,
				 .rekey_status = 200,
				 .bye_status = 200,
				 .sdp_good = true,
				 .suite = 1,
				 .digits = true,
				 .hold_good = true,
				 .rekey_good = true,
				 .sent = 100,
				 .new_key = true,
				 .digits_back = 6,
				 .first = {.sent = 60, .back = 60, .echoed = 50, .own_key = true}};
	c->last = c->first;
	c->answer = f->options;
	c->stats.in_packets = 140;
}
static void
row_call_silent(struct probe_facts *f)
{
	row_call(f);
	f->call.status = 0;
	f->call.sdp_good = false;
}
static void
row_call_refused(struct probe_facts *f)
{
	row_call_silent(f);
	f->call.status = 404;
}
static void
row_call_clear(struct probe_facts *f)
{
	row_call(f);
	f->call.sdp_good = false;
	PUT(f->call.sdp_why, "no RTP/SAVP in the answer");
}
static void
row_call_contact(struct probe_facts *f)
{
	row_call(f);
	f->call.answer.contact_tls = false;
}
static void
row_call_one_way(struct probe_facts *f)
{
	row_call(f);
	f->call.first.back = f->call.first.echoed = 0;
}
static void
row_call_wrong_key(struct probe_facts *f)
{
	row_call_one_way(f);
	f->call.stats.dropped[MEDIA_DROP_auth] = 70;
}
static void
row_call_some_bad(struct probe_facts *f)
{
	row_call(f);
	f->call.stats.dropped[MEDIA_DROP_auth] = 3;
}
static void
row_call_hold(struct probe_facts *f)
{
	row_call(f);
	f->call.hold_good = false;
}
static void
row_call_rekey(struct probe_facts *f)
{
	row_call(f);
	f->call.last.back = f->call.last.echoed = 0;
}
static void
row_call_old_key(struct probe_facts *f)
{
	row_call(f);
	f->call.last.own_key = false;
}
static void
row_call_same_key(struct probe_facts *f)
{
	row_call_old_key(f); /* which is the key of its last answer, too */
	f->call.new_key = false;
}
static void
row_call_not_taken(struct probe_facts *f)
{
	row_call(f);
	f->call.last.echoed = 0;
	f->call.last.reported = true;
}
static void
row_call_reported(struct probe_facts *f)
{
	row_call_not_taken(f);
	f->call.last.reached = true;
}
static void
row_call_unproven(struct probe_facts *f)
{
	row_call(f);
	f->call.first.echoed = f->call.last.echoed = f->call.digits_back = 0;
}
static void
row_call_not_arriving(struct probe_facts *f)
{
	row_call(f);
	f->call.first.echoed = 0;
	f->call.first.reported = true;
}
static void
row_call_not_held(struct probe_facts *f)
{
	row_call(f);
	f->call.back_hold = 20;
}
static void
row_call_new_key_refused(struct probe_facts *f)
{
	row_call(f);
	f->call.rekey_status = 488;
	f->call.rekey_good = false;
}
static void
row_call_digits(struct probe_facts *f)
{
	row_call(f);
	f->call.digits = false;
}
static void
row_call_bye(struct probe_facts *f)
{
	row_call(f);
	f->call.bye_status = 0;
}
static void
row_call_broken(struct probe_facts *f)
{
	row_call(f);
	f->call.broken = true;
}
static void
row_two_faults(struct probe_facts *f)
{
	row_expired(f);
	row_contact(f);
}

static const struct row {
	const char *name;
	void (*do_change)(struct probe_facts *f);
	const char *failed,
		*warned;   /* words, in order, divided by spaces; warned: "?" = not proven */
	const char *words; /* in the line of the cause, else of the first warned one */
} rows[] = {
	{"good", row_good, "", "", ""},
	{"no such account", row_no_account, "account", "", "no account"},
	{"account without the FQDN", row_other_account, "account", "", "no TLS trunk"},
	{"no such name", row_nxdomain, "dns.name", "", "no name"},
	{"name servers silent", row_dns_silent, "dns.name", "", "do not answer"},
	{"only IPv6", row_only_v6, "dns.family", "", "only IPv6"},
	{"A record elsewhere", row_elsewhere, "dns.match", "", "203.0.113.0/24"},
	{"TTL 5", row_ttl_low, "", "dns.ttl", "5 s"},
	{"TTL a day", row_ttl_high, "", "dns.ttl", "86400 s"},
	{"SRV says another port", row_srv_other_port, "", "dns.srv", "5071"},
	{"nothing listens", row_refused, "tcp", "", "refused"},
	{"one address of two is dead", row_one_of_two, "", "tcp", "timed out"},
	{"A record 0.0.0.0", row_any, "dns.use", "", "0.0.0.0 is nobody's address"},
	{"A record of multicast", row_multicast, "dns.use", "", "239.1.2.3 is a multicast"},
	{"A record of broadcast", row_broadcast, "dns.use", "", "broadcast"},
	{"A record of loopback", row_loopback, "dns.use", "", "means this host"},
	{"loopback, we too", row_loopback_both, "", "", ""},
	{"A record of ours", row_ourselves, "dns.use", "", "our own zone"},
	{"0.0.0.0 beside a good one", row_any_beside_good, "", "dns.use", "nobody's"},
	{"AAAA record ::", row_v6_any, "dns.use", "", ":: is nobody's address"},
	{"AAAA record fe80::1", row_v6_local, "dns.use", "", "link-local"},
	{"AAAA record ::ffff:192.0.2.1", row_v6_mapped, "dns.use", "", "written as IPv6"},
	{"two addresses, alike", row_two_alike, "", "", ""},
	{"two addresses, one expired", row_two_different, "cert.dates", "tls.each",
	 "at 198.51.100.8:5061: "},
	{"the second took too long", row_second_cut, "", "tls.each", "took too long"},
	{"five addresses", row_five, "", "tls.each", "on 2 of them"},
	{"foreign branch", row_foreign, "sip.options", "", "none is to our OPTIONS"},
	{"plain SIP on the port", row_plain, "tls", "", "not with TLS"},
	{"never answers the hello", row_tls_silent, "tls", "", "ClientHello"},
	{"TLS 1.0 only", row_tls10, "tls.version", "", "TLS 1.0 only"},
	{"TLS 1.0 as well", row_tls10_too, "", "tls.version", "TLS 1.0"},
	{"EC key", row_ec, "cert.key", "", "RSA keys only"},
	{"RSA of 1024 bits", row_rsa1024, "cert.key", "", "1024"},
	{"ECDHE only", row_ecdhe, "tls.suite", "", "ECDHE-RSA-AES128-GCM-SHA256"},
	{"no intermediate", row_lone, "cert.chain", "", "CN=Issuer"},
	{"unknown authority", row_unknown, "cert.authority", "", "CN=Other Root"},
	{"self-signed", row_self, "cert.authority", "", "self-signed"},
	{"self-signed, and the account's tls.ca", row_self_trusted, "cert.authority", "",
	 "self-signed"},
	{"out of order", row_unordered, "", "cert.chain", "not in order"},
	{"weak digest", row_weak, "cert.chain", "", "not sound"},
	{"name of another host", row_name, "cert.name", "", "we look for pbx.example.test"},
	{"two-label wildcard", row_labels, "cert.name", "", "covers one label"},
	{"common name only", row_cn, "cert.name", "", "we look for"},
	{"common name, allowed", row_cn_allowed, "", "", ""},
	{"wildcard, forbidden", row_no_wildcard, "cert.name", "", "we look for"},
	{"expired", row_expired, "cert.dates", "", "expired on"},
	{"not yet valid", row_early, "cert.dates", "", "not valid before"},
	{"expires tomorrow", row_soon, "", "cert.dates", "valid until"},
	{"expired issuer", row_issuer, "cert.dates", "", "issuer"},
	{"serverAuth only", row_server_only, "", "", ""},
	{"serverAuth only, strict", row_strict, "cert.eku", "", "strict"},
	{"clientAuth only", row_client_only, "cert.eku", "", "only clients"},
	{"no keyEncipherment", row_usage, "", "cert.usage", "keyEncipherment"},
	{"does not ask", row_not_asked, "auth.asked", "", "does not ask"},
	{"does not ask, need not", row_not_asked_optional, "", "auth.asked", "does not ask"},
	{"we never show", row_never_show, "", "", ""},
	{"closes at our certificate", row_closes, "auth.accepted", "",
	 "without an alert, so why is not known: closed"},
	{"refuses our authority", row_refuses, "auth.accepted", "", "unknown_ca"},
	{"asks, does not insist", row_not_insisting, "", "auth.needed", "show none"},
	{"names other authorities", row_other_cas, "", "auth.accepted", "not among"},
	{"silent after TLS", row_silent, "sip.options", "", "silent after TLS"},
	{"405 to OPTIONS", row_405, "", "sip.options", "405"},
	{"Contact without transport", row_contact, "sip.contact", "", "without transport=tls"},
	{"no Contact", row_no_contact, "", "", ""},
	{"no BYE", row_allow, "", "sip.allow", "INVITE"},
	{"waited, all well", row_waited, "", "", ""},
	{"waited, nobody came", row_wait_none, "wait.connect", "", "no connection"},
	{"waited, it was refused", row_wait_refused, "wait.connect", "", "expired yesterday"},
	{"waited, account on", row_wait_on, "", "", ""},
	{"waited, no SNI", row_wait_sni, "", "wait.sni", "no server name"},
	{"waited, no keepalive", row_wait_dead, "", "wait.alive", "0 CRLF"},
	{"waited, no INVITE", row_wait_no_invite, "wait.invite", "", "+15550009999"},
	{"waited, Contact", row_wait_contact, "wait.contact", "", "without transport=tls"},
	{"waited, no SRTP", row_wait_clear, "wait.crypto", "", "RTP/SAVP"},
	{"waited, MKI", row_wait_mki, "", "wait.crypto", "MKI"},
	{"call, all well", row_call, "", "", ""},
	{"call not answered", row_call_silent, "call.answer", "", "only rang"},
	{"call refused", row_call_refused, "call.answer", "", "404"},
	{"call without SRTP", row_call_clear, "call.answer", "", "no RTP/SAVP"},
	{"call's Contact", row_call_contact, "call.contact", "", "without transport=tls"},
	{"no media back", row_call_one_way, "call.media", "?call.hold", "100 packets sent"},
	{"media under another key", row_call_wrong_key, "call.media", "?call.hold",
	 "70 with a wrong tag"},
	{"some wrong tags", row_call_some_bad, "", "call.media", "3 with a wrong tag"},
	{"hold not understood", row_call_hold, "", "call.hold", "still wants to send"},
	{"silent after a new key", row_call_rekey, "call.rekey", "", "0 packets came after"},
	{"hold agreed, not kept", row_call_not_held, "", "call.hold", "20 packets came"},
	{"goes on under its old key", row_call_old_key, "call.rekey", "", "under its old key"},
	{"keeps its key", row_call_same_key, "", "", ""},
	{"refuses a new key", row_call_new_key_refused, "call.rekey", "", "488"},
	{"agrees, and does not take our new key", row_call_not_taken, "call.rekey", "",
	 "show that ours do not arrive"},
	{"takes our new key, by its reports", row_call_reported, "", "", ""},
	{"ours never arrive", row_call_not_arriving, "call.media", "", "ours do not arrive"},
	{"nothing shows that it takes ours", row_call_unproven, "",
	 "?call.media ?call.rekey ?call.dtmf", "is not proven"},
	{"no digits", row_call_digits, "", "call.dtmf", "telephone-event"},
	{"BYE not answered", row_call_bye, "", "call.bye", "BYE: 0"},
	{"no ports of ours", row_call_broken, "call.answer", "", "no media ports"},
	{"two faults, two lines", row_two_faults, "cert.dates sip.contact", "", "expired"},
};

static void
put_words(struct buf *b, enum ready_state s)
{
	for (unsigned i = 0; i < report.n; i++) {
		bool unproven = s == READY_WARNED && report.line[i].state == READY_UNPROVEN;

		if (report.line[i].state != s && !unproven)
			continue;
		buf_z(b, b->len ? " " : "");
		buf_z(b, unproven ? "?" : "");
		buf_z(b, report.line[i].word);
	}
}

static bool
has_words(const struct row *r)
{
	for (unsigned i = 0; i < report.n; i++) {
		enum ready_state s = report.line[i].state;

		if (*r->failed ? s == READY_FAILED : s == READY_WARNED || s == READY_UNPROVEN)
			return strstr(report.line[i].seen, r->words) != NULL;
	}
	return *r->words == 0;
}

static void
test_rows(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		char failed[256], warned[256];
		struct buf f, w;

		set_good(&facts);
		r->do_change(&facts);
		readycheck_run(&facts, now_us, &report);
		buf_init(&f, failed, sizeof(failed));
		buf_init(&w, warned, sizeof(warned));
		put_words(&f, READY_FAILED);
		put_words(&w, READY_WARNED);
		(void)buf_cstr(&f);
		(void)buf_cstr(&w);
		if (strcmp(failed, r->failed) == 0 && strcmp(warned, r->warned) == 0 &&
		    has_words(r) && report.passed == (*r->failed == 0))
			continue;
		bad++;
		print_error("%s: failed \"%s\" warned \"%s\", wanted \"%s\" and "
			    "\"%s\" with \"%s\"\n",
			    r->name, failed, warned, r->failed, r->warned, r->words);
		for (unsigned k = 0; k < report.n; k++)
			if (report.line[k].state != READY_PASSED)
				print_error("  %s: %s\n", report.line[k].word, report.line[k].seen);
	}
	assert_int_equal(bad, 0);
}

/* What must be changed is said wherever something failed or was warned of. */
static void
test_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set_good(&facts);
		rows[i].do_change(&facts);
		readycheck_run(&facts, now_us, &report);
		for (unsigned k = 0; k < report.n; k++) {
			bool wants = report.line[k].state == READY_FAILED ||
				     report.line[k].state == READY_WARNED;
			bool may = report.line[k].state == READY_UNPROVEN;

			assert_true(may || (report.line[k].change[0] != 0) == wants);
			assert_true(report.line[k].seen[0] != 0);
		}
	}
}

static void
test_full(void **state)
{
	(void)state;
	memset(&report, 0, sizeof(report));
	for (unsigned i = 0; i < 2 * READY_LINES_MAX; i++)
		ready_seen(ready_add(&report, READY_TCP, READY_PASSED), "%0600d", 1);
	ready_conclude(&report);
	assert_int_equal(report.n, READY_LINES_MAX);
	assert_false(report.passed); /* something may have been left out */
	assert_int_equal(strlen(report.line[0].seen), READY_SEEN_MAX - 1);
}

/* What was not looked at names what stood in its way, not what failed first of all. */
static void
test_because(void **state)
{
	static struct ready_report r;

	(void)state;
	(void)ready_add(&r, READY_ACCOUNT, READY_FAILED);
	(void)ready_add(&r, READY_DNS_NAME, READY_PASSED);
	(void)ready_add(&r, READY_TCP, READY_FAILED);
	ready_fill(&r, READY_TLS);
	for (unsigned i = 0; i < r.n; i++) {
		const char *want = r.line[i].word == ready_check_word(READY_DNS_SRV) ? "account"
				   : r.line[i].word == ready_check_word(READY_TLS)   ? "TCP connect"
										     : "";

		if (*want && (r.line[i].state != READY_SKIPPED || !strstr(r.line[i].seen, want)))
			fail_msg("%s: %s", r.line[i].title, r.line[i].seen);
	}
	assert_int_equal(r.n, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_because),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
