#include "app/crlcache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ops/expiry.h"

enum { CRLCACHE_MODE = 0640 };

/* ---- files ---- */

/* One name for one list; a meeting of two costs a fetch at the next start. FNV-1a. */
static void
put_path(const struct crlcache *c, const char *urls, char out[CRLCACHE_PATH_MAX + 32])
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *urls; urls++)
		h = (h ^ (unsigned char)*urls) * 0x100000001b3ULL;
	(void)snprintf(out, CRLCACHE_PATH_MAX + 32, "%s/%016llx.crl", c->dir,
		       (unsigned long long)h);
}

static void
write_file(const struct crlcache_item *i)
{
	char path[CRLCACHE_PATH_MAX + 32], tmp[CRLCACHE_PATH_MAX + 40];
	size_t len = strlen(i->urls);
	bool ok;
	int fd;

	put_path(i->owner, i->urls, path);
	(void)snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, CRLCACHE_MODE);
	ok = fd >= 0 && write(fd, i->urls, len) == (ssize_t)len && write(fd, "\n", 1) == 1 &&
	     write(fd, i->bytes, i->len) == (ssize_t)i->len;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (!ok || rename(tmp, path) != 0)
		log_warn("crl.file", "cannot write %s: %s; fetched again after a restart", path,
			 strerror(errno));
}

static struct crlcache_item *
find_item(const struct crlcache *c, const char *urls)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->item[i].urls, urls) == 0)
			return &c->item[i];
	return NULL;
}

/* The address of this turn, "" behind the last. */
static struct str
url_at(const struct crlcache_item *i, uint32_t turn)
{
	struct str rest = str_from(i->urls), url = str_cut(&rest, ' ');

	while (turn-- > 0)
		url = str_cut(&rest, ' ');
	return url;
}

static struct crlcache_item *
add_item(struct crlcache *c, struct str urls, uint64_t now_us)
{
	struct crlcache_item *i;
	struct str rest = urls;
	bool some = false;

	while (rest.len)
		some |= fetch_url_ok(str_cut(&rest, ' '));
	if (c->n == CRLCACHE_MAX || !some)
		return NULL;
	i = &c->item[c->n];
	*i = (struct crlcache_item){.owner = c, .due_us = now_us};
	if (str_copyz(i->urls, sizeof(i->urls), urls) != ERR_OK ||
	    str_copyz(i->url, sizeof(i->url), str_sub(url_at(i, 0), 0, sizeof(i->url) - 1)) !=
		    ERR_OK)
		return NULL;
	c->n++;
	return i;
}

/* A good list: kept from now on. */
static bool
take_list(struct crlcache_item *i, struct str bytes)
{
	struct tls_crl_dates d;
	char *copy;

	if (tls_crl_dates(bytes, &d) != ERR_OK)
		return false;
	copy = mem_zalloc(1, bytes.len);
	if (!copy)
		return false;
	memcpy(copy, bytes.p, bytes.len);
	mem_free(i->bytes);
	i->bytes = copy;
	i->len = bytes.len;
	i->dates = d;
	i->owner->changed = true;
	return true;
}

static void
read_file(struct crlcache *c, const char *name)
{
	char path[CRLCACHE_PATH_MAX + 272], *mem = NULL;
	struct crlcache_item *i;
	struct str text, urls;
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= CRLCACHE_LIST_MAX + CRLCACHE_URLS_MAX)
		mem = mem_zalloc(1, (size_t)st.st_size);
	if (mem && read(fd, mem, (size_t)st.st_size) == (ssize_t)st.st_size) {
		text = str_of(mem, (size_t)st.st_size);
		urls = str_cut(&text, '\n');
		i = add_item(c, urls, 0); /* asked for at once: it may have been replaced */
		if (i && !take_list(i, text))
			log_warn("crl.file", "%s is no revocation list", path);
	}
	mem_free(mem);
	if (fd >= 0)
		close(fd);
}

