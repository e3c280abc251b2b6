#include "ready/check.h"

#include "ready/parts.h"

void
readycheck_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out)
{
	*out = (struct ready_report){.cause = ""};
	if (readynet_run(f, out)) {
		readytls_run(f, now_us, out);
		readyeach_run(f, now_us, out);
		readysip_run(f, out);
	}
	ready_fill(out, READY_SIP_ALLOW);
	readycall_run(f, out);
	readywait_run(f, out);
	ready_conclude(out);
}
