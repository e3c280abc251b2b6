#include "rig.h"

/* Whose requests are counted together, and what a peer may have of what all share. */

static void
clear_trunk(struct world *w)
{
	plain_trunk(w, "acme", "acme-clear", TRUNK_UDP, "127.0.0.21");
}

static int
setup_clear(void **state)
{
	rig.on_trunks = clear_trunk;
	return rig_setup_tls(state);
}

static int
teardown_clear(void **state)
{
	rig.on_trunks = NULL;
	return rig_teardown(state);
}

static void
tls_connect(struct tpeer *p)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);

	tpeer_connect(p, cert);
	SPIN(edge_conns(rig.e) == 1);
	X509_free(cert);
}

/* INVITE number i, over TLS or as a datagram; where it is counted, NULL: it did not go up. */
static struct share_peer *
invite(struct tpeer *p, int fd, const char *uri, int i)
{
	int before = count(REQUEST);
	char branch[16];
	struct sip s = {.method = "INVITE",
			.uri = uri,
			.branch = branch,
			.via = p ? "TLS 127.0.0.1" : "UDP 127.0.0.21"};

	(void)snprintf(branch, sizeof(branch), "i%d", i);
	if (p)
		tpeer_send(p, request(&s));
	else
		udp_to(fd, L_PLAIN, request(&s));
	for (int spin = 0; spin < 100 && count(REQUEST) == before; spin++)
		turn();
	return count(REQUEST) == before ? NULL : last(REQUEST)->txn->held;
}

/* What anybody may write into a datagram takes nothing of what a certificate vouches for. */
static void
counted_apart(void **state)
{
	struct share_peer *over_tls, *over_udp;
	int fd = udp_at("127.0.0.21");
	struct tpeer p;

	(void)state;
	tls_connect(&p);
	over_tls = invite(&p, -1, NULL, 1);
	over_udp = invite(NULL, fd, NULL, 2);
	assert_string_equal(last(REQUEST)->src.account_id.z, "acme");
	assert_non_null(over_tls);
	assert_non_null(over_udp);
	assert_ptr_not_equal(over_tls, over_udp);
	assert_int_equal(over_tls->txns, 1);
	assert_int_equal(over_udp->txns, 1);
	assert_ptr_equal(invite(&p, -1, NULL, 3), over_tls);
	close(fd);
	tpeer_fini(&p, false);
}

/* Calls for help over TLS are only refused: so many at a time; over a clear trunk they go on. */
static void
helps_in_hand(void **state)
{
	int fd = udp_at("127.0.0.21");
	struct share_peer *held = NULL;
	struct tpeer p;

	(void)state;
	tls_connect(&p);
	for (int i = 0; i < EDGE_HELP_SHARE; i++) {
		held = invite(&p, -1, "sip:911@x", i);
		assert_non_null(held);
		assert_int_equal(held->help, i + 1);
	}
	assert_null(invite(&p, -1, "sip:911@x", 100));
	HEARD(tpeer_hear(&p, 1000), "SIP/2.0 503");
	assert_non_null(invite(&p, -1, NULL, 101)); /* another call of the account */
	for (int i = 0; i < EDGE_HELP_SHARE + 1; i++)
		assert_non_null(invite(NULL, fd, "sip:911@x", 200 + i));
	close(fd);
	tpeer_fini(&p, false);
}

/* A connection that brings more than is read of it: its own new calls are refused, in a sentence,
 * nobody else's. */
static void
behind_alone(void **state)
{
	int fd = udp_at("127.0.0.21");
	struct conn *c;
	struct tpeer p;

	(void)state;
	tls_connect(&p);
	c = CONTAINER_OF(rig.e->conns.all.next, struct conn, node);
	c->load = (struct load){.window_end = UINT64_MAX, .share = LOAD_ONE / 2};
	assert_null(invite(&p, -1, NULL, 1));
	HEARD(heard(tpeer_hear(&p, 1000)), "Warning: 399 postern \"overload");
	assert_non_null(invite(&p, -1, NULL, 2)); /* each second one */
	assert_non_null(invite(NULL, fd, NULL, 3));
	assert_int_equal(load_percent(&rig.e->load), 0);
	close(fd);
	tpeer_fini(&p, false);
}

/* Where no time is left for refusing, what is only behind its own connection's backlog is carried;
 * of a peer that brings more than its share a datagram is dropped, and a connection rests. */
