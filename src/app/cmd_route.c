#include "app/cmd.h"

#include <stdio.h>

#include "app/cmdline.h"
#include "conf/load.h"
#include "base/clock.h"
#include "base/mem.h"
#include "policy/class.h"
#include "policy/route.h"
#include "policy/week.h"
#include "store/store.h"

/* postern route: which way would this call take, and why? Asked of the accounts in the store, as
 * signaling asks it; what is up or down at the moment is not known here. */

enum { STATUS_NONE = 1, STATUS_NOT_RUN = 2, OUT_MAX = 16384, DAY_TEXT_MAX = 48 };

static const char usage[] =
	"usage: postern route [--json] [--account ID] [--at \"DAY HH:MM\"] [-c CONF] NUMBER\n"
	"Shows where a call to NUMBER would go and why: from the account, or, without one, from a\n"
	"carrier to the customer that has the number.\n";

/* The question. */
struct words {
	const char *conf, *account, *at, *number;
	uint32_t minute; /* of the week */
	bool json;
};

/* The question with all that the answer needs. */
struct ask {
	const struct words *w;
	const struct snapshot_view *v;
	struct number number;
	enum policy_class class;
	uint32_t account; /* POLICY_NONE: a carrier calls */
	struct route_rules rules;
	struct { /* targets that do not take it */
		uint32_t trunk;
		enum account_reason why;
	} shut[ROUTE_TARGETS_MAX];
	uint32_t n_shut;
	struct buf b; /* the answer */
};

/* "tue 14:30": one day and one time. */
static bool
read_at(struct str s, uint32_t *minute)
{
	char mem[DAY_TEXT_MAX];
	struct buf b;
	uint32_t week;

	/* that minute alone, as a part of the week, then found in it */
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "%.*s-24:00", STR_ARG(str_sub(s, 0, 16)));
	if (b.failed || str_chr(s, '-') < s.len || str_chr(s, ',') < s.len ||
	    str_chr(s, ' ') == s.len || week_parse(buf_view(&b), &week) != ERR_OK)
		return false;
	for (uint32_t m = 0; m < WEEK_MINUTES; m++)
		if (week_holds(week, m)) {
			*minute = m;
			return true;
		}
	return false;
}

/* ---- the answer ---- */

static const char none_takes[] = "no trunk that it leads to takes it";

static void
put_rule(struct ask *a, uint32_t rule)
{
	const struct snapshot_route *r = &a->v->route[rule];

	buf_printf(&a->b, "route %.*s: ", STR_ARG(snapshot_text(a->v, r->id)));
	if (r->account == POLICY_NONE)
		buf_z(&a->b, "of all accounts, ");
	else
		buf_printf(&a->b, "of account %s, ", snapshot_account_id(a->v, r->account).z);
	if (r->key) {
		buf_z(&a->b, "prefix ");
		number_key_put(&a->b, r->key);
	} else {
		buf_z(&a->b, "any number");
	}
	if (r->week) {
		buf_z(&a->b, ", ");
		week_put(&a->b, r->week);
	}
	buf_printf(&a->b, ", weight %u, to %.*s\n", r->weight, STR_ARG(snapshot_text(a->v, r->to)));
}

static void
put_target(struct ask *a, const struct route *route, uint32_t i)
{
	const struct trunk *t = &a->v->trunk[route->trunk[i]];
	char sent[NUMBER_SIZE];

	buf_printf(&a->b, "  %u. %s", i + 1, snapshot_trunk_id(a->v, route->trunk[i]).z);
	if (t->kind == TRUNK_CARRIER)
		buf_printf(&a->b, " (priority %u, weight %u)", t->priority, t->weight);
	if (route->rule[i] != POLICY_NONE)
		buf_printf(&a->b, " by route %s", snapshot_route_id(a->v, route->rule[i]).z);
	if (a->class != CLASS_EMERGENCY &&
	    route_called(a->v, route->trunk[i], str_from(a->number.z), sent) == ERR_OK)
		buf_printf(&a->b, ", called as %s", sent);
	buf_char(&a->b, '\n');
}

