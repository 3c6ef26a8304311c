/* SPDX-License-Identifier: ISC */
/* server - the ledger's loop. */
#include "server.h"

#include "common/deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX   65536
#define CHUNK_BYTES ((size_t)256 * 1024)
#define EVENTS_MAX  64

/* So many lines of each kind are printed. */
#define WORDS_MAX 400

/* After SIGTERM the clients have gone: their last bytes and ends are on their way to us. */
#define LAST_EVENTS_NS (2 * NS_PER_S)

struct peer {
	int fd;       /* -1: none */
	size_t index; /* in the record */
	struct bytes in;
	struct talk talk;
	uint64_t replies;  /* sent on it, */
	uint64_t waiting;  /* and replies that are due later */
	int64_t active_ns; /* when it was last heard, or answered */
	bool ending;       /* our end of stream goes with the last of out, */
	bool ended;        /* or has gone */
	bool wants_to_write;
};

/* A reply that is due later.  All wait equally long, so the first in the queue is due first. */
struct pending {
	struct pending *next;
	int64_t due_ns;
	int fd;
	size_t index; /* of its peer: the descriptor may be another's by then */
	size_t message;
	size_t len;
	char payload[];
};

struct server {
	const struct server_settings *settings;
	struct record *record;
	struct peer *peers; /* by descriptor, */
	int peers_end;      /* all of them below this one */
	struct pending *first;
	struct pending **last;
	int listener;
	int epoll_fd;
	int signal_fd;
	int64_t now_ns;
	int64_t first_message_ns;
	int64_t stop_ns; /* when to end at the latest; DEADLINE_NEVER before SIGTERM */
	uint64_t received;
	uint64_t open;
	bool deaf; /* nothing is read any more */
};

void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* A connection's end. */

static void close_peer(struct server *s, struct peer *p, enum record_end end)
{
	record_ended(s->record, p->index, end, s->now_ns);
	answers_forget(&p->talk);
	bytes_free(&p->in);
	close(p->fd);
	p->fd = -1;
	s->open--;
}

static void watch(struct server *s, struct peer *p, bool write)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (write ? EPOLLOUT : 0),
		.data.fd = p->fd,
	};

	if (p->wants_to_write == write)
		return;
	p->wants_to_write = write;
	must(epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, p->fd, &ev) == 0, "epoll_ctl");
}

static void end_politely(struct server *s, struct peer *p)
{
	if (p->ended)
		return;
	p->ended = true;
	shutdown(p->fd, SHUT_WR);
	record_ended(s->record, p->index, RECORD_SERVER_FIN, s->now_ns);
}

/* Send what there is.  The last reply and the end of stream go together, in one segment: a client
 * that has read the one can know of the other.  False if the peer is gone. */
static bool flush(struct server *s, struct peer *p)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (p->ending ? MSG_MORE : 0);
	struct bytes *out = &p->talk.out;

	while (out->len > 0) {
		ssize_t n = send(p->fd, out->data, out->len, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			close_peer(s, p, RECORD_CLIENT_RESET);
			return false;
		}
		bytes_drop(out, (size_t)n);
	}
	watch(s, p, out->len > 0);
	if (out->len == 0 && p->talk.over) {
		close_peer(s, p, RECORD_SERVER_CLOSED);
		return false;
	}
	if (out->len == 0 && p->ending)
		end_politely(s, p);
	return true;
}

/* Messages. */

static void answer(struct server *s, struct peer *p, size_t message, struct view payload)
{
	size_t before = p->talk.out.len;

	if (p->ending || p->ended || p->talk.over)
		return;
	answers_give(s->settings->mode, s->settings->framing, &p->talk, payload);
	p->talk.count++;
	p->active_ns = s->now_ns;
	if (p->talk.out.len == before)
		return;
	record_reply(s->record, p->index, message, deadline_now());
	p->replies++;
	p->ending = s->settings->end_after > 0 && p->replies == s->settings->end_after;
}

