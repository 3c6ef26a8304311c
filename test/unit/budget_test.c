/* SPDX-License-Identifier: ISC */
/* Proves budget: which limit binds, in figures, and that the soft limit of descriptors is raised. */
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

static void check(const char *max_connections, enum log_format format)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, format);
	rig_begin();
	rig_set("limits.max_connections", max_connections);
	rig_add_endpoint("127.0.0.1:0", "line");
	budget_check(rig.settings);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

static const struct {
	struct rlimit limit;
	const char *max_connections;
	const char *level;
	int allowed;
} rows[] = {
	{{100, 100}, "68", "info", 68},
	{{100, 100}, "69", "warn", 68},
	{{64, 128}, "4000", "warn", 96},
	/* The server needs more for itself. */
	{{20, 20}, "4000", "warn", 0},
};

TEST_ROWS(descriptors_bind_and_too_few_are_a_warning, SUITE_COUNT(rows))
{
	char words[256];
	struct rlimit limit;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rows[_i].limit), 0);
	check(rows[_i].max_connections, LOG_LOGFMT);
	snprintf(words, sizeof words,
		" level=%s event=budget max_connections=%s allowed=%d binding=descriptors "
		"descriptors=%d ",
		rows[_i].level, rows[_i].max_connections, rows[_i].allowed, rows[_i].allowed);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO, " effect="), strcmp(rows[_i].level, "warn") == 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}

TEST(what_a_connection_takes_at_the_most_is_told_in_json_too)
{
	char text[QUANTITY_TEXT_MAX];
	char words[64];

	check("4000", LOG_JSON);
	ck_assert(json_is_line(capture_text(STDERR_FILENO)));
	int64_t most = 65536 + (int64_t)stream_memory_max(&rig.settings->endpoints[0].terms);
	snprintf(words, sizeof words, "\"connection_memory_max\":\"%s\"",
		quantity_format_size(most, text));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
}
