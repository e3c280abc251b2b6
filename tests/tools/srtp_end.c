/* Many media ends at once, for the system tests: plays and checks RTP or SRTP with RTCP, built on
 * libsrtp2 and on nothing of src/srtp. Commands come on stdin, one JSON object a line goes to
 * stdout.
 *
 *   add ID LOCAL_IP:PORT REMOTE_IP:PORT TX_KEY_B64|- RX_KEY_B64|- SUITE|- PT FREQ SECONDS
 * [option..] options: hear=HZ ssrc=HEX seq=N rtcp=SECONDS (5; 0: none) mux=1 bye=1 remote ID
 * IP:PORT    send there from now on, and count packets from elsewhere as foreign pause ID send no
 * RTP; go on receiving, and with RTCP resume ID stats ID|all         a line a stream stop ID|all
 * the same, and the stream ends quit                 stop all, then a line {"event":"quit"}; so
 * does the end of stdin, once the streams with SECONDS > 0 have sent theirs and half a second is
 * over
 *
 * Port 0 lets the system choose (an even port, with the next one for RTCP, is tried for); the line
 * "added" names it. Without mux, RTCP is one port above RTP at both ends. A key is master key and
 * salt as in a=crypto inline:. FREQ in Hz; 0 is silence; PT 0 is mu-law, all others A-law.
 *
 * The first MARK_LEN octets of each payload name stream, packet and tone, so the far end can tell
 * loss, order and content whatever was done to the header between; the rest is the tone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/octets.h"
#include "base/random.h"

#include "srtp_end/stream.h"

static struct stream streams[STREAMS_MAX];
static struct timers timers;
static int epoll_fd = -1;
static bool quitting, input_over, stdin_is_file;
static uint64_t input_over_us;

static void
on_tick(struct timer *t, uint64_t now)
{
	struct stream *s = (struct stream *)(void *)t;
	uint64_t due = t->due;

	if (now - due > s->n.late_us)
		s->n.late_us = now - due;
	if (!s->done && !s->paused)
		send_rtp(s);
	s->ts += SAMPLES;
	if (s->rtcp_every_us && now >= s->rtcp_due) {
		send_rtcp(s, false);
		s->rtcp_due += s->rtcp_every_us;
	}
	if (!s->done && s->limit && s->counter >= s->limit) {
		s->done = true;
		printf("{\"event\":\"done\",\"id\":\"%s\",\"sent\":%llu}\n", s->id,
		       (unsigned long long)s->n.sent);
	}
	(void)!timer_set(&timers, t, due + TICK_US);
}

static bool
complain(const char *what)
{
	printf("{\"event\":\"error\",\"what\":\"%s\"}\n", what);
	return false;
}

/* ---- streams ---- */

static void
drop_stream(struct stream *s)
{
	timer_stop(&timers, &s->timer);
	if (s->rtp_fd >= 0)
		close(s->rtp_fd);
	if (s->rtcp_fd >= 0)
		close(s->rtcp_fd);
	if (s->tx)
		srtp_dealloc(s->tx);
	if (s->rx)
		srtp_dealloc(s->rx);
	memset(s, 0, sizeof(*s));
}

static bool
make_session(struct stream *s, struct str suite, struct str key64, bool out, srtp_t *session)
{
	uint8_t key[KEY_MAX];
	size_t len = 0;
	srtp_policy_t pol;
	bool short_tag, wide;

	memset(&pol, 0, sizeof(pol));
	short_tag = str_ends(suite, STR("_32"));
	wide = str_starts(suite, STR("AES_256_CM_HMAC_SHA1_"));
	if (!wide && !str_starts(suite, STR("AES_CM_128_HMAC_SHA1_")))
		return complain("suite");
	if (!short_tag && !str_ends(suite, STR("_80")))
		return complain("suite");
	if (codec_b64_get(key64, key, sizeof(key), &len) || len != (wide ? 46u : 30u))
		return complain("key");
	if (wide) {
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&pol.rtp);
		pol.rtcp = pol.rtp;
		if (short_tag)
			srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&pol.rtp);
	} else {
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtp);
		pol.rtcp = pol.rtp; /* 80 bits for SRTCP, RFC 4568 6.2 */
		if (short_tag)
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&pol.rtp);
	}
	pol.ssrc.type = out ? ssrc_specific : ssrc_any_inbound;
	pol.ssrc.value = s->ssrc;
	pol.key = key;
	pol.window_size = 128;
	return srtp_create(session, &pol) == srtp_err_status_ok || complain("srtp_create");
}

static int
open_port(struct addr *local, struct stream *s)
{
	int fd = socket(local->family == 6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)(s - streams) * 2};
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(local, &sa);
	int size = RCVBUF;

	if (fd < 0)
		return -1;
	ev.data.u64 += s->rtp_fd >= 0; /* the second port of a stream is its RTCP */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return -1;
	}
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		*local = addr_from_sa(&sa);
	return fd;
}

