/* Any bytes as a stream. Fed whole, byte by byte, in two parts and in pieces of a few bytes, the
 * events are the same; what comes out of it is what went in; and where sip_msg_parse accepts a
 * message it reads the same length. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sip/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char buffer[SIP_FRAME_BUF];
static struct sip_msg m;

static void
check(bool ok)
{
	if (!ok)
		abort();
}

struct trace {
	uint64_t hash; /* of all events and messages */
	size_t out;    /* bytes that came out */
	enum err e;
};

static void
note_event(struct trace *t, enum sip_frame_event ev, struct str msg)
{
	uint64_t key[2] = {t->hash, (uint64_t)ev};

	t->hash = hash_siphash(key, msg.p, msg.len);
	t->out += ev == SIP_FRAME_MESSAGE ? msg.len : 2;
}

/* parts: 0 whole, else the size of the first piece, and of each piece when `all`. */
static struct trace
run_frame(struct str s, size_t part, bool all)
{
	struct trace t = {.hash = 1};
	struct sip_frame f;
	size_t at = 0;

	sip_frame_init(&f, buffer, sizeof(buffer));
	for (;;) {
		enum sip_frame_event ev;
		struct str msg = STR_NULL;
		size_t end = part && (all || at < part) ? at + part : s.len;

		t.e = sip_frame_next(&f, &ev, &msg);
		if (t.e != ERR_OK)
			return t;
		if (ev != SIP_FRAME_MORE) {
			note_event(&t, ev, msg);
			if (ev == SIP_FRAME_MESSAGE && sip_msg_parse(msg, &m) == ERR_OK)
				check(m.all.len == msg.len);
			continue;
		}
		if (at == s.len) {
			check(t.out + sip_frame_pending(&f) == s.len);
			return t;
		}
		at += sip_frame_feed(&f, str_sub(s, at, end));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_of(data, size);
	size_t cut = size ? data[size - 1] * size / 256 : 0;
	struct trace whole = run_frame(s, 0, false), t[3];

	t[0] = run_frame(s, 1, true);
	t[1] = run_frame(s, cut, false);
	t[2] = run_frame(s, 1 + cut % 97, true);
	for (unsigned i = 0; i < 3; i++)
		check(t[i].hash == whole.hash && t[i].e == whole.e && t[i].out == whole.out);
	return 0;
}
