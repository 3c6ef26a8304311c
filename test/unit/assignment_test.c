/* SPDX-License-Identifier: ISC */
/* Proves assignment: which endpoint gets which inherited socket, and what becomes of the rest. */
#include "server/door/assignment.h"

#include "capture.h"
#include "common/socket.h"
#include "passed.h"
#include "rig.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "server/succession/predecessor.h"
#include "test/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS_MAX   4
#define ENDPOINTS_MAX 3

/*
 * The sockets are one letter each: l is of 127.0.0.1, 4 of 0.0.0.0, 6 of [::] alone, b of [::] for
 * both families.  In an endpoint's address %0 is the port of the first socket, and so on.
 *
 * got has for each endpoint its name ("" where that is its address), its socket's place or -, and
 * the origin.
 */
static const struct row {
	const char *sockets;
	const char *origins; /* NULL: a supervisor passes them */
	const char *names;
	struct {
		const char *network;
		const char *address;
		const char *name;
	} endpoints[ENDPOINTS_MAX];
	const char *got;
	const char *unused; /* places, as the predecessor hears of them */
	bool built_in;
} rows[] = {
	/* By the address, then by the name, and each once. */
	{"ll", NULL, NULL, {{"tcp", "127.0.0.1:%1", ""}, {"tcp", "127.0.0.1:%0", "x"}}, "=1p x=0p",
		"", false},
	{"ll", NULL, "front:back",
		{{"tcp", ":1", "back"}, {"tcp", ":2", "none"}, {"tcp", ":3", "front"}},
		"back=1p none=- front=0p", "", false},
	{"ll", NULL, "front:back", {{"tcp", "127.0.0.1:%1", "front"}}, "front=1p =0s", "", false},
	{"ll", NULL, "a:b", {{"tcp", "127.0.0.1:0", "b"}, {"tcp", "127.0.0.1:%1", ""}},
		"b=- =1p a=0s", "", false},
	{"l", NULL, "a", {{"tcp", "127.0.0.1:%0", "a"}, {"tcp", "127.0.0.1:%0", "b"}}, "a=0p b=-",
		"", false},
	{"l", NULL, "a", {{"tcp", "[::1]:%0", ""}, {"tcp", ":%0", "b"}}, "=- b=- a=0s", "", false},
	/* The rest of a supervisor's, in order. */
	{"lll", NULL, "a:b", {{"tcp", ":1", "b"}}, "b=1p a=0s =2s", "", false},
	{"ll", NULL, "same:same", {{"tcp", "127.0.0.1:0", "x"}}, "x=- same=0s =1s", "", false},
	{"ll", NULL, "a:b", {{"tcp", "127.0.0.1:%0", "a"}}, "a=0s b=1s", "", true},
	/* A predecessor's carry on their origins; an endpoint asks for the spare one now. */
	{"lll", "ops", "a:b:c",
		{{"tcp", "127.0.0.1:%0", "x"}, {"tcp", "127.0.0.1:%1", "y"},
			{"tcp", "127.0.0.1:%2", "z"}},
		"x=0o y=1p z=2p", "", false},
	{"ll", "ps", "front:back", {{"tcp", ":1", "front"}, {"tcp", ":2", "back"}},
		"front=0p back=1p", "", false},
	/* What a bobbind opened has its name for an endpoint on port 0 only. */
	{"ll", "oo", "a:b", {{"tcp", "127.0.0.1:1", "b"}, {"tcp", ":0", "a"}}, "b=- a=0o", "1",
		false},
	{"ll", "oo", "a:b", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o", "1", false},
	{"lll", "opo", "a:b:c", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o", "12", false},
	{"ll", "os", "a:b", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o b=1s", "", false},
	{"ll", "po", "a:b", {{"tcp", "127.0.0.1:0", "x"}}, "a=0s", "1", true},
	{"l", "o", "a", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o", "", true},
	/* What it opened at a wildcard goes by the families too. */
	{"6", "o", "a", {{"tcp6", ":%0", "x"}}, "x=0o", "", false},
	{"6", "o", "a", {{"tcp", ":%0", "x"}}, "x=-", "0", false},
	{"b", "o", "a", {{"tcp", ":%0", "x"}}, "x=0o", "", false},
	{"b", "o", "a", {{"tcp6", ":%0", "x"}}, "x=-", "0", false},
	{"4", "o", "a", {{"tcp4", ":%0", "x"}}, "x=0o", "", false},
	{"4", "o", "a", {{"tcp", ":%0", "x"}}, "x=-", "0", false},
};

static struct address ats[SOCKETS_MAX];

/* Returns false if there is no IPv6. */
static bool pass(int place, char kind)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	const struct socket_listening how = {.v6only = kind == '6', .backlog = 1};
	struct address any = {.any.sa_family = kind == '4' ? AF_INET : AF_INET6};

	if (kind == 'l') {
		ats[place] = passed_listen(place);
		return true;
	}
	int fd = socket_listen(&any, &how, &options);
	if (fd == -EAFNOSUPPORT)
		return false;
	ck_assert_int_eq(socket_local_address(fd, &ats[place]), 0);
	passed_put(place, fd);
	return true;
}

static void add(const char *network, const char *address, const char *name)
{
	struct endpoint *e = settings_add_endpoint(rig.settings);
	const char *port = strchr(address, '%');
	char text[ADDRESS_TEXT_MAX];
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	snprintf(text, sizeof text, "%s", address);
	if (port)
		snprintf(text, sizeof text, "%.*s%u", (int)(port - address), address,
			(unsigned)address_port(&ats[port[1] - '0']));
	ck_assert(option_set(option_find("network"), e, network, mistake));
	ck_assert(option_set(option_find("address"), e, text, mistake));
	ck_assert(option_set(option_find("name"), e, name, mistake));
	ck_assert_ptr_null(settings_finish_endpoint(rig.settings, e, &key));
}

static const char *describe(const struct inherited_socket **assigned)
{
	static char text[256];
	size_t len = 0;

	for (size_t i = 0; i < rig.settings->endpoint_count; i++) {
		const struct endpoint *e = &rig.settings->endpoints[i];
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s=", i > 0 ? " " : "",
			strcmp(e->name, e->address) == 0 ? "" : e->name);
		len += (size_t)(assigned[i] ? snprintf(text + len, sizeof text - len, "%u%c",
						      assigned[i]->place, assigned[i]->origin)
					    : snprintf(text + len, sizeof text - len, "-"));
	}
	return text;
}

/* Each is closed and told of, on the pipe and in the log. */
static void check_unused(const char *places)
{
	unsigned value;
	char words[128];
	char text[ADDRESS_TEXT_MAX];

	predecessor_tell_ready();
	for (const char *p = places; *p; p++) {
		int place = *p - '0';
		ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
		ck_assert_int_eq(value, place);
		ck_assert(!passed_is_open(place));
		snprintf(words, sizeof words,
			" level=info event=handed_over_socket_unused address=%s name=%c\n",
			address_format(&ats[place], text), "abc"[place]);
		ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	}
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
}

/* A warning tells of each endpoint that was added. */
static void check_added(const struct inherited_socket **assigned)
{
	char words[256];
	size_t added = 0;

	for (size_t i = 0; i < rig.settings->endpoint_count; i++) {
		const struct endpoint *e = &rig.settings->endpoints[i];
		ck_assert(
			e->from_supervisor == (assigned[i] && assigned[i]->origin == ORIGIN_SPARE));
		if (!e->from_supervisor)
			continue;
		snprintf(words, sizeof words,
			" level=warn event=inherited_socket_without_listener address=%s name=%s "
			"effect=\"it gets the default service\" service=line\n",
			e->address, e->name);
		ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
		added++;
	}
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "level=warn"), added);
}

TEST_ROWS(sockets_go_by_their_address_then_by_their_name_then_by_their_origin, SUITE_COUNT(rows))
{
	const struct row *row = &rows[_i];
	struct inherited in;

	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	for (int i = 0; row->sockets[i]; i++) {
		if (!pass(i, row->sockets[i]))
			SUITE_SKIP("this machine has no IPv6");
	}
	for (int i = 0; i < ENDPOINTS_MAX && row->endpoints[i].network; i++)
		add(row->endpoints[i].network, row->endpoints[i].address, row->endpoints[i].name);
	rig.settings->built_in_listener = row->built_in;
	if (row->origins)
		passed_tell_handover(row->origins, row->names);
	else
		passed_tell((int)strlen(row->sockets), row->names);
	inherited_take(&in);
	const struct inherited_socket **assigned = assignment_make(&in, rig.settings);
	ck_assert_str_eq(describe(assigned), row->got);
	check_added(assigned);
	if (row->origins)
		check_unused(row->unused);
	free(assigned);
	inherited_fini(&in);
}
