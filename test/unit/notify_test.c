/* SPDX-License-Identifier: ISC */
/* Proves notify: to whom it sends, what is in each datagram, and that it never waits or complains.
 */
#include "server/notify.h"

#include "capture.h"
#include "common/deadline.h"
#include "scratch.h"
#include "server/log.h"
#include "test/suite.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SUN_PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)

/* The manager's end of it; it hears, or the test fails. */
static int manager = -1;

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
}

/* Bind the manager's socket by a name as in NOTIFY_SOCKET. */
static void must_bind(const char *name)
{
	const struct timeval patience = {.tv_sec = 10};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	memcpy(at.sun_path, name, len);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(manager, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	ck_assert_int_eq(
		setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
}

/* And let notify know of it. */
static void begin_at(const char *name)
{
	begin();
	must_bind(name);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_open();
}

static const char *abstract_name(void)
{
	static char name[64];

	snprintf(name, sizeof name, "@bobbin-notify-test-%d", (int)getpid());
	return name;
}

static const char *hear(void)
{
	static char text[2 * NOTIFY_MAX];
	ssize_t n = recv(manager, text, sizeof text - 1, 0);

	ck_assert_msg(n >= 0, "nothing was heard: %s", strerror(errno));
	text[n] = '\0';
	/* It is text, to the end. */
	ck_assert_uint_eq(strlen(text), (size_t)n);
	return text;
}

static void hears_nothing(void)
{
	char byte;

	ck_assert_int_eq(recv(manager, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void say_everything(void)
{
	notify_send("X=%d", 1);
	notify_ready("serving %d listeners", 2);
	notify_reloading();
	notify_stopping();
	notify_main_pid(1);
	notify_extend(1);
	notify_status("well");
}

TEST(without_the_variable_every_call_does_nothing)
{
	begin();
	unsetenv("NOTIFY_SOCKET");
	size_t before = open_descriptors();
	notify_open();
	say_everything();
	notify_silence();
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(an_empty_variable_is_none)
{
	begin();
	setenv("NOTIFY_SOCKET", "", 1);
	notify_open();
	say_everything();
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_path_is_sent_to)
{
	char folder[1024];
	char path[sizeof folder + 8];

	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
	snprintf(path, sizeof path, "%s/notify", folder);
	begin_at(path);
	notify_send("A=%s", "b");
	ck_assert_str_eq(hear(), "A=b");
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), path);
}

TEST(an_abstract_name_is_sent_to)
{
	begin_at(abstract_name());
	notify_send("A=%s", "b");
	ck_assert_str_eq(hear(), "A=b");
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

/* The name, with so many characters in all. */
static const char *lengthened(const char *name, size_t len)
{
	static char text[256];

	memset(text, 'x', len);
	memcpy(text, name, strlen(name));
	text[len] = '\0';
	return text;
}

TEST(a_name_as_long_as_can_be_is_sent_to)
{
	begin_at(lengthened(abstract_name(), SUN_PATH_SIZE - 1));
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}

TEST_ROWS(a_longer_name_is_told_once_and_nothing_is_sent, 2)
{
	begin();
	setenv("NOTIFY_SOCKET", lengthened(_i ? "@" : "/", SUN_PATH_SIZE), 1);
	notify_open();
	say_everything();
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " event=notify_socket_unusable "), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " reason=\"it is too long\"\n"), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

static const char *const unusable[] = {"relative/path", "vsock:2:1234", "/", "@"};

TEST_ROWS(a_name_that_is_none_is_told_once_and_nothing_is_sent, SUITE_COUNT(unusable))
{
	char words[512];

	begin();
	setenv("NOTIFY_SOCKET", unusable[_i], 1);
	notify_open();
	say_everything();
	snprintf(words, sizeof words,
		" level=warn event=notify_socket_unusable socket=%s "
		"reason=\"it is neither a path from the root nor an abstract name\"\n",
		unusable[_i]);
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "%s", capture_text(STDERR_FILENO));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(ready_comes_with_its_status_in_one_datagram)
{
	begin_at(abstract_name());
	notify_ready("serving %d listeners", 2);
	ck_assert_str_eq(hear(), "READY=1\nSTATUS=serving 2 listeners");
	hears_nothing();
}

TEST(reloading_comes_with_this_moment_in_microseconds_in_one_datagram)
{
	const char *const start = "RELOADING=1\nMONOTONIC_USEC=";
	char *end;

	begin_at(abstract_name());
	int64_t before = deadline_now() / NS_PER_US;
	notify_reloading();
	int64_t after = deadline_now() / NS_PER_US;
	const char *text = hear();
	ck_assert_uint_eq(strncmp(text, start, strlen(start)), 0);
	int64_t moment = strtoll(text + strlen(start), &end, 10);
	ck_assert_str_eq(end, "");
	ck_assert_int_ge(moment, before);
	ck_assert_int_le(moment, after);
	hears_nothing();
}

TEST(stopping_main_pid_and_status_are_a_line_each)
{
	begin_at(abstract_name());
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
	notify_main_pid(4711);
	ck_assert_str_eq(hear(), "MAINPID=4711");
	notify_status("draining %d connections", 3);
	ck_assert_str_eq(hear(), "STATUS=draining 3 connections");
}

static const struct {
	int64_t ns;
	const char *line;
} extensions[] = {
	{1, "EXTEND_TIMEOUT_USEC=1"},
	{1000, "EXTEND_TIMEOUT_USEC=1"},
	{1001, "EXTEND_TIMEOUT_USEC=2"},
	{15 * NS_PER_S, "EXTEND_TIMEOUT_USEC=15000000"},
};

TEST_ROWS(an_extension_is_in_microseconds_and_never_shorter, SUITE_COUNT(extensions))
{
	begin_at(abstract_name());
	notify_extend(extensions[_i].ns);
	ck_assert_str_eq(hear(), extensions[_i].line);
}

TEST(a_status_cannot_pass_for_a_key)
{
	begin_at(abstract_name());
	notify_status("one\nMAINPID=%d\n", 1);
	ck_assert_str_eq(hear(), "STATUS=one MAINPID=1 ");
	notify_ready("two\nSTOPPING=1");
	ck_assert_str_eq(hear(), "READY=1\nSTATUS=two STOPPING=1");
}

TEST(what_is_too_long_is_cut)
{
	char text[2 * NOTIFY_MAX];

	begin_at(abstract_name());
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	notify_send("%s", text);
	ck_assert_uint_eq(strlen(hear()), NOTIFY_MAX);
	notify_status("%s", text);
	ck_assert_uint_lt(strlen(hear()), NOTIFY_MAX);
}

TEST(once_silenced_nothing_is_sent)
{
	begin_at(abstract_name());
	notify_main_pid(1);
	notify_silence();
	say_everything();
	ck_assert_str_eq(hear(), "MAINPID=1");
	hears_nothing();
}

/* net.unix.max_dgram_qlen is 512 by default; a send that waited would hang the test. */
TEST(a_manager_that_does_not_read_is_not_waited_for)
{
	unsigned heard = 0;
	char byte;

	begin_at(abstract_name());
	for (int i = 0; i < 100000; i++)
		notify_stopping();
	while (recv(manager, &byte, 1, MSG_DONTWAIT) > 0)
		heard++;
	ck_assert_uint_gt(heard, 0);
	ck_assert_uint_lt(heard, 100000);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_manager_that_is_gone_is_no_matter_and_one_that_is_back_is_heard_by)
{
	begin_at(abstract_name());
	close(manager);
	notify_stopping();
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	must_bind(abstract_name());
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}

TEST(what_is_lost_is_told_at_debug)
{
	begin_at(abstract_name());
	log_open(LOG_DEBUG, LOG_LOGFMT);
	close(manager);
	notify_stopping();
	ck_assert_uint_eq(capture_count(STDERR_FILENO,
				  " level=debug event=notification_lost "
				  "error=\"Connection refused\"\n"),
		1);
}
