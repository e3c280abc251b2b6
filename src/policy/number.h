/* Telephone numbers: E.164 form and kind. Everything that decides or is sent uses the normalised
 * form, never the string as it came. What a number may cost (class) is policy/class.h. */
#ifndef POSTERN_POLICY_NUMBER_H
#define POSTERN_POLICY_NUMBER_H

#include "base/buf.h"
#include "policy/account.h"
#include "sip/uri.h"

enum {
	NUMBER_SIZE = 32,       /* normalised number with its NUL */
	NUMBER_DIGITS_MAX = 15, /* E.164 */
	NUMBER_DIGITS_MIN = 7,  /* of a number with '+', country code counted */
	NUMBER_INPUT_MAX = 128, /* user part with parameters */
	NUMBER_EMERGENCY_MAX = 16,
	NUMBER_SHORT_SIZE = 8, /* an emergency number with its NUL */
	NUMBER_ACCESS_MAX = 8,
	NUMBER_ACCESS_SIZE = 6, /* access digits with their NUL */
	NUMBER_PREMIUM_MAX = 32,
	NUMBER_PREMIUM_SIZE = 16, /* '+' and digits with their NUL */
	NUMBER_HOME_MAX = 16,
	NUMBER_HOME_SIZE = 4, /* "US" or "868" with its NUL */
};

/* How numbers are read: part of the configuration, plain data. */
struct number_plan {
	char country[4]; /* digits: "1", "44"; "" = only numbers with '+' are recognised */
	uint32_t n_emergency, n_access, n_premium, n_home;
	/* besides 911, 112 and 933, which are always emergency numbers */
	char emergency[NUMBER_EMERGENCY_MAX][NUMBER_SHORT_SIZE];
	/* what a PBX may have left in front of a short number: "9", "1", "+1", "+" */
	char access[NUMBER_ACCESS_MAX][NUMBER_ACCESS_SIZE];
	/* beginnings of premium-rate numbers, "+4490"; 900, 976 and +979 are known */
	char premium[NUMBER_PREMIUM_MAX][NUMBER_PREMIUM_SIZE];
	/* country 1: what is national there, countries ("US") and area codes ("868") */
	char home[NUMBER_HOME_MAX][NUMBER_HOME_SIZE];
};

#define NUMBER_KIND_LIST(X)                                                                        \
	X(OTHER, other) /* well formed, but none of the others: short codes, too long */           \
	X(EMERGENCY, emergency)                                                                    \
	X(SERVICE, service) /* country 1: 988 and 211 .. 811 */                                    \
	X(TOLL_FREE, toll_free)                                                                    \
	X(NATIONAL, national)                                                                      \
	X(INTERNATIONAL, international)                                                            \
	X(PREMIUM, premium)

enum number_kind {
#define X(upper, lower) NUMBER_##upper,
	NUMBER_KIND_LIST(X)
#undef X
		NUMBER_KIND_N
};

struct number {
	char z[NUMBER_SIZE]; /* "+15551230000"; emergency, service: the short form, "911"; other:
			      * digits * # */
	uint8_t kind;        /* enum number_kind */
	uint8_t pad[3];
};

/** Country 1, home US, access digits 9, 1, +1 and +; no further emergency or premium numbers. */
void number_plan_default(struct number_plan *p);
/**
 * Read the user part of a tel or sip URI without its %-escapes, with or without parameters:
 * visual separators - . ( ) and spaces go, 00 and (country 1) 011 become '+', national forms get
 * the country code. Of the parameters only phone-context counts (RFC 3966 5.1.5): a global one is
 * put before a number without '+'; a domain means this plan. rn, npdi, cic, ext and all others are
 * dropped and never sent on. Idempotent: reading out->z gives the same again.
 * SYNTAX: not a telephone number (a letter, a digit beyond ASCII, nothing left, '+' inside, two
 * phone-contexts); LONG: beyond the limits.
 */
enum err number_read(const struct number_plan *p, struct str user, struct number *out) NODISCARD;
/**
 * The number that a URI calls: sip and sips by their user part, with or without user=phone; tel
 * with its parameters; urn:service:sos as 911. %-escapes are undone once. Errors as above.
 */
enum err number_read_uri(const struct number_plan *p, const struct sip_uri *uri,
			 struct number *out) NODISCARD;
const char *number_kind_name(enum number_kind k);
/**
 * Key of an exact number ("+15551230000") or a prefix ("+1555124*") in the snapshot's number
 * table: keys sort, and a prefix is a key of its own. SYNTAX when it is neither.
 */
enum err number_key(struct str pattern, uint64_t *out) NODISCARD;
/** Digits of the number or prefix that this is the key of. */
unsigned number_key_digits(uint64_t key);
/** Its digits as a number, filled with zeros on the right to 15. */
uint64_t number_key_value(uint64_t key);
/** Is it the key of a prefix? */
bool number_key_is_prefix(uint64_t key);
/** The pattern back from its key. */
void number_key_put(struct buf *b, uint64_t key);

#endif
