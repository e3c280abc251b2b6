/* Handshakes for the tests of ops and app. */
#ifndef POSTERN_TESTS_OPS_HANDS_H
#define POSTERN_TESTS_OPS_HANDS_H

#include <stdio.h>
#include <string.h>

#include "ops/handjson.h"

#define HANDS_AT 1700000000000000LL

static inline void
hands_text(char *dst, size_t cap, const char *z)
{
	(void)!str_copyz(dst, cap, str_from(z));
}

/* Of 192.0.2.1, TLS 1.2; refused: its certificate has expired. */
__attribute__((unused)) static struct hand_entry
hands_entry(const char *id, const char *account, bool accepted)
{
	struct hand_entry e = {.what = HAND_WHAT_HANDSHAKE, .n_trunks = accepted};
	struct tls_record *r = &e.u.tls;

	hands_text(e.id.z, sizeof(e.id.z), id);
	hands_text(e.account.z, sizeof(e.account.z), account);
	hands_text(e.trunk[0].z, sizeof(e.trunk[0].z), "acme-1");
	hands_text(e.zone, sizeof(e.zone), "sip.z.example");
	(void)!addr_parse(STR("192.0.2.1:4711"), &r->peer);
	(void)!addr_parse(STR("192.0.2.2:5061"), &r->local);
	r->accepted = accepted;
	r->began_us = HANDS_AT;
	r->duration_us = 12345;
	hands_text(r->sni, sizeof(r->sni), "sip.z.example");
	r->offered_versions[r->n_versions++] = 0x0303;
	r->offered_versions[r->n_versions++] = 0x0302;
	r->offered_suites[r->n_suites++] = 0x002f;
	r->offered_suites[r->n_suites++] = 0x0035;
	r->offered_sigalgs[r->n_sigalgs++] = 0x0401;
	r->version = 0x0303;
	r->suite = 0x002f;
	hands_text(r->suite_name, sizeof(r->suite_name), "AES128-SHA");
	r->alert_sent = (int16_t)(accepted ? TLS_NO_ALERT : 45);
	r->alert_received = TLS_NO_ALERT;
	r->n_chain = 2;
	r->chain[0] = (struct tls_record_cert){
		.not_after_us = HANDS_AT + 1000000, .key = CERT_KEY_RSA, .bits = 2048};
	hands_text(r->chain[0].subject, 160, "CN=pbx");
	hands_text(r->chain[0].issuer, 160, "CN=Issuer");
	hands_text(r->chain[0].names, 512, "pbx.acme.example");
	hands_text(r->chain[1].subject, 160, "CN=Issuer");
	hands_text(r->chain[1].issuer, 160, "CN=Root,O=R");
	r->reason = accepted ? TLS_OK : TLS_CERT;
	r->cert_reason = accepted ? CERT_OK : CERT_EXPIRED;
	hands_text(r->why, sizeof(r->why), accepted ? "" : "it has expired");
	return e;
}

/* NULs behind all texts of an entry of noise, and booleans that are some. */
__attribute__((unused)) static void
hands_end_texts(struct hand_entry *e)
{
	struct tls_record *r = &e->u.tls;

	e->id.z[ID_SIZE - 1] = e->account.z[POLICY_ID_MAX - 1] = 0;
	e->zone[sizeof(e->zone) - 1] = r->sni[sizeof(r->sni) - 1] = 0;
	r->suite_name[sizeof(r->suite_name) - 1] = r->why[sizeof(r->why) - 1] = 0;
	r->authority[sizeof(r->authority) - 1] = r->notes[sizeof(r->notes) - 1] = 0;
	r->cert_hidden = false;
	r->profile[sizeof(r->profile) - 1] = 0;
	for (int i = 0; i < HANDRING_TRUNKS; i++)
		e->trunk[i].z[POLICY_ID_MAX - 1] = 0;
	for (int i = 0; i < TLS_RECORD_CERTS; i++) {
		r->chain[i].subject[159] = r->chain[i].issuer[159] = 0;
		r->chain[i].sent = r->chain[i].eku_present = true;
		r->chain[i].eku_server = r->chain[i].eku_client = true;
		r->chain[i].crl[sizeof(r->chain[i].crl) - 1] = 0;
		r->chain[i].serial[47] = r->chain[i].names[511] = 0;
	}
}

#endif
