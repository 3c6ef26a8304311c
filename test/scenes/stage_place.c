/* SPDX-License-Identifier: ISC */
/* stage_place - what scenes say of the machine: what it has of a server, files, commands, a load, a network. */
#include "stage.h"

#include "load.h"

#include "test/client.h"
#include "test/suite.h"
#include "test/unit/port.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"
#include "common/quantity.h"

#include <check.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the system has of it. */

static struct note *get_note(const char *what)
{
	struct note *n = stage.notes;

	while (n->what[0] && strcmp(n->what, what) != 0)
		n++;
	ck_assert(n < stage.notes + STAGE_NOTES_MAX);
	snprintf(n->what, sizeof n->what, "%s", what);
	return n;
}

static const char *play_note(const struct scene_call *c)
{
	for (int i = 0; i < c->count; i++)
		get_note(c->args[i])->value = server_look(stage_server_of(c), c->args[i]);
	return NULL;
}

/* WHAT [MORE]: as noted, or so much more. */
static const char *play_await(const struct scene_call *c)
{
	int64_t wanted = get_note(c->args[0])->value + (c->count > 1 ? atol(c->args[1]) : 0);

	if (server_await(stage_server_of(c), c->args[0], wanted))
		return NULL;
	return scene_wrong("%lld, instead of %lld",
		(long long)server_look(stage_server_of(c), c->args[0]), (long long)wanted);
}

/* WHAT <NUMBER or >NUMBER: by so much since it was noted; with a sanitizer by any. */
static const char *play_grew(const struct scene_call *c)
{
	int64_t grown = server_look(stage_server_of(c), c->args[0]) - get_note(c->args[0])->value;
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
	int64_t before = server_cpu_ns(stage_server_of(c));

	(void)quantity_parse_duration(c->args[0], &duration);
	(void)quantity_parse_duration(c->args[1], &most);
	poll(NULL, 0, (int)(duration / NS_PER_MS));
	int64_t used = server_cpu_ns(stage_server_of(c)) - before;
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
	int end = server_end_of(stage_server_of(c), scene_client(c->scene, c->args[0]));

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

static bool is_unprivileged(void)
{
	return geteuid() != 0;
}

static bool is_plain(void)
{
	return !server_is_instrumented();
}

/* One of these, or a program, with the package that has it. */
static const char *play_needs(const struct scene_call *c)
{
	static const struct {
		const char *name;
		bool (*is_met)(void);
		const char *reason;
	} needs[] = {
		{"ipv6", has_ipv6, "this machine has no IPv6"},
		{"localhost", has_localhost,
			"localhost has no address here (put it into /etc/hosts)"},
		{"plain-build", is_plain, "with a sanitizer it is another program"},
		{"unprivileged", is_unprivileged,
			"root may do everything (run it as another user)"},
	};
	static char reason[256];

	for (size_t i = 0; i < SUITE_COUNT(needs); i++) {
		if (strcmp(c->args[0], needs[i].name) == 0)
			return needs[i].is_met() ? NULL : scene_skip(c->scene, needs[i].reason);
	}
	if (suite_has_program(c->args[0]))
		return NULL;
	snprintf(reason, sizeof reason, "%s is not installed (apt-get install %s)", c->args[0],
		c->args[c->count - 1]);
	return scene_skip(c->scene, reason);
}

/* [HOST]: $free is a port that no other process is given. */
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

const struct scene_word stage_place_words[] = {
	{"note", 1, STAGE_NOTES_MAX, false, play_note},
	{"await", 1, 2, false, play_await},
	{"grew", 2, 2, false, play_grew},
	{"idles", 2, 2, false, play_idles},
	{"options", 2, 4, false, play_options},
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
	{.name = NULL},
};
