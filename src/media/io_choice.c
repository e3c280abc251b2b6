#include "media/io_choice.h"

#include <string.h>

#include "media/io_packet.h"
#include "media/io_sockets.h"
#include "media/io_steer.h"
#include "media/io_xdp.h"

static const struct io_backend *const backends[IO_KINDS] = {
	[IO_SOCKETS] = &io_sockets_backend,
	[IO_STEER] = &io_steer_backend,
	[IO_PACKET] = &io_packet_backend,
	[IO_XDP] = &io_xdp_backend,
};

const struct io_backend *
io_backend_of(uint32_t kind)
{
	return kind < IO_KINDS ? backends[kind] : NULL;
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
	e = backends[how->kind]->do_make(plan, out, how->why);
	if (e == ERR_OK || want != IO_WANT_AUTO)
		return e;
	how->kind = IO_SOCKETS;
	e = backends[IO_SOCKETS]->do_make(plan, out, why);
	if (e != ERR_OK)
		memcpy(how->why, why, sizeof(why));
	return e;
}

enum err
io_probe(uint32_t want, struct io_chosen *how)
{
	enum err e = ERR_OK;

	memset(how, 0, sizeof(*how));
	how->kind = want == IO_WANT_AUTO ? IO_STEER : want - IO_WANT_FIRST;
	if (how->kind >= IO_KINDS)
		return ERR_CONFIG;
	if (backends[how->kind]->do_probe)
		e = backends[how->kind]->do_probe(how->why);
	if (e == ERR_OK || want != IO_WANT_AUTO)
		return e;
	how->kind = IO_SOCKETS;
	return ERR_OK;
}
