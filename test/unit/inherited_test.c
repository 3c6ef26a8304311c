/* SPDX-License-Identifier: ISC */
/*
 * Proves inherited, assignment, predecessor and pipe: which descriptors are taken, which endpoint
 * gets which of them, and what becomes of the rest.
 */
#include "server/door/inherited.h"

#include "capture.h"
#include "common/socket.h"
#include "passed.h"
#include "rig.h"
#include "server/door/assignment.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "server/succession/predecessor.h"
#include "test/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PLACES_MAX    8
#define ENDPOINTS_MAX 3

/* Listeners, by a letter: of 127.0.0.1, of 0.0.0.0, of [::] alone, of [::] for both families. */
enum {
	LOOPBACK = 'l',
	IPV4 = '4',
	IPV6 = '6',
	BOTH = 'b',
	STREAM = 's', /* it does not listen */
	DATAGRAM = 'd',
	UNIX = 'u', /* listens, and is not TCP */
	NOTHING = '-',
};

/*
 * In an endpoint's address %0 is the port of the first socket, and so on.  got has each endpoint:
 * its name, which is left out where it is the address; the place of its socket, or -; the origin.
 */
static const struct row {
	const char *passed;
	const char *origins; /* NULL: a supervisor passes them */
	const char *names;
	struct {
		const char *network;
		const char *address;
		const char *name;
	} endpoints[ENDPOINTS_MAX];
	const char *got;
	const char *unused; /* the places of which the predecessor hears */
	bool built_in;      /* the endpoint is */
} rows[] = {
	/* What is no listener is closed.  A supervisor does not encode names. */
	{.passed = "l", .got = "=0s"},
	{"lll", NULL, "a%3ab%25:b", {{0}}, "a%3ab%25=0s b=1s =2s", "", false},
	{"dl", NULL, "bad:good", {{0}}, "good=1s", "", false},
	{"ul", NULL, "bad:good", {{0}}, "good=1s", "", false},
	{"-l", NULL, "bad:good", {{0}}, "good=1s", "", false},
	/* By the address, then by the name, and each once. */
	{"ll", NULL, NULL, {{"tcp", "127.0.0.1:%1", ""}, {"tcp", "127.0.0.1:%0", "x"}}, "=1p x=0p",
		"", false},
	{"ll", NULL, "front:back", {{"tcp", "127.0.0.1:%1", "front"}}, "front=1p =0s", "", false},
	{"ll", NULL, "a:b", {{"tcp", "127.0.0.1:0", "b"}, {"tcp", "127.0.0.1:%1", ""}},
		"b=- =1p a=0s", "", false},
	{"l", NULL, "a", {{"tcp", "[::1]:%0", ""}, {"tcp", ":%0", "b"}}, "=- b=- a=0s", "", false},
	{"ll", NULL, "same:same", {{"tcp", "127.0.0.1:0", "x"}}, "x=- same=0s =1s", "", false},
	/* A predecessor's carry on their origins; an endpoint asks for the spare one now. */
	{"lll", "ops", "a:b:c",
		{{"tcp", "127.0.0.1:%0", "x"}, {"tcp", "127.0.0.1:%1", "y"},
			{"tcp", "127.0.0.1:%2", "z"}},
		"x=0o y=1p z=2p", "", false},
	/* It encodes names.  Its places count from the first, whatever is closed. */
	{"lsllllll", "ssssssss", "127.0.0.1%3a7:bad:100%25%3ax:%3b:%:%2x:%3A:%%3a", {{0}},
		"127.0.0.1:7=0s 100%:x=2s %3b=3s %=4s %2x=5s %3A=6s %:=7s", "", false},
	/* What a bobbind opened has its name for an endpoint on port 0 only. */
	{"ll", "oo", "a:b", {{"tcp", "127.0.0.1:1", "b"}, {"tcp", ":0", "a"}}, "b=- a=0o", "1",
		false},
	{"lll", "opo", "a:b:c", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o", "12", false},
	{"ll", "os", "a:b", {{"tcp", "127.0.0.1:%0", "x"}}, "x=0o b=1s", "", false},
	{"ll", "po", "a:b", {{"tcp", "127.0.0.1:0", "x"}}, "a=0s", "1", true},
	/* What it opened at a wildcard goes by the families too. */
	{"4", "o", "a", {{"tcp4", ":%0", "x"}}, "x=0o", "", false},
	{"6", "o", "a", {{"tcp", ":%0", "x"}}, "x=-", "0", false},
	{"b", "o", "a", {{"tcp6", ":%0", "x"}}, "x=-", "0", false},
	{"4", "o", "a", {{"tcp", ":%0", "x"}}, "x=-", "0", false},
};

static struct address ats[PLACES_MAX];
static struct inherited in;

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
}

