/* SPDX-License-Identifier: ISC */
/* Proves inherited: which passed sockets are taken, which are left out, and how they are matched.
 */
#include "server/inherited.h"

#include "capture.h"
#include "pair.h"
#include "passed.h"
#include "server/log.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct socket_options options = {
	.receive_timeout_ns = 1000000000,
	.send_timeout_ns = 1000000000,
};

static struct inherited in;
static struct settings *s;

/* What became of each place. */
static bool open_after[PASSED_MAX];
static bool closes_on_exec[PASSED_MAX];

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	s = settings_new();
}

static void take_as(const int *fds, int count, int pid, const char *names)
{
	passed_begin(fds, count, pid, names);
	inherited_take(&in);
	for (int i = 0; i < count; i++) {
		open_after[i] = passed_is_open(i);
		closes_on_exec[i] = passed_closes_on_exec(i);
	}
	for (int i = 0; i < in.count; i++)
		in.sockets[i].fd = passed_lift(in.sockets[i].fd);
	passed_end();
}

static void take(const int *fds, int count, const char *names)
{
	take_as(fds, count, getpid(), names);
	/* Children must not take them for theirs. */
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
}

static int must_listen_somewhere(struct address *at)
{
	return must_listen(1, &options, at);
}

static struct endpoint *must_add(const char *address, const char *name)
{
	struct endpoint *e = settings_add_endpoint(s);
	const char *key;

	free(e->address);
	free(e->name);
	e->address = strdup(address);
	e->name = strdup(name);
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	return e;
}

static struct endpoint *must_add_at(const struct address *at, const char *name)
{
	char text[ADDRESS_TEXT_MAX];

	return must_add(address_format(at, text), name);
}

static void check_is_at(int fd, const struct address *at)
{
	struct address local;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_local_address(fd, &local), 0);
	ck_assert(address_equal(&local, at));
}

START_TEST(without_the_variables_nothing_is_taken)
{
	begin();
	inherited_take(&in);
	ck_assert_int_eq(in.count, 0);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}
END_TEST

START_TEST(a_listening_socket_is_taken_and_closes_on_exec)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take(&fd, 1, NULL);
	ck_assert_int_eq(in.count, 1);
	ck_assert(open_after[0]);
	ck_assert(closes_on_exec[0]);
	ck_assert_str_eq(in.sockets[0].name, "");
	check_is_at(in.sockets[0].fd, &at);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}
END_TEST

START_TEST(what_is_meant_for_another_process_is_left_alone)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take_as(&fd, 1, getpid() + 1, NULL);
	ck_assert_int_eq(in.count, 0);
	ck_assert(open_after[0]);
	ck_assert(!closes_on_exec[0]);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}
END_TEST

static const char *const counts[] = {"0", "-1", "", "x"};

START_TEST(a_count_that_is_none_takes_nothing)
{
	char pid[16];

	begin();
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", counts[_i], 1);
	inherited_take(&in);
	ck_assert_int_eq(in.count, 0);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}
END_TEST

/* Each kind of descriptor that is no listening TCP socket, the last being none at all. */
static int make_unusable(int kind)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = -1;

	switch (kind) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 2:
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	case 3:
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(
			bind(fd, (const struct sockaddr *)&nameless, sizeof nameless.sun_family),
			0);
		ck_assert_int_eq(listen(fd, 1), 0);
		return fd;
	case 4:
		return must_pair(&options).near;
	default:
		return -1;
	}
}