static void answer_later(struct server *s, struct peer *p, size_t message, struct view payload)
{
	struct pending *w = malloc(sizeof *w + payload.len);

	must(w != NULL, "malloc");
	*w = (struct pending){
		.due_ns = s->now_ns + s->settings->delay_ns,
		.fd = p->fd,
		.index = p->index,
		.message = message,
		.len = payload.len,
	};
	memcpy(w->payload, payload.data, payload.len);
	*s->last = w;
	s->last = &w->next;
	p->waiting++;
}

static struct pending *take_due(struct server *s)
{
	struct pending *w = s->first;

	if (!w || w->due_ns > s->now_ns)
		return NULL;
	s->first = w->next;
	if (!s->first)
		s->last = &s->first;
	return w;
}

static void answer_due(struct server *s)
{
	struct pending *w;

	while ((w = take_due(s))) {
		struct peer *p = &s->peers[w->fd];
		if (p->fd >= 0 && p->index == w->index) {
			p->waiting--;
			answer(s, p, w->message, (struct view){w->payload, w->len});
			flush(s, p);
		}
		free(w);
	}
}

static bool is_answered(const struct server *s)
{
	const struct server_settings *o = s->settings;

	if (o->unanswered > 0 && s->received % o->unanswered == 0)
		return false;
	if (o->hang_after > 0 && s->received > o->hang_after)
		return false;
	return o->hang_time_ns == 0 || s->now_ns - s->first_message_ns < o->hang_time_ns;
}

static void speak(const struct server *s)
{
	uint64_t every = s->settings->speak_every;

	if (s->received % every == 0 && s->received / every <= WORDS_MAX)
		printf("received %" PRIu64 "\n", s->received);
}

static void take_message(struct server *s, struct peer *p, struct view payload)
{
	size_t message = record_arrival(s->record, p->index, payload.data, payload.len, s->now_ns);

	if (s->received++ == 0)
		s->first_message_ns = s->now_ns;
	p->active_ns = s->now_ns;
	if (!is_answered(s))
		p->talk.count++;
	else if (s->settings->delay_ns > 0)
		answer_later(s, p, message, payload);
	else
		answer(s, p, message, payload);
	speak(s);
}

static void take_messages(struct server *s, struct peer *p)
{
	struct view rest = {p->in.data, p->in.len};
	struct view payload;
	size_t n;

	while (!p->talk.over && (n = framing_split(s->settings->framing, rest, &payload)) > 0) {
		take_message(s, p, payload);
		rest.data += n;
		rest.len -= n;
	}
	bytes_drop(&p->in, p->in.len - rest.len);
}

/* From now on what clients send stays with the kernel, until it has no room either. */
static void grow_deaf(struct server *s)
{
	s->deaf = true;
	for (int fd = 0; fd < s->peers_end; fd++) {
		if (s->peers[fd].fd >= 0)
			epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	}
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
	if (flush(s, p) && s->settings->read_at_most > 0 &&
		s->received >= s->settings->read_at_most && !s->deaf)
		grow_deaf(s);
}

/* Connections. */

