#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	const char *role;
	int fd;
	enum log_level max;
	_Atomic uint64_t dropped;
} logger = {.role = "postern", .fd = 2, .max = LOG_INFO};

void
log_init(const char *role, int fd, enum log_level max)
{
	logger.role = role;
	logger.fd = fd;
	logger.max = max;
}

bool
log_wants(enum log_level level)
{
	return level <= logger.max;
}

uint64_t
log_dropped(void)
{
	return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

static void PRINTF_LIKE(3, 0)
	write_line(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char msg_mem[LOG_LINE_MAX / 2], line_mem[LOG_LINE_MAX];
	struct buf msg, line;

	if (!log_wants(level))
		return;
	msg_mem[0] = 0;
	buf_init(&msg, msg_mem, sizeof(msg_mem));
	buf_vprintf(&msg, fmt, ap);
	if (msg.failed) /* keep what fits: vsnprintf wrote it, or nothing, NUL at the end */
		msg.len = strnlen(msg_mem, sizeof(msg_mem) - 1);
	for (;;) {
		buf_init(&line, line_mem, sizeof(line_mem));
		buf_z(&line, "{\"t\":\"");
		clock_put_utc(&line, clock_wall_us());
		buf_printf(&line, "\",\"level\":\"%s\",\"role\":\"%s\",\"event\":\"%s\",\"msg\":",
			   names[level], logger.role, event);
		buf_json(&line, buf_view(&msg));
		buf_z(&line, "}\n");
		if (!line.failed || msg.len == 0)
			break;
		msg.len /= 2; /* escapes made it too long */
	}
	if (line.failed || write(logger.fd, line.p, line.len) != (ssize_t)line.len)
		atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
}

#define LOG_VERB(name, level)                                                                      \
	void name(const char *event, const char *fmt, ...)                                         \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		write_line(level, event, fmt, ap);                                                 \
		va_end(ap);                                                                        \
	}

LOG_VERB(log_error, LOG_ERROR)
LOG_VERB(log_warn, LOG_WARN)
LOG_VERB(log_info, LOG_INFO)
LOG_VERB(log_debug, LOG_DEBUG)
