/* The table: its segments, the counter that readers go by, and where packets are sent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "media/flow.h"

static struct media_plan
make_plan(uint16_t pairs)
{
	struct media_plan p = {.n_addrs = 1, .port_min = 20000};

	p.port_max = (uint16_t)(20000 + 2 * pairs - 1);
	return p;
}

static void
test_segments(void **state)
{
	struct media_plan plan = make_plan(5), none = {.n_addrs = 1};
	struct flow_table t;
	struct flow_secrets s;
	int flows, secrets;
	uint32_t version = FLOW_VERSION + 1;
	struct flow_row row;

	(void)state;
	assert_int_equal(flow_create(&none, &flows, &secrets), ERR_RANGE);
	assert_int_equal(flow_create(&plan, &flows, &secrets), ERR_OK);
	assert_int_equal(flow_map(flows, false, &t), ERR_OK);
	assert_int_equal(flow_secrets_map(secrets, false, &s), ERR_OK);
	assert_int_equal(t.n_slots, 5);
	assert_int_equal(s.n_slots, 5);
	assert_int_equal((uintptr_t)flow_row(&t, 3) % 64, 0);
	assert_int_equal(t.mine->applied, 0);
	assert_int_equal(flow_peek(&t, 0, &row), ERR_NOTFOUND);
	assert_int_equal(flow_peek(&t, 5, &row), ERR_NOTFOUND);
	flow_unmap(&t);
	flow_secrets_unmap(&s);
	assert_int_equal(flow_map(secrets, false, &t), ERR_VERSION); /* the other kind */
	assert_int_equal(flow_secrets_map(flows, false, &s), ERR_VERSION);
	assert_int_equal(
		pwrite(flows, &version, sizeof(version), offsetof(struct shm_head, version)),
		sizeof(version));
	assert_int_equal(flow_map(flows, false, &t), ERR_VERSION); /* another layout */
	close(flows);
	close(secrets);
}

/* ---- a reader beside the writer ---- */

enum { CHANGES = 5000 };

struct race {
	struct flow_table t;
	struct flow_row *row;
	bool stop;
};

static void
dawdle(void)
{
	for (volatile int i = 0; i < 2000; i++)
		;
}

static void *
write_on(void *arg)
{
	struct race *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		flow_begin(r->row);
		flow_begin(r->row); /* the second one does nothing */
		__atomic_store_n(&r->row->stats.in_packets, r->row->stats.in_packets + 1,
				 __ATOMIC_RELAXED);
		dawdle();
		__atomic_store_n(&r->row->stats.out_octets, r->row->stats.out_octets + 160,
				 __ATOMIC_RELAXED);
		flow_end(r->row);
		dawdle(); /* a batch does not follow at once */
	}
	return NULL;
}

static void
test_consistent(void **state)
{
	struct media_plan plan = make_plan(2);
	struct media_open o = {.slot = 1, .generation = 3};
	struct race r = {0};
	struct media_stats s = {0};
	pthread_t thread;
	int flows, secrets, torn = 0;

	(void)state;
	assert_int_equal(flow_create(&plan, &flows, &secrets), ERR_OK);
	assert_int_equal(flow_map(flows, true, &r.t), ERR_OK);
	r.row = flow_row(&r.t, 1);
	flow_start(r.row, &o, 5);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &r), 0);
	for (s.in_packets = 0; s.in_packets < CHANGES;) {
		assert_int_equal(flow_read_stats(&r.t, 1, 3, &s), ERR_OK);
		torn += s.in_packets * 160 != s.out_octets;
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_in_range(torn, 0, 5); /* a writer that lost its core for long counts as dead */
	flow_begin(r.row); /* its worker is dead in the middle: the counters are had all the same */
	assert_int_equal(flow_read_stats(&r.t, 1, 3, &s), ERR_OK);
	assert_true(s.in_packets > 0);
	flow_unmap(&r.t);
	close(flows);
	close(secrets);
}

