#include "ready/profile.h"

#include <string.h>

#include "conf/schema.h"
#include "net/tlsrecord.h"
#include "sdp/keys.h"

#define AT(member) offsetof(struct ready_profile, member)
#define TEXT(word, member, what)                                                                   \
	{                                                                                          \
		.name = word, .type = SCHEMA_TEXT, .offset = AT(member),                           \
		.size = sizeof(((struct ready_profile *)0)->member), .def = "", .help = what       \
	}
#define WORD(word, member, of, first)                                                              \
	{                                                                                          \
		.name = word, .type = SCHEMA_WORD, .offset = AT(member), .words = of,              \
		.def = first, .help = "one of " of                                                 \
	}
#define FLAG(word, member, first)                                                                  \
	{                                                                                          \
		.name = word, .type = SCHEMA_BOOL, .offset = AT(member), .def = first,             \
		.help = "yes or no"                                                                \
	}

static const struct schema rows[] = {
	{.name = "name",
	 .type = SCHEMA_ID,
	 .offset = AT(name),
	 .size = sizeof(((struct ready_profile *)0)->name),
	 .required = true,
	 .help = "the name of the file without .yaml"},
	TEXT("title", title, "the provider and its service"),
	TEXT("suites", suites, "OpenSSL names divided by commas"),
	TEXT("srtp_suites", srtp_suites, "names of RFC 4568 divided by commas"),
	{.name = "port",
	 .type = SCHEMA_U16,
	 .offset = AT(port),
	 .max = 65535,
	 .def = "0",
	 .help = "a port"},
	WORD("tls_min", tls_min, "1.0 1.1 1.2 1.3", "1.2"),
	WORD("tls_max", tls_max, "1.0 1.1 1.2 1.3", "1.3"),
	WORD("key", key, "any rsa", "any"),
	WORD("mutual", mutual, "any yes no", "any"),
	WORD("contact", contact, "any fqdn", "any"),
	WORD("srtp", srtp, "optional required", "optional"),
	FLAG("wildcard", wildcard, "yes"),
	FLAG("mki", mki, "yes"),
	FLAG("options", options, "no"),
	FLAG("e164", e164, "no"),
	{.name = "trunk", .type = SCHEMA_NODE, .help = "what its trunks are set to"},
	{.name = "notes", .type = SCHEMA_NODE, .help = "a list of sentences"},
};

/* ---- reading ---- */

/* Every name of a list, or the first that is none. */
static bool
check_list(const char *list, bool (*is_name)(struct str name), struct str *bad)
{
	struct str rest = str_from(list);

	while (rest.len) {
		struct str name = str_trim(str_cut(&rest, ','));

		if (name.len && !is_name(name)) {
			*bad = name;
			return false;
		}
	}
	return true;
}

static const char *const suite_names[PROBE_SUITE_N] = {
#define X(id, name, is13) name,
	PROBE_SUITE_LIST(X)
#undef X
};

static bool
is_tls_suite(struct str name)
{
	for (int i = 0; i < PROBE_SUITE_N; i++)
		if (str_eqz(name, suite_names[i]))
			return true;
	return false;
}

static bool
is_srtp_suite(struct str name)
{
#define X(number, id, text, other, key, salt)                                                      \
	if (str_eqz(name, text))                                                                   \
		return true;
	SDP_SUITE_LIST(X)
#undef X
	return false;
}

static void
read_notes(const struct yaml *y, const struct yaml_node *list, struct conf_report *rep,
	   struct ready_profile *out)
{
	for (const struct yaml_node *n = list && list->kind == YAML_LIST ? yaml_first(y, list)
									 : NULL;
	     n; n = yaml_next(y, n)) {
		if (n->kind != YAML_SCALAR || n->text.len == 0 ||
		    out->n_notes == PROFILE_NOTES_MAX ||
		    str_copyz(out->note[out->n_notes], PROFILE_NOTE_MAX, n->text) != ERR_OK) {
			report_error(rep, n->line, n->column,
				     "notes: at most %u sentences of at most %u bytes",
				     PROFILE_NOTES_MAX, PROFILE_NOTE_MAX - 1);
			return;
		}
		out->n_notes++;
	}
	if (list && list->kind != YAML_LIST)
		report_error(rep, list->line, list->column, "notes: write a list of sentences");
}

