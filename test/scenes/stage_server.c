/* SPDX-License-Identifier: ISC */
/* stage_server - what scenes say of servers: their start, their log, their end, and their manager. */
#include "stage.h"

#include "test/suite.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
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

#define SHOWN_LOG 3000

/* "@old" of a step: the first of the copies before the server. */
#define OLD "old"

struct stage stage;

struct named_server *stage_server(const char *name)
{
	name = strcmp(name, OLD) == 0 ? "" : name;
	for (struct named_server *n = stage.servers; n < stage.servers + STAGE_SERVERS_MAX; n++) {
		if (!n->used)
			snprintf(n->name, sizeof n->name, "%s", name);
		n->used = true;
		if (strcmp(n->name, name) == 0)
			return n;
	}
	ck_abort_msg("a scene has at most %d servers", STAGE_SERVERS_MAX);
	return NULL;
}

static bool is_old(const struct scene_call *c)
{
	return strcmp(c->server, OLD) == 0;
}

struct server *stage_server_of(const struct scene_call *c)
{
	return &stage_server(c->server)->server;
}

static pid_t pid_of(const struct scene_call *c)
{
	const struct server *server = stage_server_of(c);

	return is_old(c) ? server->olds[0] : server->pid;
}

/* With the end of the log. */
static const char *fail_with_log(const struct scene_call *c, const char *what)
{
	const char *log = stage_server_of(c)->process->err.text;
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

void stage_launch(struct named_server *n, char *const *arguments)
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
	struct named_server *n = stage_server(c->server);

	if (n->serving)
		return scene_wrong("this server has not ended yet");
	stage_launch(n, c->args);
	return NULL;
}

static const char *play_ready(const struct scene_call *c)
{
	return server_await_ready(stage_server_of(c)) ? NULL : fail_with_log(c, "it is not ready");
}

static const char *play_with(const struct scene_call *c)
{
	const char *wrong = play_launch(c);

	return wrong ? wrong : play_ready(c);
}

/* KEY=VALUE is for -o; what has a colon in it for -l, as is a service alone; -X stands as it is. */
static const char *play_serve(const struct scene_call *c)
{
	char *arguments[2 * STAGE_ARGUMENTS_MAX + 1] = {NULL};
	char listeners[STAGE_ARGUMENTS_MAX][64];
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
	struct named_server *n = stage_server(c->server);
	char text[1024];

	stage_launch(n, c->args + 2);
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

static const char *play_without_ipv6(const struct scene_call *c)
{
	(void)c;
	stage.without_ipv6 = true;
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
	struct named_server *n = stage_server(c->server);
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
	return server_follow(stage_server_of(c)) ? NULL
						 : fail_with_log(c, "it has not handed over");
}

static const char *play_handover(const struct scene_call *c)
{
	kill(pid_of(c), SIGUSR2);
	return play_follow(c);
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
	stage.line = server_next(stage_server_of(c), c->args[0]);
	return stage.line ? check_fields(strdup(stage.line), c->args)
			  : fail_with_log(c, "no such line comes");
}

static const char *play_logged(const struct scene_call *c)
{
	char *end;
	char what[64];
	long wanted = strtol(c->args[0], &end, 10);
	long count = (long)server_count(stage_server_of(c), (const char *const *)c->args + 1);

	snprintf(what, sizeof what, "%ld lines have that", count);
	return count == wanted || (*end == '+' && count > wanted) ? NULL : fail_with_log(c, what);
}

static const char *play_count(const struct scene_call *c)
{
	return check_fields(server_counters(stage_server_of(c)), c->args);
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

/* The configuration. */

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

const struct scene_word stage_server_words[] = {
	{"serve", 0, STAGE_ARGUMENTS_MAX, false, play_serve},
	{"with", 0, STAGE_ARGUMENTS_MAX, false, play_with},
	{"launch", 0, STAGE_ARGUMENTS_MAX, false, play_launch},
	{"ready", 0, 0, false, play_ready},
	{"refuses", 2, STAGE_ARGUMENTS_MAX, false, play_refuses},
	{"program", 1, 1, false, play_program},
	{"under", 1, STAGE_ARGUMENTS_MAX, false, play_under},
	{"signal", 1, 1, false, play_signal},
	{"ends", 1, 1, false, play_ends},
	{"stop", 0, 0, false, play_stop},
	{"follow", 0, 0, false, play_follow},
	{"handover", 0, 0, false, play_handover},
	{"log", 1, STAGE_ARGUMENTS_MAX, false, play_log},
	{"logged", 2, STAGE_ARGUMENTS_MAX, false, play_logged},
	{"count", 1, STAGE_ARGUMENTS_MAX, false, play_count},
	{"until", 1, STAGE_ARGUMENTS_MAX, false, play_until},
	{"conf", 1, 1, true, play_conf},
	{"start", 1, 1, true, play_start},
	{"reload", 1, 1, true, play_reload},
	{"refuse", 1, 1, true, play_refuse},
	{"without-ipv6", 0, 0, false, play_without_ipv6},
	{"manager", 0, MANAGER_SOCKETS_MAX, false, play_manager},
	{"told", 0, 1, false, play_told},
	{"passed", 1, 1, false, play_passed},
	{"fill", 0, 0, false, play_fill},
	{.name = NULL},
};
