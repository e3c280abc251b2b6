#include "conf/load.h"

#include <string.h>

#include "conf/listener.h"
#include "conf/media.h"
#include "conf/numbers.h"
#include "conf/zone.h"
#include "base/mem.h"

static const struct schema root_rows[] = {
	CONF_NODE("node", "a map: id, name, run_dir, user"),
	CONF_NODE("log", "a map: level"),
	CONF_NODE("limits", "a map: calls, attempts"),
	CONF_NODE("numbers", "a map: country, home, emergency, access, premium"),
	CONF_NODE("tls_profiles",
		  "a list of maps: name, min, max, suites, suites13, sigalgs, rsa_only"),
	CONF_NODE("zones", "a list of zones"),
	CONF_NODE("crl", "a map: fetch, staple, hosts"),
	CONF_NODE("listeners", "a list of listeners"),
	CONF_NODE("media", "a map: addresses, ports, customer, carrier"),
	CONF_NODE("timers", "a map of times"),
	CONF_NODE("handshakes", "a map: keep, days"),
	CONF_NODE("dns", "a list of addresses of DNS servers"),
	CONF_NODE("names", "a list of host names under which carriers call this node"),
	CONF_NODE("credentials", "a list of maps: name, realm, user, password_file, algorithms"),
	{"store", SCHEMA_TEXT, CONF_FIELD(conf, store), 0, 0, "/var/lib/postern/postern.db", NULL,
	 false, "the file of accounts"},
	{"cdr", SCHEMA_TEXT, CONF_FIELD(conf, cdr), 0, 0, "/var/lib/postern/cdr.jsonl", NULL, false,
	 "the file that call records are added to"},
	{"control", SCHEMA_TEXT, CONF_FIELD(conf, control), 0, 0, "", NULL, false,
	 "the control socket; default: control in run_dir"},
	{"trace", SCHEMA_WORD, CONF_FIELD(conf, trace), 0, 0, "all", "all failed off", false,
	 "one of: all failed off"},
	{"trace_size", SCHEMA_U32, CONF_FIELD(conf, trace_mib), 1, 1024, "16", NULL, false,
	 "megabytes of messages that are kept, 1 to 1024"},
	{"stop_timeout", SCHEMA_MS, CONF_FIELD(conf, stop_timeout), 0, 600000, "5s", NULL, false,
	 "a time such as 5s, at most 10m"},
};

static const struct schema node_rows[] = {
	{"id", SCHEMA_U8, CONF_FIELD(conf, node_id), 0, 255, "1", NULL, false,
	 "a number, 0 to 255"},
	{"name", SCHEMA_ID, CONF_FIELD(conf, node_name), 0, 0, "postern", NULL, false,
	 "a short name, such as sbc1"},
	{"run_dir", SCHEMA_TEXT, CONF_FIELD(conf, run_dir), 0, 0, "/run/postern", NULL, false,
	 "a folder that postern may write to"},
	{"user", SCHEMA_ID, CONF_FIELD(conf, user), 0, 0, "", NULL, false,
	 "a user name; without it the roles keep the user that started postern"},
};

static const struct schema handshake_rows[] = {
	{"keep", SCHEMA_U32, CONF_FIELD(conf, handshakes_keep), 100, 10000000, "100000", NULL,
	 false, "handshakes and refused requests that are kept, 100 to 10000000"},
	{"days", SCHEMA_U32, CONF_FIELD(conf, handshakes_days), 1, 3650, "30", NULL, false,
	 "days that they are kept, 1 to 3650"},
};

static const struct schema log_rows[] = {
	{"level", SCHEMA_WORD, 0, 0, 0, 0, "info", "error warn info debug", false,
	 "how much to log"},
};

static const struct schema limit_rows[] = {
	{"calls", SCHEMA_U32, CONF_FIELD(conf, max_calls), 1, 100000, "1000", NULL, false,
	 "concurrent calls, 1 to 100000"},
	{"attempts", SCHEMA_U32, CONF_FIELD(conf, max_attempts), 0, 100000, "0", NULL, false,
	 "INVITEs a second, 0 = no limit"},
};

