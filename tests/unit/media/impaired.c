/* R24: an impairment relay of our own between an SRTP talker and ours: loss, reorder, duplicates,
 * jitter, over three wraps of the sequence, by seed. What is delivered is exactly each valid packet
 * that arrived, once; what an attacker recorded and sends again is never relayed. */
#include "rig.h"

#include <stdlib.h>

enum {
	WRAPS = 3,
	SEEDS = 1,
	SEEDS_FULL = 20,
	STEP_US = 20000,
	JITTER_US = 60000,
	DEPTH = 20,     /* packets that a late one is overtaken by, at most */
	RECORDED = 512, /* packets that the attacker has */
	WAITING = 64,
	ALL = WRAPS * 65536 + 600,
};

struct packet {
	uint8_t p[256];
	uint32_t len, number; /* number: of the talker's, from 0 */
	uint64_t at;
};

struct line {
	struct packet waiting[WAITING]; /* on their way */
	unsigned n;
	uint64_t random;
};

/* One run. */
struct trial {
	struct rig *g;
	struct line line;
	uint8_t *came;      /* by number */
	struct packet *old; /* the attacker's */
	unsigned relayed, wanted, replays;
};

static unsigned
draw(struct line *l, unsigned below)
{
	l->random = l->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((l->random >> 33) % below);
}

static void
carry(struct line *l, const struct packet *k)
{
	assert_true(l->n < WAITING);
	l->waiting[l->n++] = *k;
}

/* 5 % lost, 10 % overtaken by up to DEPTH packets, 2 % twice, all of them somewhat late. */
static void
impair(struct line *l, struct packet *k, uint64_t now)
{
	if (draw(l, 100) < 5)
		return;
	k->at = now + draw(l, JITTER_US);
	if (draw(l, 100) < 10)
		k->at += draw(l, DEPTH) * (uint64_t)STEP_US;
	carry(l, k);
	if (draw(l, 100) < 2) {
		k->at += draw(l, JITTER_US);
		carry(l, k);
	}
}

/* What arrives until now, in the order of arrival. */
static bool
next_due(struct line *l, uint64_t now, struct packet *out)
{
	unsigned best = WAITING;

	for (unsigned i = 0; i < l->n; i++)
		if (l->waiting[i].at <= now &&
		    (best == WAITING || l->waiting[i].at < l->waiting[best].at))
			best = i;
	if (best == WAITING)
		return false;
	*out = l->waiting[best];
	l->waiting[best] = l->waiting[--l->n];
	return true;
}

static unsigned
arrive(struct trial *t, const struct packet *k)
{
	rig_push(t->g, 2 * LEG_A, t->g->open[LEG_A].rtp, k->p, k->len);
	return rig_run(t->g);
}

/* The talker's packet number i, and whatever comes out of the line by now. */
static void
step(struct trial *t, struct far *f, struct voice *v, uint32_t i)
{
	struct packet k = {.number = i};
	unsigned out;

	k.len = far_speak(f, v, k.p);
	if (draw(&t->line, 100) == 0) /* the attacker listens .. */
		t->old[draw(&t->line, RECORDED)] = k;
	impair(&t->line, &k, t->g->now);
	while (next_due(&t->line, t->g->now, &k)) {
		out = arrive(t, &k);
		ROW_EQUAL("R24 twice", t->came[k.number] && out, 0);
		t->wanted += !t->came[k.number];
		t->came[k.number] = 1;
		t->relayed += out;
	}
	k = t->old[draw(&t->line, RECORDED)]; /* .. and sends what came, from the same place */
	if (k.len && t->came[k.number] && draw(&t->line, 10) == 0) {
		ROW_EQUAL("R24 replay", arrive(t, &k), 0);
		t->replays++;
	}
}

static void
run_seed(unsigned seed)
{
	struct trial t = {.g = rig_up(), .line = {.random = seed}};
	struct voice v = {.ssrc = 0x24 + seed, .seq = 65000};
	struct far f;

	t.came = mem_zalloc(ALL, 1);
	t.old = mem_zalloc(RECORDED, sizeof(*t.old));
	assert_true(t.came && t.old);
	rig_call(t.g);
	far_up(&f, LEG_A, 1, 1, false);
	for (uint32_t i = 0; i < ALL; i++, t.g->now += STEP_US)
		step(&t, &f, &v, i);
	print_message("# R24 seed %u: %u sent, %u arrived, %u relayed, %u replays\n", seed, ALL,
		      t.wanted, t.relayed, t.replays);
	assert_int_equal(t.relayed, t.wanted);
	assert_true(t.replays > 1000);
	/* of another round is what failed: the attacker's alone */
	assert_in_range(rig_dropped(t.g, LEG_A, MEDIA_DROP_auth), 0, t.replays);
	mem_free(t.came);
	mem_free(t.old);
	far_down(&f);
	rig_down(t.g);
}

static void
test_impaired(void **state)
{
	const char *full = getenv("POSTERN_FULL");
	unsigned seeds = full && strcmp(full, "1") == 0 ? SEEDS_FULL : SEEDS;

	(void)state;
	for (unsigned seed = 1; seed <= seeds; seed++)
		run_seed(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_impaired)};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
