#include "app/keeper_msg.h"

const char *
keeper_role_name(enum keeper_role r)
{
	static const char *const names[] = {"keeper", "signaling", "media", "admin"};

	return (unsigned)r < ARRAY_LEN(names) ? names[r] : "?";
}
