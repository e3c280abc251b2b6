#include "rows.h"

#include "base/list.h"

enum { ITEMS = 12 };

struct item {
	int value;
	struct list node;
};

/* The values of the ring forwards and backwards are those of want (a word of letters). */
static int
check_ring(const char *name, struct list *head, const char *want)
{
	char there[32], back[32];
	size_t n = 0, m = 0;

	LIST_EACH(it, head)
	there[n++] = (char)CONTAINER_OF(it, struct item, node)->value;
	for (struct list *l = head->prev; l != head; l = l->prev)
		back[m++] = (char)CONTAINER_OF(l, struct item, node)->value;
	for (size_t i = 0; i < m / 2; i++) {
		char c = back[i];

		back[i] = back[m - 1 - i];
		back[m - 1 - i] = c;
	}
	return row_str(name, str_of(there, n), str_from(want)) +
	       row_str(name, str_of(back, m), str_from(want)) +
	       row_num(name, list_empty(head), *want == 0);
}

static int
take_step(const char *name, struct list *head, char step, struct list *node)
{
	struct list *first = list_empty(head) ? NULL : head->next;

	switch (step) {
	case '+':
		list_add(head, node);
		return 0;
	case '^':
		list_push(head, node);
		return 0;
	case '-':
		list_del(node);
		return 0;
	default:
		return row_num(name, list_shift(head) == first, true);
	}
}

/* Steps: +x add, ^x push, -x delete, s shift. */
static void
test_table(void **state)
{
	static const struct {
		const char *name, *steps, *want;
	} rows[] = {
		{"empty", "", ""},
		{"add", "+a+b+c", "abc"},
		{"push", "^a^b^c", "cba"},
		{"both", "+b^a+c", "abc"},
		{"delete first", "+a+b+c-a", "bc"},
		{"delete in the middle", "+a+b+c-b", "ac"},
		{"delete last", "+a+b+c-c", "ab"},
		{"delete the only one", "+a-a", ""},
		{"delete twice", "+a+b-a-a-a", "b"},
		{"delete twice, the next gone as well", "+a+b-a-b-a", ""},
		{"delete one never added", "+a-b", "a"},
		{"add again", "+a+b-a+a", "ba"},
		{"shift", "+a+b+cs", "bc"},
		{"shift, add", "+a+bs+a", "ba"},
		{"shift all", "+a+bsss", ""},
		{"push behind a shift", "+a+bs^a", "ab"},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct item items[26];
		struct list head;

		list_init(&head);
		for (int k = 0; k < 26; k++) {
			items[k].value = 'a' + k;
			list_init(&items[k].node);
		}
		for (const char *p = rows[i].steps; *p; p += *p == 's' ? 1 : 2)
			bad += take_step(rows[i].name, &head, *p,
					 *p == 's' ? NULL : &items[p[1] - 'a'].node);
		bad += check_ring(rows[i].name, &head, rows[i].want);
	}
	assert_int_equal(bad, 0);
}

/* The body of LIST_EACH may delete the node it is at, and moves on in order. */
static void
test_each(void **state)
{
	(void)state;
	for (unsigned mask = 0; mask < 1u << ITEMS; mask += 7) {
		struct item items[ITEMS];
		char want[ITEMS + 1];
		struct list head;
		size_t n = 0;
		int seen = 0;

		list_init(&head);
		for (int i = 0; i < ITEMS; i++) {
			items[i].value = 'a' + i;
			list_add(&head, &items[i].node);
			if (!(mask >> i & 1))
				want[n++] = (char)('a' + i);
		}
		want[n] = 0;
		LIST_EACH(it, &head)
		{
			struct item *x = CONTAINER_OF(it, struct item, node);

			assert_int_equal(x->value, 'a' + seen);
			if (mask >> seen & 1)
				list_del(it);
			seen++;
		}
		assert_int_equal(seen, ITEMS);
		assert_int_equal(check_ring("each", &head, want), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
