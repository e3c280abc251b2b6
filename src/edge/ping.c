#include "edge/ping.h"

/*   idle --nothing heard for `every`--> awaiting --10 s, never ponged--> idle
 *                                       awaiting --10 s, ponged before--> close
 *   anything heard: idle */

static void
set_idle(struct ping *p, uint32_t random, uint64_t now)
{
	uint64_t fifth = p->every / 5;

	p->awaiting = false;
	p->heard = false;
	p->due = p->every ? now + p->every - random % (fifth + 1) : UINT64_MAX;
}

void
ping_begin(struct ping *p, uint64_t every_us, uint32_t random, uint64_t now)
{
	*p = (struct ping){.every = every_us};
	set_idle(p, random, now);
}

void
ping_heard(struct ping *p)
{
	p->heard = true;
}

void
ping_on_crlf(struct ping *p)
{
	p->been = p->ponged;
	if (p->awaiting)
		p->ponged = true;
}

void
ping_on_ping(struct ping *p)
{
	p->ponged = p->been;
}

enum ping_do
ping_step(struct ping *p, uint32_t random, uint64_t now)
{
	if (now < p->due)
		return PING_WAIT;
	if (p->heard || (p->awaiting && !p->ponged)) {
		set_idle(p, random, now);
		return PING_WAIT;
	}
	if (p->awaiting)
		return PING_CLOSE;
	p->awaiting = true;
	p->due = now + PING_PONG_US;
	return PING_SEND;
}
