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
	{"cic, rn and context", "1", "2015550123;cic=+10288;rn=911", "+12015550123",
	 NUMBER_NATIONAL},
	{"parameter before context", "1", "5550123;ext=9;PHONE-CONTEXT=+1201", "+12015550123",
	 NUMBER_NATIONAL},
	{"two contexts", "1", "5550123;phone-context=+1201;phone-context=+1900", "", 0},
	{"national with a domain", "1", "2015550123;phone-context=acme.example", "+12015550123",
	 NUMBER_NATIONAL},
	{"context makes premium", "1", "5550123;phone-context=+1900", "+19005550123",
	 NUMBER_PREMIUM},
	{"context makes 911", "1", "11;phone-context=+9", "911", NUMBER_EMERGENCY},
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
	{"Canada is abroad", "1", "+16135550123", "+16135550123", NUMBER_INTERNATIONAL},
	{"Canada 867", "1", "18675550123", "+18675550123", NUMBER_INTERNATIONAL},
	{"an area code that is new", "1", "+18365550123", "+18365550123", NUMBER_NATIONAL},
	{"Puerto Rico is not", "1", "+17875550123", "+17875550123", NUMBER_NATIONAL},
	{"premium 900", "1", "+19005550123", "+19005550123", NUMBER_PREMIUM},
	{"premium 979", "1", "011979123456789", "+979123456789", NUMBER_PREMIUM},
	{"premium 976", "1", "2129765550", "+12129765550", NUMBER_PREMIUM},
	{"premium 976 abroad", "1", "+18769765550", "+18769765550", NUMBER_PREMIUM},
	{"premium 900 seen from abroad", "44", "+19005550123", "+19005550123", NUMBER_PREMIUM},
	{"not premium 901", "1", "+19015550123", "+19015550123", NUMBER_NATIONAL},
	{"premium of the configuration", "1", "0114490901234567", "+4490901234567", NUMBER_PREMIUM},
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
	{"9 911", "1", "9911", "911", NUMBER_EMERGENCY},
	{"1 911", "1", "1-911", "911", NUMBER_EMERGENCY},
	{"9 933", "1", "9933", "933", NUMBER_EMERGENCY},
	{"+1 112", "1", "+1112", "112", NUMBER_EMERGENCY},
	{"8 911: no access digit", "1", "8911", "8911", NUMBER_OTHER},
	{"99 911", "1", "99911", "99911", NUMBER_OTHER},
	{"911 and more", "1", "9115551234", "+19115551234", NUMBER_NATIONAL},
	{"911 at the end", "1", "2015550911", "+12015550911", NUMBER_NATIONAL},
	{"911*", "1", "911*", "911*", NUMBER_OTHER},
	{"911#", "1", "911#", "911#", NUMBER_OTHER},
	{"911 with a domain", "1", "911;phone-context=pbx.example", "911", NUMBER_EMERGENCY},
	{"configured 77", "1", "77", "77", NUMBER_EMERGENCY},
	{"configured 77 behind 9", "1", "977", "77", NUMBER_EMERGENCY},
	{"988", "1", "988", "988", NUMBER_SERVICE},
	{"9 988", "1", "9988", "988", NUMBER_SERVICE},
	{"988 elsewhere", "44", "988", "988", NUMBER_OTHER},
	{"211", "1", "211", "211", NUMBER_SERVICE},
	{"811 behind +1", "1", "+1811", "811", NUMBER_SERVICE},
	{"111", "1", "111", "111", NUMBER_OTHER},
	{"9-1-1", "1", "9-1-1", "911", NUMBER_EMERGENCY},
	{"+911", "1", "+911", "911", NUMBER_EMERGENCY},
	{"+1911", "1", "+1911", "911", NUMBER_EMERGENCY},
	{"011 911", "1", "011911", "911", NUMBER_EMERGENCY},
	{"112", "1", "112", "112", NUMBER_EMERGENCY},
	{"933 test", "1", "933", "933", NUMBER_EMERGENCY},
	{"411", "1", "411", "411", NUMBER_SERVICE},
	{"9112 is 112", "1", "9112", "112", NUMBER_EMERGENCY},
	{"9115", "1", "9115", "9115", NUMBER_OTHER},
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
	memcpy(p.emergency[p.n_emergency++], "77", 3);
	memcpy(p.premium[p.n_premium++], "+4490", 6);
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