/* As a call leaves them out (call/admit). */
static void
drop_shut(struct ask *a, struct route *route)
{
	const struct snapshot_view *v = a->v;
	uint32_t n = 0;

	for (uint32_t i = 0; i < route->n; i++) {
		uint32_t t = route->trunk[i], acc = v->trunk[t].account;
		enum account_reason why = trunk_admits(acc == POLICY_NONE ? NULL : &v->account[acc],
						       &v->trunk[t], a->class, false);

		if (why != ACCOUNT_OK) {
			a->shut[a->n_shut].trunk = t;
			a->shut[a->n_shut++].why = why;
			continue;
		}
		route->trunk[n] = t;
		route->rule[n++] = route->rule[i];
	}
	route->n = n;
}

static void
put_shut(struct ask *a, bool json)
{
	for (uint32_t i = 0; i < a->n_shut; i++)
		buf_printf(&a->b,
			   json ? "%s{\"trunk\":\"%s\",\"why\":\"%s\"}"
				: "%s  passed over: %s: %s\n",
			   json && i ? "," : "", snapshot_trunk_id(a->v, a->shut[i].trunk).z,
			   account_reason_text(a->shut[i].why));
}

/* What happens to an emergency call over each trunk of the account. True: one of them carries it.
 */
static bool
put_doors(struct ask *a, bool json)
{
	const struct account *acc = &a->v->account[a->account];
	uint16_t status = acc->emergency_status ? acc->emergency_status : ACCOUNT_EMERGENCY_STATUS;
	struct str target = snapshot_text(a->v, acc->emergency_target);
	bool carried = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->v->first_carrier; i++) {
		const struct trunk *t = &a->v->trunk[i];
		bool clear = trunk_is_clear(t);

		if (t->account != a->account)
			continue;
		carried |= clear;
		if (json)
			buf_printf(&a->b, "%s{\"trunk\":\"%s\",\"carried\":%s,\"status\":%u}",
				   n ? "," : "", snapshot_trunk_id(a->v, i).z,
				   clear ? "true" : "false", clear ? 0 : status);
		else if (clear)
			buf_printf(&a->b, "over %s (%s): carried\n", snapshot_trunk_id(a->v, i).z,
				   trunk_transport_name(t->transport));
		else
			buf_printf(&a->b, "over %s (%s): not carried, answered %u%s%.*s\n",
				   snapshot_trunk_id(a->v, i).z, trunk_transport_name(t->transport),
				   status, status < 400 ? " to " : "",
				   STR_ARG(status < 400 ? target : STR_NULL));
		n++;
	}
	if (!json && !carried)
		buf_z(&a->b, "nowhere: emergency calls are carried over trunks without TLS and "
			     "SRTP only, and the account has none\n");
	return carried;
}

static void
put_text(struct ask *a, enum route_reason r, const struct route *route)
{
	buf_printf(&a->b, "%s, %s", a->number.z, policy_class_name(a->class));
	if (a->account == POLICY_NONE)
		buf_z(&a->b, ", from a carrier\n");
	else
		buf_printf(&a->b, ", from account %s\n", a->w->account);
	for (uint32_t i = 0; i < a->rules.n; i++)
		put_rule(a, a->rules.rule[i]);
	if (a->account != POLICY_NONE && a->class == CLASS_EMERGENCY) {
		if (!put_doors(a, false))
			return;
		buf_z(&a->b, "what is carried goes to:\n");
	} else if (a->account != POLICY_NONE && a->rules.n == 0)
		buf_z(&a->b, "no route fits: all carriers take it\n");
	if (r != ROUTE_OK)
		buf_printf(&a->b, "nowhere: %s\n", route_reason_text(r));
	else if (route->n == 0)
		buf_printf(&a->b, "nowhere: %s\n", none_takes);
	for (uint32_t i = 0; r == ROUTE_OK && i < route->n; i++)
		put_target(a, route, i);
	put_shut(a, false);
}

