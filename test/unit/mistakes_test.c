/* SPDX-License-Identifier: ISC */
/* Proves faults: the form of each line, and the exit status that a set of them has. */
#include "server/settings/mistakes.h"

#include "test/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct told {
	struct mistakes mistakes;
	char *text;
	size_t size;
};

static void begin(struct told *t)
{
	*t = (struct told){.text = NULL};
	t->mistakes.to = open_memstream(&t->text, &t->size);
	ck_assert_ptr_nonnull(t->mistakes.to);
}

static void end(struct told *t, const char *expected, int status)
{
	fclose(t->mistakes.to);
	ck_assert_str_eq(t->text, expected);
	ck_assert_int_eq(mistakes_status(&t->mistakes), status);
	free(t->text);
}

TEST(no_fault_is_a_good_status)
{
	struct mistakes f = {.to = NULL};

	ck_assert_int_eq(mistakes_status(&f), EX_OK);
}

TEST(a_fault_in_a_file_has_file_and_line_and_is_a_configuration_error)
{
	struct told t;

	begin(&t);
	mistakes_in_file(&t.mistakes, "a.conf", 12, "%s is %d", "this", 5);
	end(&t, "a.conf:12: this is 5\n", EX_CONFIG);
}

TEST(a_fault_in_the_command_line_has_the_programs_name_and_is_a_usage_error)
{
	struct told t;

	begin(&t);
	mistakes_in_usage(&t.mistakes, "there is no option -%c", 'x');
	end(&t, "bobbind: there is no option -x\n", EX_USAGE);
}

TEST(an_unreadable_file_is_told_with_its_cause_and_is_a_missing_input)
{
	struct told t;

	begin(&t);
	mistakes_unreadable(&t.mistakes, "a.conf", ENOENT);
	end(&t, "bobbind: a.conf: No such file or directory\n", EX_NOINPUT);
}

TEST(the_command_line_weighs_more_than_the_file)
{
	struct told t;

	begin(&t);
	mistakes_in_file(&t.mistakes, "a", 1, "b");
	mistakes_unreadable(&t.mistakes, "a", EACCES);
	ck_assert_int_eq(mistakes_status(&t.mistakes), EX_NOINPUT);
	mistakes_in_usage(&t.mistakes, "c");
	end(&t, "a:1: b\nbobbind: a: Permission denied\nbobbind: c\n", EX_USAGE);
}
