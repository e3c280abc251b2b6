#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

void
tcp_tune(int fd)
{
	static const struct {
		int level, name, value;
	} opts[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_RCVBUF, TCP_RECEIVE_BUFFER},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, TCP_PROBE_AFTER_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, TCP_PROBE_EVERY_S},
		{IPPROTO_TCP, TCP_KEEPCNT, TCP_PROBES},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_DEAD_MS},
	};
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	for (size_t i = 0; i < ARRAY_LEN(opts); i++)
		setsockopt(fd, opts[i].level, opts[i].name, &opts[i].value, sizeof(int));
}

enum err
tcp_dial(const struct addr *peer, const struct addr *local, const char *device, int *out_fd)
{
	struct sockaddr_storage to, from;
	socklen_t to_len = addr_to_sa(peer, &to), from_len = local ? addr_to_sa(local, &from) : 0;
	int fd, saved;

	if (to_len == 0)
		return ERR_RANGE;
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	tcp_tune(fd);
	if (from_len && !addr_is_any(local) && local->port == 0)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	if ((device && device[0] &&
	     setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0) ||
	    (from_len && bind(fd, (struct sockaddr *)&from, from_len) != 0) ||
	    (connect(fd, (struct sockaddr *)&to, to_len) != 0 && errno != EINPROGRESS)) {
		saved = errno;
		close(fd);
		errno = saved;
		return ERR_IO;
	}
	*out_fd = fd;
	return ERR_OK;
}

/* ---- listening ---- */

enum err
tcp_listen(const struct addr *local, const char *device, int *out_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(local, &sa);
	const int one = 1;
	int fd, saved;
	bool ok;

	if (len == 0)
		return ERR_RANGE;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0;
	if (local->family == 6)
		ok &= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0;
	if (device && device[0])
		ok &= setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				 (socklen_t)strlen(device)) == 0;
	if (!ok || bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, TCP_BACKLOG) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return ERR_IO;
	}
	*out_fd = fd;
	return ERR_OK;
}

static void
watch_listener(struct tcp_listener *ln, uint32_t events)
{
	if (loop_mod(ln->loop, &ln->lfd, events) != ERR_OK)
		ln->errors++;
}

static void
wake_listener(struct timer *t, uint64_t now_us)
{
	struct tcp_listener *ln = CONTAINER_OF(t, struct tcp_listener, rest);

	(void)now_us;
	if (!ln->held)
		watch_listener(ln, EPOLLIN);
}

/* Level-triggered and unable to accept would be a busy loop: rest for a while. */
static void
rest_listener(struct tcp_listener *ln)
{
	ln->no_fd++;
	if (loop_timer(ln->loop, &ln->rest, TCP_ACCEPT_REST_US) == ERR_OK)
		watch_listener(ln, 0);
}

/* False: no more for now. */
static bool
accept_one(struct tcp_listener *ln)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	struct addr peer, local = ln->local;
	int fd = accept4(ln->lfd.fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			rest_listener(ln);
		else if (errno != EAGAIN)
			ln->errors++;
		return errno == ECONNABORTED || errno == EINTR;
	}
	ln->accepted++;
	tcp_tune(fd);
	peer = addr_from_sa(&sa);
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		local = addr_from_sa(&sa);
	if (ln->on_accept(ln->arg, fd, &peer, &local) == TCP_ACCEPT_MORE)
		return true;
	ln->held = true;
	watch_listener(ln, 0);
	return false;
}

static void
on_connections(void *arg, uint32_t events)
{
	struct tcp_listener *ln = arg;

	(void)events;
	for (int i = 0; i < TCP_ACCEPT_BATCH; i++)
		if (!accept_one(ln))
			return;
}

enum err
tcp_listener_init(struct tcp_listener *ln, struct loop *l, int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return ERR_IO;
	ln->loop = l;
	ln->local = addr_from_sa(&sa);
	ln->held = false;
	ln->rest = (struct timer){.on_due = wake_listener};
	ln->lfd = (struct loop_fd){.fd = fd, .on_event = on_connections, .arg = ln};
	return loop_add(l, &ln->lfd, EPOLLIN);
}

void
tcp_listener_go(struct tcp_listener *ln)
{
	if (!ln->held)
		return;
	ln->held = false;
	if (!timer_is_set(&ln->rest))
		watch_listener(ln, EPOLLIN);
}

void
tcp_listener_fini(struct tcp_listener *ln)
{
	if (!ln->loop)
		return;
	loop_timer_stop(ln->loop, &ln->rest);
	loop_del(ln->loop, &ln->lfd);
	close(ln->lfd.fd);
	ln->loop = NULL;
}
