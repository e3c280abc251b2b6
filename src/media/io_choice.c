#include "media/io_choice.h"

#include <stdio.h>
#include <string.h>

#include "media/io_sockets.h"
#include "media/io_steer.h"
#include "media/io_xdp.h"

static const char *const names[IO_KINDS] = {"sockets", "steer", "packet", "xdp"};

static const struct io_backend *const backends[IO_KINDS] = {
	[IO_SOCKETS] = &io_sockets_backend,
#ifdef POSTERN_BPF
	[IO_STEER] = &io_steer_backend,
	[IO_PACKET] = &io_steer_backend,
	[IO_XDP] = &io_xdp_backend,
#endif
};

const struct io_backend *
io_backend_of(uint32_t kind)
{
	return kind < IO_KINDS ? backends[kind] : NULL;
}

const char *
io_kind_name(uint32_t kind)
{
	return kind < IO_KINDS ? names[kind] : "?";
}

uint32_t
io_places(uint32_t kind, const struct media_plan *plan)
{
	return backends[kind]->places ? backends[kind]->places : 2 * media_slots(plan);
}

enum err
io_make(uint32_t kind, const struct media_plan *plan, struct io_set *out, char *why)
{
	struct io_set set;
	enum err e = io_set_init(&set, media_workers(plan) * io_places(kind, plan));

	if (e == ERR_OK)
		e = backends[kind]->do_make(plan, kind, &set, why);
	if (e == ERR_OK)
		*out = set;
	else
		io_set_fini(&set);
	return e;
}

/* Make it; without a place for it, see whether that would go. */
static enum err
try_kind(uint32_t kind, const struct media_plan *plan, struct io_set *out, char *why)
{
	const struct io_backend *b = io_backend_of(kind);

	if (!b) {
		(void)snprintf(why, IO_WHY_MAX, "this postern was built without libbpf");
		return ERR_UNSUPPORTED;
	}
	if (out)
		return io_make(kind, plan, out, why);
	return b->do_probe ? b->do_probe(why) : ERR_OK;
}

enum err
io_choose(uint32_t want, const struct media_plan *plan, struct io_set *out, struct io_chosen *how)
{
	char why[IO_WHY_MAX];
	enum err e;

	memset(how, 0, sizeof(*how));
	how->kind = want == IO_WANT_AUTO ? IO_STEER : want - IO_WANT_FIRST;
	if (how->kind >= IO_KINDS)
		return ERR_CONFIG;
	e = try_kind(how->kind, plan, out, how->why);
	if (e == ERR_OK || want != IO_WANT_AUTO)
		return e;
	how->kind = IO_SOCKETS;
	e = try_kind(IO_SOCKETS, plan, out, why);
	if (e != ERR_OK)
		memcpy(how->why, why, sizeof(why));
	return e;
}
