/* Toll fraud and false identities (reliability A3 A5 A6 A7): nothing forbidden reaches the gateway,
 * whatever is dialled, whoever claims to call, whatever the other side answers. */
#include "rig.h"

#include <stdlib.h>

#include "base/random.h"

/* The call in hand is over, its record free again. */
static void
end_all(struct fake *f)
{
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	for (int i = 0; i < FAKE_RECORDS; i++)
		f->record[i].taken = f->record[i].ended = false;
}

/* ---- A5: generated targets ---- */

enum { TARGETS = 100000, TARGETS_FULL = 1000000 };

/* The oracle's own list of area codes abroad, by number; independent of policy/area. */
static const int abroad[] = {
	204, 226, 236, 242, 246, 249, 250, 257, 263, 264, 268, 284, 289, 306, 343, 345, 354,
	365, 367, 368, 382, 387, 403, 416, 418, 428, 431, 437, 438, 441, 450, 468, 473, 474,
	506, 514, 519, 548, 579, 581, 584, 587, 600, 604, 613, 622, 633, 639, 644, 647, 649,
	655, 658, 664, 672, 677, 683, 688, 705, 709, 721, 742, 753, 758, 767, 778, 780, 782,
	784, 807, 809, 819, 825, 829, 849, 851, 867, 868, 869, 873, 876, 879, 902, 905, 942};
static const int free_call[] = {800, 833, 844, 855, 866, 877, 888};

