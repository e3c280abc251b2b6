/* The section `numbers` of the configuration: how telephone numbers are read. */
#ifndef POSTERN_CONF_NUMBERS_H
#define POSTERN_CONF_NUMBERS_H

#include "conf/yaml.h"
#include "policy/number.h"

/** Read map (NULL: the defaults) into *out, from its defaults on; what is wrong goes to rep. */
void confnumbers_read(const struct yaml *y, const struct yaml_node *map, struct conf_report *rep,
		      struct number_plan *out);

#endif
