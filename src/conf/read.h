/* Reading the configuration and the files that it names, in a child of its own, because that
 * parses: keeper only gets sealed descriptors and an exit status. At the start, and again at each
 * reload, where the result is compared with what is in use. */
#ifndef POSTERN_CONF_READ_H
#define POSTERN_CONF_READ_H

#include <sys/types.h>

#include "conf/conf.h"

enum { CONFREAD_TEXT_MAX = 16 * 1024 };

enum confread_outcome {
	CONFREAD_OK,
	CONFREAD_REFUSED, /* nothing of it may be used */
	CONFREAD_RESTART, /* fine, but some of it needs a restart */
};

struct confread {
	int conf_fd; /* struct conf */
	int pki_fd;  /* block of pki.h */
	int pub_fd;  /* the same without private keys */
	int text_fd; /* what was found, changed, refused: lines for people */
	pid_t pid;   /* 0: none runs */
};

/* What is in use when something is read again. */
struct confread_now {
	const struct conf *conf;
	int pki_fd;
	int accounts_fd; /* the snapshot in use; -1: none yet */
};

/**
 * Start a child that reads path (NULL: the embedded default); now: NULL at the start. Findings are
 * logged, too. IO: no child, no memory.
 */
enum err confread_start(struct confread *r, const char *path,
			const struct confread_now *now) NODISCARD;
/**
 * The child has ended with this status of wait: seal what it wrote and fill *out. CONFIG: it
 * refused; the text is there all the same.
 */
enum err confread_finish(struct confread *r, int status, struct conf *out,
			 enum confread_outcome *outcome) NODISCARD;
/** Kill the child if it runs, close what is open. */
void confread_drop(struct confread *r);

#endif
