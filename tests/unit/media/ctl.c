#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/secret.h"
#include "media/ctl.h"

enum { SLOTS = 600, OPENS = 300, EPOCH = 5 };

static struct media_plan plan = {
	.n_addrs = 1, .port_min = 20000, .port_max = 20000 + 2 * SLOTS - 1};

struct side {
	struct media_ctl m;
	struct channel media; /* the other end, as media's first worker has it */
	struct media_totals worker[2];
	struct media_given given[2];
	unsigned n_closed, n_timeout, n_rekey;
	struct media_closed last;
};

static void
on_closed(void *arg, const struct media_closed *c)
{
	struct side *s = arg;

	s->n_closed++;
	s->last = *c;
}

static void
on_timeout(void *arg, uint32_t slot, uint32_t generation)
{
	struct side *s = arg;

	assert_int_equal(slot + generation, 3 + 4);
	s->n_timeout++;
}

static void
on_rekey(void *arg, uint32_t slot, uint32_t generation)
{
	struct side *s = arg;

	assert_int_equal(slot + generation, 3 + 4);
	s->n_rekey++;
}

static void
side_up(struct side *s)
{
	int fd[2];

	memset(s, 0, sizeof(*s));
	assert_int_equal(channel_pair(fd), ERR_OK);
	assert_int_equal(media_ctl_init(&s->m, EPOCH, &plan, OPENS, s->worker, s->given), ERR_OK);
	media_ctl_rebind(&s->m, 0, fd[0]);
	assert_int_equal(channel_init(&s->media, fd[1], 64), ERR_OK);
	s->m.arg = s;
	s->m.on_closed = on_closed;
	s->m.on_timeout = on_timeout;
	s->m.on_rekey = on_rekey;
}

static void
side_down(struct side *s)
{
	media_ctl_fini(&s->m);
	channel_fini(&s->media);
}

/* Media dies and comes back: a new pair of ends. */
static void
side_restart(struct side *s)
{
	int fd[2];

	assert_int_equal(channel_pair(fd), ERR_OK);
	channel_rebind(&s->media, fd[1]);
	media_ctl_rebind(&s->m, 0, fd[0]);
}

static enum err
give_open(struct side *s, uint32_t slot)
{
	struct media_open o = {.slot = slot, .generation = slot + 1000};

	return media_ctl_open(&s->m, &o, false);
}

static bool
read_cmd(struct side *s, struct media_cmd *c)
{
	struct channel_msg msg;
	enum err e;

	media_ctl_flush(&s->m);
	e = channel_recv(&s->media, &msg, NULL, NULL);
	if (e != ERR_OK)
		return false;
	assert_int_equal(msg.head.length, sizeof(*c));
	memcpy(c, msg.body, sizeof(*c));
	assert_int_equal(c->type, msg.head.type);
	return true;
}

static void
apply(struct side *s, const struct media_cmd *c)
{
	struct media_closed answer = {.slot = c->u.close.slot,
				      .generation = c->u.close.generation,
				      .stats = {.in_packets = 55}};

	s->worker[0].applied = c->mark;
	if (c->type == MEDIA_CLOSE)
		assert_int_equal(
			channel_send(&s->media, MEDIA_CLOSED, &answer, sizeof(answer), true),
			ERR_OK);
}

static void
test_order(void **state)
{
	struct side s;
	struct media_cmd c = {0};

	(void)state;
	side_up(&s);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(give_open(&s, i), ERR_OK);
	assert_int_equal(media_ctl_close(&s.m, 4, 1004), ERR_OK);
	assert_int_equal(media_ctl_waiting(&s.m), 11);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(read_cmd(&s, &c));
		assert_int_equal(c.type, MEDIA_OPEN);
		assert_int_equal(c.u.open.slot, i);
		assert_true(c.mark == ((uint64_t)EPOCH << MEDIA_MARK_SHIFT | (i + 1)));
		apply(&s, &c);
	}
	assert_int_equal(media_ctl_waiting(&s.m), 1); /* the CLOSE waits for its answer */
	assert_true(read_cmd(&s, &c));
	assert_int_equal(c.type, MEDIA_CLOSE);
	apply(&s, &c);
	assert_int_equal(media_ctl_recv(&s.m, 0, 100), ERR_OK);
	assert_int_equal(s.n_closed, 1);
	assert_int_equal(s.last.stats.in_packets, 55);
	assert_int_equal(media_ctl_waiting(&s.m), 0);
	side_down(&s);
}

