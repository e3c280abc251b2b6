#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policy/trunk.h"

static void
test_admits(void **state)
{
	static const struct {
		const char *name;
		bool account, enabled, trunk_enabled;
		enum tls_srtp tls;
		enum trunk_security security;
		uint8_t direction;
		enum policy_class c;
		bool from;
		enum account_reason want;
	} t[] = {
		{"national", 1, 1, 1, TLS_SRTP_ON, 0, 3, CLASS_ORIGINATION, 1, ACCOUNT_OK},
		{"international not given", 1, 1, 1, TLS_SRTP_ON, 0, 3, CLASS_INTERNATIONAL, 1,
		 ACCOUNT_CLASS},
		{"no class", 1, 1, 1, TLS_SRTP_ON, 0, 3, CLASS_NONE, 1, ACCOUNT_NO_CLASS},
		{"account off", 1, 0, 1, TLS_SRTP_ON, 0, 3, CLASS_ORIGINATION, 1, ACCOUNT_DISABLED},
		{"trunk off", 1, 1, 0, TLS_SRTP_ON, 0, 3, CLASS_ORIGINATION, 1,
		 ACCOUNT_TRUNK_DISABLED},
		{"only ready", 1, 1, 1, TLS_SRTP_READY, 0, 3, CLASS_ORIGINATION, 1,
		 ACCOUNT_TLS_SRTP},
		{"off, but plain trunk", 1, 1, 1, TLS_SRTP_OFF, TRUNK_SEC_REFUSED, 3,
		 CLASS_ORIGINATION, 1, ACCOUNT_OK},
		{"emergency when only ready", 1, 1, 1, TLS_SRTP_READY, 0, 3, CLASS_EMERGENCY, 1,
		 ACCOUNT_OK},
		{"only to it", 1, 1, 1, TLS_SRTP_ON, 0, TRUNK_OUT, CLASS_ORIGINATION, 1,
		 ACCOUNT_DIRECTION},
		{"only from it", 1, 1, 1, TLS_SRTP_ON, 0, TRUNK_IN, CLASS_TERMINATION, 0,
		 ACCOUNT_DIRECTION},
		{"carrier", 0, 0, 1, 0, 1, 3, CLASS_INTERNATIONAL, 0, ACCOUNT_OK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct account a = {.enabled = t[i].enabled,
				    .tls_srtp = (uint8_t)t[i].tls,
				    .services = CLASS_ORIGINATION | CLASS_TERMINATION};
		struct trunk k = {.enabled = t[i].trunk_enabled,
				  .direction = t[i].direction,
				  .security = (uint8_t)t[i].security};
		enum account_reason got =
			trunk_admits(t[i].account ? &a : NULL, &k, t[i].c, t[i].from);

		if (got != t[i].want)
			fail_msg("%s: %s", t[i].name, account_reason_text(got));
	}
}

static void
test_host(void **state)
{
	static const char *const good[] = {"pbx.example.com", "a",           "192.0.2.1",
					   "2001:db8::1",     "x-1.example", "_sip.example.com",
					   "3com.example1a"};
	static const char *const bad[] = {"",
					  ".",
					  "a..b",
					  "-a.example",
					  "a-.example",
					  "a b",
					  "*.example.com",
					  "example.com.",
					  "192.0.2",
					  "1.2.3.4.5",
					  "pbx.example.com:5061",
					  "a/b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!trunk_host_valid(str_from(good[i])))
			fail_msg("%s refused", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (trunk_host_valid(str_from(bad[i])))
			fail_msg("%s taken", bad[i]);
}

static void
test_words(void **state)
{
	const struct word_list *const lists[] = {
		&tls_srtp_words,       &account_caller_words, &tls_eku_words,
		&tls_revocation_words, &trunk_kind_words,     &trunk_transport_words,
		&trunk_security_words, &trunk_ssrc_words,     &trunk_direction_words,
		&trunk_identity_words, &trunk_show_words,     &trunk_reuse_words,
	};
	enum policy_class c;
	unsigned v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (unsigned w = lists[i]->first; w < lists[i]->first + lists[i]->n; w++) {
			assert_int_equal(word_parse(lists[i], str_from(word_name(lists[i], w)), &v),
					 ERR_OK);
			assert_int_equal(v, w);
		}
		assert_string_equal(word_name(lists[i], lists[i]->first + lists[i]->n), "?");
		assert_int_equal(word_parse(lists[i], STR("?"), &v), ERR_NOTFOUND);
		assert_int_equal(word_parse(lists[i], STR("TLS"), &v), ERR_NOTFOUND);
	}
	for (unsigned i = 1; i <= ACCOUNT_SERVICES_ALL; i <<= 1) {
		bool service = (i & ACCOUNT_SERVICES_ALL) != 0;

		assert_int_equal(policy_class_parse(str_from(policy_class_name(i)), &c),
				 service ? ERR_OK : ERR_NOTFOUND);
		if (service)
			assert_int_equal(c, i);
	}
	assert_int_equal(policy_class_parse(STR("emergency"), &c), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admits),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
