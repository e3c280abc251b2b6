#include "conf/conf.h"

#include <string.h>
#include <unistd.h>

#include "conf/numbers.h"
#include "conf/schema.h"
#include "base/mem.h"
#include "media/io_choice.h"
#include "media/port.h"

/* What the words of a list or map inside hold, while it is read: kept by the caller. */
#define FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define NODE(word, text)                                                                           \
	{                                                                                          \
		word, SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, text                             \
	}

static const struct schema root_rows[] = {
	NODE("node", "a map: id, name, run_dir, user"),
	NODE("log", "a map: level"),
	NODE("limits", "a map: calls, attempts"),
	NODE("numbers", "a map: country, home, emergency, access, premium"),
	NODE("tls_profiles", "a list of maps: name, min, max, suites, suites13, sigalgs, rsa_only"),
	NODE("zones", "a list of zones"),
	NODE("crl", "a map: fetch, staple, hosts"),
	NODE("listeners", "a list of listeners"),
	NODE("media", "a map: addresses, ports, customer, carrier"),
	NODE("timers", "a map of times"),
	NODE("handshakes", "a map: keep, days"),
	NODE("dns", "a list of addresses of DNS servers"),
	NODE("names", "a list of host names under which carriers call this node"),
	NODE("credentials", "a list of maps: name, realm, user, password_file, algorithms"),
	{"store", SCHEMA_TEXT, FIELD(conf, store), 0, 0, "/var/lib/postern/postern.db", NULL, false,
	 "the file of accounts"},
	{"cdr", SCHEMA_TEXT, FIELD(conf, cdr), 0, 0, "/var/lib/postern/cdr.jsonl", NULL, false,
	 "the file that call records are added to"},
	{"control", SCHEMA_TEXT, FIELD(conf, control), 0, 0, "", NULL, false,
	 "the control socket; default: control in run_dir"},
	{"trace", SCHEMA_WORD, FIELD(conf, trace), 0, 0, "all", "all failed off", false,
	 "one of: all failed off"},
	{"trace_size", SCHEMA_U32, FIELD(conf, trace_mib), 1, 1024, "16", NULL, false,
	 "megabytes of messages that are kept, 1 to 1024"},
	{"stop_timeout", SCHEMA_MS, FIELD(conf, stop_timeout), 0, 600000, "5s", NULL, false,
	 "a time such as 5s, at most 10m"},
};

static const struct schema node_rows[] = {
	{"id", SCHEMA_U8, FIELD(conf, node_id), 0, 255, "1", NULL, false, "a number, 0 to 255"},
	{"name", SCHEMA_ID, FIELD(conf, node_name), 0, 0, "postern", NULL, false,
	 "a short name, such as sbc1"},
	{"run_dir", SCHEMA_TEXT, FIELD(conf, run_dir), 0, 0, "/run/postern", NULL, false,
	 "a folder that postern may write to"},
	{"user", SCHEMA_ID, FIELD(conf, user), 0, 0, "", NULL, false,
	 "a user name; without it the roles keep the user that started postern"},
};

static const struct schema handshake_rows[] = {
	{"keep", SCHEMA_U32, FIELD(conf, handshakes_keep), 100, 10000000, "100000", NULL, false,
	 "handshakes and refused requests that are kept, 100 to 10000000"},
	{"days", SCHEMA_U32, FIELD(conf, handshakes_days), 1, 3650, "30", NULL, false,
	 "days that they are kept, 1 to 3650"},
};

static const struct schema log_rows[] = {
	{"level", SCHEMA_WORD, 0, 0, 0, 0, "info", "error warn info debug", false,
	 "how much to log"},
};

static const struct schema limit_rows[] = {
	{"calls", SCHEMA_U32, FIELD(conf, max_calls), 1, 100000, "1000", NULL, false,
	 "concurrent calls, 1 to 100000"},
	{"attempts", SCHEMA_U32, FIELD(conf, max_attempts), 0, 100000, "0", NULL, false,
	 "INVITEs a second, 0 = no limit"},
};

