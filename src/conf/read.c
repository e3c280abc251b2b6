#include "conf/read.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/check.h"
#include "conf/load.h"
#include "conf/merge.h"
#include "conf/pki.h"
#include "conf/refs.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shm.h"
#include "net/tlsctx.h"

/* ---- in the child ---- */

enum { CONFREAD_CHANGES_MAX = 12 * 1024 };

struct reading {
	const struct confread *r;
	const char *path;
	struct conf conf;
	char text[CONFREAD_TEXT_MAX];
	struct buf b; /* over text; of a refusal: the reasons first */
	char changes[CONFREAD_CHANGES_MAX];
	struct buf changed; /* over changes: goes behind b */
};

/* Findings as log lines: what `postern run` says on stderr is JSON throughout. */
static void
take_finding(void *arg, const struct conf_finding *f)
{
	struct reading *d = arg;
	const char *file = d->path ? d->path : "(embedded default)";
	bool error = f->severity == CONF_ERROR;

	if (error)
		log_error("conf.error", "%s:%u:%u: %s", file, f->line, f->column, f->text);
	else
		log_warn("conf.warning", "%s:%u:%u: %s", file, f->line, f->column, f->text);
	if (error)
		buf_printf(&d->b, "%s:%u:%u: %s\n", file, f->line, f->column, f->text);
}

/* What the store names and this file lacks: who asked for the reload is told of warnings, too. */
static void
take_store_finding(void *arg, const struct conf_finding *f)
{
	struct reading *d = arg;

	take_finding(arg, f);
	if (f->severity == CONF_WARNING)
		buf_printf(&d->changed, "warning: %s\n", f->text);
}

/* As many whole lines as both have room for. */
static void
append_changes(struct reading *d)
{
	struct str rest = buf_view(&d->changed);

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (d->b.len + line.len + 1 > sizeof(d->text))
			break;
		buf_str(&d->b, line);
		buf_char(&d->b, '\n');
	}
}

static enum err
read_conf(struct reading *d)
{
	struct conf_report rep = {.on_finding = take_finding, .arg = d};
	enum err e = d->path ? conf_load(d->path, &rep, &d->conf)
			     : conf_parse(conf_default_text(), "", &rep, &d->conf);

	return e == ERR_OK ? conf_check(&d->conf, &rep) : e;
}

static bool
map_blob(int fd, struct str *out)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *p = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	*out = p == MAP_FAILED ? STR_NULL : str_of(p, (size_t)size);
	return p != MAP_FAILED;
}

/* What the accounts in use name must still be there, with this file as it stands: what of it waits
 * for a restart must not break them then. */
static enum err
check_store(struct reading *d, const struct confread_now *now)
{
	struct conf_report rep = {.on_finding = take_store_finding, .arg = d};
	struct snapshot_view v;
	struct str bytes;

	if (now->accounts_fd < 0 || !map_blob(now->accounts_fd, &bytes) ||
	    snapshot_open(bytes, &v) != ERR_OK)
		return ERR_OK; /* no accounts yet */
	refs_check_change(&v, now->conf, &d->conf, &rep);
	return rep.n_errors ? ERR_CONFIG : ERR_OK;
}

/* The block with the keys, and the one without. */
static enum err
write_files(struct reading *d)
{
	char why[PKI_WHY_MAX] = "";
	enum err e = pki_write(&d->conf, d->r->pki_fd, why);

	if (e == ERR_OK)
		e = pki_write_public(d->r->pki_fd, d->r->pub_fd);
	if (e != ERR_OK) {
		log_error("conf.files", "%s", why[0] ? why : err_text(e));
		buf_printf(&d->b, "%s\n", why[0] ? why : err_text(e));
	}
	return e;
}

static void
put_certificate(struct buf *b, struct str pem)
{
	struct tls_cert_info info;

	if (tls_cert_info(pem, &info) != ERR_OK) {
		buf_z(b, "no certificate");
		return;
	}
	for (size_t i = 0; i < sizeof(info.fingerprint); i++)
		buf_printf(b, "%s%02X", i ? ":" : "", info.fingerprint[i]);
	buf_z(b, " until ");
	clock_put_utc(b, info.not_after_us);
}

/* Was, is, of each zone whose files differ. */
static void
put_zone_changes(struct buf *b, const char *fqdn, struct str old_pem[PKI_PARTS],
		 struct str new_pem[PKI_PARTS], bool refused)
{
	static const char *const words[PKI_PARTS] = {PKI_WORDS};

	if (!str_eq(old_pem[PKI_CHAIN], new_pem[PKI_CHAIN])) {
		buf_printf(b, "zone %s: certificate %s ", fqdn, refused ? "in use" : "was");
		put_certificate(b, old_pem[PKI_CHAIN]);
		buf_printf(b, "; %s ", refused ? "refused" : "is");
		put_certificate(b, new_pem[PKI_CHAIN]);
		buf_char(b, '\n');
	}
	for (int p = PKI_CHAIN + 1; p < PKI_PARTS; p++)
		if (!str_eq(old_pem[p], new_pem[p]))
			buf_printf(b, "zone %s: %s %s\n", fqdn, words[p],
				   refused ? "differs, not taken" : "changed");
}

/* A new certificate that nobody could accept today does not replace one. */
static bool
check_dates(struct reading *d, const char *fqdn, struct str was, struct str is)
{
	struct tls_cert_info info;
	int64_t now = clock_wall_us();
	bool ok;

	if (str_eq(was, is) || tls_cert_info(is, &info) != ERR_OK)
		return true; /* the other checks judge it */
	ok = info.not_before_us <= now && now < info.not_after_us;
	if (!ok)
		buf_printf(&d->b, "zone %s: the new certificate %s\n", fqdn,
			   info.not_before_us > now ? "is not valid yet" : "has expired");
	return ok;
}