/* RTP, and the port above it for RTCP; with port 0 until such a pair is found. */
static bool
open_ports(struct stream *s)
{
	for (int tries = s->local.port ? 1 : 64; tries > 0; tries--) {
		struct addr rtp = s->local, rtcp;

		s->rtp_fd = open_port(&rtp, s);
		if (s->rtp_fd < 0)
			break;
		rtcp = rtp;
		rtcp.port++;
		if (!s->mux && (s->local.port || rtp.port % 2 == 0))
			s->rtcp_fd = open_port(&rtcp, s);
		if (s->mux || s->rtcp_fd >= 0) {
			s->local = rtp;
			return true;
		}
		close(s->rtp_fd);
		s->rtp_fd = -1;
	}
	return complain("bind");
}

static bool
read_num(struct str s, uint32_t max, uint32_t *out)
{
	return str_u32(s, max, out) == ERR_OK || complain("number");
}

static bool
read_option(struct stream *s, struct str word)
{
	struct str value = word, name = str_cut(&value, '=');
	uint8_t b[4];
	size_t len = 0;
	uint32_t n = 0;

	if (str_eqz(name, "ssrc")) {
		if (codec_hex_get(value, b, sizeof(b), &len) || len != 4)
			return complain("ssrc");
		s->ssrc = octets_get32(b);
		return true;
	}
	if (!read_num(value, 65535, &n))
		return false;
	if (str_eqz(name, "hear"))
		s->tone.hear = n;
	else if (str_eqz(name, "seq"))
		s->seq = (uint16_t)n;
	else if (str_eqz(name, "rtcp"))
		s->rtcp_every_us = (uint64_t)n * CLOCK_S;
	else if (str_eqz(name, "mux"))
		s->mux = n != 0;
	else if (str_eqz(name, "bye"))
		s->bye = n != 0;
	else
		return complain("option");
	return true;
}

static bool
good_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_alnum(id.p[i]) && (!id.p[i] || !strchr("_.:-@", id.p[i])))
			return false;
	return id.len > 0 && id.len < ID_MAX;
}

static struct stream *
find_stream(struct str id)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (streams[i].used && str_eqz(id, streams[i].id))
			return &streams[i];
	return NULL;
}

static struct stream *
free_stream(void)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (!streams[i].used)
			return &streams[i];
	return NULL;
}

/* words: ID LOCAL REMOTE TX RX SUITE PT FREQ SECONDS [option..] */
static bool
fill_stream(struct stream *s, const struct str *w, unsigned n)
{
	uint32_t pt = 0, freq = 0, seconds = 0;

	if (addr_parse(w[1], &s->local) || addr_parse(w[2], &s->remote))
		return complain("address");
	if (!read_num(w[6], 127, &pt) || !read_num(w[7], 4000, &freq) ||
	    !read_num(w[8], 1000000, &seconds))
		return false;
	s->pt = (uint8_t)pt;
	s->freq = freq;
	s->limit = (uint64_t)seconds * (CLOCK_S / TICK_US);
	for (unsigned i = 9; i < n; i++)
		if (!read_option(s, w[i]))
			return false;
	s->secure_tx = !str_eqz(w[3], "-");
	s->secure_rx = !str_eqz(w[4], "-");
	if (s->secure_tx && !make_session(s, w[5], w[3], true, &s->tx))
		return false;
	if (s->secure_rx && !make_session(s, w[5], w[4], false, &s->rx))
		return false;
	return open_ports(s);
}

static void
do_add(const struct str *w, unsigned n)
{
	struct stream *s = free_stream();
	uint64_t now = clock_now_us();

	if (!s || n < 9 || !good_id(w[0]) || find_stream(w[0])) {
		complain(!s ? "too many streams" : n < 9 ? "add: too few words" : "id");
		return;
	}
	memset(s, 0, sizeof(*s));
	s->rtp_fd = s->rtcp_fd = -1;
	s->ssrc = random_u32();
	s->seq = (uint16_t)random_below(65536);
	s->ts = random_u32();
	s->rtcp_every_us = 5 * CLOCK_S;
	s->tag = tone_hash(w[0].p, w[0].len);
	memcpy(s->id, w[0].p, w[0].len);
	s->timer.on_due = on_tick;
	if (!fill_stream(s, w, n)) {
		drop_stream(s);
		return;
	}
	s->used = true;
	s->rtcp_due = now + s->rtcp_every_us / 2;
	/* streams do not all send at the same moment */
	(void)!timer_set(&timers, &s->timer, now + (uint64_t)(s - streams) * 977 % TICK_US);
	printf("{\"event\":\"added\",\"id\":\"%s\",\"local\":\"%s\",\"tag\":\"%08x\","
	       "\"ssrc\":\"%08x\"}\n",
	       s->id, addr_text(&s->local).z, s->tag, s->ssrc);
}

