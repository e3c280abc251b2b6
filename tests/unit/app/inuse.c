/* What the running postern says of what it uses, and what `postern apply` reads out of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/inuse.h"

static struct conf conf, got;
static char mem[INUSE_ANSWER_MAX];
static struct buf b;

static void
setup_conf(void)
{
	memset(&conf, 0, sizeof(conf));
	conf.n_zones = 2;
	conf.n_listeners = conf.n_media = conf.tls.n = 1;
	(void)snprintf(conf.zone[0].fqdn, sizeof(conf.zone[0].fqdn), "sbc.example");
	(void)snprintf(conf.zone[1].fqdn, sizeof(conf.zone[1].fqdn), "open.example");
	conf.zone[1].client_certificate = CONF_CLIENT_OPTIONAL;
	(void)snprintf(conf.listener[0].name, sizeof(conf.listener[0].name), "a \"line\"");
	conf.listener[0].transport = CONF_TCP;
	conf.listener[0].side = CONF_SIDE_CARRIER;
	conf.n_credentials = 1;
	(void)snprintf(conf.credential[0].name, sizeof(conf.credential[0].name), "east");
	(void)snprintf(conf.media[0].name, sizeof(conf.media[0].name), "inside");
	(void)snprintf(conf.tls.row[0].word, sizeof(conf.tls.row[0].word), "own");
	buf_init(&b, mem, sizeof(mem));
}

static void
round_trip(void **state)
{
	struct json *j = NULL;

	(void)state;
	setup_conf();
	assert_true(inuse_answer(&conf, STR("{\"cmd\":\"in-use\"}"), &b));
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	assert_int_equal(inuse_read(j, &got), ERR_OK);
	jsonin_free(&j);
	assert_memory_equal(&got, &conf, sizeof(conf));
}

/* The most that a configuration can hold fits into one answer. */
static void
largest(void **state)
{
	struct json *j = NULL;

	(void)state;
	setup_conf();
	conf.n_zones = CONF_ZONES_MAX;
	conf.n_listeners = CONF_LISTENERS_MAX;
	conf.n_media = MEDIA_ADDRS_MAX;
	conf.tls.n = CONFTLS_PROFILES_MAX;
	conf.n_credentials = CREDENTIALS_MAX;
	for (uint32_t i = 0; i < CREDENTIALS_MAX; i++)
		memset(conf.credential[i].name, 'c', sizeof(conf.credential[i].name) - 1);
	for (uint32_t i = 0; i < CONF_ZONES_MAX; i++)
		memset(conf.zone[i].fqdn, 'z', sizeof(conf.zone[i].fqdn) - 1);
	for (uint32_t i = 0; i < CONF_LISTENERS_MAX; i++)
		memset(conf.listener[i].name, 'l', sizeof(conf.listener[i].name) - 1);
	for (uint32_t i = 0; i < MEDIA_ADDRS_MAX; i++)
		memset(conf.media[i].name, 'm', sizeof(conf.media[i].name) - 1);
	for (uint32_t i = 0; i < CONFTLS_PROFILES_MAX; i++)
		memset(conf.tls.row[i].word, 'p', sizeof(conf.tls.row[i].word) - 1);
	assert_true(inuse_answer(&conf, STR("{\"cmd\":\"in-use\"}"), &b));
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	assert_int_equal(inuse_read(j, &got), ERR_OK);
	jsonin_free(&j);
	assert_memory_equal(&got, &conf, sizeof(conf));
}

/* Other requests are for others; answers that are none change nothing. */
static void
refused(void **state)
{
	static const struct {
		const char *name, *text;
		enum err want;
	} table[] = {
		{"not known there", "{\"ok\":false,\"error\":\"cmd is one of\"}", ERR_SYNTAX},
		{"no name", "{\"ok\":true,\"zones\":[{}]}", ERR_SYNTAX},
		{"a name too long for a media address",
		 "{\"ok\":true,\"media\":[{\"name\":\"0123456789012345678901234567890123456789"
		 "01234567\"}]}",
		 ERR_SYNTAX},
		{"more profiles than there can be",
		 "{\"ok\":true,\"profiles\":[0,0,0,0,0,0,0,0,0]}", ERR_SYNTAX},
		{"nothing at all", "{\"ok\":true}", ERR_OK},
	};

	(void)state;
	setup_conf();
	assert_false(inuse_answer(&conf, STR("{\"cmd\":\"stats\"}"), &b));
	assert_false(inuse_answer(&conf, STR("in-use"), &b));
	assert_int_equal(b.len, 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct json *j = NULL;

		assert_int_equal(jsonin_parse(str_from(table[i].text), &j), ERR_OK);
		if (inuse_read(j, &got) != table[i].want)
			fail_msg("%s", table[i].name);
		jsonin_free(&j);
	}
}

/* Nobody listens there. */
static void
nobody(void **state)
{
	(void)state;
	setup_conf();
	(void)snprintf(conf.control, sizeof(conf.control), "/nonexistent/postern.sock");
	assert_int_equal(inuse_ask(&conf, &got), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(largest),
		cmocka_unit_test(refused),
		cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
