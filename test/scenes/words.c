/* SPDX-License-Identifier: ISC */
/* words - what scenes of bobbind say besides what clients do.  The README here says what each means. */
#include "stage.h"

#include "test/suite.h"
#include "test/unit/port.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"
#include "common/quantity.h"

#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOWN_LOG 3000
#define NOTES_MAX 8

/* "@old" of a step: the first of the copies before the server. */
#define OLD "old"

struct stage stage;

struct server *stage_server(const char *name)
{
	name = strcmp(name, OLD) == 0 ? "" : name;
	for (struct server *s = stage.servers; s < stage.servers + STAGE_SERVERS_MAX; s++) {
		if (!s->used)
			snprintf(s->name, sizeof s->name, "%s", name);
		s->used = true;
		if (strcmp(s->name, name) == 0)
			return s;
	}
	ck_abort_msg("a scene has at most %d servers", STAGE_SERVERS_MAX);
	return NULL;
}

static bool is_old(const struct scene_call *c)
{
	return strcmp(c->server, OLD) == 0;
}

pid_t stage_pid(const struct scene_call *c)
{
	const struct server *s = stage_server(c->server);

	return is_old(c) ? s->olds[0] : s->pid;
}

/* What is wrong, with the end of the log; NULL if it is good. */
static const char *judge(const struct scene_call *c, bool good, const char *what)
{
	const char *log = stage_server(c->server)->process->err.text;
	size_t len = strlen(log);

	return good ? NULL
		    : scene_wrong("%s; its log:\n%s", what,
			      log + (len > SHOWN_LOG ? len - SHOWN_LOG : 0));
}

/* Starting. */

static const char *play_launch(const struct scene_call *c)
{
	if (stage_server(c->server)->serving)
		return "this server has not ended yet";
	server_launch(stage_server(c->server), c->args);
	return NULL;
}

static const char *play_ready(const struct scene_call *c)
{
	return judge(c, server_await_ready(stage_server(c->server)), "it is not ready");
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
	struct server *s = stage_server(c->server);
	char text[1024];

	server_launch(s, c->args + 2);
	int status = server_wait(s);
	snprintf(text, sizeof text, "~%s", c->args[1]);
	return judge(c,
		status == atoi(c->args[0]) && server_count(s, (char *[]){text, NULL}) > 0 &&
			server_count(s, (char *[]){"event=listening", NULL}) == 0,
		scene_wrong("exit status %d", status));
}

static const char *play_program(const struct scene_call *c)
{
	stage.program = strdup(c->args[0]);
	return NULL;
}

static const char *play_under(const struct scene_call *c)
{
	for (int i = 0; i <= c->count; i++)
		stage.wrapper[i] = c->args[i] ? strdup(c->args[i]) : NULL;
	return NULL;
}

static const char *play_without_ipv6(const struct scene_call *c)
{
	(void)c;
	stage.without_ipv6 = true;
	return NULL;
}

/* Ending. */

static const char *give(const struct scene_call *c, int signal)
{
	stage.signalled_ns = deadline_now();
	return judge(c, kill(stage_pid(c), signal) == 0, "it has gone");
}

static const char *play_signal(const struct scene_call *c)
{
	for (int signal = 1; signal < NSIG; signal++) {
		const char *name = sigabbrev_np(signal);
		if (name && strcmp(name, c->args[0]) == 0)
			return give(c, signal);
	}
	return "there is no such signal";
}

static const char *play_ends(const struct scene_call *c)
{
	struct server *s = stage_server(c->server);
	int status = is_old(c) ? server_wait_old(s) : server_wait(s);

	return judge(c, status == atoi(c->args[0]), scene_wrong("exit status %d", status));
}

static const char *play_stop(const struct scene_call *c)
{
	(void)give(c, SIGTERM);
	return play_ends(&(struct scene_call){.server = c->server, .args = (char *[]){"0", NULL}});
}

static const char *play_follow(const struct scene_call *c)
{
	return judge(c, server_follow(stage_server(c->server)), "it has not handed over");
}

static const char *play_handover(const struct scene_call *c)
{
	(void)give(c, SIGUSR2);
	return play_follow(c);
}

/* The log and the counters. */

/* The line, which is kept, has the fields. */
static const char *check_line(char *line, char *const *fields)
{
	free(stage.line);
	stage.line = line;
	while (*fields && server_line_has(line, *fields))
		fields++;
	return *fields ? scene_wrong("no %s in: %s", *fields, line) : NULL;
}

static const char *play_log(const struct scene_call *c)
{
	char *line = server_next(stage_server(c->server), c->args[0]);

	return line ? check_line(line, c->args) : judge(c, false, "no such line comes");
}

