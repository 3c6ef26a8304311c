/* SPDX-License-Identifier: ISC */
/* scene_client - what the clients of a scene do. */
#include "scene_client.h"

#include "client.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "common/socket.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIP_MS 100

/* One action of one client. */
struct act {
	struct scene *scene;
	struct scene_client *client;
	int fd; /* the client's */
	const struct scene_token *args;
	size_t count;
};

/* Connecting. */

struct dial {
	size_t listener;
	in_port_t port;   /* 0: the listener's */
	const char *at;   /* another host, on the listener's port */
	const char *from; /* a local address */
	int64_t window;
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

static bool takes_a_dial(const struct scene_token *args, size_t count)
{
	struct dial d;

	return read_dial(args, count, &d);
}

/* A socket, or -errno with the failure in *wrong if there is no such listener. */
static int dial(const struct act *a, const char **wrong)
{
	const struct scene_host *host = a->scene->host;
	struct address at;
	struct dial d;

	(void)read_dial(a->args, a->count, &d);
	*wrong = NULL;
	if (!d.port)
		*wrong = host->find(host->context, a->scene->step->server, d.listener, &at);
	if (!*wrong && (d.at || d.port))
		at = client_address(d.at ? d.at : "127.0.0.1", d.port ? d.port : address_port(&at));
	return *wrong ? -ENOENT : client_dial(&at, d.from, (int)d.window);
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

/* The reset may come before the client has seen its handshake through. */
static const char *be_denied(const struct act *a)
{
	const char *wrong;
	int fd = dial(a, &wrong);

	if (fd < 0)
		return fd == -ECONNRESET || wrong ? wrong : strerror(-fd);
	wrong = client_expect_reset(fd);
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

/* Bytes. */

static bool takes_bytes(const struct scene_token *args, size_t count)
{
	bool good = count > 0;

	for (size_t i = 0; i < count; i++)
		good &= args[i].quoted || args[i].text[0] == '$' ||
			scene_token_is(&args[i], "eof") || scene_token_is(&args[i], "reset") ||
			scene_token_is(&args[i], "nothing");
	return good;
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

static const char *send_bytes(const struct act *a)
{
	return transmit(a, client_send);
}

static const char *send_slowly(const struct act *a)
{
	return transmit(a, client_send_slowly);
}

static const char *exchange(const struct act *a)
{
	return transmit(a, client_exchange);
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
		if (t->quoted) {
			wrong = transfer_quoted(a, &i, client_expect);
			continue;
		}
		if (scene_token_is(t, "eof"))
			wrong = client_expect_end(a->fd);
		else if (scene_token_is(t, "reset"))
			wrong = client_expect_reset(a->fd);
		else if (scene_token_is(t, "nothing"))
			wrong = client_expect_nothing(a->fd);
		else
			wrong = learn(a, t->text + 1);
		i++;
	}
	return wrong;
}

/* Whole manners. */

static bool takes_nothing(const struct scene_token *args, size_t count)
{
	(void)args;
	return count == 0;
}

static bool takes_a_prefix(const struct scene_token *args, size_t count)
{
	return count == 0 || (count == 1 && args->quoted);
}

static bool takes_a_size(const struct scene_token *args, size_t count)
{
	int64_t size;

	return count > 0 && count <= 2 &&
		(scene_token_is(args, "end") || quantity_parse_size(args->text, &size) == 0) &&
		(count == 1 || scene_token_is(&args[1], "slowly"));
}

static const char *talk(const struct act *a)
{
	char reply[600];
	int len = snprintf(reply, sizeof reply, "%shello\n", a->count ? a->args->text : "echo: ");
	const char *wrong = client_send(a->fd, "hello\n", strlen("hello\n"));

	return wrong ? wrong : client_expect(a->fd, reply, (size_t)len);
}

static const char *chat(const struct act *a)
{
	char got[4096];
	ssize_t n;

	do {
		const char *wrong = client_send(a->fd, "again\n", strlen("again\n"));
		if (wrong)
			return wrong;
		n = recv(a->fd, got, sizeof got, 0);
	} while (n > 0);
	return n < 0 ? strerror(errno) : NULL;
}

/* Frames without end, and never a look at a reply. */
static const char *stuff(const struct act *a)
{
	static const char frame[4 + 65536] = "\0\1\0\0";

	while (send(a->fd, frame, sizeof frame, MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static const char *read_much(const struct act *a)
{
	int64_t least = -1;
	size_t read = strtoul(a->scene->read, NULL, 10);

	(void)quantity_parse_size(a->args->text, &least);
	const char *wrong =
		client_read(a->fd, least < 0 ? SIZE_MAX : (size_t)least, a->count > 1, &read);
	snprintf(a->scene->read, sizeof a->scene->read, "%zu", read);
	return wrong;
}

static const char *await_acknowledged(const struct act *a)
{
	return client_await_acknowledged(a->fd);
}

/* Without reading, so that the reply which is on its way stays there. */
static const char *await_cut(const struct act *a)
{
	struct pollfd p = {.fd = a->fd};

	return poll(&p, 1, CLIENT_PATIENCE_NS / NS_PER_MS) == 1 ? NULL
								: "the connection is not cut";
}

/* A reset that came after the end of the stream shows here only. */
static const char *check_error(const struct act *a)
{
	int error = -1;
	socklen_t len = sizeof error;

	getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0 ? NULL : strerror(error);
}

static const char *begin_flood(const struct act *a)
{
	a->client->flood = client_flood_begin(a->fd);
	return NULL;
}

void scene_client_close(struct scene_client *c)
{
	client_flood_end(c->flood);
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

/* All of them at once: a byte each now and then, until something comes. */
static void drip(struct scene_client **group, size_t members)
{
	struct pollfd *fds = calloc(members, sizeof *fds);
	size_t left = members;

	if (!fds)
		abort();
	for (size_t i = 0; i < members; i++)
		fds[i] = (struct pollfd){.fd = group[i]->fd, .events = POLLIN};
	while (left > 0) {
		left = 0;
		for (size_t i = 0; i < members; i++) {
			if (fds[i].revents)
				fds[i].fd = -1;
			if (fds[i].fd >= 0)
				left += send(fds[i].fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 0;
		}
		if (left > 0)
			(void)poll(fds, members, DRIP_MS);
	}
	free(fds);
}

static const struct action {
	const char *name;
	bool (*takes)(const struct scene_token *args, size_t count);
	const char *(*play)(const struct act *a); /* NULL: drip() */
	bool unconnected;                         /* it wants no connection before */
} actions[] = {
	{">", takes_bytes, send_bytes, false},
	{">>", takes_bytes, send_slowly, false},
	{"<", takes_bytes, receive, false},
	{"<>", takes_bytes, exchange, false},
	{"dials", takes_a_dial, connect_client, true},
	{"denied", takes_a_dial, be_denied, true},
	{"refused", takes_a_dial, be_refused, true},
	{"talks", takes_a_prefix, talk, false},
	{"chats", takes_nothing, chat, false},
	{"drips", takes_nothing, NULL, false},
	{"stuffs", takes_nothing, stuff, false},
	{"floods", takes_nothing, begin_flood, false},
	{"reads", takes_a_size, read_much, false},
	{"acknowledged", takes_nothing, await_acknowledged, false},
	{"cut", takes_nothing, await_cut, false},
	{"unharmed", takes_nothing, check_error, false},
	{"closes", takes_nothing, close_client, true},
	{"resets", takes_nothing, reset_client, false},
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
		if (!action->takes(t + 1, count_arguments(t, end)))
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

/* "c", or "c*COUNT" for c1, c2 and so on. */
static struct scene_client **get_group(struct scene *s, const char *name, size_t *members)
{
	const char *star = strchr(name, '*');
	char member[SCENE_NAME_MAX];

	*members = star ? strtoul(star + 1, NULL, 10) : 1;
	struct scene_client **group = calloc(*members + 1, sizeof(struct scene_client *));
	if (!group)
		abort();
	for (size_t i = 0; i < *members; i++) {
		snprintf(member, sizeof member, "%.*s%.0zu", (int)strcspn(name, "*"), name,
			star ? i + 1 : 0);
		group[i] = get_client(s, member);
	}
	return group;
}

static const char *act(struct act *a, const struct action *action)
{
	const char *wrong = NULL;

	if (!action->unconnected && a->client->fd < 0)
		wrong = connect_client(&(struct act){.scene = a->scene, .client = a->client});
	a->fd = a->client->fd;
	return wrong || !action->play ? wrong : action->play(a);
}

const char *scene_client_play(struct scene *s, const struct scene_token *tokens, size_t count)
{
	const struct scene_token *end = tokens + count;
	size_t members;
	struct scene_client **group = get_group(s, tokens->text, &members);
	const char *wrong = NULL;

	for (const struct scene_token *t = tokens + 1; t < end && !wrong;
		t += 1 + count_arguments(t, end)) {
		const struct action *action = find_action(t);
		struct act a = {.scene = s, .args = t + 1, .count = count_arguments(t, end)};
		for (size_t i = 0; i < members && !wrong; i++) {
			a.client = group[i];
			wrong = act(&a, action);
		}
		if (!wrong && !action->play)
			drip(group, members);
		if (wrong && members > 1)
			wrong = scene_wrong("%s: %s", a.client->name, wrong);
	}
	free(group);
	return wrong;
}
