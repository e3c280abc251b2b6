/* Small things over HTTP: what is asked, what is not, and every bound. The server is a thread of
 * this program on loopback. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/fetch.h"

enum { ANSWER_MAX = 4096, WAIT_ROUNDS = 400 };

static struct loop loop;
static struct fetcher *fetcher;
static int server = -1, stop_pipe[2];
static uint16_t port;
static pthread_t thread;
static char got_request[8192];
static struct fetch_result got;
static char got_body[ANSWER_MAX], got_why[FETCH_WHY_MAX];
static int n_done;

/* What the path asks for. */
static void
write_answer(struct buf *b, const char *request)
{
	if (strstr(request, " /ok "))
		buf_z(b, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	else if (strstr(request, " /open "))
		buf_z(b, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
	else if (strstr(request, " /moved "))
		buf_z(b, "HTTP/1.1 302 F\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(request, " /loop "))
		buf_z(b, "HTTP/1.1 302 F\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(request, " /tofile "))
		buf_z(b, "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n"
			 "Content-Length: 0\r\n\r\n");
	else if (strstr(request, " /tohttps "))
		buf_z(b, "HTTP/1.1 302 F\r\nLocation: https://127.0.0.1/\r\n"
			 "Content-Length: 0\r\n\r\n");
	else if (strstr(request, " /toother "))
		buf_printf(b,
			   "HTTP/1.1 302 F\r\nLocation: http://localhost:%u/ok\r\n"
			   "Content-Length: 0\r\n\r\n",
			   port);
	else if (strstr(request, " /large "))
		buf_z(b,
		      "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaaaaaaaaa");
	else if (strstr(request, " /half "))
		buf_z(b, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello");
	else if (strstr(request, " /junk "))
		buf_z(b, "SSH-2.0-hello\r\n");
	else if (!strstr(request, " /silent "))
		buf_z(b, "HTTP/1.1 404 N\r\nContent-Length: 4\r\n\r\nnone");
}

static void
serve_one(int fd, bool silent)
{
	char text[ANSWER_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	write_answer(&b, got_request);
	if (b.len)
		(void)!send(fd, b.p, b.len, MSG_NOSIGNAL);
	if (silent) { /* until the other side or the test has enough */
		struct pollfd p[2] = {{.fd = fd, .events = POLLRDHUP},
				      {.fd = stop_pipe[0], .events = POLLIN}};

		(void)poll(p, 2, 5000);
	}
	close(fd);
}

static void *
serve(void *arg)
{
	struct pollfd p[2] = {{.fd = server, .events = POLLIN},
			      {.fd = stop_pipe[0], .events = POLLIN}};

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		int fd = accept(server, NULL, NULL);
		ssize_t n = fd < 0 ? -1 : recv(fd, got_request, sizeof(got_request) - 1, 0);

		got_request[n < 0 ? 0 : n] = 0;
		if (fd >= 0)
			serve_one(fd, strstr(got_request, " /silent ") != NULL);
	}
	return arg;
}

static int
setup(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const char hosts[1][FETCH_HOST_MAX] = {"127.0.0.1"};
	socklen_t len = sizeof(sa);

	(void)state;
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(server, 8) != 0 ||
	    getsockname(server, (struct sockaddr *)&sa, &len) != 0 || pipe(stop_pipe) != 0)
		return -1;
	port = ntohs(sa.sin_port);
	n_done = 0;
	if (loop_init(&loop, 8, 8) != ERR_OK || fetcher_new(&loop, &fetcher) != ERR_OK ||
	    fetcher_allow(fetcher, hosts, 1) != ERR_OK)
		return -1;
	return pthread_create(&thread, NULL, serve, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	fetcher_free(&fetcher);
	loop_fini(&loop);
	close(stop_pipe[1]);
	pthread_join(thread, NULL);
	close(stop_pipe[0]);
	close(server);
	return 0;
}

static void
take(void *arg, const struct fetch_result *r)
{
	assert_ptr_equal(arg, &got);
	got = *r;
	(void)snprintf(got_body, sizeof(got_body), "%.*s", STR_ARG(r->body));
	(void)snprintf(got_why, sizeof(got_why), "%s", r->why);
	n_done++;
}

static void
wait_done(int n)
{
	for (int i = 0; i < WAIT_ROUNDS && n_done < n; i++)
		assert_int_equal(loop_run_once(&loop, 20), ERR_OK);
	assert_int_equal(n_done, n);
}

static void
test_answers(void **state)
{
	static const struct {
		const char *name, *host, *path;
		enum err err;
		long status;
		const char *body, *why;
	} rows[] = {
		{"fine", "127.0.0.1", "/ok", ERR_OK, 200, "hello", ""},
		{"no length", "127.0.0.1", "/open", ERR_OK, 200, "until the end", ""},
		{"moved", "127.0.0.1", "/moved", ERR_OK, 200, "hello", ""},
		{"moves for ever", "127.0.0.1", "/loop", ERR_IO, 302, "", "too many redirects"},
		{"moved to a file", "127.0.0.1", "/tofile", ERR_IO, 302, "", "do not follow"},
		{"moved to https", "127.0.0.1", "/tohttps", ERR_IO, 302, "", "do not follow"},
		{"moved to a private host that is not listed", "127.0.0.1", "/toother", ERR_PERM, 0,
		 "", "not asked unless listed"},
		{"not listed", "localhost", "/ok", ERR_PERM, 0, "", "not asked unless listed"},
		{"too large", "127.0.0.1", "/large", ERR_LONG, 200, "", "more than 64 bytes"},
		{"ends too early", "127.0.0.1", "/half", ERR_IO, 200, "", ""},
		{"not there", "127.0.0.1", "/none", ERR_IO, 404, "", "HTTP status 404"},
		{"no HTTP", "127.0.0.1", "/junk", ERR_IO, 0, "", ""},
		{"silent", "127.0.0.1", "/silent", ERR_TIMEOUT, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char url[128];
		struct fetch_job job = {
			.max_bytes = 64, .total_ms = 700, .on_done = take, .arg = &got};

		print_message("# %s\n", rows[i].name);
		(void)snprintf(url, sizeof(url), "http://%s:%u%s", rows[i].host, port,
			       rows[i].path);
		job.url = str_from(url);
		n_done = 0;
		assert_int_equal(fetch_start(fetcher, &job), ERR_OK);
		assert_int_equal(n_done, 0); /* never from inside */
		wait_done(1);
		assert_int_equal(got.err, rows[i].err);
		assert_int_equal(got.status, rows[i].status);
		assert_string_equal(got_body, rows[i].body);
		assert_non_null(strstr(got_why, rows[i].why));
		assert_int_equal(fetcher_busy(fetcher), 0);
	}
}

static void
test_urls(void **state)
{
	static const struct {
		const char *url;
		bool ok;
	} rows[] = {
		{"http://crl.example.com/x.crl", true},
		{"HTTP://crl.example.com", true},
		{"http://[2001:db8::1]:80/x", true},
		{"https://crl.example.com/x.crl", false},
		{"ldap://crl.example.com/x.crl", false},
		{"file:///etc/passwd", false},
		{"crl.example.com", false},
		{"http://", false},
		{"", false},
		{"http://a b/", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fetch_job job = {
			.url = str_from(rows[i].url), .max_bytes = 64, .on_done = take};

		print_message("# %s\n", rows[i].url);
		assert_int_equal(fetch_url_ok(job.url), rows[i].ok);
		if (!rows[i].ok)
			assert_int_equal(fetch_start(fetcher, &job), ERR_SYNTAX);
	}
}

static void
test_private(void **state)
{
	static const char *const urls[] = {
		"http://127.0.0.2/",         "http://10.0.0.1/",  "http://169.254.169.254/",
		"http://192.168.1.1/",       "http://[::1]/",     "http://[fe80::1]/",
		"http://[::ffff:10.0.0.1]/", "http://[fc00::1]/", "http://0.0.0.0/",
		"http://224.0.0.1/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct fetch_job job = {.url = str_from(urls[i]),
					.max_bytes = 64,
					.total_ms = 500,
					.on_done = take,
					.arg = &got};

		print_message("# %s\n", urls[i]);
		n_done = 0;
		assert_int_equal(fetch_start(fetcher, &job), ERR_OK);
		wait_done(1);
		assert_int_equal(got.err, ERR_PERM);
	}
}

static void
test_post(void **state)
{
	char url[64];
	struct fetch_job job = {.post = STR("\x30\x01\x00question"),
				.post_type = STR("application/ocsp-request"),
				.max_bytes = 64,
				.on_done = take,
				.arg = &got};

	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", port);
	job.url = str_from(url);
	assert_int_equal(fetch_start(fetcher, &job), ERR_OK);
	wait_done(1);
	assert_int_equal(got.err, ERR_OK);
	assert_non_null(strstr(got_request, "POST /ok"));
	assert_non_null(strstr(got_request, "Content-Type: application/ocsp-request\r\n"));
	assert_non_null(strstr(got_request, "Content-Length: 11\r\n"));
}

static void
test_full(void **state)
{
	char url[64];
	struct fetch_job job = {.max_bytes = 64, .total_ms = 300, .on_done = take, .arg = &got};

	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/silent", port);
	job.url = str_from(url);
	for (int i = 0; i < FETCH_MAX; i++)
		assert_int_equal(fetch_start(fetcher, &job), ERR_OK);
	assert_int_equal(fetch_start(fetcher, &job), ERR_FULL);
	wait_done(FETCH_MAX);
	assert_int_equal(fetch_start(fetcher, &job), ERR_OK); /* and ends with the fetcher */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private, setup, teardown),
		cmocka_unit_test_setup_teardown(test_post, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
