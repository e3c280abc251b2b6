#include "net/tlsprofile.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#undef ERR_STATE

enum {
	SECURITY_LEVEL = 2, /* refuses RSA below 2048 bits and SHA-1 signatures */
	BITS_MIN = 128,     /* of a suite's cipher */
};

static const struct tls_profile_row profiles[] = {
	[TLS_PROFILE_CARRIER] =
		{
			.word = "carrier",
			.min = TLS1_2_VERSION,
			.max = TLS1_2_VERSION,
			.suites = "AES128-SHA:AES128-SHA256:AES256-SHA256",
			.suites13 = "",
			.sigalgs = "RSA+SHA256:RSA+SHA384:RSA+SHA512:rsa_pss_rsae_sha256",
			.rsa_only = true,
			.shown = "TLS 1.2 with AES128-SHA, AES128-SHA256, AES256-SHA256",
		},
	[TLS_PROFILE_MODERN] =
		{
			.word = "modern",
			.min = TLS1_2_VERSION,
			.max = TLS1_3_VERSION,
			.suites = "ECDHE+AESGCM:ECDHE+CHACHA20",
			.suites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				    "TLS_CHACHA20_POLY1305_SHA256",
			.sigalgs = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:"
				   "rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:"
				   "RSA+SHA512",
			.rsa_only = false,
			.shown = "TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20",
		},
};
_Static_assert(ARRAY_LEN(profiles) == TLS_PROFILE_N, "a row for each profile");

const char *
tls_profile_word(enum tls_profile p)
{
	return (unsigned)p < ARRAY_LEN(profiles) ? profiles[p].word : "?";
}

const struct tls_profile_row *
tls_profile_row(enum tls_profile p)
{
	return &profiles[(unsigned)p < ARRAY_LEN(profiles) ? p : TLS_PROFILE_CARRIER];
}

enum err
tls_profile_parse(struct str s, enum tls_profile *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(profiles); i++)
		if (str_eqz(s, profiles[i].word)) {
			*out = (enum tls_profile)i;
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

static bool
install_sigalgs(SSL_CTX *ctx, const char *list)
{
	char sigalgs[TLS_PROFILE_LIST_MAX]; /* the library's macros want them writable */

	return str_copyz(sigalgs, sizeof(sigalgs), str_from(list)) == ERR_OK &&
	       SSL_CTX_set1_sigalgs_list(ctx, sigalgs) == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(ctx, sigalgs) == 1;
}

bool
tls_profile_install(SSL_CTX *ctx, const struct tls_profile_row *p)
{
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	return install_sigalgs(ctx, p->sigalgs) &&
	       SSL_CTX_set_min_proto_version(ctx, p->min) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, p->max) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, p->suites) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, p->suites13) == 1;
}

bool
tls_profile_switch(SSL *ssl, const struct tls_profile_row *p)
{
	char sigalgs[TLS_PROFILE_LIST_MAX]; /* as above */

	return str_copyz(sigalgs, sizeof(sigalgs), str_from(p->sigalgs)) == ERR_OK &&
	       SSL_set1_sigalgs_list(ssl, sigalgs) == 1 &&
	       SSL_set1_client_sigalgs_list(ssl, sigalgs) == 1 &&
	       SSL_set_min_proto_version(ssl, p->min) == 1 &&
	       SSL_set_max_proto_version(ssl, p->max) == 1 &&
	       SSL_set_cipher_list(ssl, p->suites) == 1 &&
	       SSL_set_ciphersuites(ssl, p->suites13) == 1;
}

/* ---- own profiles ---- */

static void
fill_shown(struct tls_profile_row *row)
{
	struct buf b;

	if (row->shown[0])
		return;
	buf_init(&b, row->shown, sizeof(row->shown) - 1);
	if (row->min == TLS1_2_VERSION)
		buf_printf(&b, "TLS 1.2 with %.160s", row->suites);
	if (row->max == TLS1_3_VERSION)
		buf_z(&b, row->min == TLS1_2_VERSION ? ", or TLS 1.3" : "TLS 1.3");
	buf_cstr(&b);
}

static void
fill_empty(char *list, const char *from)
{
	if (!list[0])
		(void)!str_copyz(list, TLS_PROFILE_LIST_MAX, str_from(from));
}

static enum err
refuse_list(struct buf *why, const char *word, const char *list)
{
	buf_printf(why, "%s: \"%s\" is not a list that OpenSSL takes", word, list);
	return ERR_CONFIG;
}

static const SSL_CIPHER *
find_suite(SSL_CTX *ctx, struct str name, const char *(*do_name)(const SSL_CIPHER *))
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);

	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
		if (str_eqz(name, do_name(sk_SSL_CIPHER_value(all, i))))
			return sk_SSL_CIPHER_value(all, i);
	return NULL;
}

