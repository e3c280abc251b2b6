#include "ready/parts.h"
#include "net/tlsrecord.h"

static void
say_silent(const struct probe_facts *f, struct ready_line *l)
{
	const struct probe_answer *a = &f->options;

	if (a->n_foreign)
		ready_seen(
			l,
			"%u answers came, but none is to our OPTIONS: the branch in their Via is "
			"not the one that we sent",
			a->n_foreign);
	else if (a->broken)
		ready_seen(l, "what came back is not SIP");
	else if (a->alert >= 0)
		ready_seen(l, "the connection was ended with alert %s (%d)",
			   tls_alert_name(a->alert), a->alert);
	else if (a->took_us < PROBE_ANSWER_US)
		ready_seen(l, "the connection was closed when OPTIONS came: %s", a->why);
	else
		ready_seen(l,
			   "silent after TLS: the handshake was finished, but nothing answers "
			   "OPTIONS within %u s",
			   (unsigned)(PROBE_ANSWER_US / CLOCK_S));
	ready_change(l,
		     "let the equipment answer SIP on port %u: is it the SIP service that takes "
		     "the connection, and does it know %s as a trunk?",
		     f->port, f->own.zone);
}

static bool
check_options(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_answer *a = &f->options;
	bool ok = a->answered && a->status / 100 == 2;
	struct ready_line *l = ready_add(out, READY_SIP_OPTIONS,
					 ok            ? READY_PASSED
					 : a->answered ? READY_WARNED
						       : READY_FAILED);

	if (!a->answered) {
		say_silent(f, l);
		return false;
	}
	ready_seen(l, "%u %s in %u ms%s%s", a->status, a->reason, (unsigned)(a->took_us / CLOCK_MS),
		   a->server[0] ? ", by " : "", a->server);
	if (!ok)
		ready_change(l,
			     "let it answer OPTIONS from %s with 200: it is how we see that the "
			     "trunk is alive",
			     f->own.zone);
	return true;
}

static void
check_contact(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_answer *a = &f->options;
	struct ready_line *l;

	if (!a->has_contact) {
		l = ready_add(out, READY_SIP_CONTACT, READY_PASSED);
		ready_seen(l, "none in the answer to OPTIONS, which may be; a call shows it");
		return;
	}
	l = ready_add(out, READY_SIP_CONTACT, a->contact_tls ? READY_PASSED : READY_FAILED);
	ready_seen(l, "%s%s", a->contact,
		   a->contact_tls ? ""
				  : ": without transport=tls, what belongs to a call (ACK, BYE) "
				    "would be sent there in the clear, and not arrive");
	if (!a->contact_tls)
		ready_change(l,
			     "let its Contact say transport=tls (or sips:), with the port of its "
			     "TLS listener");
}

static void
check_allow(const struct probe_facts *f, struct ready_report *out)
{
	static const char *const needed[] = {"INVITE", "ACK", "CANCEL", "BYE"};
	const struct probe_answer *a = &f->options;
	struct ready_line *l = ready_add(out, READY_SIP_ALLOW, READY_PASSED);

	if (!a->allow[0]) {
		ready_seen(l, "it does not say which methods it takes");
		return;
	}
	ready_seen(l, "%s", a->allow);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (str_find(str_from(a->allow), str_from(needed[i])) == str_from(a->allow).len) {
			l->state = READY_WARNED;
			ready_change(l, "calls need %s", needed[i]);
		}
}

void
readysip_run(const struct probe_facts *f, struct ready_report *out)
{
	if (!f->options.sent && !f->options.why[0])
		return;
	if (!check_options(f, out))
		return;
	check_contact(f, out);
	check_allow(f, out);
}
