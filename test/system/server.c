/* SPDX-License-Identifier: ISC */
/* server - a bobbind of the test's own. */
#include "server.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A test ends with its process, and what the harness holds ends with it: LeakSanitizer is to look at
 * the servers, which are processes of their own.
 */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

/* The frames of instrumented code are larger. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED
#endif

#ifdef INSTRUMENTED
#define STACK_ARGUMENTS "-o", "threads.stack=512KiB"
#else
#define STACK_ARGUMENTS NULL
#endif

#define ARGUMENTS_MAX 64

/* Starting. */

static size_t append_all(const char **to, size_t count, const char *const *from)
{
	for (; from && *from; from++) {
		ck_assert_uint_lt(count, ARGUMENTS_MAX);
		to[count++] = *from;
	}
	return count;
}

static void build_command(const char **command, const struct server_plan *plan)
{
	const char *const stack[] = {STACK_ARGUMENTS, NULL};
	const char *program = plan->program ? plan->program : BOBBIND;
	size_t count = append_all(command, 0, plan->wrapper);

	command[count++] = program;
	/* First, so that the test's own arguments win. */
	if (!plan->bare)
		count = append_all(command, count, stack);
	count = append_all(command, count, plan->arguments);
	command[count] = NULL;
}

static void become_server(const struct server_plan *plan, int log_fd, pid_t parent)
{
	const char *command[ARGUMENTS_MAX + 1];

	build_command(command, plan);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(log_fd, STDERR_FILENO);
	/* What this process has open is not the server's business; prepare() may hand it something. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (plan->prepare)
		plan->prepare(plan->argument);
	execvp(command[0], (char *const *)command);
	_exit(127);
}

static void keep(struct server *s, const char *data, size_t len)
{
	lock_take(&s->lock);
	s->log = realloc(s->log, s->log_len + len + 1);
	if (!s->log)
		abort();
	memcpy(s->log + s->log_len, data, len);
	s->log_len += len;
	s->log[s->log_len] = '\0';
	pthread_cond_broadcast(&s->grown);
	lock_drop(&s->lock);
}

static void *read_log(void *arg)
{
	struct server *s = arg;
	char data[65536];
	ssize_t n;

	while ((n = read(s->log_fd, data, sizeof data)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			keep(s, data, (size_t)n);
	}
	lock_take(&s->lock);
	s->log_ended = true;
	pthread_cond_broadcast(&s->grown);
	lock_drop(&s->lock);
	return NULL;
}

void server_launch(struct server *s, const struct server_plan *plan)
{
	int ends[2];
	pid_t parent = getpid();

	*s = (struct server){.log_fd = -1};
	lock_init(&s->lock);
	lock_cond_init(&s->grown);
	/* Whose parent has ended is ours: successors are waited for, too. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	s->child = fork();
	ck_assert_int_ge(s->child, 0);
	if (s->child == 0)
		become_server(plan, plan->log_to ? plan->log_to : ends[1], parent);
	close(ends[1]);
	s->log_fd = ends[0];
	s->log = calloc(1, 1);
	ck_assert_int_eq(pthread_create(&s->reader, NULL, read_log, s), 0);
}

const char *server_file(const char *text)
{
	static char path[64];
	size_t len = strlen(text);
	int memory = memfd_create("configuration", MFD_CLOEXEC);

	ck_assert_int_ge(memory, 0);
	ck_assert_int_eq(write(memory, text, len), (ssize_t)len);
	/* Open here for as long as the test runs, so that the server can open it by this name. */
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), memory);
	return path;
}

void server_start(struct server *s, const char *const *arguments)
{
	server_launch(s, &(struct server_plan){.arguments = arguments});
	server_await_ready(s);
}

/* The log. */

/* [lock] held.  The first whole line with the text from there on, as where it begins, or NULL. */
static const char *find_line(const struct server *s, size_t from, const char *text)
{
	const char *found = strstr(s->log + from, text);

	if (!found || !strchr(found, '\n'))
		return NULL;
	while (found > s->log && found[-1] != '\n')
		found--;
	return found;
}

