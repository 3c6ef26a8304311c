/* SPDX-License-Identifier: ISC */
/*
 * signal_test - SIGINT, SIGTERM and SIGUSR1 are heard at any moment of a run.
 *
 * Told to end, a load ends: within the bound for a hang here, within SOON_NS in the case timing.
 */
#include "common/deadline.h"
#include "fixture.h"
#include "suite.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define SOON_NS  (100 * NS_PER_MS)
#define ATTEMPTS 3

/* A run that nothing but a signal ends, and the moment for it. */
struct moment {
	const char *server;
	const char *load;
	const char *when; /* what the server says when it is time, */
	bool rests;       /* and the client has nothing more to do */
};

static const struct moment opening = {
	"", "-c 1000 --connect-rate 20/s -d 1h --timeout 1h", "accepted 2 ", false};
static const struct moment connecting = {
	"--backlog 0 --accepts-nothing yes", "-c 8 -d 1h --timeout 1h", NULL, false};
static const struct moment closed_loop = {"", "-c 2 -d 1h", "received 200\n", false};
static const struct moment open_loop = {"", "-c 2 --rate 200 -d 1h", "received 50\n", false};
static const struct moment too_fast = {
	"", "-c 2 -t 2 --rate 1000000000 -d 1h", "received 200\n", false};
static const struct moment much_too_fast = {
	"--delay 10ms", "-c 1 --rate 1000000000 --timeout 1h -d 1h", "received 50\n", false};
static const struct moment last_replies = {
	"--mode silent --speak-every 8", "-c 8 -n 8 --timeout 1h", "received 8\n", true};
static const struct moment a_hung_server = {
	"--hang-after 100", "-c 8 --rate 1000 -d 200ms --timeout 1h", "received 100\n", false};

/* Has a line of /proc/net/tcp a socket in the state SYN_SENT, to our server? */
static bool is_connect(const char *line)
{
	unsigned port;
	unsigned state;

	return sscanf(line, " %*u: %*x:%*x %*x:%x %x", &port, &state) == 2 &&
		port == fixture.port && state == TCP_SYN_SENT;
}

static bool has_connect(void)
{
	FILE *sockets = fopen("/proc/net/tcp", "re");
	char line[256];
	bool found = false;

	ck_assert_ptr_nonnull(sockets);
	while (!found && fgets(line, sizeof line, sockets))
		found = is_connect(line);
	fclose(sockets);
	return found;
}

/* A server that accepts nothing cannot say that there is a client; the kernel can. */
static void await_connect(void)
{
	int64_t deadline_ns = deadline_after(FIXTURE_HANG_NS);

	while (!has_connect()) {
		ck_assert(deadline_now() < deadline_ns);
		process_ends_by(fixture.load, deadline_after(5 * NS_PER_MS));
	}
}

/* How long it took to end, after the signal. */
static int64_t end_by_signal(const struct moment *m, int signal)
{
	fixture_serve("line", m->server);
	fixture_start_load("line", m->load);
	if (m->when)
		process_await(fixture.server, &fixture.server->out, m->when);
	else
		await_connect();
	if (m->rests)
		process_await_rest(fixture.load);
	int64_t told_ns = deadline_now();
	process_kill(fixture.load, signal);
	fixture_must_end_soon();
	return fixture.ended_ns - told_ns;
}

/* It has told the result so far. */
static void must_be_interrupted(void)
{
	ck_assert(fixture_json_bool("interrupted"));
	fixture_must_add_up();
}

TEST(a_signal_while_connections_open_ends_it_with_the_result_so_far)
{
	end_by_signal(&opening, SIGINT);
	must_be_interrupted();
	fixture_json_must_be("messages.sent", 0);
	fixture_read_record();
	/* One may be under way. */
	ck_assert_double_ge(fixture_json("connections_opened"), 2);
	ck_assert_double_le(
		fixture_json("connections_opened"), (double)fixture.record->connection_count);
	ck_assert_int_ne(fixture.status, 69);
	fixture_must_print(" by a signal");
}

TEST(a_signal_while_connects_hang_ends_it)
{
	end_by_signal(&connecting, SIGTERM);
	must_be_interrupted();
}

TEST(a_signal_ends_a_closed_loop_with_every_reply)
{
	end_by_signal(&closed_loop, SIGINT);
	must_be_interrupted();
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_must_print("0 mismatched, 0 lost, 0 cut off");
	ck_assert_int_eq(fixture.status, 0);
}

