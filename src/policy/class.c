#include "policy/class.h"

enum policy_class
class_of(enum number_kind kind, bool from_customer)
{
	/* [kind][0] to a customer, [1] from a customer */
	static const enum policy_class table[NUMBER_KIND_N][2] = {
		[NUMBER_OTHER] = {CLASS_NONE, CLASS_NONE},
		[NUMBER_EMERGENCY] = {CLASS_NONE, CLASS_EMERGENCY},
		[NUMBER_SERVICE] = {CLASS_NONE, CLASS_SERVICE},
		[NUMBER_TOLL_FREE] = {CLASS_TOLL_FREE, CLASS_TERMINATION},
		[NUMBER_NATIONAL] = {CLASS_ORIGINATION, CLASS_TERMINATION},
		[NUMBER_INTERNATIONAL] = {CLASS_ORIGINATION, CLASS_INTERNATIONAL},
		[NUMBER_PREMIUM] = {CLASS_ORIGINATION, CLASS_PREMIUM},
	};

	return (unsigned)kind < NUMBER_KIND_N ? table[kind][from_customer] : CLASS_NONE;
}

bool
class_country(struct str countries, struct str e164)
{
	struct str d = str_from_at(e164, 1);

	if (countries.len == 0)
		return true;
	while (countries.len) {
		struct str one = str_trim(str_cut(&countries, ','));

		if (one.len && one.p[0] == '+')
			one = str_from_at(one, 1);
		if (one.len && e164.p[0] == '+' && str_starts(d, one))
			return true;
	}
	return false;
}
