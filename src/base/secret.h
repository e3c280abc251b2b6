/* Key material: wiped by a call that the compiler cannot remove, compared in constant time. */
#ifndef POSTERN_BASE_SECRET_H
#define POSTERN_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

void secret_wipe(void *p, size_t len);
/** Time depends on len only. */
bool secret_equal(const void *a, const void *b, size_t len) __attribute__((warn_unused_result));

#endif
