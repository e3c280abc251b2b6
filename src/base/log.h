/* Structured log: one JSON object a line, at most LOG_LINE_MAX bytes, written without blocking.
 *   {"t":"..Z","level":"warn","role":"signaling","event":"tls.handshake","msg":"peer=.. why=.."}
 * error: page someone; warn: a peer misbehaved; info: the life of a call; debug: for developers.
 * Any byte from outside is escaped, so an event is always exactly one valid line. Thread-safe. */
#ifndef POSTERN_BASE_LOG_H
#define POSTERN_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { LOG_LINE_MAX = 2048 };
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** role: static string shown in each line; fd: where lines go (made non-blocking by the owner). */
void log_init(const char *role, int fd, enum log_level max);
void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool log_wants(enum log_level level);
/** Lines lost because the pipe was full. */
uint64_t log_dropped(void);

#endif