/* A copy of the line, and in *end where the next one begins. */
static char *await_line(struct server *s, size_t from, const char *text, size_t *end)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	const char *line;

	lock_take(&s->lock);
	while (!(line = find_line(s, from, text)) && !s->log_ended && deadline_now() < deadline)
		lock_wait(&s->grown, &s->lock, deadline);
	if (!line)
		ck_abort_msg("no \"%s\" in the log from %zu on:\n%s", text, from, s->log);
	size_t len = strcspn(line, "\n");
	*end = (size_t)(line - s->log) + len + 1;
	char *copy = strndup(line, len);
	lock_drop(&s->lock);
	return copy;
}

char *server_await_log(struct server *s, const char *text)
{
	size_t end;

	return await_line(s, 0, text, &end);
}

char *server_await_next(struct server *s, const char *text)
{
	return await_line(s, s->heard, text, &s->heard);
}

size_t server_count_log(struct server *s, const char *text)
{
	size_t count = 0;

	lock_take(&s->lock);
	for (const char *p = s->log; (p = strstr(p, text)); p += strlen(text))
		count++;
	lock_drop(&s->lock);
	return count;
}

int64_t server_field(const char *line, const char *key)
{
	char start[64];

	snprintf(start, sizeof start, " %s=", key);
	const char *found = strstr(line, start);
	if (!found)
		ck_abort_msg("no %s= in: %s", key, line);
	return strtoll(found + strlen(start), NULL, 10);
}

int64_t server_counter(struct server *s, const char *key)
{
	/* Counters of earlier calls stand in the log too: look behind them. */
	lock_take(&s->lock);
	size_t from = s->log_len;
	lock_drop(&s->lock);
	server_signal(s, SIGUSR1);
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	const char *found = NULL;
	int64_t value = 0;
	lock_take(&s->lock);
	while (!((found = strstr(s->log + from, "event=counters")) && strchr(found, '\n'))) {
		if (s->log_ended || deadline_now() >= deadline)
			ck_abort_msg("no counters in the log:\n%s", s->log);
		lock_wait(&s->grown, &s->lock, deadline);
	}
	value = server_field(found, key);
	lock_drop(&s->lock);
	return value;
}

/* From the log behind that place. */
static void learn_addresses(struct server *s, size_t from)
{
	const char *fault;

	s->listeners = 0;
	lock_take(&s->lock);
	for (const char *p = s->log + from; (p = strstr(p, "event=listening")); p++) {
		char text[ADDRESS_TEXT_MAX];
		struct host_port where;
		const char *at = strstr(p, " address=");
		ck_assert_ptr_nonnull(at);
		at += strlen(" address=");
		snprintf(text, sizeof text, "%.*s", (int)strcspn(at, " \n"), at);
		ck_assert_int_eq(address_parse(text, &where, &fault), 0);
		ck_assert_uint_lt(s->listeners, SERVER_LISTENERS_MAX);
		address_lookup(&where, NETWORK_TCP, &s->addresses[s->listeners++], 1, &fault);
	}
	lock_drop(&s->lock);
}

void server_await_ready(struct server *s)
{
	size_t from = s->heard;
	char *line = server_await_next(s, "event=ready");

	s->pid = (pid_t)server_field(line, "pid");
	free(line);
	learn_addresses(s, from);
}

/* Ending. */

void server_signal(struct server *s, int signal)
{
	ck_assert_int_eq(kill(s->pid ? s->pid : s->child, signal), 0);
}

void server_await_end(struct server *s, pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0) {
		ck_assert_int_eq(errno, ESRCH);
		return;
	}
	int n = poll(&p, 1, (int)(SERVER_PATIENCE_NS / NS_PER_MS));
	if (n != 1) {
		lock_take(&s->lock);
		ck_abort_msg("the server does not end; its log:\n%s", s->log);
	}
	close(pidfd);
}