static bool
one_of(int v, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

/* May an account with these rights call what stands in the Request-URI at the gateway? */
static bool
oracle_allows(const char *user, bool international)
{
	static const char *const shorts[] = {"988", "211", "311", "411",
					     "511", "611", "711", "811"};
	size_t n = strlen(user);
	int area, exchange;

	for (size_t i = 0; i < ARRAY_LEN(shorts); i++)
		if (strcmp(user, shorts[i]) == 0)
			return true;
	if (user[0] != '+' || strspn(user + 1, "0123456789") != n - 1 || n < 8 || n > 16)
		return false;
	if (user[1] != '1') {
		bool free_phone = strncmp(user, "+800", 4) == 0;
		bool listed = strncmp(user, "+44", 3) == 0 && strncmp(user, "+4490", 5) != 0;

		return user[1] != '0' && (free_phone || (international && listed));
	}
	if (n != 12)
		return false;
	area = (user[2] - '0') * 100 + (user[3] - '0') * 10 + user[4] - '0';
	exchange = (user[5] - '0') * 100 + (user[6] - '0') * 10 + user[7] - '0';
	if (one_of(area, free_call, ARRAY_LEN(free_call)))
		return true;
	if (area < 200 || area == 900 || area == 976 || exchange == 976)
		return false;
	return !one_of(area, abroad, ARRAY_LEN(abroad)) || (international && area == 876);
}

static const char *
any_of(const char *const *list, uint32_t n)
{
	return list[random_below(n)];
}

static void
put_number(struct buf *b)
{
	static const char *const heads[] = {"",      "+",  "00",      "011", "1",    "+1",
					    "9",     "91", "9011",    "0",   "+00",  "+011",
					    "+1011", "++", "1010288", "*67", "011+", "8"};
	static const char *const bodies[] = {
		"9005551234",  "2129765551", "9765551234",   "442071838750", "8765551234",
		"4165551234",  "2125551234", "8005551234",   "8885551234",   "976",
		"911",         "988",        "411",          "881612345678", "8835100012345",
		"2521234567",  "5375551234", "979123456789", "80012345678",  "4490123456",
		"37060012345", "2425551234", "5551234",      "9115551234",   "12"};

	buf_z(b, any_of(heads, ARRAY_LEN(heads)));
	if (random_below(4))
		buf_z(b, any_of(bodies, ARRAY_LEN(bodies)));
	else
		for (uint64_t i = random_below(18); i > 0; i--)
			buf_char(b, (char)('0' + random_below(10)));
}

/* Separators, escapes and worse, anywhere in the number. */
static void
put_disguised(struct buf *b, struct str s)
{
	static const char *const junk[] = {"-", ".",   "(",      ")",      "%20", "%2D",
					   "a", "%00", "%0d%0a", "%D9%A1", "%2B", "*",
					   "#", "%23", "%25",    "_",      "~"};
	uint32_t each = random_below(3) ? 40 : 4;

	for (size_t i = 0; i < s.len; i++) {
		if (random_below(each) == 0)
			buf_z(b, any_of(junk, random_below(3) ? 4 : ARRAY_LEN(junk)));
		if (random_below(each) == 0)
			buf_printf(b, "%%%02X", (unsigned char)s.p[i]);
		else
			buf_char(b, s.p[i]);
	}
}

static void
put_target(struct buf *b)
{
	static const char *const schemes[] = {"sip:", "sips:", "SIP:", "tel:", "sip:", "sip:"};
	static const char *const params[] = {";phone-context=+1",
					     ";phone-context=+1900",
					     ";phone-context=%2B1900",
					     ";phone-context=+44",
					     ";phone-context=pbx.example",
					     ";npdi;rn=+19005551234",
					     ";rn=+442071838750",
					     ";cic=+10288",
					     ";ext=99",
					     ";isub=1",
					     ";npdi",
					     ";phone-context=",
					     ";phone-context=+1;phone-context=+1876",
					     ";user=phone",
					     ";x=%2b19005551234"};
	static const char *const tails[] = {"", ";user=phone", ";transport=tls", ";user=dialstring",
					    ";phone-context=+1900"};
	const char *scheme = any_of(schemes, ARRAY_LEN(schemes));
	char mem[256];
	struct buf n;

	buf_init(&n, mem, sizeof(mem));
	put_number(&n);
	buf_z(b, scheme);
	put_disguised(b, buf_view(&n));
	for (uint64_t i = random_below(3); i > 0; i--)
		buf_z(b, any_of(params, ARRAY_LEN(params)));
	if (strcmp(scheme, "tel:") == 0)
		return;
	if (random_below(20) == 0)
		buf_z(b, ":+19005551234");
	buf_z(b, "@sbc.example");
	buf_z(b, any_of(tails, ARRAY_LEN(tails)));
}

/* What the gateway got: its Request-URI's user must be allowed, and nothing else may name more. */
static void
judge_sent(const struct sent *s, const char *target, bool international)
{
	static const char *const never[] = {
		";rn=", ";npdi", ";cic=", ";phone-context", ";isub=", ";ext="};
	struct str uri = str_from_at(str_from(s->text), strlen("INVITE sip:"));
	char user[NUMBER_SIZE] = "";

	assert_int_equal(str_copyz(user, sizeof(user), str_cut(&uri, '@')), ERR_OK);
	if (!oracle_allows(user, international))
		fail_msg("%s reached the gateway as %s", target, user);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (rig_says(s, never[i]))
			fail_msg("%s: the gateway was told %s", target, never[i]);
}

static void
check_idempotent(const struct number_plan *p, const char *target)
{
	struct number a, b;
	struct sip_uri u;

	if (sip_uri_parse(str_from(target), &u) != ERR_OK || number_read_uri(p, &u, &a) != ERR_OK)
		return;
	assert_int_equal(number_read(p, str_from(a.z), &b), ERR_OK);
	if (strcmp(a.z, b.z) != 0 || a.kind != b.kind)
		fail_msg("%s: %s, then %s", target, a.z, b.z);
}

/* A5: 10^6 generated targets (10^5 in the short form). */
static void
generated_targets(void **state)
{
	uint32_t rounds = getenv("LADDER_FAIL")    ? 200
			  : getenv("POSTERN_FULL") ? TARGETS_FULL
						   : TARGETS;
	uint32_t reached = 0, n;
	struct fake *f = rig_up();
	char mem[512];
	struct buf b;

	(void)state;
	memcpy(f->calls.conf.numbers.premium[f->calls.conf.numbers.n_premium++], "+4490", 6);
	rig_account(f, "beta")->services |= CLASS_INTERNATIONAL;
	rig_account(f, "beta")->countries = STR("44,1876");
	rig_world(f);
	for (uint32_t i = 0; i < rounds; i++) {
		struct sip_uri u;
		bool beta = i & 1;

		buf_init(&b, mem, sizeof(mem));
		put_target(&b);
		if (buf_end(&b) != ERR_OK || sip_uri_parse(buf_view(&b), &u) != ERR_OK)
			continue; /* answered with 400 by edge */
		check_idempotent(&f->calls.conf.numbers, buf_cstr(&b));
		n = f->n_sent;
		(void)rig_invite(f, &(struct invite){.trunk = beta ? "beta-pbx" : "acme-pbx",
						     .from = beta ? "sip:+15559990000@x" : NULL,
						     .uri = buf_cstr(&b)});
		for (uint32_t k = n; k < f->n_sent; k++)
			if (f->sent[k % FAKE_SENT].kind == SENT_REQUEST) {
				judge_sent(&f->sent[k % FAKE_SENT], buf_cstr(&b), beta);
				reached++;
				fake_answer(f, f->sent[k % FAKE_SENT].txn, 603, "gw", "", "");
			}
		end_all(f);
	}
	print_message("# %u targets, %u calls reached the gateway\n", rounds, reached);
	assert_true(reached > rounds / 100);
	rig_down(f);
}

/* ---- A3: who calls ---- */

#define OWN "sip:+15551230000@x"
#define HERS "sip:+15559990000@x" /* of account beta */
#define NOBODYS "sip:+12025550123@x"

/* want: what From at the gateway says; NULL: 403. replace: likewise where the account wants that.
 */
static const struct {
	const char *name, *from, *more, *want, *want_replaced, *says;
} identities[] = {
	{"own", OWN, "", "sip:+15551230000@", "sip:+15551230000@",
	 "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\n"},
	{"own, national", "sip:5551230000@x", "", "sip:+15551230000@", "sip:+15551230000@", NULL},
	{"own, tel", "tel:+1-555-123-0000", "", "sip:+15551230000@", "sip:+15551230000@", NULL},
	{"another's in From", HERS, "", NULL, "sip:+15551239999@", NULL},
	{"nobody's in From", NOBODYS, "", NULL, "sip:+15551239999@", NULL},
	{"an extension in From", "sip:1001@x", "", NULL, "sip:+15551239999@", NULL},
	{"a name in From", "sip:ann@x", "", NULL, "sip:+15551239999@", NULL},
	{"bytes in From", "sip:a%0d%0aRoute%3a@x", "", NULL, "sip:+15551239999@", NULL},
	{"another's in PAI", OWN, "P-Asserted-Identity: <" HERS ">\r\n", NULL, "sip:+15551230000@",
	 NULL},
	{"another's in the second PAI", OWN,
	 "P-Asserted-Identity: <" OWN ">, <tel:+15559990000>\r\n", NULL, "sip:+15551230000@", NULL},
	{"another's in PPI", OWN, "P-Preferred-Identity: <" HERS ">\r\n", NULL, "sip:+15551230000@",
	 NULL},
	{"another's in RPID", OWN, "Remote-Party-ID: <" HERS ">;party=calling\r\n", NULL,
	 "sip:+15551230000@", NULL},
	{"another's in Diversion", OWN, "Diversion: <" HERS ">;reason=unconditional\r\n", NULL,
	 "sip:+15551230000@", NULL},
	{"another's in History-Info", OWN, "History-Info: <" HERS ">;index=1\r\n", NULL,
	 "sip:+15551230000@", NULL},
	{"another's in lower case", OWN, "p-asserted-identity\t:\r\n <" HERS ">\r\n", NULL,
	 "sip:+15551230000@", NULL},
	{"a broken PAI", OWN, "P-Asserted-Identity: <sip:+15551230000@x\r\n", NULL,
	 "sip:+15551230000@", NULL},
	{"own in PAI, withheld From", "sip:anonymous@anonymous.invalid",
	 "P-Asserted-Identity: <" OWN ">\r\n", "sip:anonymous@anonymous.invalid>",
	 "sip:anonymous@anonymous.invalid>",
	 "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\nPrivacy: id\r\n"},
	{"own, private", OWN, "Privacy: id\r\n", "sip:anonymous@anonymous.invalid>",
	 "sip:anonymous@anonymous.invalid>",
	 "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\nPrivacy: id\r\n"},
	{"own Diversion", OWN, "Diversion: <" OWN ">;reason=no-answer;counter=1\r\n",
	 "sip:+15551230000@", "sip:+15551230000@",
	 "Diversion: <sip:+15551230000@10.0.0.1>;reason=no-answer\r\n"},
	{"History-Info with the called number", OWN,
	 "History-Info: <" OWN ">;index=1, <sip:+15552223333@y>;index=1.1\r\n", "sip:+15551230000@",
	 "sip:+15551230000@",
	 "History-Info: <sip:+15551230000@10.0.0.1>;index=1\r\n"
	 "History-Info: <sip:+15552223333@10.0.0.1>;index=1.1\r\n"},
	{"History-Info with a cause, private", OWN,
	 "History-Info: <" OWN ";cause=302>;index=1, <" OWN ">;index=1x, <" OWN ">\r\n"
	 "Privacy: history\r\n",
	 "sip:+15551230000@", "sip:+15551230000@",
	 "Privacy: history\r\n"
	 "History-Info: <sip:+15551230000@10.0.0.1;cause=302>;index=1\r\n"},
};

static void
identity_of_invite(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(identities); i++) {
		bool replace = i >= ARRAY_LEN(identities);
		size_t k = i % ARRAY_LEN(identities);
		const char *want = replace ? identities[k].want_replaced : identities[k].want;
		struct fake *f = rig_up();
		struct sent *s;

		rig_account(f, "acme")->caller =
			replace ? ACCOUNT_CALLER_REPLACE : ACCOUNT_CALLER_REFUSE;
		rig_trunk(f, "acme-pbx")->caller = STR("+15551239999");
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.from = identities[k].from,
						     .more = identities[k].more});
		s = rig_sent(f, SENT_REQUEST, 0);
		if (!want && (s || rig_sent(f, SENT_RESPONSE, 0)->status != 403))
			fail_msg("%s was not refused", identities[k].name);
		if (!want) {
			assert_int_equal(rig_cdr(f)->refusal, REFUSAL_CALLER);
			assert_says(rig_sent(f, SENT_RESPONSE, 0), "Warning: 399 postern \"");
		} else if (!s || !rig_says(s, want) || rig_says(s, "+1555999") ||
			   (rig_says(s, "History-Info") && !identities[k].says) ||
			   rig_says(s, "=1x") || rig_says(s, "Remote-Party-ID") ||
			   rig_says(s, "P-Preferred") ||
			   (identities[k].says && !rig_says(s, identities[k].says))) {
			fail_msg("%s: %s", identities[k].name, s ? s->text : "refused");
		}
		end_all(f);
		rig_down(f);
	}
}

