#include "ready/json.h"

#include "base/codec.h"
#include "net/tlsrecord.h"
#include "sdp/keys.h"

static const char *const version_words[PROBE_VERSION_N] = {
#define X(name, number, text) text,
	PROBE_VERSION_LIST(X)
#undef X
};
static const char *const suite_words[PROBE_SUITE_N] = {
#define X(id, name, is13) name,
	PROBE_SUITE_LIST(X)
#undef X
};

/* ---- members ---- */

static void
put_name(struct buf *b, const char *name)
{
	if (b->len && b->p[b->len - 1] != '{' && b->p[b->len - 1] != '[')
		buf_char(b, ',');
	if (*name) {
		buf_json(b, str_from(name));
		buf_char(b, ':');
	}
}

static void
put_text(struct buf *b, const char *name, const char *z)
{
	put_name(b, name);
	buf_json(b, str_from(z));
}

static void
put_bool(struct buf *b, const char *name, bool v)
{
	put_name(b, name);
	buf_z(b, v ? "true" : "false");
}

static void
put_int(struct buf *b, const char *name, int64_t v)
{
	put_name(b, name);
	buf_printf(b, "%lld", (long long)v);
}

static void
put_time(struct buf *b, const char *name, int64_t wall_us)
{
	put_name(b, name);
	buf_char(b, '"');
	clock_put_utc(b, wall_us);
	buf_char(b, '"');
}

/* ---- facts ---- */

static void
put_addrs(struct buf *b, const char *name, const struct probe_addrs *a)
{
	put_name(b, name);
	buf_char(b, '{');
	put_text(b, "status", a->asked ? dns_status_name((enum dns_status)a->status) : "no answer");
	put_int(b, "ttl", a->ttl);
	put_name(b, "list");
	buf_char(b, '[');
	for (uint16_t i = 0; i < a->n; i++)
		put_text(b, "", addr_text(&a->addr[i]).z);
	buf_z(b, "]}");
}

