#include "media/io.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum err
io_set_init(struct io_set *s, uint32_t n)
{
	memset(s, 0, sizeof(*s));
	s->fd = mem_zalloc(n ? n : 1, sizeof(*s->fd));
	if (!s->fd)
		return ERR_NOMEM;
	s->n = n;
	for (uint32_t i = 0; i < n; i++)
		s->fd[i] = -1;
	return ERR_OK;
}

void
io_set_fini(struct io_set *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	for (uint32_t i = 0; i < s->n_held; i++)
		close(s->held[i]);
	MEM_FREE(s->fd);
	memset(s, 0, sizeof(*s));
}

enum err
io_set_hold(struct io_set *s, int fd)
{
	if (s->n_held == IO_HELD_MAX) {
		close(fd);
		return ERR_FULL;
	}
	s->held[s->n_held++] = fd;
	return ERR_OK;
}