/* COUNT, "COUNT+" for more too, "COUNT-" for fewer too. */
static const char *play_logged(const struct scene_call *c)
{
	char *end;
	long wanted = strtol(c->args[0], &end, 10);
	long count = server_count(stage_server(c->server), c->args + 1);

	return judge(c,
		count == wanted || (*end == '+' && count > wanted) ||
			(*end == '-' && count < wanted),
		scene_wrong("%ld lines have that", count));
}

static const char *play_count(const struct scene_call *c)
{
	return check_line(server_counters(stage_server(c->server)), c->args);
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

/* TEXT: the file conf has a listener for lines, and from its line 2 on that; a block is all of it. */
static const char *play_conf(const struct scene_call *c)
{
	char text[8192];

	/* A successor may be slow, unless the scene says otherwise. */
	snprintf(text, sizeof text,
		"listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; } );\n%s\n%s",
		c->args[0],
		strstr(c->args[0], "handover:") ? "" : "handover: { timeout = \"1min\"; };\n");
	scratch_write("conf", c->count > 1 ? c->args[1] : text);
	return NULL;
}

static const char *play_start(const struct scene_call *c)
{
	(void)play_conf(c);
	return play_with(
		&(struct scene_call){.server = c->server, .args = (char *[]){"-c", "conf", NULL}});
}

/* [TEXT]: as for conf, and SIGHUP; the next line with the first field has the others. */
static const char *reload(const struct scene_call *c, char **fields)
{
	if (*c->args[0] || c->count > 1)
		(void)play_conf(c);
	(void)give(c, SIGHUP);
	return play_log(&(struct scene_call){.server = c->server, .args = fields});
}

static const char *play_reload(const struct scene_call *c)
{
	return reload(c, (char *[]){"event=reloaded", NULL});
}

static const char *play_refuse(const struct scene_call *c)
{
	return reload(
		c, (char *[]){"event=reload_failed", "effect=everything stays as it was", NULL});
}

/* What the system has of it. */

static int64_t *note_of(const char *what)
{
	static struct {
		char what[16];
		int64_t value;
	} notes[NOTES_MAX];
	int i = 0;

	while (notes[i].what[0] && strcmp(notes[i].what, what) != 0)
		ck_assert_int_lt(++i, NOTES_MAX);
	snprintf(notes[i].what, sizeof notes[i].what, "%s", what);
	return &notes[i].value;
}

static const char *play_note(const struct scene_call *c)
{
	for (int i = 0; i < c->count; i++)
		*note_of(c->args[i]) = server_look(stage_server(c->server), c->args[i]);
	return NULL;
}

static int64_t growth(const struct scene_call *c)
{
	return server_look(stage_server(c->server), c->args[0]) - *note_of(c->args[0]);
}

/* WHAT [MORE]: as noted, or so much more. */
static const char *play_await(const struct scene_call *c)
{
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	int64_t wanted = c->count > 1 ? atol(c->args[1]) : 0;

	/* /proc has no event to wait for; poll() yields the core between two looks. */
	while (growth(c) != wanted && deadline_now() < deadline)
		poll(NULL, 0, 2);
	int64_t grown = growth(c);
	return grown == wanted ? NULL : scene_wrong("it grew by %lld", (long long)grown);
}

/* WHAT <NUMBER or >NUMBER: by so much since it was noted; with a sanitizer by any. */
static const char *play_grew(const struct scene_call *c)
{
	int64_t grown = growth(c);
	int64_t bound = atoll(c->args[1] + 1);

	printf("figure %s: %lld more (%s)\n", c->args[0], (long long)grown, c->args[1]);
	if (server_is_instrumented() || (*c->args[1] == '<' ? grown < bound : grown > bound))
		return NULL;
	return scene_wrong("it grew by %lld", (long long)grown);
}

/* TIME [MORE]: a while; with the second word a random while between the two. */
static const char *play_rest(const struct scene_call *c)
{
	int64_t least = 0;
	int64_t most = 0;

	(void)quantity_parse_duration(c->args[0], &least);
	if (c->count > 1 && quantity_parse_duration(c->args[1], &most) == 0)
		least += deadline_now() % (most - least);
	poll(NULL, 0, (int)(least / NS_PER_MS));
	return NULL;
}

/* CLIENT OPTION=NUMBER...: on the server's end of the connection. */
static const char *play_options(const struct scene_call *c)
{
	static const struct {
		const char *name;
		int level;
		int option;
	} options[] = {
		{"nodelay=", IPPROTO_TCP, TCP_NODELAY},
		{"keepalive=", SOL_SOCKET, SO_KEEPALIVE},
		{"user_timeout=", IPPROTO_TCP, TCP_USER_TIMEOUT},
	};
	int end = server_end_of(stage_server(c->server), scene_client(c->scene, c->args[0]));

	if (end < 0)
		return scene_skip(c->scene,
			"another process's sockets may not be looked at (run it as root)");
	for (int i = 0; i < (c->count - 1) * (int)SUITE_COUNT(options); i++) {
		const char *wanted = c->args[1 + i / (int)SUITE_COUNT(options)];
		size_t n = (size_t)i % SUITE_COUNT(options);
		size_t len = strlen(options[n].name);
		int value = -1;
		socklen_t size = sizeof value;
		getsockopt(end, options[n].level, options[n].option, &value, &size);
		if (strncmp(options[n].name, wanted, len) == 0 && value != atoi(wanted + len))
			return scene_wrong("%s%d", options[n].name, value);
	}
	close(end);
	return NULL;
}

/* Files and commands, in a folder of the scene's own. */

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
	char shown[SCENE_ESCAPED_MAX];

	if (scene_matches(c->args[0], stage.printed))
		return NULL;
	return scene_wrong(
		"it printed %s", scene_escape(stage.printed, strlen(stage.printed), shown));
}