static const struct schema zone_rows[] = {
	{"fqdn", SCHEMA_HOST, FIELD(conf_zone, fqdn), 0, 0, NULL, NULL, true,
	 "the name that customers find us under"},
	{"certificate", SCHEMA_TEXT, FIELD(conf_zone, certificate), 0, 0, NULL, NULL, true,
	 "a PEM file: our certificate, then its issuers"},
	{"key", SCHEMA_TEXT, FIELD(conf_zone, key), 0, 0, NULL, NULL, true,
	 "a PEM file: the private key of the certificate"},
	{"client_certificate", SCHEMA_WORD, FIELD(conf_zone, client_certificate), 0, 0, "required",
	 "required optional none", false, "is a certificate asked of who connects"},
	NODE("profile", "the TLS profile: carrier, modern or one of tls_profiles"),
	NODE("authorities", "a list of names of authorities, such as [DigiCert, GoDaddy]"),
	NODE("trust", "a list of PEM files of authorities, or the word system"),
	NODE("crls", "a list of files of revocation lists"),
};

static const struct schema crl_rows[] = {
	{"fetch", SCHEMA_BOOL, FIELD(conf_crl, fetch), 0, 0, "yes", NULL, false, "yes or no"},
	{"staple", SCHEMA_BOOL, FIELD(conf_crl, staple), 0, 0, "yes", NULL, false, "yes or no"},
	NODE("hosts", "a list of host names or addresses"),
};

static const struct schema listener_rows[] = {
	{"name", SCHEMA_ID, FIELD(conf_listener, name), 0, 0, NULL, NULL, true, "a short name"},
	{"transport", SCHEMA_WORD, FIELD(conf_listener, transport), 0, 0, NULL, "tls udp tcp", true,
	 "one of: tls udp tcp"},
	{"bind", SCHEMA_ADDR, FIELD(conf_listener, bind), 0, 0, NULL, NULL, true,
	 "an address with a port, such as 192.0.2.1:5061"},
	{"advertised", SCHEMA_ADDR, FIELD(conf_listener, advertised), 0, 0, NULL, NULL, false,
	 "an address with a port, as seen from outside; default: bind"},
	{"side", SCHEMA_WORD, FIELD(conf_listener, side), 0, 0, NULL, "customer carrier", true,
	 "one of: customer carrier"},
	{"device", SCHEMA_TEXT, FIELD(conf_listener, device), 0, 0, "", NULL, false,
	 "the name of a network interface, such as eth1"},
	NODE("zone", "the fqdn of a zone; default: the first one"),
};

static const struct schema media_rows[] = {
	NODE("addresses", "a list of maps: name, bind, advertised"),
	NODE("ports", "a range such as 20000-29999"),
	NODE("customer", "the name of a media address; default: the first one"),
	NODE("carrier", "the name of a media address; default: the last one"),
	{"io", SCHEMA_WORD, FIELD(conf, media_io), 0, 0, "auto", IO_WORDS, false,
	 "one of: " IO_WORDS},
	{"workers", SCHEMA_U8, FIELD(conf, media_workers), 0, MEDIA_WORKERS_MAX, "0", NULL, false,
	 "how many threads; 0 = one a processor"},
	{"tick", SCHEMA_WORD, FIELD(conf, media_tick), 0, 0, "adaptive",
	 "adaptive event 250us 500us 1ms", false, "how packets are waited for"},
};

static const struct schema address_rows[] = {
	{"name", SCHEMA_ID, FIELD(conf_media, name), 0, 0, NULL, NULL, true, "a short name"},
	{"bind", SCHEMA_IP, FIELD(conf_media, bind), 0, 0, NULL, NULL, true,
	 "an address of this machine"},
	{"advertised", SCHEMA_IP, FIELD(conf_media, advertised), 0, 0, NULL, NULL, false,
	 "the address as seen from outside; default: bind"},
};

