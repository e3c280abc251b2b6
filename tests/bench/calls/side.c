#include "calls/side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "calls/aside.h"

enum {
	OUR_TLS = 5061,
	PEER_TLS = 5071,
	PEER_UDP = 5070,
	OTHER_TLS = 5081,
	OTHER_UDP = 5090,
	OTHER_CLEAR = 5092,
};

/* ---- ours ---- */

static const char our_conf[] = "node:\n  id: 1\n  name: bench\n  run_dir: %1$s/%6$srun\n"
			       "log:\n  level: warn\n"
			       "limits:\n  calls: %2$u\n"
			       "stop_timeout: 3s\n"
			       "store: %1$s/%6$sstore.db\n"
			       "cdr: %1$s/%6$scdr.jsonl\n"
			       "control: %1$s/%6$scontrol.sock\n"
			       "zones:\n"
			       "  - fqdn: sbc.example.test\n"
			       "    certificate: %1$s/sbc.pem\n"
			       "    key: %1$s/sbc.key\n"
			       "    trust: [%1$s/ca.pem]\n"
			       "    profile: carrier\n"
			       "    client_certificate: required\n"
			       "listeners:\n"
			       "  - {name: customers, transport: tls, bind: \"" PLACE_CUSTOMER_SIDE
			       ":%3$u\", side: customer, zone: sbc.example.test}\n"
			       "  - {name: carriers, transport: udp, bind: \"" PLACE_CARRIER_SIDE
			       ":%4$u\", side: carrier}\n"
			       "  - {name: clear, transport: udp, bind: \"" PLACE_CUSTOMER_SIDE
			       ":%9$u\", side: customer}\n"
			       "media:\n"
			       "  addresses:\n"
			       "    - {name: outside, bind: %7$s}\n"
			       "    - {name: inside, bind: %8$s}\n"
			       "  ports: 10000-59999\n"
			       "  customer: outside\n"
			       "  carrier: inside\n"
			       "dns: [127.0.0.53]\n"
			       "crl: {fetch: no, staple: no}\n"
			       "%5$s";

static const char our_accounts[] =
	"accounts:\n"
	"  - id: acme\n"
	"    name: Bench\n"
	"    services: [origination, toll_free, termination, international]\n"
	"    tls_srtp: on\n"
	"    override: a benchmark\n"
	"    trunks:\n"
	"      - id: acme-pbx\n"
	"        fqdn: pbx.example.test\n"
	"        port: 5061\n"
	"        transport: tls\n"
	"        security: required\n"
	"        reuse: inbound\n"
	"        numbers: [\"" PLACE_NUMBER "\"]\n"
	"  - id: clear\n"
	"    name: Beside it\n"
	"    services: [origination, termination]\n"
	"    tls_srtp: on\n"
	"    override: a benchmark\n"
	"    trunks:\n"
	"      - {id: clear-pbx, fqdn: " ASIDE_PBX ", port: 5070, transport: udp,\n"
	"         security: refused, sources: [" ASIDE_PBX "], emergency: yes,\n"
	"         numbers: [\"+15557770002\"]}\n"
	"carriers:\n"
	"  - {id: gw9, host: " ASIDE_GATEWAY ", port: 5080, transport: udp, security: refused,\n"
	"     sources: [" ASIDE_GATEWAY "], emergency: yes, priority: 90}\n"
	"  - id: gw1\n"
	"    host: " PLACE_GATEWAY "\n"
	"    port: %u\n"
	"    transport: udp\n"
	"    security: refused\n"
	"    sources: [" PLACE_GATEWAY "]\n";

/* Where one of two nodes is, beside the other. */
struct ours {
	const char *name, *prefix; /* of its files */
	uint16_t tls, udp, clear;
	const char *outside, *inside; /* its media */
};

static bool
start_ours(struct side *s, const struct place *p, const struct ours *o, const char *program,
	   unsigned calls, const char *more)
{
	char file[64];
	char *conf, *accounts = strdup(place_path(p, "accounts.yaml")), *binary = strdup(program);
	bool ok = false;

	(void)snprintf(file, sizeof(file), "%s.yaml", o->name);
	conf = strdup(place_path(p, file));
	*s = (struct side){.name = o->name, .tls_port = o->tls};
	BENCH_MUST(conf && accounts && binary);
	place_write(p, file, our_conf, p->dir, calls, o->tls, o->udp, more, o->prefix, o->outside,
		    o->inside, o->clear);
	place_write(p, "accounts.yaml", our_accounts, PLACE_GATEWAY_PORT);
	if (place_run(p, o->name,
		      (char *[]){binary, (char *)"apply", (char *)"-c", conf, accounts, NULL}) !=
	    0) {
		place_said(p, o->name, s->why, sizeof(s->why));
	} else {
		s->pid = place_start(p, o->name,
				     (char *[]){binary, (char *)"run", (char *)"-c", conf, NULL});
		ok = true;
	}
	free(conf);
	free(accounts);
	free(binary);
	return ok;
}

bool
side_start_postern(struct side *s, const struct place *p, const char *program, unsigned calls,
		   const char *more)
{
	static const struct ours o = {.name = "postern",
				      .prefix = "",
				      .tls = OUR_TLS,
				      .udp = SIDE_OUR_UDP,
				      .clear = SIDE_OUR_CLEAR,
				      .outside = PLACE_CUSTOMER_SIDE,
				      .inside = PLACE_CARRIER_SIDE};

	return start_ours(s, p, &o, program, calls, more);
}

