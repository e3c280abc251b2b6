#include "ready/probe.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"

/* ---- the thread ---- */

static void
ask_sip(struct probe_run *r, struct tlsprobe **conn)
{
	struct probe_sip *sip = NULL;

	if (!*conn || probe_sip_new(r, conn, &sip) != ERR_OK) {
		tlsprobe_close(conn);
		return;
	}
	probe_options(sip);
	if (r->f->job.call[0] && r->f->options.answered)
		probe_call(sip);
	probe_sip_free(&sip);
}

static void *
run_job(void *arg)
{
	struct probe *p = arg;
	struct probe_run *r = &p->run;
	struct tlsprobe *conn = NULL;
	uint64_t began = clock_now_us();

	r->f->began_us = clock_wall_us();
	probe_dns(r);
	probe_tls(r, &conn);
	ask_sip(r, &conn);
	r->f->took_us = clock_now_us() - began;
	(void)!loop_mail_post(&p->mail, r->f); /* it has room: there is one job */
	return NULL;
}

/* ---- the loop ---- */

static void
end_job(struct probe *p)
{
	pthread_join(p->thread, NULL);
	tls_ctx_unref(&p->run.client);
	tls_trust_unref(&p->run.trust);
	tls_owns_unref(&p->run.owns);
	p->busy = false;
}

static void
take_facts(void *arg, void *letter)
{
	struct probe *p = arg;
	struct probe_facts *f = letter;

	if (!p->busy) /* the end of all */
		return;
	end_job(p);
	p->facts = NULL;
	p->on_done(p->arg, &f);
	mem_free(f);
}

enum err
probe_init(struct probe *p, struct loop *loop)
{
	p->loop = loop;
	atomic_init(&p->stop, false);
	return loop_mail_init(loop, &p->mail, 1, take_facts, p);
}

void
probe_fini(struct probe *p)
{
	if (!p->mail.ring)
		return;
	atomic_store(&p->stop, true);
	if (p->busy)
		end_job(p);
	loop_mail_fini(p->loop, &p->mail);
	MEM_FREE(p->facts);
}

static enum err
start_thread(struct probe *p)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all); /* signals are for the main thread */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&p->thread, NULL, run_job, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? ERR_IO : ERR_OK;
}

enum err
probe_start(struct probe *p, const struct probe_facts *start, struct tls_ctx *client,
	    struct tls_trust *trust, struct tls_owns *owns, const struct addr *dns, uint32_t n_dns,
	    const struct testmedia_rows *rows)
{
	enum err e;

	if (p->busy)
		return ERR_STATE;
	p->facts = mem_zalloc(1, sizeof(*p->facts));
	if (!p->facts)
		return ERR_NOMEM;
	atomic_store(&p->stop, false);
	*p->facts = *start;
	p->facts->magic = PROBE_MAGIC;
	p->facts->layout = PROBE_LAYOUT;
	p->facts->size = sizeof(*p->facts);
	p->run = (struct probe_run){.f = p->facts,
				    .client = tls_ctx_ref(client),
				    .trust = trust ? tls_trust_ref(trust) : NULL,
				    .owns = owns ? tls_owns_ref(owns) : NULL,
				    .n_dns = n_dns,
				    .stop = &p->stop};
	if (n_dns > ARRAY_LEN(p->run.dns))
		p->run.n_dns = ARRAY_LEN(p->run.dns);
	if (rows)
		p->run.rows = *rows;
	memcpy(p->run.dns, dns, p->run.n_dns * sizeof(*dns));
	tlsprobe_terms(client, &p->facts->own.terms);
	e = start_thread(p);
	if (e != ERR_OK) {
		tls_ctx_unref(&p->run.client);
		tls_trust_unref(&p->run.trust);
		tls_owns_unref(&p->run.owns);
		MEM_FREE(p->facts);
		return e;
	}
	p->busy = true;
	return ERR_OK;
}

bool
probe_busy(const struct probe *p)
{
	return p->busy;
}

void
probe_stop(struct probe *p)
{
	if (p->busy)
		atomic_store(&p->stop, true);
}
