#include "policy/number.h"

#include <string.h>

void
number_plan_default(struct number_plan *p)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->country, "1", 2);
	p->n_emergency = 3;
	memcpy(p->emergency[0], "911", 4);
	memcpy(p->emergency[1], "112", 4);
	memcpy(p->emergency[2], "933", 4);
}

const char *
number_kind_name(enum number_kind k)
{
	static const char *const name[NUMBER_KIND_N] = {
#define X(upper, lower) #lower,
		NUMBER_KIND_LIST(X)
#undef X
	};

	return (unsigned)k < NUMBER_KIND_N ? name[k] : "?";
}

bool
number_urn_sos(struct str uri)
{
	struct str sos = STR("urn:service:sos");

	return str_istarts(uri, sos) && (uri.len == sos.len || uri.p[sos.len] == '.');
}

enum policy_class
number_class(enum number_kind kind, bool from_customer)
{
	/* [kind][0] to a customer, [1] from a customer */
	static const enum policy_class table[NUMBER_KIND_N][2] = {
		[NUMBER_OTHER] = {CLASS_NONE, CLASS_NONE},
		[NUMBER_EMERGENCY] = {CLASS_NONE, CLASS_EMERGENCY},
		[NUMBER_TOLL_FREE] = {CLASS_TOLL_FREE, CLASS_TOLL_FREE},
		[NUMBER_NATIONAL] = {CLASS_TERMINATION, CLASS_ORIGINATION},
		[NUMBER_INTERNATIONAL] = {CLASS_TERMINATION, CLASS_INTERNATIONAL},
	};

	return (unsigned)kind < NUMBER_KIND_N ? table[kind][from_customer] : CLASS_NONE;
}

/* Cut parameters off *user; the value of a phone-context that is a global prefix ("+1"), or "". */
static struct str
take_params(struct str *user)
{
	struct str params = *user;

	*user = str_cut(&params, ';');
	while (params.len) {
		struct str value = str_cut(&params, ';');
		struct str name = str_cut(&value, '=');

		if (str_ieq(name, STR("phone-context")) && value.len && value.p[0] == '+')
			return value;
	}
	return STR_NULL;
}

/* Append what is dialled in s without visual separators; plus only as the very first. */
static enum err
add_digits(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')' || c == ' ')
			continue;
		if (!ascii_digit(c) && c != '*' && c != '#' && !(c == '+' && b->len == 0))
			return ERR_SYNTAX;
		buf_char(b, c);
	}
	return b->failed ? ERR_LONG : ERR_OK;
}

/* The emergency number that d (without '+') is, in its short form, or "". */
static struct str
find_emergency(const struct number_plan *p, struct str d, bool global)
{
	struct str cc = str_from(p->country);

	for (uint32_t i = 0; i < p->n_emergency && i < NUMBER_EMERGENCY_MAX; i++) {
		struct str sos = str_from(p->emergency[i]);

		if (sos.len == 0)
			continue;
		if (str_eq(d, sos))
			return sos;
		/* some dial plans put '+' or the country code before everything */
		if (global && cc.len && d.len == cc.len + sos.len && str_starts(d, cc) &&
		    str_ends(d, sos))
			return sos;
	}
	return STR_NULL;
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return true;
}

/* Is this area code one of list, each three digits and a space? */
static bool
in_list(struct str area, const char *list)
{
	for (; *list; list += 4)
		if (str_eq(area, str_of(list, 3)))
			return true;
	return false;
}

/* Kind of a number of the North American plan, d = the digits with the leading 1. */
static enum number_kind
nanp_kind(struct str d, bool at_home)
{
	/* Country code 1, but another country's tariff: a classic of toll fraud. */
	static const char abroad[] = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 "
				     "809 829 849 868 869 876 ";
	static const char free_call[] = "800 833 844 855 866 877 888 ";
	struct str area = str_sub(d, 1, 4);

	if (d.len != 11 || area.p[0] < '2' || in_list(area, "900 ")) /* 900: premium rate */
		return NUMBER_OTHER;
	if (in_list(area, free_call))
		return NUMBER_TOLL_FREE;
	return at_home && !in_list(area, abroad) ? NUMBER_NATIONAL : NUMBER_INTERNATIONAL;
}

/* Kind of the digits that follow '+'. */
static enum number_kind
global_kind(const struct number_plan *p, struct str d)
{
	struct str cc = str_from(p->country);
	bool at_home = cc.len && str_starts(d, cc);

	if (!all_digits(d) || d.len < NUMBER_DIGITS_MIN || d.len > NUMBER_DIGITS_MAX ||
	    d.p[0] == '0')
		return NUMBER_OTHER;
	if (d.p[0] == '1')
		return nanp_kind(d, at_home);
	if (str_starts(d, STR("800")))
		return NUMBER_TOLL_FREE; /* international freephone, ITU-T E.169.1 */
	if (str_starts(d, STR("979")))
		return NUMBER_OTHER; /* international premium rate, ITU-T E.169.2 */
	return at_home ? NUMBER_NATIONAL : NUMBER_INTERNATIONAL;
}

