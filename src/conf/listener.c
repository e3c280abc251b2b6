#include "conf/listener.h"

#include <string.h>

static const struct schema listener_rows[] = {
	{"name", SCHEMA_ID, CONF_FIELD(conf_listener, name), 0, 0, NULL, NULL, true,
	 "a short name"},
	{"transport", SCHEMA_WORD, CONF_FIELD(conf_listener, transport), 0, 0, NULL, "tls udp tcp",
	 true, "one of: tls udp tcp"},
	{"bind", SCHEMA_ADDR, CONF_FIELD(conf_listener, bind), 0, 0, NULL, NULL, true,
	 "an address with a port, such as 192.0.2.1:5061"},
	{"advertised", SCHEMA_ADDR, CONF_FIELD(conf_listener, advertised), 0, 0, NULL, NULL, false,
	 "an address with a port, as seen from outside; default: bind"},
	{"side", SCHEMA_WORD, CONF_FIELD(conf_listener, side), 0, 0, NULL, "customer carrier", true,
	 "one of: customer carrier"},
	{"device", SCHEMA_TEXT, CONF_FIELD(conf_listener, device), 0, 0, "", NULL, false,
	 "the name of a network interface, such as eth1"},
	CONF_NODE("zone", "the fqdn of a zone; default: the first one"),
};

/* The zone that a TLS listener belongs to. */
static void
read_listener_zone(struct confparse *p, const struct yaml_node *map, struct conf_listener *l)
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

void
conflistener_read(struct confparse *p)
{
	const struct yaml_node *list =
		confparse_list(p, confparse_root(p, "listeners"), "listeners", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_listener *l = &c->listener[c->n_listeners];

		if (!confparse_room(p, n, "listeners", c->n_listeners, CONF_LISTENERS_MAX))
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
