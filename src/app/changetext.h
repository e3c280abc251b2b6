/* A difference between the accounts of a store and of a file, for people: on standard output. */
#ifndef POSTERN_APP_CHANGETEXT_H
#define POSTERN_APP_CHANGETEXT_H

#include "policy/change.h"

/**
 * "~ account acme" and a line a field that differs; of longer lists and rules the parts that went
 * (-) and came (+), of certificates whose they are and until when.
 */
void changetext_print(const struct change *c);

#endif
