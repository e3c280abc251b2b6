/* call/replace: an INVITE that takes the place of a leg (RFC 3891). */
#include "rig.h"

#define OTHER_PBX                                                                                  \
	SDP_HEAD("198.51.100.8")                                                                   \
	"m=audio 4100 RTP/SAVP 8 101\r\n" SDP_MAPS                                                 \
	"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2 "\r\n"
#define OTHER_GW SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS

static struct fake *
up(void)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
	rig_trunk(f, "beta-pbx")->refer = TRUNK_REFER_LOCAL;
	rig_trunk(f, "gw1")->refer = TRUNK_REFER_LOCAL;
	rig_world(f);
	return f;
}

static struct call *
first_call(struct fake *f)
{
	return CONTAINER_OF(f->calls.live.next, struct call, node);
}

/* How Replaces names a leg: headers before it, its words for our tag and theirs, what follows. */
struct form {
	const char *before, *to, *from, *after;
};
static const struct form usual = {"", "to-tag", "from-tag", ""};
static const struct form required = {"Require: replaces\r\n", "to-tag", "from-tag", ""};

static struct edge_txn *
take(struct fake *f, enum call_leg_index leg, const char *trunk, const struct form *form,
     const char *body)
{
	const struct sip_dialog *d = &first_call(f)->rec.leg[leg].dialog;
	char more[512];

	(void)snprintf(more, sizeof(more), "%sReplaces: %.*s;%s=%.*s;%s=%.*s%s\r\n", form->before,
		       STR_ARG(sip_dialog_str(d, SIP_DIALOG_CALL_ID)), form->to,
		       STR_ARG(sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG)), form->from,
		       STR_ARG(sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG)), form->after);
	return rig_invite(f, &(struct invite){.trunk = trunk,
					      .call_id = "new@pbx",
					      .more = more,
					      .body = body,
					      .uri = "sip:x@sbc.example"});
}

static struct edge_txn *
last_of(struct fake *f, enum sip_method m)
{
	for (uint32_t i = f->n_sent; i-- > 0;)
		if (f->sent[i % FAKE_SENT].kind == SENT_REQUEST &&
		    f->sent[i % FAKE_SENT].method == m)
			return f->sent[i % FAKE_SENT].txn;
	fail_msg("no %s went out", sip_method_name(m));
	return NULL;
}

/* Either leg's place is taken: the other one hears the new offer, the old one gets BYE. */
static void
taken(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		struct fake *f = up();
		struct edge_txn *old = rig_talking(f).a;
		const char *trunk = leg == LEG_A ? "acme-pbx" : "gw1";
		bool late = i / 2;
		const char *offer = leg == LEG_A ? OTHER_PBX : OTHER_GW;
		struct edge_txn *t = take(f, leg, trunk, &required, late ? "" : offer);
		struct call *c = first_call(f);

		print_message("# leg %c%s\n", leg == LEG_A ? 'A' : 'B', late ? ", late" : "");
		assert_int_equal(t->status, 0);
		assert_int_equal(calls_count(&f->calls), 2);
		assert_ptr_not_equal(t, old);
		if (leg == LEG_A) {
			assert_says(rig_last(f), "INVITE sip:gw@10.0.0.9:5070 SIP/2.0\r\n");
			fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT, GW_BODY);
		} else {
			assert_says(rig_last(f), "INVITE sip:ann@198.51.100.7:40001");
			fake_answer(f, rig_last(f)->txn, 200, "far", PBX_CONTACT,
				    late ? PBX_OFFER : PBX_ANSWER("7", "80"));
		}
		assert_int_equal(t->status, 200);
		if (late)
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
		(void)rig_inside_sdp(f, t, trunk, "ACK", 1, "",
				     !late          ? ""
				     : leg == LEG_A ? PBX_ANSWER("1", "80")
						    : OTHER_GW);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
		assert_true(fake_has(last_of(f, SIP_BYE)->text, strlen(last_of(f, SIP_BYE)->text),
				     leg == LEG_A ? "BYE sip:ann@" : "BYE sip:gw@"));
		fake_answer(f, last_of(f, SIP_BYE), 200, "", "", "");
		fake_media_closed(f);
		assert_int_equal(f->n_ended, 1); /* who was there */
		assert_string_equal(rig_cdr(f)->transfer_of.z, c->rec.id.z);
		assert_int_equal(rig_cdr(f)->sip_status, 200);
		assert_int_equal(c->m.state, B2BUA_UP);
		assert_int_equal(c->rec.transfers, 1);
		assert_int_equal(c->rec.joining, 0);
		assert_int_equal(f->port[c->rec.leg[leg].media.slot].open.peer,
				 c->rec.leg[1 - leg].media.slot);
		assert_int_equal(f->port[c->rec.leg[1 - leg].media.slot].open.peer,
				 c->rec.leg[leg].media.slot);
		if (leg == LEG_A && !late)
			assert_int_equal(f->port[c->rec.leg[leg].media.slot].open.rtp.port, 4100);
		/* the new leg is as any */
		(void)rig_inside(f, t, trunk, "BYE", 9, "");
		assert_int_equal(c->m.state, B2BUA_ENDING);
		rig_end(f, 2);
	}
}

/* ---- not now, not this one ---- */

