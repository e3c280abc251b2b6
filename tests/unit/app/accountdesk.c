/* Accounts that name what the configuration in use has not: an alarm, until they fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/accountdesk.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/accountsfile.h"
#include "policy/snapbuild.h"

static struct conf conf;
static struct alarms as;

static void
hold(const char *text)
{
	struct conf_report rep = {.on_finding = NULL};
	struct snapshot_view v;
	struct str bytes;
	struct roster r;

	roster_init(&r);
	assert_int_equal(accountsfile_parse(str_from(text), NULL, &rep, &r), ERR_OK);
	assert_int_equal(snapshot_build(&r, &bytes), ERR_OK);
	assert_int_equal(snapshot_open(bytes, &v), ERR_OK);
	accountdesk_hold(&v, &conf, &as);
	mem_free((void *)(uintptr_t)bytes.p);
	roster_fini(&r);
}

static void
unfit(void **state)
{
	static const char one[] =
		"accounts: [{id: a, trunks: [{id: t, fqdn: pbx.example, media: third}]}]\n";
	static const char two[] =
		"accounts: [{id: a, tls: {profile: own}, trunks: [{id: t, fqdn: pbx.example, "
		"media: third}]}]\n";
	const struct alarm *al;

	(void)state;
	log_init("test", -1, LOG_ERROR);
	assert_int_equal(alarms_init(&as, NULL), ERR_OK);
	memset(&conf, 0, sizeof(conf));
	conf.n_listeners = 1;
	conf.listener[0].transport = CONF_TLS;
	hold(one);
	al = alarms_find(&as, ALARM_UNFIT, "accounts");
	assert_non_null(al);
	assert_int_equal(al->severity, ALARM_MAJOR);
	assert_non_null(strstr(al->text, "trunk \"t\" in the store uses media address \"third\""));
	hold(two);
	al = alarms_find(&as, ALARM_UNFIT, "accounts");
	assert_non_null(al);
	assert_non_null(strstr(al->text, "2 rows; the first: account \"a\""));
	conf.n_media = conf.tls.n = 1;
	(void)snprintf(conf.media[0].name, sizeof(conf.media[0].name), "third");
	(void)snprintf(conf.tls.row[0].word, sizeof(conf.tls.row[0].word), "own");
	hold(two);
	assert_null(alarms_find(&as, ALARM_UNFIT, "accounts"));
	alarms_fini(&as);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(unfit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
