/* SPDX-License-Identifier: ISC */
/* Proves handover: every name arrives as it was, and no colon separates what is one name. */
#include "server/succession/pipe.h"

#include "test/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *encoded;
} names[] = {
	{"", ""},
	{"front", "front"},
	{"127.0.0.1:7007", "127.0.0.1%3a7007"},
	{"[::1]:7007", "[%3a%3a1]%3a7007"},
	{"100%", "100%25"},
	{"%3a", "%253a"},
	{"%25:", "%2525%3a"},
	{"::%%", "%3a%3a%25%25"},
	{"a name", "a name"},
};

TEST_ROWS(a_name_arrives_as_it_was, SUITE_COUNT(names))
{
	char text[64];

	char *end = pipe_encode(text, names[_i].name);
	ck_assert_str_eq(text, names[_i].encoded);
	ck_assert_ptr_eq(end, text + strlen(text));
	ck_assert_uint_le(strlen(text), pipe_encoded_length(names[_i].name));
	pipe_decode(text);
	ck_assert_str_eq(text, names[_i].name);
}

static const char *const others[] = {"%", "%2", "%3", "%3A", "%41", "%%", "x%", "%2x"};

TEST_ROWS(what_is_no_escape_stays_as_it_is, SUITE_COUNT(others))
{
	char text[16];

	snprintf(text, sizeof text, "%s", others[_i]);
	pipe_decode(text);
	ck_assert_str_eq(text, others[_i]);
}

TEST(a_message_is_written_whole_and_a_reader_that_is_gone_is_no_matter)
{
	struct pipe_message m;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pipe_say(ends[1], PIPE_UNUSED, 1023);
	ck_assert_int_eq(read(ends[0], &m, sizeof m), (ssize_t)sizeof m);
	ck_assert_uint_eq(m.kind, PIPE_UNUSED);
	ck_assert_uint_eq(m.value, 1023);
	(void)signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	pipe_say(ends[1], PIPE_READY, 0);
}