/* What was written to pki_fd against what is in use. Both are the child's to the end. False: it
 * must not be used. */
static bool
put_changes(struct reading *d, const struct confread_now *now, bool refused)
{
	bool fine = true;
	struct str was, is;

	if (!map_blob(now->pki_fd, &was) || !map_blob(d->r->pki_fd, &is))
		return false;
	for (uint32_t i = 0; i < now->conf->n_zones; i++)
		for (uint32_t k = 0; k < d->conf.n_zones; k++) {
			struct str a[PKI_PARTS], b[PKI_PARTS];
			bool ok = strcmp(now->conf->zone[i].fqdn, d->conf.zone[k].fqdn) == 0;

			for (int p = 0; ok && p < PKI_PARTS; p++)
				ok = pki_get(was, i, (enum pki_part)p, &a[p]) == ERR_OK &&
				     pki_get(is, k, (enum pki_part)p, &b[p]) == ERR_OK;
			if (!ok)
				continue;
			fine &= check_dates(d, d->conf.zone[k].fqdn, a[PKI_CHAIN], b[PKI_CHAIN]);
			put_zone_changes(&d->changed, d->conf.zone[k].fqdn, a, b, refused);
		}
	return fine;
}

/* A pair that was refused is shown beside the one in use, where the files can be read at all. */
static void
show_refused(struct reading *d, const struct confread_now *now)
{
	char why[PKI_WHY_MAX];

	if (now && d->conf.n_zones && pki_write(&d->conf, d->r->pki_fd, why) == ERR_OK)
		(void)put_changes(d, now, true);
}

static enum confread_outcome
read_all(struct reading *d, const struct confread_now *now)
{
	enum confread_outcome outcome = CONFREAD_OK;
	enum err e = read_conf(d);

	if (e == ERR_OK && now)
		e = check_store(d, now);
	if (e != ERR_OK) {
		if (d->b.len == 0)
			buf_printf(&d->b, "the configuration: %s\n", err_text(e));
		show_refused(d, now);
		return CONFREAD_REFUSED;
	}
	if (now && confmerge(now->conf, &d->conf, &d->changed) > 0)
		outcome = CONFREAD_RESTART;
	e = write_files(d);
	if (e != ERR_OK ||
	    write(d->r->conf_fd, &d->conf, sizeof(d->conf)) != (ssize_t)sizeof(d->conf))
		return CONFREAD_REFUSED;
	if (now && !put_changes(d, now, false))
		return CONFREAD_REFUSED;
	if (now)
		confmerge_put_changes(now->conf, &d->conf, &d->changed);
	return outcome;
}

static int
run_child(const struct confread *r, const char *path, const struct confread_now *now)
{
	static struct reading d;
	enum confread_outcome outcome;

	d.r = r;
	d.path = path;
	buf_init(&d.b, d.text, sizeof(d.text));
	buf_init(&d.changed, d.changes, sizeof(d.changes));
	outcome = read_all(&d, now);
	append_changes(&d);
	if (write(r->text_fd, d.text, d.b.len) != (ssize_t)d.b.len)
		return CONFREAD_REFUSED;
	return outcome;
}

/* ---- in keeper ---- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
confread_drop(struct confread *r)
{
	if (r->pid > 0)
		kill(r->pid, SIGKILL); /* keeper reaps it with its other children */
	r->pid = 0;
	close_fd(&r->conf_fd);
	close_fd(&r->pki_fd);
	close_fd(&r->pub_fd);
	close_fd(&r->text_fd);
}

static int
new_memfd(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

enum err
confread_start(struct confread *r, const char *path, const struct confread_now *now)
{
	*r = (struct confread){.conf_fd = new_memfd("postern-conf"),
			       .pki_fd = new_memfd("postern-pki"),
			       .pub_fd = new_memfd("postern-pub"),
			       .text_fd = new_memfd("postern-reload")};
	if (r->conf_fd >= 0 && r->pki_fd >= 0 && r->pub_fd >= 0 && r->text_fd >= 0)
		r->pid = fork();
	else
		r->pid = -1;
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run_child(r, path, now));
	}
	if (r->pid > 0)
		return ERR_OK;
	r->pid = 0;
	confread_drop(r);
	return ERR_IO;
}

static bool
seal_fd(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ==
	       0;
}

enum err
confread_finish(struct confread *r, int status, struct conf *out, enum confread_outcome *outcome)
{
	const struct conf *c;
	struct str bytes;
	enum err e;

	r->pid = 0;
	*outcome = WIFEXITED(status) && WEXITSTATUS(status) <= CONFREAD_RESTART
			   ? (enum confread_outcome)WEXITSTATUS(status)
			   : CONFREAD_REFUSED;
	if (!seal_fd(r->conf_fd) || !seal_fd(r->pki_fd) || !seal_fd(r->pub_fd) ||
	    !seal_fd(r->text_fd))
		return ERR_IO;
	if (*outcome == CONFREAD_REFUSED)
		return ERR_CONFIG;
	e = shm_blob_map(r->conf_fd, &bytes);
	if (e == ERR_OK)
		e = conf_open(bytes, &c);
	if (e == ERR_OK)
		*out = *c;
	shm_blob_unmap(&bytes);
	return e;
}