TEST(a_signal_ends_an_open_loop_with_every_reply)
{
	end_by_signal(&open_loop, SIGTERM);
	must_be_interrupted();
	fixture_read_record();
	fixture_must_agree_with_record();
	ck_assert_int_ne(fixture.status, 1);
}

/* What is due is then beyond all counting, one by one. */
TEST(a_signal_ends_a_schedule_that_nobody_can_keep)
{
	end_by_signal(&too_fast, SIGINT);
	must_be_interrupted();
	fixture_read_record();
	fixture_must_agree_with_record();
	ck_assert_double_gt(fixture_json("messages.not_sent"), 0);
}

TEST(a_signal_ends_a_schedule_of_a_billion_a_second_with_no_room_at_all)
{
	end_by_signal(&much_too_fast, SIGINT);
	must_be_interrupted();
	fixture_read_record();
	fixture_must_agree_with_record();
}

TEST(a_signal_while_only_replies_are_awaited_ends_it_at_once)
{
	end_by_signal(&last_replies, SIGINT);
	must_be_interrupted();
	fixture_read_record();
	ck_assert_uint_eq(record_received(fixture.record), 8);
	fixture_json_must_be("messages.sent", 8);
	fixture_json_must_be("messages.answered", 0);
	ck_assert_int_eq(fixture.status, 1);
}

/* Nothing more is begun, and what the server has is still answered. */
/* The schedule is over, and most of it still waits for room. */
TEST(a_signal_after_the_schedule_leaves_nothing_out_of_the_sums)
{
	fixture_serve("line", "--mode silent --speak-every 1");
	fixture_start_load("line", "-c 1 --rate 100 -d 200ms --timeout 1h");
	fixture_await_received(1);
	fixture_stop_for(fixture.server, 300 * NS_PER_MS);
	process_kill(fixture.load, SIGTERM);
	fixture_must_end_soon();
	fixture_must_add_up();
	ck_assert_double_ge(fixture_json("messages.not_sent"), 1);
	ck_assert_int_ne(fixture.status, EX_SOFTWARE);
}

TEST(replies_under_way_are_awaited_after_a_signal)
{
	fixture_serve("line", "--delay 500ms --speak-every 1");
	fixture_start_load("line", "-c 4 -d 1h --timeout 20s");
	fixture_await_received(4);
	process_kill(fixture.load, SIGINT);
	fixture_must_end_soon();
	must_be_interrupted();
	fixture_must_complain("bobbin-load: ");
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.lost", 0);
	fixture_json_must_be("messages.cut_off", 0);
	ck_assert_uint_ge(record_replied(fixture.record), 4);
	ck_assert_int_eq(fixture.status, 0);
}

/* What waited for room is given up at once, not sent as room comes. */
TEST(what_waits_for_room_is_given_up_after_a_signal)
{
	fixture_serve("line", "--delay 300ms --speak-every 1");
	fixture_start_load("line", "-c 1 --rate 100 -d 1h --timeout 20s");
	fixture_await_received(2);
	int64_t told_ns = deadline_now();
	process_kill(fixture.load, SIGINT);
	fixture_must_end_soon();
	fixture_read_record();
	fixture_must_agree_with_record();
	/* One whose room came before the signal was heard; hundreds were waiting. */
	uint64_t later = 0;
	for (size_t i = 0; i < fixture.record->message_count; i++)
		later += fixture.record->messages[i].arrived_ns > told_ns;
	ck_assert_uint_le(later, 3);
	ck_assert_double_gt(fixture_json("messages.not_sent"), 0);
}

TEST(a_second_signal_does_not_wait_for_replies)
{
	fixture_serve("line", "--mode silent");
	fixture_start_load("line", "-c 50 -d 1h --timeout 1h");
	fixture_await_received(50);
	process_kill(fixture.load, SIGINT);
	/* Pending signals of one number are one: the second is of another kind. */
	process_kill(fixture.load, SIGTERM);
	fixture_must_end_soon();
	must_be_interrupted();
	fixture_json_must_be("messages.sent", 50);
	fixture_json_must_be("messages.answered", 0);
	fixture_json_must_be("messages.cut_off", 50);
}

/* The replies cannot come any more: --timeout is the end of the wait. */
TEST(a_server_that_hangs_is_waited_for_until_the_timeout_and_no_longer)
{
	fixture_serve("line", "--hang-after 100");
	fixture_start_load("line", "-c 8 --rate 1000 -d 300ms --timeout 500ms");
	fixture_must_end_soon();
	fixture_read_record();
	fixture_must_add_up();
	fixture_json_must_be("messages.sent", (double)record_received(fixture.record));
	fixture_json_must_be("messages.answered", 100);
	ck_assert_int_ge(fixture.ended_ns - fixture.started_ns, 300 * NS_PER_MS);
}

