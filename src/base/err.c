#include "base/err.h"

static const struct {
	const char *name, *text;
} errs[] = {
#define X(name, sentence) {#name, sentence},
	ERR_LIST(X)
#undef X
};

const char *
err_name(enum err e)
{
	return (unsigned)e < ARRAY_LEN(errs) ? errs[e].name : "?";
}

const char *
err_text(enum err e)
{
	return (unsigned)e < ARRAY_LEN(errs) ? errs[e].text : "?";
}
