#include "edge/redial.h"

#include <string.h>

static struct redial_entry *
find_entry(struct redial *r, const struct policy_id *trunk)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (strcmp(r->entry[i].trunk.z, trunk->z) == 0)
			return &r->entry[i];
	return NULL;
}

static void
drop_entry(struct redial *r, struct redial_entry *x)
{
	*x = r->entry[--r->n];
}

/* Half to all of the time that doubles with each try. */
static uint64_t
wait_us(uint32_t tries, uint32_t random)
{
	uint64_t us = REDIAL_FIRST_US;

	for (uint32_t i = 0; i < tries && us < REDIAL_LONGEST_US; i++)
		us *= 2;
	if (us > REDIAL_LONGEST_US)
		us = REDIAL_LONGEST_US;
	return us / 2 + random % (us / 2 + 1);
}

void
redial_lost(struct redial *r, const struct policy_id *account, const struct policy_id *trunk,
	    uint32_t random, uint64_t now)
{
	struct redial_entry *x = find_entry(r, trunk);

	if (!x && r->n == REDIAL_MAX)
		return;
	if (!x) {
		x = &r->entry[r->n++];
		*x = (struct redial_entry){.account = *account, .trunk = *trunk};
	} else if (x->due != UINT64_MAX) {
		return; /* another connection of the trunk went with it */
	}
	if (x->tries == REDIAL_TRIES) {
		drop_entry(r, x);
		return;
	}
	x->due = now + wait_us(x->tries++, random);
}

void
redial_done(struct redial *r, const struct policy_id *trunk)
{
	struct redial_entry *x = find_entry(r, trunk);

	if (x)
		drop_entry(r, x);
}

bool
redial_waits(const struct redial *r, const struct policy_id *trunk)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (strcmp(r->entry[i].trunk.z, trunk->z) == 0)
			return true;
	return false;
}

const struct redial_entry *
redial_take(struct redial *r, uint64_t now)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->entry[i].due > now)
			continue;
		r->entry[i].due = UINT64_MAX;
		return &r->entry[i];
	}
	return NULL;
}

uint64_t
redial_due(const struct redial *r)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < r->n; i++)
		if (r->entry[i].due < due)
			due = r->entry[i].due;
	return due;
}
