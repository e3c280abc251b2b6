/* Telephone numbers: E.164 form, kind, class. Everything that decides or is sent uses the
 * normalised form, never the string as it came. Input has its SIP escapes already removed. */
#ifndef POSTERN_POLICY_NUMBER_H
#define POSTERN_POLICY_NUMBER_H

#include "base/buf.h"
#include "policy/account.h"

enum {
	NUMBER_SIZE = 32,       /* normalised number with its NUL */
	NUMBER_DIGITS_MAX = 15, /* E.164 */
	NUMBER_DIGITS_MIN = 7,  /* of a number with '+', country code counted */
	NUMBER_INPUT_MAX = 128, /* user part with parameters */
	NUMBER_EMERGENCY_MAX = 16,
	NUMBER_SHORT_SIZE = 8, /* an emergency number with its NUL */
};

/* How numbers without '+' are read: part of the configuration, plain data. */
struct number_plan {
	char country[4]; /* digits: "1", "44"; "" = only numbers with '+' are recognised */
	uint32_t n_emergency;
	char emergency[NUMBER_EMERGENCY_MAX][NUMBER_SHORT_SIZE];
};

#define NUMBER_KIND_LIST(X)                                                                        \
	X(OTHER, other) /* well formed, but none of the others: short codes, premium */            \
	X(EMERGENCY, emergency)                                                                    \
	X(TOLL_FREE, toll_free)                                                                    \
	X(NATIONAL, national)                                                                      \
	X(INTERNATIONAL, international)

enum number_kind {
#define X(upper, lower) NUMBER_##upper,
	NUMBER_KIND_LIST(X)
#undef X
		NUMBER_KIND_N
};

struct number {
	char z[NUMBER_SIZE]; /* "+15551230000"; emergency: the short form "911"; other: digits * #
			      */
	uint8_t kind;        /* enum number_kind */
	uint8_t pad[3];
};

/** Country 1, emergency 911, 112, 933. */
void number_plan_default(struct number_plan *p);
/**
 * Read the user part of a tel or sip URI, with or without parameters (only phone-context is
 * looked at): visual separators - . ( ) and spaces go, 00 and (country 1) 011 become '+', national
 * forms get the country code. Idempotent: reading out->z gives the same again.
 * SYNTAX: not a telephone number (a letter, nothing left, '+' inside); LONG: beyond the limits.
 */
enum err number_read(const struct number_plan *p, struct str user, struct number *out) NODISCARD;
/** Is this whole Request-URI an emergency service (urn:service:sos, RFC 5031)? */
bool number_urn_sos(struct str uri);
/** The class of a call to a number of this kind; from_customer: the caller is a customer. */
enum policy_class number_class(enum number_kind kind, bool from_customer);
const char *number_kind_name(enum number_kind k);
/**
 * Key of an exact number ("+15551230000") or a prefix ("+1555124*") in the snapshot's number
 * table: keys sort, and a prefix is a key of its own. SYNTAX when it is neither.
 */
enum err number_key(struct str pattern, uint64_t *out) NODISCARD;
/** The pattern back from its key. */
void number_key_put(struct buf *b, uint64_t key);

#endif