/* Media is gone, with commands in its socket, applied and not yet noted, noted and not answered. */
static void
test_restart(void **state)
{
	struct side s;
	struct media_cmd c = {0};
	unsigned seen = 0;

	(void)state;
	side_up(&s);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(give_open(&s, i), ERR_OK);
	assert_int_equal(media_ctl_close(&s.m, 1, 1001), ERR_OK);
	for (int i = 0; i < 3; i++) {
		assert_true(read_cmd(&s, &c));
		s.worker[0].applied = c.mark;
	}
	side_restart(&s); /* 3 noted, the others lost with the socket */
	assert_int_equal(give_open(&s, 50), ERR_OK);
	while (read_cmd(&s, &c)) {
		static const uint32_t want[] = {3, 4, 5, 1, 50};

		assert_int_equal(c.type == MEDIA_OPEN ? c.u.open.slot : c.u.close.slot, want[seen]);
		s.worker[0].applied = c.mark; /* the CLOSE is noted, but dies before its answer */
		seen++;
	}
	assert_int_equal(seen, 5);
	side_restart(&s);
	assert_true(read_cmd(&s, &c)); /* only the CLOSE again */
	assert_int_equal(c.type, MEDIA_CLOSE);
	apply(&s, &c);
	assert_false(read_cmd(&s, &c));
	apply(&s, &(struct media_cmd){.type = MEDIA_CLOSE,
				      .mark = s.worker[0].applied,
				      .u.close = {1, 1001}}); /* a second answer */
	assert_int_equal(media_ctl_recv(&s.m, 0, 100), ERR_OK);
	assert_int_equal(s.n_closed, 1);
	assert_int_equal(media_ctl_waiting(&s.m), 0);
	side_down(&s);
}

/* Media hangs: OPENs are refused beyond the cap, each slot's CLOSE has room, nothing blocks, and
 * all of it arrives in order when it comes back. */
static void
test_caps(void **state)
{
	struct side s;
	struct media_cmd c = {0};
	uint64_t last = 0;
	uint32_t n = 0, closes = 0;

	(void)state;
	side_up(&s);
	while (give_open(&s, n) == ERR_OK)
		n++;
	assert_int_equal(n, OPENS);
	for (n = 0; media_ctl_open(&s.m, &(struct media_open){.slot = n}, true) == ERR_OK; n++)
		;
	assert_int_equal(n, MEDIA_SPARE_OPENS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(media_ctl_close(&s.m, i, i + 1000), ERR_OK);
		assert_int_equal(media_ctl_close(&s.m, i, i + 1000), ERR_OK); /* no second one */
	}
	assert_int_equal(give_open(&s, 1), ERR_FULL);
	side_restart(&s);
	for (n = 0; read_cmd(&s, &c); n++) {
		assert_true(c.mark > last);
		last = c.mark;
		apply(&s, &c);
		closes += c.type == MEDIA_CLOSE;
		while (media_ctl_recv(&s.m, 0, 1) == ERR_AGAIN)
			;
	}
	assert_int_equal(closes, SLOTS);
	assert_int_equal(s.n_closed, SLOTS);
	assert_int_equal(n, OPENS + MEDIA_SPARE_OPENS + SLOTS);
	assert_int_equal(give_open(&s, 1), ERR_OK);
	side_down(&s);
}

