/* SPDX-License-Identifier: ISC */
/* Proves budget: which limit binds, in figures, and that the soft limit of descriptors is raised.
 */
#include "server/life/budget.h"

#include "capture.h"
#include "common/quantity.h"
#include "json.h"
#include "rig.h"
#include "server/log.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void must_limit(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void check_with(const char *max_connections, enum log_format format)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, format);
	rig_begin();
	rig_set("limits.max_connections", max_connections);
	rig_add_endpoint("127.0.0.1:0", "line");
	budget_check(rig.settings);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(few_descriptors_bind_and_it_is_a_warning_when_more_is_asked_for)
{
	must_limit(100, 100);
	check_with("4000", LOG_LOGFMT);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO,
			" level=warn event=budget max_connections=4000 allowed=68 binding=descriptors "
			"descriptors=68 "),
		1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " effect="), 1);
}

TEST(few_descriptors_that_are_enough_are_no_warning)
{
	must_limit(100, 100);
	check_with("68", LOG_LOGFMT);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO,
			" level=info event=budget max_connections=68 allowed=68 binding=descriptors "),
		1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " effect="), 0);
}

TEST(one_too_few_is_a_warning)
{
	must_limit(100, 100);
	check_with("69", LOG_LOGFMT);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " level=warn "), 1);
}

TEST(the_soft_limit_is_raised_to_the_hard_one)
{
	struct rlimit limit;

	must_limit(64, 128);
	check_with("4000", LOG_LOGFMT);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 128);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "descriptors"), 96);
}

TEST(fewer_descriptors_than_the_server_needs_itself_allow_none)
{
	must_limit(20, 20);
	check_with("4000", LOG_LOGFMT);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "allowed"), 0);
}

TEST(the_line_is_json_when_json_is_asked_for)
{
	check_with("4000", LOG_JSON);
	ck_assert(json_is_line(capture_text(STDERR_FILENO)));
}

TEST(what_a_connection_takes_at_the_most_is_told)
{
	char text[QUANTITY_TEXT_MAX];
	char words[64];

	check_with("4000", LOG_LOGFMT);
	int64_t most = 65536 + (int64_t)stream_memory_max(&rig.settings->endpoints[0].terms);
	snprintf(
		words, sizeof words, " connection_memory_max=%s", quantity_format_size(most, text));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
}
