/* SPDX-License-Identifier: ISC */
/* words - what scenes of bobbind say besides what clients do. */
#include "words.h"

#include "load.h"
#include "manager.h"

#include "test/client.h"
#include "test/mode.h"
#include "test/server.h"
#include "test/suite.h"
#include "test/unit/port.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"
#include "common/quantity.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SERVERS_MAX   4
#define ARGUMENTS_MAX 48
#define NOTES_MAX     8
#define SHOWN_LOG     3000

/* "@old" of a step: the first of the copies before the server. */
#define OLD "old"

struct named_server {
	char name[32];
	bool used;
	bool serving;
	struct server server;
};

/* All that a scene has besides its clients. */
static struct stage {
	struct named_server servers[SERVERS_MAX];
	char *program;                    /* NULL: bobbind */
	char *wrapper[ARGUMENTS_MAX + 1]; /* before it */
	bool without_ipv6;
	struct manager manager;
	in_port_t passed[MANAGER_SOCKETS_MAX];
	in_port_t free_port;
	int64_t signalled_ns;
	char *line;          /* that the last "log" found */
	char printed[16384]; /* by the last command */
	char told[2048];     /* to the manager, the last time */
	struct note {
		char what[16];
		int64_t value;
	} notes[NOTES_MAX];
} stage;

static struct named_server *get_server(const char *name)
{
	name = strcmp(name, OLD) == 0 ? "" : name;
	for (struct named_server *n = stage.servers; n < stage.servers + SERVERS_MAX; n++) {
		if (!n->used)
			snprintf(n->name, sizeof n->name, "%s", name);
		n->used = true;
		if (strcmp(n->name, name) == 0)
			return n;
	}
	ck_abort_msg("a scene has at most %d servers", SERVERS_MAX);
	return NULL;
}

static bool is_old(const struct scene_call *c)
{
	return strcmp(c->server, OLD) == 0;
}

static struct server *server_of(const struct scene_call *c)
{
	return &get_server(c->server)->server;
}

static pid_t pid_of(const struct scene_call *c)
{
	const struct server *server = server_of(c);

	return is_old(c) ? server->olds[0] : server->pid;
}

/* With the end of the log. */
static const char *fail_with_log(const struct scene_call *c, const char *what)
{
	const char *log = server_of(c)->process->err.text;
	size_t len = strlen(log);

	return scene_wrong("%s; its log:\n%s", what, log + (len > SHOWN_LOG ? len - SHOWN_LOG : 0));
}

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

static void prepare(const void *argument)
{
	(void)argument;
	if (stage.manager.notified)
		manager_pass(&stage.manager);
	if (stage.without_ipv6)
		refuse_ipv6_sockets();
}

static void launch(struct named_server *n, char *const *arguments)
{
	n->serving = true;
	server_launch(&n->server,
		&(struct server_plan){
			.program = stage.program,
			.wrapper = (const char *const *)stage.wrapper,
			.arguments = (const char *const *)arguments,
			.prepare = prepare,
		});
}

static const char *play_launch(const struct scene_call *c)
{
	struct named_server *n = get_server(c->server);

	if (n->serving)
		return scene_wrong("this server has not ended yet");
	launch(n, c->args);
	return NULL;
}

static const char *play_ready(const struct scene_call *c)
{
	return server_await_ready(server_of(c)) ? NULL : fail_with_log(c, "it is not ready");
}

static const char *play_with(const struct scene_call *c)
{
	const char *wrong = play_launch(c);

	return wrong ? wrong : play_ready(c);
}

/* KEY=VALUE is for -o; what has a colon in it for -l, as is a service alone; -X stands as it is. */
static const char *play_serve(const struct scene_call *c)
{
	char *arguments[2 * ARGUMENTS_MAX + 1] = {NULL};
	char listeners[ARGUMENTS_MAX][64];
	int count = 0;

	for (int i = 0; i < c->count; i++) {
		bool option = strchr(c->args[i], '=') &&
			strcspn(c->args[i], ":") > strcspn(c->args[i], "=");
		bool whole = option || strchr(c->args[i], ':') || *c->args[i] == '-';
		snprintf(listeners[i], sizeof listeners[i], "127.0.0.1:0=%s", c->args[i]);
		if (*c->args[i] != '-')
			arguments[count++] = option ? "-o" : "-l";
		arguments[count++] = whole ? c->args[i] : listeners[i];
	}
	return play_with(&(struct scene_call){.server = c->server, .args = arguments});
}

