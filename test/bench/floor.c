/* SPDX-License-Identifier: ISC */
/*
 * floor - the least program of bobbind's architecture: accept, a detached thread with a small stack,
 * recv, send all.  It has no limits, deadlines, records or stop: a server that blocks in a thread a
 * connection is not faster than this, and what it is slower is the price of what it has more.
 *
 *	floor raw|line|frame [BUFFER_BYTES]
 *
 * Prints "address=127.0.0.1:PORT" when it listens.  Lines and frames must fit in the buffer.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES 65536
#define SMALL_BYTES 8192
#define PREFIX      "echo: "

/* Of what is in a buffer, the bytes that are whole messages; their replies go to out, if there is one. */
typedef size_t take_whole(const char *in, size_t len, char *out, size_t *out_len);

static size_t buffer_bytes = SMALL_BYTES; /* [const] before the first thread */
static take_whole *take;                  /* [const] NULL: all bytes go back at once */
static size_t out_bytes;                  /* [const] 0: the replies are the messages */

/* What each thread is given; pages of it that are never touched cost nothing. */
#define DESCRIPTORS_MAX (1 << 20)
static int numbers[DESCRIPTORS_MAX];

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static size_t take_lines(const char *in, size_t len, char *out, size_t *out_len)
{
	const char *from = in;
	const char *newline;

	while ((newline = memchr(from, '\n', len - (size_t)(from - in)))) {
		size_t line = (size_t)(newline + 1 - from);
		memcpy(out + *out_len, PREFIX, sizeof PREFIX - 1);
		memcpy(out + *out_len + sizeof PREFIX - 1, from, line);
		*out_len += sizeof PREFIX - 1 + line;
		from = newline + 1;
	}
	return (size_t)(from - in);
}

static size_t take_frames(const char *in, size_t len, char *out, size_t *out_len)
{
	size_t whole = 0;
	uint32_t body;

	(void)out;
	while (len - whole >= sizeof body) {
		memcpy(&body, in + whole, sizeof body);
		size_t frame = sizeof body + ntohl(body);
		if (len - whole < frame)
			break;
		whole += frame;
	}
	*out_len = whole;
	return whole;
}

static void converse(int fd, char *in, char *out)
{
	size_t held = 0;
	ssize_t n;

	while (held < buffer_bytes && (n = recv(fd, in + held, buffer_bytes - held, 0)) > 0) {
		held += (size_t)n;
		size_t replies = take ? 0 : held;
		size_t taken = take ? take(in, held, out, &replies) : held;
		if (replies > 0 && !send_all(fd, out_bytes ? out : in, replies))
			return;
		held -= taken;
		if (held > 0 && taken > 0)
			memmove(in, in + taken, held);
	}
}

static void *serve(void *arg)
{
	int fd = *(int *)arg;
	char in[SMALL_BYTES];
	/* Lines of one byte, each with its prefix, are the worst. */
	char out[SMALL_BYTES / 2 * sizeof PREFIX];

	if (buffer_bytes <= sizeof in) {
		converse(fd, in, out);
	} else {
		char *memory = malloc(buffer_bytes + out_bytes);
		if (memory)
			converse(fd, memory, memory + buffer_bytes);
		free(memory);
	}
	close(fd);
	return NULL;
}

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int start_listening(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
		bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		fail("listen");
	printf("address=127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void read_arguments(int argc, char **argv)
{
	const char *service = argc > 1 ? argv[1] : "";

	if (argc > 2)
		buffer_bytes = strtoull(argv[2], NULL, 10);
	if (strcmp(service, "line") == 0) {
		take = take_lines;
		out_bytes = buffer_bytes / 2 * sizeof PREFIX;
	} else if (strcmp(service, "frame") == 0) {
		take = take_frames;
	} else if (strcmp(service, "raw") != 0) {
		fputs("floor raw|line|frame [BUFFER_BYTES]\n", stderr);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;
	int fd;

	read_arguments(argc, argv);
	int listener = start_listening();
	if (pthread_attr_init(&attr) != 0 ||
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0 ||
		pthread_attr_setstacksize(&attr, STACK_BYTES) != 0)
		fail("threads");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fd >= DESCRIPTORS_MAX)
			fail("descriptors");
		numbers[fd] = fd;
		if (pthread_create(&thread, &attr, serve, &numbers[fd]) != 0)
			fail("pthread_create");
	}
	fail("accept");
}
