/* A small world of accounts for the tests of policy: rows in, a snapshot out. */
#ifndef TESTS_POLICY_WORLD_H
#define TESTS_POLICY_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "policy/faults.h"
#include "policy/snapbuild.h"

struct world {
	struct roster r;
	struct str bytes;
	struct snapshot_view v;
};

static inline struct roster_account *
world_account(struct world *w, const char *id)
{
	struct roster_account *a;

	assert_int_equal(roster_add_account(&w->r, &a), ERR_OK);
	a->id = str_from(id);
	a->name = str_from(id);
	a->enabled = true;
	a->tls_srtp = TLS_SRTP_ON;
	a->services = CLASS_ORIGINATION | CLASS_TERMINATION | CLASS_TOLL_FREE;
	return a;
}

/* A TLS trunk of an account, or with account NULL a UDP carrier. */
static inline struct roster_trunk *
world_trunk(struct world *w, const char *account, const char *id, const char *host)
{
	struct roster_trunk *t;

	assert_int_equal(roster_add_trunk(&w->r, &t), ERR_OK);
	t->id = str_from(id);
	t->account = str_from(account);
	t->host = str_from(host);
	t->enabled = true;
	t->kind = account ? TRUNK_CUSTOMER : TRUNK_CARRIER;
	t->direction = TRUNK_BOTH;
	t->transport = account ? TRUNK_TLS : TRUNK_UDP;
	t->security = account ? TRUNK_SEC_REQUIRED : TRUNK_SEC_REFUSED;
	t->port = account ? 5061 : 5060;
	t->order = w->r.n_trunks;
	return t;
}

static inline void
world_source(struct roster_trunk *t, const char *cidr)
{
	assert_true(t->n_sources < POLICY_TRUNK_SOURCES_MAX);
	assert_int_equal(cidr_parse(str_from(cidr), &t->source[t->n_sources++]), ERR_OK);
}

static inline void
world_number(struct world *w, const char *pattern, const char *trunk)
{
	struct roster_number *n;

	assert_int_equal(roster_add_number(&w->r, &n), ERR_OK);
	assert_int_equal(number_key(str_from(pattern), &n->key), ERR_OK);
	n->trunk = str_from(trunk);
}

static inline void
world_print(void *arg, const struct roster_fault *f)
{
	(void)arg;
	print_message("# fault: %s\n", f->text);
}

static inline void
world_build(struct world *w)
{
	uint32_t n = 0;

	assert_int_equal(roster_check(&w->r, world_print, NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(snapshot_build(&w->r, &w->bytes), ERR_OK);
	assert_int_equal(snapshot_open(w->bytes, &w->v), ERR_OK);
}

static inline void
world_fini(struct world *w)
{
	if (!w) /* set-up failed */
		return;
	roster_fini(&w->r);
	mem_free((void *)(uintptr_t)w->bytes.p);
	w->bytes = STR_NULL;
}

static inline const char *
world_trunk_name(const struct world *w, uint32_t trunk)
{
	static struct policy_id id;

	id = snapshot_trunk_id(&w->v, trunk);
	return trunk == POLICY_NONE ? "-" : id.z;
}

#endif
