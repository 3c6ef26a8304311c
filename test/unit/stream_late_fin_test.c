/* SPDX-License-Identifier: ISC */
/*
 * Proves stream, one race: the owner has woken the stream and shut its reading side, recv(2) says
 * 0, and only then, before the stream can ask whose end that was, more input and the peer's FIN
 * arrive.
 *
 * recv(2) is wrapped (ld --wrap), and the wrapper sends them once it has returned 0.
 */
#include "common/stream.h"

#include "peer.h"
#include "session.h"
#include "suite.h"

#include <string.h>
#include <sys/socket.h>

static struct session session;
static const char *late;

ssize_t __real_recv(int fd, void *data, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t len, int flags);

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n = __real_recv(fd, data, len, flags);

	if (n == 0 && late && fd == session.pair.near) {
		must_send_text(session.pair.far, late);
		must_half_close(session.pair.far);
		late = NULL;
	}
	return n;
}

static void open_woken(const char *early)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, early);
	session_raise_flag(&session);
	ck_assert(session_wake(&session, GATE_NEW));
}

START_TEST(input_that_came_after_the_wake_is_not_skipped_by_the_fin_behind_it)
{
	struct stream_message line;

	open_woken("whole\npart");
	late = "ly\n";
	ck_assert(stream_read_line(&session.stream, &line));
	ck_assert(stream_write(&session.stream, "reply\n", 6));
	/* "part" was no last line: its sender went on. */
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_ptr_null(late);
	ck_assert_str_eq(stream_end_name(session.stream.end), "drained");
	session_finish(&session);
	/* And nothing is left unread, or close() would have sent RST. */
	peer_expects_last_text(session.pair.far, "reply\n");
	ck_assert(!peer_is_reset_within(session.pair.far, 0));
	session_close(&session);
}
END_TEST

START_TEST(a_fin_alone_is_the_peer_s_end_however_late)
{
	struct stream_message line;

	open_woken("whole\npart");
	late = "";
	ck_assert(stream_read_line(&session.stream, &line));
	ck_assert(stream_read_line(&session.stream, &line));
	ck_assert_ptr_null(late);
	ck_assert_uint_eq(line.len, 4);
	ck_assert_uint_eq(line.end, 0);
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	session_close(&session);
}
END_TEST

int main(void)
{
	const struct suite_test tests[] = {
		{input_that_came_after_the_wake_is_not_skipped_by_the_fin_behind_it, 0},
		{a_fin_alone_is_the_peer_s_end_however_late, 0},
	};

	return suite_run("stream_late_fin", tests, SUITE_COUNT(tests));
}
