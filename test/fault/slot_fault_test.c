/* SPDX-License-Identifier: ISC */
/*
 * Proves registry and acceptor: memory for slots that is not to be had costs those who come
 * meanwhile, and nothing else.
 */
#include "acceptors.h"

#include "capture.h"
#include "common/deadline.h"
#include "common/socket.h"
#include "peer.h"
#include "rig.h"
#include "test/suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_bool no_chunks;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	if (atomic_load(&no_chunks) && count == REGISTRY_CHUNK && size == sizeof(struct slot))
		return NULL;
	return __real_calloc(count, size);
}

static struct registry r;
static struct quota quota;

static enum refusal take(struct slot **slot)
{
	const struct candidate candidate = {.fd = 9, .quota = &quota};

	return registry_take(&r, &candidate, true, slot);
}

TEST(without_memory_for_slots_there_is_none_and_nothing_has_changed)
{
	struct slot *slot = NULL;

	registry_init(&r, 10);
	atomic_store(&no_chunks, true);
	ck_assert_int_eq(take(&slot), REFUSAL_SHORTAGE);
	ck_assert_ptr_null(slot);
	ck_assert_uint_eq(registry_counts(&r).of[COUNTER_ACCEPTED], 0);
	ck_assert_uint_eq(registry_counts(&r).of[COUNTER_ACTIVE], 0);
	ck_assert_int_eq(quota.active, 0);
	atomic_store(&no_chunks, false);
	ck_assert_int_eq(take(&slot), REFUSAL_NONE);
	ck_assert_ptr_eq(slot, &r.chunks[0][0]);
	ck_assert_uint_eq(slot->number, 1);
}

TEST(slots_that_are_there_go_on_being_used_without_memory_for_more)
{
	struct slot *slots[REGISTRY_CHUNK];
	struct slot *slot;

	registry_init(&r, REGISTRY_MAX);
	for (int i = 0; i < REGISTRY_CHUNK; i++)
		ck_assert_int_eq(take(&slots[i]), REFUSAL_NONE);
	atomic_store(&no_chunks, true);
	ck_assert_int_eq(take(&slot), REFUSAL_SHORTAGE);
	(void)registry_untake(&r, slots[5]);
	ck_assert_int_eq(take(&slot), REFUSAL_NONE);
	ck_assert_ptr_eq(slot, slots[5]);
	ck_assert_int_eq(take(&slot), REFUSAL_SHORTAGE);
	atomic_store(&no_chunks, false);
	ck_assert_int_eq(take(&slot), REFUSAL_NONE);
	ck_assert_ptr_eq(slot, &r.chunks[1][0]);
}

/* The reset may come before the connect is seen to have succeeded. */
static void check_is_reset(void)
{
	int fd = socket_dial(&acceptors[0].listener.bound, deadline_after(20 * NS_PER_S));

	if (fd < 0) {
		ck_assert_int_eq(fd, -ECONNRESET);
		return;
	}
	ck_assert(peer_is_reset(fd));
	close(fd);
}

TEST(a_client_without_a_slot_is_reset_and_counted_and_the_next_is_served)
{
	acceptors_begin(1);
	rig_set("limits.per_address", "1");
	acceptors_open();
	acceptors_start();
	size_t before = open_descriptors();
	atomic_store(&no_chunks, true);
	for (int i = 0; i < 3; i++) {
		check_is_reset();
	}
	atomic_store(&no_chunks, false);
	/* Its source has got its place back, too. */
	acceptors_check_serves(0);
	rig_await_rest();
	struct counts c = rig_counts();
	ck_assert_uint_eq(c.of[COUNTER_ACCEPTED], 4);
	ck_assert_uint_eq(c.of[COUNTER_REFUSED], 3);
	ck_assert_uint_eq(c.of[counter_of_refusal(REFUSAL_SHORTAGE)], 3);
	ck_assert_uint_eq(c.of[COUNTER_THREADS_STARTED], 1);
	rig_check_sum();
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_uint_ge(
		capture_count(STDERR_FILENO, "level=warn event=refused reason=shortage "), 1);
	acceptors_stop();
}
