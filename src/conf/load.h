/* postern.yaml to a struct conf: its text by the schema, a file by its path. */
#ifndef POSTERN_CONF_LOAD_H
#define POSTERN_CONF_LOAD_H

#include "conf/conf.h"

/** The configuration that `postern run` without -c starts with, as YAML text. */
struct str conf_default_text(void);
/**
 * Read YAML text by the schema. dir: what relative paths start from ("" = leave them; the embedded
 * default is read with its run directory). CONFIG: at least one error was reported; NOMEM.
 */
enum err conf_parse(struct str text, const char *dir, struct conf_report *rep,
		    struct conf *out) NODISCARD;
/** Read a file and parse it, relative paths from the file's folder. IO is reported, too. */
enum err conf_load(const char *path, struct conf_report *rep, struct conf *out) NODISCARD;
/** Only where postern keeps its things: run_dir, store, cdr, control. The rest is not looked at and
 * may be wrong. */
enum err conf_load_paths(const char *path, struct conf_report *rep, struct conf *out) NODISCARD;

#endif
