/* SPDX-License-Identifier: ISC */
/*
 * Proves acceptor: what it does when accept(2), a thread or memory fails, and how it rests; and that
 * a call of sources and block that has no memory changes nothing.
 *
 * accept4() follows a script, rests take no time but are recorded, and the clock can be moved.  That
 * a rest lasts until its deadline is registry's.
 */
#include "server/door/acceptor.h"

#include "capture.h"
#include "common/block.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/admission/sources.h"
#include "server/log.h"
#include "server/signals.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define MS          NS_PER_MS
#define PATIENCE_NS (60 * NS_PER_S)
#define KNOCK_NS    (2 * MS)

/* What is to fail. */

static atomic_bool no_memory; /* of malloc() */
static atomic_bool no_chunks; /* of slots */
static atomic_bool no_maps;
static atomic_bool no_threads;

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
	return atomic_load(&no_threads) ? EAGAIN : __real_pthread_create(thread, attr, start, arg);
}

void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (!atomic_load(&no_maps))
		return __real_mmap64(address, len, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

/* The script, of the first listener's accept4(). */

static struct {
	int error;          /* 0: the real one */
	int64_t advance_ns; /* of the clock, before */
} script[64];

static int acts;
static int scripted_fd = -1;
static atomic_int at;
static _Atomic int64_t clock_offset_ns;

/* What happened: the lengths of the rests, in their order. */
static int64_t rests[SUITE_COUNT(script)];
static atomic_int rest_count;
static _Thread_local int64_t last_duration_ns;
static _Thread_local int64_t last_deadline_ns;

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int64_t __real_deadline_after(int64_t duration_ns);
int64_t __wrap_deadline_after(int64_t duration_ns);
int64_t __real_deadline_now(void);
int64_t __wrap_deadline_now(void);
void __wrap_registry_rest(struct registry *r, int64_t deadline_ns);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	int now = atomic_load(&at);

	if (fd != scripted_fd || now >= acts)
		return __real_accept4(fd, peer, len, flags);
	atomic_fetch_add(&clock_offset_ns, script[now].advance_ns);
	atomic_store(&at, now + 1);
	if (script[now].error == 0)
		return __real_accept4(fd, peer, len, flags);
	errno = script[now].error;
	return -1;
}

int64_t __wrap_deadline_after(int64_t duration_ns)
{
	last_duration_ns = duration_ns;
	return last_deadline_ns = __real_deadline_after(duration_ns);
}

int64_t __wrap_deadline_now(void)
{
	return __real_deadline_now() + atomic_load(&clock_offset_ns);
}

void __wrap_registry_rest(struct registry *r, int64_t deadline_ns)
{
	(void)r;
	ck_assert_int_eq(deadline_ns, last_deadline_ns);
	rests[atomic_fetch_add(&rest_count, 1)] = last_duration_ns;
}

static void add_acts(int times, int error, int64_t advance_ns)
{
	for (int i = 0; i < times; i++) {
		script[acts].error = error;
		script[acts++].advance_ns = advance_ns;
	}
}

/* Acceptors, each with its thread and a listener for lines. */

static struct acceptor acceptors[2];
static int acceptor_count;

/* So few connections that what is not given back is missed. */
static void begin(int count)
{
	struct listener *listeners;
	size_t opened;

	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_set("limits.max_connections", "3");
	rig_set("limits.per_address", "3");
	for (int i = 0; i < count; i++)
		rig_add_endpoint("127.0.0.1:0", "line");
	ck_assert_int_eq(listener_open_all(rig.settings, &listeners, &opened), EX_OK);
	rig_build();
	for (int i = 0; i < count; i++)
		acceptor_init(&acceptors[i], &listeners[i], &rig.server);
	free(listeners);
	acceptor_count = count;
	scripted_fd = acceptors[0].listener.fd;
}

static void *run(void *a)
{
	signals_knock(SIG_UNBLOCK);
	return acceptor_run(a);
}

static void start(void)
{
	for (int i = 0; i < acceptor_count; i++)
		ck_assert_int_eq(pthread_create(&acceptors[i].thread, NULL, run, &acceptors[i]), 0);
}

static void drain(void)
{
	registry_stop(&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), PATIENCE_NS));
}