static void refuse(struct server *s, int fd, size_t index)
{
	const struct linger at_once = {.l_onoff = 1};
	bool resets = s->settings->mode == ANSWERS_RESET;

	if (resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
	record_ended(s->record, index, resets ? RECORD_SERVER_RESET : RECORD_SERVER_FIN, s->now_ns);
}

static void welcome(struct server *s, int fd, size_t index)
{
	struct peer *p = &s->peers[fd];
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	must(epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
	*p = (struct peer){.fd = fd, .index = index, .active_ns = s->now_ns};
	s->peers_end = fd < s->peers_end ? s->peers_end : fd + 1;
	s->open++;
	if (!s->settings->banner)
		return;
	bytes_append(&p->talk.out, s->settings->banner, strlen(s->settings->banner));
	bytes_append(&p->talk.out, "\n", 1);
	flush(s, p);
}

static bool accept_one(struct server *s)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	socklen_t len = sizeof from;
	int fd = accept4(s->listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	must(fd < PEERS_MAX, "too many peers");
	s->now_ns = deadline_now();
	size_t index = record_accept(s->record, s->now_ns);
	if (index < WORDS_MAX)
		printf("accepted %zu %s\n", index + 1, inet_ntoa(from.sin_addr));
	if (s->settings->mode >= ANSWERS_RESET)
		refuse(s, fd, index);
	else
		welcome(s, fd, index);
	return true;
}

static void accept_all(struct server *s)
{
	while (!s->settings->accepts_nothing && accept_one(s))
		;
}

/* Time. */

static bool is_idle(const struct peer *p)
{
	return p->fd >= 0 && p->waiting == 0 && p->talk.out.len == 0 && !p->ended;
}

/* End the connections that have been idle for long enough; returns when the next one may be. */
static int64_t sweep_idle(struct server *s)
{
	int64_t next_ns = DEADLINE_NEVER;

	for (int fd = 0; s->settings->idle_ns > 0 && fd < s->peers_end; fd++) {
		struct peer *p = &s->peers[fd];
		int64_t due_ns = p->active_ns + s->settings->idle_ns;
		if (!is_idle(p))
			continue;
		if (due_ns <= s->now_ns)
			end_politely(s, p);
		else
			next_ns = deadline_earlier(next_ns, due_ns);
	}
	return next_ns;
}

static int wait_ms(const struct server *s, int64_t next_ns)
{
	next_ns = deadline_earlier(next_ns, s->stop_ns);
	if (s->first)
		next_ns = deadline_earlier(next_ns, s->first->due_ns);
	if (next_ns == DEADLINE_NEVER)
		return -1;
	/* Rounded up: never early. */
	return next_ns > s->now_ns ? (int)((next_ns - s->now_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static bool is_over(struct server *s)
{
	if (s->stop_ns == DEADLINE_NEVER)
		return false;
	accept_all(s);
	return s->open == 0 || s->deaf || s->now_ns >= s->stop_ns;
}

/* The loop. */

static void handle(struct server *s, const struct epoll_event *ev)
{
	struct peer *p = &s->peers[ev->data.fd];
	struct signalfd_siginfo info;

	if (ev->data.fd == s->listener) {
		accept_all(s);
	} else if (ev->data.fd == s->signal_fd) {
		if (read(s->signal_fd, &info, sizeof info) == sizeof info)
			s->stop_ns = s->now_ns + LAST_EVENTS_NS;
	} else if (p->fd >= 0) {
		if ((ev->events & EPOLLOUT) && !flush(s, p))
			return;
		if (ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			receive(s, p);
	}
}

static void loop(struct server *s)
{
	struct epoll_event events[EVENTS_MAX];

	while (!is_over(s)) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, wait_ms(s, sweep_idle(s)));
		s->now_ns = deadline_now();
		for (int i = 0; i < n; i++)
			handle(s, &events[i]);
		s->now_ns = deadline_now();
		answer_due(s);
	}
}

static void watch_for_reading(const struct server *s, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	must(epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
}

static int listen_anywhere(int backlog)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
	must(listen(fd, backlog) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
	printf("listening %u\n", (unsigned)ntohs(at.sin_port));
	return fd;
}

static int open_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	must(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	must(fd >= 0, "signalfd");
	return fd;
}

static void set_up(struct server *s)
{
	s->last = &s->first;
	s->peers = calloc(PEERS_MAX, sizeof *s->peers);
	must(s->peers != NULL, "calloc");
	for (int fd = 0; fd < PEERS_MAX; fd++)
		s->peers[fd].fd = -1;
	s->signal_fd = open_signal();
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	must(s->epoll_fd >= 0, "epoll_create1");
	watch_for_reading(s, s->signal_fd);
	s->now_ns = deadline_now();
	s->listener = listen_anywhere((int)s->settings->backlog);
	if (!s->settings->accepts_nothing)
		watch_for_reading(s, s->listener);
}

/* What is left at the end goes with the process. */
void server_run(const struct server_settings *settings, struct record *record)
{
	static struct server s;

	s = (struct server){.settings = settings, .record = record, .stop_ns = DEADLINE_NEVER};
	set_up(&s);
	loop(&s);
}
