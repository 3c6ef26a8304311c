/* SPDX-License-Identifier: ISC */
/* rig - the parts of a server as main() puts them together. */
#include "rig.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "server/settings/options.h"
#include "server/signals.h"

#include <check.h>
#include <sched.h>

#define PATIENCE_NS (60 * NS_PER_S)

struct rig rig;

void await(bool (*is_there)(void *of), void *of)
{
	int64_t deadline = deadline_after(PATIENCE_NS);

	while (!is_there(of)) {
		ck_assert_msg(deadline_now() < deadline, "what was waited for did not come");
		sched_yield();
	}
}

void rig_begin(void)
{
	rig.settings = settings_new();
}

void rig_set(const char *key, const char *value)
{
	const struct option *row = option_find(key);
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_ptr_nonnull(row);
	ck_assert_msg(
		option_set(row, option_base(row, rig.settings), value, mistake), "%s", mistake);
}

struct endpoint *rig_add_endpoint(const char *address, const char *service)
{
	struct endpoint *e = settings_add_endpoint(rig.settings);
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	ck_assert(option_set(option_find("address"), e, address, mistake));
	ck_assert(option_set(option_find("service"), e, service, mistake));
	ck_assert_ptr_null(settings_finish_endpoint(rig.settings, e, &key));
	return e;
}

void rig_build(void)
{
	const struct settings *s = rig.settings;

	signals_block();
	barrier_init(&rig.busy);
	barrier_init(&rig.accepting);
	registry_init(&rig.registry, s->max_connections);
	admission_init(&rig.admission, s);
	identity_init(&rig.identity);
	worker_init(&rig.workers, &rig.registry, &rig.admission, &rig.counters, &rig.identity,
		&rig.busy);
	worker_set_parking(&rig.workers, s->threads_parked, s->park_time_ns);
	current_init(&rig.current, rig.settings);
	rig.server = (struct server){
		.current = &rig.current,
		.admission = &rig.admission,
		.registry = &rig.registry,
		.counters = &rig.counters,
		.workers = &rig.workers,
		.busy = &rig.busy,
		.accepting = &rig.accepting,
	};
}

int rig_serve(int fd)
{
	const struct candidate candidate = {
		.fd = fd,
		.endpoint = &rig.settings->endpoints[0],
		.quota = &rig.quota,
		.peer = {.in4 = {.sin_family = AF_INET}},
	};
	pthread_attr_t attributes;
	struct slot *slot;

	ck_assert(barrier_enter(&rig.busy));
	ck_assert_int_eq(registry_take(&rig.registry, &candidate, true, &slot), REFUSAL_NONE);
	(void)settings_hold(rig.settings);
	worker_attributes(&attributes, rig.settings->thread_stack_bytes);
	int rc = worker_dispatch(&rig.workers, slot, &attributes);
	pthread_attr_destroy(&attributes);
	return rc;
}

void rig_await_rest(void)
{
	ck_assert_uint_eq(barrier_wait(&rig.busy, deadline_after(PATIENCE_NS)), 0);
}

static bool are_parked(void *count)
{
	lock_take(&rig.workers.lock);
	bool there = rig.workers.parked == *(int64_t *)count;
	lock_drop(&rig.workers.lock);
	return there;
}

void rig_await_parked(int64_t count)
{
	await(are_parked, &count);
}

static struct counts all_counts(void)
{
	struct counts counts = registry_counts(&rig.registry);

	counters_complete(&rig.counters, &counts);
	return counts;
}

uint64_t rig_count(enum counter row)
{
	return all_counts().of[row];
}

void rig_check_sum(void)
{
	struct counts c = all_counts();

	ck_assert_uint_eq(c.of[COUNTER_ACCEPTED],
		c.of[COUNTER_ACTIVE] + c.of[COUNTER_ENDED] + c.of[COUNTER_REFUSED]);
}