int server_wait_for(struct server *s, pid_t pid)
{
	int status;

	server_await_end(s, pid);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int server_wait(struct server *s)
{
	int status = server_wait_for(s, s->child);

	pthread_join(s->reader, NULL);
	close(s->log_fd);
	return status;
}

int server_stop(struct server *s)
{
	server_signal(s, SIGTERM);
	return server_wait(s);
}

/* Succession. */

pid_t server_follow(struct server *s)
{
	size_t from = s->heard;
	pid_t before = s->child;
	char *line = server_await_next(s, "event=handed_over ");

	s->pid = s->child = (pid_t)server_field(line, "successor_pid");
	free(line);
	learn_addresses(s, from);
	return before;
}

pid_t server_hand_over(struct server *s)
{
	server_signal(s, SIGUSR2);
	return server_follow(s);
}

/* Looking. */

in_port_t server_port(const struct server *s)
{
	return address_port(&s->addresses[0]);
}

const char *server_port_text(const struct server *s)
{
	static char text[8];

	snprintf(text, sizeof text, "%u", (unsigned)server_port(s));
	return text;
}

static FILE *open_proc(const struct server *s, const char *what)
{
	char path[128];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)s->pid, what);
	return fopen(path, "re");
}

static FILE *must_open_proc(const struct server *s, const char *what)
{
	FILE *file = open_proc(s, what);

	ck_assert_ptr_nonnull(file);
	return file;
}

int64_t server_cpu_ns(const struct server *s)
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

int64_t server_status_kb(const struct server *s, const char *key)
{
	FILE *file = must_open_proc(s, "status");
	char line[256];
	int64_t value = -1;

	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtoll(line + strlen(key) + 1, NULL, 10);
	}
	fclose(file);
	ck_assert_int_ge(value, 0);
	return value;
}

size_t server_count_proc(const struct server *s, const char *what)
{
	char path[64];
	size_t count = 0;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)s->pid, what);
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

void server_await_proc(const struct server *s, const char *what, size_t count)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	size_t seen;

	/* /proc has no event to wait for; the poll yields the core between two looks. */
	while ((seen = server_count_proc(s, what)) != count && deadline_now() < deadline)
		poll(NULL, 0, 2);
	ck_assert_uint_eq(seen, count);
}

pid_t server_child(const struct server *s)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof path, "/proc/%d/task", (int)s->pid);
	DIR *tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *e; child == 0 && (e = readdir(tasks));) {
		snprintf(path, sizeof path, "task/%.16s/children", e->d_name);
		FILE *file = e->d_name[0] == '.' ? NULL : open_proc(s, path);
		/* A thread may have ended since. */
		if (!file)
			continue;
		if (fscanf(file, "%d", &child) != 1)
			child = 0;
		fclose(file);
	}
	closedir(tasks);
	return child;
}

static bool is_other_end(int fd, const struct sockaddr_storage *client)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;

	memset(&peer, 0, sizeof peer);
	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		memcmp(&peer, client, sizeof peer) == 0;
}

int server_end_of(const struct server *s, int client)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	char path[64];
	int end = -1;
	bool allowed = true;

	memset(&own, 0, sizeof own);
	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&own, &len), 0);
	int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	ck_assert_int_ge(pidfd, 0);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)s->pid);
	DIR *fds = opendir(path);
	ck_assert_ptr_nonnull(fds);
	for (struct dirent *e; end < 0 && allowed && (e = readdir(fds));) {
		if (e->d_name[0] == '.')
			continue;
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)strtol(e->d_name, NULL, 10), 0);
		allowed = fd >= 0 || errno == EBADF;
		if (fd >= 0 && is_other_end(fd, &own))
			end = fd;
		else if (fd >= 0)
			close(fd);
	}
	closedir(fds);
	close(pidfd);
	if (end < 0 && allowed)
		ck_abort_msg("the server has no such connection");
	return end;
}

size_t server_connections(size_t wanted)
{
	const char *cap = getenv("BOBBIN_TEST_CONNECTIONS_MAX");
	size_t most = cap ? (size_t)strtoul(cap, NULL, 10) : wanted;

	return most < wanted ? most : wanted;
}

bool server_is_instrumented(void)
{
	const char *const arguments[] = {STACK_ARGUMENTS, NULL};

	return arguments[0];
}
