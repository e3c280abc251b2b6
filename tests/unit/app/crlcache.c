/* Fetched revocation lists: when they are fetched again, what is kept on disk, what is refused. The
 * server is a thread of this program on loopback. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/net/testca.h"

#include "app/crlcache.h"
#include "base/clock.h"
#include "base/log.h"

static struct loop loop;
static struct fetcher *fetcher;
static struct alarms as;
static struct crlcache cache;
static char dir[64], path[96], url[96];
static int server, stop_pipe[2];
static pthread_t thread;
static struct str served; /* what the next question gets; empty: 404 */
static X509 *root, *leaf;

static void *
serve(void *arg)
{
	struct pollfd p[2] = {{.fd = server, .events = POLLIN},
			      {.fd = stop_pipe[0], .events = POLLIN}};

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		int fd = accept(server, NULL, NULL);
		char text[4096], head[128];
		int n;

		(void)!recv(fd, text, sizeof(text), 0);
		n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
			     served.len ? "200 OK" : "404 N", served.len);
		(void)!send(fd, head, (size_t)n, MSG_NOSIGNAL);
		if (served.len)
			(void)!send(fd, served.p, served.len, MSG_NOSIGNAL);
		close(fd);
	}
	return arg;
}

static void
open_cache(void)
{
	static const char hosts[1][FETCH_HOST_MAX] = {"127.0.0.1"};

	assert_int_equal(fetcher_new(&loop, &fetcher), ERR_OK);
	assert_int_equal(fetcher_allow(fetcher, hosts, 1), ERR_OK);
	assert_int_equal(crlcache_init(&cache, path, fetcher, &as), ERR_OK);
}

static void
close_cache(void)
{
	fetcher_free(&fetcher);
	crlcache_fini(&cache);
}

static int
setup(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct ca_opts o = {.cn = "leaf", .from_day = -1};
	socklen_t len = sizeof(sa);

	(void)state;
	log_init("test", -1, LOG_ERROR);
	root = ca_root("Root");
	o.key = ca_keys()->leaf;
	o.issuer = root;
	o.issuer_key = ca_keys()->ca;
	leaf = ca_cert(&o);
	(void)snprintf(dir, sizeof(dir), "%s/postern-crl-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/lists", dir);
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(server, 8) != 0 ||
	    getsockname(server, (struct sockaddr *)&sa, &len) != 0 || pipe(stop_pipe) != 0)
		return -1;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/a.crl", ntohs(sa.sin_port));
	if (loop_init(&loop, 8, 8) != ERR_OK || alarms_init(&as, NULL) != ERR_OK)
		return -1;
	open_cache();
	return pthread_create(&thread, NULL, serve, NULL);
}

static int
teardown(void **state)
{
	char rm[160];

	(void)state;
	close_cache();
	alarms_fini(&as);
	loop_fini(&loop);
	close(stop_pipe[1]);
	pthread_join(thread, NULL);
	close(stop_pipe[0]);
	close(server);
	X509_free(root);
	X509_free(leaf);
	(void)snprintf(rm, sizeof(rm), "rm -r '%s'", dir);
	return system(rm);
}

/* Steps and loops until what is under way has ended. */
static void
fetch_now(uint64_t now_us)
{
	crlcache_step(&cache, now_us, clock_wall_us());
	for (int i = 0; i < 400 && fetcher_busy(fetcher); i++)
		assert_int_equal(loop_run_once(&loop, 20), ERR_OK);
	assert_int_equal(fetcher_busy(fetcher), 0);
}

static void
test_wait(void **state)
{
	static const struct {
		const char *name;
		int64_t left_s;
		uint32_t wait_s;
	} rows[] = {
		{"a week", 7 * 86400, CRLCACHE_AGAIN_MAX_S},
		{"an hour", 3600, 2400},
		{"six seconds", 6, CRLCACHE_AGAIN_MIN_S},
		{"over", -100, CRLCACHE_AGAIN_MIN_S},
	};
	struct tls_crl_dates d = {.this_us = 1};

	(void)state;
	assert_int_equal(crlcache_wait_s(&d, 5), CRLCACHE_AGAIN_MAX_S); /* it does not say */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		d.next_us = (1000000 + rows[i].left_s) * CLOCK_S;
		assert_int_equal(crlcache_wait_s(&d, 1000000LL * CLOCK_S), rows[i].wait_s);
	}
}

static void
test_fetched_and_kept(void **state)
{
	struct fetched_entry e[4];

	(void)state;
	served = ca_crl_pem(root, &leaf, 1);
	crlcache_want(&cache, url, 0);
	crlcache_want(&cache, url, 0);
	crlcache_want(&cache, "", 0);
	crlcache_want(&cache, "ldap://x/y", 0);
	assert_int_equal(cache.n, 1);
	assert_int_equal(crlcache_list(&cache, e, 4), 0);
	fetch_now(clock_now_us());
	assert_true(cache.changed);
	assert_int_equal(crlcache_list(&cache, e, 4), 1);
	assert_true(str_eq(e[0].bytes, served));
	assert_string_equal(e[0].label, url);
	cache.changed = false;
	fetch_now(clock_now_us()); /* not yet due */
	cache.item[0].due_us = 0;
	fetch_now(clock_now_us()); /* the same list again is no news */
	assert_false(cache.changed);
	close_cache();
	served = STR_NULL; /* the next life has it without asking */
	open_cache();
	assert_true(cache.changed);
	assert_int_equal(crlcache_list(&cache, e, 4), 1);
	assert_string_equal(e[0].label, url);
	assert_string_equal(cache.item[0].dates.issuer, "CN=Root");
}

