#include "relay/contender.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cores.h"

enum { END_STEPS = 100, STEP_US = 10 * 1000 };

pid_t
contender_fork(struct contender *c, const struct bed *b)
{
	c->log = memfd_create("bench-relay-log", MFD_CLOEXEC);
	BENCH_MUST(c->log >= 0);
	fflush(NULL);
	c->pid = fork();
	BENCH_MUST(c->pid >= 0);
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bed_enter_far(b);
		cores_own(CORES_FAR);
	}
	return c->pid;
}

void
contender_reap(struct contender *c)
{
	for (int i = 0; i < END_STEPS && c->pid; i++) {
		if (waitpid(c->pid, NULL, WNOHANG) == c->pid)
			c->pid = 0;
		else
			usleep(STEP_US);
	}
	if (c->pid) {
		kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
		c->pid = 0;
	}
}

void
contender_stop(struct contender *c)
{
	if (c->do_stop)
		c->do_stop(c);
	else if (c->pid)
		kill(c->pid, SIGTERM);
	contender_reap(c);
	if (c->log > 0)
		close(c->log);
	*c = (struct contender){0};
}

void
contender_why(const struct contender *c, const char *what, char *why)
{
	char said[CONTENDER_WHY_MAX / 2] = "";
	off_t end = lseek(c->log, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(said) - 1 ? end - (off_t)sizeof(said) + 1 : 0;
	ssize_t n = pread(c->log, said, sizeof(said) - 1, from);

	for (ssize_t i = 0; i < n; i++)
		if (said[i] == '\n' || said[i] == '"')
			said[i] = ' ';
	(void)snprintf(why, CONTENDER_WHY_MAX, "%s: %s", what, n > 0 ? said : "it said nothing");
}
