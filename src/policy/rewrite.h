/* Rewriting: what a trunk does to headers and numbers of calls from it (in) and to it (out), as
 * rules that are data. A rule is one line of text:
 *
 *   remove NAME | add NAME: VALUE | replace NAME: VALUE      of headers
 *   called PREFIX -> INSTEAD | calling PREFIX -> INSTEAD     of numbers; both may be empty
 *
 * NAME is one of a list, see rewrite_header_parse; VALUE is text in which {called}, {calling},
 * {account} and {zone} stand for those of the call. Lists of rules are divided by line feeds. Pure.
 */
#ifndef POSTERN_POLICY_REWRITE_H
#define POSTERN_POLICY_REWRITE_H

#include "policy/number.h"
#include "sip/msg.h"

enum {
	REWRITE_RULES_MAX = 16,  /* rules of one list */
	REWRITE_NAME_MAX = 64,   /* bytes of a header's name */
	REWRITE_VALUE_MAX = 256, /* bytes of a value, as it stands in the rule */
	REWRITE_LIST_MAX = 2048, /* bytes of a list */
	REWRITE_WHY_MAX = 192,
};

enum rewrite_op { REWRITE_ADD, REWRITE_REMOVE, REWRITE_REPLACE };

struct rewrite_header {
	enum rewrite_op op;
	enum sip_hdr_id id; /* SIP_H_OTHER: by its name */
	struct str name;    /* as written in the rule */
	struct str value;   /* empty for REMOVE */
};

struct rewrite_number {
	bool called;        /* else of the calling side */
	struct str prefix;  /* empty: every number */
	struct str instead; /* of the prefix; may be empty */
};

/* What the placeholders of values stand for. Any bytes; written so that they break nothing. */
struct rewrite_words {
	struct str called, calling, account, zone;
};

/**
 * Read one rule for headers. Only headers that say nothing of ways, dialogs, bodies, sessions or
 * credentials may be touched: a list of known ones, some for REMOVE only, and names that begin with
 * X- or P- and have no meaning here. SYNTAX: not such a rule; PERM: not this header; LONG; why says
 * which and why, in words.
 */
enum err rewrite_header_parse(struct str rule, struct rewrite_header *out,
			      char why[REWRITE_WHY_MAX]) NODISCARD;
/** Read one rule for numbers. SYNTAX, LONG; why as above. */
enum err rewrite_number_parse(struct str rule, struct rewrite_number *out,
			      char why[REWRITE_WHY_MAX]) NODISCARD;
/** Every rule of a list, and how many they are. SYNTAX, PERM, LONG, FULL. */
enum err rewrite_list_valid(struct str list, bool headers) NODISCARD;

/**
 * Apply a list to the header lines in b from byte `from` to its end, in the order of the rules:
 * REMOVE takes all headers of the name away, compact or not; REPLACE puts one at the end in the
 * place of those that were there, where there were any; ADD puts one at the end. What no rule names
 * stays as it is, byte for byte. ADD only where adds is set, the other two only where changes is
 * set. Rules that cannot be read are skipped. What does not fit marks b as failed.
 */
void rewrite_headers(struct buf *b, size_t from, struct str list, const struct rewrite_words *w,
		     bool adds, bool changes);

/** Does a rule of the list take headers of this kind away? */
bool rewrite_removes(struct str list, enum sip_hdr_id id);
/** Headers of this kind in b from byte `from` on. */
unsigned rewrite_count(const struct buf *b, size_t from, enum sip_hdr_id id);
/** Take the first header of this kind that stands in b from byte `from` on out of it, into mem,
 * with its line end. LONG: it does not fit there, and is gone. NOTFOUND. */
enum err rewrite_take_line(struct buf *b, size_t from, enum sip_hdr_id id, char *mem, size_t cap,
			   struct str *out) NODISCARD;

/**
 * The first rule of this side whose prefix number begins with, applied, into out. False: none
 * does, or what is left would be empty or longer than cap; out is untouched.
 */
bool rewrite_number(struct str list, bool called, struct str number, struct buf *out) NODISCARD;

#endif