/* Stop those that still run as the coordinator does, and join them all. */
static void stop(void)
{
	if (!atomic_load(&rig.registry.draining))
		registry_stop(&rig.registry, STOP_DRAIN, deadline_now());
	do {
		for (int i = 0; i < acceptor_count; i++)
			acceptor_knock(&acceptors[i]);
	} while (barrier_wait(&rig.accepting, deadline_from(deadline_now(), KNOCK_NS)) > 0);
	for (int i = 0; i < acceptor_count; i++)
		ck_assert_int_eq(pthread_join(acceptors[i].thread, NULL), 0);
	rig_await_rest();
	rig_check_sum();
}

static int dial(int which)
{
	return must_dial(&acceptors[which].listener.bound);
}

/* A client of the acceptor from its connect to its end, with one line. */
static void check_serves(int which)
{
	int fd = dial(which);

	must_send_text(fd, "x\n");
	must_half_close(fd);
	peer_expects_last_text(fd, "echo: x\n");
	close(fd);
	rig_await_rest();
}

static bool is_played(void *unused)
{
	(void)unused;
	return atomic_load(&at) == acts;
}

/* The script to its end, then a client, which is served, then the stop. */
static void play(void)
{
	start();
	await(is_played, NULL);
	check_serves(0);
	stop();
	ck_assert_int_ne(atomic_load(&acceptors[0].state), ACCEPTOR_LOST);
}

static void check_rests(const int64_t *expected_ms, int count)
{
	ck_assert_int_eq(atomic_load(&rest_count), count);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(rests[i], expected_ms[i] * MS);
}

#define CHECK_RESTS(...)                                                                           \
	check_rests((const int64_t[]){__VA_ARGS__}, SUITE_COUNT(((const int64_t[]){__VA_ARGS__})))

/* A line of the log, which names the listener and the errno. */
static void check_told(const char *event, const char *between, int error, const char *rest)
{
	char line[256];

	snprintf(line, sizeof line, " event=%s listener=127.0.0.1:0%s error=\"%s\"%s\n", event,
		between, strerrordesc_np(error), rest);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, line), 1);
}

static const struct {
	int error;
	bool theirs;
	bool shortage;
} errors[] = {
	{EINTR, false, false},
	{EAGAIN, false, false}, /* the listener's own timeout */
	{ECONNABORTED, true, false},
	{EMFILE, false, true},
};

TEST_ROWS(
	an_error_is_counted_told_and_rested_by_its_kind_and_the_next_is_served, SUITE_COUNT(errors))
{
	begin(1);
	add_acts(2, errors[_i].error, 0);
	play();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), errors[_i].theirs ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), errors[_i].shortage ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 1);
	ck_assert_int_eq(rest_count, errors[_i].shortage ? 2 : 0);
	/* And the line of the client that was served. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), errors[_i].shortage ? 2 : 1);
}

TEST(the_back_off_doubles_from_5_ms_to_1_s_until_a_connection_is_served)
{
	begin(1);
	add_acts(10, EMFILE, 0);
	/* The others' trouble does not end it. */
	add_acts(1, EINTR, 0);
	add_acts(1, ECONNABORTED, 0);
	add_acts(1, EMFILE, 0);
	add_acts(1, 0, 0);
	add_acts(1, EMFILE, 0);
	close(dial(0));
	play();
	CHECK_RESTS(5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 5);
}

TEST(a_shortage_is_told_at_most_once_a_second_with_the_number_of_those_untold)
{
	begin(1);
	add_acts(1, EMFILE, 0);
	add_acts(19, EMFILE, 10 * MS);
	add_acts(1, ENFILE, 1000 * MS);
	add_acts(1, EMFILE, 0);
	add_acts(1, ENOMEM, 1000 * MS);
	play();
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=accept_shortage"), 3);
	check_told("accept_shortage", "", EMFILE, " untold_before=0");
	check_told("accept_shortage", "", ENFILE, " untold_before=19");
	check_told("accept_shortage", "", ENOMEM, " untold_before=1");
}

/* Leaving the barrier is the last that an acceptor does. */
static bool first_has_ended(void *unused)
{
	(void)unused;
	return atomic_load(&acceptors[0].state) >= ACCEPTOR_LOST &&
		barrier_wait(&rig.accepting, 0) < (unsigned)acceptor_count;
}

