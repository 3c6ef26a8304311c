/* SPDX-License-Identifier: ISC */
/*
 * ledger - a small server of line, frame and echo that is right, or wrong in one chosen way, and
 * that keeps a record of what came and what it answered.
 *
 *   ledger RECORD SERVICE [OPTION VALUE]...
 *
 * It listens on a free port of 127.0.0.1, prints "listening PORT", and serves until SIGTERM has
 * come and all connections have ended.  For tests that must know how far things are it prints
 * "accepted COUNT ADDRESS" for each connection and "received COUNT" for every --speak-everyth
 * message.
 *
 * No connection has a thread: a delayed reply waits in a queue.
 */
#include "common/deadline.h"
#include "common/quantity.h"
#include "record.h"
#include "replies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
#define EVENTS_MAX  64

/* So many lines of each kind are printed, so that a test need not read them. */
#define WORDS_MAX 400

/* After SIGTERM the clients have gone: their last bytes and ends are on their way to us. */
#define LAST_EVENTS_NS (2 * NS_PER_S)

/* How often to look for idle connections. */
#define IDLE_LOOK_NS (5 * NS_PER_MS)

struct settings {
	uint64_t service;
	uint64_t way;
	int64_t delay_ns;     /* from a message to its reply */
	int64_t idle_ns;      /* end connections politely that are idle for so long */
	uint64_t hang_after;  /* so many messages of all are answered, and none after them */
	uint64_t end_after;   /* end a connection politely with its reply of this number */
	uint64_t unanswered;  /* every so manyth message of all is not answered */
	uint64_t speak_every; /* messages */
	const char *banner;   /* a line that is said first */
};

struct peer {
	int fd; /* 0: it has ended */
	struct bytes in;
	struct talk talk;
	uint64_t replies;  /* sent on it, */
	uint64_t waiting;  /* and replies that are due later */
	int64_t active_ns; /* when it was last heard, or answered */
	bool ended;        /* our end of stream has gone */
};

/* A reply that is due later.  All wait equally long, so the first in the queue is due first. */
struct pending {
	struct pending *next;
	int64_t due_ns;
	struct peer *peer;
	size_t message;
	size_t len;
	char payload[];
};

struct server {
	struct settings settings;
	struct record *record;
	struct peer peers[RECORD_CONNECTIONS_MAX]; /* by their index in the record */
	struct peer listener;
	struct peer signals;
	struct pending *first;
	struct pending **last;
	int epoll_fd;
	int64_t now_ns;
	int64_t stop_ns; /* when to end at the latest; DEADLINE_NEVER before SIGTERM */
	uint64_t received;
	uint64_t open;
};

/* The end of a program that cannot go on: says why, as perror(3) does. */
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EX_OSERR);
}

static size_t index_of(const struct server *s, const struct peer *p)
{
	return (size_t)(p - s->peers);
}

/* A connection's end. */

static void close_peer(struct server *s, struct peer *p, enum record_end end)
{
	record_ended(s->record, index_of(s, p), end, s->now_ns);
	replies_forget(&p->talk);
	bytes_free(&p->in);
	close(p->fd);
	p->fd = 0;
	s->open--;
}

static void end_politely(struct server *s, struct peer *p)
{
	p->ended = true;
	shutdown(p->fd, SHUT_WR);
	record_ended(s->record, index_of(s, p), RECORD_SERVER_FIN, s->now_ns);
}

/* Send what there is; a client always reads.  The last reply and the end of stream go together, in
 * one segment: a client that has read the one can know of the other. */
static void flush(struct server *s, struct peer *p)
{
	bool ending = s->settings.end_after > 0 && p->replies >= s->settings.end_after && !p->ended;
	struct bytes *out = &p->talk.out;

	while (out->len > 0) {
		ssize_t n =
			send(p->fd, out->data, out->len, MSG_NOSIGNAL | (ending ? MSG_MORE : 0));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close_peer(s, p, RECORD_CLIENT_RESET);
			return;
		}
		bytes_drop(out, (size_t)n);
	}
	if (p->talk.over)
		close_peer(s, p, RECORD_SERVER_CLOSED);
	else if (ending)
		end_politely(s, p);
}

/* Messages. */