/* Largest times: nothing sensible is near them. */
enum { T_SHORT = 60000, T_LONG = 86400000 };
static const struct schema timer_rows[] = {
	{"t1", SCHEMA_MS, FIELD(conf_timers, t1), 10, T_SHORT, "500ms", NULL, false,
	 "a time, such as 500ms"},
	{"t2", SCHEMA_MS, FIELD(conf_timers, t2), 10, T_SHORT, "4s", NULL, false,
	 "a time, such as 4s"},
	{"t4", SCHEMA_MS, FIELD(conf_timers, t4), 10, T_SHORT, "5s", NULL, false,
	 "a time, such as 5s"},
	{"trying_tls", SCHEMA_MS, FIELD(conf_timers, trying_tls), 100, T_SHORT, "3s", NULL, false,
	 "a time, such as 4s"},
	{"trying_tcp", SCHEMA_MS, FIELD(conf_timers, trying_tcp), 100, T_SHORT, "3s", NULL, false,
	 "a time, such as 4s"},
	{"trying_udp", SCHEMA_MS, FIELD(conf_timers, trying_udp), 100, T_SHORT, "1s", NULL, false,
	 "a time, such as 1s"},
	{"connect", SCHEMA_MS, FIELD(conf_timers, connect), 100, T_SHORT, "3s", NULL, false,
	 "a time, such as 3s"},
	{"ping", SCHEMA_MS, FIELD(conf_timers, ping), 0, T_LONG, "30s", NULL, false,
	 "a time, such as 30s; 0s for none"},
	{"media", SCHEMA_MS, FIELD(conf_timers, media), 1000, T_LONG, "300s", NULL, false,
	 "a time, such as 300s"},
	{"media_lost", SCHEMA_MS, FIELD(conf_timers, media_lost), 1000, T_LONG, "10s", NULL, false,
	 "a time, such as 10s"},
};

static const char default_text[] =
	"# What `postern run` starts with when it is given no configuration: everything on\n"
	"# loopback, everything in the run directory.\n"
	"node:\n"
	"  run_dir: .\n"
	"limits:\n"
	"  calls: 100\n"
	"zones:\n"
	"  - fqdn: sip.postern.example\n"
	"    certificate: zone.pem\n"
	"    key: zone.key\n"
	"    trust: [ca.pem]\n"
	"listeners:\n"
	"  - {name: customers, transport: tls, bind: \"127.0.0.1:5061\", side: customer}\n"
	"  - {name: carriers, transport: udp, bind: \"127.0.0.1:5060\", side: carrier}\n"
	"media:\n"
	"  addresses:\n"
	"    - {name: local, bind: 127.0.0.1}\n"
	"  ports: 20000-20999\n"
	"store: postern.db\n"
	"cdr: cdr.jsonl\n";

struct str
conf_default_text(void)
{
	return str_of(default_text, sizeof(default_text) - 1);
}

/* The parse in hand. */
struct parse {
	struct yaml y;
	struct conf_report *rep;
	struct conf *c;
	const char *dir;
};

static const struct yaml_node *
root_get(const struct parse *p, const char *word)
{
	return yaml_get(&p->y, &p->y.node[0], word);
}

/* One of the maps below the root, or its defaults. */
static void
read_section(struct parse *p, const char *word, const struct schema *rows, size_t n, void *base)
{
	const struct yaml_node *map = root_get(p, word);

	if (map)
		schema_read(&p->y, map, rows, n, word, base, p->rep);
	else
		schema_defaults(rows, n, base, p->rep);
}

/* A list that must be one; NULL (and reported) when it is something else. */
static const struct yaml_node *
want_list(struct parse *p, const struct yaml_node *n, const char *what, const char *help)
{
	if (n && n->kind != YAML_LIST) {
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", what,
			     yaml_kind_name(n), help);
		return NULL;
	}
	return n;
}

/* Is there room for one more? Reports at the first that is too many. */
static bool
has_room(struct parse *p, const struct yaml_node *n, const char *what, uint32_t have, uint32_t max)
{
	if (have == max)
		report_error(p->rep, n->line, n->column, "%s: more than %u of them; remove some",
			     what, max);
	return have < max;
}

