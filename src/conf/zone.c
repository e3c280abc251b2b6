#include "conf/zone.h"

#include <string.h>

static const struct schema zone_rows[] = {
	{"fqdn", SCHEMA_HOST, CONF_FIELD(conf_zone, fqdn), 0, 0, NULL, NULL, true,
	 "the name that customers find us under"},
	{"certificate", SCHEMA_TEXT, CONF_FIELD(conf_zone, certificate), 0, 0, NULL, NULL, true,
	 "a PEM file: our certificate, then its issuers"},
	{"key", SCHEMA_TEXT, CONF_FIELD(conf_zone, key), 0, 0, NULL, NULL, true,
	 "a PEM file: the private key of the certificate"},
	{"client_certificate", SCHEMA_WORD, CONF_FIELD(conf_zone, client_certificate), 0, 0,
	 "required", "required optional none", false, "is a certificate asked of who connects"},
	CONF_NODE("profile", "the TLS profile: carrier, modern or one of tls_profiles"),
	CONF_NODE("authorities", "a list of names of authorities, such as [DigiCert, GoDaddy]"),
	CONF_NODE("trust", "a list of PEM files of authorities, or the word system"),
	CONF_NODE("crls", "a list of files of revocation lists"),
};

static const struct schema crl_rows[] = {
	{"fetch", SCHEMA_BOOL, CONF_FIELD(conf_crl, fetch), 0, 0, "yes", NULL, false, "yes or no"},
	{"staple", SCHEMA_BOOL, CONF_FIELD(conf_crl, staple), 0, 0, "yes", NULL, false,
	 "yes or no"},
	CONF_NODE("hosts", "a list of host names or addresses"),
};

struct file_list {
	char (*path)[CONF_PATH_MAX];
	struct conf_at *at;
	uint32_t *n, max;
	bool *system; /* the word system may stand there; NULL: it is a file like others */
};

static struct conf_at
at_of(const struct yaml_node *n)
{
	return n ? (struct conf_at){n->line, n->column} : (struct conf_at){0};
}

static void
read_files(struct confparse *p, const struct yaml_node *zone, const char *word, const char *help,
	   const struct file_list *f)
{
	const struct yaml_node *list = confparse_list(p, yaml_get(&p->y, zone, word), word, help);

	if (!list)
		return;
	for (const struct yaml_node *n = yaml_first(&p->y, list); n; n = yaml_next(&p->y, n)) {
		if (!confparse_scalar(p, n, word, "the name of a file"))
			continue;
		if (f->system && str_eqz(n->text, "system") && n->plain) {
			*f->system = true;
			continue;
		}
		if (!confparse_room(p, n, word, *f->n, f->max))
			return;
		if (n->text.len == 0 ||
		    str_copyz(f->path[*f->n], CONF_PATH_MAX, n->text) != ERR_OK) {
			report_error(p->rep, n->line, n->column,
				     "%s: not a path of 1 to %d bytes; write the name of a file",
				     word, CONF_PATH_MAX - 1);
			continue;
		}
		f->at[*f->n] = at_of(n);
		confparse_path(p, n, f->path[(*f->n)++]);
	}
}

static void
read_trust(struct confparse *p, const struct yaml_node *zone, struct conf_zone *z)
{
	struct file_list trust = {z->trust, z->trust_at, &z->n_trust, CONF_TRUST_MAX,
				  &z->trust_system};
	struct file_list crls = {z->crls, z->crls_at, &z->n_crls, CONF_CRLS_MAX, NULL};

	read_files(p, zone, "trust", "a list of PEM files", &trust);
	read_files(p, zone, "crls", "a list of files", &crls);
}

void
confzone_read(struct confparse *p)
{
	const struct yaml_node *list =
		confparse_list(p, confparse_root(p, "zones"), "zones", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_zone *z = &c->zone[c->n_zones];
		const struct yaml_node *certificate, *key;

		if (!confparse_room(p, n, "zones", c->n_zones, CONF_ZONES_MAX))
			return;
		z->line = n->line;
		z->column = n->column;
		schema_read(&p->y, n, zone_rows, ARRAY_LEN(zone_rows), "zone", z, p->rep);
		if (n->kind == YAML_MAP)
			conftls_read_zone(&p->y, n, p->rep, &c->tls, &z->tls);
		read_trust(p, n, z);
		certificate = yaml_get(&p->y, n, "certificate");
		key = yaml_get(&p->y, n, "key");
		z->certificate_at = at_of(certificate);
		z->key_at = at_of(key);
		confparse_path(p, certificate, z->certificate);
		confparse_path(p, key, z->key);
		for (uint32_t i = 0; i < c->n_zones; i++)
			if (z->fqdn[0] && strcmp(c->zone[i].fqdn, z->fqdn) == 0)
				report_error(p->rep, n->line, n->column,
					     "zone \"%s\" stands twice; keep one of them", z->fqdn);
		c->n_zones++;
	}
}

void
confcrl_read(struct confparse *p)
{
	const struct yaml_node *map = confparse_root(p, "crl"), *list;
	struct conf_crl *r = &p->c->crl;

	confparse_section(p, "crl", crl_rows, ARRAY_LEN(crl_rows), r);
	list = map ? confparse_list(p, yaml_get(&p->y, map, "hosts"), "hosts", "a list of hosts")
		   : NULL;
	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		if (!confparse_room(p, n, "hosts", r->n_hosts, CONF_CRL_HOSTS_MAX))
			return;
		if (!confparse_scalar(p, n, "hosts", "a host name or address"))
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