static void
check_profile(const struct ready_profile *p, struct conf_report *rep)
{
	struct str bad;

	if (!p->name[0])
		report_error(rep, 0, 0, "name is empty; give the name of the file without .yaml");
	if (!check_list(p->suites, is_tls_suite, &bad))
		report_error(rep, 0, 0, "suites: \"%.*s\" is no suite that is tried", STR_ARG(bad));
	if (!check_list(p->srtp_suites, is_srtp_suite, &bad))
		report_error(rep, 0, 0,
			     "srtp_suites: \"%.*s\" is no suite of RFC 4568 that is known",
			     STR_ARG(bad));
	if (p->tls_min > p->tls_max)
		report_error(rep, 0, 0, "tls_min is above tls_max");
}

enum err
readyprofile_parse(struct str text, struct conf_report *rep, struct ready_profile *out)
{
	struct ready_profile p = {0};
	uint32_t before = rep->n_errors;
	struct yaml y;
	enum err e = text.len > PROFILE_TEXT_MAX ? ERR_LONG : yaml_parse(text, rep, &y);

	if (e != ERR_OK)
		return e == ERR_NOMEM ? e : ERR_CONFIG;
	schema_read(&y, &y.node[0], rows, ARRAY_LEN(rows), "profile", &p, rep);
	if (y.node[0].kind == YAML_MAP)
		read_notes(&y, yaml_get(&y, &y.node[0], "notes"), rep, &p);
	yaml_fini(&y);
	check_profile(&p, rep);
	if (rep->n_errors != before)
		return ERR_CONFIG;
	*out = p;
	return ERR_OK;
}

/* ---- comparing ---- */

static struct ready_line *
add_line(struct ready_report *out, const struct ready_profile *p, enum ready_state s,
	 const char *title)
{
	struct ready_line *l = ready_add(out, READY_PROFILE, s);
	char mem[sizeof(p->name) + READY_TITLE_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "%s: %s", p->name, title);
	(void)!str_copyz(l->title, sizeof(l->title),
			 str_sub(str_from(buf_cstr(&b)), 0, sizeof(l->title) - 1));
	return l;
}

static bool
has_name(const char *list, const char *name)
{
	struct str rest = str_from(list);

	while (rest.len)
		if (str_eqz(str_trim(str_cut(&rest, ',')), name))
			return true;
	return false;
}

static void
compare_versions(const struct ready_profile *p, const struct probe_facts *f,
		 struct ready_report *out)
{
	static const uint16_t numbers[] = {0x0301, 0x0302, 0x0303, 0x0304};
	const struct tlsprobe_terms *t = &f->own.terms;
	bool ok = t->max >= numbers[p->tls_min] && t->min <= numbers[p->tls_max];
	struct ready_line *l = add_line(out, p, ok ? READY_PASSED : READY_FAILED, "TLS version");

	ready_seen(l, "it takes %s to %s; our zone %s speaks %s to %s",
		   tls_version_name(numbers[p->tls_min]), tls_version_name(numbers[p->tls_max]),
		   f->own.zone, tls_version_name(t->min), tls_version_name(t->max));
	if (!ok)
		ready_change(l, "use a zone whose profile has %s",
			     tls_version_name(numbers[p->tls_min]));
}

static void
compare_suites(const struct ready_profile *p, const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_terms *t = &f->own.terms;
	struct ready_line *l;
	uint16_t i = 0;

	if (!p->suites[0])
		return;
	while (i < t->n_suites && !has_name(p->suites, t->suite[i]))
		i++;
	l = add_line(out, p, i < t->n_suites ? READY_PASSED : READY_FAILED, "cipher suites");
	if (i < t->n_suites) {
		ready_seen(l, "our zone offers %s, which it takes", t->suite[i]);
	} else {
		ready_seen(l, "it takes %s; our zone %s (%s) offers none of them", p->suites,
			   f->own.zone, t->word);
		ready_change(l, "use a zone of another profile, or one of your own (tls_profiles)");
	}
}

static void
compare_own(const struct ready_profile *p, const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_cert *c = &f->own.terms.own;
	bool wild = str_find(str_from(c->names), STR("*.")) < str_from(c->names).len;
	bool key = p->key == PROFILE_KEY_ANY || c->key == CERT_KEY_RSA;
	struct ready_line *l =
		add_line(out, p, key && (p->wildcard || !wild) ? READY_PASSED : READY_FAILED,
			 "our certificate");

	ready_seen(l, "ours is for %s, %s key, issued by %s", c->names,
		   c->key == CERT_KEY_RSA ? "RSA" : "no RSA", c->issuer);
	if (!key)
		ready_change(l, "it takes RSA keys only: get an RSA certificate for zone %s",
			     f->own.zone);
	else if (wild && !p->wildcard)
		ready_change(l, "it takes no wildcard: get a certificate that names %s itself",
			     f->own.zone);
}

