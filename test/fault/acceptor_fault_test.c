/* SPDX-License-Identifier: ISC */
/*
 * Proves acceptor: what it does when accept(2), a thread or memory fails, and how it rests; and
 * that a call of sources and block that has no memory changes nothing.
 *
 * accept4() follows a script, at whose end the stop comes, so that an acceptor runs in the test's
 * own thread.  Rests take no time but are recorded, and the clock can be moved.  That a rest lasts
 * until its deadline is registry's.
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
	int error;            /* 0: the real one */
	int64_t advance_ns;   /* of the clock, before */
	atomic_bool *missing; /* meanwhile, and until the next accept */
} script[64];

static int acts;
static int scripted_fd = -1;
static int at;
static _Atomic int64_t clock_offset_ns;

/* What happened: the lengths of the rests, in their order. */
static int64_t rests[SUITE_COUNT(script)];
static int rest_count;
static _Thread_local int64_t last_duration_ns;
static _Thread_local int64_t last_deadline_ns;

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int64_t __real_deadline_after(int64_t duration_ns);
int64_t __wrap_deadline_after(int64_t duration_ns);
int64_t __real_deadline_now(void);
int64_t __wrap_deadline_now(void);
void __wrap_registry_rest(struct registry *r, int64_t deadline_ns);

static void drain(void)
{
	if (!atomic_load(&rig.registry.draining))
		registry_stop(
			&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), PATIENCE_NS));
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	atomic_store(&no_chunks, false);
	atomic_store(&no_threads, false);
	if (fd != scripted_fd || at == acts) {
		bool running = !atomic_load(&rig.registry.draining);
		drain();
		return running ? fail_with(EINTR) : __real_accept4(fd, peer, len, flags);
	}
	atomic_fetch_add(&clock_offset_ns, script[at].advance_ns);
	if (script[at].missing)
		atomic_store(script[at].missing, true);
	int error = script[at++].error;
	return error ? fail_with(error) : __real_accept4(fd, peer, len, flags);
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
	rests[rest_count++] = last_duration_ns;
}

/* Acceptors, each with a listener for lines. */

static struct acceptor acceptors[2];

/* So few connections that what is not given back is missed. */
static void begin(void)
{
	struct listener *listeners;
	size_t count;

	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_set("limits.max_connections", "3");
	rig_set("limits.per_address", "3");
	rig_add_endpoint("127.0.0.1:0", "line");
	rig_add_endpoint("127.0.0.1:0", "line");
	ck_assert_int_eq(listener_open_all(rig.settings, &listeners, &count), EX_OK);
	rig_build();
	for (int i = 0; i < 2; i++)
		acceptor_init(&acceptors[i], &listeners[i], &rig.server);
	free(listeners);
	scripted_fd = acceptors[0].listener.fd;
}

/* A client in the queue, with all that it has to say. */
static int dial(int which)
{
	int fd = must_dial(&acceptors[which].listener.bound);

	must_send_text(fd, "x\n");
	must_half_close(fd);
	return fd;
}

static void check_served(int fd)
{
	peer_expects_last_text(fd, "echo: x\n");
	close(fd);
}

/* The script to its end, and then the stop; a client is served in spite of both. */
static void play(void)
{
	int fd = dial(0);

	(void)acceptor_run(&acceptors[0]);
	ck_assert_int_eq(at, acts);
	ck_assert_int_eq(atomic_load(&acceptors[0].state), ACCEPTOR_DONE);
	check_served(fd);
	rig_await_rest();
	rig_check_sum();
}

static void add_acts(int times, int error, int64_t advance_ns)
{
	for (int i = 0; i < times; i++) {
		script[acts].error = error;
		script[acts++].advance_ns = advance_ns;
	}
}

static void check_rests(const int64_t *expected_ms, int count)
{
	ck_assert_int_eq(rest_count, count);
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

/* In a drain, too. */
TEST_ROWS(an_error_is_counted_told_and_rested_by_its_kind_and_the_next_is_served,
	2 * SUITE_COUNT(errors))
{
	const int row = _i / 2;

	begin();
	add_acts(2, errors[row].error, 0);
	if (_i % 2)
		drain();
	play();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), errors[row].theirs ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), errors[row].shortage ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 1);
	ck_assert_int_eq(rest_count, errors[row].shortage ? 2 : 0);
	/* And the line of the client that was served. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), errors[row].shortage ? 2 : 1);
}

TEST(the_back_off_doubles_from_5_ms_to_1_s_until_a_connection_is_served)
{
	begin();
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
	begin();
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

TEST_ROWS(a_listener_that_is_gone_ends_its_acceptor_and_no_other, 2)
{
	char address[64];

	begin();
	add_acts(1, EBADF, 0);
	close(dial(0));
	int fd = dial(1);
	/* In a drain an acceptor has to end in any case. */
	if (_i)
		drain();
	(void)acceptor_run(&acceptors[0]);
	ck_assert_int_eq(atomic_load(&acceptors[0].state), _i ? ACCEPTOR_DONE : ACCEPTOR_LOST);
	ck_assert_int_eq(acceptors[0].listener.fd, -1);
	ck_assert_int_eq(fcntl(scripted_fd, F_GETFD), -1);
	ck_assert_uint_eq(barrier_wait(&rig.accepting, 0), 1);
	ck_assert_int_eq(rest_count, 0);
	snprintf(address, sizeof address, " address=127.0.0.1:%u",
		(unsigned)address_port(&acceptors[0].listener.bound));
	check_told("listener_lost", address, EBADF, "");
	(void)acceptor_run(&acceptors[1]);
	check_served(fd);
}

/* Clients without a slot or a thread. */

static const struct {
	atomic_bool *missing;
	int end; /* as a client sees it */
	int threads_failed;
	const char *told;
} shortages[] = {
	{&no_chunks, ECONNRESET, 0, " event=refused reason=shortage listener=127.0.0.1:0 "},
	{&no_threads, 0, 4,
		" event=thread_shortage listener=127.0.0.1:0 "
		"error=\"Resource temporarily unavailable\" untold_before=0\n"},
};

TEST_ROWS(a_client_without_a_slot_or_a_thread_is_turned_away_and_all_is_undone,
	SUITE_COUNT(shortages))
{
	int fds[4];

	begin();
	for (size_t i = 0; i < SUITE_COUNT(fds); i++) {
		/* It says nothing, which would be left unread. */
		fds[i] = must_dial(&acceptors[0].listener.bound);
		script[acts++].missing = shortages[_i].missing;
	}
	play();
	for (size_t i = 0; i < SUITE_COUNT(fds); i++)
		ck_assert_int_eq(peer_reads_to_end(fds[i], NULL), shortages[_i].end);
	ck_assert_uint_eq(rig_count(counter_of_refusal(REFUSAL_SHORTAGE)), 4);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 5);
	ck_assert_uint_eq(rig_count(COUNTER_ENDED), 1);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 1);
	ck_assert_int_eq(rig_count(COUNTER_THREADS_FAILED), shortages[_i].threads_failed);
	ck_assert_uint_eq(rig.registry.used, 1);
	ck_assert_uint_ge(capture_count(STDERR_FILENO, shortages[_i].told), 1);
	if (shortages[_i].threads_failed)
		CHECK_RESTS(5, 10, 20, 40);
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
