/* Asking the running postern over its control socket, for the commands. */
#ifndef POSTERN_APP_CTLCLIENT_H
#define POSTERN_APP_CTLCLIENT_H

#include "conf/conf.h"
#include "ops/control.h"
#include "ops/jsonin.h"

enum {
	CTLCLIENT_WAIT_S = 15,
	/* exit statuses of the commands */
	CTLCLIENT_OK = 0,
	CTLCLIENT_REFUSED = 1,    /* refused or not found */
	CTLCLIENT_NO_CONTACT = 2, /* not to be reached; also: wrong usage */
};

/**
 * Connect to where the configuration (NULL: the embedded default) says that it listens. -1: it said
 * on standard error why not; word: the command, for that.
 */
int ctlclient_open(const char *word, const char *conf_path);
/** Connect to the postern that works with the store of c (its control socket may be another one
 * than c says), else to the control socket of c. -1: errno says why not, nothing is printed. */
int ctlclient_connect(const struct conf *c);
/**
 * Send a request line (with its newline) and read the answer, without its newline, into memory of
 * CONTROL_ANSWER_MAX bytes. CLOSED: no answer.
 */
enum err ctlclient_line(int fd, struct str request, char *mem, struct str *out) NODISCARD;

/**
 * All of a command that asks one thing: send the request (which failed when it did not fit its
 * buffer), print the answer as it is (json) or by do_print. Returns the exit status; says on
 * standard error what went wrong.
 */
int ctlclient_run(const char *word, const char *conf_path, const struct buf *request, bool json,
		  void (*do_print)(const struct json *answer));

#endif
