/* SPDX-License-Identifier: ISC */
/* scene_client - what the clients of a scene do, each with one end of a conversation. */
#include "scene_inside.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "common/socket.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than any machine stands still: no wait of a client lasts longer. */
#define PATIENCE_MS 60000

/* How many bytes of either side a message shows. */
#define SHOWN 80

/* One action of one client. */
struct act {
	struct scene *scene;
	struct scene_client *client;
	int fd; /* the client's */
	const struct scene_token *args;
	size_t count;
};

char *scene_escape(const void *data, size_t len, char text[SCENE_ESCAPED_MAX])
{
	static const char raw[] = "\n\r\t\"\\";
	static const char names[] = "nrt\"\\";
	const unsigned char *byte = data;
	size_t at = 0;
	size_t i = 0;

	text[at++] = '"';
	for (; i < len && at + 10 < SCENE_ESCAPED_MAX; i++) {
		const char *name = byte[i] ? strchr(raw, byte[i]) : NULL;
		const char *form = name                  ? "\\%c"
			: byte[i] < ' ' || byte[i] > '~' ? "\\x%02x"
							 : "%c";
		at += (size_t)sprintf(text + at, form, name ? names[name - raw] : byte[i]);
	}
	snprintf(text + at, SCENE_ESCAPED_MAX - at, "%s", i < len ? "\"..." : "\"");
	return text;
}

static const char *ending(ssize_t n)
{
	return n == 0 ? "the end of the stream" : strerror(errno);
}

/* Connecting. */

struct address scene_address(const char *host, in_port_t port)
{
	struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};

	if (strchr(host, ':')) {
		a = (struct address){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
		(void)inet_pton(AF_INET6, host, &a.in6.sin6_addr);
	} else {
		(void)inet_pton(AF_INET, host, &a.in4.sin_addr);
	}
	return a;
}

struct dial {
	size_t listener;
	in_port_t port;   /* 0: the listener's */
	const char *at;   /* another host, on the listener's port */
	const char *from; /* a local address */
	int64_t window;   /* the receive buffer; 0: as it is */
};

static bool read_dial(const struct scene_token *args, size_t count, struct dial *d)
{
	*d = (struct dial){.listener = 1};
	for (size_t i = 0; i < count; i++) {
		bool more = i + 1 < count;
		if (scene_token_is(&args[i], "from") && more)
			d->from = args[++i].text;
		else if (scene_token_is(&args[i], "port") && more)
			d->port = (in_port_t)atoi(args[++i].text);
		else if (scene_token_is(&args[i], "at") && more)
			d->at = args[++i].text;
		else if (scene_token_is(&args[i], "window") && more &&
			quantity_parse_size(args[i + 1].text, &d->window) == 0)
			i++;
		else if (isdigit((unsigned char)args[i].text[0]))
			d->listener = strtoul(args[i].text, NULL, 10);
		else
			return false;
	}
	return true;
}

static int connect_socket(int fd, const struct address *to, const struct dial *d)
{
	const int one = 1;
	const int window = (int)d->window;

	socket_set_timeout(fd, SO_RCVTIMEO, PATIENCE_MS);
	socket_set_timeout(fd, SO_SNDTIMEO, PATIENCE_MS);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (window)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
	if (d->from) {
		struct address source = scene_address(d->from, 0);
		if (bind(fd, &source.any, address_size(&source)) < 0)
			return -errno;
	}
	return connect(fd, &to->any, address_size(to)) < 0 ? -errno : 0;
}