static bool
want_scalar(struct parse *p, const struct yaml_node *n, const char *what, const char *help)
{
	if (n->kind != YAML_SCALAR)
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", what,
			     yaml_kind_name(n), help);
	return n->kind == YAML_SCALAR;
}

/* Make a relative path start from dir. n: for messages, may be NULL. */
static void
anchor_path(struct parse *p, const struct yaml_node *n, char path[CONF_PATH_MAX])
{
	char full[CONF_PATH_MAX];
	struct buf b;

	if (path[0] == 0 || path[0] == '/' || p->dir[0] == 0)
		return;
	buf_init(&b, full, sizeof(full) - 1);
	buf_z(&b, p->dir);
	if (strcmp(path, ".") != 0)
		buf_printf(&b, "/%s", path);
	if (b.failed) {
		report_error(p->rep, n ? n->line : 0, n ? n->column : 0,
			     "the path is longer than %d bytes; use a shorter one",
			     CONF_PATH_MAX - 1);
		return;
	}
	full[b.len] = 0;
	memcpy(path, full, b.len + 1);
}

/* ---- sections ---- */

struct file_list {
	char (*path)[CONF_PATH_MAX];
	uint32_t *n, max;
	bool *system; /* the word system may stand there; NULL: it is a file like others */
};

static void
read_files(struct parse *p, const struct yaml_node *zone, const char *word, const char *help,
	   const struct file_list *f)
{
	const struct yaml_node *list = want_list(p, yaml_get(&p->y, zone, word), word, help);

	if (!list)
		return;
	for (const struct yaml_node *n = yaml_first(&p->y, list); n; n = yaml_next(&p->y, n)) {
		if (!want_scalar(p, n, word, "the name of a file"))
			continue;
		if (f->system && str_eqz(n->text, "system") && n->plain) {
			*f->system = true;
			continue;
		}
		if (!has_room(p, n, word, *f->n, f->max))
			return;
		if (n->text.len == 0 ||
		    str_copyz(f->path[*f->n], CONF_PATH_MAX, n->text) != ERR_OK) {
			report_error(p->rep, n->line, n->column,
				     "%s: not a path of 1 to %d bytes; write the name of a file",
				     word, CONF_PATH_MAX - 1);
			continue;
		}
		anchor_path(p, n, f->path[(*f->n)++]);
	}
}

static void
read_trust(struct parse *p, const struct yaml_node *zone, struct conf_zone *z)
{
	struct file_list trust = {z->trust, &z->n_trust, CONF_TRUST_MAX, &z->trust_system};
	struct file_list crls = {z->crls, &z->n_crls, CONF_CRLS_MAX, NULL};

	read_files(p, zone, "trust", "a list of PEM files", &trust);
	read_files(p, zone, "crls", "a list of files", &crls);
}

static void
read_crl(struct parse *p)
{
	const struct yaml_node *map = root_get(p, "crl"), *list;
	struct conf_crl *r = &p->c->crl;

	read_section(p, "crl", crl_rows, ARRAY_LEN(crl_rows), r);
	list = map ? want_list(p, yaml_get(&p->y, map, "hosts"), "hosts", "a list of hosts") : NULL;
	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		if (!has_room(p, n, "hosts", r->n_hosts, CONF_CRL_HOSTS_MAX))
			return;
		if (!want_scalar(p, n, "hosts", "a host name or address"))
			continue;
		if (n->text.len == 0 ||
		    str_copyz(r->host[r->n_hosts], CONF_FQDN_MAX, n->text) != ERR_OK)
			report_error(p->rep, n->line, n->column,
				     "hosts: not a name of 1 to %d bytes; write a host as in the "
				     "address of the list",
				     CONF_FQDN_MAX - 1);
		else
			r->n_hosts++;
	}
}

