/* What of a configuration read again may be used at once. */
#include "told.h"

#include "conf/load.h"
#include "conf/merge.h"
#include "base/mem.h"

static struct conf now, next;
static char mem[4096];
static struct buf text;

static void
make_conf(struct conf *c)
{
	static const char yaml[] =
		"zones:\n"
		"  - {fqdn: a.example.com, certificate: a.pem, key: a.key, trust: [ca.pem]}\n"
		"  - {fqdn: b.example.com, certificate: b.pem, key: b.key, trust: [ca.pem]}\n"
		"listeners:\n"
		"  - {name: c, transport: tls, bind: \"192.0.2.1:5061\", side: customer,"
		" zone: b.example.com}\n"
		"  - {name: g, transport: udp, bind: \"192.0.2.1:5060\", side: carrier}\n"
		"media:\n"
		"  addresses: [{name: out, bind: 192.0.2.1}, {name: in, bind: 10.0.0.1}]\n"
		"dns: [192.0.2.53]\n";
	struct conf_report rep = {0};

	assert_int_equal(conf_parse(str_from(yaml), "/etc/p", &rep, c), ERR_OK);
}

static int
setup(void **state)
{
	(void)state;
	buf_init(&text, mem, sizeof(mem));
	make_conf(&now);
	make_conf(&next);
	return 0;
}

/* What may change at run time, does, without a word. */
static void
test_live(void **state)
{
	(void)state;
	next.zone[0].tls.profile = TLS_PROFILE_MODERN;
	(void)snprintf(next.zone[1].certificate, CONF_PATH_MAX, "/new.pem");
	next.zone[1].line += 7;
	next.listener[0].line += 7;
	next.timers.t1 = 400;
	next.max_attempts = 9;
	next.stop_timeout = 1;
	(void)snprintf(next.numbers.country, sizeof(next.numbers.country), "44");
	assert_int_equal(confmerge(&now, &next, &text), 0);
	assert_string_equal(buf_cstr(&text), "");
	assert_int_equal(next.zone[0].tls.profile, TLS_PROFILE_MODERN);
	assert_string_equal(next.zone[1].certificate, "/new.pem");
	assert_int_equal(next.timers.t1, 400);
	assert_int_equal(next.max_attempts, 9);
	assert_int_equal(next.stop_timeout, 1);
	assert_string_equal(next.numbers.country, "44");
}

/* Each word that is used at once is said, and only these. */
static void
test_changes(void **state)
{
	(void)state;
	next.zone[1].line += 7;
	confmerge_put_changes(&now, &next, &text);
	assert_string_equal(buf_cstr(&text), "");
	next.zone[0].tls.profile = TLS_PROFILE_MODERN;
	next.zone[0].client_certificate = CONF_CLIENT_OPTIONAL;
	(void)snprintf(next.zone[1].certificate, CONF_PATH_MAX, "/new.pem");
	next.zone[1].tls.authorities ^= 1;
	next.timers.ping = 10000;
	next.timers.t1 = 1250;
	next.max_attempts = 9;
	next.crl.fetch = !now.crl.fetch;
	(void)snprintf(next.crl.host[0], CONF_FQDN_MAX, "crl.example.com");
	(void)snprintf(next.numbers.country, sizeof(next.numbers.country), "44");
	assert_int_equal(confmerge(&now, &next, &text), 0);
	confmerge_put_changes(&now, &next, &text);
	assert_string_equal(buf_cstr(&text),
			    "zones a.example.com: profile carrier -> modern\n"
			    "zones a.example.com: client_certificate required -> optional\n"
			    "zones b.example.com: certificate /etc/p/b.pem -> /new.pem\n"
			    "zones b.example.com: authorities changed\n"
			    "limits: attempts 0 -> 9\n"
			    "timers: t1 500ms -> 1250ms\n"
			    "timers: ping 30s -> 10s\n"
			    "crl: fetch yes -> no\n"
			    "crl: hosts changed\n"
			    "numbers: country 1 -> 44\n");
}

/* An own profile that keeps its name, and what needs a restart, which is not in use. */
static void
test_changes_profile(void **state)
{
	(void)state;
	now.tls.n = next.tls.n = 1;
	now.tls.row[0] = next.tls.row[0] = *tls_profile_row(TLS_PROFILE_MODERN);
	(void)snprintf(now.tls.row[0].word, TLS_PROFILE_WORD_MAX, "own");
	(void)snprintf(next.tls.row[0].word, TLS_PROFILE_WORD_MAX, "own");
	next.tls.row[0].min = 0x0304;
	now.zone[0].tls.profile = next.zone[0].tls.profile = TLS_PROFILE_N;
	next.max_calls = 7;
	assert_int_equal(confmerge(&now, &next, &text), 1);
	buf_reset(&text);
	confmerge_put_changes(&now, &next, &text);
	assert_string_equal(buf_cstr(&text), "zones a.example.com: profile own changed\n");
}

