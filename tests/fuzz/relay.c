/* The relay between two legs, slot 0 encrypted, slot 1 clear: the input is a play of packets (as
 * they are, or sealed with the right key), commands, ticks, restarts. Whatever it says: what leaves
 * towards the encrypted leg opens under its key; nothing goes to a stranger, and nothing of a
 * stranger's goes anywhere; no row stays in the middle of a change. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/control.h"

enum { SLOTS = 4, PACKETS = 32, STEPS = 400, STRANGER = 3, KEY = 16, SALT = 14, MARK = 0xa7 };

struct queue {
	uint8_t p[PACKETS][IO_PACKET_MAX];
	struct io_packet k[PACKETS];
	unsigned n, first;
};

static const struct media_plan plan = {
	.n_addrs = 1, .port_min = 20000, .port_max = 20000 + 2 * SLOTS - 1};

struct play {
	const uint8_t *p;
	size_t len;
	int flows_fd, secrets_fd;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct relay *relay;
	struct srtp_ctx own; /* the relay's; dear to make, so it is for all inputs */
	struct srtp_ctx ctx;
	struct srtp_key *seal, *open; /* at the far end of slot 0 */
	struct srtp_state sealed;
	struct queue in;
	uint64_t now, mark;
	bool restarted; /* once an input: it costs as much as the rest of it */
};

static void
must(int ok)
{
	if (!ok)
		abort();
}

static uint8_t
next_byte(struct play *y)
{
	if (!y->len)
		return 0;
	y->len--;
	return *y->p++;
}

/* Who: the named ends of slot 0 and 1, their RTCP, a stranger. */
static struct addr
make_addr(unsigned who)
{
	struct addr a = {.ip = {192, 0, 2, (uint8_t)(who + 1)}, .port = 4000, .family = 4};

	return a;
}

static unsigned
give_packets(void *arg, struct io_packet *v, unsigned n)
{
	struct queue *q = &((struct play *)arg)->in;
	unsigned got = 0;

	while (got < n && q->first < q->n) {
		const struct io_packet *k = &q->k[q->first++];

		memcpy(v[got].p, k->p, k->len);
		v[got].len = k->len;
		v[got].socket = k->socket;
		v[got++].addr = k->addr;
	}
	return got;
}

static void
check_sealed(struct play *y, const struct io_packet *k)
{
	uint8_t copy[IO_PACKET_MAX];
	struct srtp_state any;
	struct srtp_op op = {.key = y->open,
			     .state = &any,
			     .buf = copy,
			     .len = k->len,
			     .cap = sizeof(copy),
			     .flags = k->socket & 1 ? SRTP_OP_RTCP : SRTP_OP_ROC};
	bool rtcp = k->socket & 1;

	must(k->len >= 12);
	for (uint32_t roc = 0; roc < 4; roc++) { /* a short play: the counter is small */
		memcpy(copy, k->p, k->len);
		srtp_state_init(&any, rtcp ? (uint32_t)k->p[4] << 24 | (uint32_t)k->p[5] << 16 |
						      (uint32_t)k->p[6] << 8 | k->p[7]
					   : (uint32_t)k->p[8] << 24 | (uint32_t)k->p[9] << 16 |
						      (uint32_t)k->p[10] << 8 | k->p[11]);
		op.roc = roc;
		if (srtp_unprotect_batch(&y->ctx, &op, 1) == 1)
			return;
	}
	must(0);
}

static unsigned
take_packets(void *arg, const struct io_packet *v, unsigned n)
{
	struct play *y = arg;
	struct addr stranger = make_addr(STRANGER);
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!v[i].len)
			continue;
		sent++;
		must(v[i].socket < 2 * SLOTS && v[i].len <= IO_PACKET_MAX);
		must(!addr_eq(&v[i].addr, &stranger));
		if (v[i].socket / 2 == 0)
			check_sealed(y, &v[i]);
		else if (!(v[i].socket & 1) && v[i].len > 12)
			must(v[i].p[v[i].len - 1] != MARK); /* how a stranger's packets end */
	}
	return sent;
}

