/* SPDX-License-Identifier: ISC */
/*
 * Proves what happens in moments that no test can wait for: between two steps of a thread, made by
 * a call that it makes just then.
 */
#include "common/deadline.h"
#include "common/stream.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "session.h"
#include "test/suite.h"

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t __real_recv(int fd, void *data, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t len, int flags);
int __real_sched_yield(void);
int __wrap_sched_yield(void);
int __real_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
int __wrap_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);

/* Cut by its owner when a request has been received, and nothing says so yet. */

static struct stream_status *cut_after_recv;

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n = __real_recv(fd, data, len, flags);

	if (cut_after_recv && n > 0)
		atomic_store(&cut_after_recv->state, STATUS_FORCED);
	return n;
}

TEST(a_request_that_was_just_received_is_owed_when_it_is_cut)
{
	const struct stream_terms terms = session_terms(STREAM_LINE);
	const struct socket_options options = stream_socket_options(&terms, true, 0);
	struct pair pair = must_pair(&options);
	atomic_bool draining = false;
	struct stream_status status = {.draining = &draining};
	struct stream_message line;
	struct stream s;

	stream_init(&s, pair.near, &terms, &status);
	must_send_text(pair.far, "x\n");
	cut_after_recv = &status;
	ck_assert(!stream_read_line(&s, &line));
	cut_after_recv = NULL;
	ck_assert_str_eq(stream_end_name(s.end), "forced");
	ck_assert(s.unanswered);
	stream_finish(&s);
	pair_close(&pair);
}

/* A connection comes when the thread has lain down to park, and before it sleeps. */

static atomic_int give_on_yield = -1; /* a socket */

int __wrap_sched_yield(void)
{
	int fd = atomic_exchange(&give_on_yield, -1);

	if (fd >= 0)
		ck_assert_int_eq(rig_serve(fd), 0);
	return __real_sched_yield();
}

static atomic_int sleeps;

int __wrap_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
	atomic_fetch_add(&sleeps, 1);
	return __real_sem_clockwait(sem, clock, until);
}

static bool has_slept_often(void *times)
{
	return atomic_load(&sleeps) >= *(int *)times;
}

/* An exchange on a new connection; then its end, which sends its thread to park. */
static void talk_and_leave(struct pair *pair)
{
	must_send_text(pair->far, "x\n");
	peer_expects(pair->far, "echo: x\n");
	close(pair->far);
}

TEST(a_thread_on_its_way_to_sleep_takes_what_comes_and_sleeps_well_later)
{
	const struct socket_options options = {
		.receive_timeout_ns = 60 * NS_PER_S, .send_timeout_ns = 60 * NS_PER_S};

	rig_begin();
	rig_set("threads.parked", "1");
	rig_add_endpoint("127.0.0.1:0", "line");
	rig_build();
	for (int i = 1; i <= 3; i++) {
		struct pair first = must_pair(&options);
		struct pair second = must_pair(&options);
		atomic_store(&give_on_yield, second.near);
		ck_assert_int_eq(rig_serve(first.near), 0);
		talk_and_leave(&first);
		talk_and_leave(&second);
		await(has_slept_often, &i);
	}
	/* All of it was one thread's work, which slept once for two connections. */
	ck_assert_int_eq(atomic_load(&sleeps), 3);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 1);
}
