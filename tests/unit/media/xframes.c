/* Who owns each frame, whatever happens: a worker runs in a child, one instruction after the other
 * (ptrace); after each change that it makes to the shared memory the test takes its place, as if it
 * had been killed there, and compares what xframes_attach finds with what the kernel (played by the
 * test) really holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/xframes.h"

enum {
	QUEUES = 2,
	RING = 64,
	ROUNDS = 2,
	UNSEEN = 3,
	FRAMES_MAX = QUEUES * 2 * RING + XFRAMES_SPARE
};

/* One ring of the played kernel. */
struct ring_mem {
	uint32_t producer, consumer, flags;
	union {
		uint64_t addr[RING];
		struct xdp_desc desc[RING];
	} u;
};

/* What the kernel holds and shows in no ring. */
struct held {
	uint64_t addr[RING];
	uint32_t n;
};

struct kernel {
	struct ring_mem fill[QUEUES], completion[QUEUES], rx[QUEUES], tx[QUEUES];
	struct held receiving[QUEUES], sending[QUEUES];
	volatile int turn; /* of the kernel to move */
	uint32_t received, sent;
};

struct stand {
	int fd;
	struct xframes x;
	struct kernel *k;
};

static struct xring
ring_of(struct ring_mem *m, bool ours_to_kernel)
{
	struct xring r = {.own = ours_to_kernel ? &m->producer : &m->consumer,
			  .other = ours_to_kernel ? &m->consumer : &m->producer,
			  .flags = &m->flags,
			  .slots = &m->u,
			  .size = RING};

	r.at = *r.own;
	r.seen = *r.other;
	return r;
}

static void
open_queues(struct kernel *k, struct xqueue *v)
{
	for (int q = 0; q < QUEUES; q++)
		v[q] = (struct xqueue){
			.ring = {[XRING_FILL] = ring_of(&k->fill[q], true),
				 [XRING_COMPLETION] = ring_of(&k->completion[q], false),
				 [XRING_RX] = ring_of(&k->rx[q], false),
				 [XRING_TX] = ring_of(&k->tx[q], true)}};
}

/* ---- the kernel's moves ---- */

static void
kernel_receive(struct kernel *k, int q, uint32_t n)
{
	struct ring_mem *f = &k->fill[q], *rx = &k->rx[q];
	struct held *h = &k->receiving[q];

	for (uint32_t i = 0; i < 2 * n && f->consumer != f->producer && h->n < RING; i++)
		h->addr[h->n++] = f->u.addr[f->consumer++ % RING];
	for (uint32_t i = 0; i < n && h->n && rx->producer - rx->consumer < RING; i++)
		rx->u.desc[rx->producer++ % RING] =
			(struct xdp_desc){.addr = h->addr[--h->n] + 256, .len = 200};
}

static void
kernel_send(struct kernel *k, int q, uint32_t n)
{
	struct ring_mem *tx = &k->tx[q], *c = &k->completion[q];
	struct held *h = &k->sending[q];

	for (uint32_t i = 0; i < 2 * n && tx->consumer != tx->producer && h->n < RING; i++) {
		h->addr[h->n++] = tx->u.desc[tx->consumer++ % RING].addr;
		k->sent++;
	}
	for (uint32_t i = 0; i < n && h->n; i++) {
		assert_true(c->producer - c->consumer < RING);
		c->u.addr[c->producer++ % RING] = h->addr[--h->n];
	}
}

static void
kernel_move(struct kernel *k)
{
	for (int q = 0; q < QUEUES; q++) {
		kernel_receive(k, q, 9 + 2 * (uint32_t)q);
		kernel_send(k, q, 8);
	}
}

/* ---- the oracle ---- */

static void
note_owner(uint8_t *owner, uint64_t addr, uint8_t who)
{
	assert_true(addr >> XFRAMES_SHIFT < FRAMES_MAX);
	assert_int_equal(owner[addr >> XFRAMES_SHIFT], 0); /* two owners */
	owner[addr >> XFRAMES_SHIFT] = who;
}

