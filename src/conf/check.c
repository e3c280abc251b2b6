#include "conf/check.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/pki.h"
#include "base/secret.h"
#include "base/clock.h"
#include "base/shm.h"
#include "net/tls.h"

enum {
	EXPIRY_WARNING_DAYS = 30,
	SOCKETS_BESIDES = 512, /* listeners, connections, handshakes in hand */
};

static bool
check_file(const char *path, const struct conf_zone *z, struct conf_at at, const char *what,
	   struct conf_report *rep)
{
	struct stat st;
	bool ok = access(path, R_OK) == 0;

	if (!ok)
		report_error(rep, at.line, at.column,
			     "zone %s: the %s \"%s\" cannot be read: %s; name a PEM file that "
			     "postern may read",
			     z->fqdn, what, path, strerror(errno));
	else if (path == z->key && stat(path, &st) == 0 && (st.st_mode & 077))
		report_warning(rep, at.line, at.column,
			       "zone %s: others may read the private key \"%s\"; chmod 600 it",
			       z->fqdn, path);
	return ok;
}

/* One file, or (path NULL) all files of the zones as one block; end with shm_blob_unmap. */
static enum err
map_pki(const struct conf *c, const char *path, struct str *out, char why[PKI_WHY_MAX])
{
	int fd = memfd_create("postern-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	enum err e;

	if (fd < 0)
		return ERR_IO;
	e = path ? pki_write_file(path, fd, why) : pki_write(c, fd, why);
	if (e == ERR_OK && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		e = ERR_IO;
	if (e == ERR_OK)
		e = shm_blob_map(fd, out);
	close(fd);
	return e;
}

/* What the certificate says of itself. */
static void
check_certificate(const struct conf_zone *z, struct str chain, struct conf_report *rep)
{
	const struct conf_at *at = &z->certificate_at;
	struct tls_cert_info info;
	int64_t days;

	if (tls_cert_info(chain, &info) != ERR_OK) {
		report_error(
			rep, at->line, at->column,
			"zone %s: \"%s\" holds no certificate; name a PEM file with ours first",
			z->fqdn, z->certificate);
		return;
	}
	days = (info.not_after_us - clock_wall_us()) / (86400LL * CLOCK_S);
	if (days >= 0 && days < EXPIRY_WARNING_DAYS && info.not_after_us > clock_wall_us())
		report_warning(rep, at->line, at->column,
			       "zone %s: the certificate \"%s\" expires in %d days; renew it",
			       z->fqdn, z->certificate, (int)days);
	if (!tls_cert_covers(chain, str_from(z->fqdn)))
		report_error(
			rep, at->line, at->column,
			"zone %s: the certificate \"%s\" is for %s; customers check it against "
			"the zone's name, so take one for %s",
			z->fqdn, z->certificate, info.names[0] ? info.names : "no name", z->fqdn);
	if (info.must_staple)
		report_warning(rep, at->line, at->column,
			       "zone %s: the certificate promises an OCSP staple (must-staple); "
			       "clients that insist refuse us while there is none, so keep "
			       "crl.staple on and the authority's responder reachable",
			       z->fqdn);
	if (info.self_signed)
		report_warning(
			rep, at->line, at->column,
			"zone %s: the certificate is self-signed; customers who check it will "
			"refuse it",
			z->fqdn);
}

/* Does TLS take these files together? Key fits certificate, key type fits profile, authorities. */
static void
check_context(const struct conf *c, uint32_t i, struct str pki, struct conf_report *rep)
{
	const struct conf_zone *z = &c->zone[i];
	struct tls_conf t = {.server = true,
			     .own = conftls_profile(&c->tls, &z->tls),
			     .zone = (uint16_t)i,
			     .fqdn = str_from(z->fqdn),
			     .chain_label = str_from(z->certificate),
			     .key_label = str_from(z->key)};
	struct tls_ctx *ctx = NULL;
	char mem[REPORT_TEXT_MAX];
	struct buf why;

	if (pki_get(pki, i, PKI_CHAIN, &t.chain_pem) != ERR_OK ||
	    pki_get(pki, i, PKI_KEY, &t.key_pem) != ERR_OK)
		return;
	if (tls_pem_has_trusted(t.chain_pem)) { /* and so nothing else is true of it */
		report_error(rep, z->certificate_at.line, z->certificate_at.column,
			     "zone %s: \"%s\" %s", z->fqdn, z->certificate, TLS_PEM_TRUSTED_TEXT);
		return;
	}
	buf_init(&why, mem, sizeof(mem) - 1);
	if (tls_ctx_new(&t, &why, &ctx) != ERR_OK)
		report_error(rep, z->line, z->column, "zone %s: %s", z->fqdn, buf_cstr(&why));
	tls_ctx_unref(&ctx);
	check_certificate(z, t.chain_pem, rep);
}

/* Each file of the zone's authorities by itself, so that it can be named. */
static bool
check_trust_files(const struct conf *c, const struct conf_zone *z, struct conf_report *rep)
{
	uint32_t before = rep->n_errors;

	for (uint32_t i = 0; i < z->n_trust; i++) {
		char mem[REPORT_TEXT_MAX], read_why[PKI_WHY_MAX] = "";
		struct str pem = STR_NULL;
		struct buf why;

		buf_init(&why, mem, sizeof(mem) - 1);
		if (map_pki(c, z->trust[i], &pem, read_why) == ERR_OK &&
		    tls_roots_check(pem, str_from(z->trust[i]), &why) != ERR_OK && why.len)
			report_error(rep, z->trust_at[i].line, z->trust_at[i].column,
				     "zone %s: trust: %s", z->fqdn, buf_cstr(&why));
		shm_blob_unmap(&pem);
	}
	return rep->n_errors == before;
}

/* Whom the zone believes: files that can be read, and names that the system's bundle has. */
static void
check_trust(const struct conf_zone *z, uint32_t i, struct str pki, struct conf_report *rep)
{
	struct tls_trust_zone zone = {.authorities = z->tls.authorities,
				      .system = z->trust_system,
				      .files_label = STR("trust")};
	struct tls_trust_conf tc = {
		.zones = &zone, .n_zones = 1, .system_label = STR(PKI_SYSTEM_TRUST)};
	struct tls_trust *trust = NULL;
	char mem[REPORT_TEXT_MAX];
	struct buf why;
	enum err e;

	if (pki_get(pki, i, PKI_TRUST, &zone.files_pem) != ERR_OK ||
	    pki_get(pki, i, PKI_SYSTEM, &tc.system_pem) != ERR_OK)
		return;
	buf_init(&why, mem, sizeof(mem) - 1);
	e = tls_trust_new(&tc, &why, &trust);
	if (e != ERR_OK)
		report_error(rep, z->line, z->column, "zone %s: %s", z->fqdn, buf_cstr(&why));
	else if (why.len)
		report_warning(rep, z->line, z->column, "zone %s: %s", z->fqdn, buf_cstr(&why));
	tls_trust_unref(&trust);
	buf_init(&why, mem, sizeof(mem) - 1);
	if (tls_trust_put_absent(tc.system_pem, z->tls.authorities, &why))
		report_warning(rep, z->line, z->column,
			       "zone %s: %s lacks roots of accepted authorities, so certificates "
			       "below them are refused: %s",
			       z->fqdn, PKI_SYSTEM_TRUST, buf_cstr(&why));
}

static void
check_profile(const struct conf *c, const struct conf_zone *z, struct conf_report *rep)
{
	const struct tls_profile_row *p = conftls_profile(&c->tls, &z->tls);
	char mem[REPORT_TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem) - 1);
	if (tls_profile_forbidden(p, &b))
		report_warning(
			rep, z->line, z->column,
			"zone %s: profile %s uses what RFC 10015 forbids: %s; use modern where "
			"the other side can",
			z->fqdn, p->word, buf_cstr(&b));
}

/* Is each file of revocation lists one? */
static void
check_crls(const struct conf_zone *z, uint32_t i, struct str pki, struct conf_report *rep)
{
	for (uint32_t k = 0; k < z->n_crls; k++) {
		struct tls_text text = {.label = str_from(z->crls[k])};
		struct tls_crls *crls = NULL;
		char mem[REPORT_TEXT_MAX];
		struct buf why;

		buf_init(&why, mem, sizeof(mem) - 1);
		if (pki_get(pki, i, PKI_CRL + k, &text.bytes) != ERR_OK ||
		    tls_crls_new(&text, 1, &why, &crls) != ERR_OK || why.len)
			report_error(rep, z->crls_at[k].line, z->crls_at[k].column, "zone %s: %s",
				     z->fqdn,
				     why.len ? buf_cstr(&why) : "a revocation list is unreadable");
		tls_crls_free(&crls);
	}
}

/* readable: all other files of the block of certificates and passwords are. */
static void
check_zones(const struct conf *c, bool readable, struct conf_report *rep)
{
	char why[PKI_WHY_MAX] = "";
	struct str pki = STR_NULL;

	for (uint32_t i = 0; i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zone[i];

		readable &= check_file(z->certificate, z, z->certificate_at, "certificate", rep);
		readable &= check_file(z->key, z, z->key_at, "key", rep);
		for (uint32_t k = 0; k < z->n_trust; k++)
			readable &= check_file(z->trust[k], z, z->trust_at[k], "trust file", rep);
		for (uint32_t k = 0; k < z->n_crls; k++)
			readable &=
				check_file(z->crls[k], z, z->crls_at[k], "revocation list", rep);
		if (z->trust_system || z->tls.authorities)
			readable &= check_file(PKI_SYSTEM_TRUST, z,
					       (struct conf_at){z->line, z->column},
					       "system's trust file", rep);
		check_profile(c, z, rep);
		if (z->client_certificate != CONF_CLIENT_REQUIRED &&
		    z->tls.profile == TLS_PROFILE_CARRIER)
			report_error(
				rep, z->line, z->column,
				"zone %s: under profile carrier the certificate is the account; "
				"use client_certificate: required",
				z->fqdn);
		else if (z->client_certificate != CONF_CLIENT_REQUIRED)
			report_warning(
				rep, z->line, z->column,
				"zone %s: who shows no certificate is known by its address alone "
				"(trunks with identity: address); use client_certificate: required "
				"where you can",
				z->fqdn);
	}
	if (!readable || c->n_zones == 0)
		return;
	if (map_pki(c, NULL, &pki, why) != ERR_OK) {
		report_error(rep, 0, 0, "certificates cannot be read: %s", why);
		return;
	}
	for (uint32_t i = 0; i < c->n_zones; i++) {
		check_context(c, i, pki, rep);
		if (check_trust_files(c, &c->zone[i], rep))
			check_trust(&c->zone[i], i, pki, rep);
		check_crls(&c->zone[i], i, pki, rep);
	}
	shm_blob_unmap(&pki);
}

/* Do these two ask for the same address? */
static bool
binds_meet(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && (addr_is_any(a) || addr_is_any(b) || addr_ip_eq(a, b));
}

static bool
is_loopback(const struct addr *a)
{
	static const struct cidr nets[] = {{{.ip = {127}, .family = 4}, 8},
					   {{.ip = {[15] = 1}, .family = 6}, 128}};

	return cidr_has(&nets[0], a) || cidr_has(&nets[1], a);
}

static void
check_advertised(const struct addr *bind, const struct addr *advertised, bool customer,
		 const char *what, const char *name, uint32_t line, uint32_t column,
		 struct conf_report *rep)
{
	if (advertised->family && addr_is_any(advertised))
		report_error(
			rep, line, column,
			"%s %s: nobody can send to %s; give advertised the address that others "
			"see",
			what, name, addr_text(advertised).z);
	else if (customer && addr_is_private(advertised) &&
		 !(is_loopback(advertised) && is_loopback(bind)))
		report_warning(
			rep, line, column,
			"%s %s: customers are shown the private address %s; give advertised the "
			"public one",
			what, name, addr_text(advertised).z);
}

/* A call comes from one side and goes to the other. */
static void
check_sides(const struct conf *c, struct conf_report *rep)
{
	static const char *const sides[] = {
		[CONF_SIDE_CUSTOMER] = "customer", [CONF_SIDE_CARRIER] = "carrier"};

	for (size_t side = 0; side < ARRAY_LEN(sides); side++) {
		bool found = false;

		for (uint32_t i = 0; i < c->n_listeners; i++)
			found |= c->listener[i].side == side;
		if (!found)
			report_warning(rep, c->listener[0].line, c->listener[0].column,
				       "listeners: none has side %s, so no call can be carried; "
				       "add one for the trunks of %ss",
				       sides[side], sides[side]);
	}
}

static void
check_listeners(const struct conf *c, struct conf_report *rep)
{
	for (uint32_t i = 0; i < c->n_listeners; i++) {
		const struct conf_listener *l = &c->listener[i];

		check_advertised(&l->bind, &l->advertised, l->side == CONF_SIDE_CUSTOMER,
				 "listener", l->name, l->line, l->column, rep);
		if (l->device[0] && if_nametoindex(l->device) == 0)
			report_error(rep, l->line, l->column,
				     "listener %s: there is no interface \"%s\"; ip link shows "
				     "their names",
				     l->name, l->device);
		if (l->side == CONF_SIDE_CUSTOMER && l->transport != CONF_TLS && !l->device[0] &&
		    !is_loopback(&l->bind))
			report_warning(
				rep, l->line, l->column,
				"listener %s: customers on a transport that is not encrypted; "
				"anybody between can read and change the signalling",
				l->name);
		for (uint32_t k = 0; k < i; k++) {
			const struct conf_listener *m = &c->listener[k];

			if ((l->transport == CONF_UDP) == (m->transport == CONF_UDP) &&
			    strcmp(l->device, m->device) == 0 && l->bind.port == m->bind.port &&
			    binds_meet(&l->bind, &m->bind))
				report_error(
					rep, l->line, l->column,
					"listener %s: %s is taken by listener %s; give it another "
					"port or address",
					l->name, addr_text(&l->bind).z, m->name);
		}
		for (uint32_t k = 0; k < c->n_media && l->transport == CONF_UDP; k++)
			if (binds_meet(&l->bind, &c->media[k].bind) &&
			    l->bind.port >= c->port_min && l->bind.port <= c->port_max)
				report_error(
					rep, l->line, l->column,
					"listener %s: port %u lies in the media ports %u-%u of "
					"%s; move one of them",
					l->name, l->bind.port, c->port_min, c->port_max,
					c->media[k].name);
	}
}

/* Two numbers of a file of /proc, divided by white space. */
static bool
read_range(const char *path, unsigned *a, unsigned *b)
{
	FILE *f = fopen(path, "re");
	char line[64] = "";
	struct str s;
	bool ok;

	if (!f)
		return false;
	ok = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	s = str_trim(str_from(line));
	return ok && str_u32(str_cut(&s, '\t'), 65535, a) == ERR_OK &&
	       str_u32(str_trim(s), 65535, b) == ERR_OK;
}

/* Does /proc/sys/net/ipv4/ip_local_reserved_ports ("8080,9000-9010") hold lo to hi in one piece? */
static bool
is_reserved(unsigned lo, unsigned hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	char line[4096] = "";
	struct str s;

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	s = str_trim(str_from(line));
	while (s.len) {
		struct str high = str_cut(&s, ','), low = str_cut(&high, '-');
		uint32_t a, b;

		if (str_u32(low, 65535, &a) != ERR_OK)
			return false;
		if (str_u32(high, 65535, &b) != ERR_OK)
			b = a;
		if (a <= lo && b >= hi)
			return true;
	}
	return false;
}

static void
check_media(const struct conf *c, struct conf_report *rep)
{
	unsigned lo, hi;

	for (uint32_t i = 0; i < c->n_media; i++) {
		const struct conf_media *m = &c->media[i];

		if (addr_is_any(&m->bind))
			report_error(
				rep, m->line, m->column,
				"media address %s: calls are told apart by their address; bind "
				"one address of this machine, not %s",
				m->name, addr_text(&m->bind).z);
		else
			check_advertised(&m->bind, &m->advertised, i == c->media_customer,
					 "media address", m->name, m->line, m->column, rep);
	}
	if (conf_calls_fit(c) < c->max_calls)
		report_warning(
			rep, c->ports_line, c->ports_column,
			"ports: %u-%u carry %u calls, but limits.calls is %u; widen the range, "
			"or lower the limit",
			c->port_min, c->port_max, conf_calls_fit(c), c->max_calls);
	if (read_range("/proc/sys/net/ipv4/ip_local_port_range", &lo, &hi) && c->port_min <= hi &&
	    c->port_max >= lo &&
	    !is_reserved(c->port_min > lo ? c->port_min : lo, c->port_max < hi ? c->port_max : hi))
		report_warning(rep, c->ports_line, c->ports_column,
			       "ports: %u-%u overlap what the system gives to any program (%u-%u); "
			       "move them, or put them into net.ipv4.ip_local_reserved_ports",
			       c->port_min, c->port_max, lo, hi);
}

static void
check_control(const struct conf *c, struct conf_report *rep)
{
	struct sockaddr_un un;

	if (c->user[0])
		report_warning(rep, 0, 0,
			       "node: user: %s has no effect yet: the roles keep the user that "
			       "started postern",
			       c->user);
	if (strlen(c->control) >= sizeof(un.sun_path))
		report_error(rep, 0, 0,
			     "control: %s is longer than the %zu bytes that the path of a socket "
			     "may have; use a shorter run_dir",
			     c->control, sizeof(un.sun_path) - 1);
}

/* ---- this machine ---- */

/* Has an interface this address now? Unknown (no such family here, no socket): yes. device: "" =
 * any; an address of a VRF is found through its device alone. */
static bool
has_address(const struct addr *a, const char *device)
{
	struct addr any_port = *a;
	struct sockaddr_storage sa;
	socklen_t len;
	bool has;
	int fd;

	any_port.port = 0;
	len = addr_to_sa(&any_port, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	has = (device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				       (socklen_t)strlen(device)) != 0) ||
	      bind(fd, (const struct sockaddr *)&sa, len) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return has;
}

static void
check_bind(const struct addr *a, const char *device, const char *what, const char *name,
	   uint32_t line, uint32_t column, struct conf_report *rep)
{
	struct addr ip = *a;

	ip.port = 0;
	if (addr_is_any(a) || has_address(a, device))
		return;
	report_warning(rep, line, column,
		       "%s %s: no interface has %s now; bind an address of this machine (ip addr "
		       "shows them)",
		       what, name, addr_text(&ip).z);
}

/* postern makes the last folder of run_dir and the files, not the folders above. */
static void
check_above(const char *path, const char *what, struct conf_report *rep)
{
	char parent[CONF_PATH_MAX];
	struct str s = str_from(path);
	struct stat st;
	size_t slash;

	while (s.len > 1 && s.p[s.len - 1] == '/')
		s.len--;
	slash = str_rchr(s, '/');
	if (slash >= s.len || slash == 0)
		return; /* in the present folder, or in / */
	if (str_copyz(parent, sizeof(parent), str_sub(s, 0, slash)) != ERR_OK ||
	    (stat(parent, &st) == 0 && S_ISDIR(st.st_mode)))
		return;
	report_warning(rep, 0, 0,
		       "%s: %s cannot be made: there is no folder %s; make it, or name another",
		       what, path, parent);
}

/* Sockets that the media ports need, and those that a process may have for them. */
static bool
lacks_files(const struct conf *c, uint64_t *need, uint64_t *may)
{
	struct media_plan plan;
	struct rlimit rl;

	conf_media_plan(c, &plan);
	*need = 2ULL * media_slots(&plan);
	*may = *need;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_max != RLIM_INFINITY)
		*may = rl.rlim_max > SOCKETS_BESIDES ? rl.rlim_max - SOCKETS_BESIDES : 0;
	return *may < *need;
}

