#include "srtp/replay.h"

bool
srtp_replay_fresh(const struct srtp_replay *r, uint64_t index)
{
	uint64_t age;

	if (index >= r->next)
		return true;
	age = r->next - 1 - index;
	if (age >= SRTP_WINDOW)
		return false;
	return !(r->seen[age / 64] >> age % 64 & 1);
}

static void
shift_window(struct srtp_replay *r, uint64_t by)
{
	if (by >= SRTP_WINDOW) {
		r->seen[0] = r->seen[1] = 0;
	} else if (by >= 64) {
		r->seen[1] = r->seen[0] << (by - 64);
		r->seen[0] = 0;
	} else if (by > 0) {
		r->seen[1] = r->seen[1] << by | r->seen[0] >> (64 - by);
		r->seen[0] <<= by;
	}
}

void
srtp_replay_commit(struct srtp_replay *r, uint64_t index)
{
	uint64_t age;

	if (index >= r->next) {
		shift_window(r, index + 1 - r->next);
		r->next = index + 1;
	}
	age = r->next - 1 - index;
	if (age < SRTP_WINDOW)
		r->seen[age / 64] |= UINT64_C(1) << age % 64;
}

void
srtp_replay_fill(struct srtp_replay *r, uint64_t index)
{
	r->next = index + 1;
	r->seen[0] = r->seen[1] = UINT64_MAX;
}