static void
test_repair(void **state)
{
	struct media_open o = {.generation = 3};
	struct flow_row row = {0};
	uint64_t next;

	(void)state;
	flow_start(&row, &o, 5);
	for (uint64_t i = 100; i < 110; i += 2) {
		srtp_replay_commit(&row.in.cell[0].rtp, i);
		srtp_replay_commit(&row.out.state.rtp, i);
	}
	next = row.out.state.rtp.next;
	assert_false(flow_repair(&row)); /* whole: as it is */
	assert_true(srtp_replay_fresh(&row.in.cell[0].rtp, 107));
	flow_begin(&row);
	assert_true(flow_repair(&row));
	assert_int_equal(row.lock & 1, 0);
	assert_int_equal(row.out.state.rtp.next, next);
	for (uint64_t i = 0; i < next; i++) {
		assert_false(srtp_replay_fresh(&row.in.cell[0].rtp, i));
		assert_false(srtp_replay_fresh(&row.out.state.rtp, i));
	}
	assert_true(srtp_replay_fresh(&row.in.cell[0].rtp, next));
}

static void
test_far(void **state)
{
	static const struct {
		const char *name, *rtp, *rtcp, *far, *rtcp_far, *want_rtp, *want_rtcp;
		uint32_t flags;
	} rows[] = {
		{"named", "1.2.3.4:10", "1.2.3.4:20", NULL, NULL, "1.2.3.4:10", "1.2.3.4:20", 0},
		{"no RTCP named", "1.2.3.4:10", NULL, NULL, NULL, "1.2.3.4:10", "1.2.3.4:11", 0},
		{"mux", "1.2.3.4:10", "1.2.3.4:20", NULL, NULL, "1.2.3.4:10", "1.2.3.4:10",
		 MEDIA_F_RTCP_MUX},
		{"verified elsewhere", "1.2.3.4:10", "1.2.3.4:20", "5.6.7.8:9", NULL, "5.6.7.8:9",
		 "1.2.3.4:20", 0},
		{"both verified elsewhere", "1.2.3.4:10", "1.2.3.4:20", "5.6.7.8:9", "5.6.7.8:77",
		 "5.6.7.8:9", "5.6.7.8:77", 0},
		{"verified, mux", "1.2.3.4:10", NULL, "5.6.7.8:9", NULL, "5.6.7.8:9", "5.6.7.8:9",
		 MEDIA_F_RTCP_MUX},
		{"nothing known", NULL, NULL, NULL, NULL, NULL, NULL, 0},
		{"0.0.0.0 is nowhere", "0.0.0.0:10", NULL, NULL, NULL, NULL, NULL, 0},
		{"port 0 is nowhere", "1.2.3.4:0", NULL, NULL, NULL, NULL, NULL, 0},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct media_open o = {.generation = 1, .flags = rows[r].flags};
		struct flow_row row = {0};
		const char *from[] = {rows[r].rtp, rows[r].rtcp, rows[r].far, rows[r].rtcp_far};
		const char *want[] = {rows[r].want_rtp, rows[r].want_rtcp};
		struct addr a[4] = {{{0}, 0, 0, 0}}, got;

		for (int i = 0; i < 4; i++)
			if (from[i])
				assert_int_equal(addr_parse(str_from(from[i]), &a[i]), ERR_OK);
		o.rtp = a[0];
		o.rtcp = a[1];
		flow_start(&row, &o, 1);
		row.stats.far = a[2];
		row.in.rtcp_far = a[3];
		for (int i = 0; i < 2; i++) {
			bool known = flow_far(&row, i == 1, &got);

			if (known != (want[i] != NULL) ||
			    (known && strcmp(addr_text(&got).z, want[i]) != 0))
				fail_msg("%s: %s", rows[r].name, known ? addr_text(&got).z : "-");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests_name("media/flow", tests, NULL, NULL);
}
