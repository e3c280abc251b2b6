#include "policy/emergency.h"

#include "base/clock.h"
#include "base/hash.h"

static uint64_t
key_of(enum emergency_what what, struct str text)
{
	const uint64_t key[2] = {what, 0}; /* numbers and ids are our own, nobody chooses them */
	uint64_t h = hash_siphash(key, text.p, text.len);

	return h ? h : 1;
}

void
emergency_note(struct emergency *e, enum emergency_what what, struct str text, uint64_t now_us)
{
	uint64_t key = key_of(what, text);
	uint32_t at = 0;

	if (text.len == 0)
		return;
	for (uint32_t i = 0; i < EMERGENCY_ROWS; i++) {
		if (e->row[i].key == key) {
			at = i;
			break;
		}
		if (e->row[i].until_us < e->row[at].until_us)
			at = i;
	}
	e->row[at].key = key;
	e->row[at].until_us = now_us + (uint64_t)EMERGENCY_BACK_S * CLOCK_S;
}

bool
emergency_recent(const struct emergency *e, enum emergency_what what, struct str text,
		 uint64_t now_us)
{
	uint64_t key = key_of(what, text);

	for (uint32_t i = 0; text.len && i < EMERGENCY_ROWS; i++)
		if (e->row[i].key == key && e->row[i].until_us > now_us)
			return true;
	return false;
}
