#include "media/ctl.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	QUEUE_MAX = 64, /* messages in the queue of a lane's channel; the rest waits in its list */
	RECV_BUDGET_MAX = 4096
};

static const char *const drops[] = {
#define X(name, help) #name,
	MEDIA_DROP_LIST(X)
#undef X
};

uint32_t
media_pairs(const struct media_plan *p)
{
	return p->port_max > p->port_min ? (uint32_t)(p->port_max - p->port_min + 1) / 2 : 0;
}

uint32_t
media_slots(const struct media_plan *p)
{
	return p->n_addrs * media_pairs(p);
}

uint16_t
media_slot_port(const struct media_plan *p, uint32_t slot)
{
	uint32_t pairs = media_pairs(p);

	return (uint16_t)(pairs ? p->port_min + 2 * (slot % pairs) : 0);
}

uint32_t
media_workers(const struct media_plan *p)
{
	return p->n_workers ? p->n_workers : 1;
}

uint32_t
media_slice(const struct media_plan *p)
{
	uint32_t n = media_workers(p);

	return (media_pairs(p) + n - 1) / n;
}

uint32_t
media_slot_worker(const struct media_plan *p, uint32_t slot)
{
	uint32_t slice = media_slice(p), pairs = media_pairs(p);

	return slice && pairs ? slot % pairs / slice : 0;
}

const char *
media_drop_name(enum media_drop d)
{
	return (unsigned)d < ARRAY_LEN(drops) ? drops[d] : "?";
}

enum err
media_secret_put(struct media_master pair[2], uint32_t serial, const struct sdp_key *k)
{
	struct media_master *m = &pair[serial & 1];

	if (serial == 0 || k->key_len > sizeof(m->key) || k->salt_len > sizeof(m->salt))
		return ERR_RANGE;
	__atomic_store_n(&m->serial, 0, __ATOMIC_SEQ_CST);
	secret_wipe(m->key, sizeof(m->key));
	memcpy(m->key, k->key, k->key_len);
	secret_wipe(m->salt, sizeof(m->salt));
	memcpy(m->salt, k->salt, k->salt_len);
	m->mki = k->mki;
	m->mki_len = k->mki_len;
	for (m->life_shift = 0; k->lifetime >> m->life_shift > UINT32_MAX;)
		m->life_shift++;
	m->life = (uint32_t)(k->lifetime >> m->life_shift);
	__atomic_store_n(&m->serial, serial, __ATOMIC_RELEASE);
	return ERR_OK;
}

enum err
media_secret_get(const struct media_master pair[2], uint32_t serial, struct media_master *out)
{
	const struct media_master *m = &pair[serial & 1];
	struct media_master copy;

	if (serial == 0 || __atomic_load_n(&m->serial, __ATOMIC_ACQUIRE) != serial)
		return ERR_NOTFOUND;
	copy = *m;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&m->serial, __ATOMIC_RELAXED) != serial) {
		secret_wipe(&copy, sizeof(copy));
		return ERR_NOTFOUND;
	}
	*out = copy;
	secret_wipe(&copy, sizeof(copy));
	return ERR_OK;
}

uint64_t
media_secret_life(const struct media_master *m)
{
	return (uint64_t)m->life << m->life_shift;
}

