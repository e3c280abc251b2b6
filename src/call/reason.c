#include "call/reason.h"

#include "base/guard.h"
#include "sip/hdr.h"

static const struct {
	const char *name, *text;
	int16_t status, q850;
} refusals[] = {
#define X(name, status, q850, text) {#name, text, status, q850},
	REFUSAL_LIST(X)
#undef X
};

const char *
refusal_name(enum refusal r)
{
	return (unsigned)r < ARRAY_LEN(refusals) ? refusals[r].name : "?";
}

int
refusal_status(enum refusal r)
{
	return (unsigned)r < ARRAY_LEN(refusals) ? refusals[r].status : 500;
}

int
refusal_q850(enum refusal r)
{
	return (unsigned)r < ARRAY_LEN(refusals) ? refusals[r].q850 : 41;
}

const char *
refusal_text(enum refusal r)
{
	return (unsigned)r < ARRAY_LEN(refusals) ? refusals[r].text : "?";
}

/* One row a status: its phrase, what leg A sees when leg B failed with it, its Q.850 cause. */
static const struct {
	int16_t status, map, q850;
	const char *phrase;
} statuses[] = {
	{100, 0, 0, "Trying"},
	{180, 0, 0, "Ringing"},
	{181, 0, 0, "Call Is Being Forwarded"},
	{182, 0, 0, "Queued"},
	{183, 0, 0, "Session Progress"},
	{200, 0, 16, "OK"},
	{202, 0, 16, "Accepted"},
	{300, 300, 23, "Multiple Choices"}, /* a redirection is never passed on: reason_map */
	{301, 301, 22, "Moved Permanently"},
	{302, 302, 23, "Moved Temporarily"},
	{305, 305, 23, "Use Proxy"},
	{380, 380, 23, "Alternative Service"},
	{400, 500, 41, "Bad Request"},  /* our request displeased: not the caller's fault */
	{401, 401, 21, "Unauthorized"}, /* nor is a challenge */
	{402, 402, 21, "Payment Required"},
	{403, 403, 21, "Forbidden"},
	{404, 404, 1, "Not Found"},
	{405, 500, 63, "Method Not Allowed"},
	{406, 500, 79, "Not Acceptable"},
	{407, 407, 21, "Proxy Authentication Required"},
	{408, 504, 102, "Request Timeout"},
	{410, 410, 22, "Gone"},
	{413, 500, 127, "Request Entity Too Large"},
	{414, 500, 127, "Request-URI Too Long"},
	{415, 500, 79, "Unsupported Media Type"},
	{416, 500, 127, "Unsupported URI Scheme"},
	{420, 500, 127, "Bad Extension"},
	{421, 500, 127, "Extension Required"},
	{422, 500, 127, "Session Interval Too Small"},
	{423, 500, 127, "Interval Too Brief"},
	{428, 500, 127, "Use Identity Header"},
	{433, 433, 21, "Anonymity Disallowed"},
	{469, 500, 127, "Bad Info Package"},
	{480, 480, 18, "Temporarily Unavailable"},
	{481, 500, 41, "Call/Transaction Does Not Exist"},
	{482, 482, 25, "Loop Detected"},
	{483, 483, 25, "Too Many Hops"},
	{484, 484, 28, "Address Incomplete"},
	{485, 485, 1, "Ambiguous"},
	{486, 486, 17, "Busy Here"},
	{487, 487, 16, "Request Terminated"},
	{488, 488, 88, "Not Acceptable Here"},
	{489, 500, 127, "Bad Event"},
	{491, 500, 41, "Request Pending"},
	{493, 500, 127, "Undecipherable"},
	{500, 500, 41, "Server Internal Error"},
	{501, 500, 79, "Not Implemented"},
	{502, 502, 38, "Bad Gateway"},
	{503, 500, 41, "Service Unavailable"}, /* 503 would say that postern is overloaded */
	{504, 504, 102, "Server Time-out"},
	{505, 500, 127, "Version Not Supported"},
	{513, 500, 127, "Message Too Large"},
	{580, 500, 47, "Precondition Failure"},
	{600, 600, 17, "Busy Everywhere"},
	{603, 603, 21, "Decline"},
	{604, 604, 1, "Does Not Exist Anywhere"},
	{606, 606, 88, "Not Acceptable"},
	{607, 607, 21, "Unwanted"},
	{608, 608, 21, "Rejected"},
};

static size_t
find_status(int status)
{
	size_t i = 0;

	while (i < ARRAY_LEN(statuses) && statuses[i].status != status)
		i++;
	return i;
}

const char *
reason_phrase(int status)
{
	size_t i = find_status(status);

	return i < ARRAY_LEN(statuses) ? statuses[i].phrase : "Unknown";
}

int
reason_map(int status_b)
{
	size_t i = find_status(status_b);

	/* A challenge that went on would have the caller's PBX send its password's digest to a
	 * stranger (A6); a redirection would send the call past every check (A7). */
	if (!GUARD(A6, status_b != 401 && status_b != 407) ||
	    !GUARD(A7, status_b < 300 || status_b > 399))
		return 500;
	if (i < ARRAY_LEN(statuses) && statuses[i].map)
		return statuses[i].map;
	return status_b >= 600 && status_b <= 699  ? 603
	       : status_b >= 400 && status_b < 500 ? 480
						   : 500;
}

int
reason_q850(int status)
{
	size_t i = find_status(status);

	return i < ARRAY_LEN(statuses) ? statuses[i].q850 : 127;
}

int
reason_q850_of(const struct sip_msg *msg)
{
	struct sip_reason r;

	return sip_reason_read(msg, "Q.850", &r) == ERR_OK && r.cause <= 127 ? r.cause : 0;
}
