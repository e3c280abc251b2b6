/* Fields: one table that says for each member of a row what the accounts file, `postern accounts`,
 * the store and the snapshot call it, and what it may hold. Whoever goes from one of them to
 * another walks this table, so that a new field is one new line. Pure, static data. */
#ifndef POSTERN_POLICY_FIELD_H
#define POSTERN_POLICY_FIELD_H

#include "base/buf.h"
#include "policy/row.h"

enum field_type {
	/* texts: struct str in the row, struct text in the snapshot, at most max bytes */
	FIELD_TEXT,     /* one line */
	FIELD_ID,       /* policy_id_valid */
	FIELD_HOST,     /* trunk_host_valid, lower case */
	FIELD_NUMBER,   /* "+15551230000" */
	FIELD_DIALLED,  /* digits + * # */
	FIELD_URI,      /* sip, sips or tel */
	FIELD_WORDS,    /* a list in the file; divided by commas elsewhere */
	FIELD_PREFIXES, /* as FIELD_WORDS, each 1 to 15 digits */
	FIELD_IDS,      /* as FIELD_WORDS, each policy_id_valid, at most POLICY_ROUTE_TARGETS_MAX */
	FIELD_STATUSES, /* as FIELD_WORDS, each 300 to 699, or 3xx to 6xx */
	FIELD_SUITES,   /* as FIELD_WORDS, names of SRTP suites */
	FIELD_CODECS,   /* as FIELD_WORDS, names of codecs */
	FIELD_HEADER_RULES, /* a list in the file; lines elsewhere (policy/rewrite.h) */
	FIELD_NUMBER_RULES, /* likewise */
	FIELD_FORM,         /* a map in the file; "key: value" lines elsewhere */
	FIELD_PEM,          /* the name of a file in the file; its content elsewhere */
	/* numbers: an integer of any size */
	FIELD_BOOL,
	FIELD_WORD,     /* a value of an enum, words */
	FIELD_COUNT,    /* min..max */
	FIELD_SECONDS,  /* "2h" in the file */
	FIELD_MONEY,    /* millionths; "12.50" */
	FIELD_SERVICES, /* CLASS_* bits, a list in the file */
	FIELD_DSCP,     /* 0..63, "ef", or "keep" */
	FIELD_WEEK,     /* a part of the week (policy/week.h) */
	FIELD_KEY,      /* number_key(); 0 = none */
	/* lists of a trunk */
	FIELD_NAMES,
	FIELD_SOURCES,
	FIELD_TYPE_N
};

/* Bits of field.use. */
enum field_use {
	FIELD_UNREAD = 1,    /* stands in no file: made while reading (account, kind, order) */
	FIELD_UNSTORED = 2,  /* no column: follows from others (kind) */
	FIELD_REQUIRED = 4,  /* must stand in the file */
	FIELD_CARRIER = 8,   /* only of carriers */
	FIELD_CUSTOMER = 16, /* only of customer trunks */
	FIELD_NULLABLE = 32, /* "" is NULL in the store (a reference) */
	FIELD_INTEROP = 64,  /* an interop profile may set it */
};

struct field {
	const char *name;   /* in the accounts file and in --json; "tls.eku": eku of the map tls */
	const char *column; /* in the store */
	enum field_type type;
	uint8_t use;              /* FIELD_* bits */
	uint16_t at, size;        /* the member in the row */
	uint16_t snap, snap_size; /* the member in the snapshot; snap_size 0 = it is not there */
	uint64_t min, max;
	const struct word_list *words;
	const char *def;  /* default, as the file would say it; NULL: 0 or none */
	const char *help; /* what would be right */
};

struct field_table {
	const char *name;          /* "account": kind of row, table of the store */
	const struct field *field; /* field 0 is the key */
	unsigned n;
	size_t row_size;
};

/** The table of a kind. Static. */
const struct field_table *field_table(enum roster_kind k);
/** Is the member a text? */
bool field_is_text(const struct field *f);
/** Is it a list of rules, a line each? */
bool field_is_rules(const struct field *f);
/** Is it kept as an integer (store), is it shown in JSON without quotes? */
bool field_is_integer(const struct field *f);
bool field_is_bare(const struct field *f);
/** The member of a row as a text (field_is_text), as an integer (all others but lists). */
struct str field_text(const struct field *f, const void *row);
uint64_t field_u64(const struct field *f, const void *row);
void field_set_text(const struct field *f, void *row, struct str s);
void field_set_u64(const struct field *f, void *row, uint64_t v);
/** An integer that this field may hold, e.g. one of the words' values. */
bool field_u64_valid(const struct field *f, uint64_t v);
/** ERR_OK, or what is wrong with s as this text field: LONG, SYNTAX (form, control bytes). */
enum err field_text_valid(const struct field *f, struct str s) NODISCARD;
/** Read an integer as the file has it ("yes", "2h", "12.50", a word); SYNTAX, RANGE, NOTFOUND. */
enum err field_parse(const struct field *f, struct str s, uint64_t *out) NODISCARD;
/** The member as text: what the file would hold, lists divided by spaces or commas. */
void field_put(struct buf *b, const struct field *f, const void *row);
/** The same value in both rows. */
bool field_same(const struct field *f, const void *a, const void *b);
/** Give all integers of a row of this kind their defaults; texts and lists are left alone. */
void field_defaults(enum roster_kind k, void *row);

#endif
