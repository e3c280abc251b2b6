/* The two legs of a call: whom their messages come from and go to, and what those say of a leg. */
#ifndef POSTERN_CALL_LEG_H
#define POSTERN_CALL_LEG_H

#include "call/state.h"

/** Which way a message goes that leaves towards this leg. */
enum hide_way leg_way(const struct call *c, enum call_leg_index i);

/** The trunk of a leg as it stands now; NULL: none yet, or it is gone. */
const struct trunk *leg_trunk(const struct call *c, enum call_leg_index i);
/** Which requests inside a dialog both legs' trunks let go on; before leg B has one: A's alone. */
enum trunk_indialog leg_indialog(const struct call *c);
/** Does leg i take digits in INFO alone, while the other one speaks events (dtmf of their trunks)?
 * Then each is offered and answered what it speaks, and digits are turned (call/dtmf.h). */
bool leg_wants_info(const struct call *c, enum call_leg_index i);
/** Do digits that the other leg sends in INFO go to leg i as events? */
bool leg_wants_events(const struct call *c, enum call_leg_index i);
/* What Allow names beside our own methods. */
struct leg_allow {
	enum trunk_indialog indialog;
	bool refer;
};
struct leg_allow leg_allows(const struct call *c, enum call_leg_index i);
/** Fill what the record says of a leg from where its message came. */
void leg_from_source(struct call *c, enum call_leg_index i, const struct edge_source *src);
/** May this source speak in the leg's dialog? What is over TLS stays there, with its account over
 * any connection, with a carrier's trunk, its certificate or its address: a key must not leave in
 * clear because of a message that came so. */
bool leg_hears(const struct call *c, enum call_leg_index i, const struct edge_source *src);
/** The leg's requests go to where this request in its dialog came over: not to TLS, where it is not
 * there yet. */
void leg_follow(struct call *c, enum call_leg_index i, const struct edge_source *src);
/** Which methods it takes, where a message of leg i says so. */
void leg_note_allow(struct call *c, enum call_leg_index i, const struct sip_msg *m);
/** Its session timer from now on: refreshed by us or by its peer; 0: none. */
void leg_set_session(struct call *c, enum call_leg_index i, uint32_t seconds, bool ours);
/** What a 2xx of leg i to our INVITE or UPDATE says of its session timer. */
void leg_take_session(struct call *c, enum call_leg_index i, const struct sip_msg *m);
/** The Contact of m is where requests to leg i go from now on. One that cannot be used leaves it as
 * it was. */
void leg_refresh_target(struct call *c, enum call_leg_index i, const struct sip_msg *m);
/** A 2xx of leg i to a change: all of the above that it says. */
void leg_take_ok(struct call *c, enum call_leg_index i, const struct edge_news *news);
/** Where a request inside the dialog of leg i goes. SYNTAX: the peer's target cannot be used. */
enum err leg_dest(const struct call *c, enum call_leg_index i, struct edge_dest *d) NODISCARD;

#endif
