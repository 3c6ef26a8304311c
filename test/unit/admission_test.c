/* SPDX-License-Identifier: ISC */
/* Proves admission: which clients may come in, and how another is refused. */
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
#include <stdio.h>
#include <unistd.h>

#define NOW NS_PER_S

static struct refused refused;

/* Judging. */

static struct candidate candidate_from(const char *peer)
{
	struct candidate c = {.fd = -1, .endpoint = &rig.settings->endpoints[0]};

	if (inet_pton(AF_INET, peer, &c.peer.in4.sin_addr) == 1) {
		c.peer.in4.sin_family = AF_INET;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, peer, &c.peer.in6.sin6_addr), 1);
		c.peer.in6.sin6_family = AF_INET6;
	}
	return c;
}

static enum refusal judge(const char *peer)
{
	struct candidate c = candidate_from(peer);
	enum refusal why = admission_judge(&rig.admission, &c, NOW);

	/* A refused client is not counted. */
	if (why != REFUSAL_NONE)
		ck_assert(!c.counted);
	return why;
}

/* A rig with one listener and options, name and value in turn. */
static void begin(const char *service, const char *const *options)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	for (; *options; options += 2)
		rig_set(options[0], options[1]);
	rig_add_endpoint("127.0.0.1:0", service);
	rig_build();
}

#define BEGIN(...) begin("line", (const char *const[]){__VA_ARGS__})

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

TEST_ROWS(the_lists_say_which_address_is_denied, SUITE_COUNT(lists))
{
	BEGIN("limits.allow", lists[_i].allow, "limits.deny", lists[_i].deny, NULL);
	ck_assert_int_eq(judge(lists[_i].peer), lists[_i].why);
	/* Without a limit on sources none is counted. */
	ck_assert_uint_eq(rig.admission.sources.used, 0);
}

TEST(each_limit_on_a_source_has_its_reason_and_a_denied_address_spends_nothing)
{
	BEGIN("limits.per_address", "2", "limits.rate", "1", "limits.burst", "3", "limits.deny",
		"192.0.2.9", NULL);
	ck_assert_int_eq(judge("192.0.2.9"), REFUSAL_DENIED);
	ck_assert_uint_eq(rig.admission.sources.used, 0);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_PER_ADDRESS);
	struct candidate admitted = candidate_from("192.0.2.1");
	admitted.counted = true;
	admission_leave(&rig.admission, &admitted);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
	admission_leave(&rig.admission, &admitted);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_RATE);
}

/* As reloads would change it: a client leaves as it came, counted or not. */
TEST_ROWS(a_limit_that_comes_or_goes_leaves_the_counts_right, 2)
{
	BEGIN(NULL);
	struct candidate before = candidate_from("192.0.2.1");
	rig.settings->per_address = _i;
	ck_assert_int_eq(admission_judge(&rig.admission, &before, NOW), REFUSAL_NONE);
	ck_assert_int_eq(before.counted, _i);
	rig.settings->per_address = 1 - _i;
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
	admission_leave(&rig.admission, &before);
	rig.settings->per_address = 1;
	ck_assert_int_eq(judge("192.0.2.1"), _i ? REFUSAL_NONE : REFUSAL_PER_ADDRESS);
}

TEST(more_connections_make_room_for_more_sources)
{
	BEGIN("limits.max_connections", "1", "limits.per_address", "9", NULL);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
	ck_assert_int_eq(judge("192.0.2.2"), REFUSAL_NONE);
	/* A table of live sources only has no room for a new one. */
	ck_assert_int_eq(judge("192.0.2.3"), REFUSAL_PER_ADDRESS);
	ck_assert_int_eq(
		admission_resize(&rig.admission, &(const struct settings){.max_connections = 2}),
		0);
	ck_assert_int_eq(judge("192.0.2.3"), REFUSAL_NONE);
	ck_assert_int_eq(judge("192.0.2.1"), REFUSAL_NONE);
}

/* Refusing. */

/* A client with a socket is refused.  Returns the pair; its near end may be closed already. */
static struct pair refuse(enum refusal why, int64_t now_ns)
{
	static const struct socket_options patient = {
		.receive_timeout_ns = 20 * NS_PER_S, .send_timeout_ns = 20 * NS_PER_S};
	struct pair p = must_pair(&patient);
	struct candidate c = candidate_from("192.0.2.1");

	c.fd = p.near;
	admission_refuse(&rig.admission, &refused, &c, why, now_ns);
	return p;
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

TEST_ROWS(the_reason_is_sent_in_the_listeners_framing_and_the_socket_rests, SUITE_COUNT(framings))
{
	begin(framings[_i].service, (const char *const[]){NULL});
	struct pair p = refuse(REFUSAL_STOPPING, NOW);
	peer_expects_last(p.far, framings[_i].reply, framings[_i].len);
	ck_assert_int_eq(refused_next(&refused), NOW + REFUSED_REST_NS);
	ck_assert_int_ge(fcntl(p.near, F_GETFD), 0);
	refused_clear(&refused);
	ck_assert(!peer_is_reset_within(p.far, 0));
}

TEST_ROWS(a_reason_that_is_not_told_is_a_reset, 2)
{
	BEGIN(NULL);
	struct pair p = refuse(_i ? REFUSAL_DENIED : REFUSAL_SHORTAGE, NOW);
	ck_assert_int_eq(fcntl(p.near, F_GETFD), -1);
	ck_assert_int_eq(refused_next(&refused), DEADLINE_NEVER);
	ck_assert(peer_is_reset(p.far));
}

static const struct {
	enum refusal why;
	int64_t now_ns;
	int times;
	int untold; /* -1: not logged */
} refusals[] = {
	{REFUSAL_DENIED, NOW, 1, 0},
	{REFUSAL_DENIED, NOW, 4, -1},
	{REFUSAL_FULL, NOW, 1, 0},
	{REFUSAL_DENIED, 2 * NOW - 1, 3, -1},
	{REFUSAL_DENIED, 2 * NOW, 1, 7},
	{REFUSAL_DENIED, 2 * NOW, 1, -1},
	{REFUSAL_DENIED, 3 * NOW, 1, 1},
	{REFUSAL_DENIED, 9 * NOW, 1, 0},
};

TEST(each_reason_is_logged_once_a_second_with_the_number_of_those_in_between)
{
	char line[160];

	BEGIN(NULL);
	for (size_t i = 0; i < SUITE_COUNT(refusals); i++) {
		capture_begin(STDERR_FILENO);
		for (int j = 0; j < refusals[i].times; j++)
			close(refuse(refusals[i].why, refusals[i].now_ns).far);
		snprintf(line, sizeof line,
			" level=warn event=refused reason=%s listener=127.0.0.1:0 peer=192.0.2.1:0"
			" untold_before=%d\n",
			refusal_name(refusals[i].why), refusals[i].untold);
		ck_assert_uint_eq(capture_count(STDERR_FILENO, line), refusals[i].untold >= 0);
		ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), refusals[i].untold >= 0);
	}
}
