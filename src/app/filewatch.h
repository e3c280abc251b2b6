/* Has a file that the configuration names changed? By name, size, inode and times, never by what it
 * holds: for keeper, which parses nothing. */
#ifndef POSTERN_APP_FILEWATCH_H
#define POSTERN_APP_FILEWATCH_H

#include "conf/conf.h"

enum {
	FILEWATCH_ROUND_MS = 2000, /* between two looks; a change must stand for two of them */
};

struct filewatch {
	uint64_t used, seen; /* marks: of the files in use, of the last look */
	uint64_t look_us;    /* the next look */
};

/** A number that differs when one of the files does. Keys, certificates, authorities, CRLs. */
uint64_t filewatch_mark(const struct conf *c);
/** The files as they are now are those in use. Before they are read. */
void filewatch_used(struct filewatch *w, const struct conf *c, uint64_t now_us);
/** True once: they changed, and have rested since. Looks at the files at most each round. */
bool filewatch_changed(struct filewatch *w, const struct conf *c, uint64_t now_us);

#endif
