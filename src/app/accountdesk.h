/* admin's desk for accounts: watches the store, makes a snapshot of what changed and passes it on
 * through keeper, keeps the last good one beside the store, and says where the accounts in use name
 * what the configuration in use has not. One thread. */
#ifndef POSTERN_APP_ACCOUNTDESK_H
#define POSTERN_APP_ACCOUNTDESK_H

#include "conf/conf.h"
#include "base/channel.h"
#include "ops/show.h"
#include "store/store.h"

enum { ACCOUNTDESK_LINES_MAX = 20 }; /* of the log about what does not fit; the rest is counted */

struct accountdesk {
	const struct conf *conf;                                /* in use */
	char path[CONF_PATH_MAX], good_path[CONF_PATH_MAX + 8]; /* of the store */
	struct alarms *alarms;
	struct channel *keeper;
	struct show *show; /* store_version, store_broken */
	struct store *store;
	uint64_t tried_version; /* of the store, that a snapshot was made or tried from */
	bool tried;
	int fd; /* a snapshot that keeper has not taken yet, -1 = none */
};

/** All borrowed: conf until accountdesk_conf, the others for the life of d. Passes on the accounts
 * of the store or, where it cannot be used, the last good ones (logged, alarmed). */
void accountdesk_init(struct accountdesk *d, const struct conf *conf, struct alarms *alarms,
		      struct channel *keeper, struct show *show);
void accountdesk_fini(struct accountdesk *d);
/** Each second: passes on what waits, looks whether the store has changed. */
void accountdesk_tick(struct accountdesk *d);
/** Open the store anew and look at it. Its failure is logged, too. */
enum err accountdesk_reload(struct accountdesk *d) NODISCARD;
/** Another configuration is in use. */
void accountdesk_conf(struct accountdesk *d, const struct conf *conf);
/** Have the store open: d->store. Logged, alarmed. */
enum err accountdesk_open(struct accountdesk *d) NODISCARD;
/** Raise or clear the alarm, and log, about names in these accounts that the configuration has
 * not. */
void accountdesk_hold(const struct snapshot_view *v, const struct conf *conf,
		      struct alarms *alarms);

#endif
