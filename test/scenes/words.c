/* SPDX-License-Identifier: ISC */
/* words - what scenes of bobbind say besides what clients do. */
#include "words.h"

#include "stage.h"

#include "test/mode.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64

const char *words_end(void)
{
	for (struct named_server *n = stage.servers; n < stage.servers + STAGE_SERVERS_MAX; n++) {
		if (!n->serving)
			continue;
		n->serving = false;
		if (server_stop(&n->server) != 0)
			return n->server.process->err.text;
	}
	return NULL;
}

/* A server that no step has started serves lines. */
static const char *find_listener(
	void *context, const char *server, size_t listener, struct address *at)
{
	struct named_server *n = stage_server(server);

	(void)context;
	if (!n->serving) {
		stage_launch(n, (char *[]){"-l", "127.0.0.1:0", NULL});
		if (!server_await_ready(&n->server))
			return "it does not start";
	}
	if (listener == 0 || listener > n->server.listeners)
		return "there is no such listener";
	*at = n->server.addresses[listener - 1];
	return NULL;
}

static const char *print_number(long value)
{
	static char text[24];

	snprintf(text, sizeof text, "%ld", value);
	return text;
}

static const char *many(void)
{
	const char *cap = getenv("BOBBIN_TEST_CONNECTIONS_MAX");
	long wanted = mode_times(1000, 10000);

	return print_number(cap && atol(cap) < wanted ? atol(cap) : wanted);
}

static const char *first_line(const char *text)
{
	static char line[4096];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
	return line;
}

/* The port of the nth address that the manager was told. */
static const char *told_port(size_t n)
{
	const char *at = stage.told;

	for (size_t i = 0; i < n && at; i++) {
		at = strstr(at, "127.0.0.1:");
		at = at ? at + strlen("127.0.0.1:") : NULL;
	}
	return at ? print_number(atol(at)) : NULL;
}

static const char *find_value(void *context, const char *server, const char *name)
{
	static char host[HOST_NAME_MAX + 1];
	const struct named_server *n = stage_server(server);
	size_t digits = strcspn(name, "0123456789");
	size_t index = name[digits] ? strtoul(name + digits, NULL, 10) : 1;

	(void)context;
	if (strncmp(name, "port", digits) == 0 && index <= n->server.listeners)
		return print_number(address_port(&n->server.addresses[index - 1]));
	if (strncmp(name, "passed", digits) == 0 && index <= (size_t)stage.manager.count)
		return print_number(stage.passed[index - 1]);
	if (strncmp(name, "told", digits) == 0)
		return told_port(index);
	if (strcmp(name, "pid") == 0)
		return print_number(n->server.pid);
	if (strcmp(name, "oldpid") == 0)
		return print_number(n->server.olds[0]);
	if (strcmp(name, "free") == 0)
		return print_number(stage.free_port);
	if (strcmp(name, "many") == 0)
		return many();
	if (strcmp(name, "host") == 0)
		return gethostname(host, sizeof host - 1) == 0 ? host : NULL;
	if (strcmp(name, "bobbind") == 0)
		return BOBBIND;
	if (strcmp(name, "sumserver") == 0)
		return SUM_SERVER;
	if (strcmp(name, "here") == 0)
		return HERE;
	if (strcmp(name, "notify") == 0)
		return stage.manager.where;
	if (strcmp(name, "printed") == 0)
		return first_line(stage.printed);
	if (strcmp(name, "line") == 0)
		return stage.line;
	const char *found = stage.line ? server_value(stage.line, name) : NULL;
	return found ? found : server_value(first_line(stage.printed), name);
}

const struct scene_host *words_host(void)
{
	static struct scene_word words[WORDS_MAX];
	static struct scene_host host = {
		.words = words, .find = find_listener, .value = find_value};
	struct scene_word *end = words;

	for (const struct scene_word *w = stage_server_words; w->name; w++)
		*end++ = *w;
	for (const struct scene_word *w = stage_place_words; w->name; w++)
		*end++ = *w;
	host.timing = mode_is_timing();
	host.soak = mode_times(0, 1);
	return &host;
}