/* Who names nobody: asserted as a number of its own, or refused. */
static void
identity_of_nobody(void **state)
{
#define HIDDEN "sip:anonymous@anonymous.invalid"
#define FIRST "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\n"
#define TRUNKS "P-Asserted-Identity: <sip:+15551239999@10.0.0.1>\r\n"
	static const struct {
		const char *name, *fallback, *from, *more;
		const char *says[2]; /* at the gateway; none: 403 */
		bool prefix, replace;
	} r[] = {
		{"anonymous", "", HIDDEN, "", {"From: <" HIDDEN ">", FIRST "Privacy: id"}, 0, 0},
		{"no user", "", "sip:x", "", {"From: <sip:+15551230000@", FIRST}, 0, 0},
		{"no user, private", "", "sip:x", "Privacy: id\r\n", {HIDDEN, FIRST}, 0, 0},
		{"trunk's", "+15551239999", HIDDEN, "", {HIDDEN, TRUNKS "Privacy: id"}, 0, 0},
		{"a prefix", "", HIDDEN, "", {NULL}, true, 0},
		{"a prefix, no user", "", "sip:x", "", {NULL}, true, 0},
		{"a prefix, replace", "", HIDDEN, "", {NULL}, true, true},
		{"a prefix, trunk's", "+15551239999", HIDDEN, "", {HIDDEN, TRUNKS}, true, 0},
		{"diverted", "", HIDDEN, "Diversion: <" OWN ">\r\n", {FIRST, HIDDEN}, true, 0},
		{"diverted by another", "", HIDDEN, "Diversion: <" HERS ">\r\n", {NULL}, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();
		struct sent *s;

		rig_account(f, "acme")->caller =
			r[i].replace ? ACCOUNT_CALLER_REPLACE : ACCOUNT_CALLER_REFUSE;
		rig_trunk(f, "acme-pbx")->caller = str_from(r[i].fallback);
		if (r[i].prefix) /* acme's number is the lowest */
			assert_int_equal(number_key(STR("+1555123*"), &f->roster.number[0].key),
					 ERR_OK);
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.from = r[i].from, .more = r[i].more});
		s = rig_sent(f, SENT_REQUEST, 0);
		if (!r[i].says[0] && (s || rig_sent(f, SENT_RESPONSE, 0)->status != 403 ||
				      rig_cdr(f)->refusal != REFUSAL_CALLER))
			fail_msg("%s was not refused", r[i].name);
		for (int k = 0; k < 2 && r[i].says[k]; k++)
			if (!rig_says(s, r[i].says[k]))
				fail_msg("%s: %s", r[i].name, s ? s->text : "refused");
		end_all(f);
		rig_down(f);
	}
