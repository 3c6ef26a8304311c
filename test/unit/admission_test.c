/* SPDX-License-Identifier: ISC */
/* Proves admission: who may come in, and how one who may not is turned away. */
#include "server/admission/admission.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/log.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NOW NS_PER_S

/* Judging. */

static struct candidate guest_from(const char *peer)
{
	struct candidate g = {
		.fd = -1, .endpoint = &rig.settings->endpoints[0], .quota = &rig.quota};

	if (inet_pton(AF_INET, peer, &g.peer.in4.sin_addr) == 1) {
		g.peer.in4.sin_family = AF_INET;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, peer, &g.peer.in6.sin6_addr), 1);
		g.peer.in6.sin6_family = AF_INET6;
	}
	return g;
}

static enum refusal judge_at(const char *peer, int64_t now_ns)
{
	struct candidate g = guest_from(peer);
	enum refusal why = admission_judge(&rig.admission, &g, now_ns);

	/* Of those who are turned away nothing is kept. */
	if (why != REFUSAL_NONE)
		ck_assert(!g.counted);
	return why;
}

static void leave(const char *peer)
{
	struct candidate g = guest_from(peer);

	g.counted = true;
	admission_leave(&rig.admission, &g);
}

/* A rig with one listener and options, name and value in turn, ended by NULL. */
static void begin(const char *const *options)
{
	rig_begin();
	for (; options && *options; options += 2)
		rig_set(options[0], options[1]);
	rig_add_endpoint("127.0.0.1:0", "line");
	rig_build();
}

#define BEGIN(...) begin((const char *const[]){__VA_ARGS__, NULL})

TEST(without_limits_all_come_in_and_nobody_is_counted)
{
	begin(NULL);
	for (int i = 0; i < 10000; i++) {
		struct candidate g = guest_from("192.0.2.1");
		ck_assert_int_eq(admission_judge(&rig.admission, &g, NOW), REFUSAL_NONE);
		ck_assert(!g.counted);
	}
}

static const struct {
	const char *allow;
	const char *deny;
	const char *peer;
	enum refusal why;
} lists[] = {
	{"", "192.0.2.0/24", "192.0.2.1", REFUSAL_DENIED},
	{"", "192.0.2.0/24", "192.0.3.1", REFUSAL_NONE},
	{"192.0.2.0/24", "", "192.0.2.1", REFUSAL_NONE},
	{"192.0.2.0/24", "", "192.0.3.1", REFUSAL_DENIED},
	{"192.0.2.0/24", "", "2001:db8::1", REFUSAL_DENIED},
	/* Whatever allow says. */
	{"192.0.2.0/24", "192.0.2.1", "192.0.2.1", REFUSAL_DENIED},
	{"192.0.2.1", "192.0.2.0/24", "192.0.2.1", REFUSAL_DENIED},
	{"192.0.2.0/24", "192.0.2.1", "192.0.2.2", REFUSAL_NONE},
	/* An IPv4 client of a dual-stack listener. */
	{"", "192.0.2.0/24", "::ffff:192.0.2.1", REFUSAL_DENIED},
	{"192.0.2.0/24", "", "::ffff:192.0.2.1", REFUSAL_NONE},
	{"", "::/0", "::ffff:192.0.2.1", REFUSAL_NONE},
	{"", "2001:db8::/32", "2001:db8:1::1", REFUSAL_DENIED},
};

TEST_ROWS(the_lists_say_who_is_a_stranger, SUITE_COUNT(lists))
{
	BEGIN("limits.allow", lists[_i].allow, "limits.deny", lists[_i].deny);
	ck_assert_int_eq(judge_at(lists[_i].peer, NOW), lists[_i].why);
}

TEST(a_source_has_so_many_places_and_gets_them_back)
{
	BEGIN("limits.per_address", "2");
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_PER_ADDRESS);
	ck_assert_int_eq(judge_at("::ffff:192.0.2.1", NOW), REFUSAL_PER_ADDRESS);
	ck_assert_int_eq(judge_at("192.0.2.2", NOW), REFUSAL_NONE);
	leave("192.0.2.1");
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_PER_ADDRESS);
}

TEST(a_source_has_a_burst_and_then_so_many_a_second)
{
	BEGIN("limits.rate", "4", "limits.burst", "2");
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_RATE);
	ck_assert_int_eq(judge_at("192.0.2.2", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW + NS_PER_S / 4 - 1), REFUSAL_RATE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW + NS_PER_S / 4), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW + NS_PER_S / 4), REFUSAL_RATE);
}

TEST(a_stranger_uses_up_nothing)
{
	BEGIN("limits.rate", "1", "limits.burst", "1", "limits.per_address", "1", "limits.deny",
		"192.0.2.1");
	struct candidate g = guest_from("192.0.2.1");
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_DENIED);
	ck_assert_uint_eq(rig.admission.sources.used, 0);
	/* The lists are those of the listener that it comes to. */
	struct endpoint open = rig.settings->endpoints[0];
	open.denied = open.allowed;
	g.endpoint = &open;
	ck_assert_int_eq(admission_judge(&rig.admission, &g, NOW), REFUSAL_NONE);
	ck_assert(g.counted);
}