/* NAME=VALUE, or NAME for none. */
static const char *play_environment(const struct scene_call *c)
{
	char *name = strdup(c->args[0]);
	char *equals = name ? strchr(name, '=') : NULL;

	if (equals) {
		*equals = '\0';
		setenv(name, equals + 1, 1);
	} else {
		unsetenv(c->args[0]);
	}
	free(name);
	return NULL;
}

/* What a machine may not have: one of these, or a program, with the package that has it. */
static const char *play_needs(const struct scene_call *c)
{
	const char *what = c->args[0];
	struct address at = scene_address("::1", 0);
	const char *reason = NULL;
	struct addrinfo *found;

	if (strcmp(what, "ipv6") == 0) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, &at.any, address_size(&at)) < 0)
			reason = "this machine has no IPv6";
		if (fd >= 0)
			close(fd);
	} else if (strcmp(what, "localhost") == 0) {
		if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
			reason = "localhost has no address here (put it into /etc/hosts)";
	} else if (strcmp(what, "plain-build") == 0) {
		reason = server_is_instrumented() ? "with a sanitizer it is another program" : NULL;
	} else if (strcmp(what, "unprivileged") == 0) {
		reason = geteuid() == 0 ? "root may do everything (run it as another user)" : NULL;
	} else if (!suite_has_program(what)) {
		reason = scene_wrong(
			"%s is not installed (apt-get install %s)", what, c->args[c->count - 1]);
	}
	return reason ? scene_skip(c->scene, reason) : NULL;
}

/* [HOST]: $free is a port that no other process is given. */
static const char *play_reserve(const struct scene_call *c)
{
	struct address at = scene_address(c->count > 0 ? c->args[0] : "127.0.0.1", 0);

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
	bool own = strcmp(c->args[0], "own") == 0;

	if (own && unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return scene_skip(
			c->scene, "no network namespace may be made here (run it as root)");
	return set_loopback(strcmp(c->args[0], "down") != 0) ? NULL : "it has no loopback";
}

const struct scene_word stage_words[] = {
	{"serve", 0, STAGE_ARGUMENTS_MAX, false, play_serve},
	{"with", 0, STAGE_ARGUMENTS_MAX, false, play_with},
	{"launch", 0, STAGE_ARGUMENTS_MAX, false, play_launch},
	{"ready", 0, 0, false, play_ready},
	{"refuses", 2, STAGE_ARGUMENTS_MAX, false, play_refuses},
	{"program", 1, 1, false, play_program},
	{"under", 1, STAGE_ARGUMENTS_MAX, false, play_under},
	{"without-ipv6", 0, 0, false, play_without_ipv6},
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
	{"note", 1, NOTES_MAX, false, play_note},
	{"await", 1, 2, false, play_await},
	{"grew", 2, 2, false, play_grew},
	{"rest", 1, 2, false, play_rest},
	{"options", 2, 4, false, play_options},
	{"file", 1, 2, false, play_file},
	{"run", 1, 1, true, play_run},
	{"printed", 1, 1, false, play_printed},
	{"environment", 1, 1, false, play_environment},
	{"needs", 1, 2, false, play_needs},
	{"reserve", 0, 1, false, play_reserve},
	{"network", 1, 1, false, play_network},
	{"manager", 0, MANAGER_SOCKETS_MAX, false, play_manager},
	{"told", 0, 1, false, play_told},
	{"passed", 1, 1, false, play_passed},
	{"fill", 0, 0, false, play_fill},
	{"load", 1, 1, true, play_load},
	{"mark", 1, 1, false, play_mark},
	{"unload", 1, 1, true, play_unload},
	{.name = NULL},
};
