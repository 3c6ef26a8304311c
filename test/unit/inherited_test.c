/* SPDX-License-Identifier: ISC */
/* Proves inherited and predecessor: which passed sockets are taken, which are left out, how they are
 * matched, and what a handover changes. */
#include "server/door/inherited.h"

#include "capture.h"
#include "pair.h"
#include "passed.h"
#include "server/log.h"
#include "server/succession/predecessor.h"
#include "test/suite.h"

#include <errno.h>
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
static bool pipe_closes_on_exec;
static bool pipe_is_open;

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	s = settings_new();
}

/* origins: NULL for a supervisor. */
static void take_as(const int *fds, int count, int pid, const char *names, const char *origins)
{
	passed_begin(fds, count, pid, names);
	if (origins)
		passed_as_handover(origins);
	inherited_take(&in);
	pipe_closes_on_exec = passed_closes_on_exec(count);
	predecessor_tell_unused(7);
	predecessor_tell_ready();
	pipe_is_open = passed_is_open(count);
	for (int i = 0; i < count; i++) {
		open_after[i] = passed_is_open(i);
		closes_on_exec[i] = passed_closes_on_exec(i);
	}
	for (int i = 0; i < in.count; i++)
		in.sockets[i].fd = passed_lift(in.sockets[i].fd);
	passed_end();
}

/* Children must not take them for theirs. */
static void check_environment_is_clean(void)
{
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
	ck_assert_ptr_null(getenv("BOBBIN_HANDOVER"));
}

static void take(const int *fds, int count, const char *names)
{
	take_as(fds, count, getpid(), names, NULL);
	check_environment_is_clean();
	ck_assert(!in.handover);
}

static void take_over(const int *fds, int count, const char *names, const char *origins)
{
	take_as(fds, count, getpid(), names, origins);
	check_environment_is_clean();
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

static int fd_of(const struct inherited_socket *i)
{
	return i ? i->fd : -1;
}

/* As one listener alone is matched. */
static int match(const struct endpoint *e)
{
	int fd = fd_of(inherited_take_bound(&in, e));

	return fd >= 0 ? fd : fd_of(inherited_take_named(&in, e));
}

static void check_is_at(int fd, const struct address *at)
{
	struct address local;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_local_address(fd, &local), 0);
	ck_assert(address_equal(&local, at));
}

TEST(without_the_variables_nothing_is_taken)
{
	begin();
	inherited_take(&in);
	ck_assert_int_eq(in.count, 0);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_listening_socket_is_taken_and_closes_on_exec)
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

TEST(what_is_meant_for_another_process_is_left_alone)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take_as(&fd, 1, getpid() + 1, NULL, NULL);
	ck_assert_int_eq(in.count, 0);
	ck_assert(open_after[0]);
	ck_assert(!closes_on_exec[0]);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

static const char *const counts[] = {"0", "-1", "", "x"};

TEST_ROWS(a_count_that_is_none_takes_nothing, SUITE_COUNT(counts))
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

TEST_ROWS(what_is_no_listening_tcp_socket_is_closed_with_a_line, 6)
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

TEST(a_socket_is_matched_by_where_it_is_bound)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, NULL);
	check_is_at(match(must_add_at(&ats[1], "")), &ats[1]);
	check_is_at(match(must_add_at(&ats[0], "x")), &ats[0]);
}

TEST(a_socket_is_matched_by_its_name_where_no_address_fits)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, "front:back");
	check_is_at(match(must_add(":1", "back")), &ats[1]);
	ck_assert_int_eq(match(must_add(":2", "none")), -1);
	check_is_at(match(must_add(":3", "front")), &ats[0]);
}

TEST(the_address_weighs_more_than_the_name)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take(fds, 2, "front:back");
	check_is_at(match(must_add_at(&ats[1], "front")), &ats[1]);
}

TEST(a_socket_is_matched_once)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take(&fd, 1, "front");
	check_is_at(match(must_add_at(&at, "front")), &at);
	ck_assert_int_eq(match(&s->endpoints[0]), -1);
}

