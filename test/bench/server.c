/* SPDX-License-Identifier: ISC */
/* server - a server as a child of this process: its start, what it has used, its end. */
#include "server.h"

#include "common/deadline.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS              10000
#define LOOK_MS               2
#define DESCRIPTORS_LOOKED_AT 32
#define POLITE_MS             5000

/* A server that uses its processor for less than a hundredth of the time has nothing to do. */
#define REST_MS    30
#define REST_LOOKS 300

/* Room for a line's or frame's own bytes beside its payload. */
#define FRAMING_BYTES 64

/* What floor has on its stack, and what is best for bulk. */
#define FLOOR_SMALL_BYTES 8192
#define FLOOR_BULK_BYTES  65536

#define BOBBIND_PROGRAM   "../../server/bobbind"

static const struct {
	const char *name;
	const char *program;
	const char *arguments; /* what makes it differ from others of the same program */
} servers[SERVERS] = {
	[BOBBIND] = {"bobbind", BOBBIND_PROGRAM, ""},
	[OLD] = {"old bobbind", NULL, ""},
	[QUIET] = {"bobbind without records", BOBBIND_PROGRAM, "-o log.level=warn"},
	[THROUGHPUT] = {"bobbind for throughput", BOBBIND_PROGRAM,
		"-o threads.schedule=throughput"},
	[SPIN] = {"bobbind spinning", BOBBIND_PROGRAM, "-o threads.spin=200us"},
	[FLOOR] = {"floor", "floor", ""},
	[LOOP] = {"epoll", "loop", ""},
	[GO_PLAIN] = {"plain Go", "peer-go", "plain"},
	[GO_BUFFERED] = {"buffered Go", "peer-go", "buffered"},
	[GO_COPY] = {"io.Copy", "peer-go", "copy"},
};

const char *const service_names[] = {[RAW] = "echo", [LINE] = "line", [FRAME] = "frame"};

const char *server_name(enum server s)
{
	return servers[s].name;
}

const char *server_program(enum server s, const struct programs *p)
{
	static char path[512];

	if (s == OLD)
		return p->old;
	snprintf(path, sizeof path, "%s/%s", p->folder, servers[s].program);
	return path;
}

/* Starting. */

static unsigned floor_buffer(const struct bench_case *of)
{
	unsigned whole = of->bytes + FRAMING_BYTES;

	if (whole <= FLOOR_SMALL_BYTES)
		return FLOOR_SMALL_BYTES;
	/* The bytes of a raw message need not be there together. */
	return of->service == RAW ? FLOOR_BULK_BYTES : whole;
}

static void compose(char *text, size_t size, enum server s, const struct bench_case *of,
	const struct programs *p)
{
	const char *service = of->service == RAW ? "raw" : service_names[of->service];
	int len = snprintf(text, size, "exec '%s' ", server_program(s, p));

	text += len;
	size -= (size_t)len;
	if (s == FLOOR) {
		snprintf(text, size, "%s %u", service, floor_buffer(of));
	} else if (s == GO_COPY) {
		snprintf(text, size, "raw copy"); /* frames, too, come back as they are */
	} else if (s == GO_PLAIN || s == GO_BUFFERED) {
		snprintf(text, size, "%s %s", service, servers[s].arguments);
	} else if (s != LOOP) {
		len = snprintf(text, size, "-l 127.0.0.1:0=%s -o limits.max_connections=20000 %s",
			service_names[of->service], servers[s].arguments);
		for (size_t i = 0; s != OLD && i < p->with_count; i++)
			len += snprintf(text + len, size - (size_t)len, " -o '%s'", p->with[i]);
	}
}

static void become(int log_fd, const char *command, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

/* A new program has few descriptors, and one of them listens. */
static in_port_t port_of_listener(const struct child *c)
{
	for (int theirs = STDERR_FILENO + 1; theirs < DESCRIPTORS_LOOKED_AT; theirs++) {
		struct sockaddr_in at = {.sin_port = 0};
		socklen_t len = sizeof at;
		int listens = 0;
		int fd = (int)syscall(SYS_pidfd_getfd, c->pidfd, theirs, 0);
		if (fd < 0)
			continue;
		(void)getsockopt(
			fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof(int)});
		if (listens)
			(void)getsockname(fd, (struct sockaddr *)&at, &len);
		close(fd);
		if (at.sin_port)
			return ntohs(at.sin_port);
	}
	return 0;
}

bool server_has_ended(const struct child *c, int wait_ms)
{
	struct pollfd pidfd = {.fd = c->pidfd, .events = POLLIN};

	return poll(&pidfd, 1, wait_ms) > 0;
}

bool server_start(
	struct child *c, enum server s, const struct bench_case *of, const struct programs *p)
{
	char command[2048];
	pid_t parent = getpid();
	int64_t deadline = deadline_after(READY_MS * NS_PER_MS);

	compose(command, sizeof command, s, of, p);
	*c = (struct child){.log_fd = memfd_create("log", MFD_CLOEXEC)};
	/* Appending, so that what is forgotten leaves no hole. */
	(void)fcntl(c->log_fd, F_SETFL, O_APPEND);
	c->pid = fork();
	if (c->pid == 0)
		become(c->log_fd, command, parent);
	c->pidfd = c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;
	if (c->pidfd < 0)
		return false;
	while ((c->port = port_of_listener(c)) == 0) {
		if (server_has_ended(c, LOOK_MS) || deadline_now() > deadline)
			return false;
	}
	return true;
}

/* What it has used. */

double server_cpu_ns(const struct child *c)
{
	struct timespec used = {.tv_sec = 0};
	clockid_t clock;

	if (clock_getcpuclockid(c->pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return NAN;
	return (double)used.tv_sec * NS_PER_S + (double)used.tv_nsec;
}

void server_rest(struct child *c)
{
	double used;
	int looks = 0;

	do {
		used = server_cpu_ns(c);
		(void)poll(NULL, 0, REST_MS);
		used = server_cpu_ns(c) - used;
	} while (used > REST_MS * NS_PER_MS / 100.0 && ++looks < REST_LOOKS);
	(void)!ftruncate(c->log_fd, 0);
}

/* The sum of the lines "NAME: N kB" that have one of the names.  NaN if there is none. */
static double sum_of(const char *path, const char *names)
{
	FILE *file = fopen(path, "re");
	double sum = 0;
	char line[256];
	char name[64];
	double kib;

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%63[^:]: %lf kB", name, &kib) == 2 && strstr(names, name))
			sum += kib * 1024;
	}
	if (file)
		fclose(file);
	return sum > 0 ? sum : NAN;
}

struct memory server_memory(const struct child *c)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)c->pid);
	return (struct memory){
		.resident_bytes = sum_of(path, "Rss"),
		.kernel_bytes =
			sum_of("/proc/meminfo", "Slab KernelStack PageTables SecPageTables Percpu"),
	};
}

/* Its end. */

void server_end(struct child *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGTERM);
		if (!server_has_ended(c, POLITE_MS))
			kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	if (c->log_fd > 0) {
		close(c->log_fd);
		close(c->pidfd);
	}
	*c = (struct child){.pid = 0};
}