/* STATUS TEXT ARGUMENT...: it does not start, and says so. */
static const char *play_refuses(const struct scene_call *c)
{
	struct named_server *n = get_server(c->server);
	char text[1024];

	launch(n, c->args + 2);
	int status = server_wait(&n->server);
	n->serving = false;
	snprintf(text, sizeof text, "~%s", c->args[1]);
	if (status != atoi(c->args[0]))
		return scene_wrong(
			"exit status %d; its log:\n%s", status, n->server.process->err.text);
	if (server_count(&n->server, (const char *const[]){text, NULL}) == 0)
		return fail_with_log(c, "it says something else");
	bool listens = server_count(&n->server, (const char *const[]){"event=listening", NULL}) > 0;
	return listens ? fail_with_log(c, "it listens") : NULL;
}

static const char *play_program(const struct scene_call *c)
{
	stage.program = strdup(c->args[0]);
	return NULL;
}

static const char *play_under(const struct scene_call *c)
{
	for (int i = 0; i < c->count; i++)
		stage.wrapper[i] = strdup(c->args[i]);
	return NULL;
}

/* Ending. */

static const char *play_signal(const struct scene_call *c)
{
	for (int signal = 1; signal < NSIG; signal++) {
		const char *name = sigabbrev_np(signal);
		if (!name || strcmp(name, c->args[0]) != 0)
			continue;
		stage.signalled_ns = deadline_now();
		return kill(pid_of(c), signal) == 0 ? NULL : fail_with_log(c, "it has gone");
	}
	return scene_wrong("there is no such signal");
}

static const char *end(const struct scene_call *c, int wanted)
{
	struct named_server *n = get_server(c->server);
	char what[64];

	n->serving &= is_old(c);
	if (!n->serving && !process_ends_by(n->server.process, deadline_after(PROCESS_PATIENCE_NS)))
		return fail_with_log(c, "it does not end");
	int status = is_old(c) ? server_wait_old(&n->server) : server_wait(&n->server);
	snprintf(what, sizeof what, "exit status %d", status);
	return status == wanted ? NULL : fail_with_log(c, what);
}

static const char *play_ends(const struct scene_call *c)
{
	return end(c, atoi(c->args[0]));
}

static const char *play_stop(const struct scene_call *c)
{
	kill(pid_of(c), SIGTERM);
	return end(c, 0);
}

static const char *play_follow(const struct scene_call *c)
{
	return server_follow(server_of(c)) ? NULL : fail_with_log(c, "it has not handed over");
}

static const char *play_handover(const struct scene_call *c)
{
	kill(pid_of(c), SIGUSR2);
	return play_follow(c);
}

const char *words_end(void)
{
	for (struct named_server *n = stage.servers; n < stage.servers + SERVERS_MAX; n++) {
		if (!n->serving)
			continue;
		n->serving = false;
		if (server_stop(&n->server) != 0)
			return n->server.process->err.text;
	}
	return NULL;
}

/* The log and the counters. */

/* NULL if the line, which is freed, has the fields from the first on. */
static const char *check_fields(char *line, char **fields)
{
	const char *wrong = NULL;

	while (*fields && server_line_has(line, *fields))
		fields++;
	if (*fields)
		wrong = scene_wrong("no %s in: %s", *fields, line);
	free(line);
	return wrong;
}

static const char *play_log(const struct scene_call *c)
{
	free(stage.line);
	stage.line = server_next(server_of(c), c->args[0]);
	return stage.line ? check_fields(strdup(stage.line), c->args)
			  : fail_with_log(c, "no such line comes");
}

static const char *play_logged(const struct scene_call *c)
{
	char *end;
	char what[64];
	long wanted = strtol(c->args[0], &end, 10);
	long count = (long)server_count(server_of(c), (const char *const *)c->args + 1);

	snprintf(what, sizeof what, "%ld lines have that", count);
	return count == wanted || (*end == '+' && count > wanted) ? NULL : fail_with_log(c, what);
}

static const char *play_count(const struct scene_call *c)
{
	return check_fields(server_counters(server_of(c)), c->args);
}