static int listen_in_unix(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(
		bind(fd, (const struct sockaddr *)&nameless, sizeof nameless.sun_family), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static int make(char kind)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	const struct socket_listening how = {.v6only = kind == IPV6, .backlog = 1};
	const struct address any = {.any.sa_family = kind == IPV4 ? AF_INET : AF_INET6};

	if (kind == STREAM || kind == DATAGRAM)
		return socket(AF_INET, kind == STREAM ? SOCK_STREAM : SOCK_DGRAM, 0);
	return kind == UNIX ? listen_in_unix() : socket_listen(&any, &how, &options);
}

/* Returns false if there is no IPv6. */
static bool pass(int place, char kind)
{
	if (kind == LOOPBACK) {
		ats[place] = passed_listen(place);
	} else if (kind == NOTHING) {
		passed_leave_empty(place);
	} else {
		int fd = make(kind);
		if (fd == -EAFNOSUPPORT)
			return false;
		(void)socket_local_address(fd, &ats[place]);
		passed_put(place, fd);
	}
	return true;
}

static void add(const char *network, const char *address, const char *name)
{
	const char *port = strchr(address, '%');
	char text[ADDRESS_TEXT_MAX];
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	snprintf(text, sizeof text, "%s", address);
	if (port)
		snprintf(text, sizeof text, "%.*s%u", (int)(port - address), address,
			(unsigned)address_port(&ats[port[1] - '0']));
	struct endpoint *e = settings_add_endpoint(rig.settings);
	ck_assert(option_set(option_find("network"), e, network, mistake));
	ck_assert(option_set(option_find("address"), e, text, mistake));
	ck_assert(option_set(option_find("name"), e, name, mistake));
	ck_assert_ptr_null(settings_finish_endpoint(rig.settings, e, &key));
}

/* Processes that we start must not take the descriptors for theirs. */
static void take(void)
{
	static const char *const names[] = {
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "BOBBIN_HANDOVER"};

	inherited_take(&in);
	for (size_t i = 0; i < SUITE_COUNT(names); i++)
		ck_assert_ptr_null(getenv(names[i]));
	for (const struct inherited_socket *i = in.sockets; i < in.sockets + in.count; i++) {
		ck_assert_int_eq(i->fd, PIPE_FIRST_FD + (int)i->place);
		ck_assert(passed_closes_on_exec((int)i->place));
	}
}

static void check_got(const char *got)
{
	const struct inherited_socket **assigned = assignment_make(&in, rig.settings);
	char text[256] = "";
	char *end = text;

	for (size_t i = 0; i < rig.settings->endpoint_count; i++) {
		const struct endpoint *e = &rig.settings->endpoints[i];
		end += sprintf(end, "%s%s=", i > 0 ? " " : "",
			strcmp(e->name, e->address) == 0 ? "" : e->name);
		end += assigned[i] ? sprintf(end, "%u%c", assigned[i]->place, assigned[i]->origin)
				   : sprintf(end, "-");
		ck_assert(
			e->from_supervisor == (assigned[i] && assigned[i]->origin == ORIGIN_SPARE));
	}
	ck_assert_str_eq(text, got);
	free(assigned);
}

/* Each is closed, and the predecessor is told of it. */
static void check_unused(const char *places)
{
	unsigned value;

	predecessor_tell_ready();
	for (const char *p = places; *p; p++) {
		ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
		ck_assert_int_eq(value, *p - '0');
		ck_assert(!passed_is_open(*p - '0'));
	}
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	ck_assert_int_eq(passed_hear(&value), 0);
}

TEST_ROWS(sockets_go_by_their_address_then_by_their_name_then_by_their_origin, SUITE_COUNT(rows))
{
	const struct row *row = &rows[_i];
	size_t unusable = strcspn(row->passed, "sdu-");
	int count = 0;

	begin();
	for (; row->passed[count]; count++) {
		if (!pass(count, row->passed[count]))
			SUITE_SKIP("this machine has no IPv6");
	}
	for (int i = 0; i < ENDPOINTS_MAX && row->endpoints[i].network; i++)
		add(row->endpoints[i].network, row->endpoints[i].address, row->endpoints[i].name);
	rig.settings->built_in_listener = row->built_in;
	if (row->origins)
		passed_tell_handover(row->origins, row->names);
	else
		passed_tell(count, row->names);
	take();
	ck_assert(in.handover == (row->origins != NULL));
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO, " level=warn event=inherited_descriptor_unusable fd="),
		row->passed[unusable] != '\0');
	ck_assert(!row->passed[unusable] || !passed_is_open((int)unusable));
	check_got(row->got);
	if (row->origins) {
		ck_assert(passed_closes_on_exec(count));
		check_unused(row->unused);
	}
	inherited_fini(&in);
	inherited_fini(&in);
}