#undef HIDDEN
#undef FIRST
#undef TRUNKS
}

/* A child may be called for by its parent's connection; the parent not by its child's. */
static void
identity_of_family(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	rig_account(f, "beta")->parent = STR("acme");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.from = HERS});
	assert_says(rig_sent(f, SENT_REQUEST, 0), "sip:+15559990000@10.0.0.1");
	end_all(f);
	(void)rig_invite(f, &(struct invite){.trunk = "beta-pbx", .from = OWN});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 403);
	end_all(f);
	rig_down(f);
}

/* Each method, in and out of a dialog, with a number of another account in each header: 403, and
 * nothing of it at the gateway. A BYE ends its call all the same, a keepalive is answered. */
static void
identity_of_methods(void **state)
{
	static const char *const methods[] = {"OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE",
					      "REFER",   "INFO",     "UPDATE",  "NOTIFY",
					      "PUBLISH", "PRACK",    "INVITE",  "BYE"};
	static const char *const headers[] = {
		"P-Asserted-Identity: <" HERS ">\r\n", "Remote-Party-ID: <" HERS ">\r\n",
		"Diversion: <" HERS ">\r\n", "P-Preferred-Identity: <" HERS ">\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods) * ARRAY_LEN(headers); i++) {
		const char *method = methods[i / ARRAY_LEN(headers)];
		const char *more = headers[i % ARRAY_LEN(headers)];
		bool bye = strcmp(method, "BYE") == 0, options = strcmp(method, "OPTIONS") == 0;
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		char text[1024];
		struct buf b;

		(void)rig_inside(f, p.a, "acme-pbx", method, 2, more);
		if (rig_sent(f, SENT_RESPONSE, 0)->status != (bye || options ? 200 : 403))
			fail_msg("%s inside: %s", method, rig_sent(f, SENT_RESPONSE, 0)->text);
		for (uint32_t k = 0; k < f->n_sent; k++)
			if (f->sent[k].kind != SENT_RESPONSE)
				assert_silent(&f->sent[k], "1555999");
		rig_settle(f);
		end_all(f);
		buf_init(&b, text, sizeof(text));
		buf_printf(&b,
			   "%s sip:sbc.example SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKo%zu\r\n"
			   "Max-Forwards: 70\r\nFrom: <%s>;tag=o\r\nTo: <sip:sbc.example>\r\n"
			   "Call-ID: o\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
			   method, i, i & 1 ? OWN : HERS, method, more);
		assert_int_equal(buf_end(&b), ERR_OK);
		(void)rig_request(f, "acme-pbx", text, b.len);
		if (rig_sent(f, SENT_RESPONSE, 0)->status != (bye       ? 481
							      : options ? 200
							      : strcmp(method, "INVITE") == 0
								      ? 484
								      : 403))
			fail_msg("%s outside: %s", method, rig_sent(f, SENT_RESPONSE, 0)->text);
		end_all(f);
		rig_down(f);
	}
}

