#include "app/changetext.h"

#include <stdio.h>

#include "base/clock.h"
#include "net/tlsctx.h"

enum {
	LINE_MAX_BYTES = 200, /* a longer value stands in parts below its name */
	CERTIFICATE_TEXT_MAX = 1024,
	FINGERPRINT_SHOWN = 8, /* bytes */
};

static const char pem_end[] = "-----END CERTIFICATE-----";

/* ---- parts of a value ---- */

/* How a value is divided, and how a part of it is shown. */
struct parts {
	bool pem;
	char between;
};

/* The next part of *rest; rest is behind it then. */
static struct str
next_part(const struct parts *p, struct str *rest)
{
	struct str part;
	size_t end;

	if (!p->pem)
		return str_cut(rest, p->between);
	end = str_find(*rest, str_from(pem_end));
	end = end < rest->len ? end + sizeof(pem_end) - 1 : rest->len;
	part = str_trim(str_sub(*rest, 0, end));
	*rest = str_trim(str_from_at(*rest, end));
	return part;
}

static bool
has_part(const struct parts *p, struct str value, struct str part)
{
	while (value.len)
		if (str_eq(next_part(p, &value), part))
			return true;
	return false;
}

/* "CN=Acme CA until 2027-01-01T00:00:00Z, SHA-256 AB:CD:.." */
static void
print_certificate(struct str pem)
{
	char mem[CERTIFICATE_TEXT_MAX];
	struct tls_cert_info info;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	if (tls_cert_info(pem, &info) != ERR_OK) {
		buf_z(&b, "a certificate that cannot be read");
	} else {
		buf_printf(&b, "%s until ", info.subject);
		clock_put_utc(&b, info.not_after_us);
		buf_z(&b, ", SHA-256 ");
		for (size_t i = 0; i < FINGERPRINT_SHOWN; i++)
			buf_printf(&b, "%02X:", info.fingerprint[i]);
		buf_z(&b, "..");
	}
	puts(buf_cstr(&b));
}

/* The parts of value that other lacks, a line each. */
static void
print_parts(const struct parts *p, struct str value, struct str other, char sign)
{
	while (value.len) {
		struct str part = next_part(p, &value);

		if (has_part(p, other, part))
			continue;
		printf("        %c ", sign);
		if (p->pem)
			print_certificate(part);
		else
			printf("%.*s\n", STR_ARG(part));
	}
}

/* ---- a field ---- */

static bool
fits_line(struct str s)
{
	return s.len <= LINE_MAX_BYTES && str_chr(s, '\n') == s.len;
}

static bool
has_others(const struct parts *p, struct str value, struct str other)
{
	while (value.len)
		if (!has_part(p, other, next_part(p, &value)))
			return true;
	return false;
}

static void
print_field(const struct change *c, unsigned i)
{
	static char before_mem[CHANGE_VALUE_MAX], after_mem[CHANGE_VALUE_MAX];
	struct parts p = {.pem = field_table(c->what)->field[i].type == FIELD_PEM};
	struct str was, is;
	struct buf b, a;

	buf_init(&b, before_mem, sizeof(before_mem));
	buf_init(&a, after_mem, sizeof(after_mem));
	if (c->before)
		change_field_show(&b, c->what, c->before, i);
	change_field_show(&a, c->what, c->after, i);
	was = buf_view(&b);
	is = buf_view(&a);
	printf("    %s:", change_field_name(c->what, i));
	if (fits_line(was) && fits_line(is)) {
		if (c->before)
			printf(" %.*s ->", STR_ARG(was.len ? was : STR("-")));
		printf(" %.*s\n", STR_ARG(is.len ? is : STR("-")));
		return;
	}
	p.between = str_chr(was, '\n') < was.len || str_chr(is, '\n') < is.len ? '\n' : ',';
	if (c->before && !has_others(&p, was, is) && !has_others(&p, is, was)) {
		puts(" the same in another order:");
		was = STR_NULL;
	} else {
		putchar('\n');
	}
	print_parts(&p, was, is, '-');
	print_parts(&p, is, was, '+');
}

void
changetext_print(const struct change *c)
{
	static const char sign[CHANGE_HOW_N] = {
		[CHANGE_ADD] = '+', [CHANGE_REMOVE] = '-', [CHANGE_EDIT] = '~'};
	static char id[CHANGE_VALUE_MAX];
	struct buf b;

	buf_init(&b, id, sizeof(id));
	change_field_put(&b, c->what, c->before ? c->before : c->after, 0);
	printf("%c %s %s\n", sign[c->how], change_what_name(c->what), b.len ? buf_cstr(&b) : "-");
	for (unsigned i = 1; c->how != CHANGE_REMOVE && i < change_fields(c->what); i++)
		if (c->how == CHANGE_EDIT ? !change_field_same(c->what, c->before, c->after, i)
					  : !change_field_default(c->what, c->after, i))
			print_field(c, i);
}