/* An unanswered CLOSE at the head does not block the ring for others. */
static void
test_stuck_head(void **state)
{
	struct side s;
	struct media_cmd c = {0};

	(void)state;
	side_up(&s);
	assert_int_equal(media_ctl_close(&s.m, 9, 9), ERR_OK);
	assert_true(read_cmd(&s, &c));
	for (uint32_t i = 0; i < 3 * (SLOTS + OPENS); i++) {
		assert_int_equal(give_open(&s, i % SLOTS), ERR_OK);
		assert_true(read_cmd(&s, &c));
		assert_int_equal(c.u.open.slot, i % SLOTS);
		apply(&s, &c);
	}
	assert_int_equal(s.n_closed, 0);
	side_down(&s);
}

/* Two workers, one of which does not read: the other one hears all that is for it, in order, and of
 * each it is known what was given and what was applied. */
static void
test_two_lanes(void **state)
{
	static struct media_plan two = {
		.n_addrs = 1, .port_min = 20000, .port_max = 20000 + 2 * SLOTS - 1, .n_workers = 2};
	struct channel media[2];
	struct side s;
	struct channel_msg msg;
	uint32_t n = 0;

	(void)state;
	memset(&s, 0, sizeof(s));
	s.given[0].mark = 77; /* of an earlier life */
	s.worker[0].applied = 66;
	assert_int_equal(media_ctl_init(&s.m, EPOCH, &two, OPENS, s.worker, s.given), ERR_OK);
	assert_true(s.given[0].mark == 66 && s.given[1].mark == 0);
	for (uint32_t w = 0; w < 2; w++) {
		int fd[2];

		assert_int_equal(channel_pair(fd), ERR_OK);
		media_ctl_rebind(&s.m, w, fd[0]);
		assert_int_equal(channel_init(&media[w], fd[1], 8), ERR_OK);
	}
	for (uint32_t i = 0; i < OPENS; i++)
		assert_int_equal(give_open(&s, i % 2 ? SLOTS - 1 - i / 2 : i / 2), ERR_OK);
	assert_true((s.given[0].mark & UINT32_MAX) == OPENS - 1);
	assert_true((s.given[1].mark & UINT32_MAX) == OPENS);
	assert_int_equal(give_open(&s, 0), ERR_FULL);
	for (; n < OPENS / 2; n++) {
		const struct media_cmd *c = (const struct media_cmd *)(const void *)msg.body;

		(void)media_ctl_flush(&s.m);
		assert_int_equal(channel_recv(&media[1], &msg, NULL, NULL), ERR_OK);
		assert_int_equal(c->u.open.slot, SLOTS - 1 - n);
		s.worker[1].applied = c->mark;
	}
	assert_int_equal(channel_recv(&media[1], &msg, NULL, NULL), ERR_AGAIN);
	assert_int_equal(media_ctl_waiting(&s.m), OPENS / 2);
	for (n = 0; give_open(&s, SLOTS - 1) == ERR_OK; n++)
		;
	assert_int_equal(n, OPENS / 2);
	channel_fini(&media[0]);
	channel_fini(&media[1]);
	media_ctl_fini(&s.m);
}

static void
test_events(void **state)
{
	struct side s;
	struct media_close w = {3, 4};

	(void)state;
	side_up(&s);
	assert_int_equal(channel_send(&s.media, MEDIA_TIMEOUT, &w, sizeof(w), false), ERR_OK);
	assert_int_equal(channel_send(&s.media, MEDIA_REKEY, &w, sizeof(w), false), ERR_OK);
	assert_int_equal(media_ctl_recv(&s.m, 0, 1), ERR_AGAIN);
	assert_int_equal(media_ctl_recv(&s.m, 0, 9), ERR_OK);
	assert_int_equal(s.n_timeout, 1);
	assert_int_equal(s.n_rekey, 1);
	assert_int_equal(channel_send(&s.media, MEDIA_TIMEOUT, &w, 3, false), ERR_OK);
	assert_int_equal(media_ctl_recv(&s.m, 0, 9),
			 ERR_CLOSED); /* a wrong length ends the sender */
	assert_int_equal(s.m.lane[0].chan.fd, -1);
	assert_int_equal(give_open(&s, 1), ERR_OK); /* waits for the next life */
	side_restart(&s);
	assert_int_equal(channel_send(&s.media, 4711, &w, sizeof(w), false), ERR_OK);
	assert_int_equal(media_ctl_recv(&s.m, 0, 9), ERR_CLOSED);
	side_down(&s);
}