static void answer(struct server *s, struct peer *p, size_t message, struct view payload)
{
	const struct settings *o = &s->settings;
	size_t before = p->talk.out.len;

	if (p->ended || p->talk.over || (o->end_after > 0 && p->replies == o->end_after))
		return;
	replies_give((enum way)o->way, (enum service)o->service, &p->talk, payload);
	p->talk.count++;
	p->active_ns = s->now_ns;
	if (p->talk.out.len == before)
		return;
	record_reply(s->record, index_of(s, p), message, deadline_now());
	p->replies++;
}

static void answer_later(struct server *s, struct peer *p, size_t message, struct view payload)
{
	struct pending *w = malloc(sizeof *w + payload.len);

	if (!w)
		abort();
	*w = (struct pending){
		.due_ns = s->now_ns + s->settings.delay_ns,
		.peer = p,
		.message = message,
		.len = payload.len,
	};
	memcpy(w->payload, payload.data, payload.len);
	*s->last = w;
	s->last = &w->next;
	p->waiting++;
}

static void answer_due(struct server *s)
{
	for (struct pending *w = s->first; w && w->due_ns <= s->now_ns; w = s->first) {
		struct peer *p = w->peer;
		p->waiting--;
		if (p->fd > 0) {
			answer(s, p, w->message, (struct view){w->payload, w->len});
			flush(s, p);
		}
		s->first = w->next;
		if (!s->first)
			s->last = &s->first;
		free(w);
	}
}

static bool is_answered(const struct server *s)
{
	const struct settings *o = &s->settings;

	if (o->unanswered > 0 && s->received % o->unanswered == 0)
		return false;
	return o->hang_after == 0 || s->received <= o->hang_after;
}

static void take_message(struct server *s, struct peer *p, struct view payload)
{
	size_t message =
		record_arrival(s->record, index_of(s, p), payload.data, payload.len, s->now_ns);
	uint64_t every = s->settings.speak_every;

	s->received++;
	p->active_ns = s->now_ns;
	if (!is_answered(s))
		p->talk.count++;
	else if (s->settings.delay_ns > 0)
		answer_later(s, p, message, payload);
	else
		answer(s, p, message, payload);
	if (s->received % every == 0 && s->received / every <= WORDS_MAX)
		printf("received %" PRIu64 "\n", s->received);
}

static void take_messages(struct server *s, struct peer *p)
{
	enum service service = (enum service)s->settings.service;
	struct view rest = {p->in.data, p->in.len};
	struct view payload;
	size_t n;

	while (!p->talk.over && (n = replies_split(service, rest, &payload)) > 0) {
		take_message(s, p, payload);
		rest.data += n;
		rest.len -= n;
	}
	bytes_drop(&p->in, p->in.len - rest.len);
}

static void receive(struct server *s, struct peer *p)
{
	static char chunk[CHUNK_BYTES];
	ssize_t n = recv(p->fd, chunk, sizeof chunk, MSG_DONTWAIT);

	s->now_ns = deadline_now();
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		close_peer(s, p, n == 0 ? RECORD_CLIENT_FIN : RECORD_CLIENT_RESET);
		return;
	}
	bytes_append(&p->in, chunk, (size_t)n);
	take_messages(s, p);
	flush(s, p);
}

/* Connections. */

static void watch(const struct server *s, struct peer *p)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};

	must(epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, p->fd, &ev) == 0, "epoll_ctl");
}

static void refuse(struct server *s, int fd, size_t index)
{
	const struct linger at_once = {.l_onoff = 1};
	bool resets = s->settings.way == RESET;

	if (resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
	record_ended(s->record, index, resets ? RECORD_SERVER_RESET : RECORD_SERVER_FIN, s->now_ns);
}

static void welcome(struct server *s, int fd, size_t index)
{
	struct peer *p = &s->peers[index];
	const char *banner = s->settings.banner;
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	*p = (struct peer){.fd = fd, .active_ns = s->now_ns};
	watch(s, p);
	s->open++;
	bytes_append(&p->talk.out, banner, banner ? strlen(banner) : 0);
	bytes_append(&p->talk.out, "\n", banner != NULL);
	flush(s, p);
}

static void accept_all(struct server *s)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	socklen_t len = sizeof from;
	int fd;

	while ((fd = accept4(s->listener.fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC)) >= 0) {
		s->now_ns = deadline_now();
		size_t index = record_accept(s->record, s->now_ns);
		if (index < WORDS_MAX)
			printf("accepted %zu %s\n", index + 1, inet_ntoa(from.sin_addr));
		if (s->settings.way >= RESET)
			refuse(s, fd, index);
		else
			welcome(s, fd, index);
	}
}

