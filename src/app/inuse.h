/* What the running postern works with and accounts may name: zones, listeners, media addresses, TLS
 * profiles. Admin answers {"cmd":"in-use"} on the control socket, `postern apply` asks it: what
 * only stands in the file does not serve anybody yet. */
#ifndef POSTERN_APP_INUSE_H
#define POSTERN_APP_INUSE_H

#include "conf/conf.h"
#include "ops/jsonin.h"

enum { INUSE_ANSWER_MAX = 16 * 1024 };

/** Answer this line where it asks for it; false: it asks for something else. */
bool inuse_answer(const struct conf *c, struct str line, struct buf *b);
/** The answer as a configuration of which only names (and what refs_check looks at) are filled in.
 * SYNTAX: it is none. */
enum err inuse_read(const struct json *answer, struct conf *out) NODISCARD;
/**
 * Ask the postern that c leads to (ctlclient_connect). NOTFOUND: none runs there; IO: it cannot be
 * asked (errno says why) or gives no such answer.
 */
enum err inuse_ask(const struct conf *c, struct conf *out) NODISCARD;

#endif