/* A socket, or -errno with the failure in *wrong if there is no such listener. */
static int dial(const struct act *a, const char **wrong)
{
	const struct scene_host *host = a->scene->host;
	struct address at;
	struct dial d;

	(void)read_dial(a->args, a->count, &d);
	*wrong = d.port ? NULL : host->find(host->context, a->scene->step->server, d.listener, &at);
	if (*wrong)
		return -ENOENT;
	if (d.at || d.port)
		at = scene_address(d.at ? d.at : "127.0.0.1", d.port ? d.port : address_port(&at));
	if (address_is_wildcard(&at))
		at = scene_address(
			d.from && strchr(d.from, ':') ? "::1" : "127.0.0.1", address_port(&at));
	int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : connect_socket(fd, &at, &d);
	if (rc < 0 && fd >= 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

static const char *connect_client(const struct act *a)
{
	struct address own;
	const char *wrong;
	int fd = dial(a, &wrong);

	if (fd < 0)
		return wrong ? wrong : strerror(-fd);
	if (socket_local_address(fd, &own) == 0)
		address_format(&own, a->client->address);
	a->client->fd = fd;
	return NULL;
}

/* Bytes. */

static const char *send_all(int fd, const void *data, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			return scene_wrong(
				"%zu of %zu bytes were sent: %s", sent, len, strerror(errno));
		sent += (size_t)n;
	}
	return NULL;
}

static const char *await_acknowledged(const struct act *a)
{
	int64_t deadline = deadline_after(PATIENCE_MS * NS_PER_MS);

	/* The kernel tells of it only when asked; poll() yields the core between two questions. */
	while (socket_untaken(a->fd) > 0 && deadline_now() < deadline)
		poll(NULL, 0, 1);
	int64_t left = socket_untaken(a->fd);
	return left == 0 ? NULL : scene_wrong("%lld bytes were not acknowledged", (long long)left);
}

static const char *send_slowly(int fd, const void *data, size_t len)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < len && !wrong; i++) {
		wrong = send_all(fd, (const char *)data + i, 1);
		wrong = wrong ? wrong : await_acknowledged(&(struct act){.fd = fd});
	}
	return wrong;
}

static const char *differ(const char *got, const char *wanted, size_t len, size_t before)
{
	char shown[2][SCENE_ESCAPED_MAX];
	size_t at = 0;

	while (got[at] == wanted[at])
		at++;
	size_t from = at < SHOWN / 2 ? 0 : at - SHOWN / 2;
	size_t show = len - from < SHOWN ? len - from : SHOWN;
	return scene_wrong("%s came, instead of %s: byte %zu is another",
		scene_escape(got + from, show, shown[0]),
		scene_escape(wanted + from, show, shown[1]), before + at + 1);
}

static const char *expect(int fd, const void *data, size_t len)
{
	char got[65536];
	char shown[SCENE_ESCAPED_MAX];

	for (size_t done = 0; done < len;) {
		const char *wanted = (const char *)data + done;
		size_t left = len - done;
		ssize_t n = recv(fd, got, left < sizeof got ? left : sizeof got, 0);
		if (n <= 0)
			return scene_wrong("%s came after %zu bytes, instead of %s", ending(n),
				done, scene_escape(wanted, left < SHOWN ? left : SHOWN, shown));
		if (memcmp(got, wanted, (size_t)n) != 0)
			return differ(got, wanted, (size_t)n, done);
		done += (size_t)n;
	}
	return NULL;
}

enum event {
	END,
	RESET, /* after any bytes */
	NOTHING,
};

static const char *expect_event(int fd, enum event wanted)
{
	static const char *const names[] = {"the end of the stream", "a reset", "nothing"};
	char bytes[SHOWN];
	char shown[SCENE_ESCAPED_MAX];
	ssize_t n;

	do {
		n = recv(fd, bytes, sizeof bytes, wanted == NOTHING ? MSG_DONTWAIT : 0);
	} while (n > 0 && wanted == RESET);
	if (wanted == END ? n == 0 : n < 0 && errno == (wanted == RESET ? ECONNRESET : EAGAIN))
		return NULL;
	return scene_wrong("%s came, instead of %s",
		n > 0 ? scene_escape(bytes, (size_t)n, shown) : ending(n), names[wanted]);
}

/* The reset may come before the client has seen its handshake through. */
static const char *be_denied(const struct act *a)
{
	const char *wrong;
	int fd = dial(a, &wrong);

	if (fd < 0)
		return fd == -ECONNRESET || wrong ? wrong : strerror(-fd);
	wrong = expect_event(fd, RESET);
	close(fd);
	return wrong;
}

