/* SPDX-License-Identifier: ISC */
/*
 * manuals_test - the manual pages and the program agree on every option's type, range and default,
 * and on why a connection ends.
 *
 * The pages are read as words, wherever their lines are broken.
 */
#include "common/stream.h"
#include "server/settings/options.h"
#include "server/settings/settings.h"

#include "test/suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The page with one space for each run of white space. */
static char *must_read(const char *path)
{
	char command[1024];
	char *text = NULL;
	size_t size = 0;

	snprintf(command, sizeof command, "tr -s '[:space:]' ' ' <'%s'", path);
	FILE *page = popen(command, "re");
	ck_assert_msg(getdelim(&text, &size, '\0', page) > 0, "cannot read %s", path);
	ck_assert_int_eq(pclose(page), 0);
	return text;
}

/*
 * What the page must say of a row: ".It Ic KEY A duration from 1ms to 365d; default "30s"; a listener
 * may override it."
 */
static void describe(const struct option *row, struct settings *s, char *out, size_t size)
{
	char *expects = option_expects(row);
	char *value = option_text(row, option_base(row, s));
	bool bare = row->type == OPTION_COUNT || row->type == OPTION_SWITCH;
	const char *quote = bare ? "" : "\"";

	/* The units stand in the page once, not with every option. */
	expects[strcspn(expects, "(")] = '\0';
	for (size_t len = strlen(expects); expects[len - 1] == ' '; len--)
		expects[len - 1] = '\0';
	expects[0] = (char)toupper((unsigned char)expects[0]);
	snprintf(out, size, ".It Ic %s %s; default %s%s%s%s.", row->key, expects, quote, value,
		quote, row->scope == OPTION_ENDPOINT ? "; a listener may override it" : "");
	free(expects);
	free(value);
}

TEST(every_option_is_in_the_manual)
{
	struct settings *s = settings_new();
	char *page = must_read(MANUAL_5);
	char expected[512];

	for (const struct option *row = option_rows; row->key; row++) {
		describe(row, s, expected, sizeof expected);
		ck_assert_msg(strstr(page, expected), "%s lacks: %s", MANUAL_5, expected);
	}
	free(page);
	settings_release(s);
}

TEST(the_manual_has_no_option_that_is_not_there)
{
	static const char item[] = ".It Ic ";
	char *page = must_read(MANUAL_5);
	char key[64];

	for (const char *at = page; (at = strstr(at, item));) {
		at += strlen(item);
		snprintf(key, sizeof key, "%.*s", (int)strcspn(at, " "), at);
		ck_assert_msg(option_find(key), "%s has %s, which is no option", MANUAL_5, key);
	}
	free(page);
}

TEST(every_end_of_a_connection_is_in_the_manual)
{
	char *page = must_read(MANUAL_8);
	char expected[64];

	for (int end = STREAM_OPEN + 1; end < STREAM_ENDS; end++) {
		snprintf(expected, sizeof expected, ".It Li %s ",
			stream_end_name((enum stream_end)end));
		ck_assert_msg(strstr(page, expected), "%s lacks: %s", MANUAL_8, expected);
	}
	free(page);
}
