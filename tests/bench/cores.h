/* Two processors: the load on the near one, who is measured alone on the far one; and the time that
 * the scheduler counts for a process there. */
#ifndef POSTERN_TESTS_BENCH_CORES_H
#define POSTERN_TESTS_BENCH_CORES_H

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>

#include "bench.h"

enum { CORES_NEAR = 0, CORES_FAR = 1, CORES_NICE = -20 };

/** This process alone is what counts on that core: pinned, first in its session's group. */
static inline void
cores_own(int cpu)
{
	FILE *f;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	BENCH_MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
	(void)setsid(); /* nice values count within a session only, where the kernel groups them */
	(void)setpriority(PRIO_PROCESS, 0, CORES_NICE);
	f = fopen("/proc/self/autogroup", "we");
	if (f) {
		fprintf(f, "%d", CORES_NICE);
		(void)fclose(f);
	}
}

/** Nanoseconds that the task of a /proc/.../schedstat ran, user and system. 0: it is gone. */
static inline uint64_t
cores_task_ns(const char *schedstat)
{
	FILE *f = fopen(schedstat, "re");
	unsigned long long ns = 0;

	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		(void)fclose(f);
	return ns;
}

/** The same of all tasks of a process. 0: it is gone. */
static inline uint64_t
cores_process_ns(pid_t pid)
{
	char path[300];
	struct dirent *e;
	uint64_t sum = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid,
			       e->d_name);
		sum += cores_task_ns(path);
	}
	if (d)
		closedir(d);
	return sum;
}

#endif
