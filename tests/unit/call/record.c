/* call/record: a record out of shared memory is valid, or never used. */
#include "rig.h"

static struct call_record good, bad;

/* Of a real call. */
static int
make_good(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_talking(f);
	good = rig_call(f)->rec;
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
	return 0;
}

static void
whole(void **state)
{
	(void)state;
	assert_true(call_record_valid(&good));
	memset(&bad, 0, sizeof(bad));
	assert_false(call_record_valid(&bad));
	memset(&bad, 0xff, sizeof(bad));
	assert_false(call_record_valid(&bad));
}

#define TEXT(field)                                                                                \
	{                                                                                          \
#field, offsetof(struct call_record, field), sizeof(good.field)                    \
	}

static void
texts_without_end(void **state)
{
	static const struct {
		const char *name;
		size_t at, len;
	} rows[] = {
		TEXT(id.z),
		TEXT(from_received),
		TEXT(to_received),
		TEXT(from_sent),
		TEXT(to_sent),
		TEXT(target[0].trunk.z),
		TEXT(target[7].trunk.z),
		TEXT(leg[0].account.z),
		TEXT(leg[1].account.z),
		TEXT(leg[0].trunk.z),
		TEXT(leg[1].trunk.z),
		TEXT(leg[0].peer),
		TEXT(leg[0].tls_version),
		TEXT(leg[1].tls_suite),
		TEXT(leg[0].codec),
		TEXT(leg[1].branch),
		TEXT(leg[1].media.cname),
		TEXT(leg[0].video.media.cname),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bad = good;
		memset((char *)&bad + rows[i].at, 'x', rows[i].len);
		if (call_record_valid(&bad))
			fail_msg("%s", rows[i].name);
	}
}

static void
out_of_range(void **state)
{
	(void)state;
#define BAD(change)                                                                                \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.change;                                                                        \
		if (call_record_valid(&bad))                                                       \
			fail_msg(#change);                                                         \
	} while (0)
	BAD(version++);
	BAD(version = 0);
	BAD(size--);
	BAD(state = B2BUA_STATE_N);
	BAD(ended_by = CALL_ENDER_N);
	BAD(n_targets = ROUTE_TARGETS_MAX + 1);
	BAD(refusal = REFUSAL_N);
	BAD(refusal = UINT32_MAX);
	BAD(leg[0].layout.n = SDP_MEDIA_MAX + 1);
	BAD(leg[1].layout.audio = SDP_MEDIA_MAX);
	BAD(leg[0].layout.video = (uint8_t)(bad.leg[0].layout.n + 1));
	BAD(leg[1].video.media.pts.n = MEDIA_PTS + 1);
	BAD(leg[0].dialog.version = 2);
	BAD(leg[0].dialog.version = 0); /* none, but its text is there */
	BAD(leg[0].dialog.state = SIP_DIALOG_STATE_N);
	BAD(leg[1].dialog.used++);
	BAD(leg[1].dialog.part[0].at = 4000);
	BAD(leg[1].dialog.part[SIP_DIALOG_ROUTE_SET].len = 4000);
	BAD(leg[1].dialog.text[0] = '\n');
}

static void
no_dialog_yet(void **state)
{
	(void)state;
	bad = good;
	memset(&bad.leg[1].dialog, 0, sizeof(bad.leg[1].dialog));
	assert_true(call_record_valid(&bad));
	bad.leg[1].dialog.state = SIP_DIALOG_EARLY;
	assert_false(call_record_valid(&bad));
	bad.leg[1].dialog.state = SIP_DIALOG_NEW;
	bad.leg[1].dialog.part[3].len = 60000; /* would be read by whoever writes a BYE */
	assert_false(call_record_valid(&bad));
}

/* Whatever the bytes: no crash, and what is called valid can be restored and ended. */
static void
damaged(void **state)
{
	struct fake *f = rig_up();
	uint32_t x = 1, valid = 0;

	(void)state;
	f->damaged = true;
	for (int round = 0; round < 30000; round++) {
		uint32_t slot;

		bad = good;
		for (int k = 0; k < 1 + round % 4; k++) {
			x = x * 1664525 + 1013904223;
			((uint8_t *)&bad)[(x >> 8) % sizeof(bad)] ^= (uint8_t)(1u << (x >> 29));
		}
		if (!call_record_valid(&bad) || round % 16)
			continue;
		valid++;
		bad.leg[0].media_open = bad.leg[1].media_open = 0;
		bad.leg[0].video.open = bad.leg[1].video.open = 0;
		slot = fake_slot(f, CALL_SPARE);
		f->record[slot].live = true;
		assert_int_equal(calls_restore(&f->calls, slot, &bad, f->now), ERR_OK);
		(void)calls_stop(&f->calls, f->now);
		rig_settle(f);
		fake_run(f, 2 * B2BUA_BYE_US);
		assert_int_equal(calls_count(&f->calls), 0);
		f->record[slot].taken = false;
	}
	assert_true(valid > 100);
	rig_down(f);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(call_ender_name(ENDER_CALLED), "CALLED");
	assert_string_equal(call_ender_name(CALL_ENDER_N), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),        cmocka_unit_test(texts_without_end),
		cmocka_unit_test(out_of_range), cmocka_unit_test(no_dialog_yet),
		cmocka_unit_test(damaged),      cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, make_good, NULL);
}
