#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "conf/zoneplan.h"

static struct conf conf;
static struct zone_seen seen;
static char told[512];

/* "tls" listeners of zone 0 at these addresses; NULL ends. */
static void
make_conf(const char *const *at)
{
	memset(&conf, 0, sizeof(conf));
	(void)snprintf(conf.zone[0].fqdn, sizeof(conf.zone[0].fqdn), "sbc.example");
	conf.n_zones = 1;
	for (uint32_t i = 0; at[i]; i++) {
		struct conf_listener *l = &conf.listener[conf.n_listeners++];

		(void)snprintf(l->name, sizeof(l->name), "door%u", i);
		l->transport = CONF_TLS;
		l->side = CONF_SIDE_CUSTOMER;
		assert_int_equal(addr_parse(str_from(at[i]), &l->advertised), ERR_OK);
	}
}

static void
records(void **state)
{
	static const struct {
		const char *name;
		const char *at[4];
		const char *want;
	} rows[] = {
		{"one",
		 {"192.0.2.1:5061"},
		 "sbc.example NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.sbc.example.\n"
		 "_sips._tcp.sbc.example SRV 10 100 5061 sbc.example.\n"
		 "sbc.example A 192.0.2.1\n"},
		{"both families, one port",
		 {"192.0.2.1:5061", "[2001:db8::1]:5061"},
		 "sbc.example NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.sbc.example.\n"
		 "_sips._tcp.sbc.example SRV 10 100 5061 sbc.example.\n"
		 "sbc.example A 192.0.2.1\n"
		 "sbc.example AAAA 2001:db8::1\n"},
		{"two ports: a name each",
		 {"192.0.2.1:5061", "192.0.2.2:5071"},
		 "sbc.example NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.sbc.example.\n"
		 "_sips._tcp.sbc.example SRV 10 100 5061 door0.sbc.example.\n"
		 "_sips._tcp.sbc.example SRV 10 100 5071 door1.sbc.example.\n"
		 "door0.sbc.example A 192.0.2.1\n"
		 "door1.sbc.example A 192.0.2.2\n"},
		{"the same twice",
		 {"192.0.2.1:5061", "192.0.2.1:5061"},
		 "sbc.example NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.sbc.example.\n"
		 "_sips._tcp.sbc.example SRV 10 100 5061 sbc.example.\n"
		 "sbc.example A 192.0.2.1\n"},
		{"none", {NULL}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[2048] = "";
		struct zone_plan p;
		struct zone_record r;

		print_message("# %s\n", rows[i].name);
		make_conf(rows[i].at);
		zone_plan(&conf, 0, &p);
		for (uint32_t k = 0; zone_plan_record(&p, k, &r) == ERR_OK; k++)
			(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s %s %s\n",
				       r.name, zone_type_name(r.type), r.data);
		assert_string_equal(got, rows[i].want);
	}
}

/* Listeners of another side, transport or zone are no doors. */
static void
other_listeners(void **state)
{
	static const char *const at[] = {"192.0.2.1:5061", "192.0.2.2:5061", "192.0.2.3:5061",
					 "192.0.2.4:5061", NULL};
	struct zone_plan p;

	(void)state;
	make_conf(at);
	conf.listener[1].transport = CONF_UDP;
	conf.listener[2].side = CONF_SIDE_CARRIER;
	conf.listener[3].zone = 1;
	zone_plan(&conf, 0, &p);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.door[0].addr.ip[3], 1);
}

static void
note(void *arg, enum zone_level level, const char *what, const char *text)
{
	(void)arg;
	(void)snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s%s",
		       told[0] ? " " : "", level == ZONE_WRONG ? "!" : "", what);
	assert_true(strlen(text) > 20);
}

static void
addresses(struct dns_answer *a, enum dns_type type, const char *list, uint32_t ttl, bool alias)
{
	struct str rest = str_from(list);

	memset(a, 0, sizeof(*a));
	a->ttl = ttl;
	a->alias = alias;
	while (rest.len) {
		struct dns_record *r = &a->rec[a->n];

		assert_int_equal(addr_parse_ip(str_cut(&rest, ' '), &r->addr), ERR_OK);
		r->type = (uint16_t)type;
		a->n++;
	}
	a->status = a->n ? DNS_OK : DNS_NODATA;
}

