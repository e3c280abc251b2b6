/* Classes of calls: what a number costs, seen from the customer. One table(direction, kind). */
#ifndef POSTERN_POLICY_CLASS_H
#define POSTERN_POLICY_CLASS_H

#include "policy/number.h"

/**
 * The class of a call to a number of this kind; from_customer: the caller is a customer. To a
 * customer: its own 8YY number is toll_free, any other origination. From a customer: national and
 * 8YY numbers are termination, other countries international, premium rate premium, 988 and N11
 * service. CLASS_NONE: not a number that can be called.
 */
enum policy_class class_of(enum number_kind kind, bool from_customer);
/**
 * May an account with this list of country codes and prefixes, divided by commas ("44,1876"; "" =
 * all), call this number ("+..." as number_read gives it)? Asked for class international only.
 */
bool class_country(struct str countries, struct str e164);

#endif
