#include "calls/place.h"

#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "certs.h"
#include "cores.h"

enum { STOP_STEPS = 800, STEP_US = 10 * 1000, PATHS = 8 };

/* ---- files ---- */

const char *
place_path(const struct place *p, const char *name)
{
	static char paths[PATHS][PLACE_PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % PATHS];

	BENCH_MUST(snprintf(path, PLACE_PATH_MAX, "%s/%s", p->dir, name) < PLACE_PATH_MAX);
	return path;
}

void
place_write(const struct place *p, const char *name, const char *fmt, ...)
{
	FILE *f = fopen(place_path(p, name), "we");
	va_list ap;

	BENCH_MUST(f);
	va_start(ap, fmt);
	BENCH_MUST(vfprintf(f, fmt, ap) >= 0);
	va_end(ap);
	BENCH_MUST(fclose(f) == 0);
}

static void
put_file(const struct place *p, const char *name, struct str text)
{
	place_write(p, name, "%.*s", (int)text.len, text.p);
	BENCH_MUST(chmod(place_path(p, name), 0600) == 0);
}

static void
put_certs(const struct place *p)
{
	static const char eku[] = "serverAuth,clientAuth";
	struct ca_keys *k = ca_keys();
	X509 *root = ca_root("Bench Root");
	X509 *middle = certs_make("Bench Issuer", NULL, NULL, k->leaf2, root, k->ca);
	X509 *sbc = certs_make("sbc.example.test", "DNS:sbc.example.test", eku, k->leaf, middle,
			       k->leaf2);
	X509 *pbx = certs_make("pbx.example.test", "DNS:pbx.example.test", eku, k->leaf, middle,
			       k->leaf2);

	put_file(p, "ca.pem", ca_pem(0, &root, 1));
	put_file(p, "sbc.pem", ca_pem(0, (X509 *[]){sbc, middle}, 2));
	put_file(p, "pbx.pem", ca_pem(0, (X509 *[]){pbx, middle}, 2));
	put_file(p, "sbc.key", ca_key_pem(0, k->leaf, NULL));
	put_file(p, "pbx.key", ca_key_pem(0, k->leaf, NULL));
	X509_free(root);
	X509_free(middle);
	X509_free(sbc);
	X509_free(pbx);
	ca_keys_free();
}

/* ---- the place ---- */

static void
own_network(void)
{
	struct ifreq r = {.ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) != 0) {
		fprintf(stderr, "bench calls needs root: it makes a network namespace\n");
		exit(1);
	}
	memcpy(r.ifr_name, "lo", sizeof("lo"));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	BENCH_MUST(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0);
	close(fd);
}

void
place_make(struct place *p)
{
	const char *tmp = getenv("TMPDIR");

	own_network();
	BENCH_MUST(snprintf(p->dir, sizeof(p->dir), "%s/bench-calls-XXXXXX", tmp ? tmp : "/tmp") <
		   (int)sizeof(p->dir));
	BENCH_MUST(mkdtemp(p->dir));
	put_certs(p);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

void
place_drop(struct place *p)
{
	(void)nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- processes ---- */

static pid_t
start(const struct place *p, const char *name, int flags, char *const argv[])
{
	char log[PLACE_PATH_MAX / 2];
	pid_t pid;
	int fd;

	(void)snprintf(log, sizeof(log), "%s.log", name);
	fd = open(place_path(p, log), O_CREAT | O_CLOEXEC | O_WRONLY | O_APPEND | flags, 0600);
	BENCH_MUST(fd >= 0);
	fflush(NULL);
	pid = fork();
	BENCH_MUST(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (p->measures)
			cores_own(CORES_FAR);
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
		(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fd);
	return pid;
}

pid_t
place_start(const struct place *p, const char *name, char *const argv[])
{
	return start(p, name, O_TRUNC, argv);
}

int
place_run(const struct place *p, const char *name, char *const argv[])
{
	pid_t pid = start(p, name, 0, argv);
	int status;

	BENCH_MUST(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void
place_stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	for (int i = 0; i < STOP_STEPS && *pid; i++) {
		if (waitpid(*pid, NULL, WNOHANG) == *pid)
			*pid = 0;
		else
			usleep(STEP_US);
	}
	if (*pid) {
		kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
		*pid = 0;
	}
}

void
place_said(const struct place *p, const char *name, char *out, size_t size)
{
	char log[PLACE_PATH_MAX / 2];
	ssize_t n = -1;
	int fd;

	(void)snprintf(log, sizeof(log), "%s.log", name);
	fd = open(place_path(p, log), O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		off_t end = lseek(fd, 0, SEEK_END), room = (off_t)size - 1;

		n = pread(fd, out, size - 1, end > room ? end - room : 0);
		close(fd);
	}
	out[n > 0 ? n : 0] = 0;
	for (char *c = out; *c; c++)
		if (*c == '\n' || *c == '"' || *c == '\\')
			*c = ' ';
}

/* ---- what the kernel says ---- */

/* Children of all threads of a process, behind the n that are there already. */
static unsigned
add_children(pid_t pid, pid_t *out, unsigned n)
{
	char path[300];
	struct dirent *e;
	int child;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid,
			       e->d_name);
		f = fopen(path, "re");
		while (f && n < PLACE_TREE_MAX && fscanf(f, "%d", &child) == 1)
			out[n++] = child;
		if (f)
			(void)fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

unsigned
place_tree(pid_t root, pid_t *out)
{
	unsigned n = 1;

	out[0] = root;
	for (unsigned i = 0; i < n; i++)
		n = add_children(out[i], out, n);
	return n;
}

uint64_t
place_cpu_ns(pid_t root)
{
	pid_t pid[PLACE_TREE_MAX];
	unsigned n = place_tree(root, pid);
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += cores_process_ns(pid[i]);
	return sum;
}

pid_t
place_role(pid_t root, const char *role)
{
	pid_t pid[PLACE_TREE_MAX];
	unsigned n = place_tree(root, pid);

	for (unsigned i = 0; i < n; i++) {
		char path[64], words[256] = "";
		FILE *f;
		size_t len = 0;

		(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid[i]);
		f = fopen(path, "re");
		if (f) {
			len = fread(words, 1, sizeof(words) - 1, f);
			(void)fclose(f);
		}
		for (size_t k = 0; k + 1 < len; k += strlen(words + k) + 1)
			if (strcmp(words + k, "--role") == 0 &&
			    strcmp(words + k + sizeof("--role"), role) == 0)
				return pid[i];
	}
	return 0;
}

uint64_t
place_rss_kib(pid_t pid)
{
	unsigned long long kib = 0;
	char path[64], line[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %llu", &kib) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kib;
}
