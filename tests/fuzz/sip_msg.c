/* Any bytes as a message. What parses is printed again (start line, every header byte for byte,
 * body) and must parse to the same; every reader may be called on it; and what the writers make
 * of a request, refused or not, parses and has no line that was not meant. */
#include <stdlib.h>
#include <string.h>

#include "sip/dtmf.h"
#include "sip/edit.h"
#include "sip/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_SIZE = 2 * SIP_MSG_MAX };

static struct sip_msg m, again;
static char out[OUT_SIZE];

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Every slice lies in the message. */
static void
check_in(struct str part)
{
	check(part.len == 0 || (part.p >= m.all.p && part.p + part.len <= m.all.p + m.all.len));
}

static void
check_slices(void)
{
	check_in(m.head);
	check_in(m.body);
	check_in(m.method_name);
	check_in(m.uri_text);
	check_in(m.via.all);
	check_in(m.via.params);
	check_in(m.from.display);
	check_in(m.from.uri.all);
	check_in(m.to.params);
	check_in(m.call_id);
	for (unsigned i = 0; i < m.n_hdr; i++) {
		check_in(m.hdr[i].line);
		check_in(m.hdr[i].value);
		check(m.hdr[i].id == sip_hdr_id_of(m.hdr[i].name));
	}
}

static unsigned results; /* so that each reader's result is looked at */

static void
note(enum err e)
{
	results += e == ERR_OK;
}

static void
read_all(void)
{
	struct sip_session_expires se;
	struct sip_retry_after ra;
	struct sip_dtmf digit;
	static struct sip_parts parts;
	struct sip_nameaddr na;
	struct sip_reason reason;
	struct sip_warning w;
	struct sip_ctype ct;
	struct sip_rack rack;
	struct sip_iter it;
	struct sip_via via;
	struct str item;
	uint32_t n;

	if (sip_dtmf_read(&m, &digit) == ERR_OK)
		check(digit.code <= SIP_DTMF_FLASH && digit.ms <= SIP_DTMF_MS_MAX);
	note(sip_session_expires_read(&m, &se));
	note(sip_retry_after_read(&m, &ra));
	note(sip_contact_read(&m, &na));
	note(sip_reason_read(&m, "Q.850", &reason));
	note(sip_ctype_read(&m, &ct));
	note(sip_rack_read(&m, &rack));
	note(sip_min_se_read(&m, &n));
	if (sip_parts_read(&m, &parts) == ERR_OK)
		for (unsigned i = 0; i < parts.n; i++) {
			check_in(parts.part[i].all);
			check_in(parts.part[i].content);
			check(i == 0 || parts.part[i].inside < i);
		}
	for (unsigned id = 0; id < SIP_H_OTHER; id++) {
		sip_iter_init(&it, &m, (enum sip_hdr_id)id);
		while (sip_iter_next(&it, &item) == ERR_OK) {
			check_in(item);
			note(sip_nameaddr_parse(item, &na));
			note(sip_via_parse(item, &via));
			note(sip_warning_parse(item, &w));
		}
	}
}

/* print(parse(x)) parses to the same. */
static void
check_print(void)
{
	struct buf b;

	buf_init(&b, out, sizeof(out));
	if (m.request)
		sip_edit_request(&b, m.method_name, m.uri_text);
	else
		buf_printf(&b, "SIP/2.0 %u ", m.status), buf_str(&b, m.reason), buf_z(&b, "\r\n");
	for (unsigned i = 0; i < m.n_hdr; i++)
		if (sip_edit_copy(&b, &m.hdr[i]) != ERR_OK)
			return; /* has a NUL: not copied, by design */
	buf_z(&b, "\r\n");
	buf_str(&b, m.body);
	if (b.len > SIP_MSG_MAX)
		return; /* "SIP/2.0 200" became "SIP/2.0 200 " */
	check(!b.failed);
	check(sip_msg_parse(buf_view(&b), &again) == ERR_OK);
	check(again.n_hdr == m.n_hdr && again.status == m.status && again.method == m.method);
	check(str_eq(again.body, m.body) && str_eq(again.call_id, m.call_id));
	check(str_eq(again.from_tag, m.from_tag) && str_eq(again.to_tag, m.to_tag));
	check(str_eq(again.via.branch, m.via.branch) && again.cseq == m.cseq);
	check(again.content_length == m.content_length && again.max_forwards == m.max_forwards);
	for (unsigned i = 0; i < m.n_hdr; i++)
		check(str_eq(again.hdr[i].line, m.hdr[i].line) && again.hdr[i].id == m.hdr[i].id);
}

static unsigned
count_lines(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i + 1 < s.len; i++)
		n += s.p[i] == '\r' && s.p[i + 1] == '\n' &&
		     (i + 2 == s.len || (s.p[i + 2] != ' ' && s.p[i + 2] != '\t'));
	return n;
}

/* A response to what was received: the lines that it must have, and no other. */
static void
check_response(void)
{
	struct addr source = {.ip = {192, 0, 2, 9}, .port = 4000, .family = 4};
	struct sip_edit_reply r = {
		.status = m.answer ? m.answer : 486, .to_tag = STR("ours"), .source = &source};
	struct buf b;
	unsigned lines = 3; /* status line, Content-Length, blank line */

	buf_init(&b, out, sizeof(out));
	sip_edit_response(&b, &m, &r);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	check(!b.failed);
	for (const struct sip_hdr *h = sip_msg_hdr(&m, SIP_H_VIA); h; h = sip_msg_next(&m, h))
		lines++;
	lines += sip_msg_hdr(&m, SIP_H_FROM) != NULL;
	lines += sip_msg_hdr(&m, SIP_H_TO) != NULL;
	lines += sip_msg_hdr(&m, SIP_H_CALL_ID) != NULL;
	lines += sip_msg_hdr(&m, SIP_H_CSEQ) != NULL;
	check(count_lines(buf_view(&b)) == lines);
	if (m.fault != ERR_OK || b.len > SIP_MSG_MAX - SIP_LINE_MAX)
		return;
	for (const struct sip_hdr *h = sip_msg_hdr(&m, SIP_H_VIA); h; h = sip_msg_next(&m, h))
		if (h->line.len > SIP_LINE_MAX - 64)
			return; /* received and rport would not fit */
	if (sip_msg_value(&m, SIP_H_TO).len > SIP_LINE_MAX - 64)
		return;
	check(sip_msg_parse(buf_view(&b), &again) == ERR_OK);
	check(again.status == 486 && again.cseq == m.cseq && str_eq(again.call_id, m.call_id));
	check(str_eq(again.via.branch, m.via.branch) && str_eq(again.from_tag, m.from_tag));
	check(str_eq(again.to_tag, m.to_tag.len ? m.to_tag : STR("ours")));
	check(!m.via.has_rport || again.via.rport == 4000);
	check(sip_hdr_count(&again, SIP_H_VIA) == sip_hdr_count(&m, SIP_H_VIA));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum err e = sip_msg_parse(str_of(data, size), &m);

	check(e == m.fault);
	if (e == ERR_OK) {
		check_slices();
		check_print();
	}
	read_all();
	if (m.request && (e == ERR_OK || m.answer))
		check_response();
	return 0;
}