/* Time. */

/* End the connections that have been idle for long enough. */
static void sweep_idle(struct server *s)
{
	for (size_t i = 0; i < s->record->connection_count; i++) {
		struct peer *p = &s->peers[i];
		bool idle = p->fd > 0 && p->waiting == 0 && !p->ended;
		if (idle && p->active_ns + s->settings.idle_ns <= s->now_ns)
			end_politely(s, p);
	}
}

/* Rounded up: never early. */
static int wait_ms(struct server *s)
{
	int64_t next_ns = s->stop_ns;

	if (s->settings.idle_ns > 0) {
		sweep_idle(s);
		next_ns = deadline_earlier(next_ns, s->now_ns + IDLE_LOOK_NS);
	}
	if (s->first)
		next_ns = deadline_earlier(next_ns, s->first->due_ns);
	if (next_ns == DEADLINE_NEVER)
		return -1;
	return next_ns > s->now_ns ? (int)((next_ns - s->now_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static bool is_over(struct server *s)
{
	if (s->stop_ns == DEADLINE_NEVER)
		return false;
	accept_all(s);
	return s->open == 0 || s->now_ns >= s->stop_ns;
}

static void serve(struct server *s)
{
	struct epoll_event events[EVENTS_MAX];

	while (!is_over(s)) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, wait_ms(s));
		s->now_ns = deadline_now();
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p == &s->listener)
				accept_all(s);
			else if (p == &s->signals)
				s->stop_ns =
					deadline_earlier(s->stop_ns, s->now_ns + LAST_EVENTS_NS);
			else if (p->fd > 0)
				receive(s, p);
		}
		s->now_ns = deadline_now();
		answer_due(s);
	}
}

/* Setting up. */

static int listen_anywhere(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
	must(listen(fd, 4096) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
	printf("listening %u\n", (unsigned)ntohs(at.sin_port));
	return fd;
}

static void set_up(struct server *s)
{
	struct rlimit limit;
	sigset_t set;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	must(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(s, &s->signals);
	s->last = &s->first;
	s->stop_ns = DEADLINE_NEVER;
	s->now_ns = deadline_now();
	s->listener.fd = listen_anywhere();
	watch(s, &s->listener);
}

/* The command line. */

static bool read_count(const char *text, void *field)
{
	char *end;

	*(uint64_t *)field = strtoull(text, &end, 10);
	return end > text && *end == '\0';
}

static bool read_duration(const char *text, void *field)
{
	return quantity_parse_duration(text, field) == 0;
}

static bool read_text(const char *text, void *field)
{
	*(const char **)field = text;
	return true;
}

static bool read_name(const char *text, const char *const *names, uint64_t *value)
{
	for (*value = 0; names[*value]; (*value)++) {
		if (strcmp(text, names[*value]) == 0)
			return true;
	}
	return false;
}

static bool read_way(const char *text, void *field)
{
	return read_name(text, replies_ways, field);
}

#define FIELD(name) offsetof(struct settings, name)

static bool read_option(struct settings *settings, const char *name, const char *value)
{
	static const struct {
		const char *name;
		bool (*read)(const char *text, void *field);
		size_t field;
	} options[] = {
		{"--mode", read_way, FIELD(way)},
		{"--delay", read_duration, FIELD(delay_ns)},
		{"--idle", read_duration, FIELD(idle_ns)},
		{"--hang-after", read_count, FIELD(hang_after)},
		{"--end-after", read_count, FIELD(end_after)},
		{"--unanswered", read_count, FIELD(unanswered)},
		{"--speak-every", read_count, FIELD(speak_every)},
		{"--banner", read_text, FIELD(banner)},
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(name, options[i].name) == 0)
			return value && options[i].read(value, (char *)settings + options[i].field);
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct server s = {.settings = {.speak_every = 50}};
	bool right = argc > 2 && read_name(argv[2], replies_services, &s.settings.service);

	for (int i = 3; right && i < argc; i += 2)
		right = read_option(&s.settings, argv[i], argv[i + 1]);
	if (!right) {
		fputs("usage: ledger RECORD line|frame|echo [OPTION VALUE]...\n", stderr);
		return EX_USAGE;
	}
	s.record = record_map(argv[1]);
	must(s.record != NULL, argv[1]);
	/* A test that waits for a line must not wait for a full buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up(&s);
	/* What is left at the end goes with the process. */
	serve(&s);
	return EX_OK;
}
