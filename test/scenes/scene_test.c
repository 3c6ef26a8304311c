/* SPDX-License-Identifier: ISC */
/*
 * scene - the player itself: what is wrong in a file is told before anything is played, and what is
 * wrong in play with file, line, step and what came instead.
 */
#include "test/scene.h"
#include "test/suite.h"
#include "test/unit/scratch.h"

#include "common/address.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener;
static char last_argument[64];

/* Every connection gets its first bytes back, and then the end. */
static void *serve(void *unused)
{
	char bytes[256];
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n > 0)
			(void)!send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
		close(fd);
	}
	return unused;
}

static const char *value(void *context, const char *server, const char *name)
{
	(void)context;
	(void)server;
	return strcmp(name, "seven") == 0 ? "7" : NULL;
}

static const char *keep(const struct scene_call *c)
{
	snprintf(last_argument, sizeof last_argument, "%s", c->args[c->count - 1]);
	return NULL;
}

static const char *skip(const struct scene_call *c)
{
	return scene_skip(c->scene, "not here");
}

static const struct scene_word words[] = {
	{"keep", 1, 2, false, keep},
	{"raw", 1, 1, true, keep},
	{"skip", 0, 0, false, skip},
	{.name = NULL},
};

static struct address address;
static struct scene_host host = {
	.words = words, .find = scene_find_at, .value = value, .context = &address};

static struct {
	const char *text;
	const char *says;
} bad_files[] = {
	{"", "scenes:0: there are no scenes"},
	{"\tc > \"x\"\n", "scenes:1: this step belongs to no scene: its name is at the margin"},
	{"A scene\n# and its\nAnother\n\tkeep x\n", "scenes:1: this scene has no steps"},
	{"A scene\n\tkeep x\n\tkep x\n",
		"scenes:3: there is no word \"kep\", and no client does \"x\""},
	{"A scene\n\tKeep x\n", "scenes:2: there is no word \"Keep\""},
	{"A scene\n\tc says \"x\"\n",
		"scenes:2: there is no word \"c\", and no client does \"says\""},
	{"A scene\n\tkeep\n", "scenes:2: \"keep\" has too few arguments"},
	{"A scene\n\tkeep a b c\n", "scenes:2: \"keep\" has too many arguments"},
	{"A scene\n\tc > \"x\n", "scenes:2: a quote is not closed"},
	{"A scene\n\tc > \"\\q\"\n", "scenes:2: there is no escape \\q"},
	{"A scene\n\tc > \"x\"*0\n", "scenes:2: after a quote there is a blank, or \"*COUNT\""},
	{"A scene\n\tc > \"x\" \"y\" oef\n", "scenes:2: what follows \">\" is not for it"},
	{"A scene\n\tc dials fast\n", "scenes:2: what follows \"dials\" is not for it"},
	{"A scene\n\tnow c < eof after soon\n", "scenes:2: \"soon\" is no time"},
	{"A scene\n\tc < eof after 1s\n",
		"scenes:2: a time counts from a step that begins with \"now\""},
	{"A scene\n\trepeat\n", "scenes:2: it is \"repeat COUNT\" or \"repeat COUNT soak COUNT\""},
	{"A scene\n\trepeat x\n", "scenes:2: \"repeat\" wants a number"},
	{"A scene\n\trepeat 2\n\tkeep x\n", "scenes:2: this \"repeat\" has no \"again\""},
	{"A scene\n\tkeep x\n\tagain\n", "scenes:3: this \"again\" has no \"repeat\""},
	{"A scene\n\tc < eof\n\t| text\n", "scenes:3: this line belongs to no step"},
};

TEST_ROWS(a_mistake_is_told_with_its_line_before_anything_is_played, SUITE_COUNT(bad_files))
{
	char message[SCENE_MESSAGE_MAX] = "";

	ck_assert_ptr_null(scene_load(scratch_write("scenes", bad_files[_i].text), &host, message));
	ck_assert_str_eq(message, bad_files[_i].says);
}

/* One scene with these steps. */
static enum scene_result play(const char *steps, char message[SCENE_MESSAGE_MAX])
{
	char text[4096];
	pthread_t server;
	socklen_t len = sizeof address;

	address = scene_address("127.0.0.1", 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, &address.any, address_size(&address)), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, &address.any, &len), 0);
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
	snprintf(text, sizeof text, "# A comment\n\nA scene\n%s", steps);
	struct scene_file *file = scene_load(scratch_write("scenes", text), &host, message);
	ck_assert_msg(file, "%s", message);
	ck_assert_uint_eq(scene_count(file), 1);
	ck_assert_str_eq(scene_name(file, 0), "A scene");
	enum scene_result result = scene_play(file, 0, message);
	scene_free(file);
	return result;
}