/* Largest times: nothing sensible is near them. */
enum { T_SHORT = 60000, T_LONG = 86400000 };
static const struct schema timer_rows[] = {
	{"t1", SCHEMA_MS, CONF_FIELD(conf_timers, t1), 10, T_SHORT, "500ms", NULL, false,
	 "a time, such as 500ms"},
	{"t2", SCHEMA_MS, CONF_FIELD(conf_timers, t2), 10, T_SHORT, "4s", NULL, false,
	 "a time, such as 4s"},
	{"t4", SCHEMA_MS, CONF_FIELD(conf_timers, t4), 10, T_SHORT, "5s", NULL, false,
	 "a time, such as 5s"},
	{"trying_tls", SCHEMA_MS, CONF_FIELD(conf_timers, trying_tls), 100, T_SHORT, "3s", NULL,
	 false, "a time, such as 4s"},
	{"trying_tcp", SCHEMA_MS, CONF_FIELD(conf_timers, trying_tcp), 100, T_SHORT, "3s", NULL,
	 false, "a time, such as 4s"},
	{"trying_udp", SCHEMA_MS, CONF_FIELD(conf_timers, trying_udp), 100, T_SHORT, "1s", NULL,
	 false, "a time, such as 1s"},
	{"connect", SCHEMA_MS, CONF_FIELD(conf_timers, connect), 100, T_SHORT, "3s", NULL, false,
	 "a time, such as 3s"},
	{"ping", SCHEMA_MS, CONF_FIELD(conf_timers, ping), 0, T_LONG, "30s", NULL, false,
	 "a time, such as 30s; 0s for none"},
	{"media", SCHEMA_MS, CONF_FIELD(conf_timers, media), 1000, T_LONG, "300s", NULL, false,
	 "a time, such as 300s"},
	{"media_lost", SCHEMA_MS, CONF_FIELD(conf_timers, media_lost), 1000, T_LONG, "10s", NULL,
	 false, "a time, such as 10s"},
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

static void
read_dns(struct confparse *p)
{
	static const struct schema row = {
		"dns", SCHEMA_IP, 0,    0,     0,
		0,     NULL,      NULL, false, "write the address of a DNS server"};
	const struct yaml_node *list =
		confparse_list(p, confparse_root(p, "dns"), "dns", "a list of addresses");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct addr *a = &c->dns[c->n_dns];

		if (!confparse_room(p, n, "dns", c->n_dns, CONF_DNS_MAX))
			return;
		if (n->kind == YAML_SCALAR && addr_parse(n->text, a) == ERR_OK) {
			c->n_dns++; /* with a port, perhaps */
			continue;
		}
		(void)schema_value(n, &row, a, p->rep);
	}
}

static void
read_names(struct confparse *p)
{
	static const struct schema row = {"names", SCHEMA_HOST, 0,     CONF_FQDN_MAX,      0, 0,
					  NULL,    NULL,        false, "write a host name"};
	const struct yaml_node *list =
		confparse_list(p, confparse_root(p, "names"), "names", "a list of host names");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		if (!confparse_room(p, n, "names", c->n_names, CONF_NAMES_MAX))
			return;
		if (schema_value(n, &row, c->names[c->n_names], p->rep))
			c->n_names++;
	}
}

static void
read_credentials(struct confparse *p)
{
	const struct yaml_node *list = confparse_list(p, confparse_root(p, "credentials"),
						      "credentials", "a list of maps");
	struct conf *c = p->c;

	for (const struct yaml_node *n = list ? yaml_first(&p->y, list) : NULL; n;
	     n = yaml_next(&p->y, n)) {
		struct conf_credential *x = &c->credential[c->n_credentials];

		if (!confparse_room(p, n, "credentials", c->n_credentials, CREDENTIALS_MAX))
			return;
		confcredential_read(&p->y, n, p->rep, x);
		confparse_path(p, yaml_get(&p->y, n, "password_file"), x->password_file);
		if (confcredential_find(c->credential, c->n_credentials, str_from(x->name)))
			report_error(p->rep, n->line, n->column,
				     "credentials \"%s\" stand twice; keep one of them", x->name);
		c->n_credentials++;
	}
}

