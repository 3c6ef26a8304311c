/* SPDX-License-Identifier: ISC */
/* play - plays the scenes of the file that it is given, each as a test named by its sentence. */
#include "words.h"

#include "test/suite.h"
#include "test/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct scene_file *file;

SUITE_TEST(SUITE_PLAIN, scene, 0)
{
	static char message[SCENE_MESSAGE_MAX];

	scratch_enter();
	enum scene_result result = scene_play(file, (size_t)_i, message);
	const char *log = result == SCENE_FAILED ? NULL : words_end();

	if (result == SCENE_SKIPPED)
		suite_tell_skipped(scene_name(file, (size_t)_i), message);
	ck_assert_msg(result != SCENE_FAILED, "%s", message);
	ck_assert_msg(!log, "a server does not stop with 0 at the end; its log:\n%s", log);
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

	file = argc == 2 ? scene_load(argv[1], words_host(), message) : NULL;
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