TEST(the_other_family_on_the_port_is_no_match)
{
	struct address at;
	int fd = must_listen_somewhere(&at);
	char text[32];

	begin();
	take(&fd, 1, NULL);
	snprintf(text, sizeof text, "[::1]:%u", (unsigned)address_port(&at));
	ck_assert_int_eq(match(must_add(text, "")), -1);
	snprintf(text, sizeof text, ":%u", (unsigned)address_port(&at));
	ck_assert_int_eq(match(must_add(text, "")), -1);
}

TEST(what_is_not_matched_comes_out_in_order_with_its_name)
{
	struct address ats[3];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1]),
		must_listen_somewhere(&ats[2])};

	begin();
	take(fds, 3, "a:b");
	check_is_at(match(must_add(":1", "b")), &ats[1]);
	struct inherited_socket *next = inherited_take_next(&in);
	check_is_at(fd_of(next), &ats[0]);
	ck_assert_str_eq(next->name, "a");
	next = inherited_take_next(&in);
	check_is_at(fd_of(next), &ats[2]);
	ck_assert_str_eq(next->name, "");
	ck_assert_ptr_null(inherited_take_next(&in));
}

TEST(no_more_are_taken_than_there_is_room_for)
{
	int fds[INHERITED_MAX + 2];
	struct address at;

	begin();
	fds[0] = must_listen_somewhere(&at);
	for (int i = 1; i < INHERITED_MAX + 2; i++)
		fds[i] = fds[0];
	take(fds, INHERITED_MAX + 2, NULL);
	ck_assert_int_eq(in.count, INHERITED_MAX);
}

TEST(a_name_from_a_supervisor_is_taken_as_it_is)
{
	struct address at;
	int fd = must_listen_somewhere(&at);

	begin();
	take(&fd, 1, "a%3ab%25");
	ck_assert_str_eq(in.sockets[0].name, "a%3ab%25");
	ck_assert_int_eq(in.sockets[0].origin, ORIGIN_PASSED);
	ck_assert(inherited_has_passed(&in));
}

/* Handed over. */

TEST(a_predecessor_tells_names_places_and_origins)
{
	struct address at;
	const int fds[] = {must_listen_somewhere(&at), make_unusable(0), must_listen_somewhere(&at),
		must_listen_somewhere(&at)};

	begin();
	take_over(fds, 4, "127.0.0.1%3a7007:bad:100%25%3ax:%3b", "oosp");
	ck_assert(in.handover);
	ck_assert_int_eq(in.count, 3);
	ck_assert_str_eq(in.sockets[0].name, "127.0.0.1:7007");
	ck_assert_str_eq(in.sockets[1].name, "100%:x");
	ck_assert_str_eq(in.sockets[2].name, "%3b");
	ck_assert_int_eq(in.sockets[0].origin, ORIGIN_OPENED);
	ck_assert_int_eq(in.sockets[1].origin, ORIGIN_SPARE);
	ck_assert_int_eq(in.sockets[2].origin, ORIGIN_PASSED);
	ck_assert_uint_eq(in.sockets[0].place, 0);
	ck_assert_uint_eq(in.sockets[1].place, 2);
	ck_assert_uint_eq(in.sockets[2].place, 3);
	inherited_fini(&in);
	inherited_fini(&in);
}

TEST(the_predecessor_hears_what_is_unused_and_that_we_are_ready_and_then_the_end)
{
	struct address at;
	int fd = must_listen_somewhere(&at);
	unsigned value;

	begin();
	take_over(&fd, 1, "x", "o");
	ck_assert(pipe_closes_on_exec);
	ck_assert(!pipe_is_open);
	ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	ck_assert_int_eq(passed_hear(&value), 0);
}

TEST_ROWS(a_handover_that_is_meant_for_another_process_is_not_believed, 2)
{
	struct address at;
	int fd = must_listen_somewhere(&at);
	unsigned value;

	begin();
	/* Or one that has none for us, though the word is well formed. */
	take_as(&fd, 1, getpid() + 1, "x", _i ? "o" : "");
	ck_assert(!in.handover);
	ck_assert(pipe_is_open);
	ck_assert_int_eq(passed_hear(&value), 0);
	check_environment_is_clean();
}