/* Each question is answered with an event. */
static const char *play_until(const struct scene_call *c)
{
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);

	const char *wrong;

	while ((wrong = play_count(c)) && deadline_now() < deadline)
		continue;
	return wrong;
}

/* What the system has of it. */

static struct note *get_note(const char *what)
{
	struct note *n = stage.notes;

	while (n->what[0] && strcmp(n->what, what) != 0)
		n++;
	ck_assert(n < stage.notes + NOTES_MAX);
	snprintf(n->what, sizeof n->what, "%s", what);
	return n;
}

static const char *play_note(const struct scene_call *c)
{
	for (int i = 0; i < c->count; i++)
		get_note(c->args[i])->value = server_look(server_of(c), c->args[i]);
	return NULL;
}

/* WHAT [MORE]: as noted, or so much more. */
static const char *play_await(const struct scene_call *c)
{
	int64_t wanted = get_note(c->args[0])->value + (c->count > 1 ? atol(c->args[1]) : 0);

	if (server_await(server_of(c), c->args[0], wanted))
		return NULL;
	return scene_wrong("%lld, instead of %lld",
		(long long)server_look(server_of(c), c->args[0]), (long long)wanted);
}

/* WHAT <NUMBER or >NUMBER: by so much since it was noted; with a sanitizer by any. */
static const char *play_grew(const struct scene_call *c)
{
	int64_t grown = server_look(server_of(c), c->args[0]) - get_note(c->args[0])->value;
	int64_t bound = atoll(c->args[1] + 1);

	printf("figure %s: %lld more (%s)\n", c->args[0], (long long)grown, c->args[1]);
	if (server_is_instrumented() || (*c->args[1] == '<' ? grown < bound : grown > bound))
		return NULL;
	return scene_wrong("it grew by %lld", (long long)grown);
}

/* TIME WORK: for that time nothing happens, and it works no longer than that. */
static const char *play_idles(const struct scene_call *c)
{
	int64_t duration = 0;
	int64_t most = 0;
	int64_t before = server_cpu_ns(server_of(c));

	(void)quantity_parse_duration(c->args[0], &duration);
	(void)quantity_parse_duration(c->args[1], &most);
	poll(NULL, 0, (int)(duration / NS_PER_MS));
	int64_t used = server_cpu_ns(server_of(c)) - before;
	return used <= most ? NULL
			    : scene_wrong("it worked for %lld ms", (long long)(used / NS_PER_MS));
}