/* Write d, as dialled, to b in the global form where the plan knows it, unchanged elsewhere. */
static void
put_global(const struct number_plan *p, struct str d, struct buf *b)
{
	bool nanp = str_eqz(str_from(p->country), "1");

	if (p->country[0] == 0 || !all_digits(d)) {
		buf_str(b, d);
	} else if (nanp && d.len > 3 && str_starts(d, STR("011"))) {
		buf_char(b, '+');
		buf_str(b, str_from_at(d, 3));
	} else if (d.len > 2 && str_starts(d, STR("00"))) {
		buf_char(b, '+');
		buf_str(b, str_from_at(d, 2));
	} else if (nanp && d.len == 11 && d.p[0] == '1') {
		buf_char(b, '+');
		buf_str(b, d);
	} else if (nanp && d.len == 10 && d.p[0] >= '2') {
		buf_z(b, "+1");
		buf_str(b, d);
	} else if (!nanp && d.len > 1 && d.p[0] == '0') {
		buf_char(b, '+');
		buf_z(b, p->country);
		buf_str(b, str_from_at(d, 1));
	} else {
		buf_str(b, d);
	}
}

static enum err
settle_number(struct str z, enum number_kind kind, struct number *out)
{
	struct number n = {.kind = (uint8_t)kind};
	enum err e = str_copyz(n.z, sizeof(n.z), z);

	if (e == ERR_OK)
		*out = n;
	return e;
}

enum err
number_read(const struct number_plan *p, struct str user, struct number *out)
{
	char clean[NUMBER_SIZE], global[NUMBER_SIZE + sizeof(p->country) + 1];
	struct buf c, g;
	struct str context, sos;
	enum err e;

	if (user.len > NUMBER_INPUT_MAX)
		return ERR_LONG;
	context = take_params(&user);
	buf_init(&c, clean, sizeof(clean) - 1);
	e = add_digits(&c, user);
	if (e != ERR_OK)
		return e;
	if (c.len == 0 || (c.len == 1 && clean[0] == '+'))
		return ERR_SYNTAX;
	buf_init(&g, global, sizeof(global) - 1);
	if (clean[0] == '+') {
		buf_str(&g, buf_view(&c));
	} else {
		sos = find_emergency(p, buf_view(&c), false);
		if (sos.len)
			return settle_number(sos, NUMBER_EMERGENCY, out);
		if (context.len) /* RFC 3966 5.1.5 */
			e = add_digits(&g, context);
		if (e == ERR_OK && context.len)
			buf_str(&g, buf_view(&c));
		else if (e == ERR_OK)
			put_global(p, buf_view(&c), &g);
	}
	if (e != ERR_OK || g.failed)
		return e != ERR_OK ? e : ERR_LONG;
	if (global[0] != '+')
		return settle_number(buf_view(&g), NUMBER_OTHER, out);
	sos = find_emergency(p, str_from_at(buf_view(&g), 1), true);
	if (sos.len)
		return settle_number(sos, NUMBER_EMERGENCY, out);
	return settle_number(buf_view(&g), global_kind(p, str_from_at(buf_view(&g), 1)), out);
}

/* Key: the digits, padded with zeros on the right to 15, then 5 bits: count of digits and
 * whether it is a prefix. */
enum { KEY_LOW_BITS = 5 };

enum err
number_key(struct str pattern, uint64_t *out)
{
	bool prefix = pattern.len && pattern.p[pattern.len - 1] == '*';
	struct str d = str_sub(pattern, 1, pattern.len - prefix);
	uint64_t v;

	if (pattern.len == 0 || pattern.p[0] != '+' || d.len == 0 || d.len > NUMBER_DIGITS_MAX ||
	    d.p[0] == '0' || (!prefix && d.len < NUMBER_DIGITS_MIN))
		return ERR_SYNTAX;
	if (str_u64(d, UINT64_MAX, &v) != ERR_OK)
		return ERR_SYNTAX;
	for (size_t i = d.len; i < NUMBER_DIGITS_MAX; i++)
		v *= 10;
	*out = v << KEY_LOW_BITS | d.len << 1 | prefix;
	return ERR_OK;
}

void
number_key_put(struct buf *b, uint64_t key)
{
	char digits[NUMBER_DIGITS_MAX];
	unsigned n = (unsigned)(key >> 1 & 15);
	uint64_t v = key >> KEY_LOW_BITS;

	for (unsigned i = NUMBER_DIGITS_MAX; i > 0; i--, v /= 10)
		digits[i - 1] = (char)('0' + v % 10);
	buf_char(b, '+');
	buf_add(b, digits, n);
	if (key & 1)
		buf_char(b, '*');
}