/* home decides what is national in country 1. */
static void
test_home(void **state)
{
	static const struct {
		const char *home[3];
		const char *number;
		enum number_kind want;
	} table[] = {
		{{"US"}, "+12125550123", NUMBER_NATIONAL},
		{{"US"}, "+14165550123", NUMBER_INTERNATIONAL},
		{{"CA"}, "+14165550123", NUMBER_NATIONAL},
		{{"CA"}, "+12125550123", NUMBER_INTERNATIONAL},
		{{"US", "CA"}, "+14165550123", NUMBER_NATIONAL},
		{{"US", "CA"}, "+18765550123", NUMBER_INTERNATIONAL},
		{{"868"}, "+18685550123", NUMBER_NATIONAL},
		{{"868"}, "+12125550123", NUMBER_INTERNATIONAL},
		{{"JM"}, "+16585550123", NUMBER_NATIONAL},
		{{NULL}, "+12125550123", NUMBER_INTERNATIONAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct number_plan p = plan_of("1");
		struct number n;

		for (p.n_home = 0; p.n_home < 3 && table[i].home[p.n_home]; p.n_home++)
			(void)!str_copyz(p.home[p.n_home], NUMBER_HOME_SIZE,
					 str_from(table[i].home[p.n_home]));
		assert_int_equal(number_read(&p, str_from(table[i].number), &n), ERR_OK);
		if (n.kind != table[i].want)
			fail_msg("row %zu: %s", i, number_kind_name(n.kind));
	}
}

/* What a Request-URI calls. want "" = refused */
static void
test_uri(void **state)
{
	static const struct {
		const char *uri, *want;
		enum number_kind kind;
	} table[] = {
		{"sip:+12015550123@sbc.example", "+12015550123", NUMBER_NATIONAL},
		{"sip:2015550123@sbc.example;user=phone", "+12015550123", NUMBER_NATIONAL},
		{"sips:2015550123@sbc.example", "+12015550123", NUMBER_NATIONAL},
		{"SIP:%2B1201555%30123@sbc.example", "+12015550123", NUMBER_NATIONAL},
		{"sip:%252B12015550123@sbc.example", "", 0},
		{"sip:+1201555%000123@sbc.example", "", 0},
		{"sip:+12015550123;npdi;rn=+19005550100@sbc.example;user=phone", "+12015550123",
		 NUMBER_NATIONAL},
		{"sip:5550123;phone-context=+1201@sbc.example;user=phone", "+12015550123",
		 NUMBER_NATIONAL},
		{"sip:5550123%3bphone-context=%2B1900@sbc.example", "+19005550123", NUMBER_PREMIUM},
		{"tel:+1-201-555-0123", "+12015550123", NUMBER_NATIONAL},
		{"tel:5550123;phone-context=+1201", "+12015550123", NUMBER_NATIONAL},
		{"tel:5550123;phone-context=%2B1900", "+19005550123", NUMBER_PREMIUM},
		{"tel:911;phone-context=+1", "911", NUMBER_EMERGENCY},
		{"tel:911", "911", NUMBER_EMERGENCY},
		{"sip:9.1.1@sbc.example", "911", NUMBER_EMERGENCY},
		{"sip:%39%31%31@sbc.example", "911", NUMBER_EMERGENCY},
		{"sip:911:secret@sbc.example", "911", NUMBER_EMERGENCY},
		{"urn:service:sos", "911", NUMBER_EMERGENCY},
		{"URN:service:SOS.police.ambulance", "911", NUMBER_EMERGENCY},
		{"urn:service:sosfire", "", 0},
		{"urn:service:counseling", "", 0},
		{"sip:sos@sbc.example", "", 0},
		{"sip:sbc.example", "", 0},
		{"sip:911.example", "", 0},
		{"http://911", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct number_plan p = plan_of("1");
		struct number n = {.z = ""};
		struct sip_uri u;
		enum err e;

		assert_int_equal(sip_uri_parse(str_from(table[i].uri), &u), ERR_OK);
		e = number_read_uri(&p, &u, &n);
		if (strcmp(n.z, table[i].want) != 0 || (e == ERR_OK) != (n.z[0] != 0) ||
		    (e == ERR_OK && n.kind != table[i].kind))
			fail_msg("%s: %s \"%s\" %s", table[i].uri, err_name(e), n.z,
				 number_kind_name(n.kind));
	}
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
		cmocka_unit_test(test_table), cmocka_unit_test(test_idempotent),
		cmocka_unit_test(test_home),  cmocka_unit_test(test_uri),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