static void
test_secrets(void **state)
{
	struct media_secret row;
	struct media_master m;
	struct sdp_key key[2] = {{.key_len = 32, .salt_len = 14, .mki = 300, .mki_len = 2},
				 {.key_len = 16, .salt_len = 14, .lifetime = 1000}},
		       bad = key[0];

	(void)state;
	memset(&row, 0, sizeof(row));
	memset(key[0].key, 1, sizeof(key[0].key));
	memset(key[1].key, 2, sizeof(key[1].key));
	bad.key_len = 33;
	assert_int_equal(media_secret_get(row.in, 1, &m), ERR_NOTFOUND);
	assert_int_equal(media_secret_put(row.in, 0, &key[0]), ERR_RANGE);
	assert_int_equal(media_secret_put(row.in, 1, &bad), ERR_RANGE);
	assert_int_equal(media_secret_put(row.in, 1, &key[0]), ERR_OK);
	assert_int_equal(media_secret_put(row.in, 2, &key[1]), ERR_OK);
	assert_int_equal(media_secret_get(row.in, 1, &m),
			 ERR_OK); /* the one before is still there */
	assert_memory_equal(m.key, key[0].key, 32);
	assert_true(m.mki == 300 && m.mki_len == 2 && media_secret_life(&m) == 0);
	assert_int_equal(media_secret_get(row.in, 2, &m), ERR_OK);
	assert_memory_equal(m.key, key[1].key, 16);
	assert_true(m.mki_len == 0 && media_secret_life(&m) == 1000);
	assert_int_equal(m.key[16], 0);
	assert_int_equal(media_secret_put(row.in, 3, &key[1]), ERR_OK);
	assert_int_equal(media_secret_get(row.in, 1, &m), ERR_NOTFOUND);
	secret_wipe(&row, sizeof(row));
	assert_int_equal(media_secret_get(row.in, 3, &m), ERR_NOTFOUND);
}

/* Ports 20000-20019 on two addresses: ten pairs each. */
static void
test_slices(void **state)
{
	static const struct {
		const char *name;
		uint32_t workers, slice, slot, worker;
	} rows[] = {
		{"none said is one", 0, 10, 9, 0},        {"one, second address", 1, 10, 19, 0},
		{"two, first half", 2, 5, 4, 0},          {"two, second half", 2, 5, 5, 1},
		{"two, second address", 2, 5, 14, 0},     {"two, its second half", 2, 5, 15, 1},
		{"three, the last has less", 3, 4, 9, 2}, {"three, the middle", 3, 4, 17, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct media_plan p = {.n_addrs = 2,
				       .port_min = 20000,
				       .port_max = 20019,
				       .n_workers = rows[i].workers};

		if (media_slice(&p) != rows[i].slice ||
		    media_slot_worker(&p, rows[i].slot) != rows[i].worker)
			fail_msg("%s: slice %u, worker %u", rows[i].name, media_slice(&p),
				 media_slot_worker(&p, rows[i].slot));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),  cmocka_unit_test(test_restart),
		cmocka_unit_test(test_caps),   cmocka_unit_test(test_stuck_head),
		cmocka_unit_test(test_events), cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_slices), cmocka_unit_test(test_two_lanes),
	};

	return cmocka_run_group_tests_name("media/ctl", tests, NULL, NULL);
}