static void
change_id(struct conf *c)
{
	c->node_id = 99;
}
static void
change_name(struct conf *c)
{
	c->node_name[0] = 'X';
}
static void
change_run_dir(struct conf *c)
{
	c->run_dir[0] = 'X';
}
static void
change_store(struct conf *c)
{
	c->store[0] = 'X';
}
static void
change_calls(struct conf *c)
{
	c->max_calls = 7;
}
static void
change_keep(struct conf *c)
{
	c->handshakes_keep++;
}

static void
change_device(struct conf *c)
{
	c->listener[1].device[0] = 'x';
}

static void
change_level(struct conf *c)
{
	c->log_level = LOG_DEBUG;
}
static void
change_bind(struct conf *c)
{
	c->listener[1].bind.port = 1;
}
static void
change_advertised(struct conf *c)
{
	c->listener[0].advertised.ip[0] = 1;
}
static void
drop_listener(struct conf *c)
{
	c->n_listeners--;
}
static void
change_zone_of(struct conf *c)
{
	c->listener[0].zone = 0;
}
static void
change_ports(struct conf *c)
{
	c->port_max = 20001;
}
static void
change_media(struct conf *c)
{
	c->media[1].bind.ip[3] = 7;
}
static void
change_side(struct conf *c)
{
	c->media_carrier = 0;
}
static void
change_io(struct conf *c)
{
	c->media_io = 1;
}
static void
change_dns(struct conf *c)
{
	c->dns[0].ip[3] = 1;
}
static void
change_names(struct conf *c)
{
	c->n_names = 1;
	c->names[0][0] = 'x';
}
static void
change_fqdn(struct conf *c)
{
	c->zone[0].fqdn[0] = 'x';
}
static void
drop_zone(struct conf *c)
{
	c->n_zones = 1;
}

static void
test_fixed(void **state)
{
	static const struct {
		const char *name;
		void (*do_change)(struct conf *c);
		const char *line;
	} rows[] = {
		{"id", change_id, "node: id: differs"},
		{"name", change_name, "node: name: differs"},
		{"run_dir", change_run_dir, "node: run_dir: differs"},
		{"store", change_store, "store: differs"},
		{"calls", change_calls, "limits: calls: differs"},
		{"level", change_level, "log: level: differs"},
		{"keep", change_keep, "handshakes: keep: differs"},
		{"device", change_device, "listeners: differs"},
		{"bind", change_bind, "listeners: differs"},
		{"advertised", change_advertised, "listeners: differs"},
		{"a listener less", drop_listener, "listeners: differs"},
		{"zone of a listener", change_zone_of, "listeners: differs"},
		{"ports", change_ports, "media: differs"},
		{"media address", change_media, "media: differs"},
		{"media side", change_side, "media: differs"},
		{"media io", change_io, "media: differs"},
		{"dns", change_dns, "dns: differs"},
		{"names", change_names, "names: differs"},
		{"name of a zone", change_fqdn,
		 "zones: x.example.com is new, which needs a restart; until then nobody is "
		 "served under this name\nzones: a.example.com is gone"},
		{"a zone less", drop_zone,
		 "zones: b.example.com is gone, which needs a restart; until then it is"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		make_conf(&next);
		buf_reset(&text);
		rows[i].do_change(&next);
		next.timers.t1 = 123;
		assert_int_equal(confmerge(&now, &next, &text), 1);
		assert_true(str_starts(buf_view(&text), str_from(rows[i].line)));
		assert_int_equal(next.timers.t1, 123); /* the rest is taken */
		next.timers.t1 = now.timers.t1;
		assert_memory_equal(&next, &now, sizeof(now));
	}
}

/* Zones are found by name: another order in the file moves nothing. */
static void
test_order(void **state)
{
	struct conf_zone z = next.zone[0];

	(void)state;
	next.zone[0] = next.zone[1];
	next.zone[1] = z;
	next.listener[0].zone = 0;
	next.zone[1].tls.profile = TLS_PROFILE_MODERN; /* a.example.com */
	assert_int_equal(confmerge(&now, &next, &text), 0);
	assert_string_equal(next.zone[0].fqdn, "a.example.com");
	assert_int_equal(next.zone[0].tls.profile, TLS_PROFILE_MODERN);
	assert_string_equal(next.zone[1].certificate, "/etc/p/b.pem");
	assert_int_equal(next.listener[0].zone, 1);
}

/* A further zone waits for the restart, the others are read again. */
static void
test_one_more(void **state)
{
	(void)state;
	next.zone[2] = next.zone[1];
	(void)snprintf(next.zone[2].fqdn, CONF_FQDN_MAX, "c.example.com");
	next.n_zones = 3;
	next.zone[1].tls.profile = TLS_PROFILE_MODERN;
	assert_int_equal(confmerge(&now, &next, &text), 1);
	assert_int_equal(next.n_zones, 2);
	assert_int_equal(next.zone[1].tls.profile, TLS_PROFILE_MODERN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_live, setup),
		cmocka_unit_test_setup(test_changes, setup),
		cmocka_unit_test_setup(test_changes_profile, setup),
		cmocka_unit_test_setup(test_fixed, setup),
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_one_more, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
