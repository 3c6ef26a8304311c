/* SPDX-License-Identifier: ISC */
/* server - a bobbind of a scene's own: started on free ports, watched through its log. */
#include "stage.h"

#include "test/suite.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A test ends with its process, and what the kit holds ends with it: LeakSanitizer is to look at the
 * servers, which are processes of their own.
 */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED true
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED false
#endif

#define ARGUMENTS_MAX 64
#define VALUE_MAX     4096

/* Starting. */

/* A kernel without IPv6, as far as the server can tell. */
static void refuse_ipv6_sockets(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = SUITE_COUNT(program), .filter = program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(EXIT_FAILURE);
}

static void prepare(const void *unused)
{
	(void)unused;
	if (stage.notified)
		manager_pass();
	if (stage.without_ipv6)
		refuse_ipv6_sockets();
}

static size_t append_all(char **to, size_t count, char *const *from)
{
	for (; *from; from++) {
		ck_assert_uint_lt(count, ARGUMENTS_MAX);
		to[count++] = *from;
	}
	return count;
}

void server_launch(struct server *s, char *const *arguments)
{
	/* The frames of instrumented code are larger.  First, so that the scene's arguments win. */
	char *const program[] = {stage.program ? stage.program : BOBBIND,
		INSTRUMENTED ? "-o" : NULL, "threads.stack=512KiB", NULL};
	char *command[ARGUMENTS_MAX + 1];
	size_t count = append_all(command, 0, stage.wrapper);

	count = append_all(command, count, program);
	command[append_all(command, count, arguments)] = NULL;
	/* A process whose parent has ended becomes ours: successors are waited for, too. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	s->process = process_start(
		(const char *const *)command, &(struct process_setting){.prepare = prepare});
	s->serving = true;
	s->child = s->pid = s->process->pid;
	s->heard = s->process->err.text;
	s->listeners = s->old_count = 0;
}

/* Lines. */

/* Take what is in quotes at *at, with its escapes, or up to one of the ends. */
static void take_value(const char **at, const char *ends, char *value)
{
	bool quoted = **at == '"';
	size_t len = 0;

	for (*at += quoted; **at && !(quoted ? **at == '"' : !!strchr(ends, **at)); ++*at) {
		if (quoted && **at == '\\' && (*at)[1])
			++*at;
		if (len + 1 < VALUE_MAX)
			value[len++] = **at;
	}
	value[len] = '\0';
	*at += quoted && **at;
}

/* False: the line has no such key. */
static bool find_value(const char *line, const char *key, char *value)
{
	bool json = *line == '{';
	char name[VALUE_MAX];

	for (const char *at = line + json; *at && *at != '}'; at += *at == ' ' || *at == ',') {
		take_value(&at, "=: ", name);
		if (*at != '=' && *at != ':')
			continue;
		at++;
		take_value(&at, json ? ",}" : " ", value);
		if (strcmp(name, key) == 0)
			return true;
	}
	return false;
}

bool server_line_has(const char *line, const char *field)
{
	char key[64];
	char value[VALUE_MAX];
	size_t len = strcspn(field, "=!<>");
	const char *op = field + len;

	if (*field == '~')
		return strstr(line, field + 1);
	snprintf(key, sizeof key, "%.*s", (int)len, field);
	if (!find_value(line, key, value))
		return false;
	if (*op == '<')
		return strtod(value, NULL) < strtod(op + 1, NULL);
	if (*op == '>')
		return strtod(value, NULL) > strtod(op + 1, NULL);
	return scene_matches(op + 1 + (*op == '!'), value) == (*op == '=');
}

const char *server_value(const char *line, const char *key)
{
	static char value[VALUE_MAX];

	return find_value(line, key, value) ? value : NULL;
}

static int64_t number(const char *line, const char *key)
{
	const char *value = server_value(line, key);

	ck_assert_msg(value, "no %s= in: %s", key, line);
	return strtoll(value, NULL, 10);
}

/* The log. */

/* A copy of the whole line at *at, and *at moved to the next; NULL: there is none yet. */
static char *take_line(struct server *s, const char **at)
{
	lock_take(&s->process->lock);
	const char *end = strchr(*at, '\n');
	char *line = end ? strndup(*at, (size_t)(end - *at)) : NULL;
	lock_drop(&s->process->lock);
	*at = end ? end + 1 : *at;
	return line;
}

/* Wait for more than there is up to at.  False: no more comes. */
static bool await_more(struct server *s, const char *at, int64_t deadline)
{
	struct process *p = s->process;

	lock_take(&p->lock);
	while (!strchr(at, '\n') && !p->err.ended && deadline_now() < deadline)
		lock_wait(&p->grown, &p->lock, deadline);
	bool more = strchr(at, '\n');
	lock_drop(&p->lock);
	return more;
}

static char *await_line(struct server *s, const char **from, const char *field)
{
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	const char *at = *from;
	char *line;

	do {
		while ((line = take_line(s, &at)) && !server_line_has(line, field))
			free(line);
	} while (!line && await_more(s, at, deadline));
	*from = line ? at : *from;
	return line;
}

char *server_next(struct server *s, const char *field)
{
	return await_line(s, &s->heard, field);
}

long server_count(struct server *s, char *const *fields)
{
	const char *at = s->process->err.text;
	long count = 0;
	char *line;

	while ((line = take_line(s, &at))) {
		bool all = true;
		for (char *const *field = fields; *field && all; field++)
			all = server_line_has(line, *field);
		count += all;
		free(line);
	}
	return count;
}

char *server_counters(struct server *s)
{
	const char *from = process_end_of(s->process, &s->process->err);

	ck_assert_int_eq(kill(s->pid, SIGUSR1), 0);
	char *line = await_line(s, &from, "event=counters");
	ck_assert_msg(line, "no counters; the log:\n%s", s->process->err.text);
	ck_assert_int_eq(number(line, "accepted"),
		number(line, "active") + number(line, "ended") + number(line, "refused"));
	return line;
}

/* Where it says that it listens, from a place in its log up to what has been heard. */
static void learn_addresses(struct server *s, const char *from)
{
	char text[VALUE_MAX];
	struct host_port where;
	const char *mistake;
	char *line;

	s->listeners = 0;
	while (from < s->heard && (line = take_line(s, &from))) {
		if (server_line_has(line, "event=listening") && find_value(line, "address", text)) {
			ck_assert_uint_lt(s->listeners, SERVER_LISTENERS_MAX);
			ck_assert_int_eq(address_parse(text, &where, &mistake), 0);
			address_lookup(
				&where, NETWORK_TCP, &s->addresses[s->listeners++], 1, &mistake);
		}
		free(line);
	}
}

bool server_await_ready(struct server *s)
{
	const char *from = s->heard;
	char *line = server_next(s, "event=ready");

	if (!line)
		return false;
	s->pid = (pid_t)number(line, "pid");
	free(line);
	learn_addresses(s, from);
	return true;
}

/* Ending. */

int server_wait(struct server *s)
{
	ck_assert_msg(process_ends_by(s->process, deadline_after(PROCESS_PATIENCE_NS)),
		"it does not end; its log:\n%s", s->process->err.text);
	s->serving = false;
	s->process->pid = 0;
	return process_status(s->child);
}

/* Succession. */

bool server_follow(struct server *s)
{
	const char *from = s->heard;
	char *line = server_next(s, "event=handed_over");

	if (!line)
		return false;
	ck_assert_uint_lt(s->old_count, SERVER_COPIES_MAX);
	s->olds[s->old_count++] = s->child;
	s->pid = s->child = (pid_t)number(line, "successor_pid");
	free(line);
	learn_addresses(s, from);
	return true;
}

int server_wait_old(struct server *s)
{
	ck_assert_uint_gt(s->old_count, 0);
	int status = process_status(s->olds[0]);
	memmove(s->olds, s->olds + 1, --s->old_count * sizeof *s->olds);
	return status;
}

/* Looking. */

static FILE *must_open_proc(const struct server *s, const char *what)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)s->pid, what);
	FILE *file = fopen(path, "re");
	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	return file;
}

