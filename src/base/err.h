/* Results of functions: one list, each with a name (for records and API) and a sentence. */
#ifndef POSTERN_BASE_ERR_H
#define POSTERN_BASE_ERR_H

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define ERR_LIST(X)                                                                                \
	X(OK, "done")                                                                              \
	X(NOMEM, "no memory, or no free slot in a bounded pool")                                   \
	X(FULL, "a bounded queue or table is full")                                                \
	X(SHORT, "more bytes are needed")                                                          \
	X(LONG, "longer than the named limit")                                                     \
	X(SYNTAX, "not well formed")                                                               \
	X(RANGE, "a number is outside its range")                                                  \
	X(UNSUPPORTED, "well formed, but not something postern does")                              \
	X(NOTFOUND, "no such thing")                                                               \
	X(EXISTS, "there already")                                                                 \
	X(STATE, "not possible in this state")                                                     \
	X(AUTH, "authentication failed")                                                           \
	X(REPLAY, "seen before, or older than the window")                                         \
	X(EXPIRED, "the key or the time is used up")                                               \
	X(TIMEOUT, "no answer in time")                                                            \
	X(AGAIN, "would block; try again when ready")                                              \
	X(CLOSED, "closed by the other side")                                                      \
	X(IO, "the system call failed")                                                            \
	X(PERM, "not permitted")                                                                   \
	X(REFUSED, "refused by policy")                                                            \
	X(VERSION, "another version or layout")                                                    \
	X(CONFIG, "the configuration is wrong")                                                    \
	X(BUG, "must not happen")

enum err {
#define X(name, sentence) ERR_##name,
	ERR_LIST(X)
#undef X
		ERR_N
};

/** Name of e without the prefix, e.g. "NOMEM"; "?" outside the list. Static storage. */
const char *err_name(enum err e);
/** Sentence for people. Static storage. */
const char *err_text(enum err e);

#endif
