#include "app/inuse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/ctlclient.h"
#include "base/mem.h"

/* ---- the answer ---- */

static void
put_name(struct buf *b, bool first, const char *name)
{
	buf_z(b, first ? "{\"name\":" : ",{\"name\":");
	buf_json(b, str_from(name));
}

bool
inuse_answer(const struct conf *c, struct str line, struct buf *b)
{
	struct json *q = NULL;
	bool ours =
		jsonin_parse(line, &q) == ERR_OK && strcmp(jsonin_text(q, "cmd"), "in-use") == 0;

	jsonin_free(&q);
	if (!ours)
		return false;
	buf_z(b, "{\"ok\":true,\"zones\":[");
	for (uint32_t i = 0; i < c->n_zones; i++) {
		put_name(b, i == 0, c->zone[i].fqdn);
		buf_printf(b, ",\"client_certificate\":%u}", c->zone[i].client_certificate);
	}
	buf_z(b, "],\"listeners\":[");
	for (uint32_t i = 0; i < c->n_listeners; i++) {
		put_name(b, i == 0, c->listener[i].name);
		buf_printf(b, ",\"transport\":%u,\"side\":%u}", c->listener[i].transport,
			   c->listener[i].side);
	}
	buf_z(b, "],\"media\":[");
	for (uint32_t i = 0; i < c->n_media; i++) {
		put_name(b, i == 0, c->media[i].name);
		buf_char(b, '}');
	}
	buf_z(b, "],\"credentials\":[");
	for (uint32_t i = 0; i < c->n_credentials; i++) {
		put_name(b, i == 0, c->credential[i].name);
		buf_char(b, '}');
	}
	buf_z(b, "],\"profiles\":[");
	for (uint32_t i = 0; i < c->tls.n; i++) {
		put_name(b, i == 0, c->tls.row[i].word);
		buf_char(b, '}');
	}
	buf_z(b, "]}");
	return true;
}

/* ---- reading it ---- */

/* Element i of a list into a name of this size; false: there is none, or it does not fit. */
static bool
read_name(const struct json *list, size_t i, char *out, size_t cap)
{
	const char *name = jsonin_text(jsonin_at(list, i), "name");

	return name[0] && str_copyz(out, cap, str_from(name)) == ERR_OK;
}

static uint8_t
read_small(const struct json *list, size_t i, const char *path)
{
	return (uint8_t)jsonin_int(jsonin_at(list, i), path);
}

enum err
inuse_read(const struct json *answer, struct conf *out)
{
	const struct json *zones = jsonin_get(answer, "zones");
	const struct json *listeners = jsonin_get(answer, "listeners");
	const struct json *media = jsonin_get(answer, "media");
	const struct json *credentials = jsonin_get(answer, "credentials");
	const struct json *profiles = jsonin_get(answer, "profiles");
	bool fine = jsonin_true(answer, "ok") && jsonin_count(zones) <= CONF_ZONES_MAX &&
		    jsonin_count(listeners) <= CONF_LISTENERS_MAX &&
		    jsonin_count(media) <= MEDIA_ADDRS_MAX &&
		    jsonin_count(credentials) <= CREDENTIALS_MAX &&
		    jsonin_count(profiles) <= CONFTLS_PROFILES_MAX;
	struct conf *c = fine ? mem_zalloc(1, sizeof(*c)) : NULL;

	if (!c)
		return fine ? ERR_NOMEM : ERR_SYNTAX;
	for (; fine && c->n_zones < jsonin_count(zones); c->n_zones++) {
		struct conf_zone *z = &c->zone[c->n_zones];

		fine = read_name(zones, c->n_zones, z->fqdn, sizeof(z->fqdn));
		z->client_certificate = read_small(zones, c->n_zones, "client_certificate");
	}
	for (; fine && c->n_listeners < jsonin_count(listeners); c->n_listeners++) {
		struct conf_listener *l = &c->listener[c->n_listeners];

		fine = read_name(listeners, c->n_listeners, l->name, sizeof(l->name));
		l->transport = read_small(listeners, c->n_listeners, "transport");
		l->side = read_small(listeners, c->n_listeners, "side");
	}
	for (; fine && c->n_media < jsonin_count(media); c->n_media++)
		fine = read_name(media, c->n_media, c->media[c->n_media].name,
				 sizeof(c->media[0].name));
	for (; fine && c->n_credentials < jsonin_count(credentials); c->n_credentials++)
		fine = read_name(credentials, c->n_credentials,
				 c->credential[c->n_credentials].name,
				 sizeof(c->credential[0].name));
	for (; fine && c->tls.n < jsonin_count(profiles); c->tls.n++)
		fine = read_name(profiles, c->tls.n, c->tls.row[c->tls.n].word,
				 sizeof(c->tls.row[0].word));
	if (fine)
		*out = *c;
	mem_free(c);
	return fine ? ERR_OK : ERR_SYNTAX;
}

enum err
inuse_ask(const struct conf *c, struct conf *out)
{
	struct json *answer = NULL;
	struct str text;
	char *mem;
	enum err e;
	int fd = ctlclient_connect(c);

	if (fd < 0)
		return errno == ENOENT || errno == ECONNREFUSED ? ERR_NOTFOUND : ERR_IO;
	mem = mem_zalloc(1, CONTROL_ANSWER_MAX);
	e = mem ? ctlclient_line(fd, STR("{\"cmd\":\"in-use\"}\n"), mem, &text) : ERR_NOMEM;
	close(fd);
	if (e == ERR_OK)
		e = jsonin_parse(text, &answer);
	if (e == ERR_OK)
		e = inuse_read(answer, out);
	jsonin_free(&answer);
	mem_free(mem);
	return e == ERR_OK || e == ERR_NOMEM ? e : ERR_IO;
}
