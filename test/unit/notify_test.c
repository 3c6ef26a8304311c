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

#define LEN_MAX (sizeof(struct sockaddr_un){0}.sun_path - 1)

static const char wrong[] = "it is neither a path from the root nor an abstract name";

/* $ is a path in the test's folder, and @$ an abstract name. */
static const struct {
	const char *name;
	size_t len;         /* with that many characters in all; 0: as it is */
	const char *reason; /* NULL: it is a manager's; "": there is none */
} names[] = {
	{"$", 0, NULL},
	{"@$", 0, NULL},
	{"@$", LEN_MAX, NULL},
	{"@$", LEN_MAX + 1, "it is too long"},
	{"/", LEN_MAX + 1, "it is too long"},
	{"", 0, ""},
	{"relative/path", 0, wrong},
	{"vsock:2:1234", 0, wrong},
	{"/", 0, wrong},
	{"@", 0, wrong},
};

static const char *write_name(int i)
{
	static char text[1200];
	char folder[1024];

	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
	strcpy(text, names[i].name);
	if (strchr(text, '$'))
		sprintf(strchr(text, '$'), "%s/notify", folder);
	while (strlen(text) < names[i].len)
		strcat(text, "x");
	return text;
}

static const char *begin(int i)
{
	const char *name = write_name(i);

	if (!names[i].reason)
		must_bind(name);
	open_for(name);
	return name;
}

TEST_ROWS(a_name_is_a_managers_or_is_told_once, SUITE_COUNT(names))
{
	char words[512];
	const char *name = begin(_i);

	notify_ready("serving %d listeners", 2);
	notify_stopping();
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), name);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO, "\n"), names[_i].reason && *names[_i].reason);
	if (!names[_i].reason) {
		ck_assert_str_eq(hear(), "READY=1\nSTATUS=serving 2 listeners");
		ck_assert_str_eq(hear(), "STOPPING=1");
		return;
	}
	snprintf(words, sizeof words,
		" level=warn event=notify_socket_unusable socket=%s reason=\"%s\"\n", name,
		names[_i].reason);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), *names[_i].reason != '\0');
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

	(void)begin(1);
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
	(void)begin(1);
	notify_send("%s", text);
	ck_assert_uint_eq(strlen(hear()), NOTIFY_MAX);
	notify_status("%s", text);
	ck_assert_uint_lt(strlen(hear()), NOTIFY_MAX);
}

TEST(a_manager_that_is_back_is_heard_by)
{
	const char *name = begin(1);

	close(manager);
	notify_stopping();
	must_bind(name);
	notify_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}
