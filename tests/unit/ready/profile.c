/* Every profile that is shipped can be read; what a wrong one says; what is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ready/profile.h"
#include "conf/yaml.h"
#include "base/mem.h"

static char said[REPORT_TEXT_MAX];

static void
keep(void *arg, const struct conf_finding *f)
{
	(void)arg;
	memcpy(said, f->text, sizeof(said));
}

static enum err
parse(const char *text, struct ready_profile *out)
{
	struct conf_report rep = {.on_finding = keep};

	said[0] = 0;
	return readyprofile_parse(str_from(text), &rep, out);
}

static void
test_shipped(void **state)
{
	static const char *const names[] = {"teams",   "zoom",   "twilio",   "telnyx",
					    "genesys", "google", "bandwidth"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct conf_report rep = {.on_finding = keep};
		struct ready_profile p;
		char path[512];
		struct str text;

		(void)snprintf(path, sizeof(path), "%s/%s.yaml", PROFILES, names[i]);
		if (yaml_read_file(path, &rep, &text) != ERR_OK)
			fail_msg("%s: %s", path, said);
		if (readyprofile_parse(text, &rep, &p) != ERR_OK)
			fail_msg("%s: %s", path, said);
		mem_free((void *)(uintptr_t)text.p);
		assert_string_equal(p.name, names[i]);
		assert_true(p.title[0] != 0);
		assert_true(p.tls_min >= PROFILE_12); /* RFC 8996 */
	}
}

static const struct {
	const char *name, *text, *says;
} wrong[] = {
	{"no name", "title: x\n", "name"},
	{"empty name", "name:\n", "name"},
	{"unknown word", "name: x\ncolour: red\n", "colour"},
	{"no such version", "name: x\ntls_min: \"1.4\"\n", "tls_min"},
	{"versions crossed", "name: x\ntls_min: \"1.3\"\ntls_max: \"1.2\"\n", "above"},
	{"no such suite", "name: x\nsuites: \"AES128-SHA, RC4\"\n", "RC4"},
	{"no such SRTP suite", "name: x\nsrtp_suites: NULL_SHA1\n", "NULL_SHA1"},
	{"notes no list", "name: x\nnotes: hello\n", "notes"},
	{"empty note", "name: x\nnotes:\n  - # nothing\n", "notes"},
	{"a list", "- x\n", ""},
	{"no YAML", "name: [\n", ""},
};

static void
test_wrong(void **state)
{
	struct ready_profile p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (parse(wrong[i].text, &p) == ERR_OK)
			fail_msg("%s: taken", wrong[i].name);
		if (!strstr(said, wrong[i].says))
			fail_msg("%s: said \"%s\"", wrong[i].name, said);
	}
}

/* A zone of profile carrier with an RSA certificate for one name. */
static void
set_facts(struct probe_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->port = 5061;
	f->own.terms.min = f->own.terms.max = 0x0303;
	f->own.terms.n_suites = 1;
	assert_int_equal(str_copyz(f->own.terms.suite[0], 40, STR("AES128-SHA")), ERR_OK);
	assert_int_equal(str_copyz(f->own.zone, 64, STR("sbc.example.test")), ERR_OK);
	assert_int_equal(str_copyz(f->own.terms.own.names, 64, STR("DNS sbc.example.test")),
			 ERR_OK);
	f->own.terms.own.key = CERT_KEY_RSA;
	f->tls.ours.hello = f->tls.ours.asked = true;
	f->options.answered = true;
	f->options.status = 200;
}

static void
want_wildcard(struct probe_facts *f)
{
	assert_int_equal(str_copyz(f->own.terms.own.names, 64, STR("DNS *.example.test")), ERR_OK);
}
static void
want_ec(struct probe_facts *f)
{
	f->own.terms.own.key = CERT_KEY_EC;
}
static void
want_13(struct probe_facts *f)
{
	f->own.terms.min = f->own.terms.max = 0x0304;
}
static void
want_trunks(struct probe_facts *f)
{
	f->account.n_trunks = 2;
	f->account.trunk[0].contact = TRUNK_CONTACT_FQDN;
	f->account.trunk[1].contact = TRUNK_CONTACT_ADDRESS;
}
static void
want_named(struct probe_facts *f)
{
	f->account.n_trunks = 1;
	f->account.trunk[0].contact = TRUNK_CONTACT_FQDN;
}
static void
want_nothing(struct probe_facts *f)
{
	(void)f;
}
static void
want_no_answer(struct probe_facts *f)
{
	f->options.answered = false;
}
static void
want_not_asked(struct probe_facts *f)
{
	f->tls.ours.asked = false;
}

static const struct {
	const char *name, *text;
	void (*do_change)(struct probe_facts *f);
	const char *failed, *warned; /* end of the titles */
} compared[] = {
	{"all is well", "name: x\nport: 5061\nsuites: AES128-SHA\nnotes: [hear]\n", want_nothing,
	 "", ""},
	{"another port", "name: x\nport: 5060\n", want_nothing, "", "port"},
	{"no wildcard", "name: x\nwildcard: no\n", want_wildcard, "our certificate", ""},
	{"wildcard is fine", "name: x\n", want_wildcard, "", ""},
	{"RSA only", "name: x\nkey: rsa\n", want_ec, "our certificate", ""},
	{"TLS 1.2 only", "name: x\ntls_max: \"1.2\"\n", want_13, "TLS version", ""},
	{"no suite", "name: x\nsuites: ECDHE-RSA-AES128-GCM-SHA256\n", want_nothing,
	 "cipher suites", ""},
	{"FQDN in Contact", "name: x\ncontact: fqdn\n", want_nothing, "our Contact", ""},
	{"FQDN in Contact, one trunk without", "name: x\ncontact: fqdn\n", want_trunks,
	 "our Contact", ""},
	{"FQDN in Contact, as it is", "name: x\ncontact: fqdn\n", want_named, "", ""},
	{"256 bits only", "name: x\nsrtp_suites: AES_256_CM_HMAC_SHA1_80\n", want_nothing, "SRTP",
	 ""},
	{"OPTIONS", "name: x\noptions: yes\n", want_no_answer, "", "OPTIONS"},
	{"mutual", "name: x\nmutual: yes\n", want_not_asked, "", "mutual TLS"},
	{"not mutual", "name: x\nmutual: no\n", want_nothing, "", "mutual TLS"},
};

static void
test_compared(void **state)
{
	static struct ready_report r;
	static struct probe_facts f;
	unsigned notes = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(compared); i++) {
		const char *failed = "", *warned = "";
		struct ready_profile p;

		assert_int_equal(parse(compared[i].text, &p), ERR_OK);
		set_facts(&f);
		compared[i].do_change(&f);
		memset(&r, 0, sizeof(r));
		readyprofile_run(&p, &f, &r);
		for (unsigned k = 0; k < r.n; k++) {
			assert_memory_equal(r.line[k].title, "x: ", 3);
			assert_int_equal(r.line[k].state == READY_NOTE,
					 strcmp(r.line[k].title + 3, "note") == 0);
			notes += r.line[k].state == READY_NOTE;
			if (r.line[k].state == READY_FAILED)
				failed = r.line[k].title + 3;
			if (r.line[k].state == READY_WARNED)
				warned = r.line[k].title + 3;
		}
		if (strcmp(failed, compared[i].failed) != 0 ||
		    strcmp(warned, compared[i].warned) != 0)
			fail_msg("%s: failed \"%s\" warned \"%s\"", compared[i].name, failed,
				 warned);
	}
	assert_int_equal(notes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