static bool
hear_event(void *arg, uint16_t type, const void *body, size_t len)
{
	(void)arg, (void)body;
	return type != 0 && len != 0;
}

static void
attach(struct play *y)
{
	struct relay_conf c = {.plan = &plan,
			       .flows = &y->flows,
			       .secrets = &y->secrets,
			       .srtp = &y->own,
			       .io = {.arg = y, .do_rx = give_packets, .do_tx = take_packets},
			       .arg = y,
			       .on_event = hear_event};

	must(relay_init(y->relay, &c) == ERR_OK);
}

/* As after relay_init on an empty table, but with the memory that is there: what an input costs. */
static void
begin_anew(struct play *y)
{
	struct relay *r = y->relay;

	for (uint32_t i = 0; i < SLOTS; i++) {
		keys_drop(&r->keys, i);
		relay_list(r, i, false);
		r->round_of[i] = 0;
	}
	r->round = r->cursor = r->n_touched = 0;
	srtp_state_init(&y->sealed, 0);
	memset(y->flows.rows, 0, (size_t)SLOTS * FLOW_ROW_SIZE);
	memset(y->flows.mine, 0, sizeof(*y->flows.mine));
}

static void
give_open(struct play *y)
{
	uint8_t what = next_byte(y), flags = next_byte(y);
	uint32_t slot = what & 1;
	struct media_cmd c = {.mark = ++y->mark, .type = MEDIA_OPEN};
	struct media_open *o = &c.u.open;

	*o = (struct media_open){.slot = slot,
				 .generation = 1 + (what >> 6),
				 .peer = what & 2 ? slot : slot ^ 1,
				 .flags = (flags & 0xd6u) | MEDIA_F_RECV | MEDIA_F_SEND,
				 .clock_rate = 8000,
				 .timeout_s = 300,
				 .timeout_lost_s = 10};
	o->flags &= ~(uint32_t)MEDIA_F_LEARN_CLEAR;
	o->pts.n = what >> 2 & 7;
	for (uint8_t i = 0; i < o->pts.n; i++) {
		o->pts.from[i] = (uint8_t)(8 * i);
		o->pts.to[i] = (uint8_t)(127 - i);
	}
	if (flags & 1)
		o->flags |= MEDIA_F_PTS_ALL;
	if (slot == 1 && flags & 8)
		o->flags |= MEDIA_F_RAW; /* the other one is not: nothing may pass between them */
	if (slot == 0) {                 /* always encrypted; one key for the play */
		o->flags = (o->flags | MEDIA_F_SECURE) & ~(uint32_t)MEDIA_F_RTCP_MUX;
		o->in_serial = o->out_serial = 1;
		o->in_suite = o->out_suite = SRTP_AES_CM_128_HMAC_SHA1_80;
	}
	o->rtp = make_addr(slot);
	o->rtcp = make_addr(slot);
	must(control_apply(y->relay, &c, y->now) == ERR_OK);
}

static void
give_close(struct play *y)
{
	uint8_t what = next_byte(y);
	struct media_cmd c = {.mark = ++y->mark, .type = MEDIA_CLOSE};

	c.u.close = (struct media_close){what & 1, 1 + (what >> 6)};
	must(control_apply(y->relay, &c, y->now) == ERR_OK);
}

