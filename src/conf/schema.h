/* Schemas: tables that say which words a map of a file may hold and what they mean. Reads the
 * scalars of one map into a struct; lists and maps inside are left to the caller. */
#ifndef POSTERN_CONF_SCHEMA_H
#define POSTERN_CONF_SCHEMA_H

#include "conf/yaml.h"

enum schema_type {
	SCHEMA_NODE, /* a list or map; the caller reads it. Only known to be a word */
	SCHEMA_TEXT, /* char[size] */
	SCHEMA_HOST, /* char[size]: DNS name or IP, kept in lower case */
	SCHEMA_ID,   /* char[size]: letters, digits, '.', '_', '-' */
	SCHEMA_WORD, /* uint8_t: place in words */
	SCHEMA_BOOL, /* bool: yes, no, true, false, on, off */
	SCHEMA_U8,   /* min..max */
	SCHEMA_U16,
	SCHEMA_U32,
	SCHEMA_MS,   /* uint32_t milliseconds: "500ms", "5s", "5m"; min..max in ms */
	SCHEMA_IP,   /* struct addr, port 0 */
	SCHEMA_ADDR, /* struct addr with a port that is not 0 */
	SCHEMA_TYPE_N
};

struct schema {
	const char *name;
	enum schema_type type;
	uint32_t offset; /* in the struct that is filled */
	uint32_t size;   /* SCHEMA_TEXT, HOST, ID */
	uint64_t min, max;
	const char *def;   /* value where the word does not stand; NULL: the field is left alone */
	const char *words; /* SCHEMA_WORD: divided by spaces */
	bool required;
	const char *help; /* one line, for messages: what would be right */
};

/**
 * Read map into base by the n rows of s. All that is wrong goes to rep: an unknown word with the
 * nearest known one, a wrong type, a value out of range, a missing word. what: "zone", for
 * messages. A map that is no map is reported, too; fields then hold their defaults.
 */
void schema_read(const struct yaml *y, const struct yaml_node *map, const struct schema *s,
		 size_t n, const char *what, void *base, struct conf_report *rep);
/** Only the defaults, for a map that does not stand in the file; what is required is missing. */
void schema_defaults(const struct schema *s, size_t n, void *base, struct conf_report *rep);
/** Read one scalar as row s wants it into base; reports. False when it was wrong. */
bool schema_value(const struct yaml_node *v, const struct schema *s, void *base,
		  struct conf_report *rep);
/** Is this row's value a text that names a word of a list? Helper for messages: nearest of words.
 */
const char *schema_nearest_word(struct str s, const char *words, char mem[32]);

#endif
