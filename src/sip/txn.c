#include "sip/txn.h"

#include "base/buf.h"
#include "base/guard.h"

static uint32_t
pick_time(uint32_t configured, uint32_t fallback)
{
	return configured ? configured : fallback;
}

static struct txn_times
fill_times(const struct txn_times *times)
{
	static const struct txn_times none;
	struct txn_times out;

	if (!times)
		times = &none;
	out.t1_us = pick_time(times->t1_us, TXN_T1_US);
	out.t2_us = pick_time(times->t2_us, TXN_T2_US);
	out.t4_us = pick_time(times->t4_us, TXN_T4_US);
	if (out.t2_us < out.t1_us)
		out.t2_us = out.t1_us;
	return out;
}

void
txn_init(struct txn *t, enum txn_kind kind, bool reliable, const struct txn_times *times)
{
	*t = (struct txn){
		.kind = kind,
		.state = TXN_NEW,
		.reliable = reliable,
		.times = fill_times(times),
		.due = TIMER_NEVER,
		.resend_at = TIMER_NEVER,
		.expire_at = TIMER_NEVER,
	};
}

enum txn_event
txn_event_of(unsigned status)
{
	if (status == 100)
		return TXN_EV_100;
	if (status > 100 && status < 200)
		return TXN_EV_1XX;
	if (status >= 200 && status < 300)
		return TXN_EV_2XX;
	if (status == 408)
		return TXN_EV_408;
	return TXN_EV_3XX_6XX;
}

uint64_t
txn_life_us(const struct txn *t)
{
	return (uint64_t)TXN_LIFE_T1 * t->times.t1_us;
}

const char *
txn_state_name(enum txn_state s)
{
	static const char *const names[] = {
#define X(name) #name,
		TXN_STATE_LIST(X)
#undef X
	};

	return (unsigned)s < TXN_STATE_N ? names[s] : "?";
}

const char *
txn_event_name(enum txn_event ev)
{
	static const char *const names[] = {
#define X(name) #name,
		TXN_EVENT_LIST(X)
#undef X
	};

	return (unsigned)ev < TXN_EV_N ? names[ev] : "?";
}

void
txn_set_due(struct txn *t, uint64_t now_us)
{
	t->due = t->resend_at < t->expire_at ? t->resend_at : t->expire_at;
	if (t->due <= now_us)
		t->due = now_us + 1;
}

/* The distance doubles up to cap; counted from when the copy was due, so that late polls do not
 * add up, but never into the past after a stall. */
static void
double_up(uint64_t *at, uint64_t *interval, uint64_t cap_us, uint64_t now_us)
{
	*interval = *interval < cap_us / 2 ? *interval * 2 : cap_us;
	*at += *interval;
	if (*at <= now_us)
		*at = now_us + *interval;
}

void
txn_next_copy(struct txn *t, uint64_t cap_us, uint64_t now_us)
{
	double_up(&t->resend_at, &t->interval, cap_us, now_us);
}

/* --- keys --- */

static const char cookie[] = "z9hG4bK"; /* RFC 3261 8.1.1.7 */

struct str
txn_key_str(const struct txn_key *k)
{
	return str_of(k->b, k->len);
}

bool
txn_key_eq(const struct txn_key *a, const struct txn_key *b)
{
	return str_eq(txn_key_str(a), txn_key_str(b));
}

static bool
has_cookie(struct str branch)
{
	return str_istarts(branch, str_from(cookie)) && branch.len > sizeof(cookie) - 1;
}

static void
put_number(struct buf *b, uint64_t v)
{
	for (unsigned shift = 0; shift < 64; shift += 8)
		buf_char(b, (char)(v >> shift));
}

/* A field of 64 KiB or more does not fit anyway. */
static void
put_len(struct buf *b, size_t len)
{
	buf_char(b, (char)len);
	buf_char(b, (char)(len >> 8));
}

static void
put_field(struct buf *b, struct str s)
{
	put_len(b, s.len);
	buf_str(b, s);
}

/* Host names do not differ by case. */
static void
put_host(struct buf *b, struct str s)
{
	put_len(b, s.len);
	for (size_t i = 0; i < s.len && !b->failed; i++)
		buf_char(b, ascii_lower(s.p[i]));
}

