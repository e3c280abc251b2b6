#include "sip/dtmf.h"

/* In the order of RFC 4733 3.2. */
#define KEYS "0123456789*#ABCD"

bool
sip_dtmf_is(const struct sip_msg *m)
{
	return sip_ctype_is(m, "application", "dtmf-relay") ||
	       sip_ctype_is(m, "application", "dtmf");
}

/* "5", "*", "d", or the number of an event of two digits: "16". */
static enum err
read_code(struct str s, uint8_t *out)
{
	uint64_t code;

	if (s.len == 1) {
		char c = s.p[0] >= 'a' && s.p[0] <= 'd' ? (char)(s.p[0] - 32) : s.p[0];
		size_t at = str_chr(STR(KEYS), c);

		*out = (uint8_t)at;
		return at < sizeof(KEYS) - 1 ? ERR_OK : ERR_SYNTAX;
	}
	if (s.len != 2 || str_u64(s, SIP_DTMF_FLASH, &code) != ERR_OK)
		return ERR_SYNTAX;
	*out = (uint8_t)code;
	return ERR_OK;
}

enum err
sip_dtmf_read(const struct sip_msg *m, struct sip_dtmf *out)
{
	struct str body = m->body;
	struct sip_dtmf d = {.ms = SIP_DTMF_MS};
	bool found = false;

	if (sip_ctype_is(m, "application", "dtmf")) {
		enum err e = read_code(str_trim(body), &d.code);

		if (e == ERR_OK)
			*out = d;
		return e;
	}
	while (body.len) {
		struct str value = str_cut(&body, '\n'), name = str_trim(str_cut(&value, '='));
		uint64_t ms;

		value = str_trim(value);
		if (str_ieqz(name, "Signal") && !found) {
			if (read_code(value, &d.code) != ERR_OK)
				return ERR_SYNTAX;
			found = true;
		} else if (str_ieqz(name, "Duration")) {
			if (str_u64(value, SIP_DTMF_MS_MAX, &ms) != ERR_OK)
				return ERR_SYNTAX;
			d.ms = (uint16_t)ms;
		}
	}
	if (!found)
		return ERR_SYNTAX;
	*out = d;
	return ERR_OK;
}

void
sip_dtmf_put(struct buf *b, const struct sip_dtmf *d)
{
	buf_z(b, "Signal=");
	if (d->code < sizeof(KEYS) - 1)
		buf_char(b, KEYS[d->code]);
	else
		buf_printf(b, "%u", d->code);
	buf_printf(b, "\r\nDuration=%u\r\n", d->ms);
}
