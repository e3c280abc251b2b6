/* Our BPF programs, each a small object file inside our binary: loaded, told its configuration,
 * attached. Keeper's alone, with its privileges. Without libbpf every call is UNSUPPORTED. */
#ifndef POSTERN_MEDIA_BPFOBJ_H
#define POSTERN_MEDIA_BPFOBJ_H

#include "media/io.h"

struct bpfobj_image {
	const char *name; /* for messages */
	const unsigned char *bytes;
	size_t len;
	const char *conf_map; /* its constants: the name of the map ends so */
};

struct bpfobj {
	void *object;
};

/**
 * Load image with conf as its constants (they must be all of its constants). PERM: a capability is
 * missing; UNSUPPORTED: this kernel cannot; NOMEM. why[IO_WHY_MAX] says what.
 */
enum err bpfobj_load(const struct bpfobj_image *image, const void *conf, size_t conf_len,
		     struct bpfobj *out, char *why) NODISCARD;
/** What is attached stays as long as its link is open. */
void bpfobj_free(struct bpfobj *b);
/** The descriptor of a map, borrowed until bpfobj_free; -1: there is none of this name. */
int bpfobj_map(const struct bpfobj *b, const char *name);
/** map[key] = the socket or number of *value. IO, and errno. */
enum err bpfobj_put(int map, const void *key, const void *value) NODISCARD;
/** Attach the one program to our network namespace (sk_lookup). *link is the caller's. */
enum err bpfobj_attach_netns(const struct bpfobj *b, int *link, char *why) NODISCARD;
/** To an interface (XDP); flags: XDP_FLAGS_*. *link is the caller's. */
enum err bpfobj_attach_xdp(const struct bpfobj *b, uint32_t ifindex, uint32_t flags, int *link,
			   char *why) NODISCARD;

#endif
