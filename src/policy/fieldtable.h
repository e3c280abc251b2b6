/* Fields: one table that says for each member of a row what the accounts file, `postern accounts`,
 * the store and the snapshot call it, and what it may hold. Whoever goes from one of them to
 * another walks this table, so that a new field is one new line. Pure, static data. */
#ifndef POSTERN_POLICY_FIELDTABLE_H
#define POSTERN_POLICY_FIELDTABLE_H

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

enum {
	FIELD_MONEY_UNIT = 1000000,   /* FIELD_MONEY counts in these parts of one */
	FIELD_MONEY_MAX = 1000000000, /* units */
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

#endif
