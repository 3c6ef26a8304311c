/* SPDX-License-Identifier: ISC */
/* Proves inherited and predecessor: which descriptors are taken, and what a handover adds. */
#include "server/door/inherited.h"

#include "capture.h"
#include "passed.h"
#include "server/log.h"
#include "server/succession/predecessor.h"
#include "test/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct inherited in;

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
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

static int write_to_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	return ends[1];
}

static int is_no_listener(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int take_datagrams(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* What is passed in a place, by a letter.  L is a listener of TCP, any other letter nothing. */
static int (*const makers[])(void) = {
	['D'] = take_datagrams,
	['P'] = write_to_pipe,
	['S'] = is_no_listener,
	['U'] = listen_in_unix,
};

static void pass(int place, unsigned char kind)
{
	if (kind == 'L')
		(void)passed_listen(place);
	else if (kind < SUITE_COUNT(makers) && makers[kind])
		passed_put(place, makers[kind]());
	else
		passed_leave_empty(place);
}

static const struct {
	const char *passed;
	const char *fds; /* LISTEN_FDS */
	const char *names;
	const char *handover; /* BOBBIN_HANDOVER */
	const char *taken;    /* of each: place, origin, name */
	int unusable;
} rows[] = {
	{"L", NULL, NULL, NULL, "", 0},
	{"L", "1", NULL, NULL, "0p=", 0},
	{"L", "0", NULL, NULL, "", 0},
	{"L", "-1", NULL, NULL, "", 0},
	{"L", "", NULL, NULL, "", 0},
	{"L", "x", NULL, NULL, "", 0},
	{"LLL", "3", "a:b", NULL, "0p=a 1p=b 2p=", 0},
	/* A supervisor does not encode names. */
	{"L", "1", "a%3ab%25", NULL, "0p=a%3ab%25", 0},
	{"PL", "2", "bad:good", NULL, "1p=good", 1},
	{"SL", "2", "bad:good", NULL, "1p=good", 1},
	{"DL", "2", "bad:good", NULL, "1p=good", 1},
	{"UL", "2", "bad:good", NULL, "1p=good", 1},
	{"-L", "2", "bad:good", NULL, "1p=good", 1},
	/* A predecessor encodes them. */
	{"LDLLP", "4", "127.0.0.1%3a7007:bad:100%25%3ax:%3b", "7:oosp",
		"0o=127.0.0.1:7007 2s=100%:x 3p=%3b", 1},
	/* The word does not fit the sockets: there is no predecessor. */
	{"LP", "1", "a%3ab", "", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4:", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4:oo", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4:x", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", ":o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4 :o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "4:o ", "0p=a%3ab", 0},
	/* Descriptors that cannot be the pipe; there is one at 0, too. */
	{"LP", "1", "a%3ab", "3:o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "0:o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "-1:o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "999:o", "0p=a%3ab", 0},
	{"LP", "1", "a%3ab", "99999999999:o", "0p=a%3ab", 0},
	{"LL", "1", "a%3ab", "4:o", "0p=a%3ab", 0},
};

static const char *describe(void)
{
	static char text[256];
	size_t len = 0;

	text[0] = '\0';
	for (const struct inherited_socket *i = in.sockets; i < in.sockets + in.count; i++) {
		ck_assert_int_eq(i->fd, PIPE_FIRST_FD + (int)i->place);
		ck_assert(passed_closes_on_exec((int)i->place));
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u%c=%s",
			len > 0 ? " " : "", i->place, i->origin, i->name);
	}
	return text;
}

/* Processes that we start must not take the descriptors for theirs. */
static void check_environment_is_clean(void)
{
	static const char *const names[] = {
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "BOBBIN_HANDOVER"};

	for (size_t i = 0; i < SUITE_COUNT(names); i++)
		ck_assert_ptr_null(getenv(names[i]));
}

static void pass_row(int i)
{
	for (int place = 0; rows[i].passed[place]; place++)
		pass(place, (unsigned char)rows[i].passed[place]);
	ck_assert_int_eq(dup2(write_to_pipe(), STDIN_FILENO), STDIN_FILENO);
	passed_tell(1, rows[i].names);
	if (rows[i].fds)
		setenv("LISTEN_FDS", rows[i].fds, 1);
	else
		unsetenv("LISTEN_FDS");
	if (rows[i].handover)
		setenv("BOBBIN_HANDOVER", rows[i].handover, 1);
}

TEST_ROWS(listening_sockets_are_taken_and_what_is_none_is_closed, SUITE_COUNT(rows))
{
	begin();
	pass_row(_i);
	inherited_take(&in);
	check_environment_is_clean();
	ck_assert_str_eq(describe(), rows[_i].taken);
	ck_assert(in.handover == (strlen(rows[_i].passed) == 5));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), rows[_i].unusable);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO, " level=warn event=inherited_descriptor_unusable fd="),
		rows[_i].unusable);
	if (rows[_i].unusable)
		ck_assert(!passed_is_open(in.sockets[0].place == 1 ? 0 : 1));
	inherited_fini(&in);
	inherited_fini(&in);
}

TEST_ROWS(what_is_meant_for_another_process_is_left_alone, 2)
{
	unsigned value;

	begin();
	(void)passed_listen(0);
	if (_i)
		passed_tell_handover("o", "x");
	else
		passed_tell(1, "x");
	setenv("LISTEN_PID", "1", 1);
	inherited_take(&in);
	check_environment_is_clean();
	ck_assert_int_eq(in.count, 0);
	ck_assert(!in.handover);
	ck_assert(passed_is_open(0));
	ck_assert(!passed_closes_on_exec(0));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	if (!_i)
		return;
	/* Its pipe is not ours to use. */
	predecessor_tell_ready();
	ck_assert(passed_is_open(1));
	passed_leave_empty(1);
	ck_assert_int_eq(passed_hear(&value), 0);
}

TEST(no_more_are_taken_than_there_is_room_for)
{
	begin();
	for (int i = 0; i < INHERITED_MAX + 2; i++)
		(void)passed_listen(i);
	passed_tell(INHERITED_MAX + 2, NULL);
	inherited_take(&in);
	ck_assert_int_eq(in.count, INHERITED_MAX);
	ck_assert(!passed_closes_on_exec(INHERITED_MAX));
}

TEST(the_predecessor_hears_what_is_unused_and_that_we_are_ready_and_then_the_end)
{
	unsigned value;

	begin();
	(void)passed_listen(0);
	passed_tell_handover("o", "x");
	inherited_take(&in);
	ck_assert(in.handover);
	ck_assert(passed_closes_on_exec(1));
	predecessor_tell_unused(7);
	predecessor_tell_ready();
	predecessor_tell_ready();
	ck_assert(!passed_is_open(1));
	ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	ck_assert_int_eq(passed_hear(&value), 0);
}
