/* Profiles of providers (postern-profile(5)) by name: those of the installation's folder, and, of
 * names that it has not, those that were shipped with this program and stand in it. */
#ifndef POSTERN_CONF_PROFILE_H
#define POSTERN_CONF_PROFILE_H

#include "conf/report.h"

enum {
	CONFPROFILE_PATH_MAX = 512, /* with NUL */
	CONFPROFILE_NAME_MAX = 48,  /* with NUL */
	CONFPROFILE_MAX = 128,      /* names that are listed */
};
#define CONFPROFILE_BUILT_IN "(built in)"

/**
 * The text of a profile, mem_free((void *)out->p): word is a name, or, with a slash, a file (a
 * relative one: from dir on; NULL: none is read). from: its path, or CONFPROFILE_BUILT_IN.
 * NOTFOUND, IO, LONG, NOMEM; what is wrong with a file is reported.
 */
enum err confprofile_read(struct str word, const char *dir, struct conf_report *rep,
			  char from[CONFPROFILE_PATH_MAX], struct str *out) NODISCARD;

struct confprofile_names {
	uint32_t n;
	char name[CONFPROFILE_MAX][CONFPROFILE_NAME_MAX];
};
/** The names that there are, sorted. */
void confprofile_names(struct confprofile_names *out);

#endif