static void
put_json(struct ask *a, enum route_reason r, const struct route *route)
{
	buf_z(&a->b, "{\"number\":");
	buf_json(&a->b, str_from(a->number.z));
	buf_printf(&a->b, ",\"class\":\"%s\",\"routes\":[", policy_class_name(a->class));
	for (uint32_t i = 0; i < a->rules.n; i++) {
		buf_z(&a->b, i ? "," : "");
		buf_json(&a->b, str_from(snapshot_route_id(a->v, a->rules.rule[i]).z));
	}
	if (a->account != POLICY_NONE && a->class == CLASS_EMERGENCY) {
		buf_z(&a->b, "],\"over\":[");
		(void)put_doors(a, true);
	}
	buf_z(&a->b, "],\"targets\":[");
	for (uint32_t i = 0; r == ROUTE_OK && i < route->n; i++) {
		buf_z(&a->b, i ? ",{\"trunk\":" : "{\"trunk\":");
		buf_json(&a->b, str_from(snapshot_trunk_id(a->v, route->trunk[i]).z));
		if (route->rule[i] != POLICY_NONE) {
			buf_z(&a->b, ",\"route\":");
			buf_json(&a->b, str_from(snapshot_route_id(a->v, route->rule[i]).z));
		}
		buf_char(&a->b, '}');
	}
	buf_z(&a->b, "],\"passed_over\":[");
	put_shut(a, true);
	buf_z(&a->b, "],\"why\":");
	buf_json(&a->b,
		 str_from(r == ROUTE_OK && route->n == 0 ? none_takes : route_reason_text(r)));
	buf_z(&a->b, "}\n");
}

/* Is there a trunk that the account may make this call over? For help any clear one will do. */
static bool
has_trunk(const struct ask *a, const struct account *acc)
{
	for (uint32_t i = 0; i < a->v->n_trunks; i++) {
		const struct trunk *t = &a->v->trunk[i];

		if (t->account != a->account)
			continue;
		if (a->class == CLASS_EMERGENCY
			    ? trunk_is_clear(t)
			    : trunk_admits(acc, t, a->class, true) == ACCOUNT_OK)
			return true;
	}
	return false;
}

/* May the account make the call at all? Which of its trunks the caller is, is not asked. */
static bool
is_barred(struct ask *a)
{
	const struct account *acc = a->account == POLICY_NONE ? NULL : &a->v->account[a->account];
	const char *why = NULL;

	if (a->class == CLASS_NONE)
		why = "not a number that can be called";
	else if (acc && !acc->enabled && a->class != CLASS_EMERGENCY)
		why = "the account is disabled";
	else if (acc && a->class != CLASS_SERVICE && a->class != CLASS_EMERGENCY &&
		 !(acc->services & a->class))
		why = "the account's services do not name calls of this class";
	else if (acc && a->class == CLASS_INTERNATIONAL &&
		 !class_country(snapshot_text(a->v, acc->countries), str_from(a->number.z)))
		why = "calls to this country are not switched on for the account";
	else if (acc && a->class != CLASS_EMERGENCY && !has_trunk(a, acc))
		why = "no trunk of the account may call: one must be enabled and take calls from "
		      "it, "
		      "and where its media is encrypted the account's tls_srtp must be on";
	if (why)
		fprintf(stderr, "postern route: %s, %s: %s\n", a->number.z,
			policy_class_name(a->class), why);
	return why != NULL;
}

static int
answer(struct ask *a)
{
	struct route_ask ask = {.account = a->account,
				.number = str_from(a->number.z),
				.class = a->class,
				.minute = a->w->minute};
	struct route route = {0};
	bool carried = true;
	enum route_reason r;

	if (is_barred(a))
		return STATUS_NONE;
	if (a->class == CLASS_EMERGENCY) {
		if (a->account != POLICY_NONE && !has_trunk(a, NULL))
			carried = false;
		r = route_emergency(a->v, NULL, 0, &route);
	} else if (a->account != POLICY_NONE) {
		route_rules(a->v, &ask, 0, &a->rules);
		r = route_outbound(a->v, &ask, NULL, 0, &route);
	} else {
		r = route_inbound(a->v, str_from(a->number.z), &route);
	}
	if (r == ROUTE_OK)
		drop_shut(a, &route);
	if (a->w->json)
		put_json(a, r, &route);
	else
		put_text(a, r, &route);
	fputs(buf_cstr(&a->b), stdout);
	return r == ROUTE_OK && route.n && carried ? 0 : STATUS_NONE;
}

