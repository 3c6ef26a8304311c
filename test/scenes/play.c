/* SPDX-License-Identifier: ISC */
/* play - plays the scenes of the file that it is given, each as a test named by its sentence. */
#include "stage.h"

#include "test/mode.h"
#include "test/suite.h"
#include "test/unit/scratch.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A server that no step has started serves lines. */
static const char *find_listener(
	void *context, const char *server, size_t listener, struct address *at)
{
	struct server *s = stage_server(server);

	(void)context;
	if (!s->serving) {
		server_launch(s, (char *[]){"-l", "127.0.0.1:0", NULL});
		if (!server_await_ready(s))
			return "it does not start";
	}
	if (listener == 0 || listener > s->listeners)
		return "there is no such listener";
	*at = s->addresses[listener - 1];
	return NULL;
}

/* The port of the nth address that the manager was told. */
static const char *told_port(size_t n)
{
	const char *at = stage.told;

	for (size_t i = 0; i < n && at; i++) {
		at = strstr(at, "127.0.0.1:");
		at = at ? at + strlen("127.0.0.1:") : NULL;
	}
	return at;
}

static const char *print_number(long value)
{
	static char text[24];

	snprintf(text, sizeof text, "%ld", value);
	return text;
}

/* A number that has the name, NULL for none. */
static const char *find_number(const struct server *s, const char *name)
{
	size_t digits = strcspn(name, "0123456789");
	size_t index = name[digits] ? strtoul(name + digits, NULL, 10) : 1;
	const char *cap = getenv("BOBBIN_TEST_CONNECTIONS_MAX");
	const char *told = told_port(index);

	if (strncmp(name, "port", digits) == 0 && index <= s->listeners)
		return print_number(address_port(&s->addresses[index - 1]));
	if (strncmp(name, "passed", digits) == 0 && index <= (size_t)stage.passed_count)
		return print_number(stage.passed[index - 1]);
	if (strncmp(name, "told", digits) == 0 && told)
		return print_number(atol(told));
	if (strcmp(name, "pid") == 0)
		return print_number(s->pid);
	if (strcmp(name, "free") == 0)
		return print_number(stage.free_port);
	if (strcmp(name, "many") == 0)
		return print_number(cap && atol(cap) < mode_times(1000, 10000)
				? atol(cap)
				: mode_times(1000, 10000));
	return NULL;
}

static const char *find_value(void *context, const char *server, const char *name)
{
	static char host[HOST_NAME_MAX + 1];
	static char printed[sizeof stage.printed];
	const char *found = find_number(stage_server(server), name);
	const struct {
		const char *name;
		const char *value;
	} values[] = {
		{"host", host},
		{"bobbind", BOBBIND},
		{"sumserver", SUM_SERVER},
		{"here", HERE},
		{"printed", printed},
		{"line", stage.line},
	};

	(void)context;
	(void)gethostname(host, sizeof host - 1);
	snprintf(printed, sizeof printed, "%.*s", (int)strcspn(stage.printed, "\n"), stage.printed);
	for (size_t i = 0; i < SUITE_COUNT(values) && !found; i++)
		found = strcmp(values[i].name, name) == 0 ? values[i].value : NULL;
	if (!found && stage.line)
		found = server_value(stage.line, name);
	return found ? found : server_value(printed, name);
}

static struct scene_file *file;
static struct scene_host host = {.words = stage_words, .find = find_listener, .value = find_value};

SUITE_TEST(SUITE_PLAIN, scene, 0)
{
	static char message[SCENE_MESSAGE_MAX];

	scratch_enter();
	enum scene_result result = scene_play(file, (size_t)_i, message);

	if (result == SCENE_SKIPPED)
		suite_tell_skipped(scene_name(file, (size_t)_i), message);
	ck_assert_msg(result != SCENE_FAILED, "%s", message);
	for (struct server *s = stage.servers; s < stage.servers + STAGE_SERVERS_MAX; s++) {
		if (!s->serving)
			continue;
		ck_assert_int_eq(kill(s->pid, SIGTERM), 0);
		ck_assert_msg(server_wait(s) == 0,
			"a server does not stop with 0 at the end; its log:\n%s",
			s->process->err.text);
	}
}

/* As many descriptors as the system gives us: some scenes have thousands of clients. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The name of a test is all that Check has of it, so each scene needs a copy of its own. */
static void add(size_t i)
{
	TTest *test = calloc(1, sizeof *test);

	if (!test)
		abort();
	*test = scene_test;
	test->name = scene_name(file, i);
	suite_add(&(struct suite_test){
		.test = test,
		.kind = scene_is_timed(file, i) ? SUITE_TIMED : SUITE_PLAIN,
		.first = (int)i,
		.rows = 1,
	});
}

int main(int argc, char **argv)
{
	static char message[SCENE_MESSAGE_MAX];

	host.timing = mode_is_timing();
	host.soak = mode_times(0, 1);
	file = argc == 2 ? scene_load(argv[1], &host, message) : NULL;
	if (!file) {
		fprintf(stderr, "%s\n", argc == 2 ? message : "usage: play FILE");
		return EXIT_FAILURE;
	}
	raise_descriptors();
	for (size_t i = 0; i < scene_count(file); i++)
		add(i);
	const char *slash = strrchr(argv[1], '/');
	int status = suite_run(slash ? slash + 1 : argv[1]);
	scene_free(file);
	return status;
}
