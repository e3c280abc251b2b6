#include "base/id.h"

#include "base/codec.h"
#include "base/random.h"

struct id
id_new(uint8_t node, uint8_t worker)
{
	unsigned char raw[12] = {node, worker};
	struct id id = {0};
	struct buf b;

	random_bytes(raw + 2, sizeof(raw) - 2);
	buf_init(&b, id.z, ID_CHARS);
	codec_b32_put(&b, raw, sizeof(raw));
	return id;
}