/* The text goes into *k, which the caller hands out only when this is ERR_OK. */
static enum err
end_key(const struct buf *b, struct txn_key *k)
{
	enum err e = buf_end(b);

	if (e == ERR_OK)
		k->len = (uint16_t)b->len;
	return e;
}

enum err
txn_client_key(struct str branch, struct str cseq_method, struct txn_key *out)
{
	struct txn_key k = {0};
	struct buf b;
	enum err e;

	if (branch.len == 0 || cseq_method.len == 0)
		return ERR_SYNTAX;
	buf_init(&b, k.b, sizeof(k.b));
	buf_char(&b, 'c');
	put_field(&b, branch);
	put_field(&b, cseq_method);
	e = end_key(&b, &k);
	if (e == ERR_OK)
		*out = k;
	return e;
}

/* RFC 3261 17.2.3, second half: peers that do not know the cookie. */
static void
put_old_style(struct buf *b, const struct txn_request *r, bool with_to_tag)
{
	put_field(b, r->uri);
	put_field(b, r->from_tag);
	put_field(b, r->call_id);
	put_number(b, r->cseq);
	put_field(b, r->via);
	put_field(b, with_to_tag ? r->to_tag : STR_NULL);
}

static enum err
server_key(const struct txn_request *r, struct str method, bool with_to_tag, struct txn_key *out)
{
	bool modern = has_cookie(r->branch);
	struct txn_key k = {0};
	struct buf b;
	enum err e;

	if (method.len == 0 || (modern && r->host.len == 0))
		return ERR_SYNTAX;
	buf_init(&b, k.b, sizeof(k.b));
	buf_char(&b, modern ? 's' : 'o');
	/* a request of one account never finds the transaction of another */
	put_number(&b, GUARD(A4, r->scope == 0) ? 0 : r->scope);
	put_field(&b, method);
	if (modern) {
		put_field(&b, r->branch);
		put_host(&b, r->host);
		put_number(&b, r->port);
	} else {
		put_old_style(&b, r, with_to_tag);
	}
	e = end_key(&b, &k);
	if (e == ERR_OK)
		*out = k;
	return e;
}

enum err
txn_server_key(const struct txn_request *r, struct txn_key *out)
{
	bool invite = str_eqz(r->method, "INVITE") || str_eqz(r->method, "ACK");
	bool with_to_tag = !invite && !str_eqz(r->method, "CANCEL");

	return server_key(r, invite ? STR("INVITE") : r->method, with_to_tag, out);
}

enum err
txn_cancelled_key(const struct txn_request *cancel, struct txn_key *out)
{
	return server_key(cancel, STR("INVITE"), false, out);
}

/* --- 2xx --- */

static void
set_ok_due(struct sip_ok_retrans *o)
{
	o->due = o->resend_at < o->expire_at ? o->resend_at : o->expire_at;
}

void
sip_ok_retrans_begin(struct sip_ok_retrans *o, const struct txn_times *times, uint64_t now_us)
{
	struct txn_times t = fill_times(times);

	*o = (struct sip_ok_retrans){
		.resend_at = now_us + t.t1_us,
		.interval = t.t1_us,
		.expire_at = now_us + (uint64_t)TXN_LIFE_T1 * t.t1_us,
		.t2_us = t.t2_us,
	};
	set_ok_due(o);
}

enum sip_ok_do
sip_ok_retrans_step(struct sip_ok_retrans *o, uint64_t now_us)
{
	if (now_us < o->due || o->due == TIMER_NEVER)
		return SIP_OK_NOTHING;
	if (now_us >= o->expire_at) {
		sip_ok_retrans_stop(o);
		return SIP_OK_GIVE_UP;
	}
	double_up(&o->resend_at, &o->interval, o->t2_us, now_us);
	set_ok_due(o);
	return SIP_OK_SEND;
}

void
sip_ok_retrans_stop(struct sip_ok_retrans *o)
{
	o->due = o->resend_at = o->expire_at = TIMER_NEVER;
}