static void
end_stream(struct stream *s)
{
	if (s->bye)
		send_rtcp(s, true);
	tell_stats(s, "stopped");
	drop_stream(s);
}

/* ---- commands ---- */

static void
do_one(struct stream *s, const struct str *w, unsigned n)
{
	if (str_eqz(w[0], "stats"))
		tell_stats(s, "stats");
	else if (str_eqz(w[0], "stop"))
		end_stream(s);
	else if (str_eqz(w[0], "pause"))
		s->paused = true;
	else if (str_eqz(w[0], "resume"))
		s->paused = false;
	else if (!str_eqz(w[0], "remote"))
		complain("unknown command");
	else if (n < 3 || addr_parse(w[2], &s->remote))
		complain("address");
}

static void
do_line(struct str line)
{
	struct str w[WORDS_MAX];
	unsigned n = 0;

	while (line.len > 0 && n < WORDS_MAX) {
		struct str word = str_trim(str_cut(&line, ' '));

		if (word.len > 0)
			w[n++] = word;
	}
	if (n == 0 || w[0].p[0] == '#')
		return;
	if (str_eqz(w[0], "quit")) {
		quitting = true;
	} else if (n < 2) {
		complain("which stream?");
	} else if (str_eqz(w[0], "add")) {
		do_add(w + 1, n - 1);
	} else if (str_eqz(w[1], "all")) {
		for (unsigned i = 0; i < STREAMS_MAX; i++)
			if (streams[i].used)
				do_one(&streams[i], w, n);
	} else if (find_stream(w[1])) {
		do_one(find_stream(w[1]), w, n);
	} else {
		complain("no such stream");
	}
}

/* What was read and not yet carried out. */
static char input[64 * LINE_LEN];
static size_t input_len;

static bool
line_waits(void)
{
	return memchr(input, '\n', input_len) != NULL;
}

/* A few at a time, so that streams which run already keep their pace. */
static void
run_lines(void)
{
	struct str all = str_of(input, input_len);

	for (int i = 0; i < LINES_MAX && str_chr(all, '\n') < all.len && !quitting; i++)
		do_line(str_cut(&all, '\n'));
	if (all.len == sizeof(input) && str_chr(all, '\n') == all.len) {
		complain("line too long");
		all.len = 0;
	}
	memmove(input, all.p, all.len);
	input_len = all.len;
}

static void
read_commands(void)
{
	ssize_t n = read(STDIN_FILENO, input + input_len, sizeof(input) - input_len);

	if (n > 0) {
		input_len += (size_t)n;
	} else if (n == 0 ? input_len < sizeof(input) : errno != EAGAIN && errno != EINTR) {
		input_over = true;
		input_over_us = clock_now_us();
	}
}

/* After the end of stdin: nobody will ask any more. */
static bool
nothing_left(uint64_t now)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		if (streams[i].used && streams[i].limit && !streams[i].done)
			input_over_us = now;
	}
	return now - input_over_us > LINGER_US;
}

static uint64_t
wait_us(uint64_t now)
{
	uint64_t due = timers_next(&timers);

	if (due <= now || line_waits())
		return 0;
	return due - now < IDLE_US ? due - now : IDLE_US;
}

static void
run_loop(void)
{
	while (!quitting) {
		struct epoll_event ev[EVENTS_MAX];
		uint64_t now = clock_now_us();
		struct timespec ts = {0, (long)wait_us(now) * 1000};
		int n;

		fflush(stdout);
		n = epoll_pwait2(epoll_fd, ev, EVENTS_MAX, &ts, NULL);
		now = clock_now_us();
		timers_run(&timers, now);
		for (int i = 0; i < n; i++) {
			struct stream *s = &streams[ev[i].data.u64 / 2 % STREAMS_MAX];

			if (ev[i].data.u64 == UINT64_MAX)
				read_commands();
			else if (s->used)
				receive_all(s, ev[i].data.u64 % 2 ? s->rtcp_fd : s->rtp_fd, now);
		}
		if (stdin_is_file && !input_over)
			read_commands();
		run_lines();
		if (input_over)
			(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		if (input_over && !line_waits() && nothing_left(now))
			quitting = true;
	}
}

int
main(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || srtp_init() != srtp_err_status_ok || timers_init(&timers, STREAMS_MAX))
		return 1;
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	stdin_is_file = epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &ev) < 0;
	run_loop();
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (streams[i].used)
			end_stream(&streams[i]);
	printf("{\"event\":\"quit\"}\n");
	timers_fini(&timers);
	close(epoll_fd);
	return srtp_shutdown() == srtp_err_status_ok ? 0 : 1;
}
