#include "calls/aside.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "bench.h"
#include "calls/place.h"
#include "calls/text.h"
#include "sip/edit.h"

enum {
	MEDIA_PORT = 30000, /* even ones from here on, at either end */
	PACKET = 172,
	TICK_MS = 20,   /* between two packets of a call */
	EACH_MS = 100,  /* between two calls for help */
	WAIT_MS = 3000, /* for an answer */
	LATE_MS = 300,  /* for packets that are under way at the end */
	MESSAGE_MAX = 4096,
	MEDIA_BUFFER = 1 << 20,
	PRIORITY = 10,
};

enum { PBX, GATEWAY, ENDS };
static const char *const hosts[ENDS] = {ASIDE_PBX, ASIDE_GATEWAY};

/* One direction of a call's sound. */
struct sound {
	int fd;
	struct sockaddr_in to;
	unsigned sent, came;
	unsigned char packet[PACKET];
};

struct help {
	unsigned number;       /* of this run */
	unsigned id;           /* of all runs */
	double sent_s, took_s; /* took_s 0: no answer yet */
	struct text_dialog dialog;
};

struct aside {
	pthread_t thread;
	_Atomic bool ends;
	unsigned port;
	int sip[ENDS];
	struct sound sound[ASIDE_SOUND][ENDS];
	struct help up[ASIDE_SOUND], last;
	unsigned n_calls, n_invites; /* begun; those that came to the gateway */
	char branch[128];            /* of the last of those */
	struct sip_msg msg;
	double took_ms[ASIDE_CALLS_MAX];
	unsigned n_took;
	char why[ASIDE_WHY_MAX];
	double next_call, next_tick;
};

static struct sockaddr_in
address(const char *ip, unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	BENCH_MUST(inet_pton(AF_INET, ip, &a.sin_addr) == 1);
	return a;
}

