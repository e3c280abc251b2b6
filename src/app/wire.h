/* Joins the layers of a signaling worker: what edge, media and admin tell call (what call asks of
 * them is in app/wire_call.h). The only place that knows them all. */
#ifndef POSTERN_APP_WIRE_H
#define POSTERN_APP_WIRE_H

#include "app/wire_admin.h"
#include "app/wire_call.h"

/** The table of pointers. w outlives what it is given to. */
void wire_edge_up(struct worker *w, struct edge_up *up);
/** Pointers of w->media (after media_ctl_init). */
void wire_media(struct worker *w);
/** A message of admin; false: it is broken, end the channel. */
bool wire_on_admin(struct worker *w, const struct channel_msg *m);
/** Take up the records of an earlier life, and close rows that belong to none. */
void wire_restore(struct worker *w);

#endif
