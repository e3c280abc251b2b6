#include "media/io_choice.h"

#include <stdio.h>
#include <string.h>

#include "media/io_sockets.h"
#include "media/io_steer.h"
#include "media/io_xdp.h"

static const struct io_backend *const backends[IO_KINDS] = {
	[IO_SOCKETS] = &io_sockets_backend,
#ifdef POSTERN_BPF
	[IO_STEER] = &io_steer_backend,
	[IO_PACKET] = &io_packet_backend,
	[IO_XDP] = &io_xdp_backend,
#endif
};

const struct io_backend *
io_backend_of(uint32_t kind)
{
	return kind < IO_KINDS ? backends[kind] : NULL;
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
		return b->do_make(plan, out, why);
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

enum err
io_probe(uint32_t want, struct io_chosen *how)
{
	return io_choose(want, NULL, NULL, how);
}