static void
read_log(struct confparse *p)
{
	uint8_t level = LOG_INFO;

	confparse_section(p, "log", log_rows, ARRAY_LEN(log_rows), &level);
	p->c->log_level = level;
}

static void
read_paths(struct confparse *p)
{
	struct conf *c = p->c;
	const struct yaml_node *node = confparse_root(p, "node");
	struct buf b;

	confparse_path(p, node ? yaml_get(&p->y, node, "run_dir") : NULL, c->run_dir);
	confparse_path(p, confparse_root(p, "store"), c->store);
	confparse_path(p, confparse_root(p, "cdr"), c->cdr);
	if (c->control[0]) {
		confparse_path(p, confparse_root(p, "control"), c->control);
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

/* One sentence says more than one about each of its words. */
static bool
is_accounts_file(struct confparse *p)
{
	const struct yaml_node *n = confparse_root(p, "accounts");

	if (!n)
		n = confparse_root(p, "carriers");
	if (!n || confparse_root(p, "listeners") || confparse_root(p, "media"))
		return false;
	report_error(p->rep, n->key_line, n->key_column,
		     "this is a file of accounts, no configuration; put it in use with postern "
		     "apply -c CONF FILE, where CONF is the configuration, such as "
		     "/etc/postern/postern.yaml");
	return true;
}

static void
read_all(struct confparse *p)
{
	if (is_accounts_file(p))
		return;
	schema_read(&p->y, &p->y.node[0], root_rows, ARRAY_LEN(root_rows), "the configuration",
		    p->c, p->rep);
	if (p->y.node[0].kind != YAML_MAP)
		return;
	confparse_section(p, "node", node_rows, ARRAY_LEN(node_rows), p->c);
	read_log(p);
	confparse_section(p, "limits", limit_rows, ARRAY_LEN(limit_rows), p->c);
	confparse_section(p, "handshakes", handshake_rows, ARRAY_LEN(handshake_rows), p->c);
	confparse_section(p, "timers", timer_rows, ARRAY_LEN(timer_rows), &p->c->timers);
	confnumbers_read(&p->y, confparse_root(p, "numbers"), p->rep, &p->c->numbers);
	conftls_read(&p->y, confparse_root(p, "tls_profiles"), p->rep, &p->c->tls);
	confzone_read(p);
	confcrl_read(p);
	conflistener_read(p);
	confmedia_read(p);
	read_dns(p);
	read_names(p);
	read_credentials(p);
	read_paths(p);
}

/* Nothing else is looked at: wrong words elsewhere do not hide a running postern. */
static void
read_paths_only(struct confparse *p)
{
	if (p->y.node[0].kind != YAML_MAP)
		return;
	schema_defaults(root_rows, ARRAY_LEN(root_rows), p->c, p->rep);
	for (size_t i = 0; i < ARRAY_LEN(root_rows); i++) {
		const struct yaml_node *v = confparse_root(p, root_rows[i].name);

		if (v && root_rows[i].type == SCHEMA_TEXT)
			(void)schema_value(v, &root_rows[i], p->c, p->rep);
	}
	confparse_section(p, "node", node_rows, ARRAY_LEN(node_rows), p->c);
	read_paths(p);
}

static enum err
parse_text(struct str text, const char *dir, struct conf_report *rep, struct conf *out,
	   void (*do_read)(struct confparse *p))
{
	struct confparse p = {.rep = rep, .dir = dir};
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
	  void (*do_read)(struct confparse *p))
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
