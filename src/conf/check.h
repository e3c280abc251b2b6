/* What the schema of a configuration cannot see: its files and the system it runs on. */
#ifndef POSTERN_CONF_CHECK_H
#define POSTERN_CONF_CHECK_H

#include "conf/conf.h"
#include "media/io_choice.h"

/**
 * Files readable and fitting (certificate, key, authorities, profile, zone's name), addresses and
 * ports that overlap, what is told to others, ranges and limits of the system. Reads files and
 * /proc. CONFIG when it reported an error; warnings alone are fine.
 */
enum err conf_check(const struct conf *c, struct conf_report *rep) NODISCARD;
/**
 * What of it this machine lacks now, as warnings, because it may come yet, or be another user's to
 * have: the addresses that listeners and media bind to, by a trial bind in the network namespace of
 * the caller, the folder that run_dir is made in, the back end of packet I/O, files for it. io is
 * set to what would move the packets if postern were started by this user.
 */
void conf_check_machine(const struct conf *c, struct conf_report *rep, struct io_chosen *io);
/** Concurrent calls that a process with so many open files carries over plain sockets. */
uint32_t conf_calls_by_files(const struct conf *c);

#endif
