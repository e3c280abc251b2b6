#include "ops/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"

enum { CONTROL_MODE = 0600, CONTROL_TICK_US = CLOCK_S };

/* ---- clients ---- */

static void
drop_client(struct control_client *cl)
{
	if (cl->lfd.fd < 0)
		return;
	loop_del(cl->owner->loop, &cl->lfd);
	close(cl->lfd.fd);
	cl->lfd = (struct loop_fd){.fd = -1};
	MEM_FREE(cl->in);
	MEM_FREE(cl->out);
	cl->in_len = 0;
	if (cl->owner->on_gone)
		cl->owner->on_gone(cl->owner->arg, cl);
}

static void
set_due(struct control_client *cl)
{
	cl->due = loop_now(cl->owner->loop) + (uint64_t)CONTROL_WAIT_MS * CLOCK_MS;
}

/* False: the client is gone. */
static bool
send_out(struct control_client *cl)
{
	while (cl->out_sent < cl->out_len) {
		ssize_t n = send(cl->lfd.fd, cl->out + cl->out_sent, cl->out_len - cl->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return loop_mod(cl->owner->loop, &cl->lfd, EPOLLOUT) == ERR_OK;
		if (n <= 0)
			return false;
		cl->out_sent += (size_t)n;
	}
	MEM_FREE(cl->out);
	set_due(cl);
	return loop_mod(cl->owner->loop, &cl->lfd, EPOLLIN) == ERR_OK;
}

/* Ask, keep the answer with its newline for the client. False: no memory for it. */
static bool
answer_line(struct control_client *cl, struct str line)
{
	struct control *c = cl->owner;
	struct buf b;

	buf_init(&b, c->answer, CONTROL_ANSWER_MAX - 1);
	c->asker = cl;
	c->on_line(c->arg, line, &b);
	c->asker = NULL;
	if (b.len == 0 || b.failed) {
		buf_reset(&b);
		buf_z(&b, "{\"ok\":false,\"error\":\"the answer is too long; ask for less\"}");
	}
	c->answer[b.len++] = '\n';
	cl->out = mem_zalloc(1, b.len);
	if (!cl->out)
		return false;
	memcpy(cl->out, c->answer, b.len);
	cl->out_len = b.len;
	cl->out_sent = 0;
	set_due(cl);
	return true;
}

/* Answer what is whole, one line at a time. False: the client is to be dropped. */
static bool
serve_lines(struct control_client *cl)
{
	while (!cl->out) {
		struct str have = str_of(cl->in, cl->in_len);
		size_t end = str_chr(have, '\n');

		if (end == have.len)
			return cl->in_len < CONTROL_REQUEST_MAX;
		if (!answer_line(cl, str_trim(str_sub(have, 0, end))))
			return false;
		cl->in_len -= (uint32_t)end + 1;
		memmove(cl->in, cl->in + end + 1, cl->in_len);
		if (!send_out(cl))
			return false;
	}
	return true;
}

/* A request that never ends gets an answer, and then the end. */
static void
refuse_long(struct control_client *cl)
{
	struct str z = STR("{\"ok\":false,\"error\":\"the request is too long\"}\n");

	(void)!send(cl->lfd.fd, z.p, z.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	drop_client(cl);
}

static bool
read_in(struct control_client *cl)
{
	ssize_t n = recv(cl->lfd.fd, cl->in + cl->in_len, CONTROL_REQUEST_MAX - cl->in_len,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (cl->in_len == 0)
		set_due(cl);
	cl->in_len += (uint32_t)n;
	return true;
}

static void
on_client(void *arg, uint32_t events)
{
	struct control_client *cl = arg;
	bool ok = !(events & EPOLLERR);

	if (ok && cl->out)
		ok = send_out(cl);
	else if (ok)
		ok = read_in(cl);
	if (!ok) {
		drop_client(cl);
		return;
	}
	if (serve_lines(cl))
		return;
	if (cl->in_len == CONTROL_REQUEST_MAX)
		refuse_long(cl);
	else
		drop_client(cl);
}

enum err
control_add(struct control *c, int fd)
{
	struct control_client *cl = c->client;
	enum err e = ERR_FULL;

	while (cl < c->client + CONTROL_CLIENTS && cl->lfd.fd >= 0)
		cl++;
	if (cl == c->client + CONTROL_CLIENTS)
		goto failed;
	e = ERR_NOMEM;
	cl->in = mem_zalloc(1, CONTROL_REQUEST_MAX);
	if (!cl->in)
		goto failed;
	cl->lfd = (struct loop_fd){.fd = fd, .on_event = on_client, .arg = cl};
	e = loop_add(c->loop, &cl->lfd, EPOLLIN);
	if (e != ERR_OK) {
		cl->lfd.fd = -1;
		MEM_FREE(cl->in);
		goto failed;
	}
	set_due(cl);
	return ERR_OK;
failed:
	close(fd);
	return e;
}

/* ---- the socket ---- */

/* Root or our own user, even where somebody has opened the socket's mode or its folder (A9). */
static bool
is_owner(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
accept_client(void *arg, uint32_t events)
{
	struct control *c = arg;
	int fd = accept4(c->lfd.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum err e;

	(void)events;
	if (fd < 0)
		return;
	if (!GUARD(A9, is_owner(fd))) {
		log_warn("control.stranger", "a client of another user was turned away");
		close(fd);
		return;
	}
	e = control_add(c, fd);
	if (e != ERR_OK)
		log_warn("control.refused", "a client of the control socket was turned away: %s",
			 err_text(e));
}

static void
on_tick(struct timer *t, uint64_t now_us)
{
	struct control *c = CONTAINER_OF(t, struct control, tick);

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->client[i].lfd.fd >= 0 && now_us >= c->client[i].due)
			drop_client(&c->client[i]);
	(void)!loop_timer(c->loop, t, CONTROL_TICK_US);
}

static enum err
open_socket(struct control *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	enum err e = str_copyz(sa.sun_path, sizeof(sa.sun_path), str_from(c->path));
	struct stat st;
	mode_t mask;
	int fd;

	if (e != ERR_OK)
		return e;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_IO;
	if (lstat(c->path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(c->path);
	mask = umask(~(mode_t)CONTROL_MODE & 0777);
	e = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, CONTROL_CLIENTS) == 0
		    ? ERR_OK
		    : ERR_IO;
	umask(mask);
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	c->lfd = (struct loop_fd){.fd = fd, .on_event = accept_client, .arg = c};
	return loop_add(c->loop, &c->lfd, EPOLLIN);
}

enum err
control_init(struct control *c, struct loop *loop, const char *path)
{
	enum err e;

	c->loop = loop;
	c->lfd = (struct loop_fd){.fd = -1};
	c->tick = (struct timer){.on_due = on_tick};
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i] = (struct control_client){.owner = c, .lfd = {.fd = -1}};
	e = str_copyz(c->path, sizeof(c->path), str_from(path));
	if (e != ERR_OK)
		return e;
	c->answer = mem_zalloc(1, CONTROL_ANSWER_MAX);
	e = c->answer ? open_socket(c) : ERR_NOMEM;
	if (e == ERR_OK)
		e = loop_timer(loop, &c->tick, CONTROL_TICK_US);
	if (e != ERR_OK)
		control_fini(c);
	return e;
}

void
control_fini(struct control *c)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		drop_client(&c->client[i]);
	if (c->lfd.fd >= 0) {
		loop_del(c->loop, &c->lfd);
		close(c->lfd.fd);
		(void)unlink(c->path);
	}
	c->lfd.fd = -1;
	loop_timer_stop(c->loop, &c->tick);
	MEM_FREE(c->answer);
}