static const char *be_refused(const struct act *a)
{
	const char *wrong;
	int fd = dial(a, &wrong);

	if (fd < 0)
		return fd == -ECONNREFUSED || wrong ? wrong : strerror(-fd);
	close(fd);
	return "it was connected";
}

/* The bytes in quotes that come next from *i on, the caller's to free; *i is moved past them. */
static struct scene_token assemble(const struct act *a, size_t *i)
{
	struct scene_token all = {.text = calloc(1, 1)};

	for (; *i < a->count && a->args[*i].quoted && !a->args[*i].urgent; ++*i) {
		const struct scene_token *t = &a->args[*i];
		size_t len = t->len * (size_t)t->times;
		uint32_t header = htonl((uint32_t)len);
		all.text = realloc(all.text, all.len + sizeof header + len + 1);
		if (!all.text)
			abort();
		if (t->frame) {
			memcpy(all.text + all.len, &header, sizeof header);
			all.len += sizeof header;
		}
		for (long n = 0; n < t->times; n++, all.len += t->len)
			memcpy(all.text + all.len, t->text, t->len);
	}
	return all;
}

typedef const char *transfer(int fd, const void *data, size_t len);

static const char *transfer_quoted(const struct act *a, size_t *i, transfer *transfer)
{
	struct scene_token bytes = assemble(a, i);
	const char *wrong = transfer(a->fd, bytes.text, bytes.len);

	free(bytes.text);
	return wrong;
}

static const char *transmit(const struct act *a, transfer *transfer)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < a->count && !wrong;) {
		const struct scene_token *t = &a->args[i];
		if (t->quoted && !t->urgent) {
			wrong = transfer_quoted(a, &i, transfer);
			continue;
		}
		int rc = t->urgent ? (int)send(a->fd, t->text, t->len, MSG_OOB | MSG_NOSIGNAL)
				   : shutdown(a->fd, SHUT_WR);
		wrong = rc < 0 ? strerror(errno) : NULL;
		i++;
	}
	return wrong;
}

static const char *transmit_at_once(const struct act *a)
{
	return transmit(a, send_all);
}

static const char *transmit_slowly(const struct act *a)
{
	return transmit(a, send_slowly);
}

/* The name gets what comes up to a blank or the end of a line. */
static const char *learn(const struct act *a, const char *name)
{
	struct scene_found *f = calloc(1, sizeof *f);
	char byte;

	if (!f)
		abort();
	f->next = a->scene->found;
	a->scene->found = f;
	snprintf(f->name, sizeof f->name, "%s", name);
	for (size_t len = 0; len + 1 < sizeof f->text; len++) {
		if (recv(a->fd, &byte, 1, MSG_PEEK) != 1 || isspace((unsigned char)byte))
			return len > 0 ? NULL : "nothing came for the name";
		(void)!recv(a->fd, &f->text[len], 1, 0);
	}
	return "what came for the name is too long";
}

static const char *receive(const struct act *a)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < a->count && !wrong;) {
		const struct scene_token *t = &a->args[i];
		if (t->quoted)
			wrong = transfer_quoted(a, &i, expect);
		else if (t->text[0] == '$')
			wrong = learn(a, a->args[i++].text + 1);
		else
			wrong = expect_event(a->fd,
				scene_token_is(&a->args[i++], "eof") ? END
					: scene_token_is(t, "reset") ? RESET
								     : NOTHING);
	}
	return wrong;
}

/* Whole manners. */

static const char *talk(const struct act *a)
{
	char reply[600];
	int len = snprintf(reply, sizeof reply, "%shello\n", a->count ? a->args->text : "echo: ");
	const char *wrong = send_all(a->fd, "hello\n", strlen("hello\n"));

	return wrong ? wrong : expect(a->fd, reply, (size_t)len);
}

