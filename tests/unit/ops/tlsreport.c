/* What becomes of connections when something of TLS goes away. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ops/tlsreport.h"

static void
test_without(void **state)
{
	static const struct {
		const char *word;
		enum err want;
		const char *kind; /* "kx", "eku", "version", "suite", "authority" */
		uint16_t value;
	} rows[] = {
		{"rsa-kx", ERR_OK, "kx", 0},
		{" RSA-KX ", ERR_OK, "kx", 0},
		{"eku", ERR_OK, "eku", 0},
		{"1.2", ERR_OK, "version", 0x0303},
		{"TLS1.0", ERR_OK, "version", 0x0301},
		{"tls 1.3", ERR_OK, "version", 0x0304},
		{"TLSv1.1", ERR_OK, "version", 0x0302},
		{"AES128-SHA", ERR_OK, "suite", 0x002f},
		{"aes256-sha256", ERR_OK, "suite", 0x003d},
		{"ECDHE-RSA-AES128-GCM-SHA256", ERR_OK, "suite", 0xc02f},
		{"0x0035", ERR_OK, "suite", 0x0035},
		{"0x1301", ERR_OK, "suite", 0x1301},
		{"DigiCert", ERR_OK, "authority", 0},
		{"Let's Encrypt", ERR_OK, "authority", 0},
		{"0x00", ERR_OK, "authority", 0},
		{"", ERR_SYNTAX, "", 0},
		{"  ", ERR_SYNTAX, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_without w = {.n_suites = 0};
		const char *kind = "";
		uint16_t value = 0;
		enum err e = tlsreport_without(&w, str_from(rows[i].word));

		if (w.rsa_kx)
			kind = "kx";
		else if (w.server_only)
			kind = "eku";
		else if (w.n_versions)
			kind = "version", value = w.version[0];
		else if (w.n_suites)
			kind = "suite", value = w.suite[0];
		else if (w.n_authorities)
			kind = "authority";
		if (e != rows[i].want || strcmp(kind, rows[i].kind) != 0 || value != rows[i].value)
			fail_msg("\"%s\": %s %s %04x", rows[i].word, err_name(e), kind, value);
	}
}

static void
test_caps(void **state)
{
	static const char *const words[] = {"1.2", "AES128-SHA", "DigiCert"};
	char longer[TLSREPORT_WORD_MAX + 1];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(words); k++) {
		struct tls_without w = {.n_suites = 0};

		for (int i = 0; i < TLSREPORT_WITHOUT_MAX; i++)
			assert_int_equal(tlsreport_without(&w, str_from(words[k])), ERR_OK);
		assert_int_equal(tlsreport_without(&w, str_from(words[k])), ERR_FULL);
		memset(longer, 'x', sizeof(longer));
		w.n_authorities = 0;
		assert_int_equal(tlsreport_without(&w, str_of(longer, sizeof(longer))), ERR_LONG);
	}
}

