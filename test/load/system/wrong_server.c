/* SPDX-License-Identifier: ISC */
/*
 * wrong_server - a small server of line, frame and echo that is right, or wrong in one chosen way.
 *
 *   wrong_server SERVICE MODE [BYTES]
 *
 * It listens on a free port of 127.0.0.1 and prints "listening PORT"; then, for tests that must
 * know how far things are, "accepted ADDRESS" for its first connections and "received N" for every
 * 50th of its first messages.  Its faults are at message FAULTY of every connection.  BYTES is the
 * size of a message of echo, which has no framing.  One thread; it ends when it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAULTY       5
#define SPOKEN_LINES 40
#define PEERS_MAX    65536
#define CHUNK_BYTES  ((size_t)256 * 1024)

struct text {
	char *data;
	size_t len;
};

struct peer {
	int fd;
	unsigned count;   /* messages so far */
	struct text in;   /* the beginning of the next message */
	struct text kept; /* a message that is answered later */
	bool over;        /* to be closed */
};

enum service {
	LINE,
	FRAME,
	ECHO
};

static struct peer peers[PEERS_MAX]; /* by descriptor */

struct server {
	enum service service;
	size_t echo_bytes;
	void (*answer)(struct server *s, struct peer *p, struct text message);
	struct text out;        /* replies of one batch */
	struct peer *last_peer; /* who sent the newest message of all, */
	struct text last;       /* and that message */
	unsigned received;
	unsigned accepted;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void append(struct text *t, const void *data, size_t len)
{
	if (len == 0)
		return;
	t->data = realloc(t->data, t->len + len);
	must(t->data != NULL, "realloc");
	memcpy(t->data + t->len, data, len);
	t->len += len;
}

static void clear(struct text *t)
{
	free(t->data);
	*t = (struct text){NULL, 0};
}

static struct text copy(struct text t)
{
	struct text c = {NULL, 0};

