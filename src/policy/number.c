#include "policy/number.h"

#include <string.h>

#include "policy/area.h"

void
number_plan_default(struct number_plan *p)
{
	static const char *const access[] = {"9", "1", "+1", "+"};

	memset(p, 0, sizeof(*p));
	memcpy(p->country, "1", 2);
	memcpy(p->home[0], "US", 3);
	p->n_home = 1;
	for (size_t i = 0; i < ARRAY_LEN(access); i++)
		memcpy(p->access[p->n_access++], access[i], strlen(access[i]) + 1);
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

/* ---- what was dialled ---- */

/* Cut parameters off *user; *context is a phone-context that is a global prefix ("+1"), or "". */
static enum err
take_params(struct str *user, struct str *context)
{
	struct str params = *user;
	bool seen = false;

	*context = STR_NULL;
	*user = str_cut(&params, ';');
	while (params.len) {
		struct str value = str_cut(&params, ';');
		struct str name = str_cut(&value, '=');

		if (!str_ieq(name, STR("phone-context")))
			continue;
		if (seen)
			return ERR_SYNTAX; /* two readers could take different ones */
		seen = true;
		if (value.len && value.p[0] == '+')
			*context = value;
	}
	return ERR_OK;
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

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return true;
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

/* ---- short numbers ---- */

/* Is d this short number, alone or behind access digits? */
static bool
is_short(const struct number_plan *p, struct str d, struct str number)
{
	if (number.len == 0 || !str_ends(d, number))
		return false;
	d = str_sub(d, 0, d.len - number.len);
	for (uint32_t i = 0; i < p->n_access && i < NUMBER_ACCESS_MAX; i++)
		if (d.len && str_eqz(d, p->access[i]))
			return true;
	return d.len == 0;
}

/* The emergency number that d is, in its short form, or "". */
static struct str
find_emergency(const struct number_plan *p, struct str d)
{
	static const char *const always[] = {"911", "112", "933"};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (is_short(p, d, str_from(always[i])))
			return str_from(always[i]);
	for (uint32_t i = 0; i < p->n_emergency && i < NUMBER_EMERGENCY_MAX; i++)
		if (is_short(p, d, str_from(p->emergency[i])))
			return str_from(p->emergency[i]);
	return STR_NULL;
}

/* Country 1: 988 and N11, in their short form, or "". */
static struct str
find_service(const struct number_plan *p, struct str d)
{
	static const char *const services[] = {"988", "211", "311", "411",
					       "511", "611", "711", "811"};

	for (size_t i = 0; str_eqz(str_from(p->country), "1") && i < ARRAY_LEN(services); i++)
		if (is_short(p, d, str_from(services[i])))
			return str_from(services[i]);
	return STR_NULL;
}

/* ---- kinds ---- */

/* Does the plan call this area code national? */
static bool
is_home_area(const struct number_plan *p, struct str area)
{
	struct str country = str_from(area_country(area));

	for (uint32_t i = 0; i < p->n_home && i < NUMBER_HOME_MAX; i++)
		if (str_eqz(area, p->home[i]) || str_eqz(country, p->home[i]))
			return true;
	return false;
}

/* Kind of a number of the North American plan, d = the digits with the leading 1. */
static enum number_kind
nanp_kind(const struct number_plan *p, struct str d, bool at_home)
{
	static const char *const free_call[] = {"800", "833", "844", "855", "866", "877", "888"};
	struct str area = str_sub(d, 1, 4), exchange = str_sub(d, 4, 7);

	if (d.len != 11 || area.p[0] < '2')
		return NUMBER_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(free_call); i++)
		if (str_eqz(area, free_call[i]))
			return NUMBER_TOLL_FREE;
	if (str_eqz(area, "900") || str_eqz(area, "976") || str_eqz(exchange, "976"))
		return NUMBER_PREMIUM;
	return at_home && is_home_area(p, area) ? NUMBER_NATIONAL : NUMBER_INTERNATIONAL;
}

/* Is g, with its '+', premium by configuration? */
static bool
is_premium(const struct number_plan *p, struct str g)
{
	for (uint32_t i = 0; i < p->n_premium && i < NUMBER_PREMIUM_MAX; i++)
		if (p->premium[i][0] && str_starts(g, str_from(p->premium[i])))
			return true;
	return false;
}

/* Kind of a number with its '+'. */
static enum number_kind
global_kind(const struct number_plan *p, struct str g)
{
	struct str d = str_from_at(g, 1), cc = str_from(p->country);
	bool at_home = cc.len && str_starts(d, cc);

	if (!all_digits(d) || d.len < NUMBER_DIGITS_MIN || d.len > NUMBER_DIGITS_MAX ||
	    d.p[0] == '0')
		return NUMBER_OTHER;
	if (is_premium(p, g))
		return NUMBER_PREMIUM;
	if (d.p[0] == '1')
		return nanp_kind(p, d, at_home);
	if (str_starts(d, STR("800")))
		return NUMBER_TOLL_FREE; /* international freephone, ITU-T E.169.1 */
	if (str_starts(d, STR("979")))
		return NUMBER_PREMIUM; /* international premium rate, ITU-T E.169.2 */
	return at_home ? NUMBER_NATIONAL : NUMBER_INTERNATIONAL;
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

/* The short number that d is, settled; NOTFOUND. Emergency before all else. */
static enum err
settle_short(const struct number_plan *p, struct str d, struct number *out)
{
	struct str sos = find_emergency(p, d), service = find_service(p, d);

	if (sos.len)
		return settle_number(sos, NUMBER_EMERGENCY, out);
	return service.len ? settle_number(service, NUMBER_SERVICE, out) : ERR_NOTFOUND;
}

enum err
number_read(const struct number_plan *p, struct str user, struct number *out)
{
	char clean[NUMBER_SIZE], global[NUMBER_SIZE + sizeof(p->country) + 1];
	struct str context, d, g;
	struct buf cb, gb;
	enum err e;

	if (user.len > NUMBER_INPUT_MAX)
		return ERR_LONG;
	e = take_params(&user, &context);
	buf_init(&cb, clean, sizeof(clean) - 1);
	if (e == ERR_OK)
		e = add_digits(&cb, user);
	if (e != ERR_OK)
		return e;
	d = buf_view(&cb);
	if (d.len == 0 || str_eqz(d, "+"))
		return ERR_SYNTAX;
	if (settle_short(p, d, out) == ERR_OK)
		return ERR_OK;
	buf_init(&gb, global, sizeof(global) - 1);
	if (d.p[0] == '+')
		context = STR_NULL; /* it is global already */
	e = add_digits(&gb, context);
	if (e != ERR_OK)
		return e;
	if (context.len || d.p[0] == '+')
		buf_str(&gb, d);
	else
		put_global(p, d, &gb);
	if (gb.failed)
		return ERR_LONG;
	g = buf_view(&gb);
	if (settle_short(p, g, out) == ERR_OK)
		return ERR_OK;
	return settle_number(g, g.p[0] == '+' ? global_kind(p, g) : NUMBER_OTHER, out);
}

enum err
number_read_uri(const struct number_plan *p, const struct sip_uri *uri, struct number *out)
{
	char mem[NUMBER_INPUT_MAX];
	struct buf b;
	enum err e;

	if (uri->scheme == SIP_SCHEME_OTHER)
		return sip_uri_is_sos(uri) ? settle_number(STR("911"), NUMBER_EMERGENCY, out)
					   : ERR_SYNTAX;
	buf_init(&b, mem, sizeof(mem));
	e = sip_uri_user(uri, &b);
	if (e == ERR_OK && uri->scheme == SIP_SCHEME_TEL)
		e = sip_unescape(uri->params, &b);
	if (e == ERR_OK)
		e = buf_end(&b);
	return e == ERR_OK ? number_read(p, buf_view(&b), out) : e;
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

unsigned
number_key_digits(uint64_t key)
{
	return (unsigned)(key >> 1 & 15);
}

uint64_t
number_key_value(uint64_t key)
{
	return key >> KEY_LOW_BITS;
}

bool
number_key_is_prefix(uint64_t key)
{
	return key & 1;
}

void
number_key_put(struct buf *b, uint64_t key)
{
	char digits[NUMBER_DIGITS_MAX];
	unsigned n = number_key_digits(key);
	uint64_t v = key >> KEY_LOW_BITS;

	for (unsigned i = NUMBER_DIGITS_MAX; i > 0; i--, v /= 10)
		digits[i - 1] = (char)('0' + v % 10);
	buf_char(b, '+');
	buf_add(b, digits, n);
	if (number_key_is_prefix(key))
		buf_char(b, '*');
}
