/* The text forms of base. The first byte chooses one: what decodes encodes to the same; an address
 * or range reads back as it was printed; a number is what plain arithmetic says; buf_json gives one
 * JSON string that another reader reads as the same bytes, and nothing raw that moves a line. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4096, TEXT_SIZE = 6 * INPUT_MAX + 16 };
static char text[TEXT_SIZE], back[TEXT_SIZE];

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Any bytes to text and back. */
static void
check_codec(struct str in)
{
	size_t n = 0;
	struct buf b;

	for (int pad = 0; pad < 2; pad++) {
		buf_init(&b, text, sizeof(text));
		codec_b64_put(&b, in.p, in.len, pad);
		must(buf_end(&b) == ERR_OK);
		must(codec_b64_get(buf_view(&b), back, in.len, &n) == ERR_OK);
		must(str_eq(str_of(back, n), in));
		must(in.len == 0 || codec_b64_get(buf_view(&b), back, in.len - 1, &n) == ERR_LONG);
	}
	buf_init(&b, text, sizeof(text));
	codec_hex_put(&b, in.p, in.len);
	must(codec_hex_get(buf_view(&b), back, in.len, &n) == ERR_OK);
	must(str_eq(str_of(back, n), in));
	buf_init(&b, text, sizeof(text));
	codec_b32_put(&b, in.p, in.len);
	must(b.len == (8 * in.len + 4) / 5);
}

/* Text that may be base64: what is taken, encoded again, differs at most in the bits of the last
 * character that no byte holds (RFC 4648 3.5) and in the padding. */
static void
check_b64(struct str in)
{
	size_t n = 0, cap = in.len / 4 * 3 + 3;
	struct buf b;

	if (codec_b64_get(in, back, cap, &n) != ERR_OK)
		return;
	buf_init(&b, text, sizeof(text));
	codec_b64_put(&b, back, n, true);
	while (in.len && in.p[in.len - 1] == '=')
		in.len--;
	while (b.len && b.p[b.len - 1] == '=')
		b.len--;
	must(b.len == in.len);
	if (in.len % 4)
		b.len = --in.len;
	must(str_eq(buf_view(&b), in));
}

static void
check_hex(struct str in)
{
	size_t n = 0;
	struct buf b;

	if (codec_hex_get(in, back, sizeof(back), &n) != ERR_OK)
		return;
	buf_init(&b, text, sizeof(text));
	codec_hex_put(&b, back, n);
	must(str_ieq(buf_view(&b), in));
}

static void
check_addr(struct str in)
{
	struct addr a, b;
	struct cidr c, d;

	if (addr_parse(in, &a) == ERR_OK) {
		struct addr_text t = addr_text(&a);
		struct sockaddr_storage sa;

		must(a.family == 4 || a.family == 6);
		must(addr_parse(str_from(t.z), &b) == ERR_OK && memcmp(&a, &b, sizeof(a)) == 0);
		must(addr_to_sa(&a, &sa) > 0);
		b = addr_from_sa(&sa);
		must(memcmp(&a, &b, sizeof(a)) == 0);
		(void)(addr_is_private(&a) + addr_is_multicast(&a) + addr_is_any(&a));
	}
	if (cidr_parse(in, &c) == ERR_OK) {
		struct buf out;

		must(c.bits <= (c.net.family == 4 ? 32 : 128) && cidr_has(&c, &c.net));
		buf_init(&out, text, sizeof(text));
		addr_put(&out, &c.net);
		buf_printf(&out, "/%u", (unsigned)c.bits);
		must(cidr_parse(buf_view(&out), &d) == ERR_OK);
		must(addr_eq(&c.net, &d.net) && c.bits == d.bits);
	}
}

/* Against arithmetic of 128 bits that gives up when it is beyond 64. */
static void
check_number(struct str in)
{
	unsigned __int128 want = 0;
	bool digits = in.len > 0, high = false;
	uint64_t v = 1;
	enum err e = str_u64(in, UINT64_MAX, &v);

	for (size_t i = 0; i < in.len && digits; i++) {
		digits = in.p[i] >= '0' && in.p[i] <= '9';
		want = want * 10 + (unsigned)(in.p[i] - '0');
		high = high || want > UINT64_MAX;
		if (high)
			want = 0;
	}
	if (!digits)
		must(e == ERR_SYNTAX || e == ERR_RANGE);
	else if (high)
		must(e == ERR_RANGE);
	else
		must(e == ERR_OK && v == (uint64_t)want);
	if (e == ERR_OK && v) {
		must(str_u64(in, v, &v) == ERR_OK);
		must(str_u64(in, v - 1, &v) == ERR_RANGE);
	}
}

static void
check_json(struct str in)
{
	json_t *v, *same;
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_json(&b, in);
	must(buf_end(&b) == ERR_OK);
	for (size_t i = 0; i < b.len; i++) {
		must((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
		must(i == 0 || b.p[i - 1] != (char)0xc2 || (unsigned char)b.p[i] >= 0xa0);
	}
	v = json_loadb(b.p, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	must(v && json_is_string(v));
	same = json_stringn(in.len ? in.p : "", in.len); /* NULL when it is not UTF-8 */
	if (same)
		must(json_string_length(v) == in.len &&
		     (in.len == 0 || memcmp(json_string_value(v), in.p, in.len) == 0));
	else
		must(str_find(str_of(json_string_value(v), json_string_length(v)),
			      STR("\xef\xbf\xbd")) < json_string_length(v));
	json_decref(same);
	json_decref(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct str) = {check_codec, check_b64,    check_hex,
						     check_addr,  check_number, check_json};
	struct str in;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	in = str_of(data + 1, size - 1);
	checks[data[0] % ARRAY_LEN(checks)](in);
	return 0;
}