/* A failure keeps the last list; the second one in a row is an alarm, which a good answer clears.
 */
static void
test_failures(void **state)
{
	uint64_t due;

	(void)state;
	served = ca_crl_pem(root, NULL, 0);
	crlcache_want(&cache, url, 0);
	fetch_now(clock_now_us());
	served = STR("no list at all");
	cache.item[0].due_us = 0;
	fetch_now(clock_now_us());
	assert_int_equal(cache.item[0].failures, 1);
	assert_null(alarms_find(&as, ALARM_CRL_FETCH, url));
	due = cache.item[0].due_us;
	assert_true(due >= clock_now_us() + 20 * CLOCK_S);
	served = STR_NULL;
	cache.item[0].due_us = 0;
	fetch_now(clock_now_us());
	assert_non_null(
		strstr(alarms_find(&as, ALARM_CRL_FETCH, url)->text, "the last one is used"));
	assert_true(cache.item[0].due_us > due);
	assert_non_null(cache.item[0].bytes);
	crlcache_step(&cache, 0, cache.item[0].dates.next_us + 1);
	assert_int_equal(alarms_find(&as, ALARM_CRL_EXPIRY, url)->severity, ALARM_CRITICAL);
	served = ca_crl_pem(root, &leaf, 1);
	cache.item[0].due_us = 0;
	fetch_now(clock_now_us());
	crlcache_step(&cache, 0, clock_wall_us());
	assert_int_equal(as.n, 0);
	assert_int_equal(cache.item[0].failures, 0);
}

/* Each address in turn; only when all have failed the list cannot be fetched. */
static void
test_in_turn(void **state)
{
	char urls[CRLCACHE_URLS_MAX];
	const struct alarm *al;

	(void)state;
	served = ca_crl_pem(root, &leaf, 1);
	(void)snprintf(urls, sizeof(urls), "http://127.0.0.1:1/a.crl http:///x %s", url);
	crlcache_want(&cache, urls, 0);
	crlcache_want(&cache, urls, 0);
	assert_int_equal(cache.n, 1);
	for (int i = 0; i < 3; i++) {
		assert_null(cache.item[0].bytes);
		assert_int_equal(cache.item[0].failures, 0);
		fetch_now(clock_now_us());
	}
	assert_non_null(cache.item[0].bytes);
	assert_int_equal(cache.item[0].turn, 0);
	served = STR_NULL;
	cache.item[0].due_us = 0;
	for (int i = 0; i < 3; i++)
		fetch_now(clock_now_us());
	assert_int_equal(cache.item[0].failures, 1);
	assert_int_equal(cache.item[0].turn, 0);
	for (int i = 0; i < 3; i++) { /* the alarm goes by the first, and names the last */
		cache.item[0].due_us = 0;
		fetch_now(clock_now_us());
	}
	al = alarms_find(&as, ALARM_CRL_FETCH, "http://127.0.0.1:1/a.crl");
	assert_non_null(al);
	assert_non_null(strstr(al->text, url));
	assert_null(strstr(al->text, "127.0.0.1:1/"));
	close_cache();
	open_cache(); /* all of them are kept */
	assert_string_equal(cache.item[0].urls, urls);
	assert_string_equal(cache.item[0].url, "http://127.0.0.1:1/a.crl");
}

static void
test_bounded(void **state)
{
	char many[64];

	(void)state;
	for (int i = 0; i < CRLCACHE_MAX + 10; i++) {
		(void)snprintf(many, sizeof(many), "http://h%d.example/x.crl", i);
		crlcache_want(&cache, many, UINT64_MAX);
	}
	assert_int_equal(cache.n, CRLCACHE_MAX);
}

/* Files in the folder that are none of ours. */
static void
test_bad_files(void **state)
{
	static const char *const texts[] = {"", "no line end", "http://h/x.crl\nno list",
					    "file:///etc/passwd\nx", "\n\n\n"};
	struct fetched_entry e[4];

	(void)state;
	close_cache();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char name[128];
		FILE *f;

		(void)snprintf(name, sizeof(name), "%s/%zu.crl", path, i);
		f = fopen(name, "we");
		assert_non_null(f);
		assert_true(fputs(texts[i], f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	open_cache();
	assert_int_equal(crlcache_list(&cache, e, 4), 0);
	assert_int_equal(cache.n, 1); /* the one with an address: asked for again */
}

static int
end_all(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),
		cmocka_unit_test_setup_teardown(test_fetched_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, end_all);
}