static void
read_zones(struct parse *p)
{
	const struct yaml_node *list =
		want_list(p, root_get(p, "zones"), "zones", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_zone *z = &c->zone[c->n_zones];

		if (!has_room(p, n, "zones", c->n_zones, CONF_ZONES_MAX))
			return;
		z->line = n->line;
		z->column = n->column;
		schema_read(&p->y, n, zone_rows, ARRAY_LEN(zone_rows), "zone", z, p->rep);
		if (n->kind == YAML_MAP)
			conftls_read_zone(&p->y, n, p->rep, &c->tls, &z->tls);
		read_trust(p, n, z);
		anchor_path(p, yaml_get(&p->y, n, "certificate"), z->certificate);
		anchor_path(p, yaml_get(&p->y, n, "key"), z->key);
		for (uint32_t i = 0; i < c->n_zones; i++)
			if (z->fqdn[0] && strcmp(c->zone[i].fqdn, z->fqdn) == 0)
				report_error(p->rep, n->line, n->column,
					     "zone \"%s\" stands twice; keep one of them", z->fqdn);
		c->n_zones++;
	}
}

/* The zone that a TLS listener belongs to. */
static void
read_listener_zone(struct parse *p, const struct yaml_node *map, struct conf_listener *l)
{
	const struct yaml_node *n = yaml_get(&p->y, map, "zone");
	const struct conf *c = p->c;

	l->zone = CONF_NO_ZONE;
	if (n && l->transport != CONF_TLS) {
		report_error(p->rep, n->key_line, n->key_column,
			     "zone: only listeners with transport tls have one; remove it");
		return;
	}
	if (l->transport != CONF_TLS)
		return;
	if (!n && c->n_zones) {
		l->zone = 0;
		return;
	}
	for (uint32_t i = 0; n && i < c->n_zones; i++)
		if (str_ieqz(n->text, c->zone[i].fqdn))
			l->zone = (uint8_t)i;
	if (l->zone != CONF_NO_ZONE)
		return;
	if (n)
		report_error(p->rep, n->line, n->column,
			     "zone: there is no zone \"%.*s\"; write the fqdn of one of zones",
			     STR_ARG(str_sub(n->text, 0, 64)));
	else
		report_error(p->rep, map->line, map->column,
			     "listener: transport tls needs a zone; add one to zones");
}

static void
read_listeners(struct parse *p)
{
	const struct yaml_node *list =
		want_list(p, root_get(p, "listeners"), "listeners", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_listener *l = &c->listener[c->n_listeners];

		if (!has_room(p, n, "listeners", c->n_listeners, CONF_LISTENERS_MAX))
			return;
		l->line = n->line;
		l->column = n->column;
		schema_read(&p->y, n, listener_rows, ARRAY_LEN(listener_rows), "listener", l,
			    p->rep);
		if (l->advertised.family == 0)
			l->advertised = l->bind;
		read_listener_zone(p, n, l);
		for (uint32_t i = 0; i < c->n_listeners; i++)
			if (l->name[0] && strcmp(c->listener[i].name, l->name) == 0)
				report_error(p->rep, n->line, n->column,
					     "listener \"%s\" stands twice; give each its own name",
					     l->name);
		c->n_listeners++;
	}
	if (c->n_listeners == 0)
		report_error(
			p->rep, list ? list->line : 0, list ? list->column : 0,
			"listeners: there is none; give at least one for customers and one for "
			"carriers");
}

static void
read_ports(struct parse *p, const struct yaml_node *n)
{
	struct str hi, lo;
	uint32_t a = 0, b = 0;

	if (!n || !want_scalar(p, n, "ports", "a range such as 20000-29999"))
		return;
	hi = n->text;
	lo = str_trim(str_cut(&hi, '-'));
	if (str_u32(lo, 65535, &a) != ERR_OK || str_u32(str_trim(hi), 65535, &b) != ERR_OK ||
	    a < 1024 || a % 2 || b <= a) {
		report_error(
			p->rep, n->line, n->column,
			"ports: \"%.*s\" is not a range of ports; write two numbers from 1024 to "
			"65535, the first one even, such as 20000-29999",
			STR_ARG(str_sub(n->text, 0, 32)));
		return;
	}
	p->c->ports_line = n->line;
	p->c->ports_column = n->column;
	p->c->port_min = (uint16_t)a;
	p->c->port_max = (uint16_t)b;
}

