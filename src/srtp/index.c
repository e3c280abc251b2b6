#include "srtp/index.h"

uint64_t
srtp_index_estimate(uint64_t highest, uint16_t seq)
{
	uint64_t index = (highest & ~UINT64_C(0xffff)) | seq;

	/* RFC 3711 appendix A, as distances: a step of half the space or less stays */
	if (index + 0x8000 < highest)
		return index + 0x10000;
	if (index > highest + 0x8000 && index >= 0x10000)
		return index - 0x10000;
	return index;
}
