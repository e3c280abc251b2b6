#include "net/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct fetch {
	struct fetcher *owner;
	CURL *easy; /* NULL: free */
	char url[FETCH_URL_MAX];
	char post[FETCH_BODY_MAX];
	size_t post_len;
	struct curl_slist *headers;
	char *body; /* max_bytes of it at most */
	size_t len, cap, max;
	uint32_t total_ms;
	uint64_t deadline_us;
	int redirects;
	bool may_private; /* the host of url is listed */
	bool forbidden, too_large;
	char refused[64]; /* the address that must not be asked */
	fetch_done *on_done;
	void *arg;
};

struct fetcher {
	struct loop *loop;
	CURLM *multi;
	struct timer timer;
	struct fetch slot[FETCH_MAX];
	char host[FETCH_HOSTS_MAX][FETCH_HOST_MAX];
	uint32_t n_hosts;
};

/* ---- what may be asked ---- */

/* The host of an http URL, lower case as it stands. */
static bool
read_host(const char *url, char host[FETCH_HOST_MAX])
{
	CURLU *u = curl_url();
	char *scheme = NULL, *name = NULL;
	bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		  curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		  curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
		  strcmp(scheme, "http") == 0 && name[0] &&
		  str_copyz(host, FETCH_HOST_MAX, str_from(name)) == ERR_OK;

	curl_free(scheme);
	curl_free(name);
	curl_url_cleanup(u);
	return ok;
}

bool
fetch_url_ok(struct str url)
{
	char mem[FETCH_URL_MAX], host[FETCH_HOST_MAX];

	return str_copyz(mem, sizeof(mem), url) == ERR_OK && read_host(mem, host);
}

static bool
is_listed(const struct fetcher *f, const char *host)
{
	for (uint32_t i = 0; i < f->n_hosts; i++)
		if (str_ieqz(str_from(host), f->host[i]))
			return true;
	return false;
}

/* An address that a stranger's certificate may make us talk to. */
static bool
is_public(const struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family == 6)
		return !addr_is_any(a) && !addr_is_private(a) && a->ip[0] != 0xff &&
		       memcmp(a->ip, mapped, sizeof(mapped)) != 0;
	return a->family == 4 && a->ip[0] != 0 && a->ip[0] < 224 && !addr_is_private(a);
}

/* The library asks for a socket to an address that it looked up: the last place to say no. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct fetch *x = arg;
	struct sockaddr_storage sa = {0};
	struct addr a;

	(void)purpose;
	if (to->addrlen > sizeof(sa))
		return CURL_SOCKET_BAD;
	memcpy(&sa, &to->addr, to->addrlen);
	a = addr_from_sa(&sa);
	if (!x->may_private && !is_public(&a)) {
		x->forbidden = true;
		(void)snprintf(x->refused, sizeof(x->refused), "%s", addr_text(&a).z);
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- one transfer ---- */

static size_t
take_bytes(char *p, size_t one, size_t n, void *arg)
{
	struct fetch *x = arg;

	n *= one;
	if (n > x->max - x->len) {
		x->too_large = true;
		return 0;
	}
	if (x->len + n > x->cap) {
		size_t cap = 2 * (x->len + n) < x->max ? 2 * (x->len + n) : x->max;
		char *more = mem_zalloc(1, cap);

		if (!more)
			return 0;
		if (x->len)
			memcpy(more, x->body, x->len);
		mem_free(x->body);
		x->body = more;
		x->cap = cap;
	}
	if (n)
		memcpy(x->body + x->len, p, n);
	x->len += n;
	return n;
}

static void
end_transfer(struct fetch *x)
{
	if (x->easy) {
		(void)curl_multi_remove_handle(x->owner->multi, x->easy);
		curl_easy_cleanup(x->easy);
	}
	x->easy = NULL;
}

static void
free_fetch(struct fetch *x)
{
	end_transfer(x);
	curl_slist_free_all(x->headers);
	mem_free(x->body);
	*x = (struct fetch){.owner = x->owner};
}

static bool
set_options(struct fetch *x, long left_ms)
{
	CURL *c = x->easy;
	bool ok = true;

#define SET(option, value) ok &= curl_easy_setopt(c, option, value) == CURLE_OK
	SET(CURLOPT_URL, x->url);
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_FOLLOWLOCATION, 0L); /* each step is judged here */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L); /* so that open_socket is asked each time */
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, left_ms);
	SET(CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take_bytes);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_PRIVATE, x);
	if (x->headers) {
		SET(CURLOPT_HTTPHEADER, x->headers);
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)x->post_len);
		SET(CURLOPT_POSTFIELDS, x->post);
	}
#undef SET
	return ok;
}

/* To x->url, whatever was there before. */
static enum err
begin_transfer(struct fetch *x)
{
	uint64_t now = clock_now_us();
	char host[FETCH_HOST_MAX];

	if (!read_host(x->url, host))
		return ERR_SYNTAX;
	if (now >= x->deadline_us)
		return ERR_TIMEOUT;
	x->may_private = is_listed(x->owner, host);
	x->len = 0;
	x->easy = curl_easy_init();
	if (!x->easy)
		return ERR_NOMEM;
	if (!set_options(x, (long)((x->deadline_us - now) / CLOCK_MS) + 1) ||
	    curl_multi_add_handle(x->owner->multi, x->easy) != CURLM_OK) {
		curl_easy_cleanup(x->easy);
		x->easy = NULL;
		return ERR_NOMEM;
	}
	return ERR_OK;
}

/* ---- the end of one ---- */

