#include "conf/media.h"

#include <unistd.h>

#include "media/io_choice.h"

static const struct schema media_rows[] = {
	CONF_NODE("addresses", "a list of maps: name, bind, advertised"),
	CONF_NODE("ports", "a range such as 20000-29999"),
	CONF_NODE("customer", "the name of a media address; default: the first one"),
	CONF_NODE("carrier", "the name of a media address; default: the last one"),
	{"io", SCHEMA_WORD, CONF_FIELD(conf, media_io), 0, 0, "auto", IO_WORDS, false,
	 "one of: " IO_WORDS},
	{"workers", SCHEMA_U8, CONF_FIELD(conf, media_workers), 0, MEDIA_WORKERS_MAX, "0", NULL,
	 false, "how many threads; 0 = one a processor"},
	{"tick", SCHEMA_WORD, CONF_FIELD(conf, media_tick), 0, 0, "adaptive",
	 "adaptive event 250us 500us 1ms", false, "how packets are waited for"},
};

static const struct schema address_rows[] = {
	{"name", SCHEMA_ID, CONF_FIELD(conf_media, name), 0, 0, NULL, NULL, true, "a short name"},
	{"bind", SCHEMA_IP, CONF_FIELD(conf_media, bind), 0, 0, NULL, NULL, true,
	 "an address of this machine"},
	{"advertised", SCHEMA_IP, CONF_FIELD(conf_media, advertised), 0, 0, NULL, NULL, false,
	 "the address as seen from outside; default: bind"},
};

static void
read_ports(struct confparse *p, const struct yaml_node *n)
{
	struct str hi, lo;
	uint32_t a = 0, b = 0;

	if (!n || !confparse_scalar(p, n, "ports", "a range such as 20000-29999"))
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
read_media_use(struct confparse *p, const struct yaml_node *map, const char *word, uint32_t def)
{
	const struct yaml_node *n = yaml_get(&p->y, map, word);
	uint8_t i;

	if (!n || !confparse_scalar(p, n, word, "the name of a media address"))
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
read_media_addresses(struct confparse *p, const struct yaml_node *map)
{
	const struct yaml_node *list =
		confparse_list(p, yaml_get(&p->y, map, "addresses"), "addresses",
			       "a list of maps: name, bind, advertised");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_media *m = &c->media[c->n_media];

		if (!confparse_room(p, n, "addresses", c->n_media, MEDIA_ADDRS_MAX))
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

void
confmedia_read(struct confparse *p)
{
	const struct yaml_node *map = confparse_root(p, "media");
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
