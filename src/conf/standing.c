#include "conf/standing.h"

#include <stdio.h>

#include "conf/accountsfile.h"
#include "base/clock.h"

enum { HANDS_PATH_MAX = 512 };

const char *
standing_word(enum standing_state s)
{
	static const char *const word[STANDING_N] = {
#define X(name, word, sentence) word,
		STANDING_LIST(X)
#undef X
	};

	return (unsigned)s < STANDING_N ? word[s] : "?";
}

const char *
standing_text(enum standing_state s)
{
	static const char *const text[STANDING_N] = {
#define X(name, word, sentence) sentence,
		STANDING_LIST(X)
#undef X
	};

	return (unsigned)s < STANDING_N ? text[s] : "?";
}

void
standing_hands(const char *store_path, struct handstore **out)
{
	char path[HANDS_PATH_MAX], why[HANDSTORE_WHY_MAX];

	*out = NULL;
	(void)snprintf(path, sizeof(path), "%s.handshakes", store_path);
	if (handstore_open_reader(path, out, why) != ERR_OK)
		*out = NULL;
}

/* The certificate of the report against the last one that was seen: of our calls to it where there
 * are any, else of its own connections. */
struct compare {
	const struct store_report *report;
	bool outgoing, differs;
};

static bool
compare_row(void *arg, const struct hand_row *row)
{
	struct compare *c = arg;

	if (c->outgoing && !row->outgoing)
		return true;
	c->outgoing = row->outgoing;
	c->differs = row->names.len && (!str_eq(row->issuer, c->report->issuer) ||
					!str_eq(row->names, c->report->names));
	return true;
}

enum err
standing_of(struct store *s, struct handstore *hands, struct str account, int64_t now_us,
	    struct standing *out)
{
	struct standing r = {.state = STANDING_NONE};
	struct store_report *report = NULL;
	struct compare c = {0};
	enum err e = store_report_read(s, account, true, &report);

	if (e == ERR_OK) {
		c.report = report;
		r.at_us = report->at_us;
		(void)!str_copyz(r.fqdn, sizeof(r.fqdn), report->fqdn);
		if (hands && report->issuer.len)
			(void)!handstore_last(hands, account, compare_row, &c);
		r.state = !store_report_fresh(report, now_us) ? STANDING_EXPIRED
			  : c.differs                         ? STANDING_CHANGED
							      : STANDING_PASSED;
	}
	store_report_free(&report);
	if (e != ERR_OK && e != ERR_NOTFOUND)
		return e;
	*out = r;
	return ERR_OK;
}

static const struct roster_account *
find_account(const struct roster *r, struct str id)
{
	for (uint32_t i = 0; i < r->n_accounts; i++)
		if (str_eq(r->account[i].id, id))
			return &r->account[i];
	return NULL;
}

/* A report that passed grew old: no reason to go down, but where an override held the account. */
static bool
may_stay(const struct roster_account *a, const struct roster_account *before,
	 enum standing_state state)
{
	return state == STANDING_EXPIRED && before && before->tls_srtp >= a->tls_srtp &&
	       before->override.len == 0;
}

/* What is said about one account that is to be ready or on. */
static void
tell_account(const struct roster_account *a, const struct roster_account *before,
	     const struct standing *r, struct conf_report *rep)
{
	uint32_t line, column;

	accountsfile_place(a->place, &line, &column);
	if (r->state == STANDING_PASSED || a->override.len)
		return;
	if (r->state == STANDING_CHANGED)
		report_warning(rep, line, column,
			       "account \"%.*s\": %s; run postern ready %s --account %.*s again",
			       STR_ARG(a->id), standing_text(r->state), r->fqdn, STR_ARG(a->id));
	else if (may_stay(a, before, r->state))
		report_warning(rep, line, column,
			       "account \"%.*s\" stays %s, but %s; run postern ready, or write "
			       "override: \"reason\"",
			       STR_ARG(a->id), tls_srtp_name(a->tls_srtp), standing_text(r->state));
	else
		report_error(rep, line, column,
			     "account \"%.*s\" cannot be %s: %s; run postern ready FQDN --account "
			     "%.*s, or write override: \"reason\"",
			     STR_ARG(a->id), tls_srtp_name(a->tls_srtp), standing_text(r->state),
			     STR_ARG(a->id));
}

enum err
standing_check(struct store *s, struct handstore *hands, const struct roster *have,
	       const struct roster *want, int64_t now_us, struct conf_report *rep)
{
	for (uint32_t i = 0; i < want->n_accounts; i++) {
		const struct roster_account *a = &want->account[i];
		struct standing r;
		enum err e;

		if (a->tls_srtp < TLS_SRTP_READY)
			continue;
		e = standing_of(s, hands, a->id, now_us, &r);
		if (e != ERR_OK)
			return e;
		tell_account(a, find_account(have, a->id), &r, rep);
	}
	return ERR_OK;
}