/* Towards a customer: what a caller wants to be withheld is withheld, and only that. */
static void
privacy_to_customer(void **state)
{
	static const struct {
		const char *from, *more, *says, *silent;
	} r[] = {
		{"sip:+12025550123@10.0.0.9",
		 "P-Asserted-Identity: <sip:+12025550123@10.0.0.9>\r\n",
		 "P-Asserted-Identity: <sip:+12025550123", "anonymous"},
		{"sip:+12025550123@10.0.0.9",
		 "P-Asserted-Identity: <sip:+12025550123@10.0.0.9>\r\nPrivacy: id\r\n",
		 "From: <sip:anonymous@anonymous.invalid>", "2025550123"},
		{"sip:+12025550123@10.0.0.9", "Privacy: header;user\r\n",
		 "From: <sip:anonymous@anonymous.invalid>", "2025550123"},
		{"sip:+12025550123@10.0.0.9",
		 "Remote-Party-ID: <sip:+12025550123@10.0.0.9>;privacy=full\r\n",
		 "From: <sip:anonymous@anonymous.invalid>", "2025550123"},
		{"sip:anonymous@anonymous.invalid",
		 "P-Asserted-Identity: <sip:+12025550123@10.0.0.9>\r\nPrivacy: id\r\nIdentity: "
		 "eyJvcmlnIjoiMjAyNTU1MDEyMyJ9\r\n",
		 "From: <sip:anonymous@anonymous.invalid>", "eyJ"},
		{"sip:+12025550123@10.0.0.9",
		 "Diversion: <sip:+12025550199@10.0.0.9>\r\nPrivacy: history\r\n",
		 "From: <sip:+12025550123@", "2025550199"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();

		(void)rig_invite(f, &(struct invite){.trunk = "gw1",
						     .uri = "sip:+15551230000@10.0.0.1",
						     .from = r[i].from,
						     .more = r[i].more});
		assert_says(rig_sent(f, SENT_REQUEST, 0), r[i].says);
		assert_silent(rig_sent(f, SENT_REQUEST, 0), r[i].silent);
		end_all(f);
		rig_down(f);
	}
}

/* RFC 3323 5: what is critical and cannot be given ends the call, but for an emergency call. */
static void
critical_privacy(void **state)
{
	static const struct {
		const char *privacy;
		int status;
	} r[] = {{"id;critical", 0},
		 {"header;user;session;history;none;CRITICAL", 0},
		 {"shred", 0},
		 {"shred;critical", 500},
		 {"critical, shred", 500}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();
		char more[80];
		const struct edge_txn *a;

		(void)snprintf(more, sizeof(more), "Privacy: %s\r\n", r[i].privacy);
		a = rig_invite(f, &(struct invite){.more = more});
		if (a->status != r[i].status)
			fail_msg("%s: %d", r[i].privacy, a->status);
		if (a->status)
			assert_int_equal(rig_cdr(f)->refusal, REFUSAL_PRIVACY);
		end_all(f);
		rig_down(f);
	}
}

/* Who answers, as a customer says it, in what a carrier gets: its own number, and no other. */
static void
identity_of_answer(void **state)
{
	static const struct {
		const char *more, *says;
	} r[] = {
		{"", NULL},
		{"P-Asserted-Identity: \"Ann\" <" OWN ">\r\n",
		 "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\n"},
		{"P-Asserted-Identity: <" OWN ">\r\nPrivacy: id\r\n",
		 "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\nPrivacy: id\r\n"},
		{"P-Asserted-Identity: <" HERS ">\r\n", NULL},
		{"P-Asserted-Identity: <" OWN ">, <" HERS ">\r\n", NULL},
		{"P-Asserted-Identity: <" NOBODYS ">\r\nPrivacy: id\r\n", NULL},
		{"P-Preferred-Identity: <" OWN ">\r\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();
		char more[256];
		struct sent *s;

		(void)rig_invite(f, &(struct invite){.trunk = "gw1",
						     .uri = "sip:+15551230000@10.0.0.1",
						     .from = "sip:+12025550123@10.0.0.9"});
		(void)snprintf(more, sizeof(more), "%s%s", PBX_CONTACT, r[i].more);
		fake_answer(f, rig_out(f), 180, "pbx", more, "");
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 180);
		if (r[i].says)
			assert_says(s, r[i].says);
		else
			assert_silent(s, "P-Asserted-Identity");
		assert_true(r[i].says || !rig_says(s, "Privacy"));
		end_all(f);
		rig_down(f);
	}
}

/* The caller's number goes to the carrier in the BYE as well, and never to a customer. */
static void
identity_of_bye(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		const char *own = "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\n";

		(void)rig_inside(f, i ? p.b : p.a, i ? "gw1" : "acme-pbx", "BYE", 2, "");
		if (i)
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "P-Asserted-Identity");
		else
			assert_says(rig_sent(f, SENT_REQUEST, 0), own);
		rig_settle(f);
		rig_down(f);
	}
}

