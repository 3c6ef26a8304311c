/* SPDX-License-Identifier: ISC */
/* process - a child with what it prints, what it has used, and its end. */
#include "process.h"

#include "common/deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS              10000
#define LOOK_MS               2
#define DESCRIPTORS_LOOKED_AT 16
#define POLITE_MS             5000

#define ADDRESS               "address=127.0.0.1:"

/* Signals. */

static volatile sig_atomic_t interrupted;

static void note(int signal)
{
	(void)signal;
	interrupted = 1;
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Blocked but for the waits, so that none falls between a look at the flag and a wait. */
static sigset_t open_mask;

void process_catch_signals(void)
{
	struct sigaction action = {.sa_handler = note};
	sigset_t ending;

	sigemptyset(&ending);
	for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
		sigaction(ending_signals[i], &action, NULL);
		sigaddset(&ending, ending_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &ending, &open_mask);
	for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++)
		sigdelset(&open_mask, ending_signals[i]);
}

/* Returns 1 if the descriptor is readable, 0 after wait_ms, -EINTR. */
static int await(int fd, int64_t wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec ts = deadline_timespec(wait_ms * NS_PER_MS);

	if (interrupted)
		return -EINTR;
	int n = ppoll(&p, 1, &ts, &open_mask);
	return n < 0 ? -errno : n;
}

int process_pause(int64_t ms)
{
	return await(-1, ms);
}

/* Beginning. */

static void become(const struct process *p, const char *const *argv, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(p->out_fd, STDOUT_FILENO);
	dup2(p->err_fd, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void release(struct process *p)
{
	close(p->out_fd);
	close(p->err_fd);
	close(p->pidfd);
	*p = (struct process){.pid = 0};
}

/* Appending, so that what is dropped leaves no hole. */
static int make_file(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

int process_start(struct process *p, const char *const *argv)
{
	pid_t parent = getpid();

	*p = (struct process){.pidfd = -1, .out_fd = make_file(), .err_fd = make_file()};
	if (p->out_fd >= 0 && p->err_fd >= 0)
		p->pid = fork();
	if (p->pid == 0 && p->out_fd >= 0 && p->err_fd >= 0)
		become(p, argv, parent);
	int error = errno;
	if (p->pid > 0) {
		p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
		return 0;
	}
	release(p);
	return -error;
}

/* What it prints. */

static char *contents(int fd)
{
	struct stat st;
	char *text = fstat(fd, &st) < 0 ? NULL : malloc((size_t)st.st_size + 1);

	if (!text)
		return NULL;
	ssize_t n = pread(fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

char *process_output(const struct process *p)
{
	return contents(p->out_fd);
}

char *process_errors(const struct process *p)
{
	return contents(p->err_fd);
}

void process_drop_output(const struct process *p)
{
	(void)!ftruncate(p->out_fd, 0);
	(void)!ftruncate(p->err_fd, 0);
}

static in_port_t port_in(int fd)
{
	char *text = contents(fd);
	const char *found = text ? strstr(text, ADDRESS) : NULL;
	in_port_t port = 0;

	/* The character behind the number says that it is whole. */
	if (found && found[strlen(ADDRESS) + strspn(found + strlen(ADDRESS), "0123456789")])
		port = (in_port_t)strtoul(found + strlen(ADDRESS), NULL, 10);
	free(text);
	return port;
}

/*
 * A server that says nothing is looked into: the descriptors of a new program are few, and one of
 * them listens.
 */
static in_port_t port_of_listener(const struct process *p)
{
	struct sockaddr_in at = {.sin_port = 0};
	socklen_t len = sizeof at;

	for (int theirs = STDERR_FILENO + 1; theirs < DESCRIPTORS_LOOKED_AT; theirs++) {
		int listens = 0;
		int fd = (int)syscall(SYS_pidfd_getfd, p->pidfd, theirs, 0);
		if (fd < 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			    &(socklen_t){sizeof listens}) < 0 ||
			!listens || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
			at.sin_port = 0;
		close(fd);
		if (at.sin_port)
			return ntohs(at.sin_port);
	}
	return 0;
}

int process_await_port(struct process *p, in_port_t *port)
{
	int64_t deadline = deadline_after(READY_MS * NS_PER_MS);

	while (deadline_now() < deadline) {
		int ended = await(p->pidfd, LOOK_MS);
		if (ended < 0)
			return ended;
		in_port_t found = port_in(p->out_fd);
		found = found ? found : port_in(p->err_fd);
		found = found ? found : port_of_listener(p);
		if (ended > 0)
			return -EPROTO;
		if (found) {
			*port = found;
			return 0;
		}
	}
	return -ETIMEDOUT;
}

/* Its end. */

static int reap(struct process *p)
{
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_wait(struct process *p, int64_t wait_ms)
{
	int ended = await(p->pidfd, wait_ms);

	if (ended < 0)
		return ended;
	return ended > 0 ? reap(p) : -ETIMEDOUT;
}

void process_end(struct process *p)
{
	struct pollfd pidfd = {.fd = p->pidfd, .events = POLLIN};
	int64_t deadline = deadline_after(POLITE_MS * NS_PER_MS);

	if (p->pidfd == 0 && p->pid == 0)
		return;
	if (p->pid > 0) {
		kill(p->pid, SIGTERM);
		while (poll(&pidfd, 1, POLITE_MS) < 0 && deadline_now() < deadline)
			continue;
		kill(p->pid, SIGKILL);
		reap(p);
	}
	release(p);
}

/* What it has used. */

int64_t process_cpu_ns(pid_t pid)
{
	char path[48];
	char line[1024];
	unsigned long long user;
	unsigned long long system;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	char *got = fgets(line, sizeof line, file);
	fclose(file);
	/* The name is in brackets, and may hold anything. */
	const char *behind_name = got ? strrchr(line, ')') : NULL;
	if (!behind_name ||
		sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			&user, &system) != 2)
		return -1;
	return (int64_t)(user + system) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

int64_t process_resident_bytes(pid_t pid)
{
	char path[48];
	char line[256];
	long long kib = -1;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	while (kib < 0 && fgets(line, sizeof line, file)) {
		if (sscanf(line, "Rss: %lld kB", &kib) != 1)
			kib = -1;
	}
	fclose(file);
	return kib < 0 ? -1 : (int64_t)kib * 1024;
}