static void
read_folder(struct crlcache *c)
{
	DIR *d = opendir(c->dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (str_ends(str_from(e->d_name), STR(".crl")))
			read_file(c, e->d_name);
	if (d)
		closedir(d);
}

/* ---- fetching ---- */

uint32_t
crlcache_wait_s(const struct tls_crl_dates *d, int64_t wall_us)
{
	int64_t s = (d->next_us - wall_us) / CLOCK_S * 2 / 3;

	if (d->next_us == 0 || s > CRLCACHE_AGAIN_MAX_S)
		return CRLCACHE_AGAIN_MAX_S;
	return s < CRLCACHE_AGAIN_MIN_S ? CRLCACHE_AGAIN_MIN_S : (uint32_t)s;
}

/* url: the address that failed last; the alarm goes by the first one. */
static void
note_failure(struct crlcache_item *i, struct str url, const char *why)
{
	uint64_t wait_s = CRLCACHE_RETRY_MIN_S;
	char text[ALARM_TEXT_MAX];

	for (uint32_t k = 0; k < i->failures && wait_s < CRLCACHE_RETRY_MAX_S; k++)
		wait_s *= 2;
	i->failures++;
	i->due_us = clock_now_us() +
		    (wait_s < CRLCACHE_RETRY_MAX_S ? wait_s : CRLCACHE_RETRY_MAX_S) * CLOCK_S;
	(void)snprintf(text, sizeof(text), "the revocation list cannot be fetched: %.*s: %.160s%s",
		       STR_ARG(str_sub(url, 0, 120)), why,
		       i->bytes ? "; the last one is used" : "; there is none");
	if (i->failures == 1)
		log_warn("crl.fetch", "url=%.*s %s", STR_ARG(url), text);
	if (i->failures >= CRLCACHE_ALARM_AFTER)
		(void)alarms_raise(i->owner->alarms, ALARM_CRL_FETCH, ALARM_WARNING, i->url, text,
				   clock_wall_us());
}

/* The next address at once; behind the last one it has failed. */
static void
try_next(struct crlcache_item *i, const char *why)
{
	struct str url = url_at(i, i->turn);

	if (url_at(i, i->turn + 1).len == 0) {
		i->turn = 0;
		note_failure(i, url, why);
		return;
	}
	log_info("crl.fetch", "url=%.*s %s; the next address is tried", STR_ARG(url), why);
	i->turn++;
	i->due_us = 0;
}

static void
take_answer(void *arg, const struct fetch_result *r)
{
	struct crlcache_item *i = arg;
	bool same = i->bytes && str_eq(r->body, str_of(i->bytes, i->len));

	i->busy = false;
	if (r->err != ERR_OK || (!same && !take_list(i, r->body))) {
		try_next(i, r->err != ERR_OK ? r->why : "what came is no revocation list");
		return;
	}
	i->failures = 0;
	i->turn = 0;
	i->due_us =
		clock_now_us() + (uint64_t)crlcache_wait_s(&i->dates, clock_wall_us()) * CLOCK_S;
	(void)alarms_clear(i->owner->alarms, ALARM_CRL_FETCH, i->url);
	if (same)
		return;
	write_file(i);
	log_info("crl.fetch", "url=%s bytes=%zu issuer=\"%s\"", i->url, i->len, i->dates.issuer);
}

static void
begin(struct crlcache_item *i)
{
	struct fetch_job job = {.url = url_at(i, i->turn),
				.max_bytes = CRLCACHE_LIST_MAX,
				.on_done = take_answer,
				.arg = i};
	enum err e = fetch_start(i->owner->fetcher, &job);

	i->busy = e == ERR_OK;
	if (e != ERR_OK && e != ERR_FULL)
		try_next(i, err_text(e));
}

void
crlcache_step(struct crlcache *c, uint64_t now_us, int64_t wall_us)
{
	for (uint32_t k = 0; k < c->n; k++) {
		struct crlcache_item *i = &c->item[k];
		char what[TLS_DATES_NAME_MAX + 32];

		if (!i->busy && now_us >= i->due_us)
			begin(i);
		/* one that is about to be replaced as it should is nobody's business */
		if (!i->bytes || (i->failures == 0 && wall_us < i->dates.next_us)) {
			(void)alarms_clear(c->alarms, ALARM_CRL_EXPIRY, i->url);
			continue;
		}
		(void)snprintf(what, sizeof(what), "the revocation list of %s", i->dates.issuer);
		expiry_list(c->alarms, i->url, what, i->dates.this_us, i->dates.next_us, wall_us);
	}
}

void
crlcache_want(struct crlcache *c, const char *urls, uint64_t now_us)
{
	if (urls[0] && !find_item(c, urls) && add_item(c, str_from(urls), now_us))
		log_info("crl.wanted", "url=%s", urls);
}

size_t
crlcache_list(const struct crlcache *c, struct fetched_entry *out, size_t max)
{
	size_t n = 0;

	for (uint32_t k = 0; k < c->n && n < max; k++) {
		const struct crlcache_item *i = &c->item[k];

		if (!i->bytes)
			continue;
		out[n] = (struct fetched_entry){.kind = FETCHED_CRL,
						.bytes = str_of(i->bytes, i->len)};
		(void)!str_copyz(out[n].label, sizeof(out[n].label), str_from(i->url));
		n++;
	}
	return n;
}

enum err
crlcache_init(struct crlcache *c, const char *dir, struct fetcher *fetcher, struct alarms *alarms)
{
	enum err e;

	*c = (struct crlcache){.fetcher = fetcher, .alarms = alarms};
	e = str_copyz(c->dir, sizeof(c->dir), str_from(dir));
	if (e != ERR_OK)
		return e;
	c->item = mem_zalloc(CRLCACHE_MAX, sizeof(*c->item));
	if (!c->item)
		return ERR_NOMEM;
	(void)mkdir(dir, 0750);
	read_folder(c);
	return ERR_OK;
}

void
crlcache_fini(struct crlcache *c)
{
	for (uint32_t k = 0; k < c->n; k++)
		MEM_FREE(c->item[k].bytes);
	c->n = 0;
	MEM_FREE(c->item);
}