uint32_t
conf_calls_by_files(const struct conf *c)
{
	uint64_t need, may;

	if (!lacks_files(c, &need, &may))
		return conf_calls_fit(c);
	return (uint32_t)(conf_calls_fit(c) * may / need);
}

static void
check_io(const struct conf *c, struct conf_report *rep, struct io_chosen *io)
{
	uint64_t need, may;

	if (io_choose(c->media_io, NULL, NULL, io) != ERR_OK)
		report_warning(rep, c->ports_line, c->ports_column,
			       "media: io: %s cannot be had here by this user: %s; postern will "
			       "not start with it: give it the capabilities, or write io: auto",
			       io_kind_name(io->kind), io->why);
	else if (io->kind == IO_SOCKETS && lacks_files(c, &need, &may))
		report_warning(rep, c->ports_line, c->ports_column,
			       "ports: %llu sockets are needed, but a process here may have %llu "
			       "for them, which carry %u calls; raise LimitNOFILE (ulimit -n), or "
			       "take at most %llu ports",
			       (unsigned long long)need, (unsigned long long)may,
			       conf_calls_by_files(c),
			       (unsigned long long)(may / (c->n_media ? c->n_media : 1) & ~1ULL));
}

void
conf_check_machine(const struct conf *c, struct conf_report *rep, struct io_chosen *io)
{
	for (uint32_t i = 0; i < c->n_listeners; i++)
		check_bind(&c->listener[i].bind, c->listener[i].device, "listener",
			   c->listener[i].name, c->listener[i].line, c->listener[i].column, rep);
	for (uint32_t i = 0; i < c->n_media; i++)
		check_bind(&c->media[i].bind, "", "media address", c->media[i].name,
			   c->media[i].line, c->media[i].column, rep);
	check_above(c->run_dir, "node: run_dir", rep);
	check_above(c->store, "store", rep);
	check_above(c->cdr, "cdr", rep);
	check_io(c, rep, io);
}

