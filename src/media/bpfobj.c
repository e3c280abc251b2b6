#include "media/bpfobj.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VERIFIER_LOG = 16384 };

_Static_assert((int)BPF_ADDRS_MAX == (int)MEDIA_ADDRS_MAX, "the programs know all addresses");

struct bpf_conf
bpfobj_conf(const struct media_plan *plan, uint32_t addrs)
{
	struct bpf_conf c = {.port_min = plan->port_min,
			     .port_max = plan->port_min + 2 * media_pairs(plan) - 1,
			     .slice = 2 * media_slice(plan),
			     .n_workers = media_workers(plan)};

	for (uint32_t i = 0; i < plan->n_addrs; i++) {
		if (!(addrs & 1U << i))
			continue;
		if (plan->bound[i].family == 6)
			memcpy(c.v6[c.n_v6++], plan->bound[i].ip, 16);
		else
			memcpy(&c.v4[c.n_v4++], plan->bound[i].ip, 4);
	}
	return c;
}

static bool
set_conf(struct bpf_object *o, const struct bpf_conf *conf)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, ".rodata");
	size_t n = 0;

	return m && bpf_map__initial_value(m, &n) && n == sizeof(*conf) &&
	       bpf_map__set_initial_value(m, conf, n) == 0;
}

enum err
bpfobj_load(const char *name, const unsigned char *bytes, size_t len, const struct bpf_conf *conf,
	    struct bpfobj *out, char *why)
{
	static char log[VERIFIER_LOG];
	struct bpf_object_open_opts opts = {.sz = sizeof(opts),
					    .object_name = name,
					    .kernel_log_buf = log,
					    .kernel_log_size = sizeof(log)};
	struct bpf_object *o;
	enum err e;

	(void)libbpf_set_print(NULL);
	o = bpf_object__open_mem(bytes, len, &opts);
	if (!o)
		return io_why(why, "BPF program", name);
	if (!set_conf(o, conf)) {
		(void)snprintf(why, IO_WHY_MAX, "BPF program %s: its constants are of another form",
			       name);
		bpf_object__close(o);
		return ERR_BUG;
	}
	if (bpf_object__load(o) != 0) {
		e = io_why(why, "load BPF program", name);
		bpf_object__close(o);
		return e;
	}
	out->object = o;
	return ERR_OK;
}

void
bpfobj_free(struct bpfobj *b)
{
	bpf_object__close(b->object);
	b->object = NULL;
}

enum err
bpfobj_put(const struct bpfobj *b, const char *map, const void *key, const void *value)
{
	int fd = bpf_object__find_map_fd_by_name(b->object, map);

	return bpf_map_update_elem(fd, key, value, BPF_ANY) == 0 ? ERR_OK : ERR_IO;
}

enum err
bpfobj_attach(const struct bpfobj *b, int target, uint32_t flags, int *link, char *why)
{
	struct bpf_link_create_opts opts = {.sz = sizeof(opts), .flags = flags};
	struct bpf_program *p = bpf_object__next_program(b->object, NULL);
	int fd = bpf_link_create(bpf_program__fd(p), target, bpf_program__expected_attach_type(p),
				 &opts);

	if (fd < 0)
		return io_why(why, "attach BPF program", bpf_program__name(p));
	*link = fd;
	return ERR_OK;
}