bool
side_start_other(struct side *s, const struct place *p, const char *program, unsigned calls)
{
	static const struct ours o = {.name = "other",
				      .prefix = "other-",
				      .tls = OTHER_TLS,
				      .udp = OTHER_UDP,
				      .clear = OTHER_CLEAR,
				      .outside = "127.0.0.3",
				      .inside = "127.0.0.4"};

	return start_ours(s, p, &o, program, calls, "");
}

/* ---- the peer ---- */

/* A proxy that stays in the dialog, follows it (dialog) and hides Via, Contact, Record-Route and
 * Call-ID of one side from the other (topoh), as a border does. */
static const char peer_conf[] =
	"#!KAMAILIO\n"
	"debug=-1\nlog_stderror=yes\nchildren=1\ntcp_children=1\nauto_aliases=no\n"
	"disable_tcp=no\nenable_tls=yes\ntcp_max_connections=1000\ntls_max_connections=1000\n"
	"tcp_connection_lifetime=3605\n"
	"listen=tls:" PLACE_CUSTOMER_SIDE ":%2$u\nlisten=udp:" PLACE_CARRIER_SIDE ":%3$u\n"
	"loadmodule \"tm.so\"\nloadmodule \"sl.so\"\nloadmodule \"rr.so\"\nloadmodule \"pv.so\"\n"
	"loadmodule \"maxfwd.so\"\nloadmodule \"textops.so\"\nloadmodule \"siputils.so\"\n"
	"loadmodule \"sanity.so\"\nloadmodule \"dialog.so\"\nloadmodule \"topoh.so\"\n"
	"loadmodule \"tls.so\"\n"
	"modparam(\"tls\", \"config\", \"%1$s/tls.cfg\")\n"
	"modparam(\"tls\", \"tls_force_run\", 1)\n"
	"modparam(\"rr\", \"enable_double_rr\", 1)\n"
	"modparam(\"rr\", \"append_fromtag\", 1)\n"
	"modparam(\"dialog\", \"db_mode\", 0)\n"
	"modparam(\"dialog\", \"default_timeout\", 3600)\n"
	"modparam(\"topoh\", \"mask_key\", \"a key of the benchmark\")\n"
	"modparam(\"topoh\", \"mask_ip\", \"10.1.1.10\")\n"
	"modparam(\"topoh\", \"mask_callid\", 1)\n"
	"request_route {\n"
	"  if (!mf_process_maxfwd_header(\"10\")) { sl_send_reply(\"483\",\"Too Many Hops\"); "
	"exit; }\n"
	"  if (!sanity_check(\"17895\", \"7\")) { exit; }\n"
	"  if (is_method(\"CANCEL\")) { if (t_check_trans()) t_relay(); exit; }\n"
	"  if (has_totag()) {\n"
	"    if (loose_route()) { route(RELAY); }\n"
	"    if (is_method(\"ACK\")) { if (t_check_trans()) t_relay(); exit; }\n"
	"    sl_send_reply(\"404\",\"Not here\"); exit;\n"
	"  }\n"
	"  t_check_trans();\n"
	"  if (!is_method(\"INVITE\")) { sl_send_reply(\"405\",\"Method Not Allowed\"); exit; }\n"
	"  record_route();\n"
	"  dlg_manage();\n"
	"  $du = \"sip:" PLACE_GATEWAY ":%4$u\"; $fs = \"udp:" PLACE_CARRIER_SIDE ":%3$u\";\n"
	"  route(RELAY);\n"
	"}\n"
	"route[RELAY] { if (!t_relay()) sl_reply_error(); exit; }\n";

static const char peer_tls[] = "[server:default]\nmethod = TLSv1.2\nverify_certificate = yes\n"
			       "require_certificate = yes\nverify_depth = 3\n"
			       "cipher_list = AES128-SHA\n"
			       "private_key = %1$s/sbc.key\ncertificate = %1$s/sbc.pem\n"
			       "ca_list = %1$s/ca.pem\n"
			       "[client:default]\nmethod = TLSv1.2\n";

bool
side_start_kamailio(struct side *s, const struct place *p)
{
	char *conf = strdup(place_path(p, "kamailio.cfg")), *dir = strdup(p->dir);
	int rc;

	*s = (struct side){.name = "kamailio", .tls_port = PEER_TLS};
	BENCH_MUST(conf && dir);
	place_write(p, "kamailio.cfg", peer_conf, p->dir, PEER_TLS, PEER_UDP, PLACE_GATEWAY_PORT);
	place_write(p, "tls.cfg", peer_tls, p->dir);
	rc = place_run(p, "kamailio",
		       (char *[]){(char *)"kamailio", (char *)"-f", conf, (char *)"-c",
				  (char *)"-Y", dir, NULL});
	if (rc == 127)
		(void)snprintf(s->why, sizeof(s->why), "kamailio is not installed");
	else if (rc != 0)
		place_said(p, "kamailio", s->why, sizeof(s->why));
	else
		s->pid = place_start(p, "kamailio",
				     (char *[]){(char *)"kamailio", (char *)"-f", conf,
						(char *)"-DD", (char *)"-E", (char *)"-m",
						(char *)"1024", (char *)"-M", (char *)"16",
						(char *)"-Y", dir, (char *)"-w", dir, NULL});
	free(conf);
	free(dir);
	return rc == 0;
}