START_TEST(what_is_no_listening_tcp_socket_is_closed_with_a_line)
{
	struct address at;
	const int fds[] = {make_unusable(_i), must_listen_somewhere(&at)};

	begin();
	take(fds, 2, "bad:good");
	ck_assert_int_eq(in.count, 1);
	ck_assert(!open_after[0]);
	ck_assert_str_eq(in.sockets[0].name, "good");
	check_is_at(in.sockets[0].fd, &at);
	ck_assert_uint_eq(capture_count(STDERR_FILENO,
				  " level=warn event=inherited_descriptor_unusable fd=3 "
				  "reason=\"it is not a listening TCP socket\"\n"),
		1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}
END_TEST

START_TEST(a_socket_is_matched_by_where_it_is_bound)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, NULL);
	check_is_at(inherited_match(&in, must_add_at(&ats[1], "")), &ats[1]);
	check_is_at(inherited_match(&in, must_add_at(&ats[0], "x")), &ats[0]);
}
END_TEST

START_TEST(a_socket_is_matched_by_its_name_where_no_address_fits)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, "front:back");
	check_is_at(inherited_match(&in, must_add(":1", "back")), &ats[1]);
	ck_assert_int_eq(inherited_match(&in, must_add(":2", "none")), -1);
	check_is_at(inherited_match(&in, must_add(":3", "front")), &ats[0]);
}
END_TEST

START_TEST(the_address_weighs_more_than_the_name)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, "front:back");
	check_is_at(inherited_match(&in, must_add_at(&ats[1], "front")), &ats[1]);
}
END_TEST

START_TEST(a_socket_is_matched_once)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take(&fd, 1, "front");
	check_is_at(inherited_match(&in, must_add_at(&at, "front")), &at);
	ck_assert_int_eq(inherited_match(&in, &s->endpoints[0]), -1);
}
END_TEST

START_TEST(the_other_family_on_the_port_is_no_match)
{
	struct address at;
	int fd = must_listen_somewhere(&at);
	char text[32];

	begin();
	take(&fd, 1, NULL);
	snprintf(text, sizeof text, "[::1]:%u", (unsigned)address_port(&at));
	ck_assert_int_eq(inherited_match(&in, must_add(text, "")), -1);
	snprintf(text, sizeof text, ":%u", (unsigned)address_port(&at));
	ck_assert_int_eq(inherited_match(&in, must_add(text, "")), -1);
}
END_TEST

START_TEST(what_is_not_matched_comes_out_in_order_with_its_name)
{
	struct address ats[3];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1]),
		must_listen_somewhere(&ats[2])};
	const char *name;

	begin();
	take(fds, 3, "a:b");
	check_is_at(inherited_match(&in, must_add(":1", "b")), &ats[1]);
	check_is_at(inherited_next(&in, &name), &ats[0]);
	ck_assert_str_eq(name, "a");
	check_is_at(inherited_next(&in, &name), &ats[2]);
	ck_assert_str_eq(name, "");
	ck_assert_int_eq(inherited_next(&in, &name), -1);
}
END_TEST

START_TEST(no_more_are_taken_than_there_is_room_for)
{
	int fds[INHERITED_MAX + 2];
	struct address at;

	begin();
	for (int i = 0; i < INHERITED_MAX + 2; i++)
		fds[i] = must_listen_somewhere(&at);
	take(fds, INHERITED_MAX + 2, NULL);
	ck_assert_int_eq(in.count, INHERITED_MAX);
}
END_TEST

int main(void)
{
	const struct suite_test tests[] = {
		{without_the_variables_nothing_is_taken, 0},
		{a_listening_socket_is_taken_and_closes_on_exec, 0},
		{what_is_meant_for_another_process_is_left_alone, 0},
		{a_count_that_is_none_takes_nothing, SUITE_COUNT(counts)},
		{what_is_no_listening_tcp_socket_is_closed_with_a_line, 6},
		{a_socket_is_matched_by_where_it_is_bound, 0},
		{a_socket_is_matched_by_its_name_where_no_address_fits, 0},
		{the_address_weighs_more_than_the_name, 0},
		{a_socket_is_matched_once, 0},
		{the_other_family_on_the_port_is_no_match, 0},
		{what_is_not_matched_comes_out_in_order_with_its_name, 0},
		{no_more_are_taken_than_there_is_room_for, 0},
	};

	return suite_run("inherited", tests, SUITE_COUNT(tests));
}
