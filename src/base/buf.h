/* A byte buffer over memory that the caller gives. It never grows beyond it: what does not
 * fit sets `failed`, nothing more is written, and the writer looks once at the end. */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t len, cap;
	bool failed;
};

void buf_init(struct buf *b, void *mem, size_t cap);
/** Forget the content and the failure. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_z(struct buf *b, const char *z);
void buf_char(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/** s as a JSON string with quotes; bytes that are not valid UTF-8 become U+FFFD; controls (C0, DEL,
 * C1) and the line ends U+2028, U+2029 are written as \uxxxx. */
void buf_json(struct buf *b, struct str s);
/** What was written so far, borrowed. */
struct str buf_view(const struct buf *b);
/** With a NUL behind it (not counted); "" when failed before anything fitted. */
const char *buf_cstr(struct buf *b);
/** ERR_OK, or ERR_LONG when something did not fit. */
enum err buf_end(const struct buf *b) NODISCARD;

#endif
