/* SPDX-License-Identifier: ISC */
/* Proves notify: which names are a manager's, and what cannot be seen from one message. */
#include "server/notify.h"

#include "capture.h"
#include "scratch.h"
#include "server/log.h"
#include "test/suite.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LEN_MAX (sizeof(struct sockaddr_un){0}.sun_path - 1)

static int manager = -1;
static char name[LEN_MAX + 1];

static void must_bind(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		bind(manager, (struct sockaddr *)&at,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
}

static void open_for(const char *socket)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	setenv("NOTIFY_SOCKET", socket, 1);
	notify_open();
}

/* A manager at an abstract name of this length. */
static void begin(size_t len)
{
	int start = snprintf(name, sizeof name, "@bobbin-%d-", (int)getpid());

	memset(name + start, 'x', len - (size_t)start);
	must_bind();
	open_for(name);
}

static const char *hear(void)
{
	static char text[2 * NOTIFY_MAX];
	ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static const char wrong[] = "it is neither a path from the root nor an abstract name";

static const struct {
	const char *name;
	size_t len; /* with that many characters in all; 0: as it is */
	const char *reason;
} names[] = {
	{"@", LEN_MAX + 1, "it is too long"},
	{"vsock:2:1234", 0, wrong},
	{"/", 0, wrong},
};

TEST_ROWS(a_name_that_is_no_managers_is_told_once, SUITE_COUNT(names))
{
	char words[512];
	char text[LEN_MAX + 2] = "";

	strcpy(text, names[_i].name);
	while (strlen(text) < names[_i].len)
		strcat(text, "x");
	open_for(text);
	notify_stopping();
	snprintf(words, sizeof words,
		" level=warn event=notify_socket_unusable socket=%s reason=\"%s\"\n", text,
		names[_i].reason);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(an_extension_is_never_shorter_and_a_status_cannot_pass_for_a_key)
{
	begin(LEN_MAX);
	notify_extend(1000);
	ck_assert_str_eq(hear(), "EXTEND_TIMEOUT_USEC=1");
	notify_extend(1001);
	ck_assert_str_eq(hear(), "EXTEND_TIMEOUT_USEC=2");
	notify_status("one\nMAINPID=%d\n", 1);
	ck_assert_str_eq(hear(), "STATUS=one MAINPID=1 ");
	notify_ready("two\nSTOPPING=%d", 1);
	ck_assert_str_eq(hear(), "READY=1\nSTATUS=two STOPPING=1");
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(what_is_too_long_is_cut)
{
	char text[2 * NOTIFY_MAX] = "";

	memset(text, 'x', sizeof text - 1);
	begin(40);
	notify_send("%s", text);
	ck_assert_uint_eq(strlen(hear()), NOTIFY_MAX);
	notify_status("%s", text);
	ck_assert_uint_lt(strlen(hear()), NOTIFY_MAX);
}

TEST(a_manager_that_is_back_is_heard_by)
{
	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(name, sizeof name - strlen("/notify")));
	strcat(name, "/notify");
	must_bind();
	open_for(name);
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
	close(manager);
	ck_assert_int_eq(unlink(name), 0);
	notify_stopping();
	must_bind();
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}
