/* Our BPF programs, each a small object file inside our binary: loaded, told its configuration,
 * attached. Keeper's alone, with its privileges. Built with libbpf only. */
#ifndef POSTERN_MEDIA_BPFOBJ_H
#define POSTERN_MEDIA_BPFOBJ_H

#include "media/bpf/conf.h"
#include "media/io.h"

struct bpfobj {
	void *object;
};

/** What the programs must know of the plan; addrs: bit i = address i is the program's. */
struct bpf_conf bpfobj_conf(const struct media_plan *plan, uint32_t addrs);
/**
 * Load the object file bytes[len] with conf as its constants. PERM: a capability is missing;
 * UNSUPPORTED: this kernel cannot; NOMEM. why[IO_WHY_MAX] says what.
 */
enum err bpfobj_load(const char *name, const unsigned char *bytes, size_t len,
		     const struct bpf_conf *conf, struct bpfobj *out, char *why) NODISCARD;
/** What is attached stays as long as its link is open. Fine on zeros. */
void bpfobj_free(struct bpfobj *b);
/** map[key] = the socket or number of *value. IO, and errno. */
enum err bpfobj_put(const struct bpfobj *b, const char *map, const void *key,
		    const void *value) NODISCARD;
/** Attach the one program: one for sk_lookup to a network namespace, one for XDP to an interface
 * (its index; flags: XDP_FLAGS_*). *link is the caller's. */
enum err bpfobj_attach(const struct bpfobj *b, int target, uint32_t flags, int *link,
		       char *why) NODISCARD;

#endif
