/* SPDX-License-Identifier: ISC */
/* supervisor - the tests' own supervisor hears who tells what. */
#include "client.h"
#include "supervisor.h"
#include "test/suite.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a server would, in a process of its own.  Returns its pid. */
static pid_t tell(const struct supervisor *v, const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(v->where);
	int status;

	memcpy(to.sun_path + 1, v->where + 1, len - 1);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ssize_t n =
			sendto(fd, text, strlen(text), MSG_DONTWAIT, (const struct sockaddr *)&to,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
		_exit(n < 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return pid;
}

TEST(what_is_told_is_heard_with_who_told_it)
{
	struct supervisor v;

	supervisor_open(&v);
	supervisor_expect_nothing(&v);
	tell(&v, "READY=1\nSTATUS=well");
	pid_t pid = tell(&v, "STOPPING=1");
	struct supervisor_word word = supervisor_await(&v, "STOPPING=1");
	ck_assert_str_eq(word.text, "STOPPING=1");
	ck_assert_int_eq(word.pid, pid);
	supervisor_expect_nothing(&v);
	supervisor_close(&v);
}

TEST(a_server_is_started_with_the_sockets_and_knows_whom_to_notify)
{
	static const char script[] = "test \"$LISTEN_PID\" = $$ && test \"$LISTEN_FDS\" = 2 && "
				     "test \"$LISTEN_FDNAMES\" = a:b && test -S /dev/fd/3 && "
				     "test -S /dev/fd/4 && echo \"socket=$NOTIFY_SOCKET\" >&2";
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	v.names = "a:b";
	supervisor_listen(&v);
	supervisor_listen(&v);
	supervisor_launch(&v, &s,
		&(struct server_plan){
			.program = "sh",
			.bare = true,
			.arguments = (const char *const[]){"-c", script, NULL},
		});
	ck_assert_int_eq(server_wait(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, v.where), 1);
	supervisor_close(&v);
}
