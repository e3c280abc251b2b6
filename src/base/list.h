/* Intrusive doubly linked ring. A list head and a node are the same type; an unlinked node
 * points to itself (list_init) so that list_del may be called twice. */
#ifndef POSTERN_BASE_LIST_H
#define POSTERN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}
static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}
static inline void
list_insert(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node; /* NOLINT(clang-analyzer-core.NullDereference): it takes a ring whose
				* nodes were set by list_init for one that may hold NULL */
	at->prev = node;
}
/** At the end of head. */
static inline void
list_add(struct list *head, struct list *node)
{
	list_insert(head, node);
}
/** At the front of head. */
static inline void
list_push(struct list *head, struct list *node)
{
	list_insert(head->next, node);
}
static inline void
list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
/** Take the first node out, or NULL. */
static inline struct list *
list_shift(struct list *head)
{
	struct list *n = head->next;

	if (n == head)
		return NULL;
	list_del(n);
	return n;
}
/** The body may delete `it`. */
#define LIST_EACH(it, head)                                                                        \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)

#endif
