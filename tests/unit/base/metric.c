#include "rows.h"

#include <pthread.h>

#include "base/metric.h"

static struct metric_page pages[2];

static void
test_pages(void **state)
{
	(void)state;
	metric_bind(NULL);
	metric_add(METRIC_calls_total, 1); /* to the private page: seen nowhere */
	metric_bind(&pages[0]);
	metric_add(METRIC_calls_total, 2);
	metric_add(METRIC_calls_total, 3);
	metric_bind(&pages[1]);
	metric_add(METRIC_calls_total, 10);
	metric_set(METRIC_calls, 7);
	metric_add(METRIC_calls, -3);
	metric_bind(&pages[0]); /* kept over a restart */
	metric_add(METRIC_calls_total, 1);
	metric_bind(NULL);
	metric_add(METRIC_calls_total, 100);
	assert_int_equal(metric_get(&pages[0], METRIC_calls_total), 6);
	assert_int_equal(metric_get(&pages[1], METRIC_calls_total), 10);
	assert_int_equal(metric_get(&pages[1], METRIC_calls), 4);
	for (unsigned m = 0; m < METRIC_SLOTS; m++)
		if (m != METRIC_calls_total && m != METRIC_calls)
			assert_int_equal(metric_get(&pages[1], (enum metric)m), 0);
}

static pthread_barrier_t all_bound;

static void *
count_much(void *arg)
{
	metric_bind(arg);
	pthread_barrier_wait(&all_bound);
	for (int i = 0; i < 100000; i++)
		metric_add(METRIC_sip_rx, 1);
	metric_bind(NULL);
	return NULL;
}

/* A page is bound per thread; two threads on one page lose nothing either. */
static void
test_threads(void **state)
{
	static struct metric_page page[2];
	struct metric_page *of[] = {&page[0], &page[1], &page[1]};
	pthread_t t[3];

	(void)state;
	pthread_barrier_init(&all_bound, NULL, 3);
	metric_bind(&pages[0]);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count_much, of[i]), 0);
	for (size_t i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	metric_bind(NULL);
	pthread_barrier_destroy(&all_bound);
	assert_int_equal(metric_get(&page[0], METRIC_sip_rx), 100000);
	assert_int_equal(metric_get(&page[1], METRIC_sip_rx), 200000);
	assert_int_equal(metric_get(&pages[0], METRIC_sip_rx), 0);
}

/* Names as Prometheus takes them, no two alike; each with a help. */
static void
test_names(void **state)
{
	(void)state;
	for (unsigned m = 0; m < METRIC_N; m++) {
		const char *name = metric_name((enum metric)m);

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(name));
		assert_true(strlen(metric_help((enum metric)m)) > 5);
		assert_null(strpbrk(metric_help((enum metric)m), "\n\\\""));
		for (unsigned k = 0; k < m; k++)
			assert_string_not_equal(name, metric_name((enum metric)k));
	}
	assert_string_equal(metric_name(METRIC_sip_rx), "sip_rx");
	assert_true(metric_is_gauge(METRIC_calls));
	assert_false(metric_is_gauge(METRIC_calls_total));
	assert_string_equal(metric_name(METRIC_N), "?");
	assert_string_equal(metric_help(METRIC_N), "?");
	assert_false(metric_is_gauge(METRIC_N));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
