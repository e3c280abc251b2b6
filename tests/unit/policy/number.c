#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "policy/number.h"

#include "base/random.h"

/* want "" = refused */
static const struct {
	const char *name, *country, *user, *want;
	enum number_kind kind;
} rows[] = {
	{"E.164", "1", "+12015550123", "+12015550123", NUMBER_NATIONAL},
	{"ten digits", "1", "2015550123", "+12015550123", NUMBER_NATIONAL},
	{"eleven digits", "1", "12015550123", "+12015550123", NUMBER_NATIONAL},
	{"separators", "1", "+1-(201) 555.0123", "+12015550123", NUMBER_NATIONAL},
	{"parameters", "1", "+12015550123;npdi;rn=+19005550100", "+12015550123", NUMBER_NATIONAL},
	{"context", "1", "5550123;phone-context=+1201", "+12015550123", NUMBER_NATIONAL},
	{"context domain", "1", "5550123;phone-context=acme.example", "5550123", NUMBER_OTHER},
	{"context of a global number", "1", "+442071838750;phone-context=+1", "+442071838750",
	 NUMBER_INTERNATIONAL},
	{"context hides 911", "1", "911;phone-context=+1", "911", NUMBER_EMERGENCY},
	{"011", "1", "011442071838750", "+442071838750", NUMBER_INTERNATIONAL},
	{"00 in country 1", "1", "00442071838750", "+442071838750", NUMBER_INTERNATIONAL},
	{"00 elsewhere", "44", "0012015550123", "+12015550123", NUMBER_INTERNATIONAL},
	{"011 elsewhere is national", "44", "01142345678", "+441142345678", NUMBER_NATIONAL},
	{"trunk prefix 0", "49", "030123456", "+4930123456", NUMBER_NATIONAL},
	{"home by +", "49", "+4930123456", "+4930123456", NUMBER_NATIONAL},
	{"no plan", "", "2015550123", "2015550123", NUMBER_OTHER},
	{"no plan, +", "", "+12015550123", "+12015550123", NUMBER_INTERNATIONAL},
	{"Jamaica is abroad", "1", "8765550123", "+18765550123", NUMBER_INTERNATIONAL},
	{"Dominican Republic", "1", "+18095550123", "+18095550123", NUMBER_INTERNATIONAL},
	{"Puerto Rico is not", "1", "+17875550123", "+17875550123", NUMBER_NATIONAL},
	{"premium 900", "1", "+19005550123", "+19005550123", NUMBER_OTHER},
	{"premium 979", "1", "011979123456789", "+979123456789", NUMBER_OTHER},
	{"toll-free 800", "1", "18005550199", "+18005550199", NUMBER_TOLL_FREE},
	{"toll-free 833", "1", "+1 833 555 0199", "+18335550199", NUMBER_TOLL_FREE},
	{"toll-free 844", "1", "8445550199", "+18445550199", NUMBER_TOLL_FREE},
	{"toll-free 855", "1", "8555550199", "+18555550199", NUMBER_TOLL_FREE},
	{"toll-free 866", "1", "8665550199", "+18665550199", NUMBER_TOLL_FREE},
	{"toll-free 877", "1", "8775550199", "+18775550199", NUMBER_TOLL_FREE},
	{"toll-free 888", "1", "8885550199", "+18885550199", NUMBER_TOLL_FREE},
	{"not toll-free 822", "1", "8225550199", "+18225550199", NUMBER_NATIONAL},
	{"toll-free from abroad", "44", "+18005550199", "+18005550199", NUMBER_TOLL_FREE},
	{"freephone 800", "1", "+80012345678", "+80012345678", NUMBER_TOLL_FREE},
	{"911", "1", "911", "911", NUMBER_EMERGENCY},
	{"9-1-1", "1", "9-1-1", "911", NUMBER_EMERGENCY},
	{"+911", "1", "+911", "911", NUMBER_EMERGENCY},
	{"+1911", "1", "+1911", "911", NUMBER_EMERGENCY},
	{"011 911", "1", "011911", "911", NUMBER_EMERGENCY},
	{"112", "1", "112", "112", NUMBER_EMERGENCY},
	{"933 test", "1", "933", "933", NUMBER_EMERGENCY},
	{"411", "1", "411", "411", NUMBER_OTHER},
	{"9112", "1", "9112", "9112", NUMBER_OTHER},
	{"seven digits", "1", "5550123", "5550123", NUMBER_OTHER},
	{"area code 1xx", "1", "+11015550123", "+11015550123", NUMBER_OTHER},
	{"one digit short", "1", "+1201555012", "+1201555012", NUMBER_OTHER},
	{"feature code", "1", "*72", "*72", NUMBER_OTHER},
	{"feature code behind 011", "1", "011*72123456", "011*72123456", NUMBER_OTHER},
	{"sixteen digits", "1", "+4412345678901234", "+4412345678901234", NUMBER_OTHER},
	{"country 0", "1", "+02071838750", "+02071838750", NUMBER_OTHER},
	{"000", "1", "00011442071838750", "+011442071838750", NUMBER_OTHER},
	{"empty", "1", "", "", 0},
	{"only +", "1", "+", "", 0},
	{"only separators", "1", "-.()", "", 0},
	{"only parameters", "1", ";phone-context=+1", "", 0},
	{"two +", "1", "++12015550123", "", 0},
	{"+ inside", "1", "1+2015550123", "", 0},
	{"letters", "1", "1800FLOWERS", "", 0},
	{"name", "1", "anonymous", "", 0},
	{"escape left", "1", "%2B12015550123", "", 0},
	{"Arabic digits", "1", "\xd9\xa1\xd9\xa2", "", 0},
	{"bad context", "1", "5550123;phone-context=+1x", "", 0},
	{"too long", "1", "12345678901234567890123456789012", "", 0},
};

