/* SPDX-License-Identifier: ISC */
/*
 * Proves admission, refused and counters where no client sees them: what a judgement costs, when
 * refused sockets are closed and how much is read of them, and that every counter is logged.
 */
#include "server/admission/admission.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/admission/counters.h"
#include "server/log.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Judging. */

static const struct {
	const char *key;
	const char *value;
	enum refusal why;
	bool counted;
} judgements[] = {
	{"limits.max_connections", "9", REFUSAL_NONE, false},
	{"limits.per_address", "1", REFUSAL_NONE, true},
	{"limits.rate", "1", REFUSAL_NONE, true},
	{"limits.deny", "0.0.0.0/0", REFUSAL_DENIED, false},
};

/* It leaves as it came, whatever the limits have become. */
TEST_ROWS(a_client_is_counted_only_under_a_limit_on_sources, SUITE_COUNT(judgements))
{
	rig_begin();
	rig_set(judgements[_i].key, judgements[_i].value);
	if (judgements[_i].why != REFUSAL_NONE)
		rig_set("limits.per_address", "1");
	struct candidate c = {
		.fd = -1,
		.endpoint = rig_add_endpoint("127.0.0.1:0", "line"),
		.peer = {.in4 = {.sin_family = AF_INET}},
	};
	rig_build();
	ck_assert_int_eq(admission_judge(&rig.admission, &c, NS_PER_S), judgements[_i].why);
	ck_assert(c.counted == judgements[_i].counted);
	ck_assert_uint_eq(rig.admission.sources.used, judgements[_i].counted);
	rig.settings->per_address = 1 - rig.settings->per_address;
	admission_leave(&rig.admission, &c);
	ck_assert_uint_eq(rig.admission.sources.entries[1].live, 0);
}

/* Refused sockets. */

#define NOW INT64_C(5000)

static struct refused refused;

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(refused_sockets_rest_for_their_time_and_one_too_many_closes_the_oldest)
{
	enum {
		ALL = 3 * REFUSED_MAX
	};
	int fds[ALL];

	ck_assert_int_eq(refused_next(&refused), DEADLINE_NEVER);
	refused_sweep(&refused, INT64_MAX - 1);
	/* Around more than once.  A socket is opened before another is closed: its number is its own. */
	for (int i = 0; i < ALL; i++) {
		ck_assert(i < REFUSED_MAX || is_open(fds[i - REFUSED_MAX]));
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		refused_put(&refused, fds[i], NOW + i);
		int oldest = i < REFUSED_MAX ? 0 : i - REFUSED_MAX + 1;
		ck_assert(oldest == 0 || !is_open(fds[oldest - 1]));
		ck_assert_int_eq(refused_next(&refused), NOW + oldest + REFUSED_REST_NS);
	}
	for (int i = ALL - REFUSED_MAX; i < ALL - 1; i++) {
		refused_sweep(&refused, NOW + i + REFUSED_REST_NS);
		ck_assert(!is_open(fds[i]));
		ck_assert(is_open(fds[i + 1]));
		ck_assert_int_eq(refused_next(&refused), NOW + i + 1 + REFUSED_REST_NS);
	}
	refused_clear(&refused);
	ck_assert(!is_open(fds[ALL - 1]));
	ck_assert_int_eq(refused_next(&refused), DEADLINE_NEVER);
}

static const struct {
	size_t sent; /* by the peer, before the close */
	bool reset;
} peers[] = {
	{16384, false}, {80 * 1024, true}, /* a peer that sends without end is not read out */
};

TEST_ROWS(what_a_peer_sent_is_read_so_that_it_sees_no_reset_up_to_a_bound, SUITE_COUNT(peers))
{
	static const struct socket_options patient = {
		.receive_timeout_ns = 60 * NS_PER_S, .send_timeout_ns = 60 * NS_PER_S};
	static const char filler[80 * 1024];
	struct pair p = must_pair(&patient);

	must_send(p.far, filler, peers[_i].sent);
	must_send_text(p.near, "no");
	must_half_close(p.near);
	refused_put(&refused, p.near, NOW);
	peer_expects_last_text(p.far, "no");
	refused_clear(&refused);
	ck_assert_int_eq(peers[_i].reset ? peer_is_reset(p.far) : peer_is_reset_within(p.far, 0),
		peers[_i].reset);
}

/* Counters. */

static const char names[] =
	"ended accepted active refused bytes_in bytes_out messages_in messages_out threads_started "
	"threads_failed accept_peer_errors accept_shortages reloads reloads_failed handovers_failed "
	"log_dropped end_eof end_served end_refused end_too_long end_message_timeout end_idle "
	"end_lifetime end_drained end_reply_timeout end_forced end_truncated end_reset "
	"end_unreachable end_no_memory end_failed refused_denied refused_rate refused_per_address "
	"refused_listener_full refused_full refused_shortage refused_stopping";

/* Every row with its own number, in this order, and none is lost for want of room. */
TEST(the_log_line_has_every_row_even_at_its_largest)
{
	struct counts counts;
	char expected[LOG_LINE_MAX] = " level=info event=counters";
	char name[COUNTER_NAME_MAX];
	const char *of = names;

	for (int row = 0; row < COUNTERS; row++) {
		int len = (int)strcspn(of, " ");
		size_t end = strlen(expected);
		counts.of[row] = (uint64_t)INT64_MAX - (unsigned)row;
		snprintf(expected + end, sizeof expected - end, " %.*s=%llu", len, of,
			(unsigned long long)counts.of[row]);
		ck_assert_uint_eq(strlen(counter_name((enum counter)row, name)), len);
		ck_assert_mem_eq(name, of, len);
		ck_assert_uint_gt(strlen(counter_help((enum counter)row)), 0);
		of += len + 1;
	}
	strcat(expected, "\n");
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	counters_log(&counts);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, expected), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}