/* The index of a named media address; def when the word does not stand. */
static uint8_t
read_media_use(struct parse *p, const struct yaml_node *map, const char *word, uint32_t def)
{
	const struct yaml_node *n = yaml_get(&p->y, map, word);
	uint8_t i;

	if (!n || !want_scalar(p, n, word, "the name of a media address"))
		return (uint8_t)def;
	i = conf_media_index(p->c, n->text);
	if (i == CONF_NO_ZONE)
		report_error(p->rep, n->line, n->column,
			     "%s: there is no media address \"%.*s\"; write the name of one of "
			     "addresses",
			     word, STR_ARG(str_sub(n->text, 0, 64)));
	return i;
}

static void
read_media_addresses(struct parse *p, const struct yaml_node *map)
{
	const struct yaml_node *list = want_list(p, yaml_get(&p->y, map, "addresses"), "addresses",
						 "a list of maps: name, bind, advertised");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_media *m = &c->media[c->n_media];

		if (!has_room(p, n, "addresses", c->n_media, MEDIA_ADDRS_MAX))
			return;
		m->line = n->line;
		m->column = n->column;
		schema_read(&p->y, n, address_rows, ARRAY_LEN(address_rows), "media address", m,
			    p->rep);
		if (m->advertised.family == 0)
			m->advertised = m->bind;
		if (m->name[0] && conf_media_index(c, str_from(m->name)) != CONF_NO_ZONE)
			report_error(p->rep, n->line, n->column,
				     "media address \"%s\" stands twice; give each its own name",
				     m->name);
		for (uint32_t i = 0; i < c->n_media; i++)
			if (m->bind.family && addr_ip_eq(&m->bind, &c->media[i].bind))
				report_error(
					p->rep, n->line, n->column,
					"media address \"%s\" binds what \"%s\" binds; one address "
					"serves both sides under one name",
					m->name, c->media[i].name);
		c->n_media++;
	}
}

static uint8_t
count_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return (uint8_t)(n < 1 ? 1 : n > MEDIA_WORKERS_MAX ? MEDIA_WORKERS_MAX : n);
}

static void
read_media(struct parse *p)
{
	const struct yaml_node *map = root_get(p, "media");
	struct conf *c = p->c;

	c->port_min = 20000;
	c->port_max = 29999;
	if (!map) {
		report_error(p->rep, 0, 0,
			     "\"media\" is missing; give at least one address: "
			     "media: {addresses: [{name: a, bind: 192.0.2.1}]}");
		return;
	}
	schema_read(&p->y, map, media_rows, ARRAY_LEN(media_rows), "media", c, p->rep);
	if (map->kind != YAML_MAP)
		return;
	read_media_addresses(p, map);
	if (c->n_media == 0) {
		report_error(p->rep, map->line, map->column,
			     "media: \"addresses\" is missing or empty; give at least one");
		return;
	}
	read_ports(p, yaml_get(&p->y, map, "ports"));
	c->media_customer = read_media_use(p, map, "customer", 0);
	c->media_carrier = read_media_use(p, map, "carrier", c->n_media - 1);
	/* with xdp each beyond the first needs a card that sorts by port */
	if (c->media_workers == 0)
		c->media_workers = c->media_io == IO_WANT_FIRST + IO_XDP ? 1 : count_processors();
}

static void
read_dns(struct parse *p)
{
	static const struct schema row = {
		"dns", SCHEMA_IP, 0,    0,     0,
		0,     NULL,      NULL, false, "write the address of a DNS server"};
	const struct yaml_node *list =
		want_list(p, root_get(p, "dns"), "dns", "a list of addresses");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct addr *a = &c->dns[c->n_dns];

		if (!has_room(p, n, "dns", c->n_dns, CONF_DNS_MAX))
			return;
		if (n->kind == YAML_SCALAR && addr_parse(n->text, a) == ERR_OK) {
			c->n_dns++; /* with a port, perhaps */
			continue;
		}
		(void)schema_value(n, &row, a, p->rep);
	}
}

