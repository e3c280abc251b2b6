/* Credentials of the configuration, and what a password file holds. */
#include "told.h"

#include "base/digest.h"
#include "base/mem.h"
#include "conf/load.h"

static struct told told;

static void
test_read(void **state)
{
	static const struct {
		const char *name, *text;
		const char *want; /* part of the error; NULL: it is right */
		unsigned n, algorithms;
	} rows[] = {
		{"one", "  - {name: east, realm: a.test, user: us, password_file: east.pw}\n", NULL,
		 1, 7},
		{"by SHA-256 alone",
		 "  - {name: east, realm: \"A b\", user: \"+1\", password_file: x, algorithms: "
		 "[sha-256]}\n",
		 NULL, 1, 1 << DIGEST_SHA256},
		{"two",
		 "  - {name: a, realm: r, user: u, password_file: x}\n"
		 "  - {name: b, realm: r, user: u, password_file: x}\n",
		 NULL, 2, 7},
		{"twice",
		 "  - {name: a, realm: r, user: u, password_file: x}\n"
		 "  - {name: a, realm: r, user: u, password_file: x}\n",
		 "stand twice", 0, 0},
		{"no realm", "  - {name: a, user: u, password_file: x}\n", "realm", 0, 0},
		{"a quote", "  - {name: a, realm: 'r\"x', user: u, password_file: x}\n",
		 "realm: quotes", 0, 0},
		{"a backslash", "  - {name: a, realm: r, user: 'u\\', password_file: x}\n",
		 "user: quotes", 0, 0},
		{"another algorithm",
		 "  - {name: a, realm: r, user: u, password_file: x, algorithms: [MD4]}\n",
		 "\"MD4\" is not known", 0, 0},
		{"none of them",
		 "  - {name: a, realm: r, user: u, password_file: x, algorithms: []}\n",
		 "algorithms: write a list", 0, 0},
		{"the password itself", "  - {name: a, realm: r, user: u, password: x}\n",
		 "password", 0, 0},
		{"no map", "  - east\n", "", 0, 0},
	};
	struct conf *c = mem_zalloc(1, sizeof(*c));

	(void)state;
	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[4000];
		enum err e;

		(void)snprintf(text, sizeof(text), "credentials:\n%s%.*s", rows[i].text,
			       STR_ARG(conf_default_text()));
		told_init(&told);
		e = conf_parse(str_from(text), "/etc/p", &told.rep, c);
		if (e == ERR_NOMEM)
			break;
		if ((e == ERR_OK) != (rows[i].want == NULL) ||
		    (rows[i].want && !strstr(told.mem, rows[i].want)))
			fail_msg("%s: %s: %s", rows[i].name, err_text(e), told.mem);
		if (e != ERR_OK)
			continue;
		assert_int_equal(c->n_credentials, rows[i].n);
		assert_int_equal(c->credential[0].algorithms, rows[i].algorithms);
		assert_int_equal(strncmp(c->credential[0].password_file, "/etc/p/", 7), 0);
	}
	mem_free(c);
}

static void
test_password(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"a line", "pass word\n", "pass word"},
		{"without its end", "p", "p"},
		{"of another system", "p\r\n", "p"},
		{"blank lines behind it", "p\n\n \n", "p"},
		{"blanks belong to it", " p \n", " p "},
		{"nothing", "", NULL},
		{"an empty line", "\n", NULL},
		{"two lines", "p\nq\n", NULL},
		{"a control character", "p\001\n", NULL},
	};
	char mem[CREDENTIAL_PASSWORD_MAX + 2];
	struct str out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = confcredential_password(str_from(rows[i].text), &out);

		if ((e == ERR_OK) != (rows[i].want != NULL) ||
		    (e == ERR_OK && !str_eqz(out, rows[i].want)))
			fail_msg("%s: %s", rows[i].name, err_text(e));
	}
	memset(mem, 'x', sizeof(mem));
	assert_int_equal(confcredential_password(str_of(mem, CREDENTIAL_PASSWORD_MAX), &out),
			 ERR_OK);
	assert_int_equal(confcredential_password(str_of(mem, CREDENTIAL_PASSWORD_MAX + 1), &out),
			 ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read),
					   cmocka_unit_test(test_password)};

	return cmocka_run_group_tests_name("conf-credential", tests, NULL, NULL);
}