/* True: all passwords can be read. */
static bool
check_credentials(const struct conf *c, struct conf_report *rep)
{
	char mem[2 * CREDENTIAL_PASSWORD_MAX];
	bool readable = true;

	for (uint32_t i = 0; i < c->n_credentials; i++) {
		const struct conf_credential *x = &c->credential[i];
		struct stat st;
		int fd = open(x->password_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		ssize_t n = fd < 0 ? -1 : read(fd, mem, sizeof(mem));
		struct str password;

		readable &= n >= 0;
		if (n < 0)
			report_error(
				rep, x->line, x->column,
				"credentials %s: the password \"%s\" cannot be read: %s; name a "
				"file that postern may read",
				x->name, x->password_file, strerror(errno));
		else if (confcredential_password(str_of(mem, (size_t)n), &password) != ERR_OK)
			report_error(rep, x->line, x->column,
				     "credentials %s: \"%s\" does not hold a password of 1 to %d "
				     "bytes in one line",
				     x->name, x->password_file, CREDENTIAL_PASSWORD_MAX);
		else if (stat(x->password_file, &st) == 0 && (st.st_mode & 077))
			report_warning(rep, x->line, x->column,
				       "credentials %s: others may read the password \"%s\"; "
				       "chmod 600 it",
				       x->name, x->password_file);
		secret_wipe(mem, sizeof(mem));
		if (fd >= 0)
			close(fd);
	}
	return readable;
}

enum err
conf_check(const struct conf *c, struct conf_report *rep)
{
	uint32_t before = rep->n_errors;

	check_zones(c, check_credentials(c, rep), rep);
	check_sides(c, rep);
	check_listeners(c, rep);
	check_media(c, rep);
	check_control(c, rep);
	return rep->n_errors > before ? ERR_CONFIG : ERR_OK;
}
