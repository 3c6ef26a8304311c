/* SPDX-License-Identifier: ISC */
/* Proves identity: a run's name is random, and a connection's is that and its number. */
#include "server/work/identity.h"

#include "server/settings/template.h"
#include "test/suite.h"

#include <string.h>
#include <unistd.h>

TEST(a_run_is_twelve_hexadecimal_digits_unlike_any_others_and_has_the_systems_name)
{
	enum {
		RUNS = 100
	};
	struct identity runs[RUNS];
	char host[HOST_NAME_MAX + 1] = "";

	ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
	for (int i = 0; i < RUNS; i++) {
		identity_init(&runs[i]);
		ck_assert_uint_eq(strlen(runs[i].run), 12);
		ck_assert_uint_eq(strspn(runs[i].run, "0123456789abcdef"), 12);
		ck_assert_str_eq(runs[i].host, host);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(runs[i].run, runs[j].run);
	}
}

static const struct {
	uint64_t number;
	const char *id;
} ids[] = {
	{1, "9c51f02e4ab7-1"},
	{17, "9c51f02e4ab7-17"},
	{UINT64_MAX, "9c51f02e4ab7-18446744073709551615"},
};

TEST_ROWS(an_id_is_the_run_and_the_number, SUITE_COUNT(ids))
{
	const struct identity i = {.run = "9c51f02e4ab7"};
	char text[IDENTITY_ID_MAX];

	ck_assert_ptr_eq(identity_format(&i, ids[_i].number, text), text);
	ck_assert_str_eq(text, ids[_i].id);
	/* A template has room for it. */
	ck_assert_uint_le(strlen(text), TEMPLATE_ID_MAX);
}
