/* SPDX-License-Identifier: ISC */
/*
 * line - each line comes back after a prefix.  A last line without its '\n' is answered without one
 * too.  A banner may come before the first reply.
 */
#include "services.h"

#include "server/settings/settings.h"
#include "server/settings/template.h"

#include <string.h>

/* The text of a template for this connection.  Most have no placeholder, and need no room. */
static struct iovec fill_in(
	const char *text, const struct connection *c, char room[TEMPLATE_TEXT_MAX])
{
	char peer[ADDRESS_TEXT_MAX];

	if (template_is_plain(text))
		return (struct iovec){(void *)text, strlen(text)};
	const struct template_values values = {
		.instance = c->instance,
		.id = c->id,
		.peer = address_format(c->peer, peer),
		.listener = c->endpoint->name,
	};
	return (struct iovec){room, template_expand(text, &values, room, TEMPLATE_TEXT_MAX)};
}

/*
 * The banner leaves with the first reply, or before the first wait.  This and answer_by_name() are
 * not inlined: most connections need no room, which would lie in the stack frame of each that waits.
 */
__attribute__((noinline)) static bool greet(struct stream *s, const struct connection *c)
{
	char room[TEMPLATE_TEXT_MAX];
	struct iovec pieces[2] = {fill_in(c->endpoint->banner, c, room), {(void *)"\n", 1}};

	return pieces[0].iov_len == 0 || stream_write_pieces(s, pieces, 2);
}

static void answer(struct stream *s, struct iovec prefix)
{
	struct iovec pieces[2] = {prefix};
	struct stream_message line;

	while (stream_read_line(s, &line)) {
		pieces[1] = (struct iovec){(void *)line.data, line.len + line.end};
		if (!stream_write_pieces(s, pieces, 2))
			return;
	}
}

__attribute__((noinline)) static void answer_by_name(struct stream *s, const struct connection *c)
{
	char room[TEMPLATE_TEXT_MAX];

	answer(s, fill_in(c->endpoint->prefix, c, room));
}

static void serve(struct stream *s, const struct connection *c)
{
	const char *prefix = c->endpoint->prefix;

	if (c->endpoint->banner[0] && !greet(s, c))
		return;
	if (template_is_plain(prefix))
		answer(s, (struct iovec){(void *)prefix, strlen(prefix)});
	else
		answer_by_name(s, c);
}

const struct service line_service = {
	.name = "line",
	.framing = STREAM_LINE,
	.serve = serve,
	.try_before = "echo hello | nc -N",
};
