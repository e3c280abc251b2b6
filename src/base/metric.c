#include "base/metric.h"

#include <string.h>

#include "base/err.h"

static const struct {
	const char *name, *kind, *help;
} metrics[] = {
#define X(name, kind, help) {#name, #kind, help},
	METRIC_LIST(X)
#undef X
};

static struct metric_page private_page;
static _Thread_local struct metric_page *mine;

void
metric_bind(struct metric_page *page)
{
	mine = page;
}

static _Atomic uint64_t *
slot_of(enum metric m)
{
	return &(mine ? mine : &private_page)->v[m];
}

void
metric_add(enum metric m, int64_t n)
{
	atomic_fetch_add_explicit(slot_of(m), (uint64_t)n, memory_order_relaxed);
}

void
metric_set(enum metric m, uint64_t v)
{
	atomic_store_explicit(slot_of(m), v, memory_order_relaxed);
}

uint64_t
metric_get(const struct metric_page *page, enum metric m)
{
	return atomic_load_explicit(&page->v[m], memory_order_relaxed);
}

const char *
metric_name(enum metric m)
{
	return (unsigned)m < ARRAY_LEN(metrics) ? metrics[m].name : "?";
}

const char *
metric_help(enum metric m)
{
	return (unsigned)m < ARRAY_LEN(metrics) ? metrics[m].help : "?";
}

int
metric_is_gauge(enum metric m)
{
	return (unsigned)m < ARRAY_LEN(metrics) && strcmp(metrics[m].kind, "gauge") == 0;
}