static const struct {
	const char *name, *trunk;
	struct form form;
	int status;
	bool rings;
} refused[] = {
	{"tags the other way round", "acme-pbx", {"", "from-tag", "to-tag", ""}, 481, false},
	{"another account's", "beta-pbx", {"", "to-tag", "from-tag", ""}, 481, false},
	{"no tag", "acme-pbx", {"", "to-tag", "x", ""}, 400, false},
	{"two",
	 "acme-pbx",
	 {"Replaces: a;to-tag=b;from-tag=c\r\n", "to-tag", "from-tag", ""},
	 400,
	 false},
	{"one that rings is wanted",
	 "acme-pbx",
	 {"", "to-tag", "from-tag", ";early-only"},
	 486,
	 false},
	{"it rings", "acme-pbx", {"", "to-tag", "from-tag", ""}, 481, true},
	{"another extension",
	 "acme-pbx",
	 {"Require: frob\r\n", "to-tag", "from-tag", ""},
	 420,
	 false},
};

static void
not_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct fake *f = up();
		struct rig_pair p = refused[i].rings ? rig_ringing(f) : rig_talking(f);
		unsigned n = rig_count(f, SENT_REQUEST, SIP_INVITE);
		struct edge_txn *t = take(f, LEG_A, refused[i].trunk, &refused[i].form, OTHER_PBX);

		assert_non_null(p.a);
		print_message("# %s\n", refused[i].name);
		assert_int_equal(t->status, refused[i].status);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), n);
		assert_int_equal(calls_count(&f->calls), 1);
		rig_end(f, 1);
	}
}

/* A trunk that may not transfer: the header says nothing to us. */
static void
not_meant(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *t = take(f, LEG_A, "acme-pbx", &required, OTHER_PBX);

	(void)state;
	assert_non_null(p.a);
	assert_int_equal(t->status, 420);
	rig_end(f, 2);
}

/* What may become of it while the other party thinks: all is as it was. */
static void
meanwhile(void **state)
{
	static const char *const names[] = {"refused",
					    "CANCEL",
					    "old one hangs up, refused",
					    "old one hangs up",
					    "the other hangs up",
					    "bad offer",
					    "another one",
					    "no ACK"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t =
			take(f, LEG_A, "acme-pbx", &usual, i == 5 ? PBX_CLEAR : OTHER_PBX);
		struct edge_txn *out = last_of(f, SIP_INVITE);
		struct call *c = first_call(f);

		print_message("# %s\n", names[i]);
		if (i == 2 || i == 3)
			assert_int_equal(rig_inside(f, p.a, "acme-pbx", "BYE", 5, "")->status, 200);
		switch (i) {
		case 0:
		case 2:
			fake_answer(f, out, 488, "gw", "", "");
			assert_int_equal(t->status, 488);
			break;
		case 1:
			rig_cancel(f, t);
			fake_answer(f, out, 487, "gw", "", "");
			assert_int_equal(t->status, 487);
			break;
		case 3:
			fake_answer(f, out, 200, "gw", GW_CONTACT, GW_BODY);
			assert_int_equal(t->status, 200);
			(void)rig_inside(f, t, "acme-pbx", "ACK", 1, "");
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
			rig_end(f, 2);
			continue;
		case 4:
			assert_int_equal(rig_inside(f, p.b, "gw1", "BYE", 1, "")->status, 200);
			assert_int_equal(t->status, 487);
			fake_answer(f, out, 487, "gw", "", "");
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1); /* the old one */
			rig_end(f, 2);
			continue;
		case 5:
			assert_int_equal(t->status, 488);
			break;
		case 6:
			assert_int_equal(take(f, LEG_B, "gw1", &usual, OTHER_GW)->status, 491);
			fake_answer(f, out, 488, "gw", "", "");
			break;
		default:
			fake_answer(f, out, 200, "gw", GW_CONTACT, GW_BODY);
			fake_run(f, 33000000);
			assert_int_equal(c->m.state, B2BUA_ENDING);
			rig_end(f, 2);
			continue;
		}
		assert_int_equal(c->rec.transfers, 0);
		assert_int_equal(c->rec.joining, 0);
		if (i == 2) { /* then nobody is left there */
			assert_int_equal(c->m.state, B2BUA_ENDING);
		} else {
			assert_int_equal(c->m.state, B2BUA_UP);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
			assert_int_equal(f->port[c->rec.leg[LEG_A].media.slot].open.rtp.port, 4000);
			assert_int_equal(rig_inside(f, p.a, "acme-pbx", "OPTIONS", 8, "")->status,
					 200);
		}
		rig_end(f, 2);
	}
}

/* Both have ended, and signaling dies before media said its last: each has its CDR all the same. */
static void
restarted(void **state)
{
	struct fake *f = up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *t = take(f, LEG_A, "acme-pbx", &usual, OTHER_PBX);

	(void)state;
	assert_ptr_not_equal(t, p.a);
	fake_answer(f, last_of(f, SIP_INVITE), 481, "gw", "", ""); /* the other party is gone */
	for (int i = 0; i < FAKE_TXNS; i++)
		if (f->txn[i].used && !f->txn[i].server && f->txn[i].method == SIP_BYE)
			fake_answer(f, &f->txn[i], 200, "", "", "");
	assert_int_equal(f->n_ended, 0);
	rig_restart_after(f, NULL, 1);
	rig_end(f, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),     cmocka_unit_test(not_taken),
		cmocka_unit_test(not_meant), cmocka_unit_test(meanwhile),
		cmocka_unit_test(restarted),
	};

	return cmocka_run_group_tests_name("call replace", tests, NULL, NULL);
}
