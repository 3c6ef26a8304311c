/* SPDX-License-Identifier: ISC */
/*
 * bare - the least client of a closed loop: epoll, one thread, a message in flight on each
 * connection.  It counts bytes and replies and looks at neither contents nor latencies: what
 * bobbin-load is slower was paid for those.
 *
 *	bare echo|line PORT CONNECTIONS BYTES RAMP_MS RUN_MS
 *
 * Prints one line of JSON with the names that bobbin-load uses.  Exit status 1, and no result, if
 * anything is not as it should be.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS       256
#define BUFFER_BYTES 65536
#define SILENCE_MS   5000
#define PREFIX_BYTES 6 /* "echo: " */
#define NS_PER_MS    INT64_C(1000000)

struct connection {
	int fd;
	size_t received; /* of the reply that is due */
};

static struct connection *connections;
static size_t count;
static int epoll_fd;

static char request[BUFFER_BYTES];
static size_t request_len;
static size_t reply_len;

static uint64_t replies;
static bool ending; /* no further message is sent */
static size_t waiting;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerrordesc_np(errno));
	exit(EXIT_FAILURE);
}

static void fail_without_error(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(EXIT_FAILURE);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static void ask(struct connection *c)
{
	c->received = 0;
	if (send(c->fd, request, request_len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)request_len)
		fail("send");
}

static void take(struct connection *c)
{
	static char buffer[BUFFER_BYTES];
	ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		fail("recv");
	if (n == 0)
		fail_without_error("the server has closed a connection");
	c->received += (size_t)n;
	if (c->received > reply_len)
		fail_without_error("there was more than the reply");
	if (c->received < reply_len)
		return;
	replies++;
	if (ending)
		waiting--;
	else
		ask(c);
}

static void wait_once(void)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, SILENCE_MS);

	if (n < 0)
		fail("epoll_wait");
	if (n == 0)
		fail_without_error("a reply did not come");
	for (int i = 0; i < n; i++)
		take(events[i].data.ptr);
}

/* Returns when it was. */
static int64_t run_until(int64_t end_ns)
{
	int64_t now;

	while ((now = clock_ns(CLOCK_MONOTONIC)) < end_ns)
		wait_once();
	return now;
}

static void dial(struct connection *c, in_port_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
		connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		fail("connect");
}

static void compose(const char *service, size_t bytes)
{
	bool line = strcmp(service, "line") == 0;

	if (bytes == 0 || bytes >= sizeof request || (!line && strcmp(service, "echo") != 0))
		fail_without_error("bare echo|line PORT CONNECTIONS BYTES RAMP_MS RUN_MS");
	memset(request, 'x', bytes);
	request[bytes] = '\n';
	request_len = bytes + line;
	reply_len = request_len + (line ? PREFIX_BYTES : 0);
}

static void tell(uint64_t measured, int64_t opening_ns, int64_t measured_ns, int64_t cpu_ns)
{
	printf("{\"reached\": true, \"interrupted\": false, \"failures\": [], "
	       "\"opening_ns\": %" PRId64 ", \"measured_ns\": %" PRId64
	       ", \"connections_opened\": %zu, \"messages\": {\"mismatched\": 0, \"lost\": 0, "
	       "\"cut_off\": 0, \"measured\": %" PRIu64
	       "}, \"throughput\": {\"replies_per_s\": %.1f}, \"client\": "
	       "{\"schedule_kept\": true, \"was_the_limit\": false, \"cpu_ns_per_message\": %.1f}}\n",
		opening_ns, measured_ns, count, measured,
		(double)measured * 1e9 / (double)measured_ns, (double)cpu_ns / (double)measured);
}

int main(int argc, char **argv)
{
	if (argc != 7)
		fail_without_error("bare echo|line PORT CONNECTIONS BYTES RAMP_MS RUN_MS");
	compose(argv[1], strtoull(argv[4], NULL, 10));
	count = strtoull(argv[3], NULL, 10);
	connections = calloc(count, sizeof *connections);
	epoll_fd = epoll_create1(0);
	if (!connections || epoll_fd < 0)
		fail("start");

	int64_t began = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < count; i++)
		dial(&connections[i], (in_port_t)strtoul(argv[2], NULL, 10));
	int64_t opened = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < count; i++)
		ask(&connections[i]);
	int64_t from = run_until(opened + strtoll(argv[5], NULL, 10) * NS_PER_MS);
	uint64_t before = replies;
	int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int64_t to = run_until(from + strtoll(argv[6], NULL, 10) * NS_PER_MS);
	uint64_t measured = replies - before;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;

	/* One is in flight on each, and the server is to see an orderly end. */
	ending = true;
	waiting = count;
	while (waiting > 0)
		wait_once();
	for (size_t i = 0; i < count; i++)
		close(connections[i].fd);
	free(connections);
	tell(measured, opened - began, to - from, cpu);
	return EXIT_SUCCESS;
}