/* False: it goes on elsewhere. */
static bool
judge(struct fetch *x, CURLcode code, struct fetch_result *r, char why[FETCH_WHY_MAX])
{
	char *to = NULL;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &r->status);
	(void)curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &to);
	r->err = ERR_IO;
	if (x->forbidden) {
		r->err = ERR_PERM;
		(void)snprintf(why, FETCH_WHY_MAX, "it is at %s, which is not asked unless listed",
			       x->refused);
	} else if (x->too_large) {
		r->err = ERR_LONG;
		(void)snprintf(why, FETCH_WHY_MAX, "more than %zu bytes", x->max);
	} else if (code != CURLE_OK) {
		r->err = code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO;
		(void)snprintf(why, FETCH_WHY_MAX, "%s", curl_easy_strerror(code));
	} else if (to && x->redirects++ < FETCH_REDIRECTS) {
		enum err e = str_copyz(x->url, sizeof(x->url), str_from(to));

		end_transfer(x);
		if (e == ERR_OK)
			e = begin_transfer(x);
		if (e == ERR_OK)
			return false;
		r->err = e == ERR_TIMEOUT ? e : ERR_IO;
		(void)snprintf(why, FETCH_WHY_MAX, "redirected to where we do not follow");
	} else if (r->status != 200) {
		(void)snprintf(why, FETCH_WHY_MAX, "%s (HTTP status %ld)",
			       to ? "too many redirects" : "not given", r->status);
	} else {
		r->err = ERR_OK;
		r->body = str_of(x->body, x->len);
	}
	return true;
}

static void
take_end(struct fetch *x, CURLcode code)
{
	char why[FETCH_WHY_MAX] = "";
	struct fetch_result r = {.why = why};
	struct fetch was;

	if (!judge(x, code, &r, why))
		return;
	was = *x; /* on_done may start another one in this slot */
	end_transfer(x);
	x->body = NULL;
	free_fetch(x);
	was.on_done(was.arg, &r);
	mem_free(was.body);
}

static void
on_step(struct timer *t, uint64_t now_us)
{
	struct fetcher *f = CONTAINER_OF(t, struct fetcher, timer);
	CURLMsg *m;
	int n;

	(void)now_us;
	(void)curl_multi_perform(f->multi, &n);
	while ((m = curl_multi_info_read(f->multi, &n)) != NULL) {
		char *x = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK)
			take_end((void *)x, m->data.result);
	}
	if (fetcher_busy(f))
		(void)!loop_timer(f->loop, t, FETCH_STEP_US);
}

/* ---- from above ---- */

static bool
copy_job(struct fetch *x, const struct fetch_job *job)
{
	char type[128];

	x->max = job->max_bytes;
	x->total_ms = job->total_ms ? job->total_ms : FETCH_TOTAL_MS;
	x->deadline_us = clock_now_us() + (uint64_t)x->total_ms * CLOCK_MS;
	x->on_done = job->on_done;
	x->arg = job->arg;
	if (job->post.len == 0)
		return true;
	if (job->post.len > sizeof(x->post))
		return false;
	memcpy(x->post, job->post.p, job->post.len);
	x->post_len = job->post.len;
	(void)snprintf(type, sizeof(type), "Content-Type: %.*s", STR_ARG(job->post_type));
	x->headers = curl_slist_append(NULL, type);
	return x->headers != NULL;
}

enum err
fetch_start(struct fetcher *f, const struct fetch_job *job)
{
	struct fetch *x = NULL;
	enum err e;

	for (int i = 0; i < FETCH_MAX && !x; i++)
		if (!f->slot[i].easy)
			x = &f->slot[i];
	if (!x)
		return ERR_FULL;
	*x = (struct fetch){.owner = f};
	if (str_copyz(x->url, sizeof(x->url), job->url) != ERR_OK || !copy_job(x, job)) {
		free_fetch(x);
		return ERR_LONG;
	}
	e = begin_transfer(x);
	if (e == ERR_OK && !timer_is_set(&f->timer))
		e = loop_timer(f->loop, &f->timer, 0);
	if (e != ERR_OK)
		free_fetch(x);
	return e;
}

uint32_t
fetcher_busy(const struct fetcher *f)
{
	uint32_t n = 0;

	for (int i = 0; i < FETCH_MAX; i++)
		n += f->slot[i].easy != NULL;
	return n;
}

enum err
fetcher_allow(struct fetcher *f, const char (*hosts)[FETCH_HOST_MAX], uint32_t n)
{
	if (n > FETCH_HOSTS_MAX)
		return ERR_LONG;
	memcpy(f->host, hosts, n * sizeof(f->host[0]));
	f->n_hosts = n;
	return ERR_OK;
}

enum err
fetcher_new(struct loop *loop, struct fetcher **out)
{
	struct fetcher *f = mem_zalloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
		mem_free(f);
		return ERR_NOMEM;
	}
	f->loop = loop;
	f->timer.on_due = on_step;
	f->multi = curl_multi_init();
	if (!f->multi) {
		curl_global_cleanup();
		mem_free(f);
		return ERR_NOMEM;
	}
	*out = f;
	return ERR_OK;
}

void
fetcher_free(struct fetcher **fp)
{
	struct fetcher *f = *fp;

	*fp = NULL;
	if (!f)
		return;
	loop_timer_stop(f->loop, &f->timer);
	for (int i = 0; i < FETCH_MAX; i++)
		if (f->slot[i].easy)
			free_fetch(&f->slot[i]);
	(void)curl_multi_cleanup(f->multi);
	curl_global_cleanup();
	mem_free(f);
}
