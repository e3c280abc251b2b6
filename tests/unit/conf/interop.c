/* conf/interop: what a provider's profile sets on a trunk, what the trunk says itself, and what is
 * said of profiles that are wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "told.h"

#include "conf/accountsfile.h"
#include "conf/profile.h"
#include "policy/change.h"

static struct told told;

/* The fields of the only carrier, as "name=value" lines; what was reported instead, if anything. */
static void
read_carrier(const char *words, const char *dir, struct buf *out)
{
	char text[512];
	struct roster r;
	enum err e;

	(void)snprintf(text, sizeof(text), "carriers:\n  - {id: g, host: gw.example, %s}\n", words);
	told_init(&told);
	roster_init(&r);
	e = accountsfile_parse(str_from(text), dir, &told.rep, &r);
	if (e == ERR_NOMEM)
		fail_msg("%s", err_text(e));
	if (e != ERR_OK)
		buf_z(out, buf_cstr(&told.b));
	for (unsigned i = 0; e == ERR_OK && i < change_fields(ROSTER_TRUNK); i++) {
		buf_printf(out, "\n%s=", change_field_name(ROSTER_TRUNK, i));
		change_field_put(out, ROSTER_TRUNK, &r.trunk[0], i);
	}
	buf_char(out, '\n');
	roster_fini(&r);
}

static void
test_shipped(void **state)
{
	static const struct {
		const char *words;
		const char *says[6];
	} rows[] = {
		{"transport: tls, interop: ./teams.yaml",
		 {"\ninterop=teams\n", "\ncontact=fqdn\n", "\nroc=reset\n", "\nmki=never\n",
		  "\nsrtp=AES_CM_128_HMAC_SHA1_80\n", "\noptions.every=60s\n"}},
		{"transport: tls, interop: ./teams.yaml, contact: address, options: {slow: 900}",
		 {"\ncontact=address\n", "\noptions.slow=900\n", "\noptions.every=60s\n"}},
		{"transport: tls, interop: ./teams.yaml, roc: follow, mki: mirror, contact: "
		 "address,"
		 "options: {every: 0}, srtp: [AEAD_AES_128_GCM]",
		 {"\ninterop_sets=\n", "\nroc=follow\n", "\nsrtp=AEAD_AES_128_GCM\n"}},
		{"transport: tls, interop: ./twilio.yaml",
		 {"\nmki=never\n", "\ninterop_sets=srtp,mki\n"}},
		{"transport: tls, interop: ./zoom.yaml", {"\noptions.every=60s\n"}},
		{"transport: tls, interop: ./telnyx.yaml", {"\ninterop=telnyx\n"}},
		{"transport: tls, interop: ./genesys.yaml", {"\nsrtp=AES_CM_128_HMAC_SHA1_80\n"}},
		{"transport: tls, interop: ./google.yaml", {"\nsrtp=AES_CM_128_HMAC_SHA1_80\n"}},
		{"transport: tls, interop: ./bandwidth.yaml", {"\ninterop=bandwidth\n"}},
		{"interop: ./teams.yaml", {"contact fqdn shows the name of a zone, which udp has"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(rows[i].says) && rows[i].says[k]; k++) {
			char mem[8192];
			struct buf out;

			buf_init(&out, mem, sizeof(mem));
			read_carrier(rows[i].words, PROFILES, &out);
			if (!strstr(buf_cstr(&out), rows[i].says[k]))
				fail_msg("%s: not %s in %s", rows[i].words, rows[i].says[k],
					 buf_cstr(&out));
		}
}

static void
test_wrong(void **state)
{
	static const struct {
		const char *name, *profile, *want; /* profile NULL: there is no such file */
	} rows[] = {
		{"no file", NULL,
		 "2:40: interop: \"./p.yaml\" cannot be read; postern profiles lists the names"},
		{"no YAML", "a: [", "2:40: interop: profile ./p.yaml, line "},
		{"no name", "trunk: {roc: keep}",
		 "2:40: interop: profile ./p.yaml, line 1: it has no name"},
		{"no map", "name: p\ntrunk: no", "line 2: trunk: write \"word: value\" lines"},
		{"word that none sets", "name: p\ntrunk:\n  port: 5061",
		 "line 3: port: a profile does not set this"},
		{"inner word", "name: p\ntrunk:\n  options: {often: 1s}",
		 "line 3: often: a profile does not"},
		{"text for a map", "name: p\ntrunk: {options: 60s}",
		 "line 2: options: a profile does not"},
		{"value", "name: p\ntrunk: {roc: x}", "line 2: roc is not right"},
		{"value of a list", "name: p\ntrunk: {srtp: [ROT13]}", "line 2: srtp is not right"},
		{"rule", "name: p\ntrunk: {headers: {in: [remove Via]}}",
		 "line 2: headers.in is not right"},
		{"map for a value", "name: p\ntrunk: {roc: {a: b}}",
		 "line 2: roc: a profile does not"},
	};
	char dir[64], path[96];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/postern-interop-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/p.yaml", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[8192];
		struct buf out;
		FILE *f = rows[i].profile ? fopen(path, "w") : NULL;

		if (f)
			fputs(rows[i].profile, f);
		assert_true(!f || fclose(f) == 0);
		buf_init(&out, mem, sizeof(mem));
		read_carrier("interop: ./p.yaml", dir, &out);
		if (!strstr(buf_cstr(&out), rows[i].want))
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
	}
	(void)unlink(path);
	(void)rmdir(dir);
}

/* Names lead to the installed folder and nowhere else; without a folder nothing is read. */
static void
test_names(void **state)
{
	static const struct {
		const char *words, *dir;
	} rows[] = {{"interop: teams", NULL},
		    {"interop: ./teams.yaml", NULL},
		    {"interop: no-such-one", PROFILES},
		    {"interop: \"..\"", PROFILES}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[8192];
		struct buf out;

		buf_init(&out, mem, sizeof(mem));
		read_carrier(rows[i].words, rows[i].dir, &out);
		if (!strstr(buf_cstr(&out), "cannot be read"))
			fail_msg("%s: %s", rows[i].words, buf_cstr(&out));
	}
}

/* Where nothing is installed, the shipped ones are found all the same. */
static void
test_built_in(void **state)
{
	static const char *const shipped[] = {"bandwidth", "genesys", "google", "teams",
					      "telnyx",    "twilio",  "zoom"};
	static struct confprofile_names names;
	char words[64], mem[8192], want[64], from[CONFPROFILE_PATH_MAX];
	struct str text;
	struct buf out;

	(void)state;
	confprofile_names(&names);
	assert_true(names.n >= ARRAY_LEN(shipped));
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		bool listed = false;

		for (uint32_t k = 0; k < names.n; k++)
			listed |= strcmp(names.name[k], shipped[i]) == 0;
		assert_true(listed);
		(void)snprintf(words, sizeof(words), "transport: tls, interop: %s", shipped[i]);
		(void)snprintf(want, sizeof(want), "\ninterop=%s\n", shipped[i]);
		buf_init(&out, mem, sizeof(mem));
		read_carrier(words, ".", &out);
		if (!strstr(buf_cstr(&out), want))
			fail_msg("%s: %s", shipped[i], buf_cstr(&out));
	}
	for (uint32_t k = 1; k < names.n; k++)
		assert_true(strcmp(names.name[k - 1], names.name[k]) < 0);
	assert_int_equal(confprofile_read(STR("nobody"), ".", &told.rep, from, &text),
			 ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_built_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