/* CLIENT OPTION=NUMBER...: on the server's end of the connection. */
static const char *play_options(const struct scene_call *c)
{
	static const struct {
		const char *name;
		int level;
		int option;
	} options[] = {
		{"nodelay", IPPROTO_TCP, TCP_NODELAY},
		{"keepalive", SOL_SOCKET, SO_KEEPALIVE},
		{"user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
	};
	int end = server_end_of(server_of(c), scene_client(c->scene, c->args[0]));

	if (end < 0)
		return scene_skip(c->scene,
			"another process's sockets may not be looked at (run it as root)");
	for (int i = 1; i < c->count; i++) {
		size_t len = strcspn(c->args[i], "=");
		for (size_t n = 0; n < SUITE_COUNT(options); n++) {
			int value = -1;
			socklen_t size = sizeof value;
			if (strncmp(options[n].name, c->args[i], len) != 0)
				continue;
			getsockopt(end, options[n].level, options[n].option, &value, &size);
			if (value != atoi(c->args[i] + len + 1))
				return scene_wrong("%s is %d", options[n].name, value);
		}
	}
	close(end);
	return NULL;
}

/* Files and commands, in a folder of the scene's own. */

/* TEXT: the file conf has a listener for lines, and from its line 2 on that. */
static const char *play_conf(const struct scene_call *c)
{
	char text[8192];

	/* A successor may be slow, unless the scene says otherwise. */
	snprintf(text, sizeof text,
		"listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; } );\n%s\n%s",
		c->args[0],
		strstr(c->args[0], "handover:") ? "" : "handover: { timeout = \"1min\"; };\n");
	scratch_write("conf", text);
	return NULL;
}

/* The same, and start with it. */
static const char *play_start(const struct scene_call *c)
{
	(void)play_conf(c);
	return play_with(
		&(struct scene_call){.server = c->server, .args = (char *[]){"-c", "conf", NULL}});
}

/* SIGHUP, and the next line with the first of the fields has the others too. */
static const char *reload(const struct scene_call *c, char **fields)
{
	stage.signalled_ns = deadline_now();
	kill(pid_of(c), SIGHUP);
	return play_log(&(struct scene_call){.server = c->server, .args = fields});
}

/* [TEXT]: the file conf becomes so, and is taken. */
static const char *play_reload(const struct scene_call *c)
{
	if (*c->args[0])
		(void)play_conf(c);
	return reload(c, (char *[]){"event=reloaded", NULL});
}

/* [TEXT]: the file conf becomes so, and is refused. */
static const char *play_refuse(const struct scene_call *c)
{
	if (*c->args[0])
		(void)play_conf(c);
	return reload(
		c, (char *[]){"event=reload_failed", "effect=everything stays as it was", NULL});
}

static const char *play_file(const struct scene_call *c)
{
	scratch_write(c->args[0], c->count > 1 ? c->args[1] : "");
	return NULL;
}

static const char *play_run(const struct scene_call *c)
{
	FILE *shell = popen(c->args[0], "re");
	ck_assert_ptr_nonnull(shell);
	size_t len = fread(stage.printed, 1, sizeof stage.printed - 1, shell);
	stage.printed[len] = '\0';
	int status = pclose(shell);
	return status == 0 ? NULL
			   : scene_wrong("exit status %d, after %s", status >> 8, stage.printed);
}

/* What the last command has printed. */
static const char *play_printed(const struct scene_call *c)
{
	char shown[CLIENT_ESCAPED_MAX];

	if (scene_matches(c->args[0], stage.printed))
		return NULL;
	return scene_wrong(
		"it printed %s", client_escape(stage.printed, strlen(stage.printed), shown));
}

/* NAME=VALUE, or NAME for none. */
static const char *play_environment(const struct scene_call *c)
{
	char *equals = strchr(c->args[0], '=');

	if (equals)
		*equals = '\0';
	if (equals)
		setenv(c->args[0], equals + 1, 1);
	else
		unsetenv(c->args[0]);
	return NULL;
}

/* Under load. */

static const char *play_load(const struct scene_call *c)
{
	return load_start(c->args[0]);
}

static const char *play_mark(const struct scene_call *c)
{
	return load_mark(c->count > 0);
}

static const char *play_unload(const struct scene_call *c)
{
	return load_end(c->args[0]);
}

/* LEAST MOST: a random time between them, so that what follows meets each moment of the load. */
static const char *play_rest(const struct scene_call *c)
{
	int64_t least = 0;
	int64_t most = 0;

	(void)quantity_parse_duration(c->args[0], &least);
	(void)quantity_parse_duration(c->args[1], &most);
	poll(NULL, 0, (int)((least + deadline_now() % (most - least)) / NS_PER_MS));
	return NULL;
}

/* What a machine may not have. */

static bool has_ipv6(void)
{
	struct address a = client_address("::1", 0);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, &a.any, address_size(&a)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static bool has_localhost(void)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

/* ipv6, localhost, plain-build, another-user; or a program, with the package that has it. */
static const char *play_needs(const struct scene_call *c)
{
	static char reason[256];

	if (strcmp(c->args[0], "ipv6") == 0)
		return has_ipv6() ? NULL : scene_skip(c->scene, "this machine has no IPv6");
	if (strcmp(c->args[0], "localhost") == 0)
		return has_localhost() ? NULL
				       : scene_skip(c->scene,
						 "localhost has no address here (put it into "
						 "/etc/hosts)");
	if (strcmp(c->args[0], "plain-build") == 0)
		return server_is_instrumented()
			? scene_skip(c->scene, "a sanitizer is another program")
			: NULL;
	if (strcmp(c->args[0], "unprivileged") == 0)
		return geteuid() == 0 ? scene_skip(c->scene,
						"this user may do everything (run it as another "
						"than root)")
				      : NULL;
	if (suite_has_program(c->args[0]))
		return NULL;
	snprintf(reason, sizeof reason, "%s is not installed (apt-get install %s)", c->args[0],
		c->count > 1 ? c->args[1] : c->args[0]);
	return scene_skip(c->scene, reason);
}

/* [HOST]: $free is a port that nobody else is given. */
static const char *play_reserve(const struct scene_call *c)
{
	struct address at = client_address(c->count > 0 ? c->args[0] : "127.0.0.1", 0);

	(void)must_reserve(&at);
	stage.free_port = address_port(&at);
	return NULL;
}

static bool set_loopback(bool up)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = (short)(up ? IFF_UP : 0)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	close(fd);
	return done;
}

/* own, down, up: down, not a segment arrives, and neither end is told. */
static const char *play_network(const struct scene_call *c)
{
	if (strcmp(c->args[0], "own") != 0)
		return set_loopback(strcmp(c->args[0], "up") == 0) ? NULL
								   : scene_wrong("it is not");
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return scene_skip(
			c->scene, "no network namespace may be made here (run it as root)");
	return set_loopback(true) ? NULL : scene_wrong("it has no loopback");
}

static const char *play_without_ipv6(const struct scene_call *c)
{
	(void)c;
	stage.without_ipv6 = true;
	return NULL;
}

/* The manager. */

/* NAME...: it passes sockets of these names, or "-". */
static const char *play_manager(const struct scene_call *c)
{
	manager_open(&stage.manager);
	for (int i = 0; i < c->count; i++)
		stage.passed[i] = manager_listen(&stage.manager, c->args[i]);
	return NULL;
}

/* The time of a reload is between the signal and now. */
static bool tells_its_time(const char *text)
{
	const char *found = strstr(text, "MONOTONIC_USEC=");
	int64_t us = found ? strtoll(found + strlen("MONOTONIC_USEC="), NULL, 10) : 0;

	return !found || (us >= stage.signalled_ns / NS_PER_US && us <= deadline_now() / NS_PER_US);
}

/* TEXT, or nothing: the manager is told that next, by the server. */
static const char *play_told(const struct scene_call *c)
{
	if (c->count == 0)
		return manager_expect_nothing(&stage.manager);
	const char *wrong = manager_expect(&stage.manager, pid_of(c), c->args[0], stage.told);
	return wrong || tells_its_time(stage.told) ? wrong : "another time was told";
}

/* full, not-blocking, blocking, forgotten: of the manager's socket, or of the first that it passes. */
static const char *play_passed(const struct scene_call *c)
{
	int fd = stage.manager.fds[0];

	if (strcmp(c->args[0], "not-blocking") == 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	else if (strcmp(c->args[0], "blocking") == 0 && fcntl(fd, F_GETFL) & O_NONBLOCK)
		return scene_wrong("it does not block");
	else if (strcmp(c->args[0], "accepts") == 0)
		close(accept(fd, NULL, NULL));
	return NULL;
}

static const char *play_fill(const struct scene_call *c)
{
	(void)c;
	manager_fill(&stage.manager);
	return NULL;
}

static const struct scene_word words[] = {
	{"serve", 0, ARGUMENTS_MAX, false, play_serve},
	{"with", 0, ARGUMENTS_MAX, false, play_with},
	{"launch", 0, ARGUMENTS_MAX, false, play_launch},
	{"ready", 0, 0, false, play_ready},
	{"refuses", 2, ARGUMENTS_MAX, false, play_refuses},
	{"program", 1, 1, false, play_program},
	{"under", 1, ARGUMENTS_MAX, false, play_under},
	{"signal", 1, 1, false, play_signal},
	{"ends", 1, 1, false, play_ends},
	{"stop", 0, 0, false, play_stop},
	{"follow", 0, 0, false, play_follow},
	{"handover", 0, 0, false, play_handover},
	{"log", 1, ARGUMENTS_MAX, false, play_log},
	{"logged", 2, ARGUMENTS_MAX, false, play_logged},
	{"count", 1, ARGUMENTS_MAX, false, play_count},
	{"until", 1, ARGUMENTS_MAX, false, play_until},
	{"note", 1, NOTES_MAX, false, play_note},
	{"await", 1, 2, false, play_await},
	{"grew", 2, 2, false, play_grew},
	{"idles", 2, 2, false, play_idles},
	{"options", 2, 4, false, play_options},
	{"conf", 1, 1, true, play_conf},
	{"start", 1, 1, true, play_start},
	{"reload", 1, 1, true, play_reload},
	{"refuse", 1, 1, true, play_refuse},
	{"file", 1, 2, false, play_file},
	{"load", 1, 1, true, play_load},
	{"mark", 0, 1, false, play_mark},
	{"unload", 1, 1, true, play_unload},
	{"rest", 2, 2, false, play_rest},
	{"run", 1, 1, true, play_run},
	{"printed", 1, 1, false, play_printed},
	{"environment", 1, 1, false, play_environment},
	{"needs", 1, 2, false, play_needs},
	{"reserve", 0, 1, false, play_reserve},
	{"network", 1, 1, false, play_network},
	{"without-ipv6", 0, 0, false, play_without_ipv6},
	{"manager", 0, MANAGER_SOCKETS_MAX, false, play_manager},
	{"told", 0, 1, false, play_told},
	{"passed", 1, 1, false, play_passed},
	{"fill", 0, 0, false, play_fill},
	{.name = NULL},
};

/* A server that no step has started serves lines. */
static const char *find_listener(
	void *context, const char *server, size_t listener, struct address *at)
{
	struct named_server *n = get_server(server);

	(void)context;
	if (!n->serving) {
		launch(n, (char *[]){"-l", "127.0.0.1:0", NULL});
		if (!server_await_ready(&n->server))
			return "it does not start";
	}
	if (listener == 0 || listener > n->server.listeners)
		return "there is no such listener";
	*at = n->server.addresses[listener - 1];
	return NULL;
}

static const char *print_number(long value)
{
	static char text[24];

	snprintf(text, sizeof text, "%ld", value);
	return text;
}

static const char *many(void)
{
	const char *cap = getenv("BOBBIN_TEST_CONNECTIONS_MAX");
	long wanted = mode_times(1000, 10000);

	return print_number(cap && atol(cap) < wanted ? atol(cap) : wanted);
}

static const char *first_line(const char *text)
{
	static char line[4096];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
	return line;
}

/* The port of the nth address that the manager was told. */
static const char *told_port(size_t n)
{
	const char *at = stage.told;

	for (size_t i = 0; i < n && at; i++) {
		at = strstr(at, "127.0.0.1:");
		at = at ? at + strlen("127.0.0.1:") : NULL;
	}
	return at ? print_number(atol(at)) : NULL;
}

static const char *find_value(void *context, const char *server, const char *name)
{
	static char host[HOST_NAME_MAX + 1];
	const struct named_server *n = get_server(server);
	size_t digits = strcspn(name, "0123456789");
	size_t index = name[digits] ? strtoul(name + digits, NULL, 10) : 1;

	(void)context;
	if (strncmp(name, "port", digits) == 0 && index <= n->server.listeners)
		return print_number(address_port(&n->server.addresses[index - 1]));
	if (strncmp(name, "passed", digits) == 0 && index <= (size_t)stage.manager.count)
		return print_number(stage.passed[index - 1]);
	if (strncmp(name, "told", digits) == 0)
		return told_port(index);
	if (strcmp(name, "pid") == 0)
		return print_number(n->server.pid);
	if (strcmp(name, "oldpid") == 0)
		return print_number(n->server.olds[0]);
	if (strcmp(name, "free") == 0)
		return print_number(stage.free_port);
	if (strcmp(name, "many") == 0)
		return many();
	if (strcmp(name, "host") == 0)
		return gethostname(host, sizeof host - 1) == 0 ? host : NULL;
	if (strcmp(name, "bobbind") == 0)
		return BOBBIND;
	if (strcmp(name, "sumserver") == 0)
		return SUM_SERVER;
	if (strcmp(name, "here") == 0)
		return HERE;
	if (strcmp(name, "notify") == 0)
		return stage.manager.where;
	if (strcmp(name, "printed") == 0)
		return first_line(stage.printed);
	if (strcmp(name, "line") == 0)
		return stage.line;
	const char *found = stage.line ? server_value(stage.line, name) : NULL;
	return found ? found : server_value(first_line(stage.printed), name);
}

const struct scene_host *words_host(void)
{
	static struct scene_host host = {
		.words = words, .find = find_listener, .value = find_value};

	host.timing = mode_is_timing();
	host.soak = mode_times(0, 1);
	return &host;
}
