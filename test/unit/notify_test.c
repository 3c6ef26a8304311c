/* SPDX-License-Identifier: ISC */
/* Proves notify: which names are a manager's, and what cannot be seen from one message. */
#include "server/notify.h"

#include "capture.h"
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

/* The manager's socket; what does not come in 10 s fails the test. */
static int manager = -1;

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

static void open_for(const char *name)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_DEBUG, LOG_LOGFMT);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_open();
}

/* The start of a name, and so many characters in all. */
static const char *lengthen(const char *start, size_t len)
{
	static char text[256];

	memset(text, 'x', len);
	memcpy(text, start, strlen(start));
	text[len] = '\0';
	return text;
}

static const char *begin(void)
{
	char start[64];

	/* The longest name that there is. */
	snprintf(start, sizeof start, "@bobbin-notify-test-%d", (int)getpid());
	const char *name = lengthen(start, sizeof(struct sockaddr_un){0}.sun_path - 1);
	must_bind(name);
	open_for(name);
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

TEST(a_path_is_a_name_too_and_stays_in_the_environment)
{
	char path[1100];

	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(path, 1024));
	strcat(path, "/notify");
	must_bind(path);
	open_for(path);
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), path);
}

static const struct {
	const char *name;
	size_t len; /* 0: the name's */
	const char *reason;
} none[] = {
	{"", 0, NULL},
	{"relative/path", 0, "it is neither a path from the root nor an abstract name"},
	{"vsock:2:1234", 0, "it is neither a path from the root nor an abstract name"},
	{"/", 0, "it is neither a path from the root nor an abstract name"},
	{"@", 0, "it is neither a path from the root nor an abstract name"},
	{"/", sizeof(struct sockaddr_un){0}.sun_path, "it is too long"},
	{"@", sizeof(struct sockaddr_un){0}.sun_path, "it is too long"},
};

TEST_ROWS(a_name_that_is_none_is_told_once_and_nothing_is_sent, SUITE_COUNT(none))
{
	const char *name = none[_i].len ? lengthen(none[_i].name, none[_i].len) : none[_i].name;
	char words[512] = "";

	size_t before = open_descriptors();
	open_for(name);
	notify_ready("serving %d listeners", 2);
	notify_stopping();
	if (none[_i].reason)
		snprintf(words, sizeof words,
			" level=warn event=notify_socket_unusable socket=%s reason=\"%s\"\n", name,
			none[_i].reason);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), none[_i].reason ? 1 : 0);
	ck_assert_ptr_nonnull(strstr(capture_text(STDERR_FILENO), words));
	ck_assert_uint_eq(open_descriptors(), before);
}

TEST(an_extension_is_never_shorter_and_a_status_cannot_pass_for_a_key)
{
	static const char *const messages[] = {
		"EXTEND_TIMEOUT_USEC=1",
		"EXTEND_TIMEOUT_USEC=1",
		"EXTEND_TIMEOUT_USEC=2",
		"STATUS=one MAINPID=1 ",
		"READY=1\nSTATUS=two STOPPING=1",
	};

	begin();
	notify_extend(1);
	notify_extend(1000);
	notify_extend(1001);
	notify_status("one\nMAINPID=%d\n", 1);
	notify_ready("two\nSTOPPING=%d", 1);
	for (size_t i = 0; i < SUITE_COUNT(messages); i++)
		ck_assert_str_eq(hear(), messages[i]);
}

TEST(what_is_too_long_is_cut)
{
	char text[2 * NOTIFY_MAX] = "";

	memset(text, 'x', sizeof text - 1);
	begin();
	notify_send("%s", text);
	ck_assert_uint_eq(strlen(hear()), NOTIFY_MAX);
	notify_status("%s", text);
	ck_assert_uint_lt(strlen(hear()), NOTIFY_MAX);
}

TEST(a_manager_that_is_back_is_heard_by)
{
	const char *name = begin();

	close(manager);
	notify_stopping();
	must_bind(name);
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}
