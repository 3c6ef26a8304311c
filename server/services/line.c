/* SPDX-License-Identifier: ISC */
/*
 * line - each line comes back behind a prefix.  A last line without its '\n' is answered without
 * one too.  Before the first one there may be a banner.
 */
#include "services.h"

#include "server/settings.h"
#include "server/template.h"

#include <string.h>

/* The text of a template for this connection.  Most have no placeholder, and cost nothing. */
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

/* It leaves with the first reply, or when the client is waited for. */
static bool greet(struct stream *s, const struct connection *c)
{
	char room[TEMPLATE_TEXT_MAX];
	struct iovec pieces[2] = {fill_in(c->endpoint->banner, c, room), {(void *)"\n", 1}};

	return pieces[0].iov_len == 0 || stream_write_pieces(s, pieces, 2);
}

static void serve(struct stream *s, const struct connection *c)
{
	char room[TEMPLATE_TEXT_MAX];
	struct iovec pieces[2] = {fill_in(c->endpoint->prefix, c, room)};
	struct stream_message line;

	if (!greet(s, c))
		return;
	while (stream_read_line(s, &line)) {
		pieces[1] = (struct iovec){(void *)line.data, line.len + line.end};
		if (!stream_write_pieces(s, pieces, 2))
			return;
	}
}

const struct service line_service = {
	.name = "line",
	.framing = STREAM_LINE,
	.serve = serve,
	.try_before = "echo hello | nc -N",
};
