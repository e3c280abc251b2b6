/* The store of handshakes, in SQLite: who connected, what was offered and chosen, why not; and the
 * requests that were refused before they became a call. A file of its own beside the store of
 * accounts, bounded by count and by age; the last accepted handshake of each account stays however
 * old it is (a connection may last for months). Holds no secret.
 *
 * One writer (admin), one thread. Blocking I/O. Texts given in may hold any byte; the texts that
 * come out are what was given in. The body is a JSON object (ops/handjson); nothing here reads it.
 */
#ifndef POSTERN_STORE_HANDSTORE_H
#define POSTERN_STORE_HANDSTORE_H

#include "base/str.h"

enum {
	HANDSTORE_WHY_MAX = 256,
	HANDSTORE_KEEP_MIN = 100,     /* records */
	HANDSTORE_PRUNE_EVERY = 64,   /* records above the bound before the oldest are dropped */
	HANDSTORE_SEARCH_MAX = 20000, /* newest refusals looked through for a text */
};

struct handstore;

enum hand_kind { HAND_HANDSHAKE, HAND_REQUEST };

/* A record. All texts borrowed: as long as the call in which they come lasts. */
struct hand_row {
	struct str id; /* 20 characters */
	enum hand_kind kind;
	bool accepted, outgoing;
	int64_t at_us;           /* wall */
	struct str peer;         /* IP address, without port */
	struct str account;      /* "" = none; refused: whom its names claim to be */
	struct str host;         /* dialled FQDN; incoming: SNI; "" = none */
	struct str word;         /* reason in one word: "ok", "expired", "name-mismatch" .. */
	struct str why;          /* a sentence; "" when accepted */
	uint16_t version, suite; /* chosen, 0 = none: 0x0303, 0x002f */
	struct str offer; /* a ClientHello's offer, see ops/handjson; "" where we were the client */
	/* the peer's certificate; names as in "a, sip:b"; "" and 0 where none was seen */
	struct str names, issuer, authority, fingerprint; /* fingerprint: 64 hex digits */
	int64_t not_after_us;
	uint64_t more;   /* further ones like this that were counted and not kept */
	int64_t last_us; /* wall: the last of them; 0 = none */
	struct str body; /* all of it, one JSON object */
};

/* Which records; what is empty, 0 or false does not matter. */
struct hand_query {
	struct str id, account, peer; /* exact */
	struct str text;              /* a host name that stands as a whole in host or body; looks
				       * at the newest HANDSTORE_SEARCH_MAX of the others' choice */
	bool refused;                 /* only refused ones */
	bool handshakes;              /* only handshakes */
	bool outgoing;                /* only those that we dialled */
	int64_t since_us, until_us;
	uint32_t limit; /* 0 = no limit */
};

/** False stops the walk. row is borrowed for the call. */
typedef bool hand_row_fn(void *arg, const struct hand_row *row);

/**
 * Open or make the file at path (mode 0600). keep: records, at least HANDSTORE_KEEP_MIN; days:
 * older ones are dropped. A file that is damaged is renamed to PATH.bad and a new one begun. why
 * gets a sentence, "" on success. IO, PERM, NOMEM; VERSION: written by a newer program.
 */
enum err handstore_open(const char *path, uint32_t keep, uint32_t days, struct handstore **out,
			char why[HANDSTORE_WHY_MAX]) NODISCARD;
/**
 * Open it beside the admin that writes it, for reading only: the commands' way. A damaged file is
 * left alone. NOTFOUND: there is none; VERSION: another layout; else as above.
 */
enum err handstore_open_reader(const char *path, struct handstore **out,
			       char why[HANDSTORE_WHY_MAX]) NODISCARD;
/** Nulls the pointer; NULL is fine. */
void handstore_close(struct handstore **s);
/** Sentence about the last failure of s. Borrowed until the next call. */
const char *handstore_why(const struct handstore *s);

/* ---- writing: between handstore_begin and handstore_end, which keeps all or nothing ---- */

enum err handstore_begin(struct handstore *s) NODISCARD;
/** EXISTS: this id is there already; nothing changed. */
enum err handstore_add(struct handstore *s, const struct hand_row *row) NODISCARD;
/** n more like the record of this id, the last at last_us. Nothing when it is gone meanwhile. */
enum err handstore_more(struct handstore *s, struct str id, uint64_t n, int64_t last_us) NODISCARD;
/** How far the ring `ring` was read (ha/handring.h): kept with the records, so that each is taken
 * exactly once. */
enum err handstore_mark(struct handstore *s, uint64_t ring, uint64_t next) NODISCARD;
/** Commit when e is OK, else roll back. Drops what is too old or too many (now_us: wall). */
enum err handstore_end(struct handstore *s, enum err e, int64_t now_us) NODISCARD;

/* ---- reading ---- */

/** Where to go on with this ring: 0 for one that was never read. */
enum err handstore_next(struct handstore *s, uint64_t ring, uint64_t *out) NODISCARD;
/** Records that q asks for, newest first. ERR_OK also when there is none. */
enum err handstore_query(struct handstore *s, const struct hand_query *q, hand_row_fn *on_row,
			 void *arg) NODISCARD;
/**
 * The last accepted handshake of each account (account empty) or of this one: incoming and
 * outgoing ones apart, in the order of account ids, incoming first.
 */
enum err handstore_last(struct handstore *s, struct str account, hand_row_fn *on_row,
			void *arg) NODISCARD;
/**
 * Accepted handshakes since then, one row for all of the same account, direction, offer, version,
 * suite and authority: the newest of them, with the number of the others in `more`.
 */
enum err handstore_seen(struct handstore *s, int64_t since_us, hand_row_fn *on_row,
			void *arg) NODISCARD;
/** Records kept now. */
uint64_t handstore_count(const struct handstore *s);

#endif
