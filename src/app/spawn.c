#include "app/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SPAWN_FDS_SPARE = 200 /* descriptors of a child wait above this number */ };

/* In the child: bring each descriptor to its number; all others are close-on-exec. */
static void
place_fds(struct spawn_fds *m)
{
	for (size_t to = 0; to < ARRAY_LEN(m->from); to++)
		if (m->from[to] >= 0)
			m->from[to] = fcntl(m->from[to], F_DUPFD_CLOEXEC, SPAWN_FDS_SPARE);
	for (size_t to = 0; to < ARRAY_LEN(m->from); to++)
		if (m->from[to] >= 0 && dup2(m->from[to], (int)to) < 0)
			_exit(127);
}

_Noreturn void
spawn_exec(enum keeper_role role, uint64_t epoch, uint32_t log_level, struct spawn_fds *m,
	   int log_fd)
{
	static const struct rlimit no_core = {0, 0};
	char number[24], level[12];
	sigset_t none;

	m->from[2] = log_fd;
	place_fds(m);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &no_core); /* it would hold keys (S3) */
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)epoch);
	(void)snprintf(level, sizeof(level), "%u", log_level);
	execl("/proc/self/exe", "postern", "--role", keeper_role_name(role), number, level,
	      (char *)NULL);
	_exit(127);
}