static struct number_plan
plan_of(const char *country)
{
	struct number_plan p;

	number_plan_default(&p);
	assert_int_equal(str_copyz(p.country, sizeof(p.country), str_from(country)), ERR_OK);
	return p;
}

static void
test_table(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct number_plan p = plan_of(rows[i].country);
		struct number n = {.z = ""};
		enum err e = number_read(&p, str_from(rows[i].user), &n);
		bool ok = rows[i].want[0] ? e == ERR_OK && strcmp(n.z, rows[i].want) == 0 &&
						    n.kind == rows[i].kind
					  : e != ERR_OK && n.z[0] == 0;

		if (!ok)
			print_message("# %s: %s \"%s\" %s, wanted \"%s\" %s\n", rows[i].name,
				      err_name(e), n.z, number_kind_name(n.kind), rows[i].want,
				      number_kind_name(rows[i].kind));
		bad += !ok;
	}
	assert_int_equal(bad, 0);
}

/* Any input: refused, or a normal form that reads to itself and to the same kind. */
static void
test_idempotent(void **state)
{
	static const char alphabet[] = "0123456789012345678901911+*#-.() ;=phone-contextA%\x80";
	static const char *const country[] = {"1", "44", "49", ""};
	unsigned read = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct number_plan p = plan_of(country[round % ARRAY_LEN(country)]);
		char in[24];
		size_t len = random_below(sizeof(in));
		struct number a = {0}, b = {0};

		for (size_t i = 0; i < len; i++)
			in[i] = alphabet[random_below(round & 4 ? 26 : sizeof(alphabet) - 1)];
		if (number_read(&p, str_of(in, len), &a) != ERR_OK)
			continue;
		read++;
		assert_int_equal(number_read(&p, str_from(a.z), &b), ERR_OK);
		assert_string_equal(a.z, b.z);
		assert_int_equal(a.kind, b.kind);
	}
	assert_true(read > 50000);
}

static void
test_class(void **state)
{
	static const struct {
		enum number_kind kind;
		bool from_customer;
		enum policy_class want;
	} table[] = {
		{NUMBER_NATIONAL, true, CLASS_ORIGINATION},
		{NUMBER_INTERNATIONAL, true, CLASS_INTERNATIONAL},
		{NUMBER_TOLL_FREE, true, CLASS_TOLL_FREE},
		{NUMBER_EMERGENCY, true, CLASS_EMERGENCY},
		{NUMBER_OTHER, true, CLASS_NONE},
		{NUMBER_NATIONAL, false, CLASS_TERMINATION},
		{NUMBER_INTERNATIONAL, false, CLASS_TERMINATION},
		{NUMBER_TOLL_FREE, false, CLASS_TOLL_FREE},
		{NUMBER_EMERGENCY, false, CLASS_NONE},
		{NUMBER_OTHER, false, CLASS_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(number_class(table[i].kind, table[i].from_customer),
				 table[i].want);
	assert_true(number_urn_sos(STR("urn:service:sos")));
	assert_true(number_urn_sos(STR("URN:service:SOS.fire")));
	assert_false(number_urn_sos(STR("urn:service:sosfire")));
	assert_false(number_urn_sos(STR("sip:sos@example.com")));
}

static void
test_key(void **state)
{
	static const char *const good[] = {"+15551230000",     "+1555124*",         "+1*",
					   "+123456789012345", "+123456789012345*", "+4930123"};
	static const char *const bad[] = {
		"",        "+",           "+*",         "15551230000",
		"+123456", "+0123456789", "+1555-124*", "+1234567890123456",
		"+1**"};
	uint64_t key, last;
	char mem[32];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(number_key(str_from(good[i]), &key), ERR_OK);
		buf_init(&b, mem, sizeof(mem));
		number_key_put(&b, key);
		assert_string_equal(buf_cstr(&b), good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (number_key(str_from(bad[i]), &key) == ERR_OK)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(number_key(STR("+1555124*"), &last), ERR_OK);
	assert_int_equal(number_key(STR("+15551240000"), &key), ERR_OK);
	assert_true(key > last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_idempotent),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
