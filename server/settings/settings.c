/* SPDX-License-Identifier: ISC */
/* settings - all that was chosen, in one set. */
#include "settings.h"

#include "common/block.h"
#include "options.h"
#include "server/service.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Settings take little memory: without that much the process cannot go on. */
static void *must_have(void *memory)
{
	if (!memory) {
		fputs("bobbind: out of memory\n", stderr);
		abort();
	}
	return memory;
}

static bool belongs_to(const struct option *row, bool endpoint)
{
	return endpoint == (row->scope != OPTION_SERVER);
}

static void set_defaults(void *base, bool endpoint)
{
	char mistake[OPTION_MISTAKE_MAX];

	for (const struct option *row = option_rows; row->key; row++) {
		if (!belongs_to(row, endpoint))
			continue;
		bool good = option_set(row, base, row->fallback, mistake);
		assert(good);
		(void)good;
	}
}

static void free_texts(void *base, bool endpoint)
{
	for (const struct option *row = option_rows; row->key; row++) {
		if (option_is_text(row) && belongs_to(row, endpoint))
			free(*option_text_field(row, base));
	}
}

static void endpoint_fini(struct endpoint *e)
{
	free_texts(e, true);
	block_list_free(e->allowed);
	block_list_free(e->denied);
}

static void endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
	*to = *from;
	to->allowed = NULL;
	to->denied = NULL;
	for (const struct option *row = option_rows; row->key; row++) {
		if (option_is_text(row) && belongs_to(row, true))
			*option_text_field(row, to) =
				must_have(strdup(*option_text_field(row, (void *)from)));
	}
}

struct settings *settings_new(void)
{
	struct settings *s = must_have(calloc(1, sizeof *s));

	atomic_init(&s->holders, 1);
	s->defaults.settings = s;
	set_defaults(s, false);
	set_defaults(&s->defaults, true);
	return s;
}

void settings_clear_endpoints(struct settings *s)
{
	for (size_t i = 0; i < s->endpoint_count; i++)
		endpoint_fini(&s->endpoints[i]);
	free(s->endpoints);
	s->endpoints = NULL;
	s->endpoint_count = 0;
}

struct settings *settings_hold(struct settings *s)
{
	atomic_fetch_add(&s->holders, 1);
	return s;
}

void settings_release(struct settings *s)
{
	if (!s || atomic_fetch_sub(&s->holders, 1) > 1)
		return;
	settings_clear_endpoints(s);
	endpoint_fini(&s->defaults);
	free_texts(s, false);
	free(s);
}

struct endpoint *settings_add_endpoint(struct settings *s)
{
	size_t count = s->endpoint_count + 1;

	s->endpoints = must_have(realloc(s->endpoints, count * sizeof *s->endpoints));
	endpoint_copy(&s->endpoints[s->endpoint_count], &s->defaults);
	s->endpoint_count = count;
	return &s->endpoints[count - 1];
}

struct endpoint *settings_add_copy(struct settings *s, const struct endpoint *of)
{
	struct endpoint *e = settings_add_endpoint(s);
	char mistake[OPTION_MISTAKE_MAX];

	e->from_supervisor = of->from_supervisor;
	for (const struct option *row = option_rows; row->key; row++) {
		if (row->scope != OPTION_LISTENER)
			continue;
		char *value = option_text(row, of);
		bool good = option_set(row, e, value, mistake);
		assert(good);
		(void)good;
		free(value);
	}
	return e;
}

static bool name_taken(const struct settings *s, const struct endpoint *but, const char *name)
{
	for (size_t i = 0; i < s->endpoint_count; i++) {
		if (&s->endpoints[i] != but && strcmp(s->endpoints[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The address; a number follows it where the same address stands twice (port 0). */
static char *make_name(const struct settings *s, const struct endpoint *e)
{
	char *name = must_have(strdup(e->address));

	for (unsigned n = 2; name_taken(s, e, name); n++) {
		free(name);
		if (asprintf(&name, "%s#%u", e->address, n) < 0)
			name = must_have(NULL);
	}
	return name;
}

static const char *check_address(struct settings *s, struct endpoint *e)
{
	const char *mistake;

	(void)s;
	return address_parse(e->address, &e->where, &mistake) < 0 ? mistake : NULL;
}

static const char *check_service(struct settings *s, struct endpoint *e)
{
	static char mistake[256];
	size_t len = 0;

	(void)s;
	e->service = service_find(e->service_name);
	if (e->service) {
		e->terms.framing = e->service->framing;
		return NULL;
	}
	len += (size_t)snprintf(mistake, sizeof mistake, "there is no such service; there is");
	for (const struct service *const *i = service_table; *i && len < sizeof mistake; i++)
		len += (size_t)snprintf(mistake + len, sizeof mistake - len, "%s %s",
			i == service_table ? "" : ",", (*i)->name);
	return mistake;
}

static const char *check_name(struct settings *s, struct endpoint *e)
{
	if (e->name[0] == '\0') {
		free(e->name);
		e->name = make_name(s, e);
	}
	return name_taken(s, e, e->name) ? "another listener has that name" : NULL;
}

static const char *check_congestion(struct settings *s, struct endpoint *e)
{
	(void)s;
	if (e->congestion[0] == '\0' || socket_knows_congestion(e->congestion))
		return NULL;
	return "the system has no such congestion control, or does not allow it; see "
	       "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
}

/* The blocks of a text that option_set() has checked. */
static struct block_list *must_read(struct block_list *before, const char *blocks)
{
	char mistake[OPTION_MISTAKE_MAX];

	block_list_free(before);
	return must_have(block_list_parse(blocks, mistake, sizeof mistake));
}

static const char *read_blocks(struct settings *s, struct endpoint *e)
{
	(void)s;
	e->allowed = must_read(e->allowed, e->allow);
	e->denied = must_read(e->denied, e->deny);
	return NULL;
}

static const struct {
	const char *key;
	const char *(*check)(struct settings *s, struct endpoint *e);
} checks[] = {
	{"address", check_address},
	{"service", check_service},
	{"name", check_name},
	{"limits.allow", read_blocks},
	{"tcp.congestion", check_congestion},
};

const char *settings_check_endpoint(
	struct settings *s, struct endpoint *e, unsigned check, const char **key)
{
	bool there = check < sizeof checks / sizeof *checks;

	*key = there ? checks[check].key : NULL;
	return there ? checks[check].check(s, e) : NULL;
}

const char *settings_finish_endpoint(struct settings *s, struct endpoint *e, const char **key)
{
	const char *mistake;
	unsigned check = 0;

	do
		mistake = settings_check_endpoint(s, e, check++, key);
	while (!mistake && *key);
	return mistake;
}

const struct endpoint *settings_find_endpoint(const struct settings *s, const struct endpoint *e)
{
	for (size_t i = 0; i < s->endpoint_count; i++) {
		const struct endpoint *at = &s->endpoints[i];
		if (strcmp(at->name, e->name) == 0 && at->network == e->network &&
			strcmp(at->where.host, e->where.host) == 0 &&
			at->where.port == e->where.port)
			return at;
	}
	return NULL;
}