/* The mark. */

TEST(marked_requests_are_lost_and_later_ones_cut_off)
{
	fixture_serve("line", "--mode silent");
	/* It goes on until it is told to end. */
	fixture_start_load("line", "-c 1 -P 65536 -d 1h --rate 500 --timeout 1h");
	fixture_await_received(50);
	process_kill(fixture.load, SIGUSR1);
	const char *marked =
		process_await(fixture.load, &fixture.load->err, "marked: 1 connections, ");
	unsigned long owed = strtoul(marked, NULL, 10);
	fixture_await_received((unsigned)(owed / 50 + 2) * 50);
	process_kill(fixture.server, SIGKILL);
	process_kill(fixture.load, SIGINT);
	fixture_must_end_soon();
	ck_assert_uint_ge(owed, 50);
	fixture_must_add_up();
	fixture_json_must_be("messages.lost", (double)owed);
	ck_assert_double_ge(fixture_json("messages.cut_off"), 50);
}

TEST(a_mark_is_printed_though_one_of_several_threads_has_ended)
{
	fixture_serve("line", "--mode silent --speak-every 1");
	/* One message for two threads. */
	fixture_start_load("line", "-c 2 -t 2 -n 1 --timeout 1h");
	fixture_await_received(1);
	process_kill(fixture.load, SIGUSR1);
	process_await(fixture.load, &fixture.load->err, "marked: ");
	process_kill(fixture.load, SIGTERM);
	fixture_must_end_soon();
	must_be_interrupted();
}

TEST_OF_ANY_SERVER(every_connection_comes_back_to_a_server_that_was_killed_and_restarted)
{
	const char *bobbind = getenv("BOBBIND");
	char where[64];

	/* The ledger has no port of its own choice. */
	if (!bobbind)
		return;
	fixture_serve_right("line");
	fixture_start_load("line", "-c 400 -P 4 --rate 40000 -d 1h --timeout 500ms");
	/* Each count stands behind those before it. */
	for (int restarted = 0; restarted < 2; restarted++) {
		for (unsigned long active = 0; active != 400;) {
			struct process_stream *log = &fixture.server->err;
			const char *end = process_end_of(fixture.server, log);
			process_kill(fixture.server, SIGUSR1);
			active = strtoul(
				process_await_next(fixture.server, log, end, " active="), NULL, 10);
		}
		if (restarted)
			break;
		process_kill(fixture.server, SIGKILL);
		process_end(fixture.server);
		process_free(fixture.server);
		snprintf(where, sizeof where, "127.0.0.1:%u", fixture.port);
		const char *argv[] = {bobbind, "-l", where, NULL};
		fixture.server = process_start(argv, NULL);
		process_await(fixture.server, &fixture.server->err, "event=ready");
	}
	process_kill(fixture.load, SIGINT);
	fixture_must_end_soon();
	fixture_must_add_up();
}

/* The quickest of three: what the machine stole from one of them it need not steal from all. */
static void must_end_at_once(const struct moment *m)
{
	int64_t best_ns = DEADLINE_NEVER;

	for (int i = 0; i < ATTEMPTS; i++)
		best_ns = deadline_earlier(best_ns, end_by_signal(m, SIGINT));
	ck_assert_msg(best_ns < SOON_NS, "%s: %.1f ms", m->load, (double)best_ns / 1e6);
}

TEST_OF_TIME(a_signal_is_heard_within_a_tenth_of_a_second)
{
	const struct moment *moments[] = {&opening, &connecting, &closed_loop, &open_loop,
		&too_fast, &much_too_fast, &last_replies, NULL};

	for (size_t i = 0; moments[i]; i++)
		must_end_at_once(moments[i]);
}

/* Their replies will not come: the first signal waits for them, the second does not. */
TEST_OF_TIME(a_second_signal_is_heard_within_a_tenth_of_a_second)
{
	int64_t best_ns = DEADLINE_NEVER;

	for (int i = 0; i < ATTEMPTS; i++) {
		fixture_serve("line", a_hung_server.server);
		fixture_start_load("line", a_hung_server.load);
		process_await(fixture.server, &fixture.server->out, a_hung_server.when);
		int64_t told_ns = deadline_now();
		process_kill(fixture.load, SIGINT);
		process_kill(fixture.load, SIGTERM);
		fixture_must_end_soon();
		best_ns = deadline_earlier(best_ns, fixture.ended_ns - told_ns);
	}
	ck_assert_int_lt(best_ns, SOON_NS);
}