static int64_t cpu_ns(const struct server *s)
{
	FILE *file = must_open_proc(s, "stat");
	unsigned long user;
	unsigned long system;

	ck_assert_int_eq(
		fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &system),
		2);
	fclose(file);
	return (int64_t)(user + system) * NS_PER_S / sysconf(_SC_CLK_TCK);
}

static DIR *must_open_folder(const struct server *s, const char *what)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)s->pid, what);
	DIR *dir = opendir(path);
	ck_assert_msg(dir, "%s: %s", path, strerror(errno));
	return dir;
}

int64_t server_look(const struct server *s, const char *what)
{
	char line[256];
	int64_t value = 0;
	size_t len = strlen(what);

	if (strcmp(what, "cpu") == 0)
		return cpu_ns(s);
	if (*what >= 'a') {
		DIR *dir = must_open_folder(s, what);
		for (struct dirent *e; (e = readdir(dir));)
			value += e->d_name[0] != '.';
		closedir(dir);
		return value;
	}
	FILE *file = must_open_proc(s, "status");
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, what, len) == 0 && line[len] == ':')
			value = strtoll(line + len + 1, NULL, 10);
	}
	fclose(file);
	return value;
}

static bool is_other_end(int fd, const struct sockaddr_storage *client)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof peer;

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		memcmp(&peer, client, len) == 0;
}

int server_end_of(const struct server *s, int client)
{
	struct sockaddr_storage own = {0};
	socklen_t len = sizeof own;
	int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	DIR *fds = must_open_folder(s, "fd");
	int end = -1;

	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&own, &len), 0);
	for (struct dirent *e; end < 0 && (e = readdir(fds));) {
		if (e->d_name[0] == '.')
			continue;
		end = (int)syscall(SYS_pidfd_getfd, pidfd, (int)strtol(e->d_name, NULL, 10), 0);
		if (end >= 0 && !is_other_end(end, &own)) {
			close(end);
			end = -1;
		}
	}
	closedir(fds);
	close(pidfd);
	return end;
}

bool server_is_instrumented(void)
{
	return INSTRUMENTED;
}
