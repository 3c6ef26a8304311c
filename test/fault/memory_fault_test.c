/* SPDX-License-Identifier: ISC */
/* Proves stream and worker: memory that is not to be had costs one connection, with an error reply.
 */
#include "acceptors.h"

#include "capture.h"
#include "common/stream.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/service.h"
#include "test/suite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* So many more calls succeed; negative: all. */
static atomic_int mmaps_granted = -1;

/* mmap() by the name that it has where off_t was asked to have 64 bits. */
void *__real_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);

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

#define LINE_BYTES 3000
#define LONG_BYTES 20000

static char big[LONG_BYTES + 1];

static void begin(const char *service)
{
	memset(big, 'x', LONG_BYTES);
	acceptors_begin(1);
	rig.settings->endpoints[0].terms.max_line = 1 << 20;
	rig.settings->endpoints[0].service = service_find(service);
	rig.settings->endpoints[0].terms.framing = service_find(service)->framing;
	acceptors_open();
	acceptors_start();
}

static void end(uint64_t ended_without_memory)
{
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_NO_MEMORY)), ended_without_memory);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " end=no_memory "), ended_without_memory);
	acceptors_stop();
	rig_check_sum();
}

static void must_send_line(int fd, size_t len)
{
	big[len] = '\n';
	must_send(fd, big, len + 1);
	big[len] = 'x';
}

TEST(a_line_without_memory_for_it_gets_the_error_reply_and_fin)
{
	begin("line");
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_send_line(fd, LINE_BYTES);
	must_half_close(fd);
	peer_expects_last_text(fd, "error: out of memory\n");
	end(1);
}

TEST(a_frame_without_memory_for_it_gets_the_error_reply_as_a_frame)
{
	begin("frame");
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_send_frame(fd, big, LINE_BYTES);
	must_half_close(fd);
	peer_expects_last(fd,
		"\0\0\0\x14"
		"error: out of memory",
		24);
	end(1);
}

TEST(a_line_that_outgrows_its_memory_gets_the_error_reply_too)
{
	begin("line");
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 1);
	must_send_line(fd, LONG_BYTES);
	must_half_close(fd);
	peer_expects_last_text(fd, "error: out of memory\n");
	end(1);
}

TEST(what_was_answered_before_arrives_before_the_error_reply)
{
	begin("line");
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_send_text(fd, "one\n");
	must_send_line(fd, LINE_BYTES);
	must_half_close(fd);
	peer_expects_last_text(fd, "echo: one\nerror: out of memory\n");
	end(1);
}

TEST(the_other_connections_go_on_and_the_next_is_served)
{
	begin("line");
	int other = acceptors_dial(0);
	must_send_text(other, "one\n");
	peer_expects(other, "echo: one\n");
	atomic_store(&mmaps_granted, 0);
	int fd = acceptors_dial(0);
	must_send_line(fd, LINE_BYTES);
	must_half_close(fd);
	peer_expects_last_text(fd, "error: out of memory\n");
	must_send_text(other, "two\n");
	must_half_close(other);
	peer_expects_last_text(other, "echo: two\n");
	/* Short messages need none. */
	acceptors_check_serves(0);
	atomic_store(&mmaps_granted, -1);
	fd = acceptors_dial(0);
	must_send_line(fd, LINE_BYTES);
	peer_expects(fd, "echo: ");
	close(fd);
	end(1);
}

/* The larger buffer is for speed alone. */
TEST(bulk_goes_on_in_small_steps)
{
	char back[LONG_BYTES];

	begin("echo");
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_exchange(fd, big, back, LONG_BYTES);
	ck_assert_mem_eq(big, back, LONG_BYTES);
	close(fd);
	end(0);
}

TEST(many_short_lines_go_on_in_small_steps)
{
	char lines[LONG_BYTES];

	begin("line");
	rig.settings->endpoints[0].prefix[0] = '\0';
	for (int i = 0; i < LONG_BYTES; i++)
		lines[i] = i % 10 == 9 ? '\n' : 'x';
	int fd = acceptors_dial(0);
	atomic_store(&mmaps_granted, 0);
	must_exchange(fd, lines, big, LONG_BYTES);
	ck_assert_mem_eq(big, lines, LONG_BYTES);
	close(fd);
	end(0);
}