static void
read_names(struct parse *p)
{
	static const struct schema row = {"names", SCHEMA_HOST, 0,     CONF_FQDN_MAX,      0, 0,
					  NULL,    NULL,        false, "write a host name"};
	const struct yaml_node *list =
		want_list(p, root_get(p, "names"), "names", "a list of host names");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		if (!has_room(p, n, "names", c->n_names, CONF_NAMES_MAX))
			return;
		if (schema_value(n, &row, c->names[c->n_names], p->rep))
			c->n_names++;
	}
}

static void
read_credentials(struct parse *p)
{
	const struct yaml_node *list =
		want_list(p, root_get(p, "credentials"), "credentials", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_credential *x = &c->credential[c->n_credentials];

		if (!has_room(p, n, "credentials", c->n_credentials, CREDENTIALS_MAX))
			return;
		confcredential_read(&p->y, n, p->rep, x);
		anchor_path(p, yaml_get(&p->y, n, "password_file"), x->password_file);
		if (confcredential_find(c->credential, c->n_credentials, str_from(x->name)))
			report_error(p->rep, n->line, n->column,
				     "credentials \"%s\" stand twice; keep one of them", x->name);
		c->n_credentials++;
	}
}

static void
read_log(struct parse *p)
{
	uint8_t level = LOG_INFO;

	read_section(p, "log", log_rows, ARRAY_LEN(log_rows), &level);
	p->c->log_level = level;
}

static void
read_paths(struct parse *p)
{
	struct conf *c = p->c;
	const struct yaml_node *node = root_get(p, "node");
	struct buf b;

	anchor_path(p, node ? yaml_get(&p->y, node, "run_dir") : NULL, c->run_dir);
	anchor_path(p, root_get(p, "store"), c->store);
	anchor_path(p, root_get(p, "cdr"), c->cdr);
	if (c->control[0]) {
		anchor_path(p, root_get(p, "control"), c->control);
		return;
	}
	buf_init(&b, c->control, sizeof(c->control) - 1);
	buf_printf(&b, "%s/control", c->run_dir);
	if (b.failed) {
		report_error(p->rep, 0, 0, "run_dir is too long for a control socket below it");
		return;
	}
	c->control[b.len] = 0;
}

static void
read_all(struct parse *p)
{
	schema_read(&p->y, &p->y.node[0], root_rows, ARRAY_LEN(root_rows), "the configuration",
		    p->c, p->rep);
	if (p->y.node[0].kind != YAML_MAP)
		return;
	read_section(p, "node", node_rows, ARRAY_LEN(node_rows), p->c);
	read_log(p);
	read_section(p, "limits", limit_rows, ARRAY_LEN(limit_rows), p->c);
	read_section(p, "handshakes", handshake_rows, ARRAY_LEN(handshake_rows), p->c);
	read_section(p, "timers", timer_rows, ARRAY_LEN(timer_rows), &p->c->timers);
	confnumbers_read(&p->y, root_get(p, "numbers"), p->rep, &p->c->numbers);
	conftls_read(&p->y, root_get(p, "tls_profiles"), p->rep, &p->c->tls);
	read_zones(p);
	read_crl(p);
	read_listeners(p);
	read_media(p);
	read_dns(p);
	read_names(p);
	read_credentials(p);
	read_paths(p);
}

/* Nothing else is looked at: wrong words elsewhere do not hide a running postern. */
static void
read_paths_only(struct parse *p)
{
	if (p->y.node[0].kind != YAML_MAP)
		return;
	schema_defaults(root_rows, ARRAY_LEN(root_rows), p->c, p->rep);
	for (size_t i = 0; i < ARRAY_LEN(root_rows); i++) {
		const struct yaml_node *v = root_get(p, root_rows[i].name);

		if (v && root_rows[i].type == SCHEMA_TEXT)
			(void)schema_value(v, &root_rows[i], p->c, p->rep);
	}
	read_section(p, "node", node_rows, ARRAY_LEN(node_rows), p->c);
	read_paths(p);
}