/* With one socket the pipe is 4; there is one at 0, too. */
static const char *const disbelieved[] = {"", "4", "4:", "4:oo", "4:x", ":o", "4 :o", "3:o", "0:o",
	"-1:o", "999:o", "99999999999:o", "4:o "};

TEST_ROWS(a_word_that_does_not_fit_the_sockets_is_not_believed, SUITE_COUNT(disbelieved))
{
	struct address at;
	int fd = must_listen_somewhere(&at);
	unsigned value;

	int ends[2];

	begin();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(ends[1], STDIN_FILENO), STDIN_FILENO);
	passed_begin(&fd, 1, getpid(), "a%3ab");
	passed_as_handover("o");
	setenv("BOBBIN_HANDOVER", disbelieved[_i], 1);
	inherited_take(&in);
	predecessor_tell_ready();
	in.sockets[0].fd = passed_lift(in.sockets[0].fd);
	passed_end();
	check_environment_is_clean();
	ck_assert_int_eq(passed_hear(&value), 0);
	ck_assert(!in.handover);
	ck_assert_int_eq(in.count, 1);
	ck_assert_str_eq(in.sockets[0].name, "a%3ab");
	ck_assert_int_eq(in.sockets[0].origin, ORIGIN_PASSED);
}

TEST(a_descriptor_that_is_no_pipe_is_not_believed)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	passed_begin(fds, 2, getpid(), NULL);
	setenv("LISTEN_FDS", "1", 1);
	setenv("BOBBIN_HANDOVER", "4:o", 1);
	inherited_take(&in);
	bool closes = passed_closes_on_exec(1);
	passed_end();
	ck_assert(!in.handover);
	ck_assert(!closes);
}

TEST(an_opened_socket_has_its_name_only_for_a_listener_on_port_0)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take_over(fds, 2, "127.0.0.1%3a0:back", "oo");
	ck_assert_int_eq(match(must_add("127.0.0.1:1", "back")), -1);
	check_is_at(match(must_add("127.0.0.1:0", "")), &ats[0]);
	ck_assert(!inherited_has_passed(&in));
}

TEST(a_passed_socket_keeps_its_name_through_a_handover)
{
	struct address ats[2];
	const int fds[] = {must_listen_somewhere(&ats[0]), must_listen_somewhere(&ats[1])};

	begin();
	take_over(fds, 2, "front:back", "ps");
	check_is_at(match(must_add("127.0.0.1:1", "front")), &ats[0]);
	check_is_at(match(must_add("127.0.0.1:2", "back")), &ats[1]);
	ck_assert(inherited_has_passed(&in));
}

static const struct {
	bool v6only;
	enum network network;
	bool fits;
} families[] = {
	{true, NETWORK_TCP6, true},
	{true, NETWORK_TCP, false},
	{false, NETWORK_TCP, true},
	{false, NETWORK_TCP6, false},
};

TEST_ROWS(an_opened_wildcard_fits_a_listener_for_the_same_families, SUITE_COUNT(families))
{
	struct address any = {.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT}};
	char text[32];

	begin();
	int fd = socket_listen(&any,
		&(struct socket_listening){.v6only = families[_i].v6only, .backlog = 1}, &options);
	if (fd == -EAFNOSUPPORT)
		return;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_local_address(fd, &any), 0);
	take_over(&fd, 1, "x", "o");
	snprintf(text, sizeof text, ":%u", (unsigned)address_port(&any));
	struct endpoint *e = must_add(text, "");
	e->network = families[_i].network;
	ck_assert(!!inherited_take_bound(&in, e) == families[_i].fits);
}

TEST(an_opened_ipv4_wildcard_fits_one_for_both_families_only_without_ipv6)
{
	struct address any = {.in4 = {.sin_family = AF_INET}};
	char text[32];

	begin();
	int fd = socket_listen(&any, &(struct socket_listening){.backlog = 1}, &options);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_local_address(fd, &any), 0);
	take_over(&fd, 1, "x", "o");
	snprintf(text, sizeof text, ":%u", (unsigned)address_port(&any));
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(!!inherited_take_bound(&in, must_add(text, "")) == (six < 0));
	close(six);
}