static void
no_time_to_refuse(void **state)
{
	int fd = udp_at("127.0.0.21");
	struct share_peer *peer;
	struct conn *c;
	struct tpeer p;

	(void)state;
	tls_connect(&p);
	c = CONTAINER_OF(rig.e->conns.all.next, struct conn, node);
	c->load = (struct load){.window_end = UINT64_MAX, .share = 0};
	rig.e->refusing.paid_us = UINT64_MAX / 2;
	assert_non_null(invite(&p, -1, NULL, 1)); /* all of its were refused, .. */
	rig.e->refusing.paid_us = 0;
	assert_null(invite(&p, -1, NULL, 2)); /* .. were there time */
	HEARD(heard(tpeer_hear(&p, 1000)), "Warning: 399 postern \"overload");
	load_init(&c->load);
	peer = invite(&p, -1, NULL, 3);
	assert_non_null(peer);
	/* its share is spent from now on */
	rig.e->share.window_end = rig.e->load.window_end = UINT64_MAX;
	rig.e->share.level = rig.e->share.floor = 0;
	peer->rate = 1000 * SHARE_UNIT;
	rig.e->refusing.paid_us = loop_now(&rig.loop) + LOAD_REFUSE_AHEAD_US + 800000;
	assert_null(invite(&p, -1, NULL, 4));
	HEARD(heard(tpeer_hear(&p, 1000)), "Warning: 399 postern \"overload");
	assert_false(list_empty(&rig.e->conns.resting));
	peer->rate = 0;
	assert_null(invite(&p, -1, NULL, 5)); /* not read yet */
	SPIN(list_empty(&rig.e->conns.resting));
	SPIN(last(REQUEST)->txn->held == peer && peer->txns == 3); /* 1, 3 and 5 */
	peer = invite(NULL, fd, NULL, 6);
	assert_non_null(peer);
	peer->rate = 1000 * SHARE_UNIT;
	rig.e->refusing.paid_us = UINT64_MAX / 2;
	assert_null(invite(NULL, fd, NULL, 7));
	assert_int_equal(recv(fd, rig.msg, sizeof(rig.msg), MSG_DONTWAIT), -1);
	close(fd);
	tpeer_fini(&p, false);
}

/* The tag in To of an answer. */
static void
learn_tag(const char *answer, char *out, size_t size)
{
	const char *to = strstr(heard(answer), "\r\nTo: "), *at = to ? strstr(to, ";tag=") : NULL;

	assert_non_null(at);
	at += strlen(";tag=");
	assert_int_equal(str_copyz(out, size, str_of(at, strcspn(at, "\r;"))), ERR_OK);
}

static void
count_message(void *arg, const struct edge_seen *seen)
{
	int *n = arg;

	*n += seen->bytes.len > 0;
}

/* While calls are refused: neither they nor their ACKs are shown or go up; others do. */
static void
refused_in_silence(void **state)
{
	int fd = udp_at("127.0.0.21"), shown = 0;
	void *arg = rig.e->up.arg;
	char tag[64];
	struct conn *c;
	struct tpeer p;

	(void)state;
	tls_connect(&p);
	c = CONTAINER_OF(rig.e->conns.all.next, struct conn, node);
	c->load = (struct load){.window_end = UINT64_MAX, .share = 0};
	assert_null(invite(&p, -1, NULL, 0)); /* the first one begins it */
	(void)heard(tpeer_hear(&p, 1000));
	rig.e->up.on_message = count_message;
	rig.e->up.arg = &shown;
	assert_null(invite(&p, -1, NULL, 1));
	learn_tag(tpeer_hear(&p, 1000), tag, sizeof(tag));
	tpeer_send(
		&p,
		request(&(struct sip){
			.method = "ACK", .branch = "i1", .via = "TLS 127.0.0.1", .to_tag = tag}));
	for (int i = 0; i < 20; i++)
		turn();
	assert_int_equal(shown, 0);
	rig.e->up.arg = arg;
	rig.e->up.on_message = NULL;
	assert_int_equal(count(ACKED), 0);
	tpeer_send(&p, request(&(struct sip){.method = "ACK",
					     .branch = "other",
					     .via = "TLS 127.0.0.1",
					     .to_tag = tag}));
	SPIN(count(ACKED) == 1);
	assert_non_null(invite(NULL, fd, NULL, 2));
	close(fd);
	tpeer_fini(&p, false);
}

/* What a message is counted as: nothing, where we asked for it. */
static void
charged(void **state)
{
	int fd = udp_at("127.0.0.21");
	struct share_peer *peer;
	char text[2000];
	uint32_t now;

	(void)state;
	peer = invite(NULL, fd, NULL, 1);
	rig.e->share.window_end = UINT64_MAX; /* none ends */
	now = peer->now;
	(void)invite(NULL, fd, NULL, 2);
	assert_int_equal(peer->now, now + SHARE_REQUEST);
	udp_to(fd, L_PLAIN, request(&(struct sip){.method = "ACK", .branch = "a", .to_tag = "x"}));
	SPIN(count(ACKED) == 1);
	assert_int_equal(peer->now, now + SHARE_REQUEST + SHARE_MESSAGE);
	udp_to(fd, L_PLAIN, STR("nonsense\r\n\r\n"));
	SPIN(peer->now == now + SHARE_REQUEST + 2 * SHARE_MESSAGE);
	assert_int_equal(str_copyz(text, sizeof(text), request(&(struct sip){.method = "INVITE"})),
			 ERR_OK);
	udp_to(fd, L_PLAIN, response(str_from(text), 180));
	SPIN(peer->now == now + SHARE_REQUEST + 3 * SHARE_MESSAGE);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counted_apart, setup_clear, teardown_clear),
		cmocka_unit_test_setup_teardown(helps_in_hand, setup_clear, teardown_clear),
		cmocka_unit_test_setup_teardown(behind_alone, setup_clear, teardown_clear),
		cmocka_unit_test_setup_teardown(no_time_to_refuse, setup_clear, teardown_clear),
		cmocka_unit_test_setup_teardown(refused_in_silence, setup_clear, teardown_clear),
		cmocka_unit_test_setup_teardown(charged, setup_clear, teardown_clear),
	};

	return cmocka_run_group_tests_name("edge-shed", tests, NULL, NULL);
}