/* head: bits 0-2 the socket, 3-4 who sends it, 5 sealed. */
static void
give_packet(struct play *y)
{
	uint8_t head = next_byte(y), n = next_byte(y);
	struct queue *q = &y->in;
	struct io_packet *k;

	if (q->n == PACKETS)
		return;
	if (n > y->len)
		n = (uint8_t)y->len;
	k = &q->k[q->n];
	*k = (struct io_packet){
		.p = q->p[q->n], .len = n, .socket = head & 7, .addr = make_addr(head >> 3 & 3)};
	memcpy(k->p, y->p, n);
	y->p += n;
	y->len -= n;
	if ((head >> 3 & 3) == STRANGER) {
		k->p[k->len++] = MARK; /* never sealed: he has no key */
		q->n++;
		return;
	}
	if (n && k->p[n - 1] == MARK)
		k->p[n - 1] = 0;
	if (head & 32 && n >= 12) {
		struct srtp_op op = {.key = y->seal,
				     .state = &y->sealed,
				     .buf = k->p,
				     .len = n,
				     .cap = IO_PACKET_MAX,
				     .flags = head & 1 ? SRTP_OP_RTCP : 0};

		y->sealed.ssrc = head & 1 ? (uint32_t)k->p[4] << 24 | (uint32_t)k->p[5] << 16 |
						    (uint32_t)k->p[6] << 8 | k->p[7]
					  : (uint32_t)k->p[8] << 24 | (uint32_t)k->p[9] << 16 |
						    (uint32_t)k->p[10] << 8 | k->p[11];
		if (srtp_protect_batch(&y->ctx, &op, 1) == 1)
			k->len = op.out_len;
	}
	q->n++;
}

static void
run_batches(struct play *y)
{
	while (y->in.first < y->in.n)
		(void)relay_batch(y->relay, y->now);
	y->in.first = y->in.n = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		must(!(flow_row(&y->flows, i)->lock & 1));
}

static void
one_step(struct play *y)
{
	uint8_t what = next_byte(y);

	switch (what & 15) {
	case 0:
		give_open(y);
		break;
	case 1:
		give_close(y);
		break;
	case 2:
		run_batches(y);
		if (y->restarted)
			break;
		y->restarted = true;
		if (what & 16) /* in the middle of a change */
			flow_begin(flow_row(&y->flows, what >> 5 & 1));
		relay_fini(y->relay);
		attach(y);
		break;
	case 3:
		y->now += (uint64_t)next_byte(y) << (what >> 4);
		control_tick(y->relay, y->now, y->now);
		break;
	case 4:
		run_batches(y);
		break;
	default:
		give_packet(y);
		break;
	}
}

static struct play *
play_up(void)
{
	static struct play y;
	static uint8_t key[KEY + SALT] = {1, 2, 3};
	struct sdp_key k = {.key_len = KEY, .salt_len = SALT};

	y.relay = mem_zalloc(1, sizeof(*y.relay));
	must(y.relay && flow_create(&plan, &y.flows_fd, &y.secrets_fd) == ERR_OK);
	must(flow_map(y.flows_fd, true, &y.flows) == ERR_OK);
	must(flow_secrets_map(y.secrets_fd, true, &y.secrets) == ERR_OK);
	must(srtp_ctx_init(&y.own, SRTP_ENGINE_AUTO, KEYS_A_SLOT * SLOTS) == ERR_OK);
	must(srtp_ctx_init(&y.ctx, SRTP_ENGINE_AUTO, 2) == ERR_OK);
	memcpy(k.key, key, KEY);
	memcpy(k.salt, key + KEY, SALT);
	attach(&y);
	must(media_secret_put(y.secrets.rows[0].in, 1, &k) == ERR_OK);
	must(media_secret_put(y.secrets.rows[0].out, 1, &k) == ERR_OK);
	must(srtp_key_new(&y.ctx, SRTP_AES_CM_128_HMAC_SHA1_80, key, key + KEY, &y.seal) == ERR_OK);
	must(srtp_key_new(&y.ctx, SRTP_AES_CM_128_HMAC_SHA1_80, key, key + KEY, &y.open) == ERR_OK);
	return &y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play *y;

	if (!y)
		y = play_up();
	y->p = data;
	y->len = size;
	y->now = 1000000;
	y->mark = 0;
	y->in.n = y->in.first = 0;
	y->restarted = false;
	begin_anew(y);
	give_open(y);
	give_open(y);
	for (int i = 0; i < STEPS && y->len; i++)
		one_step(y);
	run_batches(y);
	return 0;
}
