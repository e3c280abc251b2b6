#include "media/flow.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"

enum {
	OUT_SEQ_FIRST_MAX = 0x7fff, /* RFC 3711 3.3.1: room before the first wrap */
	READ_PAUSE_NS = 50 * 1000,
};

/* Rows start on a page, so that no line is shared between head and row. */
enum { ROWS_AT = 4096 };
_Static_assert(sizeof(struct flow_head) <= ROWS_AT, "the head ends before the rows");

struct secrets_head {
	struct shm_head shm;
	struct media_given given[MEDIA_WORKERS_MAX];
	uint8_t seed[64];
};
_Static_assert(FLOW_SEED_LEN <= 64, "a line, so that rows stay on lines");

static enum err
sow(int secrets_fd)
{
	struct flow_secrets s;
	enum err e = flow_secrets_map(secrets_fd, true, &s);

	if (e != ERR_OK)
		return e;
	random_bytes(((struct secrets_head *)s.shm.p)->seed, FLOW_SEED_LEN);
	flow_secrets_unmap(&s);
	return ERR_OK;
}

enum err
flow_create(const struct media_plan *plan, int *flows_fd, int *secrets_fd)
{
	uint32_t n = media_slots(plan);
	int flows, secrets;
	enum err e;

	if (n == 0)
		return ERR_RANGE;
	e = shm_create("postern-flows", FLOW_MAGIC, FLOW_VERSION,
		       ROWS_AT + (size_t)n * FLOW_ROW_SIZE, &flows);
	if (e != ERR_OK)
		return e;
	e = shm_create("postern-secrets", FLOW_SECRETS_MAGIC, FLOW_SECRETS_VERSION,
		       sizeof(struct secrets_head) + (size_t)n * sizeof(struct media_secret),
		       &secrets);
	if (e == ERR_OK && (e = sow(secrets)) != ERR_OK)
		close(secrets);
	if (e != ERR_OK) {
		close(flows);
		return e;
	}
	*flows_fd = flows;
	*secrets_fd = secrets;
	return ERR_OK;
}

enum err
flow_map(int fd, bool writable, struct flow_table *out)
{
	struct flow_table t = {0};
	enum err e = shm_map(fd, FLOW_MAGIC, FLOW_VERSION, writable, false, &t.shm);

	if (e != ERR_OK)
		return e;
	if (t.shm.size < ROWS_AT + FLOW_ROW_SIZE || (t.shm.size - ROWS_AT) % FLOW_ROW_SIZE != 0) {
		shm_unmap(&t.shm);
		return ERR_VERSION;
	}
	t.head = t.shm.p;
	t.mine = t.head->worker;
	t.rows = (char *)t.shm.p + ROWS_AT;
	t.n_slots = (uint32_t)((t.shm.size - ROWS_AT) / FLOW_ROW_SIZE);
	*out = t;
	return ERR_OK;
}

void
flow_unmap(struct flow_table *t)
{
	shm_unmap(&t->shm);
	*t = (struct flow_table){0};
}

enum err
flow_secrets_map(int fd, bool writable, struct flow_secrets *out)
{
	struct flow_secrets s = {0};
	struct secrets_head *head;
	enum err e = shm_map(fd, FLOW_SECRETS_MAGIC, FLOW_SECRETS_VERSION, writable, true, &s.shm);

	if (e != ERR_OK)
		return e;
	if (s.shm.size < sizeof(*head)) {
		shm_unmap(&s.shm);
		return ERR_VERSION;
	}
	head = s.shm.p;
	s.given = head->given;
	s.seed = head->seed;
	s.rows = (struct media_secret *)(void *)(head + 1);
	s.n_slots = (uint32_t)((s.shm.size - sizeof(*head)) / sizeof(*s.rows));
	*out = s;
	return ERR_OK;
}

void
flow_secrets_unmap(struct flow_secrets *s)
{
	shm_unmap(&s->shm);
	*s = (struct flow_secrets){0};
}

