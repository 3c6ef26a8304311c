/* SPDX-License-Identifier: ISC */
/*
 * Proves acceptor, worker, registry, sources, stream and block: where memory or a thread is not to
 * be had, that costs one connection or one call, and nothing else has changed.
 */
#include "acceptors.h"

#include "capture.h"
#include "common/block.h"
#include "common/deadline.h"
#include "common/socket.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/admission/sources.h"
#include "server/service.h"
#include "test/suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_bool no_memory;         /* of malloc() */
static atomic_bool no_chunks;         /* of slots */
static atomic_int mmaps_granted = -1; /* so many more succeed; negative: all */
static atomic_int threads_failing;    /* so many more do */
static atomic_int thread_error;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);

/* mmap() by the name that it has where off_t was asked to have 64 bits. */
void *__real_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
	return atomic_load(&no_memory) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (atomic_load(&no_chunks) && count == REGISTRY_CHUNK && size == sizeof(struct slot))
		return NULL;
	return __real_calloc(count, size);
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	if (atomic_load(&threads_failing) == 0)
		return __real_pthread_create(thread, attr, start, arg);
	atomic_fetch_sub(&threads_failing, 1);
	return atomic_load(&thread_error);
}

void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	int granted = atomic_load(&mmaps_granted);

	if (granted > 0)
		atomic_fetch_sub(&mmaps_granted, 1);
	if (granted != 0)
		return __real_mmap64(address, len, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return __wrap_mmap64(address, len, protection, flags, fd, offset);
}

static void fail_threads(int times, int error)
{
	atomic_store(&thread_error, error);
	atomic_store(&threads_failing, times);
}

/* Calls. */

TEST(a_list_without_memory_for_it_says_so)
{
	char fault[64] = "";

	atomic_store(&no_memory, true);
	struct block_list *list = block_list_parse("10.0.0.0/8", fault, sizeof fault);
	atomic_store(&no_memory, false);
	ck_assert_ptr_null(list);
	ck_assert_str_eq(fault, "out of memory");
}

TEST(a_table_without_memory_for_more_stays_as_it_is)
{
	static struct sources s;
	const struct sources_terms terms = {.per_address = 1};
	const struct address a = {.in4 = {.sin_family = AF_INET}};

	sources_init(&s, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
	atomic_store(&mmaps_granted, 0);
	int rc = sources_resize(&s, 2000);
	atomic_store(&mmaps_granted, -1);
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(s.size, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_TOO_MANY);
	sources_leave(&s, &a);
	ck_assert_int_eq(sources_resize(&s, 2000), 0);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
}

TEST(slots_that_are_there_are_used_without_memory_for_more)
{
	static struct registry r;
	struct quota quota = {.limit = 0};
	const struct candidate candidate = {.fd = 9, .quota = &quota};
	struct slot *first = NULL;
	struct slot *slot;

	registry_init(&r, REGISTRY_MAX);
	atomic_store(&no_chunks, true);
	ck_assert_int_eq(registry_take(&r, &candidate, true, &first), REFUSAL_SHORTAGE);
	ck_assert_ptr_null(first);
	ck_assert_uint_eq(registry_counts(&r).of[COUNTER_ACCEPTED], 0);
	ck_assert_uint_eq(registry_active(&r), 0);
	ck_assert_int_eq(quota.active, 0);
	atomic_store(&no_chunks, false);
	ck_assert_int_eq(registry_take(&r, &candidate, true, &first), REFUSAL_NONE);
	ck_assert_uint_eq(first->number, 1);
	for (int i = 1; i < REGISTRY_CHUNK; i++)
		ck_assert_int_eq(registry_take(&r, &candidate, true, &slot), REFUSAL_NONE);
	atomic_store(&no_chunks, true);
	ck_assert_int_eq(registry_take(&r, &candidate, true, &slot), REFUSAL_SHORTAGE);
	(void)registry_untake(&r, first);
	ck_assert_int_eq(registry_take(&r, &candidate, true, &slot), REFUSAL_NONE);
	ck_assert_ptr_eq(slot, first);
	atomic_store(&no_chunks, false);
	ck_assert_int_eq(registry_take(&r, &candidate, true, &slot), REFUSAL_NONE);
	ck_assert_ptr_eq(slot, &r.chunks[1][0]);
}

/* A connection without a slot or a thread. */

/*
 * Two acceptors with one slot for both and for the source, so that what is not given back is
 * missed.
 */
static void begin_with_one_slot(void)
{
	acceptors_begin(2);
	rig_set("limits.max_connections", "1");
	rig_set("limits.per_address", "1");
	acceptors_open();
	acceptors_start();
}

/*
 * Its end is 0, for FIN, or ECONNRESET, which may come before the connect is seen to have
 * succeeded.
 */
static void check_turned_away(int end)
{
	int fd = socket_dial(&acceptors[0].listener.bound, deadline_after(20 * NS_PER_S));

	if (fd < 0) {
		ck_assert_int_eq(fd, -end);
		return;
	}
	ck_assert_int_eq(peer_reads_to_end(fd, NULL), end);
	close(fd);
}

static void check_next_are_served(uint64_t refused, size_t open)
{
	for (int which = 1; which >= 0; which--) {
		acceptors_check_serves(which);
		rig_await_rest();
		rig_await_parked(1);
	}
	ck_assert_uint_eq(open_descriptors(), open);
	ck_assert_uint_eq(rig_count(COUNTER_REFUSED), refused);
	ck_assert_uint_eq(rig_count(counter_of_refusal(REFUSAL_SHORTAGE)), refused);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), refused + 2);
	ck_assert_uint_eq(rig_count(COUNTER_ENDED), 2);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 1);
	ck_assert_uint_eq(rig.registry.used, 1);
	rig_check_sum();
	acceptors_stop();
}