static enum err
parse_text(struct str text, const char *dir, struct conf_report *rep, struct conf *out,
	   void (*do_read)(struct parse *p))
{
	struct parse p = {.rep = rep, .dir = dir};
	uint32_t before = rep->n_errors;
	enum err e;

	p.c = mem_zalloc(1, sizeof(*p.c));
	if (!p.c)
		return ERR_NOMEM;
	e = yaml_parse(text, rep, &p.y);
	if (e == ERR_OK) {
		p.c->magic = CONF_MAGIC;
		p.c->layout = CONF_LAYOUT;
		p.c->size = sizeof(*p.c);
		do_read(&p);
		e = rep->n_errors > before ? ERR_CONFIG : ERR_OK;
		yaml_fini(&p.y);
	}
	if (e == ERR_OK)
		memcpy(out, p.c, sizeof(*out));
	mem_free(p.c);
	return e;
}

enum err
conf_parse(struct str text, const char *dir, struct conf_report *rep, struct conf *out)
{
	return parse_text(text, dir, rep, out, read_all);
}

static enum err
load_file(const char *path, struct conf_report *rep, struct conf *out,
	  void (*do_read)(struct parse *p))
{
	struct str text, dir = str_from(path);
	char mem[CONF_PATH_MAX];
	size_t slash = str_rchr(dir, '/');
	enum err e;

	/* "conf/x" -> "conf", "/x" -> "/.", "x" -> "" */
	dir = slash == dir.len ? STR_NULL : slash == 0 ? STR("/.") : str_sub(dir, 0, slash);
	if (str_copyz(mem, sizeof(mem), dir) != ERR_OK) {
		report_error(rep, 0, 0, "the path is longer than %d bytes", CONF_PATH_MAX - 1);
		return ERR_CONFIG;
	}
	e = yaml_read_file(path, rep, &text);
	if (e != ERR_OK)
		return e;
	e = parse_text(text, mem, rep, out, do_read);
	mem_free((void *)(uintptr_t)text.p);
	return e;
}

enum err
conf_load(const char *path, struct conf_report *rep, struct conf *out)
{
	return load_file(path, rep, out, read_all);
}

enum err
conf_load_paths(const char *path, struct conf_report *rep, struct conf *out)
{
	return load_file(path, rep, out, read_paths_only);
}

uint32_t
conf_calls_fit(const struct conf *c)
{
	uint32_t pairs = c->port_max > c->port_min ? (c->port_max - c->port_min + 1U) / 2 : 0;

	pairs -= port_reserve(pairs);
	return c->media_customer == c->media_carrier ? pairs / 2 : pairs;
}

void
conf_media_plan(const struct conf *c, struct media_plan *out)
{
	memset(out, 0, sizeof(*out));
	out->n_addrs = c->n_media;
	for (uint32_t i = 0; i < c->n_media; i++) {
		out->bound[i] = c->media[i].bind;
		out->advertised[i] = c->media[i].advertised;
	}
	out->port_min = c->port_min;
	out->port_max = c->port_max;
	out->n_workers = c->media_workers;
}

enum err
conf_open(struct str bytes, const struct conf **out)
{
	const struct conf *c = (const void *)bytes.p;

	if (bytes.len != sizeof(*c) || (uintptr_t)bytes.p % _Alignof(struct conf))
		return ERR_VERSION;
	if (c->magic != CONF_MAGIC || c->layout != CONF_LAYOUT || c->size != sizeof(*c))
		return ERR_VERSION;
	*out = c;
	return ERR_OK;
}

uint8_t
conf_media_index(const struct conf *c, struct str name)
{
	for (uint32_t i = 0; i < c->n_media; i++)
		if (str_eqz(name, c->media[i].name))
			return (uint8_t)i;
	return CONF_NO_ZONE;
}
