/* SPDX-License-Identifier: ISC */
/* rate - how often a source may connect, and how often the log tells of those that may not. */
#include "test/client.h"
#include "test/mode.h"
#include "test/server.h"
#include "test/suite.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOO_MANY "error: too many connections from your address\n"
#define TOO_FAST "error: too many new connections from your address, try again later\n"
#define FULL     "error: too many connections, try again later\n"

/* One more client.  True: it is served.  False: it is told that it was too fast. */
static bool is_served(const struct server *s, const char *source)
{
	static const char echo[] = "echo: hello\n";
	int fd = must_dial(s, source);
	char first[2];

	/* It may have been told already, and closed. */
	(void)send(fd, "hello\n", 6, MSG_NOSIGNAL);
	ck_assert_int_eq(recv(fd, first, 2, MSG_PEEK | MSG_WAITALL), 2);
	bool served = memcmp(first, echo, 2) == 0;
	must(served ? client_expect(fd, echo, strlen(echo))
		    : client_expect(fd, TOO_FAST, strlen(TOO_FAST)));
	close(fd);
	return served;
}

static void must_be_told(const struct server *s, const char *source, const char *text)
{
	int fd = must_dial(s, source);

	must(client_expect(fd, text, strlen(text)));
	must(client_expect_end(fd));
	close(fd);
}

static void must_be_denied(const struct server *s, const char *source)
{
	int fd = client_dial(&s->addresses[0], source, 0);

	if (fd >= 0) {
		must(client_expect_reset(fd));
		close(fd);
	}
}

static void await_counter(struct server *s, const char *key, int64_t value)
{
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);

	while (server_counter(s, key) != value)
		ck_assert_int_lt(deadline_now(), deadline);
}

TEST_TIMED(a_burst_is_served_and_then_so_many_a_second)
{
	enum {
		RATE = 10,
		BURST = 3
	};
	struct server s;
	int served = 0;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-o", "limits.rate=10", "-o", "limits.burst=3");
	int64_t began = deadline_now();
	for (int i = 0; i < 20; i++)
		served += is_served(&s, "127.0.0.1");
	/* However long that took. */
	ck_assert_int_ge(served, BURST);
	ck_assert_int_le(served, BURST + (deadline_now() - began) * RATE / NS_PER_S);
	/* Others have a burst of their own. */
	for (int i = 0; i < BURST; i++)
		ck_assert(is_served(&s, "127.0.0.2"));
	began = deadline_now();
	while (!is_served(&s, "127.0.0.1"))
		ck_assert_int_lt(deadline_now() - began, PROCESS_PATIENCE_NS);
	mode_check_most(deadline_now() - began, NS_PER_S / RATE + 20 * NS_PER_MS);
	ck_assert_int_gt(server_counter(&s, "refused_rate"), 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_bound_on_the_rate_of_one_address_holds_at_once_after_a_reload)
{
	static const char lines[] = "listeners = ( { address = \"127.0.0.1:0\"; } );\n";
	char text[256];
	struct server s;

	scratch_write("conf", lines);
	SERVER_START(&s, "-c", "conf");
	ck_assert(is_served(&s, NULL));
	snprintf(text, sizeof text, "%slimits: { rate = 1; burst = 1; };\n", lines);
	scratch_write("conf", text);
	server_signal(&s, SIGHUP);
	free(server_next(&s, "event=reloaded"));
	/* On a machine that is slow enough some more get in. */
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	while (is_served(&s, NULL))
		ck_assert_int_lt(deadline_now(), deadline);
	scratch_write("conf", lines);
	server_signal(&s, SIGHUP);
	free(server_next(&s, "event=reloaded"));
	for (int i = 0; i < 20; i++)
		ck_assert(is_served(&s, NULL));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(every_refusal_is_counted_by_its_reason)
{
	static const char *const reasons[] = {
		"refused_denied", "refused_rate", "refused_per_address", "refused_full"};
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-o", "limits.max_connections=2", "-o",
		"limits.policy=refuse", "-o", "limits.per_address=1", "-o", "limits.rate=1", "-o",
		"limits.burst=1", "-o", "limits.deny=127.0.0.9");
	must_be_denied(&s, "127.0.0.9");
	int first = must_dial(&s, "127.0.0.1");
	must_talk(first);
	must_be_told(&s, "127.0.0.1", TOO_MANY);
	int second = must_dial(&s, "127.0.0.2");
	must_talk(second);
	must_be_told(&s, "127.0.0.3", FULL);
	close(second);
	await_counter(&s, "ended", 1);
	/* One after the other, until they come too fast. */
	for (int ended = 2; is_served(&s, "127.0.0.4"); ended++)
		await_counter(&s, "ended", ended);
	for (size_t i = 0; i < SUITE_COUNT(reasons); i++)
		ck_assert_int_eq(server_counter(&s, reasons[i]), 1);
	ck_assert_int_eq(server_counter(&s, "refused"), 4);
	close(first);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(each_reason_is_told_once_a_second_with_the_number_of_those_untold)
{
	static const char *const denials[] = {"event=refused", "reason=denied", NULL};
	static const char *const others[] = {"event=refused", "reason=per_address", NULL};
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-o", "limits.deny=127.0.0.2", "-o",
		"limits.per_address=1");
	int held = must_dial(&s, "127.0.0.1");
	must_talk(held);
	int64_t began = deadline_now();
	int64_t denied = 0;
	/* Until the second line; after each client the counters, so that its line has come. */
	do {
		must_be_denied(&s, "127.0.0.2");
		if (++denied == 1)
			must_be_told(&s, "127.0.0.1", TOO_MANY);
		ck_assert_int_eq(server_counter(&s, "refused_denied"), denied);
		ck_assert_int_lt(deadline_now() - began, PROCESS_PATIENCE_NS);
		/* Some a second are enough. */
		poll(NULL, 0, 5);
	} while (server_count(&s, denials) < 2);
	ck_assert_int_ge(deadline_now() - began, NS_PER_S);
	/* The other reason has a second of its own. */
	ck_assert_uint_eq(server_count(&s, others), 1);
	free(server_next(&s, "reason=denied"));
	char *line = server_next(&s, "reason=denied");
	ck_assert_int_eq(server_number(line, "untold_before"), denied - 2);
	ck_assert(server_line_has(line, "listener=127.0.0.1:0"));
	ck_assert(server_line_has(line, "peer=127.0.0.2:*"));
	free(line);
	close(held);
	ck_assert_int_eq(server_stop(&s), 0);
}