static const char *chat(const struct act *a)
{
	char got[4096];
	ssize_t n;

	do {
		const char *wrong = send_all(a->fd, "again\n", strlen("again\n"));
		if (wrong)
			return wrong;
		n = recv(a->fd, got, sizeof got, 0);
	} while (n > 0);
	return n < 0 ? strerror(errno) : NULL;
}

/* SIZE, or "end"; slowly: 16 KiB each millisecond. */
static const char *read_much(const struct act *a)
{
	char bytes[65536];
	bool slowly = a->count > 1;
	int64_t least = INT64_MAX;
	size_t before = strtoul(a->scene->read, NULL, 10);
	ssize_t n = 1;
	int64_t all = 0;

	(void)quantity_parse_size(a->args->text, &least);
	for (; all < least && n > 0; all += n) {
		n = recv(a->fd, bytes, slowly ? 16384 : sizeof bytes, 0);
		if (n < 0 || (n == 0 && least != INT64_MAX))
			return scene_wrong("%s came after %lld bytes", ending(n), (long long)all);
		if (slowly)
			poll(NULL, 0, 1);
	}
	snprintf(a->scene->read, sizeof a->scene->read, "%zu", before + (size_t)all);
	return NULL;
}

/* A reset that came after the end of the stream shows here only. */
static const char *check_error(const struct act *a)
{
	int error = -1;
	socklen_t len = sizeof error;

	getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0 ? NULL : strerror(error);
}

/* A thread that sends until the client closes, or the server no longer takes it. */
struct scene_flood {
	int fd;
	size_t size; /* of what is sent at a time */
	int pause_ms;
	atomic_bool enough;
	pthread_t thread;
};

static void *flood(void *arg)
{
	struct scene_flood *f = arg;
	char lines[1 << 16];

	for (size_t i = 0; i < sizeof lines; i++)
		lines[i] = i % 8 == 7 ? '\n' : 'x';
	while (!atomic_load(&f->enough) && send(f->fd, lines, f->size, MSG_NOSIGNAL) > 0)
		poll(&(struct pollfd){.fd = f->fd}, f->pause_ms > 0, f->pause_ms);
	return NULL;
}

static const char *begin_flood(const struct act *a, size_t size, int pause_ms)
{
	struct scene_flood *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->fd = a->fd;
	f->size = size;
	f->pause_ms = pause_ms;
	a->client->flood = f;
	return pthread_create(&f->thread, NULL, flood, f) == 0 ? NULL : "it has no thread";
}

static const char *flood_lines(const struct act *a)
{
	return begin_flood(a, 1 << 16, 0);
}

static const char *drip(const struct act *a)
{
	return begin_flood(a, 1, 100);
}

void scene_client_close(struct scene_client *c)
{
	if (c->flood) {
		atomic_store(&c->flood->enough, true);
		shutdown(c->fd, SHUT_RDWR);
		pthread_join(c->flood->thread, NULL);
		free(c->flood);
	}
	c->flood = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static const char *close_client(const struct act *a)
{
	scene_client_close(a->client);
	return NULL;
}

static const char *reset_client(const struct act *a)
{
	socket_reset_on_close(a->fd);
	return close_client(a);
}

/* What an action takes as its arguments. */
enum takes {
	NONE,
	BYTES,
	DIAL,
	PREFIX,
	SIZE,
};

static bool are_bytes(const struct scene_token *args, size_t count)
{
	bool good = count > 0;

	for (size_t i = 0; i < count; i++)
		good &= args[i].quoted || args[i].text[0] == '$' ||
			scene_token_is(&args[i], "eof") || scene_token_is(&args[i], "reset") ||
			scene_token_is(&args[i], "nothing");
	return good;
}

static bool fits(enum takes takes, const struct scene_token *args, size_t count)
{
	int64_t size;
	struct dial d;

	switch (takes) {
	case BYTES:
		return are_bytes(args, count);
	case DIAL:
		return read_dial(args, count, &d);
	case PREFIX:
		return count == 0 || (count == 1 && args->quoted);
	case SIZE:
		return count > 0 &&
			(scene_token_is(args, "end") ||
				quantity_parse_size(args->text, &size) == 0) &&
			(count == 1 || (count == 2 && scene_token_is(&args[1], "slowly")));
	default:
		return count == 0;
	}
}

static const struct action {
	const char *name;
	enum takes takes;
	bool connected; /* it wants a connection before */
	const char *(*play)(const struct act *a);
} actions[] = {
	{">", BYTES, true, transmit_at_once},
	{">>", BYTES, true, transmit_slowly},
	{"<", BYTES, true, receive},
	{"dials", DIAL, false, connect_client},
	{"denied", DIAL, false, be_denied},
	{"refused", DIAL, false, be_refused},
	{"talks", PREFIX, true, talk},
	{"chats", NONE, true, chat},
	{"drips", NONE, true, drip},
	{"floods", NONE, true, flood_lines},
	{"reads", SIZE, true, read_much},
	{"acknowledged", NONE, true, await_acknowledged},
	{"unharmed", NONE, true, check_error},
	{"closes", NONE, false, close_client},
	{"resets", NONE, true, reset_client},
};

static const struct action *find_action(const struct scene_token *t)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (scene_token_is(t, actions[i].name))
			return &actions[i];
	}
	return NULL;
}

