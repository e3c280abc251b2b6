#include "media/bpfobj.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef POSTERN_BPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { VERIFIER_LOG = 16384 };

/* What the kernel said, as our result and in words. */
static enum err
explain(const char *what, const char *name, int err, char *why)
{
	bool perm = err == EPERM || err == EACCES;

	(void)snprintf(why, IO_WHY_MAX, "%s %s: %s%s", what, name, strerror(err),
		       perm ? "; CAP_BPF and CAP_NET_ADMIN are needed" : "");
	return perm ? ERR_PERM : err == ENOMEM ? ERR_NOMEM : ERR_UNSUPPORTED;
}

static int
print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static enum err
set_conf(struct bpf_object *o, const struct bpfobj_image *image, const void *conf, size_t len)
{
	struct bpf_map *m;
	size_t n = 0;

	bpf_object__for_each_map(m, o)
	{
		const char *name = bpf_map__name(m);
		size_t at = strlen(name), tail = strlen(image->conf_map);

		if (at < tail || strcmp(name + at - tail, image->conf_map) != 0)
			continue;
		(void)bpf_map__initial_value(m, &n);
		if (n != len || bpf_map__set_initial_value(m, conf, len) != 0)
			return ERR_BUG;
		return ERR_OK;
	}
	return ERR_BUG;
}

enum err
bpfobj_load(const struct bpfobj_image *image, const void *conf, size_t conf_len, struct bpfobj *out,
	    char *why)
{
	static char log[VERIFIER_LOG];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = image->name, .kernel_log_buf = log,
		    .kernel_log_size = sizeof(log));
	struct bpf_object *o;
	int r;

	(void)libbpf_set_print(print_nothing);
	o = bpf_object__open_mem(image->bytes, image->len, &opts);
	if (!o)
		return explain("BPF program", image->name, errno, why);
	if (set_conf(o, image, conf, conf_len) != ERR_OK) {
		(void)snprintf(why, IO_WHY_MAX, "BPF program %s: its constants are of another form",
			       image->name);
		bpf_object__close(o);
		return ERR_BUG;
	}
	r = bpf_object__load(o);
	if (r != 0) {
		bpf_object__close(o);
		return explain("load BPF program", image->name, -r, why);
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

int
bpfobj_map(const struct bpfobj *b, const char *name)
{
	return bpf_object__find_map_fd_by_name(b->object, name);
}

enum err
bpfobj_put(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY) == 0 ? ERR_OK : ERR_IO;
}

static enum err
attach_to(const struct bpfobj *b, int target, enum bpf_attach_type type, uint32_t flags, int *link,
	  char *why)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	struct bpf_program *p = bpf_object__next_program(b->object, NULL);
	int fd = bpf_link_create(bpf_program__fd(p), target, type, &opts);

	if (fd < 0)
		return explain("attach BPF program", bpf_program__name(p), -fd, why);
	*link = fd;
	return ERR_OK;
}

enum err
bpfobj_attach_netns(const struct bpfobj *b, int *link, char *why)
{
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	enum err e;

	if (ns < 0)
		return explain("open", "/proc/self/ns/net", errno, why);
	e = attach_to(b, ns, BPF_SK_LOOKUP, 0, link, why);
	close(ns);
	return e;
}

enum err
bpfobj_attach_xdp(const struct bpfobj *b, uint32_t ifindex, uint32_t flags, int *link, char *why)
{
	return attach_to(b, (int)ifindex, BPF_XDP, flags, link, why);
}

#else

enum err
bpfobj_load(const struct bpfobj_image *image, const void *conf, size_t conf_len, struct bpfobj *out,
	    char *why)
{
	(void)conf;
	(void)conf_len;
	(void)out;
	(void)snprintf(why, IO_WHY_MAX, "BPF program %s: this postern was built without libbpf",
		       image->name);
	return ERR_UNSUPPORTED;
}

void
bpfobj_free(struct bpfobj *b)
{
	(void)b;
}

int
bpfobj_map(const struct bpfobj *b, const char *name)
{
	(void)b;
	(void)name;
	return -1;
}

enum err
bpfobj_put(int map, const void *key, const void *value)
{
	(void)map;
	(void)key;
	(void)value;
	return ERR_UNSUPPORTED;
}

enum err
bpfobj_attach_netns(const struct bpfobj *b, int *link, char *why)
{
	(void)b;
	(void)link;
	(void)why;
	return ERR_UNSUPPORTED;
}

enum err
bpfobj_attach_xdp(const struct bpfobj *b, uint32_t ifindex, uint32_t flags, int *link, char *why)
{
	(void)b;
	(void)ifindex;
	(void)flags;
	(void)link;
	(void)why;
	return ERR_UNSUPPORTED;
}

#endif
