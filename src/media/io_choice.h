/* Which back end moves the packets: all there are, by kind and by name. */
#ifndef POSTERN_MEDIA_IO_CHOICE_H
#define POSTERN_MEDIA_IO_CHOICE_H

#include "media/io.h"

/** NULL: no such kind. */
const struct io_backend *io_backend_of(uint32_t kind);

#endif