void
flow_begin(struct flow_row *r)
{
	if (r->lock & 1)
		return;
	__atomic_store_n(&r->lock, r->lock + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* before what changes */
}

void
flow_end(struct flow_row *r)
{
	if (r->lock & 1)
		__atomic_store_n(&r->lock, r->lock + 1, __ATOMIC_RELEASE);
}

/* A copy under the counter; after FLOW_READ_TRIES (some 10 ms) as it stands.
 * False: no such slot. */
static bool
copy_row(const struct flow_table *t, uint32_t slot, struct flow_row *out)
{
	const struct flow_row *r;

	if (slot >= t->n_slots)
		return false;
	r = flow_row(t, slot);
	for (int i = 0; i < FLOW_READ_TRIES; i++) {
		uint32_t before = __atomic_load_n(&r->lock, __ATOMIC_ACQUIRE);

		if (before & 1) { /* the worker may wait for our core, or be dead */
			if (i > FLOW_READ_TRIES / 2)
				(void)nanosleep(&(struct timespec){0, READ_PAUSE_NS}, NULL);
			continue;
		}
		memcpy(out, r, sizeof(*out));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&r->lock, __ATOMIC_RELAXED) == before)
			return true;
	}
	memcpy(out, r, sizeof(*out));
	return true;
}

enum err
flow_peek(const struct flow_table *t, uint32_t slot, struct flow_row *out)
{
	struct flow_row r;

	if (!copy_row(t, slot, &r) || !r.open)
		return ERR_NOTFOUND;
	*out = r;
	return ERR_OK;
}

void
flow_fill_stats(const struct flow_row *r, struct media_stats *out)
{
	const struct quality *q = &r->in.quality;
	struct quality_burst b;

	*out = r->stats;
	quality_bursts(q, &b);
	out->in_bursts = b.n;
	out->in_burst_lost = b.lost;
	out->in_burst_length = b.length;
	out->in_lost = quality_lost(q);
	out->in_jitter_us = quality_jitter_us(q);
	out->mos_x10 = quality_mos_x10(quality_expected(q), quality_lost(q), quality_burst_x100(q),
				       out->round_trip_us, out->in_jitter_us);
}

enum err
flow_read_stats(const struct flow_table *t, uint32_t slot, uint32_t generation,
		struct media_stats *out)
{
	struct flow_row r;

	if (!copy_row(t, slot, &r) || r.generation != generation || r.in.quality.clock_rate == 0)
		return ERR_NOTFOUND;
	flow_fill_stats(&r, out);
	return ERR_OK;
}

static void
repair_state(struct srtp_state *s)
{
	srtp_state_resume(s, s->ssrc, s->rtp.next, s->rtcp.next);
}

bool
flow_repair(struct flow_row *r)
{
	if (!(r->lock & 1))
		return false;
	for (int i = 0; i < FLOW_CELLS; i++)
		repair_state(&r->in.cell[i]);
	repair_state(&r->out.state);
	flow_end(r);
	return true;
}

void
flow_start(struct flow_row *r, const struct media_open *o, uint64_t now_us)
{
	uint32_t lock = r->lock;

	memset(r, 0, sizeof(*r));
	r->lock = lock;
	r->generation = o->generation;
	r->conf = *o;
	r->conf.cname[MEDIA_CNAME_MAX - 1] = 0;
	r->since_us = now_us;
	quality_init(&r->in.quality, o->clock_rate, true);
	r->in.search_us = now_us;
	srtp_state_init(&r->out.state, random_u32());
	r->out.seq_last = (uint16_t)random_below(OUT_SEQ_FIRST_MAX);
	r->out.ts_last = random_u32();
	r->open = 1;
}

void
flow_count_drop(struct flow_table *t, struct flow_row *r, enum media_drop why)
{
	t->mine->dropped[why]++;
	if (r)
		r->stats.dropped[why]++;
}

bool
flow_far(const struct flow_row *r, bool rtcp, struct addr *out)
{
	const struct addr *rtp = r->stats.far.family ? &r->stats.far : &r->conf.rtp;
	struct addr a = *rtp;

	if (rtcp && !(r->conf.flags & MEDIA_F_RTCP_MUX)) {
		if (r->in.rtcp_far.family)
			a = r->in.rtcp_far;
		else if (r->conf.rtcp.family)
			a = r->conf.rtcp;
		else if (a.port)
			a.port++;
	}
	if (a.family == 0 || a.port == 0 || addr_is_any(&a))
		return false;
	*out = a;
	return true;
}