static struct {
	const char *steps;
	const char *says; /* NULL: it goes well */
} plays[] = {
	{"\tc > \"a\\0\\n\\x7f\" < \"a\\0\\n\\x7f\" eof\n", NULL},
	{"\tc > #\"ab\"*2 \"x\"*3 < \"\\0\\0\\0\\x04ababxxx\" eof\n", NULL},
	{"\tc*3 > \"ab\"\n\tc*2 < \"ab\"\n\tc3 < \"ab\" eof\n", NULL},
	{"\trepeat 2\n\trepeat 3\n\tc$n > \"$n\" < \"$n\" closes\n\tagain\n\tagain\n", NULL},
	{"\tc > \"7 x\" < $id \" x\"\n\tkeep \"$id$seven\"\n\td > $id < \"7\"\n", NULL},
	{"\tc talks \"\" < eof closes talks \"\"\n", NULL},
	{"\tc dials from 127.0.0.2 window 8KiB\n\tkeep $c\n\tc > \"$c\" < \"$c\"\n", NULL},
	{"\tnow keep x within 1h\n\tkeep x after 1us within 1h\n", NULL},
	{"\tc > \"hello\\n\" < \"hallo\\n\"\n",
		"scenes:4: c > \"hello\\n\" < \"hallo\\n\": \"hello\\n\" came, instead of "
		"\"hallo\\n\": byte 2 is another"},
	{"\tkeep x\n\tc > \"ab\"\n\tc < \"abcd\"\n",
		"scenes:6: c < \"abcd\": the end of the stream came after 2 bytes, instead of \"cd\""},
	{"\tc > \"ab\" < eof\n",
		"scenes:4: c > \"ab\" < eof: \"ab\" came, instead of the end of the stream"},
	{"\tc > \"ab\" < \"ab\" reset\n",
		"scenes:4: c > \"ab\" < \"ab\" reset: the end of the stream "
		"came, instead of a reset"},
	{"\tc dials 2\n", "scenes:4: c dials 2: there is no such listener"},
	{"\t@other c dials\n", "scenes:4: @other c dials: there is no such listener"},
	{"\tkeep $none\n", "scenes:4: keep $none: $none has no value"},
	{"\tc refused\n", "scenes:4: c refused: it was connected"},
};

TEST_ROWS(what_comes_instead_is_told_with_its_line_and_step, SUITE_COUNT(plays))
{
	char message[SCENE_MESSAGE_MAX] = "";
	enum scene_result result = play(plays[_i].steps, message);

	if (plays[_i].says)
		ck_assert_str_eq(message, plays[_i].says);
	ck_assert_msg(result == (plays[_i].says ? SCENE_FAILED : SCENE_PLAYED), "%s", message);
}

TEST(a_time_that_has_not_passed_yet_is_told)
{
	char message[SCENE_MESSAGE_MAX] = "";

	ck_assert_int_eq(play("\tnow keep x after 1h\n", message), SCENE_FAILED);
	ck_assert_ptr_nonnull(strstr(message, "scenes:4: now keep x after 1h: it came after "));
}

TEST(words_get_their_arguments_as_they_are_written)
{
	char message[SCENE_MESSAGE_MAX] = "";

	ck_assert_int_eq(play("\tkeep a key=\"b c\\n\"d\n", message), SCENE_PLAYED);
	ck_assert_str_eq(last_argument, "key=b c\nd");
	ck_assert_int_eq(play("\traw a \"b\"  $seven after 1s\n", message), SCENE_PLAYED);
	ck_assert_str_eq(last_argument, "a \"b\"  7 after 1s");
	ck_assert_int_eq(play("\tkeep a\n\t\t| one\n\t\t|  two $seven\n", message), SCENE_PLAYED);
	ck_assert_str_eq(last_argument, "one\n two 7\n");
	ck_assert_int_eq(play("\tskip\n\tkeep never\n", message), SCENE_SKIPPED);
	ck_assert_str_eq(message, "not here");
}

TEST(an_upper_bound_is_exact_for_the_suite_timing_only)
{
	char message[SCENE_MESSAGE_MAX] = "";

	ck_assert_int_eq(play("\tnow keep x within 1ns\n", message), SCENE_PLAYED);
	host.timing = true;
	ck_assert_int_eq(play("\tnow keep x within 1ns\n", message), SCENE_FAILED);
	ck_assert_ptr_nonnull(strstr(message, "ms only"));
}

TEST(a_soak_repeats_more_often)
{
	char message[SCENE_MESSAGE_MAX] = "";

	host.soak = true;
	ck_assert_int_eq(play("\trepeat 1 soak 4\n\tkeep $n\n\tagain\n", message), SCENE_PLAYED);
	ck_assert_str_eq(last_argument, "4");
}
