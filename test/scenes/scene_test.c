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

/* What is told begins so (NULL: it goes well), and a word was last given that. */
static struct {
	const char *steps;
	const char *says;
	const char *gives;
	enum scene_result result;
	bool timing;
	bool soak;
} plays[] = {
	{.steps = "\tc > \"a\\0\\n\\x7f\" < \"a\\0\\n\\x7f\" eof\n"},
	{.steps = "\tc > #\"ab\"*2 \"x\"*3 < \"\\0\\0\\0\\x04ababxxx\" eof\n"},
	{.steps = "\tc*3 > \"ab\"\n\tc*2 < \"ab\"\n\tc3 < \"ab\" eof\n"},
	{.steps = "\trepeat 2\n\trepeat 3\n\tc$n > \"$n\" < \"$n\" closes\n\tagain\n\tagain\n"},
	{.steps = "\tc > \"7 x\" < $id \" x\"\n\tkeep \"$id$seven\"\n\td > $id < \"7\"\n"},
	{.steps = "\tc talks \"\" < eof closes talks \"\"\n"},
	{.steps = "\tc dials from 127.0.0.2 window 8KiB\n\tkeep $c\n\tc > \"$c\" < \"$c\"\n"},
	{.steps = "\tnow keep x within 1h\n\tkeep x after 1us within 1h\n"},
	{.steps = "\tc > \"hello\\n\" < \"hallo\\n\"\n",
		.says = "scenes:4: c > \"hello\\n\" < \"hallo\\n\": \"hello\\n\" came, instead of "
			"\"hallo\\n\": byte 2 is another"},
	{.steps = "\tkeep x\n\tc > \"ab\"\n\tc < \"abcd\"\n",
		.says = "scenes:6: c < \"abcd\": the end of the stream came after 2 bytes, instead of \"cd\""},
	{.steps = "\tc > \"ab\" < eof\n",
		.says = "scenes:4: c > \"ab\" < eof: \"ab\" came, instead of the end of the stream"},
	{.steps = "\tc > \"ab\" < \"ab\" reset\n",
		.says = "scenes:4: c > \"ab\" < \"ab\" reset: the end of the stream "
			"came, instead of a reset"},
	{.steps = "\tc dials 2\n", .says = "scenes:4: c dials 2: there is no such listener"},
	{.steps = "\t@other c dials\n",
		.says = "scenes:4: @other c dials: there is no such listener"},
	{.steps = "\tkeep $none\n", .says = "scenes:4: keep $none: $none has no value"},
	{.steps = "\tc refused\n", .says = "scenes:4: c refused: it was connected"},
	{.steps = "\tkeep a key=\"b c\\n\"d\n", .gives = "key=b c\nd"},
	{.steps = "\traw a \"b\"  $seven after 1s\n", .gives = "a \"b\"  7 after 1s"},
	{.steps = "\tkeep a\n\t\t| one\n\t\t|  two $seven\n", .gives = "one\n two 7\n"},
	{.steps = "\tskip\n\tkeep never\n", .says = "not here", .result = SCENE_SKIPPED},
	{.steps = "\tnow keep x after 1h\n",
		.says = "scenes:4: now keep x after 1h: it came after "},
	/* An upper bound is exact for the suite timing only, and a soak repeats more often. */
	{.steps = "\tnow keep x within 1ns\n"},
	{.steps = "\tnow keep x within 1ns\n",
		.says = "scenes:4: now keep x within 1ns: it came after ",
		.timing = true},
	{.steps = "\trepeat 1 soak 4\n\tkeep $n\n\tagain\n", .gives = "1"},
	{.steps = "\trepeat 1 soak 4\n\tkeep $n\n\tagain\n", .gives = "4", .soak = true},
};

TEST_ROWS(what_comes_instead_is_told_with_its_line_and_step, SUITE_COUNT(plays))
{
	const char *says = plays[_i].says;
	char message[SCENE_MESSAGE_MAX] = "";

	host.timing = plays[_i].timing;
	host.soak = plays[_i].soak;
	enum scene_result result = play(plays[_i].steps, message);
	ck_assert_msg(says ? strncmp(message, says, strlen(says)) == 0 : !*message, "%s", message);
	ck_assert_int_eq(result, says && !plays[_i].result ? SCENE_FAILED : plays[_i].result);
	if (plays[_i].gives)
		ck_assert_str_eq(last_argument, plays[_i].gives);
}