/* Who owns each frame by what the kernel holds and shows: as the bytes say it; 0 = nobody. */
static void
true_owners(const struct kernel *k, uint8_t *owner)
{
	memset(owner, 0, FRAMES_MAX);
	for (int q = 0; q < QUEUES; q++) {
		uint8_t in = (uint8_t)(1 + 2 * q), out = (uint8_t)(2 + 2 * q);

		for (uint32_t i = k->fill[q].consumer; i != k->fill[q].producer; i++)
			note_owner(owner, k->fill[q].u.addr[i % RING], in);
		for (uint32_t i = 0; i < k->receiving[q].n; i++)
			note_owner(owner, k->receiving[q].addr[i], in);
		for (uint32_t i = k->rx[q].consumer; i != k->rx[q].producer; i++)
			note_owner(owner, k->rx[q].u.desc[i % RING].addr, in);
		for (uint32_t i = k->tx[q].consumer; i != k->tx[q].producer; i++)
			note_owner(owner, k->tx[q].u.desc[i % RING].addr, out);
		for (uint32_t i = 0; i < k->sending[q].n; i++)
			note_owner(owner, k->sending[q].addr[i], out);
		for (uint32_t i = k->completion[q].consumer; i != k->completion[q].producer; i++)
			note_owner(owner, k->completion[q].u.addr[i % RING], out);
	}
}

/* Take over from a worker that left k and x as they are; every frame must be where it is. */
static void
check_takeover(struct xframes *x, struct kernel *k)
{
	uint8_t owner[FRAMES_MAX];
	bool idle[FRAMES_MAX] = {0};
	struct xqueue v[QUEUES];
	uint32_t total = 0;

	true_owners(k, owner);
	open_queues(k, v);
	xframes_attach(x, v, QUEUES);
	assert_memory_equal(x->head->owner, owner, x->head->n_frames);
	for (uint32_t i = 0; i < x->n_idle; i++) {
		assert_false(idle[x->idle[i]]);
		idle[x->idle[i]] = true;
		assert_int_equal(owner[x->idle[i]], 0);
	}
	for (int q = 0; q < QUEUES; q++)
		total += v[q].filled + v[q].sending;
	assert_int_equal(total + x->n_idle, x->head->n_frames);
}

/* ---- the worker ---- */

/* One turn as io_xdp does it: packets of each queue leave through the other; one of four is
 * dropped. */
static void
work_once(struct xframes *x, struct xqueue *v)
{
	for (uint32_t q = 0; q < QUEUES; q++) {
		struct xdp_desc d[IO_BATCH];
		uint32_t n = xframes_peek(x, v, q, d, q ? 7 : 12), out = 0;

		xframes_take(x, v, q, n);
		for (uint32_t i = 0; i < n; i++) {
			if (i % 4 == 0)
				xframes_drop(x, d[i].addr);
			else
				d[out++] = d[i];
		}
		xframes_reap(x, v, 1 - q);
		for (uint32_t i = xframes_send(x, v, 1 - q, d, out); i < out; i++)
			xframes_drop(x, d[i].addr);
		xframes_fill(x, v, q);
	}
}

static bool
make_stand(struct stand *s)
{
	if (xframes_create(QUEUES, RING, RING, &s->fd) != ERR_OK)
		return false;
	if (xframes_map(s->fd, &s->x) != ERR_OK) {
		close(s->fd);
		return false;
	}
	assert_int_equal(s->x.head->n_frames, FRAMES_MAX);
	s->k = mmap(NULL, sizeof(*s->k), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->k != MAP_FAILED);
	return true;
}

static void
end_stand(struct stand *s)
{
	munmap(s->k, sizeof(*s->k));
	xframes_unmap(&s->x);
	close(s->fd);
}

static void
test_all_come_back(void **state)
{
	struct stand s;
	struct xqueue v[QUEUES];

	(void)state;
	if (!make_stand(&s))
		return; /* the ladder's missing memory */
	open_queues(s.k, v);
	xframes_attach(&s.x, v, QUEUES);
	assert_int_equal(s.x.n_idle, FRAMES_MAX);
	for (int i = 0; i < 2000; i++) {
		work_once(&s.x, v);
		kernel_move(s.k);
	}
	assert_true(s.k->sent > 10000);
	check_takeover(&s.x, s.k);
	end_stand(&s);
}