TEST_ROWS(a_listener_that_is_gone_ends_its_acceptor_and_no_other, 2)
{
	char address[64];

	begin(2);
	add_acts(1, EINTR, 0);
	add_acts(1, EBADF, 0);
	close(dial(0));
	if (_i)
		drain();
	start();
	await(first_has_ended, NULL);
	/* A loss is for the coordinator to learn, unless it has the acceptor end. */
	ck_assert_int_eq(atomic_load(&acceptors[0].state), _i ? ACCEPTOR_DONE : ACCEPTOR_LOST);
	ck_assert_int_eq(acceptors[0].listener.fd, -1);
	ck_assert_int_eq(fcntl(scripted_fd, F_GETFD), -1);
	ck_assert_int_eq(rest_count, 0);
	snprintf(address, sizeof address, " address=127.0.0.1:%u",
		(unsigned)address_port(&acceptors[0].listener.bound));
	check_told("listener_lost", address, EBADF, "");
	if (!_i)
		check_serves(1);
	stop();
	ck_assert_int_ne(atomic_load(&acceptors[1].state), ACCEPTOR_LOST);
}

TEST(errors_while_draining_are_answered_in_the_same_way_and_the_queue_is_served)
{
	int fds[3];

	begin(1);
	add_acts(1, EINTR, 0);
	add_acts(1, ECONNABORTED, 0);
	add_acts(1, EMFILE, 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = dial(0);
		must_send_text(fds[i], "x\n");
	}
	drain();
	start();
	await(first_has_ended, NULL);
	ck_assert_int_ne(atomic_load(&acceptors[0].state), ACCEPTOR_LOST);
	for (int i = 0; i < 3; i++) {
		peer_expects(fds[i], "echo: x\n");
		close(fds[i]);
	}
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 3);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 1);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 1);
	stop();
}

/* Clients without a slot or a thread. */

static void check_turned_away(int end)
{
	int fd = socket_dial(&acceptors[0].listener.bound, deadline_after(PATIENCE_NS));

	/* A reset may come before the connect is seen to have succeeded. */
	ck_assert_int_eq(fd < 0 ? -fd : peer_reads_to_end(fd, NULL), end);
	close(fd);
}

static const struct {
	atomic_bool *missing;
	int end; /* as a client sees it */
	bool rests;
	const char *told;
} shortages[] = {
	{&no_chunks, ECONNRESET, false, " event=refused reason=shortage listener=127.0.0.1:0 "},
	{&no_threads, 0, true,
		" event=thread_shortage listener=127.0.0.1:0 "
		"error=\"Resource temporarily unavailable\" untold_before=0\n"},
};

TEST_ROWS(a_client_without_a_slot_or_a_thread_is_turned_away_and_all_is_undone,
	SUITE_COUNT(shortages))
{
	begin(1);
	start();
	size_t open = open_descriptors();
	atomic_store(shortages[_i].missing, true);
	for (int i = 0; i < 4; i++) {
		check_turned_away(shortages[_i].end);
		/* A stop that came now would find no connection. */
		ck_assert_uint_eq(barrier_wait(&rig.busy, 0), 0);
	}
	atomic_store(shortages[_i].missing, false);
	check_serves(0);
	rig_await_parked(1);
	/* Threads are short again; but one is parked. */
	atomic_store(shortages[_i].missing, shortages[_i].rests);
	check_serves(0);
	ck_assert_uint_eq(open_descriptors(), open);
	ck_assert_uint_eq(rig_count(counter_of_refusal(REFUSAL_SHORTAGE)), 4);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 6);
	ck_assert_uint_eq(rig_count(COUNTER_ENDED), 2);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 1);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), shortages[_i].rests ? 4 : 0);
	ck_assert_uint_eq(rig.registry.used, 1);
	ck_assert_uint_ge(capture_count(STDERR_FILENO, shortages[_i].told), 1);
	if (shortages[_i].rests)
		CHECK_RESTS(5, 10, 20, 40);
	stop();
}

/* Calls without memory. */

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
	atomic_store(&no_maps, true);
	int rc = sources_resize(&s, 2000);
	atomic_store(&no_maps, false);
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(s.size, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_TOO_MANY);
}