/* ---- A6: challenges ---- */

static void
assert_no_credentials(struct fake *f)
{
	assert_true(f->n_sent <= FAKE_SENT);
	for (uint32_t i = 0; i < f->n_sent; i++) {
		assert_silent(&f->sent[i], "\r\nAuthorization");
		assert_silent(&f->sent[i], "Proxy-Authorization");
		assert_silent(&f->sent[i], "Authenticate");
	}
}

/* A6: whoever challenges gets no credentials: not ours, not those of the other side, and nobody on
 * the other side is asked for his. */
static void
challenges(void **state)
{
	static const char *const realms[] = {"sbc.example", "pbx.acme.example", "10.0.0.9", ""};
	static const char pbx_digest[] =
		"Authorization: Digest username=\"a\", realm=\"sbc.example\", response=\"00\"\r\n"
		"Proxy-Authorization: Digest username=\"a\", realm=\"x\", response=\"00\"\r\n";

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(realms); i++) {
		struct fake *f = rig_up();
		bool proxy = i & 1;
		char head[160];
		struct rig_pair p;

		(void)snprintf(head, sizeof(head),
			       "%s: Digest realm=\"%s\", nonce=\"n\", qop=\"auth\"\r\n",
			       proxy ? "Proxy-Authenticate" : "WWW-Authenticate", realms[i / 2]);
		(void)rig_invite(f, &(struct invite){.more = pbx_digest});
		fake_answer(f, rig_out(f), proxy ? 407 : 401, "gw", head, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
		assert_no_credentials(f);
		end_all(f);
		p = rig_talking(f);
		(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, pbx_digest);
		fake_answer(f, rig_bye_out(f, 0), proxy ? 407 : 401, "", head, "");
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1); /* it is over */
		assert_no_credentials(f);
		rig_settle(f);
		end_all(f);
		rig_down(f);
	}
}