	append(&c, t.data, t.len);
	return c;
}

/* A reply: message is a payload without its framing. */
static void reply(struct server *s, struct text message)
{
	uint32_t len = htonl((uint32_t)message.len);

	if (s->service == LINE)
		append(&s->out, "echo: ", 6);
	else if (s->service == FRAME)
		append(&s->out, &len, sizeof len);
	append(&s->out, message.data, message.len);
	if (s->service == LINE)
		append(&s->out, "\n", 1);
}

/* The modes. */

static void answer_right(struct server *s, struct peer *p, struct text message)
{
	(void)p;
	reply(s, message);
}

static void answer_drop(struct server *s, struct peer *p, struct text message)
{
	if (p->count != FAULTY)
		reply(s, message);
}

static void answer_repeat(struct server *s, struct peer *p, struct text message)
{
	reply(s, message);
	if (p->count == FAULTY)
		reply(s, message);
}

static void answer_swap(struct server *s, struct peer *p, struct text message)
{
	if (p->count == FAULTY) {
		p->kept = copy(message);
		return;
	}
	reply(s, message);
	if (p->kept.data)
		reply(s, p->kept);
	clear(&p->kept);
}

static void answer_change(struct server *s, struct peer *p, struct text message)
{
	if (p->count == FAULTY)
		message.data[message.len / 2] ^= 0x40;
	reply(s, message);
}

static void answer_short(struct server *s, struct peer *p, struct text message)
{
	message.len -= p->count == FAULTY;
	reply(s, message);
}

static void answer_long(struct server *s, struct peer *p, struct text message)
{
	struct text longer = copy(message);

	append(&longer, "!", p->count == FAULTY);
	reply(s, longer);
	clear(&longer);
}

/* What the next message may well look like: the last digit of its sequence number, one higher. */
static void answer_early(struct server *s, struct peer *p, struct text message)
{
	reply(s, message);
	if (p->count != FAULTY)
		return;
	message.data[18]++;
	reply(s, message);
}

static void answer_foreign(struct server *s, struct peer *p, struct text message)
{
	bool foreign = p->count >= FAULTY && s->last_peer && s->last_peer != p;

	reply(s, foreign ? s->last : message);
	clear(&s->last);
	s->last = copy(message);
	s->last_peer = p;
}

static void answer_error(struct server *s, struct peer *p, struct text message)
{
	struct text error = {"error: come back later", 22};
	enum service service = s->service;

	if (p->count < FAULTY) {
		reply(s, message);
		return;
	}
	if (service == FRAME) {
		reply(s, error);
	} else {
		append(&s->out, error.data, error.len);
		append(&s->out, "\n", 1);
	}
	p->over = true;
}

static void answer_half(struct server *s, struct peer *p, struct text message)
{
	reply(s, message);
	if (p->count != FAULTY)
		return;
	s->out.len -= message.len / 2;
	p->over = true;
}

static void answer_eof(struct server *s, struct peer *p, struct text message)
{
	p->over = p->count == FAULTY;
	if (!p->over)
		reply(s, message);
}

static void answer_never(struct server *s, struct peer *p, struct text message)
{
	(void)s;
	(void)p;
	(void)message;
}

/* Reset at once: see accept_one(). */
static void answer_reset(struct server *s, struct peer *p, struct text message)
{
	answer_never(s, p, message);
}

static const struct {
	const char *name;
	void (*answer)(struct server *s, struct peer *p, struct text message);
} modes[] = {
	{"right", answer_right},
	{"drop", answer_drop},
	{"repeat", answer_repeat},
	{"swap", answer_swap},
	{"change", answer_change},
	{"short", answer_short},
	{"long", answer_long},
	{"early", answer_early},
	{"foreign", answer_foreign},
	{"error", answer_error},
	{"half", answer_half},
	{"eof", answer_eof},
	{"silent", answer_never},
	{"reset", answer_reset},
};

/* Reading. */

/* The next message at the beginning of data: its bytes with framing, 0 if it is not all there;
 * *message without. */
static size_t split(const struct server *s, struct text data, struct text *message)
{
	char *newline;
	uint32_t len;

	switch (s->service) {
	case LINE:
		newline = memchr(data.data, '\n', data.len);
		if (!newline)
			return 0;
		*message = (struct text){data.data, (size_t)(newline - data.data)};
		return message->len + 1;
	case FRAME:
		if (data.len < sizeof len)
			return 0;
		memcpy(&len, data.data, sizeof len);
		*message = (struct text){data.data + sizeof len, ntohl(len)};
		return data.len < sizeof len + message->len ? 0 : sizeof len + message->len;
	case ECHO:
		break;
	}
	*message = (struct text){data.data, s->echo_bytes};
	return data.len < s->echo_bytes ? 0 : s->echo_bytes;
}

static void answer_all(struct server *s, struct peer *p, struct text data)
{
	struct text message;
	size_t n;

	while (!p->over && data.len > 0 && (n = split(s, data, &message)) > 0) {
		s->answer(s, p, message);
		p->count++;
		if (++s->received % 50 == 0 && s->received <= SPOKEN_LINES * 50)
			printf("received %u\n", s->received);
		data.data += n;
		data.len -= n;
	}
	struct text rest = {NULL, 0};
	append(&rest, data.data, data.len);
	clear(&p->in);
	p->in = rest;
}

static void send_out(struct server *s, struct peer *p)
{
	for (size_t done = 0; done < s->out.len;) {
		ssize_t n = send(p->fd, s->out.data + done, s->out.len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			p->over = true;
			break;
		}
		done += (size_t)n;
	}
	s->out.len = 0;
}

static void close_peer(struct server *s, struct peer *p)
{
	if (s->last_peer == p)
		s->last_peer = NULL;
	close(p->fd);
	clear(&p->in);
	clear(&p->kept);
}

static void serve(struct server *s, struct peer *p)
{
	static char chunk[CHUNK_BYTES];
	ssize_t n = recv(p->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	struct text data = {chunk, n > 0 ? (size_t)n : 0};

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (p->in.len > 0) {
		append(&p->in, data.data, data.len);
		data = copy(p->in);
		answer_all(s, p, data);
		free(data.data);
	} else {
		answer_all(s, p, data);
	}
	send_out(s, p);
	if (n <= 0 || p->over)
		close_peer(s, p);
}

static void accept_one(struct server *s, int listener, int epoll_fd)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	socklen_t len = sizeof from;
	int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	int on = 1;

	if (fd < 0)
		return;
	if (s->accepted++ < SPOKEN_LINES)
		printf("accepted %s\n", inet_ntoa(from.sin_addr));
	if (s->answer == answer_reset) {
		struct linger linger = {.l_onoff = 1};
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	must(fd < PEERS_MAX, "too many peers");
	peers[fd] = (struct peer){.fd = fd};
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
}

static int listen_anywhere(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
	must(listen(fd, 4096) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
	printf("listening %u\n", (unsigned)ntohs(at.sin_port));
	return fd;
}

static void run(struct server *s)
{
	struct epoll_event events[64];
	int listener = listen_anywhere();
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};

	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev) == 0, "epoll_ctl");
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 64, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener)
				serve(s, &peers[events[i].data.fd]);
			else
				accept_one(s, listener, epoll_fd);
		}
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

int main(int argc, char **argv)
{
	static const char *const services[] = {"line", "frame", "echo"};
	struct server s = {.echo_bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 64};

	/* Whoever waits for a line must not wait for a full buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; argc > 2 && i < 3; i++) {
		if (strcmp(argv[1], services[i]) == 0)
			s.service = (enum service)i;
	}
	for (size_t i = 0; argc > 2 && i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(argv[2], modes[i].name) == 0)
			s.answer = modes[i].answer;
	}
	if (!s.answer) {
		fputs("usage: wrong_server line|frame|echo MODE [BYTES]\n", stderr);
		return 64;
	}
	raise_descriptor_limit();
	run(&s);
}