static void
test_judge(void **state)
{
	static const struct {
		const char *name, *offer, *profile, *without;
		bool outgoing, eku, client;
		uint16_t version, suite;
		enum tls_fate want;
		uint16_t fallback;
		const char *why;
	} rows[] = {
		{"not touched", "0303;002f,0035", "carrier", "AES256-SHA", false, false, false,
		 0x0303, 0x002f, TLS_FATE_SAME, 0, ""},
		{"another of the profile", "0303;002f,003d", "carrier", "AES128-SHA", false, false,
		 false, 0x0303, 0x002f, TLS_FATE_FALLS, 0x003d,
		 "it offers TLS 1.2 AES256-SHA256 as well"},
		{"the best of them", "0303;0035,003c,002f", "carrier", "AES128-SHA", false, false,
		 false, 0x0303, 0x002f, TLS_FATE_FALLS, 0x003c, "AES128-SHA256"},
		{"rsa-kx under carrier", "0303;002f,c02f", "carrier", "rsa-kx", false, false, false,
		 0x0303, 0x002f, TLS_FATE_PROFILE, 0xc02f, "our profile carrier does not allow"},
		{"rsa-kx under modern", "0303;002f,c02f", "modern", "rsa-kx", false, false, false,
		 0x0303, 0x002f, TLS_FATE_FALLS, 0xc02f, ""},
		{"rsa-kx and nothing else", "0303;002f,0035,003c", "carrier", "rsa-kx", false,
		 false, false, 0x0303, 0x002f, TLS_FATE_BREAKS, 0, "offers nothing else"},
		{"profile of one's own", "0303;002f,c02f", "mine", "rsa-kx", false, false, false,
		 0x0303, 0x002f, TLS_FATE_PROFILE, 0xc02f, "for you to see"},
		{"TLS 1.3 needs its version", "0303;002f,1301", "modern", "rsa-kx", false, false,
		 false, 0x0303, 0x002f, TLS_FATE_BREAKS, 0, ""},
		{"TLS 1.2 goes away", "0304,0303;1301,c02f", "modern", "1.2", false, false, false,
		 0x0303, 0xc02f, TLS_FATE_FALLS, 0x1301, ""},
		{"all versions go away", "0304,0303;1301,c02f", "modern", "1.2 1.3", false, false,
		 false, 0x0303, 0xc02f, TLS_FATE_BREAKS, 0, ""},
		{"only ECDSA besides", "0303;002f,c02b", "modern", "rsa-kx", false, false, false,
		 0x0303, 0x002f, TLS_FATE_BREAKS, 0, ""},
		{"offer not kept", "", "carrier", "rsa-kx", false, false, false, 0x0303, 0x002f,
		 TLS_FATE_BREAKS, 0, "not kept"},
		{"outgoing", "", "carrier", "rsa-kx", true, false, false, 0x0303, 0x002f,
		 TLS_FATE_UNKNOWN, 0, "postern ready"},
		{"outgoing, not touched", "", "modern", "rsa-kx", true, false, false, 0x0304,
		 0x1301, TLS_FATE_SAME, 0, ""},
		{"authority", "0303;002f", "carrier", "root r1", false, false, false, 0x0303,
		 0x002f, TLS_FATE_BREAKS, 0, "its certificate comes from root r1"},
		{"authority, outgoing", "", "carrier", "Root R1", true, false, false, 0x0303,
		 0x002f, TLS_FATE_BREAKS, 0, "Root R1"},
		{"another authority", "0303;002f", "carrier", "Root R2", false, false, false,
		 0x0303, 0x002f, TLS_FATE_SAME, 0, ""},
		{"for servers only", "0303;002f", "carrier", "eku", false, true, false, 0x0303,
		 0x002f, TLS_FATE_BREAKS, 0, "no clientAuth"},
		{"for clients too", "0303;002f", "carrier", "eku", false, true, true, 0x0303,
		 0x002f, TLS_FATE_SAME, 0, ""},
		{"no EKU at all", "0303;002f", "carrier", "eku", false, false, false, 0x0303,
		 0x002f, TLS_FATE_SAME, 0, ""},
		{"a server's", "", "carrier", "eku", true, true, false, 0x0303, 0x002f,
		 TLS_FATE_SAME, 0, ""},
	};
	struct tls_allowed carrier, modern, none;

	(void)state;
	assert_int_equal(tlsreport_allowed(STR("carrier"), &carrier), ERR_OK);
	assert_int_equal(tlsreport_allowed(STR("modern"), &modern), ERR_OK);
	assert_int_equal(tlsreport_allowed(STR("mine"), &none), ERR_NOTFOUND);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_without w = {.n_suites = 0};
		struct tls_seen s = {.outgoing = rows[i].outgoing,
				     .version = rows[i].version,
				     .suite = rows[i].suite,
				     .authority = STR("Root R1"),
				     .eku_present = rows[i].eku,
				     .eku_client = rows[i].client};
		struct str words = str_from(rows[i].without);
		struct tls_future f;

		if (strcmp(rows[i].profile, "mine") != 0)
			s.profile = strcmp(rows[i].profile, "carrier") == 0 ? &carrier : &modern;
		assert_int_equal(handjson_read_offer(str_from(rows[i].offer), &s.offer), ERR_OK);
		if (str_istarts(words, STR("root"))) {
			assert_int_equal(tlsreport_without(&w, words), ERR_OK);
			words = STR_NULL;
		}
		while (words.len)
			assert_int_equal(tlsreport_without(&w, str_cut(&words, ' ')), ERR_OK);
		tlsreport_judge(&s, &w, &f);
		if (f.fate != rows[i].want || f.suite != rows[i].fallback ||
		    !strstr(f.why, rows[i].why) || (f.fate == TLS_FATE_SAME && f.why[0]))
			fail_msg("%s: %s %04x \"%s\"", rows[i].name, tlsreport_word(f.fate),
				 f.suite, f.why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