/* The library leaves out in silence what it does not know beside what it does. */
static enum err
refuse_word(SSL_CTX *ctx, struct buf *why, const char *list, struct str word)
{
	const SSL_CIPHER *meant = NULL;
	bool is_1_3;

	if (SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL") == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, TLS_DEFAULT_CIPHERSUITES) == 1)
		meant = find_suite(ctx, word, SSL_CIPHER_standard_name);
	buf_printf(why, "%s: \"%.*s\" is not known to OpenSSL", list, STR_ARG(word));
	if (!meant)
		return ERR_CONFIG;
	is_1_3 = strncmp(SSL_CIPHER_get_name(meant), "TLS_", 4) == 0;
	buf_printf(why, " under that name: write %s%s", SSL_CIPHER_get_name(meant),
		   is_1_3 ? ", under suites13" : "");
	return ERR_CONFIG;
}

/* Every word of a list names something; "!" and the like take away or sort. */
static enum err
check_words(SSL_CTX *ctx, const struct tls_profile_row *row, struct buf *why)
{
	struct str list = str_from(row->suites), list13 = str_from(row->suites13), word;
	char z[TLS_PROFILE_LIST_MAX];

	while (list.len) {
		word = str_cut(&list, ':');
		if (word.len == 0 || word.p[0] == '!' || word.p[0] == '-' || word.p[0] == '+')
			continue;
		if (str_chr(word, '@') < word.len || str_copyz(z, sizeof(z), word) != ERR_OK ||
		    SSL_CTX_set_cipher_list(ctx, z) != 1)
			return refuse_word(ctx, why, "suites", word);
	}
	if (SSL_CTX_set_ciphersuites(ctx, row->suites13) != 1)
		return refuse_list(why, "suites13", row->suites13);
	while (list13.len) {
		word = str_cut(&list13, ':');
		if (!find_suite(ctx, word, SSL_CIPHER_get_name))
			return refuse_word(ctx, why, "suites13", word);
	}
	return ERR_OK;
}

/* Nothing among them leaves keys of SRTP to be read on the way, or goes with nobody's certificate.
 */
static enum err
check_strength(SSL_CTX *ctx, const struct tls_profile_row *row, struct buf *why)
{
	STACK_OF(SSL_CIPHER) * all;

	if (SSL_CTX_set_cipher_list(ctx, row->suites) != 1)
		return refuse_list(why, "suites", row->suites);
	all = SSL_CTX_get_ciphers(ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
		const char *fault =
			SSL_CIPHER_get_bits(c, NULL) < BITS_MIN ? "does not encrypt, or weakly"
			: SSL_CIPHER_get_auth_nid(c) == NID_auth_null ? "proves nobody's identity"
								      : NULL;

		if (fault) {
			buf_printf(why, "suites: %s is among them, which %s: take it out (!%s)",
				   SSL_CIPHER_get_name(c), fault, SSL_CIPHER_get_name(c));
			return ERR_CONFIG;
		}
	}
	return ERR_OK;
}

enum err
tls_profile_check(struct tls_profile_row *row, struct buf *why)
{
	const struct tls_profile_row *modern = &profiles[TLS_PROFILE_MODERN];
	SSL_CTX *ctx;
	enum err e = ERR_OK;

	if (row->min < TLS1_2_VERSION || row->max > TLS1_3_VERSION || row->min > row->max) {
		buf_z(why, "versions: postern speaks TLS 1.2 and 1.3 only (RFC 8996), and min may "
			   "not be above max");
		return ERR_CONFIG;
	}
	fill_empty(row->sigalgs, modern->sigalgs);
	fill_empty(row->suites, modern->suites);
	if (row->max == TLS1_3_VERSION)
		fill_empty(row->suites13, modern->suites13);
	ctx = SSL_CTX_new(TLS_method());
	if (!ctx)
		return ERR_NOMEM;
	SSL_CTX_set_security_level(ctx, 0); /* weak ones are to be named, not left out */
	e = check_words(ctx, row, why);
	if (e == ERR_OK)
		e = check_strength(ctx, row, why);
	if (e == ERR_OK && !install_sigalgs(ctx, row->sigalgs))
		e = refuse_list(why, "sigalgs", row->sigalgs);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	if (e == ERR_OK)
		fill_shown(row);
	return e;
}

/* ---- what a profile holds ---- */

/* RSA key transport: RFC 10015 forbids it in every version. */
static bool
is_forbidden(const SSL_CIPHER *c)
{
	return SSL_CIPHER_get_kx_nid(c) == NID_kx_rsa;
}

/* The suites of TLS 1.2 and below that the profile takes; free the context. */
static STACK_OF(SSL_CIPHER) * list_suites(const struct tls_profile_row *row, SSL_CTX **ctx)
{
	*ctx = SSL_CTX_new(TLS_method());
	if (!*ctx || !tls_profile_install(*ctx, row))
		return NULL;
	return SSL_CTX_get_ciphers(*ctx);
}

size_t
tls_profile_forbidden(const struct tls_profile_row *row, struct buf *b)
{
	SSL_CTX *ctx = NULL;
	STACK_OF(SSL_CIPHER) *all = row->min <= TLS1_2_VERSION ? list_suites(row, &ctx) : NULL;
	size_t n = 0;

	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);

		if (!is_forbidden(c))
			continue;
		buf_z(b, n++ ? ", " : "TLS 1.2 with RSA key exchange (no forward secrecy): ");
		buf_z(b, SSL_CIPHER_get_name(c));
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return n;
}

bool
tls_profile_allows(const struct tls_profile_row *row, uint16_t version, uint16_t suite)
{
	SSL_CTX *ctx = NULL;
	STACK_OF(SSL_CIPHER) * all;
	bool found = false;

	if (version < row->min || version > row->max)
		return false;
	all = list_suites(row, &ctx);
	for (int i = 0; i < sk_SSL_CIPHER_num(all) && !found; i++)
		found = SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(all, i)) == suite;
	SSL_CTX_free(ctx);
	return found;
}
