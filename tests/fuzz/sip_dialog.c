/* Fuzz: a dialog made from any INVITE. Input: 8 bytes that say which bytes of the record are turned
 * afterwards, then the message. Properties: what is written from the dialog is one SIP request that
 * parses to the same dialog; the BYE that the peer would send matches it; a turned record is
 * refused or can be used without a step outside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 8, OUT_MAX = 16384 };

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static struct sip_msg msg, again;

static struct str
write_request(const struct sip_dialog *d, char *mem)
{
	struct buf b;

	buf_init(&b, mem, OUT_MAX);
	sip_dialog_put_line(d, &b, STR("BYE"));
	sip_edit_via(&b, SIP_TLS, STR("h"), 0, STR("z9hG4bKx"), false);
	sip_edit_hdr_u64(&b, SIP_H_MAX_FORWARDS, 70);
	sip_dialog_put_headers(d, &b, STR("BYE"), 1);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	CHECK(buf_end(&b) == ERR_OK);
	return buf_view(&b);
}

static void
check_same(const struct sip_dialog *d, const struct sip_msg *m)
{
	struct str hop;
	struct sip_uri u;

	CHECK(str_eq(m->call_id, sip_dialog_str(d, SIP_DIALOG_CALL_ID)));
	CHECK(str_eq(m->from_tag, sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG)));
	CHECK(str_eq(m->to_tag, sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG)));
	CHECK(str_eq(m->from.uri.all, sip_dialog_str(d, SIP_DIALOG_LOCAL_URI)));
	CHECK(str_eq(m->to.uri.all, sip_dialog_str(d, SIP_DIALOG_REMOTE_URI)));
	CHECK(sip_dialog_next_hop(d, &hop) == ERR_OK && sip_uri_parse(hop, &u) == ERR_OK);
	/* as the peer has it: our From is its To */
	CHECK(!sip_dialog_match(d, m) || str_eq(m->from_tag, m->to_tag));
}

/* A record that was damaged: valid, or not to be used. */
static void
turn(struct sip_dialog d, const uint8_t *turns, char *mem)
{
	for (unsigned i = 0; i < TURNS; i += 2) {
		size_t head = offsetof(struct sip_dialog, text);

		/* mostly the numbers and offsets */
		((uint8_t *)&d)[turns[i] < head ? turns[i] : head + turns[i]] ^= turns[i + 1];
	}
	if (sip_dialog_valid(&d))
		(void)write_request(&d, mem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char mem[OUT_MAX];
	struct sip_dialog d;
	struct str out, peer_tag;

	if (size < TURNS || size > SIP_MSG_MAX)
		return 0;
	if (sip_msg_parse(str_of(data + TURNS, size - TURNS), &msg) != ERR_OK || !msg.request ||
	    sip_dialog_accept(&msg, STR("mine"), false, &d) != ERR_OK)
		return 0;
	CHECK(sip_dialog_valid(&d));
	peer_tag = sip_dialog_str(&d, SIP_DIALOG_REMOTE_TAG);
	CHECK(str_eq(peer_tag, msg.from_tag));
	out = write_request(&d, mem);
	CHECK(sip_msg_parse(out, &again) == ERR_OK);
	check_same(&d, &again);
	CHECK(sip_hdr_count(&again, SIP_H_ROUTE) == sip_hdr_count(&msg, SIP_H_RECORD_ROUTE));
	turn(d, data, mem);
	return 0;
}
