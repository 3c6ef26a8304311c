/* SPDX-License-Identifier: ISC */
/* Proves refusal: each reason has its word, and its reply or none. */
#include "server/admission/refusal.h"

#include "test/suite.h"

#include <string.h>

static const struct {
	enum refusal why;
	const char *name;
	const char *reply;
} rows[] = {
	{REFUSAL_NONE, "none", NULL},
	{REFUSAL_DENIED, "denied", NULL},
	{REFUSAL_RATE, "rate", "too many new connections from your address, try again later"},
	{REFUSAL_PER_ADDRESS, "per_address", "too many connections from your address"},
	{REFUSAL_LISTENER_FULL, "listener_full", "too many connections, try again later"},
	{REFUSAL_FULL, "full", "too many connections, try again later"},
	{REFUSAL_SHORTAGE, "shortage", NULL},
	{REFUSAL_STOPPING, "stopping", "the server is stopping"},
};

TEST_ROWS(a_reason_has_its_word_and_its_reply, SUITE_COUNT(rows))
{
	ck_assert_str_eq(refusal_name(rows[_i].why), rows[_i].name);
	ck_assert_pstr_eq(refusal_reply(rows[_i].why), rows[_i].reply);
}

TEST(there_are_no_reasons_but_these_and_no_two_have_one_word)
{
	ck_assert_uint_eq(SUITE_COUNT(rows), REFUSALS);
	for (int i = 0; i < REFUSALS; i++) {
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(
				refusal_name((enum refusal)i), refusal_name((enum refusal)j));
	}
}
