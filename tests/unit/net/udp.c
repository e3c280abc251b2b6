#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "net/udp.h"

static struct loop loop;

struct seen {
	struct udp u;
	int n;
	struct addr from, to;
	char last[64];
	size_t last_len;
	bool closes, answers;
};

static struct addr
addr_z(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

static void
on_packet(void *arg, const struct addr *from, const struct addr *to, struct str bytes)
{
	struct seen *s = arg;

	s->n++;
	s->from = *from;
	s->to = *to;
	s->last_len = bytes.len;
	memcpy(s->last, bytes.p, bytes.len < sizeof(s->last) ? bytes.len : sizeof(s->last));
	if (s->answers)
		assert_int_equal(udp_send(&s->u, to, from, STR("answer")), ERR_OK);
	if (s->closes)
		udp_fini(&s->u);
	if (bytes.len)
		assert_int_equal(bytes.p[0], s->last[0]); /* still there after udp_fini */
}

static void
open_seen(struct seen *s, const char *local)
{
	struct udp_opts o = {.local = addr_z(local), .dscp = 26};
	int fd = -1;

	*s = (struct seen){.n = 0};
	assert_int_equal(udp_bind(&o, &fd), ERR_OK);
	assert_int_equal(udp_adopt(&s->u, &loop, fd, on_packet, s), ERR_OK);
	assert_true(s->u.local.port > 0);
}

static void
settle(struct seen *s, int n)
{
	for (int i = 0; i < 200 && s->n < n; i++)
		assert_int_equal(loop_run_once(&loop, 10), ERR_OK);
	assert_int_equal(s->n, n);
}

static int
setup(void **state)
{
	(void)state;
	return loop_init(&loop, 16, 4) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
}

/* An any-address socket says which of our addresses was meant, and the answer leaves from it. */
static void
local_address(void **state)
{
	static const struct {
		const char *any, *client, *ours;
	} rows[] = {{"0.0.0.0", "127.0.0.2", "127.0.0.77"}, {"::", "::1", "::1"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen server, client;
		struct addr to = addr_z(rows[i].ours);

		open_seen(&server, rows[i].any);
		open_seen(&client, rows[i].client);
		server.answers = true;
		to.port = server.u.local.port;
		assert_int_equal(udp_send(&client.u, NULL, &to, STR("hello")), ERR_OK);
		settle(&client, 1);
		assert_true(addr_eq(&server.to, &to));
		assert_true(addr_eq(&server.from, &client.u.local));
		assert_true(addr_eq(&client.from, &to));
		assert_memory_equal(client.last, "answer", 6);
		assert_int_equal(server.u.count.rx_no_local, 0);
		udp_fini(&server.u);
		udp_fini(&client.u);
	}
}

static void
batches(void **state)
{
	struct seen server, client;

	(void)state;
	open_seen(&server, "127.0.0.1");
	open_seen(&client, "127.0.0.1");
	for (int i = 0; i < 200; i++)
		assert_int_equal(udp_send(&client.u, NULL, &server.u.local, STR("x")), ERR_OK);
	assert_int_equal(loop_run_once(&loop, 100), ERR_OK);
	assert_int_equal(server.n, UDP_BATCH * UDP_ROUNDS_MAX); /* others get their turn */
	settle(&server, 200);
	assert_int_equal(server.u.count.rx, 200);
	assert_int_equal(client.u.count.tx_bytes, 200);
	udp_fini(&server.u);
	udp_fini(&client.u);
	udp_fini(&client.u); /* twice is fine */
}

static void
sizes(void **state)
{
	static char big[65536];
	struct seen server, client;

	(void)state;
	open_seen(&server, "127.0.0.1");
	open_seen(&client, "127.0.0.1");
	assert_int_equal(udp_send(&client.u, NULL, &server.u.local, STR("")), ERR_OK);
	settle(&server, 1);
	assert_int_equal(server.last_len, 0);
	assert_int_equal(udp_send(&client.u, NULL, &server.u.local, str_of(big, 65507)), ERR_OK);
	settle(&server, 2);
	assert_int_equal(server.last_len, 65507);
	assert_int_equal(udp_send(&client.u, NULL, &server.u.local, str_of(big, 65508)), ERR_LONG);
	assert_int_equal(udp_send(&client.u, NULL, &server.u.local, str_of(big, 65536)), ERR_LONG);
	assert_int_equal(client.u.count.tx_errors, 2);
	udp_fini(&server.u);
	udp_fini(&client.u);
}

/* Closing in the callback ends the batch; the bytes stay readable until it returns. */
static void
close_inside(void **state)
{
	struct seen server, client;

	(void)state;
	open_seen(&server, "127.0.0.1");
	open_seen(&client, "127.0.0.1");
	server.closes = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(udp_send(&client.u, NULL, &server.u.local, STR("x")), ERR_OK);
	settle(&server, 1);
	assert_int_equal(loop_run_once(&loop, 10), ERR_OK);
	assert_int_equal(server.n, 1);
	udp_fini(&client.u);
}

static void
wrong_use(void **state)
{
	struct udp_opts o = {.local = {.family = 0}};
	struct seen s;
	struct addr v6 = addr_z("[::1]:5060"), none = {.family = 0}, far = addr_z("192.0.2.1:5060");
	int fd;

	(void)state;
	assert_int_equal(udp_bind(&o, &fd), ERR_RANGE);
	o.local = addr_z("192.0.2.1:0"); /* not ours */
	assert_int_equal(udp_bind(&o, &fd), ERR_IO);
	open_seen(&s, "127.0.0.1");
	assert_int_equal(udp_send(&s.u, NULL, &v6, STR("x")), ERR_IO);
	assert_int_equal(udp_send(&s.u, NULL, &none, STR("x")), ERR_IO);
	assert_int_equal(udp_send(&s.u, &far, &s.u.local, STR("x")), ERR_IO); /* not from there */
	assert_int_equal(s.u.count.tx_errors, 3);
	assert_true(s.u.count.last_errno != 0);
	o.local = s.u.local; /* in use */
	assert_int_equal(udp_bind(&o, &fd), ERR_IO);
	udp_fini(&s.u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(local_address, setup, teardown),
		cmocka_unit_test_setup_teardown(batches, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(close_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_use, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
