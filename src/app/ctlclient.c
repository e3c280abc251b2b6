#include "app/ctlclient.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/ctllink.h"
#include "conf/load.h"
#include "base/mem.h"

/* A connection to the socket of this path; -1: errno says why not. */
static int
connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = CTLCLIENT_WAIT_S};
	int fd;

	if (str_copyz(sa.sun_path, sizeof(sa.sun_path), str_from(path)) != ERR_OK) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
			connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0)) {
		int why = errno;

		close(fd);
		errno = why;
		fd = -1;
	}
	return fd;
}

int
ctlclient_connect(const struct conf *c)
{
	char link[CTLLINK_PATH_MAX];
	int fd;

	ctllink_path(c, link);
	fd = connect_to(link);
	return fd >= 0 ? fd : connect_to(c->control);
}

int
ctlclient_open(const char *word, const char *conf_path)
{
	struct conf *c = mem_zalloc(1, sizeof(*c));
	const char *name = conf_path ? conf_path : "(embedded default)";
	struct conf_report rep;
	int fd = -1;
	enum err e = ERR_NOMEM;

	conf_report_stderr(&rep, name);
	if (c)
		e = conf_path ? conf_load_paths(conf_path, &rep, c)
			      : conf_parse(conf_default_text(), "", &rep, c);
	if (e == ERR_OK) {
		fd = ctlclient_connect(c);
		if (fd < 0)
			fprintf(stderr, "postern %s: %s: %s; %s%s\n", word, c->control,
				strerror(errno),
				errno == EACCES ? "run this as root or as the owner of the socket"
				: conf_path     ? "does postern run? Its configuration would be "
					    : "say with -c which configuration it runs with, such "
					      "as -c /etc/postern/postern.yaml",
				errno != EACCES && conf_path ? conf_path : "");
	}
	mem_free(c);
	return fd;
}

/* The answer without its newline, into memory of CONTROL_ANSWER_MAX bytes. */
enum err
ctlclient_line(int fd, struct str request, char *mem, struct str *out)
{
	size_t have = 0;

	while (request.len) {
		ssize_t n = send(fd, request.p, request.len, MSG_NOSIGNAL);

		if (n <= 0)
			return ERR_CLOSED;
		request = str_from_at(request, (size_t)n);
	}
	while (have == 0 || mem[have - 1] != '\n') {
		ssize_t n = have < CONTROL_ANSWER_MAX
				    ? recv(fd, mem + have, CONTROL_ANSWER_MAX - have, 0)
				    : 0;

		if (n <= 0)
			return ERR_CLOSED;
		have += (size_t)n;
	}
	*out = str_of(mem, have - 1);
	return ERR_OK;
}

static int
show_answer_text(const char *word, struct str text, bool json,
		 void (*do_print)(const struct json *answer))
{
	struct json *answer = NULL;
	int status;

	if (jsonin_parse(text, &answer) != ERR_OK) {
		fprintf(stderr, "postern %s: the answer is not understood\n", word);
		return CTLCLIENT_NO_CONTACT;
	}
	status = jsonin_true(answer, "ok")      ? CTLCLIENT_OK
		 : jsonin_true(answer, "usage") ? CTLCLIENT_NO_CONTACT
						: CTLCLIENT_REFUSED;
	if (json)
		printf("%.*s\n", STR_ARG(text));
	else if (status == CTLCLIENT_OK)
		do_print(answer);
	if (status != CTLCLIENT_OK)
		fprintf(stderr, "postern %s: %s\n", word, jsonin_text(answer, "error"));
	jsonin_free(&answer);
	return status;
}

int
ctlclient_run(const char *word, const char *conf_path, const struct buf *request, bool json,
	      void (*do_print)(const struct json *answer))
{
	int fd, status = CTLCLIENT_NO_CONTACT;
	struct str text;
	char *mem;

	if (buf_end(request) != ERR_OK) {
		fprintf(stderr, "postern %s: too long\n", word);
		return status;
	}
	fd = ctlclient_open(word, conf_path);
	if (fd < 0)
		return status;
	mem = mem_zalloc(1, CONTROL_ANSWER_MAX);
	if (!mem || ctlclient_line(fd, buf_view(request), mem, &text) != ERR_OK)
		fprintf(stderr, "postern %s: no answer from the running postern\n", word);
	else
		status = show_answer_text(word, text, json, do_print);
	mem_free(mem);
	close(fd);
	return status;
}