enum err
media_ctl_init(struct media_ctl *m, uint64_t epoch, const struct media_plan *plan,
	       uint32_t max_opens, const struct media_totals *workers, struct media_given *given)
{
	uint32_t max = media_slots(plan) + max_opens + MEDIA_SPARE_OPENS;

	*m = (struct media_ctl){.max_opens = max_opens,
				.epoch = epoch,
				.plan = plan,
				.workers = workers,
				.given = given};
	m->all = mem_zalloc(max, sizeof(*m->all));
	if (!m->all)
		return ERR_NOMEM;
	for (; m->n_lanes < media_workers(plan); m->n_lanes++) {
		struct media_lane *l = &m->lane[m->n_lanes];

		if (channel_init(&l->chan, -1, QUEUE_MAX) != ERR_OK) {
			media_ctl_fini(m);
			return ERR_NOMEM;
		}
		list_init(&l->queue);
		l->unsent = &l->queue;
		/* what an earlier life said and nobody heard is not waited for */
		__atomic_store_n(&given[m->n_lanes].mark,
				 __atomic_load_n(&workers[m->n_lanes].applied, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	}
	list_init(&m->idle);
	for (uint32_t i = 0; i < max; i++)
		list_add(&m->idle, &m->all[i].at);
	return ERR_OK;
}

void
media_ctl_fini(struct media_ctl *m)
{
	for (uint32_t i = 0; i < m->n_lanes; i++)
		channel_fini(&m->lane[i].chan);
	m->n_lanes = 0;
	MEM_FREE(m->all);
}

static struct media_cmd *
cmd_of(struct list *at)
{
	return &CONTAINER_OF(at, struct media_wait, at)->cmd;
}

static struct media_lane *
lane_of(struct media_ctl *m, uint32_t slot)
{
	return &m->lane[media_slot_worker(m->plan, slot)];
}

static void
finish_cmd(struct media_ctl *m, struct media_lane *l, struct list *at)
{
	if (at == l->unsent)
		l->unsent = at->next;
	if (cmd_of(at)->type == MEDIA_OPEN)
		m->n_opens--;
	m->n--;
	list_del(at);
	list_push(&m->idle, at);
}

/* Forget what is done: OPENs that were noted (a CLOSE ends with its answer, not with the note).
 * Only what was sent in this life of media can have been. */
static void
trim_lane(struct media_ctl *m, struct media_lane *l)
{
	uint64_t noted = __atomic_load_n(&m->workers[l - m->lane].applied, __ATOMIC_ACQUIRE);

	if (noted >> MEDIA_MARK_SHIFT != m->epoch)
		return;
	LIST_EACH(at, &l->queue)
	{
		const struct media_cmd *c = cmd_of(at);

		if (at == l->unsent || noted < c->mark)
			return;
		if (c->type == MEDIA_OPEN)
			finish_cmd(m, l, at);
	}
}

uint32_t
media_ctl_waiting(struct media_ctl *m)
{
	for (uint32_t i = 0; i < m->n_lanes; i++)
		trim_lane(m, &m->lane[i]);
	return m->n;
}

static bool
flush_lane(struct media_lane *l)
{
	while (l->unsent != &l->queue && l->chan.fd >= 0) {
		struct media_cmd *c = cmd_of(l->unsent);

		if (channel_push(&l->chan, (uint16_t)c->type, c, sizeof(*c), true) == ERR_OK)
			l->unsent = l->unsent->next;
		else if (!channel_flush(&l->chan))
			break;
	}
	return channel_flush(&l->chan) && l->unsent == &l->queue;
}

bool
media_ctl_flush(struct media_ctl *m)
{
	bool all = true;

	for (uint32_t i = 0; i < m->n_lanes; i++)
		all &= flush_lane(&m->lane[i]);
	return all;
}

static enum err
queue_cmd(struct media_ctl *m, struct media_lane *l, const struct media_cmd *cmd)
{
	struct list *at = list_shift(&m->idle);
	struct media_cmd *c;

	if (!at)
		return ERR_FULL;
	c = cmd_of(at);
	*c = *cmd;
	c->mark = m->epoch << MEDIA_MARK_SHIFT | ++m->sequence;
	list_add(&l->queue, at);
	if (l->unsent == &l->queue)
		l->unsent = at;
	m->n++;
	m->n_opens += c->type == MEDIA_OPEN;
	__atomic_store_n(&m->given[l - m->lane].mark, c->mark, __ATOMIC_RELEASE);
	if (m->on_wish)
		m->on_wish(m->wish_arg);
	else
		(void)flush_lane(l);
	return ERR_OK;
}

enum err
media_ctl_open(struct media_ctl *m, const struct media_open *o, bool spare)
{
	uint32_t max = m->max_opens + (spare ? MEDIA_SPARE_OPENS : 0);
	struct media_cmd c = {.type = MEDIA_OPEN, .u.open = *o};

	if (m->n_opens >= max)
		(void)media_ctl_waiting(m);
	return m->n_opens >= max ? ERR_FULL : queue_cmd(m, lane_of(m, o->slot), &c);
}

static struct list *
find_close(struct media_lane *l, uint32_t slot, uint32_t generation)
{
	LIST_EACH(at, &l->queue)
	{
		const struct media_cmd *c = cmd_of(at);

		if (c->type == MEDIA_CLOSE && c->u.close.slot == slot &&
		    c->u.close.generation == generation)
			return at;
	}
	return NULL;
}

enum err
media_ctl_close(struct media_ctl *m, uint32_t slot, uint32_t generation)
{
	struct media_cmd c = {.type = MEDIA_CLOSE, .u.close = {slot, generation}};
	struct media_lane *l = lane_of(m, slot);

	trim_lane(m, l);
	return find_close(l, slot, generation) ? ERR_OK : queue_cmd(m, l, &c);
}

/* Behind the commands of its lane, where there is room. */
static bool
send_once(struct media_lane *l, uint16_t type, const void *body, size_t len)
{
	(void)flush_lane(l);
	return l->unsent == &l->queue && l->chan.fd >= 0 &&
	       channel_send(&l->chan, type, body, len, false) == ERR_OK;
}

void
media_ctl_send(struct media_ctl *m, const struct media_send *s)
{
	(void)!send_once(lane_of(m, s->slot), MEDIA_SEND, s, sizeof(*s));
}

bool
media_ctl_digit(struct media_ctl *m, const struct media_digit *d)
{
	return send_once(lane_of(m, d->slot), MEDIA_DIGIT, d, sizeof(*d));
}

/* False: broken. */
static bool
take_handed(struct media_ctl *m, const struct channel_msg *msg)
{
	struct media_handed h;

	if (msg->head.length != sizeof(h))
		return false;
	memcpy(&h, msg->body, sizeof(h));
	if (h.total > MEDIA_DATAGRAM_MAX || h.len > MEDIA_PART_MAX || h.at + h.len > h.total)
		return false;
	if (m->on_handed)
		m->on_handed(m->arg, &h);
	return true;
}

/* False: broken. */
static bool
take_digit(struct media_ctl *m, const struct channel_msg *msg)
{
	struct media_digit d;

	if (msg->head.length != sizeof(d))
		return false;
	memcpy(&d, msg->body, sizeof(d));
	if (m->on_digit)
		m->on_digit(m->arg, &d);
	return true;
}

static void
take_closed(struct media_ctl *m, struct media_lane *l, const struct media_closed *closed)
{
	struct list *at = find_close(l, closed->slot, closed->generation);

	if (!at)
		return; /* a second answer to a repeated CLOSE */
	finish_cmd(m, l, at);
	if (m->on_closed)
		m->on_closed(m->arg, closed);
}

static enum err
take_event(struct media_ctl *m, struct media_lane *l, const struct channel_msg *msg)
{
	struct media_closed closed;
	struct media_close which;
	void (*on_event)(void *arg, uint32_t slot, uint32_t generation) =
		msg->head.type == MEDIA_TIMEOUT ? m->on_timeout : m->on_rekey;

	if (msg->head.type == MEDIA_CLOSED && msg->head.length == sizeof(closed)) {
		memcpy(&closed, msg->body, sizeof(closed));
		take_closed(m, l, &closed);
		return ERR_OK;
	}
	if (msg->head.type == MEDIA_HANDED)
		return take_handed(m, msg) ? ERR_OK : ERR_SYNTAX;
	if (msg->head.type == MEDIA_DIGIT)
		return take_digit(m, msg) ? ERR_OK : ERR_SYNTAX;
	if ((msg->head.type != MEDIA_TIMEOUT && msg->head.type != MEDIA_REKEY) ||
	    msg->head.length != sizeof(which))
		return ERR_SYNTAX;
	memcpy(&which, msg->body, sizeof(which));
	if (on_event)
		on_event(m->arg, which.slot, which.generation);
	return ERR_OK;
}

enum err
media_ctl_recv(struct media_ctl *m, uint32_t worker, uint32_t budget)
{
	struct media_lane *l = &m->lane[worker];
	struct channel_msg msg;

	for (uint32_t i = 0; i < budget && i < RECV_BUDGET_MAX; i++) {
		enum err e = channel_recv(&l->chan, &msg, NULL, NULL);

		if (e == ERR_AGAIN) {
			trim_lane(m, l);
			(void)flush_lane(l);
			return ERR_OK;
		}
		if (e == ERR_OK)
			e = take_event(m, l, &msg);
		if (e != ERR_OK) {
			channel_rebind(&l->chan, -1); /* gone, or not to be trusted any more */
			return ERR_CLOSED;
		}
	}
	return ERR_AGAIN;
}

void
media_ctl_rebind(struct media_ctl *m, uint32_t worker, int fd)
{
	struct media_lane *l = &m->lane[worker];

	channel_rebind(&l->chan, fd);
	trim_lane(m, l);
	l->unsent = l->queue.next;
	(void)flush_lane(l);
}
