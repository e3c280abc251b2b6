/* A session of libsrtp2 for one leg: what packets are made with, and what opens those of the relay.
 */
#ifndef POSTERN_TESTS_BENCH_SESSION_H
#define POSTERN_TESTS_BENCH_SESSION_H

#include <srtp2/srtp.h>

#include "relay/traffic.h"

/** End it with srtp_dealloc. Ends the program when libsrtp2 refuses. */
srtp_t session_open(const struct traffic_case *what, uint8_t *key, srtp_ssrc_type_t side);

#endif