static void
compare_mutual(const struct ready_profile *p, const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_result *r = &f->tls.ours;
	bool wanted = p->mutual == PROFILE_MUTUAL_YES;
	struct ready_line *l;

	if (p->mutual == PROFILE_MUTUAL_ANY || !r->hello)
		return;
	l = add_line(out, p, r->asked == wanted ? READY_PASSED : READY_WARNED, "mutual TLS");
	ready_seen(l, "%s, and %s expected",
		   r->asked ? "it asks for our certificate" : "it does not ask for our certificate",
		   r->asked == wanted ? "that is" : "that is not");
	if (r->asked != wanted)
		ready_change(l, wanted ? "is this really its address?"
				       : "its documents say that mutual TLS is not used: let them "
					 "say whom they accept");
}

static void
compare_contact(const struct ready_profile *p, const struct probe_facts *f,
		struct ready_report *out)
{
	const struct probe_trunk *wrong = NULL;
	struct ready_line *l;

	if (p->contact == PROFILE_CONTACT_ANY)
		return;
	for (uint16_t i = 0; i < f->account.n_trunks; i++)
		if (f->account.trunk[i].contact != TRUNK_CONTACT_FQDN)
			wrong = &f->account.trunk[i];
	l = add_line(out, p, wrong || !f->account.n_trunks ? READY_FAILED : READY_PASSED,
		     "our Contact");
	if (wrong)
		ready_seen(l,
			   "it wants the FQDN %s in Contact; calls on trunk %s show the address %s",
			   f->own.zone, wrong->id.z, addr_text(&f->own.shown).z);
	else if (f->account.n_trunks)
		ready_seen(l, "calls show the FQDN %s, as it wants", f->own.zone);
	else
		ready_seen(l,
			   "it wants the FQDN %s in Contact; no trunk of the accounts has its FQDN",
			   f->own.zone);
	if (wrong || !f->account.n_trunks)
		ready_change(l, "set contact: fqdn on its trunk");
}

static void
compare_srtp(const struct ready_profile *p, struct ready_report *out)
{
	static const char *const ours[] = {"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"};
	struct ready_line *l;
	size_t i = 0;

	while (i < ARRAY_LEN(ours) && p->srtp_suites[0] && !has_name(p->srtp_suites, ours[i]))
		i++;
	l = add_line(out, p, i < ARRAY_LEN(ours) ? READY_PASSED : READY_FAILED, "SRTP");
	ready_seen(l, "%s; it takes %s; we offer %s first%s",
		   p->srtp == PROFILE_SRTP_REQUIRED ? "required" : "optional",
		   p->srtp_suites[0] ? p->srtp_suites : "any suite", ours[0],
		   p->mki ? "" : ", and never an MKI");
	if (i == ARRAY_LEN(ours))
		ready_change(l, "none of its suites is one of ours");
}

static void
compare_port(const struct ready_profile *p, const struct probe_facts *f, struct ready_report *out)
{
	struct ready_line *l;

	if (!p->port)
		return;
	l = add_line(out, p, p->port == f->port ? READY_PASSED : READY_WARNED, "port");
	ready_seen(l, "it uses port %u, we asked %u", p->port, f->port);
	if (p->port != f->port)
		ready_change(l, "set the port of the trunk to %u", p->port);
}

static void
compare_options(const struct ready_profile *p, const struct probe_facts *f,
		struct ready_report *out)
{
	bool ok = f->options.answered && f->options.status == 200;
	struct ready_line *l;

	if (!p->options)
		return;
	l = add_line(out, p, ok ? READY_PASSED : READY_WARNED, "OPTIONS");
	ready_seen(l, ok ? "answered, as it must be"
			 : "it lives by OPTIONS both ways, and ours was "
			   "not answered with 200");
	if (!ok)
		ready_change(l, "have our FQDN %s entered at its side", f->own.zone);
}

void
readyprofile_run(const struct ready_profile *p, const struct probe_facts *f,
		 struct ready_report *out)
{
	compare_port(p, f, out);
	compare_versions(p, f, out);
	compare_suites(p, f, out);
	compare_own(p, f, out);
	compare_mutual(p, f, out);
	compare_options(p, f, out);
	compare_contact(p, f, out);
	compare_srtp(p, out);
	if (p->e164)
		ready_seen(add_line(out, p, READY_PASSED, "numbers"),
			   "with +, as postern writes them");
	for (uint32_t i = 0; i < p->n_notes; i++)
		ready_seen(add_line(out, p, READY_NOTE, "note"), "%s", p->note[i]);
}
