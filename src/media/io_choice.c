#include "media/io_choice.h"

#include "media/io_sockets.h"
#include "media/io_steer.h"

static const struct io_backend *const backends[IO_KINDS] = {
	[IO_SOCKETS] = &io_sockets_backend,
	[IO_STEER] = &io_steer_backend,
};

const struct io_backend *
io_backend_of(uint32_t kind)
{
	return kind < IO_KINDS ? backends[kind] : NULL;
}
