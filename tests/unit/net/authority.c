/* The list of authorities: every line is read, names and brands are found, the bundle has them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "net/authority.h"

static void
every_line(void **state)
{
	unsigned of[AUTHORITY_N] = {0};
	struct authority_root r;
	enum authority a;
	size_t n = 0;

	(void)state;
	for (; authority_root_at(n, &r); n++) {
		assert_true(r.authority < AUTHORITY_N && r.name.len > 3);
		assert_true(authority_of(r.fingerprint, &a));
		assert_int_equal(a, r.authority);
		of[r.authority]++;
	}
	assert_int_equal(n, 48);
	for (unsigned i = 0; i < AUTHORITY_N; i++)
		assert_true(of[i] >= 2);
	memset(r.fingerprint, 7, sizeof(r.fingerprint));
	assert_false(authority_of(r.fingerprint, &a));
}

static void
words(void **state)
{
	static const struct {
		const char *word;
		int want; /* -1: none */
	} rows[] = {
		{"DigiCert", AUTHORITY_DIGICERT},
		{"digicert", AUTHORITY_DIGICERT},
		{"Let's Encrypt", AUTHORITY_LETS_ENCRYPT},
		{"Let\xe2\x80\x99s Encrypt", AUTHORITY_LETS_ENCRYPT},
		{"ISRG", AUTHORITY_LETS_ENCRYPT},
		{"Sectigo", AUTHORITY_COMODO},
		{"USERTrust", AUTHORITY_COMODO},
		{"Starfield", AUTHORITY_GODADDY},
		{"Digi", -1},
		{"", -1},
	};
	uint32_t mask;
	struct str bad;
	char mem[128];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum authority a = AUTHORITY_N;
		enum err e = authority_parse(str_from(rows[i].word), &a);

		if ((e == ERR_OK) != (rows[i].want >= 0) || (e == ERR_OK && (int)a != rows[i].want))
			fail_msg("%s: %s", rows[i].word, err_name(e));
	}
	assert_int_equal(authority_parse_list(STR("GoDaddy, IdenTrust,,"), &mask, &bad), ERR_OK);
	assert_int_equal(mask,
			 AUTHORITY_BIT(AUTHORITY_GODADDY) | AUTHORITY_BIT(AUTHORITY_IDENTRUST));
	assert_int_equal(authority_parse_list(STR("GoDaddy,Achmed"), &mask, &bad), ERR_NOTFOUND);
	assert_true(str_eqz(bad, "Achmed"));
	buf_init(&b, mem, sizeof(mem));
	authority_put(&b, AUTHORITY_DEFAULT);
	assert_string_equal(buf_cstr(&b),
			    "DigiCert, GoDaddy, Let's Encrypt, IdenTrust, Comodo, GlobalSign");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_line), cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
