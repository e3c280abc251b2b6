/* Rules of rewriting: the first line is how they are used, the lines up to an empty one are the
 * list, the rest are headers. Whatever a list says, a message stays one: no line that ends
 * otherwise, no header that rules may not touch comes or goes. */
#include <stdlib.h>
#include <string.h>

#include "policy/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg m;

/* How often the headers that no rule may touch stand there. */
static unsigned
count_ours(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m.n_hdr; i++)
		n += m.hdr[i].id == SIP_H_VIA || m.hdr[i].id == SIP_H_CONTACT ||
		     m.hdr[i].id == SIP_H_ROUTE || m.hdr[i].id == SIP_H_CONTENT_TYPE ||
		     m.hdr[i].id == SIP_H_PRIVACY || m.hdr[i].id == SIP_H_AUTHORIZATION;
	return n;
}

static void
run_headers(struct str list, struct str headers, bool adds, bool changes)
{
	static const char head[] =
		"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: "
		"70\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n";
	const struct rewrite_words w = {.called = headers,
					.calling = list,
					.account = STR("acme"),
					.zone = STR("z.example")};
	static char mem[65536 * 2];
	struct buf b;
	unsigned before;

	buf_init(&b, mem, 65536);
	buf_z(&b, head);
	buf_str(&b, headers);
	buf_z(&b, "\r\n");
	if (b.failed || sip_msg_parse(buf_view(&b), &m) != ERR_OK || m.body.len)
		return;
	before = count_ours();
	b.len = m.head.len - 2;
	rewrite_headers(&b, strlen(head), list, &w, adds, changes);
	buf_z(&b, "\r\n");
	if (b.failed)
		return;
	if (sip_msg_parse(buf_view(&b), &m) != ERR_OK) {
		if (m.fault != ERR_FULL && m.fault != ERR_LONG)
			abort();
		return;
	}
	if (count_ours() != before || m.body.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size), how = str_cut(&in, '\n');
	size_t end = str_find(in, STR("\n\n"));
	struct str list = str_sub(in, 0, end), rest = str_from_at(in, end + 2), all = list;
	bool called = how.len && how.p[0] & 4;
	char why[REWRITE_WHY_MAX], mem[NUMBER_SIZE];
	struct rewrite_header h;
	struct buf b;

	while (all.len) {
		struct str rule = str_cut(&all, '\n');

		if (rewrite_header_parse(rule, &h, why) == ERR_OK &&
		    (h.value.len > REWRITE_VALUE_MAX || memchr(rule.p, '\r', rule.len)))
			abort();
	}
	if (rewrite_list_valid(list, true) == ERR_OK && rewrite_list_valid(list, false) == ERR_OK &&
	    list.len)
		abort(); /* both kinds at once */
	run_headers(list, rest, how.len && how.p[0] & 1, how.len && how.p[0] & 2);
	buf_init(&b, mem, sizeof(mem));
	if (rewrite_number(list, called, str_sub(rest, 0, 64), &b) && (b.failed || b.len == 0))
		abort();
	return 0;
}