TEST(a_client_without_memory_for_its_slot_is_reset_and_all_is_undone)
{
	begin_with_one_slot();
	size_t open = open_descriptors();
	atomic_store(&no_chunks, true);
	for (int i = 0; i < 3; i++)
		check_turned_away(ECONNRESET);
	atomic_store(&no_chunks, false);
	check_next_are_served(3, open);
	ck_assert_uint_ge(
		capture_count(STDERR_FILENO, "level=warn event=refused reason=shortage "), 1);
}

static const int errors[] = {EAGAIN, ENOMEM, EPERM};

TEST_ROWS(a_client_without_a_thread_is_closed_and_all_is_undone, SUITE_COUNT(errors))
{
	char line[128];

	begin_with_one_slot();
	size_t open = open_descriptors();
	fail_threads(1, errors[_i]);
	check_turned_away(0);
	/* A stop that came now would find no connection. */
	ck_assert_uint_eq(barrier_wait(&rig.busy, 0), 0);
	check_next_are_served(1, open);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), 1);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 1);
	snprintf(line, sizeof line,
		" level=warn event=thread_shortage listener=127.0.0.1:0 error=\"%s\" "
		"untold_before=0\n",
		strerrordesc_np(errors[_i]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, line), 1);
}

TEST(without_threads_to_be_had_a_parked_one_serves_and_each_failure_costs_a_rest)
{
	int64_t before = deadline_now();
	const int times = 6;

	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	acceptors_check_serves(0);
	rig_await_parked(1);
	fail_threads(times, EAGAIN);
	int fd = acceptors_dial(0);
	acceptors_exchange(fd);
	ck_assert_int_eq(atomic_load(&threads_failing), times);
	for (int i = 0; i < times; i++)
		check_turned_away(0);
	acceptors_check_serves(0);
	/* 5 + 10 + 20 + 40 + 80 + 160 ms. */
	ck_assert_int_ge(deadline_now() - before, 315 * NS_PER_MS);
	/* The connection that has a thread is not touched. */
	acceptors_exchange(fd);
	close(fd);
	rig_await_rest();
	ck_assert_uint_eq(rig_count(COUNTER_REFUSED), (unsigned)times);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), (unsigned)times);
	size_t told = capture_count(STDERR_FILENO, "event=thread_shortage");
	ck_assert_uint_ge(told, 1);
	ck_assert_int_le((int64_t)told, 1 + (deadline_now() - before) / NS_PER_S);
	acceptors_stop();
	rig_check_sum();
}

/* A message without memory. */

#define LONG_BYTES 20000

static char big[LONG_BYTES];

static void begin(const char *service)
{
	acceptors_begin(1);
	rig.settings->endpoints[0].terms.max_line = 1 << 20;
	rig.settings->endpoints[0].service = service_find(service);
	rig.settings->endpoints[0].terms.framing = service_find(service)->framing;
	rig.settings->endpoints[0].prefix[0] = '\0';
	acceptors_open();
	acceptors_start();
	memset(big, 'x', LONG_BYTES);
}

static void end(uint64_t without_memory)
{
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_NO_MEMORY)), without_memory);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " end=no_memory "), without_memory);
	acceptors_stop();
	rig_check_sum();
}

static const struct {
	const char *service;
	const char *before; /* what is sent first */
	size_t len;         /* of the message */
	int granted;        /* calls of mmap(2) */
	const char *reply;
	size_t reply_len;
} messages[] = {
	{"line", "", 3000, 0, "error: out of memory\n", 21},
	{"frame", "", 3000, 0,
		"\0\0\0\x14"
		"error: out of memory",
		24},
	{"line", "", LONG_BYTES - 1, 1, "error: out of memory\n", 21},
	{"line", "one\n", 3000, 0, "one\nerror: out of memory\n", 25},
};

TEST_ROWS(a_message_without_memory_for_it_gets_the_error_reply_and_the_others_go_on,
	SUITE_COUNT(messages))
{
	begin(messages[_i].service);
	bool frames = messages[_i].reply[0] == '\0';
	int other = acceptors_dial(0);
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, messages[_i].granted);
	must_send_text(fd, messages[_i].before);
	if (frames) {
		must_send_frame(fd, big, messages[_i].len);
	} else {
		big[messages[_i].len] = '\n';
		must_send(fd, big, messages[_i].len + 1);
	}
	must_half_close(fd);
	peer_expects_last(fd, messages[_i].reply, messages[_i].reply_len);
	/* Short messages need none. */
	char back[16];
	must_exchange(other, frames ? "\0\0\0\3two" : "two\n", back, frames ? 7 : 4);
	ck_assert_mem_eq(back, frames ? "\0\0\0\3two" : "two\n", frames ? 7 : 4);
	close(other);
	atomic_store(&mmaps_granted, -1);
	end(1);
}

/* The larger buffer is for speed alone. */
TEST_ROWS(bulk_goes_on_in_small_steps, 2)
{
	static char back[LONG_BYTES];

	begin(_i ? "line" : "echo");
	for (int i = 9; i < LONG_BYTES; i += 10)
		big[i] = '\n';
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_exchange(fd, big, back, LONG_BYTES);
	ck_assert_mem_eq(big, back, LONG_BYTES);
	close(fd);
	end(0);
}
