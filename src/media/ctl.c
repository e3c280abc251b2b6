#include "media/ctl.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	QUEUE_MAX = 256, /* messages in the channel's own queue; the rest waits in the list */
	SEND_MAX = 192,  /* of these, what commands may take */
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

uint32_t
media_slot_addr(const struct media_plan *p, uint32_t slot)
{
	return media_pairs(p) ? slot / media_pairs(p) : 0;
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
	m->life = k->lifetime ? (uint8_t)(63 - __builtin_clzll(k->lifetime)) : 0;
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

void
media_secret_wipe(struct media_secret *row)
{
	secret_wipe(row, sizeof(*row));
}

enum err
media_ctl_init(struct media_ctl *m, int fd, uint64_t epoch, const struct media_plan *plan,
	       uint32_t max_opens, const struct media_totals *workers)
{
	uint32_t max = media_slots(plan) + max_opens + MEDIA_SPARE_OPENS;

	*m = (struct media_ctl){
		.max_opens = max_opens, .epoch = epoch, .plan = plan, .workers = workers};
	m->all = mem_zalloc(max, sizeof(*m->all));
	if (!m->all)
		return ERR_NOMEM;
	if (channel_init(&m->chan, fd, QUEUE_MAX) != ERR_OK) {
		MEM_FREE(m->all);
		return ERR_NOMEM;
	}
	list_init(&m->idle);
	list_init(&m->queue);
	m->unsent = &m->queue;
	for (uint32_t i = 0; i < max; i++)
		list_add(&m->idle, &m->all[i].at);
	return ERR_OK;
}

void
media_ctl_fini(struct media_ctl *m)
{
	if (!m->all)
		return;
	channel_fini(&m->chan);
	MEM_FREE(m->all);
}

static struct media_cmd *
cmd_of(struct list *at)
{
	return &CONTAINER_OF(at, struct media_wait, at)->cmd;
}

/* Has its worker noted this OPEN? (A CLOSE ends with its answer, not with the note.) */
static bool
is_applied(const struct media_ctl *m, const struct media_cmd *c, uint32_t worker)
{
	uint64_t noted =
		m->workers ? __atomic_load_n(&m->workers[worker].applied, __ATOMIC_ACQUIRE) : 0;

	return noted >> MEDIA_MARK_SHIFT == m->epoch && noted >= c->mark;
}

static void
finish_cmd(struct media_ctl *m, struct list *at)
{
	if (at == m->unsent)
		m->unsent = at->next;
	if (cmd_of(at)->type == MEDIA_OPEN)
		m->n_opens--;
	m->n--;
	list_del(at);
	list_push(&m->idle, at);
}

/* Forget what is done. Only what was sent in this life of media can have been noted. */
static void
trim_queue(struct media_ctl *m)
{
	uint32_t waits = 0, all = (1U << media_workers(m->plan)) - 1;

	LIST_EACH(at, &m->queue)
	{
		struct media_cmd *c = cmd_of(at);
		uint32_t worker = media_slot_worker(m->plan, c->u.open.slot);

		if (at == m->unsent || waits == all)
			return;
		if (c->type != MEDIA_OPEN || waits & 1U << worker)
			continue; /* a worker notes in order */
		if (is_applied(m, c, worker))
			finish_cmd(m, at);
		else
			waits |= 1U << worker;
	}
}

bool
media_ctl_flush(struct media_ctl *m)
{
	while (m->unsent != &m->queue && m->chan.fd >= 0) {
		struct media_cmd *c = cmd_of(m->unsent);

		if (m->chan.n >= SEND_MAX && !channel_flush(&m->chan))
			break;
		if (channel_push(&m->chan, (uint16_t)c->type, c, sizeof(*c), true) != ERR_OK)
			break;
		m->unsent = m->unsent->next;
	}
	return channel_flush(&m->chan) && m->unsent == &m->queue;
}

static enum err
queue_cmd(struct media_ctl *m, uint32_t type, const void *body, size_t len)
{
	struct list *at = list_shift(&m->idle);
	struct media_cmd *c;

	if (!at)
		return ERR_FULL;
	c = cmd_of(at);
	*c = (struct media_cmd){.type = type, .mark = m->epoch << MEDIA_MARK_SHIFT | ++m->sequence};
	memcpy(&c->u, body, len);
	list_add(&m->queue, at);
	if (m->unsent == &m->queue)
		m->unsent = at;
	m->n++;
	m->n_opens += type == MEDIA_OPEN;
	if (m->on_wish)
		m->on_wish(m->wish_arg);
	else
		media_ctl_flush(m);
	return ERR_OK;
}

enum err
media_ctl_open(struct media_ctl *m, const struct media_open *o, bool spare)
{
	uint32_t max = m->max_opens + (spare ? MEDIA_SPARE_OPENS : 0);

	if (m->n_opens >= max)
		trim_queue(m);
	return m->n_opens >= max ? ERR_FULL : queue_cmd(m, MEDIA_OPEN, o, sizeof(*o));
}

static struct list *
find_close(struct media_ctl *m, uint32_t slot, uint32_t generation)
{
	LIST_EACH(at, &m->queue)
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
	struct media_close c = {slot, generation};

	trim_queue(m);
	return find_close(m, slot, generation) ? ERR_OK : queue_cmd(m, MEDIA_CLOSE, &c, sizeof(c));
}

static void
take_closed(struct media_ctl *m, const struct media_closed *closed)
{
	struct list *at = find_close(m, closed->slot, closed->generation);

	if (!at)
		return; /* a second answer to a repeated CLOSE */
	finish_cmd(m, at);
	trim_queue(m);
	if (m->on_closed)
		m->on_closed(m->arg, closed);
}

static enum err
take_event(struct media_ctl *m, const struct channel_msg *msg)
{
	struct media_closed closed;
	struct media_close which;
	void (*on_event)(void *arg, uint32_t slot, uint32_t generation) =
		msg->head.type == MEDIA_TIMEOUT ? m->on_timeout : m->on_rekey;

	if (msg->head.type == MEDIA_CLOSED && msg->head.length == sizeof(closed)) {
		memcpy(&closed, msg->body, sizeof(closed));
		take_closed(m, &closed);
		return ERR_OK;
	}
	if ((msg->head.type != MEDIA_TIMEOUT && msg->head.type != MEDIA_REKEY) ||
	    msg->head.length != sizeof(which))
		return ERR_SYNTAX;
	memcpy(&which, msg->body, sizeof(which));
	if (on_event)
		on_event(m->arg, which.slot, which.generation);
	return ERR_OK;
}

enum err
media_ctl_recv(struct media_ctl *m, uint32_t budget)
{
	struct channel_msg msg;

	for (uint32_t i = 0; i < budget && i < RECV_BUDGET_MAX; i++) {
		enum err e = channel_recv(&m->chan, &msg, NULL, NULL);

		if (e == ERR_AGAIN) {
			trim_queue(m);
			media_ctl_flush(m);
			return ERR_OK;
		}
		if (e == ERR_OK)
			e = take_event(m, &msg);
		if (e != ERR_OK) {
			channel_rebind(&m->chan, -1); /* gone, or not to be trusted any more */
			return ERR_CLOSED;
		}
	}
	return ERR_AGAIN;
}

void
media_ctl_rebind(struct media_ctl *m, int fd)
{
	channel_rebind(&m->chan, fd);
	trim_queue(m);
	m->unsent = m->queue.next;
	media_ctl_flush(m);
}

int
media_ctl_fd(const struct media_ctl *m)
{
	return m->chan.fd;
}

uint32_t
media_ctl_waiting(struct media_ctl *m)
{
	trim_queue(m);
	return m->n;
}
