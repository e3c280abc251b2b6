/* Where bench calls runs: a network namespace and a folder of its own, certificates made for the
 * run, the processes of who is measured, and what the kernel says of them. */
#ifndef POSTERN_TESTS_BENCH_CALLS_PLACE_H
#define POSTERN_TESTS_BENCH_CALLS_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything is on loopback of the namespace. */
#define PLACE_PBX "127.0.0.2"
#define PLACE_CUSTOMER_SIDE "127.0.0.1"
#define PLACE_CARRIER_SIDE "127.0.0.8"
#define PLACE_GATEWAY "127.0.0.9"
#define PLACE_NUMBER "+15557770001"

enum {
	PLACE_GATEWAY_PORT = 5080,
	PLACE_PATH_MAX = 128,
	PLACE_TREE_MAX = 64, /* processes of one that is measured */
};

struct place {
	char dir[PLACE_PATH_MAX - 32];
	bool measures; /* who is started has the far processor, ahead of others */
};

/** Needs root. Certificates: ca.pem, sbc.pem, sbc.key, pbx.pem, pbx.key. Ends the program when it
 * cannot be had. */
void place_make(struct place *p);
/** Removes the folder. */
void place_drop(struct place *p);
/** "DIR/NAME", in storage of its own for the last few calls. */
const char *place_path(const struct place *p, const char *name);
/** A text file in the folder. */
void place_write(const struct place *p, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Start a program on the far processor; what it says goes to NAME.log; it dies with us. */
pid_t place_start(const struct place *p, const char *name, char *const argv[]);
/** Run a program to its end; its exit status. */
int place_run(const struct place *p, const char *name, char *const argv[]);
/** SIGTERM, then SIGKILL after some seconds. 0: nothing. */
void place_stop(pid_t *pid);
/** The last lines of NAME.log, in one line without quotes. */
void place_said(const struct place *p, const char *name, char *out, size_t size);

/** A process and all that descend from it: at most PLACE_TREE_MAX. */
unsigned place_tree(pid_t root, pid_t *out);
/** CPU that all of them used so far, user and system, of all their threads, nanoseconds. */
uint64_t place_cpu_ns(pid_t root);
/** The descendant of root that was started as `--role NAME`, 0 when there is none. */
pid_t place_role(pid_t root, const char *role);
/** Resident memory, KiB: all of it, with what it maps of shared segments. */
uint64_t place_rss_kib(pid_t pid);

#endif