/* How many arguments the action at the token has: they end with the step or at the next action. */
static size_t count_arguments(const struct scene_token *t, const struct scene_token *end)
{
	size_t count = 0;

	for (t++; t < end && !find_action(t); t++)
		count++;
	return count;
}

const char *scene_client_check(const struct scene_token *tokens, size_t count)
{
	const struct scene_token *end = tokens + count;

	if (count < 2 || tokens->quoted || !islower((unsigned char)tokens->text[0]))
		return scene_wrong("there is no word \"%s\"", tokens->text);
	for (const struct scene_token *t = tokens + 1; t < end; t += 1 + count_arguments(t, end)) {
		const struct action *action = find_action(t);
		if (!action)
			return scene_wrong("there is no word \"%s\", and no client does \"%s\"",
				tokens->text, t->text);
		if (!fits(action->takes, t + 1, count_arguments(t, end)))
			return scene_wrong("what follows \"%s\" is not for it", action->name);
	}
	return NULL;
}

/* Playing. */

struct scene_client *scene_client_find(const struct scene *s, const char *name)
{
	struct scene_client *c = s->clients;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

static struct scene_client *get_client(struct scene *s, const char *name)
{
	struct scene_client *c = scene_client_find(s, name);

	if (c)
		return c;
	c = calloc(1, sizeof *c);
	if (!c)
		abort();
	snprintf(c->name, sizeof c->name, "%s", name);
	c->fd = -1;
	c->next = s->clients;
	s->clients = c;
	return c;
}

static const char *act(struct act *a, const struct action *action)
{
	const char *wrong = NULL;

	if (action->connected && a->client->fd < 0)
		wrong = connect_client(&(struct act){.scene = a->scene, .client = a->client});
	a->fd = a->client->fd;
	return wrong ? wrong : action->play(a);
}

/* "c", or "c*COUNT" for c1, c2 and so on. */
const char *scene_client_play(struct scene *s, const struct scene_token *tokens, size_t count)
{
	const struct scene_token *end = tokens + count;
	const char *star = strchr(tokens->text, '*');
	unsigned long members = star ? strtoul(star + 1, NULL, 10) : 1;
	char name[SCENE_NAME_MAX];
	const char *wrong = NULL;

	for (const struct scene_token *t = tokens + 1; t < end && !wrong;
		t += 1 + count_arguments(t, end)) {
		struct act a = {.scene = s, .args = t + 1, .count = count_arguments(t, end)};
		for (unsigned long i = 1; i <= members && !wrong; i++) {
			snprintf(name, sizeof name, "%.*s%.0lu", (int)strcspn(tokens->text, "*"),
				tokens->text, star ? i : 0);
			a.client = get_client(s, name);
			wrong = act(&a, find_action(t));
		}
		if (wrong && star)
			wrong = scene_wrong("%s: %s", name, wrong);
	}
	return wrong;
}
