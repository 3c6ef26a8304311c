/* SPDX-License-Identifier: ISC */
/* Proves refusal: each reason has its word, and its reply or none. */
#include "server/admission/refusal.h"

#include "test/suite.h"

static const struct {
	const char *name;
	const char *reply;
} rows[] = {
	[REFUSAL_NONE] = {"none", NULL},
	[REFUSAL_DENIED] = {"denied", NULL},
	[REFUSAL_RATE] = {"rate", "too many new connections from your address, try again later"},
	[REFUSAL_PER_ADDRESS] = {"per_address", "too many connections from your address"},
	[REFUSAL_LISTENER_FULL] = {"listener_full", "too many connections, try again later"},
	[REFUSAL_FULL] = {"full", "too many connections, try again later"},
	[REFUSAL_SHORTAGE] = {"shortage", NULL},
	[REFUSAL_STOPPING] = {"stopping", "the server is stopping"},
};

TEST_ROWS(a_reason_has_its_word_and_its_reply, REFUSALS)
{
	ck_assert_uint_eq(SUITE_COUNT(rows), REFUSALS);
	ck_assert_str_eq(refusal_name((enum refusal)_i), rows[_i].name);
	ck_assert_pstr_eq(refusal_reply((enum refusal)_i), rows[_i].reply);
}