static void
put_srv(struct buf *b, const struct probe_srv *s)
{
	put_name(b, "srv");
	buf_char(b, '[');
	for (uint16_t i = 0; i < s->n; i++) {
		put_name(b, "");
		buf_char(b, '{');
		put_int(b, "priority", s->rec[i].priority);
		put_int(b, "weight", s->rec[i].weight);
		put_int(b, "port", s->rec[i].port);
		put_text(b, "target", s->rec[i].target);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_result(struct buf *b, const char *name, const struct tlsprobe_result *r)
{
	if (!r->tried)
		return;
	put_name(b, name);
	buf_char(b, '{');
	put_bool(b, "hello", r->hello);
	put_bool(b, "finished", r->done);
	if (r->hello) {
		put_text(b, "version", tls_version_name(r->version));
		put_text(b, "suite", r->suite);
		put_bool(b, "asked", r->asked);
		put_bool(b, "shown", r->shown);
	}
	if (r->alert_received >= 0)
		put_text(b, "alert", tls_alert_name(r->alert_received));
	if (r->why[0])
		put_text(b, "why", r->why);
	put_int(b, "ms", (int64_t)(r->handshake_us / CLOCK_MS));
	buf_char(b, '}');
}

static void
put_cert(struct buf *b, const struct tlsprobe_cert *c)
{
	static const char *const keys[] = {
		[CERT_KEY_UNKNOWN] = "unknown",
		[CERT_KEY_RSA] = "RSA",
		[CERT_KEY_EC] = "EC",
		[CERT_KEY_EDWARDS] = "Edwards",
	};

	put_name(b, "");
	buf_char(b, '{');
	put_text(b, "subject", c->subject);
	put_text(b, "issuer", c->issuer);
	put_text(b, "names", c->names);
	put_text(b, "key", c->key < ARRAY_LEN(keys) ? keys[c->key] : "unknown");
	put_int(b, "bits", c->bits);
	put_text(b, "signed_with", c->sigalg);
	put_time(b, "not_before", c->not_before_us);
	put_time(b, "not_after", c->not_after_us);
	put_bool(b, "ca", c->ca);
	put_bool(b, "server_auth", !c->eku_present || c->eku_server);
	put_bool(b, "client_auth", !c->eku_present || c->eku_client);
	put_bool(b, "key_encipherment", !c->ku_present || c->ku_key_encipherment);
	put_name(b, "sha256");
	buf_char(b, '"');
	codec_hex_put(b, c->fingerprint, sizeof(c->fingerprint));
	buf_z(b, "\"}");
}

static void
put_tls(struct buf *b, const struct probe_tls *t)
{
	put_name(b, "tls");
	buf_char(b, '{');
	put_result(b, "ours", &t->ours);
	put_result(b, "wide", &t->wide);
	put_result(b, "without_certificate", &t->bare);
	put_result(b, "without_sni", &t->no_sni);
	put_result(b, "other_sni", &t->other_sni);
	put_name(b, "versions");
	buf_char(b, '{');
	for (int i = 0; i < PROBE_VERSION_N; i++)
		if (t->version[i].tried)
			put_bool(b, version_words[i], t->version[i].hello);
	buf_z(b, "}");
	put_name(b, "suites");
	buf_char(b, '{');
	for (int i = 0; i < PROBE_SUITE_N; i++)
		if (t->suite[i].tried)
			put_bool(b, suite_words[i], t->suite[i].hello);
	buf_z(b, "}");
	put_name(b, "chain");
	buf_char(b, '[');
	for (uint16_t i = 0; i < t->chain.n; i++)
		put_cert(b, &t->chain.cert[i]);
	buf_char(b, ']');
	put_text(b, "anchor", t->chain.anchor);
	put_name(b, "authorities_named");
	buf_char(b, '[');
	for (uint16_t i = 0; i < t->asks.n_cas && i < TLSPROBE_CAS_MAX; i++)
		put_text(b, "", t->asks.ca[i]);
	buf_z(b, "]}");
}

static void
put_options(struct buf *b, const struct probe_answer *a)
{
	put_name(b, "options");
	buf_char(b, '{');
	put_bool(b, "sent", a->sent);
	put_int(b, "status", a->status);
	put_text(b, "reason", a->reason);
	put_text(b, "contact", a->contact);
	put_text(b, "allow", a->allow);
	put_text(b, "supported", a->supported);
	put_text(b, "server", a->server);
	put_int(b, "ms", (int64_t)(a->took_us / CLOCK_MS));
	buf_char(b, '}');
}

static void
put_phase(struct buf *b, const char *name, const struct probe_phase *p)
{
	put_name(b, name);
	buf_char(b, '{');
	put_int(b, "sent", p->sent);
	put_int(b, "came", p->back);
	put_int(b, "echoed", p->echoed);
	put_bool(b, "under_its_key", p->own_key);
	put_bool(b, "reported", p->reported);
	put_bool(b, "reached", p->reached);
	put_int(b, "reported_lost", p->lost);
	buf_char(b, '}');
}

static void
put_call(struct buf *b, const struct probe_call *c)
{
	put_name(b, "call");
	buf_char(b, '{');
	put_int(b, "early", c->early);
	put_int(b, "status", c->status);
	put_text(b, "contact", c->answer.contact);
	put_text(b, "suite", sdp_suite_name((enum sdp_suite)c->suite));
	put_text(b, "media", addr_text(&c->media).z);
	put_int(b, "sent", c->sent);
	put_int(b, "in_packets", (int64_t)c->stats.in_packets);
	put_int(b, "in_lost", (int64_t)c->stats.in_lost);
	put_int(b, "bad_tags", (int64_t)c->stats.dropped[MEDIA_DROP_auth]);
	put_int(b, "roc_guesses", c->stats.roc_guesses);
	put_phase(b, "first", &c->first);
	put_int(b, "hold_status", c->hold_status);
	put_int(b, "rekey_status", c->rekey_status);
	put_bool(b, "rekey_theirs", c->new_key);
	put_phase(b, "after_rekey", &c->last);
	put_int(b, "packets_on_hold", c->back_hold);
	put_int(b, "digits_back", c->digits_back);
	put_int(b, "bye_status", c->bye_status);
	buf_char(b, '}');
}

static void
put_wait(struct buf *b, const struct probe_wait *w)
{
	put_name(b, "wait");
	buf_char(b, '{');
	put_text(b, "peer", addr_text(&w->peer).z);
	put_text(b, "version", tls_version_name(w->version));
	put_text(b, "suite", w->suite);
	put_text(b, "sni", w->sni);
	put_text(b, "offered_versions", w->offered_versions);
	put_text(b, "offered_suites", w->offered_suites);
	put_text(b, "names", w->names);
	put_text(b, "subject", w->subject);
	put_int(b, "pings", w->n_pings);
	put_int(b, "options", w->n_options);
	put_int(b, "refused", w->n_refused);
	put_int(b, "help", w->n_help);
	if (w->invite.seen) {
		put_text(b, "invite_contact", w->invite.contact);
		put_text(b, "invite_from", w->invite.from);
		put_text(b, "invite_suites", w->invite.suites);
		put_bool(b, "invite_mki", w->invite.mki);
		put_bool(b, "invite_lifetime", w->invite.lifetime);
	}
	buf_char(b, '}');
}

static void
put_facts(struct buf *b, const struct probe_facts *f)
{
	put_name(b, "facts");
	buf_char(b, '{');
	put_addrs(b, "a", &f->a);
	put_addrs(b, "aaaa", &f->aaaa);
	put_srv(b, &f->srv);
	put_name(b, "tcp");
	buf_char(b, '{');
	for (uint16_t i = 0; i < f->n_tcp; i++)
		if (f->tcp[i].res.tried)
			put_bool(b, addr_text(&f->tcp[i].addr).z, f->tcp[i].res.connected);
	buf_char(b, '}');
	if (f->used < f->n_tcp)
		put_tls(b, &f->tls);
	put_options(b, &f->options);
	if (f->call.tried)
		put_call(b, &f->call);
	if (f->wait.connected)
		put_wait(b, &f->wait);
	buf_char(b, '}');
}

/* ---- the report ---- */

static void
put_lines(struct buf *b, const struct ready_report *r)
{
	put_name(b, "lines");
	buf_char(b, '[');
	for (unsigned i = 0; i < r->n; i++) {
		const struct ready_line *l = &r->line[i];

		put_name(b, "");
		buf_char(b, '{');
		put_text(b, "check", l->word);
		put_text(b, "state", ready_state_word(l->state));
		put_text(b, "title", l->title);
		put_text(b, "seen", l->seen);
		put_text(b, "change", l->change);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

void
readyjson_put(struct buf *b, const struct probe_facts *f, const struct ready_report *r)
{
	buf_z(b, "{\"ok\":true,\"done\":true");
	put_bool(b, "passed", r->passed);
	put_text(b, "cause", r->cause);
	put_text(b, "fqdn", f->job.fqdn);
	put_int(b, "port", f->port);
	put_text(b, "zone", f->own.zone);
	put_text(b, "profile", f->own.terms.word);
	put_text(b, "account", f->account.id.z);
	put_time(b, "at", f->began_us);
	put_int(b, "ms", (int64_t)(f->took_us / CLOCK_MS));
	put_int(b, "failed", r->n_failed);
	put_int(b, "warned", r->n_warned);
	put_int(b, "unproven", r->n_unproven);
	put_lines(b, r);
	put_facts(b, f);
	buf_char(b, '}');
}