/* A descriptor that is not in our memory is neither shown nor kept. */
static void
test_broken_descriptor(void **state)
{
	static const struct {
		const char *name;
		uint64_t addr;
		uint32_t len;
	} rows[] = {
		{"behind the last frame", (uint64_t)FRAMES_MAX << XFRAMES_SHIFT, 100},
		{"far away", UINT64_MAX - 5000, 100},
		{"longer than the frame", 256, XFRAMES_SIZE - 255},
	};
	struct stand s;
	struct xqueue v[QUEUES];
	struct xdp_desc d[IO_BATCH];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!make_stand(&s))
			return;
		open_queues(s.k, v);
		xframes_attach(&s.x, v, QUEUES);
		s.k->rx[0].u.desc[s.k->rx[0].producer++] =
			(struct xdp_desc){.addr = rows[i].addr, .len = rows[i].len};
		if (xframes_peek(&s.x, v, 0, d, IO_BATCH) != 1 || d[0].len != 0)
			fail_msg("%s: shown", rows[i].name);
		xframes_take(&s.x, v, 0, 1);
		assert_int_equal(s.k->rx[0].consumer, 1);
		end_stand(&s);
	}
}

/* ---- killed at each instruction ---- */

/* life 0 is the first; the take-over itself is looked at in life 1. */
static void
run_child(struct stand *s, size_t life)
{
	struct xqueue v[QUEUES];

	open_queues(s->k, v);
	if (life != 1)
		xframes_attach(&s->x, v, QUEUES);
	for (int i = 0; life == 0 && i < UNSEEN; i++) {
		work_once(&s->x, v);
		kernel_move(s->k);
	}
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(9);
	raise(SIGSTOP);
	if (life == 1)
		xframes_attach(&s->x, v, QUEUES);
	for (int i = 0; i < ROUNDS; i++) {
		work_once(&s->x, v);
		s->k->turn = 1;
		while (s->k->turn)
			;
	}
	_exit(0);
}

/* What the child shares, as it was when it was looked at last. */
struct snapshot {
	struct kernel k;
	char head[sizeof(struct xframes_head) + FRAMES_MAX];
};

/* True when something has changed since. */
static bool
check_snapshot(const struct stand *s, struct snapshot *old)
{
	struct snapshot now;
	struct xframes x = s->x;
	_Alignas(64) char head[sizeof(now.head)];
	static uint32_t idle[FRAMES_MAX];

	memcpy(&now.k, s->k, sizeof(now.k));
	memcpy(now.head, s->x.head, sizeof(now.head));
	if (memcmp(&now, old, sizeof(now)) == 0)
		return false;
	*old = now;
	memcpy(head, now.head, sizeof(head));
	x.head = (struct xframes_head *)(void *)head;
	x.idle = idle;
	check_takeover(&x, &now.k);
	return true;
}

/* Step the child to its end, or kill it for good after k steps in the middle of giving frames away.
 * False: it may not be traced. */
static bool
watch_child(struct stand *s, pid_t pid, unsigned k, unsigned *changes)
{
	static struct snapshot old;
	unsigned given = 0;
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (WIFSTOPPED(status)) {
		bool giving = s->x.head->note != 0;

		if (s->k->turn) {
			kernel_move(s->k);
			s->k->turn = 0;
		}
		*changes += check_snapshot(s, &old);
		given += giving;
		if (k && given >= k)
			assert_int_equal(kill(pid, SIGKILL), 0);
		else
			assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
		return false;
	assert_true(k ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return true;
}

static void
test_killed_anywhere(void **state)
{
	/* steps with a note in place until the kill; 0: it lives to its end */
	static const unsigned kills[] = {30, 200, 3, 0};
	struct stand s;
	unsigned changes = 0;

	(void)state;
	if (!make_stand(&s))
		return;
	for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			run_child(&s, i);
		if (!watch_child(&s, pid, kills[i], &changes))
			break;
	}
	end_stand(&s);
	if (changes == 0)
		skip(); /* nobody may be traced here */
	assert_true(changes > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_come_back),
		cmocka_unit_test(test_broken_descriptor),
		cmocka_unit_test(test_killed_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