static void
compare(void **state)
{
	static const struct {
		const char *name;
		enum dns_status srv;
		struct {
			const char *target;
			uint16_t port;
			const char *a, *aaaa;
			bool alias;
		} target[2];
		const char *naptr; /* its target; NULL: none */
		uint32_t ttl;
		const char *want; /* ! before what is wrong */
	} rows[] = {
		{"right", DNS_OK, {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0}}, NULL, 300, ""},
		{"right, with NAPTR",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0}},
		 "_sips._tcp.sbc.example",
		 300,
		 ""},
		{"another name is as good",
		 DNS_OK,
		 {{"x.example", 5061, "8.8.1.1", "2a00::1", 0}},
		 NULL,
		 300,
		 ""},
		{"no SRV, its own address",
		 DNS_NODATA,
		 {{NULL, 0, "8.8.1.1", "", 0}},
		 NULL,
		 300,
		 "!srv-missing"},
		{"no SRV, one of several addresses, of the other family",
		 DNS_NODATA,
		 {{NULL, 0, "8.8.9.9", "2a00::1", 0}},
		 NULL,
		 300,
		 "!srv-missing"},
		{"no SRV, the address of another",
		 DNS_NODATA,
		 {{NULL, 0, "8.8.9.9", "", 0}},
		 NULL,
		 300,
		 "!srv-missing !address-missing"},
		{"no such name",
		 DNS_NXDOMAIN,
		 {{NULL, 0, "", "", 0}},
		 NULL,
		 300,
		 "!srv-missing !address-unknown"},
		{"wrong port",
		 DNS_OK,
		 {{"sbc.example", 5060, "8.8.1.1", "2a00::1", 0}},
		 NULL,
		 300,
		 "!wrong-port !wrong-port"},
		{"wrong target",
		 DNS_OK,
		 {{"old.example", 5061, "8.8.9.9", "", 0}},
		 NULL,
		 300,
		 "other-target !address-missing !address-missing"},
		{"another node as well",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0},
		  {"two.example", 5061, "8.8.9.9", "", 0}},
		 NULL,
		 300,
		 "other-target"},
		{"no AAAA",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "", 0}},
		 NULL,
		 300,
		 "!address-missing"},
		{"one address too many",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1 8.8.9.9", "2a00::1", 0}},
		 NULL,
		 300,
		 "other-address"},
		{"a target without address",
		 DNS_OK,
		 {{"sbc.example", 5061, "", "", 0}},
		 NULL,
		 300,
		 "!target-unknown !address-missing !address-missing"},
		{"CNAME",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", true}},
		 NULL,
		 300,
		 "!cname"},
		{"private",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1 10.0.0.7", "2a00::1", 0}},
		 NULL,
		 300,
		 "!private-address other-address"},
		{"the root as target",
		 DNS_OK,
		 {{"", 0, "", "", 0}},
		 NULL,
		 300,
		 "!srv-refuses !address-missing !address-missing"},
		{"short TTL",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0}},
		 NULL,
		 5,
		 "ttl-short ttl-short ttl-short"},
		{"long TTL",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0}},
		 NULL,
		 86400,
		 "ttl-long ttl-long ttl-long"},
		{"NAPTR elsewhere",
		 DNS_OK,
		 {{"sbc.example", 5061, "8.8.1.1", "2a00::1", 0}},
		 "_sip._udp.sbc.example",
		 300,
		 "!naptr"},
	};
	static const char *const at[] = {"8.8.1.1:5061", "[2a00::1]:5061", NULL};
	struct zone_plan p;

	(void)state;
	make_conf(at);
	zone_plan(&conf, 0, &p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t wrong, want = 0;

		print_message("# %s\n", rows[i].name);
		memset(&seen, 0, sizeof(seen));
		told[0] = 0;
		seen.srv.status = rows[i].srv;
		seen.srv.ttl = seen.naptr.ttl = rows[i].ttl;
		for (uint16_t k = 0; k < 2 && rows[i].target[k].a; k++) {
			if (rows[i].target[k].target)
				seen.srv.rec[seen.srv.n++] = (struct dns_record){
					.type = DNS_SRV,
					.port = rows[i].target[k].port,
					.target = str_from(rows[i].target[k].target)};
			addresses(&seen.target[k].a, DNS_A, rows[i].target[k].a, rows[i].ttl,
				  rows[i].target[k].alias);
			addresses(&seen.target[k].aaaa, DNS_AAAA, rows[i].target[k].aaaa,
				  rows[i].ttl, rows[i].target[k].alias);
		}
		seen.naptr.status = rows[i].naptr ? DNS_OK : DNS_NODATA;
		if (rows[i].naptr)
			seen.naptr.rec[seen.naptr.n++] =
				(struct dns_record){.type = DNS_NAPTR,
						    .service = STR("SIPS+D2T"),
						    .target = str_from(rows[i].naptr)};
		wrong = zone_compare(&p, &seen, note, NULL);
		assert_string_equal(told, rows[i].want);
		for (const char *z = told; *z; z++)
			want += *z == '!';
		assert_int_equal(wrong, want);
	}
}

/* What a name server says, and that it says nothing. */
static void
failures(void **state)
{
	static const struct {
		uint8_t rcode;
		const char *want;
	} rows[] = {
		{0, "!dns-silent"}, {2, "!dns-failed"}, {4, "!dns-failed"}, {5, "!dns-refused"}};
	static const char *const at[] = {"8.8.1.1:5061", NULL};
	struct zone_plan p;

	(void)state;
	make_conf(at);
	zone_plan(&conf, 0, &p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&seen, 0, sizeof(seen));
		told[0] = 0;
		seen.srv.status = DNS_FAILED;
		seen.srv.rcode = rows[i].rcode;
		assert_int_equal(zone_compare(&p, &seen, note, NULL), 1);
		assert_string_equal(told, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(records), cmocka_unit_test(failures),
					   cmocka_unit_test(other_listeners),
					   cmocka_unit_test(compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