TEST(one_who_came_before_there_was_a_limit_leaves_without_a_trace)
{
	begin(NULL);
	struct candidate before = guest_from("192.0.2.1");
	ck_assert_int_eq(admission_judge(&rig.admission, &before, NOW), REFUSAL_NONE);
	/* As a reload would. */
	rig.settings->per_address = 1;
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	admission_leave(&rig.admission, &before);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_PER_ADDRESS);
}

TEST(one_who_came_under_a_limit_is_counted_off_when_there_is_none_any_more)
{
	BEGIN("limits.per_address", "1");
	struct candidate before = guest_from("192.0.2.1");
	ck_assert_int_eq(admission_judge(&rig.admission, &before, NOW), REFUSAL_NONE);
	rig.settings->per_address = 0;
	admission_leave(&rig.admission, &before);
	rig.settings->per_address = 1;
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
}

TEST(more_connections_make_room_for_more_sources)
{
	struct settings more = {.max_connections = 2};

	BEGIN("limits.max_connections", "1", "limits.per_address", "9");
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.2", NOW), REFUSAL_NONE);
	/* A table of live sources only has no room for a new one. */
	ck_assert_int_eq(judge_at("192.0.2.3", NOW), REFUSAL_PER_ADDRESS);
	ck_assert_int_eq(admission_resize(&rig.admission, &more), 0);
	ck_assert_int_eq(judge_at("192.0.2.3", NOW), REFUSAL_NONE);
	ck_assert_int_eq(judge_at("192.0.2.1", NOW), REFUSAL_NONE);
}

/* Turning away. */

static const struct socket_options patient = {
	.receive_timeout_ns = 20 * NS_PER_S, .send_timeout_ns = 20 * NS_PER_S};

static struct refused refused;

/* A client that comes in by the near end of a pair. */
static struct candidate guest_at(const struct pair *p)
{
	struct candidate g = guest_from("192.0.2.1");

	g.fd = p->near;
	return g;
}

static void begin_refusing(const char *service)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_add_endpoint("127.0.0.1:0", service);
	rig_build();
}

static const struct {
	const char *service;
	const char *reply;
	size_t len;
} framings[] = {
	{"line", "error: the server is stopping\n", 30},
	{"frame",
		"\0\0\0\x1d"
		"error: the server is stopping",
		33},
	{"echo", "", 0},
};

TEST_ROWS(it_is_told_in_the_listeners_framing_and_rests, SUITE_COUNT(framings))
{
	begin_refusing(framings[_i].service);
	struct pair p = must_pair(&patient);
	const struct candidate g = guest_at(&p);
	admission_refuse(&rig.admission, &refused, &g, REFUSAL_STOPPING, NOW);
	peer_expects_last(p.far, framings[_i].reply, framings[_i].len);
	ck_assert_int_eq(refused_next(&refused), NOW + REFUSED_REST_NS);
	ck_assert_int_ge(fcntl(p.near, F_GETFD), 0);
	refused_clear(&refused);
	ck_assert(!peer_is_reset_within(p.far, 0));
}

static const enum refusal silent[] = {REFUSAL_DENIED, REFUSAL_SHORTAGE};

TEST_ROWS(a_stranger_and_one_there_is_no_memory_for_are_reset_at_once, SUITE_COUNT(silent))
{
	begin_refusing("line");
	struct pair p = must_pair(&patient);
	const struct candidate g = guest_at(&p);
	admission_refuse(&rig.admission, &refused, &g, silent[_i], NOW);
	ck_assert_int_eq(fcntl(p.near, F_GETFD), -1);
	ck_assert_int_eq(refused_next(&refused), DEADLINE_NEVER);
	ck_assert(peer_is_reset(p.far));
}

/* So many are refused for that reason at that moment. */
static void refuse(enum refusal why, int times, int64_t now_ns)
{
	for (int i = 0; i < times; i++) {
		struct pair p = must_pair(&patient);
		const struct candidate g = guest_at(&p);
		admission_refuse(&rig.admission, &refused, &g, why, now_ns);
		close(p.far);
	}
}

TEST(each_reason_is_told_once_a_second_with_the_number_of_those_untold)
{
	begin_refusing("line");
	refuse(REFUSAL_DENIED, 5, NOW);
	refuse(REFUSAL_FULL, 2, NOW);
	refuse(REFUSAL_DENIED, 3, NOW + NS_PER_S - 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=refused"), 2);
	refuse(REFUSAL_DENIED, 2, NOW + NS_PER_S);
	refuse(REFUSAL_DENIED, 1, NOW + 2 * NS_PER_S);
	refuse(REFUSAL_DENIED, 1, NOW + 9 * NS_PER_S);
	ck_assert_uint_eq(capture_count(STDERR_FILENO,
				  " level=warn event=refused reason=full listener=127.0.0.1:0 "
				  "peer=192.0.2.1:0 untold_before=0\n"),
		1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " reason=denied "), 4);
	static const char *const ends[] = {
		"untold_before=0\n", "untold_before=7\n", "untold_before=1\n"};
	/* Two of reason=denied, the first and the last, and the one above. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, ends[0]), 3);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, ends[1]), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, ends[2]), 1);
}
