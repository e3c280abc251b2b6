/* Asking the running postern over its control socket, for the commands. */
#ifndef POSTERN_APP_ASK_H
#define POSTERN_APP_ASK_H

#include "base/str.h"
#include "ops/control.h"

enum { ASK_WAIT_S = 15 };

/**
 * Connect to where the configuration (NULL: the embedded default) says that it listens. -1: it said
 * on standard error why not; word: the command, for that.
 */
int ask_open(const char *word, const char *conf_path);
/**
 * Send a request line (with its newline) and read the answer, without its newline, into memory of
 * CONTROL_ANSWER_MAX bytes. CLOSED: no answer.
 */
enum err ask_line(int fd, struct str request, char *mem, struct str *out) NODISCARD;

#endif
