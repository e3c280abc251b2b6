#include "call/hide.h"

#include <string.h>

#include "base/guard.h"

/* Where a header that is not ours may go. */
enum {
	TO_CUSTOMER = 1,
	TO_CARRIER = 2,     /* the allow-list of what customers may say to carriers */
	UNLESS_PRIVATE = 4, /* not when the caller wants to be withheld */
	UNLESS_HISTORY = 8, /* not when Privacy asks for "history" (RFC 7044 7.2) */
	UNLESS_USER = 32,   /* not when Privacy asks for "user" (RFC 3323 5.3) */
	OWN_PRIVACY = 16,   /* not when its privacy parameter says so (RFC 5806 4.4) */
};

/* Every header that is not "ours". A header of no known name goes to customers only. */
static const struct {
	uint8_t id, class, goes;
} rules[] = {
	{SIP_H_P_ASSERTED_IDENTITY, HIDE_TRUST, TO_CUSTOMER | UNLESS_PRIVATE},
	{SIP_H_P_PREFERRED_IDENTITY, HIDE_TRUST, 0},
	{SIP_H_REMOTE_PARTY_ID, HIDE_TRUST, TO_CUSTOMER | UNLESS_PRIVATE | OWN_PRIVACY},
	{SIP_H_P_CHARGE_INFO, HIDE_TRUST, 0},
	{SIP_H_P_ACCESS_NETWORK_INFO, HIDE_TRUST, 0},
	{SIP_H_DIVERSION, HIDE_TRUST, TO_CUSTOMER | UNLESS_HISTORY | OWN_PRIVACY},
	{SIP_H_HISTORY_INFO, HIDE_TRUST, TO_CUSTOMER | UNLESS_HISTORY},
	{SIP_H_GEOLOCATION, HIDE_TRUST, 0},
	{SIP_H_IDENTITY, HIDE_TRUST, TO_CUSTOMER | UNLESS_PRIVATE}, /* it holds the number */
	{SIP_H_PRIORITY, HIDE_TRUST, TO_CUSTOMER},
	{SIP_H_RESOURCE_PRIORITY, HIDE_TRUST, 0},
	{SIP_H_ACCEPT_CONTACT, HIDE_OTHER, TO_CUSTOMER},
	{SIP_H_ACCEPT_LANGUAGE, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER},
	{SIP_H_ALERT_INFO, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER | UNLESS_USER}, /* a URL */
	{SIP_H_CALL_INFO, HIDE_OTHER, TO_CUSTOMER | UNLESS_PRIVATE},
	{SIP_H_DATE, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER},
	{SIP_H_ERROR_INFO, HIDE_OTHER, TO_CUSTOMER},
	{SIP_H_EXPIRES, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER},
	{SIP_H_ORGANIZATION, HIDE_OTHER, TO_CUSTOMER | UNLESS_PRIVATE},
	{SIP_H_PRIVACY, HIDE_OTHER, TO_CUSTOMER}, /* to carriers: call/caller */
	{SIP_H_REASON, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER | UNLESS_USER}, /* with a text */
	{SIP_H_SUBJECT, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER | UNLESS_USER},
	{SIP_H_USER_TO_USER, HIDE_OTHER, TO_CUSTOMER | TO_CARRIER},
	{SIP_H_OTHER, HIDE_OTHER, TO_CUSTOMER},
};

static size_t
find_rule(enum sip_hdr_id id)
{
	size_t i = 0;

	while (i < ARRAY_LEN(rules) && rules[i].id != id)
		i++;
	return i;
}

enum hide_class
hide_class_of(enum sip_hdr_id id)
{
	size_t i = find_rule(id);

	return i < ARRAY_LEN(rules) ? (enum hide_class)rules[i].class : HIDE_OURS;
}

/* Is there a word among the n given ones, or (others) one that is none of them, in Privacy, a ";"
 * list? Some write commas, or a line for each. */
static bool
has_word(const struct sip_msg *m, const char *const *given, size_t n, bool others)
{
	for (const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_PRIVACY); h; h = sip_msg_next(m, h)) {
		struct str lists = h->value;

		while (lists.len) {
			struct str words = str_cut(&lists, ',');

			while (words.len) {
				struct str word = str_trim(str_cut(&words, ';'));
				size_t i = 0;

				while (i < n && !str_ieqz(word, given[i]))
					i++;
				if (word.len && (i == n) == others)
					return true;
			}
		}
	}
	return false;
}

bool
hide_asks_for(const struct sip_msg *m, const char *word)
{
	return has_word(m, &word, 1, false);
}

bool
hide_lacks_privacy(const struct sip_msg *m)
{
	static const char *const known[] = {"none", "header",  "session", "user",
					    "id",   "history", "critical"};

	return hide_asks_for(m, "critical") && has_word(m, known, ARRAY_LEN(known), true);
}

/* Has an element of this header a privacy parameter other than "off"? */
static bool
is_marked_private(struct str value)
{
	size_t at;

	while ((at = str_find(value, STR("privacy="))) < value.len) {
		value = str_from_at(value, at + strlen("privacy="));
		if (value.len && value.p[0] == '"')
			value = str_from_at(value, 1);
		if (!str_istarts(value, STR("off")))
			return true;
	}
	return false;
}

bool
hide_wants_privacy(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_REMOTE_PARTY_ID);

	for (; h; h = sip_msg_next(m, h))
		if (is_marked_private(h->value))
			return true;
	return hide_asks_for(m, "id") || hide_asks_for(m, "user");
}

/* Names of no list that are never anyone else's business: they steer proxies of the other side. */
static bool
is_internal(struct str name)
{
	return str_istarts(name, STR("P-")) || str_istarts(name, STR("X-Internal"));
}

bool
hide_crosses(const struct sip_msg *m, const struct sip_hdr *h, enum hide_way way)
{
	size_t i = find_rule((enum sip_hdr_id)h->id);
	unsigned goes = i < ARRAY_LEN(rules) ? rules[i].goes : 0;

	if (h->id == SIP_H_OTHER && is_internal(h->name))
		return false;
	if ((goes & UNLESS_USER) && hide_asks_for(m, "user"))
		return false;
	if (way == HIDE_TO_CARRIER)
		return GUARD(P5, (goes & TO_CARRIER) != 0);
	if (((goes & UNLESS_PRIVATE) && hide_wants_privacy(m)) ||
	    ((goes & UNLESS_HISTORY) && hide_asks_for(m, "history")) ||
	    ((goes & OWN_PRIVACY) && is_marked_private(h->value)))
		return false;
	return (goes & TO_CUSTOMER) != 0;
}

void
hide_copy(struct buf *b, const struct sip_msg *m, enum hide_way way)
{
	for (unsigned i = 0; i < m->n_hdr; i++)
		if (hide_class_of((enum sip_hdr_id)m->hdr[i].id) != HIDE_OURS &&
		    hide_crosses(m, &m->hdr[i], way))
			(void)!sip_edit_copy(b, &m->hdr[i]); /* one with a NUL stays behind */
}
