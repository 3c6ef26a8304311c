/* SPDX-License-Identifier: ISC */
/* Proves budget: a limit that binds, in figures; the soft limit of descriptors is raised. */
#include "server/life/budget.h"

#include "capture.h"
#include "rig.h"
#include "server/log.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_set("limits.max_connections", rows[_i].max_connections);
	rig_add_endpoint("127.0.0.1:0", "line");
	budget_check(rig.settings);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
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
