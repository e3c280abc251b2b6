/* The media addresses and ports of postern.yaml. */
#ifndef POSTERN_CONF_MEDIA_H
#define POSTERN_CONF_MEDIA_H

#include "conf/confparse.h"

/** `media`. */
void confmedia_read(struct confparse *p);

#endif
