#include "sdp/ice.h"

#include "base/hash.h"

enum { PORT_DISCARD = 9 }; /* with 0.0.0.0: "none yet" (RFC 8840 4.1.1) */

/* RFC 8445 5.1.2.1: a host candidate with the only address; its component lowers it. */
enum { PRIORITY_HOST = (126 << 24) + (65535 << 8) + 256 };

/* What was found of one m-line and its session. */
struct found {
	struct str ufrag, pwd;
	bool lite, mismatch, any, matches;
};

static bool
is_ice_text(struct str s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '/')
			return false;
	return s.len >= min && s.len <= max;
}

/* "foundation component transport priority address port typ ...": is it where RTP is sent to? */
static bool
is_default(struct str value, const struct sdp_media *m)
{
	struct str component, address, port;
	struct addr a;
	uint32_t number;

	(void)str_cut(&value, ' ');
	component = str_cut(&value, ' ');
	(void)str_cut(&value, ' ');
	(void)str_cut(&value, ' ');
	address = str_cut(&value, ' ');
	port = str_cut(&value, ' ');
	return str_eqz(component, "1") && str_u32(port, UINT16_MAX, &number) == ERR_OK &&
	       number == m->port && addr_parse_ip(address, &a) == ERR_OK &&
	       addr_ip_eq(&a, &m->conn.addr);
}

static void
read_section(struct str text, const struct sdp_media *m, struct found *f)
{
	struct str name, value;

	while (sdp_next_attr(&text, &name, &value)) {
		value = str_trim(value);
		if (str_eqz(name, "ice-ufrag"))
			f->ufrag = value;
		else if (str_eqz(name, "ice-pwd"))
			f->pwd = value;
		else if (str_eqz(name, "ice-lite"))
			f->lite = true;
		else if (str_eqz(name, "ice-mismatch"))
			f->mismatch = true;
		else if (str_eqz(name, "candidate")) {
			f->any = true;
			f->matches |= is_default(value, m);
		}
	}
}

uint64_t
sdp_ice_hash(struct str ufrag)
{
	static const uint64_t key[2]; /* it must mean the same after a restart */

	return hash_siphash(key, ufrag.p, ufrag.len) | 1;
}

void
sdp_ice_read(const struct sdp *s, const struct sdp_media *m, struct sdp_ice *out)
{
	struct found f = {0};

	*out = (struct sdp_ice){0};
	read_section(s->text, m, &f);
	f.any = f.matches = false; /* candidates are an m-line's */
	read_section(m->text, m, &f);
	if (!f.any || f.mismatch || !is_ice_text(f.ufrag, SDP_UFRAG_MIN, SDP_UFRAG_MAX) ||
	    !is_ice_text(f.pwd, SDP_PWD_MIN, SDP_PWD_MAX))
		return;
	f.matches |= addr_is_any(&m->conn.addr) && m->port == PORT_DISCARD;
	out->on = f.matches;
	out->mismatch = !f.matches;
	out->lite = f.lite;
	out->ufrag = sdp_ice_hash(f.ufrag);
	out->both = sdp_ice_hash(f.pwd) ^ out->ufrag << 1;
}

void
sdp_ice_put_session(struct buf *b)
{
	buf_z(b, "a=ice-lite\r\na=ice-options:ice2\r\n");
}

void
sdp_ice_put(struct buf *b, const struct sdp_ice_own *own, const struct addr *media, bool rtcp_port)
{
	buf_printf(b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", own->ufrag, own->pwd);
	for (unsigned component = 1; component <= (rtcp_port ? 2u : 1u); component++) {
		buf_printf(b, "a=candidate:1 %u UDP %u ", component, PRIORITY_HOST - component);
		addr_put_ip(b, media, false);
		buf_printf(b, " %u typ host\r\n", media->port + component - 1);
	}
}
