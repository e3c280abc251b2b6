/* The harness looked at by itself: a forwarder that does five things wrong, once each, and has to
 * be found out. */
#include "relay/mirror.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench.h"

enum { ROOM = 512, FLIP_AT = 100, PAYLOAD_AT = 12, TIMESTAMP_AT = 4 };

static int sockets[2 * MIRROR_CALLS];

static int
bind_port(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	BENCH_MUST(inet_pton(AF_INET, BED_FAR, &sa.sin_addr) == 1);
	BENCH_MUST(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	return fd;
}

static void
send_on(unsigned from, unsigned leg, const uint8_t *b, size_t len)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port =
					 htons(traffic_port(leg / 2, (enum traffic_leg)(leg % 2)))};

	BENCH_MUST(inet_pton(AF_INET, BED_NEAR, &sa.sin_addr) == 1);
	(void)!sendto(sockets[from], b, len, 0, (struct sockaddr *)&sa, sizeof(sa));
}

/* The n-th packet, which came in on that leg. */
static void
forward(unsigned leg, unsigned n, uint8_t *b, size_t len)
{
	unsigned out = leg ^ 1;

	if (n == MIRROR_PAYLOAD)
		b[PAYLOAD_AT + FLIP_AT] ^= 1;
	if (n == MIRROR_HEADER)
		b[TIMESTAMP_AT] ^= 1;
	if (n == MIRROR_PORT)
		send_on((out + 2) % (2 * MIRROR_CALLS), out, b, len);
	else if (n != MIRROR_LOSS)
		send_on(out, out, b, len);
	if (n == MIRROR_TWICE)
		send_on(out, out, b, len);
}

static _Noreturn void
run_mirror(void)
{
	struct pollfd p[2 * MIRROR_CALLS];
	uint8_t b[ROOM];
	unsigned n = 0;

	for (unsigned i = 0; i < 2 * MIRROR_CALLS; i++)
		p[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
	while (poll(p, 2 * MIRROR_CALLS, -1) > 0)
		for (unsigned i = 0; i < 2 * MIRROR_CALLS; i++) {
			ssize_t len =
				p[i].revents ? recv(sockets[i], b, sizeof(b), MSG_DONTWAIT) : -1;

			if (len > 0)
				forward(i, n++, b, (size_t)len);
		}
	_exit(1);
}

void
mirror_start(struct contender *c, const struct bed *b, struct traffic_call *calls)
{
	*c = (struct contender){0};
	bed_enter_far(b);
	for (unsigned i = 0; i < 2 * MIRROR_CALLS; i++) {
		calls[i / 2].port[i % 2] = (uint16_t)(CONTENDER_PORT_MIN + 2 * i);
		sockets[i] = bind_port(calls[i / 2].port[i % 2]);
	}
	bed_enter_near(b);
	if (contender_fork(c, b) == 0)
		run_mirror();
	for (unsigned i = 0; i < 2 * MIRROR_CALLS; i++)
		close(sockets[i]);
}

bool
mirror_found(const struct judge_result *r)
{
	return r->lost == MIRROR_LOST && r->twice == 1 && r->wrong_payload == 1 &&
	       r->wrong_header == 1 && r->wrong_port == 1 && r->wrong_tag == 0;
}
