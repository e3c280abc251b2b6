/* Profiles and authorities in a configuration: read, refused with line and reason, kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "conf/load.h"

#define HEAD                                                                                       \
	"media: {addresses: [{name: a, bind: 127.0.0.1}]}\n"                                       \
	"listeners: [{name: c, transport: tls, bind: \"127.0.0.1:5061\", side: customer}]\n"
#define ZONE "zones: [{fqdn: a.example, certificate: c, key: k, "
#define OWN "tls_profiles: [{name: p13, min: \"1.3\"}, {name: gcm, max: \"1.2\", suites: "

static struct conf conf;
static char first[REPORT_TEXT_MAX];

static void
keep_first(void *arg, const struct conf_finding *f)
{
	(void)arg;
	if (!first[0] && f->severity == CONF_ERROR)
		memcpy(first, f->text, sizeof(first));
}

struct row {
	const char *row, *text;
	const char *says; /* of the first error; NULL = good */
	const char *profile;
	uint32_t authorities;
};

static const struct row rows[] = {
	{"defaults", HEAD ZONE "}]\n", NULL, "carrier", AUTHORITY_DEFAULT},
	{"files only", HEAD ZONE "trust: [f]}]\n", NULL, "carrier", 0},
	{"names and files", HEAD ZONE "authorities: [Let's Encrypt, sectigo], trust: [f]}]\n", NULL,
	 "carrier", AUTHORITY_BIT(AUTHORITY_LETS_ENCRYPT) | AUTHORITY_BIT(AUTHORITY_COMODO)},
	{"no name", HEAD ZONE "authorities: [Honest Achmed]}]\n", "\"Honest Achmed\" is not known",
	 NULL, 0},
	{"no list", HEAD ZONE "authorities: DigiCert}]\n", "write a list of names", NULL, 0},
	{"modern", HEAD ZONE "profile: modern}]\n", NULL, "modern", AUTHORITY_DEFAULT},
	{"misspelt profile", HEAD ZONE "profile: modren}]\n", "did you mean \"modern\"? write",
	 NULL, 0},
	{"unknown profile", HEAD ZONE "profile: p}]\n", "one of tls_profiles", NULL, 0},
	{"own", HEAD ZONE "profile: p13}]\n" OWN "[ECDHE+AESGCM]}]\n", NULL, "p13",
	 AUTHORITY_DEFAULT},
	{"own, the second", HEAD ZONE "profile: gcm}]\n" OWN "[ECDHE+AESGCM]}]\n", NULL, "gcm",
	 AUTHORITY_DEFAULT},
	{"own with a wrong suite", HEAD ZONE "}]\n" OWN "[ROT13]}]\n", "suites: \"ROT13\" is not",
	 NULL, 0},
	{"own with a suite that does not encrypt",
	 HEAD ZONE "}]\n" OWN "[NULL-SHA256, AES128-SHA]}]\n",
	 "suites: NULL-SHA256 is among them, which does not encrypt", NULL, 0},
	{"own with a word that allows weak ones",
	 HEAD ZONE "}]\n" OWN "['@SECLEVEL=0', AES128-SHA]}]\n",
	 "suites: \"@SECLEVEL=0\" is not known", NULL, 0},
	{"own with anonymous ones", HEAD ZONE "}]\n" OWN "[ECDHE+AESGCM, ADH-AES128-SHA]}]\n",
	 "ADH-AES128-SHA is among them, which proves nobody's identity", NULL, 0},
	{"own without them",
	 HEAD ZONE "profile: gcm}]\n" OWN "[HIGH, '!aNULL', '!ARIA', '!CAMELLIA']}]\n", NULL, "gcm",
	 AUTHORITY_DEFAULT},
	{"own with one wrong suite of two",
	 HEAD ZONE "}]\n" OWN "[ECDHE-RSA-AES256-GCM-SHA348, AES128-SHA]}]\n",
	 "suites: \"ECDHE-RSA-AES256-GCM-SHA348\" is not known", NULL, 0},
	{"own with a name of the registry",
	 HEAD ZONE "}]\n" OWN "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}]\n",
	 "under that name: write ECDHE-RSA-AES128-GCM-SHA256", NULL, 0},
	{"own with one of TLS 1.3", HEAD ZONE "}]\n" OWN "[TLS_AES_128_GCM_SHA256]}]\n",
	 "write TLS_AES_128_GCM_SHA256, under suites13", NULL, 0},
	{"own with one wrong suite of two, TLS 1.3",
	 HEAD ZONE "}]\ntls_profiles: [{name: p, suites13: [TLS_AES_256_GCM_SHA348, "
		   "TLS_AES_128_GCM_SHA256]}]\n",
	 "suites13: \"TLS_AES_256_GCM_SHA348\" is not known", NULL, 0},
	{"own with a wrong version", HEAD ZONE "}]\ntls_profiles: [{name: p, min: \"1.1\"}]\n",
	 "older versions of TLS are not spoken", NULL, 0},
	{"above max", HEAD ZONE "}]\ntls_profiles: [{name: p, min: \"1.3\", max: \"1.2\"}]\n",
	 "min may not be above max", NULL, 0},
	{"a name that is built in", HEAD ZONE "}]\ntls_profiles: [{name: modern}]\n",
	 "TLS profile modern stands twice", NULL, 0},
};

static void
read_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct conf_report rep = {.on_finding = keep_first};
		enum err e;

		first[0] = 0;
		e = conf_parse(str_from(r->text), "", &rep, &conf);
		if ((e == ERR_OK) != !r->says)
			fail_msg("%s: %s, \"%s\"", r->row, err_name(e), first);
		if (r->says && !strstr(first, r->says))
			fail_msg("%s: said \"%s\"", r->row, first);
		if (e != ERR_OK)
			continue;
		assert_string_equal(conftls_profile(&conf.tls, &conf.zone[0].tls)->word,
				    r->profile);
		assert_int_equal(conf.zone[0].tls.authorities, r->authorities);
	}
}

static void
profile_goes_along(void **state)
{
	struct conftls before = {.n = 2}, now = {.n = 1}, full = {.n = CONFTLS_PROFILES_MAX};
	struct conftls_zone z = {.profile = TLS_PROFILE_N + 1}, built_in = {0};

	(void)state;
	assert_int_equal(str_copyz(before.row[1].word, TLS_PROFILE_WORD_MAX, STR("b")), ERR_OK);
	assert_int_equal(str_copyz(now.row[0].word, TLS_PROFILE_WORD_MAX, STR("x")), ERR_OK);
	assert_true(conftls_keep(&before, &now, &z));
	assert_int_equal(now.n, 2);
	assert_string_equal(conftls_profile(&now, &z)->word, "b");
	z.profile = TLS_PROFILE_N + 1;
	assert_true(conftls_keep(&before, &now, &z)); /* there by now */
	assert_int_equal(now.n, 2);
	z.profile = TLS_PROFILE_N + 1;
	assert_false(conftls_keep(&before, &full, &z));
	assert_int_equal(z.profile, TLS_PROFILE_CARRIER);
	assert_true(conftls_keep(&before, &full, &built_in));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_rows),
		cmocka_unit_test(profile_goes_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