/* ---- the command ---- */

static int
ask_snapshot(const struct words *w, const struct number_plan *plan, const struct snapshot_view *v)
{
	struct ask a = {.w = w, .v = v, .account = POLICY_NONE};
	char *mem;
	int status;

	if (w->account)
		a.account = snapshot_account(v, str_from(w->account));
	if (w->account && a.account == POLICY_NONE) {
		fprintf(stderr,
			"postern route: there is no account \"%.80s\"; postern accounts lists "
			"all\n",
			w->account);
		return STATUS_NOT_RUN;
	}
	if (number_read(plan, str_from(w->number), &a.number) != ERR_OK) {
		fprintf(stderr, "postern route: \"%.80s\" is not a telephone number\n", w->number);
		return STATUS_NOT_RUN;
	}
	a.class = class_of((enum number_kind)a.number.kind, w->account != NULL);
	mem = mem_zalloc(1, OUT_MAX);
	if (!mem)
		return STATUS_NOT_RUN;
	buf_init(&a.b, mem, OUT_MAX);
	status = answer(&a);
	mem_free(mem);
	return status;
}

static int
run_route(const struct words *w, const struct conf *c)
{
	char why[STORE_WHY_MAX];
	struct store *s = NULL;
	struct str bytes = STR_NULL;
	struct snapshot_view v;
	int status = STATUS_NOT_RUN;
	enum err e = store_open(c->store, &s, why);

	if (e != ERR_OK) {
		fprintf(stderr, "postern route: %s: %s\n", c->store, why);
		return STATUS_NOT_RUN;
	}
	e = store_snapshot(s, &bytes);
	if (e == ERR_OK)
		e = snapshot_open(bytes, &v);
	if (e == ERR_OK)
		status = ask_snapshot(w, &c->numbers, &v);
	else
		fprintf(stderr, "postern route: %s: %s\n", c->store, err_text(e));
	store_snapshot_free(&bytes);
	store_close(&s);
	return status;
}

/* CMDLINE_DONE, else what the exit status is. */
static int
read_words(struct cmdline *c, struct words *w)
{
	int opt;

	while ((opt = cmdline_next(c)) > 0) {
		w->json |= opt == 'j';
		if (opt == 'c')
			w->conf = c->value;
		else if (opt == 'a')
			w->account = c->value;
		else if (opt == 't')
			w->at = c->value;
		if (opt == 't' && !read_at(str_from(c->value), &w->minute))
			cmdline_wrong(c);
	}
	w->number = c->operand;
	return opt;
}

int
cmd_route(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF_REQUIRED,
		CMDLINE_JSON,
		{'a', "--account", "the id of an account", "acme", false},
		{'t', "--at", "a day and a time", "\"tue 14:30\"", false},
	};
	static const struct cmdline_spec spec = {.word = "route",
						 .usage = usage,
						 .option = options,
						 .n = ARRAY_LEN(options),
						 .operand = "NUMBER",
						 .operand_is = "the number that is called",
						 .operand_example = "+442071838750",
						 .operand_required = true};
	struct cmdline line = {.spec = &spec, .argc = argc, .argv = argv};
	struct words w = {.minute = clock_week_minute(clock_wall_us())};
	struct conf_report rep;
	struct conf *c;
	int status = read_words(&line, &w);

	if (status != CMDLINE_DONE)
		return cmdline_status(status);
	c = mem_zalloc(1, sizeof(*c));
	if (!c)
		return STATUS_NOT_RUN;
	conf_report_stderr(&rep, w.conf);
	status = conf_load(w.conf, &rep, c) == ERR_OK ? run_route(&w, c) : STATUS_NOT_RUN;
	mem_free(c);
	return status;
}