/* ---- A7: redirections and transfers ---- */

/* A7: a 3xx of either side is not followed and not passed on; REFER is refused. */
static void
redirections(void **state)
{
	static const unsigned status[] = {300, 301, 302, 305, 380};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(status); i++) {
		struct fake *f = rig_up();
		bool inbound = i & 1;
		struct sent *s;
		unsigned out;

		(void)rig_invite(f, inbound ? &(struct invite){.trunk = "gw1",
							       .uri = "sip:+15551230000@x",
							       .from = NOBODYS}
					    : &(struct invite){0});
		out = rig_count(f, SENT_REQUEST, SIP_INVITE);
		fake_answer(f, rig_out(f), status[i / 2], "b",
			    "Contact: <sip:+19005551234@evil.example>\r\n", "");
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 500);
		assert_silent(s, "1900");
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), out);
		end_all(f);
		rig_down(f);
	}
}

static void
transfers(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	const char refer[] = "Refer-To: <sip:+19005551234@sbc.example>\r\n";

	(void)state;
	(void)rig_inside(f, p.a, "acme-pbx", "REFER", 2, refer);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 405);
	(void)rig_inside(f, p.b, "gw1", "REFER", 2, refer);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 405);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1);
	end_all(f);
	rig_settle(f);
	end_all(f);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_of_nobody), cmocka_unit_test(identity_of_invite),
		cmocka_unit_test(identity_of_family), cmocka_unit_test(identity_of_methods),
		cmocka_unit_test(critical_privacy),   cmocka_unit_test(identity_of_answer),
		cmocka_unit_test(identity_of_bye),    cmocka_unit_test(privacy_to_customer),
		cmocka_unit_test(challenges),         cmocka_unit_test(redirections),
		cmocka_unit_test(transfers),          cmocka_unit_test(generated_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