/* With one socket the pipe is 4; there is one at 0, too, and 5 is none. */
static const char *const disbelieved[] = {
	"", "4:", "4:oo", "4:x", ":o", "4 :o", "3:o", "0:o", "5:o", "99999999999:o", "4:o "};

TEST_ROWS(a_word_that_does_not_fit_the_sockets_is_not_believed, SUITE_COUNT(disbelieved))
{
	begin();
	(void)passed_listen(0);
	passed_tell_handover("o", "a%3ab");
	ck_assert_int_eq(dup2(PIPE_FIRST_FD + 1, STDIN_FILENO), STDIN_FILENO);
	setenv("BOBBIN_HANDOVER", disbelieved[_i], 1);
	take();
	ck_assert(!in.handover);
	ck_assert(!passed_closes_on_exec(1));
	check_got("a%3ab=0s");
}

TEST(what_is_meant_for_another_process_is_left_alone)
{
	begin();
	(void)passed_listen(0);
	passed_tell_handover("o", "x");
	setenv("LISTEN_PID", "1", 1);
	take();
	predecessor_tell_ready();
	ck_assert_int_eq(in.count, 0);
	ck_assert(!in.handover);
	ck_assert(passed_is_open(1));
	ck_assert(!passed_closes_on_exec(0));
}

static const struct {
	const char *fds;
	int count;
} counts[] = {{"0", 0}, {"-1", 0}, {"", 0}, {"x", 0}, {"1026", INHERITED_MAX}};

TEST_ROWS(as_many_are_taken_as_there_is_room_for, SUITE_COUNT(counts))
{
	begin();
	for (int i = 0; i < INHERITED_MAX + 2; i++)
		(void)passed_listen(i);
	passed_tell(1, NULL);
	setenv("LISTEN_FDS", counts[_i].fds, 1);
	take();
	ck_assert_int_eq(in.count, counts[_i].count);
	ck_assert(!passed_closes_on_exec(INHERITED_MAX));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_name_has_room_when_all_of_it_is_encoded)
{
	char text[16];

	ck_assert_ptr_eq(pipe_encode(text, "::%%"), text + 12);
	ck_assert_str_eq(text, "%3a%3a%25%25");
	ck_assert_uint_eq(pipe_encoded_length("::%%"), 12);
}