static int
udp_at(const char *ip, unsigned port)
{
	struct sockaddr_in a = address(ip, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = MEDIA_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	BENCH_MUST(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

static void
send_to(int fd, const struct sockaddr_in *to, struct str bytes)
{
	BENCH_MUST(sendto(fd, bytes.p, bytes.len, 0, (const struct sockaddr *)to, sizeof(*to)) ==
		   (ssize_t)bytes.len);
}

/* ---- messages ---- */

static void
put_sdp(char *out, size_t size, int end, unsigned call)
{
	(void)snprintf(out, size,
		       "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		       "m=audio %u RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n",
		       hosts[end], hosts[end], MEDIA_PORT + call % ASIDE_SOUND * 2);
}

/* Where the other side wants its sound. */
static bool
read_sdp(struct str body, struct sockaddr_in *out)
{
	char text[MESSAGE_MAX], ip[16] = "";
	const char *c, *m;
	unsigned port = 0;

	if (str_copyz(text, sizeof(text), body) != ERR_OK)
		return false;
	c = strstr(text, "c=IN IP4 ");
	m = strstr(text, "m=audio ");
	if (!c || !m || sscanf(c, "c=IN IP4 %15[0-9.]", ip) != 1 ||
	    sscanf(m, "m=audio %u", &port) != 1)
		return false;
	*out = address(ip, port);
	return true;
}

static void
put_request(struct buf *b, const char *method, const struct help *h, const char *target,
	    const char *to, unsigned cseq)
{
	buf_printf(b,
		   "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP " ASIDE_PBX
		   ":%u;branch=z9hG4bKaside%s%u;rport\r\nMax-Forwards: 70\r\n"
		   "From: <sip:" PLACE_NUMBER "@" ASIDE_PBX ">;tag=h%u\r\nTo: %s\r\n"
		   "Call-ID: aside-%u@" ASIDE_PBX "\r\nCSeq: %u %s\r\n"
		   "Contact: <sip:" ASIDE_PBX ":%u>\r\n",
		   method, target, ASIDE_PBX_PORT, method, h->id, h->id, to, h->id, cseq, method,
		   ASIDE_PBX_PORT);
}

static void
send_request(struct aside *a, const struct help *h, const char *method, unsigned cseq)
{
	struct sockaddr_in to = address(PLACE_CUSTOMER_SIDE, a->port);
	char mem[MESSAGE_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	put_request(&b, method, h, h->dialog.target, h->dialog.to, cseq);
	buf_printf(&b, "%sContent-Length: 0\r\n\r\n", h->dialog.routes);
	send_to(a->sip[PBX], &to, buf_view(&b));
}

static void
call_help(struct aside *a)
{
	static unsigned ids;
	struct sockaddr_in to = address(PLACE_CUSTOMER_SIDE, a->port);
	char mem[MESSAGE_MAX], sdp[512];
	struct buf b;

	a->last = (struct help){
		.number = a->n_calls++, .id = ids++, .sent_s = bench_clock(CLOCK_MONOTONIC)};
	put_sdp(sdp, sizeof(sdp), PBX, a->last.number);
	buf_init(&b, mem, sizeof(mem));
	put_request(&b, "INVITE", &a->last, "sip:911@" PLACE_CUSTOMER_SIDE,
		    "<sip:911@" PLACE_CUSTOMER_SIDE ">", 1);
	buf_printf(&b, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		   strlen(sdp), sdp);
	send_to(a->sip[PBX], &to, buf_view(&b));
}

/* An answer to the last call; the first ones stay up, and have sound. */
static void
take_answer(struct aside *a)
{
	struct help *h = &a->last;
	const struct sip_msg *m = &a->msg;
	char tag[16];

	(void)snprintf(tag, sizeof(tag), "h%u", h->id);
	if (m->request || m->method != SIP_INVITE || m->status < 200 || h->took_s > 0 ||
	    !str_eqz(m->from_tag, tag))
		return;
	if (m->status >= 300 || !text_learn(m, &h->dialog)) {
		if (!a->why[0])
			(void)snprintf(a->why, sizeof(a->why), "call %u: %u", h->number, m->status);
		return;
	}
	h->took_s = bench_clock(CLOCK_MONOTONIC) - h->sent_s;
	if (a->n_took < ASIDE_CALLS_MAX)
		a->took_ms[a->n_took++] = h->took_s * 1e3;
	send_request(a, h, "ACK", 1);
	if (h->number >= ASIDE_SOUND)
		send_request(a, h, "BYE", 2);
	else if (read_sdp(m->body, &a->sound[h->number][PBX].to))
		a->up[h->number] = *h;
}

/* The gateway answers each call at once. */
static void
take_request(struct aside *a, const struct sockaddr_in *from)
{
	const struct sip_msg *m = &a->msg;
	char mem[MESSAGE_MAX], sdp[512], tag[16];
	unsigned call;
	struct buf b;

	if (!m->request || m->method == SIP_ACK)
		return;
	if (m->method == SIP_INVITE && !str_eqz(m->via.branch, a->branch)) {
		BENCH_MUST(str_copyz(a->branch, sizeof(a->branch), m->via.branch) == ERR_OK);
		a->n_invites++;
	}
	call = a->n_invites - 1;
	if (m->method == SIP_INVITE && call < ASIDE_SOUND)
		BENCH_MUST(read_sdp(m->body, &a->sound[call][GATEWAY].to));
	(void)snprintf(tag, sizeof(tag), "g%u", call);
	put_sdp(sdp, sizeof(sdp), GATEWAY, call);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m, &(struct sip_edit_reply){.status = 200, .to_tag = str_from(tag)});
	if (m->method == SIP_INVITE)
		sip_edit_hdr_z(&b, SIP_H_CONTACT, "<sip:" ASIDE_GATEWAY ":5080>");
	sip_edit_body(&b, m->method == SIP_INVITE ? STR("application/sdp") : STR_NULL,
		      m->method == SIP_INVITE ? str_from(sdp) : STR_NULL);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	send_to(a->sip[GATEWAY], from, buf_view(&b));
}

static void
read_sip(struct aside *a, int end)
{
	char mem[MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(a->sip[end], mem, sizeof(mem), 0, (struct sockaddr *)&from, &len)) >
	       0) {
		if (sip_msg_parse(str_of(mem, (size_t)n), &a->msg) != ERR_OK)
			continue;
		if (end == PBX)
			take_answer(a);
		else
			take_request(a, &from);
	}
}

/* ---- sound ---- */

static void
read_sound(struct sound *s)
{
	char mem[PACKET * 2];

	while (recv(s->fd, mem, sizeof(mem), 0) > 0)
		s->came++;
}

/* A packet each way of each call that is up. */
static void
send_sound(struct aside *a)
{
	for (unsigned i = 0; i < ASIDE_SOUND; i++)
		for (int end = 0; end < ENDS && a->up[i].took_s > 0; end++) {
			struct sound *s = &a->sound[i][end];
			uint16_t seq = htons((uint16_t)s->sent);
			uint32_t at = htonl(s->sent * 160), ssrc = htonl(i * ENDS + (unsigned)end);

			s->packet[0] = 0x80;
			s->packet[1] = 8;
			memcpy(s->packet + 2, &seq, sizeof(seq));
			memcpy(s->packet + 4, &at, sizeof(at));
			memcpy(s->packet + 8, &ssrc, sizeof(ssrc));
			send_to(s->fd, &s->to, str_of((char *)s->packet, PACKET));
			s->sent++;
		}
}

/* ---- its thread ---- */

static void
wait_and_read(struct aside *a, int ms)
{
	struct pollfd p[ENDS + ASIDE_SOUND * ENDS];
	unsigned n = 0;

	for (int end = 0; end < ENDS; end++)
		p[n++] = (struct pollfd){.fd = a->sip[end], .events = POLLIN};
	for (unsigned i = 0; i < ASIDE_SOUND * ENDS; i++)
		p[n++] = (struct pollfd){.fd = a->sound[i / ENDS][i % ENDS].fd, .events = POLLIN};
	(void)poll(p, n, ms);
	for (int end = 0; end < ENDS; end++)
		read_sip(a, end);
	for (unsigned i = 0; i < ASIDE_SOUND * ENDS; i++)
		read_sound(&a->sound[i / ENDS][i % ENDS]);
}

/* The last call has its answer, or will have none. */
static bool
is_settled(struct aside *a, double now)
{
	if (a->last.took_s > 0 || now < a->last.sent_s + WAIT_MS / 1e3)
		return a->last.took_s > 0;
	if (!a->why[0])
		(void)snprintf(a->why, sizeof(a->why), "call %u: no answer in %u ms",
			       a->last.number, WAIT_MS);
	return true;
}

static void *
run(void *arg)
{
	struct aside *a = arg;
	double end = 0;

	while (end == 0 || bench_clock(CLOCK_MONOTONIC) < end) {
		double now = bench_clock(CLOCK_MONOTONIC);

		if (end == 0 && now >= a->next_tick) {
			send_sound(a);
			a->next_tick += TICK_MS / 1e3;
		}
		if (end == 0 && now >= a->next_call && is_settled(a, now)) {
			call_help(a);
			a->next_call = now + EACH_MS / 1e3;
		}
		wait_and_read(a, 1);
		if (end == 0 && atomic_load(&a->ends) && is_settled(a, now))
			end = now + LATE_MS / 1e3;
	}
	return NULL;
}

/* ---- */

struct aside *
aside_start(unsigned port)
{
	struct sched_param sp = {.sched_priority = PRIORITY};
	struct aside *a = mem_zalloc(1, sizeof(*a));
	pthread_attr_t attr;

	BENCH_MUST(a);
	a->port = port;
	a->sip[PBX] = udp_at(ASIDE_PBX, ASIDE_PBX_PORT);
	a->sip[GATEWAY] = udp_at(ASIDE_GATEWAY, ASIDE_GATEWAY_PORT);
	for (unsigned i = 0; i < ASIDE_SOUND; i++)
		for (int end = 0; end < ENDS; end++)
			a->sound[i][end].fd = udp_at(hosts[end], MEDIA_PORT + i * 2);
	for (unsigned i = 0; i < ASIDE_SOUND; i++) {
		call_help(a);
		while (!is_settled(a, bench_clock(CLOCK_MONOTONIC)))
			wait_and_read(a, 1);
		if (a->up[i].took_s == 0)
			fprintf(stderr, "bench calls: sound: %s\n", a->why);
		BENCH_MUST(a->up[i].took_s > 0);
	}
	a->n_took = 0;
	a->next_call = a->next_tick = bench_clock(CLOCK_MONOTONIC);
	BENCH_MUST(pthread_attr_init(&attr) == 0);
	(void)pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	(void)pthread_attr_setschedpolicy(&attr, SCHED_FIFO); /* the load leaves it no time else */
	(void)pthread_attr_setschedparam(&attr, &sp);
	BENCH_MUST(pthread_create(&a->thread, &attr, run, a) == 0);
	(void)pthread_attr_destroy(&attr);
	return a;
}

static int
order(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

bool
aside_stop(struct aside **aside, struct aside_result *out)
{
	struct aside *a = *aside;

	atomic_store(&a->ends, true);
	BENCH_MUST(pthread_join(a->thread, NULL) == 0);
	*out = (struct aside_result){.calls = a->n_calls - ASIDE_SOUND, .answered = a->n_took};
	memcpy(out->why, a->why, sizeof(out->why));
	qsort(a->took_ms, a->n_took, sizeof(a->took_ms[0]), order);
	if (a->n_took) {
		out->p50_ms = a->took_ms[a->n_took / 2];
		out->worst_ms = a->took_ms[a->n_took - 1];
	}
	for (unsigned i = 0; i < ASIDE_SOUND; i++)
		for (int end = 0; end < ENDS; end++) {
			unsigned sent = a->sound[i][end].sent, came = a->sound[i][!end].came;

			out->packets += sent;
			out->lost += sent > came ? sent - came : 0;
			close(a->sound[i][end].fd);
		}
	for (unsigned i = 0; i < ASIDE_SOUND; i++)
		send_request(a, &a->up[i], "BYE", 2);
	for (int end = 0; end < ENDS; end++)
		close(a->sip[end]);
	mem_free(a);
	*aside = NULL;
	return out->lost == 0 && out->answered == out->calls && out->calls > 0;
}
