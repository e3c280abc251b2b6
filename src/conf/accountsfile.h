/* The accounts file of `postern apply` (postern-accounts(5)): YAML to a roster. */
#ifndef POSTERN_CONF_ACCOUNTSFILE_H
#define POSTERN_CONF_ACCOUNTSFILE_H

#include "conf/report.h"
#include "policy/roster.h"

/**
 * Read the text of an accounts file into r (from roster_init; fini it after, also on failure) and
 * check it as a whole (roster_check). Files that it names (certificates) are looked for from dir
 * on; NULL: none is read, which is an error where one is named. CONFIG: something was reported;
 * NOMEM.
 */
enum err accountsfile_parse(struct str text, const char *dir, struct conf_report *rep,
			    struct roster *r) NODISCARD;
/** The same from a file; what cannot be read is reported, too. */
enum err accountsfile_load(const char *path, struct conf_report *rep, struct roster *r) NODISCARD;
/** Line and column of the place of an account or trunk, after one of the above. */
void accountsfile_place(uint32_t place, uint32_t *line, uint32_t *column);

#endif
