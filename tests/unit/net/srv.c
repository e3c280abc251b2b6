#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/srv.h"

struct rec {
	uint16_t priority, weight;
	const char *target;
};

static struct dns_answer *
answer(const struct rec *r, size_t n)
{
	static struct dns_answer a;

	memset(&a, 0, sizeof(a));
	for (size_t i = 0; i < n && r[i].target; i++)
		a.rec[a.n++] = (struct dns_record){.type = DNS_SRV,
						   .priority = r[i].priority,
						   .weight = r[i].weight,
						   .port = 5061,
						   .target = str_from(r[i].target)};
	return &a;
}

static const char *
order_text(const struct dns_answer *a, const uint32_t *draw, uint16_t n_draw)
{
	static char z[256];
	uint16_t order[DNS_RECORDS_MAX], n = srv_order(a, draw, n_draw, order);

	z[0] = 0;
	for (uint16_t i = 0; i < n; i++)
		(void)snprintf(z + strlen(z), sizeof(z) - strlen(z), "%.*s",
			       STR_ARG(a->rec[order[i]].target));
	return z;
}

static void
orders(void **state)
{
	static const struct {
		const char *name;
		struct rec rec[5];
		uint32_t draw[5];
		const char *want;
	} rows[] = {
		{"none", {{0}}, {0}, ""},
		{"by priority", {{30, 9, "c"}, {10, 0, "a"}, {20, 5, "b"}}, {0}, "abc"},
		{"the root is no target", {{10, 0, ""}, {20, 0, "b"}}, {0}, "b"},
		/* weights 1 and 3: sums 1 and 4; 0 and 1 choose a, 2 to 4 choose b */
		{"weights, 0", {{1, 1, "a"}, {1, 3, "b"}}, {0}, "ab"},
		{"weights, 1", {{1, 1, "a"}, {1, 3, "b"}}, {1}, "ab"},
		{"weights, 2", {{1, 1, "a"}, {1, 3, "b"}}, {2}, "ba"},
		{"weights, 4", {{1, 1, "a"}, {1, 3, "b"}}, {4}, "ba"},
		{"the remainder: 5 is 0", {{1, 1, "a"}, {1, 3, "b"}}, {5}, "ab"},
		{"weight 0 first, with 0", {{1, 2, "a"}, {1, 0, "b"}}, {0}, "ba"},
		{"weight 0, else never", {{1, 2, "a"}, {1, 0, "b"}}, {1}, "ab"},
		{"all 0: as they stand", {{1, 0, "a"}, {1, 0, "b"}}, {7, 9}, "ab"},
		{"the second draw", {{1, 1, "a"}, {1, 1, "b"}, {1, 1, "c"}}, {3, 0}, "cab"},
		{"the second draw, 2", {{1, 1, "a"}, {1, 1, "b"}, {1, 1, "c"}}, {3, 2}, "cba"},
		{"largest weights", {{1, 65535, "a"}, {1, 65535, "b"}}, {131070}, "ba"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].name);
		assert_string_equal(order_text(answer(rows[i].rec, 5), rows[i].draw, 5),
				    rows[i].want);
	}
}

/* Over all draws the shares are those of the weights. */
static void
shares(void **state)
{
	static const struct rec rec[] = {{1, 10, "a"}, {1, 30, "b"}, {1, 60, "c"}};
	unsigned first[3] = {0};

	(void)state;
	for (uint32_t d = 0; d <= 100; d++)
		first[order_text(answer(rec, 3), &d, 1)[0] - 'a']++;
	assert_int_equal(first[0], 11); /* 0 to 10: the draw of 0 counts for the first */
	assert_int_equal(first[1], 30);
	assert_int_equal(first[2], 60);
}

static void
full(void **state)
{
	static struct dns_answer a;
	uint16_t order[DNS_RECORDS_MAX];
	bool seen[DNS_RECORDS_MAX] = {false};
	uint32_t draw[DNS_RECORDS_MAX];

	(void)state;
	for (uint16_t i = 0; i < DNS_RECORDS_MAX; i++) {
		draw[i] = i * 2654435761U;
		a.rec[a.n++] = (struct dns_record){
			.type = DNS_SRV, .weight = i, .port = 1, .target = STR("t")};
	}
	assert_int_equal(srv_order(&a, draw, DNS_RECORDS_MAX, order), DNS_RECORDS_MAX);
	for (uint16_t i = 0; i < DNS_RECORDS_MAX; i++) {
		assert_false(seen[order[i]]);
		seen[order[i]] = true;
	}
}

static void
refused(void **state)
{
	static const struct {
		const char *name;
		struct rec rec[2];
		bool want;
	} rows[] = {
		{"the root alone", {{0, 0, ""}}, true},
		{"a target", {{0, 0, "a"}}, false},
		{"the root and a target", {{0, 0, ""}, {0, 0, "a"}}, false},
		{"nothing", {{0}}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].name);
		assert_int_equal(srv_refused(answer(rows[i].rec, 2)), rows[i].want);
	}
}

static void
naptrs(void **state)
{
	static const struct {
		const char *name;
		struct {
			uint16_t order, preference;
			const char *flags, *service, *regexp, *target;
		} rec[3];
		const char *want; /* NULL: none */
	} rows[] = {
		{"one", {{10, 10, "s", "SIPS+D2T", "", "a"}}, "a"},
		{"case", {{10, 10, "S", "sips+d2t", "", "a"}}, "a"},
		{"another service", {{10, 10, "s", "SIP+D2U", "", "a"}}, NULL},
		{"order first",
		 {{20, 1, "s", "SIPS+D2T", "", "a"}, {10, 9, "s", "SIPS+D2T", "", "b"}},
		 "b"},
		{"then preference",
		 {{10, 9, "s", "SIPS+D2T", "", "a"}, {10, 1, "s", "SIPS+D2T", "", "b"}},
		 "b"},
		{"no terminal flag", {{10, 10, "", "SIPS+D2T", "", "a"}}, NULL},
		{"flag u", {{10, 10, "u", "SIPS+D2T", "!^.*$!sip:a@b!", "a"}}, NULL},
		{"a regexp", {{10, 10, "s", "SIPS+D2T", "!a!b!", "a"}}, NULL},
		{"the root", {{10, 10, "s", "SIPS+D2T", "", ""}}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct dns_answer a;
		const struct dns_record *got;

		print_message("# %s\n", rows[i].name);
		memset(&a, 0, sizeof(a));
		for (int k = 0; k < 3 && rows[i].rec[k].service; k++)
			a.rec[a.n++] =
				(struct dns_record){.type = DNS_NAPTR,
						    .priority = rows[i].rec[k].order,
						    .weight = rows[i].rec[k].preference,
						    .flags = str_from(rows[i].rec[k].flags),
						    .service = str_from(rows[i].rec[k].service),
						    .regexp = str_from(rows[i].rec[k].regexp),
						    .target = str_from(rows[i].rec[k].target)};
		got = srv_naptr(&a, STR("SIPS+D2T"));
		assert_int_equal(got != NULL, rows[i].want != NULL);
		if (got)
			assert_true(str_eqz(got->target, rows[i].want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(shares),
					   cmocka_unit_test(full), cmocka_unit_test(refused),
					   cmocka_unit_test(naptrs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
