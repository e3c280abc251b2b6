/* rtpengine as Debian has it, driven by its NG protocol: bencoded dictionaries in UDP datagrams.
 * Each call is an offer from leg A and an answer from leg B. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/codec.h"
#include "base/mem.h"
#include "bench.h"
#include "relay/contender.h"

enum { NG_PORT = 2223, TEXT_MAX = 4096, UP_TRIES = 300, UP_STEP_US = 10 * 1000, REPLY_S = 2 };

struct peer {
	int fd;
	unsigned cookie;
};

static void
close_peer(struct contender *c)
{
	struct peer *p = c->own;

	if (c->pid)
		kill(c->pid, SIGKILL); /* it takes its time to end calls in order */
	close(p->fd);
	mem_free(p);
}

static _Noreturn void
exec_peer(int log)
{
	(void)dup2(log, STDOUT_FILENO);
	(void)dup2(log, STDERR_FILENO);
	execlp("rtpengine", "rtpengine", "--config-file=none", "--table=-1", "--interface=" BED_FAR,
	       "--listen-ng=127.0.0.1:2223", "--port-min=20000", "--port-max=59999",
	       "--num-threads=1", "--log-level=3", "--log-stderr", "--foreground",
	       "--delete-delay=0", "--timeout=60", "--pidfile=/dev/null", (char *)NULL);
	_exit(127);
}

/* ---- NG ---- */

/* Send "cookie dictionary"; the answer's dictionary in reply[TEXT_MAX], NUL-ended. */
static bool
ask(struct peer *p, const char *dict, char *reply)
{
	char text[TEXT_MAX], cookie[16];
	int n = snprintf(cookie, sizeof(cookie), "%u ", ++p->cookie);
	ssize_t got;

	(void)snprintf(text, sizeof(text), "%s%s", cookie, dict);
	if (send(p->fd, text, strlen(text), 0) < 0)
		return false;
	do {
		got = recv(p->fd, text, sizeof(text) - 1, 0);
		if (got < 0)
			return false;
		text[got] = 0;
	} while (strncmp(text, cookie, (size_t)n) != 0);
	memmove(reply, text + n, (size_t)(got - n) + 1);
	return true;
}

/* Append key and value, both strings, to a bencoded dictionary without its ends. */
static void
add_pair(char *dict, const char *key, const char *value)
{
	size_t at = strlen(dict);

	(void)snprintf(dict + at, TEXT_MAX - at, "%zu:%s%zu:%s", strlen(key), key, strlen(value),
		       value);
}

static void
put_sdp(char *sdp, const struct traffic_case *what, unsigned call, enum traffic_leg leg)
{
	bool secure = what->suite && leg == TRAFFIC_A;
	char b64[64], crypto[160] = "";
	uint8_t key[TRAFFIC_KEY_MAX];
	struct buf b;

	if (secure) {
		traffic_key(call, key);
		buf_init(&b, b64, sizeof(b64) - 1);
		codec_b64_put(&b, key, what->key_len, true);
		BENCH_MUST(buf_end(&b) == ERR_OK);
		b64[b.len] = 0;
		(void)snprintf(crypto, sizeof(crypto), "a=crypto:1 %s inline:%s\r\n", what->suite,
			       b64);
	}
	(void)snprintf(
		sdp, TEXT_MAX / 2,
		"v=0\r\no=- 1 1 IN IP4 " BED_NEAR "\r\ns=-\r\nc=IN IP4 " BED_NEAR
		"\r\nt=0 0\r\nm=audio %u RTP/%s 8\r\na=rtpmap:8 PCMA/8000\r\n%sa=sendrecv\r\n",
		traffic_port(call, leg), secure ? "SAVP" : "AVP", crypto);
}

static bool
read_port(const char *reply, uint16_t *port)
{
	const char *m = strstr(reply, "m=audio ");
	unsigned v;

	if (!m || sscanf(m, "m=audio %u", &v) != 1 || v == 0 || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	return true;
}

static bool
read_key(const char *reply, const struct traffic_case *what, uint8_t key[TRAFFIC_KEY_MAX])
{
	const char *at = strstr(reply, "inline:");
	size_t n = 0;

	if (!at)
		return false;
	at += strlen("inline:");
	return codec_b64_get(str_of(at, strcspn(at, "|\r\n ")), key, TRAFFIC_KEY_MAX, &n) ==
		       ERR_OK &&
	       n == what->key_len;
}

static bool
open_call(struct peer *p, const struct traffic_case *what, unsigned call, struct traffic_call *t)
{
	char dict[TEXT_MAX], sdp[TEXT_MAX / 2], id[16];

	(void)snprintf(id, sizeof(id), "call%u", call);
	for (unsigned leg = 0; leg < 2; leg++) {
		const char *to = leg == TRAFFIC_A ? "RTP/AVP" : "RTP/SAVP";

		put_sdp(sdp, what, call, (enum traffic_leg)leg);
		(void)snprintf(dict, sizeof(dict), "d");
		add_pair(dict, "ICE", "remove");
		if (what->suite)
			add_pair(dict, "DTLS", "off");
		add_pair(dict, "call-id", id);
		add_pair(dict, "command", leg == TRAFFIC_A ? "offer" : "answer");
		add_pair(dict, "from-tag", "a");
		if (leg == TRAFFIC_B)
			add_pair(dict, "to-tag", "b");
		(void)snprintf(dict + strlen(dict), sizeof(dict) - strlen(dict),
			       "7:replacel6:origin18:session-connectione8:rtcp-muxl5:demuxe");
		add_pair(dict, "sdp", sdp);
		if (what->suite)
			add_pair(dict, "transport-protocol", to);
		(void)snprintf(dict + strlen(dict), sizeof(dict) - strlen(dict), "e");
		/* an answer goes to the other side: the offer's tells the port towards B */
		if (!ask(p, dict, dict) || !strstr(dict, "6:result2:ok") ||
		    !read_port(dict, &t->port[!leg]))
			return false;
	}
	return !what->suite || read_key(dict, what, t->out_key);
}

static bool
wait_up(struct contender *c, const struct bed *b)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(NG_PORT)};
	struct timeval limit = {.tv_usec = UP_STEP_US};
	struct peer *p = c->own;
	char reply[TEXT_MAX];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bed_enter_far(b);
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	BENCH_MUST(p->fd >= 0 && connect(p->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	bed_enter_near(b);
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (int i = 0; i < UP_TRIES; i++) {
		if (ask(p, "d7:command4:pinge", reply)) {
			limit = (struct timeval){.tv_sec = REPLY_S};
			(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
			return true;
		}
		if (errno == ECONNREFUSED)
			usleep(UP_STEP_US);
	}
	return false;
}

bool
peer_start(struct contender *c, const struct bed *b, const struct traffic_case *what,
	   unsigned n_calls, struct traffic_call *calls, char *why)
{
	struct peer *p = mem_zalloc(1, sizeof(*p));

	BENCH_MUST(p);
	*c = (struct contender){.own = p, .do_stop = close_peer};
	p->fd = -1;
	if (contender_fork(c, b) == 0)
		exec_peer(c->log);
	if (!wait_up(c, b)) {
		contender_why(c, "rtpengine did not come up", why);
		contender_stop(c);
		return false;
	}
	for (unsigned i = 0; i < n_calls; i++)
		if (!open_call(p, what, i, &calls[i])) {
			contender_why(c, "rtpengine did not open a call", why);
			contender_stop(c);
			return false;
		}
	return true;
}
